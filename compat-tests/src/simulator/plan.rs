//! What a seed draws.

use super::{Micros, SECOND};
use crate::dice::Dice;
use std::fmt::Write;

/// What a seed is about. All but the first break what the protocol relies on: there it is only asked that the pair comes
/// together again and says what was in conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Faults that the protocol covers: nothing may go wrong.
    Covered,
    /// Clocks more than a minute apart, mended later.
    SkewTooGreat,
    /// Both set to partner-down while they cannot talk.
    BothPartnerDown,
    /// One server's wall clock jumps.
    ClockStep,
    /// One server comes back with a lease file of some time ago.
    OldLeaseFile,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// The link between the servers goes silent or comes back.
    Partition,
    Heal,
    /// The program dies; the machine closes its connections.
    Kill(usize),
    /// The machine loses power: nothing is closed, what was not durable is gone but for a torn part.
    PowerOff(usize),
    /// The machine is back, and the program is started.
    Start(usize),
    /// Every connection is reset.
    Reset,
    /// No client reaches this server, or does again.
    Unreachable(usize, bool),
    DiskFull(usize, bool),
    /// A sync takes so long from now on.
    SlowDisk(usize, Micros),
    /// The operator declares the peer of this server dead.
    PartnerDown(usize),
    /// Seconds from now on between this server's wall clock and the true one.
    Clock(usize, i64),
    /// The lease file is kept aside, or put back in place of the present one (while the program does not run).
    SaveLeases(usize),
    RestoreLeases(usize),
    /// So much of a hundred messages of clients is lost from now on.
    Loss(u64),
    /// Another process takes over the state of this one: nothing that follows may be different.
    HandOver(usize),
}

/// From this seed on more is drawn. Those before keep what they drew when they found something.
pub const WIDER: u64 = 100_000;

#[derive(Clone, Debug)]
pub struct Plan {
    pub seed: u64,
    pub kind: Kind,
    pub mclt: i64,
    pub lease: u32,
    pub max_response_delay: u64,
    pub split: u64,
    pub load_balance: u64,
    pub max_unacked: u64,
    pub min_balance: u64,
    pub ping_check: bool,
    pub threshold: bool,
    /// Addresses of the pool on the wire and of the one behind the relay.
    pub pools: [u64; 2],
    pub clients: usize,
    /// Clients ask for lease times of their own now and then.
    pub wishes: bool,
    /// One way between the servers, and between client and server.
    pub link_delay: (Micros, Micros),
    pub client_delay: (Micros, Micros),
    /// True until the first `Fault::Clock`.
    pub skew: [i64; 2],
    pub faults: Vec<(Micros, Fault)>,
    /// From here on nothing goes wrong any more.
    pub healed: Micros,
}

impl Plan {
    pub fn draw(seed: u64) -> Plan {
        let mut dice = Dice::new(seed);
        let kind = match dice.between(0, 19) {
            0 => Kind::SkewTooGreat,
            1 => Kind::BothPartnerDown,
            2 => Kind::ClockStep,
            3 => Kind::OldLeaseFile,
            _ => Kind::Covered,
        };
        let skew = if dice.one_in(2) { dice.between(0, 100) as i64 - 50 } else { 0 };
        let mut plan = Plan {
            seed,
            kind,
            mclt: dice.of(&[10, 20, 30, 60, 120]),
            lease: dice.of(&[60, 120, 300, 600]),
            max_response_delay: dice.of(&[5, 12, 30]),
            split: dice.of(&[0, 64, 128, 128, 128, 256]),
            load_balance: dice.of(&[0, 3, 3, 10]),
            max_unacked: dice.of(&[1, 3, 10, 100]),
            min_balance: dice.of(&[5, 20, 60]),
            ping_check: dice.one_in(8),
            threshold: dice.one_in(3),
            pools: [dice.of(&[3, 6, 10, 20, 40]), dice.of(&[0, 2, 8])],
            clients: dice.between(2, 14) as usize,
            wishes: false,
            link_delay: dice.of(&[(100, 400), (1_000, 30_000), (10_000, 800_000)]),
            client_delay: dice.of(&[(100, 400), (1_000, 300_000)]),
            skew: if dice.one_in(2) { [skew, 0] } else { [0, skew] },
            faults: Vec::new(),
            healed: 0,
        };
        let mut faults = Draft { dice: dice.branch(), at: 30 * SECOND, list: Vec::new() };
        let mut more = Dice::new(seed ^ 0x0077_6964_6572);
        let wider = seed >= WIDER;
        plan.wishes = wider && more.one_in(3);
        match kind {
            Kind::Covered if wider && more.one_in(8) => faults.taken_over(&mut plan),
            Kind::Covered => faults.covered(),
            Kind::SkewTooGreat => faults.skew_too_great(&mut plan),
            Kind::BothPartnerDown => faults.both_partner_down(&plan),
            Kind::ClockStep => faults.clock_step(&plan),
            Kind::OldLeaseFile => faults.old_lease_file(),
        }
        if wider && more.one_in(2) {
            for _ in 0..more.between(1, 5) {
                let at = more.between(SECOND, faults.at + 60 * SECOND);
                faults.list.push((at, Fault::HandOver(more.between(0, 1) as usize)));
            }
        }
        faults.list.sort_by_key(|(at, _)| *at);
        plan.faults = faults.list;
        plan.healed = faults.at + 5 * SECOND;
        plan
    }

    /// Seconds by which a clock is ever apart from another, or from itself later: a lease may last so much longer, also as
    /// the client was told.
    pub fn clocks_apart(&self) -> u64 {
        let steps = self.faults.iter().filter_map(|(_, fault)| match fault {
            Fault::Clock(_, skew) => Some(*skew),
            _ => None,
        });
        let all: Vec<i64> = steps.chain(self.skew).chain([0]).collect();
        let (least, most) = (all.iter().min(), all.iter().max());
        most.zip(least).map_or(0, |(most, least)| (most - least) as u64)
    }

    /// The same with no process ever handing over to another.
    pub fn without_hand_overs(mut self) -> Plan {
        self.faults.retain(|(_, fault)| !matches!(fault, Fault::HandOver(_)));
        self
    }

    pub fn configuration(&self, host: usize) -> String {
        let (role, own, peer) = match host {
            0 => ("primary", ("10.0.0.10", 847), ("10.0.0.12", 647)),
            _ => ("secondary", ("10.0.0.12", 647), ("10.0.0.10", 847)),
        };
        let mut text = format!(
            "authoritative;\nddns-update-style none;\ndefault-lease-time {0};\nmax-lease-time {0};\nmin-lease-time 0;\n\
             abandon-lease-time 120;\nping-check {1};\n",
            self.lease, self.ping_check
        );
        if !self.threshold {
            text += "dhcp-cache-threshold 0;\n";
        }
        let _ = write!(
            text,
            "failover peer \"pair\" {{\n  {role};\n  address {}; port {};\n  peer address {}; peer port {};\n  \
             max-response-delay {};\n  max-unacked-updates {};\n  load balance max seconds {};\n  min-balance {};\n  \
             max-balance {};\n",
            own.0,
            own.1,
            peer.0,
            peer.1,
            self.max_response_delay,
            self.max_unacked,
            self.load_balance,
            self.min_balance,
            self.min_balance * 4
        );
        if host == 0 {
            let _ = write!(text, "  mclt {};\n  split {};\n", self.mclt, self.split);
        }
        text += "}\n";
        for (network, count) in self.pools.iter().enumerate() {
            let pool = match count {
                0 => String::new(),
                count => format!(
                    "pool {{ failover peer \"pair\"; deny dynamic bootp clients; range 10.{network}.0.101 10.{network}.0.{}; }}",
                    100 + count
                ),
            };
            let _ = writeln!(text, "subnet 10.{network}.0.0 netmask 255.255.255.0 {{ {pool} }}");
        }
        text
    }
}

struct Draft {
    dice: Dice,
    /// Up to here there are faults already.
    at: Micros,
    list: Vec<(Micros, Fault)>,
}

impl Draft {
    fn add(&mut self, fault: Fault) {
        self.list.push((self.at, fault));
    }

    fn pause(&mut self, low: u64, high: u64) {
        self.at += self.dice.between(low * 1_000, high * 1_000) * 1_000;
    }

    fn side(&mut self) -> usize {
        self.dice.between(0, 1) as usize
    }

    /// One after the other, now and then two at once.
    fn covered(&mut self) {
        for _ in 0..self.dice.between(0, 7) {
            self.pause(1, 90);
            self.one();
        }
        self.pause(1, 20);
        for fault in [Fault::Heal, Fault::Loss(0)] {
            self.add(fault);
        }
    }

    fn one(&mut self) {
        let side = self.side();
        match self.dice.between(0, 11) {
            0 | 1 => {
                self.add(Fault::Partition);
                if self.dice.one_in(3) {
                    self.pause(1, 60);
                    self.stop_and_start(side);
                }
                self.pause(1, 200);
                self.add(Fault::Heal);
            }
            2..=4 => self.stop_and_start(side),
            5 => self.add(Fault::Reset),
            6 => {
                self.add(Fault::Unreachable(side, true));
                self.pause(5, 120);
                self.add(Fault::Unreachable(side, false));
            }
            7 => {
                self.add(Fault::DiskFull(side, true));
                if self.dice.one_in(3) {
                    self.pause(1, 20);
                    self.add(Fault::Reset);
                }
                self.pause(1, 60);
                self.add(Fault::DiskFull(side, false));
            }
            8 => {
                let delay = self.dice.between(1_000, 3 * SECOND);
                self.add(Fault::SlowDisk(side, delay));
                self.pause(5, 60);
                self.add(Fault::SlowDisk(side, 2_000));
            }
            9 => self.partner_down(side),
            10 => {
                let share = self.dice.between(5, 60);
                self.add(Fault::Loss(share));
                self.pause(10, 90);
                self.add(Fault::Loss(0));
            }
            _ => {
                // Both, which one first and which one is back first is drawn.
                let other = 1 - side;
                self.stop(side);
                self.pause(0, 40);
                self.stop(other);
                self.pause(1, 90);
                let first = self.side();
                self.add(Fault::Start(first));
                self.pause(0, 40);
                self.add(Fault::Start(1 - first));
            }
        }
    }

    fn stop(&mut self, side: usize) {
        let fault = if self.dice.one_in(2) { Fault::Kill(side) } else { Fault::PowerOff(side) };
        self.add(fault);
    }

    fn stop_and_start(&mut self, side: usize) {
        self.stop(side);
        self.pause(0, 180);
        self.add(Fault::Start(side));
    }

    /// The peer of `side` is dead, the operator says so, and it comes back while `side` lives and can be reached: what else
    /// an operator may do wrong is another kind.
    fn partner_down(&mut self, side: usize) {
        self.add(Fault::Heal);
        self.stop(1 - side);
        self.pause(1, 60);
        self.add(Fault::PartnerDown(side));
        self.pause(1, 400);
        self.add(Fault::Start(1 - side));
        self.pause(200, 260);
    }

    /// A server that its peer cannot hear gives addresses away and dies; the peer, told by its operator that it is dead, is
    /// soon short of addresses of its own.
    fn taken_over(&mut self, plan: &mut Plan) {
        plan.mclt = self.dice.of(&[60, 120]);
        plan.pools = [self.dice.of(&[3, 6, 10]), 0];
        plan.clients = 14;
        let side = self.side();
        self.at = 0;
        self.pause(3, 25);
        self.add(Fault::Partition);
        self.add(Fault::Unreachable(side, true));
        self.pause(plan.max_response_delay + 2, plan.max_response_delay + 40);
        self.stop(1 - side);
        self.pause(1, 5);
        self.add(Fault::PartnerDown(side));
        self.add(Fault::Unreachable(side, false));
        self.add(Fault::Heal);
        self.pause(60, 400);
        self.add(Fault::Start(1 - side));
        self.pause(200, 260);
    }

    fn skew_too_great(&mut self, plan: &mut Plan) {
        let side = self.side();
        let skew = self.dice.between(70, 4_000) as i64 * if self.dice.one_in(2) { 1 } else { -1 };
        if self.dice.one_in(2) {
            plan.skew = [0, 0];
            self.pause(30, 90);
            self.add(Fault::Clock(side, skew));
            self.add(Fault::Reset);
        } else {
            plan.skew = [0, 0];
            plan.skew[side] = skew;
        }
        self.pause(60, 300);
        self.add(Fault::Clock(side, 0));
        self.pause(1, 10);
    }

    fn both_partner_down(&mut self, plan: &Plan) {
        self.pause(30, 60);
        self.add(Fault::Partition);
        self.pause(plan.max_response_delay + 5, 120);
        let side = self.side();
        self.add(Fault::PartnerDown(side));
        self.pause(0, 30);
        self.add(Fault::PartnerDown(1 - side));
        self.pause(1, 400);
        self.add(Fault::Heal);
    }

    fn clock_step(&mut self, plan: &Plan) {
        self.pause(30, 200);
        let side = self.side();
        let step = self.dice.between(1, 4_000) as i64 * if self.dice.one_in(2) { 1 } else { -1 };
        self.add(Fault::Clock(side, step));
        self.pause(1, 300);
        if self.dice.one_in(2) {
            self.add(Fault::Reset);
        }
        self.pause(1, 60);
        self.add(Fault::Clock(side, plan.skew[side]));
    }

    fn old_lease_file(&mut self) {
        let side = self.side();
        self.pause(10, 100);
        self.add(Fault::SaveLeases(side));
        self.pause(30, 400);
        self.stop(side);
        self.pause(0, 30);
        self.add(Fault::RestoreLeases(side));
        self.add(Fault::Start(side));
        self.pause(1, 60);
    }
}
