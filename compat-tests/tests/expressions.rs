//! Generated expressions through both programs: evaluated by `dhcpd -t`, and by packets in a subnet. Every line said, every
//! octet of the replies and the variables in the lease file are compared.
//!
//! `COMPAT_EXPRESSIONS`: how many batches (2 without it, 20 in the full tier); `COMPAT_SEED`: the first one.

use compat_tests::live::{self, Program};
use compat_tests::scenario::Scenario;
use compat_tests::{expressions, lists, replay, transcript};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

const BATCH: usize = 250;
const BANNER_LINES: usize = 4;

fn ours() -> PathBuf {
    let mut path = std::env::current_exe().expect("this test has a path");
    path.pop();
    path.pop();
    path.join("dhcpd")
}

fn seeds() -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let full = std::env::var("COMPAT_TIER").is_ok_and(|tier| tier == "full");
    let first = number("COMPAT_SEED").unwrap_or(1_000);
    first..first + number("COMPAT_EXPRESSIONS").unwrap_or(if full { 20 } else { 2 })
}

/// Exit status and the lines after the banner, up to the closing block.
fn test(program: &Path, folder: &Path) -> (Option<i32>, Vec<String>) {
    let done = Command::new(program)
        .args(["-4", "-t", "-cf", "t.conf"])
        .current_dir(folder)
        .output()
        .expect("the program runs");
    let text = String::from_utf8_lossy(&done.stderr).into_owned();
    let lines = text.lines().skip(BANNER_LINES).map(String::from);
    (done.status.code(), lines.take_while(|line| !line.starts_with("If you think you have")).collect())
}

/// Line numbers at which something was refused.
fn refused(lines: &[String]) -> BTreeSet<usize> {
    lines
        .iter()
        .filter_map(|line| line.strip_prefix("t.conf line ")?.split(':').next()?.parse().ok())
        .collect()
}

/// Through `-t` until nothing is refused any more. Returns what is left, and adds what differs.
fn through_test(isc: &Path, mut cases: Vec<String>, different: &mut Vec<String>) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder for configurations");
    loop {
        let text = expressions::top_level(&cases);
        std::fs::write(folder.path().join("t.conf"), &text).expect("the folder is writable");
        let (expected, found) = (test(isc, folder.path()), test(&ours(), folder.path()));
        if expected.0.is_none() {
            drop_crashing(isc, &mut cases, different);
            continue;
        }
        if expected != found {
            different.push(difference(&cases, &expected.1, &found.1));
        }
        let at: BTreeSet<usize> = refused(&expected.1).union(&refused(&found.1)).copied().collect();
        if at.is_empty() {
            return cases;
        }
        let (before, mut number) = (cases.len(), expressions::first_line());
        cases.retain(|_| {
            number += 1;
            !at.contains(&(number - 1))
        });
        if cases.len() == before {
            different.push(format!("refused for no case's sake:\n{}", expected.1.join("\n")));
            return Vec::new();
        }
    }
}

/// What crashes the real program says nothing about ours.
fn drop_crashing(isc: &Path, cases: &mut Vec<String>, different: &mut Vec<String>) {
    let folder = tempfile::tempdir().expect("a folder for configurations");
    let before = cases.len();
    cases.retain(|case| {
        let text = expressions::top_level(std::slice::from_ref(case));
        std::fs::write(folder.path().join("t.conf"), text).expect("the folder is writable");
        let survives = test(isc, folder.path()).0.is_some();
        if !survives {
            println!("crashes the real program: {case}");
        }
        survives
    });
    if cases.len() == before {
        different.push("the real program crashes, at no single case".into());
        cases.clear();
    }
}

fn difference(cases: &[String], expected: &[String], found: &[String]) -> String {
    let mut both = transcript::Transcript::default();
    *both.section("-t") = expected.to_vec();
    let mut other = transcript::Transcript::default();
    *other.section("-t") = found.to_vec();
    named(cases, &transcript::compare(&both, &other))
}

/// The differences and the cases whose numbers they carry.
fn named(cases: &[String], differences: &[transcript::Difference]) -> String {
    let mut numbers = BTreeSet::new();
    for difference in differences {
        for line in difference.expected.iter().chain(&difference.found) {
            numbers.extend(line.split([' ', ':']).filter_map(|word| word.parse::<usize>().ok()));
        }
    }
    let first = expressions::first_line();
    let lines: Vec<_> = cases
        .iter()
        .enumerate()
        .filter(|(at, case)| {
            let own = case.split(['"', ' ']).find_map(|word| word.parse::<usize>().ok());
            numbers.contains(&(first + at)) || own.is_some_and(|own| numbers.contains(&own))
        })
        .map(|(at, case)| format!("line {}: {case}", first + at))
        .collect();
    format!("{}{}", transcript::show(differences), lines.join("\n"))
}

/// Packets meet them: the real program in namespaces, the core in virtual time.
fn through_packets(seed: u64, isc: &Program, cases: &[String], options: &[String]) -> Result<(), String> {
    let parsed = |cases: &[String]| {
        let text = expressions::scenario(seed, cases, options);
        Scenario::parse(&format!("expressions-{seed}"), &text)
    };
    let mut scenario = parsed(cases)?;
    let mut expected = live::run(&scenario, isc)?;
    let crashed = expected.sections.iter().flat_map(|section| &section.lines).any(|line| line == "signal 11");
    if crashed {
        // A function that returns nothing, where a kind of value is wanted.
        let calm: Vec<_> = cases.iter().filter(|case| !expressions::calls(case)).cloned().collect();
        scenario = parsed(&calm)?;
        expected = live::run(&scenario, isc)?;
    }
    let found = replay::run_at(&scenario, expected.start)?;
    let found = transcript::compare(&replay::within_reach(&expected), &found);
    let (left, _) = lists::explain(&scenario.name, found, &lists::differences()?);
    if left.is_empty() { Ok(()) } else { Err(named(cases, &left)) }
}

#[test]
fn generated_expressions() {
    let Some(isc) = Program::isc() else {
        println!("the real dhcpd is not installed: nothing compared");
        return;
    };
    let (queue, different) = (Mutex::new(seeds()), Mutex::new(Vec::new()));
    let counts = Mutex::new((0, 0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(seed) = { queue.lock().expect("no panic").next() } {
                    let mut found = Vec::new();
                    let all = expressions::cases(seed, BATCH);
                    let good = through_test(&isc.path, all, &mut found);
                    let mut options = expressions::options(seed, 24);
                    options.retain(|option| is_accepted(&isc.path, option));
                    if let Err(error) = through_packets(seed, &isc, &good, &options) {
                        found.push(error);
                    }
                    let mut counts = counts.lock().expect("no panic");
                    *counts = (counts.0 + BATCH, counts.1 + good.len());
                    different
                        .lock()
                        .expect("no panic")
                        .extend(found.into_iter().map(|text| format!("== seed {seed}\n{text}")));
                }
            });
        }
    });
    let (all, good) = counts.into_inner().expect("no panic");
    let different = different.into_inner().expect("no panic");
    println!(
        "{all} expressions and statements, {good} of them accepted and met by packets; {} batches differ",
        different.len()
    );
    for text in different.iter().take(20) {
        println!("{text}");
    }
    assert!(different.is_empty(), "{} differences", different.len());
}

#[test]
fn generated_patterns() {
    let Some(isc) = Program::isc() else {
        println!("the real dhcpd is not installed: nothing compared");
        return;
    };
    let mut different = Vec::new();
    for seed in seeds() {
        through_test(&isc.path, expressions::patterns(seed, 4 * BATCH), &mut different);
    }
    println!("{} patterns; {} batches differ", 4 * BATCH * seeds().count(), different.len());
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// An option statement that both take.
fn is_accepted(isc: &Path, statement: &str) -> bool {
    let folder = tempfile::tempdir().expect("a folder for configurations");
    let declared: String =
        (224..240).map(|code| format!("option reply{code} code {code} = string;\n")).collect();
    let text = format!("{}{declared}{statement}\n", expressions::DECLARATIONS);
    std::fs::write(folder.path().join("t.conf"), text).expect("the folder is writable");
    test(isc, folder.path()).0 == Some(0)
}
