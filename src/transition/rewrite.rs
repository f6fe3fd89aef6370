//! The whole lease file anew, in ISC's order: header, classes, groups, hosts, failover states, leases.
//!
//! Written in pieces, so that service goes on between them. A binding that changes meanwhile is appended by its own
//! transition, to both files; the walk meets every other one exactly once.

use super::load::{Kept, Rank};
use super::message;
use crate::clock::Wall;
use crate::lease::store::{RewriteWalk, Store};
use crate::lease_file::writer::{self, Format};
use crate::lease_file::{DeclarationKind, FailoverRecord};
use crate::log::Line;
use crate::octets::{Octets, Put, Result};

#[derive(Debug)]
pub struct Rewrite {
    walk: RewriteWalk,
    begun: bool,
    /// The last declaration written; all of them are when `declared` is set.
    last: Option<Rank>,
    declared: bool,
    leases: usize,
    /// What is to be said about the bindings written so far.
    pub said: Vec<Line>,
}

impl Rewrite {
    pub fn new(store: &Store) -> Self {
        Rewrite {
            walk: RewriteWalk::new(store),
            begun: false,
            last: None,
            declared: false,
            leases: 0,
            said: Vec::new(),
        }
    }

    /// Appends the next piece, of about `limit` octets; false when it was the last.
    pub fn write(
        &mut self,
        store: &Store,
        kept: &Kept,
        now: Wall,
        format: &Format,
        limit: usize,
        out: &mut Vec<u8>,
    ) -> bool {
        let start = out.len();
        if !self.begun {
            self.begun = true;
            writer::header(out, env!("CARGO_PKG_VERSION"));
        }
        if !self.declared {
            if let Some(last) = kept.declared.write(self.last, limit, out) {
                self.last = Some(last);
                return true;
            }
            self.declared = true;
            for state in &kept.failover {
                writer::failover_state(out, state, format);
            }
        }
        while out.len() - start < limit {
            let Some(id) = store.next_in_rewrite(&mut self.walk) else { return false };
            let binding = store.get(id);
            self.said.extend(binding.functions().map(|name| message::function_not_kept(name)));
            writer::lease(out, binding, now, format);
            self.leases += 1;
        }
        true
    }

    /// Where it stands, as octets.
    pub fn put(&self, out: &mut Vec<u8>) {
        out.bool(self.begun);
        out.option(self.last, |out, last| last.put(out));
        out.bool(self.declared);
        out.u64(self.leases as u64);
        self.walk.put(out);
    }

    /// Over a store that has the same bindings as the one that was walked.
    pub fn read(octets: &mut Octets<'_>, store: &Store) -> Result<Self> {
        let (begun, last) = (octets.bool()?, octets.option(Rank::read)?);
        let (declared, leases) = (octets.bool()?, octets.u64()? as usize);
        Ok(Rewrite {
            walk: RewriteWalk::read(octets, store)?,
            begun,
            last,
            declared,
            leases,
            said: Vec::new(),
        })
    }

    /// How many leases have been written.
    pub fn leases(&self) -> usize {
        self.leases
    }

    /// What ISC says of a rewrite that is done. `classes`, `groups` and `hosts`: whether the configuration or the file has
    /// any, without which ISC does not count them.
    pub fn lines(&self, kept: &Kept, classes: bool, groups: bool, hosts: bool) -> Vec<Line> {
        let count = |wanted: &dyn Fn(DeclarationKind, bool) -> bool| {
            kept.declared.iter().filter(|d| wanted(d.kind, d.deleted)).count()
        };
        let mut lines = Vec::new();
        let class_count =
            count(&|kind, _| matches!(kind, DeclarationKind::Class | DeclarationKind::Subclass));
        if classes || class_count > 0 {
            lines.push(message::wrote_classes(class_count));
        }
        let group_count = count(&|kind, _| kind == DeclarationKind::Group);
        if groups || group_count > 0 {
            lines.push(message::wrote_groups(group_count));
        }
        if hosts || count(&|kind, _| kind == DeclarationKind::Host) > 0 {
            lines.push(message::wrote_deleted_hosts(count(&|kind, gone| {
                kind == DeclarationKind::Host && gone
            })));
            // ISC counts the dynamic hosts that it could not write; ours can all be written.
            lines.push(message::wrote_dynamic_hosts(0));
        }
        lines.push(match &kept.associations {
            Some(associations) => message::wrote_associations(|kind| associations.count(kind)),
            None => message::wrote_leases(self.leases),
        });
        lines
    }
}

/// The first record with a time before 1970, which ISC cannot write, in ISC's words.
pub fn unwritable(store: &Store, kept: &Kept) -> Option<Line> {
    let states =
        |record: &FailoverRecord| [record.my, record.partner].map(|state| state.map_or(0, |s| s.since));
    if let Some(record) = kept.failover.iter().find(|record| states(record).iter().any(|&since| since < 0)) {
        return Some(message::unwritable_state(&record.name));
    }
    if let Some(associations) = &kept.associations {
        return associations.has_negative_time().then(message::unwritable_association);
    }
    let mut walk = RewriteWalk::new(store);
    std::iter::from_fn(|| store.next_in_rewrite(&mut walk))
        .map(|id| store.get(id))
        .find(|binding| binding.has_negative_time())
        .map(|binding| message::unwritable_lease(binding.address))
}
