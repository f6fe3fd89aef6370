//! The shell around the core: command line, start-up order, daemonising, log, and the loop that joins I/O to the core.
//!
//! Signals: SIGTERM and SIGINT finish what is held, remove the pid file and exit 0 (ISC dies on the spot and leaves the
//! file). SIGHUP, SIGUSR1 and SIGUSR2 keep their default action and end the process, as in ISC: the configuration is not
//! read again yet. A process that is ended so loses nothing, since nothing is acknowledged that is not on the disk.

mod command_line;
mod detach;
mod discover;
mod execute;
mod host_name;
mod leases;
mod listen;
mod message;
pub(crate) mod operator_log;
mod path;
mod pid_file;
pub mod play;
mod port;
mod record;
mod recorded;
mod resolve;
mod start;
mod streams;
mod trace;
mod turn;

use crate::log::Line;
use command_line::{CommandLine, Problem, Purpose};
use detach::Side;
use operator_log::{Identity, OperatorLog};
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// How long the last lines may take on their way out.
const LAST_LINES: Duration = Duration::from_secs(2);

/// Why the program ends with status 1.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fatal {
    /// The last text before the closing lines.
    Text(String),
    /// It has been said already.
    Said,
}

impl From<String> for Fatal {
    fn from(text: String) -> Fatal {
        Fatal::Text(text)
    }
}

impl From<crate::net::message::Refusal> for Fatal {
    fn from(refusal: crate::net::message::Refusal) -> Fatal {
        refusal.before.iter().for_each(trace::say);
        Fatal::Text(refusal.fatal)
    }
}

/// The whole program.
pub fn run() -> ExitCode {
    let mut words = std::env::args_os();
    let program = file_name(words.next());
    let words: Vec<OsString> = words.collect();
    let purpose = command_line::purpose(&words);
    let parent = match purpose {
        Purpose::Version => return tell(message::IDENTITY),
        Purpose::Help => return tell(&message::usage(&program)),
        Purpose::Foreground => None,
        // Before there is a second thread.
        Purpose::Daemon => Some(detach::split()),
    };
    let parent = match parent {
        Some(Ok(Side::Parent(status))) => return ExitCode::from(status as u8),
        Some(Ok(Side::Child(parent))) => Some(Ok(parent)),
        Some(Err(failed)) => Some(Err(failed.text())),
        None => None,
    };
    let identity = Identity { program: program.clone(), pid: std::process::id(), socket: "/dev/log".into() };
    let log = match OperatorLog::start(identity) {
        Ok(log) => log,
        Err(error) => {
            tell(&message::no_thread("log", &crate::net::message::reason(&error)));
            return ExitCode::FAILURE;
        }
    };
    trace::install(log.clone());
    let outcome = match parent.transpose() {
        Ok(parent) => serve(&program, command_line::read(&words), parent, &log),
        Err(text) => Err(Fatal::Text(text)),
    };
    let code = match outcome {
        Ok(status) => ExitCode::from(status as u8),
        Err(fatal) => {
            if let Fatal::Text(text) = fatal {
                trace::say(&Line::error(text));
            }
            message::closing().iter().for_each(trace::say);
            ExitCode::FAILURE
        }
    };
    log.flush(LAST_LINES);
    code
}

/// From the command line, read, to the end of service.
fn serve(
    program: &str,
    line: CommandLine,
    parent: Option<detach::Parent>,
    log: &OperatorLog,
) -> Result<i32, Fatal> {
    line.said.iter().for_each(trace::say);
    match line.problem {
        Some(Problem::Fatal(text)) => return Err(Fatal::Text(text)),
        Some(Problem::Usage(problem)) => {
            message::banner().iter().for_each(trace::say);
            trace::say(&problem);
            return Err(Fatal::Text(message::usage(program)));
        }
        None => {}
    }
    let paths = path::choose(&line.flags, |name| std::env::var_os(name))?;
    if line.flags.quiet {
        log.to_stderr(false);
    } else {
        message::banner().iter().for_each(trace::say);
    }
    refuse_unsupported(&line.flags)?;
    if let Some(recording) = &line.flags.trace_input {
        return play::play(recording, &line.flags);
    }
    start::start(start::Start { flags: line.flags, port: line.port, paths, parent, log: log.clone() })
}

/// What this version does not do yet is refused, not ignored.
fn refuse_unsupported(flags: &command_line::Flags) -> Result<(), Fatal> {
    let test = flags.test_configuration || flags.test_leases;
    let refused = [
        // A v6 configuration and its lease file can be checked, not served.
        ("-6", flags.family_6 && !test, "DHCPv6 service"),
        ("-user", flags.user.is_some(), "changing the user"),
        ("-group", flags.group.is_some(), "changing the group"),
        ("-chroot", flags.chroot.is_some(), "changing the root directory"),
    ];
    match refused.iter().find(|(_, given, _)| *given) {
        Some((flag, _, what)) => Err(Fatal::Text(message::not_supported(flag, what))),
        None => Ok(()),
    }
}

/// To standard error, past the log.
fn tell(text: &str) -> ExitCode {
    // Nobody to tell when that fails.
    let _ = writeln!(std::io::stderr(), "{text}");
    ExitCode::SUCCESS
}

fn file_name(word: Option<OsString>) -> String {
    let word = word.unwrap_or_default();
    let path = Path::new(&word);
    path.file_name().unwrap_or("dhcpd".as_ref()).to_string_lossy().into_owned()
}
