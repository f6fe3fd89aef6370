//! The failover simulator: seeds without a violation, seeds that once found a bug, and safety rules switched off one at a time,
//! which must be noticed. `COMPAT_TIER=full`, or `SIMULATOR_SEEDS=COUNT`, runs more seeds.

use compat_tests::simulator::plan::WIDER;
use compat_tests::simulator::{self, Plan, Report};
use dhcpd::failover::sabotage::Rule;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Seeds of every CI run.
const SEEDS: u64 = 500;
const FULL_SEEDS: u64 = 10_000;

/// Each of these found a bug once.
const FOUND: [u64; 54] = [
    5, 14, 44, 56, 85, 125, 173, 208, 211, 258, 264, 293, 326, 1012, 1306, 1445, 1454, 1657, 1963, 2061,
    2686, 5658, 7403, 7647, 7787, 8231, 8277, 8944, 9154, 100300, 100700, 101563, 103489, 104460, 105441,
    105906, 106872, 110756, 111644, 112758, 113147, 115073, 115410, 116235, 119414, 119828, 134291, 135025,
    141509, 176191, 176971, 183521, 191762, 194316,
];
/// Seeds of the older mix of every run; the rest is of the wider one.
const OLDER: u64 = 100;

/// Runs seeds on all processors, until `enough` of them are as wanted.
fn run(seeds: impl Iterator<Item = u64> + Send, rule: Option<Rule>, enough: u64) -> Vec<Report> {
    let (seeds, found, count) = (Mutex::new(seeds), Mutex::new(Vec::new()), AtomicU64::new(0));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while count.load(Ordering::Relaxed) < enough {
                    let Some(seed) = seeds.lock().expect("no panic").next() else { return };
                    let report = simulator::run_with(&Plan::draw(seed), false, rule);
                    if report.violation.is_some() {
                        count.fetch_add(1, Ordering::Relaxed);
                        found.lock().expect("no panic").push(report);
                    }
                }
            });
        }
    });
    found.into_inner().expect("no panic")
}

fn show(reports: &[Report]) -> String {
    reports
        .iter()
        .filter_map(|report| Some((report, report.violation.as_ref()?)))
        .map(|(report, violation)| {
            format!(
                "seed {} ({:?}) at {} s: {}\n",
                report.seed,
                report.kind,
                violation.at / simulator::SECOND,
                violation.what
            )
        })
        .collect()
}

#[test]
fn no_seed_finds_a_violation() {
    let wished = std::env::var("SIMULATOR_SEEDS").ok().and_then(|count| count.parse().ok());
    let full = std::env::var("COMPAT_TIER").is_ok_and(|tier| tier == "full");
    let count = wished.unwrap_or(if full { FULL_SEEDS } else { SEEDS });
    // The full tier takes others every day; a failure names its seed.
    let day = chrono::Utc::now().timestamp() as u64 / 86_400;
    let first = WIDER + if full { day * FULL_SEEDS } else { 1 };
    let bad = run((1..=OLDER).chain(first..first + count), None, u64::MAX);
    assert!(bad.is_empty(), "{} of {count} seeds:\n{}", bad.len(), show(&bad));
}

#[test]
fn seeds_that_found_a_bug() {
    let bad = run(FOUND.into_iter(), None, u64::MAX);
    assert!(bad.is_empty(), "{}", show(&bad));
}

/// Within 10,000 seeds each; the first that notices comes early.
fn is_noticed(rule: Rule) {
    let found = run(WIDER + 1..=WIDER + 10_000, Some(rule), 1);
    assert!(!found.is_empty(), "{rule:?} switched off, and nobody noticed");
}

#[test]
fn an_answer_before_its_record_is_noticed() {
    is_noticed(Rule::HoldUntilDurable);
}

#[test]
fn a_lease_longer_than_the_peer_knows_is_noticed() {
    is_noticed(Rule::LeadTime);
}

#[test]
fn taking_the_peers_addresses_at_once_is_noticed() {
    is_noticed(Rule::WaitForPeer);
}

#[test]
fn freeing_without_the_peers_word_is_noticed() {
    is_noticed(Rule::AcknowledgedExpiry);
}

/// What happened, but for the hand-overs themselves.
fn story(plan: &Plan) -> String {
    let report = simulator::run(plan, true);
    report
        .story
        .lines()
        .filter(|line| !line.contains("HandOver"))
        .fold(String::new(), |all, line| all + line + "\n")
}

#[test]
fn a_process_that_takes_over_does_what_the_other_would_have_done() {
    let plans = (WIDER..WIDER + 40).map(Plan::draw);
    for plan in plans.filter(|plan| plan.clone().without_hand_overs().faults.len() < plan.faults.len()) {
        let (one, other) = (story(&plan.clone().without_hand_overs()), story(&plan));
        let differs = one.lines().zip(other.lines()).find(|(one, other)| one != other);
        assert!(one == other, "seed {}: {differs:?}", plan.seed);
    }
}
