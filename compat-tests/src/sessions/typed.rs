//! Sessions as people mistype them: commands in any order, values of every syntax for attributes of any object, words that are no commands,
//! lines cut off or too long, keys and servers given at odd moments. Seeds from [`FIRST`] on.

use super::{Attributes, CONFIGURATION, EXCHANGES, KINDS, LEASES};
use crate::dice::Dice;
use std::fmt::Write;

pub const FIRST: u64 = 100_000;

const SECRET: &str = "bm90IGEgc2VjcmV0IGFueSBtb3JlLCBtYWtlIHlvdXJzIQ==";
const KEYS: &str = "key managers {
  algorithm hmac-sha256;
  secret \"bm90IGEgc2VjcmV0IGFueSBtb3JlLCBtYWtlIHlvdXJzIQ==\";
}
key second {
  algorithm hmac-md5;
  secret \"c2Vjb25k\";
}
";

/// What is not among [`KINDS`].
const MORE_KINDS: [&str; 10] = [
    "interface",
    "subnet",
    "failover-state",
    "failover-link",
    "authenticator",
    "HOST",
    "leases",
    "\"host\"",
    "hos",
    "\"\"",
];

const MORE_NAMES: [&str; 12] = [
    "state",
    "ends",
    "flags",
    "cltt",
    "client-hostname",
    "host",
    "leases-used",
    "match",
    "lease-count",
    "NAME",
    "\"colour\"",
    "local-state",
];

const VALUES: [&str; 40] = [
    "\"alpha\"",
    "\"known\"",
    "\"made\"",
    "\"one\"",
    "\"\"",
    "\"two words\"",
    "\"es\\\"cap\\\\ed\"",
    "\"\\101\\x41\\n\"",
    "\"unterminated",
    "\"option domain-name \\\"v.example\\\";\"",
    "0",
    "1",
    "2",
    "4",
    "255",
    "2147483647",
    "4294967295",
    "99999999999",
    "007",
    "0x10",
    "-1",
    "01:02",
    "02:00:00:00:00:61",
    "00:00:00:01",
    "1:2:3",
    "a:b:c",
    "ab",
    "fff:1",
    "01:",
    "01:zz",
    "10.9.0.100",
    "10.9.0.101",
    "10.9.0.256",
    "10..1",
    "10.9.",
    "eth0",
    "true",
    "null",
    "{ }",
    "1 2",
];

const ALONE: [&str; 64] = [
    "",
    "   ",
    "\t",
    "?",
    "help",
    "help set",
    "? ?",
    "HELP",
    "quit",
    "exit",
    "frobnicate",
    "frobnicate the server",
    "ope",
    "conn",
    "refres",
    "OPEN",
    "Refresh",
    "# a remark",
    "open # a remark",
    "refresh;",
    "open; update",
    ";",
    "}",
    "{",
    "=",
    "\"open\"",
    "'open'",
    "5",
    "10.9.0.1",
    "open open",
    "create host",
    "update now",
    "refresh 5",
    "remove \"x\"",
    "close it",
    "new",
    "new 5",
    "new host lease",
    "set",
    "set name",
    "set name =",
    "set = 5",
    "set 5 = 5",
    "set name \"x\"",
    "set name == \"x\"",
    "unset",
    "unset 5",
    "unset name now",
    "connect now",
    "disconnect now",
    "server",
    "server 10.9",
    "server 127.0.0",
    "server 127.0.0.1 now",
    "server \"127.0.0.1\"",
    "port",
    "port \"7911\"",
    "port no-such-service",
    "port 7911 now",
    "key",
    "key managers",
    "key-algorithm",
    "key-algorithm 5",
    "option x",
];

const ALGORITHMS: [&str; 14] = [
    "hmac-md5",
    "hmac-md5",
    "hmac-sha256",
    "hmac-sha256",
    "HMAC-SHA256",
    "HMAC-MD5.SIG-ALG.REG.INT",
    "hmac-sha512",
    "hmac-sha1",
    "sha256",
    "hmac",
    "none",
    "\"hmac-sha256\"",
    "hmac-sha256 now",
    "hmac_sha256",
];

const SECRETS: [&str; 14] = [
    SECRET,
    SECRET,
    SECRET,
    "c2Vjb25k",
    "c2Vjb25k",
    "\"c2Vjb25k\"",
    "c2Vjb25k now",
    "c2Vjb25",
    "c2Vj=b25k",
    "=",
    "==",
    "c2V j b25k",
    "!!!!",
    "",
];

const NAMES_OF_KEYS: [&str; 9] =
    ["managers", "managers", "managers", "second", "Managers", "nobody", "a.b.c", "\"managers\"", "5"];

fn all_values(dice: &mut Dice, attributes: Attributes) -> &'static str {
    let (_, values) = attributes[dice.below(attributes.len())];
    values[dice.below(values.len())]
}

/// The attribute may be another object's, and the value another attribute's.
fn assignment(dice: &mut Dice, own: Attributes, out: &mut String) {
    let any = KINDS[dice.below(KINDS.len())].1;
    let from = if dice.percent(80) { own } else { any };
    let (name, values) = from[dice.below(from.len())];
    let name = if dice.percent(15) { dice.of(&MORE_NAMES) } else { name };
    // What the handle of another object is, only the same server knows.
    let name = if name == "handle" { "colour" } else { name };
    let value = match dice.below(10) {
        // What is no name in a lease file is refused.
        _ if name == "name" => values[dice.below(values.len())],
        0..=5 => values[dice.below(values.len())],
        6 => all_values(dice, any),
        _ => dice.of(&VALUES),
    };
    // A time shows as one only where the attribute is known for it.
    let value = if value.starts_with(['$', '@']) { "5" } else { value };
    let _ = writeln!(out, "set {name} = {value}");
}

/// Where, and who asks.
fn connection(dice: &mut Dice, out: &mut String) {
    match dice.below(9) {
        0 => out.push_str("connect\n"),
        1 => out.push_str("disconnect\n"),
        2 => out.push_str("disconnect\nconnect\n"),
        3 => out.push_str("port 1\nport 7911\n"),
        4 => out.push_str("port domain\nport 73447\n"),
        5 => out.push_str("server 127.0.0.1\n"),
        6 => out.push_str("server 10.9.0.1\n"),
        7 => {
            let _ = writeln!(out, "key {} {}", dice.of(&NAMES_OF_KEYS), dice.of(&SECRETS));
        }
        _ => {
            let _ = writeln!(out, "key-algorithm {}", dice.of(&ALGORITHMS));
        }
    }
}

/// A line that stands for nothing, or is longer than lines may be.
fn odd(dice: &mut Dice, out: &mut String) {
    if dice.percent(8) {
        let length = 900 + dice.below(300);
        let fill = dice.of(&["x", "01:", "9", "\"", " "]).repeat(length);
        let fill = &fill[..length];
        let start = dice.of(&["set colour = \"", "set colour = ", "# ", "", "new "]);
        let _ = writeln!(out, "{start}{fill}");
    } else {
        let _ = writeln!(out, "{}", dice.of(&ALONE));
    }
}

fn object(dice: &mut Dice, out: &mut String) {
    let (kind, attributes, _) = KINDS[dice.below(KINDS.len())];
    let other = dice.percent(15);
    let _ = writeln!(out, "new {}", if other { dice.of(&MORE_KINDS) } else { kind });
    for _ in 0..dice.below(4) {
        assignment(dice, attributes, out);
    }
    for _ in 0..2 + dice.below(9) {
        match dice.below(20) {
            0..=4 => assignment(dice, attributes, out),
            5 => {
                let (name, _) = attributes[dice.below(attributes.len())];
                let _ = writeln!(out, "unset {}", if name == "handle" { "colour" } else { name });
            }
            6 | 7 => create(dice, kind, out),
            8..=10 => out.push_str("open\n"),
            11 | 12 => out.push_str("update\n"),
            13 | 14 => out.push_str("refresh\n"),
            15 => out.push_str("remove\n"),
            16 if dice.percent(30) => connection(dice, out),
            16 => out.push_str("close\n"),
            _ => odd(dice, out),
        }
    }
    if dice.percent(85) {
        out.push_str("close\n");
    }
}

/// A made-up name is another in every run, and so is its place among the others. A group without statements, which ours refuses, is
/// another test's.
fn create(dice: &mut Dice, kind: &str, out: &mut String) {
    if matches!(kind, "host" | "group") {
        let names = dice.of(&["\"alpha\"", "\"beta\"", "\"fixed\"", "\"made\"", "\"declared\""]);
        let _ = writeln!(out, "set name = {names}");
    }
    if kind == "group" {
        out.push_str("set statements = \"filename \\\"boot\\\";\"\n");
    }
    out.push_str("create\n");
}

fn session(dice: &mut Dice, signed: bool, out: &mut String) {
    for _ in 0..dice.below(4) {
        if dice.percent(50) { odd(dice, out) } else { connection(dice, out) }
    }
    // Most sessions get somewhere.
    out.push_str("server 127.0.0.1\nport 7911\n");
    if signed && dice.percent(85) {
        let _ = writeln!(out, "key managers {SECRET}\nkey-algorithm hmac-sha256");
    }
    out.push_str("connect\n");
    for _ in 0..3 + dice.below(5) {
        object(dice, out);
    }
    if dice.percent(30) {
        // The end of the input in the middle of a command.
        let _ =
            writeln!(out, "{}<eof>", dice.of(&["set name = \"x", "open", "new ho", "set a = 01:", "key x"]));
    }
}

/// A scenario's text.
pub fn draw(seed: u64) -> String {
    let mut dice = Dice::of_scenario(seed);
    let (keys, signed) = match dice.below(4) {
        0 => (KEYS.to_string(), false),
        1 => (format!("{KEYS}omapi-key managers;\n"), true),
        _ => (String::new(), false),
    };
    let mut text = format!(
        "title: mistyped sessions of seed {seed}\ntier: live omshell is a program of its own\n== config\n{keys}{CONFIGURATION}== leases\n{LEASES}"
    );
    let mut steps = String::new();
    for number in 0..3 {
        let _ = writeln!(text, "== omshell s{number}");
        session(&mut dice, signed, &mut text);
        let _ = writeln!(steps, "omshell s{number}");
        if dice.percent(30) {
            let _ = writeln!(steps, "{}", dice.of(&EXCHANGES));
        }
        steps.push_str(if dice.percent(20) { "kill\nstart\n" } else { "leases\n" });
    }
    text + "== steps\n" + &steps + "leases\n"
}
