//! Named groups: looked up, made, removed (ledger `omapi.tsv`, "object group").

use super::codec::{Values, Writer};
use super::handle::{Handles, Object};
use super::result::Code;
use super::world::{Found, World, by_handle};
use crate::config::change::is_group_name;
use crate::config::model::Provenance;
use crate::eval::ast::{Name, Statement};
use crate::lease_file::DeclarationKind;
use crate::transition::load::declarations;

/// Octets of a `statements` value.
const MOST_TEXT: usize = 1 << 16;

pub fn look_up(world: &World, handles: &Handles, keys: &Values) -> Found {
    let found = match by_handle(handles, keys)? {
        None => None,
        Some(Object::Group(name)) => Some(name),
        Some(_) => return Err(Code::INVALID_ARGUMENT),
    };
    let Some(name) = keys.get("name") else { return found.map(Object::Group).ok_or(Code::NO_KEYS) };
    let name = std::str::from_utf8(name).unwrap_or_default();
    match (found, world.config.groups.get_key_value(name)) {
        (Some(found), Some((name, _))) if found != *name => Err(Code::KEY_CONFLICT),
        (_, Some((name, _))) => Ok(Object::Group(name.clone())),
        (Some(found), None) => Ok(Object::Group(found)),
        (None, None) => Err(Code::NOT_FOUND),
    }
}

pub fn put(name: &Name, out: &mut Writer) {
    out.put(b"name", name.as_bytes());
}

/// Sets all of a message's values. What is there has everything already.
pub fn update(world: &mut World, name: Option<&Name>, values: &Values) -> Result<Name, Code> {
    let (mut new, mut statements) = (None, None);
    // ISC takes what it cannot read back, names as well as no statements, without any of which its reader takes the record after it
    // for part of the group: refused when nothing else is wrong.
    let mut can_be_kept = true;
    for (value_name, value) in values.iter() {
        match value_name {
            b"name" if name.is_some() || new.is_some() => return Err(Code::EXISTS),
            b"name" => {
                let text = std::str::from_utf8(value.unwrap_or_default()).unwrap_or_default();
                can_be_kept &= is_group_name(text);
                new = Some(Name::from(text));
            }
            b"statements" if statements.is_some() || has_statements(world, name) => return Err(Code::EXISTS),
            b"statements" => {
                let read = read_statements(world, value.ok_or(Code::INVALID_ARGUMENT)?)?;
                can_be_kept &= !read.is_empty();
                statements = Some(read);
            }
            _ => return Err(Code::NOT_FOUND),
        }
    }
    if !can_be_kept {
        return Err(Code::INVALID_ARGUMENT);
    }
    if let (Some(name), None) = (name, &statements) {
        return rewrite(world, name);
    }
    let statements = statements.ok_or(Code::INVALID_ARGUMENT)?;
    let (now, made) = (world.now, world.journal.sequence());
    let name = name.cloned().or(new).unwrap_or_else(|| format!("ng{now:08x}{made:08x}").into());
    world.config_mut().enter_group(name.clone(), statements);
    rewrite(world, &name)
}

fn has_statements(world: &World, name: Option<&Name>) -> bool {
    let group = name.and_then(|name| world.config.groups.get(name));
    group.is_some_and(|group| !world.config.scope(group.scope).statements.is_empty())
}

/// Writes its record.
fn rewrite(world: &mut World, name: &Name) -> Result<Name, Code> {
    let group = world.config.groups.get(name).ok_or(Code::NOT_FOUND)?;
    let is_dynamic = group.provenance.dynamic;
    let record = declarations::group(world.config, name).ok_or(Code::IO_ERROR)?;
    match is_dynamic {
        true => world.declare(record),
        false => world.append(&record),
    }
    Ok(name.clone())
}

/// A group of the configuration that is removed comes back with the next start, unless the file says otherwise.
pub fn remove(world: &mut World, name: &Name) -> Result<(), Code> {
    let Some(group) = world.config.groups.get(name).cloned() else { return Ok(()) };
    if let Some(group) = world.config_mut().groups.get_mut(name) {
        group.provenance = Provenance { deleted: true, ..group.provenance };
    }
    let record = declarations::group(world.config, name);
    world.config_mut().remove_group(name);
    if let Some(record) = record {
        world.append(&record);
    }
    if group.provenance.dynamic {
        world.kept.declared.remove(DeclarationKind::Group, name, None);
    }
    Ok(())
}

/// Configuration text, as far as it has statements.
pub fn read_statements(world: &mut World, text: &[u8]) -> Result<Vec<Statement>, Code> {
    if text.len() > MOST_TEXT {
        return Err(Code::INVALID_ARGUMENT);
    }
    let mut lines = Vec::new();
    let read = world.config_mut().read_statements(text, &mut |line| lines.push(line));
    lines.into_iter().for_each(|line| world.say(line));
    read.ok_or(Code::BAD_PARSE)
}
