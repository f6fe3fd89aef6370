//! What transitions say, in ISC's words.

use crate::log::Line;
use std::net::Ipv4Addr;

pub fn conflict(address: Ipv4Addr) -> Line {
    Line::error(format!("Lease conflict at {address}"))
}

pub fn abandoning(address: Ipv4Addr, reason: &str) -> Line {
    Line::error(format!("Abandoning IP address {address}: {reason}"))
}
