//! Packet sockets on one interface: frames in, frames out.
//!
//! DISCOVERs have a socket of their own, read after the other. When more comes in than can be served, what the kernel then
//! drops are DISCOVERs: a REQUEST ends an exchange whose first half is paid for, a renewal keeps a client on its address.

use super::filter::Share;
use super::inlet::Inlet;
use super::interface::{self, Hardware};
use super::message::Refusal;
use super::system::{self, Frames};
use crate::log::Line;
use crate::wire::frame::{Tally, decode_ethernet, decode_ip};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::BorrowedFd;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How many datagrams one reading gives at most.
pub const BATCH: usize = system::BATCH;

/// Of them so many may be DISCOVERs however many others wait: nobody waits for ever.
const DISCOVERS: usize = BATCH / 8;

/// When more waits than can be served, a DISCOVER that has waited longer is left out: its client has asked again, or is about
/// to, and an offer would come too late or twice.
const STALE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub struct PacketSocket {
    rest: Inlet,
    discovers: Inlet,
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
    /// Opens it for datagrams to this UDP port.
    pub fn open(name: &str, port: u16) -> Result<PacketSocket, Refusal> {
        let rest = Inlet::open(name, port, Share::Rest)?;
        let discovers = Inlet::open(name, port, Share::Discovers)?;
        let hardware = interface::hardware(name)?;
        Ok(PacketSocket { rest, discovers, name: name.to_owned(), hardware })
    }

    /// What has to be watched: everything but DISCOVERs, DISCOVERs.
    pub fn descriptors(&self) -> [BorrowedFd<'_>; 2] {
        [self.rest.as_fd(), self.discovers.as_fd()]
    }

    /// Adds what has arrived, DISCOVERs aside, to an empty batch, at most `at_most` frames, without waiting. Whether that was
    /// all.
    pub fn receive(&self, batch: &mut Batch, at_most: usize) -> io::Result<bool> {
        let count = self.rest.receive(&mut batch.frames, 0, at_most)?;
        batch.order.extend(0..count);
        batch.full = count >= at_most;
        Ok(!batch.full)
    }

    /// Adds the DISCOVERs that have arrived to a batch of at most `at_most`. Whether that was all.
    pub fn receive_discovers(&self, batch: &mut Batch, at_most: usize) -> io::Result<bool> {
        let from = batch.order.len();
        let at_most = at_most.saturating_sub(from).max(DISCOVERS.min(at_most));
        let count = self.discovers.receive(&mut batch.frames, from, at_most)?;
        batch.order.extend(from..from + count);
        batch.discovers = count;
        let all = count < at_most;
        batch.full |= !all;
        batch.arrange(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default());
        Ok(all)
    }

    pub(super) fn send(&self, messages: &[system::Message<'_>]) -> io::Result<usize> {
        system::send(self.rest.as_fd(), messages)
    }
}

/// Memory for frames, reused by all sockets; and the count of bad ones, which ISC too keeps for all together.
pub struct Batch {
    frames: Frames,
    /// Frames in the order in which they are served.
    order: Vec<usize>,
    /// The last so many are DISCOVERs.
    discovers: usize,
    /// More is waiting.
    full: bool,
    tally: Tally,
}

impl Default for Batch {
    fn default() -> Self {
        let frames = Frames::new(BATCH + DISCOVERS);
        Batch { frames, order: Vec::new(), discovers: 0, full: false, tally: Tally::default() }
    }
}

impl Batch {
    pub fn count(&self) -> usize {
        self.order.len()
    }

    /// Forgets the frames, keeps the memory.
    pub fn clear(&mut self) {
        self.order.clear();
        self.discovers = 0;
        self.full = false;
    }

    /// All that waited is served as it came. Of more than that DISCOVERs come last, of each transaction one, and none that has
    /// waited too long at this time.
    fn arrange(&mut self, now: Duration) {
        let Batch { frames, order, discovers, full, .. } = self;
        if !*full {
            order.sort_by_key(|&at| frames.arrivals.get(at).and_then(|arrival| arrival.at));
            return;
        }
        let begin = order.len().saturating_sub(*discovers);
        let mut seen: Vec<Option<(&[u8], &[u8])>> = Vec::with_capacity(*discovers);
        let mut kept = begin;
        for place in begin..order.len() {
            let Some(&at) = order.get(place) else { break };
            let transaction = transaction_of(frames.get(at));
            let arrived = frames.arrivals.get(at).and_then(|arrival| arrival.at).unwrap_or(now);
            if now.saturating_sub(arrived) > STALE || (transaction.is_some() && seen.contains(&transaction)) {
                continue;
            }
            seen.push(transaction);
            order.swap(kept, place);
            kept += 1;
        }
        order.truncate(kept);
    }

    /// The datagram in one frame; none when it is damaged or not for this interface. Damage is said now and then.
    pub fn datagram(&mut self, at: usize, say: &mut dyn FnMut(Line)) -> Option<Received<'_>> {
        let at = *self.order.get(at)?;
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

/// `xid` and `chaddr` of a frame that has passed the filter; `secs` differs between repeats.
fn transaction_of(frame: &[u8]) -> Option<(&[u8], &[u8])> {
    let header = usize::from(frame.get(14)? & 0x0f) * 4;
    let bootp = frame.get(14 + header + 8..)?;
    Some((bootp.get(4..8)?, bootp.get(28..44)?))
}

#[cfg(test)]
mod tests;
