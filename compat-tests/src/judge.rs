//! What `dhcpd -t` and `dhcpd -T` say: the real program, ours as a program, and our reader called directly.

use dhcpd::config::{CommandLine, Event, Family, Input, parse};
use dhcpd::eval::context::HostTable;
use dhcpd::log::Line;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

pub const REAL: &str = "/usr/sbin/dhcpd";
const BANNER_LINES: usize = 4;

/// As much as the real program may say; it goes on for ever about some faults (`option space x` at the end of a file).
const LONGEST: u64 = 4 << 20;

/// Whether a program accepted its files, and what it said behind the banner.
#[derive(Debug, PartialEq, Eq)]
pub struct Judgement {
    pub accepted: bool,
    pub lines: Vec<u8>,
}

/// `-t` of `t.conf` in a folder; with `leases`, `-T` of `t.leases` there. None: it crashed, or did not end.
pub fn program(path: &Path, v6: bool, leases: bool, folder: &Path) -> Option<Judgement> {
    let mut command = Command::new(path);
    command.args([if v6 { "-6" } else { "-4" }, if leases { "-T" } else { "-t" }, "-cf", "t.conf"]);
    if leases {
        command.args(["-lf", "t.leases"]);
    }
    command.current_dir(folder).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().ok()?;
    let mut stderr = Vec::new();
    child.stderr.take()?.take(LONGEST).read_to_end(&mut stderr).ok()?;
    if stderr.len() as u64 == LONGEST {
        // Nobody reads on, so it is stopped.
        let _ = child.kill();
    }
    let accepted = child.wait().ok()?.code()? == 0;
    let lines: Vec<&[u8]> = stderr.split_inclusive(|octet| *octet == b'\n').skip(BANNER_LINES).collect();
    let end = lines.iter().position(|line| line.starts_with(b"If you think you have received"));
    let lines = &lines[..end.map_or(lines.len(), |at| at.saturating_sub(1))];
    Some(Judgement { accepted, lines: comparable(lines) })
}

/// Without what depends on a name server, on the moment, and on memory and tables of ISC's own.
fn comparable(lines: &[&[u8]]) -> Vec<u8> {
    let depends = |line: &&[u8]| {
        let text = String::from_utf8_lossy(line);
        text.ends_with(": host unknown.\n")
            || text.ends_with("name server failure\n")
            || text.starts_with("Unexpected hash function")
            || text.starts_with("Lease file test successful")
            || text.starts_with("OMAPI key ") && text.ends_with(": not found\n")
    };
    lines.iter().filter(|line| !depends(line)).copied().collect::<Vec<_>>().concat()
}

/// Our reader on a configuration.
pub fn ours(v6: bool, text: &[u8]) -> Judgement {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    let mut say = |line: Line| {
        let mut octets = line.octets().into_owned();
        octets.push(b'\n');
        lines.push(octets);
    };
    let family = if v6 { Family::V6 } else { Family::V4 };
    let input = Input { name: "t.conf", text: text.to_vec(), family, interfaces: &[] };
    let missing = || std::io::Error::from_raw_os_error(nix::libc::ENOENT);
    let mut include = |name: &str| {
        let found = INCLUDED.iter().find(|(there, _)| *there == name).ok_or_else(missing);
        found.map(|(_, text)| text.as_bytes().to_vec())
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
    let accepted = match parse(input, &mut include, &mut say) {
        Err(_) => false,
        Ok(config) => {
            let six = if v6 { "6" } else { "" };
            let command_line = CommandLine {
                config_file: "t.conf",
                lease_file: &format!("/var/lib/dhcp/dhcpd{six}.leases"),
                pid_file: &format!("/var/run/dhcpd{six}.pid"),
                quiet: false,
            };
            let own_name = std::fs::read_to_string("/etc/hostname").unwrap_or_default().trim().to_owned();
            let hosts = HostTable { own_name, ..HostTable::default() };
            let mut hear = |event| {
                if let Event::Say(line) = event {
                    say(line);
                }
            };
            config.start_up(&command_line, &hosts, now, &mut hear).is_ok()
        }
    };
    let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
    Judgement { accepted, lines: comparable(&lines) }
}

/// The included files that are there.
pub const INCLUDED: [(&str, &str); 2] = [
    ("extra.conf", "option domain-name \"extra\";\n"),
    ("wrong.conf", "option domain-name;\n\n range 10.9.0.11;\n"),
];

/// `execute` would run at the top level: ISC does so with `-t` too. `include` looks at this machine but for three names, and a
/// host name asks a name server.
pub fn harmless(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    let known = ["extra", "wrong", "nothing"].map(|name| format!("include \"{name}.conf\""));
    let text = known.iter().fold(text, |text, known| text.replace(known.as_str(), ""));
    !["execute", "include", "gethostby"].iter().any(|word| text.contains(word))
}

/// One difference, to be read by people.
pub fn shown(v6: bool, text: &[u8], real: &Judgement, ours: &Judgement) -> String {
    format!(
        "== {}{}\n-- ISC {}\n{}-- ours {}\n{}",
        if v6 { "-6 " } else { "" },
        String::from_utf8_lossy(text),
        real.accepted,
        String::from_utf8_lossy(&real.lines),
        ours.accepted,
        String::from_utf8_lossy(&ours.lines)
    )
}

/// A number from the environment.
pub fn budget(variable: &str, otherwise: usize) -> usize {
    std::env::var(variable).ok().and_then(|count| count.parse().ok()).unwrap_or(otherwise)
}
