//! Many clients at once, with real packets over a veth: what the benchmark measures in an optimised build, as far as it must hold
//! in any. Root is needed.

use compat_tests::bench::arena::{self, Arena, Result};
use compat_tests::bench::server::{self, Server, Setting};
use compat_tests::load::Plan;
use compat_tests::load::exchange::quantile;
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};

const POOL: u32 = 65_536;

fn within(work: impl FnOnce(&Arena) -> Result<()> + Send + 'static) -> Result<()> {
    arena::within(&arena::disk(), move |arena| {
        let running = server::start(arena, &Server::ours(), &Setting::pool(POOL))?;
        work(arena)?;
        running.kill(Signal::SIGTERM);
        Ok(())
    })
}

/// Patient clients: whoever asks again, or gives up, was lost.
fn plan(arena: &Arena, window: usize, count: usize) -> Plan {
    let patience = Duration::from_secs(20);
    Plan { window, count: count as u64, patience, tries: 1, time: Duration::from_secs(60), ..arena.plan() }
}

#[test]
fn a_burst_of_two_thousand_discovers_loses_nothing() -> Result<()> {
    within(|arena| {
        let report = arena.load(&Plan { at_once: 2_000, ..plan(arena, 2_000, 2_000) })?;
        let slowest = quantile(&report.whole, 1.0);
        println!("{} of 2000, the slowest after {slowest} us", report.completed);
        assert_eq!(report.completed, 2_000);
        Ok(())
    })
}

/// More lines than all queues hold: they are counted, and nobody waits. ISC stands still.
#[test]
fn a_log_whose_reader_stops_costs_no_exchange_and_no_delay() -> Result<()> {
    within(|arena| {
        let plan = |first, count| Plan { first, ..plan(arena, 32, count) };
        let before = arena.load(&plan(0, 2_000))?;
        let read = arena.log.lines();
        arena.log.stop(true);
        let count = 12_000;
        let during = arena.load(&plan(10_000, count))?;
        arena.log.stop(false);
        assert_eq!(during.completed, count as u64);
        let p99 = |report: &compat_tests::load::Report| quantile(&report.request, 0.99);
        println!("p99 {} us, and {} us while nobody read", p99(&before), p99(&during));
        assert!(p99(&during) < 3 * p99(&before) + 50_000, "{} us and {} us", p99(&during), p99(&before));
        // It reads again: what was kept, and how much was not.
        let began = Instant::now();
        let said = loop {
            let said: Vec<u64> = arena.log.latest().iter().filter_map(|line| lost(line)).collect();
            let all = arena.log.lines() - read + said.iter().sum::<u64>();
            if all >= 4 * count as u64 {
                break said;
            }
            if began.elapsed() > Duration::from_secs(20) {
                return Err(format!("{all} of {} lines were read or reported as lost: {said:?}", 4 * count));
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        println!("lines lost: {said:?}");
        assert!(!said.is_empty(), "every line was kept: this proves nothing");
        Ok(())
    })
}

/// `... N log lines were lost: ...`
fn lost(line: &str) -> Option<u64> {
    line.split(" log lines were lost")
        .next()
        .filter(|before| *before != line)?
        .rsplit(' ')
        .next()?
        .parse()
        .ok()
}
