//! `exchanges N`: that many four-way exchanges and renewals in this process, without I/O. For callgrind, which counts their
//! instructions (`tests/cost.rs`).

use compat_tests::in_process::{Core, PLAIN, message};
use std::net::Ipv4Addr;

fn main() {
    let count: u16 = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    let mut core = Core::new(PLAIN, Ipv4Addr::new(10, 255, 255, 1));
    let mut served = 0;
    for client in 0..count {
        let offered = core.ask(&message(1, client, None));
        served += u32::from(core.ask(&message(3, client, offered)).is_some());
        served += u32::from(core.ask(&message(3, client, offered)).is_some());
    }
    println!("{served} answers to REQUESTs");
}
