//! The exchanges in flight. The low half of a transaction identifier is the place in the window, the high half counts its
//! uses, so that an answer finds its exchange at once and a late one is known as such.

use super::batch::Batch;
use super::frame::{self, Answer, Say};
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// DISCOVER, OFFER, REQUEST, ACK.
    FourWay,
    /// REQUEST in RENEWING state, ACK. The clients' addresses come from the ACKs handed to [`run`].
    Renewal,
}

#[derive(Clone, Debug)]
pub struct Plan {
    pub kind: Kind,
    /// Exchanges in flight, at most 65,536.
    pub window: usize,
    /// Ends after this time, or after so many exchanges were begun and have ended.
    pub time: Duration,
    pub count: u64,
    /// Exchanges begun a second; none: as many as the window holds.
    pub rate: Option<f64>,
    /// Exchanges begun before answers are read.
    pub at_once: usize,
    /// Clients `first..first + clients`, over and over.
    pub first: u32,
    pub clients: u32,
    /// Until a message is sent again, and how often before the client gives up.
    pub patience: Duration,
    pub tries: u32,
    pub server_mac: [u8; 6],
}

impl Default for Plan {
    fn default() -> Self {
        Plan {
            kind: Kind::FourWay,
            window: 32,
            time: Duration::from_secs(5),
            count: u64::MAX,
            rate: None,
            at_once: 64,
            first: 0,
            clients: u32::MAX,
            patience: Duration::from_secs(2),
            tries: 4,
            server_mac: [0; 6],
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack {
    pub client: u32,
    pub address: Ipv4Addr,
    pub server: Ipv4Addr,
}

#[derive(Clone, Debug, Default)]
pub struct Report {
    pub begun: u64,
    pub completed: u64,
    pub naks: u64,
    pub sent_again: u64,
    pub given_up: u64,
    /// From the first frame to the last ACK, or to the end of the time.
    pub elapsed: Duration,
    /// Microseconds from the first message of an exchange, and from its REQUEST, to its ACK; sorted.
    pub whole: Vec<u32>,
    pub request: Vec<u32>,
    pub acks: Vec<Ack>,
}

impl Report {
    pub fn rate(&self) -> f64 {
        self.completed as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }
}

/// The value below which this share of a sorted list lies.
pub fn quantile(sorted: &[u32], share: f64) -> u32 {
    let at = (sorted.len() as f64 * share) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or(0)
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Idle,
    Discovering,
    Requesting,
}

#[derive(Clone, Copy)]
struct Slot {
    stage: Stage,
    uses: u16,
    client: u32,
    tries: u32,
    begun: Instant,
    requested: Instant,
    sent: Instant,
    say: Say,
}

struct Window<'a> {
    plan: &'a Plan,
    slots: Vec<Slot>,
    free: Vec<u16>,
    report: Report,
    known: &'a [Ack],
}

/// Runs a plan. `known`: for renewals, leases that clients hold. Ends early when `stop` says so.
pub fn run(
    socket: &OwnedFd,
    plan: &Plan,
    known: &[Ack],
    mut stop: impl FnMut(&Report) -> bool,
) -> Result<Report, String> {
    let start = Instant::now();
    let mut batch = Batch::new(socket);
    let mut window = Window::new(plan, known, start);
    let mut last_ack = start;
    let mut next_look = start;
    while batch.receive(|_| {})? > 0 {}
    loop {
        let now = Instant::now();
        let over = now - start >= plan.time || stop(&window.report);
        if over || (window.report.begun >= plan.count && window.free.len() == plan.window) {
            window.report.elapsed = if over { now - start } else { last_ack - start };
            break;
        }
        window.begin(now, start, &mut batch);
        if now >= next_look {
            window.send_again(now, &mut batch);
            next_look = now + Duration::from_millis(20);
        }
        batch.flush()?;
        let mut answers: Vec<Answer> = Vec::new();
        let received = batch.receive(|octets| answers.extend(frame::read(octets)))?;
        let arrived = Instant::now();
        for answer in &answers {
            if window.take(answer, arrived, &mut batch) {
                last_ack = arrived;
            }
        }
        batch.flush()?;
        if received == 0 {
            batch.wait(window.pause(start))?;
        }
    }
    let mut report = window.report;
    report.whole.sort_unstable();
    report.request.sort_unstable();
    Ok(report)
}

impl<'a> Window<'a> {
    fn new(plan: &'a Plan, known: &'a [Ack], now: Instant) -> Self {
        let idle = Slot {
            stage: Stage::Idle,
            uses: (now.elapsed().subsec_nanos() ^ std::process::id()) as u16,
            client: 0,
            tries: 0,
            begun: now,
            requested: now,
            sent: now,
            say: Say::Discover,
        };
        let window = plan.window.clamp(1, 65_536);
        Window {
            plan,
            slots: vec![idle; window],
            free: (0..window).rev().map(|slot| slot as u16).collect(),
            report: Report::default(),
            known,
        }
    }

    /// How long nothing needs to be sent.
    fn pause(&self, start: Instant) -> Duration {
        let Some(rate) = self.plan.rate else { return Duration::from_millis(5) };
        let due = Duration::from_secs_f64((self.report.begun + 1) as f64 / rate);
        due.saturating_sub(start.elapsed()).min(Duration::from_millis(5))
    }

    fn begin(&mut self, now: Instant, start: Instant, batch: &mut Batch) {
        let due = match self.plan.rate {
            Some(rate) => ((now - start).as_secs_f64() * rate) as u64,
            None => u64::MAX,
        };
        // Not all at once, unless it is a burst: what has arrived meanwhile is answered in between.
        for _ in 0..self.plan.at_once {
            if self.report.begun >= due.min(self.plan.count) {
                return;
            }
            let Some(place) = self.free.pop() else { return };
            let slot = &mut self.slots[usize::from(place)];
            let number = self.report.begun;
            let (client, stage, say) = match self.plan.kind {
                Kind::FourWay => {
                    let client = self.plan.first + (number % u64::from(self.plan.clients)) as u32;
                    (client, Stage::Discovering, Say::Discover)
                }
                Kind::Renewal => {
                    let ack = self.known[(number % self.known.len() as u64) as usize];
                    (ack.client, Stage::Requesting, Say::Renew(ack.address, ack.server))
                }
            };
            let uses = slot.uses.wrapping_add(1);
            *slot = Slot { stage, uses, client, tries: 1, begun: now, requested: now, sent: now, say };
            self.report.begun += 1;
            frame::write(batch.fresh(), client, xid(uses, place), say, self.plan.server_mac);
        }
    }

    fn send_again(&mut self, now: Instant, batch: &mut Batch) {
        for (place, slot) in self.slots.iter_mut().enumerate() {
            if slot.stage == Stage::Idle || now - slot.sent < self.plan.patience {
                continue;
            }
            if slot.tries >= self.plan.tries {
                slot.stage = Stage::Idle;
                self.report.given_up += 1;
                self.free.push(place as u16);
                continue;
            }
            slot.tries += 1;
            slot.sent = now;
            self.report.sent_again += 1;
            let xid = xid(slot.uses, place as u16);
            frame::write(batch.fresh(), slot.client, xid, slot.say, self.plan.server_mac);
        }
    }

    /// Whether the answer completed its exchange.
    fn take(&mut self, answer: &Answer, now: Instant, batch: &mut Batch) -> bool {
        let place = (answer.xid & 0xffff) as u16;
        let Some(slot) = self.slots.get_mut(usize::from(place)) else { return false };
        if xid(slot.uses, place) != answer.xid || frame::hardware(slot.client) != answer.hardware {
            return false;
        }
        match (slot.stage, answer.kind) {
            (Stage::Discovering, frame::OFFER) => {
                slot.stage = Stage::Requesting;
                slot.say = Say::Request(answer.address, answer.server);
                (slot.requested, slot.sent, slot.tries) = (now, now, 1);
                frame::write(batch.fresh(), slot.client, answer.xid, slot.say, self.plan.server_mac);
                false
            }
            (Stage::Requesting, frame::ACK) => {
                self.report.completed += 1;
                self.report.whole.push((now - slot.begun).as_micros() as u32);
                self.report.request.push((now - slot.requested).as_micros() as u32);
                self.report.acks.push(Ack {
                    client: slot.client,
                    address: answer.address,
                    server: answer.server,
                });
                slot.stage = Stage::Idle;
                self.free.push(place);
                true
            }
            (Stage::Requesting, frame::NAK) => {
                self.report.naks += 1;
                slot.stage = Stage::Idle;
                self.free.push(place);
                false
            }
            _ => false,
        }
    }
}

fn xid(uses: u16, place: u16) -> u32 {
    u32::from(uses) << 16 | u32::from(place)
}
