//! Generated configurations through `dhcpd -t` of the real program and through our reader: verdict and every line.
//!
//! Each row of the ledger's statements, options and expressions is reached, its good and its bad example, in the place it
//! is meant for and in others; after that come random combinations and faults of every kind. The seed is fixed. How many:
//! `COMPAT_CONFIGURATIONS` (300 beyond the rows without it). Without the real program nothing is compared, and that is said.

use compat_tests::here;
use dhcpd::config::{CommandLine, Event, Family, Input, parse};
use dhcpd::eval::context::HostTable;
use dhcpd::log::Line;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

const REAL: &str = "/usr/sbin/dhcpd";
/// Unless `COMPAT_SEED` says otherwise.
const SEED: u64 = 0x6468_6370_642d_7273;
const BANNER_LINES: usize = 4;

/// splitmix64
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn one_in(&mut self, chance: usize) -> bool {
        self.below(chance) == 0
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// A statement of the ledger and the wrapper it is meant for.
#[derive(Clone)]
struct Example {
    row: String,
    wrapper: &'static str,
    body: String,
    v6: bool,
}

const WRAPPERS_V4: [&str; 7] = ["G", "S", "N", "P", "H", "C", "X"];
const WRAPPERS_V6: [&str; 5] = ["G", "S6", "H", "C", "X"];

fn wrapped(wrapper: &str, body: &str) -> String {
    let net = |inside: &str| format!("subnet 10.9.0.0 netmask 255.255.255.0 {{ {inside} }}\n");
    match wrapper {
        "S" => net(body),
        "N" => format!("shared-network n {{ {body} {}}}\n", net("")),
        "P" => net(&format!("pool {{ range 10.9.0.10; {body} }}")),
        "H" => format!("host hh {{ {body} }}\n"),
        "C" => format!("class \"cc\" {{ {body} }}\n"),
        "S6" => format!("subnet6 2001:db8:1::/64 {{ {body} }}\n"),
        "X" => format!("if known {{ {body} }}\n"),
        _ => format!("{body}\n"),
    }
}

fn rows(file: &str) -> Vec<HashMap<String, String>> {
    let text = std::fs::read_to_string(here().join("ledger").join(file)).expect("the ledger is here");
    let mut lines = text.lines();
    let head: Vec<String> = lines.next().unwrap_or_default().split('\t').map(str::to_owned).collect();
    lines.map(|line| head.iter().cloned().zip(line.split('\t').map(str::to_owned)).collect()).collect()
}

fn examples() -> Vec<Example> {
    let mut all = Vec::new();
    for row in rows("statements.tsv") {
        for column in ["example_ok", "example_bad"] {
            let Some((prefix, body)) = row[column].split_once(':') else { continue };
            let v6 = prefix.contains('6');
            let wrapper =
                WRAPPERS_V4.iter().chain(&["S6"]).find(|wrapper| **wrapper == prefix).copied().unwrap_or("G");
            all.push(Example {
                row: format!("{} {column}", row["keyword"]),
                wrapper,
                body: body.to_owned(),
                v6,
            });
        }
    }
    for (file, v6) in [("options4.tsv", false), ("options6.tsv", true)] {
        for row in rows(file) {
            let body = row["verified_example"].clone();
            all.push(Example { row: format!("option {}", row["name"]), wrapper: "G", body, v6 });
        }
    }
    for row in rows("expressions.tsv") {
        let Some((kind, body)) = row["verified_example"].split_once(':') else { continue };
        let body = match kind {
            "B" => format!("if {body} {{ option domain-name \"x\"; }}"),
            "D" => format!("option domain-name = {body};"),
            _ => format!("option domain-name = encode-int({body}, 32);"),
        };
        all.push(Example { row: format!("expression {}", row["syntax"]), wrapper: "S", body, v6: false });
    }
    let more = MORE.iter().map(|(wrapper, body)| (false, *wrapper, *body));
    for (v6, wrapper, body) in more.chain(MORE6.iter().map(|(wrapper, body)| (true, *wrapper, *body))) {
        all.push(Example { row: body.to_owned(), wrapper, body: body.to_owned(), v6 });
    }
    all
}

/// Rows without an example of their own, and whole declarations.
const MORE: &[(&str, &str)] = &[
    (
        "G",
        "failover peer \"f\" { primary; address 10.9.0.1; port 519; peer address 10.9.0.2; peer port 520; \
         max-response-delay 60; max-unacked-updates 10; mclt 1800; split 128; load balance max seconds 3; \
         auto-partner-down 60; max-lease-misbalance 15; max-lease-ownership 10; min-balance 60; max-balance 3600; }",
    ),
    (
        "G",
        "failover peer \"f\" { primary; peer address 10.9.0.2; mclt 60; hba ff:ff:ff:ff:ff:ff:ff:ff:ff:ff:ff:ff:ff:ff:ff:ff:\
         00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00; load balance max seconds 3; } \
         subnet 10.9.0.0 netmask 255.255.255.0 { pool { failover peer \"f\"; range 10.9.0.10 10.9.0.20; } }",
    ),
    (
        "G",
        "failover peer \"f\" { secondary; peer address h; } failover peer \"f\" state { my state normal; }",
    ),
    ("G", "failover peer \"f\" { split 300; secondary; hba 1; mclt x; }"),
    ("H", "deleted;"),
    ("S", "not authoritative;"),
    ("G", "authoritative; group { not authoritative; }"),
    (
        "S",
        "pool { allow known-clients; deny members of \"cc\"; allow after 4 2026/11/26 10:00:00; \
         range 10.9.0.10 10.9.0.20; }",
    ),
    ("S", "range 10.9.0.10 10.9.0.20; range 10.9.0.15 10.9.0.16;"),
    ("S", "pool { range dynamic-bootp 10.9.0.10; } pool { range 10.9.0.11; } range 10.9.0.12;"),
    ("N", "pool { range 10.9.0.10; } pool { range 10.10.0.1; }"),
    (
        "G",
        "group g { option domain-name \"a\"; host z { group g; } } host y { group g; uid 1:2; uid \"x\"; }",
    ),
    (
        "G",
        "host a { hardware ethernet 0:0:0:0:0:1; } host a { } host b { hardware ethernet 0:0:0:0:0:1; hardware fddi 1; }",
    ),
    (
        "H",
        "option dhcp-client-identifier \"x\"; if known { option dhcp-client-identifier \"y\"; } uid \"z\";",
    ),
    (
        "G",
        "class \"a\" { match hardware; lease limit 4; } subclass \"a\" 1:2:3 { option domain-name \"x\"; match hardware; }",
    ),
    ("G", "class \"a\" { spawn with option host-name; match if known; match if static; match hardware; }"),
    (
        "G",
        "key k { algorithm hmac-md5; secret AAAAAAAAAAAAAAAAAAAAAA==; } zone a.example { primary 127.0.0.1; key k; key j; }",
    ),
    (
        "G",
        "option space s code width 2 length width 2; option s.a code 1 = array of { ip-address, integer 8 }; option s.a 1.2.3.4 5;",
    ),
    ("G", "option x code 200 = encapsulate s; option domain-name code 15 = text; option domain-name \"q\";"),
    (
        "G",
        "set f = \"x\"; define g (a, b) { return concat (a, b); } eval g (\"a\", \"b\"); unset f; log (info, g (\"p\", \"q\"));",
    ),
    (
        "S",
        "on commit or expiry { set a = \"b\"; switch (leased-address) { case 1:2: break; default: log (debug, \"d\"); } }",
    ),
    (
        "G",
        "if option host-name = \"a\" { } elsif exists host-name { log (\"l\"); } else { option domain-name \"c\"; }",
    ),
    ("S", "interface eth0; interface eth1;"),
    (
        "G",
        "server-duid llt ethernet 1 00:16:6f:49:7d:9b; server-duid 3 \"x\"; lease-id-format hex; db-time-format local;",
    ),
    ("G", "log (error, binary-to-ascii (16, 8, \":\", concat (1:2, encode-int (3 + 4, 16))));"),
    ("G", "log (info, pick (config-option domain-name, substring (\"abc\", 1, 1))); log (debug, hardware);"),
];

const MORE6: &[(&str, &str)] = &[
    (
        "S6",
        "range6 2001:db8:1::10 2001:db8:1::20; prefix6 2001:db8:a00:: 2001:db8:aff:: /56; range6 2001:db8:1::/112 temporary;",
    ),
    (
        "S6",
        "pool6 { allow unknown clients; range6 2001:db8:1::/64; prefix6 2001:db8:100:: 2001:db8:200:: /60; }",
    ),
    (
        "G",
        "subnet6 2001:db8:2::/48 { range6 2001:db8:2::/49; } subnet6 2001:db8:2::/64 { range6 2001:db8:2:0:1::/72; }",
    ),
    (
        "H",
        "fixed-address6 2001:db8::1, 2001:db8::2; fixed-prefix6 2001:db8:f::/48; host-identifier v6relopt 1 dhcp6.remote-id 1:2;",
    ),
    (
        "G",
        "option dhcp6.info-refresh-time 800; option dhcp6.name-servers 2001:db8::1, 2001:db8::2; option dhcp6.vendor-opts 1;",
    ),
    ("G", "shared-network s { subnet6 2001:db8:3::/64 { } subnet6 2001:db8:4::/64 { pool6 { } } }"),
];

/// Words, strings, spaces and single characters.
fn pieces(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut kind = ' ';
    for character in text.chars() {
        let next = match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' => 'w',
            ' ' | '\n' | '\t' => 's',
            _ => 'c',
        };
        match all.last_mut() {
            Some(last) if next == kind && next != 'c' => last.push(character),
            _ => all.push(character.to_string()),
        }
        kind = next;
    }
    all
}

struct Generator {
    random: Random,
    v4: Vec<Example>,
    v6: Vec<Example>,
    words: Vec<String>,
}

impl Generator {
    fn new(examples: &[Example]) -> Self {
        let of = |v6| examples.iter().filter(|example| example.v6 == v6).cloned().collect();
        let mut words: Vec<String> = examples.iter().flat_map(|example| pieces(&example.body)).collect();
        words.sort();
        words.dedup();
        let seed = std::env::var("COMPAT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(SEED);
        Generator { random: Random(seed), v4: of(false), v6: of(true), words }
    }

    fn configuration(&mut self) -> (bool, Vec<u8>) {
        let v6 = self.random.one_in(4);
        let mut text = String::new();
        for _ in 0..=self.random.below(3) {
            let examples = if v6 { &self.v6 } else { &self.v4 };
            let example = self.random.pick(examples).clone();
            let mut body = example.body;
            if self.random.one_in(3) {
                let more = self.random.pick(if v6 { &self.v6 } else { &self.v4 });
                let _ = write!(body, " {}", more.body);
            }
            let wrapper = match (self.random.one_in(3), v6) {
                (true, false) => *self.random.pick(&WRAPPERS_V4),
                (true, true) => *self.random.pick(&WRAPPERS_V6),
                (false, _) => example.wrapper,
            };
            text.push_str(&wrapped(wrapper, &body));
        }
        let text = if self.random.one_in(3) { text.into_bytes() } else { self.faulty(&text) };
        (v6, text)
    }

    /// One to three faults.
    fn faulty(&mut self, text: &str) -> Vec<u8> {
        let mut pieces: Vec<Vec<u8>> = pieces(text).into_iter().map(String::into_bytes).collect();
        for _ in 0..=self.random.below(3) {
            if pieces.is_empty() {
                break;
            }
            let at = self.random.below(pieces.len());
            match self.random.below(12) {
                0..=2 => drop(pieces.remove(at)),
                3..=4 => {
                    let copy = self.random.pick(&pieces).clone();
                    pieces.insert(at, copy);
                }
                5..=8 => {
                    let word = format!(" {} ", self.random.pick(&self.words));
                    pieces.insert(at, word.into_bytes());
                }
                9 => pieces[at] = self.random.pick(&self.words).clone().into_bytes(),
                10 => {
                    let octets = b"\x00\xff{};\"\\#/ \n\t.-0a:%&|~=";
                    let index = self.random.below(pieces[at].len());
                    pieces[at][index] = *self.random.pick(octets);
                }
                _ => pieces.truncate(at),
            }
        }
        pieces.concat()
    }
}

/// What each row's examples give in the places they are meant for and in two others.
fn of_every_row(examples: &[Example], random: &mut Random) -> Vec<(bool, Vec<u8>)> {
    let mut all = Vec::new();
    for example in examples {
        let others: &[&'static str] = if example.v6 { &WRAPPERS_V6 } else { &WRAPPERS_V4 };
        for wrapper in [example.wrapper, *random.pick(others), *random.pick(others)] {
            all.push((example.v6, wrapped(wrapper, &example.body).into_bytes()));
        }
    }
    all
}

/// As much as the real program may say; it goes on for ever about some faults (`option space x` at the end of a file).
const LONGEST: u64 = 4 << 20;

/// Accepted or not, and the lines between banner and closing block. `None`: the program crashed, or did not end.
fn real(v6: bool, folder: &Path) -> Option<(bool, Vec<u8>)> {
    let family = if v6 { "-6" } else { "-4" };
    let mut command = Command::new(REAL);
    command.args([family, "-t", "-cf", "t.conf"]).current_dir(folder);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().ok()?;
    let mut stderr = Vec::new();
    child.stderr.take()?.take(LONGEST).read_to_end(&mut stderr).ok()?;
    if stderr.len() as u64 == LONGEST {
        // Nobody reads on, so it is stopped.
        let _ = child.kill();
    }
    let accepted = child.wait().ok()?.code()? == 0;
    let lines: Vec<&[u8]> = stderr.split_inclusive(|octet| *octet == b'\n').skip(BANNER_LINES).collect();
    let end = lines.iter().position(|line| line.starts_with(b"If you think you have received"));
    let lines = &lines[..end.map_or(lines.len(), |at| at.saturating_sub(1))];
    Some((accepted, comparable(lines)))
}

/// Without what depends on a name server, and on memory that ISC has freed.
fn comparable(lines: &[&[u8]]) -> Vec<u8> {
    let depends = |line: &&[u8]| {
        let text = String::from_utf8_lossy(line);
        text.ends_with(": host unknown.\n")
            || text.ends_with("name server failure\n")
            || text.starts_with("OMAPI key ") && text.ends_with(": not found\n")
    };
    lines.iter().filter(|line| !depends(line)).copied().collect::<Vec<_>>().concat()
}

fn ours(v6: bool, text: &[u8]) -> (bool, Vec<u8>) {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    let mut say = |line: Line| {
        let mut octets = line.octets().into_owned();
        octets.push(b'\n');
        lines.push(octets);
    };
    let family = if v6 { Family::V6 } else { Family::V4 };
    let input = Input { name: "t.conf", text: text.to_vec(), family, interfaces: &[] };
    let mut include =
        |name: &str| std::fs::read(Path::new("/nonexistent").join(name.trim_start_matches('/')));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
    let accepted = match parse(input, &mut include, &mut say) {
        Err(_) => false,
        Ok(config) => {
            let six = if v6 { "6" } else { "" };
            let command_line = CommandLine {
                config_file: "t.conf",
                lease_file: &format!("/var/lib/dhcp/dhcpd{six}.leases"),
                pid_file: &format!("/var/run/dhcpd{six}.pid"),
                quiet: false,
            };
            let own_name = std::fs::read_to_string("/etc/hostname").unwrap_or_default().trim().to_owned();
            let hosts = HostTable { own_name, ..HostTable::default() };
            let mut hear = |event| {
                if let Event::Say(line) = event {
                    say(line);
                }
            };
            config.start_up(&command_line, &hosts, now, &mut hear).is_ok()
        }
    };
    let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
    (accepted, comparable(&lines))
}

/// `execute` would run: ISC does so with `-t` too. `include` looks at this machine, and a host name asks a name server.
fn harmless(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    !["execute", "include", "gethostby"].iter().any(|word| text.contains(word))
}

#[derive(Default)]
struct Counts {
    accepted: usize,
    rejected: usize,
    crashed: usize,
    different: Vec<String>,
}

#[test]
fn generated_configurations() {
    if !Path::new(REAL).exists() {
        println!("{REAL} is not installed: nothing compared");
        return;
    }
    let budget =
        std::env::var("COMPAT_CONFIGURATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(300);
    let examples = examples();
    let mut generator = Generator::new(&examples);
    let folder = tempfile::tempdir().expect("a folder for configurations");
    let mut counts = Counts::default();
    let rows = of_every_row(&examples, &mut generator.random);
    let generated = (0..budget).map(|_| generator.configuration());
    for (v6, text) in rows.into_iter().chain(generated).filter(|(_, text)| harmless(text)) {
        std::fs::write(folder.path().join("t.conf"), &text).expect("the folder is writable");
        let Some((accepted, lines)) = real(v6, folder.path()) else {
            counts.crashed += 1;
            continue;
        };
        if accepted {
            counts.accepted += 1;
        } else {
            counts.rejected += 1;
        }
        let (our_verdict, our_lines) = ours(v6, &text);
        if (our_verdict, &our_lines) != (accepted, &lines) {
            counts.different.push(format!(
                "== {}{}\n-- ISC {accepted}\n{}-- ours {our_verdict}\n{}",
                if v6 { "-6 " } else { "" },
                String::from_utf8_lossy(&text),
                String::from_utf8_lossy(&lines),
                String::from_utf8_lossy(&our_lines)
            ));
        }
    }
    println!(
        "{} rows' examples; accepted {}, rejected {}, the real program crashed {} times; different {}",
        examples.len(),
        counts.accepted,
        counts.rejected,
        counts.crashed,
        counts.different.len()
    );
    for difference in counts.different.iter().take(20) {
        println!("{difference}");
    }
    assert!(counts.different.is_empty(), "{} differences", counts.different.len());
}

/// So that a row added to the ledger is reached too.
#[test]
fn every_statement_row_has_an_example_or_says_why() {
    let without: Vec<String> = rows("statements.tsv")
        .into_iter()
        .filter(|row| !row["example_ok"].contains(':') && !row["example_bad"].contains(':'))
        .map(|row| row["keyword"].clone())
        .collect();
    println!("rows without an example: {without:?}");
    assert!(examples().iter().all(|example| !example.row.is_empty()));
    assert!(without.len() < 30, "{without:?}");
}
