//! The lease that a message is about: a binding, an address without one yet, or a fixed address.

use crate::config::model::{HostId, SubnetId};
use crate::lease::queue::BindingId;
use smallvec::SmallVec;
use std::net::Ipv4Addr;

/// A fixed address, as a lease that no file knows.
#[derive(Clone, Debug)]
pub struct Fixed {
    pub address: Ipv4Addr,
    pub subnet: SubnetId,
    pub host: HostId,
    /// Client identifier of the host declaration.
    pub uid: SmallVec<[u8; 16]>,
}

#[derive(Clone, Debug)]
pub enum LeaseRef {
    Stored(BindingId),
    /// An address of a pool that has no binding yet.
    Fresh(Ipv4Addr),
    Fixed(Fixed),
}
