//! `record [NAME ...]`: records the named scenarios, or those without a recording, or all with `--all`, sixteen at a
//! time. `record --show NAME` prints a run of the real program, `record --against PATH NAME ...` compares another program.

use compat_tests::live::{self, Program};
use compat_tests::scenario::{self, Scenario};
use compat_tests::{lists, recording, transcript};
use std::process::ExitCode;
use std::sync::Mutex;

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let mut take = |flag: &str| {
        let at = words.iter().position(|word| word == flag)?;
        words.remove(at);
        Some(at)
    };
    let (all, show) = (take("--all").is_some(), take("--show").is_some());
    let against = take("--against").map(|at| Program { path: words.remove(at).into(), omshell: None });
    let Some(isc) = Program::isc() else {
        eprintln!("the real dhcpd is not installed");
        return ExitCode::FAILURE;
    };
    let scenarios = match scenario::all() {
        Ok(scenarios) => scenarios,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let named = |scenario: &Scenario| words.iter().any(|word| scenario.name.starts_with(word.as_str()));
    let missing = |scenario: &Scenario| against.is_some() || !recording::path(scenario).exists();
    let chosen: Vec<_> = scenarios
        .into_iter()
        .filter(|scenario| if words.is_empty() { all || missing(scenario) } else { named(scenario) })
        .collect();
    let failed = Mutex::new(0);
    let queue = Mutex::new(chosen.iter());
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while let Some(scenario) = { queue.lock().expect("no panic").next() } {
                    let done = one(scenario, &isc, against.as_ref(), show);
                    if let Err(error) = done {
                        *failed.lock().expect("no panic") += 1;
                        println!("{}: {error}", scenario.name);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("no panic");
    println!("{} done, {failed} failed", chosen.len() - failed);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn one(scenario: &Scenario, isc: &Program, against: Option<&Program>, show: bool) -> Result<(), String> {
    if show {
        let run = live::run(scenario, against.unwrap_or(isc))?;
        println!("== {}\n{}", scenario.name, run.render());
        return Ok(());
    }
    if let Some(program) = against {
        let expected = recording::load(scenario)?;
        let found = transcript::compare(&expected, &live::run(scenario, program)?);
        let (differences, _) = lists::explain(&scenario.name, found, &lists::differences()?);
        return if differences.is_empty() { Ok(()) } else { Err(transcript::show(&differences)) };
    }
    let made = recording::make(scenario, isc)?;
    std::fs::write(recording::path(scenario), made.render()).map_err(|error| error.to_string())
}
