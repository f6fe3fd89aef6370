//! Classes and subclasses: looked up, made, removed (ledger `omapi.tsv`, "object class", "object subclass").

use super::codec::{Values, Writer};
use super::handle::{Handles, Object};
use super::result::Code;
use super::world::{Found, World};
use crate::config::model::ClassId;
use crate::eval::ast::{Expr, Name};
use crate::lease::binding::Billing;
use crate::transition::load::declarations;
use std::sync::Arc;

/// A class by its name; a subclass by that of its class and its value.
pub fn look_up(world: &World, keys: &Values, is_subclass: bool) -> Found {
    let name = keys.get("name").ok_or(Code::NO_KEYS)?;
    let id = named(world, name).ok_or(Code::NOT_FOUND)?;
    if !is_subclass {
        return Ok(Object::Class(id));
    }
    let value = keys.get("hashstring").ok_or(Code::NO_KEYS)?;
    world.config.find_subclass(id, value).map(Object::Class).ok_or(Code::NOT_FOUND)
}

fn named(world: &World, name: &[u8]) -> Option<ClassId> {
    world.config.find_class(std::str::from_utf8(name).ok()?)
}

pub fn put(world: &World, id: ClassId, out: &mut Writer) {
    let class = world.config.class(id);
    out.put_u32("lease-limit", class.lease_limit);
    out.put_u32("leases-used", leases_used(world, id));
}

fn leases_used(world: &World, id: ClassId) -> u32 {
    let class = world.config.class(id);
    let named = |id: ClassId| world.config.class(id).name.clone();
    let billing = match class.superclass {
        None => class.name.clone().map(|class| Billing { class, subclass: None }),
        Some(superclass) => {
            named(superclass).map(|name| Billing { class: name, subclass: class.value.clone() })
        }
    };
    billing.map_or(0, |billing| world.store.billed(&billing))
}

/// What a class will be.
#[derive(Default)]
struct Draft {
    name: Option<Name>,
    /// Its name cannot stand in the lease file.
    cannot_be_kept: bool,
    superclass: Option<ClassId>,
    value: Option<Arc<[u8]>>,
    submatch: Option<Expr>,
    scope: Option<crate::config::model::ScopeId>,
}

/// Sets all of a message's values on a new class or subclass, or on one that is there.
pub fn update(
    world: &mut World,
    known: Option<ClassId>,
    is_subclass: bool,
    values: &Values,
) -> Result<ClassId, Code> {
    let mut draft = Draft::default();
    if let Some(id) = known {
        let class = world.config.class(id);
        draft.name = class.name.clone();
        draft.superclass = class.superclass;
        draft.value = class.value.clone();
    }
    for (name, value) in values.iter() {
        set(world, &mut draft, is_subclass, name, value)?;
    }
    if draft.cannot_be_kept {
        return Err(Code::INVALID_ARGUMENT);
    }
    match known {
        Some(id) => change(world, id, draft, is_subclass),
        None => enter(world, draft, is_subclass),
    }
}

fn set(
    world: &World,
    draft: &mut Draft,
    is_subclass: bool,
    name: &[u8],
    value: Option<&[u8]>,
) -> Result<(), Code> {
    match (name, value) {
        (b"name", _) if draft.name.is_some() => Err(Code::EXISTS),
        (b"name", Some(name)) if is_subclass => {
            draft.superclass = Some(named(world, name).ok_or(Code::NOT_FOUND)?);
            Ok(())
        }
        (b"name", Some(name)) => {
            // It stands in the lease file between quotes, as it is.
            let name = std::str::from_utf8(name).map_err(|_| Code::INVALID_ARGUMENT)?;
            let is_plain = |letter: u8| (b' '..=b'~').contains(&letter) && !matches!(letter, b'"' | b'\\');
            draft.cannot_be_kept = name.len() > 255 || !name.bytes().all(is_plain);
            draft.name = Some(name.into());
            Ok(())
        }
        (b"hashstring", _) if is_subclass && draft.value.is_some() => Err(Code::EXISTS),
        (b"hashstring", Some(value)) if is_subclass => {
            draft.value = Some(value.into());
            Ok(())
        }
        (b"group", Some(name)) => {
            let name = std::str::from_utf8(name).unwrap_or_default();
            draft.scope = Some(world.config.groups.get(name).ok_or(Code::NOT_FOUND)?.scope);
            Ok(())
        }
        (b"match", Some(what)) => {
            // ISC compares as much as is given.
            let given = what.get(..what.len().min(8)).unwrap_or_default();
            if !b"hardware".starts_with(given) {
                return Err(Code::INVALID_ARGUMENT);
            }
            draft.submatch = Some(Expr::Hardware);
            Ok(())
        }
        (b"name" | b"hashstring" | b"group" | b"match" | b"option", None) | (b"option", _) => {
            Err(Code::INVALID_ARGUMENT)
        }
        _ => Err(Code::UNKNOWN_ATTRIBUTE),
    }
}

fn enter(world: &mut World, draft: Draft, is_subclass: bool) -> Result<ClassId, Code> {
    let id = if is_subclass {
        let superclass = draft.superclass.ok_or(Code::INVALID_ARGUMENT)?;
        let value = draft.value.ok_or(Code::INVALID_ARGUMENT)?;
        if world.config.find_subclass(superclass, &value).is_some() {
            return Err(Code::EXISTS);
        }
        world.config_mut().enter_subclass(superclass, value, draft.scope)
    } else {
        let name = draft.name.filter(|name| !name.is_empty()).ok_or(Code::INVALID_ARGUMENT)?;
        if world.config.find_class(&name).is_some() {
            return Err(Code::EXISTS);
        }
        world.config_mut().enter_class(name, draft.submatch)
    };
    record(world, id);
    Ok(id)
}

/// ISC cannot enter what is there: a class exists already; a subclass is written again.
fn change(world: &mut World, id: ClassId, draft: Draft, is_subclass: bool) -> Result<ClassId, Code> {
    if !is_subclass {
        return Err(Code::EXISTS);
    }
    if draft.superclass != world.config.class(id).superclass {
        return Err(Code::INVALID_ARGUMENT);
    }
    record(world, id);
    Ok(id)
}

fn record(world: &mut World, id: ClassId) {
    let class = world.config.class(id);
    // One of the configuration is not written.
    if class.provenance.dynamic
        && let Some(record) = declarations::class(world.config, class)
    {
        world.declare(record);
    }
}

pub fn remove(world: &mut World, handles: &mut Handles, id: ClassId) -> Result<(), Code> {
    let class = world.config.class(id);
    let subclasses: Vec<ClassId> = class.subclasses.values().copied().collect();
    // ISC leaves its subclasses in the file, where they belong to no class any more.
    for id in subclasses.into_iter().chain(std::iter::once(id)) {
        let mut gone = world.config.class(id).clone();
        handles.forget(&Object::Class(id));
        gone.provenance.deleted = true;
        if gone.provenance.dynamic
            && let Some(record) = declarations::class(world.config, &gone)
        {
            world.take_back(record, false);
        }
    }
    world.config_mut().remove_class(id);
    Ok(())
}
