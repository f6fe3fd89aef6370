//! Programs for the kernel's socket filter.

use socket2::SockFilter;

const LOAD_HALF: u16 = 0x28;
const LOAD_OCTET: u16 = 0x30;
const LOAD_WORD: u16 = 0x20;
const LOAD_HALF_INDEXED: u16 = 0x48;
const LOAD_OCTET_INDEXED: u16 = 0x50;
/// Index register = four times the low nibble: an IP header's length.
const LOAD_HEADER_LENGTH: u16 = 0xb1;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_BITS: u16 = 0x45;
const RETURN: u16 = 0x06;

const ALL: u32 = u32::MAX;
const NOTHING: u32 = 0;

/// Offset of the pseudo field that holds a frame's direction (SKF_AD_OFF + SKF_AD_PKTTYPE), and "outgoing" in it.
const PACKET_TYPE: u32 = 0xffff_f000 + 4;
const OUTGOING: u32 = 4;

const BOOTREPLY: u32 = 2;

/// Unfragmented UDP in IPv4 in Ethernet to this port; of what this host itself sends no replies, so that an answer to a
/// relay's server port is not read back.
pub(super) fn server_port(port: u16) -> [SockFilter; 15] {
    [
        SockFilter::new(LOAD_HALF, 0, 0, 12),
        SockFilter::new(JUMP_EQUAL, 0, 12, 0x0800),
        SockFilter::new(LOAD_OCTET, 0, 0, 23),
        SockFilter::new(JUMP_EQUAL, 0, 10, 17),
        SockFilter::new(LOAD_HALF, 0, 0, 20),
        SockFilter::new(JUMP_BITS, 8, 0, 0x1fff),
        SockFilter::new(LOAD_HEADER_LENGTH, 0, 0, 14),
        SockFilter::new(LOAD_HALF_INDEXED, 0, 0, 16),
        SockFilter::new(JUMP_EQUAL, 0, 5, u32::from(port)),
        SockFilter::new(LOAD_OCTET_INDEXED, 0, 0, 22),
        SockFilter::new(JUMP_EQUAL, 0, 2, BOOTREPLY),
        SockFilter::new(LOAD_WORD, 0, 0, PACKET_TYPE),
        SockFilter::new(JUMP_EQUAL, 1, 0, OUTGOING),
        SockFilter::new(RETURN, 0, 0, ALL),
        SockFilter::new(RETURN, 0, 0, NOTHING),
    ]
}

/// For a socket that only sends.
pub(super) fn nothing() -> [SockFilter; 1] {
    [SockFilter::new(RETURN, 0, 0, NOTHING)]
}

/// ICMP echo replies on a raw IP socket.
pub(super) fn echo_reply() -> [SockFilter; 5] {
    [
        SockFilter::new(LOAD_HEADER_LENGTH, 0, 0, 0),
        SockFilter::new(LOAD_OCTET_INDEXED, 0, 0, 0),
        SockFilter::new(JUMP_EQUAL, 0, 1, 0),
        SockFilter::new(RETURN, 0, 0, ALL),
        SockFilter::new(RETURN, 0, 0, NOTHING),
    ]
}
