//! Configurations and lease files for the real program and ours to read: an example of every row of the ledger in the
//! place it is meant for and in others, random combinations, and faults of every kind. Every choice comes from one seed.

use crate::here;
use crate::judge::harmless;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

/// Unless `COMPAT_SEED` says otherwise.
const SEED: u64 = 0x6468_6370_642d_7273;

/// splitmix64
pub struct Random(u64);

impl Random {
    /// The seed of this run.
    pub fn seeded() -> Self {
        Random(std::env::var("COMPAT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(SEED))
    }

    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.draw() % bound.max(1) as u64) as usize
    }

    pub fn one_in(&mut self, chance: usize) -> bool {
        self.below(chance) == 0
    }

    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// A statement of the ledger and the wrapper it is meant for.
#[derive(Clone, Debug)]
pub struct Example {
    /// The rows it is an example of: `statement lease limit`, `option dhcp.routers`, `expression concat (data, ...)`.
    pub rows: Vec<String>,
    pub wrapper: &'static str,
    pub body: String,
    pub v6: bool,
}

pub const WRAPPERS_V4: [&str; 7] = ["G", "S", "N", "P", "H", "C", "X"];
pub const WRAPPERS_V6: [&str; 5] = ["G", "S6", "H", "C", "X"];

pub fn wrapped(wrapper: &str, body: &str) -> String {
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

pub fn rows(file: &str) -> Vec<HashMap<String, String>> {
    let text = std::fs::read_to_string(here().join("ledger").join(file)).expect("the ledger is here");
    let mut lines = text.lines();
    let head: Vec<String> = lines.next().unwrap_or_default().split('\t').map(str::to_owned).collect();
    lines.map(|line| head.iter().cloned().zip(line.split('\t').map(str::to_owned)).collect()).collect()
}

pub fn examples() -> Vec<Example> {
    let mut all = Vec::new();
    for row in rows("statements.tsv") {
        for column in ["example_ok", "example_bad"] {
            let Some((prefix, body)) = row[column].split_once(':') else { continue };
            let v6 = prefix.contains('6');
            let wrapper =
                WRAPPERS_V4.iter().chain(&["S6"]).find(|wrapper| **wrapper == prefix).copied().unwrap_or("G");
            let rows = vec![format!("statement {}", row["keyword"])];
            all.push(Example { rows, wrapper, body: body.to_owned(), v6 });
        }
    }
    for (file, v6) in [("options4.tsv", false), ("options6.tsv", true)] {
        for row in rows(file) {
            let body = row["verified_example"].clone();
            let rows = vec![format!("option {}.{}", row["space"], row["name"])];
            all.push(Example { rows, wrapper: "G", body, v6 });
        }
    }
    for row in rows("expressions.tsv") {
        let Some((kind, body)) = row["verified_example"].split_once(':') else { continue };
        let body = match kind {
            "B" => format!("if {body} {{ option domain-name \"x\"; }}"),
            "D" => format!("option domain-name = {body};"),
            _ => format!("option domain-name = encode-int({body}, 32);"),
        };
        let rows = vec![format!("expression {}", row["syntax"])];
        all.push(Example { rows, wrapper: "S", body, v6: false });
    }
    for (row, body) in OF_EXPRESSIONS {
        let rows = vec![format!("expression {row}")];
        all.push(Example { rows, wrapper: "S", body: (*body).to_owned(), v6: false });
    }
    let more = MORE.iter().map(|(wrapper, body)| (false, *wrapper, *body));
    for (v6, wrapper, body) in more.chain(MORE6.iter().map(|(wrapper, body)| (true, *wrapper, *body))) {
        all.push(Example { rows: Vec::new(), wrapper, body: body.to_owned(), v6 });
    }
    name_rows_without_example(&mut all);
    all
}

/// Some rows stand without an example in the ledger, or with one that is wrong; whatever has their words is one.
fn name_rows_without_example(all: &mut [Example]) {
    for row in rows("statements.tsv") {
        let keyword = &row["keyword"];
        let listed = row["example_ok"].contains(':') && row["example_bad"].contains(':');
        let special = ["execute", "include", "interface", "case", "break", "failover peer (refer)"]
            .contains(&keyword.as_str());
        if listed && !special {
            continue;
        }
        let words = keyword.strip_prefix("failover: ").unwrap_or(keyword).trim_end_matches(" (refer)");
        for example in all.iter_mut().filter(|example| example.body.contains(words)) {
            example.rows.push(format!("statement {keyword}"));
        }
    }
}

/// Rows of expressions.tsv that the ledger has no example of.
const OF_EXPRESSIONS: &[(&str, &str)] = &[
    ("NAME ( args )", "define fun (arg) { return (arg); } set foo = fun (\"a\");"),
    (
        "NAME ( args )",
        "define fun (arg) { return arg; } if fun (known) { option domain-name = fun (\"a\"); }",
    ),
    ("check ...", "option domain-name = check \"cc\";"),
    ("check ...", "if check \"default\" { option domain-name \"a\"; }"),
    (
        "strong to weak: & | ^ ; = != ~= ~~ ; and or (equal) ; + ; * / %",
        "if encode-int (4 + 2 * 3, 8) = encode-int (10 / 1 % 7, 8) and known or exists host-name \
         { option domain-name = encode-int (1 | 2 & 3, 8); }",
    ),
    ("option = EXPR", "option domain-name = pick-first-value (option host-name, \"x\");"),
    ("if NULL", "if option host-name { option domain-name \"a\"; } else { option domain-name \"b\"; }"),
    ("if NULL", "if option host-name = option domain-name { option domain-name \"a\"; }"),
    (
        "switch",
        "switch (option dhcp-message-type) { case 1: log (\"a\"); break; case 3: log (\"b\"); default: log (\"c\"); }",
    ),
    ("switch", "switch (option host-name) { case \"a\": option domain-name \"x\"; }"),
    ("set NAME = NULL", "set foo = option host-name; if defined (foo) { log (info, foo); } unset foo;"),
    ("SPACE.NAME | NAME", "option domain-name = concat (option dhcp.host-name, option agent.circuit-id);"),
    (
        "SPACE.NAME | NAME",
        "option domain-name = option unknown-200; option nosuch.x 1; option dhcp.unknown-201 = 1:2;",
    ),
];

/// Rows without an example of their own, and whole declarations.
const MORE: &[(&str, &str)] = &[
    ("S", "execute (\"true\", \"a\");"),
    ("S", "option domain-name = gethostbyname (\"localhost\");"),
    ("G", "include \"extra.conf\";"),
    ("S", "include \"extra.conf\"; range 10.9.0.10;"),
    ("G", "include \"nothing.conf\";"),
    ("G", "include \"wrong.conf\"; include \"extra.conf\";"),
    ("S", "pool { include \"wrong.conf\"; range 10.9.0.10; }"),
    ("G", "interface eth0;"),
    ("S", "interface eth0;"),
    ("S", "switch (hardware) { case 1:2: break; }"),
    (
        "G",
        "failover peer \"f\" { primary; address 10.9.0.1; port 519; peer address 10.9.0.2; peer port 520; \
         max-response-delay 60; max-unacked-updates 10; mclt 1800; split 128; load balance max seconds 3; \
         auto-partner-down 60; max-lease-misbalance 15; max-lease-ownership 10; min-balance 60; max-balance 3600; } \
         subnet 10.9.0.0 netmask 255.255.255.0 { pool { failover peer \"f\"; range 10.9.0.10 10.9.0.20; } }",
    ),
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

/// [`pieces`] of text that need not be UTF-8.
fn octet_pieces(text: &[u8]) -> Vec<Vec<u8>> {
    let kind = |octet: u8| match octet {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | 0x80.. => 'w',
        b' ' | b'\n' | b'\t' => 's',
        _ => 'c',
    };
    text.chunk_by(|a, b| kind(*a) == kind(*b) && kind(*a) != 'c').map(<[u8]>::to_vec).collect()
}

/// One configuration, and the rows it is made of.
pub struct Made {
    pub v6: bool,
    pub text: Vec<u8>,
    pub rows: Vec<String>,
    /// Whole, and inside braces where the check of a configuration evaluates nothing.
    pub inside: bool,
}

impl Made {
    /// Whether both programs may read it: nothing runs, nothing is looked up or read outside.
    pub fn is_harmless(&self) -> bool {
        self.inside && !self.text.windows(7).any(|word| word.eq_ignore_ascii_case(b"include"))
            || harmless(&self.text)
    }
}

pub struct Generator {
    pub random: Random,
    v4: Vec<Example>,
    v6: Vec<Example>,
    words: Vec<String>,
}

impl Generator {
    pub fn new(examples: &[Example]) -> Self {
        let of = |v6| examples.iter().filter(|example| example.v6 == v6).cloned().collect();
        let mut words: Vec<String> = examples.iter().flat_map(|example| pieces(&example.body)).collect();
        words.sort();
        words.dedup();
        Generator { random: Random::seeded(), v4: of(false), v6: of(true), words }
    }

    /// What each row's examples give in the places they are meant for and in two others, and each with a fault.
    pub fn of_every_row(&mut self, examples: &[Example]) -> Vec<Made> {
        let mut all = Vec::new();
        for Example { rows, wrapper, body, v6 } in examples.iter().cloned() {
            let others: &[&'static str] = if v6 { &WRAPPERS_V6 } else { &WRAPPERS_V4 };
            let (first, second) = (*self.random.pick(others), *self.random.pick(others));
            for wrapper in [wrapper, first, second] {
                let inside = ["S", "S6", "P", "H", "C"].contains(&wrapper) && !body.contains('}');
                all.push(Made { v6, text: wrapped(wrapper, &body).into_bytes(), rows: rows.clone(), inside });
            }
            let text = self.faulty(wrapped(wrapper, &body).as_bytes());
            all.push(Made { v6, text, rows, inside: false });
        }
        all
    }

    /// A random one.
    pub fn configuration(&mut self) -> Made {
        let v6 = self.random.one_in(4);
        let (mut text, mut rows) = (String::new(), Vec::new());
        for _ in 0..=self.random.below(3) {
            let examples = if v6 { &self.v6 } else { &self.v4 };
            let example = self.random.pick(examples).clone();
            let mut body = example.body;
            rows.extend(example.rows);
            if self.random.one_in(3) {
                let more = self.random.pick(if v6 { &self.v6 } else { &self.v4 });
                let _ = write!(body, " {}", more.body);
                rows.extend(more.rows.iter().cloned());
            }
            let wrapper = match (self.random.one_in(3), v6) {
                (true, false) => *self.random.pick(&WRAPPERS_V4),
                (true, true) => *self.random.pick(&WRAPPERS_V6),
                (false, _) => example.wrapper,
            };
            text.push_str(&wrapped(wrapper, &body));
        }
        let text = if self.random.one_in(3) { text.into_bytes() } else { self.faulty(text.as_bytes()) };
        Made { v6, text, rows, inside: false }
    }

    /// One to three faults: tokens lost, doubled, exchanged, replaced, cut; lines doubled, lost or endless; odd octets and
    /// line ends; numbers out of range; deep nesting.
    pub fn faulty(&mut self, text: &[u8]) -> Vec<u8> {
        let mut text = text.to_vec();
        for _ in 0..=self.random.below(3) {
            text = match self.random.below(8) {
                0 => self.odd_octet(text),
                1 => self.odd_lines(text),
                _ => self.odd_piece(&text),
            };
        }
        text
    }

    fn odd_octet(&mut self, mut text: Vec<u8>) -> Vec<u8> {
        let at = self.random.below(text.len() + 1);
        let octet = match self.random.below(2) {
            0 => *self.random.pick(b"\x00\xff{};\"\\#/ \n\t\r\x0b\x0c\x1b.-0a:%&|~="),
            _ => self.random.below(256) as u8,
        };
        text.insert(at, octet);
        text
    }

    fn odd_lines(&mut self, text: Vec<u8>) -> Vec<u8> {
        let mut lines: Vec<&[u8]> = text.split(|octet| *octet == b'\n').collect();
        let (at, to) = (self.random.below(lines.len()), self.random.below(lines.len() + 1));
        match self.random.below(4) {
            0 => lines.insert(to, lines[at]),
            1 => drop(lines.remove(at)),
            2 => return lines.join(&b"\r\n"[..]),
            _ => return text[..self.random.below(text.len() + 1)].to_vec(),
        }
        lines.join(&b'\n')
    }

    fn odd_piece(&mut self, text: &[u8]) -> Vec<u8> {
        let mut pieces = octet_pieces(text);
        let solid: Vec<usize> = (0..pieces.len()).filter(|at| !pieces[*at].trim_ascii().is_empty()).collect();
        if solid.is_empty() {
            return text.to_vec();
        }
        let (at, other) = (*self.random.pick(&solid), *self.random.pick(&solid));
        match self.random.below(14) {
            0..=2 => drop(pieces.remove(at)),
            3..=4 => pieces.insert(at, pieces[other].clone()),
            5..=7 => {
                let word = format!(" {} ", self.random.pick(&self.words));
                pieces.insert(at, word.into_bytes());
            }
            8 => pieces[at] = self.random.pick(&self.words).clone().into_bytes(),
            9 => pieces.swap(at, other),
            10 => pieces.truncate(at),
            11 => {
                pieces.insert(at, vec![b'x'; *self.random.pick(&[10, 80, 200, 500, 1000, 1030, 1500, 2000])])
            }
            12 => {
                let opening = *self.random.pick(&[&b"group { "[..], b"if known { ", b"("]);
                let times = *self.random.pick(&[1, 3, 20, 100]);
                pieces.insert(at, opening.repeat(times));
            }
            _ => {
                let numbers: Vec<usize> =
                    solid.into_iter().filter(|at| pieces[*at][0].is_ascii_digit()).collect();
                if !numbers.is_empty() {
                    let at = *self.random.pick(&numbers);
                    pieces[at] = self.random.pick(&NUMBERS).as_bytes().to_vec();
                }
            }
        }
        pieces.concat()
    }
}

/// Numbers at and beyond limits.
const NUMBERS: [&str; 18] = [
    "0",
    "-1",
    "4294967295",
    "4294967296",
    "99999999999999999999",
    "256",
    "65536",
    "0x10",
    "010",
    "08",
    "1a",
    "2147483648",
    "-2147483649",
    "1.2.3",
    "1.2.3.4.5",
    "::",
    "128",
    "129",
];

/// How often a row was reached, and what the real program made of it.
#[derive(Default)]
pub struct Counts(pub BTreeMap<String, [usize; 2]>);

impl Counts {
    pub fn new(examples: &[Example]) -> Self {
        Counts(
            examples
                .iter()
                .flat_map(|example| example.rows.iter().cloned())
                .map(|row| (row, [0; 2]))
                .collect(),
        )
    }

    pub fn add(&mut self, rows: &[String], accepted: bool) {
        for row in rows {
            if let Some(count) = self.0.get_mut(row) {
                count[usize::from(!accepted)] += 1;
            }
        }
    }

    /// `row, accepted, rejected`, one a line.
    pub fn table(&self) -> String {
        let line = |(row, [yes, no]): (&String, &[usize; 2])| format!("{row}\t{yes}\t{no}\n");
        self.0.iter().map(line).collect()
    }
}
