//! dhcpd.leases(5): reading any file ISC dhcpd reads, and writing records octet for octet as it writes them.
//!
//! [`reader`] walks the file with ISC's checks, messages and recovery and hands every record to a [`Consumer`]; lease
//! records in the form in which a server writes them take a faster way ([`canonical`]) with the same result. What the
//! grammar of the configuration is needed for (hosts, groups, classes) is read by a [`DeclarationReader`].
//! [`writer`] encodes. Rules: ledger `leases.tsv`.

mod canonical;
pub mod date;
mod failover;
mod lease;
pub mod message;
pub mod reader;
mod server;
pub mod writer;

use crate::clock::Wall;
use crate::eval::parse::Declarations;
use crate::lease::binding::{Billing, Binding};
use crate::syntax::cursor::Cursor;

/// Takes what the file holds, in the order in which it stands there.
pub trait Consumer {
    /// A lease record. Gives it back when no range holds the address.
    fn lease(&mut self, binding: Binding) -> Result<(), Box<Binding>>;

    /// `failover peer "NAME" state { .. }`: what the record names changes, the rest stays.
    fn failover_state(&mut self, state: FailoverRecord);

    /// `server-duid`; the last one counts.
    fn server_duid(&mut self, duid: Vec<u8>);
}

/// Reads what has the grammar of dhcpd.conf. The keyword (`host`, `group`, `class`) has been taken. Messages, recovery
/// and what is kept are the reader's.
pub trait DeclarationReader: Declarations {
    fn host(&mut self, cursor: &mut Cursor);
    fn group(&mut self, cursor: &mut Cursor);
    fn class(&mut self, cursor: &mut Cursor);
    /// A subclass; its class and value when it was accepted. Also what stands behind `billing subclass`.
    fn subclass(&mut self, cursor: &mut Cursor) -> Option<Billing>;
    /// Whether a failover peer of this name is declared, and whether we are its primary.
    fn failover_peer(&self, name: &str) -> Option<Role>;
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
