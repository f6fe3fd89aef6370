//! The benchmark; see `compat-tests/bench`.

use compat_tests::bench::arena;
use compat_tests::bench::measure::{Effort, measure};
use compat_tests::bench::server::Server;
use compat_tests::bench::table;
use std::fs;
use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str = "\
usage: bench [--servers isc,ours,kea1,kea2,dnsmasq] [--pools 4096,262144] [--windows 16,64,256] [--seconds N]
             [--no-renewals] [--no-latency] [--write FILE]";

struct Arguments {
    servers: Vec<Server>,
    pools: Vec<u32>,
    effort: Effort,
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
    print!("{}", table::HEAD);
    let (mut results, mut rows) = (Vec::new(), String::new());
    for pool in &arguments.pools {
        for server in &arguments.servers {
            if !server.installed() {
                println!("{} is not installed: left out", server.name());
                continue;
            }
            let result = measure(server, *pool, &arguments.effort)?;
            let text = table::rows(&result);
            print!("{text}");
            rows += &text;
            results.push(result);
        }
    }
    let ratios = table::ratios(&results, &Server::ours().name());
    print!("{ratios}");
    if let Some(path) = arguments.write {
        let busy = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let busy = busy.split(' ').next().unwrap_or("?").to_string();
        let machine = std::thread::available_parallelism().map_or(0, usize::from);
        let text = format!(
            "# Benchmark\n\nWritten by `compat-tests/bench --write`, {}, on a machine with {machine} processors: one run, one disk, \
             every server at its best window.\nThe generator and the log reader run on the same processors; load average at the end {busy}: what else ran there slows \
             all of them.\nEvery lease is written and synced before its ACK by ISC dhcpd and ours; \"lost\" are exchanges given \
             up by a client.\n\n{}{rows}\n{ratios}",
            chrono::Utc::now().format("%Y-%m-%d"),
            table::HEAD
        );
        fs::write(&path, text).map_err(|error| format!("{path}: {error}"))?;
    }
    Ok(())
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
