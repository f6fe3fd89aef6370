//! Datagrams on their way out: collected during a turn, sent by as few system calls as their sockets allow, in order.

use super::message;
use super::packet_socket::PacketSocket;
use super::system::{self, Message};
use super::udp::UdpSocket;
use crate::log::Line;
use crate::server::effect::{Route, Send};
use crate::wire::frame::{put_ethernet, put_ip};
use std::io;
use std::net::SocketAddrV4;
use std::ops::Range;

/// The sockets of a server; packet sockets are numbered by `InterfaceId`.
#[derive(Debug)]
pub struct Sockets {
    pub packet: Vec<PacketSocket>,
    pub udp: UdpSocket,
}

/// Which socket a datagram leaves by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    Packet(usize),
    Udp,
}

#[derive(Debug)]
struct Item {
    exit: Exit,
    octets: Range<usize>,
    to: SocketAddrV4,
    /// Where the DHCP payload begins in `octets`.
    payload: usize,
}

/// Reused from turn to turn.
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    items: Vec<Item>,
}

impl Outbox {
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Takes a copy of the payload, with its frame around it where the route is a link.
    pub fn add(&mut self, send: &Send, payload: &[u8], sockets: &Sockets) {
        let start = self.bytes.len();
        let exit = match &send.route {
            Route::Link { interface, hardware } => {
                let at = usize::from(interface.0);
                let Some(socket) = sockets.packet.get(at) else { return };
                put_ethernet(&mut self.bytes, hardware, &socket.hardware.address);
                let source = SocketAddrV4::new(send.source, send.source_port);
                put_ip(&mut self.bytes, source, send.destination, payload);
                Exit::Packet(at)
            }
            Route::Socket { .. } => {
                self.bytes.extend_from_slice(payload);
                Exit::Udp
            }
        };
        let end = self.bytes.len();
        let payload = end - payload.len();
        self.items.push(Item { exit, octets: start..end, to: send.destination, payload });
    }

    /// Sends all of them; what cannot leave now is dropped and said, as a lost packet would be.
    pub fn flush(&mut self, sockets: &Sockets, say: &mut dyn FnMut(Line)) {
        let Outbox { bytes, items } = self;
        for run in items.chunk_by(|a, b| a.exit == b.exit) {
            for piece in run.chunks(system::BATCH) {
                send_piece(piece, bytes, sockets, say);
            }
        }
        items.clear();
        bytes.clear();
    }
}

/// At most one batch for one socket.
fn send_piece(items: &[Item], bytes: &[u8], sockets: &Sockets, say: &mut dyn FnMut(Line)) {
    let Some(exit) = items.first().map(|item| item.exit) else { return };
    let messages: smallvec::SmallVec<[Message<'_>; system::BATCH]> = items
        .iter()
        .map(|item| Message {
            octets: bytes.get(item.octets.clone()).unwrap_or_default(),
            to: (exit == Exit::Udp).then_some(item.to),
        })
        .collect();
    let mut sent = 0;
    while let (Some(rest), Some(first)) = (messages.get(sent..), items.get(sent)) {
        let result = match exit {
            Exit::Packet(at) => sockets.packet.get(at).map_or(Ok(rest.len()), |socket| socket.send(rest)),
            Exit::Udp => sockets.udp.send(rest),
        };
        match result {
            Ok(count) => sent += count.max(1),
            Err(error) => {
                say_failure(&error, first, bytes, sockets, say);
                sent += 1;
            }
        }
    }
}

fn say_failure(error: &io::Error, item: &Item, bytes: &[u8], sockets: &Sockets, say: &mut dyn FnMut(Line)) {
    say(message::send_failed(error));
    let payload = bytes.get(item.payload..item.octets.end).unwrap_or_default();
    let name = match item.exit {
        Exit::Packet(at) => sockets.packet.get(at).map_or("", |socket| socket.name.as_str()),
        Exit::Udp => {
            if error.raw_os_error() == Some(nix::libc::ENETUNREACH) {
                say(message::consult_readme());
            }
            "fallback"
        }
    };
    say(message::not_sent(place(payload, item.exit), payload.len(), name));
}

/// The line of ISC's source that would have sent this payload. It follows from what the payload is and how it leaves.
fn place(payload: &[u8], exit: Exit) -> &'static str {
    let octets = |range: Range<usize>| payload.get(range).unwrap_or_default();
    let zero = |range: Range<usize>| octets(range).iter().all(|octet| *octet == 0);
    let (yiaddr, giaddr) = (16..20, 24..28);
    match (message_type(payload), exit) {
        (None, Exit::Udp) => "bootp.c:424",
        (None, Exit::Packet(_)) => "bootp.c:452",
        (Some(NAK), Exit::Udp) => "dhcp.c:1986",
        (Some(NAK), Exit::Packet(_)) => "dhcp.c:2003",
        // An answer to INFORM assigns nothing.
        (Some(ACK), Exit::Udp) if zero(yiaddr) => "dhcp.c:1756",
        (Some(_), Exit::Udp) if !zero(giaddr) => "dhcp.c:4093",
        (Some(_), Exit::Udp) => "dhcp.c:4131",
        (Some(_), Exit::Packet(_)) => "dhcp.c:4164",
    }
}

const ACK: u8 = 5;
const NAK: u8 = 6;

/// Option 53, which this server puts first.
fn message_type(payload: &[u8]) -> Option<u8> {
    match payload.get(236..243)? {
        [99, 130, 83, 99, 53, 1, kind] => Some(*kind),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn sockets() -> Sockets {
        let udp = UdpSocket::open(Ipv4Addr::LOCALHOST, 0).expect("a UDP socket");
        Sockets { packet: Vec::new(), udp }
    }

    fn send(to: SocketAddrV4, payload: Range<usize>) -> Send {
        Send {
            route: Route::Socket { interface: None },
            source: Ipv4Addr::LOCALHOST,
            source_port: 67,
            destination: to,
            payload,
        }
    }

    #[test]
    fn many_datagrams_leave_in_order() {
        let receiver = std::net::UdpSocket::bind("127.0.0.1:0").expect("bound");
        receiver.set_read_timeout(Some(std::time::Duration::from_secs(5))).expect("set");
        let Ok(std::net::SocketAddr::V4(to)) = receiver.local_addr() else { panic!("IPv4") };
        let sockets = sockets();
        let mut outbox = Outbox::default();
        for number in 0..150u8 {
            outbox.add(&send(to, 0..1), &[number], &sockets);
        }
        let mut said = Vec::new();
        outbox.flush(&sockets, &mut |line| said.push(line));
        assert!(outbox.is_empty());
        assert_eq!(said, []);
        let mut buffer = [0; 16];
        for number in 0..150u8 {
            let length = receiver.recv(&mut buffer).expect("a datagram");
            assert_eq!(buffer[..length], [number]);
        }
    }

    #[test]
    fn what_cannot_be_sent_is_said_in_iscs_words_and_the_rest_leaves() {
        let receiver = std::net::UdpSocket::bind("127.0.0.1:0").expect("bound");
        receiver.set_read_timeout(Some(std::time::Duration::from_secs(5))).expect("set");
        let Ok(std::net::SocketAddr::V4(to)) = receiver.local_addr() else { panic!("IPv4") };
        let sockets = sockets();
        let mut outbox = Outbox::default();
        // Broadcast is not allowed on this socket, as on ISC's.
        let broadcast = SocketAddrV4::new(Ipv4Addr::BROADCAST, 68);
        outbox.add(&send(to, 0..1), &[1], &sockets);
        outbox.add(&send(broadcast, 0..300), &[0; 300], &sockets);
        outbox.add(&send(to, 0..1), &[2], &sockets);
        let mut said = Vec::new();
        outbox.flush(&sockets, &mut |line| said.push(line));
        let expected = [
            "send_packet: Permission denied",
            "bootp.c:424: Failed to send 300 byte long packet over fallback interface.",
        ];
        assert_eq!(said, expected.map(Line::error));
        let mut buffer = [0; 16];
        for number in [1, 2] {
            let length = receiver.recv(&mut buffer).expect("a datagram");
            assert_eq!(buffer[..length], [number]);
        }
    }

    #[test]
    fn places_follow_from_the_payload() {
        let mut payload = [0; 300];
        payload[236..243].copy_from_slice(&[99, 130, 83, 99, 53, 1, 2]);
        assert_eq!(place(&payload, Exit::Packet(0)), "dhcp.c:4164");
        assert_eq!(place(&payload, Exit::Udp), "dhcp.c:4131");
        payload[24] = 10;
        assert_eq!(place(&payload, Exit::Udp), "dhcp.c:4093");
        payload[242] = ACK;
        assert_eq!(place(&payload, Exit::Udp), "dhcp.c:1756");
    }
}
