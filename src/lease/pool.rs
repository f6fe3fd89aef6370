//! A pool: its ranges, queues and counts.

use super::order::Order;
use super::queue::{Kind, Queue};
use std::net::Ipv4Addr;

/// Number of a pool in the configuration in force. Bindings do not hold it: it is found by address, so that a reload
/// can renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolNumber(pub u32);

/// What the store needs to know of a pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolSpec {
    /// Number of its shared network, for the order of a rewrite (newest network first).
    pub network: u32,
    /// `low..=high`, in the order declared.
    pub ranges: Vec<RangeSpec>,
    /// Shared with a failover peer.
    pub shared: bool,
}

/// A range, and its place in the order in which all ranges of the configuration were declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangeSpec {
    pub low: Ipv4Addr,
    pub high: Ipv4Addr,
    pub declared: u64,
}

/// Sizes of a pool, as ISC counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All addresses of the ranges.
    pub total: u64,
    /// Free and not reserved, offered ones included.
    pub free: u64,
    pub backup: u64,
    pub active: u64,
    pub abandoned: u64,
}

/// When a pool is looked at for what has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Alarm {
    pub at: crate::clock::Wall,
    /// Pools whose alarms fall in one second go by this: the order in which they were set.
    pub rank: u64,
}

#[derive(Debug, Default)]
pub(super) struct Pool {
    pub network: u32,
    pub shared: bool,
    pub total: u64,
    /// Addresses that have a binding.
    pub bound: u64,
    pub order: Order,
    pub alarm: Option<Alarm>,
    queues: [Queue; 6],
}

impl Pool {
    pub fn new(network: u32, shared: bool) -> Self {
        Pool { network, shared, ..Pool::default() }
    }

    pub fn queue(&self, kind: Kind) -> &Queue {
        let [free, active, expired, abandoned, backup, reserved] = &self.queues;
        match kind {
            Kind::Free => free,
            Kind::Active => active,
            Kind::Expired => expired,
            Kind::Abandoned => abandoned,
            Kind::Backup => backup,
            Kind::Reserved => reserved,
        }
    }

    pub fn queue_mut(&mut self, kind: Kind) -> &mut Queue {
        let [free, active, expired, abandoned, backup, reserved] = &mut self.queues;
        match kind {
            Kind::Free => free,
            Kind::Active => active,
            Kind::Expired => expired,
            Kind::Abandoned => abandoned,
            Kind::Backup => backup,
            Kind::Reserved => reserved,
        }
    }

    /// Queues from which bindings move on when their time has come. What the peer has to agree to waits for it.
    pub fn timed(&self) -> &'static [Kind] {
        if self.shared {
            &[Kind::Active, Kind::Abandoned]
        } else {
            &[Kind::Active, Kind::Expired, Kind::Abandoned]
        }
    }

    pub fn counts(&self) -> Counts {
        let len = |kind| self.queue(kind).len() as u64;
        Counts {
            total: self.total,
            free: self.total.saturating_sub(self.bound) + len(Kind::Free),
            backup: len(Kind::Backup),
            active: len(Kind::Active),
            abandoned: len(Kind::Abandoned),
        }
    }
}
