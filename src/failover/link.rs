//! One TCP connection to a peer: messages out of octets, what it has been asked for, the clock of the other side.

use super::message::{self, Fault};
use crate::clock::Now;
use crate::octets::{Octets, Put, Result};
use smallvec::SmallVec;

/// Seconds to get CONNECT or CONNECTACK.
pub const STARTUP_SECONDS: u64 = 15;
/// Seconds to hear whether the other side sends CONNECT, where both could.
pub const UNDECIDED_SECONDS: u64 = 1;
/// Clocks may differ by so many seconds at CONNECT.
pub const CLOCK_TOLERANCE: i64 = 60;

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Asked for; not there yet.
    Opening,
    /// There; CONNECT or CONNECTACK is missing.
    Waiting {
        /// Monotonic microseconds.
        until: u64,
        /// When CONNECT is sent at the latest, though the other side might send it.
        connect_at: Option<u64>,
    },
    Established,
}

/// See the module.
#[derive(Debug)]
pub struct Link {
    pub stage: Stage,
    /// Relationships that it may be for, the likeliest first; CONNECT decides.
    pub candidates: SmallVec<[usize; 2]>,
    pub accepted: bool,
    /// The next message of our own gets this number.
    pub xid: u32,
    /// The beginning of a message whose rest has not come.
    pub unread: Vec<u8>,
    /// The other side said with CONNECT that it is of our kind.
    pub is_our_kind: bool,
    pub(super) skew: Skew,
}

impl Link {
    pub fn new(stage: Stage, candidates: SmallVec<[usize; 2]>, accepted: bool) -> Self {
        Link {
            stage,
            candidates,
            accepted,
            xid: 0,
            unread: Vec::new(),
            is_our_kind: false,
            skew: Skew::default(),
        }
    }

    pub fn relationship(&self) -> Option<usize> {
        self.candidates.first().copied()
    }

    pub fn next_xid(&mut self) -> u32 {
        let xid = self.xid;
        self.xid = self.xid.wrapping_add(1);
        xid
    }

    /// The number of a binding update, which is never 0.
    pub fn next_update_xid(&mut self) -> u32 {
        self.xid = self.xid.max(1);
        self.next_xid()
    }

    /// Takes note of the time in a header.
    pub fn hear(&mut self, time: u32, now: Now) {
        self.skew.hear(i64::from(time) - now.wall, now.mono);
    }

    /// Seconds that the other side's clock is ahead of ours; 0 when they agree.
    pub fn skew(&self) -> i64 {
        self.skew.seconds()
    }

    pub fn deadline(&self) -> Option<u64> {
        match self.stage {
            Stage::Waiting { until, connect_at } => Some(connect_at.map_or(until, |at| at.min(until))),
            _ => None,
        }
    }
}

/// The next whole message at the start of `octets`: its length. None: it has not come whole.
pub fn next_message(octets: &[u8]) -> std::result::Result<Option<usize>, Fault> {
    Ok(message::length(octets)?.filter(|length| octets.len() >= *length))
}

/// How far the other side's clock is ahead. A message only ever comes late, so of several the highest difference is the
/// best; two windows, so that a clock that is set back is noticed.
#[derive(Debug, Default)]
pub(super) struct Skew {
    before: Option<i64>,
    now: Option<i64>,
    since: u64,
}

/// Microseconds of a window.
const WINDOW: u64 = 60_000_000;
/// Seconds; more than two servers of a pair may be apart.
const SET: i64 = 60;
/// Less is rounding and the way.
const NEGLIGIBLE: i64 = 1;

impl Skew {
    pub(super) fn export(&self, out: &mut Vec<u8>) {
        out.option(self.before, Vec::i64);
        out.option(self.now, Vec::i64);
        out.u64(self.since);
    }

    pub(super) fn import(&mut self, octets: &mut Octets<'_>, moved: &dyn Fn(u64) -> u64) -> Result<()> {
        self.before = octets.option(Octets::i64)?;
        self.now = octets.option(Octets::i64)?;
        self.since = moved(octets.u64()?);
        Ok(())
    }

    fn hear(&mut self, difference: i64, mono: u64) {
        let known = self.before.into_iter().chain(self.now).max();
        if known.is_some_and(|known| known - difference > SET) {
            // No message is so late: a clock was set.
            *self = Skew { before: None, now: None, since: mono };
        }
        if mono.saturating_sub(self.since) > WINDOW {
            self.before = self.now.take();
            self.since = mono;
        }
        self.now = Some(self.now.map_or(difference, |known| known.max(difference)));
    }

    fn seconds(&self) -> i64 {
        let skew = self.before.into_iter().chain(self.now).max().unwrap_or(0);
        if skew.abs() <= NEGLIGIBLE { 0 } else { skew }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(wall: i64, mono: u64) -> Now {
        Now { wall, mono }
    }

    #[test]
    fn the_clock_of_the_other_side() {
        let mut link = Link::new(Stage::Opening, SmallVec::new(), false);
        link.hear(1001, at(1000, 0));
        assert_eq!(link.skew(), 0);
        link.hear(1040, at(1000, 0));
        // One that came late says less.
        link.hear(1040, at(1010, 10_000_000));
        assert_eq!(link.skew(), 40);
        link.hear(1100, at(1100, 100_000_000));
        assert_eq!(link.skew(), 40);
        link.hear(1200, at(1200, 200_000_000));
        assert_eq!(link.skew(), 0);
    }

    #[test]
    fn numbers_of_messages() {
        let mut link = Link::new(Stage::Opening, SmallVec::new(), false);
        assert_eq!(link.next_update_xid(), 1);
        assert_eq!(link.next_xid(), 2);
        let mut link = Link::new(Stage::Opening, SmallVec::new(), false);
        assert_eq!([link.next_xid(), link.next_xid(), link.next_update_xid()], [0, 1, 2]);
    }
}
