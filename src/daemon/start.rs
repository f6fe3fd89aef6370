//! Start-up in ISC's order (ledger `cli.tsv`, start-up order).

use super::command_line::Flags;
use super::leases::{self, Leases};
use super::operator_log::OperatorLog;
use super::path::Paths;
use super::record::Recorder;
use super::recorded::Recorded;
use super::resolve::Refresh;
use super::turn::{self, Clock, Ears, Shell};
use super::{Fatal, LAST_LINES, detach, execute, listen, message, pid_file, port, resolve, streams, trace};
use crate::clock::{NEVER, Wall};
use crate::config::advice;
use crate::config::startup::{self, StartUp};
use crate::config::{self, Capabilities, Config, Family, Input};
use crate::dhcp4;
use crate::eval::context::HostTable;
use crate::journal::{Journal, Settings};
use crate::log::Line;
use crate::net::icmp::IcmpSocket;
use crate::net::message as net_message;
use crate::net::message::reason;
use crate::server::effect::{Effect, Effects};
use crate::server::recording::{self, FileRole, kind};
use crate::server::{Server, management};
use crate::syntax::source::{Source, SourceId};
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{Read, Seek, SeekFrom, Write};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What this version does.
const CAPABILITIES: Capabilities =
    Capabilities { failover: true, classes: true, billing: true, omapi: true, dns_updates: false };

/// What the command line decided.
pub struct Start {
    pub flags: Flags,
    /// Of `-p`.
    pub port: Option<u16>,
    pub paths: Paths,
    pub parent: Option<detach::Parent>,
    pub log: OperatorLog,
}

/// How long names in the configuration may take to resolve before service begins without them.
const RESOLVE: Duration = Duration::from_secs(5);

/// From reading the configuration to the end of service.
pub fn start(start: Start) -> Result<i32, Fatal> {
    let port = match start.port {
        Some(port) => port,
        None => port::choose()?,
    };
    let broadcast = broadcast_address(&start.flags)?;
    let mut recorder = start.flags.trace_output.as_deref().map(Recorder::begin).transpose()?;
    let test = start.flags.test_configuration || start.flags.test_leases;
    let icmp = if test { None } else { open_icmp() };
    let interfaces: Vec<String> =
        start.flags.interfaces.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    let mut hosts = HostTable { own_name: own_name(), ..HostTable::default() };
    if let Some(recorder) = &mut recorder {
        let said = described(&start, &interfaces, port, broadcast, &hosts.own_name);
        recorder.frame(kind::START, |body| said.put(body));
    }
    let family = if start.flags.family_6 { Family::V6 } else { Family::V4 };
    let paths = &start.paths;
    let config =
        read_configuration(&paths.configuration, family, &interfaces, &start.flags, recorder.as_mut())?;
    let names = if test { Default::default() } else { resolve::names(&config) };
    if !test {
        hosts.addresses = resolve::resolve(names.clone(), RESOLVE);
    }
    let begun = wall();
    if let Some(recorder) = &mut recorder {
        recorder.frame(kind::NAMES, |body| recording::put_names_at(body, begun, &hosts.addresses));
    }
    let values = start_up(&start, &config, &hosts, begun)?;
    if start.flags.test_configuration && !start.flags.test_leases {
        return Ok(0);
    }
    if !test {
        refuse(&config)?;
    }
    let (lease_file, pid_file) = (PathBuf::from(&values.lease_file), PathBuf::from(&values.pid_file));
    if !start.flags.test_leases && !start.flags.no_pid && pid_file::names_running_server(&pid_file) {
        return Err(Fatal::Text(message::already_running()));
    }
    let mut text = open_leases(&lease_file)?;
    if let Some(recorder) = &mut recorder {
        text.complete(&lease_file)?;
        recorder.file(FileRole::Leases, &lease_file.to_string_lossy(), &text.beginning);
    }
    let mut config = config;
    let leases = leases::read(&lease_file, text, &mut config, begun, start.flags.test_leases)?;
    let clock = Clock::new();
    let offset: dhcp4::LocalOffset = Box::new(local_offset);
    if start.flags.test_leases {
        let mut server = build(config, hosts, leases, (port, broadcast), &values, offset);
        return leases::trial(&mut server, clock.now(), &lease_file).map(|()| 0);
    }
    let (journal, ears) = open_journal(lease_file, &values)?;
    let kept_duid = leases.kept.clone();
    let server = build(config, hosts, leases, (port, broadcast), &values, offset);
    let port = server.engine().settings.local_port;
    let mut core = Recorded::new(server, recorder);
    let config = core.server.engine().config.clone();
    leases::rewrite(&mut core, clock.now(), &journal);
    let place = listen::Place {
        config: &config,
        requested: &interfaces,
        port,
        local: values.local_address.unwrap_or(Ipv4Addr::UNSPECIFIED),
        quiet: start.flags.quiet,
    };
    let (sockets, interfaces) = listen::listen(&place)?;
    offer_omapi(&mut core, &values);
    let configured =
        config.server_duid_option(&values.variables, &core.server.engine().hosts, wall(), &mut hear(&start));
    let duid = match configured.map_err(|_| Fatal::Said)? {
        Some(duid) => duid,
        None => leases::server_duid(&kept_duid, &config, &interfaces, wall()),
    };
    core.set_interfaces(interfaces);
    leases::start_failover(&mut core, clock.now(), u64::from(std::process::id()), &journal);
    leases::append_duid(&mut core, clock.now(), &duid, &journal);
    // Nobody else may hold the configuration while OMAPI changes it.
    drop(config);
    let listeners = streams::open(core.server.listeners());
    let names = Refresh::start(names, core.server.engine().hosts.addresses.clone());
    let log = start.log.clone();
    let shell = Shell { clock, sockets, icmp, listeners, journal, ears, log, names };
    // The working directory changes.
    let remove = if start.flags.no_pid { None } else { std::path::absolute(&pid_file).ok() };
    core.serving();
    let status = turn::run(&mut core, shell, || ready(start, &pid_file))?;
    remove.iter().for_each(|path| pid_file::remove(path));
    Ok(status)
}

/// The core, with everything the command line (its port and the address of `-s`) and the top level decided.
pub(super) fn build(
    config: Config,
    hosts: HostTable,
    leases: Leases,
    (port, limited_broadcast): (u16, Ipv4Addr),
    values: &StartUp,
    offset: dhcp4::LocalOffset,
) -> Server {
    let settings = dhcp4::Settings {
        local_port: values.local_port.unwrap_or(port),
        // Clients' port is the next to that of the command line, whatever `local-port` says.
        remote_port: values.remote_port.unwrap_or(port.wrapping_add(1)),
        limited_broadcast: values.limited_broadcast.unwrap_or(limited_broadcast),
        abandon_lease_time: values.abandon_lease_time,
        variables: values.variables.clone(),
    };
    let mut engine = dhcp4::Engine::new(Arc::new(config), leases.store, hosts, settings, Some(offset));
    engine.failover.check_secs_byte_order = values.check_secs_byte_order;
    engine.failover.check_server_id = values.server_id_check;
    Server::new(engine, leases.kept)
}

fn offer_omapi(core: &mut Recorded, values: &StartUp) {
    let Some(port) = values.omapi_port else { return };
    let mut effects = Effects::default();
    // Another one in each run.
    let seed = RandomState::new().hash_one(wall()) as u32;
    core.offer_omapi(management::Settings { port, key: values.omapi_key.clone(), seed }, &mut effects);
    for effect in effects.list {
        if let Effect::Log(line) = effect {
            trace::say(&line);
        }
    }
}

/// `-s`: an address as inet_aton(3) reads it, or a host name; an unknown one counts as not given.
fn broadcast_address(flags: &Flags) -> Result<Ipv4Addr, Fatal> {
    let Some(name) = &flags.server else { return Ok(Ipv4Addr::BROADCAST) };
    if flags.family_6 {
        return Err(Fatal::Text(message::broadcast_needs_v4()));
    }
    Ok(resolve::address(&name.to_string_lossy()).unwrap_or(Ipv4Addr::BROADCAST))
}

/// What a recording begins with.
fn described(
    start: &Start,
    interfaces: &[String],
    port: u16,
    broadcast: Ipv4Addr,
    own_name: &str,
) -> recording::Start {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    recording::Start {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        configuration: text(&start.paths.configuration),
        leases: text(&start.paths.leases),
        pid: text(&start.paths.pid),
        quiet: start.flags.quiet,
        interfaces: interfaces.to_vec(),
        port,
        broadcast,
        own_name: own_name.to_owned(),
        local_offsets: local_offsets(),
    }
}

/// Every change of the offset from UTC in the years that lease times can name, to the day's exact second.
fn local_offsets() -> Vec<(Wall, i32)> {
    const DAY: Wall = 86_400;
    let mut offsets = vec![(0, local_offset(0))];
    let mut last = local_offset(0);
    for day in 0..NEVER / DAY {
        let (mut before, mut after) = (day * DAY, (day + 1) * DAY);
        let next = local_offset(after);
        if next == last {
            continue;
        }
        while after - before > 1 {
            let middle = (before + after) / 2;
            if local_offset(middle) == last { before = middle } else { after = middle }
        }
        offsets.push((after, next));
        last = next;
    }
    offsets
}

/// Seconds east of UTC.
fn local_offset(when: Wall) -> i32 {
    use chrono::{Local, Offset, TimeZone};
    Local.timestamp_opt(when, 0).earliest().map_or(0, |time| time.offset().fix().local_minus_utc())
}

/// Nothing of the start can fail any more, but for the parent.
fn ready(start: Start, pid_file: &Path) -> Result<(), String> {
    if !start.flags.no_pid
        && let Err(line) = pid_file::write(pid_file)
    {
        trace::say(&line);
    }
    // `-d` keeps what was on standard error there; everybody else loses it now, and `-q` has lost it before.
    if !start.flags.log_to_stderr {
        start.log.to_stderr(false);
    }
    start.log.flush(LAST_LINES);
    start.log.serving();
    if let Some(parent) = start.parent {
        parent.started().map_err(|e| message::parent_is_gone(&reason(&e)))?;
        detach::leave_terminal();
        start.log.to_stderr(false);
    }
    trace::say(&message::starting());
    Ok(())
}

fn open_icmp() -> Option<IcmpSocket> {
    let identifier = std::process::id() as u16;
    IcmpSocket::open(identifier).map_err(|error| trace::say(&net_message::no_icmp_socket(&error))).ok()
}

/// What cannot be served rightly is not served; what merely does nothing is said.
fn refuse(config: &Config) -> Result<(), Fatal> {
    let refusals = config.refusals(&CAPABILITIES);
    if let Some((last, before)) = refusals.split_last() {
        before.iter().for_each(|text| trace::say(&Line::error(text)));
        return Err(Fatal::Text(last.clone()));
    }
    config.without_effect(&CAPABILITIES).into_iter().for_each(|text| trace::say(&Line::info(text)));
    Ok(())
}

fn open_leases(path: &Path) -> Result<leases::Text, Fatal> {
    let file = File::open(path).map_err(|error| {
        let (lines, fatal) = message::no_lease_database(path, &reason(&error));
        lines.iter().for_each(trace::say);
        fatal
    })?;
    leases::Text::begin(file, path)
}

/// A folder can be opened, and fails only here, in one of two ways that depend on the file system.
fn read_whole(mut file: File, path: &Path) -> Result<Vec<u8>, Fatal> {
    file.seek(SeekFrom::End(0))
        .and_then(|_| file.rewind())
        .map_err(|e| message::cannot_seek(path, &reason(&e)))?;
    let mut text = Vec::new();
    file.read_to_end(&mut text)
        .map_err(|e| config::message::cannot_read(&path.to_string_lossy(), reason(&e)))?;
    Ok(text)
}

fn open_journal(path: PathBuf, values: &StartUp) -> Result<(Journal, Ears), Fatal> {
    let ears = Ears::default();
    let text = message::cannot_append(&path);
    // The working directory changes; a statement of the configuration may have named a relative one.
    let path = std::path::absolute(path).map_err(|_| text.clone())?;
    // ISC reads the number in the wrong byte order, and 0 as one.
    let most_per_sync = values.delayed_ack.filter(|most| *most > 0).map(u32::from);
    let settings = Settings { path, sync: !values.dont_use_fsync, most_per_sync };
    let journal = Journal::start(settings, ears.clone()).map_err(|_| text)?;
    Ok((journal, ears))
}

fn read_configuration(
    path: &Path,
    family: Family,
    interfaces: &[String],
    flags: &Flags,
    mut recorder: Option<&mut Recorder>,
) -> Result<Config, Fatal> {
    let name = path.to_string_lossy();
    let file = File::open(path).map_err(|e| config::message::cannot_open(&name, reason(&e)))?;
    let text = read_whole(file, path)?;
    if flags.explain || flags.explain_json {
        return explain(&name, text, family, interfaces, flags.explain_json);
    }
    if let Some(recorder) = &mut recorder {
        recorder.file(FileRole::Configuration, &name, &text);
    }
    let mut include = |path: &str| {
        let text = std::fs::read(path);
        if let Some(recorder) = &mut recorder {
            match &text {
                Ok(text) => recorder.file(FileRole::Include, path, text),
                Err(error) => {
                    let number = error.raw_os_error().unwrap_or_default().to_be_bytes();
                    recorder.file(FileRole::NoInclude, path, &number);
                }
            }
        }
        text
    };
    let input = Input { name: &name, text, family, interfaces };
    config::parse(input, &mut include, &mut |line| trace::say(&line)).map_err(|_| Fatal::Said)
}

/// Reads the configuration as ever, and tells more about it on standard output.
fn explain(
    name: &str,
    text: Vec<u8>,
    family: Family,
    interfaces: &[String],
    as_json: bool,
) -> Result<Config, Fatal> {
    let mut sources = vec![Source::new(name, text.clone(), SourceId(0))];
    let mut say = |line: Line| trace::say(&line);
    let mut listener = advice::Listener { forward: &mut say, diagnostics: Vec::new() };
    let mut include = |path: &str| {
        let text = std::fs::read(path)?;
        sources.push(Source::new(path, text.clone(), SourceId(sources.len() as u16)));
        Ok(text)
    };
    let input = Input { name, text, family, interfaces };
    let config = config::parse(input, &mut include, &mut listener);
    let findings = advice::findings(&listener.diagnostics, config.as_ref().ok(), &sources);
    let view = if as_json { advice::json(&findings) } else { advice::text(&findings) };
    // A closed standard output wants nothing.
    let _ = std::io::stdout().write_all(view.as_bytes());
    config.map_err(|_| Fatal::Said)
}

/// Global statements act, and what they set for the server comes back.
fn start_up(start: &Start, config: &Config, hosts: &HostTable, now: Wall) -> Result<StartUp, Fatal> {
    let Paths { configuration, leases, pid } = &start.paths;
    let command_line = startup::CommandLine {
        config_file: &configuration.to_string_lossy(),
        lease_file: &leases.to_string_lossy(),
        pid_file: &pid.to_string_lossy(),
        quiet: start.flags.quiet,
    };
    config.start_up(&command_line, hosts, now, &mut hear(start)).map_err(|_| Fatal::Said)
}

/// What the top level wants done at once.
fn hear(start: &Start) -> impl FnMut(startup::Event) + '_ {
    |event| match event {
        startup::Event::Say(line) => trace::say(&line),
        // A check has no effects; ISC runs the program.
        startup::Event::Execute(_) if start.flags.test_configuration || start.flags.test_leases => {}
        startup::Event::Execute(words) => execute::run_to_end(words, &mut |line| trace::say(&line)),
        startup::Event::Facility(number) => {
            start.log.set_facility(number);
            // Into the new log as well; standard error has had it.
            message::banner().into_iter().for_each(|line| start.log.put_to_syslog_only(line));
        }
    }
}

fn wall() -> Wall {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as Wall)
}

/// `gethostname ()`
fn own_name() -> String {
    nix::unistd::gethostname().map_or_else(|_| String::new(), |name| name.to_string_lossy().into_owned())
}
