//! What OMAPI sees and changes of the server.

use super::codec::Values;
use super::handle::{Handles, Object};
use super::interface::Interfaces;
use super::result::Code;
use crate::clock::Wall;
use crate::config::Config;
use crate::eval::context::HostTable;
use crate::eval::machine::Outcome;
use crate::failover::Failover;
use crate::lease::store::Store;
use crate::lease_file::writer::Format;
use crate::lease_file::{Declaration, DeclarationKind};
use crate::log::Line;
use crate::transition::load::Kept;
use crate::transition::{Around, Journal};
use std::sync::Arc;

/// The parts of the server, for the time of one message.
pub struct World<'a> {
    pub now: Wall,
    /// Changed in place, as nobody else holds it while messages are handled.
    pub config: &'a mut Arc<Config>,
    pub store: &'a mut Store,
    pub kept: &'a mut Kept,
    pub hosts: &'a HostTable,
    pub journal: &'a mut Journal,
    pub failover: &'a mut Failover,
    pub outcome: &'a mut Outcome,
    /// Seconds east of UTC at a moment, for `db-time-format local`.
    pub local_offset: Option<&'a dyn Fn(Wall) -> i32>,
    pub interfaces: &'a mut Interfaces,
    /// Objects of other parts of the server.
    pub elsewhere: Option<&'a mut dyn Elsewhere>,
}

/// Objects that belong to another part of the server: `failover-state`.
pub trait Elsewhere {
    /// The number of the object with these keys.
    fn look_up(&self, keys: &Values) -> Result<u32, Code>;
    /// Gives the object's values, in order.
    fn values(&self, object: u32, put: &mut dyn FnMut(&[u8], &[u8]));
    /// Sets one value; null is none.
    fn set(&mut self, object: u32, name: &[u8], value: Option<&[u8]>) -> Result<(), Code>;
}

impl World<'_> {
    pub fn say(&mut self, line: Line) {
        self.outcome.say(line);
    }

    /// The configuration, to be changed.
    pub fn config_mut(&mut self) -> &mut Config {
        Arc::make_mut(self.config)
    }

    /// Store and surroundings for a transition.
    pub fn around(&mut self) -> (&mut Store, Around<'_>) {
        let format = self.config.lease_file_format;
        let around = Around {
            now: self.now,
            format: Format {
                hexadecimal: format.hex_ids,
                local: self.local_offset.filter(|_| format.local_time),
                spaces: &self.config.spaces,
            },
            hosts: self.hosts,
            packet: None,
            journal: self.journal,
            failover: self.failover,
            outcome: self.outcome,
        };
        (self.store, around)
    }

    /// Appends the record of a declaration, and keeps it for the next rewrite.
    pub fn declare(&mut self, declaration: Declaration) {
        self.append(&declaration);
        self.kept.declared.put(declaration);
    }

    /// Appends the record that something is gone; `remains`: every rewrite has to say so.
    pub fn take_back(&mut self, declaration: Declaration, remains: bool) {
        self.append(&declaration);
        if remains {
            self.kept.declared.put(declaration);
        } else {
            let Declaration { kind, name, value, .. } = declaration;
            self.kept.declared.remove(kind, &name, value.as_deref());
        }
    }

    /// Appends a record and no more.
    pub fn append(&mut self, declaration: &Declaration) {
        let is_class = matches!(declaration.kind, DeclarationKind::Class | DeclarationKind::Subclass);
        self.journal.append_with(|out| {
            out.extend_from_slice(&declaration.text);
            out.extend_from_slice(if is_class { b"\n\n" } else { b"\n" });
        });
    }
}

/// What a look-up found.
pub type Found = Result<Object, Code>;

/// The object that a `handle` among the keys names; none when no handle is given.
pub fn by_handle(handles: &Handles, keys: &Values) -> Result<Option<Object>, Code> {
    let Some(octets) = keys.get("handle") else { return Ok(None) };
    let number = octets.try_into().map(u32::from_be_bytes).map_err(|_| Code::INVALID_ARGUMENT)?;
    handles.object(number).cloned().map(Some).ok_or(Code::NOT_FOUND)
}

/// A number of four octets.
pub fn number(value: Option<&[u8]>) -> Result<u32, Code> {
    let octets = value.ok_or(Code::INVALID_ARGUMENT)?;
    octets.try_into().map(u32::from_be_bytes).map_err(|_| Code::INVALID_ARGUMENT)
}

/// A hardware address among the keys, its type first; Ethernet unless `hardware-type` says otherwise.
pub fn hardware(keys: &Values) -> Result<Option<Vec<u8>>, Code> {
    let Some(address) = keys.get("hardware-address") else { return Ok(None) };
    let kind = match keys.get("hardware-type") {
        None => 1,
        Some([0, 0, 0, kind]) => *kind,
        Some(_) => return Err(Code::INVALID_ARGUMENT),
    };
    Ok(Some([&[kind], address].concat()))
}
