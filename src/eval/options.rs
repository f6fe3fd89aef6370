//! The options configured for one reply: what `option`, `supersede`, `default`, `append`, `prepend` and the server
//! parameters of the scopes have left. Expressions are kept unevaluated until the reply is built.

use super::ast::{Action, Block, Expr, OptionOp, Statement};
use crate::option::definition::{DHCP, OptionId, SERVER, SpaceId};
use crate::option::space::{Layout, Spaces, hash_slot};
use smallvec::SmallVec;
use std::sync::Arc;

/// Codes of `dhcp` and of `server` that are found by index; all others by a look through the list.
const DHCP_CODES: usize = 256;
const INDEXED: usize = DHCP_CODES + 128;

/// What an option is set to.
#[derive(Clone, Debug)]
pub enum Setting {
    /// The value of an option statement: the block it stands in, and where.
    Statement { block: Block, index: u32 },
    /// Octets from the engine.
    Data(SmallVec<[u8; 16]>),
    /// `append`, `prepend`: one after the other.
    Joined(Arc<(Setting, Setting)>),
    /// The same for compressed domain lists (format `Dc`).
    DomainLists(Arc<(Setting, Setting)>),
    /// Deleted again.
    Absent,
}

impl Setting {
    /// The expression of a statement.
    pub fn expression(&self) -> Option<&Expr> {
        match self {
            Setting::Statement { block, index } => match block.get(*index as usize)? {
                Statement { action: Action::Option { value, .. }, .. } => Some(value),
                _ => None,
            },
            _ => None,
        }
    }

    /// Octets from the engine, and none at all: joined to nothing.
    fn is_empty_data(&self) -> bool {
        matches!(self, Setting::Data(octets) if octets.is_empty())
    }

    /// The octets, when no evaluation is needed to know them.
    pub fn constant(&self) -> Option<&[u8]> {
        match self {
            Setting::Data(octets) => Some(octets),
            _ => match self.expression()? {
                Expr::Const(octets) => Some(octets),
                _ => None,
            },
        }
    }
}

#[derive(Clone, Debug)]
struct Entry {
    id: OptionId,
    setting: Setting,
}

/// Options by space and code. Meant to be kept and cleared for the next packet.
#[derive(Clone, Debug)]
pub struct OptionState {
    /// In the order first set; a later value takes the place of the earlier.
    entries: Vec<Entry>,
    /// Position in `entries` plus one; 0: not set.
    index: Box<[u16; INDEXED]>,
    /// The space that stands in for codes from `site_code_min` on, from `site-option-space`.
    pub site_space: SpaceId,
    /// First code of the site space; 0: there is none.
    pub site_code_min: u32,
}

impl Default for OptionState {
    fn default() -> Self {
        OptionState { entries: Vec::new(), index: Box::new([0; INDEXED]), site_space: DHCP, site_code_min: 0 }
    }
}

fn slot(id: OptionId) -> Option<usize> {
    match id.space {
        DHCP if id.code < DHCP_CODES as u32 => Some(id.code as usize),
        SERVER if id.code < (INDEXED - DHCP_CODES) as u32 => Some(DHCP_CODES + id.code as usize),
        _ => None,
    }
}

impl OptionState {
    pub fn new() -> Self {
        OptionState::default()
    }

    /// Forgets every option, keeps the memory.
    pub fn clear(&mut self) {
        for entry in self.entries.drain(..) {
            if let Some(place) = slot(entry.id).and_then(|s| self.index.get_mut(s)) {
                *place = 0;
            }
        }
        self.site_space = DHCP;
        self.site_code_min = 0;
    }

    fn position(&self, id: OptionId) -> Option<usize> {
        match slot(id) {
            Some(slot) => usize::from(*self.index.get(slot)?).checked_sub(1),
            None => self.entries.iter().position(|e| e.id == id && !matches!(e.setting, Setting::Absent)),
        }
    }

    /// What the option is set to.
    pub fn get(&self, id: OptionId) -> Option<&Setting> {
        Some(&self.entries.get(self.position(id)?)?.setting)
    }

    pub fn contains(&self, id: OptionId) -> bool {
        self.position(id).is_some()
    }

    /// Sets or replaces.
    pub fn set(&mut self, id: OptionId, setting: Setting) {
        if let Some(entry) = self.position(id).and_then(|at| self.entries.get_mut(at)) {
            entry.setting = setting;
            return;
        }
        if self.entries.len() >= usize::from(u16::MAX) - 1 {
            return;
        }
        self.entries.push(Entry { id, setting });
        if let Some(place) = slot(id).and_then(|s| self.index.get_mut(s)) {
            *place = self.entries.len() as u16;
        }
    }

    pub fn set_data(&mut self, id: OptionId, octets: &[u8]) {
        self.set(id, Setting::Data(SmallVec::from_slice(octets)));
    }

    pub fn delete(&mut self, id: OptionId) {
        let Some(at) = self.position(id) else { return };
        if let Some(entry) = self.entries.get_mut(at) {
            entry.setting = Setting::Absent;
        }
        if let Some(place) = slot(id).and_then(|s| self.index.get_mut(s)) {
            *place = 0;
        } else {
            self.entries.remove(at);
            self.reindex(at);
        }
    }

    /// Positions from `from` on have moved by one.
    fn reindex(&mut self, from: usize) {
        for (at, entry) in self.entries.iter().enumerate().skip(from) {
            if matches!(entry.setting, Setting::Absent) {
                continue;
            }
            if let Some(place) = slot(entry.id).and_then(|s| self.index.get_mut(s)) {
                *place = (at + 1) as u16;
            }
        }
    }

    /// Carries out an option statement: replace, set if unset, put behind or before what is there.
    pub fn apply(&mut self, op: OptionOp, id: OptionId, setting: Setting, spaces: &Spaces) {
        let present = match op {
            OptionOp::Supersede | OptionOp::Send => None,
            OptionOp::Default if self.contains(id) => return,
            OptionOp::Default => None,
            OptionOp::Append | OptionOp::Prepend => self.get(id).filter(|old| !old.is_empty_data()).cloned(),
        };
        let Some(old) = present else { return self.set(id, setting) };
        let joined = if op == OptionOp::Append { (old, setting) } else { (setting, old) };
        let lists = spaces.option_format(id).starts_with("Dc");
        let joined = Arc::new(joined);
        self.set(id, if lists { Setting::DomainLists(joined) } else { Setting::Joined(joined) });
    }

    /// The options set in a space, in the order in which ISC walks that space: by slot of its hash and newest first, or
    /// in the order first set.
    pub fn in_order(&self, space: SpaceId, spaces: &Spaces) -> SmallVec<[(u32, &Setting); 32]> {
        let set =
            self.entries.iter().filter(|e| e.id.space == space && !matches!(e.setting, Setting::Absent));
        let mut found: SmallVec<[(u32, &Setting); 32]> = set.map(|e| (e.id.code, &e.setting)).collect();
        if spaces.space(space).layout == Layout::Hashed {
            found.reverse();
            found.sort_by_key(|(code, _)| hash_slot(*code));
        }
        found
    }

    /// Any option set in that space?
    pub fn uses(&self, space: SpaceId) -> bool {
        self.entries.iter().any(|e| e.id.space == space && !matches!(e.setting, Setting::Absent))
    }

    /// Ever touched in that space: ISC keeps an empty hash once made, and encapsulates it to nothing.
    pub fn touched(&self, space: SpaceId) -> bool {
        self.entries.iter().any(|e| e.id.space == space)
    }
}
