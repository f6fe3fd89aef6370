//! `exchanges WHAT N`: that many times one step of an exchange in this process, without I/O. For callgrind, which counts the
//! instructions (`tests/cost.rs`).

use compat_tests::in_process::{Core, PLAIN, message};
use dhcpd::lease_file::writer::{self, Format};
use dhcpd::wire::dhcp4::Message;
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [what, count] = &words[..] else { return ExitCode::FAILURE };
    let Ok(count) = count.parse::<u16>() else { return ExitCode::FAILURE };
    let mut core = Core::new(PLAIN, Ipv4Addr::new(10, 255, 255, 1));
    let mut done = 0;
    for client in 0..count {
        done += u32::from(step(what, client, &mut core));
    }
    println!("{done} done");
    if done == u32::from(count) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn step(what: &str, client: u16, core: &mut Core) -> bool {
    let discover = message(1, client, None);
    match what {
        // A hundred times a REQUEST, as it arrives: what making it costs depends on the state of the heap, and is to count little.
        "decode" => {
            let request = message(3, client, Some(Ipv4Addr::LOCALHOST));
            (0..100).all(|_| Message::decode(black_box(&request)).is_ok())
        }
        // To a client never seen: an address is found, an OFFER is written.
        "discover" => core.ask(&discover).is_some(),
        // The same client again.
        "repeat" => core.ask(&discover).is_some() && core.ask(&discover).is_some(),
        "request" => request(client, core).is_some(),
        "renew" => {
            let leased = request(client, core);
            core.ask(&message(3, client, leased)) == leased
        }
        // An answer is written, and nothing else happens.
        "inform" => {
            let mut inform = message(8, client, None);
            inform[12..16].copy_from_slice(&[10, 2, 0, 1]);
            core.ask(&inform).is_some()
        }
        "record" => record(core) || request(client, core).is_some(),
        _ => false,
    }
}

/// The four ways.
fn request(client: u16, core: &mut Core) -> Option<Ipv4Addr> {
    let offered = core.ask(&message(1, client, None));
    core.ask(&message(3, client, offered)).filter(|leased| Some(*leased) == offered)
}

/// The record of the first lease, if there is one.
fn record(core: &Core) -> bool {
    let engine = core.server.engine();
    let Some(id) = engine.store.iter().next() else { return false };
    let format = Format { hexadecimal: false, local: None, spaces: &engine.config.spaces };
    let mut out = Vec::new();
    writer::lease(&mut out, engine.store.get(id), core.now.wall, &format);
    !black_box(out).is_empty()
}
