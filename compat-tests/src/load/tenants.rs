//! Clients that hold leases and live by them (RFC 2131, 4.4.5): each takes a lease, renews it with its server at half its time,
//! asks everybody when that server is silent, and begins anew when nobody answers. Some leave without a word, and others
//! come. What was acknowledged is watched: no address may be two clients' at a time.

use super::batch::Batch;
use super::frame::{self, Answer, Say};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// Of so many renewals one is none: its client is gone.
const LEAVES: u32 = 5;

#[derive(Clone, Copy)]
struct Lease {
    address: Ipv4Addr,
    server: Ipv4Addr,
    until: Instant,
}

#[derive(Clone, Copy, PartialEq)]
enum Step {
    Bound,
    Discovering,
    Requesting(Ipv4Addr, Ipv4Addr),
    Renewing,
    Rebinding,
}

#[derive(Clone, Copy)]
struct Tenant {
    step: Step,
    /// The first message of the exchange, and the last one.
    begun: Instant,
    sent: Instant,
    /// Of the exchange; timers of earlier ones are void.
    turn: u16,
    lease: Option<Lease>,
}

/// What has happened since [`Tenants::report`] was last asked.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub begun: u64,
    pub completed: u64,
    pub sent_again: u64,
    pub naks: u64,
    /// The longest time from the first message of an exchange to its ACK, and of exchanges that still wait.
    pub longest: Duration,
    /// Leases that were over before they were renewed.
    pub lost_leases: u64,
    /// ACKs of an address that was another client's.
    pub doubles: Vec<String>,
}

pub struct Tenants<'a> {
    batch: Batch<'a>,
    /// Exchanges a second.
    rate: f64,
    /// Until a client says something again.
    retry: Duration,
    /// By the address of a server, where it is.
    servers: Vec<(Ipv4Addr, [u8; 6])>,
    tenants: Vec<Tenant>,
    /// Whose half time is over, the oldest first.
    due: VecDeque<u32>,
    renewals: BinaryHeap<Reverse<(Instant, u32)>>,
    retries: VecDeque<(Instant, u32, u16)>,
    /// Whom an address was acknowledged to last, and until when.
    holders: HashMap<Ipv4Addr, (u32, Instant)>,
    renewed: u32,
    report: Report,
}

impl<'a> Tenants<'a> {
    pub fn new(socket: &'a OwnedFd, rate: f64, retry: Duration, servers: Vec<(Ipv4Addr, [u8; 6])>) -> Self {
        Tenants {
            batch: Batch::new(socket),
            rate,
            retry,
            servers,
            tenants: Vec::new(),
            due: VecDeque::new(),
            renewals: BinaryHeap::new(),
            retries: VecDeque::new(),
            holders: HashMap::new(),
            renewed: 0,
            report: Report::default(),
        }
    }

    /// Exchanges for so long, at the rate; those under way go on with the next call.
    pub fn live(&mut self, time: Duration) -> Result<(), String> {
        let (start, mut begun) = (Instant::now(), 0u64);
        while start.elapsed() < time {
            let now = Instant::now();
            while begun < (start.elapsed().as_secs_f64() * self.rate) as u64 {
                begun += 1;
                self.begin(now);
            }
            self.silent(now);
            self.batch.flush()?;
            let mut answers: Vec<Answer> = Vec::new();
            let received = self.batch.receive(|octets| answers.extend(frame::read(octets)))?;
            for answer in answers {
                self.take(&answer, Instant::now());
            }
            self.batch.flush()?;
            if received == 0 {
                self.batch.wait(Duration::from_millis(1))?;
            }
        }
        Ok(())
    }

    /// What happened since it was last asked.
    pub fn report(&mut self) -> Report {
        let now = Instant::now();
        let waits = self.tenants.iter().filter(|tenant| tenant.step != Step::Bound);
        let longest = waits.map(|tenant| now - tenant.begun).max().unwrap_or_default();
        let mut report = std::mem::take(&mut self.report);
        report.longest = report.longest.max(longest);
        report
    }

    /// One exchange more: a renewal that is due, or a client that is new.
    fn begin(&mut self, now: Instant) {
        while let Some(Reverse((at, client))) = self.renewals.peek().copied().filter(|next| next.0.0 <= now) {
            let _ = at;
            self.renewals.pop();
            self.due.push_back(client);
        }
        self.report.begun += 1;
        while let Some(client) = self.due.pop_front() {
            self.renewed += 1;
            if !self.renewed.is_multiple_of(LEAVES) {
                return self.exchange(client, Step::Renewing, now);
            }
        }
        let tenant = Tenant { step: Step::Bound, begun: now, sent: now, turn: 0, lease: None };
        self.tenants.push(tenant);
        self.exchange(self.tenants.len() as u32 - 1, Step::Discovering, now);
    }

    fn exchange(&mut self, client: u32, step: Step, now: Instant) {
        let Some(tenant) = self.tenants.get_mut(client as usize) else { return };
        tenant.turn = tenant.turn.wrapping_add(1);
        tenant.begun = now;
        self.say(client, step, now);
    }

    fn say(&mut self, client: u32, step: Step, now: Instant) {
        let Some(tenant) = self.tenants.get_mut(client as usize) else { return };
        (tenant.step, tenant.sent) = (step, now);
        let own = tenant.lease.map_or(Ipv4Addr::UNSPECIFIED, |lease| lease.address);
        let server = tenant.lease.map_or(Ipv4Addr::UNSPECIFIED, |lease| lease.server);
        let say = match step {
            Step::Bound => return,
            Step::Discovering => Say::Discover,
            Step::Requesting(address, server) => Say::Request(address, server),
            Step::Renewing => Say::Renew(own, server),
            Step::Rebinding => Say::Rebind(own),
        };
        let mac = self.servers.iter().find(|(known, _)| *known == server).map_or([0xff; 6], |(_, mac)| *mac);
        let xid = client << 12 | u32::from(tenant.turn) & 0xfff;
        let octets = self.batch.fresh();
        frame::write(octets, client, xid, say, mac);
        frame::set_secs(octets, (now - tenant.begun).as_secs() as u16);
        self.retries.push_back((now + self.retry, client, tenant.turn));
    }

    /// Who waits for an answer in vain tries the next best.
    fn silent(&mut self, now: Instant) {
        while let Some((at, client, turn)) = self.retries.front().copied().filter(|next| next.0 <= now) {
            self.retries.pop_front();
            let Some(tenant) = self.tenants.get(client as usize) else { continue };
            if tenant.turn != turn || tenant.step == Step::Bound || tenant.sent + self.retry > at {
                continue;
            }
            self.report.sent_again += 1;
            let over = tenant.lease.is_none_or(|lease| lease.until <= now);
            let step = match tenant.step {
                Step::Renewing | Step::Rebinding if !over => Step::Rebinding,
                _ => Step::Discovering,
            };
            if step == Step::Discovering {
                self.forget(client);
            }
            self.say(client, step, now);
        }
    }

    fn forget(&mut self, client: u32) {
        if let Some(lease) = self.tenants.get_mut(client as usize).and_then(|tenant| tenant.lease.take()) {
            self.report.lost_leases += u64::from(lease.until <= Instant::now());
        }
    }

    fn take(&mut self, answer: &Answer, now: Instant) {
        let client = answer.xid >> 12;
        let Some(tenant) = self.tenants.get(client as usize).copied() else { return };
        if answer.hardware != frame::hardware(client) {
            return;
        }
        if answer.kind == frame::ACK {
            self.acknowledged(client, answer, now);
        }
        if u32::from(tenant.turn) & 0xfff != answer.xid & 0xfff {
            return;
        }
        match (tenant.step, answer.kind) {
            (Step::Discovering, frame::OFFER) => {
                self.say(client, Step::Requesting(answer.address, answer.server), now);
            }
            (Step::Requesting(..) | Step::Renewing | Step::Rebinding, frame::ACK) => {
                self.report.completed += 1;
                self.report.longest = self.report.longest.max(now - tenant.begun);
                let time = Duration::from_secs(u64::from(answer.seconds));
                let lease =
                    Lease { address: answer.address, server: answer.server, until: tenant.sent + time };
                if let Some(tenant) = self.tenants.get_mut(client as usize) {
                    (tenant.step, tenant.lease) = (Step::Bound, Some(lease));
                }
                self.renewals.push(Reverse((tenant.sent + time / 2, client)));
            }
            (Step::Requesting(..) | Step::Renewing | Step::Rebinding, frame::NAK) => {
                self.report.naks += 1;
                self.forget(client);
                self.say(client, Step::Discovering, now);
            }
            _ => {}
        }
    }

    fn acknowledged(&mut self, client: u32, answer: &Answer, now: Instant) {
        let until = now + Duration::from_secs(u64::from(answer.seconds));
        if let Some((holder, its)) = self.holders.insert(answer.address, (client, until))
            && holder != client
            && its > now
        {
            let left = its - now;
            self.report.doubles.push(format!(
                "{} of client {holder}, for {left:?} more, was given to client {client} by {}",
                answer.address, answer.server
            ));
        }
    }
}
