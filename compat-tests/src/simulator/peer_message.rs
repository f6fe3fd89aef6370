//! Failover messages as the checker reads them off the link: written after the draft, shares no code with the servers.

use crate::pair::peer::NAMES;
use std::fmt;

/// The octets of one direction, cut into messages.
#[derive(Clone, Debug, Default)]
pub struct Cutter {
    kept: Vec<u8>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    pub kind: u8,
    pub time: u32,
    pub xid: u32,
    pub address: Option<[u8; 4]>,
    pub status: Option<u8>,
    pub potential_expiry: Option<u32>,
    pub lease_expiry: Option<u32>,
    pub is_rejected: bool,
}

pub use crate::pair::peer::{BNDACK, BNDUPD};

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", NAMES.get(usize::from(self.kind)).unwrap_or(&"?"), self.xid)?;
        if let Some(address) = self.address {
            write!(f, " {}", std::net::Ipv4Addr::from(address))?;
        }
        let times = [("ends", self.lease_expiry), ("until", self.potential_expiry)];
        if let Some(status) = self.status {
            write!(f, " status {status}")?;
            for (name, time) in times {
                write!(f, " {name} {}", time.map_or(0, |time| i64::from(time) - super::START))?;
            }
        }
        if self.is_rejected { f.write_str(" rejected") } else { Ok(()) }
    }
}

impl Cutter {
    pub fn feed(&mut self, octets: &[u8]) -> Vec<Message> {
        self.kept.extend_from_slice(octets);
        let mut out = Vec::new();
        let mut at = 0;
        while let Some(head) = self.kept.get(at..at + 2) {
            let length = usize::from(u16::from_be_bytes([head[0], head[1]]));
            let Some(message) = self.kept.get(at..at + length).filter(|_| length >= 12) else { break };
            out.push(read(message));
            at += length;
        }
        self.kept.drain(..at);
        out
    }
}

fn long(octets: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(octets.get(..4)?.try_into().ok()?))
}

fn read(message: &[u8]) -> Message {
    let mut out = Message { kind: message[2], ..Message::default() };
    out.time = long(&message[4..]).unwrap_or(0);
    out.xid = long(&message[8..]).unwrap_or(0);
    let mut rest = message.get(usize::from(message[3])..).unwrap_or_default();
    while let [a, b, c, d, tail @ ..] = rest {
        let (code, length) = (u16::from_be_bytes([*a, *b]), usize::from(u16::from_be_bytes([*c, *d])));
        let Some(value) = tail.get(..length) else { break };
        match code {
            2 => out.address = value.try_into().ok(),
            3 => out.status = value.first().copied(),
            13 => out.lease_expiry = long(value),
            18 => out.potential_expiry = long(value),
            21 => out.is_rejected = true,
            _ => {}
        }
        rest = &tail[length..];
    }
    out
}
