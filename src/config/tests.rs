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

/// The ledger's wrappers around an example.
fn wrapped(prefix: &str, body: &str) -> String {
    let net = |inside: &str| format!("subnet 10.9.0.0 netmask 255.255.255.0 {{ {inside} }}\n");
    match prefix {
        "G" | "6" => format!("{body}\n"),
        "S" => net(body),
        "N" => format!("shared-network n {{ {body} {}}}\n", net("")),
        "P" => net(&format!("pool {{ range 10.9.0.10; {body} }}")),
        "H" => format!("host hh {{ {body} }}\n"),
        "C" => format!("class \"cc\" {{ {body} }}\n"),
        "S6" => format!("subnet6 2001:db8:1::/64 {{ {body} }}\n"),
        "X" => format!("if known {{ {body} }}\n"),
        // expressions.tsv
        "B" => net(&format!("if {body} {{ option domain-name \"x\"; }}")),
        "D" => net(&format!("option domain-name = {body};")),
        "N32" => net(&format!("option domain-name = encode-int({body}, 32);")),
        other => panic!("no wrapper {other}"),
    }
}

/// The ledger's idea of the first message: without its place, else the first line that is not part of every run.
fn first_message(out: &[u8]) -> String {
    const NOISE: [&str; 6] =
        ["Config file", "Database", "PID", "If you", "Configuration file err", "lease_id"];
    let text = String::from_utf8_lossy(out);
    let mut lines = text.split('\n');
    let located =
        lines.find_map(|line| line.strip_prefix("t.conf line ")?.split_once(": ").map(|(_, text)| text));
    let plain =
        || text.split('\n').find(|l| !l.trim().is_empty() && !NOISE.iter().any(|noise| l.starts_with(noise)));
    located.or_else(plain).unwrap_or_default().to_owned()
}

struct Examples {
    count: usize,
    differences: Vec<String>,
}

impl Examples {
    fn check(&mut self, row: &str, text: &str, family: Family, accepted: bool, message: &str) {
        self.count += 1;
        let (ours, out) = run("t.conf", text.as_bytes().to_vec(), family, &HashMap::new());
        let shown = first_message(&out);
        if ours != accepted || shown != message {
            self.differences.push(format!("{row}: {text}ISC {accepted} {message:?}, ours {ours} {shown:?}"));
        }
    }
}

fn ledger(file: &str) -> Vec<HashMap<String, String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("compat-tests/ledger").join(file);
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let head: Vec<&str> = lines.next().unwrap().split('\t').collect();
    lines
        .map(|line| head.iter().map(|h| h.to_string()).zip(line.split('\t').map(str::to_owned)).collect())
        .collect()
}

/// What the ledger's verify script asks of the real program.
#[test]
fn examples_of_the_ledger() {
    let mut examples = Examples { count: 0, differences: Vec::new() };
    for row in ledger("statements.tsv") {
        for kind in ["ok", "bad"] {
            let example = &row[&format!("example_{kind}")];
            let Some((prefix, body)) = example.split_once(':') else { continue };
            let family = if prefix.contains('6') { Family::V6 } else { Family::V4 };
            let accepted = row[&format!("{kind}_rc")] == "0";
            let message = row.get(&format!("{kind}_message")).map_or("", String::as_str);
            examples.check(&row["keyword"], &wrapped(prefix, body), family, accepted, message);
        }
    }
    for (file, family) in [("options4.tsv", Family::V4), ("options6.tsv", Family::V6)] {
        for row in ledger(file) {
            let result = &row["parse_result"];
            let message =
                if result == "ok" { "" } else { result.strip_prefix("rejected: ").unwrap_or(result) };
            let text = format!("{}\n", row["verified_example"]);
            examples.check(&row["name"], &text, family, result == "ok", message);
        }
    }
    for row in ledger("expressions.tsv") {
        let Some((prefix, body)) = row["verified_example"].split_once(':') else { continue };
        let prefix = if prefix == "N" { "N32" } else { prefix };
        let result = &row["parse_result"];
        let message = if result == "ok" { "" } else { result.strip_prefix("rejected: ").unwrap_or(result) };
        examples.check(&row["syntax"], &wrapped(prefix, body), Family::V4, result == "ok", message);
    }
    println!("{} examples, {} differences", examples.count, examples.differences.len());
    for difference in &examples.differences {
        println!("{difference}");
    }
    assert!(examples.differences.is_empty());
}
