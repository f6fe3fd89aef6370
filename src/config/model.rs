//! The checked configuration. Immutable once built; bindings refer to it by address or name.
//!
//! Everything hangs on plain indexes into the vectors of [`Config`]; look-ups that the engine makes for each packet are
//! hash look-ups. Where ISC's order of a list decides an answer (pools of a network, subnets of a network, hosts with one
//! hardware address), the vector has that order.

use super::host::Hosts;
use super::network::SubnetIndex;
use crate::clock::Wall;
use crate::eval::ast::{Block, Expr, Key, Name, Zone};
use crate::option::definition::OptionId;
use crate::option::space::Spaces;
use crate::syntax::source::{Source, Span};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::net::{Ipv4Addr, Ipv6Addr};
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
    Subnet6Id,
    PoolId,
    /// A `pool6`, or the one made for a `range6` outside any.
    PondId,
    HostId,
    ClassId
);

/// The address family a process serves: `-4` or `-6`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    V4,
    V6,
}

/// The top level.
pub const ROOT: ScopeId = ScopeId(0);

/// A whole dhcpd.conf, read and checked.
#[derive(Clone, Debug)]
pub struct Config {
    pub family: Family,
    /// In the order in which files were opened; [`Span::source`] counts here. Texts are dropped after the parse.
    pub sources: Vec<Source>,
    pub scopes: Vec<Scope>,
    /// In the order declared. Only networks with at least one subnet.
    pub networks: Vec<SharedNetwork>,
    pub subnets: Vec<Subnet>,
    pub subnets6: Vec<Subnet6>,
    pub pools: Vec<Pool>,
    pub ponds: Vec<Pond>,
    pub hosts: Hosts,
    /// Classes and subclasses; `class_order` has the classes alone in the order in which a packet is tried against them.
    pub classes: Vec<Class>,
    pub class_order: Vec<ClassId>,
    /// `lease limit` occurs somewhere.
    pub has_billing_classes: bool,
    /// Named groups; a redeclared name counts with its last declaration.
    pub groups: FxHashMap<Name, NamedGroup>,
    /// There were others: ISC's table of them stays, and is counted when it is empty.
    pub has_lost_groups: bool,
    pub failover_peers: Vec<FailoverPeer>,
    pub spaces: Spaces,
    /// By name in lower case.
    pub keys: FxHashMap<Name, Key>,
    pub zones: Vec<Zone>,
    /// `server-duid` of the configuration file.
    pub server_duid: Option<ServerDuid>,
    pub lease_file_format: LeaseFileFormat,
    pub(super) subnet_index: SubnetIndex,
    pub(super) class_names: FxHashMap<Name, ClassId>,
    /// Scopes of hosts that were taken back, to be used again.
    pub(super) free_scopes: Vec<ScopeId>,
    /// Scopes of groups that were taken back, which hosts may still refer to.
    pub(super) orphaned_scopes: Vec<ScopeId>,
    /// The same of dynamic classes.
    pub(super) free_classes: Vec<ClassId>,
}

/// `db-time-format` and `lease-id-format`: how records are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeaseFileFormat {
    /// `db-time-format local;`
    pub local_time: bool,
    /// `lease-id-format hex;`
    pub hex_ids: bool,
}

/// The scope chain of ISC's `struct group`: what statements hold inside one pair of braces.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The enclosing scope; none for the top level. Of a host with a named group: that group's scope.
    pub parent: Option<ScopeId>,
    pub statements: Block,
    /// `authoritative`, inherited at declaration time as ISC does: a later statement of an outer scope has no effect here.
    pub authoritative: bool,
    /// The braces of one host, and nobody else's.
    pub is_of_host: bool,
}

#[derive(Clone, Debug)]
pub struct NamedGroup {
    pub scope: ScopeId,
    pub provenance: Provenance,
}

#[derive(Clone, Debug)]
pub struct SharedNetwork {
    /// As declared; a lone subnet gives `10.0.0.0/24`.
    pub name: Name,
    pub scope: ScopeId,
    /// Made for a lone subnet, with which it then shares its scope.
    pub implicit: bool,
    pub interface: Option<Name>,
    /// In ISC's order: as declared, but an inner subnet before the one it lies in.
    pub subnets: Vec<SubnetId>,
    pub subnets6: Vec<Subnet6Id>,
    /// In the order in which they are tried.
    pub pools: Vec<PoolId>,
    pub ponds: Vec<PondId>,
    pub failover_peer: Option<Name>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Subnet {
    pub network: NetworkId,
    pub net: Ipv4Addr,
    pub mask: Ipv4Addr,
    pub scope: ScopeId,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Subnet6 {
    pub network: NetworkId,
    pub net: Ipv6Addr,
    pub prefix_length: u8,
    pub scope: ScopeId,
    pub span: Span,
}

/// One entry of a pool's `allow` or `deny` list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// Its place among all ranges in the order declared; never-used addresses are handed out in an order that depends on it.
    pub declared: u32,
}

#[derive(Clone, Debug)]
pub struct Pool {
    pub network: NetworkId,
    pub scope: ScopeId,
    /// In the order declared; a merged pool's ranges follow those it was merged with.
    pub ranges: Vec<AddressRange>,
    pub allow: Vec<Permit>,
    pub deny: Vec<Permit>,
    /// `allow after`: the pool is closed before; 0 when not given.
    pub valid_from: Wall,
    /// `deny after`: the pool is closed from then on; 0 when not given, as in ISC.
    pub valid_until: Wall,
    pub failover_peer: Option<Name>,
    /// Made for ranges outside a pool declaration.
    pub ad_hoc: bool,
    pub span: Span,
}

/// What a [`Range6`] hands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lease6Kind {
    /// IA_NA
    Address,
    /// IA_TA
    Temporary,
    /// IA_PD
    Prefix,
}

/// `start/length`, cut into pieces of `unit` bits (128 for addresses).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range6 {
    pub kind: Lease6Kind,
    pub subnet: Subnet6Id,
    pub start: Ipv6Addr,
    pub length: u8,
    pub unit: u8,
    /// Its place among all of them in the order in which they came into force; the first that holds an address counts.
    pub declared: u32,
}

#[derive(Clone, Debug)]
pub struct Pond {
    pub network: NetworkId,
    pub scope: ScopeId,
    pub ranges: Vec<Range6>,
    pub allow: Vec<Permit>,
    pub deny: Vec<Permit>,
    pub valid_from: Wall,
    pub valid_until: Wall,
    /// How many leases there could be; `u64::MAX` and `jumbo` when they cannot be counted.
    pub total: u64,
    pub jumbo: bool,
    pub span: Span,
}

/// `htype` and address octets, as `hardware ethernet 1:2:3:4:5:6` gives them: octet 0 is the type, up to 20 more follow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hardware(pub SmallVec<[u8; 7]>);

/// Flags a declaration carries when it came from the lease file or OMAPI.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    pub dynamic: bool,
    pub deleted: bool,
    /// Declared in the configuration file (or replaces what was).
    pub fixed: bool,
}

/// A reservation. Kept small: there may be a million.
#[derive(Clone, Debug)]
pub struct Host {
    pub name: Name,
    /// Its own scope, or the enclosing one when it has no statements.
    pub scope: ScopeId,
    pub hardware: Option<Hardware>,
    /// `uid` or `option dhcp-client-identifier`.
    pub client_identifier: Option<Arc<[u8]>>,
    pub fixed_addresses: Option<FixedAddresses>,
    pub provenance: Provenance,
    /// What few hosts have.
    pub extra: Option<Box<HostExtra>>,
    pub span: Span,
}

#[derive(Clone, Debug, Default)]
pub struct HostExtra {
    /// `host-identifier option NAME VALUE`, or the v6 relay form with its hop count.
    pub identifier: Option<HostIdentifier>,
    pub named_group: Option<Name>,
    pub fixed_prefixes: Vec<(Ipv6Addr, u8)>,
}

/// `fixed-address`: the list as written.
#[derive(Clone, Debug, PartialEq)]
pub enum FixedAddresses {
    /// One address literal, the common case.
    One(Ipv4Addr),
    /// Anything else: evaluated at each use to a string of 4-octet (or 16-octet) addresses.
    Expression(Box<Expr>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct HostIdentifier {
    pub option: OptionId,
    /// 0: the packet itself; n: the nth relay from the client; above 32: the relay nearest to the server.
    pub relay_hops: u32,
    pub value: Arc<[u8]>,
}

#[derive(Clone, Debug)]
pub struct Class {
    /// Of a subclass: the class it belongs to.
    pub superclass: Option<ClassId>,
    /// Of a class; a subclass has none.
    pub name: Option<Name>,
    pub scope: ScopeId,
    /// `match if`
    pub condition: Option<Expr>,
    /// `match` and `spawn with`: the value looked up among the subclasses.
    pub submatch: Option<Expr>,
    pub spawning: bool,
    /// Of a subclass: the value it was declared with.
    pub value: Option<Arc<[u8]>>,
    /// 0: none.
    pub lease_limit: u32,
    /// Value of the submatch expression to subclass.
    pub subclasses: FxHashMap<Arc<[u8]>, ClassId>,
    pub provenance: Provenance,
    pub span: Span,
}

impl Class {
    /// As it is before anything is said of it.
    pub fn new(name: Option<Name>, scope: ScopeId, span: Span) -> Class {
        Class {
            superclass: None,
            name,
            scope,
            condition: None,
            submatch: None,
            spawning: false,
            value: None,
            lease_limit: 0,
            subclasses: FxHashMap::default(),
            provenance: Provenance::default(),
            span,
        }
    }
}

/// `failover peer "x" { .. }`
#[derive(Clone, Debug)]
pub struct FailoverPeer {
    pub name: Name,
    /// `primary`, also when neither word was said.
    pub primary: bool,
    pub local: FailoverEnd,
    pub partner: FailoverEnd,
    /// 0: not given.
    pub mclt: u32,
    /// `split` or `hba`: 256 buckets, bit set = primary serves.
    pub hba: Option<Box<[u8; 32]>>,
    pub load_balance_max_seconds: u32,
    pub auto_partner_down: u32,
    pub max_lease_misbalance: u32,
    pub max_lease_ownership: u32,
    pub min_balance: u32,
    pub max_balance: u32,
    /// How many pools refer to it.
    pub pool_count: u32,
    pub span: Span,
}

/// One end of a failover pair.
#[derive(Clone, Debug, Default)]
pub struct FailoverEnd {
    pub address: Option<Expr>,
    pub port: u16,
    pub max_response_delay: u32,
    pub max_unacked_updates: u32,
    /// Of a `state` declaration in the configuration: the state's word and since when.
    pub state: Option<(Name, Wall)>,
}

/// `server-duid`
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerDuid {
    /// `llt;` or `ll;`: make one of this type (1 or 3).
    OfType(u16),
    Value(Arc<[u8]>),
}
