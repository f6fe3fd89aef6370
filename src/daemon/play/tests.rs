//! Frames of damaged files. Whole recordings are replayed by the tests of the other package.

use super::*;
use crate::server::recording::{self, kind};

fn recording() -> Vec<u8> {
    let mut out = recording::head();
    for text in ["one", "two", "three"] {
        recording::frame(&mut out, kind::CHUNK, |body| body.extend_from_slice(text.as_bytes()));
    }
    out
}

fn texts(octets: &[u8]) -> (Vec<String>, Option<u64>) {
    let mut frames = Frames::new(octets).expect("a head");
    let texts = std::iter::from_fn(|| frames.next());
    let texts = texts.map(|(_, body)| String::from_utf8_lossy(&body).into_owned()).collect();
    (texts, frames.torn())
}

#[test]
fn a_torn_file_counts_up_to_the_tear() {
    let whole = recording();
    assert_eq!(texts(&whole), (vec!["one".into(), "two".into(), "three".into()], None));
    let torn = texts(&whole[..whole.len() - 1]);
    assert_eq!(torn, (vec!["one".into(), "two".into()], Some(whole.len() as u64 - 18)));
    let mut damaged = whole.clone();
    damaged[recording::HEAD + 16 + 6] ^= 0x40;
    assert_eq!(texts(&damaged), (vec!["one".into()], Some(recording::HEAD as u64 + 16)));
    // Octets that a crash left unwritten.
    let zeros = [whole, vec![0; 64]].concat();
    assert_eq!(texts(&zeros).0.len(), 3);
    assert!(texts(&zeros).1.is_some());
}

#[test]
fn what_is_no_recording_says_so() {
    let refusal = |octets: &[u8]| replay_octets(octets, &mut |_| {}).expect_err("refused");
    assert!(refusal(b"dHCp\0\0\0\x01").contains("a trace of ISC dhcpd"));
    assert_eq!(refusal(b"lease"), "it: not a dhcp trace file.");
    assert_eq!(refusal(&recording::head()), "The recording ends before service began.");
    assert_eq!(refusal(b"dhcpd-rs recording\n\x01\0"), "it: tracefile version 256 > current 1.");
}
