//! What transitions say, in ISC's words.

use crate::lease::association::Kind;
use crate::log::Line;
use std::net::Ipv4Addr;

pub fn conflict(address: Ipv4Addr) -> Line {
    Line::error(format!("Lease conflict at {address}"))
}

pub fn abandoning(address: Ipv4Addr, reason: &str) -> Line {
    Line::error(format!("Abandoning IP address {address}: {reason}"))
}

pub fn function_not_kept(name: &str) -> Line {
    Line::error(format!("{name}: persistent functions not supported."))
}

/// ISC cannot free a function; `place` is where in its source it tries.
pub fn function_freed(place: &str) -> Line {
    Line::error(format!("{place}: invalid binding type: 4"))
}

pub fn wrote_classes(count: usize) -> Line {
    Line::info(format!("Wrote {count} class decls to leases file."))
}

pub fn wrote_groups(count: usize) -> Line {
    Line::info(format!("Wrote {count} group decls to leases file."))
}

pub fn wrote_deleted_hosts(count: usize) -> Line {
    Line::info(format!("Wrote {count} deleted host decls to leases file."))
}

pub fn wrote_dynamic_hosts(count: usize) -> Line {
    Line::info(format!("Wrote {count} new dynamic host decls to leases file."))
}

pub fn wrote_leases(count: usize) -> Line {
    Line::info(format!("Wrote {count} leases to leases file."))
}

pub fn wrote_associations(count: impl Fn(Kind) -> usize) -> Line {
    let [na, ta, pd] = [Kind::NonTemporary, Kind::Temporary, Kind::Prefix].map(count);
    Line::info(format!("Wrote {na} NA, {ta} TA, {pd} PD leases to lease file."))
}

pub fn unwritable_lease(address: Ipv4Addr) -> Line {
    Line::info(format!("write_lease: unable to write lease {address}"))
}

pub fn unwritable_association() -> Line {
    Line::info("write_ia: unable to write ia")
}

pub fn unwritable_state(peer: &str) -> Line {
    Line::info(format!("write_failover_state: unable to write state {peer}"))
}
