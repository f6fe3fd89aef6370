//! `random FIRST COUNT [--live PATH] [--keep] [--whole]`: runs that many seeds through the real program and through the core in
//! virtual time (or a program in namespaces), and prints each difference, reduced (`--whole`: as it is). With `--keep` it
//! becomes a scenario.

use compat_tests::live::Program;
use compat_tests::random::{self, Draft};
use std::process::ExitCode;
use std::sync::Mutex;

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let keep = words.iter().position(|word| word == "--keep").map(|at| words.remove(at)).is_some();
    let whole = words.iter().position(|word| word == "--whole").map(|at| words.remove(at)).is_some();
    let ours = words.iter().position(|word| word == "--live").map(|at| {
        words.remove(at);
        Program { path: words.remove(at).into(), omshell: None }
    });
    let number = |at: usize, otherwise| words.get(at).and_then(|word| word.parse().ok()).unwrap_or(otherwise);
    let (first, count): (u64, u64) = (number(0, 1), number(1, 100));
    let Some(isc) = Program::isc() else {
        eprintln!("the real dhcpd is not installed");
        return ExitCode::FAILURE;
    };
    let (next, found) = (Mutex::new(first), Mutex::new(0));
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                loop {
                    let seed = {
                        let mut next = next.lock().expect("no panic");
                        let seed = *next;
                        *next += 1;
                        seed
                    };
                    if seed >= first + count {
                        return;
                    }
                    if let Some(text) = try_seed(seed, &isc, ours.as_ref(), keep, whole) {
                        *found.lock().expect("no panic") += 1;
                        println!("=== seed {seed}\n{text}");
                    }
                }
            });
        }
    });
    let found = found.into_inner().expect("no panic");
    println!("{count} runs, {found} differ");
    if found == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn try_seed(seed: u64, isc: &Program, ours: Option<&Program>, keep: bool, whole: bool) -> Option<String> {
    let draft = Draft::new(seed);
    match draft.differences(isc, ours) {
        Err(error) => return Some(format!("{}\n{error}", draft.text())),
        Ok(differences) if differences.is_empty() => return None,
        Ok(_) => {}
    }
    // A second look: what the machine's slowness caused does not come back.
    if draft.differences(isc, ours).is_ok_and(|differences| differences.is_empty()) {
        return None;
    }
    let reduced = if whole { draft } else { draft.reduced(isc, ours) };
    if keep && let Err(error) = random::keep(&reduced) {
        eprintln!("seed {seed}: {error}");
    }
    Some(random::report(&reduced, isc, ours))
}
