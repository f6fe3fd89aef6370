//! Sharing the free addresses of a pool between the two servers (PROTOCOL section 11).

use super::relationship::Parameters;
use super::state::Role;
use crate::clock::Wall;
use crate::lease::pool::Counts;

/// What a run of balancing goes by. Counts of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Addresses to send; negative: to get.
    pub to_send: i64,
    /// Beyond it a pool counts as not balanced.
    pub threshold: i64,
    /// So many more than its share a server may hold for the sake of clients that come back.
    pub hold: i64,
    /// Below it the peer is asked to act.
    pub panic: i64,
}

fn percent(total: i64, percent: u32) -> i64 {
    total.saturating_mul(i64::from(percent)).saturating_add(50) / 100
}

impl Plan {
    pub fn new(role: Role, counts: &Counts, parameters: &Parameters) -> Plan {
        let (free, backup) = (counts.free as i64, counts.backup as i64);
        let to_send = match role {
            Role::Primary => (free - backup) / 2,
            Role::Secondary => (backup - free) / 2,
        };
        let threshold = percent(free + backup, parameters.max_lease_misbalance);
        let hold = percent(free + backup, parameters.max_lease_ownership);
        let panic = if threshold == 0 { -1 } else { threshold.saturating_mul(-2) };
        Plan { to_send, threshold, hold, panic }
    }

    /// In the first pass leases go to the peer whose last clients it would answer.
    pub fn first_pass_goes_on(&self) -> bool {
        self.to_send > -self.hold
    }

    /// In the second pass the oldest go; never-used ones down to an even share.
    pub fn second_pass_goes_on(&self, used: bool) -> bool {
        self.to_send > if used { self.hold } else { 0 }
    }
}

/// Whether the secondary holds no more than its share, so that a client's lease may go to it.
pub fn secondary_may_get(counts: &Counts, parameters: &Parameters) -> bool {
    Plan::new(Role::Primary, counts, parameters).first_pass_goes_on()
}

/// When balancing should run next. `first_free`, `first_backup`: `ends` of the first of the two queues; `balanced_at`: of
/// the last run, 0 for none.
pub fn next_run(
    role: Role,
    parameters: &Parameters,
    first_free: Option<Wall>,
    first_backup: Option<Wall>,
    balanced_at: Wall,
    now: Wall,
) -> Wall {
    let age = |ends: Option<Wall>| ends.map_or(0, |ends| (now - ends).max(0));
    let estimate = |age: Wall| percent(age, parameters.max_lease_misbalance);
    let (mut free, mut backup) = (estimate(age(first_free)), estimate(age(first_backup)));
    match role {
        Role::Primary => free *= 2,
        Role::Secondary => backup *= 2,
    }
    let next = now + free.min(backup).min(Wall::from(parameters.max_balance));
    match balanced_at {
        0 => next,
        last => next.max(last + Wall::from(parameters.min_balance)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters() -> Parameters {
        Parameters {
            max_response_delay: 12,
            max_unacked_updates: 100,
            load_balance_max_seconds: 3,
            auto_partner_down: 0,
            max_lease_misbalance: 15,
            max_lease_ownership: 10,
            min_balance: 60,
            max_balance: 3600,
        }
    }

    fn counts(free: u64, backup: u64) -> Counts {
        Counts { total: 20, free, backup, active: 0, abandoned: 0 }
    }

    #[test]
    fn the_first_balance_of_the_recordings() {
        // b1: total 20, free 20, backup 0: lts 10, max-own 2, max-misbal 3.
        let plan = Plan::new(Role::Primary, &counts(20, 0), &parameters());
        assert_eq!(plan, Plan { to_send: 10, threshold: 3, hold: 2, panic: -6 });
        assert_eq!(Plan::new(Role::Secondary, &counts(20, 0), &parameters()).to_send, -10);
        assert_eq!(Plan::new(Role::Primary, &counts(1, 0), &parameters()).panic, -1);
    }

    #[test]
    fn the_schedule_of_the_recordings() {
        let p = parameters();
        // Never-used addresses at the head of both: an hour.
        assert_eq!(next_run(Role::Primary, &p, Some(0), Some(0), 1_000_000, 1_000_010), 1_003_610);
        // One queue empty: the least time after the last run.
        assert_eq!(next_run(Role::Secondary, &p, Some(0), None, 1_000_000, 1_000_010), 1_000_060);
        assert_eq!(next_run(Role::Primary, &p, Some(999_910), Some(0), 0, 1_000_010), 1_000_010 + 30);
    }
}
