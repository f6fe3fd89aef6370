//! Which rules, log lines and lease-file rows of `ledger/` a scenario shows, and which wait for what.

use crate::scenario::Scenario;
use crate::transcript::Transcript;
use dhcpd::config::support;
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

fn read(name: &str) -> String {
    fs::read_to_string(crate::here().join("ledger").join(name)).unwrap_or_default()
}

/// `9.1`, `9.2`, ... of `dhcp4-behaviour.md`.
pub fn rules() -> BTreeSet<String> {
    let number = Regex::new(r"(?m)^- (\d+\.\d+) ").expect("a fixed pattern");
    number.captures_iter(&read("dhcp4-behaviour.md")).map(|found| found[1].to_string()).collect()
}

/// Identifier and template of the core log lines that v4 service can print.
pub fn log_lines() -> BTreeMap<String, String> {
    let wanted = ["v4", "ping", "bootp", "leasequery", "startup", "leasefile", "stop", "parse"];
    read("logs.tsv")
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .filter(|row| row.get(1) == Some(&"core") && row.get(2).is_some_and(|kind| wanted.contains(kind)))
        .map(|row| (row[0].to_string(), row.get(5).unwrap_or(&"").to_string()))
        .collect()
}

/// `record/item` of every row.
pub fn lease_rows() -> BTreeSet<String> {
    let text = read("leases.tsv");
    text.lines()
        .skip(1)
        .filter_map(|line| {
            let mut row = line.split('\t');
            Some(format!("{}/{}", row.next()?, row.next()?))
        })
        .collect()
}

/// `kind/syntax` of every row of `expressions.tsv`.
pub fn expression_rows() -> BTreeSet<String> {
    let text = read("expressions.tsv");
    let rows = text.lines().skip(1).filter_map(|line| {
        let mut row = line.split('\t');
        Some(format!("{}/{}", row.next()?, row.next()?))
    });
    rows.collect()
}

/// Server parameters that work in v4 service: rows of `statements.tsv` that have an option code of the server's space, the
/// `allow`, `deny` and `ignore` forms, and the few statements that are kept elsewhere.
pub fn parameters() -> BTreeSet<String> {
    const OTHERS: [&str; 5] =
        ["authoritative", "not authoritative", "server-identifier", "lease-id-format", "db-time-format"];
    let works: BTreeSet<&str> = support::rows()
        .filter(|row| row.kind == "statement" && row.state == support::State::Works)
        .map(|row| row.name)
        .collect();
    let code = Regex::new(r"^format \S+ code \d+:").expect("a fixed pattern");
    read("statements.tsv")
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .filter(|row| {
            let name = row.first().copied().unwrap_or_default();
            let has_code = row.get(4).is_some_and(|value| code.is_match(value));
            has_code || name.starts_with("allow|deny|ignore ") || OTHERS.contains(&name)
        })
        .filter_map(|row| row.first().filter(|name| works.contains(*name)).map(ToString::to_string))
        .collect()
}

/// What no scenario can show yet, with the capability it waits for or the reason: `ledger/WAITING.tsv`.
pub fn waiting() -> BTreeMap<String, String> {
    read("WAITING.tsv")
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(key, reason)| (key.to_string(), reason.to_string()))
        .collect()
}

/// A template as a pattern: `{x}` is anything, `[x]` may be absent.
pub fn pattern(template: &str) -> Regex {
    let mut out = String::from("^(?:~ )?(?:stderr |error: |info: |debug: )*");
    let mut depth = 0;
    for c in template.split(" (+4 further").next().unwrap_or(template).chars() {
        match c {
            '{' => {
                depth += 1;
                if depth == 1 {
                    out.push_str(".*");
                }
            }
            '}' => depth -= 1,
            _ if depth > 0 => {}
            '[' => out.push_str("(?:"),
            ']' => out.push_str(")?"),
            c => out.push_str(&regex::escape(&c.to_string())),
        }
    }
    Regex::new(&out).expect("escaped")
}

/// True when a line of the recording is of that template.
pub fn said(recording: &Transcript, pattern: &Regex) -> bool {
    recording.sections.iter().flat_map(|section| &section.lines).any(|line| pattern.is_match(line))
}

/// What the scenarios name, by the header they name it in.
pub fn named(scenarios: &[Scenario]) -> (BTreeSet<String>, BTreeSet<String>) {
    let rules = scenarios.iter().flat_map(|scenario| scenario.rules.iter().cloned()).collect();
    let leases = scenarios.iter().flat_map(|scenario| scenario.leases.iter().cloned()).collect();
    (rules, leases)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_match_their_lines() {
        let found = pattern("DHCPREQUEST for {ip}[ ({server-id})] from {hw} {host}via {via}: wrong network.");
        assert!(found.is_match("info: DHCPREQUEST for 10.9.0.1 from 02:00 via s0: wrong network."));
        assert!(
            found.is_match("info: DHCPREQUEST for 10.9.0.1 (1.2.3.4) from 02:00 (x) via s0: wrong network.")
        );
        assert!(!found.is_match("info: DHCPREQUEST for 10.9.0.1 from 02:00 via s0"));
    }
}
