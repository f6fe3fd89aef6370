//! Starts with much to read: time to the first answer, memory; and how service goes on beside the rewrite that follows.

use super::arena::{self, Result};
use super::server::{self, Server, Setting};
use crate::load::Plan;
use crate::load::exchange::quantile;
use chrono::{DateTime, Utc};
use nix::sys::signal::Signal;
use std::fmt::Write as _;
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::{Duration, Instant};

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// Active leases in one pool, their ends spread over a day.
    Leases(u32),
    /// The same in so many subnets.
    LeasesInSubnets(u32, u32),
    /// Hosts with a fixed address in one group.
    Hosts(u32),
    /// Subnets of a hundred addresses.
    Subnets(u32),
    /// A pool with this prefix length.
    Pool(u8),
}

impl Load {
    pub fn name(self) -> String {
        match self {
            Load::Leases(count) => format!("{count} leases"),
            Load::LeasesInSubnets(count, subnets) => format!("{count} leases in {subnets} subnets"),
            Load::Hosts(count) => format!("{count} hosts"),
            Load::Subnets(count) => format!("{count} subnets of 100 addresses"),
            Load::Pool(prefix) => format!("a pool of a /{prefix}"),
        }
    }

    fn configuration(self) -> String {
        let mut text =
            "authoritative;\nping-check false;\ndefault-lease-time 86400;\nmax-lease-time 86400;\n\
                        subnet 10.255.0.0 netmask 255.255.0.0 { range 10.255.1.0 10.255.1.255; }\n"
                .to_string();
        match self {
            Load::Leases(count) => {
                text = text.replace(
                    "subnet 10.255.0.0 netmask 255.255.0.0 { range 10.255.1.0 10.255.1.255; }",
                    &format!(
                        "subnet 10.0.0.0 netmask 255.0.0.0 {{ range 10.0.0.0 {}; }}",
                        nth(BASE, count + 255)
                    ),
                );
            }
            Load::LeasesInSubnets(_, subnets) => add_subnets(&mut text, subnets, 255),
            Load::Subnets(subnets) => add_subnets(&mut text, subnets, 100),
            Load::Hosts(count) => {
                text += "group {\n";
                for n in 0..count {
                    let [.., a, b, c] = n.to_be_bytes();
                    let address = nth(BASE, n);
                    let _ = writeln!(
                        text,
                        "host h{n} {{ hardware ethernet 02:01:00:{a:02x}:{b:02x}:{c:02x}; fixed-address {address}; }}"
                    );
                }
                text += "}\n";
            }
            Load::Pool(prefix) => {
                let last = nth(BASE, u32::MAX.checked_shr(prefix.into()).unwrap_or(0));
                let mask = Ipv4Addr::from(!u32::MAX.checked_shr(prefix.into()).unwrap_or(0));
                let _ = writeln!(text, "subnet 10.0.0.0 netmask {mask} {{ range 10.0.0.0 {last}; }}");
            }
        }
        text
    }

    fn leases(self, now: DateTime<Utc>) -> String {
        let (count, subnets) = match self {
            Load::Leases(count) => (count, 1),
            Load::LeasesInSubnets(count, subnets) => (count, subnets),
            _ => return String::new(),
        };
        let each = count.div_ceil(subnets);
        // In one pool one after another, in subnets those of a /24.
        let address = |n| if subnets == 1 { nth(BASE, n) } else { nth(BASE, n / each * 256 + n % each + 1) };
        active_leases((0..count).map(address), now)
    }
}

/// A lease file in which these are active, their ends spread over the next day, an hour from now at the soonest.
pub fn active_leases(addresses: impl Iterator<Item = Ipv4Addr>, now: DateTime<Utc>) -> String {
    let mut text = String::from("authoring-byte-order little-endian;\n\n");
    for (n, address) in (0u32..).zip(addresses) {
        let left = i64::from(n.wrapping_mul(2_654_435_761) % 82_800) + 3_600;
        let ends = now + chrono::Duration::seconds(left);
        let starts = ends - chrono::Duration::seconds(86_400);
        let (starts, ends) = (starts.format(STAMP), ends.format(STAMP));
        let [.., a, b, c] = n.to_be_bytes();
        let _ = write!(
            text,
            "lease {address} {{\n  starts {starts};\n  ends {ends};\n  cltt {starts};\n  binding state active;\n  \
                 next binding state free;\n  rewind binding state free;\n  hardware ethernet 02:02:00:{a:02x}:{b:02x}:{c:02x};\n  \
                 client-hostname \"host-{n}\";\n}}\n"
        );
    }
    text
}

const STAMP: &str = "%w %Y/%m/%d %H:%M:%S";

const BASE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 0);

fn nth(base: Ipv4Addr, n: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(base) + n)
}

fn add_subnets(text: &mut String, subnets: u32, addresses: u32) {
    for n in 0..subnets {
        let (subnet, first, last) =
            (nth(BASE, n * 256), nth(BASE, n * 256 + 1), nth(BASE, n * 256 + addresses.min(254)));
        let _ = writeln!(text, "subnet {subnet} netmask 255.255.255.0 {{ range {first} {last}; }}");
    }
}

/// What a start took.
#[derive(Clone, Copy, Debug)]
pub struct Started {
    /// To the first answer; none: not within the time given.
    pub seconds: Option<f64>,
    pub memory_kilobytes: u64,
    pub peak_kilobytes: u64,
}

pub fn start(server: &Server, load: Load, at_most: Duration, disk: &Path) -> Result<Started> {
    let (server, disk) = (server.clone(), disk.to_path_buf());
    arena::within(&disk, move |arena| {
        let setting = Setting { configuration: Some(load.configuration()), ..Setting::default() };
        write_leases(arena.directory(), load)?;
        let begun = Instant::now();
        let mut running = server::launch(arena, &server, &setting)?;
        let seconds = running.wait_at_most(arena, at_most).is_ok().then(|| begun.elapsed().as_secs_f64());
        let (memory_kilobytes, peak_kilobytes) = (running.memory_kilobytes(), running.peak_kilobytes());
        running.kill(Signal::SIGKILL);
        Ok(Started { seconds, memory_kilobytes, peak_kilobytes })
    })
}

fn write_leases(directory: &Path, load: Load) -> Result<()> {
    fs::write(directory.join("dhcpd.leases"), load.leases(Utc::now())).map_err(|error| error.to_string())?;
    // What is not on the disk yet would be written during the measurement.
    nix::unistd::sync();
    Ok(())
}

/// Worst and 99th percentile from REQUEST to ACK, microseconds.
#[derive(Clone, Copy, Debug)]
pub struct Delays {
    pub p99: u32,
    pub worst: u32,
    pub completed: u64,
}

/// Delays while the file of so many leases is written anew at start, and in a run of the same length after that.
pub fn beside_a_rewrite(server: &Server, leases: u32, rate: f64, disk: &Path) -> Result<(Delays, Delays)> {
    let (server, disk) = (server.clone(), disk.to_path_buf());
    arena::within(&disk, move |arena| {
        let load = Load::LeasesInSubnets(leases, 4_096);
        let configuration = load.configuration().replace("10.255.1.255", "10.255.200.255");
        write_leases(arena.directory(), load)?;
        let setting = Setting { configuration: Some(configuration), ..Setting::default() };
        let mut running = server::launch(arena, &server, &setting)?;
        running.wait_at_most(arena, Duration::from_secs(60))?;
        let under_way = || rewrite_under_way(arena.directory());
        let plan = Plan { rate: Some(rate), window: 4_096, time: Duration::from_secs(2), ..arena.plan() };
        let measure = |first: u32| -> Result<Delays> {
            let report = arena.load(&Plan { first, clients: 20_000, ..plan.clone() })?;
            let (p99, worst) = (quantile(&report.request, 0.99), quantile(&report.request, 1.0));
            Ok(Delays { p99, worst, completed: report.completed })
        };
        if !under_way() {
            return Err("the rewrite was over before service began".into());
        }
        let beside = measure(0)?;
        wait_for_rewrite(arena.directory());
        let without = measure(20_000)?;
        running.kill(Signal::SIGKILL);
        Ok((beside, without))
    })
}

/// Until the lease file has been written anew, and what that took of the machine is over.
pub fn wait_for_rewrite(directory: &Path) {
    let begun = Instant::now();
    while rewrite_under_way(directory) && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_secs(1));
}

fn rewrite_under_way(directory: &Path) -> bool {
    let names = fs::read_dir(directory).into_iter().flatten().flatten();
    names.filter_map(|entry| entry.file_name().into_string().ok()).any(|name| is_new_file(&name))
}

/// `dhcpd.leases.UNIXTIME`
fn is_new_file(name: &str) -> bool {
    let suffix = name.strip_prefix("dhcpd.leases.");
    suffix.is_some_and(|suffix| suffix.bytes().all(|octet| octet.is_ascii_digit()))
}
