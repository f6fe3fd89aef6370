//! What the size of a pool costs: a small pool, a large one that is empty, and one that is nine tenths full, by turns in one run.

use super::arena::{self, Result};
use super::measure::{self, Figures};
use super::server::{self, Server, Setting};
use super::start;
use crate::load::Plan;
use nix::sys::signal::Signal;
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    Small,
    Large,
    NearlyFull,
}

pub const SIZES: [Size; 3] = [Size::Small, Size::Large, Size::NearlyFull];

const SMALL: u32 = 4_096;
const LARGE: u32 = 1_048_576;
/// One address in so many is free in a pool that is nearly full.
const FREE: u32 = 10;
const WINDOW: usize = 256;

impl Size {
    pub fn name(self) -> &'static str {
        match self {
            Size::Small => "4096",
            Size::Large => "1048576",
            Size::NearlyFull => "1048576, 90 % in use",
        }
    }

    fn pool(self) -> u32 {
        if self == Size::Small { SMALL } else { LARGE }
    }

    fn clients(self) -> u32 {
        let free = if self == Size::NearlyFull { LARGE / FREE } else { self.pool() };
        free - free / 16
    }
}

/// The best of so many turns of each size.
pub fn compare(server: &Server, turns: usize, time: Duration, disk: &Path) -> Result<Vec<(Size, Figures)>> {
    let mut best: Vec<(Size, Figures)> = SIZES.iter().map(|size| (*size, Figures::default())).collect();
    for _ in 0..turns {
        for (size, best) in &mut best {
            let figures = one(server, *size, time, disk)?;
            if figures.rate > best.rate {
                *best = figures;
            }
        }
    }
    Ok(best)
}

fn one(server: &Server, size: Size, time: Duration, disk: &Path) -> Result<Figures> {
    let server = server.clone();
    arena::within(disk, move |arena| {
        let setting = Setting::pool(size.pool());
        if size == Size::NearlyFull {
            let first = u32::from(Ipv4Addr::new(10, 1, 0, 0));
            let taken = (0..LARGE).filter(|n| n % FREE != 0).map(|n| Ipv4Addr::from(first + n));
            let text = start::active_leases(taken, chrono::Utc::now());
            fs::write(arena.directory().join("dhcpd.leases"), text).map_err(|error| error.to_string())?;
        }
        let running = server::start(arena, &server, &setting)?;
        start::wait_for_rewrite(arena.directory());
        let plan = Plan {
            window: WINDOW,
            time,
            clients: size.clients(),
            patience: Duration::from_secs(5),
            ..arena.plan()
        };
        let (figures, _) = measure::run(arena, &running, &plan, &[])?;
        running.kill(Signal::SIGKILL);
        Ok(figures)
    })
}
