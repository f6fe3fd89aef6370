//! Runs a scenario against the core, [`dhcpd::server::Server`], in virtual time: no namespaces, no root, milliseconds. It
//! stands for the shell: a lease file of octets, a disk that is durable at once, interfaces that are a list. The first
//! step happens at a fixed second; between steps the timers run that are due.

use crate::dice::Dice;
use crate::in_process;
use crate::lease_text;
use crate::scenario::{Packet, Port, Scenario, Step};
use crate::script::{Outgoing, Script, server_mac, station_mac};
use crate::transcript::{Section, Transcript};
use crate::wire::{BROADCAST, Datagram, Mac};
use dhcpd::clock::Now;
use dhcpd::config::startup::{self, CommandLine};
use dhcpd::config::{self, Family, Input};
use dhcpd::dhcp4::Engine;
use dhcpd::eval::context::HostTable;
use dhcpd::lease::store::Store;
use dhcpd::log::{Line, Priority};
use dhcpd::server::Server;
use dhcpd::server::effect::{Effect, Effects, Route, Send};
use dhcpd::server::event::{Event, Interface, InterfaceId};
use dhcpd::transition::load::{Kept, pools};
use std::net::{Ipv4Addr, SocketAddrV4};

type Result<T> = std::result::Result<T, String>;

/// 2023-11-14 22:13:20 UTC.
const START: i64 = 1_700_000_000;
const CONFIG: &str = "/etc/dhcp/dhcpd.conf";
const LEASES: &str = "/var/lib/dhcp/dhcpd.leases";

pub fn run(scenario: &Scenario) -> Result<Transcript> {
    run_at(scenario, START)
}

/// The same with another second for the first step: what depends on the date itself then compares too.
pub fn run_at(scenario: &Scenario, start: i64) -> Result<Transcript> {
    run_by(scenario, start, None)
}

/// The same, and at moments that a seed chooses, between any two events, the server is exported and another one goes on
/// with its state. Nothing may be different.
pub fn run_handed_over(scenario: &Scenario, seed: u64) -> Result<Transcript> {
    run_by(scenario, START, Some(Dice::of_scenario(seed)))
}

fn run_by(scenario: &Scenario, start: i64, hand_over: Option<Dice>) -> Result<Transcript> {
    let mut run = Run {
        hand_over,
        scenario,
        start,
        script: Script::default(),
        server: None,
        file: lease_text::expand(&scenario.lease_file, start).into_bytes(),
        config: scenario.configs.get("").cloned().unwrap_or_default(),
        mono: 50_000,
        durable: 0,
        logs: Vec::new(),
        packets: Vec::new(),
        unnamed: Vec::new(),
        transcript: Transcript { program: "dhcpd-rs".into(), start, sections: Vec::new() },
    };
    run.launch()?;
    run.close("start");
    run.mono = 1_300_000;
    for (text, step) in &scenario.steps {
        run.step(step).map_err(|error| format!("{text}: {error}"))?;
        run.close(text);
    }
    run.show_leases();
    run.close("lease file at the end");
    Ok(run.transcript)
}

/// A server that has what another one held, and nothing else of it.
pub fn successor(server: &Server, now: Now) -> Result<Server> {
    let state = server.export(now);
    let new = import(server, &state, now).map_err(|error| format!("import: {error}"))?;
    let again = new.export(now);
    match state == again {
        true => Ok(new),
        false => Err("what was imported is exported differently".into()),
    }
}

/// A server with the configuration of another and a state of its own.
fn import(old: &Server, state: &[u8], now: Now) -> dhcpd::octets::Result<Server> {
    let old = old.engine();
    let (config, settings) = (old.config.clone(), old.settings.clone());
    let hosts = HostTable { own_name: old.hosts.own_name.clone(), ..HostTable::default() };
    let mut kept = Kept::new(&config);
    kept.settle(&config);
    let store = Store::new(&pools(&config));
    Server::import(Engine::new(config, store, hosts, settings, None), kept, state, now)
}

/// States that are not as they were written: whatever comes of it, nothing panics.
fn import_damaged(server: &Server, now: Now, dice: &mut Dice) {
    let state = server.export(now);
    for _ in 0..20 {
        let mut state = state.clone();
        for _ in 0..=dice.below(3) {
            let at = dice.below(state.len());
            match dice.below(3) {
                0 => state[at] = dice.below(256) as u8,
                1 => state[at] ^= 1 << dice.below(8),
                _ => state.truncate(at.max(1)),
            }
        }
        let _ = import(server, &state, now);
    }
}

struct Run<'a> {
    /// Decides when the server gives way to one that has its state.
    hand_over: Option<Dice>,
    scenario: &'a Scenario,
    start: i64,
    script: Script,
    server: Option<Server>,
    file: Vec<u8>,
    config: String,
    /// Microseconds; 0 is one second before `start`.
    mono: u64,
    durable: u64,
    logs: Vec<String>,
    packets: Vec<String>,
    unnamed: Vec<Ipv4Addr>,
    transcript: Transcript,
}

impl Run<'_> {
    fn now(&self) -> Now {
        Now { wall: self.start - 1 + (self.mono / 1_000_000) as i64, mono: self.mono }
    }

    fn step(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::Send(packet) => self.send(packet),
            Step::Exchange(packet) => {
                self.script.forget();
                self.send(packet)?;
                self.send(&Script::request_after(packet))
            }
            Step::Wait(seconds) => {
                let target = self.mono + seconds * 1_000_000;
                self.run_timers(target)
            }
            Step::Kill => {
                self.server = None;
                self.packets.push("signal 9".into());
                Ok(())
            }
            Step::Start(name) => {
                if let Some(name) = name {
                    self.config = self.scenario.configs.get(name).ok_or("no such configuration")?.clone();
                }
                self.launch()?;
                self.mono += 1_000_000;
                Ok(())
            }
            Step::EchoReply(address) => self.handle(Event::EchoReply(*address)),
            Step::Leases => {
                self.show_leases();
                Ok(())
            }
            _ => Err("not in virtual time".into()),
        }
    }

    fn run_timers(&mut self, target: u64) -> Result<()> {
        for _ in 0..10_000 {
            let due = self.server.as_ref().and_then(Server::next_deadline).filter(|due| *due < target);
            let Some(due) = due else {
                self.mono = target;
                return Ok(());
            };
            self.mono = self.mono.max(due);
            self.handle(Event::Timer)?;
        }
        Err("the core asks for its timer for ever".into())
    }

    fn launch(&mut self) -> Result<()> {
        self.durable = 0;
        let wall = self.now().wall;
        let logs = &mut self.logs;
        let mut say = |line: Line| logs.push(log_line(&line));
        let text = lease_text::expand(&self.config, self.start).into_bytes();
        let input = Input { name: CONFIG, text, family: Family::V4, interfaces: &self.scenario.listen };
        let mut include = |path: &str| match self.scenario.files.iter().find(|(name, _)| name == path) {
            Some((_, text)) => Ok(text.clone().into_bytes()),
            None => Err(std::io::ErrorKind::NotFound.into()),
        };
        let mut config =
            config::parse(input, &mut include, &mut say).map_err(|error| format!("{error:?}"))?;
        let hosts = HostTable { own_name: "server".into(), ..HostTable::default() };
        let command_line =
            CommandLine { config_file: CONFIG, lease_file: LEASES, pid_file: "/run/dhcpd.pid", quiet: true };
        let mut hear = |event| {
            if let startup::Event::Say(line) = event {
                say(line);
            }
        };
        let values = config
            .start_up(&command_line, &hosts, wall, &mut hear)
            .map_err(|error| format!("start: {error:?}"))?;
        let (store, kept) = in_process::load(&mut config, (LEASES, self.file.clone()), wall, &mut say);
        let duid = kept.server_duid.clone().unwrap_or_else(|| b"\0\x01\0\x01duid".to_vec());
        self.server = Some(in_process::build(config, hosts, &values, store, kept));
        self.open(&duid)
    }

    fn open(&mut self, duid: &[u8]) -> Result<()> {
        let now = self.now();
        let interfaces = self.interfaces();
        self.with_server(|server, effects| server.open(now, effects))?;
        while self.server.as_ref().is_some_and(Server::is_writing) {
            self.with_server(|server, effects| server.handle(now, Event::Timer, effects))?;
        }
        self.with_server(|server, effects| server.say_written(effects))?;
        self.with_server(|server, effects| {
            server.handle(now, Event::RewriteDone(Ok(())), effects);
            server.set_interfaces(interfaces);
            server.append_duid(duid, effects);
        })
    }

    fn interfaces(&self) -> Vec<Interface> {
        self.listening()
            .map(|(number, port)| Interface {
                name: port.name.clone(),
                htype: 1,
                hardware: server_mac(number).to_vec(),
                addresses: port
                    .addresses
                    .iter()
                    .filter_map(|text| address_of(text))
                    .map(|(ip, _)| ip)
                    .collect(),
            })
            .collect()
    }

    fn listening(&self) -> impl Iterator<Item = (usize, &Port)> {
        self.scenario.ports.iter().enumerate().filter(|(_, port)| self.scenario.listen.contains(&port.name))
    }

    fn handle(&mut self, event: Event<'_>) -> Result<()> {
        let now = self.now();
        self.with_server(|server, effects| server.handle(now, event, effects))
    }

    /// Whatever the core asks for is done at once, and what is appended is durable at once.
    fn with_server(&mut self, act: impl FnOnce(&mut Server, &mut Effects)) -> Result<()> {
        let now = self.now();
        let Some(mut server) = self.server.take() else { return Ok(()) };
        let mut effects = Effects::default();
        act(&mut server, &mut effects);
        server = self.handed_over(server)?;
        let mut alive = true;
        let mut echoes = Vec::new();
        loop {
            let before = self.durable;
            let rewritten = self.perform(&effects, &mut alive, &mut echoes)?;
            effects.clear();
            if self.durable != before {
                server.handle(now, Event::Durable(self.durable), &mut effects);
                server = self.handed_over(server)?;
            }
            if rewritten && !matches!(self.transcript.sections.len(), 0) && alive {
                server.handle(now, Event::RewriteDone(Ok(())), &mut effects);
            }
            if effects.list.is_empty() {
                if let Some(address) = self.unnamed.pop() {
                    server.handle(now, Event::NameFound { address, name: None }, &mut effects);
                    server = self.handed_over(server)?;
                    continue;
                }
                match echoes.pop() {
                    Some(address) => server.handle(now, Event::EchoReply(address), &mut effects),
                    None => break,
                }
            }
        }
        if alive {
            self.server = Some(server);
        }
        Ok(())
    }

    /// The server itself, or, now and then, another one that goes on with its state.
    fn handed_over(&mut self, server: Server) -> Result<Server> {
        let now = self.now();
        let Some(dice) = &mut self.hand_over else { return Ok(server) };
        if dice.percent(5) {
            import_damaged(&server, now, dice);
        }
        match dice.percent(50) {
            true => successor(&server, now),
            false => Ok(server),
        }
    }

    /// True when a rewrite was finished.
    fn perform(&mut self, effects: &Effects, alive: &mut bool, echoes: &mut Vec<Ipv4Addr>) -> Result<bool> {
        let octets = |range: &std::ops::Range<usize>| effects.bytes.get(range.clone()).unwrap_or_default();
        let mut rewritten = false;
        for effect in &effects.list {
            match effect {
                Effect::Send(send) => self.sent(send, octets(&send.payload)),
                Effect::Append { sequence, record } => {
                    self.file.extend_from_slice(octets(record));
                    self.durable = *sequence;
                }
                Effect::Log(line) => self.logs.push(log_line(line)),
                Effect::Ping(address) => self.ping(*address, echoes),
                // No name server knows any.
                Effect::FindName(address) => self.unnamed.push(*address),
                Effect::RewriteBegin => self.file.clear(),
                Effect::RewriteChunk(range) => self.file.extend_from_slice(octets(range)),
                Effect::RewriteEnd => rewritten = true,
                Effect::Stream { .. } | Effect::Execute(_) => {}
                Effect::Exit(status) => {
                    self.packets.push(format!("exit {status}"));
                    *alive = false;
                }
            }
        }
        Ok(rewritten)
    }

    fn send(&mut self, packet: &Packet) -> Result<()> {
        let out = match self.script.build(packet) {
            Ok(out) => out,
            Err(error) => {
                self.packets.push(format!("not sent: {error}"));
                return Ok(());
            }
        };
        let Some(interface) = self.arrives_at(&out) else { return Ok(()) };
        let event = Event::Datagram {
            interface: Some(InterfaceId(interface as u16)),
            source: SocketAddrV4::new(out.source.0, out.source.1),
            destination: out.destination.0,
            link_source: &out.link_from,
            payload: &out.payload,
        };
        self.handle(event)
    }

    /// What the shell's socket would let through.
    fn arrives_at(&self, out: &Outgoing) -> Option<usize> {
        let mut listening = self.listening();
        let at = listening.position(|(_, port)| port.other_end() == out.port)?;
        (out.destination.1 == 67).then_some(at)
    }

    fn ping(&mut self, address: Ipv4Addr, echoes: &mut Vec<Ipv4Addr>) {
        let Some((number, own, _)) = self.way_to(address) else { return };
        if own == address || self.scenario.silent.contains(&address) {
            return;
        }
        let port = self.scenario.ports[number].other_end();
        self.packets.push(format!("echo request at {port}: {own} to {address}"));
        if self.scenario.echo.contains(&address) {
            echoes.push(address);
        }
    }

    /// The interface, our address there and the next hop, as the kernel would choose them.
    fn way_to(&self, to: Ipv4Addr) -> Option<(usize, Ipv4Addr, Ipv4Addr)> {
        let ports = || self.scenario.ports.iter().enumerate();
        let on_link = |to: Ipv4Addr| {
            ports().find_map(|(number, port)| {
                let (own, _) = port
                    .addresses
                    .iter()
                    .filter_map(|text| address_of(text))
                    .find(|net| contains(*net, to))?;
                Some((number, own))
            })
        };
        if let Some((number, own)) = on_link(to) {
            return Some((number, own, to));
        }
        let hop = self.scenario.routes.iter().find_map(|(net, hop)| {
            contains(address_of(net)?, to).then(|| hop.parse::<Ipv4Addr>().ok()).flatten()
        })?;
        on_link(hop).map(|(number, own)| (number, own, hop))
    }

    fn sent(&mut self, send: &Send, payload: &[u8]) {
        let destination = (*send.destination.ip(), send.destination.port());
        let frame = match &send.route {
            Route::Link { interface, hardware } => {
                let Some((number, _)) = self.listening().nth(usize::from(interface.0)) else { return };
                let link_to: Mac = hardware.as_slice().try_into().unwrap_or(BROADCAST);
                (number, link_to, send.source, 0x10, 0, 128)
            }
            Route::Socket { .. } => match self.way_to(destination.0) {
                // The kernel keeps to itself what is for its own address.
                Some((_, own, _)) if own == destination.0 => return,
                Some((number, own, hop)) => (number, station_mac(hop), own, 0, 0x4000, 64),
                None => return,
            },
        };
        let (number, link_to, source, tos, fragment, ttl) = frame;
        let datagram = Datagram {
            link_to,
            link_from: server_mac(number),
            tos,
            fragment,
            ttl,
            source: (source, send.source_port),
            destination,
            checksum_good: true,
            payload: payload.to_vec(),
        };
        let port = self.scenario.ports[number].other_end();
        let now = self.now().wall;
        let lines = self.script.received(&port, &datagram).into_iter();
        self.packets.extend(lines.map(|line| lease_text::until_never(line, now)));
    }

    fn show_leases(&mut self) {
        let text = String::from_utf8_lossy(&self.file).into_owned();
        self.packets.extend(lease_text::normalise(&text, self.start));
    }

    fn close(&mut self, heading: &str) {
        let mut lines = std::mem::take(&mut self.logs);
        lines.append(&mut self.packets);
        let lines = lines.iter().flat_map(|line| line.split('\n')).map(String::from).collect();
        self.transcript.sections.push(Section { heading: heading.into(), lines });
    }
}

fn log_line(line: &Line) -> String {
    let severity = match line.priority {
        Priority::Error => "error",
        Priority::Info => "info",
        Priority::Debug => "debug",
    };
    // syslog(3) takes a newline at the end away.
    let text = String::from_utf8_lossy(&line.octets()).into_owned();
    format!("{severity}: {}", text.trim_end_matches('\n'))
}

fn address_of(text: &str) -> Option<(Ipv4Addr, u32)> {
    let (address, length) = text.split_once('/')?;
    Some((address.parse().ok()?, length.parse().ok()?))
}

fn contains((net, length): (Ipv4Addr, u32), address: Ipv4Addr) -> bool {
    let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
    u32::from(net) & mask == u32::from(address) & mask
}

/// What the shell says, and the core does not.
const SHELL: [&str; 9] = [
    "Internet Systems Consortium",
    "Copyright ",
    "All rights reserved.",
    "For info, please visit",
    "Config file: ",
    "Database file: ",
    "PID file: ",
    "Listening on ",
    "Sending on ",
];

/// What a socket says of a datagram that has no way.
const UNSENT: [&str; 2] = ["error: send_packet: ", " byte long packet over "];

/// The part of a recording that the core alone can produce: not the shell's lines at start, not standard error.
pub fn within_reach(recording: &Transcript) -> Transcript {
    let mut out = recording.clone();
    out.sections.retain(|section| section.heading != "standard error");
    for section in &mut out.sections {
        section.lines.retain(|line| !UNSENT.iter().any(|text| line.contains(text)));
    }
    for section in out.sections.iter_mut().filter(|section| is_start(&section.heading)) {
        section.lines.retain(|line| {
            let text = line.split_once(": ").map_or("", |(_, text)| text);
            text != "Server starting service." && !SHELL.iter().any(|known| text.starts_with(known))
        });
    }
    out
}

fn is_start(heading: &str) -> bool {
    heading == "start" || heading.starts_with("start ")
}

/// True when the shell has a part in what the recording shows: a start that failed, an interface left out.
pub fn needs_the_shell(recording: &Transcript) -> bool {
    let starts = recording.sections.iter().filter(|section| is_start(&section.heading));
    starts.flat_map(|section| &section.lines).any(|line| {
        line.starts_with("exit ")
            || line.contains("facility=")
            || ["No subnet declaration", "Multiple interfaces", "Not using fsync", "Setting server-id-check"]
                .iter()
                .any(|text| line.contains(text))
    })
}
