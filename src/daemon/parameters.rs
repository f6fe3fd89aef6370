//! What the global statements set for the whole server: evaluated once, after the configuration is read, in a scope
//! without packet (`postconf_initialization` of dhcpd.c). Statements with an effect of their own (`log`, `execute`) act
//! now, with `-t` too.

use super::path::Paths;
use super::{Fatal, trace};
use crate::clock::Wall;
use crate::config::Config;
use crate::config::model::ROOT;
use crate::eval::context::{Context, HostTable};
use crate::eval::machine::{Act, Machine, Outcome};
use crate::eval::options::OptionState;
use crate::eval::value::{Data, Variables};
use crate::option::definition::OptionId;
use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

const LEASE_FILE_NAME: OptionId = OptionId::server(26);
const PID_FILE_NAME: OptionId = OptionId::server(27);
const OMAPI_PORT: OptionId = OptionId::server(31);
const LOCAL_PORT: OptionId = OptionId::server(32);
const LIMITED_BROADCAST_ADDRESS: OptionId = OptionId::server(33);
const REMOTE_PORT: OptionId = OptionId::server(34);
const LOCAL_ADDRESS: OptionId = OptionId::server(35);
const OMAPI_KEY: OptionId = OptionId::server(36);
const DDNS_UPDATE_STYLE: OptionId = OptionId::server(39);
const LOG_FACILITY: OptionId = OptionId::server(44);
const DELAYED_ACK: OptionId = OptionId::server(58);
const MAX_ACK_DELAY: OptionId = OptionId::server(59);
const DONT_USE_FSYNC: OptionId = OptionId::server(79);
const SERVER_ID_CHECK: OptionId = OptionId::server(86);
const ABANDON_LEASE_TIME: OptionId = OptionId::server(89);

const AD_HOC: u8 = 1;

/// `None`: not set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    pub lease_file: Option<PathBuf>,
    pub pid_file: Option<PathBuf>,
    pub local_port: Option<u16>,
    pub remote_port: Option<u16>,
    pub limited_broadcast: Option<Ipv4Addr>,
    pub local_address: Option<Ipv4Addr>,
    /// As syslog.h numbers it.
    pub log_facility: Option<u8>,
    pub dont_use_fsync: bool,
    pub server_id_check: bool,
    /// Statements for features that are not there yet, as written.
    pub without_effect: Vec<&'static str>,
}

/// Runs the global statements and reads the parameters; says what they say.
pub fn evaluate(config: &Config, hosts: &HostTable, now: Wall) -> Result<Parameters, Fatal> {
    let (mut variables, mut options, mut outcome) =
        (Variables::default(), OptionState::new(), Outcome::default());
    let context = Context::bare(&config.spaces, hosts, now);
    let mut machine = Machine::new(context, &mut variables, &mut options, &mut outcome);
    machine.run(&config.scope(ROOT).statements);
    act(&mut machine)?;
    let read = Reader { machine, config }.read();
    // Lines that evaluating the parameters themselves gave rise to.
    for act in outcome.acts {
        if let Act::Say(line) = act {
            trace::say(&line);
        }
    }
    read
}

/// Does what statements asked for, in order.
fn act(machine: &mut Machine<'_>) -> Result<(), Fatal> {
    for act in std::mem::take(&mut machine.outcome.acts) {
        match act {
            Act::Say(line) => trace::say(&line),
            Act::Fatal(line) => return Err(Fatal::Text(line.text)),
            Act::Execute(words) => super::execute::run_to_end(words, &mut |line| trace::say(&line)),
            // ISC crashes.
            Act::AddClass(_) => {}
        }
    }
    Ok(())
}

struct Reader<'r> {
    machine: Machine<'r>,
    config: &'r Config,
}

impl Reader<'_> {
    fn read(mut self) -> Result<Parameters, Fatal> {
        let mut found = Parameters {
            lease_file: self.path(LEASE_FILE_NAME),
            pid_file: self.path(PID_FILE_NAME),
            ..Parameters::default()
        };
        if self.fixed::<2>(OMAPI_PORT, "invalid omapi port data length")?.is_some() {
            found.without_effect.push("omapi-port");
        }
        self.omapi_key()?;
        found.local_port = self.fixed(LOCAL_PORT, "invalid local port data length")?.map(u16::from_be_bytes);
        found.remote_port =
            self.fixed(REMOTE_PORT, "invalid remote port data length")?.map(u16::from_be_bytes);
        found.limited_broadcast = self
            .fixed::<4>(LIMITED_BROADCAST_ADDRESS, "invalid broadcast address data length")?
            .map(Ipv4Addr::from);
        found.local_address =
            self.fixed::<4>(LOCAL_ADDRESS, "invalid local address data length")?.map(Ipv4Addr::from);
        match self.fixed(DDNS_UPDATE_STYLE, "invalid dns update type")? {
            Some([AD_HOC]) => return Err("ddns-update-style ad_hoc no longer supported".to_owned().into()),
            Some([0]) | None => {}
            Some(_) => found.without_effect.push("ddns-update-style"),
        }
        found.log_facility = self.fixed(LOG_FACILITY, "invalid log facility")?.map(|[number]| number);
        self.fixed::<2>(DELAYED_ACK, "invalid max delayed ACK count ")?;
        self.fixed::<4>(MAX_ACK_DELAY, "invalid max ack delay configuration")?;
        found.dont_use_fsync = self.flag(DONT_USE_FSYNC);
        found.server_id_check = self.flag(SERVER_ID_CHECK);
        self.fixed::<4>(ABANDON_LEASE_TIME, "invalid abandon-lease-time")?;
        Ok(found)
    }

    fn path(&mut self, id: OptionId) -> Option<PathBuf> {
        let octets = self.machine.option_value(id)?.to_vec();
        // As C reads it: up to a NUL.
        let end = octets.iter().position(|octet| *octet == 0).unwrap_or(octets.len());
        Some(OsString::from_vec(octets.get(..end)?.to_vec()).into())
    }

    /// A value of exactly N octets; another length is fatal.
    fn fixed<const N: usize>(&mut self, id: OptionId, text: &str) -> Result<Option<[u8; N]>, Fatal> {
        match self.machine.option_value(id) {
            None => Ok(None),
            Some(value) => {
                <[u8; N]>::try_from(&value[..]).map(Some).map_err(|_| Fatal::Text(text.to_owned()))
            }
        }
    }

    fn flag(&mut self, id: OptionId) -> bool {
        self.machine.option_value(id).is_some_and(|value| value.first().is_some_and(|octet| *octet != 0))
    }

    /// ISC looks the key up now, though only OMAPI needs it.
    fn omapi_key(&mut self) -> Result<(), Fatal> {
        let Some(value) = self.machine.option_value(OMAPI_KEY) else { return Ok(()) };
        let name = key_name(&value);
        if self.config.keys.contains_key(name.as_str()) {
            return Ok(());
        }
        // ISC prints freed memory where the name should be.
        Err(Fatal::Text(format!("OMAPI key {name}: not found")))
    }
}

fn key_name(value: &Data) -> String {
    String::from_utf8_lossy(value).into_owned()
}

impl Parameters {
    /// Statements of the configuration win over flags and environment.
    pub fn override_paths(&self, paths: &mut Paths) {
        if let Some(path) = &self.lease_file {
            paths.leases = path.clone();
        }
        if let Some(path) = &self.pid_file {
            paths.pid = path.clone();
        }
    }
}
