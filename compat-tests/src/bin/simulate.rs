//! `simulate [FIRST [COUNT]]`: runs so many seeds of the failover simulator on all processors and counts.
//! `simulate --story SEED`: one seed with everything that happened. `--sabotage RULE`: with a safety rule switched off
//! (hold, lead, wait, expiry), up to the first seed that notices.

use compat_tests::simulator::{self, Plan};
use dhcpd::failover::sabotage::Rule;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let story = words.iter().position(|word| word == "--story").map(|at| words.remove(at)).is_some();
    let sabotage =
        words.iter().position(|word| word == "--sabotage").map(|at| words.drain(at..at + 2).next_back());
    let rule = match sabotage.flatten().as_deref() {
        None => None,
        Some("hold") => Some(Rule::HoldUntilDurable),
        Some("lead") => Some(Rule::LeadTime),
        Some("wait") => Some(Rule::WaitForPeer),
        Some("expiry") => Some(Rule::AcknowledgedExpiry),
        Some(other) => {
            eprintln!("no such rule: {other}");
            return ExitCode::FAILURE;
        }
    };
    let number =
        |at: usize, otherwise: u64| words.get(at).and_then(|word| word.parse().ok()).unwrap_or(otherwise);
    let (first, count) = (number(0, 1), number(1, 1_000));
    if story {
        let plan = Plan::draw(first);
        let report = simulator::run_with(&plan, true, rule);
        println!("{plan:#?}\n{}", report.story);
        println!(
            "{:?} {} acks, {} updates, {} events, normal after {:?} s, agreed after {:?} s",
            report.violation,
            report.acks,
            report.updates,
            report.events,
            report.normal_after,
            report.agreed_after
        );
        return if report.violation.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let began = Instant::now();
    let next = AtomicU64::new(first);
    let total = Mutex::new([0u64; 6]);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        return;
                    }
                    let report = simulator::run_with(&Plan::draw(seed), false, rule);
                    if rule.is_some() && report.violation.is_some() {
                        // It is noticed.
                        next.fetch_add(count, Ordering::Relaxed);
                    }
                    if let Some(violation) = &report.violation {
                        println!(
                            "seed {seed} ({:?}) at {} s: {}",
                            report.kind,
                            violation.at / simulator::SECOND,
                            violation.what
                        );
                    }
                    let mut total = total.lock().expect("no panic");
                    total[0] += u64::from(report.violation.is_some());
                    total[1] += report.acks;
                    total[2] += report.updates;
                    total[3] += report.events;
                    total[4] = total[4].max(report.normal_after.unwrap_or(0));
                    total[5] = total[5].max(report.agreed_after.unwrap_or(0));
                }
            });
        }
    });
    let [bad, acks, updates, events, normal, agreed] = *total.lock().expect("no panic");
    println!(
        "{count} seeds, {bad} with a violation, in {:.1} s: {acks} acks, {updates} updates, {events} events; normal at most {normal} s after the heal, agreed {agreed} s later",
        began.elapsed().as_secs_f64()
    );
    if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
