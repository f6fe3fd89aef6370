//! What an exchange costs the core: allocations, counted here, and instructions, counted by callgrind.

use compat_tests::here;
use compat_tests::in_process::{Core, PLAIN, message};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::{env, fs};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// The allocations of other tests would be counted too.
static ALONE: Mutex<()> = Mutex::new(());

/// What is allocated once: buffers, tables and nodes as large as this many clients need. Then nothing, while a thousand seconds
/// pass and everybody's lease has moved through its queue more than once.
#[test]
fn a_steady_exchange_allocates_nothing() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let _profiler = dhat::Profiler::builder().testing().build();
    let mut core = Core::new(PLAIN, Ipv4Addr::new(10, 255, 255, 1));
    let discovers: Vec<_> = (0..500).map(|client| message(1, client, None)).collect();
    let mut requests = Vec::new();
    for (client, discover) in (0..500).zip(&discovers) {
        let offered = core.ask(discover).expect("an offer");
        let request = message(3, client, Some(offered));
        assert_eq!(core.ask(&request), Some(offered));
        requests.push(request);
    }
    let mut before = 0;
    for round in 0..40 {
        if round == 8 {
            before = dhat::HeapStats::get().total_blocks;
        }
        for (client, (discover, request)) in discovers.iter().zip(&requests).enumerate() {
            // Some renew, some begin anew; in another order each time.
            if (client + round) % 3 != 0 {
                assert!(core.ask(discover).is_some());
            }
            assert!(core.ask(request).is_some());
            core.now.mono += 50_000;
            core.now.wall += i64::from(client % 20 == 0);
        }
    }
    let blocks = dhat::HeapStats::get().total_blocks - before;
    assert_eq!(blocks, 0, "allocations in 16,000 exchanges");
}

/// Steps of an exchange, and how many instructions each took when the table was written.
const TABLE: &str = "instructions.tsv";
/// A step may take this much more; and as much less before the table is to be renewed.
const TOLERANCE: f64 = 0.05;

#[test]
fn no_step_of_an_exchange_takes_more_instructions() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let program = exchanges();
    let table = fs::read_to_string(here().join(TABLE)).unwrap_or_default();
    let (mut rows, mut wrong) = (String::new(), Vec::new());
    for what in ["decode", "discover", "repeat", "request", "renew", "inform", "record"] {
        let (few, many) = (500, 1_500);
        let each = (instructions(&program, what, many) - instructions(&program, what, few)) / (many - few);
        println!("{what}: {each} instructions");
        rows += &format!("{what}\t{each}\n");
        let row = table.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix('\t'));
        match row.and_then(|number| number.parse::<u64>().ok()) {
            None => wrong.push(format!("{what}: {each}, not in the table")),
            Some(known) => {
                let ratio = each as f64 / known as f64;
                if (ratio - 1.0).abs() > TOLERANCE {
                    wrong.push(format!(
                        "{what}: {each}, and {known} in the table: {:+.1} %",
                        ratio * 100.0 - 100.0
                    ));
                }
            }
        }
    }
    if env::var_os("COMPAT_RENEW").is_some() {
        fs::write(here().join(TABLE), format!("{HEAD}{rows}")).expect("the table is writable");
        return;
    }
    assert!(
        wrong.is_empty(),
        "Instructions of a step, and the table {TABLE}:\n{}\nFewer: renew the table. More: is there a reason that is worth it? \
         Then renew it, and give the reason in the commit. A new compiler is one.\n\
         COMPAT_RENEW=1 cargo test -p compat-tests --test cost",
        wrong.join("\n")
    );
}

const HEAD: &str = "# Instructions of one step of an exchange in the core, counted by callgrind; written by tests/cost.rs.\n";

/// The program of that name, optimised: what a debug build does says little.
fn exchanges() -> PathBuf {
    let built = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--quiet", "--profile", "simulate", "-p", "compat-tests", "--bin", "exchanges"])
        .current_dir(here())
        .status();
    assert!(built.is_ok_and(|status| status.success()), "cargo build");
    // .../target/debug/deps/cost-123
    let own = env::current_exe().expect("a path");
    own.ancestors().nth(3).expect("a target directory").join("simulate/exchanges")
}

fn instructions(program: &Path, what: &str, count: u64) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args([what, &count.to_string()])
        .output()
        .expect("valgrind, which compat-tests/install.sh installs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {said}");
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    let number = collected.and_then(|(_, number)| number.trim().parse().ok());
    number.unwrap_or_else(|| panic!("{what}: {said}"))
}
