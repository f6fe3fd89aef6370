//! Many clients on one packet socket, each with a hardware address of its own, who remember what they were given: the
//! judge of the durability tests.

use crate::ground::{Result, Wish, say};
use crate::wire::{self, BROADCAST, Mac, Message};
use crate::world::Link;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{setsockopt, sockopt};
use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// A client repeats what was not answered after so long.
const RETRY: Duration = Duration::from_millis(400);

/// DHCP message types (RFC 2132, 9.6).
pub const DISCOVER: u8 = 1;
pub const OFFER: u8 = 2;
pub const REQUEST: u8 = 3;
pub const DECLINE: u8 = 4;
pub const ACK: u8 = 5;
pub const NAK: u8 = 6;
pub const RELEASE: u8 = 7;

pub fn mac(client: u32) -> Mac {
    let [a, b, c, d] = client.to_be_bytes();
    [2, 0x77, a, b, c, d]
}

/// A server with room for any crowd, and where it is.
pub const CONFIGURATION: &str = "
authoritative;
ping-check false;
ddns-update-style none;
default-lease-time 3600;
subnet 10.40.0.0 netmask 255.252.0.0 {
  range 10.40.1.0 10.43.250.255;
}
";
pub const SERVER: Wish<'static> = Wish { server: &["10.40.0.1/14"], clients: &[], setup: "" };

pub fn client_of(hardware: &[u8]) -> Option<u32> {
    match *hardware {
        [2, 0x77, a, b, c, d, ..] => Some(u32::from_be_bytes([a, b, c, d])),
        _ => None,
    }
}

/// A client's message as a DHCP payload; `options` stand between the message type and the end.
pub fn message(client: u32, kind: u8, ciaddr: Ipv4Addr, options: &[u8]) -> Message {
    let mut chaddr = [0; 16];
    chaddr[..6].copy_from_slice(&mac(client));
    Message {
        op: 1,
        htype: 1,
        hlen: 6,
        hops: 0,
        xid: client,
        secs: 0,
        flags: 0,
        ciaddr,
        yiaddr: Ipv4Addr::UNSPECIFIED,
        siaddr: Ipv4Addr::UNSPECIFIED,
        giaddr: Ipv4Addr::UNSPECIFIED,
        chaddr,
        sname: Vec::new(),
        file: Vec::new(),
        tail: [&[99, 130, 83, 99, 53, 1, kind][..], options, &[255]].concat(),
    }
}

/// From client port to server port, to everybody.
pub fn broadcast(client: u32, payload: &[u8]) -> Vec<u8> {
    let datagram = wire::udp((Ipv4Addr::UNSPECIFIED, 68), (Ipv4Addr::BROADCAST, 67), payload);
    wire::ethernet(BROADCAST, mac(client), 0x0800, &datagram)
}

/// An option that holds an address.
pub fn address_option(code: u8, address: Ipv4Addr) -> Vec<u8> {
    [&[code, 4][..], &address.octets()].concat()
}

struct Flight {
    client: u32,
    sent: Instant,
    step: Step,
    /// A lease that it had: its REQUEST names no server (RFC 2131, 4.3.2, INIT-REBOOT).
    reboots: bool,
}

#[derive(Clone, Copy)]
enum Step {
    Discovers,
    Requests { address: Ipv4Addr, server: Ipv4Addr },
}

pub struct Crowd {
    link: Link,
    /// The next client that has never asked.
    next: u32,
    flights: VecDeque<Flight>,
    /// What an ACK gave to whom.
    pub acknowledged: BTreeMap<u32, Ipv4Addr>,
    /// When the last ACK came.
    pub last: Instant,
    /// ACKs of clients that had none before, and NAKs.
    pub acks: u64,
    pub naks: u64,
    /// The longest time from a DISCOVER to its OFFER.
    pub slowest_offer: Duration,
    /// Options every client adds to its messages, made from its number.
    pub extra: fn(u32) -> Vec<u8>,
}

impl Crowd {
    pub fn new(link: Link, first: u32) -> Self {
        // A burst of answers must not be lost at our end.
        let _ = setsockopt(link.fd(), sockopt::RcvBufForce, &(16 << 20));
        let acknowledged = BTreeMap::new();
        let (last, extra): (_, fn(u32) -> Vec<u8>) = (Instant::now(), |_| Vec::new());
        let slowest_offer = Duration::ZERO;
        let flights = VecDeque::new();
        Crowd { link, next: first, flights, acknowledged, last, acks: 0, naks: 0, slowest_offer, extra }
    }

    pub fn link(&self) -> &Link {
        &self.link
    }

    /// Clients never seen before take leases, `window` at a time, as long as `more` says.
    pub fn take(&mut self, window: usize, mut more: impl FnMut(&Crowd) -> bool) -> Result<()> {
        while more(self) {
            while self.flights.len() < window {
                let flight =
                    Flight { client: self.next, sent: Instant::now(), step: Step::Discovers, reboots: false };
                self.next += 1;
                self.send(&flight)?;
                self.flights.push_back(flight);
            }
            self.turn()?;
        }
        Ok(())
    }

    /// One more lease for a client never seen before; fails when it takes longer than that.
    pub fn take_one(&mut self, patience: Duration) -> Result<()> {
        self.take_some(1, 1, patience)
    }

    pub fn take_some(&mut self, count: u64, window: usize, patience: Duration) -> Result<()> {
        let (until, began) = (self.acks + count, Instant::now());
        self.take(window, |crowd| crowd.acks < until && began.elapsed() < patience)?;
        if self.acks < until {
            return Err(format!("{} of {count} leases not taken within {patience:?}", until - self.acks));
        }
        Ok(())
    }

    /// Takes in what was sent to clients already, and lets those that still wait go.
    pub fn drain(&mut self) -> Result<()> {
        std::thread::sleep(Duration::from_millis(50));
        self.listen()?;
        self.flights.clear();
        Ok(())
    }

    /// Clients come back after a reboot and ask for what they had; every one must be given the same again.
    pub fn reboot(&mut self, clients: &[u32], patience: Duration) -> Result<()> {
        let had = self.acknowledged.clone();
        let mut waiting: VecDeque<u32> = clients.iter().copied().collect();
        let (began, naks) = (Instant::now(), self.naks);
        self.flights.clear();
        while !(waiting.is_empty() && self.flights.is_empty()) {
            while self.flights.len() < 32 {
                let Some(client) = waiting.pop_front() else { break };
                let address = *had.get(&client).ok_or("a client without a lease")?;
                let step = Step::Requests { address, server: Ipv4Addr::UNSPECIFIED };
                let flight = Flight { client, sent: Instant::now(), step, reboots: true };
                self.send(&flight)?;
                self.flights.push_back(flight);
            }
            self.turn()?;
            if self.naks > naks {
                return Err("a client was refused the address it has a lease of".into());
            }
            if began.elapsed() > patience {
                let left = waiting.len() + self.flights.len();
                return Err(format!(
                    "{left} of {} known clients not served within {patience:?}",
                    clients.len()
                ));
            }
        }
        Ok(())
    }

    /// A message that is not answered, with the server named: RELEASE or DECLINE of the client's lease, which is forgotten.
    pub fn give_up(&mut self, client: u32, kind: u8, server: Ipv4Addr) -> Result<()> {
        let address = self.acknowledged.remove(&client).ok_or("a client without a lease")?;
        let mut options = address_option(54, server);
        let ciaddr = if kind == RELEASE {
            address
        } else {
            options.extend(address_option(50, address));
            Ipv4Addr::UNSPECIFIED
        };
        options.extend((self.extra)(client));
        self.link.send(&broadcast(client, &message(client, kind, ciaddr, &options).encode()))
    }

    fn send(&self, flight: &Flight) -> Result<()> {
        let mut options = Vec::new();
        let kind = match flight.step {
            Step::Discovers => DISCOVER,
            Step::Requests { address, server } => {
                options.extend(address_option(50, address));
                if !flight.reboots {
                    options.extend(address_option(54, server));
                }
                REQUEST
            }
        };
        options.extend((self.extra)(flight.client));
        let message = message(flight.client, kind, Ipv4Addr::UNSPECIFIED, &options);
        // A full queue counts as a lost packet; the repeat comes.
        let _ = self.link.send(&broadcast(flight.client, &message.encode()));
        Ok(())
    }

    fn turn(&mut self) -> Result<()> {
        let mut on = [PollFd::new(self.link.fd().as_fd(), PollFlags::POLLIN)];
        poll(&mut on, PollTimeout::from(20u8)).map_err(say("poll"))?;
        self.listen()?;
        let now = Instant::now();
        let mut flights = std::mem::take(&mut self.flights);
        for flight in flights.iter_mut().filter(|flight| now - flight.sent > RETRY) {
            flight.sent = now;
            self.send(flight)?;
        }
        self.flights = flights;
        Ok(())
    }

    fn listen(&mut self) -> Result<()> {
        while let Some(frame) = self.link.receive() {
            self.frame(&frame)?;
        }
        Ok(())
    }

    /// Fails when an address is given to a second client, or a client a second address.
    fn frame(&mut self, frame: &[u8]) -> Result<()> {
        let Some(datagram) = wire::datagram(frame).filter(|datagram| datagram.source.1 == 67) else {
            return Ok(());
        };
        let payload = &datagram.payload;
        let (Some(&[a, b, c, d]), Some(hardware)) =
            (payload.get(16..20).and_then(|octets| octets.first_chunk()), payload.get(28..34))
        else {
            return Ok(());
        };
        let (address, Some(client)) = (Ipv4Addr::new(a, b, c, d), client_of(hardware)) else {
            return Ok(());
        };
        let kind = wire::find_option(payload, 53).and_then(|value| value.first().copied()).unwrap_or(0);
        if kind == ACK {
            self.given(client, address)?;
        }
        let Some(at) = self.flights.iter().position(|flight| flight.client == client) else {
            return Ok(());
        };
        match (kind, self.flights[at].step) {
            (OFFER, Step::Discovers) => {
                let server = wire::find_option(payload, 54).unwrap_or_default();
                let server =
                    server.first_chunk().map_or(Ipv4Addr::UNSPECIFIED, |&octets: &[u8; 4]| octets.into());
                self.slowest_offer = self.slowest_offer.max(self.flights[at].sent.elapsed());
                self.flights[at].step = Step::Requests { address, server };
                self.flights[at].sent = Instant::now();
                self.send(&self.flights[at])?;
            }
            (ACK, _) => drop(self.flights.remove(at)),
            (NAK, _) => {
                self.naks += 1;
                self.flights[at].step = Step::Discovers;
            }
            _ => {}
        }
        Ok(())
    }

    fn given(&mut self, client: u32, address: Ipv4Addr) -> Result<()> {
        self.last = Instant::now();
        match self.acknowledged.insert(client, address) {
            None => self.acks += 1,
            Some(before) if before != address => {
                return Err(format!("client {client} had {before}, was given {address}"));
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// No address stands twice among what was given.
    pub fn distinct(&self) -> Result<()> {
        let mut owners = BTreeMap::new();
        for (client, address) in &self.acknowledged {
            if let Some(other) = owners.insert(address, client) {
                return Err(format!("{address} was given to the clients {other} and {client}"));
            }
        }
        Ok(())
    }
}

/// The last record of every address in a lease file: address and text of the record's body.
pub fn bindings(leases: &str) -> BTreeMap<Ipv4Addr, String> {
    let mut found = BTreeMap::new();
    for piece in format!("\n{leases}").split("\nlease ").skip(1) {
        let Some((address, rest)) = piece.split_once(" {\n") else { continue };
        // A record that was cut off counts for nothing.
        let Some(end) = rest.find("\n}") else { continue };
        if let (Ok(address), Some(body)) = (address.parse(), rest.get(..=end)) {
            found.insert(address, body.to_string());
        }
    }
    found
}

/// Every lease that was acknowledged is active in the lease file, and its client's.
pub fn all_recorded(acknowledged: &BTreeMap<u32, Ipv4Addr>, leases: &str) -> Result<()> {
    let bindings = bindings(leases);
    for (client, address) in acknowledged {
        let hardware = format!("hardware ethernet {};", wire::colons(&mac(*client)));
        let good = bindings
            .get(address)
            .is_some_and(|body| body.contains("\n  binding state active;") && body.contains(&hardware));
        if !good {
            let found = bindings.get(address).map_or("nothing", |body| body);
            return Err(format!(
                "{address} was acknowledged to client {client}; the lease file says: {found}"
            ));
        }
    }
    Ok(())
}
