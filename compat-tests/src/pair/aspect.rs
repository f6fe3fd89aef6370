//! What is compared of a run: for either server the lines of some kind, and what its lease file held. Times, addresses in
//! memory and whatever else differs between two runs of the real pair is taken away.

use super::place::Said;
use super::scenario::Side;
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// `primary states`, `secondary leases 01-normal`, `clients`, and what was seen.
pub type Aspects = BTreeMap<String, Vec<String>>;

/// Scenarios in which the two never settle, with a count of attempts that depends on the moment: there it is compared which
/// lines are said, not how often.
const RESTLESS: [&str; 4] =
    ["j1_name_mismatch", "j2_address_mismatch", "j7_both_primary", "j8_both_secondary"];

/// Scenarios in which a moment more or less makes other clients get other addresses, or another server answer first: of these
/// aspects it is compared which kinds of lines there are.
const CHANCY: [&str; 6] = ["b4_", "b5_", "d1_", "f1_", "f3_", "h1_"];
const BY_CHANCE: [&str; 4] = ["clients", " dhcp", " leases ", " balance"];
/// Leases end in the very seconds in which the file is looked at, and ISC's secondary writes what it was told up to two seconds
/// late: of two runs of the real pair each has other leases in use, over, and free again. It is compared who had addresses.
const CHANCY_LEASES: [&str; 9] = ["b4_", "b5_", "d1_", "d2_", "f1_", "f2_", "f5_", "h1_", "h4_"];
/// How many addresses are free when the servers meet again depends on the second.
const CHANCY_BALANCE: [&str; 5] = ["e", "f", "g", "i", "k1_"];

/// What two servers that start at the same time say or do not say, as it happens.
static RACES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        "Both servers have entered recover-done!|xid mismatch|less critical than outgoing|",
        "peer moves from recover to (recover|recover-done|normal)$|peer moves from recover-done to normal|",
        "requesting full update|Received update request while old"
    ))
    .expect("a pattern")
});

/// Whether lines of this aspect of a scenario are compared by their [`shape`].
pub fn is_chancy(scenario: &str, aspect: &str) -> bool {
    let starts = |list: &[&str]| list.iter().any(|start| scenario.starts_with(start));
    (starts(&CHANCY) && BY_CHANCE.iter().any(|part| aspect.contains(part)))
        || (starts(&CHANCY_LEASES) && aspect.contains(" leases "))
        || (starts(&CHANCY_BALANCE) && aspect.ends_with(" balance"))
}

static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b[0-9a-f]{2}(:[0-9a-f]{2})+|-?[0-9]+([.][0-9]+)*( to [0-9.]+)?").expect("a pattern")
});

static STAGE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r" (active|expired|free|backup)(, next \w+)?(, rewind \w+)?, hardware ethernet")
        .expect("a pattern")
});

/// A line without its numbers and addresses; a lease without how far it has come.
pub fn shape(line: &str) -> String {
    let line = STAGE.replace(line, " had by");
    NUMBER.replace_all(&line, "N").into_owned()
}

static POOL: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(balancing|balanced|IMBALANCED) pool [0-9a-f]+ ").expect("a pattern"));

static UPDATED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(bind update on|Lease conflict at) [0-9.]+").expect("a pattern"));

/// Lines of one server's log, by kind.
pub fn of_log(scenario: &str, side: Side, log: &[Said], into: &mut Aspects) {
    let mut lines: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for said in log {
        let Some(kind) = kind(&said.text) else { continue };
        let text = POOL.replace(&said.text, "$1 pool POOL ");
        lines.entry(kind).or_default().push(format!("{}: {text}", said.priority));
    }
    for (kind, mut lines) in lines {
        let distinct = RESTLESS.contains(&scenario) || matches!(kind, "heard" | "updates");
        if distinct {
            lines.retain(|line| !RACES.is_match(line));
            lines = lines.into_iter().map(|line| UPDATED.replace(&line, "$1 ADDRESS").into_owned()).collect();
            lines = lines.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        }
        into.insert(format!("{} {kind}", side.name()), lines);
    }
}

fn kind(text: &str) -> Option<&'static str> {
    let starts = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if has(&["ing pool ", "ed pool ", "ED pool ", "pool response", "Got POOLREQ"]) {
        return Some("balance");
    }
    if starts(&[
        "bind update on",
        "Sent update",
        "Update request",
        "Received update request",
        "Sending updates",
        "Lease conflict",
        "Failed to send update",
        "Spurious update",
    ]) {
        return Some("updates");
    }
    if starts(&[
        "failover",
        "timeout waiting for failover",
        "Failover ",
        "message length wait",
        "FAILOVER",
        "dhcp_failover",
        "Both servers",
        "Peer ",
        "peer ",
        "Secondary is",
        "Unable to record",
        "Disabling ",
        "Impossible case",
        "ERROR: Failover",
    ]) {
        let own = [": I move from ", "timeout waiting", ": disconnected", "Disabling "];
        return Some(if has(&own) { "moves" } else { "heard" });
    }
    if starts(&["DHCP", "BOOTP"]) {
        return Some("dhcp");
    }
    None
}

/// State records in a lease file, in order and without times, and the last record of every address.
pub fn of_leases(side: Side, label: &str, text: &str, into: &mut Aspects) {
    let mut records = Vec::new();
    let mut leases: BTreeMap<u32, String> = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let body: Vec<&str> = if line.ends_with('{') {
            lines.by_ref().take_while(|line| *line != "}").map(str::trim).collect()
        } else {
            continue;
        };
        if line.starts_with("failover peer") {
            let short =
                |word: &&str| word.split(" at ").next().unwrap_or_default().trim_end_matches(';').to_string();
            records.push(body.iter().map(short).collect::<Vec<_>>());
        } else if let Some(address) = line.strip_prefix("lease ").and_then(|rest| rest.strip_suffix(" {"))
            && let Ok(address) = address.parse::<std::net::Ipv4Addr>()
        {
            leases.insert(address.into(), lease(&body));
        }
    }
    into.insert(format!("{} records {label}", side.name()), histories(&records));
    into.insert(format!("{} leases {label}", side.name()), runs(&leases));
}

/// What each line of the records was, one after the other; who moves first when both do is a race.
fn histories(records: &[Vec<String>]) -> Vec<String> {
    let mut out: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in records.iter().flatten() {
        let (name, value) = line.rsplit_once(' ').unwrap_or((line, ""));
        let history = out.entry(name).or_default();
        if history.last() != Some(&value) {
            history.push(value);
        }
    }
    out.into_iter().map(|(name, history)| format!("{name}: {}", history.join(", "))).collect()
}

/// Neighbours of which the file says the same share a line.
fn runs(leases: &BTreeMap<u32, String>) -> Vec<String> {
    let mut out: Vec<(u32, u32, &str)> = Vec::new();
    for (address, what) in leases {
        match out.last_mut() {
            Some((_, last, same)) if *last + 1 == *address && *same == what => *last = *address,
            _ => out.push((*address, *address, what)),
        }
    }
    let name = |address: u32| std::net::Ipv4Addr::from(address);
    out.into_iter()
        .map(|(first, last, what)| match first == last {
            true => format!("{} {what}", name(first)),
            false => format!("{} to {} {what}", name(first), name(last)),
        })
        .collect()
}

/// States and who has it. Which times are set depends on whether the peer has answered yet.
fn lease(body: &[&str]) -> String {
    let mut out = Vec::new();
    for line in body {
        let line = line.trim_end_matches(';');
        let times = ["starts", "ends", "tstp", "tsfp", "atsfp", "cltt"];
        let word = line.split(' ').next().unwrap_or_default();
        if times.contains(&word) {
            continue;
        } else if let Some(state) = line.strip_suffix("").and_then(|line| line.strip_prefix("binding state "))
        {
            out.push(state.to_string());
        } else {
            out.push(line.replace("binding state ", ""));
        }
    }
    out.join(", ")
}

/// What omshell printed; octets that are addresses in memory and times masked.
pub fn of_omshell(text: &str) -> Vec<String> {
    let times = ["starts", "ends", "tstp", "tsfp", "atsfp", "cltt"];
    let masked = |name: &str| {
        ["partner-address", "local-address", "partner-stos", "local-stos"].contains(&name)
            || times.contains(&name)
    };
    let mut out = Vec::new();
    for line in text.lines() {
        let line = line.trim_end();
        match line.split_once(" = ") {
            Some((name, _)) if masked(name) => out.push(format!("{name} = ...")),
            _ if line.is_empty() => {}
            _ => out.push(line.to_string()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lease_files_lose_their_times() {
        let text = "failover peer \"x\" state {\n  my state normal at 0 2026/11/22 07:35:08;\n  mclt 20;\n}\n\
                    lease 10.0.0.1 {\n  ends never;\n  binding state free;\n  rewind binding state active;\n}\n";
        let mut out = Aspects::new();
        of_leases(Side::Primary, "a", text, &mut out);
        assert_eq!(out["primary records a"], ["mclt: 20", "my state: normal"]);
        assert_eq!(out["primary leases a"], ["10.0.0.1 free, rewind active"]);
    }
}
