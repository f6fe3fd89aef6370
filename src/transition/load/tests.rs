//! Lease files read, put into a store, brought up to date and written again, as a start does.

use super::*;
use crate::clock::Wall;
use crate::config::{Family, Input, parse};
use crate::eval::context::HostTable;
use crate::eval::machine::Outcome;
use crate::lease_file::reader::{self, Way};
use crate::lease_file::writer::Format;
use crate::log::Line;
use crate::syntax::source::{Source, SourceId};
use crate::transition::rewrite::Rewrite;
use crate::transition::{Around, Journal, expire_due};
use std::path::{Path, PathBuf};

pub(crate) struct Start {
    pub lines: Vec<String>,
    #[allow(dead_code)]
    pub rejected: String,
    pub rewritten: String,
}

/// What `dhcpd -T` does, after the banner and the three file names.
pub(crate) fn start(way: Way, config: &str, file: &[u8], now: Wall) -> Start {
    start_of(Family::V4, way, config, file, now)
}

fn start_of(family: Family, way: Way, config: &str, file: &[u8], now: Wall) -> Start {
    let mut lines: Vec<Line> = Vec::new();
    let input = Input { name: "CONF", text: config.as_bytes().to_vec(), family, interfaces: &[] };
    let mut none = |_: &str| Err(std::io::Error::other("no includes"));
    let mut config = parse(input, &mut none, &mut |line: Line| lines.push(line)).expect("configuration");
    let mut store = Store::new(&pools(&config));
    let mut kept = Kept::new(&config);
    // In small pieces the one way and in one the other: it must not show.
    let mut pieces = file.chunks(if way == Way::Fast { 97 } else { usize::MAX }).map(<[u8]>::to_vec);
    let source = Source::new("FILE", pieces.next().unwrap_or_default(), SourceId(1));
    let mut loader = Loader { store: &mut store, kept: &mut kept };
    let say = &mut |line: Line| lines.push(line);
    let mut more = || pieces.next();
    let outcome = reader::read_pieces(way, source, &mut more, now, &mut config, &mut loader, say);
    kept.settle(&config);
    store.finish_loading();
    let format = Format { hexadecimal: false, local: None, spaces: &config.spaces };
    let (mut journal, mut done, hosts) = (Journal::default(), Outcome::default(), HostTable::default());
    let mut failover = crate::failover::Failover::new(&config, &hosts);
    let mut around = Around {
        now,
        format,
        hosts: &hosts,
        packet: None,
        journal: &mut journal,
        failover: &mut failover,
        outcome: &mut done,
    };
    assert!(expire_due(&mut store, usize::MAX, &mut around));
    let mut rewrite = Rewrite::new(&store);
    let mut out = Vec::new();
    while rewrite.write(&store, &kept, now, &format, 1000, &mut out) {}
    lines.extend(rewrite.lines(
        &kept,
        !config.class_order.is_empty(),
        !config.groups.is_empty(),
        !config.hosts.is_empty(),
    ));
    let rewritten = String::from_utf8(out).unwrap();
    let rejected = String::from_utf8_lossy(&outcome.rejected).into_owned();
    Start { lines: lines.into_iter().map(|line| line.text).collect(), rejected, rewritten }
}

fn corpus() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: no corpus at {}", path.display());
    None
}

/// The entries of MANIFEST.tsv for lease files: path, family and standard error.
fn entries(corpus: &Path) -> Vec<(String, Family, Vec<String>)> {
    let manifest = std::fs::read_to_string(corpus.join("MANIFEST.tsv")).unwrap();
    let mut entries = Vec::new();
    for line in manifest.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        if columns[0].starts_with("leases/") {
            let family = if columns[1] == "6" { Family::V6 } else { Family::V4 };
            let text = columns[7].replace("\\\\", "\u{1}").replace("\\n", "\n").replace("\\t", "\t");
            let text = text.replace('\u{1}', "\\");
            entries.push((columns[0].to_owned(), family, text.lines().map(str::to_owned).collect()));
        }
    }
    entries
}

/// A moment after all of the corpus.
const NOW: Wall = 1_795_000_000;

#[test]
fn messages_about_the_corpus_are_those_of_the_real_program() {
    let Some(corpus) = corpus() else { return };
    let mut wrong = Vec::new();
    let entries = entries(&corpus);
    assert!(entries.len() > 20 && entries.iter().any(|entry| entry.1 == Family::V6));
    for (file, family, expected) in &entries {
        let text = std::fs::read(corpus.join(file)).unwrap();
        let config = std::fs::read_to_string(corpus.join(format!("{file}.cover.conf"))).unwrap();
        let got = start_of(*family, Way::Fast, &config, &text, NOW);
        let slow = start_of(*family, Way::Grammar, &config, &text, NOW);
        assert_eq!(got.rewritten, slow.rewritten, "{file}");
        assert_eq!(got.lines, slow.lines, "{file}");
        let got: Vec<String> =
            got.lines.iter().flat_map(|text| text.split('\n')).map(str::to_owned).collect();
        let expected: Vec<&String> = expected
            .iter()
            .skip(4)
            .filter(|line| {
                // ISC's own hash tables, and the `on expiry` block of one file, which `-T` of ours does not run: both
                // are listed differences.
                const NOT_OURS: [&str; 8] = [
                    "Config file: ",
                    "Database file: ",
                    "PID file: ",
                    "Lease file test successful",
                    "Unexpected hash function",
                    "Expired: IP: ",
                    "execute",
                    "Unable to execute",
                ];
                !NOT_OURS.iter().any(|start| line.starts_with(start))
            })
            .collect();
        if got.iter().collect::<Vec<_>>() != expected {
            wrong.push(format!("{file}\n  expected {expected:#?}\n  got {got:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), entries.len(), wrong.join("\n"));
}

/// Files `NAME.conf`, `NAME.leases`, `NAME.now` (seconds) and `NAME.isc`, the file as the real program left it after its start.
fn compare_rewrites(directory: &Path) -> (usize, Vec<String>) {
    let (mut count, mut wrong) = (0, Vec::new());
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "isc") {
            continue;
        }
        count += 1;
        let read = |extension: &str| std::fs::read(path.with_extension(extension)).unwrap();
        let text = |extension: &str| String::from_utf8(read(extension)).unwrap();
        let now = text("now").trim().parse().unwrap();
        let ours = start(Way::Fast, &text("conf"), &read("leases"), now).rewritten;
        // Two lines of comment name the writer; the server appends its DUID at every start.
        let strip = |text: &str| {
            let lines = text.lines().skip(2).filter(|line| !line.starts_with("server-duid "));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        let isc = text("isc");
        let (mut isc, mut ours) = (strip(&isc), strip(&ours));
        while isc.last().is_some_and(String::is_empty) {
            isc.pop();
        }
        while ours.last().is_some_and(String::is_empty) {
            ours.pop();
        }
        // Then it appends the states of its failover peers.
        if isc.get(ours.len() + 1).is_some_and(|line| line.starts_with("failover peer")) {
            isc.truncate(ours.len());
        }
        if isc != ours {
            let at = isc.iter().zip(&ours).position(|(a, b)| a != b).unwrap_or(isc.len().min(ours.len()));
            let context = |lines: &[String]| lines[at.saturating_sub(4)..lines.len().min(at + 6)].join("\n");
            wrong.push(format!(
                "{} line {}\n--- isc ({})\n{}\n--- ours ({})\n{}",
                path.display(),
                at + 3,
                isc.len(),
                context(&isc),
                ours.len(),
                context(&ours)
            ));
        }
    }
    (count, wrong)
}

fn recorded() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/transition/load/recorded")
}

/// Recorded from ISC dhcpd 4.4.3-P1 (Debian 12): every field and form of a record, and damage of many kinds.
#[test]
fn rewrites_of_recorded_files_are_those_of_the_real_program() {
    let (count, wrong) = compare_rewrites(&recorded());
    assert!(wrong.is_empty(), "{} of {count} differ\n{}", wrong.len(), wrong.join("\n"));
    assert!(count >= 2);
}

#[test]
fn messages_about_recorded_files_are_those_of_the_real_program() {
    for name in ["fields", "damaged"] {
        let read = |extension: &str| std::fs::read_to_string(recorded().join(format!("{name}.{extension}")));
        let now = read("now").unwrap().trim().parse().unwrap();
        let got = start(Way::Fast, &read("conf").unwrap(), read("leases").unwrap().as_bytes(), now);
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let expected = lines(&read("err").unwrap());
        // ISC's hash tables complain about a hash function of its own when classes are walked.
        let expected: Vec<_> =
            expected.into_iter().filter(|line| !line.starts_with("Unexpected hash function")).collect();
        let got = lines(&got.lines.join("\n"));
        let differ = got.iter().zip(&expected).position(|(a, b)| a != b);
        let at = differ.unwrap_or(got.len().min(expected.len()));
        assert!(
            got == expected,
            "{name} line {at}: {:#?} instead of {:#?}",
            got.get(at..(at + 4).min(got.len())),
            expected.get(at..(at + 4).min(expected.len()))
        );
    }
}

/// `cut.leases` cut off after every octet, and what the real program made of each: lines `== FIRST-LAST`, then the leases.
#[test]
fn a_file_cut_anywhere_keeps_the_leases_that_the_real_program_keeps() {
    let text = std::fs::read(recorded().join("cut.leases")).unwrap();
    let cuts = std::fs::read_to_string(recorded().join("cuts.txt")).unwrap();
    let config = "subnet 10.7.0.0 netmask 255.255.255.0 { range 10.7.0.10 10.7.0.20; }\n\
                  subnet 192.0.2.0 netmask 255.255.255.0 { }\n";
    let mut checked = 0;
    for block in cuts.split("== ").skip(1) {
        let (cut, expected) = block.split_once('\n').unwrap();
        let (first, last) = cut.split_once('-').unwrap();
        for cut in first.parse::<usize>().unwrap()..=last.parse().unwrap() {
            let got = start(Way::Fast, config, &text[..cut], NOW);
            let leases = got.rewritten.split_once("-endian;\n\n").unwrap().1;
            assert_eq!(leases, expected, "cut at {cut}: {:#?}", got.lines);
            // What is dropped is kept aside.
            let dropped = got.lines.iter().any(|line| line.contains("corrupt lease file"));
            assert!(!dropped || got.rejected.contains("lease"), "cut at {cut}");
            checked += 1;
        }
    }
    assert_eq!(checked, text.len() + 1);
}

/// Run by hand, with LEASE_RECORDINGS naming a directory of recordings of the real program.
#[test]
#[ignore = "needs recordings made from files that may not be kept here"]
fn rewrites_are_those_of_the_real_program_elsewhere() {
    let directory = std::env::var("LEASE_RECORDINGS").expect("LEASE_RECORDINGS");
    let (count, wrong) = compare_rewrites(Path::new(&directory));
    assert!(wrong.is_empty(), "{} of {count} differ\n{}", wrong.len(), wrong.join("\n"));
    println!("{count} rewrites are equal");
}

/// Run by hand in a release build, with LEASE_FILE naming a lease file of addresses in 10.0.0.0/8.
#[test]
#[ignore = "a measurement"]
fn a_million_leases() {
    let file = std::env::var("LEASE_FILE").expect("LEASE_FILE");
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap().to_owned();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
    };
    let config = "subnet 10.0.0.0 netmask 255.0.0.0 { range 10.0.0.1 10.127.255.254; }";
    let input = Input { name: "CONF", text: config.as_bytes().to_vec(), family: Family::V4, interfaces: &[] };
    let mut none = |_: &str| Err(std::io::Error::other("no includes"));
    let mut config = parse(input, &mut none, &mut |line: Line| println!("{}", line.text)).unwrap();
    let before = resident();
    let started = std::time::Instant::now();
    let text: std::sync::Arc<[u8]> = std::fs::read(file).unwrap().into();
    println!("file read after {:?}", started.elapsed());
    let mut store = Store::new(&pools(&config));
    let mut kept = Kept::default();
    let mut loader = Loader { store: &mut store, kept: &mut kept };
    let source = Source::new("FILE", text, SourceId(1));
    let mut say = |line: Line| println!("{}", line.text);
    reader::read(source, NOW, &mut config, &mut loader, &mut say);
    println!("records read after {:?}", started.elapsed());
    store.finish_loading();
    println!("{} leases ready after {:?}, {} MB", store.len(), started.elapsed(), resident() - before);
    let format = Format { hexadecimal: false, local: None, spaces: &config.spaces };
    let mut rewrite = Rewrite::new(&store);
    let (started, mut out, mut size) = (std::time::Instant::now(), Vec::new(), 0);
    while rewrite.write(&store, &kept, NOW, &format, 65536, &mut out) {
        size += out.len();
        out.clear();
    }
    println!("{size} octets written in {:?}", started.elapsed());
}

mod generated {
    use super::*;
    use proptest::prelude::*;

    /// Statements of a lease record: mostly as a server writes them, sometimes a little off.
    fn statement() -> impl Strategy<Value = String> {
        let date = prop_oneof![
            (0u32..7, 1969u32..2040, 0u32..14, 0u32..33, 0u32..25, 0u32..61, 0u32..61)
                .prop_map(|(w, y, mo, d, h, mi, s)| format!("{w} {y}/{mo:02}/{d:02} {h:02}:{mi:02}:{s:02}")),
            Just("never".to_owned()),
            any::<u32>().prop_map(|n| format!("epoch {n}")),
            Just("2 2026/11/24 08:00:00 3600".to_owned()),
        ];
        let word = prop::sample::select(vec!["starts", "ends", "tstp", "tsfp", "atsfp", "cltt"]);
        let state = prop::sample::select(vec![
            "free",
            "active",
            "expired",
            "released",
            "abandoned",
            "reset",
            "backup",
            "reserved",
            "bootp",
            "odd",
        ]);
        let which = prop::sample::select(vec!["", "next ", "rewind "]);
        let text = prop_oneof![
            "[ -~]{0,12}",
            r#"(\\[0-7]{3}|\\"|\\\\|[a-z]){0,8}"#,
            r"(\\[0-9x]|[a-f]|\\x[0-9a-f]{2}){0,6}",
            Just("\u{e4}\u{ff}".to_owned()),
        ];
        let hex = prop::collection::vec("[0-9a-f]{1,3}", 1..8).prop_map(|octets| octets.join(":"));
        let kind =
            prop::sample::select(vec!["ethernet", "token-ring", "fddi", "infiniband", "unknown-3", "odd"]);
        let name =
            prop::sample::select(vec!["vendor-class-identifier", "a", "A", "ddns-fwd-name", "no", "1a"]);
        let value = prop_oneof![
            text.clone().prop_map(|text| format!("\"{text}\"")),
            hex.clone(),
            any::<i64>().prop_map(|n| format!("%{n}")),
            Just("true".to_owned()),
            Just("false".to_owned()),
        ];
        prop_oneof![
            4 => (word, date).prop_map(|(word, date)| format!("{word} {date};")),
            3 => (which, state).prop_map(|(which, state)| format!("{which}binding state {state};")),
            2 => (kind, hex.clone()).prop_map(|(kind, hex)| format!("hardware {kind} {hex};")),
            1 => text.clone().prop_map(|text| format!("uid \"{text}\";")),
            1 => hex.prop_map(|hex| format!("uid {hex};")),
            2 => text.prop_map(|text| format!("client-hostname \"{text}\";")),
            3 => (name, value.clone()).prop_map(|(name, value)| format!("set {name} = {value};")),
            1 => value.clone().prop_map(|value| format!("option agent.circuit-id {value};")),
            1 => value.prop_map(|value| format!("option agent.remote-id {value};")),
            1 => prop::sample::select(vec![
                "reserved;", "dynamic-bootp;", "abandoned;", "bogus;", "on expiry { set x = \"1\"; }",
                "client-hostname word;", "ddns-rev-name \"x\";",
            ]).prop_map(str::to_owned),
        ]
    }

    fn record() -> impl Strategy<Value = String> {
        let odd = prop::bool::weighted(0.1);
        (1u8..60, prop::collection::vec(statement(), 0..9), odd).prop_map(|(host, statements, odd)| {
            let mut text = format!("lease 10.0.0.{host} {{\n");
            for statement in statements {
                text.push_str(if odd { " " } else { "  " });
                text.push_str(&statement);
                text.push('\n');
            }
            text + "}\n"
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn the_fast_way_reads_what_the_grammar_reads(
            records in prop::collection::vec(record(), 1..6),
            cut in prop::option::weighted(0.2, 0usize..200),
        ) {
            let mut text = records.concat().into_bytes();
            if let Some(cut) = cut {
                text.truncate(text.len().saturating_sub(cut));
            }
            let config = "subnet 10.0.0.0 netmask 255.255.255.0 { range 10.0.0.10 10.0.0.50; }";
            let fast = start(Way::Fast, config, &text, NOW);
            let slow = start(Way::Grammar, config, &text, NOW);
            prop_assert_eq!(fast.lines, slow.lines);
            prop_assert_eq!(fast.rewritten, slow.rewritten);
            prop_assert_eq!(fast.rejected, slow.rejected);
        }

        /// What is written reads as what was written.
        #[test]
        fn a_rewrite_is_read_back_the_same(records in prop::collection::vec(record(), 1..6)) {
            let config = "subnet 10.0.0.0 netmask 255.255.255.0 { range 10.0.0.10 10.0.0.50; }";
            // Dates from 2038 on are "never" once they have been written and read.
            let first = start(Way::Fast, config, records.concat().as_bytes(), NOW);
            let once = start(Way::Fast, config, first.rewritten.as_bytes(), NOW);
            let twice = start(Way::Fast, config, once.rewritten.as_bytes(), NOW);
            // Each reading turns the variables of a lease round, in ISC too.
            let sorted = |text: &str| {
                let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
                lines.sort();
                lines
            };
            prop_assert_eq!(sorted(&once.rewritten), sorted(&twice.rewritten));
            prop_assert_eq!(twice.rejected, "");
        }
    }
}
