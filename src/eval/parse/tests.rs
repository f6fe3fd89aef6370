//! What the real program says about snippets (recorded by `dhcpd -t`, version 4.4.3-P1), depth, and mutations.

use super::super::print;
use super::fuzz::{Plain, fuzz_reader};
use super::message::TOO_DEEP;
use super::{Context, Parser};
use crate::log::Line;
use crate::syntax::cursor::Cursor;
use crate::syntax::source::{Source, SourceId};
use proptest::prelude::*;

fn said(text: &str) -> Vec<String> {
    fuzz_reader(text.as_bytes()).into_iter().map(|line| line.text).collect()
}

/// The messages alone.
fn messages(text: &str) -> Vec<String> {
    let lines = said(text);
    lines.chunks(3).filter_map(|lines| lines.first()?.strip_prefix("F line ").map(str::to_owned)).collect()
}

/// `\\`, `\t`, `\n`, `\r` and `\xNN` of the recordings.
fn unescaped(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut input = text.bytes();
    while let Some(octet) = input.next() {
        out.push(match octet {
            b'\\' => match input.next().unwrap() {
                b't' => b'\t',
                b'n' => b'\n',
                b'r' => b'\r',
                b'x' => {
                    let digits = [input.next().unwrap(), input.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                other => other,
            },
            other => other,
        });
    }
    out
}

/// Statements, expressions, option values and definitions, and plain noise.
#[test]
fn what_the_real_program_says() {
    let mut count = 0;
    for row in include_str!("recorded.tsv").lines().filter(|row| !row.starts_with('#')) {
        let (text, wanted) = row.split_once('\t').unwrap();
        let lines = fuzz_reader(&unescaped(text));
        let found: Vec<_> = lines.iter().map(|line| line.octets()).collect();
        let found = found.join(&b'\n');
        let wanted = unescaped(wanted);
        assert!(
            found == wanted,
            "{text}\n-- wanted\n{}\n-- found\n{}",
            String::from_utf8_lossy(&wanted),
            String::from_utf8_lossy(&found)
        );
        count += 1;
    }
    assert!(count > 200, "{count} recordings");
}

/// Recordings as seeds, a few octets changed, dropped, doubled: the reader comes to an end.
#[test]
fn mutated_recordings() {
    let seeds: Vec<Vec<u8>> = include_str!("recorded.tsv").lines().skip(1).map(unescaped).collect();
    let mut random: u32 = 1;
    let mut next = |below: usize| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 8) as usize % below
    };
    for seed in seeds.iter().cycle().take(800) {
        let mut text = seed.clone();
        for _ in 0..1 + next(4) {
            let at = next(text.len());
            match next(4) {
                0 => text[at] = next(256) as u8,
                1 => drop(text.drain(at..(at + next(8)).min(text.len()))),
                2 => text.insert(at, b"{}();,\"\\#=. \n"[next(13)]),
                _ => text.extend_from_within(at..),
            }
            if text.is_empty() {
                text.push(b'x');
            }
        }
        fuzz_reader(&text);
    }
}

#[test]
fn nesting_is_bounded() {
    let deep = 20_000;
    let cases = [
        format!("eval {}", "(".repeat(deep)),
        format!("eval {}", "not ".repeat(deep)),
        format!("eval {}", "lcase(".repeat(deep)),
        format!("eval {}", "concat(\"a\",".repeat(deep)),
        format!("eval {}", "call(".repeat(deep)),
        "if known { ".repeat(deep),
        format!("if known {{ }} {}", "elsif known { } ".repeat(deep)),
        format!("if known {{ }} {}", "else if known { } ".repeat(deep)),
        "on commit { ".repeat(deep),
        "switch (1) { ".repeat(deep),
        "set f () { ".repeat(deep),
        format!("eval lease-time{};", " + 1".repeat(deep)),
        format!("if known{} {{ }}", " and known".repeat(deep)),
        format!("if known{} {{ }}", " or option host-name = \"a\"".repeat(deep)),
    ];
    for case in cases {
        let found = messages(&case);
        let start: String = case.chars().take(40).collect();
        assert_eq!(found.len(), 1, "{start}: {found:?}");
        assert!(found[0].ends_with(TOO_DEEP), "{start}: {found:?}");
    }
}

/// Statements of `on expiry` are written to the lease file: what is read can be printed, however long its chains.
#[test]
fn long_chains_are_printed() {
    for text in [
        format!("if known{} {{ }}", " or static".repeat(3900)),
        format!("if known {{ }} {}", "elsif known { } ".repeat(3900)),
        format!("eval lease-time{};", " + lease-time".repeat(900)),
    ] {
        let mut ignored = |_: Line| {};
        let mut declarations = Plain::new();
        let source = Source::new("F", text.as_bytes(), SourceId(0));
        let mut cursor = Cursor::new(source, &mut ignored);
        let block = Parser::new(&mut cursor, &mut declarations).statements(Context::Any).unwrap();
        let mut printed = Vec::new();
        print::statements(&mut printed, &block, 0, &declarations.spaces);
        assert!(printed.len() > 900);
    }
}

#[test]
fn thousands_of_addresses_in_one_condition() {
    let text = format!("if hardware = 1:2{} {{ }}", " or hardware = 1:2:3:4:5:6:7".repeat(3900));
    assert_eq!(said(&text), Vec::<String>::new());
    let text = format!("if known {{ }} {}", "elsif known { } ".repeat(3900));
    assert_eq!(said(&text), Vec::<String>::new());
    let long = format!("option routers {} 10.0.0.1;", "10.0.0.1,".repeat(10_000));
    assert_eq!(said(&long), Vec::<String>::new());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_octets_are_read_to_the_end(text in proptest::collection::vec(any::<u8>(), 0..400)) {
        fuzz_reader(&text);
    }
}
