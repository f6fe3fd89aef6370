//! One address and what is known of it: the `lease` record of dhcpd.leases(5).

use crate::clock::Wall;
use crate::eval::ast::{Block, Name};
use smallvec::SmallVec;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Binding states of dhcpd.leases(5), numbered as on the failover wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    #[default]
    Free = 1,
    Active = 2,
    Expired = 3,
    Released = 4,
    Abandoned = 5,
    Reset = 6,
    Backup = 7,
}

/// A value kept by `set` on a binding.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Data(Arc<[u8]>),
    Number(i64),
    Boolean(bool),
}

/// Hardware type octet and address, at most 1 + 20 octets.
pub type HardwareAddress = SmallVec<[u8; 7]>;

/// A binding that exists in memory. A never-used address has none.
#[derive(Clone, Debug)]
pub struct Binding {
    pub address: Ipv4Addr,
    pub state: State,
    pub next_state: State,
    pub rewind_state: State,
    pub reserved: bool,
    pub bootp: bool,
    /// 0: not set, and not written.
    pub starts: Wall,
    pub ends: Wall,
    pub tstp: Wall,
    pub tsfp: Wall,
    pub atsfp: Wall,
    pub cltt: Wall,
    /// Empty: unknown.
    pub hardware: HardwareAddress,
    /// Client identifier as sent, type octet included. Empty: none.
    pub uid: SmallVec<[u8; 7]>,
    /// Sequence number of the last journal record of this binding; 0: none.
    pub sequence: u64,
    /// What few bindings have, boxed together so that the rest stay small.
    pub extra: Option<Box<Extra>>,
}

/// The rarer parts of a binding.
#[derive(Clone, Debug, Default)]
pub struct Extra {
    pub client_hostname: Option<Arc<[u8]>>,
    /// `set` variables, newest first, as the file lists them.
    pub variables: Vec<(Name, Value)>,
    /// Stashed relay agent sub-options in packet order: code, length, data, repeated.
    pub agent_options: Vec<u8>,
    pub on_expiry: Option<Block>,
    pub on_release: Option<Block>,
    pub on_commit: Option<Block>,
    /// `billing class "NAME"` or `billing subclass "CLASS" "VALUE"`.
    pub billing: Option<Billing>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Billing {
    pub class: Name,
    pub subclass: Option<Arc<[u8]>>,
}
