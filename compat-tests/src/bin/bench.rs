//! `bench [--write] [--seconds N] OURS`: exchanges a second, CPU per exchange and latency of ISC dhcpd and of ours, in one run on
//! one machine. Each server runs in namespaces of its own with the same configuration, logs to the same reader on /dev/log
//! (whose CPU is not counted), keeps its lease file on a real disk, and is measured at several windows; its best counts.

use compat_tests::load::{self, Outcome, Plan};
use compat_tests::scenario::Scenario;
use compat_tests::world::World;
use std::fmt::Write as _;
use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

struct Server {
    name: &'static str,
    path: PathBuf,
    windows: &'static [usize],
}

struct Row {
    server: &'static str,
    pool: u32,
    window: usize,
    outcome: Outcome,
    cpu_us: f64,
    lines: u64,
}

const POOLS: [u32; 2] = [4_096, 262_144];

fn main() -> ExitCode {
    match all() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn all() -> Result<(), String> {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let write = words.iter().position(|word| word == "--write").map(|at| words.remove(at)).is_some();
    let mut seconds = 4;
    if let Some(at) = words.iter().position(|word| word == "--seconds") {
        words.remove(at);
        seconds = words.remove(at).parse().map_err(|_| "--seconds N")?;
    }
    let ours = PathBuf::from(words.pop().ok_or("which binary is ours?")?);
    let ours = ours.canonicalize().map_err(|error| format!("{}: {error}", ours.display()))?;
    let servers = [
        Server { name: "ISC dhcpd", path: "/usr/sbin/dhcpd".into(), windows: &[1, 16, 64] },
        Server { name: "dhcpd-rs", path: ours, windows: &[16, 64, 256, 512] },
    ];
    let mut rows = Vec::new();
    for pool in POOLS {
        for server in &servers {
            for &window in server.windows {
                let row = measure(server, pool, window, Duration::from_secs(seconds))?;
                println!("{}", shown(&row));
                rows.push(row);
            }
        }
    }
    let text = table(&rows);
    println!("\n{text}");
    if write {
        let path = compat_tests::here().join("BENCH.md");
        fs::write(&path, format!("{HEAD}{text}")).map_err(|error| error.to_string())?;
    }
    Ok(())
}

const HEAD: &str = "# Measured\n\nWritten by `compat-tests/bench --write`: both servers in one run on one machine, every binding synced before its \
ACK, lease files on a real disk, `ping-check false`, `dhcp-cache-threshold 0` so that every exchange writes. Trust the ratios.\n\n";

fn shown(row: &Row) -> String {
    format!(
        "{:10} pool {:>7} window {:>4}: {:>8.0} exchanges/s, {:>7.1} us CPU each, median {} us, p99 {} us, worst {} us, {} repeats, {} refused, {} log lines",
        row.server,
        row.pool,
        row.window,
        row.outcome.rate(),
        row.cpu_us,
        row.outcome.latency(0.5),
        row.outcome.latency(0.99),
        row.outcome.latency(1.0),
        row.outcome.repeats,
        row.outcome.refused,
        row.lines,
    )
}

fn best<'r>(rows: &'r [Row], server: &str, pool: u32) -> Option<&'r Row> {
    rows.iter()
        .filter(|row| row.server == server && row.pool == pool)
        .max_by(|a, b| a.outcome.rate().total_cmp(&b.outcome.rate()))
}

fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| pool | server | window | exchanges/s | CPU us/exchange | median us | p99 us | worst us |\n|---|---|---|---|---|---|---|---|\n",
    );
    for pool in POOLS {
        for server in ["ISC dhcpd", "dhcpd-rs"] {
            let Some(row) = best(rows, server, pool) else { continue };
            let _ = writeln!(
                text,
                "| {pool} | {server} | {} | {:.0} | {:.1} | {} | {} | {} |",
                row.window,
                row.outcome.rate(),
                row.cpu_us,
                row.outcome.latency(0.5),
                row.outcome.latency(0.99),
                row.outcome.latency(1.0)
            );
        }
        if let (Some(isc), Some(ours)) = (best(rows, "ISC dhcpd", pool), best(rows, "dhcpd-rs", pool)) {
            let _ = writeln!(
                text,
                "| {pool} | **ratio** | | **{:.1}** | | | | |",
                ours.outcome.rate() / isc.outcome.rate()
            );
        }
    }
    if let (Some(small), Some(large)) = (best(rows, "dhcpd-rs", POOLS[0]), best(rows, "dhcpd-rs", POOLS[1])) {
        let share = large.outcome.rate() / small.outcome.rate();
        let _ = writeln!(text, "\nours at {} against {} addresses: {:.2}", POOLS[1], POOLS[0], share);
    }
    text
}

fn measure(server: &Server, pool: u32, window: usize, duration: Duration) -> Result<Row, String> {
    let (name, path) = (server.name, server.path.clone());
    let run = std::thread::spawn(move || in_world(name, &path, pool, window, duration));
    run.join().map_err(|_| "a run panicked".to_string())?
}

/// On the disk of the working directory; a tmpfs would make syncs cost nothing.
fn lease_directory() -> Result<PathBuf, String> {
    let path = std::env::current_dir().map_err(|e| e.to_string())?.join("target/bench");
    fs::create_dir_all(&path).map_err(|e| e.to_string())?;
    let kind = nix::sys::statfs::statfs(&path).map_err(|e| e.to_string())?.filesystem_type();
    if kind == nix::sys::statfs::TMPFS_MAGIC {
        return Err(format!("{} is a tmpfs; the lease file must lie on a real disk", path.display()));
    }
    Ok(path)
}

fn configuration(pool: u32) -> String {
    let first = u32::from(Ipv4Addr::new(10, 64, 0, 10));
    let last = Ipv4Addr::from(first + pool - 1);
    format!(
        "authoritative;\nping-check false;\nddns-update-style none;\ndhcp-cache-threshold 0;\ndefault-lease-time 3600;\n\
         option domain-name-servers 10.64.0.2, 10.64.0.3;\noption domain-name \"example.org\";\n\
         subnet 10.64.0.0 netmask 255.192.0.0 {{\n  option routers 10.64.0.1;\n  range {} {last};\n}}\n",
        Ipv4Addr::from(first)
    )
}

fn in_world(
    name: &'static str,
    path: &Path,
    pool: u32,
    window: usize,
    duration: Duration,
) -> Result<Row, String> {
    let directory = lease_directory()?;
    let scenario = Scenario::parse(
        "bench",
        &format!(
            "title: load\nserver: s0 10.64.0.1/10\n== config\n{}== steps\nwait 1\n",
            configuration(pool)
        ),
    )?;
    let world = World::enter(&scenario)?;
    let lines = Arc::new(AtomicU64::new(0));
    let ended = Arc::new(AtomicBool::new(false));
    let reader = drain(world.log.try_clone().map_err(|e| e.to_string())?, lines.clone(), ended.clone());
    fs::write("/etc/dhcp/dhcpd.conf", configuration(pool)).map_err(|e| e.to_string())?;
    let leases = directory.join("dhcpd.leases");
    fs::write(&leases, "").map_err(|e| e.to_string())?;
    let mut child = start(path, &leases)?;
    let link = world.links.first().ok_or("no link")?;
    wait_ready(&mut child, &lines)?;
    let before = cpu(child.id());
    let outcome = load::run(link, &Plan { window, clients: pool / 10 * 9, duration });
    let spent = cpu(child.id()) - before;
    let _ = child.kill();
    let _ = child.wait();
    ended.store(true, Ordering::Relaxed);
    let _ = reader.join();
    for name in ["dhcpd.leases", "dhcpd.leases~"] {
        let _ = fs::remove_file(directory.join(name));
    }
    let cpu_us = spent.as_micros() as f64 / outcome.exchanges.max(1) as f64;
    Ok(Row { server: name, pool, window, outcome, cpu_us, lines: lines.load(Ordering::Relaxed) })
}

fn start(path: &Path, leases: &Path) -> Result<Child, String> {
    Command::new(path)
        .args(["-4", "-f", "-q", "-cf", "/etc/dhcp/dhcpd.conf", "-pf", "/run/dhcpd.pid", "-lf"])
        .arg(leases)
        .arg("s0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// The last line of a start has come, and nothing more follows.
fn wait_ready(child: &mut Child, lines: &AtomicU64) -> Result<(), String> {
    let began = Instant::now();
    let mut seen = 0;
    while began.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(300));
        if let Ok(Some(status)) = child.try_wait() {
            return Err(format!("the server ended: {status}"));
        }
        let now = lines.load(Ordering::Relaxed);
        if now > 0 && now == seen {
            return Ok(());
        }
        seen = now;
    }
    Err("the server did not come up".into())
}

fn drain(log: UnixDatagram, lines: Arc<AtomicU64>, ended: Arc<AtomicBool>) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        let _ = log.set_nonblocking(false);
        let _ = log.set_read_timeout(Some(Duration::from_millis(200)));
        while !ended.load(Ordering::Relaxed) {
            if log.recv(&mut buffer).is_ok() {
                lines.fetch_add(1, Ordering::Relaxed);
            }
        }
    })
}

/// User and system time of a process so far, all threads.
fn cpu(pid: u32) -> Duration {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after = text.rsplit(')').next().unwrap_or_default();
    let ticks: u64 =
        after.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
