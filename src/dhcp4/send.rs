//! A reply as it leaves the engine.

use super::interface::InterfaceId;
use crate::log::Line;
use smallvec::SmallVec;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::ops::Range;

/// How a reply leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// A frame built by us on that interface's packet socket, to this hardware address (htype octet not included; empty:
    /// broadcast).
    Link { interface: InterfaceId, hardware: SmallVec<[u8; 20]> },
    /// The UDP socket; the kernel routes. `interface` is the one the request came in by, for the log only.
    Socket { interface: Option<InterfaceId> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Send {
    pub route: Route,
    pub source: Ipv4Addr,
    /// Source port, normally 67.
    pub source_port: u16,
    pub destination: SocketAddrV4,
    /// Octets of the payload in the arena it was handed over with.
    pub payload: Range<usize>,
}

/// A reply that may only leave when record `sequence` is durable (0: at once), with the line that says so.
#[derive(Debug)]
pub struct Reply {
    /// How many acts of the same event come before it.
    pub after: usize,
    pub sequence: u64,
    pub line: Line,
    pub send: Send,
}
