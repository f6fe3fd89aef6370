//! What a recording holds of the start.

use crate::clock::Wall;
use crate::eval::ast::Name;
use crate::octets::{Damaged, Octets, Put, Result};
use rustc_hash::FxHashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Host names and their addresses, as [`crate::eval::context::HostTable`] has them.
type Addresses = FxHashMap<Name, Arc<[u8]>>;

/// The command line as far as the core depends on it, and the machine's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// Of the program that recorded.
    pub version: String,
    pub configuration: String,
    pub leases: String,
    pub pid: String,
    pub quiet: bool,
    /// Interfaces of the command line.
    pub interfaces: Vec<String>,
    /// Of the command line or the environment; the configuration may say otherwise.
    pub port: u16,
    /// `-s`
    pub broadcast: Ipv4Addr,
    /// `gethostname ()`
    pub own_name: String,
    /// Seconds east of UTC from a moment on, for `db-time-format local`; the first one counts for all time before it.
    pub local_offsets: Vec<(Wall, i32)>,
}

impl Start {
    pub fn put(&self, out: &mut Vec<u8>) {
        for text in [&self.version, &self.configuration, &self.leases, &self.pid] {
            out.text(text);
        }
        out.bool(self.quiet);
        out.count(self.interfaces.len());
        self.interfaces.iter().for_each(|name| out.text(name));
        out.u16(self.port);
        out.address(self.broadcast);
        out.text(&self.own_name);
        out.count(self.local_offsets.len());
        for (from, offset) in &self.local_offsets {
            out.i64(*from);
            out.u32(offset.cast_unsigned());
        }
    }

    pub fn read(octets: &mut Octets<'_>) -> Result<Start> {
        let mut text = || Ok(octets.text()?.to_owned());
        let (version, configuration, leases, pid) = (text()?, text()?, text()?, text()?);
        Ok(Start {
            version,
            configuration,
            leases,
            pid,
            quiet: octets.bool()?,
            interfaces: octets.list(4, |octets| Ok(octets.text()?.to_owned()))?,
            port: octets.u16()?,
            broadcast: octets.address()?,
            own_name: octets.text()?.to_owned(),
            local_offsets: octets.list(12, |octets| Ok((super::wall(octets)?, offset(octets)?)))?,
        })
    }
}

/// Less than two days.
fn offset(octets: &mut Octets<'_>) -> Result<i32> {
    let offset = octets.u32()?.cast_signed();
    match offset.unsigned_abs() < 2 * 86_400 {
        true => Ok(offset),
        false => Err(Damaged("an offset from UTC")),
    }
}

/// What a recorded file was read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileRole {
    Configuration,
    Include,
    /// An include that could not be read; its text is the number of the system's error, four octets.
    NoInclude,
    Leases,
}

impl FileRole {
    const ALL: [FileRole; 4] =
        [FileRole::Configuration, FileRole::Include, FileRole::NoInclude, FileRole::Leases];

    pub fn put(self, name: &str, out: &mut Vec<u8>) {
        out.u8(self as u8);
        out.text(name);
    }

    pub fn read<'a>(octets: &mut Octets<'a>) -> Result<(FileRole, &'a str)> {
        let role = FileRole::ALL.get(usize::from(octets.u8()?)).ok_or(Damaged("the role of a file"))?;
        Ok((*role, octets.text()?))
    }
}

/// Host names with their addresses, in an order of their own.
pub(super) fn put_names(out: &mut Vec<u8>, table: &Addresses) {
    let mut names: Vec<_> = table.iter().collect();
    names.sort();
    out.count(names.len());
    for (name, addresses) in names {
        out.text(name);
        out.octets(addresses);
    }
}

pub(super) fn names(octets: &mut Octets<'_>) -> Result<Addresses> {
    let list = octets.list(8, |octets| Ok((Name::from(octets.text()?), Arc::from(octets.octets()?))))?;
    Ok(list.into_iter().collect())
}

/// Names as they stood when service began, and the second of that moment.
pub fn put_names_at(out: &mut Vec<u8>, begun: Wall, table: &Addresses) {
    out.i64(begun);
    put_names(out, table);
}

pub fn names_at(octets: &mut Octets<'_>) -> Result<(Wall, Addresses)> {
    Ok((super::wall(octets)?, names(octets)?))
}
