//! Bindings by client: one index by uid and one by hardware address.
//!
//! A client chooses these octets, so they are hashed with the keyed default hasher; the table then holds 32 bits of that
//! hash. Nearly every client has one binding. Where there are more (or two clients share a hash) a short list keeps
//! them in the order in which ISC prefers them for the client; the reader skips what is not the client's.

use super::queue::BindingId;
use rustc_hash::FxBuildHasher;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// Set in a table entry that stands for a list.
const LIST: u32 = 0x8000_0000;

#[derive(Debug, Default)]
pub struct Index {
    hasher: RandomState,
    table: HashMap<u32, u32, FxBuildHasher>,
    /// Preferred last: the newest is mostly the preferred one, and goes on and comes off at the end.
    lists: Vec<Vec<BindingId>>,
    unused: Vec<u32>,
}

impl Index {
    fn hash(&self, key: &[u8]) -> u32 {
        let hash = self.hasher.hash_one(key);
        (hash ^ (hash >> 32)) as u32
    }

    pub(super) fn reserve(&mut self, count: usize) {
        self.table.reserve(count);
    }

    /// All under this key's hash, preferred first. The caller compares the key itself.
    pub(super) fn get(&self, key: &[u8]) -> impl Iterator<Item = BindingId> + '_ {
        let entry = self.table.get(&self.hash(key)).copied();
        let list = entry
            .filter(|e| e & LIST != 0)
            .and_then(|e| self.lists.get((e & !LIST) as usize))
            .map_or(&[] as &[BindingId], Vec::as_slice);
        let one = entry.filter(|e| e & LIST == 0).map(BindingId);
        one.into_iter().chain(list.iter().rev().copied())
    }

    /// Adds `id` in front of the first of its equals over which `preferred` prefers it.
    pub(super) fn insert(&mut self, key: &[u8], id: BindingId, mut preferred: impl FnMut(BindingId) -> bool) {
        let hash = self.hash(key);
        let Some(&entry) = self.table.get(&hash) else {
            self.table.insert(hash, id.0);
            return;
        };
        if entry & LIST == 0 {
            let old = BindingId(entry);
            let pair = if preferred(old) { vec![old, id] } else { vec![id, old] };
            let slot = self.new_list(pair);
            self.table.insert(hash, slot | LIST);
        } else if let Some(list) = self.lists.get_mut((entry & !LIST) as usize) {
            let place = list.iter().rposition(|&candidate| preferred(candidate)).map_or(0, |i| i + 1);
            list.insert(place, id);
        }
    }

    pub(super) fn remove(&mut self, key: &[u8], id: BindingId) {
        let hash = self.hash(key);
        let Some(&entry) = self.table.get(&hash) else { return };
        if entry & LIST == 0 {
            if entry == id.0 {
                self.table.remove(&hash);
            }
            return;
        }
        let slot = entry & !LIST;
        let Some(list) = self.lists.get_mut(slot as usize) else { return };
        if let Some(place) = list.iter().rposition(|&candidate| candidate == id) {
            list.remove(place);
        }
        if let [last] = list[..] {
            list.clear();
            list.shrink_to_fit();
            self.unused.push(slot);
            self.table.insert(hash, last.0);
        }
    }

    /// Bindings that share a hash, preferred last.
    pub(super) fn lists(&self) -> impl Iterator<Item = &[BindingId]> {
        self.lists.iter().map(Vec::as_slice).filter(|list| !list.is_empty())
    }

    fn new_list(&mut self, list: Vec<BindingId>) -> u32 {
        if let Some(slot) = self.unused.pop()
            && let Some(place) = self.lists.get_mut(slot as usize)
        {
            *place = list;
            return slot;
        }
        self.lists.push(list);
        (self.lists.len() - 1) as u32
    }
}
