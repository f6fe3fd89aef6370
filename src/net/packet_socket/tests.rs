//! Frames over a veth pair, in a network namespace of the test's own. The outer test runs this program again inside it.

use super::*;
use crate::net::outbox::{Outbox, Sockets};
use crate::net::udp::UdpSocket;
use crate::server::effect::{Route, Send};
use crate::server::event::InterfaceId;
use crate::wire::frame::{put_ethernet, put_ip};
use socket2::{Domain, Protocol, Socket, Type};
use std::os::fd::AsFd;
use std::process::Command;
use std::time::Instant;

const INNER: &str = "net::packet_socket::tests::inner";

#[test]
fn over_a_veth_pair() {
    if !nix::unistd::geteuid().is_root() {
        println!("skipped: network namespaces need root");
        return;
    }
    let program = std::env::current_exe().expect("the test program's own path");
    let output = Command::new("unshare")
        .arg("--net")
        .arg(program)
        .args(["--exact", INNER, "--ignored", "--test-threads=1"])
        .output()
        .expect("unshare ran");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status().expect("ip ran");
    assert!(status.success(), "ip {arguments}");
}

/// The far end: writes whole frames, reads whatever comes.
struct Wire(Socket);

impl Wire {
    fn open(name: &str) -> Wire {
        let socket = Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(0))).expect("a socket");
        let index = nix::net::if_::if_nametoindex(name).expect("an index");
        system::bind_link(socket.as_fd(), index).expect("bound");
        socket.set_read_timeout(Some(Duration::from_secs(2))).expect("set");
        Wire(socket)
    }

    fn write(&self, frame: &[u8]) {
        self.0.send(frame).expect("sent");
    }

    fn read(&self) -> Vec<u8> {
        use std::io::Read;
        let mut buffer = vec![0; 2048];
        let length = (&self.0).read(&mut buffer).expect("a frame");
        buffer.truncate(length);
        buffer
    }
}

const CLIENT: [u8; 6] = [2, 0, 0, 0, 0, 9];

fn request_frame(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    put_ethernet(&mut frame, &[0xff; 6], &CLIENT);
    let source = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68);
    put_ip(&mut frame, source, SocketAddrV4::new(Ipv4Addr::BROADCAST, port), payload);
    frame
}

/// One batch, of which all may be left out; false when there is nothing.
fn read(socket: &PacketSocket, batch: &mut Batch) -> bool {
    batch.clear();
    let mut some = false;
    for result in [socket.receive(batch, BATCH), socket.receive_discovers(batch, BATCH)] {
        match result {
            Ok(_) => some = true,
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
    }
    some
}

/// Payloads that come in until there are so many or nothing comes for a while.
fn receive(socket: &PacketSocket, wanted: usize, said: &mut Vec<Line>) -> Vec<Vec<u8>> {
    let mut batch = Batch::default();
    let mut payloads = Vec::new();
    let mut quiet = Instant::now();
    while payloads.len() < wanted && quiet.elapsed() < Duration::from_millis(300) {
        if !read(socket, &mut batch) {
            std::thread::sleep(Duration::from_millis(1));
        }
        for at in 0..batch.count() {
            quiet = Instant::now();
            if let Some(received) = batch.datagram(at, &mut |line| said.push(line)) {
                payloads.push(received.payload.to_vec());
            }
        }
    }
    payloads
}

#[test]
#[ignore = "runs inside the namespace that `over_a_veth_pair` makes"]
fn inner() {
    ip("link add va type veth peer name vb");
    ip("link set va up");
    ip("link set vb up");
    let socket = PacketSocket::open("va", 67).expect("opened");
    let wire = Wire::open("vb");
    only_what_is_ours(&socket, &wire);
    checksums(&socket, &wire);
    bursts_are_kept(&socket, &wire);
    a_few_are_served_as_they_come_and_a_flood_with_discovers_last(&socket, &wire);
    discovers_that_came_long_ago_are_left_out(&socket, &wire);
    a_queue_is_as_long_as_can_be_served(&socket, &wire);
    frames_out(socket, &wire);
}

fn only_what_is_ours(socket: &PacketSocket, wire: &Wire) {
    let request = [&[1u8][..], &[0; 299]].concat();
    let mut tagged = request_frame(67, &request);
    tagged.splice(12..12, [0x81, 0, 0, 5]);
    let mut fragment = request_frame(67, &request);
    fragment[20] = 0x20;
    fragment[21] = 1;
    for frame in [&request_frame(68, &request), &tagged, &fragment, &request_frame(67, &[])] {
        wire.write(frame);
    }
    wire.write(&request_frame(67, &request));
    let mut said = Vec::new();
    assert_eq!(receive(socket, 2, &mut said), std::slice::from_ref(&request));
    let mut batch = Batch::default();
    wire.write(&request_frame(67, &request));
    while !read(socket, &mut batch) {}
    let received = batch.datagram(0, &mut |_| ()).expect("a datagram");
    assert_eq!(received.link_source, CLIENT);
    assert_eq!(received.source, SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68));
    assert_eq!(received.destination, Ipv4Addr::BROADCAST);
}

fn checksums(socket: &PacketSocket, wire: &Wire) {
    let request = [&[1u8][..], &[7; 299]].concat();
    let mut bad = request_frame(67, &request);
    bad[100] ^= 1;
    let mut said = Vec::new();
    for _ in 0..5 {
        wire.write(&bad);
    }
    assert!(receive(socket, 1, &mut said).is_empty());
    assert_eq!(said, [Line::debug("5 bad udp checksums in 5 packets")]);
    // The kernel leaves the checksum of what it sends over a veth to the hardware, which is not there.
    let sender = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).expect("a socket");
    sender.set_broadcast(true).expect("set");
    sender.bind_device(Some(b"vb")).expect("bound");
    ip("addr add 192.0.2.2/24 dev vb");
    sender.send_to(&request, &SocketAddrV4::new(Ipv4Addr::BROADCAST, 67).into()).expect("sent");
    assert_eq!(receive(socket, 1, &mut said), [request]);
}

fn bursts_are_kept(socket: &PacketSocket, wire: &Wire) {
    let frame = request_frame(67, &[&[1u8][..], &[0; 299]].concat());
    for _ in 0..5000 {
        wire.write(&frame);
    }
    assert_eq!(receive(socket, 5000, &mut Vec::new()).len(), 5000);
}

/// A message of this type from this client.
fn message(kind: u8, client: u16) -> Vec<u8> {
    let mut payload = [&[1u8, 1, 6, 0][..], &[0; 296]].concat();
    payload[28..30].copy_from_slice(&client.to_be_bytes());
    payload[236..244].copy_from_slice(&[99, 130, 83, 99, 53, 1, kind, 255]);
    payload
}

/// Type and client of what one reading gives.
fn served(socket: &PacketSocket, batch: &mut Batch) -> Vec<(u8, u16)> {
    assert!(read(socket, batch));
    let mut list = Vec::new();
    for at in 0..batch.count() {
        let payload = batch.datagram(at, &mut |_| ()).expect("a datagram").payload;
        list.push((payload[242], u16::from_be_bytes([payload[28], payload[29]])));
    }
    list
}

fn a_few_are_served_as_they_come_and_a_flood_with_discovers_last(socket: &PacketSocket, wire: &Wire) {
    let mut batch = Batch::default();
    for (kind, client) in [(1, 1), (3, 2), (1, 1), (7, 3)] {
        wire.write(&request_frame(67, &message(kind, client)));
    }
    assert_eq!(served(socket, &mut batch), [(1, 1), (3, 2), (1, 1), (7, 3)]);
    for client in 0..200 {
        wire.write(&request_frame(67, &message(1, client / 2)));
        wire.write(&request_frame(67, &message(3, client)));
    }
    let list = served(socket, &mut batch);
    let requests: Vec<_> = (0..64).map(|client| (3, client)).collect();
    assert_eq!(list[..64], requests);
    // Nobody waits for ever; who asks twice is served once.
    assert_eq!(list[64..], [(1, 0), (1, 1), (1, 2), (1, 3)]);
    while read(socket, &mut batch) {}
}

/// A flood that stood for long is passed over, up to the fresh ones behind it.
fn discovers_that_came_long_ago_are_left_out(socket: &PacketSocket, wire: &Wire) {
    (0..300).for_each(|client| wire.write(&request_frame(67, &message(1, client))));
    wire.write(&request_frame(67, &message(3, 1)));
    std::thread::sleep(Duration::from_millis(1100));
    (300..500).for_each(|client| wire.write(&request_frame(67, &message(1, client))));
    let mut batch = Batch::default();
    let mut list = Vec::new();
    while list.len() < 40 {
        list.extend(served(socket, &mut batch));
    }
    assert_eq!(list[0], (3, 1));
    assert!(list[1..].iter().all(|(kind, client)| *kind == 1 && *client >= 300), "{list:?}");
    while read(socket, &mut batch) {}
}

/// What has waited too long is not kept waiting behind it: the queue is made shorter, and grows again when it is empty.
fn a_queue_is_as_long_as_can_be_served(socket: &PacketSocket, wire: &Wire) {
    let flood = || (0..8000).for_each(|n| wire.write(&request_frame(67, &message(1, n))));
    let mut batch = Batch::default();
    for _ in 0..8 {
        flood();
        std::thread::sleep(Duration::from_millis(300));
        assert!(read(socket, &mut batch));
    }
    let mut left = 0;
    while read(socket, &mut batch) {
        left += batch.count();
    }
    flood();
    let short = receive(socket, 8000, &mut Vec::new()).len();
    assert!(short < 1000, "{short} of 8000 were kept, {left} before");
    for _ in 0..8 {
        std::thread::sleep(Duration::from_millis(300));
        wire.write(&request_frame(67, &message(1, 1)));
        while !read(socket, &mut batch) {}
    }
    flood();
    assert_eq!(receive(socket, 8000, &mut Vec::new()).len(), 8000);
}

fn frames_out(socket: PacketSocket, wire: &Wire) {
    let udp = UdpSocket::open(Ipv4Addr::UNSPECIFIED, 6700).expect("opened");
    let own = socket.hardware.address;
    let sockets = Sockets { packet: vec![socket], udp };
    // What was read from and written to the wire so far.
    wire.0.set_nonblocking(true).expect("set");
    let mut sink = [0; 2048];
    while io::Read::read(&mut &wire.0, &mut sink).is_ok() {}
    wire.0.set_nonblocking(false).expect("set");
    let mut outbox = Outbox::default();
    let send = |to: Ipv4Addr, port: u16| Send {
        route: Route::Link { interface: InterfaceId(0), hardware: CLIENT[..].into() },
        source: Ipv4Addr::new(192, 0, 2, 1),
        source_port: 67,
        destination: SocketAddrV4::new(to, port),
        payload: 0..4,
    };
    outbox.add(&send(Ipv4Addr::new(192, 0, 2, 77), 68), b"abcd", &sockets);
    let mut said = Vec::new();
    outbox.flush(&sockets, &mut |line| said.push(line));
    assert_eq!(said, []);
    let frame = wire.read();
    assert_eq!(frame[..14], [&CLIENT[..], &own, &[8, 0]].concat());
    assert!(frame.ends_with(b"abcd"));
    // Of what others on this machine send, a reply to a relay's port is not read, a client's request is.
    let reply = [&[2u8][..], &[0; 299]].concat();
    let request = [&[1u8][..], &[0; 299]].concat();
    let neighbour = Wire::open("va");
    neighbour.write(&request_frame(67, &reply));
    neighbour.write(&request_frame(67, &request));
    let [socket] = &sockets.packet[..] else { panic!("one socket") };
    assert_eq!(receive(socket, 2, &mut said), [request]);
    ip("link set va down");
    outbox.add(&send(Ipv4Addr::BROADCAST, 68), &reply, &sockets);
    outbox.flush(&sockets, &mut |line| said.push(line));
    let expected = [
        "send_packet: Network is down",
        "bootp.c:452: Failed to send 300 byte long packet over va interface.",
    ];
    assert_eq!(said, expected.map(Line::error));
}
