//! Runs a scenario against a program in namespaces and real time. The clock of a scenario starts at a whole second; steps
//! happen 0.3 s into a second, so that the whole seconds the program sees are the same in every run.

use crate::lease_text;
use crate::scenario::{Packet, Scenario, Step};
use crate::script::{Outgoing, Script, server_mac, station_mac};
use crate::shell::{Shell, end_changed, ending};
use crate::transcript::Transcript;
use crate::wire::{self, Question};
use crate::world::World;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

type Result<T> = std::result::Result<T, String>;

const CONFIG: &str = "/etc/dhcp/dhcpd.conf";
const LEASES: &str = "/var/lib/dhcp/dhcpd.leases";
/// Chaddr of the packet that follows each step: the server's line about it says that all before it is done.
const SENTINEL: &str = "02:00:00:5e:5e:5e";
/// A relay that no scenario declares, so that the sentinel ends at "unknown network segment" and touches nothing.
const NOWHERE: &str = "192.0.2.77";

/// A program under test.
#[derive(Clone, Debug)]
pub struct Program {
    pub path: PathBuf,
    /// The omshell that sessions are piped into; ISC's where this is none.
    pub omshell: Option<PathBuf>,
}

impl Program {
    /// The real one, where Debian puts it.
    pub fn isc() -> Option<Self> {
        let path = PathBuf::from("/usr/sbin/dhcpd");
        path.exists().then_some(Program { path, omshell: None })
    }

    /// What `--version` says.
    pub fn version(&self) -> String {
        let out = Command::new(&self.path).arg("--version").output();
        out.map(|out| String::from_utf8_lossy(&out.stderr).trim().to_string()).unwrap_or_default()
    }
}

/// Runs on a thread of its own, since it leaves for other namespaces. A run that the machine delayed past the second it
/// belongs to is done again.
pub fn run(scenario: &Scenario, program: &Program) -> Result<Transcript> {
    let mut last = String::new();
    for _ in 0..4 {
        let (scenario, program) = (scenario.clone(), program.clone());
        let done = std::thread::spawn(move || Run::new(&scenario, &program)?.all()).join();
        match done.map_err(|panic| format!("the runner panicked: {panic:?}"))? {
            Err(error) if error.starts_with(LATE) => last = error,
            other => return other,
        }
    }
    Err(last)
}

/// How long an ACK may take.
const SLOW_DISK: Duration = Duration::from_millis(500);
const LATE: &str = "the machine was too slow: ";

struct Run<'a> {
    scenario: &'a Scenario,
    program: &'a Program,
    world: World,
    script: Script,
    /// Wall second at which the first step happens, and seconds of the script since.
    start: i64,
    elapsed: i64,
    child: Option<Child>,
    config: String,
    transcript: Transcript,
    shell: Shell,
    logs: Vec<String>,
    packets: Vec<String>,
    /// Every line to the log, in the order it came, for the comparison with standard error.
    all_logs: Vec<String>,
    sentinel_seen: bool,
    last_activity: Instant,
}

fn wall() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

impl<'a> Run<'a> {
    fn new(scenario: &'a Scenario, program: &'a Program) -> Result<Self> {
        let world = World::enter(scenario)?;
        let start = (wall() + Duration::from_millis(1_950)).as_secs() as i64;
        let run = Run {
            scenario,
            program,
            world,
            script: Script::default(),
            start,
            elapsed: 0,
            child: None,
            config: scenario.configs.get("").cloned().unwrap_or_default(),
            transcript: Transcript { program: program.version(), start, sections: Vec::new() },
            shell: Shell::new(program.omshell.as_deref(), start),
            logs: Vec::new(),
            packets: Vec::new(),
            all_logs: Vec::new(),
            sentinel_seen: false,
            last_activity: Instant::now(),
        };
        let write = |path: &str, text: &str| {
            let path = Path::new(path);
            path.parent()
                .map_or(Ok(()), fs::create_dir_all)
                .and_then(|()| fs::write(path, text))
                .map_err(|error| format!("{}: {error}", path.display()))
        };
        write(CONFIG, &lease_text::expand(&run.config, start))?;
        write(LEASES, &lease_text::expand(&scenario.lease_file, start))?;
        for (path, text) in &scenario.files {
            write(path, &lease_text::expand(text, start))?;
        }
        Ok(run)
    }

    fn all(mut self) -> Result<Transcript> {
        let serves = !matches!(self.scenario.steps.first(), Some((_, Step::Run(_) | Step::Shell(_))));
        if serves {
            self.sleep_until(Duration::from_secs(self.start as u64 - 1) + Duration::from_millis(50))?;
            self.launch()?;
            self.close_section("start");
        }
        for (text, step) in &self.scenario.steps {
            self.step(step).map_err(|error| {
                let said = self.transcript.render();
                let tail = said.len().saturating_sub(600);
                format!("{text}: {error}\n...{}", said.get(tail..).unwrap_or(&said))
            })?;
            // A session ends before the second that the next step belongs to.
            let limit = match step {
                Step::Send(_) | Step::Exchange(_) => 950,
                Step::Omshell(..) => 250,
                _ => i64::MAX,
            };
            if self.milliseconds_in() > limit {
                return Err(format!("{LATE}{text} ({} ms)", self.milliseconds_in()));
            }
            self.close_section(text);
        }
        if serves {
            self.end()?;
        }
        Ok(std::mem::take(&mut self.transcript))
    }

    /// Milliseconds since the second this step belongs to began.
    fn milliseconds_in(&self) -> i64 {
        wall().as_millis() as i64 - (self.start + self.elapsed) * 1000
    }

    fn step(&mut self, step: &Step) -> Result<()> {
        let due = Duration::from_millis(((self.start + self.elapsed) * 1000 + 300) as u64);
        self.sleep_until(due)?;
        match step {
            Step::Send(packet) => self.send(packet),
            Step::Exchange(packet) => {
                self.script.forget();
                self.send(packet)?;
                self.send(&Script::request_after(packet))
            }
            Step::Wait(seconds) => {
                self.elapsed += *seconds as i64;
                self.sleep_until(due + Duration::from_secs(*seconds))
            }
            Step::Kill => self.finish(Signal::SIGKILL),
            Step::Stop => self.finish(Signal::SIGTERM),
            Step::Start(config) => {
                if let Some(name) = config {
                    let text = self.scenario.configs.get(name).ok_or("no such configuration")?;
                    fs::write(CONFIG, lease_text::expand(text, self.start))
                        .map_err(|error| error.to_string())?;
                }
                self.launch()?;
                self.elapsed += 1;
                Ok(())
            }
            Step::EchoReply(from) => self.echo_reply(*from),
            Step::Leases => self.show(LEASES),
            Step::Show(path) => self.show(path),
            Step::Omshell(name, seconds) => {
                self.elapsed += *seconds as i64;
                self.omshell(name, Duration::from_secs(9 + *seconds))
            }
            Step::Run(words) => self.run_to_the_end(words),
            Step::Shell(command) => {
                let done =
                    Command::new("sh").args(["-c", command]).output().map_err(|error| error.to_string())?;
                self.packets.extend(String::from_utf8_lossy(&done.stdout).lines().map(String::from));
                Ok(())
            }
        }
    }

    fn echo_reply(&mut self, from: Ipv4Addr) -> Result<()> {
        let port = self.scenario.ports.first().ok_or("no interface")?;
        let server = port.addresses.first().and_then(|text| text.split('/').next()?.parse().ok());
        let to = (server_mac(0), server.ok_or("the server has no address")?);
        let frame = wire::echo_answer((station_mac(from), from), to, &[0; 36]);
        self.link(&port.other_end())?.send(&frame)?;
        self.sleep_until(wall() + Duration::from_millis(60))
    }

    fn show(&mut self, path: &str) -> Result<()> {
        match fs::read(path) {
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes);
                self.packets.extend(lease_text::normalise(&text, self.start));
            }
            Err(error) => self.packets.push(format!("{path}: {}", error.kind())),
        }
        Ok(())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program.path);
        command.arg0("dhcpd").env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").current_dir("/");
        command.stdin(Stdio::null());
        command
    }

    fn launch(&mut self) -> Result<()> {
        let stderr =
            fs::File::options().create(true).append(true).open("/run/stderr").map_err(|e| e.to_string())?;
        let mut command = self.command();
        command
            .args(["-d", "-cf", CONFIG, "-lf", LEASES])
            .args(&self.scenario.arguments)
            .args(&self.scenario.listen);
        command.stdout(Stdio::null()).stderr(stderr);
        self.child =
            Some(command.spawn().map_err(|error| format!("{}: {error}", self.program.path.display()))?);
        let patience = Instant::now() + Duration::from_secs(8);
        let before = self.logs.len();
        while Instant::now() < patience {
            self.turn(Duration::from_millis(20))?;
            if self.logs[before..].iter().any(|line| line.ends_with("Server starting service.")) {
                return Ok(());
            }
            if let Some(status) = self.child.as_mut().and_then(|child| child.try_wait().ok()?) {
                self.turn(Duration::from_millis(30))?;
                self.packets.push(ending(status));
                self.child = None;
                return Ok(());
            }
        }
        Err("the server did not come up".into())
    }

    /// Sends, then the sentinel, and waits until the server is past it and the line is quiet.
    fn send(&mut self, packet: &Packet) -> Result<()> {
        let out = match self.script.build(packet) {
            Ok(out) => out,
            Err(error) => {
                self.packets.push(format!("not sent: {error}"));
                return Ok(());
            }
        };
        self.link(&out.port)?.send(&out.frame())?;
        if self.child.is_none() {
            return Ok(());
        }
        // `sync=cN` when the packet itself goes where nobody listens; `sync=no` when no sentinel can be heard.
        let port = packet.fields.iter().find(|(key, _)| key == "sync").map_or(&out.port, |(_, value)| value);
        if port == "no" {
            return self.sleep_until(wall() + Duration::from_millis(300));
        }
        let sentinel = self.sentinel(port);
        self.sentinel_seen = false;
        self.link(port)?.send(&sentinel.frame())?;
        let begun = Instant::now();
        self.last_activity = begun;
        let quiet = Duration::from_millis(40);
        while begun.elapsed() < Duration::from_millis(1_500) {
            self.turn(Duration::from_millis(10))?;
            let patient = begun.elapsed() < SLOW_DISK && self.awaits_ack();
            if self.sentinel_seen && self.last_activity.elapsed() >= quiet && !patient {
                return Ok(());
            }
            if let Some(status) = self.child.as_mut().and_then(|child| child.try_wait().ok()?) {
                self.turn(Duration::from_millis(20))?;
                self.packets.push(ending(status));
                self.child = None;
                return Ok(());
            }
        }
        self.packets.push("the server did not get past this packet within 1.5 s".into());
        Ok(())
    }

    /// A REQUEST that was not refused, and no answer yet: the record is on its way to a busy disk (not to a full one).
    fn awaits_ack(&self) -> bool {
        if self.all_logs.iter().any(|line| line.contains("no lease is acknowledged until")) {
            return false;
        }
        let is = |line: &String, what: &str| line.contains(what);
        let Some(at) = self.logs.iter().rposition(|line| is(line, ": DHCPREQUEST for ")) else {
            return false;
        };
        let (request, after) = (&self.logs[at], &self.logs[at..]);
        let refused = request.split_once(" via ").is_some_and(|(_, rest)| rest.contains(": "));
        !refused && !after.iter().any(|line| is(line, ": DHCPACK on ") || is(line, ": DHCPNAK on "))
    }

    fn sentinel(&self, port: &str) -> Outgoing {
        let fields = [("giaddr", NOWHERE), ("chaddr", SENTINEL), ("xid", "1"), ("via", port)];
        let packet = Packet {
            kind: "DISCOVER".into(),
            fields: fields.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect(),
        };
        let mut out = Script::default().build(&packet).expect("a fixed packet");
        // The relay address is in the message only: a source nobody can reach might be dropped on the way.
        out.source.0 = Ipv4Addr::UNSPECIFIED;
        out
    }

    fn link(&self, port: &str) -> Result<&crate::world::Link> {
        self.world.links.iter().find(|link| link.port == port).ok_or_else(|| format!("no interface {port}"))
    }

    fn sleep_until(&mut self, due: Duration) -> Result<()> {
        loop {
            let left = due.saturating_sub(wall());
            if left.is_zero() {
                return self.turn(Duration::ZERO);
            }
            self.turn(left)?;
        }
    }

    /// Waits up to `patience` for frames and log lines and takes in what is there.
    fn turn(&mut self, patience: Duration) -> Result<()> {
        let mut fds: Vec<PollFd> =
            self.world.links.iter().map(|link| PollFd::new(link.fd().as_fd(), PollFlags::POLLIN)).collect();
        fds.push(PollFd::new(self.world.log.as_fd(), PollFlags::POLLIN));
        let timeout = PollTimeout::try_from(patience.as_millis() as i32 + i32::from(!patience.is_zero()))
            .map_err(|error| error.to_string())?;
        poll(&mut fds, timeout).map_err(|error| error.to_string())?;
        let mut buffer = [0; 8192];
        while let Ok(length) = self.world.log.recv(&mut buffer) {
            let line = log_line(&String::from_utf8_lossy(&buffer[..length]));
            let line = end_changed(line, self.start);
            if line.contains(SENTINEL) {
                self.sentinel_seen = true;
            } else {
                self.logs.push(line.clone());
                if !line.contains(" tag=omshell: ") {
                    self.all_logs.push(line);
                }
            }
            self.last_activity = Instant::now();
        }
        let frames: Vec<(usize, Vec<u8>)> = (0..self.world.links.len())
            .flat_map(|at| {
                std::iter::from_fn(|| self.world.links[at].receive())
                    .map(|frame| (at, frame))
                    .collect::<Vec<_>>()
            })
            .collect();
        for (at, frame) in frames {
            self.frame(at, &frame)?;
        }
        Ok(())
    }

    fn frame(&mut self, at: usize, frame: &[u8]) -> Result<()> {
        let link = &self.world.links[at];
        match wire::question(frame) {
            Some(Question::Arp { wanted, hardware, asker }) => {
                if self.scenario.silent.contains(&wanted) {
                    return Ok(());
                }
                return link.send(&wire::arp_answer((station_mac(wanted), wanted), (hardware, asker)));
            }
            Some(Question::Echo { target, hardware, asker, body }) => {
                self.packets.push(format!("echo request at {}: {asker} to {target}", link.port));
                if self.scenario.echo.contains(&target) {
                    return link.send(&wire::echo_answer(
                        (station_mac(target), target),
                        (hardware, asker),
                        &body,
                    ));
                }
                return Ok(());
            }
            None => {}
        }
        if let Some(datagram) = wire::datagram(frame) {
            let port = link.port.clone();
            let now = self.start + self.elapsed;
            let lines = self.script.received(&port, &datagram).into_iter();
            self.packets.extend(lines.map(|line| lease_text::until_never(line, now)));
            self.last_activity = Instant::now();
        }
        Ok(())
    }

    fn finish(&mut self, signal: Signal) -> Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        kill(Pid::from_raw(child.id() as i32), signal).map_err(|error| error.to_string())?;
        let patience = Instant::now() + Duration::from_secs(5);
        while Instant::now() < patience {
            self.turn(Duration::from_millis(10))?;
            if let Ok(Some(status)) = child.try_wait() {
                self.packets.push(ending(status));
                return Ok(());
            }
        }
        let _ = child.kill();
        let _ = child.wait();
        Err(format!("it did not end at {signal}"))
    }

    fn omshell(&mut self, name: &str, patience: Duration) -> Result<()> {
        let session = self.scenario.sessions.get(name).ok_or("no such session")?;
        let mut running = self.shell.start(session)?;
        let begun = Instant::now();
        while !running.ended() && begun.elapsed() < patience {
            self.turn(Duration::from_millis(10))?;
        }
        let lines = self.shell.finish(running)?;
        self.packets.extend(lines);
        self.settle()
    }

    /// Waits until the server has been silent for a while.
    fn settle(&mut self) -> Result<()> {
        self.last_activity = Instant::now();
        while self.last_activity.elapsed() < Duration::from_millis(120) {
            self.turn(Duration::from_millis(20))?;
        }
        Ok(())
    }

    fn run_to_the_end(&mut self, words: &[String]) -> Result<()> {
        let mut command = self.command();
        let mut arguments = words.iter().peekable();
        while let Some((name, value)) = arguments.peek().and_then(|word| word.split_once('=')) {
            command.env(name, value);
            arguments.next();
        }
        let file = |path| fs::File::create(path).map_err(|error| error.to_string());
        command.args(arguments.map(|word| word.trim_matches('"')));
        command.stdout(file("/run/run.out")?).stderr(file("/run/run.err")?);
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let patience = Instant::now() + Duration::from_secs(10);
        let status = loop {
            self.turn(Duration::from_millis(10))?;
            match child.try_wait() {
                Ok(Some(status)) => break Some(status),
                _ if Instant::now() > patience => break None,
                _ => {}
            }
        };
        if status.is_none() {
            let _ = child.kill();
            let _ = child.wait();
        }
        // A server that went to the background may still be speaking.
        self.settle()?;
        self.packets.push(status.map_or("still running after 10 s".into(), ending));
        for (name, path) in [("stdout", "/run/run.out"), ("stderr", "/run/run.err")] {
            let text = fs::read(path).map_err(|error| error.to_string())?;
            self.packets
                .extend(String::from_utf8_lossy(&text).lines().map(|line| format!("{name} {}", mask(line))));
        }
        Ok(())
    }

    fn close_section(&mut self, heading: &str) {
        let mut lines: Vec<String> = self.logs.drain(..).collect();
        lines.append(&mut self.packets);
        // Some messages are several lines in one.
        let lines = lines.iter().flat_map(|line| line.split('\n')).map(String::from).collect();
        *self.transcript.section(heading) = lines;
    }

    /// What is left at the end: the lease file, and whether standard error said the same as the log.
    fn end(&mut self) -> Result<()> {
        if let Some(status) = self.child.as_mut().and_then(|child| child.try_wait().ok()?) {
            self.packets.push(format!("had ended: {}", ending(status)));
            self.child = None;
        }
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        self.turn(Duration::ZERO)?;
        self.show(LEASES)?;
        self.close_section("lease file at the end");
        let text = fs::read("/run/stderr").unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let said: Vec<String> = text
            .lines()
            .filter(|line| !line.contains(SENTINEL))
            .map(|line| end_changed(line.into(), self.start))
            .collect();
        let logged: Vec<&str> =
            self.all_logs.iter().map(|line| line.split_once(": ").map_or("", |(_, text)| text)).collect();
        let logged: Vec<&str> = logged.iter().flat_map(|text| text.split('\n')).collect();
        if said != logged {
            self.packets.extend(said.iter().map(|line| mask(line)));
        } else {
            self.packets.push("as the log".into());
        }
        self.close_section("standard error");
        Ok(())
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
        // Whatever went to the background lives in our network: nothing else can.
        let Ok(mine) = fs::read_link("/proc/thread-self/ns/net") else { return };
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let pid = entry.file_name().to_string_lossy().parse::<i32>().ok();
            let lives_here = fs::read_link(entry.path().join("ns/net")).is_ok_and(|net| net == mine);
            if let Some(pid) = pid.filter(|pid| lives_here && *pid != std::process::id() as i32) {
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
        }
    }
}

/// `<30>Nov 24 08:00:00 dhcpd[12]: text` as `info: text`; another facility than daemon is named.
fn log_line(datagram: &str) -> String {
    let (head, rest) = datagram.trim_end_matches(['\n', '\0']).split_once('>').unwrap_or(("<0", datagram));
    let number: u32 = head.trim_start_matches('<').parse().unwrap_or(0);
    let severity =
        ["emerg", "alert", "crit", "error", "warning", "notice", "info", "debug"][(number & 7) as usize];
    let rest = rest.get(16..).unwrap_or("");
    let (tag, text) = rest.split_once(": ").unwrap_or((rest, ""));
    let facility = match number >> 3 {
        3 => String::new(),
        other => format!(" facility={other}"),
    };
    let tag = match tag.split('[').next().unwrap_or("").trim_end_matches(':') {
        "dhcpd" => String::new(),
        other => format!(" tag={other}"),
    };
    format!("{severity}{facility}{tag}: {}", mask(text))
}

/// Numbers that are another in every run: the time in the name of a trial lease file, process ids.
fn mask(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(".leases.") {
        let (head, tail) = rest.split_at(at + 8);
        out.push_str(head);
        let digits = tail.bytes().take_while(u8::is_ascii_digit).count();
        if digits >= 9 {
            out.push_str("TIME");
        } else {
            out.push_str(&tail[..digits]);
        }
        rest = &tail[digits..];
    }
    out + rest
}
