//! A scenario from its first step to its last.

use super::aspect::{self, Aspects};
use super::client;
use super::place::Place;
use super::scenario::{Pair, Result, SIDES, Side, Step};
use crate::ground::say;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What a run has left.
pub struct Outcome {
    pub aspects: Aspects,
    /// Everything in order, for reading.
    pub story: String,
}

pub fn run(pair: &Pair, programs: [&Path; 2]) -> Result<Outcome> {
    let place = Place::new()?;
    for (side, name, text) in &pair.files {
        fs::write(place.files(*side).join(name), text).map_err(say("file"))?;
    }
    let mut run =
        Run { place: &place, programs, children: [None, None], aspects: Aspects::new(), events: Vec::new() };
    let began = place.elapsed();
    let done = pair.steps.iter().try_for_each(|(at, step)| {
        let due = began + *at;
        std::thread::sleep(due.saturating_sub(place.elapsed()));
        run.step(step).map_err(|error| format!("{at:?} {step:?}: {error}"))
    });
    std::thread::sleep(Duration::from_millis(300));
    for child in run.children.iter_mut().flatten() {
        let _ = child.kill();
        let _ = child.wait();
    }
    let outcome = run.finish(pair);
    done.map_err(|error| format!("{error}\n{}", outcome.story))?;
    Ok(outcome)
}

struct Run<'a> {
    place: &'a Place,
    programs: [&'a Path; 2],
    children: [Option<Child>; 2],
    aspects: Aspects,
    events: Vec<(Duration, String)>,
}

impl Run<'_> {
    fn step(&mut self, step: &Step) -> Result<()> {
        let place = self.place;
        self.note(format!("*** {step:?}"));
        match step {
            Step::Start(side) => {
                let child = place.start(*side, side.of::<&Path>(&self.programs))?;
                *side.of_mut(&mut self.children) = Some(child);
                Ok(())
            }
            Step::Signal(side, name) => self.signal(*side, name),
            Step::Ends(side) => self.ends(*side),
            Step::Forget(side) => {
                for name in ["dhcpd.leases", "dhcpd.leases~"] {
                    let _ = fs::remove_file(place.files(*side).join(name));
                }
                Ok(())
            }
            Step::AppendPartnerDown(side) => self.append_partner_down(*side),
            Step::Partition { resets } => place.partition(*resets),
            Step::Heal => place.heal(),
            Step::Port(side, up) => place.port(*side, *up),
            Step::Leases(label) => {
                for side in SIDES {
                    let text = fs::read_to_string(place.files(side).join("dhcpd.leases")).unwrap_or_default();
                    aspect::of_leases(side, label, &text, &mut self.aspects);
                }
                Ok(())
            }
            Step::Client(words) => {
                let seen = client::act(place, words)?;
                for line in &seen {
                    self.note(format!("client {line}"));
                }
                self.aspects.entry("clients".into()).or_default().extend(seen);
                Ok(())
            }
            Step::Omshell(side, commands) => self.omshell(*side, commands),
        }
    }

    fn note(&mut self, text: String) {
        self.events.push((self.place.elapsed(), text));
    }

    fn signal(&mut self, side: Side, name: &str) -> Result<()> {
        let signal = match name {
            "KILL" => Signal::SIGKILL,
            "TERM" => Signal::SIGTERM,
            "STOP" => Signal::SIGSTOP,
            "CONT" => Signal::SIGCONT,
            _ => return Err(format!("no such signal: {name}")),
        };
        let Some(child) = side.of_mut(&mut self.children) else { return Ok(()) };
        let _ = kill(Pid::from_raw(child.id() as i32), signal);
        if matches!(signal, Signal::SIGKILL | Signal::SIGTERM) {
            let ended = patience(Duration::from_secs(5), || matches!(child.try_wait(), Ok(Some(_))));
            let _ = child.kill();
            let _ = child.wait();
            *side.of_mut(&mut self.children) = None;
            if !ended {
                return Err("it did not end".into());
            }
        }
        Ok(())
    }

    fn ends(&mut self, side: Side) -> Result<()> {
        let Some(mut child) = side.of_mut(&mut self.children).take() else {
            return Err("it does not run".into());
        };
        let ended = patience(Duration::from_secs(10), || matches!(child.try_wait(), Ok(Some(_))));
        let _ = child.kill();
        let status = child.wait().map_err(say("wait"))?;
        let line = match (ended, status.code(), status.signal()) {
            (false, ..) => "still runs".to_string(),
            (true, Some(code), _) => format!("exit {code}"),
            (true, _, signal) => format!("signal {}", signal.unwrap_or(0)),
        };
        self.aspects.insert(format!("{} end", side.name()), vec![line]);
        Ok(())
    }

    /// As an operator would, with an editor.
    fn append_partner_down(&mut self, side: Side) -> Result<()> {
        let now = crate::lease_text::absolute(chrono::Utc::now().timestamp());
        let record = format!(
            "\nfailover peer \"digitalairlines\" state {{\n  my state partner-down at {now};\n  \
             partner state communications-interrupted at {now};\n}}\n"
        );
        let path = self.place.files(side).join("dhcpd.leases");
        let mut file = OpenOptions::new().append(true).open(path).map_err(say("lease file"))?;
        file.write_all(record.as_bytes()).map_err(say("lease file"))
    }

    /// ISC's omshell speaks to either program.
    fn omshell(&mut self, side: Side, commands: &[String]) -> Result<()> {
        let mut text = String::from("server 127.0.0.1\nport 7911\nconnect\n");
        for command in commands {
            text += command;
            text.push('\n');
        }
        let mut command: Command = self.place.command(side, Path::new("timeout"));
        let mut child = command
            .args(["10", "omshell"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(say("omshell"))?;
        child.stdin.take().ok_or("no pipe")?.write_all(text.as_bytes()).map_err(say("omshell"))?;
        let done = child.wait_with_output().map_err(say("omshell"))?;
        let lines = aspect::of_omshell(&String::from_utf8_lossy(&done.stdout));
        for line in &lines {
            self.note(format!("omshell {line}"));
        }
        self.aspects.entry(format!("{} omshell", side.name())).or_default().extend(lines);
        Ok(())
    }

    fn finish(mut self, pair: &Pair) -> Outcome {
        let mut story: Vec<(Duration, String)> = std::mem::take(&mut self.events);
        finish_logs(self.place, &pair.name, &mut self.aspects);
        for side in SIDES {
            let log = side.of(&self.place.logs).lock().map(|log| log.clone()).unwrap_or_default();
            let short = side.name().get(..3).unwrap_or_default();
            story.extend(
                log.into_iter().map(|said| (said.at, format!("{short} {:5} {}", said.priority, said.text))),
            );
            let stderr = fs::read_to_string(self.place.files(side).join("stderr")).unwrap_or_default();
            if stderr.contains("panicked") {
                self.aspects
                    .insert(format!("{} panic", side.name()), stderr.lines().map(String::from).collect());
            }
        }
        story.sort_by_key(|(at, _)| *at);
        let story = story.iter().map(|(at, text)| format!("{:8.3} {text}\n", at.as_secs_f64())).collect();
        Outcome { aspects: self.aspects, story }
    }
}

/// What both servers said. A panic is something no real server says.
pub(super) fn finish_logs(place: &Place, name: &str, aspects: &mut Aspects) {
    for side in SIDES {
        let log = side.of(&place.logs).lock().map(|log| log.clone()).unwrap_or_default();
        aspect::of_log(name, side, &log, aspects);
        let stderr = fs::read_to_string(place.files(side).join("stderr")).unwrap_or_default();
        if stderr.contains("panicked") {
            aspects.insert(format!("{} panic", side.name()), stderr.lines().map(String::from).collect());
        }
    }
}

fn patience(time: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + time;
    while Instant::now() < until {
        if holds() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    holds()
}

/// `isc`, `ours` or a path.
pub fn program(name: &str) -> Result<PathBuf> {
    match name {
        "isc" => crate::ground::isc(),
        "ours" => {
            let own = std::env::current_exe().map_err(say("this program"))?;
            let folders = own.ancestors().skip(1).take(2);
            let found = folders.map(|folder| folder.join("dhcpd")).find(|path| path.exists());
            found.ok_or_else(|| "dhcpd is not built (cargo build --workspace)".into())
        }
        path => Ok(path.into()),
    }
}
