//! Identity associations and what is bound to them: the `ia-na`, `ia-ta` and `ia-pd` records of dhcpd.leases(5), and
//! RFC 8415 sections 12 and 13.

use super::binding::{State, Value};
use crate::clock::Wall;
use crate::eval::ast::{Block, Name};
use rustc_hash::FxHashMap;
use std::net::Ipv6Addr;
use std::sync::Arc;

/// What an association holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// IA_NA: addresses.
    NonTemporary,
    /// IA_TA: temporary addresses.
    Temporary,
    /// IA_PD: delegated prefixes.
    Prefix,
}

/// Whose an association is. A client has as many as it likes of each kind, told apart by their IAIDs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    pub kind: Kind,
    /// The four octets of the record as an integer in the byte order of the machine that wrote them.
    pub iaid: u32,
    pub duid: Arc<[u8]>,
}

/// One address, or one prefix.
#[derive(Clone, Debug, PartialEq)]
pub struct Lease6 {
    pub address: Ipv6Addr,
    /// Of a prefix; 128 for an address.
    pub prefix_length: u8,
    pub state: State,
    /// Seconds.
    pub preferred_life: u32,
    /// Seconds.
    pub max_life: u32,
    pub ends: Wall,
    /// What few have.
    pub extra: Option<Box<Extra6>>,
}

/// The rarer parts of a [`Lease6`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extra6 {
    /// `set` variables, newest first, as the file lists them.
    pub variables: Vec<(Name, Value)>,
    pub on_expiry: Option<Block>,
    pub on_release: Option<Block>,
}

/// An identity association.
#[derive(Clone, Debug, PartialEq)]
pub struct Association {
    pub key: Key,
    /// Last time the client was heard; 0: unknown.
    pub cltt: Wall,
    pub leases: Vec<Lease6>,
}

/// A place in the [`Associations`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AssociationId(u32);

/// `start/length`, cut into pieces of `unit` bits (128 for addresses).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block6 {
    pub kind: Kind,
    pub start: Ipv6Addr,
    pub length: u8,
    pub unit: u8,
}

impl Block6 {
    fn holds(&self, address: Ipv6Addr) -> bool {
        let host = u128::MAX.checked_shr(u32::from(self.length)).unwrap_or(0);
        address.to_bits() & !host == self.start.to_bits()
    }
}

/// What became of a lease read from the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    Kept,
    /// No range holds it, or prefixes of the range have another length.
    NoPool,
    /// Another association held it, and holds it no more.
    Duplicate,
}

/// The associations of a server, and who holds which address.
#[derive(Clone, Debug, Default)]
pub struct Associations {
    /// In the order declared: the first that holds an address counts.
    blocks: Vec<Block6>,
    all: Vec<Association>,
    /// Those in force. One that a later record of its key replaced still holds what that record does not name, as in ISC.
    by_key: FxHashMap<Key, AssociationId>,
    /// By block and address.
    holders: FxHashMap<(u32, Ipv6Addr), AssociationId>,
}

impl Associations {
    pub fn new(blocks: Vec<Block6>) -> Self {
        Associations { blocks, ..Associations::default() }
    }

    /// Begins to read a record; it comes into force with [`Associations::finish`].
    pub fn begin(&mut self, key: Key) -> AssociationId {
        let id = AssociationId(self.all.len() as u32);
        self.all.push(Association { key, cltt: 0, leases: Vec::new() });
        id
    }

    /// One lease of a record. What is neither active nor abandoned only ends what stood in its place.
    pub fn load(&mut self, id: AssociationId, lease: Lease6) -> Placed {
        let Some(key) = self.get(id).map(|association| association.key.clone()) else {
            return Placed::NoPool;
        };
        let Some(block) = self.block_of(key.kind, &lease) else { return Placed::NoPool };
        let place = (block, lease.address);
        let lasts = matches!(lease.state, State::Active | State::Abandoned);
        let old = self.holders.get(&place).copied();
        let same = old.and_then(|old| self.get(old)).map(|old| old.key == key);
        let placed = match (old, same) {
            (Some(old), Some(true)) if !lasts => {
                self.take_away(old, place);
                Placed::Kept
            }
            (Some(old), Some(false)) if lasts => {
                self.take_away(old, place);
                Placed::Duplicate
            }
            _ => Placed::Kept,
        };
        if lasts {
            self.holders.insert(place, id);
            if let Some(association) = self.all.get_mut(id.0 as usize) {
                association.leases.push(lease);
            }
        }
        placed
    }

    /// The record is whole: it replaces the one before of the same key, and counts if anything is left of it.
    pub fn finish(&mut self, id: AssociationId, cltt: Wall) {
        let Some(association) = self.all.get_mut(id.0 as usize) else { return };
        association.cltt = cltt;
        if association.leases.is_empty() {
            self.by_key.remove(&association.key);
        } else {
            self.by_key.insert(association.key.clone(), id);
        }
    }

    /// How many of a kind are in force.
    pub fn count(&self, kind: Kind) -> usize {
        self.by_key.keys().filter(|key| key.kind == kind).count()
    }

    pub fn get(&self, id: AssociationId) -> Option<&Association> {
        self.all.get(id.0 as usize)
    }

    pub fn find(&self, key: &Key) -> Option<&Association> {
        self.by_key.get(key).and_then(|id| self.get(*id))
    }

    /// Whether a time of those in force is before 1970.
    pub fn has_negative_time(&self) -> bool {
        let negative = |a: &Association| a.cltt < 0 || a.leases.iter().any(|lease| lease.ends < 0);
        self.by_key.values().filter_map(|id| self.get(*id)).any(negative)
    }

    fn block_of(&self, kind: Kind, lease: &Lease6) -> Option<u32> {
        let index = self.blocks.iter().position(|b| b.kind == kind && b.holds(lease.address))?;
        let fits = kind != Kind::Prefix || self.blocks.get(index)?.unit == lease.prefix_length;
        fits.then_some(index as u32)
    }

    fn take_away(&mut self, from: AssociationId, place: (u32, Ipv6Addr)) {
        self.holders.remove(&place);
        let Some(association) = self.all.get_mut(from.0 as usize) else { return };
        if let Some(at) = association.leases.iter().rposition(|lease| lease.address == place.1) {
            association.leases.remove(at);
        }
        if association.leases.is_empty() {
            self.by_key.remove(&association.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(address: &str, state: State) -> Lease6 {
        let (preferred_life, max_life, ends) = (375, 600, 1_700_000_000);
        let address = address.parse().unwrap();
        Lease6 { address, prefix_length: 128, state, preferred_life, max_life, ends, extra: None }
    }

    /// As the real program read such files with `-6 -T` and counted.
    #[test]
    fn an_address_has_one_holder() {
        let start = "2001:db8::".parse().unwrap();
        let kind = Kind::NonTemporary;
        let mut all = Associations::new(vec![Block6 { kind, start, length: 64, unit: 128 }]);
        let key = |duid: &[u8]| Key { kind, iaid: 1, duid: duid.into() };
        let a = all.begin(key(b"a"));
        assert_eq!(all.load(a, lease("2001:db8::1", State::Active)), Placed::Kept);
        assert_eq!(all.load(a, lease("2001:db8:1::1", State::Active)), Placed::NoPool);
        all.finish(a, 0);
        let b = all.begin(key(b"b"));
        assert_eq!(all.load(b, lease("2001:db8::1", State::Released)), Placed::Kept);
        all.finish(b, 0);
        assert_eq!(all.count(kind), 1);
        let b = all.begin(key(b"b"));
        assert_eq!(all.load(b, lease("2001:db8::1", State::Active)), Placed::Duplicate);
        all.finish(b, 0);
        assert!(all.find(&key(b"a")).is_none());
        assert_eq!(all.find(&key(b"b")).unwrap().leases.len(), 1);
    }
}
