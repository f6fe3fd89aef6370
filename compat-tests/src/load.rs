//! A load generator: keeps a number of four-way exchanges (DISCOVER, OFFER, REQUEST, ACK) in flight over a veth with real
//! packets. Clients are distinct, each with a hardware address of its own; a repeat of a client is a full exchange again.

use crate::wire::{self, BROADCAST};
use crate::world::Link;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, recv, setsockopt, sockopt};
use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

/// Payload offsets within a frame: Ethernet 14, IP 20, UDP 8.
const PAYLOAD: usize = 42;
const XID: usize = PAYLOAD + 4;
const YIADDR: usize = PAYLOAD + 16;
const CHADDR: usize = PAYLOAD + 28;
/// The first option of our servers' answers is the message type; its value stands here.
const TYPE: usize = PAYLOAD + 240 + 2;

/// A client asks again after so long.
const RETRY: Duration = Duration::from_millis(1000);

pub struct Plan {
    /// Exchanges in flight.
    pub window: usize,
    /// Distinct clients; they take turns.
    pub clients: u32,
    pub duration: Duration,
}

#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub exchanges: u64,
    pub seconds: f64,
    /// Messages that had to be repeated.
    pub repeats: u64,
    /// From DISCOVER to ACK, microseconds, sorted.
    pub latencies: Vec<u32>,
    /// NAKs and the like.
    pub refused: u64,
}

impl Outcome {
    pub fn rate(&self) -> f64 {
        self.exchanges as f64 / self.seconds.max(1e-9)
    }

    /// `share` of 0.5 is the median; microseconds.
    pub fn latency(&self, share: f64) -> u32 {
        let at = ((self.latencies.len().saturating_sub(1)) as f64 * share) as usize;
        self.latencies.get(at).copied().unwrap_or(0)
    }
}

struct Flight {
    client: u32,
    began: Instant,
    sent: Instant,
    /// The address offered, once there is one.
    offered: Option<[u8; 4]>,
    server: [u8; 4],
    done: bool,
}

/// Frames of the two messages, patched for each client.
struct Frames {
    discover: Vec<u8>,
    request: Vec<u8>,
    /// Where option 50 and option 54 have their values in `request`.
    requested: usize,
    server: usize,
}

fn frame(tail: &[u8]) -> Vec<u8> {
    let message = wire::Message {
        op: 1,
        htype: 1,
        hlen: 6,
        hops: 0,
        xid: 0,
        secs: 0,
        flags: 0,
        ciaddr: Ipv4Addr::UNSPECIFIED,
        yiaddr: Ipv4Addr::UNSPECIFIED,
        siaddr: Ipv4Addr::UNSPECIFIED,
        giaddr: Ipv4Addr::UNSPECIFIED,
        chaddr: [0; 16],
        sname: Vec::new(),
        file: Vec::new(),
        tail: tail.to_vec(),
    };
    let mut ip = wire::udp((Ipv4Addr::UNSPECIFIED, 68), (Ipv4Addr::BROADCAST, 67), &message.encode());
    // Without a UDP checksum none need be computed for each client (RFC 768).
    ip[26..28].fill(0);
    wire::ethernet(BROADCAST, [2, 0, 0, 0, 0, 0], 0x0800, &ip)
}

impl Frames {
    fn new() -> Self {
        let list = [55, 4, 1, 3, 6, 15];
        let discover = [&[99, 130, 83, 99, 53, 1, 1][..], &list, &[255]].concat();
        let request =
            [&[99, 130, 83, 99, 53, 1, 3, 50, 4, 0, 0, 0, 0, 54, 4, 0, 0, 0, 0][..], &list, &[255]].concat();
        let requested = PAYLOAD + 236 + 9;
        Frames { discover: frame(&discover), request: frame(&request), requested, server: requested + 6 }
    }

    fn address(frame: &mut [u8], slot: u32, client: u32) {
        let mac = client.to_be_bytes();
        frame[8..12].copy_from_slice(&mac);
        frame[XID..XID + 4].copy_from_slice(&slot.to_be_bytes());
        frame[CHADDR] = 2;
        frame[CHADDR + 1] = 0;
        frame[CHADDR + 2..CHADDR + 6].copy_from_slice(&mac);
    }

    fn send(&mut self, link: &Link, slot: u32, flight: &Flight) {
        let frame = match flight.offered {
            None => &mut self.discover,
            Some(address) => {
                self.request[self.requested..self.requested + 4].copy_from_slice(&address);
                self.request[self.server..self.server + 4].copy_from_slice(&flight.server);
                &mut self.request
            }
        };
        Frames::address(frame, slot, flight.client);
        // A full queue counts as a lost packet; the repeat comes.
        let _ = link.send(frame);
    }
}

/// The value of option 54 in an answer; it follows option 53.
fn server_of(frame: &[u8]) -> Option<[u8; 4]> {
    frame.get(TYPE + 3..TYPE + 7)?.try_into().ok()
}

/// Runs exchanges until the time is over.
pub fn run(link: &Link, plan: &Plan) -> Outcome {
    let mut frames = Frames::new();
    let mut outcome = Outcome::default();
    let mut buffer = vec![0u8; 2048];
    // A burst of answers must not be lost at our end.
    let _ = setsockopt(link.fd(), sockopt::RcvBufForce, &(16 << 20));
    let mut flights: Vec<Flight> = Vec::new();
    let mut next = 0u32;
    let began = Instant::now();
    let mut due: VecDeque<(Instant, u32)> = VecDeque::new();
    for slot in 0..plan.window.min(plan.clients as usize) as u32 {
        let now = Instant::now();
        flights.push(Flight {
            client: next,
            began: now,
            sent: now,
            offered: None,
            server: [0; 4],
            done: false,
        });
        next = (next + 1) % plan.clients;
        frames.send(link, slot, &flights[slot as usize]);
        due.push_back((now + RETRY, slot));
    }
    while began.elapsed() < plan.duration {
        let mut poll_on = [PollFd::new(link.fd().as_fd(), PollFlags::POLLIN)];
        let _ = poll(&mut poll_on, PollTimeout::from(20u8));
        while let Ok(length) = recv(link.fd().as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
            let frame = &buffer[..length];
            answer(link, plan, frame, &mut frames, &mut flights, &mut next, &mut outcome);
        }
        repeat(link, &mut frames, &mut flights, &mut due, &mut outcome);
    }
    outcome.seconds = began.elapsed().as_secs_f64();
    outcome.latencies.sort_unstable();
    outcome
}

fn answer(
    link: &Link,
    plan: &Plan,
    frame: &[u8],
    frames: &mut Frames,
    flights: &mut [Flight],
    next: &mut u32,
    outcome: &mut Outcome,
) {
    // From server port to client port, a reply.
    if frame.len() < TYPE + 7 || frame[23] != 17 || frame[34..38] != [0, 67, 0, 68] || frame[PAYLOAD] != 2 {
        return;
    }
    let slot = u32::from_be_bytes(frame[XID..XID + 4].try_into().expect("four octets"));
    let Some(flight) = flights.get_mut(slot as usize) else { return };
    if frame[CHADDR + 2..CHADDR + 6] != flight.client.to_be_bytes() || flight.done {
        return;
    }
    let now = Instant::now();
    match (frame[TYPE], flight.offered) {
        (2, None) => {
            flight.offered = frame[YIADDR..YIADDR + 4].try_into().ok();
            flight.server = server_of(frame).unwrap_or_default();
        }
        (5, Some(_)) => {
            outcome.exchanges += 1;
            outcome.latencies.push(now.duration_since(flight.began).as_micros() as u32);
            *flight =
                Flight { client: *next, began: now, sent: now, offered: None, server: [0; 4], done: false };
            *next = (*next + 1) % plan.clients;
        }
        (6, Some(_)) => {
            outcome.refused += 1;
            flight.offered = None;
        }
        _ => return,
    }
    flight.sent = now;
    frames.send(link, slot, flight);
}

fn repeat(
    link: &Link,
    frames: &mut Frames,
    flights: &mut [Flight],
    due: &mut VecDeque<(Instant, u32)>,
    outcome: &mut Outcome,
) {
    let now = Instant::now();
    while let Some((at, slot)) = due.front().copied() {
        if at > now {
            break;
        }
        due.pop_front();
        let Some(flight) = flights.get_mut(slot as usize) else { continue };
        let again = flight.sent + RETRY;
        if again <= now {
            outcome.repeats += 1;
            flight.sent = now;
            frames.send(link, slot, flight);
            due.push_back((now + RETRY, slot));
        } else {
            // Kept in order well enough: the wait is at most one period longer.
            due.push_back((again, slot));
        }
    }
}
