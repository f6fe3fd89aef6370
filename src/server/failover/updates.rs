//! Binding updates both ways, their acknowledgements, and requests for them (PROTOCOL sections 4 and 5).

use super::Peers;
use crate::failover::log;
use crate::failover::message::{Kind, Message, reason, reason_text};
use crate::failover::relationship::{ACK_SECONDS, Pending, Relationship};
use crate::failover::state::{Role, State as Mine};
use crate::failover::update::{self, Refusal};
use crate::lease::binding::State;
use crate::lease::queue::{BindingId, Kind as Queue};
use crate::lease::store::RewriteWalk;
use crate::log::text_of;
use crate::transition::peer;
use std::net::Ipv4Addr;

/// Seconds after which an update that the peer refused is offered again.
const REFUSED_SECONDS: u64 = 60;
/// Updates of the peer that may wait for their acknowledgement beyond what it was told.
const TOLERATED: usize = 1000;

fn refusal(reason: u8, text: &str) -> Refusal {
    Refusal { reason, text: text.into() }
}

/// Leases that a peer is told of again at one go.
const TOLD_AT_ONCE: usize = 64;
/// Addresses of a pool beyond which those never used are not told one by one: both servers know them for free, and
/// there may be millions.
const FEW: u64 = 4096;

/// Seconds that a lease must still last to be told of again.
const TELLABLE: i64 = 10;

impl Peers<'_> {
    pub(super) fn send_updates(&mut self, index: usize) {
        self.tell_more(index);
        let now = self.now.wall;
        let (store, mut around) = self.engine.without_packet(now);
        peer::send_updates(store, index, &mut around);
    }

    pub(super) fn acknowledge(&mut self, index: usize) {
        let now = self.now.wall;
        let (_, mut around) = self.engine.without_packet(now);
        peer::acknowledge(index, &mut around);
    }

    /// A binding update of the peer.
    pub(super) fn binding_update(&mut self, index: usize, message: &Message<'_>) {
        let address = message.assigned_address.unwrap_or(Ipv4Addr::UNSPECIFIED);
        if let Err(refusal) = self.try_update(index, address, message) {
            self.engine.failover.refuse(index, address, message.xid, &refusal);
            if message.binding_status == Some(State::Expired as u8) {
                self.tell_of_lease(index, address);
            }
        }
    }

    /// The peer takes a lease for over that was renewed here: it hears of it once more.
    fn tell_of_lease(&mut self, index: usize, address: Ipv4Addr) {
        let now = self.now.wall;
        let Some(id) = self.engine.store.by_address(address) else { return };
        let binding = self.engine.store.get(id);
        // What would be told must last for the peer too, or it would take the lease for over again.
        let lasts = binding.state == State::Active && binding.cltt != 0 && binding.ends > now + TELLABLE;
        if lasts {
            self.tell_again(index, id);
        }
    }

    fn try_update(&mut self, index: usize, address: Ipv4Addr, message: &Message<'_>) -> Result<(), Refusal> {
        if message.assigned_address.is_none() || message.binding_status.is_none() {
            let text = "binding update lacks required options";
            return Err(refusal(reason::MISSING_BINDING_INFORMATION, text));
        }
        let Some(pool) = self.engine.store.pool_of(address) else {
            return Err(refusal(reason::ILLEGAL_ADDRESS, "unknown IP address"));
        };
        if self.engine.failover.index_of(pool) != Some(index) {
            let text = "IP address is covered by a different failover relationship state";
            return Err(refusal(reason::ILLEGAL_ADDRESS, text));
        }
        if self.engine.store.by_address(address).is_none()
            && self.engine.store.counts(pool).total > FEW
            && update::is_never_used(message)
        {
            self.queue_acknowledgement(index, address, message.xid);
            return Ok(());
        }
        let Some(id) = self.engine.store.materialise(address) else {
            return Err(refusal(reason::ILLEGAL_ADDRESS, "unknown IP address"));
        };
        self.duel(index, id, message)?;
        let now = self.now;
        let skew = self.skew(index);
        let Some(relationship) = self.engine.failover.relationships.get(index) else { return Ok(()) };
        let held = self.engine.store.get(id);
        let accepted = update::judge(relationship, held, message, skew, now.wall)?;
        let is_steady = relationship.is_our_kind && relationship.my == Mine::Normal;
        if is_steady && accepted.changes_nothing(held) {
            self.queue_acknowledgement(index, address, message.xid);
            return Ok(());
        }
        let (to_backup, lasts_longer) = (accepted.to_backup, accepted.lasts_longer);
        let (store, mut around) = self.engine.without_packet(now.wall);
        peer::accept(store, id, accepted, &mut around);
        let state = self.engine.store.get(id).state;
        self.catch_up(index, id, state);
        self.queue_acknowledgement(index, address, message.xid);
        if lasts_longer {
            self.tell_again(index, id);
        }
        if to_backup {
            self.give_back(index, id);
            self.send_updates(index);
        }
        Ok(())
    }

    /// Both servers tell of the same binding at the same time: the more important news counts.
    fn duel(&mut self, index: usize, id: BindingId, message: &Message<'_>) -> Result<(), Refusal> {
        let skew = self.skew(index);
        let Some(relationship) = self.engine.failover.relationships.get_mut(index) else { return Ok(()) };
        let theirs = message.binding_status.and_then(State::from_number);
        let is_grant = |state| state == State::Active;
        // A lease that the peer has not even been told of yet must not be lost to older news.
        let counts = |pending: &Pending| {
            pending.sent.is_some()
                || (is_grant(pending.desired) && theirs.is_some_and(|state| !is_grant(state)))
        };
        let Some(pending) = relationship.pending(id).filter(counts) else {
            return Ok(());
        };
        let cltt = self.engine.store.get(id).cltt;
        let their_cltt = message.cltt.map_or(0, |time| i64::from(time) - skew);
        if update::is_own_better(
            (relationship.role, relationship.is_our_kind),
            pending.desired,
            cltt,
            theirs,
            their_cltt,
        ) {
            let text = "incoming update is less critical than outgoing update";
            return Err(refusal(reason::LESS_CRITICAL, text));
        }
        relationship.forget_sent(id);
        self.check_update_done(index, id);
        Ok(())
    }

    /// The peer was first: what still waits to be told of this binding tells what it is now, and no less than it was told.
    fn catch_up(&mut self, index: usize, id: BindingId, state: State) {
        let Some(relationship) = self.engine.failover.relationships.get_mut(index) else { return };
        if relationship.catch_up(id, state) && state == State::Active {
            self.engine.store.amend(id, |binding| binding.tstp = binding.tstp.max(binding.tsfp()));
        }
    }

    /// The peer hears once more of a lease.
    fn tell_again(&mut self, index: usize, id: BindingId) {
        let now = self.now;
        if let Some(relationship) = self.engine.failover.relationships.get_mut(index)
            && !relationship.is_pending(id)
            && relationship.may_tell_again(id, now)
        {
            relationship.queue_update(id, State::Active);
        }
        self.send_updates(index);
    }

    fn skew(&self, index: usize) -> i64 {
        let link = self.engine.failover.relationships.get(index).and_then(|r| r.link);
        link.and_then(|id| self.engine.failover.links.get(&id)).map_or(0, |link| link.skew())
    }

    fn queue_acknowledgement(&mut self, index: usize, address: Ipv4Addr, xid: u32) {
        let now = self.now;
        let Some(relationship) = self.relationship(index) else { return };
        relationship.to_acknowledge.push((address, xid));
        relationship.timers.acknowledge = Relationship::after(now, ACK_SECONDS);
        let waiting = relationship.to_acknowledge.len();
        let most = relationship.parameters.max_unacked_updates as usize + TOLERATED;
        let half = relationship.peers_max_unacked as usize / 2;
        if waiting >= half.min(most) {
            self.acknowledge(index);
        }
    }

    /// An address that came back and whose client is the secondary's, if that has not too many already.
    fn give_back(&mut self, index: usize, id: BindingId) {
        let address = self.engine.store.get(id).address;
        let Some(pool) = self.engine.store.pool_of(address) else { return };
        let counts = self.engine.store.counts(pool);
        if !self.engine.failover.secondary_may_get(index, &counts) {
            return;
        }
        let now = self.now.wall;
        let (store, mut around) = self.engine.without_packet(now);
        peer::give_back(store, id, &mut around);
    }

    /// The peer's answer to an update of ours.
    pub(super) fn binding_ack(&mut self, index: usize, message: &Message<'_>) {
        let address = message.assigned_address.unwrap_or(Ipv4Addr::UNSPECIFIED);
        let name = self.name(index);
        let store = &self.engine.store;
        let pool = store.pool_of(address).filter(|pool| self.engine.failover.index_of(*pool) == Some(index));
        if pool.is_none() {
            return self.say(log::odd_ack(address, &name, "no such lease"));
        }
        let id = store.by_address(address);
        let pending = id.and_then(|id| {
            let pending = self.engine.failover.relationships.get(index)?.pending(id)?;
            Some((id, pending))
        });
        let is_ours = pending.is_some_and(|(_, pending)| pending.xid == message.xid);
        if let Some(reason) = message.reject_reason {
            let text = message.message.map_or_else(|| reason_text(reason), |text| text_of(text).into_owned());
            self.say(log::update_rejected(address, &name, &text));
            if let (Some((id, _)), true) = (pending, is_ours) {
                self.refused(index, id, reason);
            }
            return self.send_updates(index);
        }
        // Nothing was asked, or not for long.
        let Some((id, pending)) = pending.filter(|(_, pending)| pending.xid != 0 || pending.sent.is_some())
        else {
            return self.send_updates(index);
        };
        if !is_ours {
            return self.say(log::odd_ack(address, &name, "xid mismatch"));
        }
        if let Some(relationship) = self.relationship(index) {
            relationship.forget_sent(id);
        }
        self.acknowledged(index, id, pending.desired);
        self.send_updates(index);
    }

    fn acknowledged(&mut self, index: usize, id: BindingId, desired: State) {
        let now = self.now.wall;
        let (store, mut around) = self.engine.without_packet(now);
        peer::acknowledged(store, id, index, desired, &mut around);
        self.check_update_done(index, id);
        let ended = matches!(desired, State::Expired | State::Released | State::Reset);
        let binding = self.engine.store.get(id);
        let wanted = self.engine.failover.relationships.get(index).is_some_and(|relationship| {
            relationship.role == Role::Primary
                && !relationship.is_pending(id)
                && relationship.peer_wants(binding)
        });
        if ended && wanted && !binding.reserved && !binding.bootp && binding.state == State::Free {
            self.give_back(index, id);
        }
    }

    /// The peer does not take an update. What it knows better it tells; the rest is offered again some time later.
    fn refused(&mut self, index: usize, id: BindingId, reason: u8) {
        let now = self.now;
        if let Some(relationship) = self.relationship(index) {
            relationship.forget_sent(id);
            if reason == reason::FATAL_CONFLICT && !relationship.refused.contains(&id) {
                relationship.refused.push(id);
                let timer = Relationship::after(now, REFUSED_SECONDS);
                relationship.timers.refused = relationship.timers.refused.or(timer);
            }
        }
        self.check_update_done(index, id);
    }

    pub(super) fn offer_refused_again(&mut self, index: usize) {
        let Some(relationship) = self.engine.failover.relationships.get_mut(index) else { return };
        for id in std::mem::take(&mut relationship.refused) {
            relationship.queue_update(id, self.engine.store.get(id).state);
        }
        self.send_updates(index);
    }

    /// Was it the last one that the peer asked for?
    fn check_update_done(&mut self, index: usize, id: BindingId) {
        let Some(relationship) = self.relationship(index) else { return };
        if relationship.update_done_after.take_if(|last| *last == id).is_some() {
            self.send_update_done(index);
        }
    }

    fn send_update_done(&mut self, index: usize) {
        let sequence = self.engine.journal.sequence();
        let Some(relationship) = self.relationship(index) else { return };
        let xid = relationship.update_request;
        if self.engine.failover.send(index, Kind::UpdateDone, Some(xid), sequence, |_| {}).is_some() {
            let name = self.name(index);
            self.say(log::sent_update_done(&name));
        }
    }

    /// The peer asks for what it does not know, or for everything.
    pub(super) fn update_request(&mut self, index: usize, xid: u32, all: bool) {
        let Some(relationship) = self.relationship(index) else { return };
        if relationship.update_done_after.take().is_some() {
            self.say(log::update_still_flying());
        }
        if let Some(relationship) = self.relationship(index)
            && relationship.keeps_ends()
        {
            relationship.drop_waiting(State::Expired);
        }
        self.queue_changed(index, all);
        let name = self.name(index);
        let Some(relationship) = self.relationship(index) else { return };
        relationship.update_request = xid;
        relationship.update_done_after = relationship.last_update();
        let pending = relationship.update_done_after.is_some();
        match pending {
            true => self.send_updates(index),
            false => self.send_update_done(index),
        }
        self.say(log::update_request(&name, all, pending));
    }

    /// Queues what the peer does not know, or everything.
    pub(super) fn queue_changed(&mut self, index: usize, all: bool) {
        for pool in self.engine.failover.pools_of(index) {
            if all && self.engine.store.counts(pool).total <= FEW {
                self.engine.store.materialise_all(pool);
            }
            for kind in Queue::ALL {
                for id in self.engine.store.queue(pool, kind) {
                    let binding = self.engine.store.get(id);
                    let state = binding.state;
                    let relationship = self.engine.failover.relationships.get(index);
                    let kept = state == State::Expired && relationship.is_some_and(Relationship::keeps_ends);
                    let changed = binding.tstp > binding.atsfp() || kind == Queue::Expired;
                    let wanted = all || (changed && !kept);
                    if let Some(relationship) = self.engine.failover.relationships.get_mut(index)
                        && wanted
                        && !relationship.is_pending(id)
                    {
                        relationship.queue_update(id, state);
                    }
                }
            }
        }
    }

    /// A peer of our kind that is another process than before may have come back with a lease file of some time ago, and
    /// neither it nor the protocol can tell: it hears of every lease again, a few at a time and after what is new. What it knows it
    /// need not write.
    pub(super) fn tell_all(&mut self, index: usize) {
        let Some(relationship) = self.engine.failover.relationships.get_mut(index) else { return };
        if relationship.is_our_kind && std::mem::take(&mut relationship.tell_all) {
            relationship.telling = Some(RewriteWalk::new(&self.engine.store));
            self.send_updates(index);
        }
    }

    /// Queues the next of all leases, when nothing else waits.
    fn tell_more(&mut self, index: usize) {
        let failover = &mut self.engine.failover;
        let Some(relationship) = failover.relationships.get_mut(index) else { return };
        if relationship.my != Mine::Normal || relationship.last_update().is_some() {
            return;
        }
        let Some(mut walk) = relationship.telling.take() else { return };
        let mut room = TOLD_AT_ONCE;
        while room > 0 {
            let Some(id) = self.engine.store.next_in_rewrite(&mut walk) else { return };
            let binding = self.engine.store.get(id);
            let (state, pool) = (binding.state, self.engine.store.pool_of(binding.address));
            if pool.and_then(|pool| self.engine.failover.index_of(pool)) != Some(index) {
                continue;
            }
            let Some(relationship) = self.engine.failover.relationships.get_mut(index) else { return };
            if relationship.is_pending(id) {
                continue;
            }
            relationship.queue_update(id, state);
            if state == State::Active {
                self.engine.store.amend(id, |binding| binding.tstp = binding.tstp.max(binding.tsfp()));
            }
            room -= 1;
        }
        if let Some(relationship) = self.relationship(index) {
            relationship.telling = Some(walk);
        }
    }

    /// At start: what the peers do not know according to the lease file.
    pub(super) fn queue_untold(&mut self) {
        for index in 0..self.engine.failover.relationships.len() {
            for pool in self.engine.failover.pools_of(index) {
                for kind in Queue::ALL {
                    for id in self.engine.store.queue(pool, kind) {
                        let binding = self.engine.store.get(id);
                        let (untold, state) = (binding.tstp > binding.atsfp(), binding.state);
                        if let Some(relationship) = self.relationship(index)
                            && untold
                            && !relationship.is_pending(id)
                        {
                            relationship.queue_update(id, state);
                            relationship.may_be_known(id);
                        }
                    }
                }
            }
        }
    }
}
