//! Hosts and how a packet finds them.
//!
//! ISC keeps one link a host for all of its tables: the head of the chain comes from the hardware, client identifier or
//! host-identifier table, and what follows is the same chain whichever way one came (ledger `dhcp4-behaviour.md` 2.1).

use super::model::{Host, HostId};
use crate::option::definition::OptionId;
use rustc_hash::{FxHashMap, FxHasher};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// All declared hosts with their indexes.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    all: Vec<Host>,
    /// Next host of the same chain; `NONE` at its end. Parallel to `all`.
    next: Vec<u32>,
    by_name: HashIndex,
    by_hardware: HashIndex,
    by_client_identifier: HashIndex,
    /// Newest table first, as ISC searches them.
    by_identifier: Vec<IdentifierTable>,
    /// Last host of a chain that has more than one, by its head.
    tails: FxHashMap<u32, u32>,
    /// Places of hosts that were removed, to be used again.
    free: Vec<u32>,
}

const NONE: u32 = u32::MAX;

/// The hosts that one `host-identifier` option (with its relay hop count) can find.
#[derive(Clone, Debug)]
pub struct IdentifierTable {
    pub option: OptionId,
    pub relay_hops: u32,
    values: FxHashMap<Arc<[u8]>, HostId>,
}

impl IdentifierTable {
    /// Head of the chain of hosts declared with this value, for [`Hosts::chain`]: the head itself may be taken back.
    pub fn find(&self, value: &[u8]) -> Option<HostId> {
        self.values.get(value).copied()
    }
}

impl Hosts {
    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub fn get(&self, id: HostId) -> Option<&Host> {
        self.all.get(id.0 as usize)
    }

    /// In the order declared; not those taken back.
    pub fn iter(&self) -> impl Iterator<Item = (HostId, &Host)> {
        let all = self.all.iter().enumerate().map(|(i, host)| (HostId(i as u32), host));
        all.filter(|(_, host)| !host.provenance.deleted)
    }

    pub fn by_name(&self, name: &str) -> Option<HostId> {
        self.by_name.find(hash_of(name.as_bytes()), |id| {
            self.at(id).is_some_and(|host| *host.name == *name && !host.provenance.deleted)
        })
    }

    /// Head of the chain for a hardware type and address (octet 0 is the type).
    pub fn by_hardware(&self, hardware: &[u8]) -> Option<HostId> {
        self.first_of(self.hardware_head(hardware)?)
    }

    fn hardware_head(&self, hardware: &[u8]) -> Option<HostId> {
        self.by_hardware.find(hash_of(hardware), |id| {
            self.at(id)
                .and_then(|host| host.hardware.as_ref())
                .is_some_and(|own| own.0.as_slice() == hardware)
        })
    }

    /// Head of the chain for a client identifier.
    pub fn by_client_identifier(&self, identifier: &[u8]) -> Option<HostId> {
        self.first_of(self.client_identifier_head(identifier)?)
    }

    fn client_identifier_head(&self, identifier: &[u8]) -> Option<HostId> {
        self.by_client_identifier.find(hash_of(identifier), |id| {
            self.at(id)
                .and_then(|host| host.client_identifier.as_ref())
                .is_some_and(|own| **own == *identifier)
        })
    }

    /// The `host-identifier` tables in the order in which a packet is tried against them.
    pub fn identifier_tables(&self) -> &[IdentifierTable] {
        &self.by_identifier
    }

    /// The host and those chained behind it; not those taken back.
    pub fn chain(&self, head: HostId) -> impl Iterator<Item = (HostId, &Host)> {
        let mut at = head.0;
        let all = std::iter::from_fn(move || {
            let host = self.all.get(at as usize)?;
            let id = HostId(at);
            at = self.next.get(at as usize).copied().unwrap_or(NONE);
            Some((id, host))
        });
        all.filter(|(_, host)| !host.provenance.deleted)
    }

    fn first_of(&self, head: HostId) -> Option<HostId> {
        self.chain(head).next().map(|(id, _)| id)
    }

    fn at(&self, id: u32) -> Option<&Host> {
        self.all.get(id as usize)
    }

    /// Adds a host to every table it belongs in. `None` when one of this name is there already.
    pub fn insert(&mut self, mut host: Host) -> Option<HostId> {
        if self.by_name(&host.name).is_some() {
            return None;
        }
        // What replaces a deleted host of the configuration must go on to say so.
        host.provenance.fixed |= self.replaces_declared(&host.name);
        let id = self.free.pop().unwrap_or(self.all.len() as u32);
        let hardware_head = host.hardware.as_ref().and_then(|hardware| self.hardware_head(&hardware.0));
        let uid_head = host.client_identifier.as_ref().and_then(|uid| self.client_identifier_head(uid));
        self.by_name.insert(hash_of(host.name.as_bytes()), id);
        if let (Some(hardware), None) = (&host.hardware, hardware_head) {
            self.by_hardware.insert(hash_of(&hardware.0), id);
        }
        if let (Some(uid), None) = (&host.client_identifier, uid_head) {
            self.by_client_identifier.insert(hash_of(uid), id);
        }
        let identifier_head = self.identifier_head(&host, HostId(id));
        match self.all.get_mut(id as usize) {
            Some(place) => *place = host,
            None => {
                self.all.push(host);
                self.next.push(NONE);
            }
        }
        // A host hangs in one chain only: the first of these that has a head already.
        if let Some(head) = hardware_head.or(uid_head).or(identifier_head) {
            self.append(head.0, id);
        }
        Some(HostId(id))
    }

    fn replaces_declared(&self, name: &str) -> bool {
        let found = self.by_name.find(hash_of(name.as_bytes()), |id| {
            self.at(id).is_some_and(|host| *host.name == *name && host.provenance.fixed)
        });
        found.is_some()
    }

    fn identifier_head(&mut self, host: &Host, id: HostId) -> Option<HostId> {
        let identifier = host.extra.as_ref()?.identifier.as_ref()?;
        // ISC compares the code alone, whatever the option's space.
        let at = self.by_identifier.iter().position(|table| {
            table.option.code == identifier.option.code && table.relay_hops == identifier.relay_hops
        });
        let at = at.unwrap_or_else(|| {
            let table = IdentifierTable {
                option: identifier.option,
                relay_hops: identifier.relay_hops,
                values: FxHashMap::default(),
            };
            self.by_identifier.insert(0, table);
            0
        });
        let table = self.by_identifier.get_mut(at)?;
        if let Some(&head) = table.values.get(&identifier.value) {
            return Some(head);
        }
        table.values.insert(identifier.value.clone(), id);
        None
    }

    fn append(&mut self, head: u32, id: u32) {
        let mut tail = self.tails.get(&head).copied().unwrap_or(head);
        while let Some(&next) = self.next.get(tail as usize) {
            if next == NONE {
                break;
            }
            tail = next;
        }
        if let Some(link) = self.next.get_mut(tail as usize)
            && tail != id
        {
            *link = id;
            self.tails.insert(head, id);
        }
    }

    /// Takes a host back: it keeps its number and its place, and is found no more.
    pub fn delete(&mut self, name: &str) -> bool {
        let found = self.by_name(name).and_then(|id| self.all.get_mut(id.0 as usize));
        let Some(host) = found else { return false };
        host.provenance.deleted = true;
        true
    }

    /// Takes a host back while the server runs: it leaves every table, and its place is used again unless every rewrite of the
    /// lease file must say that it is gone. What follows it in its chain is found without it.
    pub fn remove(&mut self, name: &str) -> bool {
        let Some(HostId(id)) = self.by_name(name) else { return false };
        let Some(host) = self.all.get_mut(id as usize) else { return false };
        host.provenance.deleted = true;
        let host = host.clone();
        if !host.provenance.fixed {
            self.by_name.remove(hash_of(host.name.as_bytes()), id);
            self.free.push(id);
        }
        let hardware = host.hardware.as_ref().map(|hardware| &*hardware.0);
        let uid = host.client_identifier.as_deref();
        let heads = [
            hardware.and_then(|hardware| self.hardware_head(hardware)),
            uid.and_then(|uid| self.client_identifier_head(uid)),
            self.identifier_place(&host).and_then(|(table, value)| table.values.get(value).copied()),
        ];
        for HostId(head) in heads.into_iter().flatten().filter(|head| head.0 != id) {
            self.unlink(head, id);
        }
        let following = self.next.get_mut(id as usize).map_or(NONE, |next| std::mem::replace(next, NONE));
        let tail = self.tails.remove(&id).filter(|tail| *tail != following);
        if let (Some(tail), true) = (tail, following != NONE) {
            self.tails.insert(following, tail);
        }
        self.lead(&host, id, following);
        true
    }

    /// Takes a host out of the chain of another one.
    fn unlink(&mut self, head: u32, id: u32) {
        let following = self.next.get(id as usize).copied().unwrap_or(NONE);
        let mut at = head;
        while let Some(next) = self.next.get_mut(at as usize) {
            match *next {
                NONE => return,
                next_id if next_id == id => {
                    *next = following;
                    break;
                }
                next_id => at = next_id,
            }
        }
        if self.tails.get(&head) == Some(&id) {
            self.tails.insert(head, at);
        }
    }

    /// Wherever `id` led a chain, the one behind it leads it now.
    fn lead(&mut self, host: &Host, id: u32, following: u32) {
        let next = self.all.get(following as usize).cloned();
        if let Some(hardware) = &host.hardware {
            self.by_hardware.remove(hash_of(&hardware.0), id);
        }
        if let Some(uid) = &host.client_identifier {
            self.by_client_identifier.remove(hash_of(uid), id);
        }
        if let Some((table, value)) = self.identifier_place_mut(host)
            && table.values.get(value) == Some(&HostId(id))
        {
            table.values.remove(value);
        }
        let Some(next) = next else { return };
        if let Some(hardware) = &next.hardware
            && self.hardware_head(&hardware.0).is_none()
        {
            self.by_hardware.insert(hash_of(&hardware.0), following);
        }
        if let Some(uid) = &next.client_identifier
            && self.client_identifier_head(uid).is_none()
        {
            self.by_client_identifier.insert(hash_of(uid), following);
        }
        if let Some((table, value)) = self.identifier_place_mut(&next) {
            table.values.entry(value.clone()).or_insert(HostId(following));
        }
    }

    fn identifier_place<'h>(&self, host: &'h Host) -> Option<(&IdentifierTable, &'h Arc<[u8]>)> {
        let identifier = host.extra.as_ref()?.identifier.as_ref()?;
        let mut tables = self.by_identifier.iter();
        let table = tables.find(|table| {
            table.option.code == identifier.option.code && table.relay_hops == identifier.relay_hops
        });
        Some((table?, &identifier.value))
    }

    fn identifier_place_mut<'h>(&mut self, host: &'h Host) -> Option<(&mut IdentifierTable, &'h Arc<[u8]>)> {
        let identifier = host.extra.as_ref()?.identifier.as_ref()?;
        let mut tables = self.by_identifier.iter_mut();
        let table = tables.find(|table| {
            table.option.code == identifier.option.code && table.relay_hops == identifier.relay_hops
        });
        Some((table?, &identifier.value))
    }

    /// Hosts taken back, in the order declared.
    pub fn deleted(&self) -> impl Iterator<Item = &Host> {
        self.all.iter().filter(|host| host.provenance.deleted)
    }

    /// Gives back what growth left over.
    pub(super) fn shrink(&mut self) {
        self.all.shrink_to_fit();
        self.next.shrink_to_fit();
    }
}

fn hash_of(bytes: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// A hash set of host numbers whose keys are kept by the hosts themselves: 8 octets an entry at most, open addressing.
#[derive(Clone, Debug, Default)]
struct HashIndex {
    /// Power of two long; `NONE` is a free place.
    slots: Vec<Slot>,
    used: usize,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    tag: u32,
    id: u32,
}

impl HashIndex {
    fn find(&self, hash: u64, is: impl Fn(u32) -> bool) -> Option<HostId> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut at = place(hash) & mask;
        loop {
            let slot = self.slots.get(at)?;
            if slot.id == NONE {
                return None;
            }
            if slot.tag == place(hash) as u32 && is(slot.id) {
                return Some(HostId(slot.id));
            }
            at = (at + 1) & mask;
        }
    }

    fn insert(&mut self, hash: u64, id: u32) {
        if (self.used + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        self.used += 1;
        self.put(Slot { tag: place(hash) as u32, id });
    }

    /// Forgets the entry of `id`, if there is one; the entries behind it move up, so that none is lost to a search.
    fn remove(&mut self, hash: u64, id: u32) {
        let Some(mask) = self.slots.len().checked_sub(1) else { return };
        let mut hole = place(hash) & mask;
        loop {
            match self.slots.get(hole) {
                Some(slot) if slot.id == id => break,
                Some(slot) if slot.id != NONE => hole = (hole + 1) & mask,
                _ => return,
            }
        }
        self.used -= 1;
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let Some(slot) = self.slots.get(at).copied().filter(|slot| slot.id != NONE) else { break };
            let home = slot.tag as usize & mask;
            // Whether the hole lies between its home and where it stands, going round.
            if at.wrapping_sub(home) & mask >= at.wrapping_sub(hole) & mask {
                if let Some(place) = self.slots.get_mut(hole) {
                    *place = slot;
                }
                hole = at;
            }
        }
        if let Some(place) = self.slots.get_mut(hole) {
            place.id = NONE;
        }
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(16);
        let old = std::mem::replace(&mut self.slots, vec![Slot { tag: 0, id: NONE }; size]);
        for slot in old.into_iter().filter(|slot| slot.id != NONE) {
            self.put(slot);
        }
    }

    fn put(&mut self, new: Slot) {
        let mask = self.slots.len() - 1;
        let mut at = new.tag as usize & mask;
        while let Some(slot) = self.slots.get_mut(at) {
            if slot.id == NONE {
                *slot = new;
                return;
            }
            at = (at + 1) & mask;
        }
    }
}

/// The 32 bits of a hash that choose a slot.
fn place(hash: u64) -> usize {
    (hash ^ (hash >> 32)) as u32 as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::model::{Hardware, Provenance, ROOT};
    use crate::syntax::source::Span;

    fn host(name: &str, hardware: Option<&[u8]>, uid: Option<&[u8]>) -> Host {
        Host {
            name: name.into(),
            scope: ROOT,
            hardware: hardware.map(|octets| Hardware(octets.into())),
            client_identifier: uid.map(Into::into),
            fixed_addresses: None,
            provenance: Provenance::default(),
            extra: None,
            span: Span::default(),
        }
    }

    fn names(hosts: &Hosts, head: Option<HostId>) -> Vec<String> {
        head.into_iter().flat_map(|head| hosts.chain(head)).map(|(_, host)| host.name.to_string()).collect()
    }

    #[test]
    fn chains_keep_the_order_of_declaration() {
        let mut hosts = Hosts::default();
        for (name, hardware, uid) in [
            ("a", Some(&[1, 2, 3][..]), None),
            ("b", Some(&[1, 2, 3][..]), Some(&b"x"[..])),
            ("c", None, Some(&b"x"[..])),
            ("d", Some(&[1, 2, 3][..]), None),
        ] {
            assert!(hosts.insert(host(name, hardware, uid)).is_some());
        }
        assert!(hosts.insert(host("a", None, None)).is_none());
        assert_eq!(names(&hosts, hosts.by_hardware(&[1, 2, 3])), ["a", "b", "c", "d"]);
        assert_eq!(names(&hosts, hosts.by_client_identifier(b"x")), ["b", "c", "d"]);
        assert_eq!(hosts.by_hardware(&[9]), None);
    }

    #[test]
    fn removed_hosts_leave_their_chains_and_places_are_used_again() {
        let mut hosts = Hosts::default();
        let h: &[u8] = &[1, 2, 3];
        for (name, hardware, uid) in [
            ("a", Some(h), None),
            ("b", Some(h), Some(&b"x"[..])),
            ("c", None, Some(&b"x"[..])),
            ("d", Some(h), None),
        ] {
            hosts.insert(host(name, hardware, uid));
        }
        assert!(hosts.remove("a") && !hosts.remove("a"));
        assert_eq!(names(&hosts, hosts.by_hardware(h)), ["b", "c", "d"]);
        assert!(hosts.remove("d"));
        assert_eq!(names(&hosts, hosts.by_hardware(h)), ["b", "c"]);
        hosts.insert(host("e", Some(h), None));
        assert_eq!(names(&hosts, hosts.by_hardware(h)), ["b", "c", "e"]);
        assert!(hosts.remove("b"));
        assert_eq!(names(&hosts, hosts.by_client_identifier(b"x")), ["c", "e"]);
        assert_eq!(hosts.len(), 4);
        for name in ["c", "e"] {
            assert!(hosts.remove(name));
        }
        assert_eq!((hosts.by_hardware(h), hosts.by_client_identifier(b"x")), (None, None));
    }

    #[test]
    fn ten_thousand_come_and_go_in_any_order() {
        let mut hosts = Hosts::default();
        let name = |n: u32| format!("h{n}");
        let hardware = |n: u32| [&[1, 2][..], &(n % 700).to_be_bytes()].concat();
        for round in 0..3 {
            for n in 0..2000 {
                assert!(hosts.insert(host(&name(n), Some(&hardware(n)), None)).is_some());
            }
            for n in 0..2000 {
                let n = (n * 977 + round) % 2000;
                assert!(hosts.remove(&name(n)), "{n}");
                assert_eq!(hosts.by_name(&name(n)), None);
            }
            assert_eq!((hosts.len(), hosts.iter().count()), (2000, 0));
            assert!((0..700).all(|n| hosts.by_hardware(&hardware(n)).is_none()));
        }
    }

    #[test]
    fn a_deleted_host_is_found_no_more() {
        let mut hosts = Hosts::default();
        for name in ["a", "b"] {
            hosts.insert(host(name, Some(&[1, 2, 3]), None));
        }
        assert!(hosts.delete("a") && !hosts.delete("a"));
        assert_eq!(hosts.by_name("a"), None);
        assert_eq!(names(&hosts, hosts.by_hardware(&[1, 2, 3])), ["b"]);
        assert!(hosts.insert(host("a", Some(&[1, 2, 3]), None)).is_some());
        assert_eq!(names(&hosts, hosts.by_hardware(&[1, 2, 3])), ["b", "a"]);
        assert_eq!(hosts.iter().count(), 2);
    }

    #[test]
    fn many_names_are_found() {
        let mut hosts = Hosts::default();
        for i in 0..5000 {
            hosts.insert(host(&format!("h{i}"), None, None));
        }
        for i in 0..5000 {
            assert_eq!(hosts.by_name(&format!("h{i}")), Some(HostId(i)));
        }
        assert_eq!(hosts.by_name("h5000"), None);
    }
}
