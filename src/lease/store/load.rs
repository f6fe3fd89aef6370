//! Filling a store from a lease file: records first, queues and indexes once all are in.

use super::{BindingId, Kind, NEVER, Store, is_written, kind_of};
use crate::clock::Wall;
use crate::lease::binding::{Binding, State};
use crate::lease::order::{BUCKETS, bucket};
use crate::lease::pool::PoolNumber;
use crate::lease::queue::{self, Place};

impl Store {
    /// Takes one record; the latest of an address counts. Gives it back when no pool holds the address.
    pub fn load(&mut self, binding: Binding) -> Result<(), Box<Binding>> {
        if self.pool_of(binding.address).is_none() {
            return Err(Box::new(binding));
        }
        let id = match self.by_address(binding.address) {
            Some(id) => {
                self.slot_mut(id).binding = binding;
                id
            }
            None => self.allocate(binding),
        };
        self.loaded = self.loaded.saturating_add(1);
        self.slot_mut(id).tie = self.loaded;
        Ok(())
    }

    /// Queues and indexes everything loaded, in the order of ISC's walk at start (see [`super::order`]), and computes
    /// the order of the addresses that have no record. The store must have held nothing before.
    pub fn finish_loading(&mut self) {
        let mut walk: Vec<(u32, u32, BindingId)> = Vec::with_capacity(self.len());
        for id in self.iter() {
            let slot = self.slot(id);
            walk.push((bucket(u32::from(slot.binding.address)), u32::MAX - slot.tie, id));
        }
        walk.sort_unstable();
        let untouched = self.untouched_before(&walk);
        let mut recorded = Vec::with_capacity(walk.len());
        let mut placed = Vec::with_capacity(walk.len());
        let with = |has: fn(&Binding) -> bool| self.iter().filter(|id| has(self.get(*id))).count();
        let (uids, hardware) = (with(|b| !b.uid.is_empty()), with(|b| !b.hardware.is_empty()));
        self.by_uid.reserve(uids);
        self.by_hardware.reserve(hardware);
        let mut group: Vec<BindingId> = Vec::new();
        let mut last: Option<(u32, PoolNumber, Kind, Wall)> = None;
        for &(bucket, _, id) in &walk {
            let Some(pool) = self.prepare(id) else { continue };
            let binding = &self.slot(id).binding;
            recorded.push((bucket, u32::from(binding.address)));
            let this = (bucket, pool, kind_of(binding), binding.ends);
            let gap = |from: u32| untouched.get(from as usize) != untouched.get(bucket as usize);
            if last.is_none_or(|l| (l.1, l.2, l.3) != (this.1, this.2, this.3) || gap(l.0)) {
                self.place(&mut group, &mut placed);
            }
            group.push(id);
            self.index(id);
            last = Some(this);
        }
        self.place(&mut group, &mut placed);
        self.fill_queues(placed);
        recorded.sort_unstable();
        self.compute_orders(&recorded);
        self.loaded = 0;
    }

    /// Equal times in a row of the walk keep their order; all of them go in front of those that came before.
    fn place(&self, group: &mut Vec<BindingId>, placed: &mut Vec<(PoolNumber, Kind, Place)>) {
        for id in group.drain(..).rev() {
            let binding = self.get(id);
            let Some(pool) = self.pool_of(binding.address) else { continue };
            placed.push((pool, kind_of(binding), queue::loaded(binding.ends, placed.len(), id)));
        }
    }

    /// Whole queues at once, from what is sorted.
    fn fill_queues(&mut self, mut placed: Vec<(PoolNumber, Kind, Place)>) {
        placed.sort_unstable();
        for queue in placed.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let Some(&(number, kind, _)) = queue.first() else { continue };
            for &(.., ((_, tie), id)) in queue {
                self.slot_mut(id).tie = tie;
            }
            if let Some(pool) = self.pools.get_mut(number.0 as usize) {
                pool.queue_mut(kind).fill(queue.iter().map(|(.., place)| *place));
            }
        }
        self.alarm_all();
    }

    /// What ISC corrects when it takes over a record.
    fn prepare(&mut self, id: BindingId) -> Option<PoolNumber> {
        let pool = self.pool_of(self.get(id).address)?;
        let place = self.pools.get_mut(pool.0 as usize)?;
        place.bound += 1;
        let shared = place.shared;
        let binding = &mut self.slot_mut(id).binding;
        if binding.state == State::Backup && !shared {
            // Nobody to share with: failover was taken out of the configuration.
            binding.state = State::Free;
            binding.next_state = State::Free;
            binding.rewind_state = State::Free;
        }
        if binding.billing().is_some()
            && !matches!(binding.state, State::Active | State::Expired | State::Released | State::Reset)
        {
            binding.set_billing(None);
        }
        binding.trim();
        if let Some(billing) = binding.billing().cloned() {
            *self.billed.entry(billing).or_default() += 1;
        }
        Some(pool)
    }

    /// For every bucket, how many addresses without a record lie in the buckets before it.
    fn untouched_before(&self, walk: &[(u32, u32, BindingId)]) -> Vec<u64> {
        let buckets = BUCKETS as usize;
        let mut steps = vec![0i64; buckets + 1];
        for range in self.declared() {
            let total = u64::from(range.high - range.low) + 1;
            let rest = (total % u64::from(BUCKETS)) as usize;
            let first = bucket(range.low) as usize;
            let mut add = |from: usize, to: usize, n: i64| {
                if let Some(step) = steps.get_mut(from) {
                    *step += n;
                }
                if let Some(step) = steps.get_mut(to) {
                    *step -= n;
                }
            };
            add(0, buckets, (total / u64::from(BUCKETS)) as i64);
            add(first, (first + rest).min(buckets), 1);
            if first + rest > buckets {
                add(0, first + rest - buckets, 1);
            }
        }
        for &(bucket, _, id) in walk {
            if self.pool_of(self.get(id).address).is_some() {
                let bucket = bucket as usize;
                if let [here, next, ..] = steps.get_mut(bucket..).unwrap_or_default() {
                    *here -= 1;
                    *next += 1;
                }
            }
        }
        let mut in_bucket = 0i64;
        let mut before = 0u64;
        steps
            .iter()
            .take(buckets)
            .map(|step| {
                let here = before;
                in_bucket += step;
                before = before.saturating_add_signed(in_bucket);
                here
            })
            .collect()
    }

    /// How many records a rewrite would hold.
    pub fn written(&self) -> usize {
        self.iter().filter(|id| is_written(self.get(*id))).count()
    }

    /// Whether a time is a real end.
    pub fn is_endless(time: Wall) -> bool {
        time >= NEVER
    }
}
