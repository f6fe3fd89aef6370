//! Record and replay (`-tf`, `-play`): a recording made on a live network leads to the same octets again.

use compat_tests::crowd::{self, Crowd};
use compat_tests::dice::Dice;
use compat_tests::ground::{Ground, Result, Running, Wish, ours, run, say, wait_until};
use compat_tests::replays::{self, frames};
use compat_tests::wire;
use dhcpd::daemon::play::replay_octets;
use dhcpd::log::Line;
use dhcpd::server::recording::{FRAME_AROUND, kind};
use nix::sys::signal::Signal;
use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

/// Everything that an input of the core can be about: a name to look up, an include, ping checks, `on` blocks, classes with
/// billing, local time, names of leased addresses.
const CONFIGURATION: &str = r#"
authoritative;
ddns-update-style none;
db-time-format local;
default-lease-time 300;
max-lease-time 300;
dhcp-cache-threshold 0;
ping-timeout-ms 150;
omapi-port 7911;
include "INCLUDED";
class "some" {
  match if substring (hardware, 6, 1) = 05;
  lease limit 3;
}
on commit {
  set kept = concat ("x", binary-to-ascii (16, 8, ":", hardware));
  log (info, concat ("given to ", variable_or_none));
  execute ("/bin/true", "x");
}
subnet 10.31.0.0 netmask 255.255.255.0 {
  pool { range 10.31.0.100 10.31.0.119; allow members of "some"; }
  pool { range 10.31.0.120 10.31.0.199; deny members of "some"; }
  option routers 10.31.0.1;
}
subnet 10.32.0.0 netmask 255.255.255.0 {
  get-lease-hostnames true;
  range 10.32.0.100 10.32.0.199;
}
"#;

const SCRIPT: &str = "#!/bin/sh\nexit 0\n";
const RELAY: Ipv4Addr = Ipv4Addr::new(10, 32, 0, 1);

struct Stage {
    ground: Ground,
}

impl Stage {
    fn new() -> Result<Self> {
        // The lease file lies on a disk so small that a test can fill it.
        let setup = "mkdir $DIRECTORY/small; mount -t tmpfs -o size=256k none $DIRECTORY/small";
        let wish = Wish { server: &["10.31.0.1/24"], clients: &["10.31.0.2/24", "10.32.0.1/24"], setup };
        let ground = Ground::new(&wish)?;
        run(ground.at_server("ip").args(["route", "add", "10.32.0.0/24", "via", "10.31.0.2"]))?;
        let stage = Stage { ground };
        let configuration = CONFIGURATION
            .replace("INCLUDED", &stage.file("included.conf").display().to_string())
            .replace("variable_or_none", "binary-to-ascii (10, 8, \".\", leased-address)");
        fs::write(stage.file("dhcpd.conf"), configuration).map_err(say("dhcpd.conf"))?;
        fs::write(stage.file("included.conf"), "option ntp-servers localhost;\n").map_err(say("include"))?;
        fs::write(stage.leases(), "").map_err(say("lease file"))?;
        Ok(stage)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.ground.directory().join(name)
    }

    /// As the server's mount namespace has it.
    fn small(&self, name: &str) -> PathBuf {
        self.ground.server_file(&self.file("small").join(name).display().to_string())
    }

    fn leases(&self) -> PathBuf {
        self.small("dhcpd.leases")
    }

    fn serve(&self, recording: &Path) -> Result<Running> {
        let _ = fs::remove_file(self.file("dhcpd.pid"));
        let mut command = self.ground.at_server(ours()?);
        command.env("TZ", "Europe/Berlin").arg("-d").arg("-cf").arg(self.file("dhcpd.conf"));
        command.arg("-lf").arg(self.file("small/dhcpd.leases")).arg("-pf").arg(self.file("dhcpd.pid"));
        command.arg("-tf").arg(recording).arg("s0");
        let mut running = Running::start(&mut command, &self.file("dhcpd.log"))?;
        running.wait_for("Server starting service", Duration::from_secs(15))?;
        Ok(running)
    }

    /// A lease by the real client.
    fn dhclient(&self, server: &mut Running) -> Result<()> {
        let script = self.file("script");
        fs::write(&script, SCRIPT).map_err(say("script"))?;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).map_err(say("script"))?;
        let mut client = self.ground.at_clients("dhclient");
        client.args(["-4", "-1", "-d", "-cf", "/dev/null", "-sf"]).arg(script);
        client.arg("-lf").arg(self.file("dhclient.leases")).arg("-pf").arg(self.file("dhclient.pid"));
        let mut client = Running::start(client.arg("c0"), &self.file("dhclient.log"))?;
        server.wait_for("DHCPACK on 10.31.0.* via s0", Duration::from_secs(20))?;
        client.end(Signal::SIGTERM)
    }

    /// A DISCOVER as a relay hands it on, with option 82, and its answer.
    fn relayed(&self, server: &mut Running) -> Result<()> {
        let link = self.ground.link()?;
        let agent = [82, 7, 1, 5, b'p', b'o', b'r', b't', b'7'];
        let mut message = crowd::message(900, crowd::DISCOVER, Ipv4Addr::UNSPECIFIED, &agent);
        message.giaddr = RELAY;
        message.hops = 1;
        let datagram = wire::udp((RELAY, 67), (Ipv4Addr::new(10, 31, 0, 1), 67), &message.encode());
        link.send(&wire::ethernet(wire::BROADCAST, crowd::mac(900), 0x0800, &datagram))?;
        server.wait_for("DHCPOFFER on 10.32.0.* via 10.32.0.1", Duration::from_secs(20)).map(drop)
    }

    /// A host made by ISC's own client of OMAPI.
    fn omshell(&self) -> Result<()> {
        let words = "server 127.0.0.1\\nport 7911\\nconnect\\nnew host\\nset name = \"made\"\\n\
                     set hardware-type = 1\\nset hardware-address = 02:77:00:00:0f:01\\n\
                     set ip-address = 10.31.0.50\\ncreate\\n";
        run(self.ground.at_server("sh").args(["-c", &format!("printf '{words}' | timeout 15 omshell")]))?;
        let written = || fs::read_to_string(self.leases()).is_ok_and(|text| text.contains("host made {"));
        wait_until("the host is in the lease file", Duration::from_secs(5), written)
    }

    /// The disk is full for a while: records fail, answers are withheld, and the file is written anew.
    fn disk_full(&self, crowd: &mut Crowd, server: &mut Running) -> Result<()> {
        let filler = self.small("filler");
        // It ends with an error, which is the point.
        let _ = fs::write(&filler, vec![0; 1 << 20]);
        // The last page of the file has some room left.
        let refused = (0..40).any(|_| crowd.take_one(Duration::from_secs(1)).is_err());
        assert!(refused, "leases without room for their records");
        server.wait_for("Cannot keep leases", Duration::from_secs(5))?;
        fs::remove_file(filler).map_err(say("filler"))?;
        server.wait_for("written anew and complete", Duration::from_secs(10))?;
        crowd.take_one(Duration::from_secs(10))
    }

    fn play(&self, recording: &Path, copy: &str) -> Result<Output> {
        let mut command = Command::new(ours()?);
        // Another zone, another directory: none of it matters.
        command.env("TZ", "UTC").current_dir("/").arg("-play").arg(recording).arg("-lf").arg(self.file(copy));
        command.output().map_err(say("dhcpd -play"))
    }

    fn plays_identically(&self, recording: &Path, name: &str) -> Result<()> {
        let done = self.play(recording, name)?;
        let said = String::from_utf8_lossy(&done.stderr);
        if !done.status.success() || !said.contains("effects are those of the recording") {
            return Err(format!("{}: {}\n{said}", recording.display(), done.status));
        }
        println!("{name}: {}", said.lines().last().unwrap_or_default());
        Ok(())
    }
}

#[test]
fn a_recording_of_a_live_network_replays_to_identical_bytes() -> Result<()> {
    let stage = Stage::new()?;
    let (first, second) = (stage.file("first.rec"), stage.file("second.rec"));
    let mut server = stage.serve(&first)?;
    let mut crowd = Crowd::new(stage.ground.link()?, 1);
    crowd.take_some(12, 4, Duration::from_secs(15))?;
    stage.dhclient(&mut server)?;
    stage.relayed(&mut server)?;
    let taken: Vec<u32> = crowd.acknowledged.keys().copied().collect();
    crowd.give_up(taken[0], crowd::RELEASE, Ipv4Addr::new(10, 31, 0, 1))?;
    crowd.give_up(taken[1], crowd::DECLINE, Ipv4Addr::new(10, 31, 0, 1))?;
    stage.omshell()?;
    stage.disk_full(&mut crowd, &mut server)?;
    server.end(Signal::SIGTERM)?;
    let leases = fs::read(stage.leases()).map_err(say("lease file"))?;
    stage.plays_identically(&first, "first.leases")?;
    // What failed to reach the full disk is in the replayed file only until it was written anew.
    similar(&leases, &fs::read(stage.file("first.leases")).map_err(say("copy"))?)?;
    let kinds: Vec<u8> = frames(&fs::read(&first).map_err(say("recording"))?).iter().map(|f| f.0).collect();
    assert_eq!(kinds.last(), Some(&kind::END));

    // A restart, which a kill ends.
    let mut server = stage.serve(&second)?;
    let left: Vec<u32> = crowd.acknowledged.keys().copied().collect();
    crowd.reboot(&left, Duration::from_secs(15))?;
    crowd.take_some(20, 4, Duration::from_secs(15))?;
    let recorded = || fs::metadata(&second).map_or(0, |file| file.len());
    let mut before = 0;
    wait_until("the recording is written", Duration::from_secs(5), || {
        std::mem::replace(&mut before, recorded()) == recorded()
    })?;
    server.end(Signal::SIGKILL)?;
    stage.plays_identically(&second, "second.leases")?;
    let leases = fs::read(stage.leases()).map_err(say("lease file"))?;
    similar(&leases, &fs::read(stage.file("second.leases")).map_err(say("copy"))?)?;
    keep(&first)?;
    keep(&second)?;
    torn_anywhere(&fs::read(&second).map_err(say("recording"))?);
    changed_effect(&stage, &second)
}

/// What stands in front of both halves of a pair; `OWN`, `PEER` and the role's statements are filled in.
const PAIR: &str = r#"
authoritative;
ddns-update-style none;
default-lease-time 60;
max-lease-time 60;
ping-check false;
omapi-port 7911;
omapi-key k;
key k { algorithm hmac-sha256; secret "c2VjcmV0b2ZhbGVuZ3RoOQ=="; }
failover peer "pair" {
  ROLE;
  address OWN; port 647; peer address PEER; peer port 647;
  max-response-delay 10; max-unacked-updates 10; load balance max seconds 3;
  SPLIT
}
subnet 10.31.0.0 netmask 255.255.255.0 {
  pool { failover peer "pair"; range 10.31.0.100 10.31.0.139; }
}
"#;

/// One half of a pair, where its namespace and its files are.
struct Half<'a> {
    stage: &'a Stage,
    name: &'static str,
    is_primary: bool,
}

impl Half<'_> {
    fn recording(&self) -> PathBuf {
        self.stage.file(&format!("{}.rec", self.name))
    }

    fn serve(&self) -> Result<Running> {
        let (own, peer, role, split) = match self.is_primary {
            true => ("10.31.0.1", "10.31.0.2", "primary", "mclt 4; split 255;"),
            false => ("10.31.0.2", "10.31.0.1", "secondary", ""),
        };
        let text =
            PAIR.replace("OWN", own).replace("PEER", peer).replace("ROLE", role).replace("SPLIT", split);
        let file = |end: &str| self.stage.file(&format!("{}.{end}", self.name));
        fs::write(file("conf"), text).map_err(say("configuration"))?;
        fs::write(file("leases"), "").map_err(say("lease file"))?;
        let ground = &self.stage.ground;
        let (mut command, interface) = match self.is_primary {
            true => (ground.at_server(ours()?), "s0"),
            false => (ground.at_clients(ours()?), "c0"),
        };
        command.arg("-d").arg("-cf").arg(file("conf")).arg("-lf").arg(file("leases"));
        command.arg("-pf").arg(file("pid")).arg("-tf").arg(self.recording()).arg(interface);
        Running::start(&mut command, &file("log"))
    }

    /// Signed: a lease is looked at, and the relationship; a message that is never finished ends the session.
    fn omshell(&self) -> Result<()> {
        let words = "server 127.0.0.1\\nport 7911\\nkey-algorithm hmac-sha256\\n\
                     key k c2VjcmV0b2ZhbGVuZ3RoOQ==\\nconnect\\nnew lease\\nset ip-address = 10.31.0.100\\nopen\\n\
                     new failover-state\\nset name = \"pair\"\\nopen\\nrefresh\\n";
        let script = format!("printf '{words}' | timeout 15 omshell");
        run(self.stage.ground.at_server("sh").args(["-c", &script])).map(drop)
    }
}

/// Both halves of a pair are recorded: connections made, lost and made again, updates, a peer that dies, and management.
#[test]
fn both_halves_of_a_failover_pair_replay_to_identical_bytes() -> Result<()> {
    let stage = Stage::new()?;
    let primary = Half { stage: &stage, name: "pair-primary", is_primary: true };
    let secondary = Half { stage: &stage, name: "pair-secondary", is_primary: false };
    let mut first = primary.serve()?;
    let mut second = secondary.serve()?;
    let patience = Duration::from_secs(60);
    first.wait_for("failover peer pair: Both servers normal", patience)?;
    second.wait_for("failover peer pair: Both servers normal", patience)?;
    let mut crowd = Crowd::new(stage.ground.link()?, 1);
    crowd.take_some(10, 4, Duration::from_secs(15))?;
    let taken: Vec<u32> = crowd.acknowledged.keys().copied().collect();
    crowd.give_up(taken[0], crowd::RELEASE, Ipv4Addr::new(10, 31, 0, 1))?;
    primary.omshell()?;
    second.end(Signal::SIGKILL)?;
    first.wait_for("I move from normal to communications-interrupted", patience)?;
    crowd.take_some(13, 2, Duration::from_secs(15))?;
    first.end(Signal::SIGTERM)?;
    for half in [&primary, &secondary] {
        keep(&half.recording())?;
        stage.plays_identically(&half.recording(), &format!("{}.played", half.name))?;
        let octets = fs::read(half.recording()).map_err(say("recording"))?;
        let kinds: Vec<u8> = frames(&octets).iter().map(|frame| frame.0).collect();
        assert!([kind::OMAPI, kind::FAILOVER].iter().all(|kind| kinds.contains(kind)), "{}", half.name);
        let whole = quietly(&octets)?;
        assert!(whole.inputs > 50, "{}: {whole:?}", half.name);
    }
    Ok(())
}

fn keep(path: &Path) -> Result<()> {
    let Some(directory) = std::env::var_os("KEEP_RECORDINGS") else { return Ok(()) };
    let name = path.file_name().unwrap_or_default();
    fs::copy(path, Path::new(&directory).join(name)).map_err(say("kept")).map(drop)
}

fn similar(one: &[u8], other: &[u8]) -> Result<()> {
    let (one, other) = (String::from_utf8_lossy(one), String::from_utf8_lossy(other));
    match one.lines().zip(other.lines()).find(|(a, b)| a != b) {
        Some((a, b)) => Err(format!("the lease files differ: {a:?} and {b:?}\n{one}\n----\n{other}")),
        None if one.len() != other.len() => {
            Err(format!("one is longer than the other\n{one}\n----\n{other}"))
        }
        None => Ok(()),
    }
}

fn quietly(recording: &[u8]) -> std::result::Result<dhcpd::daemon::play::Outcome, String> {
    replay_octets(recording, &mut |_: Line| {}).map(|(outcome, _)| outcome)
}

/// Wherever it is cut, it replays up to there without a difference.
fn torn_anywhere(recording: &[u8]) {
    let whole = quietly(recording).expect("replays");
    let mut most = 0;
    for length in (0..recording.len()).step_by(997) {
        match quietly(&recording[..length]) {
            Err(text) => assert!(
                length < 400 || text.contains("before service began") || text.contains("refused"),
                "{length}: {text}"
            ),
            Ok(outcome) => {
                assert_eq!(outcome.differences, 0, "cut at {length}");
                assert!(outcome.inputs >= most && outcome.inputs <= whole.inputs);
                most = outcome.inputs;
            }
        }
    }
    let last = quietly(&recording[..recording.len() - 1]).expect("replays");
    assert!(last.inputs + 1 >= whole.inputs, "{} of {}", last.inputs, whole.inputs);
}

/// An effect that is not what happens is found, and named with its input; and `-tf` takes over what happens now.
fn changed_effect(stage: &Stage, path: &Path) -> Result<()> {
    let mut octets = fs::read(path).map_err(say("recording"))?;
    let acknowledged = b"DHCPACK on ";
    let at = octets.windows(acknowledged.len()).rposition(|octets| octets == acknowledged).ok_or("no ACK")?;
    octets[at + 4] = b'X';
    replays::repair(&mut octets);
    let (changed, mended) = (stage.file("changed.rec"), stage.file("mended.rec"));
    fs::write(&changed, &octets).map_err(say("changed.rec"))?;
    let done = stage.play(&changed, "third.leases")?;
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(1), "{said}");
    let place = said.find(") leads to something else.").unwrap_or_else(|| panic!("{said}"));
    assert!(said[place..].contains("recorded: log Info: DHCPXCK on "), "{said}");
    assert!(said[place..].contains("replayed: log Info: DHCPACK on "), "{said}");
    assert!(said.contains("1 of them led to something else."), "{said}");
    let mut command = Command::new(ours()?);
    command.arg("-play").arg(&changed).arg("-lf").arg(stage.file("third.leases")).arg("-tf").arg(&mended);
    assert_eq!(command.output().map_err(say("dhcpd"))?.status.code(), Some(1));
    stage.plays_identically(&mended, "third.leases")
}

/// The recording ends with one line; the service does not.
#[test]
fn a_full_disk_ends_the_recording_only() -> Result<()> {
    let stage = Stage::new()?;
    let mut server = stage.serve(Path::new("/dev/full"))?;
    let mut crowd = Crowd::new(stage.ground.link()?, 1);
    crowd.take_some(3, 1, Duration::from_secs(10))?;
    server.end(Signal::SIGTERM)?;
    let log = server.log();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("recording")).collect();
    let expected = "The recording in /dev/full ends here: No space left on device. Service goes on.";
    assert_eq!(lines, [expected], "{log}");
    Ok(())
}

/// Recordings of live networks and of sites; see replays/README.md.
#[test]
fn every_recording_replays() {
    let all = replays::all();
    assert!(all.len() >= 2, "only {} recordings", all.len());
    for path in all {
        let octets = fs::read(&path).expect("a recording");
        let mut said = Vec::new();
        let replayed = replay_octets(&octets, &mut |line: Line| said.push(line.text));
        let (outcome, _) = replayed.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let shown: Vec<_> = said.iter().skip_while(|text| !text.starts_with("Input ")).collect();
        assert_eq!(outcome.differences, 0, "{}: {shown:#?}", path.display());
        assert_eq!(outcome.torn, None, "{}", path.display());
        assert!(outcome.effects > 0);
    }
}

/// The file comes from outside: no octet of it may stop the reader. `fuzz recording SECONDS` goes on with this.
#[test]
fn damaged_recordings_do_no_harm() {
    let seeds: Vec<Vec<u8>> =
        replays::all().iter().map(|path| fs::read(path).expect("a recording")).collect();
    let mut random = Dice::new(20_261_124);
    for _ in 0..150 {
        let mut octets = seeds[random.below(seeds.len())].clone();
        for _ in 0..=random.below(4) {
            let all = frames(&octets);
            // What was cut off before may have left no whole frame.
            let Some((_, body)) = all.get(random.below(all.len())) else { break };
            let at = body.start + random.below(body.len());
            match (random.below(3), octets.get_mut(at)) {
                (0, Some(octet)) => *octet = random.draw() as u8,
                (1, _) => octets.truncate(at.max(FRAME_AROUND)),
                (_, Some(octet)) => *octet ^= 1 << random.below(8),
                _ => {}
            }
        }
        replays::replay_damaged(&octets);
    }
}
