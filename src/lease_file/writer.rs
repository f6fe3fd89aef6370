//! Records as ISC dhcpd writes them, octet for octet: order of the fields, formats, escapes.

use super::date::Civil;
use super::{FailoverRecord, PeerState};
use crate::clock::{NEVER, Wall};
use crate::eval::ast::{Block, Name, Statement};
use crate::eval::{pretty, print};
use crate::lease::binding::{Billing, Binding, Value};
use crate::option::definition::{AGENT, Definition, OptionId};
use crate::option::space::Spaces;
use std::io::Write as _;
use std::net::Ipv4Addr;

/// What the configuration says about the form.
#[derive(Clone, Copy)]
pub struct Format<'a> {
    /// `lease-id-format hex`
    pub hexadecimal: bool,
    /// `db-time-format local`: seconds east of UTC at a moment. None: UTC dates.
    pub local: Option<&'a dyn Fn(Wall) -> i32>,
    pub spaces: &'a Spaces,
}

/// Names of the states a failover peer can be in.
pub const FAILOVER_STATES: [&str; 13] = [
    "unknown-state",
    "partner-down",
    "normal",
    "communications-interrupted",
    "resolution-interrupted",
    "potential-conflict",
    "recover",
    "recover-done",
    "shutdown",
    "paused",
    "startup",
    "recover-wait",
    "conflict-done",
];

/// The first lines of a rewritten file.
pub fn header(out: &mut Vec<u8>, version: &str) {
    let order = if cfg!(target_endian = "big") { "big-endian" } else { "little-endian" };
    put(
        out,
        format_args!(
            "# The format of this file is documented in the dhcpd.leases(5) manual page.\n\
             # This lease file was written by dhcpd-rs-{version} (isc-dhcp-4.4.3-P1 compatible)\n\n\
             # authoring-byte-order entry is generated, DO NOT DELETE\n\
             authoring-byte-order {order};\n\n"
        ),
    );
}

fn put(out: &mut Vec<u8>, arguments: std::fmt::Arguments) {
    // A vector takes everything.
    let _ = out.write_fmt(arguments);
}

fn two(out: &mut Vec<u8>, value: u8) {
    out.extend_from_slice(&[b'0' + value / 10 % 10, b'0' + value % 10]);
}

/// A date and its semicolon. A negative one cannot be written: false.
pub fn date(out: &mut Vec<u8>, when: Wall, format: &Format) -> bool {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    if when == NEVER {
        out.extend_from_slice(b"never;");
        return true;
    }
    if when < 0 {
        return false;
    }
    if let Some(local) = format.local {
        let c = Civil::from_seconds(when.saturating_add(i64::from(local(when))));
        let day = DAYS.get(usize::from(c.weekday)).unwrap_or(&"");
        let month = MONTHS.get(usize::from(c.month).wrapping_sub(1)).unwrap_or(&"");
        put(out, format_args!("epoch {when}; # {day} {month} {:02} ", c.day));
        put(out, format_args!("{:02}:{:02}:{:02} {}", c.hour, c.minute, c.second, c.year));
        return true;
    }
    let c = Civil::from_seconds(when);
    out.extend_from_slice(&[b'0' + c.weekday, b' ']);
    if let Some(rest) = u16::try_from(c.year).ok().filter(|year| (1000..10_000).contains(year)) {
        two(out, (rest / 100) as u8);
        two(out, (rest % 100) as u8);
    } else {
        put(out, format_args!("{}", c.year));
    }
    for (separator, value) in
        [(b'/', c.month), (b'/', c.day), (b' ', c.hour), (b':', c.minute), (b':', c.second)]
    {
        out.push(separator);
        two(out, value);
    }
    out.push(b';');
    true
}

/// Inside double quotes: octal escapes for what is not printable ASCII.
pub fn quoted(out: &mut Vec<u8>, octets: &[u8]) {
    out.push(b'"');
    for &octet in octets {
        match octet {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', octet]),
            b' '..=b'~' => out.push(octet),
            _ => {
                let digit = |shift: u8| b'0' + (octet >> shift & 7);
                out.extend_from_slice(&[b'\\', digit(6), digit(3), digit(0)]);
            }
        }
    }
    out.push(b'"');
}

/// Two digits an octet, joined by colons.
pub fn hexadecimal(out: &mut Vec<u8>, octets: &[u8]) {
    let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' + value - 10 };
    for (index, &octet) in octets.iter().enumerate() {
        if index > 0 {
            out.push(b':');
        }
        out.extend_from_slice(&[digit(octet >> 4), digit(octet & 15)]);
    }
}

/// A client identifier, as `lease-id-format` wants it.
pub fn identifier(out: &mut Vec<u8>, octets: &[u8], format: &Format) {
    if format.hexadecimal {
        hexadecimal(out, octets);
    } else {
        quoted(out, octets);
    }
}

fn is_printable(octets: &[u8]) -> bool {
    octets.iter().all(|octet| matches!(octet, b' '..=b'~' if !matches!(octet, b'"' | b'\\')))
}

fn hardware(out: &mut Vec<u8>, hardware: &[u8]) {
    let Some((kind, address)) = hardware.split_first() else { return };
    out.extend_from_slice(b"\n  hardware ");
    match kind {
        1 => out.extend_from_slice(b"ethernet"),
        6 => out.extend_from_slice(b"token-ring"),
        8 => out.extend_from_slice(b"fddi"),
        32 => out.extend_from_slice(b"infiniband"),
        _ => put(out, format_args!("unknown-{kind}")),
    }
    out.push(b' ');
    hexadecimal(out, address);
    out.push(b';');
}

fn billing(out: &mut Vec<u8>, billing: &Billing) {
    match &billing.subclass {
        None => put(out, format_args!("\n  billing class \"{}\";", billing.class)),
        Some(value) => {
            put(out, format_args!("\n  billing subclass \"{}\"", billing.class));
            class_value(out, value);
            out.push(b';');
        }
    }
}

/// The value of a subclass. ISC leaves quotes and backslashes inside a string as they are and then cannot read the record;
/// such a value is written in hexadecimal.
pub fn class_value(out: &mut Vec<u8>, value: &[u8]) {
    out.push(b' ');
    if is_printable(value) {
        out.push(b'"');
        out.extend_from_slice(value);
        out.push(b'"');
    } else {
        hexadecimal(out, value);
    }
}

/// `set` variables.
pub fn variables(out: &mut Vec<u8>, variables: &[(Name, Value)], before: &str) {
    for (name, value) in variables.iter().filter(|(_, value)| value.is_written()) {
        put(out, format_args!("{before}set {name} = "));
        match value {
            Value::Data(octets) => quoted(out, octets),
            Value::Number(number) => put(out, format_args!("%{number}")),
            Value::Boolean(value) => put(out, format_args!("{value}")),
            Value::Null | Value::Hollow | Value::Function(_) => {}
        }
        out.push(b';');
    }
}

fn on(out: &mut Vec<u8>, event: &str, block: &Block, spaces: &Spaces) {
    put(out, format_args!("\n  on {event} {{"));
    print::statements(out, block, 4, spaces);
    out.extend_from_slice(b"\n  }");
}

fn on_statements(out: &mut Vec<u8>, binding: &Binding, spaces: &Spaces) {
    let rare = binding.rare();
    match (&rare.on_expiry, &rare.on_release) {
        (Some(expiry), Some(release)) if std::sync::Arc::ptr_eq(expiry, release) => {
            on(out, "expiry or release", expiry, spaces);
        }
        (expiry, release) => {
            if let Some(block) = expiry {
                on(out, "expiry", block, spaces);
            }
            if let Some(block) = release {
                on(out, "release", block, spaces);
            }
        }
    }
}

fn agent_options(out: &mut Vec<u8>, mut options: &[u8], spaces: &Spaces) {
    while let [code, length, rest @ ..] = options {
        let (value, rest) = rest.split_at_checked(usize::from(*length)).unwrap_or((rest, &[]));
        if !value.is_empty() {
            out.extend_from_slice(b"\n  option agent.");
            agent_option(out, *code, value, spaces);
            out.push(b';');
        }
        options = rest;
    }
}

fn agent_option(out: &mut Vec<u8>, code: u8, value: &[u8], spaces: &Spaces) {
    let id = OptionId { space: AGENT, code: code.into() };
    let unknown;
    let definition = match spaces.by_code(id) {
        Some(definition) => definition.as_ref(),
        None => {
            unknown = Definition { id, name: spaces.option_name(id), format: "X".into() };
            &unknown
        }
    };
    out.extend_from_slice(definition.name.as_bytes());
    out.push(b' ');
    pretty::option_value(out, definition, value, pretty::Style::READABLE, &mut |_| {});
}

/// A lease record. Billing is written only while the lease lasts at `now`.
pub fn lease(out: &mut Vec<u8>, binding: &Binding, now: Wall, format: &Format) {
    out.extend_from_slice(b"lease ");
    address(out, binding.address);
    out.extend_from_slice(b" {");
    for (name, when) in [
        (&b"\n  starts "[..], binding.starts),
        (b"\n  ends ", binding.ends),
        (b"\n  tstp ", binding.tstp),
        (b"\n  tsfp ", binding.tsfp()),
        (b"\n  atsfp ", binding.atsfp()),
        (b"\n  cltt ", binding.cltt),
    ] {
        if when != 0 {
            let mark = out.len();
            out.extend_from_slice(name);
            if !date(out, when, format) {
                out.truncate(mark);
            }
        }
    }
    let mut state = |before: &str, state: crate::lease::binding::State| {
        out.extend_from_slice(before.as_bytes());
        out.extend_from_slice(b"binding state ");
        out.extend_from_slice(state.name().as_bytes());
        out.push(b';');
    };
    state("\n  ", binding.state);
    if binding.next_state != binding.state {
        state("\n  next ", binding.next_state);
    }
    if binding.rewind_state != binding.state {
        state("\n  rewind ", binding.rewind_state);
    }
    if binding.reserved {
        out.extend_from_slice(b"\n  reserved;");
    }
    if binding.bootp {
        out.extend_from_slice(b"\n  dynamic-bootp;");
    }
    if let Some(class) = binding.billing()
        && binding.ends > now
    {
        billing(out, class);
    }
    hardware(out, &binding.hardware);
    if !binding.uid.is_empty() {
        out.extend_from_slice(b"\n  uid ");
        identifier(out, &binding.uid, format);
        out.push(b';');
    }
    variables(out, binding.variables(), "\n  ");
    agent_options(out, binding.agent_options(), format.spaces);
    if let Some(name) = binding.client_hostname().filter(|name| is_printable(name)) {
        out.extend_from_slice(b"\n  client-hostname ");
        quoted(out, name);
        out.push(b';');
    }
    on_statements(out, binding, format.spaces);
    out.extend_from_slice(b"\n}\n");
}

fn address(out: &mut Vec<u8>, address: Ipv4Addr) {
    for (index, octet) in address.octets().into_iter().enumerate() {
        if index > 0 {
            out.push(b'.');
        }
        if octet >= 100 {
            out.push(b'0' + octet / 100);
        }
        if octet >= 10 {
            out.push(b'0' + octet / 10 % 10);
        }
        out.push(b'0' + octet % 10);
    }
}

/// `server-duid`, written at every start.
pub fn server_duid(out: &mut Vec<u8>, duid: &[u8], format: &Format) {
    out.extend_from_slice(b"server-duid ");
    identifier(out, duid, format);
    out.extend_from_slice(b";\n\n");
}

/// The state of a failover peer. `mclt` is what a secondary has learnt.
pub fn failover_state(out: &mut Vec<u8>, record: &FailoverRecord, format: &Format) {
    put(out, format_args!("\nfailover peer \"{}\" state {{", record.name));
    let unknown = PeerState { state: "unknown-state", since: 0 };
    for (who, state) in [("my", record.my), ("partner", record.partner)] {
        let state = state.unwrap_or(unknown);
        put(out, format_args!("\n  {who} state {} at ", state.state));
        date(out, state.since.max(0), format);
    }
    if let Some(mclt) = record.mclt {
        put(out, format_args!("\n  mclt {mclt};"));
    }
    out.extend_from_slice(b"\n}\n");
}

/// A host declaration that came from the lease file or over OMAPI, or the mark that a declared one is deleted.
#[derive(Clone, Copy, Debug, Default)]
pub struct HostRecord<'a> {
    pub name: &'a str,
    pub dynamic: bool,
    pub deleted: bool,
    /// Type octet first; empty: none.
    pub hardware: &'a [u8],
    /// Empty: none.
    pub uid: &'a [u8],
    /// None: no `fixed-address`.
    pub fixed_addresses: Option<&'a [Ipv4Addr]>,
    pub group: Option<&'a str>,
    /// Those of its own scope.
    pub statements: &'a [Statement],
}

/// False, and nothing written, when the name cannot be.
pub fn host(out: &mut Vec<u8>, host: &HostRecord, spaces: &Spaces) -> bool {
    if !is_printable(host.name.as_bytes()) {
        return false;
    }
    put(out, format_args!("host {} {{", host.name));
    if host.dynamic {
        out.extend_from_slice(b"\n  dynamic;");
    }
    if host.deleted {
        out.extend_from_slice(b"\n  deleted;");
    } else {
        hardware(out, host.hardware);
        if !host.uid.is_empty() {
            out.extend_from_slice(b"\n  uid");
            class_value(out, host.uid);
            out.push(b';');
        }
        if let Some(addresses) = host.fixed_addresses {
            out.extend_from_slice(b"\n  fixed-address ");
            for (index, one) in addresses.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                address(out, *one);
            }
            out.push(b';');
        }
        if let Some(group) = host.group {
            put(out, format_args!("\n  group \"{group}\";"));
        }
        print::statements(out, host.statements, 8, spaces);
    }
    out.extend_from_slice(b"\n}\n");
    true
}

/// A named group that came from the lease file or over OMAPI, or the mark that a declared one is deleted.
#[derive(Clone, Copy, Debug, Default)]
pub struct GroupRecord<'a> {
    pub name: &'a str,
    pub dynamic: bool,
    pub fixed: bool,
    pub deleted: bool,
    pub statements: &'a [Statement],
}

/// False, and nothing written, when the name cannot be.
pub fn group(out: &mut Vec<u8>, group: &GroupRecord, spaces: &Spaces) -> bool {
    if !is_printable(group.name.as_bytes()) {
        return false;
    }
    put(out, format_args!("group {} {{", group.name));
    for (flag, word) in [(group.dynamic, "dynamic"), (group.fixed, "static"), (group.deleted, "deleted")] {
        if flag {
            put(out, format_args!("\n  {word};"));
        }
    }
    if !group.deleted {
        print::statements(out, group.statements, 8, spaces);
    }
    out.extend_from_slice(b"\n}\n");
    true
}
