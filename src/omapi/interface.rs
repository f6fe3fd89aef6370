//! Interfaces: looked up, made, renamed, closed (`dhcp_interface_*` of the real program). One that is made serves nobody, and is
//! gone once it has been answered. One that is removed serves nobody any more, and can still be found.

use super::codec::Values;
use super::handle::{Handles, Object};
use super::result::Code;
use super::world::{Found, World, by_handle};

/// Octets of a name, at most: the kernel's.
const MOST_NAME: usize = 15;

/// The interfaces that are served when the server starts, as OMAPI knows them.
#[derive(Clone, Debug, Default)]
pub struct Interfaces {
    pub names: Vec<Vec<u8>>,
    /// Places of those that were removed, in order.
    pub closed: Vec<usize>,
}

/// Keys given together must agree.
pub fn look_up(world: &World, handles: &Handles, keys: &Values) -> Found {
    let found = match by_handle(handles, keys)? {
        None => None,
        Some(Object::Interface(at)) => Some(at),
        Some(_) => return Err(Code::INVALID_ARGUMENT),
    };
    let Some(name) = keys.get("name") else { return found.map(Object::Interface).ok_or(Code::NO_KEYS) };
    let at = world.interfaces.names.iter().position(|interface| interface == name);
    match (found, at) {
        (Some(found), at) if Some(found) != at => Err(Code::KEY_CONFLICT),
        (_, Some(at)) => Ok(Object::Interface(at)),
        (_, None) => Err(Code::NOT_FOUND),
    }
}

/// Its name, the only value that can be set: the last one that is said; none is when another value is.
pub fn name_of(values: &Values) -> Result<&[u8], Code> {
    let mut last = Err(Code::INVALID_ARGUMENT);
    for (name, value) in values.iter() {
        match (name, value) {
            (b"name", Some(name)) if name.len() <= MOST_NAME => last = Ok(name),
            (b"name", _) => return Err(Code::INVALID_ARGUMENT),
            _ => return Err(Code::NOT_FOUND),
        }
    }
    last
}

pub fn update(world: &mut World, at: usize, values: &Values) -> Result<(), Code> {
    let name = name_of(values)?;
    if let Some(known) = world.interfaces.names.get_mut(at) {
        *known = name.to_vec();
    }
    Ok(())
}

pub fn remove(world: &mut World, at: usize) -> Result<(), Code> {
    if world.interfaces.closed.contains(&at) {
        return Err(Code::NOT_FOUND);
    }
    world.interfaces.closed.push(at);
    Ok(())
}
