//! TCP streams as the core sees them: failover peers and OMAPI clients. The shell owns the sockets and knows no protocol.

use std::io::ErrorKind;
use std::net::SocketAddrV4;
use std::ops::Range;

/// One connection, from the moment it is asked for or accepted until it is closed. Never used twice.
///
/// The core numbers the ones it opens itself; the shell those it accepts, from [`StreamId::ACCEPTED`] on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

impl StreamId {
    pub const ACCEPTED: u64 = 1 << 63;
}

/// Whose listening socket accepted a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listener {
    Omapi,
    /// The `address` and `port` of a `failover peer`.
    Failover(SocketAddrV4),
}

/// A listening socket that the core wants ([`crate::server::Server::listeners`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub listener: Listener,
    pub address: SocketAddrV4,
    /// Name of the failover peer, for the line that says that it cannot be opened.
    pub peer: String,
}

/// What happened to a connection. Octets borrow the receive buffer.
#[derive(Clone, Debug)]
pub enum StreamEvent<'a> {
    Accepted {
        listener: Listener,
        source: SocketAddrV4,
    },
    /// What `StreamEffect::Connect` asked for is there.
    Connected,
    /// Or is not. `is_local`: for a reason of this machine, such as an address it does not have.
    ConnectFailed {
        error: ErrorKind,
        is_local: bool,
    },
    Received(&'a [u8]),
    /// The other side closed it, or it broke, or it did not read what was written until the shell's bound was reached.
    /// Nothing follows for this stream.
    Closed(Option<ErrorKind>),
}

/// What the core wants of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamEffect {
    Connect {
        local: SocketAddrV4,
        remote: SocketAddrV4,
    },
    /// Octets of `Effects::bytes`.
    Write(Range<usize>),
    /// The same, as soon as this record is durable, without asking the core again: the journal's thread may write them. What
    /// was asked for earlier for the same stream has left by then. A failed write or sync drops them, and the core then
    /// aborts the stream.
    WriteOnceDurable {
        sequence: u64,
        octets: Range<usize>,
    },
    /// Send what was written, then close; no `Closed` follows.
    Close,
    /// Close at once; what was written and not sent yet is dropped, as ISC does in places.
    Abort,
}
