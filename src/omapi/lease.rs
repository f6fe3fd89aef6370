//! Leases: looked up, their state, end, flags and variables set (ledger `omapi.tsv`, "object lease").

use super::codec::{Values, Writer};
use super::handle::{Handles, Object};
use super::message;
use super::result::Code;
use super::world::{Found, World, by_handle, hardware, number};
use crate::clock::Wall;
use crate::config::model::{HostId, PoolId};
use crate::lease::binding::{Binding, State, Value};
use crate::lease::queue::BindingId;
use crate::transition;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// `flags` on the wire.
const BOOTP: u8 = 2;
const RESERVED: u8 = 4;

/// Words that begin a line of a lease record, or are values of their own over OMAPI: no variable can be called so, since the
/// record could not be read back, or would be read as something else. ISC writes them and damages its file.
const NO_VARIABLES: &[&str] = &[
    "lease",
    "starts",
    "ends",
    "tstp",
    "tsfp",
    "atsfp",
    "cltt",
    "uid",
    "hardware",
    "hostname",
    "abandoned",
    "reserved",
    "dynamic-bootp",
    "binding",
    "next",
    "rewind",
    "set",
    "unset",
    "on",
    "billing",
    "option",
    "client-hostname",
    "flags",
    "state",
];

/// Variables of one lease that OMAPI may make it have.
const MOST_VARIABLES: usize = 64;

/// Keys given together must agree.
pub fn look_up(world: &World, handles: &Handles, keys: &Values) -> Found {
    let mut found = match by_handle(handles, keys)? {
        None => None,
        Some(Object::Lease(address)) => Some(address),
        Some(_) => return Err(Code::INVALID_ARGUMENT),
    };
    if let Some(octets) = keys.get("ip-address") {
        let address = <[u8; 4]>::try_from(octets).ok().map(Ipv4Addr::from);
        agree(&mut found, address.filter(|address| world.store.pool_of(*address).is_some()))?;
    }
    if let Some(uid) = keys.get("dhcp-client-identifier") {
        only(world, &mut found, &mut world.store.by_uid(uid))?;
    }
    if let Some(hardware) = hardware(keys)? {
        only(world, &mut found, &mut world.store.by_hardware(&hardware))?;
    }
    found.map(Object::Lease).ok_or(Code::NO_KEYS)
}

/// Of several with one key none is meant.
fn only(
    world: &World,
    found: &mut Option<Ipv4Addr>,
    leases: &mut dyn Iterator<Item = BindingId>,
) -> Result<(), Code> {
    let first = leases.next().map(|id| world.store.get(id).address);
    agree(found, first)?;
    match leases.next() {
        None => Ok(()),
        Some(_) => Err(Code::MULTIPLE),
    }
}

fn agree(found: &mut Option<Ipv4Addr>, one: Option<Ipv4Addr>) -> Result<(), Code> {
    match (*found, one) {
        (Some(known), one) if Some(known) != one => Err(Code::KEY_CONFLICT),
        (_, None) => Err(Code::NOT_FOUND),
        (_, Some(one)) => {
            *found = Some(one);
            Ok(())
        }
    }
}

/// The binding of an address; a never-used one is made for the moment only.
fn with_binding<R>(world: &World, address: Ipv4Addr, use_it: impl FnOnce(&Binding) -> R) -> R {
    match world.store.by_address(address) {
        Some(id) => use_it(world.store.get(id)),
        None => use_it(&Binding::never_used(address)),
    }
}

/// Writes what ISC publishes, in its order.
pub fn put(world: &World, handles: &mut Handles, address: Ipv4Addr, out: &mut Writer) {
    with_binding(world, address, |binding| put_binding(world, handles, binding, out));
}

fn put_binding(world: &World, handles: &mut Handles, binding: &Binding, out: &mut Writer) {
    out.put_u32("state", binding.state as u32);
    out.put(b"ip-address", &binding.address.octets());
    if !binding.uid.is_empty() {
        out.put(b"dhcp-client-identifier", &binding.uid);
    }
    if let Some(name) = binding.client_hostname() {
        out.put(b"client-hostname", name);
    }
    if let Some(id) = host_of(world, binding) {
        let host = world.config.host(id).name.clone();
        out.put_u32("host", handles.number(&Object::Host(host)));
    }
    let subnet = world.config.find_subnet(binding.address);
    out.put_u32("subnet", subnet.map_or(0, |subnet| handles.number(&Object::Subnet(subnet))));
    let pool = world.store.pool_of(binding.address);
    out.put_u32("pool", pool.map_or(0, |pool| handles.number(&Object::Pool(PoolId(pool.0)))));
    let billed = binding.billing().and_then(|billing| {
        let class = world.config.find_class(&billing.class)?;
        match &billing.subclass {
            None => Some(class),
            Some(value) => world.config.find_subclass(class, value),
        }
    });
    if let Some(class) = billed {
        out.put_u32("billing-class", handles.number(&Object::Class(class)));
    }
    if let Some((kind, hardware)) = binding.hardware.split_first() {
        out.put(b"hardware-address", hardware);
        out.put_u32("hardware-type", u32::from(*kind));
    }
    let times = [
        ("ends", binding.ends),
        ("starts", binding.starts),
        ("tstp", binding.tstp),
        ("tsfp", binding.tsfp()),
        ("atsfp", binding.atsfp()),
        ("cltt", binding.cltt),
    ];
    for (name, time) in times {
        out.put_u32(name, time as u32);
    }
    out.put(b"flags", &[flags(binding)]);
    for (name, value) in binding.variables() {
        match value {
            Value::Data(octets) => out.put(name.as_bytes(), octets),
            Value::Number(number) => out.put_u32(name, *number as u32),
            Value::Boolean(value) => out.put_u32(name, u32::from(*value)),
            Value::Null | Value::Hollow | Value::Function(_) => {}
        }
    }
}

fn flags(binding: &Binding) -> u8 {
    (if binding.bootp { BOOTP } else { 0 }) | (if binding.reserved { RESERVED } else { 0 })
}

/// The host that a lease in use was given for: found by the client identifier, else by the hardware address, and without a
/// fixed address.
fn host_of(world: &World, binding: &Binding) -> Option<HostId> {
    let hosts = &world.config.hosts;
    if binding.state != State::Active {
        return None;
    }
    let floating = |head: HostId| {
        let mut chain = hosts.chain(head);
        chain.find(|(_, host)| host.fixed_addresses.is_none()).map(|(id, _)| id)
    };
    let by_uid = hosts.by_client_identifier(&binding.uid).filter(|_| !binding.uid.is_empty());
    by_uid.and_then(floating).or_else(|| hosts.by_hardware(&binding.hardware).and_then(floating))
}

/// Sets one value.
pub fn set(world: &mut World, address: Ipv4Addr, name: &[u8], value: Option<&[u8]>) -> Result<(), Code> {
    match name {
        b"state" => set_state(world, address, number(value)?),
        b"ends" => set_end(world, address, number(value)?),
        b"flags" => set_flags(world, address, value),
        b"ip-address" | b"pool" | b"starts" => Err(Code::NO_PERMISSION),
        b"subnet" => Err(Code::INVALID_ARGUMENT),
        b"dhcp-client-identifier"
        | b"hostname"
        | b"client-hostname"
        | b"host"
        | b"billing-class"
        | b"hardware-address"
        | b"hardware-type" => Err(Code::UNCHANGED),
        _ => set_variable(world, address, name, value),
    }
}

fn binding(world: &mut World, address: Ipv4Addr) -> Result<BindingId, Code> {
    world.store.materialise(address).ok_or(Code::NOT_FOUND)
}

fn set_state(world: &mut World, address: Ipv4Addr, wanted: u32) -> Result<(), Code> {
    let state = u8::try_from(wanted).ok().and_then(State::from_number).ok_or(Code::INVALID_ARGUMENT)?;
    let old = with_binding(world, address, |binding| binding.state);
    if old == state {
        return Err(Code::UNCHANGED);
    }
    let id = binding(world, address)?;
    let (store, mut around) = world.around();
    transition::step_to(store, id, state, &mut around);
    world.say(message::state_changed(address, old.name(), state.name()));
    Ok(())
}

/// A lease in use that is to end later goes on; ISC frees its address at once.
fn set_end(world: &mut World, address: Ipv4Addr, end: u32) -> Result<(), Code> {
    let id = binding(world, address)?;
    let old = world.store.get(id).ends;
    let (store, mut around) = world.around();
    transition::set_end(store, id, Wall::from(end), &mut around);
    world.say(message::end_changed(address, old, Wall::from(end)));
    Ok(())
}

/// One octet, or the number that omshell sends.
fn set_flags(world: &mut World, address: Ipv4Addr, value: Option<&[u8]>) -> Result<(), Code> {
    let new = match value {
        Some([flags]) => *flags,
        other => number(other)? as u8,
    } & (BOOTP | RESERVED);
    let old = with_binding(world, address, flags);
    if old == new {
        return Err(Code::UNCHANGED);
    }
    let id = binding(world, address)?;
    let (store, mut around) = world.around();
    transition::set_flags(store, id, new & RESERVED != 0, new & BOOTP != 0, &mut around);
    world.say(message::flags_changed(address, old, new));
    Ok(())
}

fn set_variable(world: &mut World, address: Ipv4Addr, name: &[u8], value: Option<&[u8]>) -> Result<(), Code> {
    let name = std::str::from_utf8(name).map_err(|_| Code::INVALID_ARGUMENT)?;
    let known =
        with_binding(world, address, |binding| (binding.variable(name).is_some(), binding.variables().len()));
    match (value, known) {
        (None, (false, _)) => return Err(Code::UNKNOWN_ATTRIBUTE),
        (Some(_), (false, _)) if !is_variable_name(name) => return Err(Code::INVALID_ARGUMENT),
        (Some(_), (false, MOST_VARIABLES..)) => return Err(Code::INVALID_ARGUMENT),
        _ => {}
    }
    let value = value.map_or(Value::Null, |octets| Value::Data(Arc::from(octets)));
    write_variable(world, address, name, value)
}

/// Under which number the client that has changed the lease knows it.
pub fn set_remote_handle(world: &mut World, address: Ipv4Addr, handle: u32) -> Result<(), Code> {
    write_variable(world, address, "remote-handle", Value::Number(i64::from(handle as i32)))
}

fn write_variable(world: &mut World, address: Ipv4Addr, name: &str, value: Value) -> Result<(), Code> {
    let id = binding(world, address)?;
    world.store.amend(id, |binding| binding.set_variable(&name.into(), value));
    let (store, mut around) = world.around();
    transition::record(store, id, &mut around);
    Ok(())
}

/// A word that the lease file's reader takes for the name of a variable.
fn is_variable_name(name: &str) -> bool {
    let mut letters = name.bytes();
    let begins = letters.next().is_some_and(|letter| letter.is_ascii_alphabetic() || letter == b'_');
    begins
        && name.len() <= 64
        && letters.all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_'))
        && !NO_VARIABLES.iter().any(|word| word.eq_ignore_ascii_case(name))
}
