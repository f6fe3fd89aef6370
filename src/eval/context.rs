//! What expressions can see, as plain values.

use super::ast::Name;
use super::packet::Packet;
use crate::clock::Wall;
use crate::option::Spaces;
use rustc_hash::FxHashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Host names and what they resolved to, filled in by the shell. A name that is not there is null, like a failed look-up.
#[derive(Clone, Debug, Default)]
pub struct HostTable {
    /// What `gethostname ()` yields.
    pub own_name: String,
    /// All A records of a name, four octets each.
    pub addresses: FxHashMap<Name, Arc<[u8]>>,
}

/// What expressions see of the client's lease.
#[derive(Clone, Copy, Debug)]
pub struct Lease<'a> {
    /// `leased-address`
    pub address: Ipv4Addr,
    /// `lease-time` is what is left until then.
    pub ends: Wall,
    /// Type octet and address; `hardware` when there is no packet.
    pub hardware: &'a [u8],
    /// A fixed address: `static`.
    pub is_static: bool,
    /// `host-decl-name`
    pub host_name: Option<&'a str>,
}

/// Everything an evaluation reads. What is `None` makes the expressions that need it null, with ISC's message.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub spaces: &'a Spaces,
    pub packet: Option<&'a Packet<'a>>,
    pub lease: Option<Lease<'a>>,
    /// A host declaration matched this client.
    pub known: bool,
    /// What `check "default"` yields: the client is in some class.
    pub in_a_class: bool,
    pub now: Wall,
    pub hosts: &'a HostTable,
}

impl<'a> Context<'a> {
    /// Nothing but the options that exist: what global statements see at start.
    pub fn bare(spaces: &'a Spaces, hosts: &'a HostTable, now: Wall) -> Self {
        Context { spaces, packet: None, lease: None, known: false, in_a_class: false, now, hosts }
    }
}
