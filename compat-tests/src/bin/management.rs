//! `management [SECONDS]`: how many hosts a second ISC dhcpd and ours take over OMAPI, on one connection and on 32, each
//! synced before its answer. Prints rates and ratios. Needs root and a real disk, as the benchmark does.

use compat_tests::bench::arena::{self, within};
use compat_tests::bench::server::{Server, Setting, start};
use compat_tests::management::{Done, PORT, add_hosts};
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let seconds = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(5);
    match measure(Duration::from_secs(seconds)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(time: Duration) -> Result<(), String> {
    println!("| server | connections | hosts a second | worst answer ms |\n|---|---|---|---|");
    for connections in [1, 32] {
        let mut rates = Vec::new();
        for server in [Server::isc(), Server::ours()] {
            let name = server.name();
            let done = one(server, connections, time)?;
            let worst = done.worst.as_micros() as f64 / 1000.0;
            println!("| {name} | {connections} | {:.0} | {worst:.1} |", done.rate());
            rates.push(done.rate());
        }
        if let [isc, ours] = rates.as_slice() {
            println!("ratio over {connections} connection(s): {:.1}", ours / isc);
        }
    }
    Ok(())
}

fn one(server: Server, connections: usize, time: Duration) -> Result<Done, String> {
    within(&arena::disk(), move |arena| {
        let statements = format!("omapi-port {PORT};");
        let running = start(arena, &server, &Setting { statements, ..Setting::default() })?;
        let done = add_hosts(connections, 0..u32::MAX, time)?;
        drop(running);
        Ok(done)
    })
}
