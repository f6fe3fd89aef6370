//! ICMP echo, RFC 792: the ping before an address is offered.

use super::frame::internet_checksum;
use std::net::Ipv4Addr;

const ECHO_REPLY: u8 = 0;
const ECHO_REQUEST: u8 = 8;
/// Octets of ISC's echo request: the header and twenty zeros. A shorter reply does not count.
pub const ECHO_LENGTH: usize = 28;

/// An echo request.
pub fn echo_request(identifier: u16, sequence: u16) -> [u8; ECHO_LENGTH] {
    let mut message = [0; ECHO_LENGTH];
    let [i0, i1] = identifier.to_be_bytes();
    let [s0, s1] = sequence.to_be_bytes();
    let header = [ECHO_REQUEST, 0, 0, 0, i0, i1, s0, s1];
    let [c0, c1] = internet_checksum(&header).to_be_bytes();
    for (octet, value) in message.iter_mut().zip([ECHO_REQUEST, 0, c0, c1, i0, i1, s0, s1]) {
        *octet = value;
    }
    message
}

/// Source of an echo reply, from an IPv4 packet as a raw socket gives it. Anything else is nothing; identifier, sequence
/// and checksum are not looked at, as in ISC.
pub fn echo_reply(packet: &[u8]) -> Option<Ipv4Addr> {
    let header = usize::from(packet.first()? & 15) * 4;
    let message = packet.get(header..header + ECHO_LENGTH)?;
    let source: [u8; 4] = packet.get(12..16)?.try_into().ok()?;
    (message.first() == Some(&ECHO_REPLY)).then(|| Ipv4Addr::from(source))
}
