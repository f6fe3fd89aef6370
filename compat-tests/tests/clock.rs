//! A system clock that is set while clients are served: no lease is lost, no address is given twice, and the log says what
//! happened. The machine's own clock is left alone, and a time namespace moves only the other clocks: libfaketime answers the
//! server's `clock_gettime` with a wall clock of its own, which is set here while the monotonic one goes on. Root is needed.

use compat_tests::crowd::{self, CONFIGURATION, Crowd, SERVER};
use compat_tests::ground::{Ground, Result, Running, ours, say, serve_by, wait_until};
use nix::sys::signal::Signal;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(5);
const HOUR: i64 = 3_600;

/// Where Debian puts it, whatever the processor.
fn library() -> Result<PathBuf> {
    let folders = fs::read_dir("/usr/lib").map_err(say("/usr/lib"))?;
    let mut names = folders.flatten().map(|folder| folder.path().join("faketime/libfaketime.so.1"));
    names
        .find(|name| name.exists())
        .ok_or_else(|| "no libfaketime (compat-tests/install.sh installs it)".into())
}

struct Scene {
    ground: Ground,
    configuration: String,
}

impl Scene {
    fn new(configuration: &str) -> Result<Scene> {
        let scene = Scene { ground: Ground::new(&SERVER)?, configuration: configuration.to_string() };
        scene.set_clock(0)?;
        Ok(scene)
    }

    fn clock(&self) -> PathBuf {
        self.ground.directory().join("clock")
    }

    /// So many seconds beside the machine's own.
    fn set_clock(&self, seconds: i64) -> Result<()> {
        // In one step: the server reads it at any moment.
        let new = self.clock().with_extension("new");
        fs::write(&new, format!("{seconds:+}s\n")).map_err(say("clock"))?;
        fs::rename(new, self.clock()).map_err(say("clock"))
    }

    fn leases(&self) -> PathBuf {
        self.ground.directory().join("dhcpd.leases")
    }

    fn serve(&self, program: &Path) -> Result<Running> {
        let mut command = self.ground.at_server("env");
        command
            .arg(format!("LD_PRELOAD={}", library()?.display()))
            .arg(format!("FAKETIME_TIMESTAMP_FILE={}", self.clock().display()))
            .args(["FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1", "DONT_FAKE_MONOTONIC=1"])
            .arg(program);
        serve_by(&self.ground, &mut command, &self.configuration, &self.leases().display().to_string())
    }

    fn text(&self) -> Result<String> {
        fs::read_to_string(self.leases()).map_err(say("lease file"))
    }
}

/// Leases of four hours in a pool that is full in the end: whoever has one keeps it, whichever way the clock goes.
#[test]
fn a_clock_that_is_set_forward_and_back_by_an_hour() -> Result<()> {
    let configuration = CONFIGURATION
        .replace("default-lease-time 3600", "default-lease-time 14400;\nmax-lease-time 14400")
        .replace("10.43.250.255", "10.40.2.43");
    let scene = Scene::new(&configuration)?;
    let mut server = scene.serve(&ours()?)?;
    let mut crowd = Crowd::new(scene.ground.link()?, 1);
    crowd.take_some(100, 16, SOON)?;
    for (clock, said) in [
        (HOUR, "clock was set forward by 3600 seconds"),
        (-HOUR, "clock was set back by 7200 seconds"),
        (0, "clock was set forward by 3600 seconds"),
    ] {
        scene.set_clock(clock)?;
        crowd.take_some(50, 16, SOON)?;
        println!("it says: {}", server.wait_for(said, SOON)?);
        crowd.distinct()?;
        let everybody: Vec<u32> = crowd.acknowledged.keys().copied().collect();
        crowd.reboot(&everybody, SOON)?;
        crowd::all_recorded(&crowd.acknowledged, &scene.text()?)?;
    }
    // More clients than the 300 addresses of the pool; some are on offer to clients that went away.
    let _ = crowd.take_some(100, 64, Duration::from_secs(3));
    println!("{} leases of 300 addresses", crowd.acknowledged.len());
    crowd.distinct()?;
    crowd::all_recorded(&crowd.acknowledged, &scene.text()?)?;
    server.end(Signal::SIGKILL)?;
    crowd.drain()?;
    // The clock is set while the server is away.
    for clock in [-HOUR, HOUR] {
        scene.set_clock(clock)?;
        let mut server = scene.serve(&ours()?)?;
        let everybody: Vec<u32> = crowd.acknowledged.keys().copied().collect();
        crowd.reboot(&everybody, SOON)?;
        server.end(Signal::SIGTERM)?;
        crowd::all_recorded(&crowd.acknowledged, &scene.text()?)?;
    }
    crowd.distinct()
}

/// By the new time they have all ended; their clients, who count seconds, still have them. In a pool that is nearly full a new client
/// must not be given any of them, and after a restart neither.
#[test]
fn a_clock_that_passes_the_end_of_every_lease() -> Result<()> {
    let scene = Scene::new(&CONFIGURATION.replace("10.43.250.255", "10.40.2.43"))?;
    let mut server = scene.serve(&ours()?)?;
    let mut crowd = Crowd::new(scene.ground.link()?, 1);
    crowd.take_some(200, 16, SOON)?;
    let old = scene.text()?;
    scene.set_clock(3 * HOUR)?;
    let _ = crowd.take_some(200, 64, Duration::from_secs(3));
    println!("it says: {}", server.wait_for("clock was set forward by 10800 seconds", SOON)?);
    crowd.distinct()?;
    // The file has their new ends before long.
    let written_anew =
        || scene.text().is_ok_and(|text| crowd::bindings(&text).len() >= 200 && !text.starts_with(&old));
    wait_until("the file written anew", SOON, written_anew)?;
    server.end(Signal::SIGKILL)?;
    let mut server = scene.serve(&ours()?)?;
    let _ = crowd.take_some(100, 64, Duration::from_secs(2));
    crowd.distinct()?;
    scene.set_clock(-3 * HOUR)?;
    let _ = crowd.take_some(100, 64, Duration::from_secs(2));
    println!("it says: {}", server.wait_for("clock was set back by 21600 seconds", SOON)?);
    let everybody: Vec<u32> = crowd.acknowledged.keys().copied().collect();
    println!("{} leases of 300 addresses", everybody.len());
    crowd.reboot(&everybody, SOON)?;
    crowd.distinct()?;
    server.end(Signal::SIGTERM)?;
    crowd::all_recorded(&crowd.acknowledged, &scene.text()?)
}
