//! Somebody has set the wall clock. A client counts the seconds of its lease and knows nothing of that clock, so a lease that
//! would end early by the new time keeps what was left of it: else its address could be another client's meanwhile.

use super::effect::{Effect, Effects};
use super::{Server, message, rewrite};
use crate::clock::Now;

impl Server {
    /// By so many seconds, forward or (negative) back. Back, leases last longer than they were given for, which harms nobody.
    pub(super) fn clock_set(&mut self, now: Now, seconds: i64, out: &mut Effects) {
        self.rewritten_at += seconds;
        let running =
            if seconds > 0 { self.engine.store.prolong(now.wall - seconds, now.wall, seconds) } else { 0 };
        if running > 0 {
            // All of them anew and at once, as if the hour were over.
            self.rewritten_at = now.wall - rewrite::INTERVAL - 1;
            self.written_since = true;
        }
        out.list.push(Effect::Log(message::clock_set(seconds, running)));
    }
}
