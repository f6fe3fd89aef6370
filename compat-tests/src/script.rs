//! Turns a step into a packet and what came back into lines. Both tiers share it, so that they differ in the program alone.

use crate::scenario::Packet;
use crate::wire::{self, BROADCAST, Datagram, Mac, Message};
use std::net::Ipv4Addr;

/// Hardware address of the server's interface `sN` and of the stations behind `cN`.
pub fn server_mac(port: usize) -> Mac {
    [0x02, 0, 0, 0, 0xff, port as u8]
}

pub fn station_mac(address: Ipv4Addr) -> Mac {
    let [_, b, c, d] = address.octets();
    [0x02, 0, 0xfe, b, c, d]
}

/// `a` is 02:00:00:00:00:61; a number N is 02:00:00:01:HI:LO.
pub fn client_mac(name: &str) -> Mac {
    match name.parse::<u16>() {
        Ok(number) => [0x02, 0, 0, 1, (number >> 8) as u8, number as u8],
        Err(_) => [0x02, 0, 0, 0, 0, *name.as_bytes().first().unwrap_or(&0)],
    }
}

/// A packet ready to leave.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Client-side interface, `cN`.
    pub port: String,
    pub link_from: Mac,
    pub link_to: Mac,
    pub source: (Ipv4Addr, u16),
    pub destination: (Ipv4Addr, u16),
    pub payload: Vec<u8>,
}

impl Outgoing {
    pub fn frame(&self) -> Vec<u8> {
        let datagram = wire::udp(self.source, self.destination, &self.payload);
        wire::ethernet(self.link_to, self.link_from, 0x0800, &datagram)
    }
}

/// What a packet of the script may refer to: `$yiaddr` and `$server` of the last answer.
#[derive(Clone, Debug, Default)]
pub struct Script {
    sent: u32,
    yiaddr: Option<Ipv4Addr>,
    server: Option<Ipv4Addr>,
}

const KINDS: [&str; 13] = [
    "DISCOVER",
    "OFFER",
    "REQUEST",
    "DECLINE",
    "ACK",
    "NAK",
    "RELEASE",
    "INFORM",
    "FORCERENEW",
    "LEASEQUERY",
    "LEASEUNASSIGNED",
    "LEASEUNKNOWN",
    "LEASEACTIVE",
];

impl Script {
    /// The REQUEST of an `exchange`: the fields of its DISCOVER and the address that was offered.
    pub fn request_after(packet: &Packet) -> Packet {
        let mut fields = packet.fields.clone();
        fields.retain(|(key, _)| key != "request");
        fields.push(("request".into(), "$yiaddr".into()));
        fields.push(("server-id".into(), "$server".into()));
        Packet { kind: "REQUEST".into(), fields }
    }

    /// What was offered before does not count in a new exchange.
    pub fn forget(&mut self) {
        (self.yiaddr, self.server) = (None, None);
    }

    pub fn build(&mut self, packet: &Packet) -> Result<Outgoing, String> {
        self.sent += 1;
        let mut building = Building::new(packet, self)?;
        for (key, value) in &packet.fields {
            let value = self.substitute(value)?;
            building.field(key, &value).map_err(|error| format!("{key}={value}: {error}"))?;
        }
        Ok(building.finish())
    }

    fn substitute(&self, value: &str) -> Result<String, String> {
        Ok(match value {
            "$yiaddr" => self.yiaddr.ok_or("nothing was offered")?.to_string(),
            "$server" => self.server.ok_or("no server has answered")?.to_string(),
            _ => value.into(),
        })
    }

    /// Lines for a datagram that arrived at `port`; remembers what the next packet may refer to.
    pub fn received(&mut self, port: &str, datagram: &Datagram) -> Vec<String> {
        if let Some(bytes) = datagram.payload.get(16..20) {
            self.yiaddr = Some(Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3]));
        }
        if let Some(&[a, b, c, d]) = wire::find_option(&datagram.payload, 54).as_deref() {
            self.server = Some(Ipv4Addr::new(a, b, c, d));
        }
        let (from, to) = (datagram.source, datagram.destination);
        let mut out = vec![
            format!(
                "packet at {port}: link {} to {}",
                wire::colons(&datagram.link_from),
                wire::colons(&datagram.link_to)
            ),
            format!(
                "  ip {}:{} to {}:{} tos={:02x} fragment={:04x} ttl={} checksum={}",
                from.0,
                from.1,
                to.0,
                to.1,
                datagram.tos,
                datagram.fragment,
                datagram.ttl,
                if datagram.checksum_good { "good" } else { "BAD" }
            ),
        ];
        out.extend(wire::describe(&datagram.payload).into_iter().map(|line| format!("  {line}")));
        out
    }
}

struct Building {
    message: Message,
    options: Vec<u8>,
    out: Outgoing,
    cookie: bool,
    end: bool,
    pad: usize,
    cut: Option<usize>,
}

impl Building {
    fn new(packet: &Packet, script: &Script) -> Result<Self, String> {
        let kind = match KINDS.iter().position(|kind| *kind == packet.kind) {
            Some(at) => Some(at as u8 + 1),
            None if packet.kind == "BOOTP" => None,
            None => Some(packet.kind.parse().map_err(|_| format!("{}: unknown kind", packet.kind))?),
        };
        let message = Message {
            op: 1,
            htype: 1,
            hlen: 6,
            hops: 0,
            xid: 0x0101_0000 + script.sent,
            secs: 0,
            flags: 0,
            ciaddr: Ipv4Addr::UNSPECIFIED,
            yiaddr: Ipv4Addr::UNSPECIFIED,
            siaddr: Ipv4Addr::UNSPECIFIED,
            giaddr: Ipv4Addr::UNSPECIFIED,
            chaddr: [0; 16],
            sname: Vec::new(),
            file: Vec::new(),
            tail: Vec::new(),
        };
        let mac = client_mac("a");
        let mut building = Building {
            message,
            options: kind.map_or_else(Vec::new, |kind| vec![53, 1, kind]),
            out: Outgoing {
                port: "c0".into(),
                link_from: mac,
                link_to: BROADCAST,
                source: (Ipv4Addr::UNSPECIFIED, 68),
                destination: (Ipv4Addr::BROADCAST, 67),
                payload: Vec::new(),
            },
            cookie: kind.is_some(),
            end: kind.is_some(),
            pad: 0,
            cut: None,
        };
        building.client(mac);
        Ok(building)
    }

    fn client(&mut self, mac: Mac) {
        self.message.chaddr[..6].copy_from_slice(&mac);
        self.out.link_from = mac;
    }

    fn field(&mut self, key: &str, value: &str) -> Result<(), String> {
        let message = &mut self.message;
        match key {
            "client" => self.client(client_mac(value)),
            "via" => self.out.port = value.into(),
            // For the live runner alone.
            "sync" => {}
            "op" => message.op = number(value)?,
            "htype" => message.htype = number(value)?,
            "hlen" => message.hlen = number(value)?,
            "hops" => message.hops = number(value)?,
            "xid" => message.xid = number(value)?,
            "secs" => message.secs = number(value)?,
            "flags" if value == "broadcast" => message.flags = 0x8000,
            "flags" => message.flags = number(value)?,
            "ciaddr" => {
                message.ciaddr = ip(value)?;
                self.out.source.0 = message.ciaddr;
            }
            "yiaddr" => message.yiaddr = ip(value)?,
            "siaddr" => message.siaddr = ip(value)?,
            "giaddr" => {
                message.giaddr = ip(value)?;
                self.out.source = (message.giaddr, 67);
                self.out.link_from = station_mac(message.giaddr);
            }
            "chaddr" => {
                let bytes = plain_hex(value)?;
                message.chaddr = [0; 16];
                let length = bytes.len().min(16);
                message.chaddr[..length].copy_from_slice(&bytes[..length]);
            }
            "sname" => message.sname = bytes(value)?,
            "file" => message.file = bytes(value)?,
            "from" => self.out.source = endpoint(value, self.out.source.1)?,
            "to" => self.out.destination = endpoint(value, 67)?,
            "link-to" => self.out.link_to = mac(value)?,
            "link-from" => self.out.link_from = mac(value)?,
            "cookie" => self.cookie = value != "no",
            "end" => self.end = value != "no",
            "pad" => self.pad = number(value)?,
            "cut" => self.cut = Some(number(value)?),
            _ => self.option(key, value)?,
        }
        Ok(())
    }

    fn option(&mut self, key: &str, value: &str) -> Result<(), String> {
        let (code, body) = match key {
            "hostname" => (12, bytes(value)?),
            "request" => (50, ip(value)?.octets().to_vec()),
            "lease" => (51, number::<u32>(value)?.to_be_bytes().to_vec()),
            "server-id" => (54, ip(value)?.octets().to_vec()),
            "prl" => (55, value.split(',').map(number).collect::<Result<_, _>>()?),
            "max-size" => (57, number::<u16>(value)?.to_be_bytes().to_vec()),
            "vendor" => (60, bytes(value)?),
            "uid" => (61, bytes(value)?),
            "user-class" => (77, bytes(value)?),
            "fqdn" => (81, bytes(value)?),
            "agent" => (82, bytes(value)?),
            "select" => (118, ip(value)?.octets().to_vec()),
            "raw" => {
                self.options.extend(bytes(value)?);
                return Ok(());
            }
            _ => (number(key)?, bytes(value)?),
        };
        self.cookie = true;
        self.end |= code != 53;
        self.options.push(code);
        self.options.push(u8::try_from(body.len()).map_err(|_| "longer than 255")?);
        self.options.extend(body);
        Ok(())
    }

    fn finish(mut self) -> Outgoing {
        if self.cookie {
            self.message.tail.extend([0x63, 0x82, 0x53, 0x63]);
        }
        self.message.tail.extend(&self.options);
        if self.end && self.cookie {
            self.message.tail.push(255);
        }
        let mut payload = self.message.encode();
        payload.resize(payload.len().max(if self.cut.is_none() { 300 } else { 0 }) + self.pad, 0);
        payload.truncate(self.cut.unwrap_or(payload.len()));
        self.out.payload = payload;
        self.out
    }
}

fn number<T: TryFrom<u64>>(text: &str) -> Result<T, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.ok().and_then(|value| T::try_from(value).ok()).ok_or_else(|| format!("{text}: no such number"))
}

fn ip(text: &str) -> Result<Ipv4Addr, String> {
    text.parse().map_err(|_| format!("{text}: no address"))
}

fn endpoint(text: &str, port: u16) -> Result<(Ipv4Addr, u16), String> {
    match text.split_once(':') {
        Some((address, port)) => Ok((ip(address)?, number(port)?)),
        None => Ok((ip(text)?, port)),
    }
}

fn mac(text: &str) -> Result<Mac, String> {
    plain_hex(text)?.try_into().map_err(|_| format!("{text}: six octets"))
}

fn plain_hex(text: &str) -> Result<Vec<u8>, String> {
    let digits: String = text.chars().filter(|c| *c != ':').collect();
    (0..digits.len())
        .step_by(2)
        .map(|at| {
            digits
                .get(at..at + 2)
                .and_then(|pair| u8::from_str_radix(pair, 16).ok())
                .ok_or_else(|| format!("{text}: hex"))
        })
        .collect()
}

/// Pieces joined by `+`: `"text"`, hex digits (colons allowed), an address, `u32:N`, `xHH*N` (N times that octet),
/// `sub:N(piece)` is left to plain hex.
fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let mut quoted = false;
    for piece in text.split(|c| {
        quoted ^= c == '"';
        c == '+' && !quoted
    }) {
        if let Some(inner) = piece.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            out.extend(inner.as_bytes());
        } else if let Some(value) = piece.strip_prefix("u32:") {
            out.extend(number::<u32>(value)?.to_be_bytes());
        } else if let Some((octet, times)) = piece.split_once('*') {
            let octet = plain_hex(octet)?;
            (0..number::<usize>(times)?).for_each(|_| out.extend(&octet));
        } else if piece.contains('.') {
            out.extend(ip(piece)?.octets());
        } else {
            out.extend(plain_hex(piece)?);
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_built_from_its_fields() {
        let packet = Packet {
            kind: "DISCOVER".into(),
            fields: vec![
                ("client".into(), "b".into()),
                ("hostname".into(), "\"h+\"+00".into()),
                ("60".into(), "41*3".into()),
            ],
        };
        let out = Script::default().build(&packet).unwrap();
        assert_eq!(out.payload.len(), 300);
        assert_eq!(&out.payload[28..34], &[2, 0, 0, 0, 0, b'b']);
        assert_eq!(&out.payload[240..], {
            let mut want = vec![53, 1, 1, 12, 3, b'h', b'+', 0, 60, 3, 0x41, 0x41, 0x41, 255];
            want.resize(60, 0);
            want
        });
        let refers = Packet { kind: "REQUEST".into(), fields: vec![("request".into(), "$yiaddr".into())] };
        assert!(Script::default().build(&refers).is_err());
    }
}
