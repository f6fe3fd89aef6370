//! The table of statements, options and expressions against the ledger, and STATEMENTS.md against the table.

use dhcpd::config::support::{State, page, rows};
use std::fs;

/// Column `name` (and `space`, if given) of a ledger file, in order.
fn names(file: &str, columns: &[&str]) -> Vec<String> {
    let text = fs::read_to_string(compat_tests::here().join("ledger").join(file)).expect("the ledger");
    let mut lines = text.lines();
    let head: Vec<&str> = lines.next().expect("a head").split('\t').collect();
    let at: Vec<usize> = columns
        .iter()
        .map(|name| head.iter().position(|column| column == name).expect("the column"))
        .collect();
    let name = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        at.iter().map(|at| fields[*at]).collect::<Vec<_>>().join(".")
    };
    lines.map(name).collect()
}

fn table(kind: &str) -> Vec<String> {
    rows().filter(|row| row.kind == kind).map(|row| row.name.to_string()).collect()
}

#[test]
fn the_table_has_every_row_of_the_ledger() {
    assert_eq!(table("statement"), names("statements.tsv", &["keyword"]));
    assert_eq!(table("option"), names("options4.tsv", &["space", "name"]));
    assert_eq!(table("option6"), names("options6.tsv", &["space", "name"]));
    assert_eq!(table("expression"), names("expressions.tsv", &["syntax"]));
}

#[test]
fn what_waits_waits_for_a_named_capability() {
    for row in rows() {
        if let State::Waits(capability) = row.state {
            assert!(["failover", "DNS updates", "OMAPI", "v6 service"].contains(&capability), "{row:?}");
        }
    }
}

#[test]
fn the_page_is_made_from_the_table() {
    let path = compat_tests::here().join("STATEMENTS.md");
    let written = fs::read_to_string(path).expect("STATEMENTS.md");
    assert!(written == page(), "STATEMENTS.md is out of date: cargo run -p compat-tests --bin statements");
}
