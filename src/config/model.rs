//! The checked configuration. Immutable once built; bindings refer to it by address or name.

use crate::clock::Wall;
use crate::eval::ast::{Block, Expr, Name};
use crate::option::definition::OptionId;
use crate::syntax::source::Span;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

macro_rules! index {
    ($($(#[$doc:meta])* $name:ident),*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);
    )*};
}

index!(
    /// A scope: one pair of braces, or the top level (0).
    ScopeId,
    /// A shared network, declared or made for a lone subnet.
    NetworkId,
    SubnetId,
    PoolId,
    HostId,
    ClassId
);

/// The scope chain of ISC's `struct group`: what statements hold inside one pair of braces.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The enclosing scope; none for the top level.
    pub parent: Option<ScopeId>,
    pub statements: Block,
    /// `authoritative`, inherited at declaration time as ISC does.
    pub authoritative: bool,
    /// Named groups only.
    pub name: Option<Name>,
}

#[derive(Clone, Debug)]
pub struct SharedNetwork {
    /// As declared; a lone subnet gives `10.0.0.0/24`.
    pub name: Name,
    pub scope: ScopeId,
    pub interface: Option<Name>,
    /// In the order declared.
    pub subnets: Vec<SubnetId>,
    pub pools: Vec<PoolId>,
    pub failover_peer: Option<Name>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Subnet {
    pub network: NetworkId,
    pub net: Ipv4Addr,
    pub mask: Ipv4Addr,
    pub scope: ScopeId,
    pub interface: Option<Name>,
    pub span: Span,
}

/// One entry of a pool's `allow` or `deny` list.
#[derive(Clone, Debug, PartialEq)]
pub enum Permit {
    KnownClients,
    UnknownClients,
    AuthenticatedClients,
    UnauthenticatedClients,
    AllClients,
    DynamicBootpClients,
    MembersOf(ClassId),
    After(Wall),
}

/// Addresses `low..=high`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    pub subnet: SubnetId,
    pub low: Ipv4Addr,
    pub high: Ipv4Addr,
}

#[derive(Clone, Debug)]
pub struct Pool {
    pub network: NetworkId,
    pub scope: ScopeId,
    pub ranges: Vec<AddressRange>,
    pub allow: Vec<Permit>,
    pub deny: Vec<Permit>,
    /// `allow after`: the pool is closed before; 0 when not given.
    pub valid_from: Wall,
    /// `deny after`: the pool is closed from then on; `NEVER` when not given.
    pub valid_until: Wall,
    pub failover_peer: Option<Name>,
    pub span: Span,
}

/// `htype` and address octets, as `hardware ethernet 1:2:3:4:5:6` gives them: octet 0 is the type, up to 20 more follow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hardware(pub smallvec::SmallVec<[u8; 7]>);

/// Flags a declaration carries when it came from the lease file or OMAPI.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    pub dynamic: bool,
    pub deleted: bool,
    pub fixed: bool,
}

#[derive(Clone, Debug)]
pub struct Host {
    pub name: Name,
    pub scope: ScopeId,
    pub hardware: Option<Hardware>,
    /// `uid` or `option dhcp-client-identifier`.
    pub client_identifier: Option<Arc<[u8]>>,
    /// `host-identifier option NAME VALUE`, or the v6 relay form with its hop count.
    pub host_identifier: Option<HostIdentifier>,
    /// `fixed-address`: the list as written, constants and names; evaluated at each use.
    pub fixed_addresses: Option<Expr>,
    pub named_group: Option<Name>,
    pub provenance: Provenance,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub struct HostIdentifier {
    pub option: OptionId,
    pub relay_hops: Option<u8>,
    pub value: Arc<[u8]>,
}

#[derive(Clone, Debug)]
pub struct Class {
    /// Of a subclass: the class it belongs to.
    pub superclass: Option<ClassId>,
    pub name: Name,
    pub scope: ScopeId,
    /// `match if`
    pub condition: Option<Expr>,
    /// `match` and `spawn with`: the value looked up among the subclasses.
    pub submatch: Option<Expr>,
    pub spawning: bool,
    /// Of a subclass: the value it was declared with.
    pub value: Option<Arc<[u8]>>,
    pub lease_limit: Option<u32>,
    pub provenance: Provenance,
    pub span: Span,
}

/// `failover peer "x" { .. }`
#[derive(Clone, Debug)]
pub struct FailoverPeer {
    pub name: Name,
    pub primary: bool,
    pub address: Option<Expr>,
    pub port: u16,
    pub peer_address: Option<Expr>,
    pub peer_port: u16,
    pub max_response_delay: u32,
    pub max_unacked_updates: u32,
    pub mclt: Option<u32>,
    /// `split` or `hba`: 256 buckets, bit set = primary serves.
    pub hba: Option<Box<[u8; 32]>>,
    pub load_balance_max_seconds: u32,
    pub auto_partner_down: u32,
    pub max_lease_misbalance: u32,
    pub max_lease_ownership: u32,
    pub min_balance: u32,
    pub max_balance: u32,
    pub span: Span,
}

/// `key NAME { algorithm A; secret S; }`
#[derive(Clone, Debug)]
pub struct Key {
    pub name: Name,
    pub algorithm: Name,
    pub secret: Arc<[u8]>,
    pub span: Span,
}

/// `zone NAME { primary A; key K; }`
#[derive(Clone, Debug)]
pub struct Zone {
    pub name: Name,
    pub primary: Option<Expr>,
    pub secondary: Option<Expr>,
    pub primary6: Option<Expr>,
    pub secondary6: Option<Expr>,
    pub key: Option<Name>,
    pub span: Span,
}

/// Where OMAPI listens.
#[derive(Clone, Debug, Default)]
pub struct Omapi {
    pub port: Option<u16>,
    pub key: Option<Name>,
    pub address: Option<SocketAddr>,
}
