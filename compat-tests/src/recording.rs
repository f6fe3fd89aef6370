//! Recordings of the real program, `recordings/NAME.rec`; written by a run of the real program and by nothing else.

use crate::live::{self, Program};
use crate::scenario::Scenario;
use crate::transcript::{self, Transcript};
use std::path::PathBuf;

pub fn path(scenario: &Scenario) -> PathBuf {
    crate::here().join("recordings").join(format!("{}.rec", scenario.name))
}

pub fn load(scenario: &Scenario) -> Result<Transcript, String> {
    let path = path(scenario);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        format!("{}: {error}; `compat-tests/record {}` makes it", path.display(), scenario.name)
    })?;
    Ok(Transcript::parse(&text))
}

/// Two runs of the real program; what they do not agree on is marked.
pub fn make(scenario: &Scenario, program: &Program) -> Result<Transcript, String> {
    let version = program.version();
    if !version.starts_with("isc-dhcpd-") {
        return Err(format!("{version}: only the real program makes recordings"));
    }
    let mut first = live::run(scenario, program)?;
    for _ in 0..3 {
        let second = live::run(scenario, program)?;
        match transcript::mark_varying(&first, &second) {
            Ok(marked) => return Ok(marked),
            Err(_) => first = second,
        }
    }
    let again = live::run(scenario, program)?;
    Err(format!("no two runs are alike:\n{}", transcript::show(&transcript::compare(&first, &again))))
}
