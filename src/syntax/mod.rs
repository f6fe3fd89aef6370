//! Tokens of dhcpd.conf(5) and dhcpd.leases(5) with their positions, and ISC's three-line diagnostics.

pub mod source;
pub mod token;
