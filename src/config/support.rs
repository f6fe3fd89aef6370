//! What becomes of every statement, option and expression ISC dhcpd knows: the one table behind `STATEMENTS.md`. A later
//! capability changes its rows here, and a test compares the names with the ledger of the real program.

use std::fmt::Write as _;

const TABLE: &str = include_str!("support.tsv");

/// What a thing does here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State<'a> {
    Works,
    /// Accepted, and without effect, as in ISC.
    NoEffect,
    /// Refused with ISC's message: it needs a build of ISC that Debian does not make, or ISC never took it.
    Refused,
    /// Read and checked; acts when this capability comes. Named in a line at start where it would have acted.
    Waits(&'a str),
}

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// `statement`, `option`, `option6` or `expression`.
    pub kind: &'a str,
    /// As in the ledger.
    pub name: &'a str,
    pub state: State<'a>,
}

/// All rows in the ledger's order.
pub fn rows() -> impl Iterator<Item = Row<'static>> {
    TABLE.lines().skip(1).filter_map(|line| {
        let mut fields = line.split('\t');
        let (kind, name, state) = (fields.next()?, fields.next()?, fields.next()?);
        let state = match state {
            "works" => State::Works,
            "no effect" => State::NoEffect,
            "refused" => State::Refused,
            _ => State::Waits(fields.next()?),
        };
        Some(Row { kind, name, state })
    })
}

/// The page for people.
pub fn page() -> String {
    let mut out = String::from(
        "# Statements, options and expressions\n\nWhat becomes of everything that ISC dhcpd 4.4.3-P1 (Debian's build) knows. Made from `src/config/support.tsv`; \
         `cargo run -p compat-tests --bin statements` writes it again.\n\n| | works | no effect, as in ISC | refused, as in ISC | read and checked, waits |\n|---|---|---|---|---|\n",
    );
    let kinds = [
        ("statement", "statements"),
        ("option", "options"),
        ("option6", "DHCPv6 options"),
        ("expression", "expressions"),
    ];
    let count = |kind: &str, wanted: fn(State<'_>) -> bool| {
        rows().filter(|row| row.kind == kind && wanted(row.state)).count()
    };
    for (kind, title) in kinds {
        let _ = writeln!(
            out,
            "| {title} | {} | {} | {} | {} |",
            count(kind, |state| state == State::Works),
            count(kind, |state| state == State::NoEffect),
            count(kind, |state| state == State::Refused),
            count(kind, |state| matches!(state, State::Waits(_))),
        );
    }
    for (kind, title) in kinds {
        let _ = writeln!(out, "\n## {title}\n\n| name | state |\n|---|---|");
        for row in rows().filter(|row| row.kind == kind) {
            let state = match row.state {
                State::Works => "works".to_string(),
                State::NoEffect => "no effect, as in ISC".to_string(),
                State::Refused => "refused, as in ISC".to_string(),
                State::Waits(capability) => format!("waits for {capability}"),
            };
            let _ = writeln!(out, "| `{}` | {state} |", row.name.replace('|', "\\|"));
        }
    }
    out
}
