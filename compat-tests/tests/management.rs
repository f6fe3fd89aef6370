//! OMAPI under load and under attack, against the program as it is. Root is needed; lease files lie on a real disk.

use compat_tests::bench::arena::{Arena, disk, within};
use compat_tests::bench::server::{Running, Server, Setting, start};
use compat_tests::dice::Dice;
use compat_tests::load::{Plan, exchange::quantile};
use compat_tests::management::{Client, PORT, add_hosts, fuzz, host_name, message, values};
use nix::sys::signal::Signal;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::time::Duration;

/// Of measuring.
const ROUND: Duration = Duration::from_millis(800);

type Result<T> = std::result::Result<T, String>;

fn managed(arena: &Arena) -> Result<Running> {
    let statements = format!("omapi-port {PORT};");
    start(arena, &Server::ours(), &Setting { statements, ..Setting::pool(65_536) })
}

/// The names of the hosts in a lease file.
fn hosts(leases: &str) -> BTreeSet<&str> {
    leases.lines().filter_map(|line| line.strip_prefix("host ")?.strip_suffix(" {")).collect()
}

/// Exchanges at a steady rate for a while: how long each took, microseconds.
fn served(arena: &Arena, first: u32, time: Duration) -> Result<Vec<u32>> {
    let plan = Plan { window: 4_096, rate: Some(200.0), first, clients: 30_000, time, ..arena.plan() };
    let report = arena.load(&plan)?;
    assert_eq!(report.given_up, 0, "clients gave up");
    Ok(report.whole)
}

fn shape(times: &[u32]) -> (u32, u32) {
    (quantile(times, 0.5), quantile(times, 0.99))
}

/// Rounds of service alone and of service while hosts are added all the time, in turn: what else the machine has to do
/// then falls on both. A round is short, so that a pause of the machine spoils one and not all.
#[test]
fn service_stays_level_while_hosts_are_added() -> Result<()> {
    within(&disk(), |arena| {
        let _server = managed(arena)?;
        let (mut alone, mut beside, mut added) = (Vec::new(), Vec::new(), 0);
        let mut shapes: [Vec<u32>; 4] = Default::default();

        for round in 0..6u32 {
            let quiet = served(arena, round * 2_000, ROUND)?;
            let (done, busy) = std::thread::scope(|scope| {
                let numbers = round * 1_000_000..(round + 1) * 1_000_000;
                let adding = scope.spawn(|| add_hosts(8, numbers, ROUND + Duration::from_millis(300)));
                let busy = served(arena, round * 2_000 + 1_000, ROUND);
                (adding.join().expect("no panic"), busy)
            });
            let busy = busy?;
            added += done?.acknowledged.len();
            let ((middle, late), (middle_beside, late_beside)) = (shape(&quiet), shape(&busy));
            for (list, time) in shapes.iter_mut().zip([middle, late, middle_beside, late_beside]) {
                list.push(time);
            }
            alone.extend(quiet);
            beside.extend(busy);
        }
        alone.sort_unstable();
        beside.sort_unstable();
        let (all, all_beside) = (shape(&alone), shape(&beside));
        let [middle, late, middle_beside, late_beside] = shapes.map(|mut list| {
            list.sort_unstable();
            quantile(&list, 0.5)
        });
        println!(
            "{added} hosts added meanwhile. Exchanges, medians of the rounds: alone p50 {middle} us, p99 {late} us; beside \
             it p50 {middle_beside} us, p99 {late_beside} us. All: alone {all:?}, beside it {all_beside:?}"
        );
        // The processors are shared with eight clients then; a queue before the packets would cost far more.
        assert!(middle_beside < middle * 3 + 1_000, "p50 {middle_beside} us, alone {middle} us");
        assert!(late_beside < late * 3 + 10_000, "p99 {late_beside} us, alone {late} us");
        assert!(added >= 10_000, "{added}");
        Ok(())
    })
}

#[test]
fn ten_thousand_hosts_are_added_while_clients_are_served_and_none_is_lost() -> Result<()> {
    within(&disk(), |arena| {
        let server = managed(arena)?;
        let leases = server.leases.clone();
        let (done, count) = std::thread::scope(|scope| {
            let adding = scope.spawn(|| add_hosts(8, 0..10_000, Duration::from_secs(120)));
            let served = served(arena, 100_000, Duration::from_secs(2));
            (adding.join().expect("no panic"), served.map(|times| times.len()))
        });
        let (done, count) = (done?, count?);
        assert_eq!(done.acknowledged.len(), 10_000, "not all were taken");
        let more = std::thread::scope(|scope| {
            let adding = scope.spawn(|| add_hosts(8, 10_000..1_000_000, Duration::from_secs(20)));
            std::thread::sleep(Duration::from_millis(1_500));
            server.kill(Signal::SIGKILL);
            adding.join().expect("no panic")
        });
        let text = fs::read_to_string(&leases).map_err(|error| error.to_string())?;
        let found = hosts(&text);
        let all = done.acknowledged.iter().chain(&more?.acknowledged).copied().collect::<Vec<u32>>();
        let lost: Vec<u32> =
            all.iter().copied().filter(|number| !found.contains(host_name(*number).as_str())).collect();
        println!(
            "{} hosts acknowledged ({:.0} a second over 8 connections), {count} exchanges meanwhile; {} lost",
            all.len(),
            done.rate(),
            lost.len()
        );
        assert!(lost.is_empty(), "lost: {lost:?}");
        // And they are there after the restart.
        let _again = managed(arena)?;
        let mut client = Client::connect(PORT)?;
        for number in [0, 5_000, 9_999] {
            let name = host_name(number);
            let answer = client.ask(1, 0, &[("type", b"host")], &[("name", name.as_bytes())])?;
            assert!(answer.is_done(), "{name}: {answer:?}");
        }
        Ok(())
    })
}

/// Bad input of every kind at once, for a while; service goes on, memory stays where it was, the lease file stays as it was.
#[test]
fn an_attack_neither_stops_service_nor_grows_memory_nor_damages_the_lease_file() -> Result<()> {
    within(&disk(), |arena| {
        let mut server = managed(arena)?;
        let leases = server.leases.clone();
        served(arena, 0, Duration::from_secs(1))?;
        let (text, memory) = (fs::read_to_string(&leases).unwrap_or_default(), server.memory_kilobytes());
        let mut held = Vec::new();
        for round in 0..600u32 {
            let Ok(mut client) = Client::connect(PORT) else { continue };
            let giant = [&[0; 24], &b"\0\x01n\x7f\xff\xff\xff"[..]].concat();
            let half = message(1, 0, 1, &values(&[("type", b"host")]), b"\0\x04na");
            let big = message(1, 0, 1, &values(&[("type", b"host")]), &values(&[("name", &[b'x'; 300_000])]));
            let octets: &[u8] = match round % 5 {
                0 => &giant,
                1 => &half,
                2 => &big[..200_000],
                3 => b"\0\0\0\x07\0\0\0\x10\0\0\0\x01",
                _ => b"",
            };
            // It may have been closed already.
            let _ = client.stream().write_all(octets);
            held.push(client);
        }
        let grown = server.memory_kilobytes().saturating_sub(memory);
        let times = served(arena, 200_000, Duration::from_secs(2))?;
        let (latency, count) = (quantile(&times, 0.99), times.len());
        drop(held);
        println!("600 connections: {grown} kB more, {count} exchanges, p99 {latency} us");
        assert!(server.alive() && count > 150);
        assert!(grown < 32 << 10, "{grown} kB more");
        let after = fs::read_to_string(&leases).unwrap_or_default();
        assert!(after.starts_with(&text) && hosts(&after).is_empty(), "the lease file holds something else");
        // A stranger gets a place after all that.
        let mut client = Client::connect(PORT)?;
        assert!(client.add_host(1)?.is_done());
        Ok(())
    })
}

/// `fuzz omapi SECONDS` goes on with this.
#[test]
fn mutated_messages_do_no_harm() {
    let seeds = fuzz::seeds();
    let mut random = Dice::new(20_261_124);
    for _ in 0..6_000 {
        let mut input = seeds[random.below(seeds.len())].clone();
        let other = &seeds[random.below(seeds.len())];
        for _ in 0..random.below(4) {
            let at = random.below(input.len());
            match random.below(4) {
                0 if at < input.len() => input[at] = random.below(256) as u8,
                1 if at < input.len() => input[at] ^= 1 << random.below(8),
                2 => input.truncate(at),
                _ => input.extend_from_slice(other),
            }
        }
        fuzz::octets(&input);
    }
}
