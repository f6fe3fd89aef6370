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
const LOAD_LENGTH: u16 = 0x80;
const SUBTRACT_INDEX: u16 = 0x1c;
const JUMP_AT_LEAST: u16 = 0x35;
const JUMP_BITS: u16 = 0x45;
const RETURN: u16 = 0x06;

const ALL: u32 = u32::MAX;
const NOTHING: u32 = 0;

/// Offset of the pseudo field that holds a frame's direction (SKF_AD_OFF + SKF_AD_PKTTYPE), and "outgoing" in it.
const PACKET_TYPE: u32 = 0xffff_f000 + 4;
const OUTGOING: u32 = 4;

const BOOTREPLY: u32 = 2;

/// Ethernet header, UDP header, BOOTP header and cookie: where the options begin, less the IP header.
const FIRST_OPTION: u32 = 14 + 8 + 236 + 4;
const MESSAGE_TYPE_OF_ONE_OCTET: u32 = 53 << 8 | 1;
const DISCOVER: u32 = 1;

/// Which of a server's datagrams a socket takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    /// A DHCPDISCOVER that says so in its first option, as all clients do.
    Discovers,
    /// Everything else.
    Rest,
}

/// Unfragmented UDP in IPv4 in Ethernet to this port; of what this host itself sends no replies, so that an answer to a
/// relay's server port is not read back. Of it the share that the socket takes.
pub(super) fn server_port(port: u16, share: Share) -> [SockFilter; 23] {
    let (discover, other) = match share {
        Share::Discovers => (ALL, NOTHING),
        Share::Rest => (NOTHING, ALL),
    };
    [
        SockFilter::new(LOAD_HALF, 0, 0, 12),
        SockFilter::new(JUMP_EQUAL, 0, 20, 0x0800),
        SockFilter::new(LOAD_OCTET, 0, 0, 23),
        SockFilter::new(JUMP_EQUAL, 0, 18, 17),
        SockFilter::new(LOAD_HALF, 0, 0, 20),
        SockFilter::new(JUMP_BITS, 16, 0, 0x1fff),
        SockFilter::new(LOAD_HEADER_LENGTH, 0, 0, 14),
        SockFilter::new(LOAD_HALF_INDEXED, 0, 0, 16),
        SockFilter::new(JUMP_EQUAL, 0, 13, u32::from(port)),
        SockFilter::new(LOAD_OCTET_INDEXED, 0, 0, 22),
        SockFilter::new(JUMP_EQUAL, 0, 2, BOOTREPLY),
        SockFilter::new(LOAD_WORD, 0, 0, PACKET_TYPE),
        SockFilter::new(JUMP_EQUAL, 9, 0, OUTGOING),
        // A load beyond the frame's end would drop it.
        SockFilter::new(LOAD_LENGTH, 0, 0, 0),
        SockFilter::new(SUBTRACT_INDEX, 0, 0, 0),
        SockFilter::new(JUMP_AT_LEAST, 0, 5, FIRST_OPTION + 3),
        SockFilter::new(LOAD_HALF_INDEXED, 0, 0, FIRST_OPTION),
        SockFilter::new(JUMP_EQUAL, 0, 3, MESSAGE_TYPE_OF_ONE_OCTET),
        SockFilter::new(LOAD_OCTET_INDEXED, 0, 0, FIRST_OPTION + 2),
        SockFilter::new(JUMP_EQUAL, 0, 1, DISCOVER),
        SockFilter::new(RETURN, 0, 0, discover),
        SockFilter::new(RETURN, 0, 0, other),
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
