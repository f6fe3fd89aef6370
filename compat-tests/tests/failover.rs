//! Failover pairs for real: every scenario of `failover/` as a test of its own, `pair::NAME::PRIMARY+SECONDARY`, with the
//! real ISC dhcpd and ours in every mix; a scripted peer against one server, `peer::NAME::SERVER`; declarations of peers,
//! `parse::j0_parse::SERVER`; a server of a pair under load that is killed, `outage::VICTIM::ours+ours`. `COMPAT_TIER=full` runs all; otherwise a selection whose longest member takes a minute. They
//! mostly wait, so that all run at once.

use compat_tests::lists;
use compat_tests::pair::declaration;
use compat_tests::pair::load;
use compat_tests::pair::probe;
use compat_tests::pair::real::{self, Real};
use compat_tests::pair::run::{program, run};
use compat_tests::pair::scenario::{self, Pair, SIDES, Side};
use libtest_mimic::{Arguments, Trial};
use std::sync::Arc;
use std::time::Duration;

/// Of the short tier: one of each kind, the quick ones.
const SELECTION: [&str; 6] = ["b1_", "c2_", "j1_", "j5_", "j9_", "l1_"];
/// A pair of the real ones proves the harness.
const MIXES: [[&str; 2]; 4] = [["isc", "ours"], ["ours", "isc"], ["ours", "ours"], ["isc", "isc"]];

/// Several relationships of the same two servers.
const SEVERAL: [&str; 2] = ["l2_each_others_backup", "l3_two_of_one_kind"];

fn main() {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(24);
    let full = std::env::var("COMPAT_TIER").is_ok_and(|tier| tier == "full");
    let entries = Arc::new(lists::differences().expect("DIFFERENCES.md can be read"));
    let mut trials = Vec::new();
    for pair in scenario::all().expect("every scenario can be read") {
        let selected = SELECTION.iter().any(|start| pair.name.starts_with(start));
        // On one pair of addresses ISC's get in each other's way; two of ours do not.
        if SEVERAL.contains(&pair.name.as_str()) {
            trials.push(several(&pair));
            continue;
        }
        for mix in MIXES.iter().take(if full { 4 } else { 3 }).filter(|_| full || selected) {
            trials.push(trial(&pair, *mix, &entries));
        }
    }
    for server in ["ours", "isc"] {
        trials.push(parse(server));
        // `k1` and `k2` take minutes.
        let selected = |name: &str| server == "ours" && name.contains("_matrix_");
        for name in probe::PROBES.iter().filter(|name| full || selected(name)) {
            trials.push(peer(name, server, &entries));
        }
    }
    if full {
        trials.extend(SIDES.map(outage));
    }
    let skips = lists::skips();
    trials.retain(|trial| match skips.iter().find(|(pattern, _)| pattern.is_match(trial.name())) {
        Some((_, reason)) => {
            println!("skipped {}: {reason}", trial.name());
            false
        }
        None => true,
    });
    libtest_mimic::run(&arguments, trials).exit();
}

fn trial(pair: &Pair, mix: [&'static str; 2], entries: &Arc<Vec<lists::Entry>>) -> Trial {
    let (pair, entries) = (pair.clone(), entries.clone());
    Trial::test(format!("pair::{}::{}+{}", pair.name, mix[0], mix[1]), move || {
        let programs = [program(mix[0])?, program(mix[1])?];
        let known = Real::load(&pair.name);
        let mut left = Vec::new();
        // A line between two programs and the clock: what is seen twice is a difference.
        for _ in 0..2 {
            let outcome = run(&pair, [&programs[0], &programs[1]])?;
            let found = known.compare(&outcome.aspects);
            left = lists::explain(&format!("pair-{}", pair.name), found, &entries).0;
            if left.is_empty() {
                return Ok(());
            }
        }
        Err(real::show(&left).into())
    })
}

fn parse(server: &'static str) -> Trial {
    Trial::test(format!("parse::j0_parse::{server}"), move || {
        let differing = declaration::check(&program(server)?)?;
        if differing.is_empty() { Ok(()) } else { Err(differing.join("\n").into()) }
    })
}

/// The scripted peer against the real program proves the script.
fn peer(name: &'static str, server: &'static str, entries: &Arc<Vec<lists::Entry>>) -> Trial {
    let entries = entries.clone();
    Trial::test(format!("peer::{name}::{server}"), move || {
        let known = Real::load(name);
        let mut left = Vec::new();
        for _ in 0..2 {
            let seen = probe::by_name(name, &program(server)?).ok_or("no such probe")??;
            left = lists::explain(&format!("pair-{name}"), known.compare(&seen), &entries).0;
            if left.is_empty() {
                return Ok(());
            }
        }
        Err(real::show(&left).into())
    })
}

/// Until a client says again what was not answered (RFC 2131, 4.1); the machine may be slow to answer.
const RETRY: Duration = Duration::from_secs(4);
const SLACK: Duration = Duration::from_millis(1500);

/// One of a pair under 500 exchanges a second is killed and comes back.
fn outage(victim: Side) -> Trial {
    Trial::test(format!("outage::{}::ours+ours", victim.name()), move || {
        let ours = program("ours")?;
        let seen = load::outage([&ours, &ours], victim, 500.0, RETRY, Duration::from_secs(15))?;
        for (name, life) in [("before", &seen.before), ("during", &seen.during), ("after", &seen.after)] {
            let quick = life.longest <= RETRY + SLACK;
            if !quick || life.lost_leases > 0 || !life.doubles.is_empty() || life.completed < 3_000 {
                return Err(format!("{name}: {life:?}").into());
            }
        }
        Ok(())
    })
}

/// Both relationships come to normal on both servers, and the clients of either are served.
fn several(pair: &Pair) -> Trial {
    let pair = pair.clone();
    Trial::test(format!("several::{}::ours+ours", pair.name), move || {
        let ours = program("ours")?;
        let seen = run(&pair, [&ours, &ours])?;
        let has = |aspect: &str, text: &str| {
            seen.aspects.get(aspect).is_some_and(|lines| lines.iter().any(|line| line.contains(text)))
        };
        let comes_up = SIDES.iter().all(|side| {
            ["alpha", "beta"].iter().all(|name| {
                has(&format!("{} heard", side.name()), &format!("failover peer {name}: Both servers normal"))
            })
        });
        let stays = SIDES.iter().all(|side| !has(&format!("{} moves", side.name()), "to partner-down"));
        let serves = ["10.0.0.1", "10.0.0.2"].iter().all(|pool| has("clients", &format!(": ACK {pool}")));
        if comes_up && stays && serves { Ok(()) } else { Err(seen.story.into()) }
    })
}
