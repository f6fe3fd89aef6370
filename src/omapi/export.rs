//! Connections and handles as octets: see `crate::server::export`. Secrets are not in them: a connection's keys are named,
//! and the configuration of who takes over has them.

use super::codec::Decoder;
use super::handle::{Handles, Kind, Object};
use super::key::{Algorithm, Key};
use super::replay::{MOST, Taken};
use super::{Connection, MESSAGE, MESSAGE_OF_STRANGERS, MOST_CONNECTIONS, MOST_KEYS, Omapi};
use crate::config::Config;
use crate::config::model::{ClassId, PoolId, SubnetId};
use crate::octets::{Damaged, Octets, Put, Result};
use std::net::Ipv4Addr;

/// A moment of the exporting process's monotonic clock on that of the one that takes over.
pub type Moved<'a> = dyn Fn(u64) -> u64 + 'a;

impl Omapi {
    pub fn export(&self, config: &Config, out: &mut Vec<u8>) {
        out.option(self.key.as_deref(), Vec::text);
        out.u32(self.state);
        out.u64(self.drafts);
        out.u32(self.seed);
        self.handles.export(config, out);
        self.taken.export(out);
        out.count(self.connections.len());
        for (stream, connection) in &self.connections {
            out.u64(*stream);
            connection.export(out);
        }
        out.option(self.deadline, Vec::u64);
    }

    /// The configuration has what was declared since.
    pub fn import(octets: &mut Octets<'_>, config: &Config, moved: &Moved<'_>) -> Result<Omapi> {
        let key = octets.option(|octets| Ok(octets.text()?.into()))?;
        let mut omapi = Omapi::new(key, 0);
        omapi.state = octets.u32()?;
        omapi.drafts = octets.u64()?;
        omapi.seed = octets.u32()?;
        omapi.handles = Handles::import(octets, config)?;
        omapi.taken = Taken::import(octets)?;
        let handles = &omapi.handles;
        let connections = octets
            .list(34, |octets| Ok((octets.u64()?, Connection::import(octets, handles, config, moved)?)))?;
        if connections.len() > MOST_CONNECTIONS {
            return Err(Damaged("fewer connections"));
        }
        connections.into_iter().for_each(|(stream, connection)| omapi.enter(stream, connection));
        omapi.deadline = octets.option(Octets::u64)?.map(moved);
        Ok(omapi)
    }
}

impl Connection {
    fn export(&self, out: &mut Vec<u8>) {
        self.decoder.export(out);
        out.count(self.keys.len());
        self.keys.iter().for_each(|(number, _)| out.u32(*number));
        out.u32(self.next_id);
        out.address(self.source);
        out.u64(self.heard);
        out.option(self.owes_since, Vec::u64);
    }

    /// A key that the configuration has no more is left out: what it signs is then refused.
    fn import(
        octets: &mut Octets<'_>,
        handles: &Handles,
        config: &Config,
        moved: &Moved<'_>,
    ) -> Result<Self> {
        let decoder = Decoder::import(octets)?;
        let numbers = octets.list(4, Octets::u32)?;
        if numbers.len() > MOST_KEYS {
            return Err(Damaged("fewer keys"));
        }
        let key = |number: u32| match handles.object(number)? {
            Object::Key(name) => {
                let key = config.find_key(name)?;
                let algorithm = Algorithm::from_full_name(key.algorithm.as_deref()?)?;
                Some((number, Key::new(algorithm, key.secret.as_deref().unwrap_or_default())))
            }
            _ => None,
        };
        Ok(Connection {
            decoder,
            keys: numbers.into_iter().filter_map(key).collect(),
            next_id: octets.u32()?,
            source: octets.address()?,
            heard: moved(octets.u64()?),
            owes_since: octets.option(Octets::u64)?.map(moved),
        })
    }
}

impl Decoder {
    fn export(&self, out: &mut Vec<u8>) {
        out.octets(self.buffer.get(self.taken..).unwrap_or_default());
        out.option(self.header, Vec::count);
        out.count(self.at);
        out.u8(self.lists);
        out.count(self.values);
        out.bool(self.limit == MESSAGE);
    }

    fn import(octets: &mut Octets<'_>) -> Result<Decoder> {
        let unread = octets.octets()?;
        let count = |octets: &mut Octets<'_>| match octets.u32()? as usize {
            count if count <= MESSAGE => Ok(count),
            _ => Err(Damaged("a shorter message")),
        };
        Ok(Decoder {
            buffer: unread.to_vec(),
            taken: 0,
            header: octets.option(count)?,
            at: count(octets)?,
            lists: octets.u8()?,
            values: count(octets)?,
            limit: if octets.bool()? { MESSAGE } else { MESSAGE_OF_STRANGERS },
        })
    }
}

impl Handles {
    /// A handle of a class that is gone finds nothing, and is left out.
    fn export(&self, config: &Config, out: &mut Vec<u8>) {
        let is_there = |object: &Object| match object {
            Object::Class(id) => found_again(config, *id),
            _ => true,
        };
        let mut objects: Vec<_> = self.objects.iter().filter(|(_, object)| is_there(object)).collect();
        objects.sort_unstable_by_key(|(number, _)| **number);
        out.u32(self.last);
        out.u32(self.start);
        out.count(objects.len());
        for (number, object) in objects {
            out.u32(*number);
            object.put(config, out);
        }
        for queue in [&self.drafts, &self.leases] {
            out.count(queue.len());
            queue.iter().for_each(|number| out.u32(*number));
        }
    }

    fn import(octets: &mut Octets<'_>, config: &Config) -> Result<Handles> {
        let (last, start) = (octets.u32()?, octets.u32()?);
        let objects = octets.list(5, |octets| Ok((octets.u32()?, Object::read(octets, config)?)))?;
        let numbers = objects.iter().map(|(number, object)| (object.clone(), *number)).collect();
        Ok(Handles {
            last,
            start,
            objects: objects.into_iter().collect(),
            numbers,
            drafts: octets.list(4, Octets::u32)?.into(),
            leases: octets.list(4, Octets::u32)?.into(),
        })
    }
}

impl Taken {
    fn export(&self, out: &mut Vec<u8>) {
        out.count(self.order.len());
        for mark in &self.order {
            out.u64(*mark);
            out.address(self.from.get(mark).copied().unwrap_or(Ipv4Addr::UNSPECIFIED));
        }
    }

    fn import(octets: &mut Octets<'_>) -> Result<Taken> {
        let all = octets.list(12, |octets| Ok((octets.u64()?, octets.address()?)))?;
        if all.len() > MOST {
            return Err(Damaged("fewer messages"));
        }
        Ok(Taken { order: all.iter().map(|(mark, _)| *mark).collect(), from: all.into_iter().collect() })
    }
}

/// Whether the class is the one that its name, or its class and value, stand for.
fn found_again(config: &Config, id: ClassId) -> bool {
    let class = config.class(id);
    let name = |id: ClassId| config.class(id).name.as_deref().unwrap_or_default();
    match (class.superclass, &class.value) {
        (None, _) => config.find_class(name(id)) == Some(id),
        (Some(parent), value) => {
            let value = value.as_deref().unwrap_or_default();
            config.find_class(name(parent)) == Some(parent) && config.find_subclass(parent, value) == Some(id)
        }
    }
}

const KINDS: [Kind; 13] = [
    Kind::Key,
    Kind::Control,
    Kind::Lease,
    Kind::Host,
    Kind::Group,
    Kind::Class,
    Kind::Subclass,
    Kind::Pool,
    Kind::Subnet,
    Kind::SharedNetwork,
    Kind::Interface,
    Kind::FailoverState,
    Kind::Unsearchable,
];

impl Object {
    /// Classes by name, a subclass with its value: their numbers follow from the order in which they were read.
    fn put(&self, config: &Config, out: &mut Vec<u8>) {
        match self {
            Object::Key(name) => put_name(out, 0, name),
            Object::Control => out.u8(1),
            Object::Lease(address) => {
                out.u8(2);
                out.address(*address);
            }
            Object::Host(name) => put_name(out, 3, name),
            Object::Group(name) => put_name(out, 4, name),
            Object::Class(id) => {
                let class = config.class(*id);
                let named = class.superclass.map_or(class, |parent| config.class(parent));
                put_name(out, 5, named.name.as_deref().unwrap_or_default());
                let value = || class.value.as_deref().unwrap_or_default();
                out.option(class.superclass.map(|_| value()), Vec::octets);
            }
            Object::Pool(id) => put_number(out, 6, id.0),
            Object::Subnet(id) => put_number(out, 7, id.0),
            Object::Interface(index) => put_number(out, 8, *index as u32),
            Object::Draft(kind, number) => {
                out.u8(9);
                out.count(KINDS.iter().position(|known| known == kind).unwrap_or(0));
                out.u64(*number);
            }
            Object::Elsewhere(number) => put_number(out, 10, *number),
        }
    }

    fn read(octets: &mut Octets<'_>, config: &Config) -> Result<Object> {
        let name = |octets: &mut Octets<'_>| Ok(octets.text()?.into());
        Ok(match octets.u8()? {
            0 => Object::Key(name(octets)?),
            1 => Object::Control,
            2 => Object::Lease(octets.address()?),
            3 => Object::Host(name(octets)?),
            4 => Object::Group(name(octets)?),
            5 => Object::Class(class(octets, config)?),
            6 => Object::Pool(PoolId(below(octets, config.pools.len())?)),
            7 => Object::Subnet(SubnetId(below(octets, config.subnets.len())?)),
            8 => Object::Interface(octets.u32()? as usize),
            9 => {
                let kind = KINDS.get(octets.u32()? as usize).ok_or(Damaged("a type of object"))?;
                Object::Draft(*kind, octets.u64()?)
            }
            10 => Object::Elsewhere(octets.u32()?),
            _ => return Err(Damaged("an object")),
        })
    }
}

fn put_name(out: &mut Vec<u8>, tag: u8, name: &str) {
    out.u8(tag);
    out.text(name);
}

fn put_number(out: &mut Vec<u8>, tag: u8, number: u32) {
    out.u8(tag);
    out.u32(number);
}

fn class(octets: &mut Octets<'_>, config: &Config) -> Result<ClassId> {
    let class = config.find_class(octets.text()?).ok_or(Damaged("the same classes"))?;
    match octets.option(Octets::octets)? {
        None => Ok(class),
        Some(value) => config.find_subclass(class, value).ok_or(Damaged("the same subclasses")),
    }
}

fn below(octets: &mut Octets<'_>, limit: usize) -> Result<u32> {
    match octets.u32()? {
        number if (number as usize) < limit => Ok(number),
        _ => Err(Damaged("the same configuration")),
    }
}
