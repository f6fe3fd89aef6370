//! dhcpd.leases(5): reading any file ISC dhcpd reads, and writing records octet for octet as it writes them.
//!
//! [`reader`] walks the file with ISC's checks, messages and recovery and hands every record to a [`Consumer`]; lease
//! records in the form in which a server writes them take a faster way ([`canonical`]) with the same result. Hosts, groups
//! and classes are put into force by who reads the configuration, and kept as text ([`Declaration`]). [`writer`] encodes. Rules: ledger `leases.tsv`.

mod association;
mod canonical;
pub mod date;
mod declaration;
mod failover;
mod lease;
pub mod message;
pub mod reader;
mod server;
pub mod writer;

use crate::clock::Wall;
use crate::eval::ast::Name;
use crate::eval::parse::Declarations;
use crate::lease::association::{AssociationId, Key, Lease6, Placed};
use crate::lease::binding::Binding;
use crate::syntax::cursor::Cursor;
use std::net::Ipv4Addr;

/// Takes what the file holds, in the order in which it stands there.
pub trait Consumer {
    /// Whether a range holds the address.
    fn serves(&self, address: Ipv4Addr) -> bool;

    /// A lease record. Gives it back when no range holds the address.
    fn lease(&mut self, binding: Binding) -> Result<(), Box<Binding>>;

    /// A host, group, class or subclass; the last one of a name counts.
    fn declaration(&mut self, declaration: Declaration);

    /// `failover peer "NAME" state { .. }`: what the record names changes, the rest stays.
    fn failover_state(&mut self, state: FailoverRecord);

    /// `ia-na`, `ia-ta` or `ia-pd` of a DHCPv6 server begins.
    fn association(&mut self, key: Key) -> AssociationId;

    /// An `iaaddr` or `iaprefix` of it.
    fn lease6(&mut self, association: AssociationId, lease: Lease6) -> Placed;

    /// The record ends as it should; one that does not never comes here. `cltt`: 0 when it is not named.
    fn association_ends(&mut self, association: AssociationId, cltt: Wall);

    /// `server-duid`; the last one counts.
    fn server_duid(&mut self, duid: Vec<u8>);
}

/// What the reader wants to know of the configuration, and who acts on declarations.
pub trait Known: Declarations {
    /// Reads a declaration whose keyword has been taken, and puts it into force: a host is found, a deleted one no more. What is
    /// wrong is said. False when there was no declaration.
    fn declare(&mut self, kind: DeclarationKind, cursor: &mut Cursor) -> bool;

    /// Whether a failover peer of this name is declared, and whether we are its primary.
    fn failover_peer_role(&self, name: &str) -> Option<Role>;

    /// Whether this is a DHCPv6 server, which alone has identity associations.
    fn serves_v6(&self) -> bool;
}

/// What a [`Declaration`] declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeclarationKind {
    Class,
    Subclass,
    Group,
    Host,
}

/// A declaration made at run time and kept in the lease file. Its text is kept as it stands, from the first word to the
/// closing brace or semicolon, and so written again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    pub kind: DeclarationKind,
    /// Of a subclass: that of its class.
    pub name: Name,
    /// Of a subclass.
    pub value: Option<Vec<u8>>,
    pub dynamic: bool,
    pub deleted: bool,
    pub text: Vec<u8>,
}

/// Our part in a failover relationship.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Primary,
    Secondary,
}

/// A state of a failover peer and since when, as read or to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerState {
    /// One of [`writer::FAILOVER_STATES`].
    pub state: &'static str,
    pub since: Wall,
}

/// `failover peer "NAME" state`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FailoverRecord {
    pub name: String,
    pub my: Option<PeerState>,
    pub partner: Option<PeerState>,
    pub mclt: Option<i32>,
}

#[cfg(test)]
mod tests;
