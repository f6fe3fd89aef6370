//! The benchmark; see `compat-tests/bench`.

use compat_tests::bench::arena;
use compat_tests::bench::check::{self, Facts};
use compat_tests::bench::measure::{Effort, measure};
use compat_tests::bench::overload;
use compat_tests::bench::server::Server;
use compat_tests::bench::size;
use compat_tests::bench::start::{self, Load};
use compat_tests::bench::table;
use std::fs;
use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str = "\
usage: bench [--servers isc,ours,kea1,kea2,dnsmasq] [--pools 4096,262144] [--windows 16,64,256] [--seconds N]
             [--no-renewals] [--no-latency] [--no-sizes] [--no-starts] [--no-overload] [--only PART]
             [--patience SECONDS] [--write FILE]
PART: rates, sizes, starts or overload";

struct Arguments {
    servers: Vec<Server>,
    pools: Vec<u32>,
    effort: Effort,
    rates: bool,
    sizes: bool,
    starts: bool,
    overload: bool,
    /// How long a start may take: the real program needs minutes for some.
    patience: Duration,
    write: Option<String>,
}

fn arguments() -> Result<Arguments, String> {
    let mut parsed = Arguments {
        servers: vec![Server::isc(), Server::ours()],
        pools: vec![4_096, 262_144],
        effort: Effort {
            time: Duration::from_secs(5),
            windows: vec![16, 64, 256],
            renewals: true,
            latency: true,
            disk: arena::disk(),
        },
        rates: true,
        sizes: true,
        starts: true,
        overload: true,
        patience: Duration::from_secs(60),
        write: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value\n{USAGE}"));
        let number = |text: &str| text.parse::<u32>().map_err(|error| format!("{text}: {error}"));
        match word.as_str() {
            "--servers" => parsed.servers = value()?.split(',').map(server).collect::<Result<_, _>>()?,
            "--pools" => parsed.pools = value()?.split(',').map(number).collect::<Result<_, _>>()?,
            "--windows" => {
                let windows: Result<Vec<_>, _> = value()?.split(',').map(number).collect();
                parsed.effort.windows = windows?.into_iter().map(|window| window as usize).collect();
            }
            "--seconds" => parsed.effort.time = Duration::from_secs(number(&value()?)?.into()),
            "--no-renewals" => parsed.effort.renewals = false,
            "--no-latency" => parsed.effort.latency = false,
            "--no-sizes" => parsed.sizes = false,
            "--only" => {
                let part = value()?;
                (parsed.rates, parsed.sizes) = (part == "rates", part == "sizes");
                (parsed.starts, parsed.overload) = (part == "starts", part == "overload");
            }
            "--no-starts" => parsed.starts = false,
            "--no-overload" => parsed.overload = false,
            "--patience" => parsed.patience = Duration::from_secs(number(&value()?)?.into()),
            "--write" => parsed.write = Some(value()?),
            _ => return Err(USAGE.into()),
        }
    }
    Ok(parsed)
}

fn server(name: &str) -> Result<Server, String> {
    Ok(match name {
        "isc" => Server::isc(),
        "ours" => Server::ours(),
        "kea1" => Server::Kea { threads: 1 },
        "kea2" => Server::Kea { threads: 2 },
        "dnsmasq" => Server::Dnsmasq,
        _ => return Err(format!("{name}: no such server\n{USAGE}")),
    })
}

fn bench() -> Result<(), String> {
    let arguments = arguments()?;
    arena::refuse_memory(&arguments.effort.disk)?;
    println!(
        "Lease files below {}; every server logs to one reader at /dev/log, whose CPU is not counted.",
        arguments.effort.disk.display()
    );
    let (mut facts, mut rows, mut rest) = (Facts::default(), String::new(), String::new());
    if arguments.rates {
        (rows, rest) = rates(&arguments, &mut facts)?;
    }
    if arguments.sizes {
        rest += &sizes(&arguments, &mut facts)?;
    }
    if arguments.starts {
        rest += &starts(&arguments, &mut facts)?;
    }
    if arguments.overload {
        rest += &overloads(&arguments, &mut facts)?;
    }
    let (checks, failed) = check::table(&facts);
    print!("{checks}");
    rest += &checks;
    if let Some(path) = arguments.write {
        let busy = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let busy = busy.split(' ').next().unwrap_or("?").to_string();
        let machine = std::thread::available_parallelism().map_or(0, usize::from);
        let text = format!(
            "# Benchmark\n\nWritten by `compat-tests/bench --write`, {}, on a machine with {machine} processors: one run, one disk, \
             every server at its best window.\nThe generator and the log reader run on the same processors; load average at the end {busy}: what else ran there slows \
             all of them.\nEvery lease is written and synced before its ACK by ISC dhcpd and ours; \"lost\" are exchanges given \
             up by a client.\n\n{}{rows}\n{rest}",
            chrono::Utc::now().format("%Y-%m-%d"),
            table::HEAD
        );
        fs::write(&path, text).map_err(|error| format!("{path}: {error}"))?;
    }
    if failed > 0 { Err(format!("{failed} figures do not hold")) } else { Ok(()) }
}

/// Pools larger than this are for servers whose time does not grow with them.
const LARGEST_OF_ISC: u32 = 262_144;

/// Every server in every pool; the rows, and what follows the table.
fn rates(arguments: &Arguments, facts: &mut Facts) -> Result<(String, String), String> {
    print!("{}", table::HEAD);
    let mut rows = String::new();
    for pool in &arguments.pools {
        for server in &arguments.servers {
            if !server.installed() {
                println!("{} is not installed: left out", server.name());
                continue;
            }
            if *server == Server::isc() && *pool > LARGEST_OF_ISC {
                println!("{} walks lists: left out", server.name());
                continue;
            }
            let result = measure(server, *pool, &arguments.effort)?;
            let text = table::rows(&result);
            print!("{text}");
            rows += &text;
            facts.results.push(result);
        }
    }
    let ratios = table::ratios(&facts.results, &Server::ours().name());
    print!("{ratios}");
    Ok((rows, ratios))
}

/// Turns of each size.
const TURNS: usize = 3;

fn sizes(arguments: &Arguments, facts: &mut Facts) -> Result<String, String> {
    let mut text = String::from(
        "\n## Sizes of a pool\n\n| pool | four-way a second | CPU us each | p99 us |\n|---|---|---|---|\n",
    );
    print!("{text}");
    facts.sizes = size::compare(&Server::ours(), TURNS, arguments.effort.time, &arguments.effort.disk)?;
    for (size, figures) in &facts.sizes {
        let row = format!(
            "| {} | {:.0} | {:.1} | {} |\n",
            size.name(),
            figures.rate,
            figures.cpu_microseconds,
            figures.p99
        );
        print!("{row}");
        text += &row;
    }
    Ok(text)
}

const STARTS: [Load; 6] = [
    Load::Leases(1_000_000),
    Load::LeasesInSubnets(1_000_000, 4_096),
    Load::Hosts(100_000),
    Load::Hosts(1_000_000),
    Load::Subnets(10_000),
    Load::Pool(9),
];

fn dhcpds(arguments: &Arguments) -> impl Iterator<Item = &Server> {
    arguments.servers.iter().filter(|server| matches!(server, Server::Dhcpd { .. }) && server.installed())
}

fn starts(arguments: &Arguments, facts: &mut Facts) -> Result<String, String> {
    let mut text = String::from(
        "\n## Starts\n\n| server | reads | seconds to the first answer | memory MB | at most MB |\n|---|---|---|---|---|\n",
    );
    print!("{text}");
    for load in STARTS {
        for server in dhcpds(arguments) {
            let started = start::start(server, load, arguments.patience, &arguments.effort.disk)?;
            let seconds = match started.seconds {
                Some(seconds) => format!("{seconds:.2}"),
                None => format!("over {}", arguments.patience.as_secs()),
            };
            let (memory, peak) = (started.memory_kilobytes / 1024, started.peak_kilobytes / 1024);
            let row = format!("| {} | {} | {seconds} | {memory} | {peak} |\n", server.name(), load.name());
            print!("{row}");
            text += &row;
            facts.starts.push((server.name(), load, started));
        }
    }
    let ours = Server::ours();
    let (beside, without) = start::beside_a_rewrite(&ours, 1_000_000, 500.0, &arguments.effort.disk)?;
    facts.rewrite = Some((beside, without));
    let row = format!(
        "\n500 four-way exchanges a second beside the rewrite of a million leases: ACK after at most {} us (p99 {}), without \
         rewrite {} us (p99 {}).\n",
        beside.worst, beside.p99, without.worst, without.p99
    );
    print!("{row}");
    Ok(text + &row)
}

/// Of one processor.
const QUOTA_PERCENT: u32 = 5;

fn overloads(arguments: &Arguments, facts: &mut Facts) -> Result<String, String> {
    let factors = [0.5, 1.0, 2.0, 5.0, 10.0];
    let mut text = format!(
        "\n## Overload\n\nThe server may use {QUOTA_PERCENT} % of one processor; four-way exchanges a second.\n\n\
         | server | offered | completed | of the peak | CPU us each | p99 us |\n|---|---|---|---|---|---|\n"
    );
    print!("{text}");
    for server in dhcpds(arguments) {
        let time = arguments.effort.time;
        let points = overload::curve(server, QUOTA_PERCENT, &factors, time, &arguments.effort.disk)?;
        let peak = points.first().map_or(1.0, |point| point.completed);
        if *server == Server::ours() {
            facts.overload = [0.0].into_iter().chain(factors).zip(points.iter().copied()).collect();
        }
        for point in points {
            let offered =
                if point.offered > 0.0 { format!("{:.0}", point.offered) } else { "as answered".into() };
            let share = if peak > 0.0 { point.completed / peak } else { 0.0 };
            let row = format!(
                "| {} | {offered} | {:.0} | {share:.2} | {:.1} | {} |\n",
                server.name(),
                point.completed,
                point.cpu,
                point.p99
            );
            print!("{row}");
            text += &row;
        }
    }
    Ok(text)
}

fn main() -> ExitCode {
    match bench() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
