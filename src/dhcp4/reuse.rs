//! `dhcp-cache-threshold` (section 7): a lease that is young enough is given once more as it is, and nothing is written.

use super::Engine;
use super::lease_time::Times;
use super::message;
use super::parameter;
use super::work::{Answering, Work};
use crate::lease::binding::{Binding, State};
use crate::lease::queue::BindingId;

const DEFAULT_PERCENT: u32 = 25;
/// Seconds by which two servers of a pair may differ.
const CLOCKS_APART: i64 = 60;

impl Engine {
    /// When it is, `times` gets the end of the old lease. `same_client` is also what the ping check wants to know.
    pub(super) fn is_reusable(
        &mut self,
        work: &mut Work<'_, '_>,
        id: BindingId,
        proposed: &Binding,
        times: &mut Times,
        same_client: &mut bool,
    ) -> bool {
        let old = self.store.get(id);
        *same_client =
            old.uid == proposed.uid && old.hardware == proposed.hardware && work.host == work.grant.host;
        let (starts, ends, address) = (old.starts, old.ends, old.address);
        let may = *same_client && old.state == State::Active && !self.cannot_reuse.contains(&id);
        let mut reusable = false;
        if may {
            let percent = work.machine(self).number_set(parameter::CACHE_THRESHOLD, 1);
            let percent = percent.filter(|percent| *percent < 100).unwrap_or(DEFAULT_PERCENT);
            let length = ends - starts;
            let limit = match length <= i64::from(i32::MAX) / i64::from(percent.max(1)) {
                true => length * i64::from(percent) / 100,
                false => length / 100 * i64::from(percent),
            };
            let age = proposed.starts - starts;
            // A lease that begins well after now is one of a clock that was wrong. ISC takes it for a young one.
            if percent > 0 && age <= limit && age >= -CLOCKS_APART {
                times.expiry = ends;
                work.outcome.say(message::reuse(age, percent, address));
                reusable = true;
            }
        }
        // Nor is what is kept for longer than the client was told now.
        let is_held = proposed.ends > times.expiry;
        match !reusable && (work.grant.offer == Answering::Offer || is_held) {
            true => self.cannot_reuse.insert(id),
            false => self.cannot_reuse.remove(&id),
        };
        reusable
    }
}
