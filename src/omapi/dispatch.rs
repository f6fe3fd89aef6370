//! What a message leads to: checks in ISC's order, the object it is about, the answer (ledger `omapi.tsv`, rows "operation"
//! and "status message").

use super::codec::{Message, Operation, Values, Writer};
use super::handle::{Handles, Kind, Object};
use super::message;
use super::result::Code;
use super::world::{Found, World, by_handle, number};
use super::{class, group, host, interface, lease};
use crate::config::model::PoolId;
use crate::eval::ast::Name;
use crate::lease::pool::PoolNumber;

/// What is to be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Status(Code, &'static str),
    /// The object's values, as an update.
    Object(Object),
    /// The server ends. ISC answers nothing to who ordered it.
    Shutdown,
    /// The connection is closed.
    Close,
}

/// Whether a key must sign, and whether one has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub needs_key: bool,
    pub is_signed: bool,
}

impl Standing {
    fn lacks_key(self) -> bool {
        self.needs_key && !self.is_signed
    }
}

/// Everything a message may touch beside the server itself.
pub struct Desk<'a> {
    pub handles: &'a mut Handles,
    /// Of the `control` object.
    pub state: u32,
    pub drafts: &'a mut u64,
}

/// The order to end.
const SHUTDOWN: u32 = 2;

impl Desk<'_> {
    pub fn answer(&mut self, world: &mut World, message: &Message, standing: Standing) -> Answer {
        // A server awaits no answers.
        if message.response_to != 0 {
            return Answer::Close;
        }
        if standing.lacks_key() && message.operation != Operation::Open {
            return Answer::Status(Code::NO_KEYS, message::NO_AUTHENTICATOR);
        }
        match message.operation {
            Operation::Open => self.open(world, message, standing),
            Operation::Refresh => self.refresh(message.handle),
            Operation::Update => self.update(world, message),
            Operation::Notify => Answer::Status(Code::NOT_IMPLEMENTED, message::NO_NOTIFY),
            Operation::Delete => self.delete(world, message.handle),
            Operation::Status | Operation::Unknown(_) => Answer::Close,
        }
    }

    fn refresh(&mut self, handle: u32) -> Answer {
        match self.handles.object(handle) {
            Some(object) => Answer::Object(object.clone()),
            None => Answer::Status(Code::NOT_FOUND, message::NO_HANDLE),
        }
    }

    fn open(&mut self, world: &mut World, message: &Message, standing: Standing) -> Answer {
        let kind = message.values.get("type").and_then(Kind::from_name);
        if standing.lacks_key() && kind != Some(Kind::Key) {
            return Answer::Status(Code::NO_KEYS, message::NO_AUTHENTICATOR);
        }
        let flag = |name: &str| match message.values.get(name) {
            None => Ok(false),
            value => match number(value) {
                Ok(number) => Ok(number != 0),
                Err(code) => Err(Answer::Status(code, message::invalid_flag(name))),
            },
        };
        let flags = flag("create").and_then(|create| Ok((create, flag("update")?, flag("exclusive")?)));
        let (create, update, exclusive) = match flags {
            Ok(flags) => flags,
            Err(answer) => return answer,
        };
        let Some(kind) = kind else {
            return match create {
                true => Answer::Status(Code::INVALID_ARGUMENT, message::TYPE_REQUIRED),
                false => self.refresh(message.handle),
            };
        };
        if kind == Kind::Unsearchable {
            return Answer::Status(Code::NOT_IMPLEMENTED, message::UNSEARCHABLE);
        }
        let keys = &message.object;
        let object = match self.look_up(world, kind, keys) {
            Ok(_) if create && exclusive => return Answer::Status(Code::EXISTS, message::EXISTS),
            Ok(object) => object,
            Err(Code::NOT_FOUND) if !create => return Answer::Status(Code::NOT_FOUND, message::NO_OBJECT),
            Err(Code::NOT_FOUND | Code::NO_KEYS) => match self.create(kind) {
                Ok(draft) => draft,
                Err(code) => return Answer::Status(code, message::CANNOT_CREATE),
            },
            Err(code) => return Answer::Status(code, message::LOOKUP_FAILED),
        };
        match object {
            // ISC says so with the code of the look-up, which went well.
            Object::Key(_) if create || update => Answer::Status(Code::SUCCESS, message::CANNOT_UPDATE),
            object if create || update => match self.set_all(world, &object, keys, message.handle) {
                Ok(Answer::Object(object)) => Answer::Object(object),
                Ok(other) => other,
                Err(code) => Answer::Status(code, message::CANNOT_UPDATE),
            },
            object => Answer::Object(object),
        }
    }

    fn look_up(&mut self, world: &World, kind: Kind, keys: &Values) -> Found {
        if kind == Kind::Key && world.config.keys.is_empty() {
            return Err(Code::NOT_FOUND);
        }
        // Without any value there is no object to hold the keys.
        let no_keys = keys.is_empty() && !matches!(kind, Kind::Control);
        if no_keys {
            return Err(Code::NO_KEYS);
        }
        match kind {
            Kind::Key => key(world, keys),
            Kind::Control => match by_handle(self.handles, keys)? {
                None | Some(Object::Control) => Ok(Object::Control),
                Some(_) => Err(Code::INVALID_ARGUMENT),
            },
            Kind::Lease => lease::look_up(world, self.handles, keys),
            Kind::Host => host::look_up(world, self.handles, keys),
            Kind::Group => group::look_up(world, self.handles, keys),
            Kind::Class => class::look_up(world, keys, false),
            Kind::Subclass => class::look_up(world, keys, true),
            Kind::Interface => interface::look_up(world, self.handles, keys),
            Kind::FailoverState => match &world.elsewhere {
                None => Err(Code::NOT_FOUND),
                Some(elsewhere) => elsewhere.look_up(keys).map(Object::Elsewhere),
            },
            // They cannot be found, whatever is given.
            Kind::Pool | Kind::Subnet | Kind::SharedNetwork | Kind::Unsearchable => Err(Code::NO_KEYS),
        }
    }

    fn create(&mut self, kind: Kind) -> Found {
        match kind {
            Kind::Host | Kind::Group | Kind::Class | Kind::Subclass | Kind::Interface => {
                *self.drafts += 1;
                Ok(Object::Draft(kind, *self.drafts))
            }
            Kind::Control => Err(Code::NO_PERMISSION),
            _ => Err(Code::NOT_IMPLEMENTED),
        }
    }

    fn update(&mut self, world: &mut World, message: &Message) -> Answer {
        let Some(object) = self.handles.object(message.handle).cloned() else {
            return Answer::Status(Code::NOT_FOUND, message::NO_HANDLE);
        };
        if let Object::Key(_) = object {
            return Answer::Status(Code::SUCCESS, message::NO_KEY_UPDATE);
        }
        match self.set_all(world, &object, &message.object, message.handle) {
            Ok(Answer::Object(_)) => Answer::Status(Code::SUCCESS, ""),
            Ok(other) => other,
            Err(code) => Answer::Status(code, message::CANNOT_UPDATE),
        }
    }

    /// Sets the values of a message on an object. `handle`: the one in the message, under which the client knows it.
    fn set_all(
        &mut self,
        world: &mut World,
        object: &Object,
        values: &Values,
        handle: u32,
    ) -> Result<Answer, Code> {
        // As in ISC: a message without values carries no object.
        if values.is_empty() {
            return Err(Code::INVALID_ARGUMENT);
        }
        let done = match object {
            Object::Lease(address) => {
                for (name, value) in values.iter() {
                    match lease::set(world, *address, name, value) {
                        Ok(()) | Err(Code::UNCHANGED) => {}
                        Err(code) => return Err(code),
                    }
                }
                if handle != 0 {
                    lease::set_remote_handle(world, *address, handle)?;
                }
                object.clone()
            }
            Object::Host(name) => Object::Host(host::update(world, Some(name), values)?),
            Object::Group(name) => Object::Group(group::update(world, Some(name), values)?),
            Object::Class(id) => {
                let is_subclass = world.config.class(*id).superclass.is_some();
                Object::Class(class::update(world, Some(*id), is_subclass, values)?)
            }
            Object::Draft(kind, _) => self.complete(world, object, *kind, values)?,
            Object::Control => return control(values),
            Object::Interface(at) => {
                interface::update(world, *at, values)?;
                object.clone()
            }
            Object::Elsewhere(number) => {
                for (name, value) in values.iter() {
                    let elsewhere = world.elsewhere.as_deref_mut().ok_or(Code::NOT_FOUND)?;
                    match elsewhere.set(*number, name, value) {
                        Ok(()) | Err(Code::UNCHANGED) => {}
                        Err(code) => return Err(code),
                    }
                }
                object.clone()
            }
            Object::Pool(_) => return Err(Code::UNKNOWN_ATTRIBUTE),
            Object::Subnet(_) | Object::Key(_) => return Err(Code::NOT_FOUND),
        };
        Ok(Answer::Object(done))
    }

    /// A draft comes to be something.
    fn complete(
        &mut self,
        world: &mut World,
        draft: &Object,
        kind: Kind,
        values: &Values,
    ) -> Result<Object, Code> {
        let object = match kind {
            Kind::Host => Object::Host(host::update(world, None, values)?),
            Kind::Group => Object::Group(group::update(world, None, values)?),
            Kind::Class => Object::Class(class::update(world, None, false, values)?),
            Kind::Subclass => Object::Class(class::update(world, None, true, values)?),
            Kind::Interface => return interface::name_of(values).map(|_| draft.clone()),
            _ => return Err(Code::NOT_IMPLEMENTED),
        };
        self.handles.becomes(draft, &object);
        Ok(object)
    }

    fn delete(&mut self, world: &mut World, handle: u32) -> Answer {
        let Some(object) = self.handles.object(handle).cloned() else {
            return Answer::Status(Code::NOT_FOUND, message::NO_HANDLE);
        };
        let done = match &object {
            Object::Host(name) => host::remove(world, name),
            Object::Group(name) => group::remove(world, name),
            Object::Class(id) => class::remove(world, self.handles, *id),
            Object::Draft(..) => Ok(()),
            Object::Control => Err(Code::NO_PERMISSION),
            Object::Key(_) => return Answer::Status(Code::NOT_IMPLEMENTED, message::NO_REMOVE),
            Object::Interface(at) => interface::remove(world, *at),
            Object::Lease(_) | Object::Pool(_) | Object::Subnet(_) | Object::Elsewhere(_) => {
                Err(Code::NOT_IMPLEMENTED)
            }
        };
        match done {
            Ok(()) => {
                self.handles.forget(&object);
                Answer::Status(Code::SUCCESS, "")
            }
            Err(code) => Answer::Status(code, ""),
        }
    }

    /// Writes the values of an object.
    pub fn put(&mut self, world: &World, object: &Object, out: &mut Writer) {
        match object {
            Object::Key(name) => {
                if let Some(key) = world.config.find_key(name) {
                    out.put(b"name", key.name.as_bytes());
                    out.put(b"algorithm", key.algorithm.as_deref().unwrap_or_default().as_bytes());
                }
            }
            Object::Control => out.put_u32("state", self.state),
            Object::Lease(address) => lease::put(world, self.handles, *address, out),
            Object::Host(name) => host::put(world, name, out),
            Object::Group(name) => group::put(name, out),
            Object::Class(id) => class::put(world, *id, out),
            Object::Pool(pool) => put_pool(world, *pool, out),
            Object::Interface(_) | Object::Draft(Kind::Interface, _) => out.put(b"state", b"up"),
            Object::Draft(Kind::Class | Kind::Subclass, _) => {
                out.put_u32("lease-limit", 0);
                out.put_u32("leases-used", 0);
            }
            Object::Draft(..) | Object::Subnet(_) => {}
            Object::Elsewhere(number) => {
                if let Some(elsewhere) = &world.elsewhere {
                    elsewhere.values(*number, &mut |name, value| out.put(name, value));
                }
            }
        }
    }
}

/// The key with this name and algorithm.
fn key(world: &World, keys: &Values) -> Found {
    let text = |name: &str| keys.get(name).and_then(|octets| std::str::from_utf8(octets).ok());
    let name = text("name").ok_or(Code::NOT_FOUND)?;
    let algorithm = text("algorithm").ok_or(Code::NOT_FOUND)?;
    let key = world.config.find_key(name).ok_or(Code::NOT_FOUND)?;
    let same = key.algorithm.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(algorithm));
    same.then(|| Object::Key(Name::from(key.name.to_ascii_lowercase()))).ok_or(Code::NOT_FOUND)
}

/// The first value decides: nothing else than the order to end is taken.
fn control(values: &Values) -> Result<Answer, Code> {
    match values.iter().next() {
        Some((b"state", value)) if number(value)? == SHUTDOWN => Ok(Answer::Shutdown),
        Some((b"state", _)) | None => Err(Code::INVALID_ARGUMENT),
        Some(_) => Err(Code::NOT_FOUND),
    }
}

fn put_pool(world: &World, pool: PoolId, out: &mut Writer) {
    let counts = world.store.counts(PoolNumber(pool.0));
    out.put_u32("lease-count", counts.total as u32);
    out.put_u32("free-leases", counts.free as u32);
    out.put_u32("backup-leases", counts.backup as u32);
}
