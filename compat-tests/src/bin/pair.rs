//! `pair NAME PRIMARY SECONDARY`: runs a failover scenario (`compat-tests/failover/NAME.pair`, or the beginning of the name)
//! with `isc`, `ours` or a path on either side and shows what differs from a real pair. Several at once: `a1,b1,c2`, `all`.
//! `--show`: the whole story too. `--record`: what this pair (two real servers) did becomes an expectation.
//! `k1` to `k4`: a scripted peer against one server, `pair k1 ours`. `--import DIRECTORY`: so do recordings that lie there.

use compat_tests::lists;
use compat_tests::pair::probe;
use compat_tests::pair::real::{self, Real};
use compat_tests::pair::run::{program, run};
use compat_tests::pair::scenario::{self, Pair, Result};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;

fn main() -> ExitCode {
    match work() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn work() -> Result<bool> {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let mut flag =
        |name: &str| words.iter().position(|word| word == name).map(|at| words.remove(at)).is_some();
    let (show, record, import) = (flag("--show"), flag("--record"), flag("--import"));
    let names = words.first().ok_or("which scenario?")?;
    if import {
        return import_from(Path::new(names));
    }
    if let Some(name) = probe::PROBES.iter().find(|name| name.starts_with(names.as_str())) {
        return one_probe(name, words.get(1).map_or("isc", String::as_str), record, show);
    }
    let pairs = match names.as_str() {
        "all" => scenario::all()?,
        names => names.split(',').map(scenario::find).collect::<Result<_>>()?,
    };
    let word = |at: usize| words.get(at).map_or("isc", String::as_str);
    let (primary, secondary) = (program(word(1))?, program(word(2))?);
    if record && (word(1), word(2)) != ("isc", "isc") {
        return Err("only a real pair is recorded".into());
    }
    let entries = lists::differences()?;
    let (next, good) = (Mutex::new(pairs.iter()), Mutex::new(true));
    let one = |pair: &Pair| match run(pair, [&primary, &secondary]) {
        Ok(outcome) => {
            let mut known = Real::load(&pair.name);
            let found = known.compare(&outcome.aspects);
            let (found, explained) = lists::explain(&format!("pair-{}", pair.name), found, &entries);
            let mut text = format!(
                "=== {}: {}\n",
                pair.name,
                if found.is_empty() { "as a real pair" } else { "DIFFERS" }
            );
            if show {
                text += &outcome.story;
            }
            text += &real::show(&found);
            if !explained.is_empty() {
                text += &format!("listed: {}\n", explained.join(", "));
            }
            print!("{text}");
            if record && known.add(&outcome.aspects) {
                known.save(&pair.name).unwrap_or_else(|error| eprintln!("{error}"));
            }
            found.is_empty() || record
        }
        Err(error) => {
            println!("=== {}: FAILED\n{error}", pair.name);
            false
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..pairs.len().min(14) {
            scope.spawn(|| {
                loop {
                    let pair = next.lock().expect("no panic").next();
                    let Some(pair) = pair else { return };
                    if !one(pair) {
                        *good.lock().expect("no panic") = false;
                    }
                }
            });
        }
    });
    good.into_inner().map_err(|error| error.to_string())
}

/// The scripted peer against one server.
fn one_probe(name: &str, server: &str, record: bool, show: bool) -> Result<bool> {
    let seen = probe::by_name(name, &program(server)?).ok_or("no such probe")??;
    let mut known = Real::load(name);
    let (found, _) = lists::explain(&format!("pair-{name}"), known.compare(&seen), &lists::differences()?);
    if show {
        println!("{seen:#?}");
    }
    print!("{}", real::show(&found));
    if record && server == "isc" && known.add(&seen) {
        known.save(name)?;
    }
    Ok(found.is_empty())
}

fn import_from(folder: &Path) -> Result<bool> {
    for pair in scenario::all()? {
        let seen = real::recording(&pair, &folder.join(&pair.name))?;
        let mut known = Real::load(&pair.name);
        known.add(&seen);
        known.save(&pair.name)?;
    }
    for name in ["k3_matrix_secondary", "k4_matrix_primary"] {
        let path = folder.join(name).join("matrix.txt");
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut known = Real::load(name);
        known.add(&probe::matrix(&text));
        known.save(name)?;
    }
    Ok(true)
}
