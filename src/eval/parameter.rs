//! Server parameters and other option settings read as what they are: flags, numbers, addresses.

use super::machine::Machine;
use super::message;
use crate::option::definition::{OptionId, SERVER, SpaceId};
use rustc_hash::FxHashSet;
use std::net::Ipv4Addr;

const SITE_OPTION_SPACE: OptionId = OptionId { space: SERVER, code: 21 };
/// First site code of RFC 3942, and the first that was ever one.
const SITE_CODES: u32 = 224;
const OLD_SITE_CODES: u32 = 128;

/// A flag of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    No,
    Yes,
    /// From `ignore ..;`: no, and without an answer.
    Ignore,
}

impl Machine<'_> {
    /// A flag; `None`: not configured. A value that is null or means nothing is `No`.
    pub fn flag(&mut self, id: OptionId) -> Option<Flag> {
        if !self.options.contains(id) {
            return None;
        }
        let first = self.option_value(id).and_then(|value| value.first().copied());
        Some(match first {
            Some(1) => Flag::Yes,
            Some(2) => Flag::Ignore,
            _ => Flag::No,
        })
    }

    /// A flag that is either yes or not, with what it is when nothing is configured.
    pub fn is_on(&mut self, id: OptionId, otherwise: bool) -> bool {
        self.flag(id).map_or(otherwise, |flag| flag == Flag::Yes)
    }

    /// A number of exactly so many octets; `None`: not configured, null, or of another length.
    pub fn number_set(&mut self, id: OptionId, octets: usize) -> Option<u32> {
        let value = self.option_value(id)?;
        (value.len() == octets).then(|| value.iter().fold(0, |n, octet| n << 8 | u32::from(*octet)))
    }

    /// The first address of a value.
    pub fn address_set(&mut self, id: OptionId) -> Option<Ipv4Addr> {
        let value = self.option_value(id)?;
        let octets: [u8; 4] = value.get(..4)?.try_into().ok()?;
        Some(octets.into())
    }

    /// Takes up `site-option-space`. `false`: it names no space, and ISC does not answer. `warned` remembers the spaces whose
    /// low codes have been complained about.
    pub fn take_site_space(&mut self, warned: &mut FxHashSet<SpaceId>) -> bool {
        let Some(name) = self.option_value(SITE_OPTION_SPACE) else { return true };
        let name = name.strip_suffix(&[0]).unwrap_or(&name);
        let space = std::str::from_utf8(name).ok().and_then(|name| self.context.spaces.space_by_name(name));
        let Some(space) = space else {
            self.outcome.say(message::unknown_option_space(name));
            return false;
        };
        let declared = self.context.spaces.space(space);
        let lowest = declared.definitions().map(|d| d.id.code).min().unwrap_or(SITE_CODES).min(SITE_CODES);
        if lowest < SITE_CODES && warned.insert(space) {
            self.outcome.say(message::low_site_codes(&declared.name, lowest));
        }
        self.options.site_space = space;
        self.options.site_code_min = lowest.max(OLD_SITE_CODES);
        true
    }
}
