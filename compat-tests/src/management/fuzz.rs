//! Any octets into the OMAPI of a core that lives on, and what it writes to the lease file into a reader: nothing panics, and
//! every record that is written is read back without a complaint.

use super::{message, values};
use crate::in_process::{Core, START};
use dhcpd::config::{Config, Family, Input, parse};
use dhcpd::lease::store::Store;
use dhcpd::lease_file::reader;
use dhcpd::log::Line;
use dhcpd::server::effect::{Effect, StreamId};
use dhcpd::server::event::{Event, Listener, StreamEvent};
use dhcpd::server::management::Settings;
use dhcpd::syntax::source::{Source, SourceId};
use dhcpd::transition::load::{Kept, Loader, pools};
use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddrV4};

const CONFIGURATION: &str = "omapi-port 7911; ping-check false; default-lease-time 60;
    group staff { option domain-name \"staff\"; } class \"c\" { match hardware; lease limit 4; }
    host h { hardware ethernet 02:00:00:00:00:07; fixed-address 10.9.0.50; }
    subnet 10.9.0.0 netmask 255.255.255.0 { range 10.9.0.100 10.9.0.109; }";

struct Managed {
    core: Core,
    /// The configuration as it was, with what the records made of it.
    copy: Config,
    stream: u64,
    runs: u64,
}

/// Names and octets.
type Pairs = &'static [(&'static str, &'static [u8])];

thread_local!(static MANAGED: RefCell<Managed> = RefCell::new(Managed::new()));

/// Octets that a client sends behind its greeting.
pub fn octets(input: &[u8]) {
    MANAGED.with_borrow_mut(|managed| managed.run(input));
}

/// One of each operation for each type of object.
pub fn seeds() -> Vec<Vec<u8>> {
    let one = 1u32.to_be_bytes();
    let create: [(&str, &[u8]); 2] = [("create", &one), ("exclusive", &one)];
    let objects: [(&str, Pairs); 10] = [
        (
            "host",
            &[
                ("name", b"alpha"),
                ("hardware-address", b"\x02\0\0\0\0\x01"),
                ("hardware-type", b"\0\0\0\x01"),
                ("ip-address", &[10, 9, 0, 60]),
                ("statements", b"option domain-name \"x\"; filename \"f\";"),
            ],
        ),
        ("host", &[("name", b"beta"), ("dhcp-client-identifier", b"beta"), ("group", b"staff")]),
        ("host", &[("dhcp-client-identifier", b"\x01\x02\x03"), ("known", b"\0\0\0\x01")]),
        ("group", &[("name", b"g"), ("statements", b"if exists host-name { filename \"g\"; }")]),
        ("class", &[("name", b"k"), ("match", b"hardware")]),
        ("subclass", &[("name", b"c"), ("hashstring", b"\x01\x02\0\0\0\0\x01")]),
        ("lease", &[("ip-address", &[10, 9, 0, 100])]),
        ("control", &[]),
        ("interface", &[("name", b"s0")]),
        ("pool", &[("name", b"p")]),
    ];
    let mut seeds = Vec::new();
    for (number, (kind, object)) in objects.iter().enumerate() {
        let own: Vec<(&str, &[u8])> = std::iter::once(("type", kind.as_bytes())).chain(create).collect();
        let id = number as u32 + 2;
        let make = message(1, 0, id, &values(&own), &values(object));
        let look = message(1, 0, id, &values(&own[..1]), &values(&object[..object.len().min(1)]));
        seeds.push([make.clone(), look.clone(), message(6, id, id, &values(&[]), &values(&[]))].concat());
        seeds.push([look, message(2, 1, id, &values(&[]), &values(&[]))].concat());
    }
    let sets: [(&str, &[u8]); 8] = [
        ("state", &[0, 0, 0, 2]),
        ("ends", &[0x70, 0, 0, 0]),
        ("flags", &[4]),
        ("colour", b"blue"),
        ("tstp", b"x"),
        ("name", b"other"),
        ("ip-address", b""),
        ("statements", b"} host evil {"),
    ];
    for handle in 1..6 {
        for set in &sets {
            seeds.push(message(3, handle, 9, &values(&[]), &values(&[*set])));
        }
    }
    seeds
}

fn configuration() -> Config {
    let input = Input { name: "C", text: CONFIGURATION.into(), family: Family::V4, interfaces: &[] };
    let mut none = |_: &str| Err(std::io::Error::other("no includes"));
    parse(input, &mut none, &mut |line: Line| panic!("{}", line.text)).expect("a good configuration")
}

impl Managed {
    fn new() -> Managed {
        let mut core = Core::new(CONFIGURATION, Ipv4Addr::new(10, 9, 0, 1));
        core.out.clear();
        core.server.offer_omapi(Settings { port: 7911, key: None, seed: 1 }, &mut core.out);
        Managed { core, copy: configuration(), stream: StreamId::ACCEPTED, runs: 0 }
    }

    fn run(&mut self, input: &[u8]) {
        self.runs += 1;
        if self.runs.is_multiple_of(2_000) {
            *self = Managed::new();
        }
        self.stream += 1;
        self.core.now.mono += 1_000_000;
        self.core.now.wall = START + (self.core.now.mono / 1_000_000) as i64;
        let source = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1000);
        self.event(StreamEvent::Accepted { listener: Listener::Omapi, source });
        self.event(StreamEvent::Received(&[0, 0, 0, 100, 0, 0, 0, 24]));
        let middle = input.len() / 2;
        let (first, second) = input.split_at(middle);
        for piece in [first, second] {
            self.event(StreamEvent::Received(piece));
        }
        self.core.handle(Event::Durable(self.core.written));
        self.event(StreamEvent::Closed(None));
        let hosts = self.core.server.engine().config.hosts.iter().count();
        assert!(hosts < 10_000, "{hosts} hosts");
    }

    fn event(&mut self, event: StreamEvent<'_>) {
        self.core.handle(Event::Stream { stream: StreamId(self.stream), event });
        let mut records = Vec::new();
        let mut ended = false;
        for effect in &self.core.out.list {
            match effect {
                Effect::Append { record, .. } => {
                    records.extend_from_slice(self.core.out.bytes.get(record.clone()).unwrap_or_default());
                }
                Effect::Exit(_) => ended = true,
                _ => {}
            }
        }
        self.read_back(&records);
        if ended {
            *self = Managed { stream: self.stream, runs: self.runs, ..Managed::new() };
        }
    }

    /// As the next start would, after everything before it.
    fn read_back(&mut self, records: &[u8]) {
        if records.is_empty() {
            return;
        }
        let mut store = Store::new(&pools(&self.copy));
        let mut kept = Kept::new(&self.copy);
        let mut loader = Loader { store: &mut store, kept: &mut kept };
        let source = Source::new("F", records, SourceId(1));
        let mut complaints = Vec::new();
        let mut say = |line: Line| complaints.push(line.text);
        let outcome = reader::read(source, self.core.now.wall, &mut self.copy, &mut loader, &mut say);
        // Two ways to name a client, of which one counts, are no damage; and ISC's reader stumbles over ISC's own record of a
        // group that is gone, without harm.
        let text = String::from_utf8_lossy(records);
        let gone = text.contains("group ") && text.contains("  deleted;");
        complaints.retain(|text| !text.contains("already has uid"));
        if gone {
            complaints.clear();
        }
        assert!(
            complaints.is_empty() && outcome.rejected.is_empty(),
            "{complaints:?}\n{}",
            String::from_utf8_lossy(records)
        );
    }
}
