//! Numbers under which clients know objects. They count up from 1 for the whole server, each given when it is first needed,
//! as in ISC, whose clients print some of them: subnets, pools. What can be changed through its number begins elsewhere at each
//! start of the server: a message that was recorded earlier ([`super::replay`]) then meets nothing.

use crate::config::model::{ClassId, PoolId, SubnetId};
use crate::eval::ast::Name;
use rustc_hash::FxHashMap;
use std::collections::VecDeque;
use std::net::Ipv4Addr;

/// What a handle stands for: named so that it holds across changes of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Object {
    Key(Name),
    Control,
    Lease(Ipv4Addr),
    Host(Name),
    Group(Name),
    /// A class or subclass.
    Class(ClassId),
    Pool(PoolId),
    Subnet(SubnetId),
    /// By its place in the list.
    Interface(usize),
    /// Made by an `open` without keys: it is nothing yet. Each has a number of its own.
    Draft(Kind, u64),
    /// Of another part of the server ([`super::Elsewhere`]).
    Elsewhere(u32),
}

/// The types of objects that can be looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Key,
    Control,
    Lease,
    Host,
    Group,
    Class,
    Subclass,
    Pool,
    Subnet,
    SharedNetwork,
    Interface,
    FailoverState,
    /// Known to ISC's library by name, and nothing one can look up.
    Unsearchable,
}

impl Kind {
    pub fn from_name(name: &[u8]) -> Option<Kind> {
        Some(match name {
            b"authenticator" => Kind::Key,
            b"control" => Kind::Control,
            b"lease" => Kind::Lease,
            b"host" => Kind::Host,
            b"group" => Kind::Group,
            b"class" => Kind::Class,
            b"subclass" => Kind::Subclass,
            b"pool" => Kind::Pool,
            b"subnet" => Kind::Subnet,
            b"shared-network" => Kind::SharedNetwork,
            b"interface" => Kind::Interface,
            b"failover-state" => Kind::FailoverState,
            b"connection" | b"listener" | b"io" | b"generic" | b"protocol" | b"protocol-listener"
            | b"message" | b"waiter" | b"failover-link" | b"failover-listener" => Kind::Unsearchable,
            _ => return None,
        })
    }
}

/// Drafts and leases that are remembered; of more the oldest are forgotten. There are millions of leases in a large range.
const DRAFTS: usize = 1024;
const LEASES: usize = 1 << 18;

#[derive(Clone, Debug, Default)]
pub struct Handles {
    pub(super) last: u32,
    /// Added to the numbers of what can be changed.
    pub(super) start: u32,
    pub(super) objects: FxHashMap<u32, Object>,
    pub(super) numbers: FxHashMap<Object, u32>,
    pub(super) drafts: VecDeque<u32>,
    pub(super) leases: VecDeque<u32>,
}

/// Numbers of what can be changed: above those of everything else, and positive where they are signed.
const CHANGEABLE: std::ops::Range<u32> = 1 << 30..1 << 31;

impl Handles {
    pub fn new(start: u32) -> Handles {
        Handles { start, ..Handles::default() }
    }

    /// The number of an object, made when it has none.
    pub fn number(&mut self, object: &Object) -> u32 {
        if let Some(number) = self.numbers.get(object) {
            return *number;
        }
        self.last = self.last.wrapping_add(1).max(1);
        // ISC lets go of an interface that is made as soon as it has answered.
        if let Object::Draft(Kind::Interface, _) = object {
            return self.changeable();
        }
        let number = match object {
            Object::Key(_) | Object::Pool(_) | Object::Subnet(_) | Object::Interface(_) => self.last,
            _ => self.changeable(),
        };
        self.objects.insert(number, object.clone());
        self.numbers.insert(object.clone(), number);
        let (queue, most) = match object {
            Object::Draft(..) => (&mut self.drafts, DRAFTS),
            Object::Lease(_) => (&mut self.leases, LEASES),
            _ => return number,
        };
        queue.push_back(number);
        if queue.len() > most
            && let Some(oldest) = queue.pop_front()
            && let Some(Object::Draft(..) | Object::Lease(_)) = self.objects.get(&oldest)
        {
            self.forget_number(oldest);
        }
        number
    }

    fn changeable(&self) -> u32 {
        CHANGEABLE.start + self.start.wrapping_add(self.last) % CHANGEABLE.len() as u32
    }

    pub fn object(&self, number: u32) -> Option<&Object> {
        self.objects.get(&number)
    }

    /// The draft has become something.
    pub fn becomes(&mut self, draft: &Object, object: &Object) {
        if let Some(number) = self.numbers.remove(draft) {
            self.objects.insert(number, object.clone());
            self.numbers.insert(object.clone(), number);
        }
    }

    /// The object is gone.
    pub fn forget(&mut self, object: &Object) {
        if let Some(number) = self.numbers.get(object) {
            self.forget_number(*number);
        }
    }

    fn forget_number(&mut self, number: u32) {
        if let Some(object) = self.objects.remove(&number) {
            self.numbers.remove(&object);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_up_and_old_leases_are_forgotten() {
        let mut handles = Handles::default();
        let lease = |number: u32| Object::Lease(Ipv4Addr::from(number));
        let (first, pool) = (CHANGEABLE.start, Object::Pool(PoolId(0)));
        assert_eq!([handles.number(&Object::Control), handles.number(&lease(1))], [first + 1, first + 2]);
        assert_eq!([handles.number(&Object::Control), handles.number(&pool)], [first + 1, 3]);
        for number in 2..2 + LEASES as u32 {
            handles.number(&lease(number));
        }
        assert_eq!((handles.object(first + 1), handles.object(first + 2)), (Some(&Object::Control), None));
        assert_eq!(handles.objects.len(), 2 + LEASES);
        assert_eq!(Handles::new(u32::MAX).number(&Object::Control), CHANGEABLE.start);
        let draft = Object::Draft(Kind::Host, 1);
        let number = handles.number(&draft);
        handles.becomes(&draft, &Object::Host("h".into()));
        assert_eq!(handles.object(number), Some(&Object::Host("h".into())));
        handles.forget(&Object::Host("h".into()));
        assert_eq!(handles.object(number), None);
    }
}
