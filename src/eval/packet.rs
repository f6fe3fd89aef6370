//! The options of a received message as expressions see them: options of the message, sub-options in whatever option
//! carries them, the virtual options of `fqdn`. RFC 3046, 3396, 3925, 4702.

use super::fqdn;
use super::message;
use super::value::Data;
use crate::log::Sink;
use crate::option::definition::{AGENT, DHCP, Definition, FQDN, OptionId, SpaceId};
use crate::option::format::without_nulls;
use crate::option::space::{Layout, Space, Spaces, encapsulated_space};
use crate::wire::dhcp4::{Message, Met, Refused};
use crate::wire::option_area::{Options, Shape};
use smallvec::SmallVec;
use std::cell::RefCell;

/// Spaces within spaces are followed this deep; a datagram of 1,500 octets cannot use more.
const DEPTH: u8 = 64;

/// A received message and how its options are declared.
#[derive(Clone)]
pub struct Packet<'a> {
    pub message: Message<'a>,
    spaces: &'a Spaces,
    /// Relay agent sub-options that the lease remembers, for a renewal that carries none (rule 1.5).
    stashed_agent: Option<&'a [u8]>,
    /// Spaces that `parse-vendor-option` has read option 43 as.
    vendor: RefCell<SmallVec<[SpaceId; 1]>>,
}

/// Reads a space's wire form.
pub(super) fn shape(space: &Space) -> Shape {
    Shape { code_width: space.code_width, length_width: space.length_width, end: space.end }
}

/// The space that an option encapsulates whole.
fn carried(spaces: &Spaces, space: SpaceId, code: u32) -> Option<&Space> {
    let definition = spaces.by_code(OptionId { space, code })?;
    if !definition.format.starts_with(['E', 'e']) {
        return None;
    }
    Some(spaces.space(spaces.space_by_name(encapsulated_space(&definition.format)?)?))
}

/// Malformed sub-options end their buffer and do no other harm.
fn tell_faults(spaces: &Spaces, space: &Space, buffer: &[u8], depth: u8, say: &mut Sink<'_>) {
    match space.layout {
        Layout::Fqdn => return fqdn::tell_faults(buffer, say),
        Layout::Fqdn6 => return,
        _ if depth >= DEPTH => return,
        _ => {}
    }
    for option in Options::new(buffer, shape(space)) {
        match option {
            Ok((code, _, value)) => {
                if let Some(inner) = carried(spaces, space.id, code) {
                    tell_faults(spaces, inner, value, depth + 1, say);
                }
            }
            Err(fault) => say(message::malformed(&space.name, fault.code, fault.fault)),
        }
    }
}

impl<'a> Packet<'a> {
    pub fn new(message: Message<'a>, spaces: &'a Spaces) -> Self {
        Packet { message, spaces, stashed_agent: None, vendor: RefCell::default() }
    }

    /// Decodes and checks a datagram with everything ISC says about it; `None`: it is dropped.
    pub fn read(payload: &'a [u8], spaces: &'a Spaces, say: &mut Sink<'_>) -> Option<Self> {
        let mut watch = |met: Met<'a>| match met {
            Met::Option(code, value) => {
                if let Some(space) = carried(spaces, DHCP, u32::from(code)) {
                    tell_faults(spaces, space, value, 0, say);
                }
            }
            Met::EmptyHostName => say(message::empty_host_name()),
            Met::Malformed(malformed) => say(message::malformed("dhcp", malformed.code, malformed.fault)),
        };
        let decoded = match Message::decode_watched(payload, &mut watch) {
            Ok(decoded) => decoded,
            Err(Refused::HardwareLength) => {
                say(message::bogus_hlen());
                return None;
            }
            Err(Refused::TooShort | Refused::Options(_)) => return None,
        };
        let packet = Packet::new(decoded, spaces);
        packet.has_sound_identity(say).then_some(packet)
    }

    /// The client identifier is no empty one.
    fn has_sound_identity(&self, say: &mut Sink<'_>) -> bool {
        let length =
            self.message.contains(61).then(|| self.message.pieces(61).map(<[u8]>::len).sum::<usize>());
        match length {
            Some(0) => {
                say(message::empty_client_id());
                return false;
            }
            Some(1) => say(message::short_client_id()),
            None if self.message.hlen() == 0 => say(message::no_client_id()),
            _ => {}
        }
        true
    }

    pub fn spaces(&self) -> &'a Spaces {
        self.spaces
    }

    /// Lets the sub-options of `agent` come from these octets (code, length, value, repeated).
    pub fn with_stashed_agent_options(mut self, octets: &'a [u8]) -> Self {
        self.stashed_agent = Some(octets);
        self
    }

    /// `parse-vendor-option;`: from now on the options of that space are looked for in option 43.
    pub fn read_vendor_option_as(&self, space: SpaceId, say: &mut Sink<'_>) {
        let Some(octets) = self.dhcp_option(43).filter(|octets| !octets.is_empty()) else { return };
        tell_faults(self.spaces, self.spaces.space(space), &octets, 0, say);
        self.vendor.borrow_mut().push(space);
    }

    fn carried(&self, space: SpaceId, code: u32) -> Option<&'a Space> {
        carried(self.spaces, space, code)
    }

    pub fn exists(&self, id: OptionId) -> bool {
        if id.space == DHCP {
            return id.code < 256 && self.message.contains(id.code as u8);
        }
        self.option(id).is_some()
    }

    /// The option's value; text without the NULs behind it.
    pub fn option(&self, id: OptionId) -> Option<Data> {
        match id.space {
            DHCP => self.dhcp_option(id.code),
            AGENT => self.sub_option(id).or_else(|| {
                let octets = self.stashed_agent?;
                self.find(self.spaces.space(AGENT), octets, id, 0)
            }),
            _ => self.sub_option(id),
        }
    }

    fn dhcp_option(&self, code: u32) -> Option<Data> {
        let code = u8::try_from(code).ok()?;
        let mut pieces = self.message.pieces(code);
        let first = self.trimmed(OptionId::dhcp(code), pieces.next()?);
        let mut value = SmallVec::from_slice(first);
        pieces.for_each(|piece| value.extend_from_slice(piece));
        Some(Data::Owned(value))
    }

    /// The client put NULs behind the text of this option, and expects them in the reply.
    pub fn had_nulls(&self, code: u8) -> bool {
        let id = OptionId::dhcp(code);
        self.message.pieces(code).next().is_some_and(|piece| self.trimmed(id, piece).len() < piece.len())
    }

    fn trimmed<'b>(&self, id: OptionId, value: &'b [u8]) -> &'b [u8] {
        without_nulls(self.spaces.option_format(id), value)
    }

    fn sub_option(&self, id: OptionId) -> Option<Data> {
        let mut found = None;
        for (code, value) in self.message.options() {
            let Some(space) = self.carried(DHCP, u32::from(code)) else { continue };
            if let Some(data) = self.find(space, value, id, 0) {
                // fields of fqdn overwrite each other, sub-options elsewhere come first come first served
                if id.space != FQDN {
                    return Some(data);
                }
                found = Some(data);
            }
        }
        found.or_else(|| self.vendor_sub_option(id))
    }

    fn vendor_sub_option(&self, id: OptionId) -> Option<Data> {
        let spaces = self.vendor.borrow();
        if spaces.is_empty() {
            return None;
        }
        let octets = self.dhcp_option(43)?;
        spaces.iter().find_map(|space| self.find(self.spaces.space(*space), &octets, id, 0))
    }

    fn find(&self, space: &Space, buffer: &[u8], id: OptionId, depth: u8) -> Option<Data> {
        if matches!(space.layout, Layout::Fqdn | Layout::Fqdn6) {
            return (id.space == FQDN).then(|| fqdn::field(buffer, id.code)).flatten();
        }
        if depth >= DEPTH {
            return None;
        }
        for option in Options::new(buffer, shape(space)) {
            let Ok((code, _, value)) = option else { break };
            if let Some(found) = self.carried(space.id, code).and_then(|s| self.find(s, value, id, depth + 1))
            {
                return Some(found);
            }
            if id == (OptionId { space: space.id, code }) {
                return Some(Data::from(self.trimmed(id, value)));
            }
        }
        None
    }

    /// Sub-options of option 82 in the order received, each code once; those that the lease remembers when there are none.
    pub fn agent_options(&self) -> SmallVec<[(u8, SmallVec<[u8; 48]>); 4]> {
        let mut found: SmallVec<[(u8, SmallVec<[u8; 48]>); 4]> = SmallVec::new();
        let space = self.spaces.space(AGENT);
        for piece in self.message.pieces(82).chain(self.stashed_agent) {
            for option in Options::new(piece, shape(space)) {
                let Ok((code, _, value)) = option else { break };
                let Ok(code) = u8::try_from(code) else { continue };
                if !found.iter().any(|(c, _)| *c == code) {
                    let id = OptionId { space: AGENT, code: u32::from(code) };
                    found.push((code, SmallVec::from_slice(self.trimmed(id, value))));
                }
            }
        }
        found
    }

    /// The declaration of an option of the message.
    pub fn definition(&self, id: OptionId) -> Option<&'a Definition> {
        self.spaces.by_code(id).map(|definition| &**definition)
    }
}
