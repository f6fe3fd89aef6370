//! Clients as the recordings have them: one message at a time, answers taken down.

use super::place::Place;
use super::scenario::{Result, SIDES, Side};
use crate::wire::{self, Message, Question, find_option};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

/// The clients' end of the wire.
const STATION: [u8; 6] = [2, 0, 10, 0, 0, 0xfe];

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// OFFER, ACK, NAK.
    pub kind: String,
    pub address: Ipv4Addr,
    pub server: Ipv4Addr,
    pub seconds: Option<u32>,
}

struct Wish<'a> {
    words: &'a [String],
}

impl Wish<'_> {
    fn option(&self, name: &str) -> Option<&str> {
        let at = self.words.iter().position(|word| word == name)?;
        self.words.get(at + 1).map(String::as_str)
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.option(name)?.parse().ok()
    }

    fn address(&self, at: usize) -> Result<Ipv4Addr> {
        let word = self.words.get(at).map_or("", String::as_str);
        word.parse().map_err(|_| format!("no address: {word:?}"))
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(self.number("--timeout").unwrap_or(3))
    }
}

/// Runs one `client` step and returns what it saw, a line for each client.
pub fn act(place: &Place, words: &[String]) -> Result<Vec<String>> {
    let wish = Wish { words };
    let verb = words.first().map_or("", String::as_str);
    if verb == "many" {
        return many(place, &wish);
    }
    let mac = hardware(words.get(1).map_or("", String::as_str))?;
    let mut client = Client { place, mac, wish: &wish, secs: wish.number("--secs").unwrap_or(0) as u16 };
    let head = format!("{verb} {}", wire::colons(&mac));
    let seen = match verb {
        "dora" => vec![client.dora()?],
        "discover" => client.ask(Ask { kind: 1, ..Ask::default() }, 99)?,
        "reboot" => client.ask(Ask { kind: 3, requested: Some(wish.address(2)?), ..Ask::default() }, 99)?,
        "rebind" => client.ask(Ask { kind: 3, own: wish.address(2)?, ..Ask::default() }, 99)?,
        "renew" => {
            let to = Some(wish.address(3)?);
            client.ask(Ask { kind: 3, own: wish.address(2)?, to, ..Ask::default() }, 1)?
        }
        "release" => {
            let to = Some(wish.address(3)?);
            client.ask(Ask { kind: 7, own: wish.address(2)?, to, server: to, ..Ask::default() }, 0)?
        }
        "decline" => {
            let server = Some(wish.address(3)?);
            client.ask(Ask { kind: 4, requested: Some(wish.address(2)?), server, ..Ask::default() }, 0)?
        }
        _ => return Err(format!("no such client: {verb}")),
    };
    let mut seen: Vec<String> = seen.iter().map(show).collect();
    seen.sort();
    Ok(vec![format!("{head}: {}", if seen.is_empty() { "nothing".into() } else { seen.join(", ") })])
}

fn show(answer: &Answer) -> String {
    format!("{} {} from {}", answer.kind, answer.address, answer.server)
}

fn hardware(text: &str) -> Result<[u8; 6]> {
    let octets: Vec<u8> = text.split(':').filter_map(|part| u8::from_str_radix(part, 16).ok()).collect();
    octets.try_into().map_err(|_| format!("no hardware address: {text:?}"))
}

/// One after the other; who gets no offer asks three times, with `--step` more seconds in `secs` each time.
fn many(place: &Place, wish: &Wish<'_>) -> Result<Vec<String>> {
    let count: u32 = wish.words.get(1).and_then(|word| word.parse().ok()).ok_or("many how many?")?;
    let base = hardware(wish.option("--base").unwrap_or("02:00:00:00:01:00"))?;
    let step = wish.number("--step").unwrap_or(0) as u16;
    let mut out = Vec::new();
    for number in 0..count {
        let mut mac = base;
        mac[5] = mac[5].wrapping_add(number as u8);
        let mut seen = "nothing".to_string();
        for attempt in 0..3 {
            let mut client = Client { place, mac, wish, secs: attempt * step };
            match client.dora() {
                Ok(answer) if answer.kind != "nothing" => {
                    seen = show(&answer);
                    break;
                }
                Ok(_) => {}
                Err(error) => return Err(error),
            }
        }
        out.push(format!("many {}: {seen}", wire::colons(&mac)));
    }
    Ok(out)
}

#[derive(Clone)]
struct Ask {
    kind: u8,
    own: Ipv4Addr,
    requested: Option<Ipv4Addr>,
    server: Option<Ipv4Addr>,
    /// Unicast to this server; else broadcast.
    to: Option<Ipv4Addr>,
    xid: Option<u32>,
}

impl Default for Ask {
    fn default() -> Self {
        Ask { kind: 1, own: Ipv4Addr::UNSPECIFIED, requested: None, server: None, to: None, xid: None }
    }
}

struct Client<'a> {
    place: &'a Place,
    mac: [u8; 6],
    wish: &'a Wish<'a>,
    secs: u16,
}

impl Client<'_> {
    /// DISCOVER, then REQUEST for the first offer, or for the one of the server picked.
    fn dora(&mut self) -> Result<Answer> {
        let none = Answer {
            kind: "nothing".into(),
            address: Ipv4Addr::UNSPECIFIED,
            server: Ipv4Addr::UNSPECIFIED,
            seconds: None,
        };
        let xid = fresh();
        let pick: Option<Ipv4Addr> = self.wish.option("--pick").and_then(|text| text.parse().ok());
        let offers =
            self.ask(Ask { xid: Some(xid), ..Ask::default() }, if pick.is_some() { 99 } else { 1 })?;
        let chosen = match pick {
            Some(server) => offers.iter().find(|offer| offer.server == server),
            None => offers.first(),
        };
        let Some(offer) = chosen else { return Ok(none) };
        let ask = Ask {
            kind: 3,
            requested: Some(offer.address),
            server: Some(offer.server),
            xid: Some(xid),
            ..Ask::default()
        };
        Ok(self.ask(ask, 1)?.into_iter().next().unwrap_or(none))
    }

    /// Sends one message and collects answers until there are `enough`, or the time is over.
    fn ask(&mut self, ask: Ask, enough: usize) -> Result<Vec<Answer>> {
        let xid = ask.xid.unwrap_or_else(fresh);
        while self.place.link.receive().is_some() {}
        self.place.link.send(&self.frame(&ask, xid))?;
        if enough == 0 {
            return Ok(Vec::new());
        }
        let until = Instant::now() + self.wish.timeout();
        let mut answers = Vec::new();
        while Instant::now() < until {
            let Some(frame) = self.place.link.receive() else {
                std::thread::sleep(Duration::from_millis(4));
                continue;
            };
            self.answer_arp(&frame, ask.own)?;
            answers.extend(self.read(&frame, xid));
            if answers.len() >= enough {
                break;
            }
        }
        Ok(answers)
    }

    fn answer_arp(&self, frame: &[u8], own: Ipv4Addr) -> Result<()> {
        match wire::question(frame) {
            Some(Question::Arp { wanted, hardware, asker }) if wanted == own && !own.is_unspecified() => {
                self.place.link.send(&wire::arp_answer((STATION, own), (hardware, asker)))
            }
            _ => Ok(()),
        }
    }

    fn read(&self, frame: &[u8], xid: u32) -> Option<Answer> {
        let datagram = wire::datagram(frame)?;
        let payload = &datagram.payload;
        if datagram.source.1 != 67 || payload.first() != Some(&2) || payload.get(4..8)? != xid.to_be_bytes() {
            return None;
        }
        let kind = match find_option(payload, 53)?.first()? {
            2 => "OFFER",
            5 => "ACK",
            6 => "NAK",
            _ => return None,
        };
        let server: [u8; 4] = find_option(payload, 54)?.try_into().ok()?;
        let octets: [u8; 4] = payload.get(16..20)?.try_into().ok()?;
        let seconds =
            find_option(payload, 51).and_then(|value| Some(u32::from_be_bytes(value.try_into().ok()?)));
        Some(Answer { kind: kind.into(), address: octets.into(), server: server.into(), seconds })
    }

    fn frame(&self, ask: &Ask, xid: u32) -> Vec<u8> {
        let mut tail = vec![0x63, 0x82, 0x53, 0x63, 53, 1, ask.kind];
        let mut put = |code: u8, value: &[u8]| {
            tail.extend([code, value.len() as u8]);
            tail.extend(value);
        };
        if let Some(cid) = self.wish.option("--cid") {
            let octets: Vec<u8> = (0..cid.len() / 2)
                .filter_map(|at| u8::from_str_radix(cid.get(2 * at..2 * at + 2)?, 16).ok())
                .collect();
            put(61, &octets);
        }
        if let Some(host) = self.wish.option("--host") {
            put(12, host.as_bytes());
        }
        if let Some(address) = ask.requested {
            put(50, &address.octets());
        }
        if let Some(server) = ask.server {
            put(54, &server.octets());
        }
        if matches!(ask.kind, 1 | 3) {
            put(55, &[1, 3, 6, 15]);
        }
        tail.push(255);
        tail.resize(64, 0);
        let mut chaddr = [0; 16];
        chaddr[..6].copy_from_slice(&self.mac);
        let unspecified = Ipv4Addr::UNSPECIFIED;
        let message = Message {
            op: 1,
            htype: 1,
            hlen: 6,
            hops: 0,
            xid,
            secs: self.secs,
            flags: if ask.own.is_unspecified() { 0x8000 } else { 0 },
            ciaddr: ask.own,
            yiaddr: unspecified,
            siaddr: unspecified,
            giaddr: unspecified,
            chaddr,
            sname: Vec::new(),
            file: Vec::new(),
            tail,
        };
        let to = ask.to.unwrap_or(Ipv4Addr::BROADCAST);
        let hardware = SIDES
            .into_iter()
            .find(|side| Some(side.address()) == ask.to.map(|to| to.to_string()).as_deref())
            .map_or(wire::BROADCAST, Side::hardware);
        wire::ethernet(hardware, STATION, 0x0800, &wire::udp((ask.own, 68), (to, 67), &message.encode()))
    }
}

fn fresh() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0x5eed_0001);
    NEXT.fetch_add(0x9e37, Ordering::Relaxed)
}
