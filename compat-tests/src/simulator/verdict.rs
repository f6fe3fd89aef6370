//! After the heal: both servers are normal within a time, agree on every address within another, serve a new client, and
//! when all clients are gone no address is lost.

use super::client::Client;
use super::plan::Kind;
use super::world::{What, World};
use super::{Micros, SECOND};
use crate::dice::Dice;
use dhcpd::lease::binding::State;
use std::net::Ipv4Addr;

/// Seconds from the heal to both servers being normal, beside MCLT and what a silent link takes to be noticed: startup,
/// a connection attempt that the kernel repeats rarely, and one that failed for a local reason.
const NORMAL_WITHIN: u64 = 15 + 64 + 90;
/// Then until they agree at some moment: acknowledgements take two seconds, and clients go on.
const AGREE_WITHIN: u64 = 180;
/// A client that is there waits no longer than this while there is a free address.
const SERVED_WITHIN: u64 = 90;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Joining,
    Agreeing,
    Serving,
    Draining,
}

#[derive(Debug, Default)]
pub struct Verdict {
    stage: Stage,
    /// When the stage began.
    since: Micros,
    pub normal_after: Option<u64>,
    pub agreed_after: Option<u64>,
    newcomer: usize,
    /// Addresses whose conflict was said.
    conflicts: Vec<Ipv4Addr>,
    refusals: u32,
    /// The clocks are too far apart, and were not before: both serve alone meanwhile.
    apart: bool,
    mute: Option<String>,
    /// Active on both servers for different clients at the heal.
    disputed: Vec<Ipv4Addr>,
}

/// What a server holds of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    pub state: State,
    pub hardware: Vec<u8>,
    /// True seconds.
    pub ends: i64,
}

impl Verdict {
    pub fn logged(&mut self, _host: usize, _now: Micros, text: &str) {
        if let Some(address) = text.strip_prefix("Lease conflict at ") {
            self.conflicts.extend(address.trim().parse::<Ipv4Addr>());
        }
        // What its client gives up meanwhile is in dispute no more.
        let words: Vec<&str> = text.split(' ').collect();
        if let ["DHCPRELEASE" | "DHCPDECLINE", "of", address, ..] | ["uid" | "client", "lease", address, ..] =
            words[..]
            && let Ok(address) = address.parse::<Ipv4Addr>()
        {
            self.disputed.retain(|disputed| *disputed != address);
        }
        if text.contains("time offset too large") || text.contains("time mismatch too great") {
            self.refusals += 1;
        }
        if self.apart && text.contains("not responding") {
            self.mute.get_or_insert_with(|| text.into());
        }
    }
}

impl World<'_> {
    fn holding(&self, host: usize, address: Ipv4Addr) -> Holding {
        let store = self.hosts[host].server.as_ref().map(|server| &server.engine().store);
        let found = store.and_then(|store| Some(store.get(store.by_address(address)?)));
        match found {
            Some(binding) => Holding {
                state: binding.state,
                hardware: binding.hardware.to_vec(),
                ends: binding.ends - self.hosts[host].skew,
            },
            None => Holding { state: State::Free, hardware: Vec::new(), ends: 0 },
        }
    }

    fn addresses(&self) -> Vec<Ipv4Addr> {
        let pools = self.plan.pools.iter().enumerate();
        pools
            .flat_map(|(network, count)| {
                (0..*count).map(move |at| Ipv4Addr::new(10, network as u8, 0, 101 + at as u8))
            })
            .collect()
    }

    /// Once a second after the heal.
    pub fn look(&mut self) {
        let elapsed = (self.now - self.verdict.since.max(self.plan.healed)) / SECOND;
        match self.verdict.stage {
            Stage::Joining => self.joining(elapsed),
            Stage::Agreeing => self.agreeing(elapsed),
            Stage::Serving => self.serving(elapsed),
            Stage::Draining => self.draining(elapsed),
        }
        if !self.over {
            self.after(SECOND, What::Look);
        }
    }

    fn next(&mut self, stage: Stage) {
        self.verdict.stage = stage;
        self.verdict.since = self.now;
    }

    /// Nothing is said of a peer whose remembered state is what it announces.
    fn are_normal(&self) -> bool {
        self.hosts.iter().all(|host| host.state == "normal" && matches!(host.partner.as_str(), "normal" | ""))
            && self.is_linked()
    }

    /// A clock is set. While it is more than a minute wrong, a pair that was normal serves as if the link were broken.
    pub fn clock_moves(&mut self, skew: i64) {
        if self.plan.kind != Kind::SkewTooGreat {
            return;
        }
        if skew != 0 {
            self.verdict.apart = self.are_normal();
            return;
        }
        if std::mem::take(&mut self.verdict.apart) {
            let states = self.hosts.each_ref().map(|host| host.state.clone());
            if states.iter().any(|state| state != "communications-interrupted") {
                self.checker.report(self.now, format!("with clocks too far apart they are {states:?}"));
            }
        }
        if let Some(line) = self.verdict.mute.take() {
            self.checker
                .report(self.now, format!("with clocks too far apart a client hears nothing: {line}"));
        }
    }

    fn joining(&mut self, elapsed: u64) {
        // Up to the moment at which they speak about it.
        if self.hosts.iter().all(|host| host.state == "partner-down") {
            self.verdict.disputed.clear();
            self.dispute();
        }
        if self.are_normal() {
            self.verdict.normal_after = Some(elapsed);
            if self.plan.kind == Kind::SkewTooGreat && self.verdict.refusals == 0 {
                self.checker.report(self.now, "the refused connection was not logged".into());
            }
            for client in &mut self.clients {
                client.calm = true;
            }
            return self.next(Stage::Agreeing);
        }
        let limit = NORMAL_WITHIN + self.plan.mclt as u64 + 2 * self.plan.max_response_delay;
        if elapsed > limit {
            let states = self.hosts.each_ref().map(|host| format!("{} (peer {})", host.state, host.partner));
            self.checker.report(self.now, format!("stuck: {} s after the heal they are {states:?}", elapsed));
        }
    }

    /// What must be said to be in conflict once the two talk again.
    pub fn dispute(&mut self) {
        let now = super::START + (self.now / SECOND) as i64;
        for address in self.addresses() {
            let [one, other] = [self.holding(0, address), self.holding(1, address)];
            let lasts = |holding: &Holding| holding.state == State::Active && holding.ends > now + 60;
            if lasts(&one) && lasts(&other) && one.hardware != other.hardware {
                self.verdict.disputed.push(address);
            }
        }
    }

    fn difference(&self) -> Option<String> {
        self.addresses().into_iter().find_map(|address| {
            let [one, other] = [self.holding(0, address), self.holding(1, address)];
            let never = |state| matches!(state, State::Free | State::Backup);
            // Of a free address only who may give it away counts.
            let same = one.state == other.state
                && (never(one.state)
                    || (one.hardware == other.hardware && (one.ends - other.ends).abs() <= 2));
            (!same).then(|| format!("{address}: {one:?} and {other:?}"))
        })
    }

    fn agreeing(&mut self, elapsed: u64) {
        let Some(difference) = self.difference() else {
            self.verdict.agreed_after = Some(elapsed);
            let unsaid =
                self.verdict.disputed.iter().find(|address| !self.verdict.conflicts.contains(address));
            if let Some(address) = unsaid {
                let text = format!("{address} was leased to two clients and nobody said so");
                self.checker.report(self.now, text);
            }
            self.arrival();
            return self.next(Stage::Serving);
        };
        // A clock or a file that was wrong is forgotten only when the leases of that time are over.
        let more = match self.plan.kind {
            Kind::Covered => 0,
            _ => u64::from(self.plan.lease) + 60 + self.plan.clocks_apart(),
        };
        if elapsed > AGREE_WITHIN + more {
            self.checker
                .report(self.now, format!("no agreement {elapsed} s after both were normal: {difference}"));
        }
    }

    /// A client that was never there.
    fn arrival(&mut self) {
        let mut client = Client::new(200, 0, Dice::new(self.plan.seed ^ 0x4e77));
        client.calm = true;
        client.due = self.now;
        self.clients.push(client);
        self.verdict.newcomer = self.clients.len() - 1;
        let due = self.now;
        self.at(due, What::Client(self.verdict.newcomer, due));
    }

    fn free_count(&self, network: u8) -> usize {
        let all = self.addresses().into_iter().filter(|address| address.octets()[1] == network);
        all.filter(|address| matches!(self.holding(0, *address).state, State::Free | State::Backup)).count()
    }

    fn serving(&mut self, elapsed: u64) {
        let now = self.now;
        let waiting: Vec<usize> = (0..self.clients.len())
            .filter(|number| {
                let client = &self.clients[*number];
                client.holds(now).is_none()
                    && client.wanting.is_some_and(|since| now - since > SERVED_WITHIN * SECOND)
            })
            .collect();
        // An offer keeps its address from others for two minutes, so that a few addresses for many are no case.
        let short = |network: u8| self.free_count(network) < 2 * self.clients.len();
        let late = waiting.iter().find(|number| !short(self.clients[**number].network));
        if let Some(client) = late.filter(|_| elapsed > SERVED_WITHIN) {
            self.checker
                .report(self.now, format!("client {client} is not served though there are free addresses"));
        }
        if elapsed > SERVED_WITHIN + 5 {
            for client in &mut self.clients {
                client.stop();
            }
            self.next(Stage::Draining);
        }
    }

    /// Leases run out, declined addresses come back: everything is free or backup then, and both know.
    fn draining(&mut self, elapsed: u64) {
        let mut left = self.addresses().into_iter().filter(|address| {
            [0, 1]
                .into_iter()
                .any(|host| !matches!(self.holding(host, *address).state, State::Free | State::Backup))
        });
        let rest = left.next();
        let limit = u64::from(self.plan.lease).max(120) + 120 + self.plan.clocks_apart();
        match (rest, self.difference()) {
            (None, None) => self.over = true,
            (rest, difference) if elapsed > limit => {
                let rest = rest.map(|address| [self.holding(0, address), self.holding(1, address)]);
                let text = format!("{elapsed} s after the last client: {rest:?}, {difference:?}");
                self.checker.report(self.now, text);
            }
            _ => {}
        }
    }
}
