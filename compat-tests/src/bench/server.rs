//! The servers: how each is configured for one pool, started, waited for, and what CPU it used. All of them check no address
//! by ping, log to syslog, and write their lease file into the arena's directory.

use super::arena::{Arena, Result};
use crate::load::Plan;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Server {
    /// ISC dhcpd or ours: the same configuration and command line.
    Dhcpd {
        name: &'static str,
        path: PathBuf,
    },
    /// With so many packet threads; one: multi-threading off. Its memfile is never synced.
    Kea {
        threads: usize,
    },
    Dnsmasq,
}

impl Server {
    pub fn isc() -> Self {
        Server::Dhcpd { name: "ISC dhcpd", path: "/usr/sbin/dhcpd".into() }
    }

    /// `DHCPD_BIN`, or what this package was built beside.
    pub fn ours() -> Self {
        let beside = || {
            let mut path = std::env::current_exe().unwrap_or_default();
            path.pop();
            if path.ends_with("deps") {
                path.pop();
            }
            path.join("dhcpd")
        };
        let path = std::env::var_os("DHCPD_BIN").map_or_else(beside, PathBuf::from);
        Server::Dhcpd { name: "dhcpd-rs", path }
    }

    pub fn name(&self) -> String {
        match self {
            Server::Dhcpd { name, .. } => (*name).to_string(),
            Server::Kea { threads } => format!("Kea memfile, {threads} thread(s), not synced"),
            Server::Dnsmasq => "dnsmasq".into(),
        }
    }

    pub fn installed(&self) -> bool {
        match self {
            Server::Dhcpd { path, .. } => path.exists(),
            Server::Kea { .. } => Path::new("/usr/sbin/kea-dhcp4").exists(),
            Server::Dnsmasq => Path::new("/usr/sbin/dnsmasq").exists(),
        }
    }
}

/// What differs from one measurement to the next.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Addresses of the one pool, from 10.1.0.0.
    pub pool: u32,
    pub lease_seconds: u32,
    /// Further statements of dhcpd.conf.
    pub statements: String,
    /// Words before the program: `strace ...`.
    pub wrapper: Vec<String>,
    /// Of the lease file; none: the arena's.
    pub directory: Option<PathBuf>,
    /// In place of the pool and all the rest of dhcpd.conf.
    pub configuration: Option<String>,
}

impl Default for Setting {
    fn default() -> Self {
        Setting {
            pool: 4_096,
            lease_seconds: 3_600,
            statements: String::new(),
            wrapper: Vec::new(),
            directory: None,
            configuration: None,
        }
    }
}

impl Setting {
    pub fn pool(pool: u32) -> Self {
        Setting { pool, ..Self::default() }
    }

    fn last(&self) -> Ipv4Addr {
        (u32::from(Ipv4Addr::new(10, 1, 0, 0)) + self.pool - 1).into()
    }
}

pub struct Running {
    child: Child,
    /// Of the server itself, which a wrapper started.
    pid: i32,
    pub leases: PathBuf,
}

/// Starts the server and waits until it answers.
pub fn start(arena: &Arena, server: &Server, setting: &Setting) -> Result<Running> {
    let mut running = launch(arena, server, setting)?;
    running.wait_for_service(arena)?;
    Ok(running)
}

/// Starts the server.
pub fn launch(arena: &Arena, server: &Server, setting: &Setting) -> Result<Running> {
    let directory = setting.directory.clone().unwrap_or_else(|| arena.directory().to_path_buf());
    let leases = directory.join("dhcpd.leases");
    let words = match server {
        Server::Dhcpd { path, .. } => dhcpd(path, arena, setting, &leases)?,
        Server::Kea { threads } => kea(arena, setting, *threads)?,
        Server::Dnsmasq => dnsmasq(arena, setting),
    };
    let mut all = setting.wrapper.clone();
    all.extend(words);
    let errors = fs::File::create(arena.directory().join("stderr")).map_err(|error| error.to_string())?;
    let child = Command::new(&all[0])
        .args(&all[1..])
        .env("KEA_LOCKFILE_DIR", arena.directory())
        .env("KEA_PIDFILE_DIR", arena.directory())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors)
        .spawn()
        .map_err(|error| format!("{}: {error}", all[0]))?;
    let pid = child.id() as i32;
    Ok(Running { child, pid, leases })
}

fn dhcpd(path: &Path, arena: &Arena, setting: &Setting, leases: &Path) -> Result<Vec<String>> {
    let config = arena.directory().join("dhcpd.conf");
    let text = format!(
        "authoritative;\nddns-update-style none;\nping-check false;\ndhcp-cache-threshold 0;\n\
         default-lease-time {0};\nmax-lease-time {0};\nmin-lease-time 1;\n\
         option domain-name \"example.org\";\noption domain-name-servers 10.255.255.1;\n{1}\n\
         subnet 10.0.0.0 netmask 255.0.0.0 {{\n  option routers 10.255.255.1;\n  range 10.1.0.0 {2};\n}}\n",
        setting.lease_seconds,
        setting.statements,
        setting.last()
    );
    let text = setting.configuration.clone().unwrap_or(text);
    fs::write(&config, text).map_err(|error| error.to_string())?;
    if !leases.exists() {
        fs::write(leases, "").map_err(|error| error.to_string())?;
    }
    let pid = arena.directory().join("dhcpd.pid");
    let _ = fs::remove_file(&pid);
    Ok([
        path.display().to_string(),
        "-f".into(),
        "-q".into(),
        "-cf".into(),
        config.display().to_string(),
        "-lf".into(),
        leases.display().to_string(),
        "-pf".into(),
        pid.display().to_string(),
        "s0".into(),
    ]
    .into())
}

fn kea(arena: &Arena, setting: &Setting, threads: usize) -> Result<Vec<String>> {
    let config = arena.directory().join("kea.conf");
    let text = format!(
        r#"{{ "Dhcp4": {{
  "interfaces-config": {{ "interfaces": [ "s0" ], "dhcp-socket-type": "raw" }},
  "lease-database": {{ "type": "memfile", "persist": true, "name": "{}/kea.csv", "lfc-interval": 0 }},
  "multi-threading": {{ "enable-multi-threading": {}, "thread-pool-size": {threads}, "packet-queue-size": 4096 }},
  "valid-lifetime": {}, "authoritative": true,
  "subnet4": [ {{ "id": 1, "subnet": "10.0.0.0/8", "interface": "s0",
    "pools": [ {{ "pool": "10.1.0.0 - {}" }} ],
    "option-data": [ {{ "name": "routers", "data": "10.255.255.1" }} ] }} ],
  "loggers": [ {{ "name": "kea-dhcp4", "severity": "INFO", "output_options": [ {{ "output": "syslog" }} ] }} ]
}} }}"#,
        arena.directory().display(),
        threads > 1,
        setting.lease_seconds,
        setting.last()
    );
    fs::write(&config, text).map_err(|error| error.to_string())?;
    Ok(["/usr/sbin/kea-dhcp4".into(), "-c".into(), config.display().to_string()].into())
}

fn dnsmasq(arena: &Arena, setting: &Setting) -> Vec<String> {
    let leases = arena.directory().join("dnsmasq.leases");
    let range = format!("--dhcp-range=10.1.0.0,{},255.0.0.0,{}", setting.last(), setting.lease_seconds);
    let leases = format!("--dhcp-leasefile={}", leases.display());
    ["/usr/sbin/dnsmasq", "-k", "-C", "/dev/null", "-p", "0", "-u", "root", "-i", "s0", "--no-ping"]
        .into_iter()
        .chain(["--dhcp-authoritative", "--dhcp-lease-max=2000000", "-x", "", &range, &leases])
        .map(String::from)
        .collect()
}

/// The client with which a server is tried out; its number is no load's.
const FIRST_CLIENT: u32 = u32::MAX - 1;

impl Running {
    pub fn wait_for_service(&mut self, arena: &Arena) -> Result<()> {
        self.wait_at_most(arena, Duration::from_secs(30))
    }

    pub fn wait_at_most(&mut self, arena: &Arena, at_most: Duration) -> Result<()> {
        let begun = Instant::now();
        let plan = Plan {
            count: 1,
            first: FIRST_CLIENT,
            clients: 1,
            window: 1,
            patience: Duration::from_millis(20),
            tries: 15,
            time: Duration::from_secs(1),
            ..arena.plan()
        };
        while begun.elapsed() < at_most {
            if arena.load(&plan)?.completed > 0 {
                self.pid = youngest(self.child.id() as i32);
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                let said = fs::read_to_string(arena.directory().join("stderr")).unwrap_or_default();
                return Err(format!("the server ended: {status}\n{said}{}", arena.log.latest().join("\n")));
            }
        }
        Err(format!("the server does not answer\n{}", arena.log.latest().join("\n")))
    }

    pub fn alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    pub fn pid(&self) -> i32 {
        self.pid
    }

    pub fn cpu(&self) -> Duration {
        cpu(self.pid)
    }

    pub fn memory_kilobytes(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// The most it ever had.
    pub fn peak_kilobytes(&self) -> u64 {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
    }

    pub fn kill(mut self, signal: Signal) {
        let _ = kill(Pid::from_raw(self.pid), signal);
        let begun = Instant::now();
        while self.alive() && begun.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.alive() {
            let _ = kill(Pid::from_raw(self.pid), Signal::SIGKILL);
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// The last of a line of only children: what a wrapper started.
fn youngest(pid: i32) -> i32 {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    match children.split_whitespace().next().and_then(|child| child.parse().ok()) {
        Some(child) => youngest(child),
        None => pid,
    }
}

/// CPU time of all threads of a process, in user space and in the kernel.
pub fn cpu(pid: i32) -> Duration {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return Duration::ZERO };
    let nanoseconds = tasks.flatten().filter_map(|task| {
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}
