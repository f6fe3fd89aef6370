//! `Server::export` and `import`: at random moments a server gives way to another one that has its state, and nothing that
//! follows is different.

use compat_tests::random::Draft;
use compat_tests::scenario::{self, Scenario};
use compat_tests::{replay, transcript};

/// Scenarios of a seed; the full tier takes more.
fn drafts() -> std::ops::Range<u64> {
    match std::env::var("COMPAT_TIER").is_ok_and(|tier| tier == "full") {
        true => 7_000..8_000,
        false => 7_000..7_040,
    }
}

fn same(scenario: &Scenario, seed: u64) -> Option<String> {
    let straight = match replay::run(scenario) {
        Ok(transcript) => transcript,
        // What cannot run in virtual time is the other test's matter.
        Err(_) => return None,
    };
    match replay::run_handed_over(scenario, seed) {
        Err(error) => Some(format!("{}, seed {seed}: {error}", scenario.name)),
        Ok(handed_over) => {
            let found = transcript::compare(&straight, &handed_over);
            let shown = || format!("{}, seed {seed}:\n{}", scenario.name, transcript::show(&found));
            (!found.is_empty()).then(shown)
        }
    }
}

#[test]
fn every_scenario_goes_on_in_another_server() {
    let scenarios = scenario::all().expect("scenarios");
    let fitting: Vec<_> = scenarios.iter().filter(|scenario| scenario.fits_virtual_time()).collect();
    assert!(fitting.len() > 150, "only {} scenarios", fitting.len());
    let bad: Vec<_> = fitting.iter().filter_map(|scenario| same(scenario, 1)).collect();
    println!("{} scenarios", fitting.len());
    assert!(bad.is_empty(), "{} differ:\n{}", bad.len(), bad.join("\n"));
}

#[test]
fn random_scenarios_go_on_in_another_server() {
    let mut bad = Vec::new();
    for seed in drafts() {
        if let Ok(scenario) = Draft::new(seed).scenario() {
            bad.extend(same(&scenario, seed));
        }
    }
    assert!(bad.is_empty(), "{} differ:\n{}", bad.len(), bad.join("\n"));
}
