//! `probe [--live PATH] [--show] FILE ...`: runs scenario files from anywhere through the real program and through the core
//! in virtual time (or a program in namespaces), and prints the differences that no entry explains. `--show` prints what the
//! real program did.

use compat_tests::live::{self, Program};
use compat_tests::scenario::Scenario;
use compat_tests::{lists, replay, transcript};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let show = words.iter().position(|word| word == "--show").map(|at| words.remove(at)).is_some();
    let ours = words.iter().position(|word| word == "--live").map(|at| {
        words.remove(at);
        Program { path: words.remove(at).into(), omshell: None }
    });
    let Some(isc) = Program::isc() else {
        eprintln!("the real dhcpd is not installed");
        return ExitCode::FAILURE;
    };
    let (queue, found) = (Mutex::new(words.iter()), Mutex::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(path) = { queue.lock().expect("no panic").next() } {
                    let text =
                        one(path, &isc, ours.as_ref(), show).unwrap_or_else(|error| format!("{error}\n"));
                    if !text.is_empty() {
                        *found.lock().expect("no panic") += 1;
                        println!("=== {path}\n{text}");
                    }
                }
            });
        }
    });
    let found = found.into_inner().expect("no panic");
    println!("{} probed, {found} differ", words.len());
    if found == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn one(path: &str, isc: &Program, ours: Option<&Program>, show: bool) -> Result<String, String> {
    let scenario = Scenario::load(Path::new(path))?;
    let expected = live::run(&scenario, isc)?;
    if show {
        return Ok(expected.render());
    }
    let found = match ours {
        Some(program) => transcript::compare(&expected, &live::run(&scenario, program)?),
        None => {
            let run = replay::run_at(&scenario, expected.start)?;
            transcript::compare(&replay::within_reach(&expected), &run)
        }
    };
    let (left, _) = lists::explain(&scenario.name, found, &lists::differences()?);
    Ok(if left.is_empty() { String::new() } else { transcript::show(&left) })
}
