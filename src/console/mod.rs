//! omshell(1) as a program: its arguments, standard input with or without a terminal, sockets and syslog. What a session does is
//! in [`crate::omshell`].

mod dial;
mod input;

use crate::daemon::operator_log::{Identity, OperatorLog};
use crate::log::Line;
use crate::omapi::result::Code;
use crate::omshell::client::Stream;
use crate::omshell::shell::{Outside, Shell};
use input::Input;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// How long a line may take to get to syslog before the session goes on.
const SYSLOG: Duration = Duration::from_millis(500);

/// What a session is connected to.
struct Terminal {
    log: OperatorLog,
}

impl Outside for Terminal {
    fn connect(&mut self, server: &str, port: u16) -> Result<Box<dyn Stream>, Code> {
        dial::connect(server, port)
    }

    fn service(&mut self, name: &str) -> Option<u16> {
        dial::service(name)
    }

    fn first_id(&mut self) -> u32 {
        RandomState::new().hash_one(()) as u32
    }

    fn print(&mut self, octets: &[u8]) {
        // Nobody to tell.
        let _ = io::stdout().write_all(octets);
    }

    fn complain(&mut self, text: &str) {
        let _ = writeln!(io::stderr(), "{text}");
    }

    fn log(&mut self, line: Line) {
        self.log.put(line);
        self.log.flush(SYSLOG);
    }
}

/// Runs omshell with the arguments of this process.
///
/// `--exit-status`: exits with 1 when a command failed; else with 0 as ISC's, which knows no arguments at all.
pub fn run() -> ExitCode {
    let mut arguments = std::env::args_os();
    let path = arguments.next().unwrap_or_else(|| "omshell".into());
    let program = Path::new(&path)
        .file_name()
        .map_or_else(|| "omshell".into(), |name| name.to_string_lossy().into_owned());
    let mut tells = false;
    for argument in arguments {
        if argument != "--exit-status" {
            eprintln!("Usage: {program}");
            return ExitCode::FAILURE;
        }
        tells = true;
    }
    let identity = Identity { program, pid: std::process::id(), socket: "/dev/log".into() };
    let log = match OperatorLog::start(identity) {
        Ok(log) => log,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let shell = session(&mut Terminal { log });
    if tells && shell.has_failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn session(terminal: &mut Terminal) -> Shell {
    let mut shell = Shell::default();
    let mut input = Input::standard();
    loop {
        shell.show(terminal);
        match input.line("> ") {
            Some(line) => shell.line(&line, terminal),
            None => return shell,
        }
    }
}
