//! What the top level says about the server itself: its statements are executed once, then the values are taken in ISC's
//! order, each with ISC's check (ledger `cli.tsv`, start-up order). `-t` and `-T` do the same.

use super::message;
use super::model::{Config, Family, ROOT};
use super::read::Rejected;
use crate::clock::Wall;
use crate::eval::ast::{Expr, Name};
use crate::eval::context::{Context, HostTable};
use crate::eval::machine::{Act, Machine, Outcome};
use crate::eval::options::OptionState;
use crate::eval::value::Variables;
use crate::log::{Line, text_of};
use crate::option::definition::{DHCP6, OptionId};
use std::net::{Ipv4Addr, Ipv6Addr};

/// Codes of the space `server`.
mod parameter {
    pub const LEASE_FILE_NAME: u32 = 26;
    pub const PID_FILE_NAME: u32 = 27;
    pub const OMAPI_PORT: u32 = 31;
    pub const LOCAL_PORT: u32 = 32;
    pub const LIMITED_BROADCAST_ADDRESS: u32 = 33;
    pub const REMOTE_PORT: u32 = 34;
    pub const LOCAL_ADDRESS: u32 = 35;
    pub const OMAPI_KEY: u32 = 36;
    pub const DDNS_UPDATE_STYLE: u32 = 39;
    pub const LOG_FACILITY: u32 = 44;
    pub const UPDATE_CONFLICT_DETECTION: u32 = 48;
    pub const DHCPV6_LEASE_FILE_NAME: u32 = 54;
    pub const DHCPV6_PID_FILE_NAME: u32 = 55;
    pub const DELAYED_ACK: u32 = 58;
    pub const MAX_ACK_DELAY: u32 = 59;
    pub const DONT_USE_FSYNC: u32 = 79;
    pub const DDNS_LOCAL_ADDRESS4: u32 = 80;
    pub const DDNS_LOCAL_ADDRESS6: u32 = 81;
    pub const SERVER_ID_CHECK: u32 = 86;
    pub const PREFIX_LENGTH_MODE: u32 = 87;
    pub const ABANDON_LEASE_TIME: u32 = 89;
    pub const CHECK_SECS_BYTE_ORDER: u32 = 92;
    pub const DDNS_DUAL_STACK_MIXED_MODE: u32 = 93;
    pub const DDNS_GUARD_ID_MUST_MATCH: u32 = 94;
    pub const DDNS_OTHER_GUARD_IS_DYNAMIC: u32 = 95;
    pub const RELEASE_ON_ROAM: u32 = 96;
    pub const LOCAL_ADDRESS6: u32 = 97;
    pub const BIND_LOCAL_ADDRESS6: u32 = 98;
}

/// What the command line and the environment decided.
pub struct CommandLine<'a> {
    pub config_file: &'a str,
    pub lease_file: &'a str,
    pub pid_file: &'a str,
    /// `-q`: the three file names are not said.
    pub quiet: bool,
}

/// What is said and done on the way, in order.
pub enum Event {
    Say(Line),
    /// A global `execute` statement: the command and its arguments. ISC runs it on the spot and waits, with `-t` too.
    Execute(Vec<Vec<u8>>),
    /// From here on syslog lines go to this facility; the banner is said to it once more.
    Facility(u8),
}

/// Values of the top level. `None`: not set.
#[derive(Clone, Debug)]
pub struct StartUp {
    pub lease_file: String,
    pub pid_file: String,
    pub omapi_port: Option<u16>,
    pub omapi_key: Option<Name>,
    pub local_port: Option<u16>,
    pub remote_port: Option<u16>,
    pub limited_broadcast: Option<Ipv4Addr>,
    pub local_address: Option<Ipv4Addr>,
    pub local_address6: Option<Ipv6Addr>,
    pub bind_local_address6: bool,
    /// 0 none, 2 interim, 3 standard.
    pub ddns_update_style: u8,
    pub ddns_local_address4: Option<Ipv4Addr>,
    pub ddns_local_address6: Option<Ipv6Addr>,
    pub log_facility: Option<u8>,
    pub delayed_ack: Option<u16>,
    /// Microseconds.
    pub max_ack_delay: Option<u32>,
    pub dont_use_fsync: bool,
    pub server_id_check: bool,
    pub prefix_length_mode: Option<u8>,
    pub abandon_lease_time: u32,
    pub check_secs_byte_order: bool,
    pub release_on_roam: bool,
    /// What global `set` statements left.
    pub variables: Variables,
}

const SERVER_DUID: OptionId = OptionId { space: DHCP6, code: 2 };

/// ISC's default of `abandon-lease-time`: a day.
const ABANDON_LEASE_TIME: u32 = 86_400;

impl Config {
    /// Executes the top level, takes its values and makes the last checks. What is said before the end is said through
    /// `hear`; [`Rejected`] means that the last line said is the reason.
    pub fn start_up(
        &self,
        command_line: &CommandLine,
        hosts: &HostTable,
        now: Wall,
        hear: &mut dyn FnMut(Event),
    ) -> Result<StartUp, Rejected> {
        let mut variables = Variables::default();
        let mut options = OptionState::new();
        let context = Context::bare(&self.spaces, hosts, now);
        let mut outcome = Outcome::default();
        let mut machine = Machine::new(context, &mut variables, &mut options, &mut outcome);
        machine.run(&self.scope(ROOT).statements);
        let overran = machine.overran();
        acts(outcome, hear)?;
        if overran {
            // An option that is its own value: ISC crashes. The reason has been said.
            return Err(Rejected);
        }
        let mut top = TopLevel { context, variables, options, hear };
        let start_up = top.values(self, command_line)?;
        self.last_checks(hear)?;
        Ok(start_up)
    }
}

impl Config {
    /// `option dhcp6.server-id` of the top level, which ISC executes a second time for it, in a v4 server too: what its
    /// statements say is said again.
    pub fn server_duid_option(
        &self,
        variables: &Variables,
        hosts: &HostTable,
        now: Wall,
        hear: &mut dyn FnMut(Event),
    ) -> Result<Option<Vec<u8>>, Rejected> {
        let mut variables = variables.clone();
        let mut options = OptionState::new();
        let mut outcome = Outcome::default();
        let context = Context::bare(&self.spaces, hosts, now);
        let mut machine = Machine::new(context, &mut variables, &mut options, &mut outcome);
        machine.run(&self.scope(ROOT).statements);
        let duid = machine.option_value(SERVER_DUID).map(|value| value.to_vec());
        acts(outcome, hear)?;
        Ok(duid)
    }
}

/// Passes on what statements want said and run.
fn acts(outcome: Outcome, hear: &mut dyn FnMut(Event)) -> Result<(), Rejected> {
    for act in outcome.acts {
        match act {
            Act::Say(line) => hear(Event::Say(line)),
            Act::Execute(words) => hear(Event::Execute(words)),
            // There is no client.
            Act::ClassifyAgain => {}
            Act::Fatal(line) => {
                hear(Event::Say(line));
                return Err(Rejected);
            }
            Act::AddClass(name) => {
                hear(Event::Say(Line::error(message::add_without_packet(&name))));
                return Err(Rejected);
            }
        }
    }
    Ok(())
}

/// The options that the top level has set, and what their values need.
struct TopLevel<'a> {
    context: Context<'a>,
    variables: Variables,
    options: OptionState,
    hear: &'a mut dyn FnMut(Event),
}

impl TopLevel<'_> {
    fn values(&mut self, config: &Config, command_line: &CommandLine) -> Result<StartUp, Rejected> {
        let mut values = StartUp {
            lease_file: command_line.lease_file.to_owned(),
            pid_file: command_line.pid_file.to_owned(),
            omapi_port: None,
            omapi_key: None,
            local_port: None,
            remote_port: None,
            limited_broadcast: None,
            local_address: None,
            local_address6: None,
            bind_local_address6: false,
            ddns_update_style: 0,
            ddns_local_address4: None,
            ddns_local_address6: None,
            log_facility: None,
            delayed_ack: None,
            max_ack_delay: None,
            dont_use_fsync: false,
            server_id_check: false,
            prefix_length_mode: None,
            abandon_lease_time: ABANDON_LEASE_TIME,
            check_secs_byte_order: false,
            release_on_roam: false,
            variables: Variables::default(),
        };
        self.files(config, &mut values)?;
        self.addresses_and_ports(config, &mut values)?;
        self.dns(&mut values)?;
        if !command_line.quiet {
            self.say(Line::info(message::config_file(command_line.config_file)));
            self.say(Line::info(message::database_file(&values.lease_file)));
            self.say(Line::info(message::pid_file(&values.pid_file)));
        }
        self.rest(&mut values)?;
        values.variables = std::mem::take(&mut self.variables);
        Ok(values)
    }

    fn files(&mut self, config: &Config, values: &mut StartUp) -> Result<(), Rejected> {
        self.text(parameter::LEASE_FILE_NAME, &mut values.lease_file)?;
        self.text(parameter::PID_FILE_NAME, &mut values.pid_file)?;
        if config.family == Family::V6 {
            self.text(parameter::DHCPV6_LEASE_FILE_NAME, &mut values.lease_file)?;
            self.text(parameter::DHCPV6_PID_FILE_NAME, &mut values.pid_file)?;
            let address = self.octets::<16>(parameter::LOCAL_ADDRESS6, message::LOCAL_ADDRESS6)?;
            values.local_address6 = address.map(Ipv6Addr::from);
            values.bind_local_address6 = self.flag(parameter::BIND_LOCAL_ADDRESS6)?.unwrap_or(false);
        }
        Ok(())
    }

    fn addresses_and_ports(&mut self, config: &Config, values: &mut StartUp) -> Result<(), Rejected> {
        let port = self.octets(parameter::OMAPI_PORT, message::OMAPI_PORT)?;
        values.omapi_port = port.map(u16::from_be_bytes);
        let mut key = String::new();
        if self.text(parameter::OMAPI_KEY, &mut key)? {
            match config.find_key(&key) {
                Some(found) => values.omapi_key = Some(found.name.clone()),
                None => return self.refuse(message::omapi_key(&key)),
            }
        }
        let port = self.octets(parameter::LOCAL_PORT, message::LOCAL_PORT)?;
        values.local_port = port.map(u16::from_be_bytes);
        let port = self.octets(parameter::REMOTE_PORT, message::REMOTE_PORT)?;
        values.remote_port = port.map(u16::from_be_bytes);
        let address = self.octets::<4>(parameter::LIMITED_BROADCAST_ADDRESS, message::BROADCAST)?;
        values.limited_broadcast = address.map(Ipv4Addr::from);
        let address = self.octets::<4>(parameter::LOCAL_ADDRESS, message::LOCAL_ADDRESS)?;
        values.local_address = address.map(Ipv4Addr::from);
        Ok(())
    }

    fn dns(&mut self, values: &mut StartUp) -> Result<(), Rejected> {
        if let Some([style]) = self.octets(parameter::DDNS_UPDATE_STYLE, message::DNS_STYLE)? {
            values.ddns_update_style = style;
        }
        if values.ddns_update_style == 1 {
            return self.refuse(message::AD_HOC);
        }
        let address = self.value(parameter::DDNS_LOCAL_ADDRESS4)?;
        values.ddns_local_address4 =
            address.and_then(|octets| <[u8; 4]>::try_from(octets).ok()).map(Ipv4Addr::from);
        let address = self.value(parameter::DDNS_LOCAL_ADDRESS6)?;
        values.ddns_local_address6 =
            address.and_then(|octets| <[u8; 16]>::try_from(octets).ok()).map(Ipv6Addr::from);
        // Their values are taken here, and what that says is said here.
        if self.flag(parameter::UPDATE_CONFLICT_DETECTION)?.unwrap_or(true) {
            self.flag(parameter::DDNS_DUAL_STACK_MIXED_MODE)?;
            self.flag(parameter::DDNS_GUARD_ID_MUST_MATCH)?;
            self.flag(parameter::DDNS_OTHER_GUARD_IS_DYNAMIC)?;
        }
        Ok(())
    }

    fn rest(&mut self, values: &mut StartUp) -> Result<(), Rejected> {
        if let Some([facility]) = self.octets(parameter::LOG_FACILITY, message::FACILITY)? {
            values.log_facility = Some(facility);
            (self.hear)(Event::Facility(facility));
        }
        let count = self.octets(parameter::DELAYED_ACK, message::ACK_COUNT)?;
        values.delayed_ack = count.map(u16::from_be_bytes);
        let delay = self.octets(parameter::MAX_ACK_DELAY, message::ACK_DELAY)?;
        values.max_ack_delay = delay.map(u32::from_be_bytes);
        values.dont_use_fsync = self.flag(parameter::DONT_USE_FSYNC)?.unwrap_or(false);
        if values.dont_use_fsync {
            self.say(Line::error(message::NO_FSYNC));
        }
        values.server_id_check = self.flag(parameter::SERVER_ID_CHECK)?.unwrap_or(false);
        if values.server_id_check {
            self.say(Line::info(message::SERVER_ID_CHECK));
        }
        let mode = self.octets::<1>(parameter::PREFIX_LENGTH_MODE, message::PREFIX_MODE)?;
        values.prefix_length_mode = mode.map(|[mode]| mode);
        if let Some(time) = self.octets(parameter::ABANDON_LEASE_TIME, message::ABANDON_TIME)? {
            values.abandon_lease_time = u32::from_be_bytes(time);
        }
        values.check_secs_byte_order = self.flag(parameter::CHECK_SECS_BYTE_ORDER)?.unwrap_or(false);
        values.release_on_roam = self.flag(parameter::RELEASE_ON_ROAM)?.unwrap_or(false);
        Ok(())
    }

    fn say(&mut self, line: Line) {
        (self.hear)(Event::Say(line));
    }

    fn refuse<T>(&mut self, text: impl Into<String>) -> Result<T, Rejected> {
        self.say(Line::error(text));
        Err(Rejected)
    }

    /// An option's value. `config-option` sees nothing here, in ISC neither.
    fn value(&mut self, code: u32) -> Result<Option<Vec<u8>>, Rejected> {
        let Some(setting) = self.options.get(OptionId::server(code)).cloned() else { return Ok(None) };
        if let Some(name) = setting.expression().and_then(|value| self.unknown_host(value)) {
            self.say(Line::error(message::host_unknown(&name)));
        }
        let mut none = OptionState::new();
        let mut outcome = Outcome::default();
        let mut machine = Machine::new(self.context, &mut self.variables, &mut none, &mut outcome);
        let value = machine.setting_value(&setting).map(|data| data.to_vec());
        acts(outcome, self.hear)?;
        Ok(value)
    }

    /// The host name that a value waits for in vain.
    fn unknown_host(&self, value: &Expr) -> Option<Name> {
        match value {
            Expr::HostLookup(name) if is_numeric(name) => None,
            Expr::HostLookup(name) => {
                (!self.context.hosts.addresses.contains_key(name)).then(|| name.clone())
            }
            Expr::Substring(operands) => operands.first().and_then(|data| self.unknown_host(data)),
            _ => None,
        }
    }

    fn text(&mut self, code: u32, place: &mut String) -> Result<bool, Rejected> {
        let value = self.value(code)?;
        if let Some(octets) = &value {
            // A C string ends at its first zero.
            let text = octets.split(|octet| *octet == 0).next().unwrap_or_default();
            *place = text_of(text).into_owned();
        }
        Ok(value.is_some())
    }

    /// A value that must have so many octets.
    fn octets<const N: usize>(&mut self, code: u32, wrong: &str) -> Result<Option<[u8; N]>, Rejected> {
        let Some(value) = self.value(code)? else { return Ok(None) };
        match <[u8; N]>::try_from(value) {
            Ok(octets) => Ok(Some(octets)),
            Err(_) => self.refuse(wrong),
        }
    }

    /// `None`: not set. What is set but neither true nor evaluable is false.
    fn flag(&mut self, code: u32) -> Result<Option<bool>, Rejected> {
        if !self.options.contains(OptionId::server(code)) {
            return Ok(None);
        }
        Ok(Some(self.value(code)?.is_some_and(|octets| octets.first() == Some(&1))))
    }
}

/// A name that inet_aton(3) takes for an address, so that nobody has to be asked: one to four numbers.
fn is_numeric(name: &str) -> bool {
    let parts: Vec<&str> = name.split('.').collect();
    let octets = parts.iter().rev().skip(1).all(|part| part.parse::<u8>().is_ok());
    parts.len() <= 4 && octets && parts.last().is_some_and(|part| part.parse::<u32>().is_ok())
}
