//! Three namespaces on one bridge: `10.0.0.10`, `10.0.0.12`, and the clients', where the bridge is. Each server sees its
//! files in `/mnt`, its interface as `eth0`, and a `/dev/log` that the harness reads.

use super::scenario::{Result, SIDES, Side};
use crate::ground::{Holder, run, say};
use crate::world::Link;
use nix::sched::{CloneFlags, setns};
use regex::Regex;
use std::fs::{self, File};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// One line of a server's log.
#[derive(Clone, Debug)]
pub struct Said {
    pub at: Duration,
    /// `err`, `info`, `debug`.
    pub priority: &'static str,
    pub text: String,
}

pub type Log = Arc<Mutex<Vec<Said>>>;

pub struct Place {
    servers: [Holder; 2],
    clients: Holder,
    pub link: Link,
    pub logs: [Log; 2],
    began: Instant,
    directory: TempDir,
}

impl Place {
    pub fn new() -> Result<Place> {
        let directory = tempfile::Builder::new()
            .prefix("dhcpd-pair-")
            .tempdir_in(crate::ground::disk()?)
            .map_err(say("a directory for the pair"))?;
        let holder = |side: Side| -> Result<Holder> {
            let own = directory.path().join(side.name());
            fs::create_dir(&own).map_err(say("directory"))?;
            Holder::new(&format!(
                "mount --bind {} /mnt; mount -t tmpfs none /dev; mknod -m 666 /dev/null c 1 3; \
                 mknod -m 666 /dev/urandom c 1 9; mknod -m 666 /dev/random c 1 8; ln -s /mnt/log /dev/log",
                own.display()
            ))
        };
        let servers = [holder(Side::Primary)?, holder(Side::Secondary)?];
        let clients = Holder::new("ip link add br0 type bridge; ip link set br0 promisc on up")?;
        for side in SIDES {
            let (own, far) = (side.of(&servers), &clients);
            let (at, near) = (own.pid().to_string(), far.pid().to_string());
            let mac = crate::wire::colons(&side.hardware());
            let port = port(side);
            run(Command::new("ip")
                .args(["link", "add", &port, "netns", &near, "type", "veth", "peer", "name"])
                .args(["eth0", "address", &mac, "netns", &at]))?;
            let net = format!("{}/24", side.address());
            run(own.command(Path::new("ip")).args(["addr", "add", &net, "dev", "eth0"]))?;
            run(own.command(Path::new("ip")).args(["link", "set", "eth0", "up"]))?;
            run(far.command(Path::new("ip")).args(["link", "set", &port, "master", "br0", "up"]))?;
        }
        let link = link(&clients)?;
        let began = Instant::now();
        let logs = [Log::default(), Log::default()];
        for side in SIDES {
            listen(
                &directory.path().join(side.name()).join("log"),
                side.of(&servers),
                side.of(&logs),
                began,
            )?;
        }
        Ok(Place { servers, clients, link, logs, began, directory })
    }

    /// Of a server, as its `/mnt`.
    pub fn files(&self, side: Side) -> PathBuf {
        self.directory.path().join(side.name())
    }

    /// Of what keeps a server's namespaces.
    pub fn pid(&self, side: Side) -> u32 {
        side.of(&self.servers).pid()
    }

    pub fn command(&self, side: Side, program: &Path) -> Command {
        side.of(&self.servers).command(program)
    }

    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    pub fn start(&self, side: Side, program: &Path) -> Result<Child> {
        let words =
            ["-f", "-cf", "/mnt/dhcpd.conf", "-lf", "/mnt/dhcpd.leases", "-pf", "/mnt/dhcpd.pid", "eth0"];
        let error = File::create(self.files(side).join("stderr")).map_err(say("stderr"))?;
        let _ = fs::remove_file(self.files(side).join("dhcpd.pid"));
        let leases = self.files(side).join("dhcpd.leases");
        if !leases.exists() {
            File::create(leases).map_err(say("lease file"))?;
        }
        self.command(side, program)
            .args(words)
            .stdout(Stdio::null())
            .stderr(error)
            .spawn()
            .map_err(say("start"))
    }

    /// Clients reach this server or not. The other server does not either.
    pub fn port(&self, side: Side, up: bool) -> Result<()> {
        let way = if up { "up" } else { "down" };
        run(self.clients.command(Path::new("ip")).args(["link", "set", &port(side), way])).map(|_| ())
    }

    /// Failover connections are cut: in silence, or with a reset from where a segment arrives.
    pub fn partition(&self, resets: bool) -> Result<()> {
        let rules = if resets {
            "chain in { type filter hook input priority 0; tcp flags & rst == rst accept; \
             tcp dport {647,847} reject with tcp reset; tcp sport {647,847} reject with tcp reset; }"
        } else {
            "chain in { type filter hook input priority 0; tcp dport {647,847} drop; tcp sport {647,847} drop; }\n\
             chain out { type filter hook output priority 0; tcp dport {647,847} drop; tcp sport {647,847} drop; }"
        };
        self.filter(&format!("table inet pair {{\n{rules}\n}}"))
    }

    pub fn heal(&self) -> Result<()> {
        self.filter("delete table inet pair")
    }

    fn filter(&self, rules: &str) -> Result<()> {
        for side in SIDES {
            let file = self.files(side).join("filter");
            fs::write(&file, rules).map_err(say("filter"))?;
            run(self.command(side, Path::new("nft")).args(["-f", "/mnt/filter"]))?;
        }
        Ok(())
    }
}

fn port(side: Side) -> String {
    format!("to-{}", side.name())
}

fn link(clients: &Holder) -> Result<Link> {
    let namespace = File::open(format!("/proc/{}/ns/net", clients.pid())).map_err(say("namespace"))?;
    std::thread::spawn(move || {
        setns(namespace, CloneFlags::CLONE_NEWNET).map_err(say("setns"))?;
        Link::open("br0")
    })
    .join()
    .map_err(|_| "the thread in the clients' namespace panicked".to_string())?
}

/// With room for more lines than the ten of the kernel's default: that is a setting of the namespace it is made in.
fn log_socket(holder: &Holder, near: &str) -> Result<UnixDatagram> {
    let namespace = File::open(format!("/proc/{}/ns/net", holder.pid())).map_err(say("namespace"))?;
    std::thread::scope(|scope| {
        let made = scope.spawn(|| {
            setns(namespace, CloneFlags::CLONE_NEWNET).map_err(say("setns"))?;
            let _ = fs::write("/proc/sys/net/unix/max_dgram_qlen", "512");
            UnixDatagram::bind(near).map_err(say("/dev/log"))
        });
        made.join().map_err(|_| "the thread in a server's namespace panicked".to_string())?
    })
}

fn listen(path: &Path, holder: &Holder, log: &Log, began: Instant) -> Result<()> {
    // A socket's path must be short: by way of the namespace it is.
    let near = format!("/proc/{}/root/mnt/log", holder.pid());
    let _ = fs::remove_file(path);
    let socket = log_socket(holder, &near)?;
    socket.set_read_timeout(Some(Duration::from_millis(500))).map_err(say("/dev/log"))?;
    let line = Regex::new(r"(?s)^<(\d+)>.*?dhcpd(?:\[\d+\])?: (.*)$").map_err(say("pattern"))?;
    let log = Arc::downgrade(log);
    std::thread::spawn(move || {
        let mut buffer = vec![0; 65_536];
        loop {
            let received = socket.recv(&mut buffer);
            let Some(log) = log.upgrade() else { return };
            let Ok(length) = received else { continue };
            let text = String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()).into_owned();
            let Some(found) = line.captures(&text) else { continue };
            let priority = match found[1].parse::<u32>().unwrap_or(0) & 7 {
                3 => "err",
                7 => "debug",
                _ => "info",
            };
            let said = Said { at: began.elapsed(), priority, text: found[2].trim_end().to_string() };
            if let Ok(mut log) = log.lock() {
                log.push(said);
            }
        }
    });
    Ok(())
}
