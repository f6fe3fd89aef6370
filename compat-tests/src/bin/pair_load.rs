//! `pair_load work [SECONDS [ADDRESSES]]`: exchanges a second of a pair of the real ones and of a pair of ours in one run, and what an
//! exchange costs the server that grants, in a pair and alone. `pair_load outage PRIMARY SECONDARY VICTIM`: one of a pair
//! under 500 exchanges a second is killed and comes back. Servers are `isc`, `ours` or a path.

use compat_tests::pair::load::{self, Shape, Work};
use compat_tests::pair::run::program;
use compat_tests::pair::scenario::{Result, Side};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// Exchanges in flight.
const WINDOWS: [usize; 3] = [16, 64, 256];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let word =
        |at: usize, default: &'static str| words.get(at).map_or(default, |word| word.as_str()).to_string();
    let done = match word(0, "work").as_str() {
        "work" => work(word(1, "5").parse().unwrap_or(5), word(2, "4096").parse().unwrap_or(4096)),
        "outage" => outage(&word(1, "ours"), &word(2, "ours"), &word(3, "primary")),
        other => Err(format!("{other}: work or outage")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pair_load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn work(seconds: u64, addresses: u32) -> Result<()> {
    let (isc, ours) = (program("isc")?, program("ours")?);
    let time = Duration::from_secs(seconds);
    let measured = |name: &str, program: &Path, shape: Shape| -> Result<Vec<Work>> {
        let one = |window| {
            let work = load::work([program, program], shape, addresses, window, time)?;
            let cpu = work.cpu.map(|cpu| cpu.as_secs_f64() * 1e6);
            println!(
                "{name} {shape:?}, {window} in flight: {:.0} exchanges a second, {:.1} and {:.1} us CPU each, {} given up",
                work.rate, cpu[0], cpu[1], work.given_up
            );
            Ok(work)
        };
        WINDOWS.into_iter().map(one).collect()
    };
    let best = |works: &[Work]| works.iter().map(|work| work.rate).fold(0.0, f64::max);
    let both = Shape::Pair { split: 128 };
    let (theirs, own) = (measured("isc", &isc, both)?, measured("ours", &ours, both)?);
    println!("a pair of ours: {:.1} times the exchanges of a pair of ISC's", best(&own) / best(&theirs));
    let (alone, granting) =
        (measured("ours", &ours, Shape::Alone)?, measured("ours", &ours, Shape::Pair { split: 256 })?);
    let ratios = granting.iter().zip(&alone).map(|(pair, alone)| pair.cpu[0].div_duration_f64(alone.cpu[0]));
    println!(
        "the granting server of a pair: at most {:.2} times the CPU of a single server",
        ratios.fold(0.0, f64::max)
    );
    Ok(())
}

fn outage(primary: &str, secondary: &str, victim: &str) -> Result<()> {
    let programs = [program(primary)?, program(secondary)?];
    let (retry, time) = (Duration::from_secs(4), Duration::from_secs(15));
    let seen = load::outage([&programs[0], &programs[1]], Side::parse(victim)?, 500.0, retry, time)?;
    for (name, life) in [("before", seen.before), ("during", seen.during), ("after", seen.after)] {
        println!("{name}: {life:?}");
    }
    Ok(())
}
