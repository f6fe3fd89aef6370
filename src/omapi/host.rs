//! Hosts: looked up, made, changed, removed (ledger `omapi.tsv`, "object host").
//!
//! All values of a message are put together first and take effect together: one that is refused leaves the host as it was, in
//! memory as in the lease file. ISC keeps what came before it, in memory only.

use super::codec::{Values, Writer};
use super::handle::{Handles, Object};
use super::result::Code;
use super::world::{Found, World, by_handle, hardware, number};
use crate::config::change::{HostDraft, is_host_name};
use crate::config::model::{FixedAddresses, Host, HostId};
use crate::eval::ast::{Expr, Name};
use crate::transition::load::declarations;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Octets of a hardware address, and of fixed addresses.
const MOST_HARDWARE: usize = 20;
const MOST_ADDRESSES: usize = 4096;

/// Keys given together must agree.
pub fn look_up(world: &World, handles: &Handles, keys: &Values) -> Found {
    let hosts = &world.config.hosts;
    let mut found = match by_handle(handles, keys)? {
        None => None,
        Some(Object::Host(name)) => hosts.by_name(&name),
        Some(_) => return Err(Code::INVALID_ARGUMENT),
    };
    if let Some(uid) = keys.get("dhcp-client-identifier") {
        agree(&mut found, hosts.by_client_identifier(uid))?;
    }
    if let Some(hardware) = hardware(keys)? {
        agree(&mut found, hosts.by_hardware(&hardware))?;
    }
    if let Some(address) = keys.get("ip-address") {
        by_lease(world, &mut found, address)?;
    }
    if let Some(name) = keys.get("name") {
        let name = std::str::from_utf8(name).unwrap_or_default();
        agree(&mut found, hosts.by_name(name))?;
    }
    let id = found.ok_or(Code::NO_KEYS)?;
    Ok(Object::Host(world.config.host(id).name.clone()))
}

fn agree(found: &mut Option<HostId>, one: Option<HostId>) -> Result<(), Code> {
    match (*found, one) {
        (Some(known), one) if Some(known) != one => Err(Code::KEY_CONFLICT),
        (_, None) => Err(Code::NOT_FOUND),
        (_, Some(one)) => {
            *found = Some(one);
            Ok(())
        }
    }
}

/// The host that has the hardware address of the client that leases an address. What does not lead to a host is overlooked
/// once another key has.
fn by_lease(world: &World, found: &mut Option<HostId>, address: &[u8]) -> Result<(), Code> {
    let address = <[u8; 4]>::try_from(address).ok().map(Ipv4Addr::from);
    let lease = address.and_then(|address| world.store.by_address(address));
    let host = lease.and_then(|id| world.config.hosts.by_hardware(&world.store.get(id).hardware));
    match (*found, host) {
        (Some(known), Some(host)) if known != host => Err(Code::KEY_CONFLICT),
        (None, None) => Err(Code::NOT_FOUND),
        (None, host) => {
            *found = host;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Writes what ISC publishes, in its order.
pub fn put(world: &World, name: &Name, out: &mut Writer) {
    let Some(id) = world.config.hosts.by_name(name) else { return };
    let host = world.config.host(id);
    if let Some(addresses) = fixed_addresses(world, host) {
        out.put(b"ip-address", &addresses);
    }
    if let Some(uid) = &host.client_identifier {
        out.put(b"dhcp-client-identifier", uid);
    }
    out.put(b"name", host.name.as_bytes());
    if let Some((kind, address)) = host.hardware.as_ref().and_then(|hardware| hardware.0.split_first()) {
        out.put(b"hardware-address", address);
        out.put_u32("hardware-type", u32::from(*kind));
    }
}

fn fixed_addresses(world: &World, host: &Host) -> Option<Arc<[u8]>> {
    match host.fixed_addresses.as_ref()? {
        FixedAddresses::One(address) => Some(Arc::from(address.octets())),
        FixedAddresses::Expression(expression) => match &**expression {
            Expr::HostLookup(name) => world.hosts.addresses.get(name).cloned(),
            expression => world.config.constant(expression).0,
        },
    }
}

/// Sets all of a message's values; on a draft that comes to be a host, or on one that is there. Gives its name.
pub fn update(world: &mut World, name: Option<&Name>, values: &Values) -> Result<Name, Code> {
    let known = name.and_then(|name| world.config.hosts.by_name(name));
    let mut draft = match known {
        Some(id) => world.config.draft_of(id),
        None if name.is_some() => return Err(Code::NOT_FOUND),
        None => HostDraft::new(),
    };
    // ISC takes these, and writes what it cannot read back: they are refused when nothing else is wrong.
    let mut can_be_kept = true;
    for (name, value) in values.iter() {
        can_be_kept &= set(world, &mut draft, name, value)?;
    }
    enter(world, draft, known, can_be_kept)
}

/// False: set, but the lease file cannot keep it.
fn set(world: &mut World, draft: &mut HostDraft, name: &[u8], value: Option<&[u8]>) -> Result<bool, Code> {
    match name {
        b"name" if draft.name.is_some() => Err(Code::EXISTS),
        b"name" => {
            let name = std::str::from_utf8(value.ok_or(Code::INVALID_ARGUMENT)?).unwrap_or_default();
            draft.name = Some(name.into());
            Ok(is_host_name(name))
        }
        b"group" => {
            let name = std::str::from_utf8(value.ok_or(Code::INVALID_ARGUMENT)?).unwrap_or_default();
            let (name, _) = world.config.groups.get_key_value(name).ok_or(Code::NOT_FOUND)?;
            draft.named_group = Some(name.clone());
            draft.statements = None;
            Ok(true)
        }
        b"hardware-address" if draft.has_hardware_address() => Err(Code::EXISTS),
        b"hardware-address" => match value {
            Some(address) if address.len() <= MOST_HARDWARE => {
                draft.hardware.0.extend_from_slice(address);
                Ok(true)
            }
            _ => Err(Code::INVALID_ARGUMENT),
        },
        b"hardware-type" => {
            let kind = number(value)? as u8;
            draft.hardware.0.iter_mut().take(1).for_each(|first| *first = kind);
            Ok(true)
        }
        b"dhcp-client-identifier" if draft.client_identifier.is_some() => Err(Code::EXISTS),
        b"dhcp-client-identifier" => {
            draft.client_identifier = Some(Arc::from(value.ok_or(Code::INVALID_ARGUMENT)?));
            Ok(true)
        }
        b"ip-address" => {
            draft.fixed_addresses = value.and_then(addresses);
            Ok(value.is_none() || draft.fixed_addresses.is_some())
        }
        b"statements" => statements(world, draft, value).map(|()| true),
        // Legitimate, and without effect in ISC too.
        b"known" => Ok(true),
        _ => Err(Code::UNKNOWN_ATTRIBUTE),
    }
}

/// At least one address: of less ISC makes a record that it cannot read back. Octets beyond whole addresses are not written.
fn addresses(octets: &[u8]) -> Option<FixedAddresses> {
    match octets.as_chunks::<4>() {
        ([one], []) => Some(FixedAddresses::One(Ipv4Addr::from(*one))),
        ([_, ..], _) if octets.len() <= MOST_ADDRESSES => {
            Some(FixedAddresses::Expression(Box::new(Expr::Const(Arc::from(octets)))))
        }
        _ => None,
    }
}

fn statements(world: &mut World, draft: &mut HostDraft, value: Option<&[u8]>) -> Result<(), Code> {
    if draft.statements.as_ref().is_some_and(|statements| !statements.is_empty()) {
        return Err(Code::EXISTS);
    }
    let text = value.ok_or(Code::INVALID_ARGUMENT)?;
    draft.statements = Some(super::group::read_statements(world, text)?);
    Ok(())
}

fn enter(
    world: &mut World,
    mut draft: HostDraft,
    known: Option<HostId>,
    can_be_kept: bool,
) -> Result<Name, Code> {
    if !draft.has_hardware_address() && draft.client_identifier.is_none() {
        return Err(Code::INVALID_ARGUMENT);
    }
    let now = world.now;
    let made = world.journal.sequence();
    let name = draft.name.get_or_insert_with(|| format!("nh{now:08x}{made:08x}").into()).clone();
    match known {
        None if world.config.hosts.by_name(&name).is_some() => return Err(Code::EXISTS),
        _ if !can_be_kept => return Err(Code::INVALID_ARGUMENT),
        None => {}
        // ISC takes it back, in the file too, and enters it again.
        Some(id) => {
            let mut gone = world.config.host(id).clone();
            gone.provenance.deleted = true;
            if let Some(record) = declarations::host(world.config, &gone) {
                world.append(&record);
            }
        }
    }
    let mut lines = Vec::new();
    let entered = world.config_mut().enter_host(draft, &mut |line| lines.push(line));
    lines.into_iter().for_each(|line| world.say(line));
    let id = entered.ok_or(Code::EXISTS)?;
    let record = declarations::host(world.config, world.config.host(id)).ok_or(Code::IO_ERROR)?;
    match record.dynamic {
        true => world.declare(record),
        // A host of the configuration: its change is in the file until the next rewrite, as in ISC.
        false => world.append(&record),
    }
    Ok(name)
}

pub fn remove(world: &mut World, name: &Name) -> Result<(), Code> {
    let Some(id) = world.config.hosts.by_name(name) else { return Ok(()) };
    let mut gone = world.config.host(id).clone();
    gone.provenance.deleted = true;
    world.config_mut().remove_host(name);
    if let Some(record) = declarations::host(world.config, &gone) {
        world.take_back(record, gone.provenance.fixed);
    }
    Ok(())
}
