//! Where a server is put under load. The server's interface is `s0`, 10.255.255.1; every other address of 10.0.0.0/9 is
//! behind one neighbour with a fixed hardware address, so that answers to renewing clients need no ARP.

use crate::load::{Plan, Report};
use crate::scenario::Port;
use crate::script::server_mac;
use crate::world::{self, World};
use nix::sys::socket::SockProtocol;
use nix::sys::statfs::{TMPFS_MAGIC, statfs};
use std::collections::VecDeque;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub type Result<T> = std::result::Result<T, String>;

pub struct Arena {
    world: World,
    pub log: Arc<LogReader>,
    /// On a real disk; removed with the arena.
    directory: tempfile::TempDir,
}

/// Counts the lines that arrive at `/dev/log` and keeps the latest.
#[derive(Default)]
pub struct LogReader {
    lines: AtomicU64,
    latest: Mutex<VecDeque<String>>,
    stopped: AtomicBool,
}

const KEPT_LINES: usize = 2_000;

impl LogReader {
    pub fn lines(&self) -> u64 {
        self.lines.load(Ordering::Relaxed)
    }

    pub fn latest(&self) -> Vec<String> {
        self.latest.lock().map(|lines| lines.iter().cloned().collect()).unwrap_or_default()
    }

    /// Reads no more, or again.
    pub fn stop(&self, stop: bool) {
        self.stopped.store(stop, Ordering::Relaxed);
    }

    pub fn says(&self, text: &str) -> bool {
        self.latest().iter().any(|line| line.contains(text))
    }

    fn read(self: &Arc<Self>, socket: UnixDatagram) {
        let reader = Arc::downgrade(self);
        let _ = socket.set_nonblocking(false);
        let _ = socket.set_read_timeout(Some(Duration::from_millis(200)));
        std::thread::spawn(move || {
            let mut buffer = vec![0; 8_192];
            loop {
                let received = socket.recv(&mut buffer);
                let Some(reader) = reader.upgrade() else { return };
                while reader.stopped.load(Ordering::Relaxed) && Arc::strong_count(&reader) > 1 {
                    std::thread::sleep(Duration::from_millis(5));
                }
                let Ok(length) = received else { continue };
                let number = reader.lines.fetch_add(1, Ordering::Relaxed);
                // Under load only a sample is kept: the reader must not be what is measured.
                if number < 500 || number.is_multiple_of(64) || grave(&buffer) {
                    let line = String::from_utf8_lossy(buffer.get(..length).unwrap_or(&[])).into_owned();
                    if let Ok(mut latest) = reader.latest.lock() {
                        if latest.len() == KEPT_LINES {
                            latest.pop_front();
                        }
                        latest.push_back(line);
                    }
                }
            }
        });
    }
}

/// Whether a line's priority, `<N>`, is that of an error or worse.
fn grave(line: &[u8]) -> bool {
    let digits = line.strip_prefix(b"<").and_then(|rest| rest.split(|octet| *octet == b'>').next());
    let number = digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<u32>().ok());
    number.is_some_and(|number| number & 7 <= 3)
}

/// Runs `work` in a new arena, on a thread of its own. `directory` lies below `below`, which must be on a real disk.
pub fn within<T: Send + 'static>(
    below: &Path,
    work: impl FnOnce(&Arena) -> Result<T> + Send + 'static,
) -> Result<T> {
    let below = below.to_path_buf();
    std::thread::spawn(move || work(&Arena::enter(&below)?)).join().map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("?");
        format!("panic: {text}")
    })?
}

/// `DHCPD_TEST_DISK`, or `/var/tmp`.
pub fn disk() -> PathBuf {
    std::env::var_os("DHCPD_TEST_DISK").map_or_else(|| PathBuf::from("/var/tmp"), PathBuf::from)
}

/// An error when a sync there would prove or cost nothing.
pub fn refuse_memory(path: &Path) -> Result<()> {
    const RAMFS_MAGIC: i64 = 0x8584_58f6;
    let kind = statfs(path).map_err(|error| format!("{}: {error}", path.display()))?.filesystem_type();
    if kind == TMPFS_MAGIC || kind.0 as i64 == RAMFS_MAGIC {
        return Err(format!(
            "{} is in memory: a sync there is worth nothing. Set DHCPD_TEST_DISK to a directory on a real disk",
            path.display()
        ));
    }
    Ok(())
}

impl Arena {
    fn enter(below: &Path) -> Result<Self> {
        refuse_memory(below)?;
        let directory = tempfile::Builder::new()
            .prefix("dhcpd-load.")
            .tempdir_in(below)
            .map_err(|error| format!("{}: {error}", below.display()))?;
        let port = Port { name: "s0".into(), addresses: vec!["10.255.255.1/30".into()] };
        let routes = [("10.0.0.0/9".to_string(), "10.255.255.2".to_string())];
        let world = World::enter_with(&[port], &routes, SockProtocol::EthIp)?;
        world::ip("neigh add 10.255.255.2 lladdr 02:4c:ff:ff:ff:ff nud permanent dev s0\n")?;
        let log = Arc::new(LogReader::default());
        log.read(log_socket()?);
        Ok(Arena { world, log, directory })
    }

    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub fn socket(&self) -> &OwnedFd {
        self.world.links[0].fd()
    }

    pub fn load(&self, plan: &Plan) -> Result<Report> {
        crate::load::run(self.socket(), plan, &[], |_| false)
    }

    pub fn plan(&self) -> Plan {
        Plan { server_mac: server_mac(0), ..Plan::default() }
    }
}

/// The world's own is bound before the queue can be made longer.
fn log_socket() -> Result<UnixDatagram> {
    // Ten lines is the kernel's default; a syslog daemon of today asks for more in the same way.
    let _ = fs::write("/proc/sys/net/unix/max_dgram_qlen", "512");
    fs::remove_file("/dev/log").map_err(|error| format!("/dev/log: {error}"))?;
    let socket = UnixDatagram::bind("/dev/log").map_err(|error| format!("/dev/log: {error}"))?;
    nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::RcvBufForce, &(8 << 20))
        .map_err(|error| format!("/dev/log: {error}"))?;
    Ok(socket)
}
