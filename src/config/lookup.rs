//! Reading the model: by number, by name, along a scope chain.

use super::model::{
    Class, ClassId, Config, FailoverPeer, Host, HostId, NetworkId, Pond, PondId, Pool, PoolId, Range6, Scope,
    ScopeId, SharedNetwork, Subnet, Subnet6, Subnet6Id, SubnetId,
};
use crate::eval::ast::Block;
use smallvec::SmallVec;
use std::net::Ipv4Addr;

/// A number that this model gave out always finds its thing; a number of another model is a programming error and panics.
macro_rules! by_number {
    ($($method:ident, $list:ident, $id:ty, $item:ty;)*) => {$(
        pub fn $method(&self, id: $id) -> &$item {
            &self.$list[id.0 as usize]
        }
    )*};
}

impl Config {
    by_number! {
        scope, scopes, ScopeId, Scope;
        network, networks, NetworkId, SharedNetwork;
        subnet, subnets, SubnetId, Subnet;
        subnet6, subnets6, Subnet6Id, Subnet6;
        pool, pools, PoolId, Pool;
        pond, ponds, PondId, Pond;
        class, classes, ClassId, Class;
    }

    pub fn host(&self, id: HostId) -> &Host {
        self.hosts.get(id).expect("a host of this configuration")
    }

    /// The first class of this name.
    pub fn find_class(&self, name: &str) -> Option<ClassId> {
        self.class_names.get(name).copied()
    }

    /// The subclass declared for this value.
    pub fn find_subclass(&self, class: ClassId, value: &[u8]) -> Option<ClassId> {
        self.class(class).subclasses.get(value).copied()
    }

    pub fn failover_peer(&self, name: &str) -> Option<&FailoverPeer> {
        self.failover_peers.iter().find(|peer| *peer.name == *name)
    }

    /// The scopes to execute for `inner`, outermost first, leaving out `limit` and all that `limit` has around it: ISC's
    /// way to execute each scope once when several chains share their outer part.
    pub fn scope_chain(&self, inner: ScopeId, limit: Option<ScopeId>) -> SmallVec<[ScopeId; 8]> {
        let mut stop: SmallVec<[ScopeId; 8]> = SmallVec::new();
        let mut at = limit;
        while let Some(id) = at {
            stop.push(id);
            at = self.scope(id).parent;
        }
        let mut chain: SmallVec<[ScopeId; 8]> = SmallVec::new();
        let mut at = Some(inner);
        while let Some(id) = at {
            if stop.contains(&id) {
                break;
            }
            chain.push(id);
            at = self.scope(id).parent;
        }
        chain.reverse();
        chain
    }

    /// The statements of [`Config::scope_chain`], outermost first.
    pub fn statements(&self, inner: ScopeId, limit: Option<ScopeId>) -> SmallVec<[&Block; 8]> {
        self.scope_chain(inner, limit).into_iter().map(|id| &self.scope(id).statements).collect()
    }
}

impl Subnet {
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        address & self.mask == self.net
    }

    /// The address with all host bits set.
    pub fn broadcast(&self) -> Ipv4Addr {
        self.net | !self.mask
    }
}

impl Subnet6 {
    pub fn contains(&self, address: std::net::Ipv6Addr) -> bool {
        address.to_bits() & super::network::mask6(self.prefix_length) == self.net.to_bits()
    }
}

impl Range6 {
    pub fn contains(&self, address: std::net::Ipv6Addr) -> bool {
        address.to_bits() & super::network::mask6(self.length) == self.start.to_bits()
    }
}
