//! Broken datagrams by the thousand (by the million in the full tier), and a client that is served all the while. The seed is fixed: every run sends the same.

use compat_tests::crowd::{self, Crowd};
use compat_tests::dice::Dice;
use compat_tests::ground::{Ground, Result, Wish, ours, say, serve};
use compat_tests::wire::{self, BROADCAST};
use nix::sys::signal::Signal;
use std::fs;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

/// In the full tier a million.
fn datagrams() -> usize {
    match std::env::var("COMPAT_TIER").is_ok_and(|tier| tier == "full") {
        true => 1_000_000,
        false => 20_000,
    }
}

const SEED: u64 = 0x5eed_0002_1310;
/// Between two exchanges of the good client.
const BURST: usize = 100;

/// Everything that looks into a packet is looked at.
const CONFIGURATION: &str = r#"
authoritative;
ping-check false;
allow bootp;
allow leasequery;
ddns-update-style none;
default-lease-time 3600;
option space vendor;
option vendor.name code 1 = text;
option vendor.list code 2 = array of ip-address;
class "by-vendor" { match if substring(option vendor-class-identifier, 0, 3) = "abc"; vendor-option-space vendor; }
class "by-circuit" { spawn with option agent.circuit-id; lease limit 4; }
if exists user-class { log(info, concat("user class ", binary-to-ascii(16, 8, ":", option user-class))); }
subnet 10.41.0.0 netmask 255.255.0.0 {
  option routers 10.41.0.1;
  option vendor.name "something";
  option host-name = concat("h-", binary-to-ascii(16, 8, "-", suffix(hardware, 3)));
  on commit { set seen = pick-first-value(option host-name, option fqdn.fqdn, "none"); }
  pool { range dynamic-bootp 10.41.1.0 10.41.250.255; }
}
"#;

/// Options whose inside is parsed, with lengths that may be wrong.
fn options(chance: &mut Dice) -> Vec<u8> {
    const CODES: [u8; 20] =
        [0, 12, 43, 50, 51, 52, 53, 54, 55, 57, 60, 61, 77, 81, 82, 92, 93, 118, 124, 255];
    let mut out = Vec::new();
    for _ in 0..chance.below(8) {
        let code = CODES[chance.below(CODES.len())];
        let length = [0, 1, 2, 4, 7, 16, 64, 255][chance.below(8)];
        let body = chance.octets(length);
        let said = if chance.below(3) == 0 { chance.draw() as u8 } else { length as u8 };
        out.extend([code, said]);
        // Sub-options for the codes that have them.
        if matches!(code, 43 | 82) && length > 4 {
            out.extend([1, (length - 2 + chance.below(3)) as u8]);
            out.extend(&body[2..]);
        } else {
            out.extend(body);
        }
    }
    out
}

fn payload(chance: &mut Dice) -> Vec<u8> {
    let client = 0x00f0_0000 + chance.below(4000) as u32;
    let kind = [1, 3, 4, 7, 8, 10, 13, chance.draw() as u8][chance.below(8)];
    let inside = options(chance);
    let near = Ipv4Addr::new(10, 41, chance.draw() as u8, chance.draw() as u8);
    let mut message = crowd::message(client, kind, Ipv4Addr::UNSPECIFIED, &inside);
    // No client of the crowd.
    message.chaddr[1] = 0x66;
    match chance.below(6) {
        0 => message.ciaddr = near,
        1 => message.giaddr = near,
        2 => message.hlen = chance.draw() as u8,
        3 => message.htype = chance.draw() as u8,
        4 => message.sname = chance.octets(64),
        _ => message.file = chance.octets(128),
    }
    let mut payload = message.encode();
    match chance.below(6) {
        0 => payload.truncate(chance.below(payload.len() + 1)),
        1 => {
            for _ in 0..=chance.below(12) {
                let at = chance.below(payload.len());
                payload[at] = chance.draw() as u8;
            }
        }
        2 => payload.extend(chance.octets(200)),
        3 => {
            let count = chance.below(600);
            payload = chance.octets(count);
        }
        4 => drop(payload.pop()),
        _ => {}
    }
    // What one frame holds.
    payload.truncate(1472);
    payload
}

fn frame(chance: &mut Dice) -> Vec<u8> {
    let payload = payload(chance);
    let mut packet = wire::udp((Ipv4Addr::UNSPECIFIED, 68), (Ipv4Addr::BROADCAST, 67), &payload);
    if chance.below(8) == 0 {
        // Header length, total length, fragments, checksum, UDP length.
        let at = [0, 2, 3, 6, 7, 9, 10, 24, 25, 26][chance.below(10)];
        packet[at] = chance.draw() as u8;
    }
    if chance.below(50) == 0 {
        packet.truncate(chance.below(packet.len()));
    }
    wire::ethernet(BROADCAST, [2, 0x66, 0, 0, 0, 1], 0x0800, &packet)
}

#[test]
fn broken_datagrams_disturb_nobody() -> Result<()> {
    let ground = Ground::new(&Wish { server: &["10.41.0.1/16"], ..Wish::default() })?;
    let leases = ground.directory().join("dhcpd.leases").display().to_string();
    let mut server = serve(&ground, &ours()?, CONFIGURATION, &leases)?;
    let mut crowd = Crowd::new(ground.link()?, 1);
    let mut chance = Dice::new(SEED);
    let (mut slowest, began) = (Duration::ZERO, Instant::now());
    let datagrams = datagrams();
    for sent in (0..datagrams).step_by(BURST) {
        for _ in 0..BURST {
            crowd
                .link()
                .send(&frame(&mut chance))
                .or_else(|error| if error.contains("ENOBUFS") { Ok(()) } else { Err(error) })?;
        }
        let asked = Instant::now();
        crowd.take_one(Duration::from_secs(5)).map_err(|error| {
            format!("after {} broken datagrams: {error}\n{}", sent + BURST, tail(&server.log()))
        })?;
        slowest = slowest.max(asked.elapsed());
    }
    let lines = server.log().lines().count();
    println!(
        "{datagrams} datagrams and {} exchanges in {:?}, the slowest {slowest:?}; {lines} lines of log",
        crowd.acks,
        began.elapsed()
    );
    assert!(server.alive(), "{}", tail(&server.log()));
    assert!(!server.log().contains("panicked"), "{}", tail(&server.log()));
    let memory = resident(server.pid())?;
    assert!(memory < 256 << 10, "{memory} KiB are resident");
    crowd.distinct()?;
    let text = fs::read(&leases).map_err(say("lease file"))?;
    crowd::all_recorded(&crowd.acknowledged, &String::from_utf8_lossy(&text))?;
    server.end(Signal::SIGKILL)?;
    // What garbage left in the lease file must not stand in the way of the next start.
    let again = serve(&ground, &ours()?, CONFIGURATION, &leases)?;
    let corrupt: Vec<_> =
        again.log().lines().filter(|line| line.contains("corrupt")).map(String::from).collect();
    assert!(corrupt.is_empty(), "{corrupt:?}");
    let everybody: Vec<u32> = crowd.acknowledged.keys().copied().collect();
    crowd.reboot(&everybody, Duration::from_secs(10))
}

/// Answers to addresses that do not reply to ARP wait in the kernel, and nobody waits for them; ISC stands still in its send.
#[test]
fn silent_neighbours_stall_nobody() -> Result<()> {
    let ground = Ground::new(&Wish { server: &["10.41.0.1/16"], ..Wish::default() })?;
    let leases = ground.directory().join("dhcpd.leases").display().to_string();
    let mut server = serve(&ground, &ours()?, CONFIGURATION, &leases)?;
    let mut crowd = Crowd::new(ground.link()?, 1);
    crowd.take_one(Duration::from_secs(5))?;
    let mut slowest = Duration::ZERO;
    for round in 0..20u8 {
        for host in 1..=200u8 {
            // An INFORM is answered at the address it comes from.
            let client = 0x00e0_0000 + u32::from(round) * 256 + u32::from(host);
            let mut inform = crowd::message(client, 8, Ipv4Addr::new(10, 41, 200 + round, host), &[]);
            inform.chaddr[1] = 0x66;
            let packet = wire::udp((Ipv4Addr::UNSPECIFIED, 68), (Ipv4Addr::BROADCAST, 67), &inform.encode());
            crowd.link().send(&wire::ethernet(BROADCAST, [2, 0x66, 0, 0, 0, 2], 0x0800, &packet))?;
        }
        let asked = Instant::now();
        crowd
            .take_one(Duration::from_secs(5))
            .map_err(|error| format!("{error}\n{}", tail(&server.log())))?;
        slowest = slowest.max(asked.elapsed());
    }
    let answers = server.log().matches("DHCPACK to 10.41.2").count();
    println!("{answers} answers to silent neighbours, the slowest exchange beside them took {slowest:?}");
    assert!(answers > 3_000, "{answers} of 4,000 INFORMs were answered");
    assert!(slowest < Duration::from_secs(1), "an exchange took {slowest:?}");
    server.end(Signal::SIGTERM)
}

fn resident(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).map_err(say("status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    line.trim().trim_end_matches(" kB").parse().map_err(say("VmRSS"))
}

fn tail(log: &str) -> String {
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(60)..].join("\n")
}
