//! One queue of a pool: bindings by time, and among equal times in the order ISC keeps them.

use super::tree::Tree;
use crate::clock::Wall;

/// A binding's number in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BindingId(pub(super) u32);

/// Which queue of its pool a binding is on, in the order in which a rewrite and the pool timer visit them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Free,
    Active,
    /// Expired, released and reset.
    Expired,
    Abandoned,
    Backup,
    /// Free or backup, and reserved.
    Reserved,
}

impl Kind {
    pub const ALL: [Kind; 6] =
        [Kind::Free, Kind::Active, Kind::Expired, Kind::Abandoned, Kind::Backup, Kind::Reserved];
}

/// Rank among equal times. New arrivals go in front (rule 3.4), so it counts down from the middle.
pub(super) type Tie = u32;

const MIDDLE: Tie = 0x8000_0000;

/// Times fit 32 bits in any file ISC wrote; others are sorted as the nearest that does.
fn key(time: Wall) -> u32 {
    u32::try_from(time.max(0)).unwrap_or(u32::MAX)
}

/// Where a binding stands on a queue.
pub(super) type Place = ((u32, Tie), BindingId);

/// The place of the `n`th of the bindings that are queued from a file, each in front of its equals.
pub(super) fn loaded(time: Wall, n: usize, id: BindingId) -> Place {
    ((key(time), Tie::MAX - 1 - Tie::try_from(n).unwrap_or(MIDDLE).min(MIDDLE)), id)
}

fn joined(time: u32, tie: Tie) -> u64 {
    u64::from(time) << 32 | u64::from(tie)
}

#[derive(Debug, Default)]
pub struct Queue {
    /// By time and tie.
    by_time: Tree,
}

impl Queue {
    pub fn len(&self) -> usize {
        self.by_time.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_time.is_empty()
    }

    /// The earliest.
    pub fn first(&self) -> Option<BindingId> {
        self.by_time.first().map(BindingId)
    }

    pub fn iter(&self) -> impl Iterator<Item = BindingId> + '_ {
        self.by_time.iter().map(|(_, id)| BindingId(id))
    }

    /// From a time on.
    pub(super) fn iter_from(&self, time: Wall) -> impl Iterator<Item = BindingId> + '_ {
        self.by_time.iter_from(joined(key(time), 0)).map(|(_, id)| BindingId(id))
    }

    /// Everything at once, in order.
    pub(super) fn fill(&mut self, places: impl ExactSizeIterator<Item = Place>) {
        self.by_time.fill(places.map(|((time, tie), id)| (joined(time, tie), id.0)));
    }

    /// Puts it before all of the same time; gives the tie to be kept for [`Queue::remove`]. When the ties of one time
    /// are used up (two thousand million arrivals), the newest shares the front with nobody and goes to the back.
    pub(super) fn insert(&mut self, time: Wall, id: BindingId) -> Tie {
        let time = key(time);
        let mut place = self.by_time.find(joined(time, 0));
        let first = self.by_time.at(&place).filter(|(key, _)| (key >> 32) as u32 == time);
        let tie = match first.map(|(key, _)| key as Tie) {
            None => MIDDLE,
            Some(0) => {
                let tie = self.after_last(time);
                place = self.by_time.find(joined(time, tie));
                tie
            }
            Some(tie) => tie - 1,
        };
        self.by_time.insert(place, joined(time, tie), id.0);
        tie
    }

    fn after_last(&self, time: u32) -> Tie {
        let last = self.by_time.before(&self.by_time.find(joined(time, Tie::MAX)));
        last.map_or(MIDDLE, |(key, _)| (key as Tie).saturating_add(1))
    }

    /// Where it was before.
    pub(super) fn put_back(&mut self, time: Wall, tie: Tie, id: BindingId) {
        let key = joined(key(time), tie);
        let place = self.by_time.find(key);
        self.by_time.insert(place, key, id.0);
    }

    pub(super) fn remove(&mut self, time: Wall, tie: Tie) -> Option<BindingId> {
        self.by_time.remove(joined(key(time), tie)).map(BindingId)
    }

    /// The next one after a place in the queue; for walks that are interrupted.
    pub(super) fn after(&self, time: Wall, tie: Tie) -> Option<BindingId> {
        let next = joined(key(time), tie).checked_add(1)?;
        self.by_time.at(&self.by_time.find(next)).map(|(_, id)| BindingId(id))
    }
}
