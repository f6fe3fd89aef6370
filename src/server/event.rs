//! What the core is told.

use crate::log::Line;
use std::net::{Ipv4Addr, SocketAddrV4};

/// Index of an interface in the list handed to the core at start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceId(pub u16);

/// An interface the server listens on, as discovered by the shell at start.
#[derive(Clone, Debug)]
pub struct Interface {
    pub name: String,
    /// ARP hardware type (1 Ethernet, 32 Infiniband) and address.
    pub htype: u8,
    pub hardware: Vec<u8>,
    /// IPv4 addresses in the kernel's order.
    pub addresses: Vec<Ipv4Addr>,
}

/// One thing that happened. Datagrams borrow the receive buffer.
#[derive(Debug)]
pub enum Event<'a> {
    /// A BOOTP/DHCP payload: from a packet socket (`interface` given) or from the UDP fallback socket (none: a relayed or
    /// routed packet that no packet socket saw).
    Datagram {
        interface: Option<InterfaceId>,
        source: SocketAddrV4,
        /// Where it was sent to; broadcast or one of ours.
        destination: Ipv4Addr,
        /// Hardware source of the frame, without type octet; empty when unknown.
        link_source: &'a [u8],
        payload: &'a [u8],
    },
    /// An ICMP echo reply came from this address.
    EchoReply(Ipv4Addr),
    /// Every record up to and including this number is on the disk.
    Durable(u64),
    /// A write or sync failed: everything after the last `Durable` is in doubt. The core starts a rewrite from memory.
    JournalFailed(String),
    /// The rewrite that the core asked for is in place (renamed, directory synced), or could not be done.
    RewriteDone(Result<(), String>),
    /// `next_deadline` has passed; nothing else happened.
    Timer,
    /// A line the shell wants in order with the core's own.
    Say(Line),
    /// SIGTERM or SIGINT: finish what is held, then `Exit(0)`.
    Shutdown,
}
