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
        // A clock before 1970 reads as 1970.
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64);
        Now { wall, mono: self.start.elapsed().as_micros() as u64 }
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
    last: Option<Now>,
}

impl Watch {
    /// By how many seconds the wall clock was set since the last call: forward, or back (negative).
    pub fn moved(&mut self, now: Now) -> Option<Wall> {
        let last = self.last.replace(now)?;
        let passed = (now.mono.saturating_sub(last.mono) / 1_000_000) as Wall;
        let moved = now.wall - last.wall - passed;
        (moved.abs() > APART + passed / SLEW).then_some(moved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_is_seen_and_one_that_is_slow_is_not() {
        let mut watch = Watch::default();
        let mut at = |wall, seconds: u64| watch.moved(Now { wall, mono: seconds * 1_000_000 + 999_999 });
        assert_eq!(at(1_000, 0), None);
        assert_eq!(at(1_001, 2), None);
        assert_eq!(at(4_602, 3), Some(3_600));
        assert_eq!(at(1_003, 4), Some(-3_600));
        // A night without a packet.
        assert_eq!(at(37_020, 36_004), None);
    }
}
