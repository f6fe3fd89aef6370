use super::*;
use crate::log::Line;
use crate::server::effect::{Effect, Effects, Route, Send};
use crate::server::event::{Event, InterfaceId};
use crate::stream::{Listener, StreamEffect, StreamEvent, StreamId};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddrV4};

const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);
const SOCKET: SocketAddrV4 = SocketAddrV4::new(ADDRESS, 67);

fn every_event() -> Vec<Event<'static>> {
    let stream = |event| Event::Stream { stream: StreamId(7), event };
    vec![
        Event::Datagram {
            interface: Some(InterfaceId(3)),
            source: SOCKET,
            destination: Ipv4Addr::BROADCAST,
            link_source: b"\x02\0\0\0\0\x01",
            payload: b"payload",
        },
        Event::Datagram {
            interface: None,
            source: SOCKET,
            destination: ADDRESS,
            link_source: b"",
            payload: b"",
        },
        Event::EchoReply(ADDRESS),
        Event::Durable(u64::MAX),
        Event::JournalFailed("no space".into()),
        Event::RewriteDone(Ok(())),
        Event::RewriteDone(Err("read-only".into())),
        Event::Timer,
        Event::HostNames([("ns.example".into(), [10, 0, 0, 1].into())].into_iter().collect()),
        Event::NameFound { address: ADDRESS, name: Some(b"host".as_slice().into()) },
        Event::NameFound { address: ADDRESS, name: None },
        stream(StreamEvent::Accepted { listener: Listener::Omapi, source: SOCKET }),
        stream(StreamEvent::Accepted { listener: Listener::Failover(SOCKET), source: SOCKET }),
        stream(StreamEvent::Connected),
        stream(StreamEvent::ConnectFailed { error: ErrorKind::ConnectionRefused, is_local: true }),
        stream(StreamEvent::Received(b"octets")),
        stream(StreamEvent::Closed(None)),
        stream(StreamEvent::Closed(Some(ErrorKind::TimedOut))),
        Event::Say(Line::debug("a line")),
        Event::ClockSet(-3600),
        Event::Shutdown,
    ]
}

fn every_effect() -> Effects {
    let send = |route| {
        Effect::Send(Send { route, source: ADDRESS, source_port: 67, destination: SOCKET, payload: 0..3 })
    };
    let stream = |effect| Effect::Stream { stream: StreamId(1), effect };
    Effects {
        list: vec![
            send(Route::Link { interface: InterfaceId(1), hardware: [2, 0].as_slice().into() }),
            send(Route::Socket { interface: None }),
            Effect::Append { sequence: 5, record: 3..6 },
            Effect::Log(Line::info("text")),
            Effect::Ping(ADDRESS),
            Effect::FindName(ADDRESS),
            Effect::RewriteBegin,
            Effect::RewriteChunk(0..6),
            Effect::RewriteEnd,
            stream(StreamEffect::Connect { local: SOCKET, remote: SOCKET }),
            stream(StreamEffect::Write(0..2)),
            stream(StreamEffect::WriteOnceDurable { sequence: 5, octets: 2..4 }),
            stream(StreamEffect::Close),
            stream(StreamEffect::Abort),
            Effect::Execute(vec![b"/bin/true".to_vec(), b"one".to_vec()]),
            Effect::Exit(1),
        ],
        bytes: b"abcdef".to_vec(),
        ..Effects::default()
    }
}

fn encoded(effects: &Effects) -> Vec<u8> {
    let mut out = Vec::new();
    super::effects(&mut out, effects, 0, |_| {});
    out
}

#[test]
fn every_event_comes_back() {
    for event in every_event() {
        let mut out = Vec::new();
        put_event(&mut out, &event);
        let mut octets = Octets::new(&out);
        let read = super::event(&mut octets).expect("an event");
        assert_eq!(format!("{read:?}"), format!("{event:?}"));
        assert_eq!(octets.end(), Ok(()));
        for length in 0..out.len() {
            assert!(super::event(&mut Octets::new(out.get(..length).unwrap_or_default())).is_err());
        }
    }
}

#[test]
fn every_effect_differs_from_every_other_and_has_words() {
    let mut seen = std::collections::HashSet::new();
    let all = every_effect();
    let octets = encoded(&all);
    assert_eq!(first_difference(&octets, &octets), None);
    let mut list = Octets::new(&octets);
    while let Ok(one) = list.octets() {
        let words = describe(one);
        assert!(!words.starts_with("no effect"), "{words}");
        assert!(seen.insert(words));
    }
    assert_eq!(seen.len(), all.list.len());
}

#[test]
fn the_first_difference_is_shown() {
    let mut other = every_effect();
    let one = encoded(&other);
    other.list.truncate(4);
    let (recorded, replayed) = first_difference(&one, &encoded(&other)).expect("a difference");
    assert_eq!((recorded.as_deref(), replayed), (Some("ping 10.0.0.9"), None));
    other.bytes[3..6].copy_from_slice(b"xyz");
    let (recorded, replayed) = first_difference(&one, &encoded(&other)).expect("a difference");
    assert_eq!(recorded.as_deref(), Some("append record 5: def"));
    assert_eq!(replayed.as_deref(), Some("append record 5: xyz"));
}

/// The comment of a rewritten file names the version that wrote it.
#[test]
fn comments_do_not_count() {
    let effects = |text: &str| {
        let list = vec![Effect::RewriteChunk(0..text.len())];
        encoded(&Effects { list, bytes: text.as_bytes().to_vec(), ..Effects::default() })
    };
    assert_eq!(effects("# one\nlease\n"), effects("# another\nlease\n"));
    assert_ne!(effects("lease a\n"), effects("lease b\n"));
}

#[test]
fn frames_and_heads() {
    assert_eq!(check_head(&head()), Ok(()));
    assert_eq!(check_head(b"dHCp\0\0\0\x01"), Err(NoRecording::Isc));
    assert_eq!(check_head(b"dhcpd-rs recording\n\0\x02"), Err(NoRecording::Newer(2)));
    assert_eq!(check_head(b""), Err(NoRecording::Other));
    let mut out = Vec::new();
    frame(&mut out, kind::EVENT, |body| body.extend_from_slice(b"body"));
    let (head, rest) = out.split_first_chunk::<5>().expect("a head");
    assert_eq!(frame_head(*head), Ok((4, kind::EVENT)));
    assert_eq!(frame_body(*head, rest), Ok(&b"body"[..]));
    assert_eq!(out.len(), 4 + FRAME_AROUND);
    assert!(frame_head([255, 255, 255, 255, 1]).is_err());
    for at in 0..rest.len() {
        let mut damaged = rest.to_vec();
        damaged[at] ^= 1;
        assert!(frame_body(*head, &damaged).is_err());
    }
}
