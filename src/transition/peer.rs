//! What changes of bindings mean to a failover peer, and what its messages change (PROTOCOL sections 4, 9 and 10).

use super::{Around, Keep, Tell, change, change_now, record, supersede_and};
use crate::clock::Wall;
use crate::failover::Failover;
use crate::failover::relationship::Relationship;
use crate::failover::service::Service;
use crate::failover::state::{Role, State as PeerState};
use crate::failover::update::{self, Accepted};
use crate::lease::binding::{Binding, State};
use crate::lease::pool::PoolNumber;
use crate::lease::queue::{BindingId, Kind};
use crate::lease::store::Store;

/// The relationship of a binding.
pub fn index_of(store: &Store, id: BindingId, failover: &Failover) -> Option<usize> {
    if failover.is_empty() {
        return None;
    }
    failover.index_of(store.pool_of(store.get(id).address)?)
}

/// Where a lease goes that is given back or has ended: it is `ended` until the peer has agreed. One that the peer never
/// heard of goes back to what it was, as long as the peer cannot be asked. Without a peer it is free.
pub(super) fn freed_state(store: &Store, id: BindingId, ended: State, around: &Around) -> State {
    let relationship =
        index_of(store, id, around.failover).and_then(|at| around.failover.relationships.get(at));
    let Some(relationship) = relationship else {
        return if ended == State::Released { State::Free } else { ended };
    };
    let rewind = store.get(id).rewind_state;
    match relationship.service == Service::NotCooperating && rewind == relationship.role.own_free() {
        true => rewind,
        false => ended,
    }
}

/// The peer is about to hear of what is written, so it need not be written again when it does.
pub(super) fn will_hear(failover: &Failover, peer: usize) -> bool {
    let service = failover.relationships.get(peer).map(|relationship| relationship.service);
    matches!(service, Some(Service::Cooperating | Service::NotResponding)) && failover.is_started
}

pub(super) fn queue(store: &mut Store, id: BindingId, peer: usize, tell: Tell, around: &mut Around) {
    if tell == Tell::Nobody {
        return;
    }
    let state = store.get(id).state;
    if let Some(relationship) = around.failover.relationships.get_mut(peer) {
        relationship.queue_update(id, state);
    }
    if tell == Tell::AtOnce {
        send_updates(store, peer, around);
    }
}

/// The free queues of a pool have changed.
pub fn schedule_balance(store: &mut Store, pool: PoolNumber, peer: usize, failover: &mut Failover) {
    let relationship = failover.relationships.get(peer);
    if relationship.is_none_or(|relationship| relationship.my != PeerState::Normal) {
        return;
    }
    let [free, backup] = [Kind::Free, Kind::Backup]
        .map(|kind| store.first(pool, kind).map(|candidate| store.ends_of(candidate)));
    failover.schedule_balance(peer, free, backup);
}

/// The updates of the relationship that this binding belongs to.
pub fn send_updates_of(store: &mut Store, id: BindingId, around: &mut Around) {
    if let Some(peer) = index_of(store, id, around.failover) {
        send_updates(store, peer, around);
    }
}

/// Sends what waits, as far as the peer takes it; what it waits for is acknowledged first.
pub fn send_updates(store: &mut Store, peer: usize, around: &mut Around) {
    let Some(relationship) = around.failover.relationships.get(peer) else { return };
    if relationship.link.is_none() {
        return;
    }
    if !relationship.to_acknowledge.is_empty() {
        acknowledge(peer, around);
    }
    while let Some(id) = around.failover.relationships.get(peer).and_then(|r| r.next_update()) {
        // From here on the peer may know; whether it does will never be sure, so there is no way back.
        if store.get(id).rewind_state != store.get(id).state {
            store.amend(id, |binding| binding.rewind_state = binding.state);
            record(store, id, around);
        }
        let binding = store.get(id);
        around.failover.send_update(peer, binding, binding.sequence);
    }
}

/// Acknowledges the peer's updates that were taken.
pub fn acknowledge(peer: usize, around: &mut Around) {
    let sequence = around.journal.sequence();
    around.failover.acknowledge(peer, sequence);
}

/// Takes over what the peer says of a binding.
pub fn accept(store: &mut Store, id: BindingId, accepted: Accepted, around: &mut Around) {
    let Accepted { proposed, line, .. } = accepted;
    if let Some(line) = line {
        around.outcome.say(line);
    }
    let next = proposed.next_state;
    store.amend(id, |binding| binding.rewind_state = next);
    supersede_and(store, id, proposed, Keep::Recorded, Tell::Nobody, around);
}

/// The peer has taken our update, in which the binding was `desired`.
pub fn acknowledged(store: &mut Store, id: BindingId, peer: usize, desired: State, around: &mut Around) {
    let relationship = around.failover.relationships.get(peer);
    let role = relationship.map(|relationship| relationship.role);
    let is_steady = relationship.is_some_and(|r| r.is_our_kind && r.my == PeerState::Normal);
    // Like ISC's, the file names an address when the peers first speak of it.
    let is_written = store.get(id).sequence != 0;
    let ended = matches!(desired, State::Expired | State::Released | State::Reset);
    let binding = store.get(id);
    let next = match (ended, role) {
        (true, Some(Role::Secondary)) if binding.reserved => State::Backup,
        (true, _) => State::Free,
        (false, _) => desired,
    };
    let agreed = |binding: &mut Binding| {
        let told = update::potential_expiry(binding, desired);
        // A lease that the peer granted: it knows what it has told.
        let time = if desired == State::Active { told.max(binding.tsfp()) } else { told };
        if time != binding.tsfp() || time != binding.atsfp() {
            let rare = binding.rare_mut();
            (rare.tsfp, rare.atsfp) = (time, time);
        }
    };
    if ended || binding.state != desired || desired == State::Abandoned {
        let step = |binding: &mut Binding| {
            agreed(binding);
            binding.next_state = next;
            if ended {
                binding.rewind_state = next;
            }
        };
        change(store, id, step, Keep::Recorded, Tell::Nobody, around);
    } else if is_steady && is_written && binding.tsfp() == binding.tstp && binding.atsfp() == binding.tstp {
        // It was told once more, and nothing has changed.
    } else {
        store.amend(id, |binding| {
            agreed(binding);
            binding.trim();
        });
        record(store, id, around);
    }
}

/// A free address goes to the peer.
pub fn give_away(store: &mut Store, id: BindingId, state: State, around: &mut Around) {
    let now = around.now;
    let step = |binding: &mut Binding| {
        binding.next_state = state;
        binding.tstp = now;
        binding.starts = now;
        binding.set_client_hostname(None);
    };
    change_now(store, id, step, Keep::Recorded, Tell::Later, around);
}

/// An address that came back goes to the secondary, whose client had it.
pub fn give_back(store: &mut Store, id: BindingId, around: &mut Around) {
    let now = around.now;
    let step = |binding: &mut Binding| {
        binding.next_state = State::Backup;
        binding.tstp = now;
        binding.starts = now;
    };
    change_now(store, id, step, Keep::Recorded, Tell::Later, around);
}

/// On entering partner-down: what the peer would have to agree to becomes ours MCLT later.
pub fn enter_partner_down(store: &mut Store, pool: PoolNumber, relationship: &Relationship) {
    let (since, mclt) = (relationship.my_since, Wall::from(relationship.mclt));
    for id in [Kind::Expired, Kind::Abandoned]
        .into_iter()
        .flat_map(|kind| store.queue(pool, kind))
        .collect::<Vec<_>>()
    {
        let down = super::Down { since, mclt, may_know: relationship.may_know(id) };
        let binding = store.get(id);
        // Both know that it was abandoned, and would not agree on it once more.
        if binding.state == State::Abandoned && binding.is_settled() {
            continue;
        }
        store.amend(id, |binding| binding.rare_mut().tsfp = down.until(binding));
    }
}
