//! Sharing free addresses at work (PROTOCOL section 11).

use super::Peers;
use crate::failover::balance::Plan;
use crate::failover::log::{self, Balance};
use crate::failover::message::{Kind, code};
use crate::failover::state::State;
use crate::lease::pool::PoolNumber;
use crate::lease::queue::{BindingId, Kind as Queue};
use crate::lease::store::Candidate;
use crate::transition::peer;

impl Peers<'_> {
    pub(super) fn scheduled_balance(&mut self, index: usize) {
        let (moved, panic) = self.balance(index, true);
        if moved > 0 {
            self.send_updates(index);
        }
        if panic {
            self.engine.failover.send(index, Kind::PoolRequest, None, 0, |_| {});
        }
    }

    pub(super) fn pool_request(&mut self, index: usize, xid: u32) {
        let (moved, _) = self.balance(index, false);
        let sequence = self.engine.journal.sequence();
        self.engine.failover.send(index, Kind::PoolResponse, Some(xid), sequence, |writer| {
            writer.put_word(code::ADDRESSES_TRANSFERRED, moved);
        });
        if moved > 0 {
            return self.send_updates(index);
        }
        let name = self.name(index);
        self.say(log::answering_negatively(&name));
    }

    /// Gives addresses to the peer; how many, and whether a pool has so few that the peer is to be asked (on the schedule
    /// only).
    pub(super) fn balance(&mut self, index: usize, scheduled: bool) -> (u32, bool) {
        let now = self.now;
        let Some(relationship) = self.relationship(index) else { return (0, false) };
        relationship.timers.balance = None;
        if relationship.my != State::Normal {
            return (0, false);
        }
        relationship.balanced_at = now.wall;
        let mut moved = 0;
        let mut panic = false;
        // ISC's list of networks begins with the newest.
        let of_pool = self.engine.failover.pools_of(index);
        let order = self.engine.store.rewrite_order();
        for pool in order.into_iter().filter(|pool| of_pool.contains(pool)) {
            panic |= self.balance_pool(index, pool, scheduled, &mut moved);
        }
        (moved, panic)
    }

    fn balance_pool(&mut self, index: usize, pool: PoolNumber, scheduled: bool, moved: &mut u32) -> bool {
        let Some(relationship) = self.engine.failover.relationships.get(index) else { return false };
        let (role, parameters) = (relationship.role, relationship.parameters.clone());
        let counts = self.engine.store.counts(pool);
        let mut plan = Plan::new(role, &counts, &parameters);
        let panic = scheduled && plan.to_send < plan.panic;
        let network = self.network_name(pool);
        let balance = |counts: crate::lease::pool::Counts, to_send| Balance {
            pool: pool.0 + 1,
            network: &network,
            total: counts.total,
            free: counts.free,
            backup: counts.backup,
            to_send,
        };
        self.say(log::balancing(&balance(counts, plan.to_send), plan.hold, panic));
        let own =
            if role.own_free() == crate::lease::binding::State::Free { Queue::Free } else { Queue::Backup };
        self.first_pass(index, pool, own, &mut plan, moved);
        self.second_pass(index, pool, own, &mut plan, moved);
        let counts = self.engine.store.counts(pool);
        self.say(log::balanced(&balance(counts, plan.to_send), plan.threshold));
        peer::schedule_balance(&mut self.engine.store, pool, index, &mut self.engine.failover);
        panic
    }

    fn network_name(&self, pool: PoolNumber) -> String {
        let config = &self.engine.config;
        let pool = config.pools.get(pool.0 as usize);
        pool.map_or_else(String::new, |pool| config.network(pool.network).name.to_string())
    }

    /// Leases whose last clients the peer would answer.
    fn first_pass(&mut self, index: usize, pool: PoolNumber, own: Queue, plan: &mut Plan, moved: &mut u32) {
        if !plan.first_pass_goes_on() {
            return;
        }
        for id in self.engine.store.queue(pool, own) {
            if !plan.first_pass_goes_on() {
                return;
            }
            let binding = self.engine.store.get(id);
            let relationship = self.engine.failover.relationships.get(index);
            let wanted = relationship.is_some_and(|relationship| relationship.peer_wants(binding));
            if wanted && binding.ends <= self.now.wall {
                self.give(index, id, plan, moved);
            }
        }
    }

    /// The oldest ones.
    fn second_pass(&mut self, index: usize, pool: PoolNumber, own: Queue, plan: &mut Plan, moved: &mut u32) {
        while let Some(first) = self.engine.store.first(pool, own) {
            let ends = self.engine.store.ends_of(first);
            if !plan.second_pass_goes_on(ends != 0) || ends > self.now.wall {
                return;
            }
            let id = match first {
                Candidate::Known(id) => Some(id),
                Candidate::Fresh(address) => self.engine.store.materialise(address),
            };
            let Some(id) = id else { return };
            self.give(index, id, plan, moved);
        }
    }

    fn give(&mut self, index: usize, id: BindingId, plan: &mut Plan, moved: &mut u32) {
        let Some(role) = self.relationship(index).map(|relationship| relationship.role) else { return };
        plan.to_send -= 1;
        *moved += 1;
        let now = self.now.wall;
        let (store, mut around) = self.engine.without_packet(now);
        peer::give_away(store, id, role.peers_free(), &mut around);
    }

    /// The peer is normal: when do its pools want balancing?
    pub(super) fn check_pools(&mut self, index: usize) {
        for pool in self.engine.failover.pools_of(index) {
            peer::schedule_balance(&mut self.engine.store, pool, index, &mut self.engine.failover);
        }
    }
}
