//! One core in this process, without a world around it: what the fuzz target, the count of allocations and the count of
//! instructions drive.

use dhcpd::clock::{Now, Wall};
use dhcpd::config::startup::{CommandLine, StartUp};
use dhcpd::config::{Config, Family, Input, parse};
use dhcpd::dhcp4::{Engine, Settings};
use dhcpd::eval::context::HostTable;
use dhcpd::lease::store::Store;
use dhcpd::lease_file::reader;
use dhcpd::log::Line;
use dhcpd::server::Server;
use dhcpd::server::effect::{Effect, Effects};
use dhcpd::server::event::{Event, Interface, InterfaceId};
use dhcpd::syntax::source::{Source, SourceId};
use dhcpd::transition::load::{Kept, Loader, pools};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

pub const START: i64 = 1_700_000_000;

pub struct Core {
    pub server: Server,
    pub now: Now,
    /// What the last event gave.
    pub out: Effects,
    /// The last record.
    pub written: u64,
}

impl Core {
    /// With this sound configuration and an interface with this address, on an empty lease file.
    pub fn new(text: &str, address: Ipv4Addr) -> Core {
        let input = Input { name: "F", text: text.as_bytes().to_vec(), family: Family::V4, interfaces: &[] };
        let mut none = |_: &str| Err(std::io::Error::other("no includes"));
        let mut say = |line: Line| panic!("{}", line.text);
        let config = parse(input, &mut none, &mut say).expect("a sound configuration");
        let names = CommandLine { config_file: "", lease_file: "", pid_file: "", quiet: true };
        let hosts = HostTable::default();
        let mut values = config.start_up(&names, &hosts, START, &mut |_| {}).expect("sound values");
        // Soon enough for a test to see the end of it.
        values.abandon_lease_time = 30;
        let store = Store::new(&pools(&config));
        let mut server = build(config, hosts, &values, store, Kept::default());
        server.set_interfaces(vec![Interface {
            name: "s0".into(),
            htype: 1,
            hardware: vec![2, 0, 0, 0, 0, 1],
            addresses: vec![address],
        }]);
        let (now, mut out) = (Now { wall: START, mono: 0 }, Effects::default());
        server.open(now, &mut out);
        while server.is_writing() {
            server.handle(now, Event::Timer, &mut out);
        }
        server.handle(now, Event::RewriteDone(Ok(())), &mut out);
        Core { server, now, out, written: 0 }
    }

    pub fn handle(&mut self, event: Event<'_>) {
        self.out.clear();
        self.server.handle(self.now, event, &mut self.out);
        let rewritten = self.out.list.contains(&Effect::RewriteEnd);
        for effect in &self.out.list {
            if let Effect::Append { sequence, .. } = effect {
                self.written = *sequence;
            }
        }
        if rewritten {
            self.server.handle(self.now, Event::RewriteDone(Ok(())), &mut self.out);
        }
    }

    /// A broadcast message, and the disk done with what it caused. Gives `yiaddr` of the answer, if there was one.
    pub fn ask(&mut self, payload: &[u8]) -> Option<Ipv4Addr> {
        self.handle(Event::Datagram {
            interface: Some(InterfaceId(0)),
            source: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68),
            destination: Ipv4Addr::BROADCAST,
            link_source: &[],
            payload,
        });
        if let Some(address) = self.answer() {
            return Some(address);
        }
        self.handle(Event::Durable(self.written));
        self.answer()
    }

    fn answer(&self) -> Option<Ipv4Addr> {
        let sent = self.out.list.iter().find_map(|effect| match effect {
            Effect::Send(send) => Some(send.payload.clone()),
            _ => None,
        })?;
        self.out.bytes.get(sent)?.get(16..)?.first_chunk::<4>().map(|octets| Ipv4Addr::from(*octets))
    }
}

/// A server as the program builds it.
pub fn build(config: Config, hosts: HostTable, values: &StartUp, store: Store, kept: Kept) -> Server {
    let settings = Settings {
        local_port: 67,
        remote_port: 68,
        limited_broadcast: values.limited_broadcast.unwrap_or(Ipv4Addr::BROADCAST),
        abandon_lease_time: values.abandon_lease_time,
        variables: values.variables.clone(),
    };
    Server::new(Engine::new(Arc::new(config), store, hosts, settings, None), kept)
}

/// What a lease file holds for this configuration.
pub fn load(
    config: &mut Config,
    (name, text): (&str, Vec<u8>),
    wall: Wall,
    say: &mut dyn FnMut(Line),
) -> (Store, Kept) {
    let (mut store, mut kept) = (Store::new(&pools(config)), Kept::default());
    let source = Source::new(name, text, SourceId(0));
    let mut loader = Loader { store: &mut store, kept: &mut kept };
    reader::read(source, wall, config, &mut loader, &mut |line: Line| say(line));
    kept.settle(config);
    store.finish_loading();
    (store, kept)
}

/// A configuration like that of the benchmark.
pub const PLAIN: &str = "authoritative;\nping-check false;\ndhcp-cache-threshold 0;\ndefault-lease-time 3600;\n\
    option domain-name \"example.org\";\noption domain-name-servers 10.255.255.1;\n\
    subnet 10.0.0.0 netmask 255.0.0.0 {\n  option routers 10.255.255.1;\n  range 10.1.0.0 10.1.63.255;\n}\n";

/// A message as a common client sends it: type, host name, what it wants to know, and the address it means.
pub fn message(kind: u8, client: u16, address: Option<Ipv4Addr>) -> Vec<u8> {
    let mut payload = vec![0; 240];
    payload[..4].copy_from_slice(&[1, 1, 6, 0]);
    payload[4..6].copy_from_slice(&client.to_be_bytes());
    payload[28..32].copy_from_slice(&[2, 0, 0, 9]);
    payload[32..34].copy_from_slice(&client.to_be_bytes());
    payload[236..].copy_from_slice(b"\x63\x82\x53\x63");
    payload.extend([53, 1, kind]);
    if let Some(address) = address {
        payload.extend([50, 4]);
        payload.extend(address.octets());
    }
    payload.extend(*b"\x0c\x04host\x37\x04\x01\x03\x06\x0f\xff");
    payload
}
