//! Both clocks, and whether somebody has set the one on the wall.

use crate::clock::{Now, Wall};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Wall clock, and microseconds since the loop was made.
pub struct Clock {
    start: Instant,
}

impl Clock {
    pub fn new() -> Clock {
        Clock { start: Instant::now() }
    }

    pub fn now(&self) -> Now {
        self.reading().0
    }

    /// The time, and by how many microseconds the wall clock is ahead of the loop's own.
    pub(super) fn reading(&self) -> (Now, i64) {
        // A clock before 1970 reads as 1970.
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mono = self.start.elapsed().as_micros() as u64;
        (Now { wall: wall.as_secs() as Wall, mono }, wall.as_micros() as i64 - mono as i64)
    }

    pub(super) fn instant(&self, mono: u64) -> Instant {
        self.start + Duration::from_micros(mono)
    }
}

/// Seconds that the clocks may part at once, and one of so many in the long run: a clock that is being corrected runs up
/// to 0.05 % fast or slow.
const APART: Wall = 5;
const SLEW: Wall = 1_000;

/// Compares one reading with the one before.
#[derive(Default)]
pub(super) struct Watch {
    /// Monotonic microseconds, and by how many the wall clock was ahead.
    last: Option<(u64, i64)>,
}

impl Watch {
    /// By how many seconds the wall clock was set since the last call: forward, or back (negative).
    pub fn moved(&mut self, mono: u64, ahead: i64) -> Option<Wall> {
        let (before, was_ahead) = self.last.replace((mono, ahead))?;
        let passed = (mono.saturating_sub(before) / 1_000_000) as Wall;
        // To the nearest second: both clocks are read, one after the other.
        let moved = (ahead - was_ahead + 500_000).div_euclid(1_000_000);
        (moved.abs() > APART + passed / SLEW).then_some(moved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_is_seen_and_one_that_is_slow_is_not() {
        let mut watch = Watch::default();
        let mut at = |wall: i64, mono: i64| watch.moved(mono as u64, wall - mono);
        assert_eq!(at(1_000_000_000, 0), None);
        assert_eq!(at(1_001_000_000, 2_000_000), None);
        // Each clock is read at another part of its second.
        assert_eq!(at(4_602_700_020, 3_700_000), Some(3_600));
        assert_eq!(at(1_003_100_000, 4_100_000), Some(-3_600));
        // A night without a packet.
        assert_eq!(at(37_020_000_000, 36_004_000_000), None);
    }
}
