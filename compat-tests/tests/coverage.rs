//! The ledger against the scenarios: what is named by none must be listed as waiting, with a reason.

use compat_tests::{ledger, recording, scenario};
use std::collections::{BTreeMap, BTreeSet};

fn report(what: &str, wanted: &BTreeSet<String>, have: &BTreeSet<String>) -> Vec<String> {
    let waiting = ledger::waiting();
    let missing: Vec<_> =
        wanted.difference(have).filter(|key| !waiting.contains_key(*key)).cloned().collect();
    let waits = wanted.iter().filter(|key| waiting.contains_key(*key)).count();
    println!(
        "{what}: {} shown, {waits} waiting, {} missing of {}",
        wanted.intersection(have).count(),
        missing.len(),
        wanted.len()
    );
    missing
}

#[test]
fn every_rule_is_named_by_a_scenario() {
    let scenarios = scenario::all().unwrap();
    let (have, _) = ledger::named(&scenarios);
    let rules = ledger::rules();
    let unknown: Vec<_> = have.difference(&rules).collect();
    assert!(unknown.is_empty(), "no such rule: {unknown:?}");
    let missing = report("rules of dhcp4-behaviour.md", &rules, &have);
    assert!(missing.is_empty(), "no scenario names {missing:?}");
}

#[test]
fn every_row_of_the_lease_file_is_named_by_a_scenario() {
    let scenarios = scenario::all().unwrap();
    let (_, have) = ledger::named(&scenarios);
    let rows = ledger::lease_rows();
    let unknown: Vec<_> = have.difference(&rows).collect();
    assert!(unknown.is_empty(), "no such row: {unknown:?}");
    let missing = report("rows of leases.tsv", &rows, &have);
    assert!(missing.is_empty(), "no scenario names {missing:?}");
}

#[test]
fn every_row_of_the_expressions_is_named_by_a_scenario() {
    let scenarios = scenario::all().unwrap();
    let have: BTreeSet<String> =
        scenarios.iter().flat_map(|scenario| scenario.expressions.iter().cloned()).collect();
    let rows = ledger::expression_rows();
    let unknown: Vec<_> = have.difference(&rows).collect();
    assert!(unknown.is_empty(), "no such row: {unknown:?}");
    let missing = report("rows of expressions.tsv", &rows, &have);
    assert!(missing.is_empty(), "no scenario names {missing:#?}");
}

#[test]
fn every_core_log_line_stands_in_a_recording() {
    let scenarios = scenario::all().unwrap();
    let recordings: Vec<_> = scenarios.iter().map(|scenario| recording::load(scenario).unwrap()).collect();
    let lines = ledger::log_lines();
    let patterns: BTreeMap<&String, _> =
        lines.iter().map(|(id, template)| (id, ledger::pattern(template))).collect();
    let have: BTreeSet<String> = lines
        .keys()
        .filter(|id| recordings.iter().any(|recording| ledger::said(recording, &patterns[id])))
        .cloned()
        .collect();
    let mut wrong: Vec<String> = Vec::new();
    for (scenario, recording) in scenarios.iter().zip(&recordings) {
        for id in &scenario.logs {
            let waits = ledger::waiting().contains_key(id);
            let template = lines.get(id).unwrap_or_else(|| panic!("{}: {id} is no core line", scenario.name));
            if !waits && !ledger::said(recording, &patterns[id]) {
                wrong.push(format!("{}: {id} is not said: {template}", scenario.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let missing = report("core log lines", &lines.keys().cloned().collect(), &have);
    let texts: Vec<_> = missing.iter().map(|id| format!("{id} {}", lines[id])).collect();
    assert!(missing.is_empty(), "in no recording:\n{}", texts.join("\n"));
}

#[test]
fn every_recording_belongs_to_a_scenario_and_was_made_by_the_real_program() {
    let scenarios = scenario::all().unwrap();
    let names: BTreeSet<_> = scenarios.iter().map(|scenario| format!("{}.rec", scenario.name)).collect();
    for entry in std::fs::read_dir(compat_tests::here().join("recordings")).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(names.contains(&name), "{name} belongs to no scenario");
    }
    for scenario in &scenarios {
        let recording = recording::load(scenario).unwrap();
        assert!(recording.program.starts_with("isc-dhcpd-4.4.3"), "{}: {}", scenario.name, recording.program);
    }
}
