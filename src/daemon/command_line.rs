//! The command line of dhcpd(8), as ISC reads it: from left to right, each word acting when it is met (ledger `cli.tsv`).
//!
//! ISC's words begin with one dash and have several letters, which clap does not know. So each word is mapped to a long
//! option of [`Flags`] first; that table decides what exists and what takes an argument, and clap reads the mapped words.

use super::message;
use crate::log::Line;
use clap::{ArgAction, CommandFactory, FromArgMatches, Parser};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// What may be said: one long option for each of ISC's words, named as ISC's without its dashes.
#[derive(Debug, Default, Parser)]
#[command(
    no_binary_name = true,
    disable_help_flag = true,
    disable_version_flag = true,
    args_override_self = true
)]
pub struct Flags {
    #[arg(long = "p", value_name = "UDP port #")]
    pub port: Option<OsString>,
    /// Stay in the foreground.
    #[arg(long = "f")]
    pub foreground: bool,
    /// Stay in the foreground and keep logging to standard error.
    #[arg(long = "d")]
    pub log_to_stderr: bool,
    /// No banner, and nothing on standard error.
    #[arg(long = "q")]
    pub quiet: bool,
    /// Check the configuration, then exit.
    #[arg(long = "t")]
    pub test_configuration: bool,
    /// Check the configuration and the lease file, then exit.
    #[arg(long = "T")]
    pub test_leases: bool,
    /// With the check, tell more about each message, and what is probably a mistake; on standard output.
    #[arg(long = "explain")]
    pub explain: bool,
    /// The same for programs.
    #[arg(long = "explain-json")]
    pub explain_json: bool,
    #[arg(long = "4", action = ArgAction::SetTrue)]
    pub family_4: bool,
    #[arg(long = "6", action = ArgAction::SetTrue)]
    pub family_6: bool,
    #[arg(long = "cf", value_name = "config-file")]
    pub configuration: Option<PathBuf>,
    #[arg(long = "lf", value_name = "lease-file")]
    pub leases: Option<PathBuf>,
    #[arg(long = "pf", value_name = "pid-file")]
    pub pid: Option<PathBuf>,
    #[arg(long = "no-pid")]
    pub no_pid: bool,
    /// Answers go there instead of to 255.255.255.255.
    #[arg(long = "s", value_name = "server")]
    pub server: Option<OsString>,
    #[arg(long = "user", value_name = "user")]
    pub user: Option<OsString>,
    #[arg(long = "group", value_name = "group")]
    pub group: Option<OsString>,
    #[arg(long = "chroot", value_name = "dir")]
    pub chroot: Option<PathBuf>,
    #[arg(long = "tf", value_name = "trace-output-file")]
    pub trace_output: Option<PathBuf>,
    #[arg(long = "play", value_name = "trace-input-file")]
    pub trace_input: Option<PathBuf>,
    #[arg(long = "version")]
    pub version: bool,
    #[arg(long = "help")]
    pub help: bool,
    #[arg(value_name = "if0")]
    pub interfaces: Vec<OsString>,
}

/// Decided before anything else, from the whole line: ISC looks for these words first, wherever they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Version,
    Help,
    /// Serve or test, without or with detaching.
    Foreground,
    Daemon,
}

pub fn purpose(words: &[OsString]) -> Purpose {
    let mut purpose = Purpose::Daemon;
    for word in words {
        match word.as_encoded_bytes() {
            b"--version" => return Purpose::Version,
            b"--help" | b"-h" => return Purpose::Help,
            b"-f" | b"-d" | b"-t" | b"-T" | b"-play" | b"--explain" | b"--explain-json" => {
                purpose = Purpose::Foreground
            }
            _ => {}
        }
    }
    purpose
}

/// Where reading ended, if not at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Banner, this line, usage.
    Usage(Line),
    Fatal(String),
}

/// What the command line says.
#[derive(Debug, Default)]
pub struct CommandLine {
    pub flags: Flags,
    /// Of the last `-p`.
    pub port: Option<u16>,
    /// Lines that words say when they are met.
    pub said: Vec<Line>,
    pub problem: Option<Problem>,
}

/// Longest interface name of the kernel, without the final NUL.
const INTERFACE_NAME_MAX: usize = 15;

pub fn read(words: &[OsString]) -> CommandLine {
    let mut reader = Reader { command: Flags::command(), ..Reader::default() };
    let mut rest = words.iter();
    while reader.out.problem.is_none() {
        let Some(word) = rest.next() else { break };
        reader.word(word, &mut rest);
    }
    let Reader { mapped, mut out, .. } = reader;
    let flags =
        Flags::command().try_get_matches_from(mapped).and_then(|matches| Flags::from_arg_matches(&matches));
    match flags {
        Ok(mut flags) => {
            // What is asked about is not served.
            flags.test_configuration |= flags.explain || flags.explain_json;
            out.flags = flags;
        }
        // Unreachable: only words of its own table were mapped.
        Err(error) => out.problem = Some(Problem::Fatal(error.kind().to_string())),
    }
    out
}

#[derive(Default)]
struct Reader {
    command: clap::Command,
    mapped: Vec<OsString>,
    out: CommandLine,
    family: Option<OsString>,
}

impl Reader {
    fn word<'w>(&mut self, word: &'w OsStr, rest: &mut impl Iterator<Item = &'w OsString>) {
        if !word.as_encoded_bytes().starts_with(b"-") {
            return self.interface(word);
        }
        let Some((name, takes_value)) = self.option(word) else {
            return self.stop(Problem::Usage(message::unknown_command(&word.to_string_lossy())));
        };
        let mut mapped = OsString::from(format!("--{name}"));
        if takes_value {
            let Some(value) = rest.next() else {
                return self.stop(Problem::Usage(message::no_argument(&word.to_string_lossy())));
            };
            self.value(&name, value);
            mapped.push("=");
            mapped.push(value);
        } else {
            self.switch(&name, word);
        }
        self.mapped.push(mapped);
    }

    /// ISC's spelling of an option: one dash, but two before `no-pid`.
    fn option(&self, word: &OsStr) -> Option<(String, bool)> {
        let word = word.to_str()?;
        let name = match word {
            "--no-pid" | "--version" | "--help" | "--explain" | "--explain-json" => word.get(2..)?,
            "-no-pid" | "-version" | "-help" | "-explain" | "-explain-json" => return None,
            _ => word.get(1..)?,
        };
        let argument = self.command.get_arguments().find(|a| a.get_long() == Some(name))?;
        Some((name.to_owned(), argument.get_action().takes_values()))
    }

    fn value(&mut self, name: &str, value: &OsStr) {
        if name == "p" {
            match port(&value.to_string_lossy()) {
                Ok(port) => {
                    self.out.port = Some(port);
                    self.out.said.push(message::user_port(port));
                }
                Err(text) => self.stop(Problem::Fatal(text)),
            }
        }
    }

    fn switch(&mut self, name: &str, word: &OsStr) {
        if name == "4" || name == "6" {
            if self.family.as_ref().is_some_and(|family| family != word) {
                return self.stop(Problem::Fatal(message::both_families()));
            }
            self.family = Some(word.to_owned());
        }
    }

    fn interface(&mut self, name: &OsStr) {
        let length = name.len();
        if length > INTERFACE_NAME_MAX {
            let text = message::interface_name_too_long(&name.to_string_lossy(), length);
            return self.stop(Problem::Fatal(text));
        }
        self.mapped.push(name.to_owned());
    }

    fn stop(&mut self, problem: Problem) {
        self.out.problem = Some(problem);
    }
}

/// strtol(3) with its leading blanks and sign, then the range.
pub fn port(text: &str) -> Result<u16, String> {
    let trimmed = text.trim_start_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']);
    let digits = trimmed.strip_prefix(['+', '-']).unwrap_or(trimmed);
    if text.is_empty() {
        // strtol reads nothing and leaves 0.
        return Err(message::port_out_of_range());
    }
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(message::invalid_port(text));
    }
    let value: i64 = trimmed.parse().map_err(|_| message::invalid_port(text))?;
    match u16::try_from(value) {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(message::port_out_of_range()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    fn problem(line: &str) -> Option<Problem> {
        read(&words(line)).problem
    }

    #[test]
    fn every_flag_of_the_manual_is_read() {
        let out = read(&words(
            "-p 6767 -f -d -q -t -T -4 -cf c -lf l -pf p --no-pid -s 10.0.0.9 -user u -group g -chroot r -tf o -play i \
             eth0 eth1",
        ));
        assert_eq!(out.problem, None);
        assert_eq!(out.port, Some(6767));
        assert_eq!(out.said, [Line::debug("binding to user-specified port 6767")]);
        let flags = out.flags;
        assert!(flags.foreground && flags.log_to_stderr && flags.quiet && flags.no_pid);
        assert!(flags.test_configuration && flags.test_leases && !flags.family_6);
        assert_eq!(flags.configuration, Some("c".into()));
        assert_eq!(flags.leases, Some("l".into()));
        assert_eq!(flags.pid, Some("p".into()));
        assert_eq!(flags.trace_output, Some("o".into()));
        assert_eq!(flags.trace_input, Some("i".into()));
        assert_eq!(flags.interfaces, ["eth0", "eth1"]);
    }

    /// Texts observed on the real program.
    #[test]
    fn problems_have_its_texts() {
        let usage = |text: &str| Some(Problem::Usage(Line::error(text)));
        let fatal = |text: &str| Some(Problem::Fatal(text.to_owned()));
        assert_eq!(problem("-zz"), usage("Unknown command -zz"));
        assert_eq!(problem("-4o6 77"), usage("Unknown command -4o6"));
        assert_eq!(problem("-no-pid"), usage("Unknown command -no-pid"));
        assert_eq!(problem("--cf x"), usage("Unknown command --cf"));
        assert_eq!(problem("-cf"), usage("No argument for command: -cf "));
        assert_eq!(problem("--"), usage("Unknown command --"));
        assert_eq!(problem("-"), usage("Unknown command -"));
        assert_eq!(problem("-p 0"), fatal("Port number specified is out of range (1-65535)."));
        assert_eq!(problem("-p abc"), fatal("Invalid port number specification: abc"));
        assert_eq!(problem("-p 65536"), fatal("Port number specified is out of range (1-65535)."));
        let families = "Server cannot run in both IPv4 and IPv6 mode at the same time.";
        assert_eq!(problem("-4 -6"), fatal(families));
        assert_eq!(problem("-6 -6"), None);
        let name = "abcdefghijklmnopqrstuv: interface name too long (is 22)";
        assert_eq!(problem("abcdefghijklmnopqrstuv"), fatal(name));
        assert_eq!(problem("abcdefghijklmno"), None);
    }

    #[test]
    fn the_first_problem_counts() {
        assert_eq!(problem("-zz -p 0"), Some(Problem::Usage(Line::error("Unknown command -zz"))));
        assert!(matches!(problem("-p 0 -zz"), Some(Problem::Fatal(_))));
    }

    #[test]
    fn an_argument_may_look_like_a_flag_and_the_last_one_wins() {
        let out = read(&words("-cf -t -cf -lf"));
        assert_eq!(out.flags.configuration, Some("-lf".into()));
        assert!(!out.flags.test_configuration);
    }

    #[test]
    fn purpose_looks_everywhere() {
        assert_eq!(purpose(&words("-cf --version")), Purpose::Version);
        assert_eq!(purpose(&words("-zz -h")), Purpose::Help);
        assert_eq!(purpose(&words("-cf x")), Purpose::Daemon);
        assert_eq!(purpose(&words("-cf x -t")), Purpose::Foreground);
    }

    #[test]
    fn ports_as_strtol() {
        assert_eq!(port(" +67"), Ok(67));
        assert_eq!(port("67 "), Err(message::invalid_port("67 ")));
        assert_eq!(port("-1"), Err(message::port_out_of_range()));
        assert_eq!(port(""), Err(message::port_out_of_range()));
        assert_eq!(port("99999999999999999999"), Err(message::invalid_port("99999999999999999999")));
    }
}
