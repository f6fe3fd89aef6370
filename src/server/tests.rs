//! The core in virtual time with a disk that keeps what is written and what is durable apart. Expected values are those of
//! the real program (recordings in compat-tests) or of DESIGN's promises.

use super::Server;
use super::effect::{Effect, Effects, Route, StreamEffect, StreamId};
use super::event::{Event, Interface, InterfaceId};
use crate::clock::Now;
use crate::config::startup::CommandLine;
use crate::config::{self, Family, Input};
use crate::dhcp4::{Engine, Settings};
use crate::eval::context::HostTable;
use crate::lease::store::Store;
use crate::log::Line;
use crate::transition::load::{Kept, pools};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

const START: i64 = 1_700_000_000;
const ONE_POOL: &str = "authoritative; default-lease-time 600; ping-check false;
    subnet 10.9.0.0 netmask 255.255.255.0 { range 10.9.0.100 10.9.0.109; }";

pub(super) struct World {
    pub server: Server,
    pub now: Now,
    pub effects: Effects,
    /// Records written and not yet reported durable.
    pub written: u64,
    log: Vec<String>,
    /// Message type and yiaddr of what was sent.
    sent: Vec<(u8, Ipv4Addr)>,
    pub file: String,
    /// What was asked for TCP streams, with the octets of writes.
    pub streams: Vec<(StreamId, StreamEffect, Vec<u8>)>,
    /// Octets for streams that wait for a record.
    answers: Vec<(u64, StreamId, Vec<u8>)>,
    /// After each event another server goes on with the state of this one.
    pub hands_over: bool,
}

fn build(text: &str) -> Server {
    let mut say = |line: Line| panic!("{}", line.text);
    let input = Input { name: "test.conf", text: text.into(), family: Family::V4, interfaces: &[] };
    let mut include = |_: &str| Err(std::io::ErrorKind::NotFound.into());
    let config = config::parse(input, &mut include, &mut say).expect("a sound configuration");
    let hosts = HostTable::default();
    let command_line = CommandLine { config_file: "", lease_file: "", pid_file: "", quiet: true };
    let values = config.start_up(&command_line, &hosts, START, &mut |_| {}).expect("sound values");
    let store = Store::new(&pools(&config));
    let settings = Settings {
        local_port: 67,
        remote_port: 68,
        limited_broadcast: values.limited_broadcast.unwrap_or(Ipv4Addr::BROADCAST),
        abandon_lease_time: values.abandon_lease_time,
        variables: values.variables.clone(),
    };
    let engine = Engine::new(Arc::new(config), store, hosts, settings, None);
    let mut server = Server::new(engine, Kept::default());
    server.set_interfaces(vec![Interface {
        name: "s0".into(),
        htype: 1,
        hardware: vec![2, 0, 0, 0, 0, 1],
        addresses: vec![Ipv4Addr::new(10, 9, 0, 1)],
    }]);
    server
}

impl World {
    pub fn new(text: &str) -> World {
        let mut world = World {
            server: build(text),
            now: Now { wall: START, mono: 1_000_000 },
            effects: Effects::default(),
            written: 0,
            log: Vec::new(),
            sent: Vec::new(),
            file: String::new(),
            streams: Vec::new(),
            answers: Vec::new(),
            hands_over: false,
        };
        world.server.open(world.now, &mut world.effects);
        world.perform();
        world.event(Event::RewriteDone(Ok(())));
        world.log.clear();
        world
    }

    pub fn event(&mut self, event: Event<'_>) {
        if let Event::Durable(durable) = event {
            for (_, stream, octets) in self.answers.extract_if(.., |(sequence, ..)| *sequence <= durable) {
                self.streams.push((stream, StreamEffect::Write(0..0), octets));
            }
        }
        self.server.handle(self.now, event, &mut self.effects);
        self.perform();
        if self.hands_over && !self.server.ended {
            self.hand_over();
        }
    }

    fn hand_over(&mut self) {
        let state = self.server.export(self.now);
        let old = self.server.engine();
        let (config, settings) = (old.config.clone(), old.settings.clone());
        let mut kept = Kept::new(&config);
        kept.settle(&config);
        let store = Store::new(&pools(&config));
        let engine = Engine::new(config, store, HostTable::default(), settings, None);
        self.server = Server::import(engine, kept, &state, self.now).expect("a sound state");
        assert!(self.server.export(self.now) == state, "what was imported is exported differently");
    }

    pub fn perform(&mut self) {
        let bytes = std::mem::take(&mut self.effects.bytes);
        let text =
            |range: &std::ops::Range<usize>| String::from_utf8_lossy(&bytes[range.clone()]).into_owned();
        for effect in self.effects.list.drain(..) {
            match effect {
                Effect::Append { sequence, record } => {
                    assert!(sequence > self.written, "records are numbered in order");
                    self.written = sequence;
                    self.file.push_str(&text(&record));
                }
                Effect::Send(send) => {
                    let payload = &bytes[send.payload];
                    let kind = if payload.get(236..239) == Some(&[99, 130, 83]) { payload[242] } else { 0 };
                    let yiaddr = Ipv4Addr::from(*payload[16..].first_chunk::<4>().expect("a header"));
                    self.sent.push((kind, yiaddr));
                }
                Effect::Log(line) => self.log.push(line.text),
                Effect::Ping(address) => self.log.push(format!("ping {address}")),
                Effect::FindName(address) => self.log.push(format!("find the name of {address}")),
                Effect::RewriteBegin => self.log.push("rewrite begins".into()),
                Effect::RewriteChunk(range) => self.file.push_str(&text(&range)),
                Effect::RewriteEnd => self.log.push("rewrite ends".into()),
                Effect::Stream { stream, effect } => {
                    let octets = match &effect {
                        StreamEffect::Write(range) => bytes[range.clone()].to_vec(),
                        StreamEffect::WriteOnceDurable { sequence, octets } => {
                            self.answers.push((*sequence, stream, bytes[octets.clone()].to_vec()));
                            continue;
                        }
                        StreamEffect::Abort => {
                            self.answers.retain(|(_, waiting, _)| *waiting != stream);
                            Vec::new()
                        }
                        _ => Vec::new(),
                    };
                    self.streams.push((stream, effect, octets));
                }
                Effect::Execute(_) => {}
                Effect::Exit(status) => self.log.push(format!("exit {status}")),
            }
        }
    }

    fn receive(&mut self, payload: &[u8]) {
        self.event(Event::Datagram {
            interface: Some(InterfaceId(0)),
            source: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68),
            destination: Ipv4Addr::BROADCAST,
            link_source: &[],
            payload,
        });
    }

    /// The log since the last look.
    pub fn said(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log)
    }

    fn sent(&mut self) -> Vec<(u8, Ipv4Addr)> {
        std::mem::take(&mut self.sent)
    }

    pub fn pass(&mut self, seconds: u64) {
        self.now.wall += seconds as i64;
        self.now.mono += seconds * 1_000_000;
        self.event(Event::Timer);
    }
}

fn message(kind: u8, client: u8, options: &[u8]) -> Vec<u8> {
    let mut payload = vec![0; 240];
    payload[..4].copy_from_slice(&[1, 1, 6, 0]);
    payload[28..34].copy_from_slice(&[2, 0, 0, 0, 0, client]);
    payload[236..].copy_from_slice(&[99, 130, 83, 99]);
    payload.extend([53, 1, kind]);
    payload.extend_from_slice(options);
    payload.push(255);
    payload.resize(300, 0);
    payload
}

fn discover(client: u8) -> Vec<u8> {
    message(1, client, &[])
}

fn request(client: u8, last: u8) -> Vec<u8> {
    message(3, client, &[50, 4, 10, 9, 0, last])
}

fn address(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 9, 0, last)
}

#[test]
fn an_ack_and_its_line_wait_for_the_record() {
    let mut world = World::new(ONE_POOL);
    world.receive(&discover(0x61));
    assert_eq!(world.sent(), [(2, address(100))]);
    world.said();
    world.receive(&request(0x61, 100));
    assert_eq!(world.sent(), []);
    assert_eq!(world.said(), ["DHCPREQUEST for 10.9.0.100 from 02:00:00:00:00:61 via s0"]);
    assert!(world.file.contains("lease 10.9.0.100 {"));
    world.event(Event::Durable(world.written));
    assert_eq!(world.said(), ["DHCPACK on 10.9.0.100 to 02:00:00:00:00:61 via s0"]);
    assert_eq!(world.sent(), [(5, address(100))]);
}

#[test]
fn an_answer_that_wrote_nothing_waits_for_the_last_record_of_its_binding() {
    let mut world = World::new(ONE_POOL);
    world.receive(&request(0x61, 100));
    // Reuse: the lease is young, and its first record is not durable yet.
    world.receive(&request(0x61, 100));
    assert_eq!(world.sent(), []);
    world.event(Event::Durable(world.written));
    assert_eq!(world.sent(), [(5, address(100)), (5, address(100))]);
}

#[test]
fn one_batch_acknowledges_many_in_the_order_they_came() {
    let mut world = World::new(ONE_POOL);
    for client in 0..5 {
        world.receive(&request(client, 100 + client));
    }
    let first = world.written - 4;
    world.event(Event::Durable(first + 1));
    assert_eq!(world.sent(), [(5, address(100)), (5, address(101))]);
    world.event(Event::Durable(world.written));
    assert_eq!(world.sent(), [(5, address(102)), (5, address(103)), (5, address(104))]);
}

#[test]
fn messages_to_one_client_leave_in_the_order_made() {
    let mut world = World::new(ONE_POOL);
    world.receive(&request(0x61, 100));
    world.receive(&message(3, 0x61, &[50, 4, 10, 50, 0, 1]));
    assert_eq!(world.sent(), []);
    world.event(Event::Durable(world.written));
    let kinds: Vec<u8> = world.sent().iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [5, 6]);
}

#[test]
fn no_ack_while_the_disk_is_full_and_service_again_when_there_is_room() {
    let mut world = World::new(ONE_POOL);
    world.receive(&request(0x61, 100));
    world.said();
    world.event(Event::JournalFailed("no space".into()));
    let said = world.said();
    assert!(said[0].contains("1 answers withheld"), "{said:?}");
    assert!(said.contains(&"rewrite begins".to_string()), "{said:?}");
    for _ in 0..3 {
        world.pass(1);
    }
    world.event(Event::RewriteDone(Err("still no space".into())));
    world.receive(&request(0x62, 101));
    world.event(Event::Durable(world.written));
    assert_eq!(world.sent(), []);
    // Room again.
    for _ in 0..5 {
        world.pass(1);
    }
    world.event(Event::RewriteDone(Ok(())));
    assert!(world.said().iter().any(|line| line.contains("acknowledged again")));
    world.receive(&request(0x62, 101));
    world.event(Event::Durable(world.written));
    assert_eq!(world.sent(), [(5, address(101))]);
}

#[test]
fn a_full_disk_costs_no_memory() {
    let mut world = World::new(ONE_POOL);
    world.event(Event::JournalFailed("no space".into()));
    for round in 0..1000u32 {
        world.receive(&request((round % 200) as u8, 100 + (round % 10) as u8));
    }
    assert!(world.server.held.is_empty());
}

#[test]
fn shutdown_finishes_what_is_held() {
    let mut world = World::new(ONE_POOL);
    world.receive(&request(0x61, 100));
    world.event(Event::Shutdown);
    assert!(!world.said().contains(&"exit 0".to_string()));
    world.event(Event::Durable(world.written));
    assert_eq!(world.sent(), [(5, address(100))]);
    assert_eq!(world.said().last().map(String::as_str), Some("exit 0"));
}

#[test]
fn a_lease_ends_by_itself_and_the_record_says_so() {
    let mut world = World::new(ONE_POOL);
    world.receive(&request(0x61, 100));
    world.event(Event::Durable(world.written));
    let due = world.server.next_deadline().expect("an expiry is due");
    assert_eq!(due, world.now.mono + 600 * 1_000_000);
    world.pass(601);
    assert!(
        world.file.contains("ends 2 2023/11/14 22:23:20;\n  tstp 2 2023/11/14 22:23:20;"),
        "{}",
        world.file
    );
    assert_eq!(world.server.next_deadline(), None);
}

#[test]
fn the_file_is_written_anew_every_hour_in_slices_between_packets() {
    let mut world = World::new(ONE_POOL);
    world.receive(&request(0x61, 100));
    world.event(Event::Durable(world.written));
    world.said();
    world.pass(3601);
    assert_eq!(world.said(), ["rewrite begins"]);
    world.receive(&discover(0x62));
    assert!(!world.said().contains(&"rewrite ends".to_string()), "packets do not carry the rewrite on");
    world.event(Event::Timer);
    assert_eq!(world.said(), ["rewrite ends"]);
    world.event(Event::RewriteDone(Ok(())));
    assert_eq!(world.said(), [""; 0]);
}

#[test]
fn a_rewrite_covers_what_was_appended_during_it() {
    let mut world = World::new(ONE_POOL);
    world.receive(&request(0x61, 100));
    world.event(Event::JournalFailed("a broken disk".into()));
    assert_eq!(world.said().last().map(String::as_str), Some("rewrite begins"));
    world.file.clear();
    world.receive(&request(0x62, 101));
    world.event(Event::Timer);
    assert_eq!(world.said().last().map(String::as_str), Some("rewrite ends"));
    for last in [100, 101] {
        assert!(world.file.contains(&format!("lease 10.9.0.{last} {{")), "{}", world.file);
    }
    world.event(Event::RewriteDone(Ok(())));
    world.sent();
    // Nothing new is written for them, and nothing has to be waited for.
    world.receive(&request(0x61, 100));
    world.receive(&request(0x62, 101));
    assert_eq!(world.sent(), [(5, address(100)), (5, address(101))]);
}

/// Recording class-log-fatal.
#[test]
fn log_fatal_ends_the_server_where_it_stands() {
    let fatal = "if option host-name = \"kill\" { log(info, \"before\"); log(fatal, \"killed\"); log(info, \"after\"); } }";
    let mut world = World::new(&ONE_POOL.replace('}', fatal));
    let (file, kill) = (world.file.clone(), [12, 4, b'k', b'i', b'l', b'l', 50, 4, 10, 9, 0, 100]);
    world.receive(&message(3, 0x61, &kill));
    assert_eq!(world.said(), ["before", "killed", "exit 1"]);
    world.receive(&discover(0x62));
    world.event(Event::Shutdown);
    assert_eq!((world.said(), world.sent(), &world.file), (vec![], vec![], &file));
}

/// Recording class-add.
#[test]
fn an_added_class_counts_at_once() {
    let config = r#"class "marked" { option domain-name "marked.example"; lease limit 1; } default-lease-time 600;
        ping-check false; subnet 10.9.0.0 netmask 255.255.255.0 { range 10.9.0.100 10.9.0.109;
        if option vendor-class-identifier = "m" { add "marked"; } }"#;
    let mut world = World::new(config);
    world.receive(&message(3, 0x61, &[60, 1, b'm', 50, 4, 10, 9, 0, 100]));
    assert!(world.file.contains("  billing class \"marked\";\n"), "{}", world.file);
    world.said();
    world.receive(&message(1, 0x62, &[60, 1, b'm']));
    let full = "no available billing: lease limit reached in all matching classes (last: 'marked')";
    assert_eq!(world.said(), [format!("DHCPDISCOVER from 02:00:00:00:00:62 via s0: {full}")]);
}

#[test]
fn a_decline_counts_only_from_the_holder() {
    let mut world = World::new(ONE_POOL);
    world.receive(&request(0x61, 100));
    world.said();
    world.receive(&message(4, 0x62, &[50, 4, 10, 9, 0, 100]));
    assert_eq!(world.said(), ["DHCPDECLINE of 10.9.0.100 from 02:00:00:00:00:62 via s0: not found"]);
    world.receive(&message(4, 0x61, &[50, 4, 10, 9, 0, 100]));
    assert_eq!(
        world.said(),
        [
            "Abandoning IP address 10.9.0.100: declined.",
            "DHCPDECLINE of 10.9.0.100 from 02:00:00:00:00:61 via s0: abandoned"
        ]
    );
}

#[test]
fn an_offer_waits_for_the_ping() {
    let mut world = World::new(&ONE_POOL.replace("ping-check false", "ping-timeout-ms 300"));
    world.receive(&discover(0x61));
    assert_eq!(world.said(), ["DHCPDISCOVER from 02:00:00:00:00:61 via s0", "ping 10.9.0.100"]);
    world.receive(&discover(0x61));
    assert_eq!(world.said(), [""; 0], "further DISCOVERs are ignored meanwhile");
    assert_eq!(world.server.next_deadline(), Some(world.now.mono + 300_000));
    world.event(Event::EchoReply(address(100)));
    assert_eq!(
        world.said(),
        [
            "ICMP Echo reply while lease 10.9.0.100 valid.",
            "Abandoning IP address 10.9.0.100: pinged before offer"
        ]
    );
    world.receive(&discover(0x61));
    world.said();
    world.now.mono += 300_000;
    world.event(Event::Timer);
    assert_eq!(world.said(), ["DHCPOFFER on 10.9.0.101 to 02:00:00:00:00:61 via s0"]);
    assert_eq!(world.sent(), [(2, address(101))]);
}

#[test]
fn an_answer_waits_for_the_name_of_its_address() {
    let mut world = World::new(&format!("get-lease-hostnames true; {ONE_POOL}"));
    world.receive(&discover(0x61));
    assert_eq!(world.said(), ["find the name of 10.9.0.100"]);
    assert_eq!(world.sent(), []);
    let name = Some(b"alpha.example.org"[..].into());
    world.event(Event::NameFound { address: address(100), name });
    let said =
        ["DHCPDISCOVER from 02:00:00:00:00:61 via s0", "DHCPOFFER on 10.9.0.100 to 02:00:00:00:00:61 via s0"];
    assert_eq!(world.said(), said);
    assert_eq!(world.sent(), [(2, address(100))]);
    world.receive(&request(0x61, 100));
    assert_eq!(world.said(), ["find the name of 10.9.0.100"]);
    world.event(Event::NameFound { address: address(100), name: None });
    let said = ["No hostname for 10.9.0.100", "DHCPREQUEST for 10.9.0.100 from 02:00:00:00:00:61 via s0"];
    assert_eq!(world.said(), said);
    assert!(world.file.contains("lease 10.9.0.100 {"));
}

#[test]
fn where_a_reply_goes() {
    let route = |payload: &[u8]| {
        let mut server = build(ONE_POOL);
        let mut out = Effects::default();
        server.open(Now { wall: START, mono: 0 }, &mut out);
        out.clear();
        let event = Event::Datagram {
            interface: Some(InterfaceId(0)),
            source: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68),
            destination: Ipv4Addr::BROADCAST,
            link_source: &[],
            payload,
        };
        server.handle(Now { wall: START, mono: 0 }, event, &mut out);
        server.handle(Now { wall: START, mono: 0 }, Event::RewriteDone(Ok(())), &mut out);
        server.handle(Now { wall: START, mono: 0 }, Event::Durable(u64::MAX), &mut out);
        out.list
            .iter()
            .find_map(|effect| match effect {
                Effect::Send(send) => Some((send.route.clone(), send.destination)),
                _ => None,
            })
            .expect("an answer")
    };
    let mut payload = discover(0x61);
    let (to, at) = route(&payload);
    assert!(matches!(to, Route::Link { hardware, .. } if hardware[..] == [2, 0, 0, 0, 0, 0x61]));
    assert_eq!(at, SocketAddrV4::new(address(100), 68));
    payload[10] = 0x80;
    let (to, at) = route(&payload);
    assert!(matches!(to, Route::Link { hardware, .. } if hardware.is_empty()));
    assert_eq!(at, SocketAddrV4::new(Ipv4Addr::BROADCAST, 68));
    payload[24..28].copy_from_slice(&[10, 9, 0, 3]);
    let (to, at) = route(&payload);
    assert!(matches!(to, Route::Socket { .. }));
    assert_eq!(at, SocketAddrV4::new(Ipv4Addr::new(10, 9, 0, 3), 67));
}

/// Any datagrams at all: no panic, and nothing grows that a client can make grow without end.
pub fn fuzz(server: &mut Server, seed: u64, rounds: u32) {
    let mut state = seed | 1;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut out = Effects::default();
    let mut now = Now { wall: START, mono: 0 };
    let mut durable = 0;
    for _ in 0..rounds {
        now.mono += random() % 400_000;
        now.wall = START + (now.mono / 1_000_000) as i64;
        let kinds = [0u8, 1, 1, 3, 3, 3, 4, 7, 8, 10, 13];
        let kind = kinds[random() as usize % kinds.len()];
        let mut options = Vec::new();
        for _ in 0..random() % 6 {
            let codes = [12u8, 50, 51, 52, 54, 55, 57, 60, 61, 81, 82, 118, 43, 125, random() as u8];
            let length = (random() % 9) as u8;
            options.extend([codes[random() as usize % codes.len()], length]);
            options.extend((0..length).map(|_| random() as u8));
        }
        if random() % 3 == 0 {
            options.extend([50, 4, 10, 9, 0, 95 + (random() % 20) as u8]);
        }
        let mut payload = message(kind, (random() % 30) as u8, &options);
        for _ in 0..random() % 4 {
            let at = random() as usize % payload.len();
            payload[at] = random() as u8;
        }
        if random() % 4 == 0 {
            payload[12..16].copy_from_slice(&[10, 9, 0, 95 + (random() % 20) as u8]);
        }
        if random() % 8 == 0 {
            payload.truncate(random() as usize % payload.len());
        }
        let event = Event::Datagram {
            interface: Some(InterfaceId((random() % 3) as u16)),
            source: SocketAddrV4::new(Ipv4Addr::from(random() as u32), random() as u16),
            destination: Ipv4Addr::BROADCAST,
            link_source: &[],
            payload: &payload,
        };
        server.handle(now, event, &mut out);
        for effect in &out.list {
            if let Effect::Append { sequence, .. } = effect {
                durable = *sequence;
            }
        }
        out.clear();
        match random() % 16 {
            0..6 => server.handle(now, Event::Durable(durable), &mut out),
            6 => server.handle(now, Event::EchoReply(address(95 + (random() % 20) as u8)), &mut out),
            7 => server.handle(now, Event::Timer, &mut out),
            _ => {}
        }
    }
    server.handle(now, Event::Durable(durable), &mut out);
}

const RICH: &str = include_str!("every_part.conf");

#[test]
fn arbitrary_datagrams_do_no_harm() {
    for seed in 1..=4 {
        let mut server = build(RICH);
        server.open(Now { wall: START, mono: 0 }, &mut Effects::default());
        server.handle(Now { wall: START, mono: 0 }, Event::RewriteDone(Ok(())), &mut Effects::default());
        fuzz(&mut server, seed * 0x9e37_79b9, 10_000);
        assert!(server.engine.store.len() <= 10, "only addresses of the pools have bindings");
        assert!(server.held.is_empty(), "everything that could leave has left");
    }
}

/// Microseconds that a four-way exchange costs the core: `cargo test --release -- --ignored exchange_costs --nocapture`.
#[test]
#[ignore = "a measurement, for a release build"]
fn exchange_costs() {
    let mut server = build(&ONE_POOL.replace("range 10.9.0.100 10.9.0.109;", "").replace(
        "subnet 10.9.0.0 netmask 255.255.255.0 {",
        "subnet 10.8.0.0 netmask 255.252.0.0 { option routers 10.9.0.1; option domain-name-servers 10.9.0.1; \
         option domain-name \"example.org\"; range 10.10.0.0 10.10.255.255;",
    ));
    let mut out = Effects::default();
    server.open(Now { wall: START, mono: 0 }, &mut out);
    server.handle(Now { wall: START, mono: 0 }, Event::RewriteDone(Ok(())), &mut out);
    let started = std::time::Instant::now();
    let rounds = 60_000u32;
    let mut durable = 0;
    for round in 0..rounds {
        let now = Now { wall: START + i64::from(round / 20_000), mono: u64::from(round) * 50 };
        let mut payload = message(1, 0, &[55, 7, 1, 3, 6, 15, 28, 51, 58, 12, 4, b'n', b'a', b'm', b'e']);
        payload[30..34].copy_from_slice(&round.to_be_bytes());
        let mut yiaddr = [0; 4];
        for kind in [1, 3] {
            if kind == 3 {
                payload[242] = 3;
                payload.splice(243..243, [50, 4].into_iter().chain(yiaddr));
            }
            out.clear();
            let event = Event::Datagram {
                interface: Some(InterfaceId(0)),
                source: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68),
                destination: Ipv4Addr::BROADCAST,
                link_source: &[],
                payload: &payload,
            };
            server.handle(now, event, &mut out);
            for effect in &out.list {
                match effect {
                    Effect::Append { sequence, .. } => durable = *sequence,
                    Effect::Send(send) => yiaddr.copy_from_slice(&out.bytes[send.payload.start + 16..][..4]),
                    _ => {}
                }
            }
        }
        if round % 64 == 63 {
            out.clear();
            server.handle(now, Event::Durable(durable), &mut out);
        }
    }
    let spent = started.elapsed();
    println!("{:.2} us an exchange", spent.as_secs_f64() * 1e6 / f64::from(rounds));
}
