//! Events in their order on virtual time.

use super::checker::{Checker, Violation};
use super::client::{Client, Said};
use super::disk::Appended;
use super::host::Host;
use super::plan::{Fault, Kind, Plan};
use super::tcp::Tcp;
use super::verdict::Verdict;
use super::{Micros, SECOND};
use crate::dice::Dice;
use dhcpd::failover::sabotage::{Rule, Sabotage};
use dhcpd::failover::state::State;
use dhcpd::server::effect::Effect;
use dhcpd::server::event::{Event, InterfaceId, StreamId};
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddrV4};

/// What happens at a moment.
#[derive(Clone, Debug)]
pub(super) enum What {
    Timer(usize, u32),
    Synced(usize, u32),
    Installed(usize, u32),
    EchoReply(usize, u32, Ipv4Addr),
    ToServer(usize, Vec<u8>, Ipv4Addr),
    ToClient(usize, Vec<u8>),
    Client(usize, Micros),
    Arrival(usize, usize),
    /// Another attempt of a connection that is being made: host, life, stream, where to, how many came before.
    Syn(usize, u32, StreamId, SocketAddrV4, u32),
    Unstall(usize),
    Fault(usize),
    Look,
}

struct Entry {
    at: Micros,
    order: u64,
    what: What,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    /// The earliest is the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

/// What became of a seed.
#[derive(Clone, Debug)]
pub struct Report {
    pub seed: u64,
    pub kind: Kind,
    pub violation: Option<Violation>,
    /// Everything in order, if it was asked for.
    pub story: String,
    pub acks: u64,
    pub updates: u64,
    pub events: u64,
    /// From the heal until both were normal, and until they agreed. Seconds.
    pub normal_after: Option<u64>,
    pub agreed_after: Option<u64>,
}

/// Events after which a seed is said to spin.
const MOST_EVENTS: u64 = 3_000_000;

/// Runs a seed to its end or its first violation.
pub fn run(plan: &Plan, tell: bool) -> Report {
    run_with(plan, tell, None)
}

/// The same with a safety rule switched off in both servers.
pub fn run_with(plan: &Plan, tell: bool, broken: Option<Rule>) -> Report {
    let mut world = World::new(plan, tell, broken);
    world.work();
    Report {
        seed: plan.seed,
        kind: plan.kind,
        violation: world.checker.violation.clone(),
        story: world.story,
        acks: world.checker.acks,
        updates: world.checker.updates_seen,
        events: world.events,
        normal_after: world.verdict.normal_after,
        agreed_after: world.verdict.agreed_after,
    }
}

pub(super) struct World<'a> {
    pub plan: &'a Plan,
    pub now: Micros,
    queue: BinaryHeap<Entry>,
    order: u64,
    events: u64,
    pub hosts: [Host; 2],
    pub clients: Vec<Client>,
    pub tcp: Tcp,
    pub partitioned: bool,
    loss: u64,
    pub dice: Dice,
    pub checker: Checker,
    pub verdict: Verdict,
    pub over: bool,
    tell: bool,
    pub story: String,
    broken: Option<Rule>,
}

impl<'a> World<'a> {
    fn new(plan: &'a Plan, tell: bool, broken: Option<Rule>) -> Self {
        let mut dice = Dice::new(plan.seed ^ 0x77);
        let relayed = |number: usize| plan.pools[1] > 0 && number % 4 == 3;
        let mut wishes = Dice::new(plan.seed ^ 0x7769_7368);
        let clients = (0..plan.clients)
            .map(|number| Client::new(number, u8::from(relayed(number)), dice.branch()))
            .map(|client| if plan.wishes { client.with_wishes(wishes.branch()) } else { client })
            .collect();
        let strict = plan.kind == Kind::Covered;
        World {
            plan,
            now: 0,
            queue: BinaryHeap::new(),
            order: 0,
            events: 0,
            hosts: [Host::new(0, plan.skew[0]), Host::new(1, plan.skew[1])],
            clients,
            tcp: Tcp::default(),
            partitioned: false,
            loss: 0,
            dice: dice.branch(),
            checker: Checker::new(plan.mclt, plan.skew, strict),
            verdict: Verdict::default(),
            over: false,
            tell,
            story: String::new(),
            broken,
        }
    }

    pub fn say(&mut self, text: std::fmt::Arguments<'_>) {
        if self.tell {
            let _ = writeln!(self.story, "{:10.3} {text}", self.now as f64 / SECOND as f64);
        }
    }

    pub fn at(&mut self, at: Micros, what: What) {
        self.order += 1;
        self.queue.push(Entry { at: at.max(self.now), order: self.order, what });
    }

    pub fn after(&mut self, delay: Micros, what: What) {
        self.at(self.now + delay, what);
    }

    fn work(&mut self) {
        let first = self.dice.between(0, 1) as usize;
        self.start(first);
        let pause = self.dice.between(0, 20 * SECOND);
        // The second one starts a little later, by way of an event without a place in the plan.
        self.after(pause, What::Fault(usize::MAX - (1 - first)));
        for number in 0..self.clients.len() {
            let due = self.clients[number].due;
            self.at(due, What::Client(number, due));
        }
        for number in 0..self.plan.faults.len() {
            self.at(self.plan.faults[number].0, What::Fault(number));
        }
        self.at(self.plan.healed, What::Look);
        while let Some(entry) = self.queue.pop() {
            self.now = entry.at;
            self.events += 1;
            if self.events > MOST_EVENTS {
                self.checker.report(self.now, "the servers never rest".into());
            }
            self.happen(entry.what);
            if self.over || self.checker.violation.is_some() {
                break;
            }
        }
        if let Some(violation) = self.checker.violation.clone() {
            self.say(format_args!("VIOLATION {}", violation.what));
        }
    }

    fn happen(&mut self, what: What) {
        match what {
            What::Timer(host, life) if self.lives(host, life) => {
                self.hosts[host].armed = None;
                let due = self.hosts[host].server.as_ref().and_then(|server| server.next_deadline());
                // The wall clock moves with it: a second's turn wakes nobody early.
                if due.is_some_and(|due| due <= self.now + 1_000_000) {
                    self.handle(host, Event::Timer);
                } else {
                    self.arm(host);
                }
            }
            What::Synced(host, life) if self.lives(host, life) => self.synced(host),
            What::Installed(host, life) if self.lives(host, life) => self.installed(host),
            What::EchoReply(host, life, address) if self.lives(host, life) => {
                self.handle(host, Event::EchoReply(address));
            }
            What::ToServer(host, payload, source) if self.hosts[host].server.is_some() => {
                let port = if source == Ipv4Addr::new(10, 1, 0, 1) { 67 } else { 68 };
                self.handle(
                    host,
                    Event::Datagram {
                        interface: Some(InterfaceId(0)),
                        source: SocketAddrV4::new(source, port),
                        destination: Ipv4Addr::BROADCAST,
                        link_source: &[],
                        payload: &payload,
                    },
                );
            }
            What::ToClient(number, payload) => self.client_receives(number, &payload),
            What::Client(number, due) if self.clients[number].due == due => {
                let mut said = Vec::new();
                self.clients[number].timer(self.now, &mut said);
                self.client_said(number, said);
            }
            What::Arrival(connection, end) => self.arrives(connection, end),
            What::Syn(host, life, stream, remote, count) if self.lives(host, life) => {
                self.syn(host, stream, remote, count);
            }
            What::Unstall(connection) => self.unstall(connection),
            What::Fault(number) => self.fault(number),
            What::Look => self.look(),
            _ => {}
        }
    }

    fn lives(&self, host: usize, life: u32) -> bool {
        self.hosts[host].server.is_some() && self.hosts[host].life == life
    }

    fn start(&mut self, host: usize) {
        self.hosts[host].wanted = true;
        if !std::mem::replace(&mut self.hosts[host].has_power, true) {
            self.power_returns();
        }
        if self.hosts[host].server.is_some() {
            return;
        }
        self.say(format_args!("*** host {host} starts"));
        let plan = self.plan;
        match self.hosts[host].launch(self.now, plan) {
            Ok(()) => {
                let file = std::mem::take(&mut self.hosts[host].disk.durable);
                self.checker.file(host, &file);
                self.hosts[host].disk.durable = file;
                self.sabotage(host);
                if self.plan.kind == Kind::OldLeaseFile {
                    self.dispute();
                }
                self.perform(host);
                self.arm(host);
            }
            Err(error) => {
                self.say(format_args!("host {host} does not start: {error}"));
                // Whoever watches over it tries again.
                self.after(5 * SECOND, What::Fault(usize::MAX - host));
            }
        }
    }

    pub fn handle(&mut self, host: usize, event: Event<'_>) {
        let now = self.hosts[host].now(self.now);
        let Host { server, effects, .. } = &mut self.hosts[host];
        let Some(server) = server else { return };
        server.handle(now, event, effects);
        self.perform(host);
        self.arm(host);
    }

    /// Sees to it that the server's next deadline is kept.
    fn arm(&mut self, host: usize) {
        let Host { server, armed, life, .. } = &mut self.hosts[host];
        let Some(due) = server.as_ref().and_then(|server| server.next_deadline()) else { return };
        let at = due.saturating_sub(1_000_000).max(self.now + 1);
        if armed.is_none_or(|armed| at < armed) {
            *armed = Some(at);
            let life = *life;
            self.at(at, What::Timer(host, life));
        }
    }

    /// Does what the server asks for.
    fn perform(&mut self, host: usize) {
        let mut effects = std::mem::take(&mut self.hosts[host].effects);
        let bytes = &effects.bytes;
        let octets = |range: &std::ops::Range<usize>| bytes.get(range.clone()).unwrap_or_default();
        let life = self.hosts[host].life;
        for effect in &effects.list {
            match effect {
                Effect::Send(send) => self.server_sends(host, octets(&send.payload)),
                Effect::Append { sequence, record } => self.append(host, *sequence, octets(record)),
                Effect::Log(line) => self.logged(host, &line.text),
                Effect::Ping(address) => {
                    if self.clients.iter().any(|client| client.holds(self.now) == Some(*address)) {
                        let delay = self.client_delay();
                        self.after(delay, What::EchoReply(host, life, *address));
                    }
                }
                Effect::RewriteBegin => self.hosts[host].disk.rewrite_begin(),
                Effect::RewriteChunk(range) => self.hosts[host].disk.rewrite_chunk(octets(range)),
                Effect::RewriteEnd => {
                    let delay = self.dice.between(1_000, 500_000);
                    self.after(delay, What::Installed(host, life));
                }
                Effect::Stream { stream, effect } => self.stream(host, *stream, effect, bytes),
                Effect::Exit(status) => {
                    self.say(format_args!("host {host} exits with {status}"));
                    self.checker.report(self.now, format!("server {host} has ended with status {status}"));
                }
                Effect::FindName(_) | Effect::Execute(_) => {}
            }
        }
        effects.clear();
        self.hosts[host].effects = effects;
    }

    fn append(&mut self, host: usize, sequence: u64, record: &[u8]) {
        let life = self.hosts[host].life;
        let delay = self.hosts[host].sync_time;
        match self.hosts[host].disk.append(sequence, record) {
            Appended::Syncs => self.after(delay, What::Synced(host, life)),
            Appended::Fails => {
                // Told like any other report: later, not from within.
                self.after(100, What::Synced(host, life));
            }
            Appended::Waits | Appended::Ignored => {}
        }
    }

    fn synced(&mut self, host: usize) {
        if self.hosts[host].disk.take_failure() {
            return self.handle(host, Event::JournalFailed("No space left on device".into()));
        }
        let (done, more) = self.hosts[host].disk.synced();
        let Some((last, _)) = done.last() else { return };
        let last = *last;
        for (_, record) in &done {
            self.checker.durable(host, record);
        }
        if more {
            let (life, delay) = (self.hosts[host].life, self.hosts[host].sync_time);
            self.after(delay, What::Synced(host, life));
        }
        self.handle(host, Event::Durable(last));
    }

    fn installed(&mut self, host: usize) {
        match self.hosts[host].disk.rewrite_install() {
            Ok(newest) => {
                let file = std::mem::take(&mut self.hosts[host].disk.durable);
                self.checker.file(host, &file);
                self.hosts[host].disk.durable = file;
                self.handle(host, Event::RewriteDone(Ok(())));
                self.handle(host, Event::Durable(newest));
            }
            Err(error) => self.handle(host, Event::RewriteDone(Err(error))),
        }
    }

    fn logged(&mut self, host: usize, text: &str) {
        self.say(format_args!("{host} {text}"));
        if let Some((_, rest)) = text.split_once(": I move from ")
            && let Some((_, state)) = rest.split_once(" to ")
        {
            self.hosts[host].state = state.trim().into();
        } else if let Some((_, rest)) = text.split_once(": peer moves from ")
            && let Some((_, state)) = rest.split_once(" to ")
        {
            self.hosts[host].partner = state.trim().into();
        }
        self.verdict.logged(host, self.now, text);
    }

    fn client_delay(&mut self) -> Micros {
        let (low, high) = self.plan.client_delay;
        self.dice.between(low, high)
    }

    fn server_sends(&mut self, host: usize, payload: &[u8]) {
        self.checker.reply(self.now, host, payload);
        let Some(mac) = payload.get(28..34) else { return };
        let Some(number) = self.clients.iter().position(|client| client.mac == mac) else { return };
        if self.hosts[host].unreachable || self.is_lost() {
            return;
        }
        let delay = self.client_delay();
        self.after(delay, What::ToClient(number, payload.to_vec()));
    }

    fn is_lost(&mut self) -> bool {
        self.loss > 0 && self.dice.between(0, 99) < self.loss
    }

    fn client_receives(&mut self, number: usize, payload: &[u8]) {
        let mut said = Vec::new();
        if self.clients[number].receive(self.now, payload, &mut said) {
            let lease = self.clients[number].lease;
            if let Some(lease) = lease {
                self.say(format_args!(
                    "client {number} has {} until {} from {}",
                    lease.address,
                    lease.until / SECOND,
                    lease.server
                ));
            }
            self.checker.bound(self.now, &self.clients, number);
        }
        self.client_said(number, said);
    }

    fn client_said(&mut self, number: usize, said: Vec<Said>) {
        for message in said {
            for host in 0..2 {
                let reaches = message.to.is_none_or(|to| to == Host::address(host));
                if !reaches || self.hosts[host].unreachable || self.is_lost() {
                    continue;
                }
                let delay = self.client_delay();
                self.after(delay, What::ToServer(host, message.payload.clone(), message.source));
            }
        }
        let due = self.clients[number].due;
        if due != Micros::MAX {
            self.at(due, What::Client(number, due));
        }
    }

    fn fault(&mut self, number: usize) {
        // The starts that are in no plan.
        if number > usize::MAX - 2 {
            return self.start(usize::MAX - number);
        }
        let Some((_, fault)) = self.plan.faults.get(number).copied() else { return };
        self.say(format_args!("*** {fault:?}"));
        match fault {
            Fault::Partition => self.partitioned = true,
            Fault::Heal => self.heal(),
            Fault::Kill(host) => self.stop(host, false),
            Fault::PowerOff(host) => self.stop(host, true),
            Fault::Start(host) => self.start(host),
            Fault::Reset => {
                for connection in 0..self.tcp.connections.len() {
                    self.break_off(connection);
                }
            }
            Fault::Unreachable(host, is) => self.hosts[host].unreachable = is,
            Fault::DiskFull(host, is) => self.hosts[host].disk.full = is,
            Fault::SlowDisk(host, time) => self.hosts[host].sync_time = time,
            Fault::PartnerDown(host) => self.partner_down(host),
            Fault::HandOver(host) => self.hand_over(host),
            Fault::Clock(host, skew) => {
                self.clock_moves(skew);
                self.hosts[host].skew = skew;
                self.checker.skew[host] = skew;
                self.arm(host);
            }
            Fault::SaveLeases(host) => self.hosts[host].saved = Some(self.hosts[host].disk.durable.clone()),
            Fault::RestoreLeases(host) => {
                if let Some(saved) = self.hosts[host].saved.take()
                    && self.hosts[host].server.is_none()
                {
                    self.hosts[host].disk.durable = saved;
                }
            }
            Fault::Loss(share) => self.loss = share,
        }
    }

    fn stop(&mut self, host: usize, power: bool) {
        self.hosts[host].wanted = false;
        if self.hosts[host].server.take().is_none() {
            return;
        }
        let mut dice = self.dice.branch();
        self.hosts[host].disk.crash(power, &mut dice);
        self.hosts[host].effects.clear();
        self.hosts[host].state.clear();
        self.hosts[host].partner.clear();
        self.hosts[host].has_power = !power;
        if !power {
            self.close_all(host);
        }
    }

    fn heal(&mut self) {
        self.partitioned = false;
        for connection in 0..self.tcp.connections.len() {
            if self.tcp.connections[connection].stalled {
                let delay = self.dice.between(100_000, 8 * SECOND);
                self.after(delay, What::Unstall(connection));
            }
        }
    }

    fn hand_over(&mut self, host: usize) {
        if let Err(error) = self.hosts[host].hand_over(self.now) {
            self.checker.report(self.now, format!("server {host} cannot be taken over: {error}"));
        }
        self.sabotage(host);
    }

    fn sabotage(&mut self, host: usize) {
        if let (Some(server), Some(rule)) = (&mut self.hosts[host].server, self.broken) {
            server.sabotage(Sabotage::of(rule));
        }
    }

    /// As an operator does it.
    fn partner_down(&mut self, host: usize) {
        let now = self.hosts[host].now(self.now);
        let Host { server, effects, .. } = &mut self.hosts[host];
        let Some(server) = server else { return };
        server.set_failover_state(now, "pair", State::PartnerDown, effects);
        self.perform(host);
        self.arm(host);
    }
}
