//! The one way a binding changes state. Queues, indexes, timers and billing move with it, its `on` statements run, and the
//! record for the lease file is encoded, in that order; what should happen outside is handed back in [`Around`].
//!
//! Without failover a binding goes free -> active -> free, or is abandoned for a while. Rules: ledger
//! `dhcp4-behaviour.md` 3.6, 5 (14), 11, and the rows "released lease", "expired lease" and "abandoned lease" of
//! `leases.tsv`. Where a failover peer shares the address, it is told of every change ([`peer`]).

pub mod event;
mod journal;
pub mod load;
pub mod message;
pub mod peer;
pub mod rewrite;

pub use journal::{Journal, Record};

use crate::clock::{NEVER, Wall};
use crate::eval::context::HostTable;
use crate::eval::machine::Outcome;
use crate::eval::packet::Packet;
use crate::failover::Failover;
use crate::failover::sabotage::Rule;
use crate::failover::state::State as PeerState;
use crate::lease::binding::{Binding, State};
use crate::lease::pool::PoolNumber;
use crate::lease::queue::BindingId;
use crate::lease::store::Store;
use crate::lease_file::writer::Format;

/// What a transition needs and where its results go.
pub struct Around<'a> {
    pub now: Wall,
    pub format: Format<'a>,
    pub hosts: &'a HostTable,
    /// The packet that caused it, if one did; `on release` sees it.
    pub packet: Option<&'a Packet<'a>>,
    pub journal: &'a mut Journal,
    pub failover: &'a mut Failover,
    /// Log lines, programs to run and so on, in order.
    pub outcome: &'a mut Outcome,
}

/// Whether a change is written to the lease file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Written; gives the record's number.
    Recorded,
    /// The same, and whoever asked says what there is to say about it: [`say_unwritten`].
    RecordedQuietly,
    /// In memory only, as an OFFER.
    InMemory,
}

/// What a failover peer hears of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tell {
    /// Nothing: it is only an offer, or came from the peer.
    Nobody,
    /// It waits in the queue, and until it is sent the lease can be rewound to what the peer knows.
    Later,
    /// It is sent as soon as may be.
    AtOnce,
}

/// Takes over `proposed` for the binding `id` and makes the step to its `next_state`.
///
/// `proposed` starts as a copy of the binding. From it come the client, the times, variables, host name, billing and
/// flags; `on` blocks where it has some; relay agent options if the lease will be in use. State and rewind state stay
/// what they were until the step. Gives the number of the record, 0 when nothing was written.
pub fn supersede(
    store: &mut Store,
    id: BindingId,
    proposed: Binding,
    keep: Keep,
    around: &mut Around,
) -> u64 {
    let tell = if keep != Keep::InMemory { Tell::Later } else { Tell::Nobody };
    let sequence = supersede_and(store, id, proposed, keep, tell, around);
    if keep != Keep::InMemory {
        peer::send_updates_of(store, id, around);
    }
    sequence
}

fn supersede_and(
    store: &mut Store,
    id: BindingId,
    proposed: Binding,
    keep: Keep,
    tell: Tell,
    around: &mut Around,
) -> u64 {
    let old = store.get(id);
    if is_conflict(old, &proposed) {
        around.outcome.say(message::conflict(old.address));
    }
    store.set_billing(id, proposed.billing().cloned());
    store.set_client(id, proposed.uid.clone(), proposed.hardware.clone());
    let is_over =
        keep != Keep::InMemory && proposed.ends < around.now && proposed.next_state == State::Active;
    let step = |binding: &mut Binding| take_over(binding, proposed);
    if is_over {
        // It has ended before it began: what is written is what it has become, once for the end and once for the grant.
        change(store, id, step, Keep::InMemory, tell, around);
        return keep_record(store, id, keep, around);
    }
    change(store, id, step, keep, tell, around)
}

/// The client gives its lease back: `ends` is now, its variables are forgotten (and what belongs to a use of the address).
/// A lease that is not in use has its `on` blocks dropped and is otherwise left alone.
pub fn release(store: &mut Store, id: BindingId, around: &mut Around) -> u64 {
    let now = around.now;
    let mut used = store.get(id).clone();
    event::run(&mut used, event::Event::Release, around);
    if let Some(extra) = &mut used.extra
        && let Some(rare) = &mut extra.rare
    {
        rare.on_release = None;
        rare.on_expiry = None;
    }
    let in_use = matches!(used.state, State::Active | State::Abandoned);
    if in_use {
        used.functions().for_each(|_| around.outcome.say(message::function_freed("mdb.c(1791)")));
    }
    if in_use && let Some(extra) = &mut used.extra {
        extra.variables.clear();
        if let Some(rare) = &mut extra.rare {
            rare.on_commit = None;
        }
    }
    store.amend(id, |binding| binding.extra = used.extra);
    if !in_use {
        return 0;
    }
    let freed = peer::freed_state(store, id, State::Released, around);
    // What a peer may know of the lease is not less for its end, until it has agreed to that.
    let alone = freed != State::Released;
    let step = |binding: &mut Binding| {
        binding.ends = now;
        if alone {
            binding.tstp = now;
        }
        binding.next_state = freed;
    };
    change(store, id, step, Keep::Recorded, Tell::AtOnce, around)
}

/// Nobody gets this address for `seconds`: something answers there already, or a client declined it.
pub fn abandon(store: &mut Store, id: BindingId, seconds: Wall, reason: &str, around: &mut Around) -> u64 {
    let mut proposed = store.get(id).clone();
    if let Some(extra) = &mut proposed.extra {
        extra.variables.clear();
    }
    let ends = around.now.saturating_add(seconds);
    proposed.ends = if ends < around.now || ends > NEVER { NEVER } else { ends };
    proposed.next_state = State::Abandoned;
    around.outcome.say(message::abandoning(proposed.address, reason));
    let old = store.get(id);
    old.functions().for_each(|_| around.outcome.say(message::function_freed("mdb.c(1259)")));
    proposed.hardware.clear();
    proposed.uid.clear();
    supersede_and(store, id, proposed, Keep::Recorded, Tell::AtOnce, around)
}

/// Makes the steps that are due in one pool, at most `limit`; how many there were.
pub fn expire(store: &mut Store, pool: PoolNumber, limit: usize, around: &mut Around) -> usize {
    let due = store.due(pool, around.now, limit);
    for &id in &due {
        expire_one(store, id, around);
    }
    if due.len() < limit {
        store.rearm(pool, around.now);
    }
    due.len()
}

fn expire_one(store: &mut Store, id: BindingId, around: &mut Around) {
    let next = match store.get(id).next_state {
        State::Expired => peer::freed_state(store, id, State::Expired, around),
        next => next,
    };
    change_now(store, id, |binding| binding.next_state = next, Keep::Recorded, Tell::AtOnce, around);
}

/// Makes the steps that are due in all pools, at most `limit`; false when there may be more. Called at start for
/// everything that ended while the server was down, and then whenever [`Store::next_change`] has come.
pub fn expire_due(store: &mut Store, mut limit: usize, around: &mut Around) -> bool {
    while let Some(pool) = store.due_pool(around.now) {
        if limit == 0 {
            return false;
        }
        limit = limit.saturating_sub(expire(store, pool, limit, around));
    }
    true
}

/// Makes the step to `state`, whatever the present one is; OMAPI.
pub fn step_to(store: &mut Store, id: BindingId, state: State, around: &mut Around) -> u64 {
    change(store, id, |binding| binding.next_state = state, Keep::Recorded, Tell::AtOnce, around)
}

/// Moves the end of a binding; OMAPI. One that is in use stays so until then.
pub fn set_end(store: &mut Store, id: BindingId, end: Wall, around: &mut Around) -> u64 {
    let now = around.now;
    let step = |binding: &mut Binding| {
        if binding.state == State::Active && end > now {
            binding.next_state = State::Active;
            if binding.tstp == binding.ends {
                binding.tstp = end;
            }
        }
        binding.ends = end;
    };
    change(store, id, step, Keep::Recorded, Tell::AtOnce, around)
}

/// Sets the flags of a binding, which stays what it is otherwise; OMAPI.
pub fn set_flags(store: &mut Store, id: BindingId, reserved: bool, bootp: bool, around: &mut Around) -> u64 {
    let step = |binding: &mut Binding| {
        (binding.reserved, binding.bootp) = (reserved, bootp);
        binding.next_state = binding.state;
    };
    change(store, id, step, Keep::Recorded, Tell::AtOnce, around)
}

/// Writes a binding's record as it is, without a step; OMAPI and the like.
pub fn record(store: &mut Store, id: BindingId, around: &mut Around) -> u64 {
    say_unwritten(store.get(id), around.outcome);
    append(store, id, around)
}

/// What a binding has and its record cannot hold.
pub fn say_unwritten(binding: &Binding, outcome: &mut Outcome) {
    binding.functions().for_each(|name| outcome.say(message::function_not_kept(name)));
}

fn append(store: &mut Store, id: BindingId, around: &mut Around) -> u64 {
    let sequence = around.journal.append(store.get(id), around.now, &around.format);
    store.amend(id, |binding| binding.sequence = sequence);
    sequence
}

fn keep_record(store: &mut Store, id: BindingId, keep: Keep, around: &mut Around) -> u64 {
    match keep {
        Keep::Recorded => record(store, id, around),
        Keep::RecordedQuietly => append(store, id, around),
        Keep::InMemory => 0,
    }
}

fn change(
    store: &mut Store,
    id: BindingId,
    step: impl FnOnce(&mut Binding),
    keep: Keep,
    tell: Tell,
    around: &mut Around,
) -> u64 {
    let sequence = change_now(store, id, step, keep, tell, around);
    if store.moves_on(id, around.now) {
        // It has ended already.
        expire_one(store, id, around);
        return store.get(id).sequence;
    }
    sequence
}

fn change_now(
    store: &mut Store,
    id: BindingId,
    step: impl FnOnce(&mut Binding),
    keep: Keep,
    tell: Tell,
    around: &mut Around,
) -> u64 {
    let old = store.get(id);
    let old_state = old.state;
    let pool = store.pool_of(old.address);
    let peer = pool.and_then(|pool| around.failover.index_of(pool));
    let shared = peer.map(|peer| partner_down(around.failover, peer, id));
    store.update(id, around.now, |binding| {
        step(binding);
        if tell != Tell::Nobody && binding.atsfp() != 0 {
            binding.rare_mut().atsfp = 0;
        }
        make_step(binding, shared, around);
        binding.trim();
    });
    if old_state == State::Active && store.get(id).state != State::Active {
        store.set_billing(id, None);
    }
    let Some(peer) = peer else {
        return keep_record(store, id, keep, around);
    };
    if tell == Tell::AtOnce && peer::will_hear(around.failover, peer) {
        store.amend(id, |binding| binding.rewind_state = binding.state);
    }
    let sequence = keep_record(store, id, keep, around);
    peer::queue(store, id, peer, tell, around);
    if let (State::Free | State::Backup, Some(pool)) = (old_state, pool) {
        peer::schedule_balance(store, pool, peer, around.failover);
    }
    sequence
}

/// In partner-down: since when, and MCLT.
fn partner_down(failover: &Failover, peer: usize, id: BindingId) -> Option<Down> {
    let relationship = failover.relationships.get(peer)?;
    (relationship.my == PeerState::PartnerDown).then(|| Down {
        since: relationship.my_since,
        mclt: Wall::from(relationship.mclt),
        may_know: relationship.may_know(id),
    })
}

/// What partner-down makes of an address that a client has left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Down {
    pub since: Wall,
    pub mclt: Wall,
    /// The peer may have been told what it has not acknowledged.
    pub may_know: bool,
}

impl Down {
    /// Until when the peer may have a say: it may have promised the address for MCLT beyond what it knew of, or beyond the
    /// moment at which it was lost. ISC forgets what the peer was told and had no time to acknowledge.
    pub fn until(self, binding: &Binding) -> Wall {
        let told = if self.may_know { binding.tstp } else { 0 };
        self.since.max(binding.tsfp()).max(told) + self.mclt
    }
}

/// Whether an address in use would go to another client.
fn is_conflict(old: &Binding, new: &Binding) -> bool {
    new.state != State::Abandoned
        && new.next_state != State::Abandoned
        && old.state == State::Active
        && if old.uid.is_empty() || new.uid.is_empty() {
            old.hardware != new.hardware
        } else {
            old.uid != new.uid
        }
}

fn take_over(binding: &mut Binding, new: Binding) {
    binding.starts = new.starts;
    binding.ends = new.ends;
    binding.tstp = new.tstp;
    binding.cltt = new.cltt;
    binding.next_state = new.next_state;
    binding.reserved = new.reserved;
    binding.bootp = new.bootp;
    binding.client_hostname = new.client_hostname;
    if binding.extra.is_none() && new.extra.is_none() {
        return;
    }
    let mut extra = new.extra.unwrap_or_default();
    if !matches!(new.next_state, State::Active | State::Expired) {
        extra.agent_options = Box::default();
    }
    if let Some(old) = binding.extra.take().and_then(|extra| extra.rare) {
        let rare = extra.rare.get_or_insert_default();
        // The store has settled billing already; blocks stay when nothing replaces them.
        rare.billing = old.billing;
        rare.on_expiry = rare.on_expiry.take().or(old.on_expiry);
        rare.on_release = rare.on_release.take().or(old.on_release);
        rare.on_commit = rare.on_commit.take().or(old.on_commit);
    }
    binding.extra = Some(extra);
}

/// The event that the step to the next state is. Where a peer shares the address its use ends when both know of it.
fn event_of(binding: &Binding, shared: bool) -> Option<event::Event> {
    use event::Event::{Expiry, Release};
    let freed = matches!(binding.next_state, State::Free | State::Backup);
    match (binding.state, binding.next_state) {
        (State::Active | State::Expired, _) if shared && freed => Some(Expiry),
        (State::Released, _) if shared && freed => Some(Release),
        _ if shared => None,
        (State::Active, State::Active) => None,
        (State::Active, State::Released) => Some(Release),
        (State::Active, _) => Some(Expiry),
        _ => None,
    }
}

/// From `state` to `next_state`. `shared`: there is a peer, and perhaps it is down.
fn make_step(binding: &mut Binding, shared: Option<Option<Down>>, around: &mut Around) {
    let left = binding.state == State::Active;
    if let Some(event) = event_of(binding, shared.is_some()) {
        event::run(binding, event, around);
        // What is right only while the client uses the address.
        binding.client_hostname = None;
        if let Some(extra) = &mut binding.extra {
            extra.agent_options = Box::default();
            if let Some(rare) = &mut extra.rare {
                rare.on_expiry = None;
                rare.on_release = None;
            }
        }
        binding.tstp = binding.ends;
    }
    binding.state = match binding.next_state {
        State::Expired | State::Released if around.failover.sabotage.breaks(Rule::AcknowledgedExpiry) => {
            State::Free
        }
        next => next,
    };
    binding.next_state = match binding.state {
        State::Backup => State::Backup,
        State::Active if shared.is_some() => State::Expired,
        _ => State::Free,
    };
    if let (Some(Some(down)), true, State::Expired | State::Released | State::Abandoned | State::Reset) =
        (shared, left, binding.state)
    {
        binding.rare_mut().tsfp = down.until(binding);
    }
}

#[cfg(test)]
mod tests;
