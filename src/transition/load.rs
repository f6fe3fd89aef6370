//! From a lease file to a store: what a start does before the first packet.

pub mod declarations;
mod declared;

use crate::clock::Wall;
pub use declared::{Declared, Rank};

use crate::config::model::{Lease6Kind, Range6};
use crate::config::{Config, Family};
use crate::lease::association::{self, AssociationId, Associations, Block6, Key, Lease6, Placed};
use crate::lease::binding::Binding;
use crate::lease::pool::{PoolSpec, RangeSpec};
use crate::lease::store::Store;
use crate::lease_file::{Consumer, Declaration, DeclarationKind, FailoverRecord, Known, Role};
use crate::syntax::cursor::Cursor;
use std::net::Ipv4Addr;

impl Known for Config {
    fn declare(&mut self, kind: DeclarationKind, cursor: &mut Cursor) -> bool {
        match kind {
            DeclarationKind::Class => self.read_class(cursor),
            DeclarationKind::Subclass => self.read_subclass(cursor).is_some(),
            DeclarationKind::Group => self.read_group(cursor),
            DeclarationKind::Host => self.read_host(cursor),
        }
    }

    fn serves_v6(&self) -> bool {
        self.family == Family::V6
    }

    fn failover_peer_role(&self, name: &str) -> Option<Role> {
        let peer = self.failover_peer(name)?;
        Some(if peer.primary { Role::Primary } else { Role::Secondary })
    }
}

/// The pools of a configuration; pool number n is `PoolId(n)`.
pub fn pools(config: &Config) -> Vec<PoolSpec> {
    let spec = |pool: &crate::config::model::Pool| PoolSpec {
        network: pool.network.0,
        shared: pool.failover_peer.is_some(),
        ranges: (pool.ranges.iter())
            .map(|range| RangeSpec { low: range.low, high: range.high, declared: range.declared.into() })
            .collect(),
    };
    config.pools.iter().map(spec).collect()
}

/// The ranges of a DHCPv6 configuration, in the order declared.
fn blocks(config: &Config) -> Vec<Block6> {
    let mut ranges: Vec<&Range6> = config.ponds.iter().flat_map(|pond| &pond.ranges).collect();
    ranges.sort_by_key(|range| range.declared);
    let kind = |range: &Range6| match range.kind {
        Lease6Kind::Address => association::Kind::NonTemporary,
        Lease6Kind::Temporary => association::Kind::Temporary,
        Lease6Kind::Prefix => association::Kind::Prefix,
    };
    let block = |range: &Range6| {
        let &Range6 { start, length, unit, .. } = range;
        Block6 { kind: kind(range), start, length, unit }
    };
    ranges.into_iter().map(block).collect()
}

/// Everything a lease file holds that is not a lease.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// The last one of each kind and name.
    pub declared: Declared,
    pub failover: Vec<FailoverRecord>,
    pub server_duid: Option<Vec<u8>>,
    /// Of a DHCPv6 server.
    pub associations: Option<Associations>,
}

impl Kept {
    /// Before anything has been read.
    pub fn new(config: &Config) -> Self {
        let associations = (config.family == Family::V6).then(|| Associations::new(blocks(config)));
        Kept { associations, ..Kept::default() }
    }

    /// The declarations as ISC writes them anew: from what is in force, not as they stood in the file. For when the file has
    /// been read.
    pub fn settle(&mut self, config: &Config) {
        self.declared = Declared::default();
        for name in config.class_order.iter().filter_map(|id| config.class(*id).name.as_ref()) {
            self.declared.class(name);
        }
        declarations::in_force(config).for_each(|declaration| self.declared.put(declaration));
    }

    fn declare(&mut self, new: Declaration) {
        // A dynamic host, group or class that is deleted leaves nothing behind.
        if new.deleted && new.dynamic && new.kind != DeclarationKind::Host {
            self.declared.remove(new.kind, &new.name, new.value.as_deref());
        } else {
            self.declared.put(new);
        }
    }
}

/// Puts the records of a file into a store and the rest aside. [`Store::finish_loading`] belongs behind it.
pub struct Loader<'a> {
    pub store: &'a mut Store,
    pub kept: &'a mut Kept,
}

impl Consumer for Loader<'_> {
    fn serves(&self, address: Ipv4Addr) -> bool {
        self.store.pool_of(address).is_some()
    }

    fn lease(&mut self, binding: Binding) -> Result<(), Box<Binding>> {
        self.store.load(binding)
    }

    fn declaration(&mut self, declaration: Declaration) {
        self.kept.declare(declaration);
    }

    fn failover_state(&mut self, state: FailoverRecord) {
        match self.kept.failover.iter_mut().find(|known| known.name == state.name) {
            None => self.kept.failover.push(state),
            Some(known) => {
                known.my = state.my.or(known.my);
                known.partner = state.partner.or(known.partner);
                known.mclt = state.mclt.or(known.mclt);
            }
        }
    }

    fn association(&mut self, key: Key) -> AssociationId {
        self.kept.associations.get_or_insert_default().begin(key)
    }

    fn lease6(&mut self, association: AssociationId, lease: Lease6) -> Placed {
        self.kept.associations.get_or_insert_default().load(association, lease)
    }

    fn association_ends(&mut self, association: AssociationId, cltt: Wall) {
        self.kept.associations.get_or_insert_default().finish(association, cltt);
    }

    fn server_duid(&mut self, duid: Vec<u8>) {
        self.kept.server_duid = Some(duid);
    }
}

#[cfg(test)]
mod tests;
