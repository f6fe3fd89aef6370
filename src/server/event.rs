//! What the core is told.

pub use crate::dhcp4::interface::{Interface, InterfaceId};
use crate::eval::ast::Name;
use crate::log::Line;
pub use crate::stream::{Listener, StreamEvent, StreamId};
use rustc_hash::FxHashMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

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
    /// Host names of the configuration were looked up again: all that are known, with their A records, four octets each.
    HostNames(FxHashMap<Name, Arc<[u8]>>),
    /// What was found for `Effect::FindName`.
    NameFound { address: Ipv4Addr, name: Option<Box<[u8]>> },
    /// Of a failover peer or an OMAPI client.
    Stream { stream: StreamId, event: StreamEvent<'a> },
    /// A line the shell wants in order with the core's own.
    Say(Line),
    /// The wall clock was set by so many seconds, forward or (negative) back, before this moment and after the last event.
    ClockSet(i64),
    /// SIGTERM or SIGINT: finish what is held, then `Exit(0)`.
    Shutdown,
}
