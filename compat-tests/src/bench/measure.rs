//! One server in one pool: four-way exchanges at several windows, renewals, latency at a low rate.

use super::arena::{self, Arena, Result};
use super::server::{self, Running, Server, Setting};
use crate::load::exchange::quantile;
use crate::load::{self, Ack, Kind, Plan, Report};
use nix::sys::signal::Signal;
use std::path::PathBuf;
use std::time::Duration;

/// Clients that come at the same moment.
pub const BURST: usize = 2_000;

/// How long and how much.
#[derive(Clone, Debug)]
pub struct Effort {
    pub time: Duration,
    pub windows: Vec<usize>,
    pub renewals: bool,
    pub latency: bool,
    pub disk: PathBuf,
}

/// Figures of one run of the generator.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    pub window: usize,
    pub rate: f64,
    pub cpu_microseconds: f64,
    /// From REQUEST to ACK, microseconds.
    pub median: u32,
    pub p99: u32,
    pub worst: u32,
    pub completed: u64,
    pub given_up: u64,
    /// Begun, and neither completed nor given up when the time was over.
    pub unfinished: u64,
    pub sent_again: u64,
    pub log_lines: f64,
}

#[derive(Clone, Debug, Default)]
pub struct Measured {
    pub server: String,
    pub pool: u32,
    /// At the best of the windows.
    pub four_way: Figures,
    pub renewal: Option<Figures>,
    pub at_200: Option<Figures>,
    /// At half the rate of the last window.
    pub at_half: Option<Figures>,
    /// Of [`BURST`] DISCOVERs at once.
    pub burst: Option<Figures>,
    pub memory_kilobytes: u64,
}

/// Clients take part of the pool and come back when all have had their turn, so that a small pool can be measured for as
/// long as a large one; the records they cause are written and synced all the same.
fn clients(pool: u32) -> u32 {
    pool - pool / 16
}

pub fn measure(server: &Server, pool: u32, effort: &Effort) -> Result<Measured> {
    let mut result = Measured { server: server.name(), pool, ..Measured::default() };
    for window in &effort.windows {
        let (server, effort, window) = (server.clone(), effort.clone(), *window);
        let last = effort.windows.last() == Some(&window);
        let (four_way, renewal, latency, memory) = arena::within(&effort.disk.clone(), move |arena| {
            let running = server::start(arena, &server, &Setting::pool(pool))?;
            let plan = Plan {
                window: window.min(clients(pool) as usize / 2),
                time: effort.time,
                clients: clients(pool),
                patience: Duration::from_secs(5),
                ..arena.plan()
            };
            let (four_way, report) = run(arena, &running, &plan, &[])?;
            let memory = running.memory_kilobytes();
            let mut renewal = None;
            if effort.renewals {
                let plan = Plan { kind: Kind::Renewal, ..plan.clone() };
                let known = distinct(&report.acks);
                if known.len() > 2 * plan.window {
                    renewal = Some(run(arena, &running, &plan, &known)?.0);
                }
            }
            let latency = if effort.latency && last {
                Some(latency(arena, &running, &plan, four_way.rate)?)
            } else {
                None
            };
            running.kill(Signal::SIGKILL);
            Ok((four_way, renewal, latency, memory))
        })?;
        if four_way.rate > result.four_way.rate {
            (result.four_way, result.memory_kilobytes) = (four_way, memory);
        }
        if renewal.as_ref().map_or(0.0, |new| new.rate) > result.renewal.as_ref().map_or(0.0, |old| old.rate)
        {
            result.renewal = renewal;
        }
        if let Some([at_200, at_half, burst]) = latency {
            (result.at_200, result.at_half, result.burst) = (Some(at_200), Some(at_half), Some(burst));
        }
    }
    Ok(result)
}

/// At 200 a second, at half of this rate, and of a burst.
fn latency(arena: &Arena, running: &Running, plan: &Plan, rate: f64) -> Result<[Figures; 3]> {
    let (window, time) = (4_096, plan.time.min(Duration::from_secs(3)));
    let low = Plan { rate: Some(200.0), window, time, ..plan.clone() };
    let half = Plan { rate: Some(rate / 2.0), ..low.clone() };
    let burst = Plan {
        window: BURST,
        count: BURST as u64,
        at_once: BURST,
        // Enough for the real program's syncs; nobody asks twice.
        time: Duration::from_secs(10),
        patience: Duration::from_secs(10),
        tries: 1,
        ..plan.clone()
    };
    let run = |plan: &Plan| run(arena, running, plan, &[]).map(|(figures, _)| figures);
    Ok([run(&low)?, run(&half)?, run(&burst)?])
}

/// The leases, each client once.
fn distinct(acks: &[Ack]) -> Vec<Ack> {
    let mut seen = std::collections::HashSet::new();
    acks.iter().rev().filter(|ack| seen.insert(ack.client)).copied().collect()
}

pub(super) fn run(arena: &Arena, running: &Running, plan: &Plan, known: &[Ack]) -> Result<(Figures, Report)> {
    let (lines, cpu) = (arena.log.lines(), running.cpu());
    let report = load::run(arena.socket(), plan, known, |_| false)?;
    let used = running.cpu() - cpu;
    let lines = arena.log.lines() - lines;
    let completed = report.completed.max(1) as f64;
    let figures = Figures {
        window: plan.window,
        rate: report.rate(),
        cpu_microseconds: used.as_secs_f64() * 1e6 / completed,
        median: quantile(&report.request, 0.5),
        p99: quantile(&report.request, 0.99),
        worst: quantile(&report.request, 1.0),
        completed: report.completed,
        given_up: report.given_up,
        unfinished: report.begun - report.completed - report.given_up,
        sent_again: report.sent_again,
        log_lines: lines as f64 / completed,
    };
    Ok((figures, report))
}
