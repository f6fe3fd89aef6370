//! A pool: its ranges, queues and counts.

use super::binding::Binding;
use super::order::Order;
use super::queue::{Kind, Queue};
use crate::clock::Wall;
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
    pub at: Wall,
    /// Pools whose alarms fall in one second go by this: the order in which they were set.
    pub rank: u64,
}

/// Which bindings of a pool move on by themselves. What a failover peer has to agree to waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Leases in use expire at their end.
    pub active: bool,
    /// Expired, released and reset ones become free at their end, and not before this time.
    pub expired_from: Option<Wall>,
}

impl Timing {
    /// Without a peer.
    pub const ALONE: Timing = Timing { active: true, expired_from: Some(0) };
}

#[derive(Debug)]
pub(super) struct Pool {
    pub network: u32,
    pub shared: bool,
    pub total: u64,
    /// Addresses that have a binding.
    pub bound: u64,
    pub order: Order,
    pub timing: Timing,
    pub alarm: Option<Alarm>,
    queues: [Queue; 6],
}

impl Pool {
    pub fn new(network: u32, shared: bool) -> Self {
        let timing = match shared {
            true => Timing { active: true, expired_from: None },
            false => Timing::ALONE,
        };
        Pool {
            network,
            shared,
            total: 0,
            bound: 0,
            order: Order::default(),
            timing,
            alarm: None,
            queues: Default::default(),
        }
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

    /// Queues from which bindings move on when their time has come, and before when none of a queue does.
    pub fn timed(&self) -> impl Iterator<Item = (Kind, Wall)> + use<> {
        let Timing { active, expired_from } = self.timing;
        let active = active.then_some((Kind::Active, 0));
        let expired = expired_from.map(|from| (Kind::Expired, from));
        active.into_iter().chain(expired).chain([(Kind::Abandoned, 0)])
    }

    /// In a shared pool a peer that is down may still have a say in what clients have left; and one that is not may take a
    /// client for the holder of an abandoned address until it has heard of that.
    pub fn holds_back(&self, binding: &Binding, now: Wall) -> bool {
        use super::binding::State::{Abandoned, Expired, Released, Reset};
        let is_down = self.timing.expired_from.is_some();
        match binding.state {
            Expired | Released | Reset => self.shared && binding.tsfp() > now,
            Abandoned if self.shared && is_down => binding.tsfp() > now,
            Abandoned => self.shared && !binding.is_settled(),
            _ => false,
        }
    }

    /// Before when no binding of a queue moves on; None: none does by itself.
    pub fn timed_from(&self, kind: Kind) -> Option<Wall> {
        self.timed().find(|(timed, _)| *timed == kind).map(|(_, from)| from)
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
