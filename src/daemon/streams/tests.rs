//! Real sockets on loopback, without the loop.

use super::*;
use crate::stream::Wanted;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener as StdListener, TcpStream as StdStream};
use std::time::Duration;

fn run(test: impl AsyncFnOnce()) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a current-thread runtime");
    runtime.block_on(test());
}

/// A free port: bound once and given back.
fn free_port() -> SocketAddrV4 {
    let socket = StdListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    SocketAddrV4::new(Ipv4Addr::LOCALHOST, socket.local_addr().expect("its address").port())
}

fn listening(address: SocketAddrV4) -> Streams {
    let wanted = Wanted { listener: Listener::Omapi, address, peer: String::new() };
    Streams::new(open(vec![wanted]), Answers::default()).expect("streams")
}

async fn next(streams: &mut Streams) -> Happened {
    loop {
        if let Some(happened) = streams.next(&mut Share::default()) {
            return happened;
        }
        tokio::time::timeout(Duration::from_secs(5), streams.ready()).await.expect("something happens");
    }
}

async fn received(streams: &mut Streams, length: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while all.len() < length {
        match next(streams).await.event() {
            StreamEvent::Received(octets) => all.extend_from_slice(octets),
            other => panic!("{other:?}"),
        }
    }
    all
}

#[test]
fn a_caller_is_let_in_heard_and_answered() {
    run(async || {
        let address = free_port();
        let mut streams = listening(address);
        let mut caller = StdStream::connect(address).expect("connected");
        caller.write_all(b"question").expect("written");
        let accepted = next(&mut streams).await;
        assert!(matches!(accepted.event(), StreamEvent::Accepted { listener: Listener::Omapi, .. }));
        assert_eq!(accepted.stream, StreamId(StreamId::ACCEPTED));
        assert_eq!(received(&mut streams, 8).await, b"question");
        streams.carry_out(accepted.stream, &StreamEffect::Write(0..6), b"answer");
        streams.carry_out(accepted.stream, &StreamEffect::Close, &[]);
        let answer = tokio::task::spawn_blocking(move || {
            let mut answer = Vec::new();
            caller.read_to_end(&mut answer).map(|_| answer)
        });
        assert_eq!(answer.await.expect("joined").expect("read"), b"answer");
        // What the other side does after that is nobody's business.
        assert!(streams.next(&mut Share::default()).is_none());
    });
}

#[test]
fn a_connection_goes_out_and_its_end_is_told_once() {
    run(async || {
        let address = free_port();
        let mut streams = listening(address);
        let out = StreamId(1);
        let local = SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, 2), 0);
        streams.carry_out(out, &StreamEffect::Connect { local, remote: address }, &[]);
        let (mut source, mut accepted, mut connected) = (None, None, false);
        while source.is_none() || !connected {
            let happened = next(&mut streams).await;
            match happened.event() {
                StreamEvent::Accepted { source: from, .. } => {
                    (source, accepted) = (Some(*from.ip()), Some(happened.stream));
                }
                StreamEvent::Connected => connected = happened.stream == out,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(source, Some(*local.ip()));
        streams.carry_out(accepted.expect("accepted"), &StreamEffect::Abort, &[]);
        let end = next(&mut streams).await;
        assert!(matches!(end.event(), StreamEvent::Closed(_)) && end.stream == out);
        assert!(streams.open.is_empty());
    });
}

#[test]
fn what_cannot_be_reached_is_told_from_what_this_machine_lacks() {
    run(async || {
        let nobody = free_port();
        let mut streams = Streams::new(Listeners::default(), Answers::default()).expect("streams");
        let local = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
        streams.carry_out(StreamId(1), &StreamEffect::Connect { local, remote: nobody }, &[]);
        let refused = next(&mut streams).await;
        let expected = ErrorKind::ConnectionRefused;
        assert!(matches!(refused.event(),
            StreamEvent::ConnectFailed { error, is_local: false } if error == expected));
        let foreign = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 0);
        streams.carry_out(StreamId(2), &StreamEffect::Connect { local: foreign, remote: nobody }, &[]);
        let lacking = next(&mut streams).await;
        let expected = ErrorKind::AddrNotAvailable;
        assert!(matches!(lacking.event(),
            StreamEvent::ConnectFailed { error, is_local: true } if error == expected));
    });
}

#[test]
fn a_flood_waits_outside_and_a_turn_takes_its_share() {
    run(async || {
        let address = free_port();
        let mut streams = listening(address);
        let mut caller = StdStream::connect(address).expect("connected");
        caller.set_nonblocking(true).expect("nonblocking");
        assert!(matches!(next(&mut streams).await.event(), StreamEvent::Accepted { .. }));
        let zeros = [0; 65_536];
        let mut sent = 0;
        for _ in 0..2000 {
            sent += caller.write(&zeros).unwrap_or(0);
            tokio::task::yield_now().await;
        }
        // What the kernel's buffers and ours hold, and not the 130 MB that were offered.
        assert!(sent < 32 << 20, "{sent}");
        let (mut share, mut taken) = (Share::default(), 0);
        while let Some(happened) = streams.next(&mut share) {
            if let StreamEvent::Received(octets) = happened.event() {
                taken += octets.len();
            }
        }
        assert!((1..TURN_OCTETS + READ).contains(&taken), "{taken}");
    });
}

#[test]
fn who_reads_nothing_is_dropped_at_the_bound() {
    run(async || {
        let address = free_port();
        let mut streams = listening(address);
        let _caller = StdStream::connect(address).expect("connected");
        let stream = next(&mut streams).await.stream;
        let chunk = vec![0; 1 << 20];
        for _ in 0..100 {
            streams.carry_out(stream, &StreamEffect::Write(0..chunk.len()), &chunk);
            tokio::task::yield_now().await;
        }
        let end = next(&mut streams).await;
        assert!(matches!(end.event(), StreamEvent::Closed(Some(ErrorKind::WouldBlock))));
        assert!(streams.open.is_empty());
    });
}
