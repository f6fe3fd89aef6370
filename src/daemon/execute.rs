//! `execute` statements: programs started and not awaited. ISC waits for each and serves nobody meanwhile; here they run
//! one after another, in the order asked for, beside the service. What waits is bounded.

use crate::log::Line;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};

/// Programs that may wait for their turn.
const WAITING_MAX: usize = 4_096;

#[derive(Debug, Default)]
pub struct Programs {
    waiting: VecDeque<Vec<Vec<u8>>>,
    running: Option<(Child, String)>,
    dropped: u64,
}

impl Programs {
    /// First the program, then its arguments.
    pub fn start(&mut self, words: Vec<Vec<u8>>, say: &mut dyn FnMut(Line)) {
        if self.waiting.len() >= WAITING_MAX {
            // One line when the trouble begins, one when it has ended.
            if self.dropped == 0 {
                say(message::too_many());
            }
            self.dropped += 1;
            return;
        }
        self.waiting.push_back(words);
        self.reap(say);
    }

    /// Call when a child has ended (SIGCHLD): says a bad end, starts what waits.
    pub fn reap(&mut self, say: &mut dyn FnMut(Line)) {
        loop {
            if let Some((child, name)) = &mut self.running {
                match child.try_wait() {
                    Ok(None) => return,
                    Ok(Some(status)) => {
                        if let Some(line) = message::ended(name, status) {
                            say(line);
                        }
                    }
                    Err(_) => {}
                }
                self.running = None;
            }
            let Some(words) = self.waiting.pop_front() else { break };
            self.spawn(words, say);
        }
        if self.dropped > 0 {
            say(message::dropped(std::mem::take(&mut self.dropped)));
        }
    }

    fn spawn(&mut self, words: Vec<Vec<u8>>, say: &mut dyn FnMut(Line)) {
        let mut words = words.into_iter().map(OsString::from_vec);
        let Some(program) = words.next() else { return };
        let name = program.to_string_lossy().into_owned();
        match Command::new(program).args(words).spawn() {
            Ok(child) => self.running = Some((child, name)),
            Err(error) => {
                for line in message::failed(&name, &error) {
                    say(line);
                }
            }
        }
    }
}

/// Runs a program and waits for it: before service begins nobody is kept waiting.
pub fn run_to_end(words: Vec<Vec<u8>>, say: &mut dyn FnMut(Line)) {
    let mut words = words.into_iter().map(OsString::from_vec);
    let Some(program) = words.next() else { return };
    let name = program.to_string_lossy().into_owned();
    match Command::new(program).args(words).status() {
        Ok(status) => message::ended(&name, status).into_iter().for_each(say),
        Err(error) => message::failed(&name, &error).into_iter().for_each(say),
    }
}

/// Texts of execute.c.
mod message {
    use super::{ExitStatus, ExitStatusExt, Line};
    use crate::net::message::reason;

    /// ISC's child says the first and leaves with 127, which makes its parent say the second.
    pub(super) fn failed(name: &str, error: &std::io::Error) -> [Line; 2] {
        [
            Line::error(format!("Unable to execute {name}: {}", reason(error))),
            Line::error(format!("execute: {name} exit status 32512")),
        ]
    }

    /// `status` as wait(2) gives it.
    pub(super) fn ended(name: &str, status: ExitStatus) -> Option<Line> {
        (!status.success()).then(|| Line::error(format!("execute: {name} exit status {}", status.into_raw())))
    }

    /// Ours.
    pub(super) fn too_many() -> Line {
        Line::error("execute: too many programs wait for their turn; further ones are not run")
    }

    /// Ours.
    pub(super) fn dropped(count: u64) -> Line {
        Line::error(format!("execute: {count} programs were not run"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn words(words: &[&str]) -> Vec<Vec<u8>> {
        words.iter().map(|word| word.as_bytes().to_vec()).collect()
    }

    fn finish(programs: &mut Programs, said: &mut Vec<String>) {
        let begin = Instant::now();
        while programs.running.is_some() || !programs.waiting.is_empty() {
            assert!(begin.elapsed() < Duration::from_secs(10));
            std::thread::sleep(Duration::from_millis(2));
            programs.reap(&mut |line| said.push(line.text));
        }
    }

    #[test]
    fn programs_run_in_order_and_bad_ends_are_said() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("out");
        let mut programs = Programs::default();
        let mut said = Vec::new();
        for number in ["1", "2", "3"] {
            let script = format!("sleep 0.0{number}; echo {number} >> {}", file.display());
            programs.start(words(&["/bin/sh", "-c", &script]), &mut |line| said.push(line.text));
        }
        programs.start(words(&["/bin/sh", "-c", "exit 3"]), &mut |line| said.push(line.text));
        programs.start(words(&["/nonexistent/program"]), &mut |line| said.push(line.text));
        finish(&mut programs, &mut said);
        assert_eq!(std::fs::read_to_string(&file).expect("read"), "1\n2\n3\n");
        assert_eq!(
            said,
            [
                "execute: /bin/sh exit status 768",
                "Unable to execute /nonexistent/program: No such file or directory",
                "execute: /nonexistent/program exit status 32512",
            ]
        );
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut programs = Programs::default();
        let mut said = Vec::new();
        programs.start(words(&["/bin/sleep", "5"]), &mut |line| said.push(line.text));
        for _ in 0..WAITING_MAX + 10 {
            programs.start(words(&["/bin/true"]), &mut |line| said.push(line.text));
        }
        assert_eq!(programs.waiting.len(), WAITING_MAX);
        assert_eq!(said.len(), 1);
        if let Some((child, _)) = &mut programs.running {
            child.kill().expect("killed");
        }
    }
}
