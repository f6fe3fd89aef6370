//! Property tests, and the fuzz targets driven with a fixed number of mutations.

use super::dhcp4::{self, Header, Message, Met, Refused};
use super::option_area::{Fault, Malformed, Options, Shape, put};
use super::{frame, icmp};
use proptest::prelude::*;
use std::net::{Ipv4Addr, SocketAddrV4};

fn message(options: &[(u8, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    Header { op: dhcp4::BOOTREQUEST, htype: 1, hlen: 6, xid: 0x01020304, ..Header::default() }
        .write(&mut out);
    out.extend(dhcp4::COOKIE);
    options.iter().for_each(|(code, value)| put(&mut out, Shape::DHCP, u32::from(*code), value));
    out.push(255);
    out
}

#[test]
fn pieces_are_joined_and_their_order_is_kept() {
    let bytes = message(&[(53, &[1]), (60, b"ab"), (55, &[1, 3]), (60, b""), (60, b"c")]);
    let view = Message::decode(&bytes).unwrap();
    assert_eq!(view.message_type(), 1);
    assert_eq!(view.options().map(|(code, _)| code).collect::<Vec<_>>(), [53, 60, 55, 60, 60]);
    let mut joined = Vec::new();
    assert_eq!(view.option(60, &mut joined), Some(&b"abc"[..]));
    assert_eq!(view.option(55, &mut joined), Some(&[1, 3][..]));
    assert_eq!(view.option(61, &mut joined), None);
}

#[test]
fn overloaded_fields_follow_the_option_area() {
    let mut bytes = message(&[(52, &[3]), (53, &[1])]);
    bytes[dhcp4::FILE..dhcp4::FILE + 4].copy_from_slice(&[12, 1, b'f', 255]);
    bytes[dhcp4::SNAME..dhcp4::SNAME + 4].copy_from_slice(&[0, 15, 1, b's']);
    let view = Message::decode(&bytes).unwrap();
    let found: Vec<_> = view.options().map(|(code, value)| (code, value.to_vec())).collect();
    assert_eq!(found, [(52, vec![3]), (53, vec![1]), (12, b"f".to_vec()), (15, b"s".to_vec())]);
}

#[test]
fn malformed_options_refuse_a_client_and_excuse_a_server() {
    let mut bytes = message(&[(53, &[1])]);
    bytes.pop();
    bytes.extend([61, 9, 1]);
    let fault = Malformed { code: 61, fault: Fault::TooLong };
    assert_eq!(Message::decode(&bytes).unwrap_err(), Refused::Options(fault));
    bytes[dhcp4::FIXED + 6] = 5;
    let mut met = Vec::new();
    assert!(Message::decode_watched(&bytes, &mut |thing| met.push(thing)).unwrap().has_options());
    assert_eq!(met, [Met::Option(53, &[5]), Met::Malformed(fault)]);
    let mut bytes = message(&[]);
    *bytes.last_mut().unwrap() = 61;
    assert_eq!(
        Message::decode(&bytes).unwrap_err(),
        Refused::Options(Malformed { code: 61, fault: Fault::NoLength })
    );
}

#[test]
fn short_messages_are_bootp() {
    assert_eq!(Message::decode(&[0; 43]).unwrap_err(), Refused::TooShort);
    let view = Message::decode(&[1; 44]);
    assert!(!view.unwrap().has_options());
    let mut bogus = vec![0; 300];
    bogus[2] = 17;
    assert_eq!(Message::decode(&bogus).unwrap_err(), Refused::HardwareLength);
}

#[test]
fn an_empty_host_name_is_absent() {
    let bytes = message(&[(12, b""), (53, &[3])]);
    let view = Message::decode(&bytes).unwrap();
    assert!(!view.contains(12));
}

#[test]
fn vendor_identified_spaces() {
    let shape = Shape { code_width: 4, length_width: 1, end: 0 };
    let mut out = Vec::new();
    put(&mut out, shape, 2495, b"x");
    assert_eq!(out, [0, 0, 9, 191, 1, b'x']);
    assert_eq!(Options::new(&out, shape).collect::<Vec<_>>(), [Ok((2495, 5, &b"x"[..]))]);
    let whole = Shape { code_width: 4, length_width: 0, end: 0 };
    assert_eq!(Options::new(&out, whole).next(), Some(Ok((2495, 4, &[1, b'x'][..]))));
}

#[test]
fn header_fields_of_the_real_program() {
    // the header fields ISC fills: low delay, no identification, 128 hops
    let source = SocketAddrV4::new(Ipv4Addr::new(10, 9, 0, 1), 67);
    let destination = SocketAddrV4::new(Ipv4Addr::new(10, 9, 0, 10), 68);
    let mut out = Vec::new();
    frame::put_ip(&mut out, source, destination, &[0; 300]);
    assert_eq!(out[..12], [0x45, 0x10, 1, 0x48, 0, 0, 0, 0, 128, 17, out[10], out[11]]);
    assert_eq!(frame::internet_checksum(&out[..20]), 0);
    assert_eq!(frame::decode_ip(&out, true).unwrap().payload, [0; 300]);
}

#[test]
fn bad_frames_are_told_apart_and_counted() {
    let address = |last, port| SocketAddrV4::new(Ipv4Addr::new(10, 9, 0, last), port);
    let mut good = Vec::new();
    frame::put_ip(&mut good, address(1, 68), address(2, 67), b"payload");
    let mut bad = good.clone();
    bad[30] ^= 1;
    assert_eq!(frame::decode_ip(&bad, true), Err(frame::Rejected::UdpChecksum));
    assert!(frame::decode_ip(&bad, false).is_ok());
    let mut tally = frame::Tally::default();
    let lines: Vec<_> = (0..5).filter_map(|_| tally.note(&frame::decode_ip(&bad, true))).collect();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].text, "5 bad udp checksums in 5 packets");
    bad[12] ^= 1;
    assert_eq!(frame::decode_ip(&bad, true), Err(frame::Rejected::IpChecksum));
    bad[25] = 200;
    assert_eq!(frame::decode_ip(&bad, true), Err(frame::Rejected::UdpLength));
    assert_eq!(frame::decode_ip(&bad[..20], true), Err(frame::Rejected::Short));
}

#[test]
fn echo() {
    let request = icmp::echo_request(0x1234, 0);
    assert_eq!(frame::internet_checksum(&request), 0);
    let mut reply = vec![0x45; 20];
    reply[12..16].copy_from_slice(&[10, 9, 0, 5]);
    reply.extend(request);
    assert_eq!(icmp::echo_reply(&reply), None);
    reply[20] = 0;
    assert_eq!(icmp::echo_reply(&reply), Some(Ipv4Addr::new(10, 9, 0, 5)));
    assert_eq!(icmp::echo_reply(&reply[..47]), None);
}

/// Fuzz target: any payload decodes or is refused, and what decodes can be walked.
fn fuzz_message(bytes: &[u8]) {
    let Ok(view) = Message::decode(bytes) else { return };
    let mut joined = Vec::new();
    for code in 0..=255 {
        let pieces: usize = view.pieces(code).map(<[u8]>::len).sum();
        assert_eq!(view.option(code, &mut joined).map_or(0, <[u8]>::len), pieces);
    }
    let mut header = Vec::new();
    Header::reply_to(&view).write(&mut header);
    assert_eq!(header.len(), dhcp4::FIXED);
    let _ = (view.chaddr(), view.sname(), view.file(), view.ciaddr(), view.message_type());
}

/// Fuzz target: any frame.
fn fuzz_frame(bytes: &[u8]) {
    if let Some((_, packet)) = frame::decode_ethernet(bytes) {
        let _ = frame::decode_ip(packet, true);
        let _ = icmp::echo_reply(packet);
    }
}

/// Deterministic mutations of a seed: flips, cuts and overwrites.
fn mutations(seed: &[u8], count: u32, mut target: impl FnMut(&[u8])) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    for _ in 0..count {
        let mut bytes = seed.to_vec();
        for _ in 0..next() % 8 + 1 {
            let at = next() % bytes.len();
            bytes[at] = next() as u8;
        }
        if next() % 4 == 0 {
            bytes.truncate(next() % bytes.len() + 1);
        }
        target(&bytes);
    }
}

#[test]
fn fuzz_targets() {
    let seed = message(&[(52, &[3]), (53, &[1]), (82, &[1, 2, 3, 4, 2, 1, 9]), (60, b"x"), (60, b"y")]);
    mutations(&seed, 20_000, fuzz_message);
    let mut whole = Vec::new();
    frame::put_ethernet(&mut whole, &[2; 6], &[4; 6]);
    let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 67);
    frame::put_ip(&mut whole, address, address, &seed);
    mutations(&whole, 20_000, fuzz_frame);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn decoding_what_was_encoded(
        options in prop::collection::vec((1u8..=254, prop::collection::vec(any::<u8>(), 1..40)), 0..12),
        xid: u32, secs: u16, flags: u16, address: [u8; 4], chaddr: [u8; 16], hlen in 0u8..=16,
    ) {
        let options: Vec<_> = options.into_iter().filter(|(code, _)| *code != 52).collect();
        let header = Header {
            op: 1, htype: 1, hlen, hops: 3, xid, secs, flags, chaddr, giaddr: address.into(), ..Header::default()
        };
        let mut bytes = Vec::new();
        header.write(&mut bytes);
        bytes.extend(dhcp4::COOKIE);
        options.iter().for_each(|(code, value)| put(&mut bytes, Shape::DHCP, u32::from(*code), value));
        bytes.push(255);
        let view = Message::decode(&bytes).unwrap();
        let found: Vec<_> = view.options().map(|(code, value)| (code, value.to_vec())).collect();
        prop_assert_eq!(found, options);
        prop_assert_eq!(Header { op: 1, ..Header::reply_to(&view) }, header);
        prop_assert_eq!(view.chaddr(), &chaddr[..usize::from(hlen)]);
    }

    #[test]
    fn no_octets_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        fuzz_message(&bytes);
        fuzz_frame(&bytes);
    }

    #[test]
    fn frames_come_back(payload in prop::collection::vec(any::<u8>(), 0..600), a: [u8; 4], b: [u8; 4], p: u16, q: u16) {
        let (source, destination) = (SocketAddrV4::new(a.into(), p), SocketAddrV4::new(b.into(), q));
        let mut out = Vec::new();
        frame::put_ip(&mut out, source, destination, &payload);
        let found = frame::decode_ip(&out, true).unwrap();
        prop_assert_eq!((found.source, found.destination, found.payload), (source, destination, &payload[..]));
    }
}
