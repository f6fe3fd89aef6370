//! A failover peer that sends anything: octets into the connection of a secondary that serves, between messages of real
//! pairs, in pieces of any size. It may lose the connection; it may not stop service, nor make memory grow.

use crate::in_process::{Core, START};
use dhcpd::failover::message::Message;
use dhcpd::server::event::{Event, Listener, StreamEvent, StreamId};
use std::net::{Ipv4Addr, SocketAddrV4};

const CONFIGURATION: &str = "ping-check false;
failover peer \"digitalairlines\" { secondary; address 10.0.0.12; port 647; peer address 10.0.0.10; peer port 847;
  max-response-delay 12; load balance max seconds 3; }
subnet 10.0.0.0 netmask 255.255.255.0 {
  pool { failover peer \"digitalairlines\"; deny dynamic bootp clients; range 10.0.0.101 10.0.0.120; } }
subnet 10.1.0.0 netmask 255.255.0.0 { range 10.1.0.1 10.1.3.255; }
shared-network own { subnet 10.2.0.0 netmask 255.255.0.0 { range 10.2.0.1 10.2.255.254; } interface \"s0\"; }
";
const RECORDED: &str = include_str!("../../src/failover/recorded/messages.txt");

/// Messages of real pairs, as of now: each alone, and all of them behind a CONNECT.
pub fn seeds() -> Vec<Vec<u8>> {
    let octets = |text: &str| -> Vec<u8> {
        let octet = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal");
        let mut message: Vec<u8> = (0..text.len()).step_by(2).map(octet).collect();
        message[4..8].copy_from_slice(&(START as u32).to_be_bytes());
        message
    };
    let line = |line: &str| Some(octets(line.rsplit(' ').next()?));
    let all: Vec<Vec<u8>> = RECORDED.lines().filter(|line| !line.starts_with('#')).filter_map(line).collect();
    let is_connect = |message: &&Vec<u8>| message.get(2) == Some(&5);
    let connect = all.iter().find(is_connect).cloned().unwrap_or_default();
    let mut seeds: Vec<Vec<u8>> = all.iter().map(|message| [&connect[..], message].concat()).collect();
    let rest = all.iter().filter(|message| !is_connect(message)).flatten().copied();
    seeds.push(connect.iter().copied().chain(rest).collect());
    seeds.extend(all);
    seeds
}

/// The server, and the number of the next connection.
pub struct Victim {
    core: Core,
    next: u64,
    open: Option<StreamId>,
    /// Clients served so far.
    pub served: u16,
}

impl Default for Victim {
    fn default() -> Self {
        let mut core = Core::new(CONFIGURATION, Ipv4Addr::new(10, 0, 0, 12));
        core.out.clear();
        core.server.start_failover(core.now, 1, &mut core.out);
        Victim { core, next: StreamId::ACCEPTED, open: None, served: 0 }
    }
}

impl Victim {
    fn stream(&mut self, stream: StreamId, event: StreamEvent<'_>) {
        self.core.handle(Event::Stream { stream, event });
        let links = &self.core.server.engine().failover.links;
        self.open = self.open.filter(|open| links.contains_key(&StreamId(open.0)));
    }

    /// One input: through the codec, and into the connection.
    pub fn suffer(&mut self, input: &[u8]) {
        let _ = Message::read(input);
        let stream = match self.open {
            Some(stream) => stream,
            None => {
                let stream = StreamId(self.next);
                self.next += 1;
                self.open = Some(stream);
                let listener = Listener::Failover(SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 12), 647));
                let source = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 10), 40_000);
                self.stream(stream, StreamEvent::Accepted { listener, source });
                stream
            }
        };
        let cut = input.first().map_or(0, |octet| usize::from(*octet)).min(input.len());
        for piece in [&input[..cut], &input[cut..]] {
            if self.open.is_some() {
                self.stream(stream, StreamEvent::Received(piece));
            }
        }
        let sum: u64 = input.iter().map(|octet| u64::from(*octet)).sum();
        self.core.now.mono += sum % 2_000 * 1_000;
        match sum % 8 {
            0..4 => self.core.handle(Event::Durable(self.core.written)),
            4 => self.core.handle(Event::Timer),
            5 if self.open.is_some() => self.stream(stream, StreamEvent::Closed(None)),
            _ => {}
        }
        self.bounds();
    }

    fn bounds(&self) {
        let failover = &self.core.server.engine().failover;
        // The accepted one, and the one that we call with.
        assert!(failover.links.len() <= 2, "{} connections", failover.links.len());
        assert!(failover.links.values().all(|link| link.unread.len() < 2048));
        let relationship = failover.relationships.first().expect("one");
        let waiting = relationship.to_acknowledge.len();
        assert!(waiting <= 1100, "{waiting} updates wait for an acknowledgement");
        assert!(relationship.refused.len() <= 20 && relationship.unacked() <= 20);
        assert!(self.core.server.engine().store.len() <= 20 + usize::from(self.served));
    }

    /// A client of a pool that no peer has a part in is served as ever.
    pub fn serves(&mut self) -> bool {
        self.core.handle(Event::Durable(self.core.written));
        self.served += 1;
        let payload = crate::in_process::message(1, self.served, None);
        self.core.ask(&payload).is_some()
    }
}
