//! Two network namespaces and a veth between them, for programs that run for real: `s0` at the server's end, `c0` at the
//! clients'. Unlike a [`crate::world`], both ends run programs. Namespaces have no names: each lives as long as a shell that
//! waits for its standard input to close, so nothing stays behind however a test ends.

use crate::world::Link;
use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{Signal, kill};
use nix::sys::statfs::{TMPFS_MAGIC, statfs};
use nix::unistd::Pid;
use regex::Regex;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub type Result<T> = std::result::Result<T, String>;

pub fn say<E: std::fmt::Display>(what: &str) -> impl FnOnce(E) -> String {
    move |error| format!("{what}: {error}")
}

/// The server of this workspace, which cargo builds beside the folder of the running test.
pub fn ours() -> Result<PathBuf> {
    let mut path = std::env::current_exe().map_err(say("this program"))?;
    path.pop();
    path.pop();
    path.push("dhcpd");
    path.exists().then_some(path).ok_or_else(|| "dhcpd is not built (cargo build --workspace)".into())
}

/// The real one, where Debian puts it.
pub fn isc() -> Result<PathBuf> {
    let path = PathBuf::from("/usr/sbin/dhcpd");
    path.exists().then_some(path).ok_or_else(|| "isc-dhcp-server is not installed".into())
}

/// A shell that keeps a network and a mount namespace alive.
pub(crate) struct Holder(Child);

impl Holder {
    /// `setup` runs in the namespaces first.
    pub(crate) fn new(setup: &str) -> Result<Self> {
        let script = format!(
            "set -e; echo 1 2>/dev/null >/proc/sys/net/ipv6/conf/all/disable_ipv6 || true\n\
             ip link set lo up\n{setup}\necho ready; read forever || true"
        );
        let mut child = Command::new("unshare")
            .args(["--net", "--mount", "--uts", "sh", "-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(say("unshare (util-linux)"))?;
        let mut line = String::new();
        let out = child.stdout.take().ok_or("no pipe")?;
        BufReader::new(out).read_line(&mut line).map_err(say("namespace"))?;
        if line.trim() == "ready" {
            return Ok(Holder(child));
        }
        let _ = child.wait();
        Err("no namespaces (root is needed)".into())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// The program becomes the child itself, and dies with the thread that started it.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("setpriv");
        let pid = self.pid().to_string();
        command
            .args(["--pdeathsig", "KILL", "nsenter", "-t", &pid, "-n", "-m", "-u", "--"])
            .arg(program)
            .stdin(Stdio::null());
        command
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub struct Ground {
    server: Holder,
    clients: Holder,
    directory: TempDir,
}

/// What a ground may have of its own.
#[derive(Default)]
pub struct Wish<'a> {
    /// Addresses with their prefix lengths of either end.
    pub server: &'a [&'a str],
    pub clients: &'a [&'a str],
    /// Shell commands for the server's namespaces. `$DIRECTORY` is the ground's directory.
    pub setup: &'a str,
}

impl Ground {
    pub fn new(wish: &Wish<'_>) -> Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("dhcpd-test-")
            .tempdir_in(disk()?)
            .map_err(say("a directory for the test"))?;
        let here = directory.path().display();
        let server = Holder::new(&format!("DIRECTORY={here}\n{}", wish.setup))?;
        // dhclient and dhcpcd keep files in the first two; a machine's own leases are none of ours. Whatever script a client
        // might run, resolv.conf and the host name of the machine stay as they are.
        let private = format!(
            "mkdir {here}/run {here}/lib; mount --bind {here}/run /run; mount --bind {here}/lib /var/lib; \
             mount --bind /etc /etc; mount -o remount,bind,ro /etc"
        );
        let clients = Holder::new(&private)?;
        let ground = Ground { server, clients, directory };
        let (at, far) = (ground.server.pid().to_string(), ground.clients.pid().to_string());
        let pair = ["link", "add", "s0", "netns", &at, "type", "veth", "peer", "name", "c0", "netns", &far];
        run(Command::new("ip").args(pair))?;
        for (holder, name, addresses) in
            [(&ground.server, "s0", wish.server), (&ground.clients, "c0", wish.clients)]
        {
            for address in addresses {
                run(holder.command(Path::new("ip")).args(["addr", "add", address, "dev", name]))?;
            }
            run(holder.command(Path::new("ip")).args(["link", "set", name, "up"]))?;
        }
        Ok(ground)
    }

    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub fn at_server(&self, program: impl AsRef<Path>) -> Command {
        self.server.command(program.as_ref())
    }

    pub fn at_clients(&self, program: impl AsRef<Path>) -> Command {
        self.clients.command(program.as_ref())
    }

    /// A file as the server's mount namespace has it.
    pub fn server_file(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{path}", self.server.pid()))
    }

    /// A packet socket at the clients' end. It sees what clients send as well.
    pub fn link(&self) -> Result<Link> {
        let namespace =
            File::open(format!("/proc/{}/ns/net", self.clients.pid())).map_err(say("clients' namespace"))?;
        // The thread that enters the namespace ends there.
        std::thread::spawn(move || {
            setns(namespace, CloneFlags::CLONE_NEWNET).map_err(say("setns"))?;
            Link::open("c0")
        })
        .join()
        .map_err(|_| "the thread in the clients' namespace panicked".to_string())?
    }

    /// Hardware address of the clients' end.
    pub fn set_hardware(&self, address: &str) -> Result<()> {
        for words in [["down"].as_slice(), &["address", address], &["up"]] {
            run(self.at_clients("ip").args(["link", "set", "c0"]).args(words))?;
        }
        Ok(())
    }
}

/// A directory on a real disk: what `fdatasync` means nothing on is no place for these tests.
pub(crate) fn disk() -> Result<PathBuf> {
    let candidates = [
        std::env::current_exe().ok().and_then(|path| Some(path.parent()?.to_path_buf())),
        Some("/var/tmp".into()),
    ];
    candidates
        .into_iter()
        .flatten()
        .find(|path| statfs(path.as_path()).is_ok_and(|kind| kind.filesystem_type() != TMPFS_MAGIC))
        .ok_or_else(|| "neither the build directory nor /var/tmp lies on a disk".into())
}

/// To the end, which must be good.
pub fn run(command: &mut Command) -> Result<String> {
    let done = command.output().map_err(say("start"))?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    Err(format!("{command:?}: {}\n{}", done.status, String::from_utf8_lossy(&done.stderr)))
}

/// Until it holds; an error names what was waited for.
pub fn wait_until(what: &str, patience: Duration, mut holds: impl FnMut() -> bool) -> Result<()> {
    let began = Instant::now();
    while began.elapsed() < patience {
        if holds() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Err(format!("not within {patience:?}: {what}"))
}

/// A program that runs beside the test, with what it says on either stream.
pub struct Running {
    child: Child,
    log: PathBuf,
    /// How much of the log [`Running::wait_for`] has passed.
    passed: usize,
}

impl Running {
    /// The log is made anew.
    pub fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let out = File::create(log).map_err(say("log"))?;
        let err = out.try_clone().map_err(say("log"))?;
        let child = command.stdout(out).stderr(err).spawn().map_err(say("start"))?;
        Ok(Running { child, log: log.to_path_buf(), passed: 0 })
    }

    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Waits for a line that was not waited for before, and returns it.
    pub fn wait_for(&mut self, pattern: &str, patience: Duration) -> Result<String> {
        let wanted = Regex::new(pattern).map_err(say("pattern"))?;
        let began = Instant::now();
        loop {
            let ended = !self.alive();
            let log = self.log();
            for line in log.get(self.passed..).unwrap_or_default().split_inclusive('\n') {
                if !line.ends_with('\n') {
                    break;
                }
                self.passed += line.len();
                if wanted.is_match(line) {
                    return Ok(line.trim_end().to_string());
                }
            }
            if ended || began.elapsed() > patience {
                let state = if ended { "the program ended" } else { "too late" };
                return Err(format!("no line {pattern:?} within {patience:?} ({state}); the log:\n{log}"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) -> Result<()> {
        kill(Pid::from_raw(self.pid() as i32), signal).map_err(say("kill"))
    }

    /// Sends a signal and waits for the end, by force after five seconds.
    pub fn end(&mut self, signal: Signal) -> Result<()> {
        self.signal(signal)?;
        let ended = wait_until("the program ends", Duration::from_secs(5), || !self.alive());
        let _ = self.child.kill();
        let _ = self.child.wait();
        ended
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a server in the foreground on `s0` and waits until it serves. The lease file is made when it is not there.
pub fn serve(ground: &Ground, program: &Path, configuration: &str, leases: &str) -> Result<Running> {
    let mut command = ground.at_server(program);
    serve_by(ground, &mut command, configuration, leases)
}

/// The same for a command that runs the server, whose own words are appended. It runs in the ground's directory.
pub fn serve_by(
    ground: &Ground,
    command: &mut Command,
    configuration: &str,
    leases: &str,
) -> Result<Running> {
    serve_within(ground, command, configuration, leases, Duration::from_secs(10))
}

/// The same for one that has much to read.
pub fn serve_within(
    ground: &Ground,
    command: &mut Command,
    configuration: &str,
    leases: &str,
    patience: Duration,
) -> Result<Running> {
    let at = ground.directory();
    let conf = at.join("dhcpd.conf");
    fs::write(&conf, configuration).map_err(say("dhcpd.conf"))?;
    let seen = ground.server_file(leases);
    if !seen.exists() {
        File::create(seen).map_err(say("lease file"))?;
    }
    let pid_file = at.join("dhcpd.pid");
    let _ = fs::remove_file(&pid_file);
    command.args(["-d", "-cf"]).arg(conf).args(["-lf", leases, "-pf"]).arg(pid_file).arg("s0");
    let mut running = Running::start(command, &at.join("dhcpd.log"))?;
    running.wait_for("Server starting service", patience)?;
    Ok(running)
}
