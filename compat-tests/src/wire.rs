//! Frames and DHCPv4 messages, built and read without any code of the server under test. RFC 791, 768, 826, 792, 2131.

use std::fmt::Write;
use std::net::Ipv4Addr;

pub type Mac = [u8; 6];
pub const BROADCAST: Mac = [0xff; 6];

/// A BOOTP/DHCP message as a client or relay would send it.
#[derive(Clone, Debug)]
pub struct Message {
    pub op: u8,
    pub htype: u8,
    pub hlen: u8,
    pub hops: u8,
    pub xid: u32,
    pub secs: u16,
    pub flags: u16,
    pub ciaddr: Ipv4Addr,
    pub yiaddr: Ipv4Addr,
    pub siaddr: Ipv4Addr,
    pub giaddr: Ipv4Addr,
    pub chaddr: [u8; 16],
    pub sname: Vec<u8>,
    pub file: Vec<u8>,
    /// What stands after the fixed part: cookie, options, end.
    pub tail: Vec<u8>,
}

impl Message {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![self.op, self.htype, self.hlen, self.hops];
        out.extend(self.xid.to_be_bytes());
        out.extend(self.secs.to_be_bytes());
        out.extend(self.flags.to_be_bytes());
        for address in [self.ciaddr, self.yiaddr, self.siaddr, self.giaddr] {
            out.extend(address.octets());
        }
        out.extend(self.chaddr);
        let mut field = |text: &[u8], length: usize| {
            let mut bytes = text.to_vec();
            bytes.resize(length, 0);
            out.extend(bytes);
        };
        field(&self.sname, 64);
        field(&self.file, 128);
        out.extend(&self.tail);
        out
    }
}

pub fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0u32;
    let bytes: Vec<u8> = parts.concat();
    for pair in bytes.chunks(2) {
        sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
    }
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

pub fn ethernet(to: Mac, from: Mac, ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut out = [to, from].concat();
    out.extend(ethertype.to_be_bytes());
    out.extend(payload);
    out
}

pub fn ipv4(source: Ipv4Addr, destination: Ipv4Addr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let total = (20 + payload.len()) as u16;
    let mut head = vec![0x45, 0];
    head.extend(total.to_be_bytes());
    head.extend([0, 0, 0, 0, 64, protocol, 0, 0]);
    head.extend(source.octets());
    head.extend(destination.octets());
    let sum = checksum(&[&head]);
    head[10..12].copy_from_slice(&sum.to_be_bytes());
    head.extend(payload);
    head
}

pub fn udp(source: (Ipv4Addr, u16), destination: (Ipv4Addr, u16), payload: &[u8]) -> Vec<u8> {
    let length = (8 + payload.len()) as u16;
    let mut out = Vec::new();
    out.extend(source.1.to_be_bytes());
    out.extend(destination.1.to_be_bytes());
    out.extend(length.to_be_bytes());
    out.extend([0, 0]);
    out.extend(payload);
    let pseudo = [&source.0.octets()[..], &destination.0.octets(), &[0, 17], &length.to_be_bytes()].concat();
    let sum = match checksum(&[&pseudo, &out]) {
        0 => 0xffff,
        sum => sum,
    };
    out[6..8].copy_from_slice(&sum.to_be_bytes());
    ipv4(source.0, destination.0, 17, &out)
}

fn address(bytes: &[u8]) -> Ipv4Addr {
    Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3])
}

/// What the harness answers on behalf of the hosts it plays.
#[derive(Debug, PartialEq, Eq)]
pub enum Question {
    /// Who has this address? Asked by a station with this hardware and protocol address.
    Arp { wanted: Ipv4Addr, hardware: Mac, asker: Ipv4Addr },
    /// ICMP echo request: source frame kept for the answer.
    Echo { target: Ipv4Addr, hardware: Mac, asker: Ipv4Addr, body: Vec<u8> },
}

pub fn question(frame: &[u8]) -> Option<Question> {
    let hardware: Mac = frame.get(6..12)?.try_into().ok()?;
    match frame.get(12..14)? {
        [8, 6] => {
            let arp = frame.get(14..42)?;
            (arp[6..8] == [0, 1]).then(|| Question::Arp {
                wanted: address(&arp[24..28]),
                hardware,
                asker: address(&arp[14..18]),
            })
        }
        [8, 0] => {
            let ip = frame.get(14..)?;
            let total = usize::from(u16::from_be_bytes([*ip.get(2)?, *ip.get(3)?]));
            let icmp = ip.get(20..total)?;
            (ip[9] == 1 && icmp.first() == Some(&8)).then(|| Question::Echo {
                target: address(&ip[16..20]),
                hardware,
                asker: address(&ip[12..16]),
                body: icmp[4..].to_vec(),
            })
        }
        _ => None,
    }
}

pub fn arp_answer(mine: (Mac, Ipv4Addr), to: (Mac, Ipv4Addr)) -> Vec<u8> {
    let mut arp = vec![0, 1, 8, 0, 6, 4, 0, 2];
    arp.extend(mine.0);
    arp.extend(mine.1.octets());
    arp.extend(to.0);
    arp.extend(to.1.octets());
    ethernet(to.0, mine.0, 0x0806, &arp)
}

pub fn echo_answer(mine: (Mac, Ipv4Addr), to: (Mac, Ipv4Addr), body: &[u8]) -> Vec<u8> {
    let mut icmp = vec![0, 0, 0, 0];
    icmp.extend(body);
    let sum = checksum(&[&icmp]);
    icmp[2..4].copy_from_slice(&sum.to_be_bytes());
    ethernet(to.0, mine.0, 0x0800, &ipv4(mine.1, to.1, 1, &icmp))
}

/// A UDP datagram out of a captured frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    pub link_to: Mac,
    pub link_from: Mac,
    /// Type of service, flags and fragment offset, time to live.
    pub tos: u8,
    pub fragment: u16,
    pub ttl: u8,
    pub source: (Ipv4Addr, u16),
    pub destination: (Ipv4Addr, u16),
    pub checksum_good: bool,
    pub payload: Vec<u8>,
}

/// Reads a frame; none when it is no UDP datagram over IPv4.
pub fn datagram(frame: &[u8]) -> Option<Datagram> {
    if frame.get(12..14)? != [8, 0] {
        return None;
    }
    let ip = frame.get(14..)?;
    let head = usize::from(ip.first()? & 15) * 4;
    let total = usize::from(u16::from_be_bytes([*ip.get(2)?, *ip.get(3)?]));
    if *ip.get(9)? != 17 {
        return None;
    }
    let udp = ip.get(head..total)?;
    let payload = udp.get(8..)?.to_vec();
    let (source, destination) = (address(ip.get(12..16)?), address(ip.get(16..20)?));
    let pseudo = [&ip[12..20], &[0, 17], &udp[4..6]].concat();
    // A datagram of the kernel's own stack crosses a veth pair before its checksum is finished: then the pseudo-header's
    // sum alone stands there.
    let unfinished = !checksum(&[&pseudo]) == u16::from_be_bytes([udp[6], udp[7]]);
    let good = checksum(&[&ip[..head]]) == 0
        && (udp[6..8] == [0, 0] || unfinished || checksum(&[&pseudo, udp]) == 0);
    Some(Datagram {
        link_to: frame[0..6].try_into().ok()?,
        link_from: frame[6..12].try_into().ok()?,
        tos: ip[1],
        fragment: u16::from_be_bytes([ip[6], ip[7]]),
        ttl: ip[8],
        source: (source, u16::from_be_bytes([udp[0], udp[1]])),
        destination: (destination, u16::from_be_bytes([udp[2], udp[3]])),
        checksum_good: good,
        payload,
    })
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub fn colons(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

/// One line an option, every octet accounted for, so that two equal texts mean two equal payloads.
pub fn describe(payload: &[u8]) -> Vec<String> {
    let Some(fixed) = payload.get(..236) else {
        return vec![format!("short {}", hex(payload))];
    };
    let number = |at: usize| u16::from_be_bytes([fixed[at], fixed[at + 1]]);
    let mut out = vec![
        format!(
            "bootp op={} htype={} hlen={} hops={} xid={} secs={} flags={:04x} length={}",
            fixed[0],
            fixed[1],
            fixed[2],
            fixed[3],
            hex(&fixed[4..8]),
            number(8),
            number(10),
            payload.len()
        ),
        format!(
            "ciaddr={} yiaddr={} siaddr={} giaddr={} chaddr={}",
            address(&fixed[12..]),
            address(&fixed[16..]),
            address(&fixed[20..]),
            address(&fixed[24..]),
            hex(&fixed[28..44])
        ),
    ];
    let mut overload = 0;
    let rest = &payload[236..];
    let mut option_lines = Vec::new();
    match rest.strip_prefix(&[0x63, 0x82, 0x53, 0x63]) {
        Some(options) => describe_options(options, &mut option_lines, &mut overload),
        None => option_lines.push(format!("no cookie: {}", padded(rest))),
    }
    for (name, bytes, bit) in [("sname", &fixed[44..108], 2), ("file", &fixed[108..236], 1)] {
        if overload & bit != 0 {
            out.push(format!("{name} holds options:"));
            describe_options(bytes, &mut out, &mut 0);
        } else if bytes.iter().any(|&byte| byte != 0) {
            out.push(format!("{name} {}", padded(bytes)));
        }
    }
    out.extend(option_lines);
    out
}

/// Octets with the zeros at the end counted, not shown.
fn padded(bytes: &[u8]) -> String {
    let used = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    format!("{} +{} zeros", value(&bytes[..used]), bytes.len() - used)
}

fn value(bytes: &[u8]) -> String {
    let text = bytes.len() > 2 && bytes.iter().all(|byte| (0x20..0x7f).contains(byte));
    match bytes.len() {
        0 => "empty".into(),
        _ if text => format!("{:?}", String::from_utf8_lossy(bytes)),
        1 | 2 => {
            format!("{} [{}]", bytes.iter().fold(0u32, |sum, &byte| sum << 8 | u32::from(byte)), hex(bytes))
        }
        4 => format!("{} [{}]", address(bytes), hex(bytes)),
        _ => hex(bytes),
    }
}

/// Options of four octets that are no address.
const SECONDS: [u8; 8] = [2, 24, 35, 38, 51, 58, 59, 91];

fn describe_options(mut rest: &[u8], out: &mut Vec<String>, overload: &mut u8) {
    while let Some((&code, after)) = rest.split_first() {
        match code {
            0 => {
                let run = rest.iter().take_while(|&&byte| byte == 0).count();
                out.push(format!("pad {run}"));
                rest = &rest[run..];
            }
            255 => {
                out.push(format!("end, then {}", padded(after)));
                return;
            }
            _ => {
                let length = usize::from(*after.first().unwrap_or(&0));
                let Some(body) = after.get(1..1 + length) else {
                    out.push(format!("cut short: {}", hex(rest)));
                    return;
                };
                if code == 52 {
                    *overload = *body.first().unwrap_or(&0);
                }
                out.push(match body {
                    [a, b, c, d] if SECONDS.contains(&code) => {
                        format!("option {code} {}", u32::from_be_bytes([*a, *b, *c, *d]))
                    }
                    _ => format!("option {code} {}", value(body)),
                });
                rest = &after[1 + length..];
            }
        }
    }
    out.push("no end".into());
}

/// The first option of that code in the options area.
pub fn find_option(payload: &[u8], wanted: u8) -> Option<Vec<u8>> {
    let mut rest = payload.get(240..)?;
    while let Some((&code, after)) = rest.split_first() {
        match code {
            0 => rest = after,
            255 => return None,
            _ => {
                let length = usize::from(*after.first()?);
                let body = after.get(1..1 + length)?;
                if code == wanted {
                    return Some(body.to_vec());
                }
                rest = &after[1 + length..];
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datagram_survives_the_round_trip() {
        let (a, b) = (Ipv4Addr::new(10, 9, 0, 1), Ipv4Addr::new(10, 9, 0, 2));
        let frame = ethernet([1; 6], [2; 6], 0x0800, &udp((a, 67), (b, 68), b"payload"));
        let back = datagram(&frame).unwrap();
        assert!(back.checksum_good);
        assert_eq!((back.source, back.destination), ((a, 67), (b, 68)));
        assert_eq!(back.payload, b"payload");
    }

    #[test]
    fn every_octet_of_a_message_is_described() {
        let mut payload = vec![0u8; 236];
        payload.extend([0x63, 0x82, 0x53, 0x63, 53, 1, 2, 0, 0, 255, 0]);
        let lines = describe(&payload).join("\n");
        assert!(lines.contains("option 53 2 [02]\npad 2\nend, then empty +1 zeros"), "{lines}");
    }
}
