use super::*;
use crate::omapi::key::Algorithm;
use proptest::prelude::*;

const LIMIT: usize = 1 << 16;

fn sample() -> Message {
    let mut message = Message::new(Operation::Open, 7);
    message.values.set(b"type", Some(b"host"));
    message.values.set_u32("create", 1);
    message.object.set(b"name", Some(b"alpha"));
    message.object.set(b"ip-address", None);
    message
}

fn greeted(limit: usize) -> Decoder {
    let mut decoder = Decoder::new(limit);
    decoder.push(&greeting());
    decoder
}

/// The octets that the real omshell sends for `new host`, `set name = "alpha"`, `open` without a key, its id put to 7.
#[test]
fn octets_of_the_real_client() {
    let mut message = Message::new(Operation::Open, 7);
    message.values.set(b"type", Some(b"host"));
    message.object.set(b"name", Some(b"alpha"));
    let mut octets = Vec::new();
    message.encode(None, &mut octets);
    let expected = b"\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x07\0\0\0\0\
        \0\x04type\0\0\0\x04host\0\0\0\x04name\0\0\0\x05alpha\0\0";
    assert_eq!(octets, expected);
}

#[test]
fn a_message_comes_back_octet_by_octet_signed_or_not() {
    let key = Key::new(Algorithm::HmacSha256, b"secret");
    for signed in [false, true] {
        let mut message = sample();
        message.authenticator = if signed { 9 } else { 0 };
        let mut octets = Vec::new();
        message.encode(signed.then_some(&key), &mut octets);
        let mut decoder = greeted(LIMIT);
        let (last, before) = octets.split_last().expect("octets");
        for octet in before {
            decoder.push(&[*octet]);
            assert_eq!(decoder.next(|_| Some(&key)), Ok(None));
        }
        decoder.push(&[*last]);
        let proof = if signed { Proof::Good } else { Proof::None };
        let mark = if signed { octets.get(octets.len() - 32..).and_then(<[u8]>::first_chunk) } else { None };
        let mark = mark.map_or(0, |first| u64::from_be_bytes(*first));
        assert_eq!(decoder.next(|_| Some(&key)), Ok(Some(Received { message, proof, mark })));
        assert_eq!(decoder.pending(), 0);
    }
}

#[test]
fn a_changed_octet_or_no_signature_is_no_proof() {
    let key = Key::new(Algorithm::HmacMd5, b"secret");
    let mut message = sample();
    message.authenticator = 9;
    let mut octets = Vec::new();
    message.encode(Some(&key), &mut octets);
    *octets.last_mut().expect("octets") ^= 1;
    // ISC takes a message that names a key and announces no signature as signed.
    let mut bare = Vec::new();
    message.encode(None, &mut bare);
    for octets in [octets, bare] {
        let mut decoder = greeted(LIMIT);
        decoder.push(&octets);
        let received = decoder.next(|_| Some(&key)).expect("a message").expect("whole");
        assert_eq!(received.proof, Proof::Bad);
        let mut decoder = greeted(LIMIT);
        decoder.push(&octets);
        let received = decoder.next(|_| None).expect("a message").expect("whole");
        assert_eq!(received.proof, Proof::UnknownKey);
    }
}

#[test]
fn greetings_and_bounds() {
    let start = |version: u32, header: u32| {
        let mut decoder = Decoder::new(LIMIT);
        decoder.push(&version.to_be_bytes());
        decoder.push(&header.to_be_bytes());
        decoder
    };
    assert_eq!(start(99, 24).next(|_| None), Err(Violation::Version));
    assert_eq!(start(100, 23).next(|_| None), Err(Violation::Header));
    assert_eq!(start(100, u32::MAX).next(|_| None), Err(Violation::TooLarge));
    // What a larger header holds beyond ours is skipped.
    let mut decoder = start(100, 27);
    let mut octets = Vec::new();
    sample().encode(None, &mut octets);
    octets.splice(24..24, *b"xyz");
    decoder.push(&octets);
    assert_eq!(decoder.next(|_| None).expect("a message").expect("whole").message, sample());
    // An announced giant is refused when it is announced.
    for tail in [&b"\0\x01n\x7f\xff\xff\xff"[..], b"\0\x01n\xff\xff\xff\xff"] {
        let mut decoder = greeted(LIMIT);
        decoder.push(&[0; 24]);
        decoder.push(tail);
        assert_eq!(decoder.next(|_| None), Err(Violation::TooLarge));
    }
    let mut decoder = greeted(LIMIT);
    decoder.push(b"\0\0\0\0\xff\xff\xff\xff\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    assert_eq!(decoder.next(|_| None), Err(Violation::TooLarge));
    let mut many = Message::new(Operation::Open, 1);
    for number in 0..=MOST_VALUES as u32 {
        many.values.set(&number.to_be_bytes(), Some(b"x"));
    }
    let mut octets = Vec::new();
    many.encode(None, &mut octets);
    let mut decoder = greeted(LIMIT);
    decoder.push(&octets);
    assert_eq!(decoder.next(|_| None), Err(Violation::TooLarge));
}

proptest! {
    #[test]
    fn no_octets_make_it_panic_or_hold_more_than_its_limit(octets: Vec<u8>, cut in 1usize..64) {
        let mut decoder = greeted(LIMIT);
        for piece in octets.chunks(cut) {
            decoder.push(piece);
            while let Ok(Some(_)) = decoder.next(|_| None) {}
        }
        prop_assert!(decoder.pending() <= LIMIT + 64);
    }

    #[test]
    fn what_is_encoded_is_read_again(
        numbers: (u32, u32, u32, u32),
        values in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 1..9), any::<Vec<u8>>()), 0..9),
    ) {
        let mut message = Message::new(Operation::from_number(numbers.0), numbers.1);
        (message.handle, message.response_to) = (numbers.2, numbers.3);
        for (name, value) in &values {
            message.values.set(name, Some(value));
            message.object.set(value.get(..1).unwrap_or(b"x"), Some(name));
        }
        let mut octets = Vec::new();
        message.encode(None, &mut octets);
        let mut decoder = greeted(LIMIT);
        decoder.push(&octets);
        let received = decoder.next(|_| None).expect("a message").expect("whole");
        prop_assert_eq!(received, Received { message, proof: Proof::None, mark: 0 });
    }
}
