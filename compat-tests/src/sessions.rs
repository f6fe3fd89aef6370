//! Sessions with omshell from a seed, through ISC's server and shell and through ours: objects of every kind with attributes that
//! fit and that do not, found, made, changed and removed, clients and restarts in between.

use crate::dice::Dice;
use crate::live::{self, Program};
use crate::scenario::Scenario;
use crate::transcript::{self, Difference, Transcript};
use crate::{lists, recording};
use std::fmt::Write;

mod typed;

const CONFIGURATION: &str = "ddns-update-style none;
authoritative;
ping-check false;
default-lease-time 600;
omapi-port 7911;
group declared {
  option domain-name \"declared.example\";
  host inside {
    hardware ethernet 02:00:00:00:00:66;
  }
}
class \"known\" {
  match option user-class;
  lease limit 3;
}
subclass \"known\" \"one\";
host fixed {
  hardware ethernet 02:00:00:00:00:64;
  fixed-address 10.9.0.60;
}
host named {
  option dhcp-client-identifier \"named\";
}
subnet 10.9.0.0 netmask 255.255.255.0 {
  range 10.9.0.100 10.9.0.110;
}
";

/// Attributes, each with values that may be given to it.
type Attributes = &'static [(&'static str, &'static [&'static str])];

const HOST: Attributes = &[
    ("name", &["\"alpha\"", "\"beta\"", "\"fixed\"", "\"named\"", "\"inside\""]),
    (
        "hardware-address",
        &[
            "02:00:00:00:00:61",
            "02:00:00:00:00:62",
            "02:00:00:00:00:64",
            "02:00:00:00:00:66",
            "1:2",
            "\"text\"",
            "5",
        ],
    ),
    ("hardware-type", &["1", "6", "00:00:00:01", "0", "300", "\"ab\""]),
    ("dhcp-client-identifier", &["\"alpha-id\"", "01:02:00:00:00:00:61", "\"named\"", "00", "9"]),
    (
        "ip-address",
        &["10.9.0.50", "10.9.0.51", "10.9.0.100", "0a:09:00:32:0a:09:00:33", "10.9", "\"text\"", "1"],
    ),
    ("group", &["\"declared\"", "\"made\"", "\"nowhere\"", "\"\""]),
    (
        "statements",
        &[
            "\"option domain-name \\\"h.example\\\";\"",
            "\"default-lease-time 99;\"",
            "\"nonsense\"",
            "\"if known { set x = \\\"y\\\"; }\"",
        ],
    ),
    ("known", &["1", "0"]),
    ("colour", &["\"blue\"", "3"]),
];
const LEASE: Attributes = &[
    ("ip-address", &["10.9.0.100", "10.9.0.101", "10.9.0.105", "10.9.0.200", "10.9", "5", "\"text\""]),
    ("hardware-address", &["02:00:00:00:00:61", "02:00:00:00:00:62", "02:00:00:00:00:99", "\"x\""]),
    ("hardware-type", &["1", "6", "00:00:00:01"]),
    ("dhcp-client-identifier", &["\"an-id\"", "\"nobody\"", "01:02"]),
    ("subnet", &["1", "\"x\""]),
    ("pool", &["1"]),
    ("starts", &["1", "@epoch"]),
    ("billing-class", &["1"]),
    ("hostname", &["\"x\""]),
];
const GROUP: Attributes = &[
    ("name", &["\"made\"", "\"other\"", "\"declared\""]),
    (
        "statements",
        &["\"option domain-name \\\"g.example\\\";\"", "\"nonsense\"", "\"filename \\\"boot\\\";\""],
    ),
    ("colour", &["1"]),
];
const CLASS: Attributes = &[
    ("name", &["\"known\"", "\"fresh\"", "\"nowhere\"", "4"]),
    ("lease-limit", &["4"]),
    ("colour", &["\"x\""]),
];
const SUBCLASS: Attributes = &[
    ("name", &["\"known\"", "\"nowhere\""]),
    ("hashstring", &["\"one\"", "\"two\"", "01:02", "5"]),
    ("colour", &["\"x\""]),
];
const POOL: Attributes = &[("handle", &["$pool", "$subnet", "99"]), ("lease-count", &["4"])];
const CONTROL: Attributes = &[("colour", &["1"]), ("state", &["0", "\"x\""])];

const KINDS: [(&str, Attributes, usize); 8] = [
    ("host", HOST, 42),
    ("lease", LEASE, 20),
    ("group", GROUP, 14),
    ("class", CLASS, 6),
    ("subclass", SUBCLASS, 6),
    ("pool", POOL, 4),
    ("control", CONTROL, 4),
    ("shared-network", POOL, 4),
];

const LEASES: &str = "lease 10.9.0.100 {
  starts @T-100;
  ends @T+500;
  cltt @T-100;
  binding state active;
  next binding state free;
  rewind binding state free;
  hardware ethernet 02:00:00:00:00:61;
  uid \"an-id\";
  client-hostname \"ahost\";
}
lease 10.9.0.101 {
  starts @T-1000;
  ends @T-500;
  tstp @T-500;
  cltt @T-1000;
  binding state free;
  hardware ethernet 02:00:00:00:00:62;
}
";

const EXCHANGES: [&str; 4] = [
    "exchange client=a prl=1,15",
    "exchange client=b uid=\"alpha-id\" prl=1,15",
    "exchange client=d prl=1,15",
    "exchange client=f user-class=\"one\" prl=1,15",
];

fn pick(dice: &mut Dice, attributes: Attributes) -> String {
    let (name, values) = attributes[dice.below(attributes.len())];
    format!("set {name} = {}\n", values[dice.below(values.len())])
}

/// One object: what it is found or made by, then some commands.
fn object(dice: &mut Dice, out: &mut String) {
    let mut share = dice.below(KINDS.iter().map(|(_, _, share)| share).sum());
    let mut drawn = KINDS[0];
    for kind in KINDS {
        if share < kind.2 {
            drawn = kind;
            break;
        }
        share -= kind.2;
    }
    let (kind, attributes, _) = drawn;
    let _ = writeln!(out, "new {kind}");
    for _ in 0..dice.below(5) {
        out.push_str(&pick(dice, attributes));
    }
    let creates = kind != "lease" && dice.percent(55);
    // A made-up name is another in every run, and so is its place among the others.
    if creates && matches!(kind, "host" | "group") {
        let names = attributes[0].1;
        let _ = writeln!(out, "set name = {}", names[dice.below(names.len())]);
    }
    out.push_str(if creates { "create\n" } else { "open\n" });
    for _ in 0..dice.below(5) {
        match dice.below(9) {
            0..=2 => {
                out.push_str(&pick(dice, attributes));
                out.push_str("update\n");
            }
            3 => {
                // A null where the real program expects a number ends it.
                let names = ["ip-address", "colour", "group", "statements", "name"];
                let _ = write!(out, "unset {}\nupdate\n", dice.of(&names));
            }
            4 | 5 => out.push_str("refresh\n"),
            6 => out.push_str("open\n"),
            7 => out.push_str("update\n"),
            _ => {
                out.push_str("remove\n");
                break;
            }
        }
    }
    // After a removal this is one mistake more.
    out.push_str("close\n");
}

/// A scenario's text.
pub fn draw(seed: u64) -> String {
    if seed >= typed::FIRST {
        return typed::draw(seed);
    }
    let mut dice = Dice::of_scenario(seed);
    let mut text = format!(
        "title: sessions of seed {seed}\ntier: live omshell is a program of its own\n== config\n{CONFIGURATION}== leases\n{LEASES}"
    );
    let mut steps = String::new();
    for number in 0..3 {
        let _ = write!(text, "== omshell s{number}\nconnect\n");
        for _ in 0..4 + dice.below(5) {
            object(&mut dice, &mut text);
        }
        let _ = writeln!(steps, "omshell s{number}");
        if dice.percent(50) {
            let _ = writeln!(steps, "{}", dice.of(&EXCHANGES));
        }
        steps.push_str(if dice.percent(30) { "kill\nstart\n" } else { "leases\n" });
    }
    text + "== steps\n" + &steps + "leases\n"
}

/// A seed through both.
pub struct Outcome {
    /// What ours does otherwise on nobody's order.
    pub left: Vec<Difference>,
    pub expected: Transcript,
    pub found: Transcript,
}

/// None where the real program crashed, or its omshell waited for ever.
pub fn differences(seed: u64, isc: &Program, ours: &Program) -> Result<Option<Outcome>, String> {
    let scenario = Scenario::parse(&format!("omapi-random-{seed}"), &draw(seed))?;
    let expected = match live::run(&scenario, isc) {
        Err(error) if error.contains("too slow: omshell") => return Ok(None),
        expected => expected?,
    };
    let shown = expected.render();
    if ["signal 11", "signal 6", "had ended", "is still running"].iter().any(|word| shown.contains(word)) {
        return Ok(None);
    }
    let found = live::run(&scenario, ours)?;
    let entries = lists::differences()?;
    let left = lists::explain(&scenario.name, transcript::compare(&expected, &found), &entries).0;
    Ok(Some(Outcome { left, expected, found }))
}

/// Where a session that should be kept goes, as a scenario.
pub fn keep(seed: u64) -> Result<(), String> {
    let path = crate::here().join("scenarios/omapi").join(format!("omapi-random-{seed}.scn"));
    std::fs::write(&path, draw(seed)).map_err(|error| format!("{}: {error}", path.display()))?;
    let scenario = Scenario::load(&path)?;
    let isc = Program::isc().ok_or("the real dhcpd is not installed")?;
    let made = recording::make(&scenario, &isc)?;
    std::fs::write(recording::path(&scenario), made.render()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_is_a_scenario() {
        for seed in (0..50).chain(typed::FIRST..typed::FIRST + 50) {
            Scenario::parse("x", &draw(seed)).unwrap();
        }
        assert_ne!(draw(1), draw(2));
    }
}
