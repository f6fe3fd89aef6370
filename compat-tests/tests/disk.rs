//! Disks that fail, are slow or lose their power, through the real system calls: nothing that was acknowledged is lost, nothing
//! is given twice, and the log says what happened. Root and /dev/fuse are needed.

use compat_tests::crowd::{self, CONFIGURATION, Crowd, SERVER};
use compat_tests::dice::Dice;
use compat_tests::failing_disk::{FailingDisk, Fault, Faults};
use compat_tests::ground::{Ground, Result, ours, say, serve};
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};

const LEASES: &str = "dhcpd.leases";

/// The disk is there before the server's namespace is made, which copies what is mounted.
struct Scene {
    ground: Ground,
    disk: FailingDisk,
    _directory: tempfile::TempDir,
}

impl Scene {
    fn new(files: &[(String, Vec<u8>)]) -> Result<Option<Scene>> {
        if !std::path::Path::new("/dev/fuse").exists() {
            println!("skipped: no /dev/fuse here");
            return Ok(None);
        }
        let directory = tempfile::tempdir().map_err(say("a directory"))?;
        let disk = FailingDisk::mount(directory.path(), files)?;
        Ok(Some(Scene { ground: Ground::new(&SERVER)?, disk, _directory: directory }))
    }

    fn leases(&self) -> String {
        self.disk.path().join(LEASES).display().to_string()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.disk.read(LEASES).unwrap_or_default()).into_owned()
    }
}

fn empty() -> Vec<(String, Vec<u8>)> {
    vec![(LEASES.to_string(), Vec::new())]
}

/// A different course each time; printed, so that a failure can be looked into.
fn dice() -> Dice {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let seed = now.as_nanos() as u64;
    println!("seed {seed}");
    Dice::new(seed)
}

fn until(moment: Duration) -> impl FnMut(&Crowd) -> bool {
    let began = Instant::now();
    move |_| began.elapsed() < moment
}

/// The power goes while clients are served and the file is written anew; the disk is what it had synced, and a part of the rest.
#[test]
fn a_power_cut_loses_no_acknowledged_lease() -> Result<()> {
    let mut dice = dice();
    let mut files = empty();
    let mut acknowledged = std::collections::BTreeMap::new();
    let full = std::env::var("COMPAT_TIER").is_ok_and(|tier| tier == "full");
    let cuts = if full { 40 } else { 8 };
    for cut in 0..cuts {
        let Some(scene) = Scene::new(&files)? else { return Ok(()) };
        // Syncs that take time leave more that is not synced.
        scene.disk.set(Faults { sync_time: Duration::from_millis(dice.between(0, 15)), ..Faults::default() });
        let mut server = serve(&scene.ground, &ours()?, CONFIGURATION, &scene.leases())?;
        let mut crowd = Crowd::new(scene.ground.link()?, 1 + cut * 10_000);
        crowd.take(32, until(Duration::from_millis(150 + dice.between(0, 400))))?;
        // The disk as it is at one moment; what the server still says after that is not heard.
        files = scene.disk.after_a_power_cut(|most| dice.below(most + 1));
        acknowledged.extend(crowd.acknowledged.clone());
        server.end(Signal::SIGKILL)?;
        let text = files.iter().find(|(name, _)| name == LEASES).map(|(_, text)| text.clone());
        let text = String::from_utf8_lossy(&text.ok_or("the lease file is gone")?).into_owned();
        crowd::all_recorded(&acknowledged, &text).map_err(|error| format!("cut {cut}: {error}"))?;
    }
    println!("{} leases acknowledged through {cuts} power cuts", acknowledged.len());
    let Some(scene) = Scene::new(&files)? else { return Ok(()) };
    let mut server = serve(&scene.ground, &ours()?, CONFIGURATION, &scene.leases())?;
    let mut crowd = Crowd::new(scene.ground.link()?, 200_000);
    crowd.take_some(200, 32, Duration::from_secs(10))?;
    crowd.acknowledged.extend(acknowledged);
    crowd.distinct()?;
    server.end(Signal::SIGTERM)
}

/// What the disk answers for a while, and what the log says of it.
fn spell(faults: Faults, says: &str) -> Result<()> {
    let Some(scene) = Scene::new(&empty())? else { return Ok(()) };
    let mut server = serve(&scene.ground, &ours()?, CONFIGURATION, &scene.leases())?;
    let mut crowd = Crowd::new(scene.ground.link()?, 1);
    crowd.take_some(100, 16, Duration::from_secs(10))?;
    scene.disk.set(faults);
    crowd.take(16, until(Duration::from_secs(3)))?;
    println!("it says: {}", server.wait_for(says, Duration::from_secs(3))?);
    assert!(crowd.last.elapsed() > Duration::from_secs(2), "DHCPACKs left though nothing could be synced");
    scene.disk.set(Faults::default());
    crowd.take_some(100, 16, Duration::from_secs(12))?;
    server.end(Signal::SIGKILL)?;
    crowd.drain()?;
    crowd.distinct()?;
    crowd::all_recorded(&crowd.acknowledged, &scene.text())?;
    let _again = serve(&scene.ground, &ours()?, CONFIGURATION, &scene.leases())?;
    let everybody: Vec<u32> = crowd.acknowledged.keys().copied().collect();
    crowd.reboot(&everybody, Duration::from_secs(8))
}

#[test]
fn a_write_that_fails() -> Result<()> {
    spell(Faults { write: Some(Fault::Broken), ..Faults::default() }, "Input/output error")
}

#[test]
fn a_sync_that_fails() -> Result<()> {
    spell(Faults { sync: Some(Fault::Broken), ..Faults::default() }, "Input/output error")
}

#[test]
fn a_full_disk() -> Result<()> {
    let full = Some(Fault::Full);
    spell(Faults { write: full, create: full, ..Faults::default() }, "No space left on device")
}

#[test]
fn a_disk_that_becomes_read_only() -> Result<()> {
    let read_only = Some(Fault::ReadOnly);
    let faults = Faults { write: read_only, create: read_only, rename: read_only, ..Faults::default() };
    spell(faults, "Read-only file system")
}

/// The rewrite that would mend a failed write fails too, for a while.
#[test]
fn a_rename_that_fails_while_the_file_is_in_doubt() -> Result<()> {
    let faults = Faults { write: Some(Fault::Broken), rename: Some(Fault::Broken), ..Faults::default() };
    spell(faults, "Input/output error")
}

/// The old file is sound, and service goes on with it.
#[test]
fn a_rename_that_fails_at_the_start() -> Result<()> {
    let Some(scene) = Scene::new(&empty())? else { return Ok(()) };
    let mut server = serve(&scene.ground, &ours()?, CONFIGURATION, &scene.leases())?;
    let mut crowd = Crowd::new(scene.ground.link()?, 1);
    crowd.take_some(100, 16, Duration::from_secs(10))?;
    server.end(Signal::SIGKILL)?;
    crowd.drain()?;
    scene.disk.set(Faults { rename: Some(Fault::Broken), ..Faults::default() });
    let mut server = serve(&scene.ground, &ours()?, CONFIGURATION, &scene.leases())?;
    println!(
        "it says: {}",
        server.log().lines().find(|line| line.contains("Input/output error")).ok_or("nothing")?
    );
    crowd.take_some(100, 16, Duration::from_secs(10))?;
    server.end(Signal::SIGKILL)?;
    crowd.drain()?;
    crowd.distinct()?;
    crowd::all_recorded(&crowd.acknowledged, &scene.text())
}

/// Many share a sync, so that a slow one costs time and not much rate; ISC: 11 a second at 50 ms.
#[test]
fn slow_syncs_are_shared() -> Result<()> {
    let Some(scene) = Scene::new(&empty())? else { return Ok(()) };
    let mut server = serve(&scene.ground, &ours()?, CONFIGURATION, &scene.leases())?;
    let mut crowd = Crowd::new(scene.ground.link()?, 1);
    for (milliseconds, least) in [(50u64, 200.0), (500, 20.0)] {
        scene.disk.set(Faults { sync_time: Duration::from_millis(milliseconds), ..Faults::default() });
        let (before, began) = (crowd.acks, Instant::now());
        crowd.take(64, until(Duration::from_secs(4)))?;
        let rate = (crowd.acks - before) as f64 / began.elapsed().as_secs_f64();
        println!("{rate:.0} four-way exchanges a second at {milliseconds} ms a sync");
        assert!(rate >= least, "{rate:.0} exchanges a second at {milliseconds} ms a sync");
    }
    crowd.drain()?;
    crowd.distinct()?;
    server.end(Signal::SIGTERM)?;
    crowd::all_recorded(&crowd.acknowledged, &scene.text())
}

/// An OFFER to a client that has nothing under way does not wait for the syncs of others.
#[test]
fn offers_do_not_wait_for_the_disk() -> Result<()> {
    let Some(scene) = Scene::new(&empty())? else { return Ok(()) };
    let mut server = serve(&scene.ground, &ours()?, CONFIGURATION, &scene.leases())?;
    let mut crowd = Crowd::new(scene.ground.link()?, 1);
    scene.disk.set(Faults { sync_time: Duration::from_millis(500), ..Faults::default() });
    crowd.take(8, until(Duration::from_secs(2)))?;
    let first = crowd.slowest_offer;
    println!("the slowest OFFER took {first:?} at 500 ms a sync");
    assert!(first < Duration::from_millis(250), "an OFFER waited {first:?}");
    server.end(Signal::SIGTERM)
}
