//! What must hold at every moment, judged from outside the servers.

use super::client::{Client, four, option};
use super::peer_message::{BNDACK, BNDUPD, Cutter, Message};
use super::{Micros, SECOND, START};
use chrono::NaiveDate;
use std::collections::{HashMap, VecDeque};
use std::net::Ipv4Addr;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub at: Micros,
    pub what: String,
}

/// The last durable record of an address in one server's file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    pub is_active: bool,
    pub hardware: String,
    /// Seconds, in the server's own clock.
    pub ends: i64,
}

/// Seconds by which whole seconds, transit and the order of things in one second may let two truths differ.
const SLACK: i64 = 3;
/// Records of an address that an answer may rely on.
const REMEMBERED: usize = 4;
/// Seconds for which a slow disk may hold an ACK.
const HELD: i64 = 10;

#[derive(Debug)]
pub struct Checker {
    pub mclt: i64,
    /// Of either server, seconds.
    pub skew: [i64; 2],
    /// Rules that a pair keeps only while nothing beyond the protocol's means happens.
    pub strict: bool,
    /// The latest last: an answer may leave together with what came after it.
    durable: [HashMap<Ipv4Addr, VecDeque<Record>>; 2],
    /// Up to when (true seconds) the other server of a pair knows that an address may be in use, as this one can know.
    known: [HashMap<Ipv4Addr, i64>; 2],
    /// By connection and direction.
    cutters: HashMap<(usize, usize), Cutter>,
    /// Updates by connection, direction and transaction.
    updates: HashMap<(usize, usize, u32), (Ipv4Addr, i64)>,
    pub violation: Option<Violation>,
    /// ACKs judged.
    pub acks: u64,
    pub updates_seen: u64,
}

impl Checker {
    pub fn new(mclt: i64, skew: [i64; 2], strict: bool) -> Self {
        Checker {
            mclt,
            skew,
            strict,
            durable: Default::default(),
            known: Default::default(),
            cutters: HashMap::new(),
            updates: HashMap::new(),
            violation: None,
            acks: 0,
            updates_seen: 0,
        }
    }

    pub fn report(&mut self, at: Micros, what: String) {
        self.violation.get_or_insert(Violation { at, what });
    }

    /// A record is on the disk for certain.
    pub fn durable(&mut self, host: usize, octets: &[u8]) {
        for (address, record) in leases(octets) {
            let records = self.durable[host].entry(address).or_default();
            records.push_back(record);
            if records.len() > REMEMBERED {
                records.pop_front();
            }
        }
    }

    /// The whole file is this.
    pub fn file(&mut self, host: usize, octets: &[u8]) {
        self.durable[host].clear();
        self.durable(host, octets);
    }

    /// A server sends this to a client now.
    pub fn reply(&mut self, now: Micros, host: usize, payload: &[u8]) {
        let address = payload.get(16..20).map_or(Ipv4Addr::UNSPECIFIED, four);
        let is_ack = option(payload, 53).and_then(<[u8]>::first) == Some(&5);
        let Some(seconds) = option(payload, 51).filter(|_| is_ack && !address.is_unspecified()) else {
            return;
        };
        let seconds = i64::from(u32::from_be_bytes(four(seconds).octets()));
        self.acks += 1;
        let truth = START + (now / SECOND) as i64;
        let hardware = crate::wire::colons(payload.get(28..34).unwrap_or_default());
        let ends = truth + self.skew[host] + seconds;
        // When the server counted from, should a slow disk have held the answer.
        let mut until = truth + seconds;
        let fits =
            |record: &&Record| record.is_active && record.hardware == hardware && record.ends >= ends - HELD;
        let records = self.durable[host].get(&address);
        match records.and_then(|records| records.iter().rev().find(fits)) {
            Some(record) => until = until.min(record.ends - self.skew[host]),
            None => self.report(
                now,
                format!(
                    "server {host} acknowledges {address} to {hardware} for {seconds} s; that is not durable"
                ),
            ),
        }
        let known = self.known[host].get(&address).copied().unwrap_or(0).max(truth);
        let slack = SLACK + (self.skew[0] - self.skew[1]).abs();
        if self.strict && until > known + self.mclt + slack {
            let over = until - known - self.mclt;
            self.report(
                now,
                format!("server {host} grants {address} to {hardware} for {seconds} s, {over} s longer than its peer can know"),
            );
        }
    }

    /// Octets arrive at end `to` of a connection; `from` and `at` are the hosts. Gives the messages they complete.
    pub fn link(
        &mut self,
        connection: usize,
        to: usize,
        hosts: (usize, usize),
        octets: &[u8],
    ) -> Vec<Message> {
        let (from, at) = hosts;
        let messages = self.cutters.entry((connection, to)).or_default().feed(octets);
        for message in &messages {
            match message.kind {
                BNDUPD => self.update(connection, to, (from, at), message),
                BNDACK if !message.is_rejected => {
                    // The update went the other way.
                    if let Some((address, until)) = self.updates.remove(&(connection, 1 - to, message.xid)) {
                        self.learn(at, address, until);
                    }
                }
                _ => {}
            }
        }
        messages
    }

    fn update(&mut self, connection: usize, to: usize, (from, at): (usize, usize), message: &Message) {
        self.updates_seen += 1;
        let (Some(address), Some(until)) = (message.address, message.potential_expiry) else { return };
        let until = i64::from(until) - self.skew[from];
        self.updates.insert((connection, to, message.xid), (address.into(), until));
        self.learn(at, address.into(), until);
    }

    fn learn(&mut self, host: usize, address: Ipv4Addr, until: i64) {
        let known = self.known[host].entry(address).or_insert(0);
        *known = (*known).max(until);
    }

    /// A client has just been told that an address is its own.
    pub fn bound(&mut self, now: Micros, clients: &[Client], number: usize) {
        let Some(lease) = clients[number].lease else { return };
        let slack = SLACK as u64 * SECOND;
        for (other, client) in clients.iter().enumerate() {
            if other == number || client.holds(now + slack) != Some(lease.address) {
                continue;
            }
            let until = client.lease.map_or(0, |lease| lease.until) / SECOND;
            if self.strict {
                self.report(
                    now,
                    format!(
                        "{} is bound to client {number} (by {}) while client {other} has it until {until}",
                        lease.address, lease.server
                    ),
                );
            }
        }
    }
}

/// `lease` blocks of lease-file text.
pub fn leases(octets: &[u8]) -> Vec<(Ipv4Addr, Record)> {
    let text = String::from_utf8_lossy(octets);
    let mut out = Vec::new();
    let mut open: Option<(Ipv4Addr, Record)> = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("lease ") {
            open = rest.trim_end_matches(" {").parse().ok().map(|address| (address, Record::default()));
        } else if line == "}" {
            out.extend(open.take());
        } else if let Some((_, record)) = &mut open {
            let line = line.trim_start().trim_end_matches(';');
            if let Some(state) = line.strip_prefix("binding state ") {
                record.is_active = state == "active";
            } else if let Some(hardware) = line.strip_prefix("hardware ethernet ") {
                record.hardware = hardware.into();
            } else if let Some(date) = line.strip_prefix("ends ") {
                record.ends = seconds(date).unwrap_or(i64::MAX / 2);
            }
        }
    }
    out
}

/// `W YYYY/MM/DD HH:MM:SS`
fn seconds(text: &str) -> Option<i64> {
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<u32>().ok();
    let day = NaiveDate::from_ymd_opt(number(2..6)? as i32, number(7..9)?, number(10..12)?)?;
    Some(day.and_hms_opt(number(13..15)?, number(16..18)?, number(19..21)?)?.and_utc().timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_as_the_file_has_them() {
        let text = b"lease 10.0.0.1 {\n  ends 2 2023/11/14 22:13:20;\n  binding state active;\n  next binding state expired;\n\
                     \x20 hardware ethernet 02:00:00:00:00:01;\n}\n";
        let record = Record { is_active: true, hardware: "02:00:00:00:00:01".into(), ends: START };
        assert_eq!(leases(text), [(Ipv4Addr::new(10, 0, 0, 1), record)]);
    }
}
