//! Every scenario as a test of its own: `live::NAME` runs our server in namespaces and compares with the recording of
//! the real program (one with omshell also as `isc-omshell::NAME` and `isc-server::NAME`: one end ours), `virtual::NAME` drives the core in virtual time, `isc::NAME` records a random ten again, and
//! `random::SEED` takes scenarios out of a seed through both.
//!
//! `COMPAT_TIER=full` records all again; otherwise ten, drawn anew every day.

use compat_tests::live::{self, Program};
use compat_tests::random::{self, Draft};
use compat_tests::scenario::{self, Scenario};
use compat_tests::transcript::{self, Difference};
use compat_tests::{lists, recording, replay, sessions};
use libtest_mimic::{Arguments, Failed, Trial};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

type Used = Arc<Mutex<BTreeSet<String>>>;

/// Beside this test's own folder: `target/debug/dhcpd` and `omshell`. Cargo builds them with the workspace.
fn ours() -> Option<Program> {
    let mut folder: PathBuf = std::env::current_exe().ok()?;
    folder.pop();
    folder.pop();
    let (path, omshell) = (folder.join("dhcpd"), folder.join("omshell"));
    path.exists().then_some(Program { path, omshell: Some(omshell) })
}

/// Our server or shell with the other one of ISC: both ends are replaced one at a time.
fn mixed() -> Option<[(&'static str, Program); 2]> {
    let ours = ours()?;
    let isc = Program::isc()?;
    let isc_shell = Program { omshell: None, ..ours.clone() };
    Some([("isc-omshell", isc_shell), ("isc-server", Program { omshell: ours.omshell, ..isc })])
}

fn verdict(name: &str, found: Vec<Difference>, entries: &[lists::Entry], used: &Used) -> Result<(), Failed> {
    let (left, explained) = lists::explain(name, found, entries);
    used.lock().expect("no panic").extend(explained);
    if left.is_empty() { Ok(()) } else { Err(transcript::show(&left).into()) }
}

fn main() {
    let mut arguments = Arguments::from_args();
    // Scenarios mostly sleep: many at a time fit on two processors.
    arguments.test_threads.get_or_insert(12);
    let scenarios = scenario::all().expect("every scenario can be read");
    let entries = Arc::new(lists::differences().expect("DIFFERENCES.md can be read"));
    let used: Used = Arc::default();
    let mut trials = Vec::new();
    for scenario in &scenarios {
        trials.push(live_trial("live", ours(), scenario, &entries, &used));
        if !scenario.sessions.is_empty() {
            for (name, program) in mixed().into_iter().flatten() {
                trials.push(live_trial(name, Some(program), scenario, &entries, &used));
            }
        }
        trials.extend(virtual_trial(scenario, &entries, &used));
    }
    for scenario in redo(&scenarios) {
        trials.push(isc_trial(scenario));
    }
    trials.extend(random_seeds().map(random_trial));
    trials.extend(session_seeds().map(session_trial));
    let (skips, all) = (lists::skips(), trials.len());
    trials.retain(|trial| match skips.iter().find(|(pattern, _)| pattern.is_match(trial.name())) {
        Some((_, reason)) => {
            println!("skipped {}: {reason}", trial.name());
            false
        }
        None => true,
    });
    let whole =
        trials.len() == all && arguments.filter.is_none() && arguments.skip.is_empty() && !arguments.list;
    let conclusion = libtest_mimic::run(&arguments, trials);
    let used = used.lock().expect("no panic").clone();
    let vanished: Vec<_> = entries
        .iter()
        .filter(|entry| scenarios.iter().any(|scenario| entry.concerns(&scenario.name)))
        .filter(|entry| !used.contains(&entry.name))
        .collect();
    if whole && !conclusion.has_failed() && !vanished.is_empty() {
        for entry in vanished {
            println!("DIFFERENCES.md: {} explains nothing any more", entry.name);
        }
        std::process::exit(101);
    }
    conclusion.exit();
}

fn live_trial(
    kind: &str,
    program: Option<Program>,
    scenario: &Scenario,
    entries: &Arc<Vec<lists::Entry>>,
    used: &Used,
) -> Trial {
    let (scenario, entries, used) = (scenario.clone(), entries.clone(), used.clone());
    Trial::test(format!("{kind}::{}", scenario.name), move || {
        let program = program.ok_or("our dhcpd is not built: cargo build")?;
        let expected = recording::load(&scenario)?;
        // A line between two programs and the clock: what is seen twice is a difference.
        let mut found = Vec::new();
        for _ in 0..2 {
            found = transcript::compare(&expected, &live::run(&scenario, &program)?);
            if lists::explain(&scenario.name, found.clone(), &entries).0.is_empty() {
                break;
            }
        }
        verdict(&scenario.name, found, &entries, &used)
    })
}

/// None where the shell has a part in what is seen: `live` shows that.
fn virtual_trial(scenario: &Scenario, entries: &Arc<Vec<lists::Entry>>, used: &Used) -> Option<Trial> {
    let (scenario, entries, used) = (scenario.clone(), entries.clone(), used.clone());
    let recording = recording::load(&scenario);
    if !scenario.fits_virtual_time() || recording.as_ref().is_ok_and(replay::needs_the_shell) {
        return None;
    }
    Some(Trial::test(format!("virtual::{}", scenario.name), move || {
        let expected = replay::within_reach(&recording?);
        verdict(&scenario.name, transcript::compare(&expected, &replay::run(&scenario)?), &entries, &used)
    }))
}

fn isc_trial(scenario: &Scenario) -> Trial {
    let scenario = scenario.clone();
    Trial::test(format!("isc::{}", scenario.name), move || {
        let program = Program::isc().ok_or("the real dhcpd is not installed")?;
        let expected = recording::load(&scenario)?;
        for _ in 0..2 {
            if transcript::compare(&expected, &live::run(&scenario, &program)?).is_empty() {
                return Ok(());
            }
        }
        Err(transcript::show(&transcript::compare(&expected, &live::run(&scenario, &program)?)).into())
    })
}

/// What a seed makes, through the real program and the core: a few in every run, many in the full tier.
fn random_trial(seed: u64) -> Trial {
    Trial::test(format!("random::{seed}"), move || {
        let program = Program::isc().ok_or("the real dhcpd is not installed")?;
        let draft = Draft::new(seed);
        for _ in 0..2 {
            if draft.differences(&program, None)?.is_empty() {
                return Ok(());
            }
        }
        Err(random::report(&draft, &program, None).into())
    })
}

fn random_seeds() -> std::ops::Range<u64> {
    match (Program::isc().is_some(), is_full()) {
        (false, _) => 0..0,
        (true, false) => 5_000..5_012,
        (true, true) => 5_000..5_120,
    }
}

/// Sessions with omshell that a seed makes, through ISC's programs and ours.
fn session_trial(seed: u64) -> Trial {
    Trial::test(format!("sessions::{seed}"), move || {
        let isc = Program::isc().ok_or("the real dhcpd is not installed")?;
        let ours = ours().ok_or("our dhcpd is not built: cargo build")?;
        let mut said = String::new();
        for _ in 0..3 {
            match sessions::differences(seed, &isc, &ours)? {
                Some(outcome) if !outcome.left.is_empty() => said = transcript::show(&outcome.left),
                _ => return Ok(()),
            }
        }
        Err(said.into())
    })
}

fn session_seeds() -> std::ops::Range<u64> {
    match (Program::isc().is_some(), is_full()) {
        (false, _) => 0..0,
        (true, false) => 200..204,
        (true, true) => 200..240,
    }
}

fn is_full() -> bool {
    std::env::var("COMPAT_TIER").is_ok_and(|tier| tier == "full")
}

/// All of them in the full tier, else ten that change from day to day. None, with a word, where ISC is not installed.
fn redo(scenarios: &[Scenario]) -> Vec<&Scenario> {
    if Program::isc().is_none() {
        println!("skipped isc::*: the real dhcpd is not installed here");
        return Vec::new();
    }
    if is_full() {
        return scenarios.iter().collect();
    }
    let day = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |time| time.as_secs() / 86_400);
    let mut state = day.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    let mut left: Vec<&Scenario> = scenarios.iter().collect();
    (0..10)
        .filter_map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (!left.is_empty()).then(|| left.swap_remove((state >> 33) as usize % left.len()))
        })
        .collect()
}
