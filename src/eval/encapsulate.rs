//! Options that carry other options: option 43 and its vendor spaces, 63, 81, 124, 125, and whatever `encapsulate` in an
//! option's declaration makes. The value is put together from what is set in the space carried.

use super::fqdn;
use super::machine::Machine;
use super::message;
use super::options::Setting;
use super::packet::shape;
use super::value::Data;
use crate::option::definition::{DHCP, OptionId, SERVER, SpaceId};
use crate::option::space::{Layout, Space, encapsulated_space};
use crate::wire::option_area;
use smallvec::SmallVec;

/// `vendor-option-space`
const VENDOR_OPTION_SPACE: OptionId = OptionId { space: SERVER, code: 19 };

impl<'m> Machine<'m> {
    /// The value of a DHCPv4 option for a reply: what it is set to, or what is set in the space it carries. `None`: not sent.
    /// Codes of the site space are looked up there.
    pub fn reply_value(&mut self, code: u32) -> Option<Data> {
        let space = if code >= self.options.site_code_min { self.options.site_space } else { DHCP };
        let id = OptionId { space, code };
        let format = self.context.spaces.option_format(id);
        let set = self.options.contains(id);
        let carried = match set {
            false if format.starts_with('E') => self.carried_value(format),
            true if format.starts_with('e') => self.carried_value(format),
            _ => None,
        };
        let value = match set {
            true => Some(self.sent_value(id).filter(|value| !value.is_empty())?),
            false => None,
        };
        match (value, carried) {
            (Some(value), Some(carried)) => Some(super::data::concatenated(value, &carried)),
            (value, carried) => value.or(carried).filter(|value| !value.is_empty()),
        }
    }

    /// What is set in the space that a format names; `E.` means the vendor option space.
    fn carried_value(&mut self, format: &str) -> Option<Data> {
        let name = match encapsulated_space(format) {
            Some(name) => Data::from(name.as_bytes()),
            None => self.option_value(VENDOR_OPTION_SPACE).filter(|name| !name.is_empty())?,
        };
        let mut out = Vec::new();
        self.encapsulate_named(&name, &mut out).then(|| Data::from(&out[..]))
    }

    /// Appends what is set in the space of that name. `false`: nothing was.
    pub fn encapsulate_named(&mut self, name: &[u8], out: &mut Vec<u8>) -> bool {
        let space = std::str::from_utf8(name).ok().and_then(|name| self.context.spaces.space_by_name(name));
        match space {
            Some(space) => self.encapsulate(space, out),
            None => {
                self.outcome.say(message::no_such_space(name));
                false
            }
        }
    }

    /// Appends what is set in a space, in ISC's order, then what is set in spaces that its options carry. `false`: nothing.
    pub fn encapsulate(&mut self, space: SpaceId, out: &mut Vec<u8>) -> bool {
        let space = self.context.spaces.space(space);
        if !self.options.touched(space.id) || !self.enter() {
            return false;
        }
        let stored = match space.layout {
            Layout::Fqdn | Layout::Fqdn6 => self.encapsulate_fqdn(space, out),
            Layout::Nwip => self.encapsulate_nwip(space, out),
            Layout::Hashed | Layout::Linked => {
                let own = self.store_all(space, out);
                self.encapsulate_inner(space, out) || own
            }
        };
        self.leave();
        stored
    }

    fn settings_of(&self, space: &Space) -> SmallVec<[(u32, Setting); 8]> {
        let in_order = self.options.in_order(space.id, self.context.spaces);
        in_order.into_iter().map(|(code, setting)| (code, setting.clone())).collect()
    }

    fn store_all(&mut self, space: &'m Space, out: &mut Vec<u8>) -> bool {
        let mut stored = false;
        for (code, setting) in self.settings_of(space) {
            stored |= self.store(space, code, &setting, out);
        }
        stored
    }

    /// One option. An empty value is only stored when the option's format says that it has none.
    fn store(&mut self, space: &'m Space, code: u32, setting: &Setting, out: &mut Vec<u8>) -> bool {
        let Some(mut value) = self.setting_value(setting) else { return false };
        let format = space.by_code(code).map_or("X", |definition| &definition.format);
        if format.starts_with('e')
            && let Some(carried) = encapsulated_space(format).and_then(|_| self.carried_value(format))
        {
            value = super::data::concatenated(value, &carried);
        }
        if value.is_empty() && !format.starts_with('Z') {
            return false;
        }
        option_area::put(out, shape(space), code, &value);
        true
    }

    /// Spaces carried by options of this space that are not set themselves.
    fn encapsulate_inner(&mut self, space: &'m Space, out: &mut Vec<u8>) -> bool {
        let mut stored = false;
        for inner in self.context.spaces.iter() {
            let Some(carrier) = inner.carrier.filter(|carrier| carrier.space == space.id) else { continue };
            let direct = self.context.spaces.option_format(carrier).starts_with('E');
            if !direct || self.options.contains(carrier) {
                continue;
            }
            let mut value = Vec::new();
            if self.encapsulate(inner.id, &mut value) && !value.is_empty() {
                option_area::put(out, shape(space), carrier.code, &value);
                stored = true;
            }
        }
        stored
    }

    /// Option 63 holds sub-option 1 when it has nothing to say (RFC 2242). When it has, ISC loses it: measured, it is not sent.
    fn encapsulate_nwip(&mut self, space: &'m Space, out: &mut Vec<u8>) -> bool {
        if !self.store_all(space, &mut Vec::new()) {
            option_area::put(out, shape(space), 1, &[1, 0]);
        }
        true
    }

    fn encapsulate_fqdn(&mut self, space: &'m Space, out: &mut Vec<u8>) -> bool {
        let mut fields: [Option<Data>; 9] = Default::default();
        for (code, setting) in self.settings_of(space) {
            let value = self.setting_value(&setting);
            if let Some(field) = fields.get_mut(code as usize) {
                *field = value;
            }
        }
        out.extend_from_slice(&fqdn::encode(&fields));
        true
    }
}
