//! `pair_exchanges N`: that many four-way exchanges at a server alone and at the primary of a failover pair, in this process and
//! without I/O, and what each costs the server that grants: its own time, the peer's left out.

use compat_tests::in_process::{Core, START, message};
use dhcpd::server::effect::{Effect, StreamEffect, StreamId};
use dhcpd::server::event::{Event, Listener, StreamEvent};
use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

const NETWORK: &str = "subnet 10.0.0.0 netmask 255.0.0.0 {\n  option routers 10.255.255.1;\n  pool { FAILOVER range 10.1.0.0 10.1.127.255; }\n}\n";
const HEAD: &str = "authoritative;\nping-check false;\ndhcp-cache-threshold 0;\ndefault-lease-time 3600;\n\
    option domain-name \"example.org\";\noption domain-name-servers 10.255.255.1;\n";

fn address(server: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, 255, 255, 1 + server as u8)
}

fn configuration(server: usize) -> String {
    let role = if server == 0 { "primary; mclt 1800; split 256" } else { "secondary" };
    let (own, other) = (address(server), address(1 - server));
    format!(
        "{HEAD}failover peer \"pair\" {{ {role}; address {own}; port 647; peer address {other}; peer port 647;\n\
         max-response-delay 60; load balance max seconds 3; }}\n{}",
        NETWORK.replace("FAILOVER", "failover peer \"pair\";")
    )
}

/// Both servers and the connection between them.
struct Pair {
    cores: [Core; 2],
    /// Number of the connection at each end.
    ends: [Option<StreamId>; 2],
    spent: Duration,
}

impl Pair {
    fn handle(&mut self, at: usize, event: Event<'_>) -> Vec<(StreamId, StreamEffect, Vec<u8>)> {
        let began = Instant::now();
        self.cores[at].handle(event);
        self.spent += if at == 0 { began.elapsed() } else { Duration::ZERO };
        let out = &self.cores[at].out;
        let effects = out.list.iter().filter_map(|effect| match effect {
            Effect::Stream { stream, effect: StreamEffect::Write(range) } => {
                let octets = out.bytes[range.clone()].to_vec();
                Some((*stream, StreamEffect::Write(0..0), octets))
            }
            Effect::Stream { stream, effect } => Some((*stream, effect.clone(), Vec::new())),
            _ => None,
        });
        effects.collect()
    }

    /// An event, the disk done with what it caused, and all that follows between the two.
    fn settle(&mut self, at: usize, event: Event<'_>) {
        let mut waiting: VecDeque<(usize, StreamId, StreamEffect, Vec<u8>)> = VecDeque::new();
        let effects = self.handle(at, event);
        waiting.extend(effects.into_iter().map(|(stream, effect, octets)| (at, stream, effect, octets)));
        loop {
            for at in 0..2 {
                let durable = self.cores[at].written;
                let effects = self.handle(at, Event::Durable(durable));
                waiting.extend(effects.into_iter().map(|(s, effect, octets)| (at, s, effect, octets)));
            }
            let Some((from, stream, effect, octets)) = waiting.pop_front() else { break };
            let to = 1 - from;
            let mut deliver = |pair: &mut Pair, to: usize, stream, event| {
                let effects = pair.handle(to, Event::Stream { stream, event });
                waiting.extend(effects.into_iter().map(|(s, effect, octets)| (to, s, effect, octets)));
            };
            match effect {
                StreamEffect::Connect { local, .. } if self.ends[0].is_none() => {
                    let accepted = StreamId(StreamId::ACCEPTED);
                    self.ends[from] = Some(stream);
                    self.ends[to] = Some(accepted);
                    let listener = Listener::Failover(SocketAddrV4::new(address(to), 647));
                    let source = SocketAddrV4::new(*local.ip(), 40_000);
                    deliver(self, to, accepted, StreamEvent::Accepted { listener, source });
                    deliver(self, from, stream, StreamEvent::Connected);
                }
                StreamEffect::Write(_) => {
                    let stream = self.ends[to].expect("a connection");
                    deliver(self, to, stream, StreamEvent::Received(&octets));
                }
                _ => {}
            }
        }
    }
}

fn pair(count: u16) -> Duration {
    let mut cores = [0, 1].map(|server| Core::new(&configuration(server), address(server)));
    for core in &mut cores {
        core.out.clear();
        core.server.start_failover(core.now, 1, &mut core.out);
        core.written = core.server.engine().journal.sequence();
    }
    let mut pair = Pair { cores, ends: [None; 2], spent: Duration::ZERO };
    for second in 1..30u64 {
        for at in 0..2 {
            pair.cores[at].now.mono = second * 1_000_000;
            pair.cores[at].now.wall = START + second as i64;
            pair.settle(at, Event::Timer);
        }
    }
    let state = pair.cores[0].server.engine().failover.relationships[0].my;
    println!("{state:?}");
    pair.spent = Duration::ZERO;
    for client in 0..count {
        let discover = message(1, client, None);
        let began = Instant::now();
        let offered = pair.cores[0].ask(&discover);
        pair.spent += began.elapsed();
        assert!(offered.is_some(), "client {client}");
        let request = message(3, client, offered);
        pair.settle(0, datagram(&request));
        if client % 50 == 49 {
            for at in 0..2 {
                pair.cores[at].now.mono += 3_000_000;
                pair.cores[at].now.wall += 3;
                pair.settle(at, Event::Timer);
            }
        }
    }
    let relationship = &pair.cores[0].server.engine().failover.relationships[0];
    assert!(relationship.unacked() < 100, "{} updates wait", relationship.unacked());
    pair.spent
}

fn datagram(payload: &[u8]) -> Event<'_> {
    Event::Datagram {
        interface: Some(dhcpd::server::event::InterfaceId(0)),
        source: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68),
        destination: Ipv4Addr::BROADCAST,
        link_source: &[],
        payload,
    }
}

fn alone(count: u16) -> Duration {
    let mut core = Core::new(&format!("{HEAD}{}", NETWORK.replace("FAILOVER", "")), address(0));
    let mut spent = Duration::ZERO;
    for client in 0..count {
        let (discover, began) = (message(1, client, None), Instant::now());
        let offered = core.ask(&discover);
        spent += began.elapsed();
        let (request, began) = (message(3, client, offered), Instant::now());
        core.handle(datagram(&request));
        core.handle(Event::Durable(core.written));
        spent += began.elapsed();
    }
    spent
}

fn main() {
    let count: u16 = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(5_000);
    for _ in 0..3 {
        let (alone, pair) = (alone(count), pair(count));
        let per = |spent: Duration| spent.as_nanos() / u128::from(count);
        let ratio = pair.as_secs_f64() / alone.as_secs_f64();
        println!("an exchange alone {} ns, in a pair {} ns: {ratio:.2} times", per(alone), per(pair));
    }
}
