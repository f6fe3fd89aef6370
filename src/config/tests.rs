//! The corpus: public configurations and what the real program said about each.

use super::*;
use crate::eval::context::HostTable;
use crate::log::Line;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

const BANNER_LINES: usize = 4;

fn corpus() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let path =
        if path.exists() { path } else { Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus") };
    path.join("MANIFEST.tsv").exists().then_some(path)
}

fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut octets = text.bytes();
    while let Some(octet) = octets.next() {
        out.push(match octet {
            b'\\' => match octets.next() {
                Some(b'n') => b'\n',
                Some(b't') => b'\t',
                Some(other) => other,
                None => b'\\',
            },
            other => other,
        });
    }
    out
}

/// What standard error shows of a `-t` run, the banner and the closing block aside, and whether it was accepted.
fn run(name: &str, text: Vec<u8>, family: Family, files: &HashMap<String, Vec<u8>>) -> (bool, Vec<u8>) {
    let mut lines: Vec<Line> = Vec::new();
    let mut include = |path: &str| files.get(path).cloned().ok_or_else(|| io::Error::from_raw_os_error(2));
    let input = Input { name, text, family, interfaces: &[] };
    let mut report = |line: Line| lines.push(line);
    let accepted = match parse(input, &mut include, &mut report) {
        Ok(config) => check(&config, name, &mut report),
        Err(Rejected) => false,
    };
    let mut out = Vec::new();
    for line in lines {
        out.extend_from_slice(&line.octets());
        out.push(b'\n');
    }
    (accepted, out)
}

fn check(config: &Config, name: &str, report: &mut dyn FnMut(Line)) -> bool {
    let six = if config.family == Family::V6 { "6" } else { "" };
    let command_line = CommandLine {
        config_file: name,
        lease_file: &format!("/var/lib/dhcp/dhcpd{six}.leases"),
        pid_file: &format!("/var/run/dhcpd{six}.pid"),
        quiet: false,
    };
    let mut hear = |event| {
        if let Event::Say(line) = event {
            report(line);
        }
    };
    config.start_up(&command_line, &HostTable::default(), 1_700_000_000, &mut hear).is_ok()
}

/// The stored text without banner and closing block.
fn expected(text: &str) -> Vec<u8> {
    let text = unescape(text);
    let lines: Vec<&[u8]> = text.split_inclusive(|octet| *octet == b'\n').skip(BANNER_LINES).collect();
    let end =
        lines.iter().position(|line| line.starts_with(b"If you think you have received")).map(|at| at - 1);
    lines.into_iter().take(end.unwrap_or(usize::MAX)).collect::<Vec<_>>().concat()
}

#[derive(Default)]
struct Count {
    cases: usize,
    verdicts: usize,
    texts: usize,
}

#[test]
fn corpus_of_public_configurations() {
    let Some(corpus) = corpus() else {
        println!("no corpus beside the repository: nothing compared");
        return;
    };
    let manifest = std::fs::read_to_string(corpus.join("MANIFEST.tsv")).unwrap();
    let mut counts: HashMap<(String, &str), Count> = HashMap::new();
    let mut faults = Vec::new();
    for row in manifest.lines().skip(1) {
        let columns: Vec<&str> = row.split('\t').collect();
        let [file, family, _, _, _, exit, class, stderr, stub_exit, stubs, stub_stderr, _, notes] =
            columns[..]
        else {
            panic!("{row}")
        };
        if !file.starts_with("conf/") || class == "oracle-crash" {
            continue;
        }
        let text = std::fs::read(corpus.join(file)).unwrap();
        let family_of = if family == "6" { Family::V6 } else { Family::V4 };
        let mut cases = vec![(exit, stderr, HashMap::new(), "")];
        if !stub_exit.is_empty() && stub_exit != "signal 11" {
            cases.push((stub_exit, stub_stderr, stub_files(stubs), " with stubs"));
        }
        for (exit, stderr, files, how) in cases {
            let (accepted, out) = run("FILE", text.clone(), family_of, &files);
            let group = if exit == "0" { "accepted" } else { "rejected" };
            let count = counts.entry((format!("v{family}"), group)).or_default();
            count.cases += 1;
            let verdict = accepted == (exit == "0");
            count.verdicts += usize::from(verdict);
            let varies = notes.contains("differs from run to run");
            let same = out == expected(stderr);
            count.texts += usize::from(verdict && (same || varies));
            if !verdict || !(same || varies) {
                faults.push(format!(
                    "== {file}{how}: {}\n-- ISC\n{}-- ours\n{}",
                    if verdict { "text" } else { "VERDICT" },
                    String::from_utf8_lossy(&expected(stderr)),
                    String::from_utf8_lossy(&out)
                ));
            }
        }
    }
    for ((family, group), count) in &counts {
        println!(
            "{family} {group}: {} cases, {} verdicts, {} texts",
            count.cases, count.verdicts, count.texts
        );
    }
    for fault in &faults {
        println!("{fault}");
    }
    assert!(faults.is_empty(), "{} differences", faults.len());
}

fn stub_files(stubs: &str) -> HashMap<String, Vec<u8>> {
    let mut files = HashMap::new();
    for stub in stubs.split(';').map(str::trim) {
        let (path, content) = stub.split_once('=').unwrap();
        let text = match content.strip_prefix("keys:") {
            Some(keys) => keys.split('+').map(stub_key).collect(),
            None => String::new(),
        };
        files.insert(path.to_owned(), text.into_bytes());
    }
    files
}

fn stub_key(name: &str) -> String {
    format!("key {name} {{ algorithm hmac-md5; secret AAAAAAAAAAAAAAAAAAAAAA==; }}\n")
}
