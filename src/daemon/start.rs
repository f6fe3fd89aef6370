//! Start-up in ISC's order (ledger `cli.tsv`, start-up order).

use super::command_line::Flags;
use super::operator_log::OperatorLog;
use super::path::Paths;
use super::{Fatal, detach, execute, message, port, trace};
use crate::clock::Wall;
use crate::config::startup::{self, StartUp};
use crate::config::{self, Config, Family, Input};
use crate::eval::context::HostTable;
use crate::net::message::reason;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// What the command line decided.
pub struct Start {
    pub flags: Flags,
    /// Of `-p`.
    pub port: Option<u16>,
    pub paths: Paths,
    pub parent: Option<detach::Parent>,
    pub log: OperatorLog,
}

/// From reading the configuration to the end of service.
pub fn start(start: Start) -> Result<i32, Fatal> {
    let port = match start.port {
        Some(port) => port,
        None => port::choose()?,
    };
    let hosts = HostTable { own_name: own_name(), ..HostTable::default() };
    let interfaces: Vec<String> =
        start.flags.interfaces.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    let config = read_configuration(&start.paths.configuration, &interfaces)?;
    let _values = start_up(&start, &config, &hosts)?;
    if start.flags.test_configuration && !start.flags.test_leases {
        return Ok(0);
    }
    let _ = port;
    Ok(0)
}

fn read_configuration(path: &Path, interfaces: &[String]) -> Result<Config, Fatal> {
    let name = path.to_string_lossy();
    let mut file = File::open(path).map_err(|e| config::message::cannot_open(&name, reason(&e)))?;
    let mut text = Vec::new();
    file.read_to_end(&mut text).map_err(|e| config::message::cannot_read(&name, reason(&e)))?;
    let mut include = |path: &str| std::fs::read(path);
    let input = Input { name: &name, text, family: Family::V4, interfaces };
    config::parse(input, &mut include, &mut |line| trace::say(&line)).map_err(|_| Fatal::Said)
}

/// Global statements act, and what they set for the server comes back.
fn start_up(start: &Start, config: &Config, hosts: &HostTable) -> Result<StartUp, Fatal> {
    let Paths { configuration, leases, pid } = &start.paths;
    let command_line = startup::CommandLine {
        config_file: &configuration.to_string_lossy(),
        lease_file: &leases.to_string_lossy(),
        pid_file: &pid.to_string_lossy(),
        quiet: start.flags.quiet,
    };
    let mut hear = |event| match event {
        startup::Event::Say(line) => trace::say(&line),
        startup::Event::Execute(words) => execute::run_to_end(words, &mut |line| trace::say(&line)),
        startup::Event::Facility(number) => {
            start.log.set_facility(number);
            // Into the new log as well; standard error has had it.
            message::banner().into_iter().for_each(|line| start.log.put_to_syslog_only(line));
        }
    };
    config.start_up(&command_line, hosts, wall(), &mut hear).map_err(|_| Fatal::Said)
}

fn wall() -> Wall {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as Wall)
}

/// `gethostname ()`
fn own_name() -> String {
    nix::unistd::gethostname().map_or_else(|_| String::new(), |name| name.to_string_lossy().into_owned())
}
