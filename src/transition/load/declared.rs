//! The declarations of the lease file in the order in which a rewrite has them: classes in the order declared, each with its
//! subclasses behind it, groups, deleted hosts, dynamic hosts; within each the order of ISC's hash tables, and in one place of
//! a table the newest first.

use crate::eval::ast::Name;
use crate::lease_file::{Declaration, DeclarationKind};
use crate::octets::{Octets, Put, Result};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// Places of ISC's tables of hosts, groups and subclasses.
const HOST_PLACES: u32 = 22_501;
const GROUP_PLACES: u32 = 9_973;
const SUBCLASS_PLACES: u32 = 12_007;

/// ISC's hash of a string, before it is taken modulo the size of the table.
pub(super) fn place(key: &[u8]) -> u32 {
    key.iter().fold(0u32, |sum, octet| {
        let mut sum = (sum << 1) + u32::from(*octet);
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum
    })
}

/// Where a declaration stands in a rewrite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    section: u8,
    /// Which class it is, or belongs to.
    class: u32,
    place: u32,
    made: i64,
}

impl Rank {
    pub fn put(self, out: &mut Vec<u8>) {
        out.u8(self.section);
        out.u32(self.class);
        out.u32(self.place);
        out.i64(self.made);
    }

    pub fn read(octets: &mut Octets<'_>) -> Result<Rank> {
        let (section, class, place) = (octets.u8()?, octets.u32()?, octets.u32()?);
        Ok(Rank { section, class, place, made: octets.i64()? })
    }
}

type Key = (DeclarationKind, Name, Option<Vec<u8>>);

/// The last declaration of each kind and name.
#[derive(Clone, Debug, Default)]
pub struct Declared {
    records: BTreeMap<Rank, Declaration>,
    ranks: FxHashMap<Key, Rank>,
    classes: FxHashMap<Name, u32>,
    made: i64,
}

impl Declared {
    pub fn iter(&self) -> impl Iterator<Item = &Declaration> {
        self.records.values()
    }

    /// In place of the one of its name. A subclass of the configuration is not written, and so not kept.
    pub fn put(&mut self, new: Declaration) {
        self.remove(new.kind, &new.name, new.value.as_deref());
        if new.kind == DeclarationKind::Subclass && !new.dynamic {
            return;
        }
        let rank = self.rank(&new);
        self.ranks.insert((new.kind, new.name.clone(), new.value.clone()), rank);
        self.records.insert(rank, new);
    }

    pub fn remove(&mut self, kind: DeclarationKind, name: &Name, value: Option<&[u8]>) {
        if let Some(rank) = self.ranks.remove(&(kind, name.clone(), value.map(<[u8]>::to_vec))) {
            self.records.remove(&rank);
        }
    }

    fn rank(&mut self, new: &Declaration) -> Rank {
        use DeclarationKind::{Class, Group, Host, Subclass};
        self.made += 1;
        let (section, place, made) = match new.kind {
            Class => (0, 0, self.made),
            Subclass => {
                (0, 1 + place(new.value.as_deref().unwrap_or_default()) % SUBCLASS_PLACES, -self.made)
            }
            Group => (2, place(new.name.as_bytes()) % GROUP_PLACES, -self.made),
            Host if new.deleted => (3, place(new.name.as_bytes()) % HOST_PLACES, -self.made),
            Host => (4, place(new.name.as_bytes()) % HOST_PLACES, -self.made),
        };
        let class = match new.kind {
            Class | Subclass => self.class(&new.name),
            _ => 0,
        };
        Rank { section, class, place, made }
    }

    /// The number of a class, given when it is first named.
    pub fn class(&mut self, name: &Name) -> u32 {
        let next = self.classes.len() as u32;
        *self.classes.entry(name.clone()).or_insert(next)
    }

    /// Writes those behind `after`, about `limit` octets of them; the last one written, none when nothing was left.
    pub fn write(&self, after: Option<Rank>, limit: usize, out: &mut Vec<u8>) -> Option<Rank> {
        use std::ops::Bound::{Excluded, Unbounded};
        let start = out.len();
        let mut last = None;
        for (rank, declaration) in self.records.range((after.map_or(Unbounded, Excluded), Unbounded)) {
            out.extend_from_slice(&declaration.text);
            let is_class = matches!(declaration.kind, DeclarationKind::Class | DeclarationKind::Subclass);
            out.extend_from_slice(if is_class { b"\n\n" } else { b"\n" });
            last = Some(*rank);
            if out.len() - start >= limit {
                break;
            }
        }
        last
    }
}
