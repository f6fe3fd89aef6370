//! What the engine holds beside bindings and configuration, as octets: see [`crate::server::export`].

use super::interface::{Interface, InterfaceId};
use super::lease_name::Parked;
use super::message::nak_text;
use super::ping::Waiting;
use super::send::{Reply, Route, Send};
use super::{Engine, Variables};
use crate::eval::ast::{Block, Name};
use crate::eval::value::Value;
use crate::lease::store::{Number, Store, function, put_function};
use crate::log::{Line, Priority, Reach};
use crate::octets::{Damaged, Octets, Put, Result};
use crate::option::definition::SpaceId;

/// A moment of one process's monotonic clock on another's.
#[derive(Clone, Copy, Debug)]
pub struct Moved {
    pub from: u64,
    pub to: u64,
}

impl Moved {
    pub fn at(self, mono: u64) -> u64 {
        match mono.checked_sub(self.from) {
            Some(later) => self.to.saturating_add(later),
            None => self.to.saturating_sub(self.from - mono),
        }
    }
}

impl Engine {
    pub fn export(&self, out: &mut Vec<u8>, number: &mut Number<'_>) {
        out.u64(self.journal.sequence());
        put_interfaces(out, &self.interfaces);
        put_variables(out, &self.variables, number);
        let mut pings: Vec<_> = self.pings.waiting.iter().collect();
        pings.sort_by_key(|(address, _)| **address);
        out.count(pings.len());
        for (address, waiting) in pings {
            out.address(*address);
            out.u64(waiting.until);
            out.u32(Store::number(waiting.lease));
            out.u64(waiting.reply.sequence);
            put_line(out, &waiting.reply.line);
            put_send(out, &waiting.reply.send);
            out.octets(&waiting.payload);
        }
        let mut parked: Vec<_> = self.lease_names.parked.iter().collect();
        parked.sort_by_key(|(address, _)| **address);
        out.count(parked.len());
        for (address, Parked { interface, source, payload }) in parked {
            out.address(*address);
            out.u16(interface.0);
            out.socket(*source);
            out.octets(payload);
        }
        let mut full: Vec<u32> = self.cannot_reuse.iter().map(|id| Store::number(*id)).collect();
        full.sort_unstable();
        out.count(full.len());
        full.iter().for_each(|number| out.u32(*number));
        let mut over: Vec<_> = self.over_threshold.iter().collect();
        over.sort_unstable();
        out.count(over.len());
        for (pool, low) in over {
            out.u32(*pool);
            out.u64(*low);
        }
        out.text(self.nak_text);
        let mut warned: Vec<u32> = self.site_spaces_warned.iter().map(|space| u32::from(space.0)).collect();
        warned.sort_unstable();
        out.count(warned.len());
        warned.iter().for_each(|space| out.u32(*space));
        out.u32(self.informs_refused);
        let mut names: Vec<_> = self.hosts.addresses.iter().collect();
        names.sort();
        out.count(names.len());
        for (name, addresses) in names {
            out.text(name);
            out.octets(addresses);
        }
    }

    /// Reads into an engine whose bindings are there already.
    pub fn import(&mut self, octets: &mut Octets<'_>, moved: Moved, blocks: &[Block]) -> Result<()> {
        self.journal.go_on_from(octets.u64()?);
        self.set_interfaces(interfaces(octets)?);
        self.variables = variables(octets, blocks)?;
        for _ in 0..octets.count(30)? {
            let (address, until) = (octets.address()?, moved.at(octets.u64()?));
            let lease = self.store.numbered(octets.u32()?)?;
            let (sequence, line) = (octets.u64()?, line(octets)?);
            let (send, payload) = (send(octets)?, octets.octets()?.to_vec());
            let reply = Reply { after: 0, sequence, line, send };
            self.pings.put_back(address, Waiting { until, lease, reply, payload });
        }
        for _ in 0..octets.count(16)? {
            let (address, interface) = (octets.address()?, InterfaceId(octets.u16()?));
            let (source, payload) = (octets.socket()?, octets.octets()?.to_vec());
            self.lease_names.parked.insert(address, Parked { interface, source, payload });
        }
        for number in octets.list(4, Octets::u32)? {
            self.cannot_reuse.insert(self.store.numbered(number)?);
        }
        self.over_threshold =
            octets.list(12, |octets| Ok((octets.u32()?, octets.u64()?)))?.into_iter().collect();
        let text = octets.text()?;
        self.nak_text =
            nak_text::ALL.into_iter().find(|known| *known == text).ok_or(Damaged("a NAK's text"))?;
        let spaces = octets
            .list(4, |octets| Ok(SpaceId(octets.u32()?.try_into().map_err(|_| Damaged("a space"))?)))?;
        self.site_spaces_warned = spaces.into_iter().collect();
        self.informs_refused = octets.u32()?;
        let names = octets.list(8, |octets| Ok((Name::from(octets.text()?), octets.octets()?.into())))?;
        self.hosts.addresses = names.into_iter().collect();
        Ok(())
    }
}

fn put_variables(out: &mut Vec<u8>, variables: &Variables, number: &mut Number<'_>) {
    let all: Vec<_> = variables.all().collect();
    out.count(all.len());
    for (name, value) in all {
        out.text(name);
        match value {
            None => out.u8(0),
            Some(Value::Data(data)) => {
                out.u8(1);
                out.octets(data);
            }
            Some(Value::Number(number)) => {
                out.u8(2);
                out.i64(*number);
            }
            Some(Value::Boolean(value)) => {
                out.u8(3);
                out.bool(*value);
            }
            Some(Value::Function(function)) => {
                out.u8(4);
                put_function(out, name, function, number);
            }
            Some(Value::Hollow) => out.u8(5),
        }
    }
}

fn variables(octets: &mut Octets<'_>, blocks: &[Block]) -> Result<Variables> {
    let list = octets.list(5, |octets| {
        let name = Name::from(octets.text()?);
        let value = match octets.u8()? {
            0 => None,
            1 => Some(Value::Data(octets.octets()?.into())),
            2 => Some(Value::Number(octets.i64()?)),
            3 => Some(Value::Boolean(octets.bool()?)),
            4 => Some(Value::Function(function(octets, blocks)?)),
            5 => Some(Value::Hollow),
            _ => return Err(Damaged("a value")),
        };
        Ok((name, value))
    })?;
    Ok(Variables::from_all(list))
}

pub fn put_interfaces(out: &mut Vec<u8>, interfaces: &[Interface]) {
    out.count(interfaces.len());
    for interface in interfaces {
        out.text(&interface.name);
        out.u8(interface.htype);
        out.octets(&interface.hardware);
        out.count(interface.addresses.len());
        interface.addresses.iter().for_each(|address| out.address(*address));
    }
}

pub fn interfaces(octets: &mut Octets<'_>) -> Result<Vec<Interface>> {
    octets.list(13, |octets| {
        Ok(Interface {
            name: octets.text()?.to_owned(),
            htype: octets.u8()?,
            hardware: octets.octets()?.to_vec(),
            addresses: octets.list(4, Octets::address)?,
        })
    })
}

pub fn put_line(out: &mut Vec<u8>, line: &Line) {
    out.u8(line.priority as u8);
    out.bool(line.reach == Reach::StandardErrorOnly);
    out.text(&line.text);
}

pub fn line(octets: &mut Octets<'_>) -> Result<Line> {
    let priority = match octets.u8()? {
        3 => Priority::Error,
        6 => Priority::Info,
        7 => Priority::Debug,
        _ => return Err(Damaged("a priority")),
    };
    let reach = if octets.bool()? { Reach::StandardErrorOnly } else { Reach::Both };
    Ok(Line { priority, text: octets.text()?.to_owned(), reach })
}

/// Where a message is to go; its payload is another's.
pub fn put_send(out: &mut Vec<u8>, send: &Send) {
    let (interface, hardware) = match &send.route {
        Route::Link { interface, hardware } => (Some(interface.0), Some(&hardware[..])),
        Route::Socket { interface } => (interface.map(|interface| interface.0), None),
    };
    out.option(interface, Vec::u16);
    out.option(hardware, Vec::octets);
    out.address(send.source);
    out.u16(send.source_port);
    out.socket(send.destination);
}

pub fn send(octets: &mut Octets<'_>) -> Result<Send> {
    let interface = octets.option(Octets::u16)?.map(InterfaceId);
    let route = match (octets.option(Octets::octets)?, interface) {
        (Some(hardware), Some(interface)) => Route::Link { interface, hardware: hardware.into() },
        (None, interface) => Route::Socket { interface },
        (Some(_), None) => return Err(Damaged("an interface")),
    };
    let (source, source_port, destination) = (octets.address()?, octets.u16()?, octets.socket()?);
    Ok(Send { route, source, source_port, destination, payload: 0..0 })
}
