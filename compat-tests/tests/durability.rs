//! What a DHCPACK promises: the lease is on the disk before the answer leaves, whatever happens next. Root is needed; lease
//! files lie on a real disk.

use compat_tests::crowd::{self, Crowd};
use compat_tests::ground::{Ground, Result, Wish, ours, say, serve};
use nix::sys::signal::Signal;
use std::fs;
use std::time::{Duration, Instant};

const CONFIGURATION: &str = "
authoritative;
ping-check false;
ddns-update-style none;
default-lease-time 3600;
subnet 10.40.0.0 netmask 255.255.0.0 {
  range 10.40.1.0 10.40.250.255;
}
";

const SERVER: Wish<'static> = Wish { server: &["10.40.0.1/16"], clients: &[], setup: "" };

fn leases_in(ground: &Ground) -> String {
    ground.directory().join("dhcpd.leases").display().to_string()
}

/// Moments that differ from run to run; printed, so that a failure can be looked into.
fn moments(count: usize) -> Vec<u64> {
    let seed =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(1, |now| now.as_nanos());
    let mut state = seed as u64 | 1;
    let moments = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        150 + state % 1000
    });
    moments.take(count).collect()
}

#[test]
fn kill_nine_loses_no_acknowledged_lease() -> Result<()> {
    let ground = Ground::new(&SERVER)?;
    let leases = leases_in(&ground);
    let mut crowd = Crowd::new(ground.link()?, 1);
    let moments = moments(6);
    println!("killed after {moments:?} ms");
    for moment in &moments {
        let mut server = serve(&ground, &ours()?, CONFIGURATION, &leases)?;
        let (before, began) = (crowd.acks, Instant::now());
        // The moment counts from the first answer on: death is to come under load.
        let mut first = None;
        crowd.take(48, |crowd| {
            if first.is_none() && crowd.acks > before {
                first = Some(Instant::now());
            }
            first.map_or(began.elapsed() < Duration::from_secs(5), |first| {
                first.elapsed() < Duration::from_millis(*moment)
            })
        })?;
        server.end(Signal::SIGKILL)?;
        crowd.drain()?;
        assert!(crowd.acks > before, "no client was served before the kill");
        crowd.distinct()?;
        let text = fs::read_to_string(&leases).map_err(say("lease file"))?;
        crowd::all_recorded(&crowd.acknowledged, &text)?;
    }
    let mut server = serve(&ground, &ours()?, CONFIGURATION, &leases)?;
    let everybody: Vec<u32> = crowd.acknowledged.keys().copied().collect();
    println!("{} leases acknowledged through {} kills", everybody.len(), moments.len());
    crowd.reboot(&everybody, Duration::from_secs(15))?;
    crowd.take_some(200, 48, Duration::from_secs(10))?;
    crowd.distinct()?;
    server.end(Signal::SIGTERM)
}
