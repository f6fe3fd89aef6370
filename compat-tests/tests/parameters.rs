//! Every server parameter that v4 service knows shows in replies, log or lease file: a scenario's run differs from its
//! recording when the parameter is taken out of its configuration.

use compat_tests::scenario::{self, Scenario};
use compat_tests::{ledger, lists, recording, replay, transcript};
use regex::Regex;
use std::collections::BTreeMap;

/// What only the shell sees (sockets, files, facilities): the scenario that runs in namespaces alone, and what it shows.
const SHELL: [(&str, &str); 14] = [
    ("db-time-format", "start-hex-ids"),
    ("delayed-ack", "delayed-ack"),
    ("dont-use-fsync", "start-fsync"),
    ("lease-file-name", "cli-config-names-files"),
    ("lease-id-format", "start-hex-ids"),
    ("limited-broadcast-address", "net-limited-broadcast"),
    ("local-address", "net-local-address"),
    ("local-port", "net-local-port"),
    ("log-facility", "cli-facility"),
    ("max-ack-delay", "delayed-ack"),
    ("omapi-key", "omapi-key-sha1"),
    ("omapi-port", "omapi-key-sha1"),
    ("pid-file-name", "cli-config-names-files"),
    ("remote-port", "net-remote-port"),
];

/// A statement of this name, wherever it stands.
fn statement(name: &str) -> Regex {
    let words = match name.split_once("|ignore ") {
        Some((_, what)) => format!(r"(?:allow|deny|ignore)\s+{}", regex::escape(what)),
        None => regex::escape(name).replace(' ', r"\s+"),
    };
    Regex::new(&format!(r"(?m)(?P<before>^|[;{{}}]\s*|\s){words}\b[^;{{}}]*;")).expect("escaped")
}

fn without(scenario: &Scenario, statement: &Regex) -> Option<Scenario> {
    let mut changed = scenario.clone();
    for text in changed.configs.values_mut() {
        *text = statement.replace_all(text, "$before").into_owned();
    }
    (changed.configs != scenario.configs).then_some(changed)
}

/// The run differs without it.
fn shows(scenario: &Scenario, statement: &Regex, entries: &[lists::Entry]) -> bool {
    let Some(changed) = without(scenario, statement) else { return false };
    let recording = recording::load(scenario).unwrap();
    if !scenario.fits_virtual_time() || replay::needs_the_shell(&recording) {
        return false;
    }
    // A configuration that cannot be read without it proves nothing.
    let Ok(found) = replay::run(&changed) else { return false };
    let expected = replay::within_reach(&recording);
    !lists::explain(&scenario.name, transcript::compare(&expected, &found), entries).0.is_empty()
}

#[test]
fn every_parameter_shows_in_a_scenario() {
    let scenarios = scenario::all().unwrap();
    let entries = lists::differences().unwrap();
    let waiting = ledger::waiting();
    let mut table: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for name in ledger::parameters() {
        let statement = statement(&name);
        let by: Vec<&str> = match SHELL.iter().find(|(parameter, _)| *parameter == name) {
            Some((_, by)) => scenarios
                .iter()
                .filter(|scenario| scenario.name == *by && without(scenario, &statement).is_some())
                .map(|scenario| &*scenario.name)
                .collect(),
            None => scenarios
                .iter()
                .filter(|scenario| shows(scenario, &statement, &entries))
                .take(3)
                .map(|scenario| &*scenario.name)
                .collect(),
        };
        table.insert(name, by);
    }
    let mut missing = Vec::new();
    for (name, by) in &table {
        let reason = waiting.get(&format!("parameter/{name}"));
        println!("{name}: {}", by.join(" "));
        if by.is_empty() && reason.is_none() {
            missing.push(name);
        }
    }
    assert!(missing.is_empty(), "{} of {} show in no scenario: {missing:?}", missing.len(), table.len());
}
