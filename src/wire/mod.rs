//! Codecs for what comes off and goes onto the wire. Decoding borrows the datagram and allocates nothing; encoding appends
//! to a buffer the caller reuses. Nothing here knows option names; malformed input is answered as ISC answers it.

pub mod area;
pub mod dhcp4;
pub mod domain;
pub mod frame;
pub mod icmp;
pub mod option_area;
#[cfg(test)]
mod tests;
