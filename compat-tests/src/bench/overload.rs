//! A server that is offered more than it can do. It is held to a share of one processor, so that the generator has enough
//! left to offer ten times as much.

use super::arena::{self, Result};
use super::server::{self, Server, Setting};
use crate::load::Plan;
use nix::sys::signal::Signal;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A control group that may use a share of one processor; removed when dropped, after its process.
struct Quota(PathBuf);

const PERIOD_MICROSECONDS: u32 = 20_000;

impl Quota {
    fn hold(pid: i32, percent: u32) -> Result<Quota> {
        let name = format!("dhcpd-bench-{}", std::process::id());
        let quota = PERIOD_MICROSECONDS * percent / 100;
        let old = Path::new("/sys/fs/cgroup/cpu");
        let (directory, limits) = if old.is_dir() {
            let limits = vec![
                ("cpu.cfs_period_us", PERIOD_MICROSECONDS.to_string()),
                ("cpu.cfs_quota_us", quota.to_string()),
            ];
            (old.join(name), limits)
        } else {
            let both = format!("{quota} {PERIOD_MICROSECONDS}");
            (Path::new("/sys/fs/cgroup").join(name), vec![("cpu.max", both)])
        };
        let write = |file: &str, text: &str| {
            let path = directory.join(file);
            fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
        };
        fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
        let made = Quota(directory.clone());
        for (file, text) in limits {
            write(file, &text)?;
        }
        write("cgroup.procs", &pid.to_string())?;
        Ok(made)
    }
}

impl Drop for Quota {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

/// What came of one offer.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// Exchanges begun a second; 0: as many as were answered.
    pub offered: f64,
    pub completed: f64,
    /// From REQUEST to ACK, microseconds.
    pub p99: u32,
    /// Of the server, for each exchange that was completed; microseconds.
    pub cpu: f64,
}

const POOL: u32 = 262_144;

/// The peak under the quota, then what is completed of so many times as much.
pub fn curve(
    server: &Server,
    percent: u32,
    factors: &[f64],
    time: Duration,
    disk: &Path,
) -> Result<Vec<Point>> {
    let (server, factors, disk) = (server.clone(), factors.to_vec(), disk.to_path_buf());
    arena::within(&disk, move |arena| {
        let running = server::start(arena, &server, &Setting::pool(POOL))?;
        let quota = Quota::hold(running.pid(), percent)?;
        // Wide enough that the pauses of the quota leave nothing undone.
        let plan = Plan { window: 1024, time, clients: POOL / 2, ..arena.plan() };
        let point = |plan: &Plan, offered: f64| -> Result<Point> {
            let before = running.cpu();
            let report = arena.load(plan)?;
            let p99 = crate::load::exchange::quantile(&report.request, 0.99);
            let cpu = (running.cpu() - before).as_secs_f64() * 1e6 / report.completed.max(1) as f64;
            Ok(Point { offered, completed: report.rate(), p99, cpu })
        };
        // The first fills caches and is not counted.
        point(&plan, 0.0)?;
        let peak = point(&plan, 0.0)?;
        if peak.completed == 0.0 {
            // As ISC in a pool of this size: there is nothing to offer a multiple of.
            return Ok(vec![peak]);
        }
        let mut points = vec![peak];
        for factor in factors {
            let rate = peak.completed * factor;
            let plan = Plan {
                rate: Some(rate),
                window: 65_536,
                // A client asks a second time, as clients do, and then gives its place to another.
                patience: Duration::from_millis(750),
                tries: 2,
                ..plan.clone()
            };
            points.push(point(&plan, rate)?);
        }
        // What the machine gives a quota changes with what else it does: the most before, and the most after.
        let after = point(&plan, 0.0)?.completed;
        if let Some(peak) = points.first_mut() {
            peak.completed = (peak.completed + after) / 2.0;
        }
        running.kill(Signal::SIGKILL);
        drop(quota);
        Ok(points)
    })
}
