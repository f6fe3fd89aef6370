//! Pipes a session into omshell, all of it at once as scripts do, and writes down what it printed. Handles, times and made-up
//! host names are another in every run and are put into a form that is not.
//!
//! In a session `@epoch+60` is a time, and `$pool` stands for the value that the attribute `pool` was last printed with.

use crate::lease_text;
use regex::{Captures, Regex};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::LazyLock;

type Result<T> = std::result::Result<T, String>;

const ISC: &str = "/usr/bin/omshell";
/// Attributes whose value is a time, and those whose value is the handle of another object.
const TIMES: [&str; 8] = ["starts", "ends", "tstp", "tsfp", "atsfp", "cltt", "local-stos", "partner-stos"];
/// Addresses for which ISC shows a place in its memory.
const POINTERS: [&str; 2] = ["partner-address", "local-address"];
const HANDLES: [&str; 5] = ["host", "subnet", "pool", "billing-class", "remote-handle"];

/// The omshell under test and what its sessions have shown so far.
#[derive(Debug)]
pub struct Shell {
    program: PathBuf,
    start: i64,
    seen: BTreeMap<String, String>,
}

/// A session under way. It is killed when it is dropped.
pub struct Running {
    child: Child,
}

impl Running {
    pub fn ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn say<E: std::fmt::Display>(what: &str) -> impl FnOnce(E) -> String {
    move |error| format!("{what}: {error}")
}

impl Shell {
    /// ISC's where none is named. Times are told relative to `start`.
    pub fn new(program: Option<&Path>, start: i64) -> Self {
        let program = program.map_or_else(|| ISC.into(), Path::to_path_buf);
        Shell { program, start, seen: BTreeMap::new() }
    }

    pub fn start(&self, session: &str) -> Result<Running> {
        let mut input = lease_text::expand(session, self.start);
        for (name, value) in &self.seen {
            input = input.replace(&format!("${name}"), value);
        }
        let file = |path| File::create(path).map_err(say("file"));
        let mut command = Command::new(&self.program);
        command.arg0("omshell").env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").current_dir("/");
        command.stdin(Stdio::piped()).stdout(file("/run/omshell.out")?).stderr(file("/run/omshell.err")?);
        let mut child = command.spawn().map_err(|error| format!("{}: {error}", self.program.display()))?;
        // Sessions fit into a pipe. One that ended early did not want the rest.
        let mut pipe = child.stdin.take().ok_or("no pipe")?;
        let _ = pipe.write_all(input.trim_end_matches("<eof>\n").as_bytes());
        Ok(Running { child })
    }

    /// Lines of standard output as they are, of standard error marked, and how it ended.
    pub fn finish(&mut self, mut running: Running) -> Result<Vec<String>> {
        let status = running.child.try_wait().map_err(say("omshell"))?;
        drop(running);
        let read = |path| fs::read(path).map_err(say("omshell"));
        let printed = String::from_utf8_lossy(&read("/run/omshell.out")?).into_owned();
        let mut lines: Vec<String> =
            printed.split('\n').map(|line| format!("| {}", self.line(line))).collect();
        let errors = String::from_utf8_lossy(&read("/run/omshell.err")?).into_owned();
        lines.extend(errors.lines().map(|line| format!("stderr {line}")));
        lines.push(status.map_or("omshell is still running after 10 s".into(), |status| {
            format!("omshell: {}", ending(status))
        }));
        Ok(lines)
    }

    fn line(&mut self, line: &str) -> String {
        let prompts = line.len() - line.trim_start_matches("> ").len();
        let (head, text) = line.split_at(prompts);
        let Some((name, value)) = text.split_once(" = ") else { return line.into() };
        self.seen.insert(name.into(), value.into());
        if POINTERS.contains(&name) {
            return format!("{head}{name} = ADDRESS");
        }
        let value = match four_octets(value) {
            Some(seconds) if TIMES.contains(&name) => moment(seconds, self.start),
            // Ours number what can be changed from a place of their own.
            Some(handle) if HANDLES.contains(&name) && !(1_000_000..1 << 30).contains(&handle) => {
                "HANDLE".into()
            }
            _ => lease_text::mask_made_up(value),
        };
        format!("{head}{name} = {value}")
    }
}

/// `lease X end changed from N to N`: the times relative to `start`.
pub fn end_changed(line: String, start: i64) -> String {
    if !line.contains(" end change") {
        return line;
    }
    static TIME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b[0-9]{9,10}\b").expect("a fixed pattern"));
    let told = |found: &Captures<'_>| found[0].parse().map_or(found[0].into(), |time| moment(time, start));
    TIME.replace_all(&line, told).into_owned()
}

fn moment(seconds: u32, start: i64) -> String {
    match i64::from(seconds) {
        0 => "0".into(),
        seconds if (seconds - start).abs() < 1_000_000 => lease_text::relative(seconds - start),
        seconds => format!("{seconds:#x}"),
    }
}

/// A value of four octets: `00:00:00:05`, `"j%ab"` or a plain number.
fn four_octets(value: &str) -> Option<u32> {
    if let Some(text) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return Some(u32::from_be_bytes(text.as_bytes().try_into().ok()?));
    }
    if !value.contains(':') {
        return value.parse().ok();
    }
    let octets: Vec<u8> =
        value.split(':').map(|octet| u8::from_str_radix(octet, 16).ok()).collect::<Option<_>>()?;
    Some(u32::from_be_bytes(octets.try_into().ok()?))
}

pub fn ending(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        _ => "ended".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_varies_is_put_into_another_form() {
        let mut shell = Shell::new(None, 0x6a61_6263 - 5);
        assert_eq!(shell.line("> > ends = \"jabc\""), "> > ends = T+5");
        assert_eq!(shell.line("ends = 6a:61:62:63"), "ends = T+5");
        assert_eq!(shell.line("starts = 00:00:00:00"), "starts = 0");
        assert_eq!(shell.line("pool = 00:00:00:07"), "pool = HANDLE");
        assert_eq!(shell.seen["pool"], "00:00:00:07");
        assert_eq!(shell.line("name = \"nh6a61626300000001\""), "name = \"nhTIME\"");
        assert_eq!(shell.line("state = 00:00:00:02"), "state = 00:00:00:02");
    }
}
