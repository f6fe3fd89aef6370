//! `sessions FIRST COUNT [--keep] [--whole]`: that many seeds of sessions with omshell through ISC's programs and ours, and each difference.
//! With `--keep` one that differs becomes a scenario;
//! `--whole` shows it and what ISC did.

use compat_tests::live::Program;
use compat_tests::{sessions, transcript};
use std::process::ExitCode;
use std::sync::Mutex;

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let keep = words.iter().position(|word| word == "--keep").map(|at| words.remove(at)).is_some();
    let whole = words.iter().position(|word| word == "--whole").map(|at| words.remove(at)).is_some();
    let number = |at: usize, otherwise| words.get(at).and_then(|word| word.parse().ok()).unwrap_or(otherwise);
    let (first, count): (u64, u64) = (number(0, 1), number(1, 20));
    let folder = std::env::current_exe().ok().and_then(|path| Some(path.parent()?.to_path_buf()));
    let (Some(isc), Some(folder)) = (Program::isc(), folder) else {
        eprintln!("the real dhcpd is not installed");
        return ExitCode::FAILURE;
    };
    let ours = Program { path: folder.join("dhcpd"), omshell: Some(folder.join("omshell")) };
    let (next, totals) = (Mutex::new(first..first + count), Mutex::new((0, 0)));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let Some(seed) = { next.lock().expect("no panic").next() } {
                    // What the machine's slowness caused does not come back.
                    let mut result = sessions::differences(seed, &isc, &ours);
                    let is_good = matches!(&result, Ok(None))
                        || matches!(&result, Ok(Some(outcome)) if outcome.left.is_empty());
                    if !is_good {
                        result = sessions::differences(seed, &isc, &ours);
                    }
                    let mut totals = totals.lock().expect("no panic");
                    match result {
                        Ok(None) => totals.1 += 1,
                        Ok(Some(outcome)) if outcome.left.is_empty() => {}
                        Ok(Some(outcome)) => {
                            totals.0 += 1;
                            println!("=== seed {seed}\n{}", transcript::show(&outcome.left));
                            if whole {
                                println!("{}", sessions::draw(seed));
                                println!("{}\n{}", outcome.expected.render(), outcome.found.render());
                            }
                            if keep && let Err(error) = sessions::keep(seed) {
                                println!("seed {seed}: {error}");
                            }
                        }
                        Err(error) => {
                            totals.0 += 1;
                            println!("=== seed {seed}\n{error}");
                        }
                    }
                }
            });
        }
    });
    let (differ, crashed) = totals.into_inner().expect("no panic");
    println!("{count} runs, {differ} differ, in {crashed} the real program crashed");
    if differ == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
