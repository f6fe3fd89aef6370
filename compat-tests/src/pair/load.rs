//! A pair under load: what it can do, what an exchange costs the server that grants, and what clients notice when one of the
//! two is killed.

use super::place::Place;
use super::scenario::{Result, SIDES, Side};
use crate::ground::{run, say, wait_until};
use crate::load::tenants::{Report as Life, Tenants};
use crate::load::{Plan, run as exchanges};
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Child;
use std::time::Duration;

/// Who serves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    Alone,
    /// The primary's are so many of 256 clients.
    Pair {
        split: u32,
    },
}

/// Everything behind this neighbour, so that no answer needs ARP.
const GATEWAY: &str = "10.0.0.254";

fn configuration(side: Side, shape: Shape, addresses: u32, seconds: u32) -> String {
    let declaration = match (shape, side) {
        (Shape::Alone, _) => String::new(),
        (Shape::Pair { split }, Side::Primary) => format!(
            "failover peer \"pair\" {{ primary; address 10.0.0.10; port 847; peer address 10.0.0.12; peer port 647; \
             max-response-delay 30; load balance max seconds 3; mclt {seconds}; split {split}; }}\n"
        ),
        (Shape::Pair { .. }, Side::Secondary) => String::from(
            "failover peer \"pair\" { secondary; address 10.0.0.12; port 647; peer address 10.0.0.10; peer port 847; \
             max-response-delay 30; load balance max seconds 3; }\n",
        ),
    };
    let last = Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 1, 0, 0)) + addresses - 1);
    let of_pool = if shape == Shape::Alone { "" } else { "failover peer \"pair\"; " };
    format!(
        "authoritative;\nddns-update-style none;\nping-check false;\ndhcp-cache-threshold 0;\n\
         default-lease-time {seconds};\nmax-lease-time {seconds};\noption routers {GATEWAY};\n{declaration}\
         subnet 10.0.0.0 netmask 255.0.0.0 {{\n  pool {{ {of_pool}range 10.1.0.0 {last}; }}\n}}\n"
    )
}

/// One or two servers that are ready to serve.
struct Servers<'a> {
    place: &'a Place,
    programs: [&'a Path; 2],
    children: [Option<Child>; 2],
}

impl<'a> Servers<'a> {
    fn start(
        place: &'a Place,
        programs: [&'a Path; 2],
        shape: Shape,
        addresses: u32,
        seconds: u32,
    ) -> Result<Self> {
        let mut servers = Servers { place, programs, children: [None, None] };
        for side in SIDES {
            let ip = |words: &[&str]| run(place.command(side, Path::new("ip")).args(words));
            ip(&["route", "add", "10.1.0.0/16", "via", GATEWAY])?;
            ip(&["neigh", "add", GATEWAY, "lladdr", "02:4c:ff:ff:ff:ff", "nud", "permanent", "dev", "eth0"])?;
            let text = configuration(side, shape, addresses, seconds);
            fs::write(place.files(side).join("dhcpd.conf"), text).map_err(say("dhcpd.conf"))?;
            if shape != Shape::Alone || side == Side::Primary {
                servers.start_one(side)?;
            }
        }
        if shape == Shape::Alone {
            servers.wait_for(Side::Primary, "Server starting service.", 0)?;
        } else {
            for side in SIDES {
                servers.wait_for(side, "Both servers normal", 0)?;
            }
            // Until the free addresses are shared.
            std::thread::sleep(Duration::from_secs(5));
        }
        Ok(servers)
    }

    fn start_one(&mut self, side: Side) -> Result<()> {
        let child = self.place.start(side, side.of::<&Path>(&self.programs))?;
        *side.of_mut(&mut self.children) = Some(child);
        Ok(())
    }

    fn lines(&self, side: Side) -> usize {
        side.of(&self.place.logs).lock().map_or(0, |log| log.len())
    }

    /// A line after the first `from` of the log.
    fn wait_for(&self, side: Side, text: &str, from: usize) -> Result<()> {
        let log = side.of(&self.place.logs);
        wait_until(&format!("{text} ({})", side.name()), Duration::from_secs(90), || {
            log.lock().is_ok_and(|log| log.iter().skip(from).any(|said| said.text.contains(text)))
        })
    }

    fn kill(&mut self, side: Side) {
        if let Some(mut child) = side.of_mut(&mut self.children).take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// CPU time of all its threads.
    fn cpu(&self, side: Side) -> Duration {
        let Some(child) = side.of(&self.children) else { return Duration::ZERO };
        crate::bench::server::cpu(child.id() as i32)
    }
}

impl Drop for Servers<'_> {
    fn drop(&mut self) {
        SIDES.into_iter().for_each(|side| self.kill(side));
    }
}

/// What came of a time under full load.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// Exchanges a second.
    pub rate: f64,
    /// Of an exchange at the primary, and at the secondary.
    pub cpu: [Duration; 2],
    pub given_up: u64,
}

/// As many four-way exchanges as the servers can do with `window` of them in flight.
pub fn work(
    programs: [&Path; 2],
    shape: Shape,
    addresses: u32,
    window: usize,
    time: Duration,
) -> Result<Work> {
    let place = Place::new()?;
    let servers = Servers::start(&place, programs, shape, addresses, 3600)?;
    let plan = |time| Plan { window, time, clients: addresses / 4, ..Plan::default() };
    // Every client has its lease before it counts: what is measured is the same for fast and slow.
    exchanges(place.link.fd(), &plan(Duration::from_secs(2)), &[], |_| false)?;
    let before = SIDES.map(|side| servers.cpu(side));
    let report = exchanges(place.link.fd(), &plan(time), &[], |_| false)?;
    let each = |side: Side| {
        let spent = servers.cpu(side).saturating_sub(*side.of(&before));
        spent.div_f64(report.completed.max(1) as f64)
    };
    Ok(Work { rate: report.rate(), cpu: SIDES.map(each), given_up: report.given_up })
}

/// What clients noticed before, during and after an outage.
#[derive(Debug)]
pub struct Outage {
    pub before: Life,
    pub during: Life,
    pub after: Life,
}

/// Seconds of a lease in [`outage`], and addresses: clients who leave keep theirs until it ends.
const LEASE: u32 = 30;
const ADDRESSES: u32 = 32_768;

/// A pair under `rate` exchanges a second loses one server for good measure: killed, missed for `time`, and started again.
pub fn outage(
    programs: [&Path; 2],
    victim: Side,
    rate: f64,
    retry: Duration,
    time: Duration,
) -> Result<Outage> {
    let place = Place::new()?;
    let mut servers = Servers::start(&place, programs, Shape::Pair { split: 128 }, ADDRESSES, LEASE)?;
    let at = |side: Side| (side.address().parse().unwrap_or(Ipv4Addr::UNSPECIFIED), side.hardware());
    let mut tenants = Tenants::new(place.link.fd(), rate, retry, SIDES.map(at).to_vec());
    tenants.live(Duration::from_secs(u64::from(LEASE) * 2 / 3))?;
    let before = tenants.report();
    servers.kill(victim);
    tenants.live(time)?;
    let during = tenants.report();
    let from = servers.lines(victim);
    servers.start_one(victim)?;
    tenants.live(time)?;
    let after = tenants.report();
    servers.wait_for(victim, "Both servers normal", from)?;
    Ok(Outage { before, during, after })
}
