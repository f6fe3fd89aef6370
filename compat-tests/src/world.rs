//! The world a program under test lives in: a thread that has left for network, mount and host-name namespaces of its own.
//! There `/etc`, `/var/lib`, `/run` and `/dev` are small file systems of the scenario, so that programs run with their
//! default paths, and `/dev/log` is read by the harness. Nothing has a name outside: when the thread and its children are
//! gone, however that came about, the kernel removes everything.

use crate::scenario::{Port, Scenario};
use crate::script::server_mac;
use crate::wire;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, bind, recv, send, socket};
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use std::fs;
use std::io::Write;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::sync::mpsc;

type Result<T> = std::result::Result<T, String>;

fn say<E: std::fmt::Display>(what: &str) -> impl FnOnce(E) -> String {
    move |error| format!("{what}: {error}")
}

/// The client's end of one link: a packet socket that sees every frame.
pub struct Link {
    pub port: String,
    socket: OwnedFd,
}

impl Link {
    /// A packet socket on an interface of this thread's namespace.
    pub fn open(name: &str) -> Result<Link> {
        Self::open_for(name, SockProtocol::EthAll)
    }

    /// One that sees this protocol only, and not what it sends itself.
    pub fn open_for(name: &str, protocol: SockProtocol) -> Result<Link> {
        let socket = socket(
            AddressFamily::Packet,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
            protocol,
        )
        .map_err(say("packet socket"))?;
        let address = nix::ifaddrs::getifaddrs()
            .map_err(say("getifaddrs"))?
            .filter(|found| found.interface_name == name)
            .find_map(|found| found.address?.as_link_addr().copied())
            .ok_or_else(|| format!("{name} has no link address"))?;
        bind(socket.as_raw_fd(), &address).map_err(say("bind"))?;
        Ok(Link { port: name.to_string(), socket })
    }

    pub fn fd(&self) -> &OwnedFd {
        &self.socket
    }

    pub fn send(&self, frame: &[u8]) -> Result<()> {
        send(self.socket.as_raw_fd(), frame, MsgFlags::empty()).map(|_| ()).map_err(say("send"))
    }

    /// One frame, or none when there is none.
    pub fn receive(&self) -> Option<Vec<u8>> {
        let mut buffer = vec![0; 65_536];
        let length = recv(self.socket.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT).ok()?;
        buffer.truncate(length);
        Some(buffer)
    }
}

pub struct World {
    pub links: Vec<Link>,
    pub log: UnixDatagram,
}

/// Files of the real `/etc` that programs and the C library read.
const KEPT: [&str; 8] =
    ["passwd", "group", "services", "protocols", "nsswitch.conf", "ld.so.cache", "host.conf", "ld.so.conf"];

impl World {
    /// Makes the calling thread leave for its own world. Needs root; call it on a thread that ends with the scenario.
    pub fn enter(scenario: &Scenario) -> Result<World> {
        Self::enter_with(&scenario.ports, &scenario.routes, SockProtocol::EthAll)
    }

    /// The same without a scenario; the links see frames of this protocol only.
    pub fn enter_with(ports: &[Port], routes: &[(String, String)], protocol: SockProtocol) -> Result<World> {
        unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWUTS)
            .map_err(say("unshare (root is needed)"))?;
        mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)
            .map_err(say("private mounts"))?;
        nix::unistd::sethostname("server").map_err(say("sethostname"))?;
        file_systems()?;
        let log = UnixDatagram::bind("/dev/log").map_err(say("/dev/log"))?;
        log.set_nonblocking(true).map_err(say("/dev/log"))?;
        let links = network(ports, routes, protocol)?;
        Ok(World { links, log })
    }
}

fn file_systems() -> Result<()> {
    let kept: Vec<_> =
        KEPT.iter().filter_map(|name| Some((name, fs::read(format!("/etc/{name}")).ok()?))).collect();
    for path in ["/etc", "/var/lib", "/run", "/dev"] {
        mount(Some("none"), path, Some("tmpfs"), MsFlags::empty(), Some("mode=0755,size=64m"))
            .map_err(say(path))?;
    }
    for (name, content) in kept {
        fs::write(format!("/etc/{name}"), content).map_err(say(name))?;
    }
    fs::write("/etc/hosts", "127.0.0.1 localhost\n").map_err(say("hosts"))?;
    for path in ["/etc/dhcp", "/var/lib/dhcp"] {
        fs::create_dir_all(path).map_err(say(path))?;
    }
    for (name, major, minor) in
        [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)]
    {
        let mode = Mode::from_bits_truncate(0o666);
        mknod(&*format!("/dev/{name}"), SFlag::S_IFCHR, mode, makedev(major, minor)).map_err(say(name))?;
    }
    Ok(())
}

/// Both ends of every link: `sN` here, `cN` in a network namespace that only the returned sockets keep alive.
fn network(ports: &[Port], routes: &[(String, String)], protocol: SockProtocol) -> Result<Vec<Link>> {
    no_ipv6();
    let (tell, told) = mpsc::channel::<Result<i32>>();
    let (go, wait) = mpsc::channel::<()>();
    let far_ports = ports.to_vec();
    let far = std::thread::spawn(move || -> Result<Vec<Link>> {
        let made = unshare(CloneFlags::CLONE_NEWNET).map_err(say("client namespace"));
        no_ipv6();
        let _ = tell.send(made.map(|()| nix::unistd::gettid().as_raw()));
        wait.recv().map_err(|_| "the server's side failed".to_string())?;
        let up: String = far_ports.iter().map(|port| format!("link set {} up\n", port.other_end())).collect();
        ip(&up)?;
        far_ports.iter().map(|port| Link::open_for(&port.other_end(), protocol)).collect()
    });
    let thread = told.recv().map_err(|error| error.to_string())??;
    let mut commands = String::from("link set lo up\n");
    for (number, port) in ports.iter().enumerate() {
        let mac = wire::colons(&server_mac(number));
        commands += &format!(
            "link add {} address {mac} type veth peer name {} netns {thread}\n",
            port.name,
            port.other_end()
        );
        for address in &port.addresses {
            commands += &format!("addr add {address} dev {}\n", port.name);
        }
        commands += &format!("link set {} up\n", port.name);
    }
    ip(&commands)?;
    go.send(()).map_err(|error| error.to_string())?;
    let links = far.join().map_err(|_| "client side panicked".to_string())??;
    let routes: String = routes.iter().map(|(to, via)| format!("route add {to} via {via}\n")).collect();
    ip(&routes)?;
    Ok(links)
}

/// Without it the kernel's neighbour discovery would stand among the captured frames. A kernel without IPv6 is fine too.
fn no_ipv6() {
    for scope in ["all", "default"] {
        let _ = fs::write(format!("/proc/sys/net/ipv6/conf/{scope}/disable_ipv6"), "1");
    }
}

pub fn ip(commands: &str) -> Result<()> {
    if commands.is_empty() {
        return Ok(());
    }
    let mut child = Command::new("ip")
        .args(["-batch", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(say("ip (iproute2)"))?;
    child.stdin.take().ok_or("no stdin")?.write_all(commands.as_bytes()).map_err(say("ip"))?;
    let out = child.wait_with_output().map_err(say("ip"))?;
    if out.status.success() {
        return Ok(());
    }
    Err(format!("ip: {}in\n{commands}", String::from_utf8_lossy(&out.stderr)))
}
