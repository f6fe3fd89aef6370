//! `j0_parse.real`: what the real program says to declarations of failover peers, with `-t` and with `-T`.

use super::scenario::{Result, folder};
use crate::ground::say;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// A configuration and what is said to it: exit status and lines, with `-t` and with `-T`.
#[derive(Debug, Default)]
struct Case {
    name: String,
    configuration: String,
    answers: [String; 2],
}

const FLAGS: [&str; 2] = ["-t", "-T"];
/// The name in a case that stands for the text of this section.
const NETWORK: &str = "NETWORK\n";

fn cases() -> Result<Vec<Case>> {
    let text = fs::read_to_string(folder().join("j0_parse.real")).map_err(say("j0_parse.real"))?;
    let mut sections = text.split("\n== ").skip(1).filter_map(|section| section.split_once('\n'));
    let (_, network) = sections.next().ok_or("no network")?;
    let case = |(name, rest): (&str, &str)| {
        let mut parts = rest.split("-- -");
        let configuration = parts.next()?.replace(NETWORK, &format!("{}\n", network.trim_end()));
        let mut answer = || Some(parts.next()?.split_once(": ")?.1.trim_end().to_string());
        Some(Case { name: name.into(), configuration, answers: [answer()?, answer()?] })
    };
    Ok(sections.filter_map(case).collect())
}

/// Lines of every start and of every end, which other tests are about.
fn is_frame(line: &str) -> bool {
    const STARTS: [&str; 7] = [
        "Config file",
        "Database file",
        "PID file",
        "Lease file test successful",
        "If you think you have received",
        "exiting.",
        "For info, please ",
    ];
    const TAIL: [&str; 4] = ["than a conf", "bugs on eith", "before subm", "process and"];
    line.trim().is_empty() || STARTS.iter().chain(&TAIL).any(|start| line.starts_with(start))
}

/// What a program says that differs from the recording, case by case.
pub fn check(program: &Path) -> Result<Vec<String>> {
    let folder = tempfile::tempdir().map_err(say("a directory"))?;
    let mut differing = Vec::new();
    let cases = cases()?;
    assert_eq!(cases.len(), 35, "as recorded");
    for case in cases {
        fs::write(folder.path().join("case.conf"), &case.configuration).map_err(say("case.conf"))?;
        for (flag, expected) in FLAGS.iter().zip(&case.answers) {
            fs::write(folder.path().join("dhcpd.leases"), "").map_err(say("lease file"))?;
            let done = Command::new(program)
                .args([flag, "-cf", "case.conf", "-lf", "dhcpd.leases"])
                .current_dir(folder.path())
                .stdin(Stdio::null())
                .output()
                .map_err(say("dhcpd"))?;
            let said = String::from_utf8_lossy(&done.stderr).into_owned();
            let mut found = format!("exit {}", done.status.code().unwrap_or(-1));
            // The banner is four lines.
            for line in said.lines().skip(4).filter(|line| !is_frame(line)) {
                found += &format!("\n{line}");
            }
            if found != *expected {
                differing.push(format!("{} {flag}\n- {expected}\n+ {found}", case.name));
            }
        }
    }
    Ok(differing)
}
