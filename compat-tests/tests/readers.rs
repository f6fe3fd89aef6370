//! Programs that read what the server leaves behind (lease file, log, configuration) or ask it as a client: the same after the
//! same traffic through ours and through ISC's. Each reader is run over the lease file as service left it, and over the
//! one that a restart wrote anew; its output is compared with times and process numbers masked.
//!
//! The full tier installs what the first tier leaves to it, and writes `READERS.md`.

use compat_tests::crowd::{self, Crowd};
use compat_tests::ground::{Ground, Result, Wish, isc, ours, run, say, serve};
use compat_tests::lists;
use nix::sys::signal::Signal;
use regex::Regex;
use std::fmt::Write as _;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const CONFIGURATION: &str = r#"authoritative;
ping-check false;
ddns-update-style none;
default-lease-time 3600;
max-lease-time 7200;
option domain-name "example.org";

class "phones" {
  match if substring (option vendor-class-identifier, 0, 5) = "phone";
}

shared-network office {
  subnet 10.31.0.0 netmask 255.255.255.0 {
    option routers 10.31.0.1;
    pool {
      deny members of "phones";
      range 10.31.0.100 10.31.0.119;
    }
    pool {
      allow members of "phones";
      range 10.31.0.200 10.31.0.203;
    }
  }
}

subnet 10.32.0.0 netmask 255.255.255.0 {
  range 10.32.0.10 10.32.0.30;
}

host printer {
  hardware ethernet 02:77:00:00:03:e7;
  fixed-address 10.31.0.7;
}

on commit {
  set maker = option vendor-class-identifier;
  set label = pick-first-value (option host-name, "none");
}
"#;
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 31, 0, 1);

/// What a reader reads.
#[derive(Clone, Copy, PartialEq)]
enum Reads {
    Leases,
    Log,
    /// Asks the server that runs.
    Wire,
    Configuration,
}

struct Reader {
    name: &'static str,
    /// Prints the version; fails when it is not there.
    version: &'static str,
    /// Installs it into `$TOOLS`; empty: Debian's package, see install.sh.
    install: &'static str,
    reads: Reads,
    /// `$LEASES`, `$CONF`, `$LOG`, `$HERE` (the folder of the scripts), `$TOOLS`, `$WORK` (an empty folder).
    command: &'static str,
}

const READERS: &[Reader] = &[
    Reader {
        name: "dhcpd-pools",
        version: "dhcpd-pools --version | head -n 1 | cut -d' ' -f2",
        install: "",
        reads: Reads::Leases,
        command: "for format in t c j J x X; do dhcpd-pools -c $CONF -l $LEASES -f $format -s e; done",
    },
    Reader {
        name: "dhcp-lease-list",
        version: "dpkg-query -f '${Version}' -W isc-dhcp-server",
        install: "",
        reads: Reads::Leases,
        command: "for how in '' --all --last '--parsable --all' --parsable; do dhcp-lease-list --lease $LEASES $how; done",
    },
    Reader {
        name: "isc_dhcp_leases (PyPI)",
        version: "PYTHONPATH=$TOOLS/python python3 -c 'import importlib.metadata as m; print(m.version(\"isc_dhcp_leases\"))'",
        install: "python3 -m pip install -q --target $TOOLS/python isc_dhcp_leases",
        reads: Reads::Leases,
        command: "PYTHONPATH=$TOOLS/python python3 $HERE/leases.py $LEASES",
    },
    Reader {
        name: "dhcpd-leases (npm)",
        version: "node -p \"require('$TOOLS/npm/node_modules/dhcpd-leases/package.json').version\"",
        install: "mkdir -p $TOOLS/npm && cd $TOOLS/npm && npm install --silent --no-audit --no-fund dhcpd-leases",
        reads: Reads::Leases,
        command: "node $HERE/leases.js $TOOLS/npm/node_modules/dhcpd-leases $LEASES",
    },
    Reader {
        name: "Text::DHCPLeases",
        version: "perl -MText::DHCPLeases -e 'print $Text::DHCPLeases::VERSION'",
        install: "",
        reads: Reads::Leases,
        // It leaves out a lease that has a variable with a dash in its name; without those it reads everything.
        command: "perl $HERE/leases.pl $LEASES; grep -v '^  set [a-z]*-' $LEASES >$WORK/leases; perl $HERE/leases.pl $WORK/leases",
    },
    Reader {
        name: "logwatch",
        version: "dpkg-query -f '${Version}' -W logwatch",
        install: "",
        reads: Reads::Log,
        command: "cp $LOG $WORK/messages; for detail in 0 5 10; do \
            logwatch --service dhcpd --range all --logdir $WORK --detail $detail --output stdout --numeric; done",
    },
    Reader {
        name: "logcheck-database",
        version: "dpkg-query -f '${Version}' -W logcheck-database",
        install: "",
        reads: Reads::Log,
        // As logcheck uses them, with and without the process number that its rules do not know.
        command: "cat /etc/logcheck/ignore.d.server/* | grep -v '^#' | grep -v '^$' >$WORK/rules; \
            grep -E -v -f $WORK/rules $LOG; echo; sed 's/\\[[0-9]*\\]:/:/' $LOG | grep -E -v -f $WORK/rules",
    },
    Reader {
        name: "munin dhcpd3",
        version: "dpkg-query -f '${Version}' -W munin-plugins-core",
        install: "",
        reads: Reads::Leases,
        command: "export leasefile=$LEASES configfile=$CONF; plugin=/usr/share/munin/plugins/dhcpd3; \
            perl $plugin autoconf; perl $plugin config; perl $plugin; filter='^10_' perl $plugin config",
    },
    Reader {
        name: "check_dhcp",
        version: "dpkg-query -f '${Version}' -W monitoring-plugins-basic",
        install: "",
        reads: Reads::Wire,
        command: "check=/usr/lib/nagios/plugins/check_dhcp; $check -i c0 -t 2 -v; echo $?; \
            $check -i c0 -t 2 -s 10.31.0.1; echo $?; $check -i c0 -t 2 -s 10.31.0.99; echo $?; \
            $check -i c0 -t 2 -r 10.31.0.110 -m 02:77:00:00:70:01; echo $?",
    },
    Reader {
        name: "augeas",
        version: "dpkg-query -f '${Version}' -W augeas-tools",
        install: "",
        reads: Reads::Configuration,
        command: "mkdir -p $WORK/etc/dhcp; cp $CONF $WORK/etc/dhcp/dhcpd.conf; \
            printf 'print /files\\nset /files/etc/dhcp/dhcpd.conf/default-lease-time 1800\\nsave\\n' | \
            augtool -A -r $WORK --transform 'Dhcpd.lns incl /etc/dhcp/dhcpd.conf'; \
            $DHCPD -t -q -cf $WORK/etc/dhcp/dhcpd.conf; echo $?; grep lease-time $WORK/etc/dhcp/dhcpd.conf",
    },
];

/// Some clients have a name, some an identifier that is no text, some a vendor class.
fn peculiar(client: u32) -> Vec<u8> {
    let mut options = Vec::new();
    if client.is_multiple_of(2) {
        options.extend([12, 6, b'd', b'e', b's', b'k', b'-', b'0' + (client % 10) as u8]);
    }
    if client.is_multiple_of(3) {
        options.extend([61, 7, 1, b'"', b'\\', 0, 200, 10, client as u8]);
    }
    if client.is_multiple_of(4) {
        options.extend([60, 7, b'p', b'h', b'o', b'n', b'e', b' ', b'7']);
    }
    options
}

/// One program after the traffic.
struct Stage {
    ground: Ground,
    program: PathBuf,
    log: String,
}

impl Stage {
    fn new(program: &Path) -> Result<Stage> {
        let wish = Wish { server: &["10.31.0.1/24"], clients: &["10.31.0.2/24"], setup: "" };
        let ground = Ground::new(&wish)?;
        ground.set_hardware("02:00:5e:00:00:31")?;
        for words in [["down"].as_slice(), &["address", "02:00:5e:00:00:01"], &["up"]] {
            run(ground.at_server("ip").args(["link", "set", "s0"]).args(words))?;
        }
        Ok(Stage { ground, program: program.to_owned(), log: String::new() })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.ground.directory().join(name)
    }

    /// Serves while the crowd asks, and again after a restart; the lease file of either time is kept.
    fn traffic(&mut self, wire: &mut dyn FnMut(&Stage) -> Result<()>) -> Result<()> {
        let leases = self.file("dhcpd.leases");
        let at = leases.display().to_string();
        let mut server = serve(&self.ground, &self.program, CONFIGURATION, &at)?;
        let mut crowd = Crowd::new(self.ground.link()?, 1);
        crowd.extra = peculiar;
        crowd.take_some(12, 1, Duration::from_secs(20))?;
        let taken: Vec<u32> = crowd.acknowledged.keys().copied().collect();
        crowd.give_up(taken[2], crowd::RELEASE, SERVER)?;
        crowd.give_up(taken[5], crowd::DECLINE, SERVER)?;
        let left: Vec<u32> = crowd.acknowledged.keys().copied().collect();
        crowd.reboot(&left, Duration::from_secs(10))?;
        self.odd_messages()?;
        wire(self)?;
        crowd.drain()?;
        // Twice the time that a rewrite or an append may take here.
        std::thread::sleep(Duration::from_millis(600));
        server.end(Signal::SIGTERM)?;
        self.log.push_str(&server.log());
        fs::copy(&leases, self.file("served.leases")).map_err(say("lease file"))?;
        let mut server = serve(&self.ground, &self.program, CONFIGURATION, &at)?;
        std::thread::sleep(Duration::from_millis(300));
        server.end(Signal::SIGTERM)?;
        self.log.push_str(&server.log());
        fs::copy(&leases, self.file("restarted.leases")).map_err(say("lease file"))?;
        fs::write(self.file("syslog"), syslog(&self.log)).map_err(say("syslog"))
    }

    /// A fixed address, a refusal, an INFORM, a relay nobody knows, a release of what is not leased.
    fn odd_messages(&self) -> Result<()> {
        let link = self.ground.link()?;
        let none = Ipv4Addr::UNSPECIFIED;
        let wished = crowd::address_option(50, Ipv4Addr::new(10, 77, 0, 5));
        let own = Ipv4Addr::new(10, 31, 0, 66);
        let mut lost = crowd::message(503, crowd::DISCOVER, none, &[]);
        lost.giaddr = Ipv4Addr::new(192, 0, 2, 9);
        let all = [
            crowd::message(999, crowd::DISCOVER, none, &[]),
            crowd::message(
                999,
                crowd::REQUEST,
                none,
                &crowd::address_option(50, Ipv4Addr::new(10, 31, 0, 7)),
            ),
            crowd::message(501, crowd::REQUEST, none, &wished),
            crowd::message(502, 8, own, &[]),
            lost,
            crowd::message(504, crowd::RELEASE, own, &[]),
        ];
        for (at, message) in all.iter().enumerate() {
            link.send(&crowd::broadcast(at as u32 + 500, &message.encode()))?;
            std::thread::sleep(Duration::from_millis(150));
        }
        Ok(())
    }

    fn read(&self, reader: &Reader, leases: &str, tools: &Path) -> Result<String> {
        let work = tempfile::tempdir_in(self.ground.directory()).map_err(say("a folder"))?;
        let mut shell = match reader.reads {
            Reads::Wire => self.ground.at_clients("sh"),
            _ => Command::new("sh"),
        };
        shell.arg("-c").arg(reader.command);
        shell.env("LEASES", self.file(leases)).env("CONF", self.file("dhcpd.conf"));
        shell.env("LOG", self.file("syslog")).env("WORK", work.path()).env("TOOLS", tools);
        shell.env("HERE", compat_tests::here().join("tests/readers")).env("DHCPD", &self.program);
        shell.env("TZ", "UTC").env("LC_ALL", "C").env("PERL_HASH_SEED", "0").env("PERL_PERTURB_KEYS", "0");
        let done = shell.output().map_err(say(reader.name))?;
        let text = [&done.stdout[..], b"\n", &done.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        let own = [(self.ground.directory().display().to_string(), "DIRECTORY")];
        let text = own.iter().fold(text, |text, (from, to)| text.replace(from.as_str(), to));
        Ok(masked(&text))
    }
}

/// The lines as a syslog daemon writes them. Who says them and when is not what is compared; that the banner differs is listed.
fn syslog(log: &str) -> String {
    let banner = ["Internet Systems", "dhcpd-rs ", "Copyright ", "All rights", "Licensed under", "For info"];
    let lines = log.lines().filter(|line| !banner.iter().any(|start| line.starts_with(start)));
    let lines = lines.filter(|line| !line.contains("/dhcpd-test-"));
    lines.map(|line| format!("Nov 24 12:00:00 gate dhcpd[4711]: {line}\n")).collect()
}

/// Times and what the temporary folders are called.
fn masked(text: &str) -> String {
    let masks = [
        (r"\bXID: \d+ \(0x[0-9a-fA-F]+\)", "XID"),
        (r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d( UTC)? \d{4}", "DATE"),
        (r"\b\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?(\+\d\d:?\d\d)?", "DATE"),
        (r"\b1[6-9]\d{8}\b", "EPOCH"),
        (r"\.tmp[A-Za-z0-9]{6}\b", ".tmp"),
        (r#""(utc|local)": ?"[^"]*""#, "TIME"),
        (r"lease age \d+ ", "lease age N "),
        (r"Logwatch [0-9.]+ \([^)]*\).*", "LOGWATCH"),
        (r"Processing Initiated: .*", "LOGWATCH"),
    ];
    masks.iter().fold(text.to_string(), |text, (pattern, to)| {
        Regex::new(pattern).expect("a pattern").replace_all(&text, *to).into_owned()
    })
}

fn shell(script: &str, tools: &Path) -> std::result::Result<String, String> {
    let done = Command::new("sh").arg("-c").arg(script).env("TOOLS", tools).output();
    let done = done.map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&done.stdout).trim().to_string();
    match done.status.success() && !text.is_empty() {
        true => Ok(text),
        false => Err(String::from_utf8_lossy(&done.stderr).trim().to_string()),
    }
}

fn is_full_tier() -> bool {
    std::env::var("COMPAT_TIER").is_ok_and(|tier| tier == "full")
}

/// The version of a reader, which is installed if need be; or why there is none.
fn version(reader: &Reader, tools: &Path) -> std::result::Result<String, String> {
    let there = shell(reader.version, tools);
    if there.is_ok() || !is_full_tier() {
        return there;
    }
    let script = match reader.install {
        "" => format!(". {}/install.sh >&2", compat_tests::here().display()),
        install => install.to_string(),
    };
    // What went wrong is what the version says then.
    let _ = shell(&format!("{script}\necho done"), tools);
    shell(reader.version, tools)
}

/// The first line that differs, in a few words.
fn difference(theirs: &str, ours: &str) -> Option<String> {
    let (mut a, mut b) = (theirs.lines(), ours.lines());
    loop {
        match (a.next(), b.next()) {
            (None, None) => return None,
            (a, b) if a == b => {}
            (a, b) => return Some(format!("over ISC's {a:?}, over ours {b:?}")),
        }
    }
}

struct Verdict {
    name: &'static str,
    version: String,
    lines: usize,
    difference: Option<String>,
}

fn compare(
    reader: &Reader,
    version: String,
    stages: &[Stage; 2],
    wire: &[String; 2],
    tools: &Path,
) -> Result<Verdict> {
    let mut texts = [String::new(), String::new()];
    for (at, stage) in stages.iter().enumerate() {
        texts[at] = match reader.reads {
            Reads::Wire => wire[at].clone(),
            Reads::Leases => {
                let served = stage.read(reader, "served.leases", tools)?;
                served + &stage.read(reader, "restarted.leases", tools)?
            }
            Reads::Log | Reads::Configuration => stage.read(reader, "restarted.leases", tools)?,
        };
    }
    let [theirs, own] = &texts;
    if let Some(directory) = std::env::var_os("KEEP_READINGS") {
        for (which, text) in [("isc", theirs), ("ours", own)] {
            let name = reader.name.replace(['/', ' ', ':'], "-");
            fs::write(Path::new(&directory).join(format!("{name}.{which}")), text).map_err(say("kept"))?;
        }
    }
    let difference = difference(theirs, own);
    Ok(Verdict { name: reader.name, version, lines: own.lines().count(), difference })
}

#[test]
fn readers_see_no_difference() -> Result<()> {
    let tools = &std::env::current_exe().map_err(say("this program"))?.with_file_name("readers-tools");
    fs::create_dir_all(tools).map_err(say("tools"))?;
    let mut skipped = Vec::new();
    let mut there = Vec::new();
    for reader in READERS {
        match version(reader, tools) {
            Ok(version) => there.push((reader, version)),
            Err(reason) => skipped.push((reader.name, reason)),
        }
    }
    let asks = there.iter().find(|(reader, _)| reader.reads == Reads::Wire).map(|(reader, _)| *reader);
    let mut stages = [Stage::new(&isc()?)?, Stage::new(&ours()?)?];
    let mut wire = [String::new(), String::new()];
    std::thread::scope(|scope| {
        let both = stages.iter_mut().zip(&mut wire).map(|(stage, said)| {
            let mut ask = move |stage: &Stage| {
                if let Some(reader) = asks {
                    *said = stage.read(reader, "", tools)?;
                }
                Ok(())
            };
            scope.spawn(move || stage.traffic(&mut ask))
        });
        let both: Vec<_> = both.collect();
        both.into_iter().try_for_each(|one| one.join().map_err(|_| "a panic in the traffic")?)
    })?;
    let mut verdicts = Vec::new();
    for (reader, version) in there {
        let verdict = compare(reader, version, &stages, &wire, tools)?;
        println!("{} {}: {} lines, {:?}", verdict.name, verdict.version, verdict.lines, verdict.difference);
        assert!(verdict.lines > 3, "{} says next to nothing", verdict.name);
        verdicts.push(verdict);
    }
    for (name, reason) in &skipped {
        println!("skipped: {name}: {reason}");
    }
    if is_full_tier() {
        fs::write(compat_tests::here().join("READERS.md"), table(&verdicts, &skipped))
            .map_err(say("table"))?;
    }
    let bad: Vec<_> = verdicts.iter().filter(|verdict| verdict.difference.is_some()).collect();
    let bad: Vec<_> =
        bad.iter().map(|verdict| format!("{}: {:?}", verdict.name, verdict.difference)).collect();
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    let skips = lists::skips();
    for (name, reason) in skipped {
        let is_listed = skips.iter().any(|(pattern, _)| pattern.is_match(&format!("readers::{name}")));
        assert!(is_listed, "{name} is not there, and SKIPS does not name it: {reason}");
    }
    Ok(())
}

fn table(verdicts: &[Verdict], skipped: &[(&str, String)]) -> String {
    let mut out = String::from(
        "# Programs that read what the server leaves behind\n\n\
         Written by `tests/readers.rs` in the full tier: the same traffic through ISC dhcpd 4.4.3-P1 and through ours, then each program over the\n\
         lease file, log or configuration of either, as service left it and as a restart wrote it. Times are masked.\n\n\
         | program | version | lines compared | verdict |\n|---|---|---|---|\n",
    );
    for verdict in verdicts {
        let said = verdict.difference.as_deref().unwrap_or("same");
        // Writing to a string does not fail.
        let _ = writeln!(out, "| {} | {} | {} | {said} |", verdict.name, verdict.version, verdict.lines);
    }
    for (name, reason) in skipped {
        let _ = writeln!(out, "| {name} | | | skipped: {} |", reason.replace('\n', " "));
    }
    out
}
