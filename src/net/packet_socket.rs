//! A packet socket on one interface: frames in, frames out.

use super::interface::{self, Hardware};
use super::message::{self, Refusal};
use super::system::{self, Frames};
use super::{filter, udp};
use crate::log::Line;
use crate::wire::frame::{Tally, decode_ethernet, decode_ip};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsFd, BorrowedFd};

/// How many datagrams one [`PacketSocket::receive`] gives at most.
pub const BATCH: usize = system::BATCH;

/// Room for bursts: ISC with the default buffer answers 8 % of 2,000 simultaneous DISCOVERs.
const RECEIVE_BUFFER: usize = 16 << 20;

#[derive(Debug)]
pub struct PacketSocket {
    socket: Socket,
    pub name: String,
    pub hardware: Hardware,
}

/// A DHCP payload and what its headers said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received<'a> {
    pub link_source: &'a [u8],
    pub source: SocketAddrV4,
    pub destination: Ipv4Addr,
    pub payload: &'a [u8],
}

impl PacketSocket {
    /// Opens it for datagrams to this UDP port. The filter is in place before the first frame can arrive.
    pub fn open(name: &str, port: u16) -> Result<PacketSocket, Refusal> {
        let refusal = message::packet_socket;
        // No protocol yet: an unbound packet socket would receive from all interfaces.
        let socket = Socket::new(Domain::PACKET, Type::RAW.nonblocking().cloexec(), Some(Protocol::from(0)))
            .map_err(|e| refusal(message::OPEN, &e))?;
        socket.attach_filter(&filter::server_port(port)).map_err(|e| refusal(message::FILTER, &e))?;
        let index = nix::net::if_::if_nametoindex(name)
            .map_err(|e| Refusal::new(format!("{}: {}", message::INDEX, message::reason(&e.into()))))?;
        system::want_auxiliary(socket.as_fd())
            .map_err(|e| Refusal::new(format!("{}: {}", message::AUXILIARY, message::reason(&e))))?;
        system::bind_link(socket.as_fd(), index).map_err(|e| refusal(message::BIND, &e))?;
        udp::receive_buffer(&socket, RECEIVE_BUFFER);
        let hardware = interface::hardware(name)?;
        Ok(PacketSocket { socket, name: name.to_owned(), hardware })
    }

    /// Fills the batch with what has arrived, at most `at_most` frames, without waiting.
    pub fn receive(&self, batch: &mut Batch, at_most: usize) -> io::Result<()> {
        batch.count = 0;
        batch.count = system::receive(self.socket.as_fd(), &mut batch.frames, at_most)?;
        Ok(())
    }

    pub(super) fn send(&self, messages: &[system::Message<'_>]) -> io::Result<usize> {
        system::send(self.socket.as_fd(), messages)
    }
}

impl AsFd for PacketSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Memory for frames, reused by all sockets; and the count of bad ones, which ISC too keeps for all together.
pub struct Batch {
    frames: Frames,
    count: usize,
    tally: Tally,
}

impl Default for Batch {
    fn default() -> Self {
        Batch { frames: Frames::new(), count: 0, tally: Tally::default() }
    }
}

impl Batch {
    pub fn count(&self) -> usize {
        self.count
    }

    /// The datagram in one frame; none when it is damaged or not for this interface. Damage is said now and then.
    pub fn datagram(&mut self, at: usize, say: &mut dyn FnMut(Line)) -> Option<Received<'_>> {
        let arrival = *self.frames.arrivals.get(at)?;
        // Of a tagged frame the VLAN's own interface gives a copy without tag.
        if arrival.vlan & 0x0fff != 0 {
            return None;
        }
        let (link_source, packet) = decode_ethernet(self.frames.get(at))?;
        let result = decode_ip(packet, !arrival.checksum_missing);
        if let Some(line) = self.tally.note(&result) {
            say(line);
        }
        let datagram = result.ok()?;
        Some(Received {
            link_source,
            source: datagram.source,
            destination: *datagram.destination.ip(),
            payload: datagram.payload,
        })
    }
}

#[cfg(test)]
mod tests;
