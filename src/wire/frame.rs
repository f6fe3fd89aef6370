//! Ethernet II, IPv4 and UDP around a DHCP payload, for packet sockets: RFC 894, 791, 768. Lengths and checksums are
//! checked in ISC's order. The kernel's filter has already chosen IPv4, UDP, our port and no fragments; tags of 802.1Q are
//! the kernel's business as well.

use crate::log::Line;
use std::net::{Ipv4Addr, SocketAddrV4};

pub const ETHERNET_HEADER: usize = 14;
pub const IP_HEADER: usize = 20;
pub const UDP_HEADER: usize = 8;
const UDP: u8 = 17;

/// What was in an IPv4 datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    pub source: SocketAddrV4,
    pub destination: SocketAddrV4,
    pub payload: &'a [u8],
}

/// Why a frame is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// Headers do not fit, or the IP length is more than the frame holds.
    Short,
    /// The UDP length is more than the frame holds.
    UdpLength,
    IpChecksum,
    UdpChecksum,
}

/// One's complement sum of big-endian pairs, folded into 16 bits; a last odd octet is a high one. Four octets at a time: two
/// pairs in one number fold into the same sum.
fn sum(bytes: &[u8], start: u32) -> u32 {
    let (fours, rest) = bytes.as_chunks::<4>();
    let mut last = [0; 4];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    let mut total = u64::from(start) + u64::from(u32::from_be_bytes(last));
    for four in fours {
        total += u64::from(u32::from_be_bytes(*four));
    }
    while total > 0xffff {
        total = (total & 0xffff) + (total >> 16);
    }
    total as u32
}

/// The checksum field for bytes whose sum is given.
fn checksum(sum: u32) -> u16 {
    !(sum as u16)
}

/// Internet checksum over one run of octets (RFC 1071).
pub fn internet_checksum(bytes: &[u8]) -> u16 {
    checksum(sum(bytes, 0))
}

/// Source hardware address and the rest of an Ethernet frame.
pub fn decode_ethernet(frame: &[u8]) -> Option<(&[u8], &[u8])> {
    let (header, rest) = frame.split_at_checked(ETHERNET_HEADER)?;
    Some((header.get(6..12)?, rest))
}

/// The UDP datagram in an IPv4 packet; trailing padding is left out. `checksum_ready` is false when the kernel says that the
/// UDP checksum is yet to be filled in by hardware.
pub fn decode_ip(packet: &[u8], checksum_ready: bool) -> Result<Datagram<'_>, Rejected> {
    let octet = |at: usize| packet.get(at).copied().unwrap_or(0);
    let word = |at: usize| u16::from_be_bytes([octet(at), octet(at + 1)]);
    let address = |at: usize| Ipv4Addr::new(octet(at), octet(at + 1), octet(at + 2), octet(at + 3));
    let size = packet.len();
    if size < IP_HEADER {
        return Err(Rejected::Short);
    }
    let header = usize::from(octet(0) & 15) * 4;
    if usize::from(word(2)) > size || header + UDP_HEADER > size {
        return Err(Rejected::Short);
    }
    let length = word(header + 4);
    if usize::from(length) < UDP_HEADER {
        return Err(Rejected::Short);
    }
    let Some(datagram) = packet.get(header..header + usize::from(length)) else {
        return Err(Rejected::UdpLength);
    };
    if checksum(sum(packet.get(..header).unwrap_or_default(), 0)) != 0 {
        return Err(Rejected::IpChecksum);
    }
    if word(header + 6) != 0 && checksum_ready {
        let pseudo = sum(packet.get(12..20).unwrap_or_default(), u32::from(UDP) + u32::from(length));
        if checksum(sum(datagram, pseudo)) != 0 {
            return Err(Rejected::UdpChecksum);
        }
    }
    Ok(Datagram {
        source: SocketAddrV4::new(address(12), word(header)),
        destination: SocketAddrV4::new(address(16), word(header + 2)),
        payload: datagram.get(UDP_HEADER..).unwrap_or_default(),
    })
}

/// Appends an Ethernet header. A destination that is not six octets long means broadcast, a source that is not, zeros.
pub fn put_ethernet(out: &mut Vec<u8>, destination: &[u8], source: &[u8]) {
    match destination.len() {
        6 => out.extend_from_slice(destination),
        _ => out.extend([0xff; 6]),
    }
    match source.len() {
        6 => out.extend_from_slice(source),
        _ => out.extend([0; 6]),
    }
    out.extend([8, 0]);
}

/// Appends IP header, UDP header and payload, with checksums, as ISC does: low delay, no identification, 128 hops.
pub fn put_ip(out: &mut Vec<u8>, source: SocketAddrV4, destination: SocketAddrV4, payload: &[u8]) {
    let length = (UDP_HEADER + payload.len()) as u16;
    let start = out.len();
    out.extend([0x45, 0x10]);
    out.extend((length + IP_HEADER as u16).to_be_bytes());
    out.extend([0, 0, 0, 0, 128, UDP, 0, 0]);
    out.extend(source.ip().octets());
    out.extend(destination.ip().octets());
    let ip_checksum = internet_checksum(out.get(start..).unwrap_or_default());
    store(out, start + 10, ip_checksum);

    let udp = out.len();
    out.extend(source.port().to_be_bytes());
    out.extend(destination.port().to_be_bytes());
    out.extend(length.to_be_bytes());
    out.extend([0, 0]);
    out.extend_from_slice(payload);
    let pseudo = sum(out.get(start + 12..start + 20).unwrap_or_default(), u32::from(UDP) + u32::from(length));
    let udp_checksum = checksum(sum(out.get(udp..).unwrap_or_default(), pseudo));
    store(out, udp + 6, udp_checksum);
}

fn store(out: &mut [u8], at: usize, value: u16) {
    if let Some(field) = out.get_mut(at..at + 2) {
        field.copy_from_slice(&value.to_be_bytes());
    }
}

/// Counts bad packets as ISC does: of at least five seen, at least half bad gives a line and starts over.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    length: Count,
    ip: Count,
    udp: Count,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    seen: u32,
    bad: u32,
}

impl Count {
    fn good(&mut self) {
        self.seen += 1;
        if self.seen > 4 {
            *self = Count::default();
        }
    }

    /// The figures when it is time to tell.
    fn bad(&mut self) -> Option<Count> {
        self.seen += 1;
        self.bad += 1;
        let due = self.seen > 4 && self.seen / self.bad < 2;
        due.then(|| std::mem::take(self))
    }
}

impl Tally {
    /// Takes note of one result of [`decode_ip`]; sometimes there is something to say.
    pub fn note(&mut self, result: &Result<Datagram<'_>, Rejected>) -> Option<Line> {
        if let Err(Rejected::Short) = result {
            return None;
        }
        if let Err(Rejected::UdpLength) = result {
            let Count { seen, bad } = self.length.bad()?;
            return Some(Line::info(format!("{bad} udp packets in {seen} too long - dropped")));
        }
        self.length.good();
        if let Err(Rejected::IpChecksum) = result {
            let Count { seen, bad } = self.ip.bad()?;
            return Some(Line::info(format!("{bad} bad IP checksums seen in {seen} packets")));
        }
        self.ip.good();
        if let Err(Rejected::UdpChecksum) = result {
            let Count { seen, bad } = self.udp.bad()?;
            return Some(Line::debug(format!("{bad} bad udp checksums in {seen} packets")));
        }
        self.udp.good();
        None
    }
}
