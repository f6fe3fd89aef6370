//! Start-up in ISC's order (ledger `cli.tsv`, start-up order).

use super::command_line::Flags;
use super::operator_log::OperatorLog;
use super::parameters::{self, Parameters};
use super::path::Paths;
use super::{Fatal, detach, message, port, trace};
use crate::clock::Wall;
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
pub fn start(mut start: Start) -> Result<i32, Fatal> {
    let port = match start.port {
        Some(port) => port,
        None => port::choose()?,
    };
    let hosts = HostTable { own_name: own_name(), ..HostTable::default() };
    let interfaces: Vec<String> =
        start.flags.interfaces.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    let config = read_configuration(&start.paths.configuration, &interfaces)?;
    let parameters = parameters::evaluate(&config, &hosts, wall())?;
    parameters.override_paths(&mut start.paths);
    say_files(&start, &parameters);
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

/// The lines that follow the configuration's own.
fn say_files(start: &Start, parameters: &Parameters) {
    if !start.flags.quiet {
        let paths = &start.paths;
        trace::say(&message::config_file(&paths.configuration));
        trace::say(&message::database_file(&paths.leases));
        trace::say(&message::pid_file(&paths.pid));
    }
    if let Some(number) = parameters.log_facility {
        start.log.set_facility(number);
        // Into the new log as well; standard error has had it.
        message::banner().into_iter().for_each(|line| start.log.put_to_syslog_only(line));
    }
    if parameters.dont_use_fsync {
        trace::say(&message::not_syncing());
    }
    if parameters.server_id_check {
        trace::say(&message::server_id_check());
    }
}

fn wall() -> Wall {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as Wall)
}

/// `gethostname ()`
fn own_name() -> String {
    nix::unistd::gethostname().map_or_else(|_| String::new(), |name| name.to_string_lossy().into_owned())
}
