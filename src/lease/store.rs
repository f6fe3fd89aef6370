//! The bindings of DHCPv4.
//!
//! Every operation costs at most the logarithm of what is stored. A binding is found by number, address, uid or
//! hardware address; the pools find the next one to hand out and the next one to expire.

use super::binding::{Billing, Binding, ClientIdentifier, HardwareAddress, State};
use super::index::Index;
use super::order::{self, Declared};
use super::pool::{Alarm, Counts, Pool, PoolNumber, PoolSpec, Timing};
use super::queue::{BindingId, Kind, Tie};
use crate::clock::{NEVER, Wall};
use crate::octets::{self, Octets, Put};
use rustc_hash::FxBuildHasher;
use smallvec::SmallVec;
use std::collections::{BTreeSet, HashMap};
use std::net::Ipv4Addr;

#[derive(Debug)]
pub(super) struct Slot {
    pub binding: Binding,
    /// Rank on its queue; while a file is being loaded, the number of its record.
    pub tie: Tie,
}

/// Slots in blocks, so that growth moves nothing.
const BLOCK: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    low: u32,
    high: u32,
    pool: PoolNumber,
}

/// An address that can be handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Candidate {
    /// Never used: no binding yet. [`Store::materialise`] makes it one.
    Fresh(Ipv4Addr),
    Known(BindingId),
}

/// See the module.
#[derive(Debug, Default)]
pub struct Store {
    blocks: Vec<Vec<Slot>>,
    count: u32,
    by_address: HashMap<u32, BindingId, FxBuildHasher>,
    by_uid: Index,
    by_hardware: Index,
    pub(super) pools: Vec<Pool>,
    /// Declared ranges, for the walk order.
    declared: Vec<Declared>,
    /// The same by address, without overlaps.
    stretches: Vec<Stretch>,
    /// The alarm of every pool that has one.
    alarms: BTreeSet<(Alarm, PoolNumber)>,
    /// Alarms set so far.
    alarms_set: u64,
    /// Records entered since the last [`Store::finish_loading`].
    loaded: u32,
    /// How many bindings are billed to a class or subclass.
    billed: HashMap<Billing, u32>,
}

impl Store {
    /// A store for these pools, all addresses never used. `PoolNumber(n)` is `pools[n]`.
    pub fn new(pools: &[PoolSpec]) -> Self {
        let mut ranges: Vec<(u64, Declared)> = Vec::new();
        for (number, pool) in pools.iter().enumerate() {
            for range in &pool.ranges {
                let (a, b) = (u32::from(range.low), u32::from(range.high));
                let declared = Declared { pool: number as u32, low: a.min(b), high: a.max(b) };
                ranges.push((range.declared, declared));
            }
        }
        ranges.sort_by_key(|(declared, _)| *declared);
        let (stretches, declared) = without_overlaps(ranges.into_iter().map(|(_, range)| range));
        let mut store = Store { stretches, declared, ..Store::default() };
        store.pools = pools.iter().map(|pool| Pool::new(pool.network, pool.shared)).collect();
        for stretch in &store.stretches {
            if let Some(pool) = store.pools.get_mut(stretch.pool.0 as usize) {
                pool.total += u64::from(stretch.high - stretch.low) + 1;
            }
        }
        store.compute_orders(&[]);
        store
    }

    pub(super) fn compute_orders(&mut self, recorded: &[(u32, u32)]) {
        let orders = order::orders(self.pools.len(), &self.declared, recorded);
        for (pool, order) in self.pools.iter_mut().zip(orders) {
            pool.order = order;
        }
    }

    pub(super) fn declared(&self) -> &[Declared] {
        &self.declared
    }

    /// How many bindings there are.
    pub fn len(&self) -> usize {
        self.by_address.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_address.is_empty()
    }

    /// The pool whose ranges hold this address.
    pub fn pool_of(&self, address: Ipv4Addr) -> Option<PoolNumber> {
        let address = u32::from(address);
        let after = self.stretches.partition_point(|stretch| stretch.low <= address);
        let stretch = self.stretches.get(after.checked_sub(1)?)?;
        (address <= stretch.high).then_some(stretch.pool)
    }

    /// Whether the pool of an address is shared with a failover peer.
    pub fn is_shared(&self, address: Ipv4Addr) -> bool {
        let pool = self.pool_of(address).and_then(|pool| self.pools.get(pool.0 as usize));
        pool.is_some_and(|pool| pool.shared)
    }

    pub fn pool_count(&self) -> usize {
        self.pools.len()
    }

    pub fn counts(&self, pool: PoolNumber) -> Counts {
        self.pools.get(pool.0 as usize).map(Pool::counts).unwrap_or_default()
    }

    pub(super) fn slot(&self, id: BindingId) -> &Slot {
        &self.blocks[id.0 as usize / BLOCK][id.0 as usize % BLOCK]
    }

    pub(super) fn slot_mut(&mut self, id: BindingId) -> &mut Slot {
        &mut self.blocks[id.0 as usize / BLOCK][id.0 as usize % BLOCK]
    }

    /// The binding with this number. Numbers come from this store alone and stay valid.
    pub fn get(&self, id: BindingId) -> &Binding {
        &self.slot(id).binding
    }

    pub fn by_address(&self, address: Ipv4Addr) -> Option<BindingId> {
        self.by_address.get(&u32::from(address)).copied()
    }

    /// A client's bindings, the one to resume first (rule 2.3).
    pub fn by_uid<'a>(&'a self, uid: &'a [u8]) -> impl Iterator<Item = BindingId> + 'a {
        self.by_uid.get(uid).filter(move |id| !uid.is_empty() && self.get(*id).uid[..] == *uid)
    }

    /// Bindings with this hardware address (type octet first), the one to resume first.
    pub fn by_hardware<'a>(&'a self, hardware: &'a [u8]) -> impl Iterator<Item = BindingId> + 'a {
        self.by_hardware
            .get(hardware)
            .filter(move |id| is_hashed(hardware) && self.get(*id).hardware[..] == *hardware)
    }

    /// All bindings, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = BindingId> + '_ {
        self.by_address.values().copied()
    }

    pub(super) fn allocate(&mut self, binding: Binding) -> BindingId {
        let id = BindingId(self.count);
        self.count += 1;
        self.by_address.insert(u32::from(binding.address), id);
        let slot = Slot { binding, tie: 0 };
        match self.blocks.last_mut().filter(|block| block.len() < BLOCK) {
            Some(block) => block.push(slot),
            None => {
                let mut block = Vec::with_capacity(BLOCK);
                block.push(slot);
                self.blocks.push(block);
            }
        }
        id
    }

    /// The binding of an address; a never-used one gets a binding, free and empty. None outside every pool.
    pub fn materialise(&mut self, address: Ipv4Addr) -> Option<BindingId> {
        if let Some(id) = self.by_address(address) {
            return Some(id);
        }
        let pool = self.pool_of(address)?;
        let id = self.allocate(Binding::never_used(address));
        if let Some(pool) = self.pools.get_mut(pool.0 as usize) {
            pool.bound += 1;
        }
        self.enqueue(id);
        Some(id)
    }

    /// What a pool would hand out next (rule 3.2): the first of its free queue, never-used addresses before all, else
    /// the first of its abandoned queue. None when that one is offered to somebody at the moment.
    pub fn candidate(&mut self, pool: PoolNumber, now: Wall) -> Option<Candidate> {
        let by_address = &self.by_address;
        let place = self.pools.get_mut(pool.0 as usize)?;
        if let Some(address) = place.order.peek(|address| by_address.contains_key(&address)) {
            return Some(Candidate::Fresh(Ipv4Addr::from(address)));
        }
        if let Some(id) = place.queue(Kind::Free).first() {
            return (self.get(id).ends <= now).then_some(Candidate::Known(id));
        }
        place.queue(Kind::Abandoned).first().map(Candidate::Known)
    }

    /// The first of a queue of a pool; never-used addresses stand at the head of the free ones.
    pub fn first(&mut self, pool: PoolNumber, kind: Kind) -> Option<Candidate> {
        let by_address = &self.by_address;
        let place = self.pools.get_mut(pool.0 as usize)?;
        if kind == Kind::Free
            && let Some(address) = place.order.peek(|address| by_address.contains_key(&address))
        {
            return Some(Candidate::Fresh(Ipv4Addr::from(address)));
        }
        place.queue(kind).first().map(Candidate::Known)
    }

    /// `ends` of a candidate; 0 for one that was never used.
    pub fn ends_of(&self, candidate: Candidate) -> Wall {
        match candidate {
            Candidate::Fresh(_) => 0,
            Candidate::Known(id) => self.get(id).ends,
        }
    }

    /// A queue of a pool as it is now, without the never-used addresses.
    pub fn queue(&self, pool: PoolNumber, kind: Kind) -> Vec<BindingId> {
        self.pools.get(pool.0 as usize).map(|pool| pool.queue(kind).iter().collect()).unwrap_or_default()
    }

    /// Gives every never-used address of a pool a binding, and keeps their order.
    pub fn materialise_all(&mut self, pool: PoolNumber) {
        let Some(place) = self.pools.get_mut(pool.0 as usize) else { return };
        let (by_address, mut order) = (&self.by_address, place.order.clone());
        let mut never_used = Vec::new();
        let mut taken = rustc_hash::FxHashSet::default();
        while let Some(address) =
            order.peek(|address| by_address.contains_key(&address) || taken.contains(&address))
        {
            taken.insert(address);
            never_used.push(address);
        }
        // Each new one goes in front of those of its time.
        for address in never_used.into_iter().rev() {
            self.materialise(Ipv4Addr::from(address));
        }
    }

    /// The best of several pools' candidates (rule 3.3), given in the order of the pools.
    pub fn choose(&mut self, pools: impl IntoIterator<Item = PoolNumber>, now: Wall) -> Option<Candidate> {
        let candidates: SmallVec<[Candidate; 8]> =
            pools.into_iter().filter_map(|pool| self.candidate(pool, now)).collect();
        self.choose_of(candidates)
    }

    /// The best of these, which come in the order of their pools.
    pub fn choose_of(&self, candidates: impl IntoIterator<Item = Candidate>) -> Option<Candidate> {
        let mut best: Option<(bool, bool, Wall, Candidate)> = None;
        for candidate in candidates {
            let (abandoned, used, ends) = match candidate {
                Candidate::Fresh(_) => (false, false, 0),
                Candidate::Known(id) => {
                    let binding = self.get(id);
                    let abandoned = binding.state == State::Abandoned;
                    (abandoned, !abandoned && !binding.is_unused(), binding.ends)
                }
            };
            if best.is_none_or(|(a, u, e, _)| (abandoned, used, ends) < (a, u, e)) {
                best = Some((abandoned, used, ends, candidate));
            }
        }
        best.map(|(.., candidate)| candidate)
    }

    /// Gives a binding to another client: its uid and hardware address, and the indexes with them. A binding's place
    /// among its client's is decided by the state it has at this moment, as in ISC, and not moved by later changes.
    pub fn set_client(&mut self, id: BindingId, uid: ClientIdentifier, hardware: HardwareAddress) {
        self.unindex(id);
        let binding = &mut self.slot_mut(id).binding;
        binding.uid = uid;
        binding.hardware = hardware;
        self.index(id);
    }

    fn unindex(&mut self, id: BindingId) {
        let binding = &self.blocks[id.0 as usize / BLOCK][id.0 as usize % BLOCK].binding;
        if !binding.uid.is_empty() {
            self.by_uid.remove(&binding.uid, id);
        }
        if is_hashed(&binding.hardware) {
            self.by_hardware.remove(&binding.hardware, id);
        }
    }

    pub(super) fn index(&mut self, id: BindingId) {
        let blocks = &self.blocks;
        let get = |id: BindingId| &blocks[id.0 as usize / BLOCK][id.0 as usize % BLOCK].binding;
        let binding = get(id);
        if !binding.uid.is_empty() {
            self.by_uid.insert(&binding.uid, id, |other| is_preferred(binding, get(other)));
        }
        if is_hashed(&binding.hardware) {
            self.by_hardware.insert(&binding.hardware, id, |other| is_preferred(binding, get(other)));
        }
    }

    /// Takes a binding off its queue, lets it be changed, and queues it by its new state and time, in front of its
    /// equals; the pool's alarm moves forward to it. Address, uid and hardware address must stay (see
    /// [`Store::set_client`]).
    pub fn update<R>(&mut self, id: BindingId, now: Wall, change: impl FnOnce(&mut Binding) -> R) -> R {
        self.dequeue(id);
        let result = change(&mut self.slot_mut(id).binding);
        self.enqueue(id);
        self.alarm_for(id, now);
        result
    }

    /// Changes what has no influence on queues and indexes: everything but address, state, next state, flags, `ends`,
    /// uid and hardware address.
    pub fn amend<R>(&mut self, id: BindingId, change: impl FnOnce(&mut Binding) -> R) -> R {
        change(&mut self.slot_mut(id).binding)
    }

    /// How many leases count against a class's or subclass's `lease limit`.
    pub fn billed(&self, billing: &Billing) -> u32 {
        self.billed.get(billing).copied().unwrap_or(0)
    }

    /// Bills a binding to a class, or to none.
    pub fn set_billing(&mut self, id: BindingId, billing: Option<Billing>) {
        let binding = &mut self.slot_mut(id).binding;
        if binding.billing() == billing.as_ref() {
            return;
        }
        let old = binding.billing().cloned();
        binding.set_billing(billing.clone());
        if let Some(old) = old
            && let Some(count) = self.billed.get_mut(&old)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.billed.remove(&old);
            }
        }
        if let Some(new) = billing {
            *self.billed.entry(new).or_default() += 1;
        }
    }

    fn dequeue(&mut self, id: BindingId) {
        let slot = self.slot(id);
        let (kind, time, tie) = (kind_of(&slot.binding), slot.binding.ends, slot.tie);
        let Some(number) = self.pool_of(slot.binding.address) else { return };
        let Some(pool) = self.pools.get_mut(number.0 as usize) else { return };
        pool.queue_mut(kind).remove(time, tie);
    }

    pub(super) fn enqueue(&mut self, id: BindingId) {
        let binding = &self.slot(id).binding;
        let (kind, time) = (kind_of(binding), binding.ends);
        let Some(number) = self.pool_of(binding.address) else { return };
        let Some(pool) = self.pools.get_mut(number.0 as usize) else { return };
        let tie = pool.queue_mut(kind).insert(time, id);
        self.slot_mut(id).tie = tie;
    }

    /// ISC's alarm looks at times alone, offers among them, and stays when the binding it was set for moves away.
    fn alarm_for(&mut self, id: BindingId, now: Wall) {
        let binding = self.get(id);
        let time = binding.ends;
        if time >= NEVER || (time <= now && !is_pending(binding)) {
            return;
        }
        let Some(number) = self.pool_of(binding.address) else { return };
        let Some(pool) = self.pools.get(number.0 as usize) else { return };
        if pool.alarm.is_none_or(|alarm| time < alarm.at) {
            self.alarms_set += 1;
            self.set_alarm(number, Some(Alarm { at: time, rank: self.alarms_set }));
        }
    }

    pub(super) fn set_alarm(&mut self, number: PoolNumber, alarm: Option<Alarm>) {
        let Some(pool) = self.pools.get_mut(number.0 as usize) else { return };
        if let Some(old) = std::mem::replace(&mut pool.alarm, alarm) {
            self.alarms.remove(&(old, number));
        }
        if let Some(new) = alarm {
            self.alarms.insert((new, number));
        }
    }

    /// Every pool is looked at once, in the order of a rewrite: what has ended goes, and alarms are set for the rest.
    pub(super) fn alarm_all(&mut self) {
        for number in self.rewrite_order() {
            self.alarms_set += 1;
            self.set_alarm(number, Some(Alarm { at: 0, rank: self.alarms_set }));
        }
    }

    /// Which bindings of a pool move on by themselves from now on; it is looked at once.
    pub fn set_timing(&mut self, number: PoolNumber, timing: Timing) {
        let Some(pool) = self.pools.get_mut(number.0 as usize) else { return };
        if pool.timing != timing {
            pool.timing = timing;
            self.alarms_set += 1;
            self.set_alarm(number, Some(Alarm { at: 0, rank: self.alarms_set }));
        }
    }

    /// Whether a binding moves on by itself at its end, as things are.
    pub fn moves_on(&self, id: BindingId, now: Wall) -> bool {
        let binding = self.get(id);
        let pool = self.pool_of(binding.address).and_then(|pool| self.pools.get(pool.0 as usize));
        let from = pool.and_then(|pool| pool.timed_from(kind_of(binding)));
        binding.ends < now
            && binding.next_state != binding.state
            && from.is_some_and(|from| from <= now)
            && !pool.is_some_and(|pool| pool.holds_back(binding, now))
    }

    /// When a binding may change by itself.
    pub fn next_change(&self) -> Option<Wall> {
        self.alarms.first().map(|(alarm, _)| alarm.at)
    }

    /// The pool whose alarm has gone off first.
    pub fn due_pool(&self, now: Wall) -> Option<PoolNumber> {
        self.alarms.first().filter(|(alarm, _)| alarm.at <= now).map(|(_, pool)| *pool)
    }

    /// Up to `limit` bindings of a pool whose next state is due, in the order in which ISC's pool timer meets them.
    pub fn due(&self, pool: PoolNumber, now: Wall, limit: usize) -> Vec<BindingId> {
        let Some(pool) = self.pools.get(pool.0 as usize) else { return Vec::new() };
        let timed = pool.timed().filter(|(_, from)| *from <= now);
        let queues = timed.map(|(kind, _)| pool.queue(kind).iter());
        let past = |id: &BindingId| self.get(*id).ends <= now;
        let pending = |id: &BindingId| {
            let binding = self.get(*id);
            is_pending(binding) && !pool.holds_back(binding, now)
        };
        queues.flat_map(|queue| queue.take_while(past).filter(pending)).take(limit).collect()
    }

    /// A pool whose alarm went off, and which has nothing due any more, gets the next one. It keeps its rank: ISC's
    /// alarms go off at the fraction of a second at which the first of them was set.
    pub fn rearm(&mut self, number: PoolNumber, now: Wall) {
        let Some(pool) = self.pools.get(number.0 as usize) else { return };
        let Some(rank) = pool.alarm.map(|alarm| alarm.rank) else { return };
        let first = |kind: &Kind| pool.queue(*kind).iter_from(now + 1).next().map(|id| self.get(id).ends);
        // What waits for a later time than its own end.
        let held_back = pool
            .timed()
            .filter(|(kind, from)| *from > now && !pool.queue(*kind).is_empty())
            .map(|(_, from)| from);
        let left = pool.queue(Kind::Expired).iter().chain(pool.queue(Kind::Abandoned).iter());
        let one_by_one = left
            .map(|id| self.get(id))
            .filter(|binding| pool.holds_back(binding, now))
            .map(Binding::tsfp)
            .min();
        let held_back =
            held_back.chain(one_by_one.filter(|_| pool.shared && pool.timing.expired_from.is_some()));
        let next = Kind::ALL.iter().filter_map(first).chain(held_back).min().filter(|at| *at < NEVER);
        self.set_alarm(number, next.map(|at| Alarm { at, rank }));
    }

    /// Pools in the order of a rewrite: the network declared last comes first, its pools in order.
    pub fn rewrite_order(&self) -> Vec<PoolNumber> {
        let mut order: Vec<PoolNumber> = (0..self.pools.len() as u32).map(PoolNumber).collect();
        order.sort_by_key(|pool| {
            (std::cmp::Reverse(self.pools.get(pool.0 as usize).map(|p| p.network)), pool.0)
        });
        order
    }

    /// The next binding that a rewrite holds. The walk may be interrupted: what changes meanwhile is the caller's to
    /// write again, what does not is met exactly once.
    pub fn next_in_rewrite(&self, walk: &mut RewriteWalk) -> Option<BindingId> {
        loop {
            let pool = self.pools.get(walk.pools.get(walk.pool)?.0 as usize)?;
            let Some(kind) = Kind::ALL.get(walk.kind) else {
                walk.pool += 1;
                walk.kind = 0;
                continue;
            };
            let queue = pool.queue(*kind);
            let next = match walk.after {
                None => queue.first(),
                Some((time, tie)) => queue.after(time, tie),
            };
            let Some(id) = next else {
                walk.kind += 1;
                walk.after = None;
                continue;
            };
            let slot = self.slot(id);
            walk.after = Some((slot.binding.ends, slot.tie));
            if is_written(&slot.binding) {
                return Some(id);
            }
        }
    }
}

/// Where a rewrite stands.
#[derive(Clone, Debug)]
pub struct RewriteWalk {
    pools: Vec<PoolNumber>,
    pool: usize,
    kind: usize,
    after: Option<(Wall, Tie)>,
}

impl RewriteWalk {
    pub fn new(store: &Store) -> Self {
        RewriteWalk { pools: store.rewrite_order(), pool: 0, kind: 0, after: None }
    }

    /// Where it stands, as octets.
    pub fn put(&self, out: &mut Vec<u8>) {
        out.count(self.pool);
        out.count(self.kind);
        out.option(self.after, |out, (time, tie)| {
            out.i64(time);
            out.u32(tie);
        });
    }

    /// Over a store that has the same bindings.
    pub fn read(octets: &mut Octets<'_>, store: &Store) -> octets::Result<Self> {
        let (pool, kind) = (octets.u32()? as usize, octets.u32()? as usize);
        let after = octets.option(|octets| Ok((octets.i64()?, octets.u32()?)))?;
        Ok(RewriteWalk { pools: store.rewrite_order(), pool, kind, after })
    }
}

/// Which queue a binding belongs on.
pub(super) fn kind_of(binding: &Binding) -> Kind {
    match binding.state {
        State::Free | State::Backup if binding.reserved => Kind::Reserved,
        State::Free => Kind::Free,
        State::Backup => Kind::Backup,
        State::Active => Kind::Active,
        State::Expired | State::Released | State::Reset => Kind::Expired,
        State::Abandoned => Kind::Abandoned,
    }
}

/// Changes by itself some day. Records without `next binding state`, as old servers wrote them, never do.
fn is_pending(binding: &Binding) -> bool {
    binding.next_state != binding.state && binding.ends < NEVER
}

/// A rewrite leaves out what says nothing.
pub(super) fn is_written(binding: &Binding) -> bool {
    !binding.is_unused() || binding.tsfp() != 0 || binding.state != State::Free
}

/// Infiniband clients show a type and no address; those are not looked up by hardware.
fn is_hashed(hardware: &[u8]) -> bool {
    const INFINIBAND: u8 = 32;
    !hardware.is_empty() && hardware != [INFINIBAND]
}

/// Whether a client is better served by `new` than by `old`: the active one that ends last, then the expired or released
/// one with the latest transaction, then any other, abandoned ones last. Equal: the newcomer.
fn is_preferred(new: &Binding, old: &Binding) -> bool {
    fn rank(state: State) -> u8 {
        match state {
            State::Active => 3,
            State::Expired | State::Released => 2,
            State::Free | State::Backup | State::Reset => 1,
            State::Abandoned => 0,
        }
    }
    let (a, b) = (rank(new.state), rank(old.state));
    match a.cmp(&b) {
        std::cmp::Ordering::Equal if a == 3 => new.ends >= old.ends,
        std::cmp::Ordering::Equal => new.cltt >= old.cltt,
        order => order.is_gt(),
    }
}

/// An address declared twice belongs to the pool that had it first. Gives the ranges by address and as declared.
fn without_overlaps(ranges: impl Iterator<Item = Declared>) -> (Vec<Stretch>, Vec<Declared>) {
    let mut taken: std::collections::BTreeMap<u32, (u32, PoolNumber)> = std::collections::BTreeMap::new();
    let mut declared = Vec::new();
    for range in ranges {
        let mut low = u64::from(range.low);
        while low <= u64::from(range.high) {
            let at = low as u32;
            if let Some((_, (high, _))) = taken.range(..=at).next_back()
                && *high >= at
            {
                low = u64::from(*high) + 1;
                continue;
            }
            let next = taken.range(at..).next().map_or(u64::MAX, |(next, _)| u64::from(*next));
            let high = u64::from(range.high).min(next - 1) as u32;
            taken.insert(at, (high, PoolNumber(range.pool)));
            declared.push(Declared { pool: range.pool, low: at, high });
            low = u64::from(high) + 1;
        }
    }
    let stretches = taken.into_iter().map(|(low, (high, pool))| Stretch { low, high, pool }).collect();
    (stretches, declared)
}

mod export;
mod load;
mod prolong;

pub use export::{Number, binding, function, put_binding, put_function};
#[cfg(test)]
mod tests;
