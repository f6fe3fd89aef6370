//! The interfaces the server listens on, as the engine knows them.

use std::net::Ipv4Addr;

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
