//! One packet socket of an interface, and how much may wait in it.
//!
//! A queue that is never empty only makes everybody wait, until clients have given up before their turn comes. So when what is
//! read has waited too long the queue is made shorter, down to a burst, and the kernel drops what does not fit; when it runs
//! empty it grows again.

use super::filter::{self, Share};
use super::message::{self, Refusal};
use super::system::{self, Frames};
use super::udp;
use socket2::{Domain, Protocol, Socket, Type};
use std::cell::Cell;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Room for bursts: ISC with the default buffer answers 8 % of 2,000 simultaneous DISCOVERs.
const MOST: usize = 16 << 20;
/// Some hundred frames.
const LEAST: usize = 256 << 10;

/// A frame that has waited longer has waited too long. Clients ask again after two seconds or more.
const LATE: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub(super) struct Inlet {
    socket: Socket,
    /// Octets of the receive buffer.
    room: Cell<usize>,
    changed: Cell<Instant>,
}

impl Inlet {
    /// Opens it for its share of the datagrams to this UDP port. The filter is in place before the first frame can arrive.
    pub(super) fn open(name: &str, port: u16, share: Share) -> Result<Inlet, Refusal> {
        let refusal = message::packet_socket;
        // No protocol yet: an unbound packet socket would receive from all interfaces.
        let socket = Socket::new(Domain::PACKET, Type::RAW.nonblocking().cloexec(), Some(Protocol::from(0)))
            .map_err(|e| refusal(message::OPEN, &e))?;
        socket.attach_filter(&filter::server_port(port, share)).map_err(|e| refusal(message::FILTER, &e))?;
        let index = nix::net::if_::if_nametoindex(name)
            .map_err(|e| Refusal::new(format!("{}: {}", message::INDEX, message::reason(&e.into()))))?;
        system::want_auxiliary(socket.as_fd())
            .map_err(|e| Refusal::new(format!("{}: {}", message::AUXILIARY, message::reason(&e))))?;
        // Without times nothing is ever late.
        let _ = system::want_arrival_times(socket.as_fd());
        system::bind_link(socket.as_fd(), index).map_err(|e| refusal(message::BIND, &e))?;
        udp::receive_buffer(&socket, MOST);
        Ok(Inlet { socket, room: Cell::new(MOST), changed: Cell::new(Instant::now()) })
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// What has arrived, at most `at_most` frames, into the places from `from` on. Gives how many.
    pub(super) fn receive(&self, frames: &mut Frames, from: usize, at_most: usize) -> io::Result<usize> {
        let count = system::receive(self.as_fd(), frames, from, at_most)?;
        let oldest = frames.arrivals.get(from).filter(|_| count > 0).and_then(|arrival| arrival.at);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let waited = oldest.map_or(Duration::ZERO, |at| now.saturating_sub(at));
        let room = self.room.get();
        // A change shows only when what waits has been read.
        if self.changed.get().elapsed() > LATE {
            if waited > LATE {
                self.give((room / 2).max(LEAST));
            } else if count < at_most && room < MOST {
                self.give((room * 2).min(MOST));
            }
        }
        Ok(count)
    }

    fn give(&self, room: usize) {
        if room != self.room.replace(room) {
            udp::receive_buffer(&self.socket, room);
        }
        self.changed.set(Instant::now());
    }
}
