//! DHCP clients, RFC 2131 section 4.4: they broadcast, choose the first offer, renew with the server that granted, rebind with
//! any, and now and then leave, reboot or decline. Some are behind a relay.

use super::{Micros, SECOND};
use crate::dice::Dice;
use std::net::Ipv4Addr;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Not there; comes back when its timer says so.
    Away,
    Selecting,
    Requesting,
    Rebooting,
    Bound,
    Renewing,
    Rebinding,
    /// For good.
    Stopped,
}

/// An address, and the time for which the client believes that it is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    pub address: Ipv4Addr,
    pub server: Ipv4Addr,
    pub since: Micros,
    pub until: Micros,
}

/// A message on its way.
#[derive(Clone, Debug)]
pub struct Said {
    pub payload: Vec<u8>,
    /// To this server only; else to all.
    pub to: Option<Ipv4Addr>,
    pub source: Ipv4Addr,
}

#[derive(Clone, Debug)]
pub struct Client {
    pub mac: [u8; 6],
    pub uid: Option<Vec<u8>>,
    /// 0: on the wire, 1: behind the relay.
    pub network: u8,
    pub stage: Stage,
    pub lease: Option<Lease>,
    /// When something is to be done.
    pub due: Micros,
    /// Since when it asks for an address in vain.
    pub wanting: Option<Micros>,
    /// It keeps its address and asks for nothing else.
    pub calm: bool,
    dice: Dice,
    /// What it asks for as lease time, and where that comes from.
    wish: Option<u32>,
    wishes: Option<Dice>,
    xid: u32,
    tries: u32,
    asked: Micros,
    chosen: Option<(Ipv4Addr, Ipv4Addr)>,
}

const COOKIE: [u8; 4] = [0x63, 0x82, 0x53, 0x63];

impl Client {
    pub fn new(number: usize, network: u8, mut dice: Dice) -> Self {
        let mac = [2, 0, 0, 0, network, number as u8 + 1];
        let uid = dice.one_in(3).then(|| [&[1][..], &mac].concat());
        let due = dice.between(0, 60 * SECOND);
        Client {
            mac,
            uid,
            network,
            stage: Stage::Away,
            lease: None,
            due,
            wanting: None,
            calm: false,
            dice,
            wish: None,
            wishes: None,
            xid: 0,
            tries: 0,
            asked: 0,
            chosen: None,
        }
    }

    /// It asks for lease times of its own now and then.
    pub fn with_wishes(mut self, dice: Dice) -> Self {
        self.wishes = Some(dice);
        self
    }

    fn make_a_wish(&mut self) {
        let Some(dice) = &mut self.wishes else { return };
        self.wish = dice.one_in(2).then(|| dice.of(&[10, 25, 50, 100, 200, 3600, u32::MAX]));
    }

    /// The address it holds now, as far as it knows. Who looks for an address has none, whatever it had before (RFC 2131
    /// section 4.4, figure 5: INIT, SELECTING and REQUESTING come before the first lease and after the last).
    pub fn holds(&self, now: Micros) -> Option<Ipv4Addr> {
        if matches!(self.stage, Stage::Selecting | Stage::Requesting) {
            return None;
        }
        self.lease.filter(|lease| lease.until > now).map(|lease| lease.address)
    }

    /// No message any more; what it holds runs out.
    pub fn stop(&mut self) {
        if matches!(self.stage, Stage::Selecting | Stage::Requesting) {
            self.lease = None;
        }
        self.stage = Stage::Stopped;
        self.due = Micros::MAX;
        self.wanting = None;
    }

    pub fn timer(&mut self, now: Micros, out: &mut Vec<Said>) {
        match self.stage {
            Stage::Stopped => {}
            Stage::Away => match self.lease {
                Some(lease) if lease.until > now + 10 * SECOND && self.dice.one_in(2) => {
                    self.begin(now, Stage::Rebooting, out);
                }
                _ => self.begin(now, Stage::Selecting, out),
            },
            Stage::Selecting => self.again(now, out, 8, Stage::Selecting),
            Stage::Requesting => self.again(now, out, 3, Stage::Selecting),
            Stage::Rebooting => self.again(now, out, 2, Stage::Selecting),
            Stage::Bound => self.move_on(now, out),
            Stage::Renewing | Stage::Rebinding => self.extend(now, out),
        }
    }

    fn begin(&mut self, now: Micros, stage: Stage, out: &mut Vec<Said>) {
        self.stage = stage;
        self.tries = 0;
        self.xid = self.dice.draw() as u32;
        self.make_a_wish();
        self.wanting = self.wanting.or(Some(now));
        self.speak(now, out);
    }

    fn again(&mut self, now: Micros, out: &mut Vec<Said>, tries: u32, otherwise: Stage) {
        self.tries += 1;
        if self.tries < tries {
            return self.speak(now, out);
        }
        self.begin(now, otherwise, out);
    }

    /// Says what its stage asks for, and sets the timer.
    fn speak(&mut self, now: Micros, out: &mut Vec<Said>) {
        self.asked = now;
        let pause = [4, 8, 16].get(self.tries as usize).copied().unwrap_or(16) * SECOND;
        self.due = now + pause - SECOND / 2 + self.dice.between(0, SECOND);
        let secs = self.wanting.map_or(0, |since| ((now - since) / SECOND) as u16);
        let lease = self.lease.map(|lease| lease.address);
        let none = Ipv4Addr::UNSPECIFIED;
        match self.stage {
            Stage::Selecting => out.push(self.message(1, secs, none, None, None, None)),
            Stage::Requesting => {
                let (address, server) = self.chosen.unwrap_or((none, none));
                out.push(self.message(3, secs, none, Some(address), Some(server), None));
            }
            Stage::Rebooting => out.push(self.message(3, secs, none, lease, None, None)),
            Stage::Renewing => {
                let to = self.lease.map(|lease| lease.server);
                out.push(self.message(3, 0, lease.unwrap_or(none), None, None, to));
            }
            Stage::Rebinding => out.push(self.message(3, secs, lease.unwrap_or(none), None, None, None)),
            Stage::Away | Stage::Bound | Stage::Stopped => {}
        }
    }

    /// The bound client's time has come: it renews, or does something else first.
    fn move_on(&mut self, now: Micros, out: &mut Vec<Said>) {
        let Some(lease) = self.lease else { return self.begin(now, Stage::Selecting, out) };
        let choice = if self.calm { 9 } else { self.dice.between(0, 15) };
        match choice {
            0 => {
                out.push(self.message(7, 0, lease.address, None, Some(lease.server), Some(lease.server)));
                self.lease = None;
                self.leave(now);
            }
            // It is gone without a word, or comes back and asks for what it had.
            1 => self.leave(now),
            2 => self.begin(now, Stage::Rebooting, out),
            3 => self.begin(now, Stage::Selecting, out),
            _ => {
                self.stage = Stage::Renewing;
                self.tries = 0;
                self.extend(now, out);
            }
        }
    }

    fn leave(&mut self, now: Micros) {
        self.stage = Stage::Away;
        self.wanting = None;
        self.due = now + self.dice.between(5 * SECOND, 400 * SECOND);
    }

    /// RENEWING until 7/8 of the lease are over, then REBINDING, then it has none.
    fn extend(&mut self, now: Micros, out: &mut Vec<Said>) {
        let Some(lease) = self.lease else { return self.begin(now, Stage::Selecting, out) };
        if now >= lease.until {
            self.lease = None;
            return self.begin(now, Stage::Selecting, out);
        }
        let rebinding = lease.until - (lease.until - lease.since) / 8;
        let stage = if now >= rebinding { Stage::Rebinding } else { Stage::Renewing };
        if stage != self.stage {
            (self.stage, self.wanting) = (stage, Some(now));
        }
        self.xid = self.dice.draw() as u32;
        self.make_a_wish();
        self.speak(now, out);
        let limit = if stage == Stage::Renewing { rebinding } else { lease.until };
        self.due = (now + ((limit - now) / 2).max(4 * SECOND)).min(limit).max(now + 100_000);
    }

    /// An answer. True when it makes the address the client's own from now on.
    pub fn receive(&mut self, now: Micros, payload: &[u8], out: &mut Vec<Said>) -> bool {
        let xid = payload.get(4..8).and_then(|octets| octets.try_into().ok()).map(u32::from_be_bytes);
        if xid != Some(self.xid) || payload.get(28..34) != Some(&self.mac) {
            return false;
        }
        let address = payload.get(16..20).map_or(Ipv4Addr::UNSPECIFIED, four);
        let server = option(payload, 54).map_or(Ipv4Addr::UNSPECIFIED, four);
        match (option(payload, 53).and_then(<[u8]>::first), self.stage) {
            (Some(2), Stage::Selecting) => {
                self.chosen = Some((address, server));
                self.stage = Stage::Requesting;
                self.tries = 0;
                self.speak(now, out);
                false
            }
            (Some(5), Stage::Requesting | Stage::Rebooting | Stage::Renewing | Stage::Rebinding) => {
                if !self.calm && self.stage == Stage::Requesting && self.dice.one_in(40) {
                    out.push(self.message(4, 0, Ipv4Addr::UNSPECIFIED, Some(address), Some(server), None));
                    self.lease = None;
                    self.begin(now + 10 * SECOND, Stage::Selecting, &mut Vec::new());
                    return false;
                }
                let seconds = option(payload, 51).map_or(0, |value| u32::from_be_bytes(four(value).octets()));
                // From the moment of the request, as the RFC counts.
                let until = self.asked + Micros::from(seconds) * SECOND;
                self.lease = Some(Lease { address, server, since: self.asked, until });
                self.stage = Stage::Bound;
                self.wanting = None;
                let half = Micros::from(seconds) * SECOND / 2;
                let early = if self.calm || !self.dice.one_in(3) { half } else { self.dice.between(0, half) };
                self.due = now + early.max(SECOND);
                true
            }
            (Some(6), Stage::Requesting | Stage::Rebooting | Stage::Renewing | Stage::Rebinding) => {
                self.lease = None;
                self.stage = Stage::Away;
                self.due = now + SECOND;
                false
            }
            _ => false,
        }
    }

    fn message(
        &self,
        kind: u8,
        secs: u16,
        ciaddr: Ipv4Addr,
        requested: Option<Ipv4Addr>,
        server: Option<Ipv4Addr>,
        to: Option<Ipv4Addr>,
    ) -> Said {
        // A relay stands in between unless the client speaks to the server alone.
        let relayed = self.network == 1 && to.is_none();
        let mut payload = vec![0; 236];
        payload[..4].copy_from_slice(&[1, 1, 6, u8::from(relayed)]);
        payload[4..8].copy_from_slice(&self.xid.to_be_bytes());
        payload[8..10].copy_from_slice(&secs.to_be_bytes());
        payload[12..16].copy_from_slice(&ciaddr.octets());
        if relayed {
            payload[24..28].copy_from_slice(&[10, 1, 0, 1]);
        }
        payload[28..34].copy_from_slice(&self.mac);
        payload.extend(COOKIE);
        payload.extend([53, 1, kind]);
        if let Some(uid) = &self.uid {
            payload.extend([61, uid.len() as u8]);
            payload.extend(uid);
        }
        for (code, value) in [(50, requested), (54, server)] {
            if let Some(value) = value {
                payload.extend([code, 4]);
                payload.extend(value.octets());
            }
        }
        if let Some(wish) = self.wish.filter(|_| matches!(kind, 1 | 3)) {
            payload.extend([51, 4]);
            payload.extend(wish.to_be_bytes());
        }
        payload.push(255);
        payload.resize(300, 0);
        let source = if relayed { Ipv4Addr::new(10, 1, 0, 1) } else { ciaddr };
        Said { payload, to, source }
    }
}

pub fn four(octets: &[u8]) -> Ipv4Addr {
    octets
        .get(..4)
        .and_then(|octets| <[u8; 4]>::try_from(octets).ok())
        .map_or(Ipv4Addr::UNSPECIFIED, Ipv4Addr::from)
}

/// The first option of that code.
pub fn option(payload: &[u8], wanted: u8) -> Option<&[u8]> {
    let mut rest = payload.get(240..)?;
    loop {
        match rest {
            [0, tail @ ..] => rest = tail,
            [255, ..] | [] => return None,
            [code, length, tail @ ..] => {
                let value = tail.get(..usize::from(*length))?;
                if *code == wanted {
                    return Some(value);
                }
                rest = &tail[usize::from(*length)..];
            }
            _ => return None,
        }
    }
}
