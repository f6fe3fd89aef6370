//! How long a lease lasts (section 6).

use super::Engine;
use super::message;
use super::parameter::{self, dhcp};
use super::work::{Answering, Work};
use crate::clock::{NEVER, Wall};
use crate::config::model::PoolId;
use crate::failover::lease_time;
use crate::failover::sabotage::Rule;
use crate::lease::pool::PoolNumber;
use crate::option::definition::OptionId;

/// ISC's INFINITE_TIME.
const INFINITE: i64 = 0xffff_ffff;
const DEFAULT: i64 = 43_200;
const MAXIMUM: i64 = 86_400;
const MINIMUM: i64 = 300;

#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// When the lease ends; what the client is told is the difference to now.
    pub expiry: Wall,
    /// Where a failover peer shares the address: what it will be told as `tstp`.
    pub potential: Option<Wall>,
    /// `infinite-is-reserved` was met.
    pub reserve: bool,
}

impl Engine {
    /// None: the pool is closed, which is answered with a NAK (rule 6.4).
    pub(super) fn lease_times(&mut self, work: &mut Work<'_, '_>) -> Option<Times> {
        if work.grant.offer == Answering::Bootp {
            return Some(self.bootp_times(work));
        }
        let (mut time, reserve) = self.wish(work);
        let mut machine = work.machine(self);
        let most = machine.number_set(parameter::MAX_LEASE_TIME, 4).map_or(MAXIMUM, i64::from);
        let least = machine.number_set(parameter::MIN_LEASE_TIME, 4).map_or(MINIMUM.min(most), i64::from);
        time = time.min(most);
        if let Some(pool) = work.place.pool {
            time = self.adapted(work, pool, time, least);
            if work.grant.offer == Answering::Ack {
                self.check_threshold(work, pool);
            }
            let (now, pool) = (work.client.now, work.client.config.pool(pool));
            if pool.valid_from != 0 && now < pool.valid_from {
                return None;
            }
            if pool.valid_until != 0 {
                if now >= pool.valid_until {
                    return None;
                }
                time = time.min(pool.valid_until - now);
            }
        }
        // ISC has a word for a least time of 0, which no time is below.
        let time = time.max(least);
        let now = work.client.now;
        let (time, potential) = self.shared_time(work, time);
        let expiry = match time {
            INFINITE => NEVER,
            time if now + time >= INFINITE => NEVER - 1,
            time => now + time,
        };
        Some(Times { expiry, potential, reserve })
    }

    /// What a failover peer allows of the time, and until when it is to be told that the client may have the address.
    fn shared_time(&self, work: &Work<'_, '_>, time: i64) -> (i64, Option<Wall>) {
        let pool = work.place.pool.map(|pool| PoolNumber(pool.0));
        let Some(relationship) = pool.and_then(|pool| self.failover.of_pool(pool)) else {
            return (time, None);
        };
        let (now, binding) = (work.client.now, &work.current.binding);
        let granted = match self.failover.sabotage.breaks(Rule::LeadTime) {
            true => time,
            false => lease_time::granted(
                time,
                now,
                relationship.known(work.current.id, binding),
                i64::from(relationship.mclt),
            ),
        };
        let potential = match work.grant.offer {
            Answering::Ack => lease_time::potential_expiry(time, granted, now),
            _ => binding.tstp,
        };
        (granted, Some(potential))
    }

    /// What the client wishes, else the default; and whether the wish makes a reservation.
    fn wish(&mut self, work: &mut Work<'_, '_>) -> (i64, bool) {
        let wish = work.client.packet.option(OptionId::dhcp(dhcp::LEASE_TIME));
        let wish = wish.and_then(|value| Some(u32::from_be_bytes((*value).try_into().ok()?)));
        let Some(wish) = wish else {
            let default = work.machine(self).number_set(parameter::DEFAULT_LEASE_TIME, 4);
            return (default.map_or(DEFAULT, i64::from), false);
        };
        let reserve = wish == u32::MAX && work.machine(self).is_on(parameter::INFINITE_IS_RESERVED, false);
        if reserve {
            let line = message::infinite_reservation(work.current.binding.address);
            work.outcome.say(line);
        }
        (i64::from(wish), reserve)
    }

    /// Rule 6.3.
    fn adapted(&mut self, work: &mut Work<'_, '_>, pool: PoolId, time: i64, least: i64) -> i64 {
        let threshold = work.machine(self).number_set(parameter::ADAPTIVE_LEASE_TIME_THRESHOLD, 1);
        let Some(threshold @ 1..100) = threshold else { return time };
        let left = work.current.binding.ends - work.client.now;
        let shortest = if least == 0 { MINIMUM } else { least };
        let adaptive = shortest.max(left);
        let counts = self.store.counts(PoolNumber(pool.0));
        let used = counts.total.saturating_sub(counts.free + counts.backup);
        let fill = (used * 100).checked_div(counts.total).unwrap_or(0);
        work.outcome.say(message::adaptive(counts.total, counts.free, left, adaptive, fill, threshold));
        if fill >= u64::from(threshold) && time > adaptive {
            work.outcome.say(message::over_adaptive(work.current.binding.address, time, adaptive));
            return adaptive;
        }
        time
    }

    /// `log-threshold-high` and `log-threshold-low`.
    fn check_threshold(&mut self, work: &mut Work<'_, '_>, pool: PoolId) {
        let counts = self.store.counts(PoolNumber(pool.0));
        let used = counts.total.saturating_sub(counts.free + counts.backup);
        let config = work.client.config;
        let network = config.network(config.pool(pool).network).name.clone();
        let address = work.current.binding.address;
        if let Some(low) = self.over_threshold.get(&pool.0) {
            if used <= *low {
                self.over_threshold.remove(&pool.0);
                work.outcome.say(message::threshold_reset(&network, address, used, counts.total));
            }
            return;
        }
        let Some(high @ 1..=100) = work.machine(self).number_set(parameter::LOG_THRESHOLD_HIGH, 1) else {
            return;
        };
        if used < counts.total * u64::from(high) / 100 {
            return;
        }
        work.outcome.say(message::threshold_exceeded(&network, address, i64::from(high), used, counts.total));
        let low = work
            .machine(self)
            .number_set(parameter::LOG_THRESHOLD_LOW, 1)
            .filter(|low| *low <= 100)
            .unwrap_or(0);
        if low < high {
            self.over_threshold.insert(pool.0, counts.total * u64::from(low) / 100);
        }
    }

    /// Rule 6.9.
    fn bootp_times(&mut self, work: &mut Work<'_, '_>) -> Times {
        let now = work.client.now;
        let mut machine = work.machine(self);
        let length = machine.number_set(parameter::BOOTP_LEASE_LENGTH, 4).map_or(NEVER - now, i64::from);
        let length =
            machine.number_set(parameter::BOOTP_LEASE_CUTOFF, 4).map_or(length, |end| i64::from(end) - now);
        Times { expiry: now + length, potential: None, reserve: false }
    }
}
