//! All option spaces of one configuration: the predefined ones and what `option space` and `option X code N = ..` add.
//!
//! Names of spaces and options are compared without regard to case. A code has one definition, the newest. A name keeps
//! its older definitions, which come back when the newer one is withdrawn, as in ISC.

use super::definition::*;
use super::predefined;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::sync::Arc;

/// How the values set in a space are ordered and put on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Code, length, value; iterated slot by slot of ISC's option hash ([`hash_slot`]).
    Hashed,
    /// Code, length, value; iterated in the order set.
    Linked,
    /// Option 63: [`Layout::Linked`] with a leading sub-option of its own.
    Nwip,
    /// Option 81: fixed fields seen as options.
    Fqdn,
    /// DHCPv6 option 39 over the same fields.
    Fqdn6,
}

/// One option space.
#[derive(Clone, Debug)]
pub struct Space {
    pub id: SpaceId,
    pub name: Arc<str>,
    /// Octets of a code on the wire: 1, 2 or 4.
    pub code_width: u8,
    /// Octets of a length on the wire: 0 (the value runs to the end), 1 or 2.
    pub length_width: u8,
    /// The code that ends a buffer; 0: none.
    pub end: u32,
    /// Repeated options are one option in pieces (RFC 3396).
    pub concatenates: bool,
    pub layout: Layout,
    /// The option that carries this space.
    pub carrier: Option<OptionId>,
    names: FxHashMap<Box<[u8]>, SmallVec<[Arc<Definition>; 1]>>,
    codes: FxHashMap<u32, Arc<Definition>>,
}

/// What a name means in a space.
#[derive(Clone, Debug, PartialEq)]
pub enum Lookup {
    Known(Arc<Definition>),
    /// `unknown-N` with no definition for code N: one is made, not entered into the space.
    Unknown(Arc<Definition>),
    /// `unknown-N` although code N has a definition, here it is; ISC tells the operator.
    Renamed(Arc<Definition>),
    /// `unknown-0`, or the end code of the space.
    Illegal,
    Absent,
}

/// All spaces.
#[derive(Clone, Debug)]
pub struct Spaces {
    spaces: Vec<Space>,
    by_name: FxHashMap<Box<[u8]>, SpaceId>,
}

/// Slot of a code among the 17 of ISC's option hash. The order in which options of a hashed space are walked: by slot,
/// and within a slot the one set last comes first.
pub const fn hash_slot(code: u32) -> u8 {
    (((code & 31) + ((code >> 5) & 31)) % 17) as u8
}

/// ASCII lower case of a name, on the stack when it is short.
fn folded(name: &str) -> SmallVec<[u8; 64]> {
    name.bytes().map(|b| b.to_ascii_lowercase()).collect()
}

impl Space {
    /// The newest definition of that name.
    pub fn by_name(&self, name: &str) -> Option<&Arc<Definition>> {
        self.names.get(folded(name).as_slice()).and_then(|stack| stack.last())
    }

    pub fn by_code(&self, code: u32) -> Option<&Arc<Definition>> {
        self.codes.get(&code)
    }

    /// Every definition by code, in no order.
    pub fn definitions(&self) -> impl Iterator<Item = &Arc<Definition>> {
        self.codes.values()
    }

    /// `unknown-N` included.
    pub fn lookup(&self, name: &str) -> Lookup {
        if let Some(found) = self.by_name(name) {
            return Lookup::Known(found.clone());
        }
        let Some(code) = unknown_code(name) else { return Lookup::Absent };
        if code == 0 || code == self.end {
            return Lookup::Illegal;
        }
        match self.by_code(code) {
            Some(found) => Lookup::Renamed(found.clone()),
            None => Lookup::Unknown(Arc::new(Definition::opaque(OptionId { space: self.id, code }, name))),
        }
    }
}

/// N of `unknown-N`, as atoi(3) reads it: leading digits, 0 without any.
fn unknown_code(name: &str) -> Option<u32> {
    let (head, digits) = name.as_bytes().split_at_checked(8)?;
    if !head.eq_ignore_ascii_case(b"unknown-") {
        return None;
    }
    let value = digits
        .iter()
        .take_while(|b| b.is_ascii_digit())
        .try_fold(0u32, |n, b| n.checked_mul(10)?.checked_add(u32::from(b - b'0')));
    Some(value.unwrap_or(u32::MAX))
}

impl Default for Spaces {
    fn default() -> Self {
        Spaces::predefined()
    }
}

impl Spaces {
    /// The spaces and options that exist before a configuration is read.
    pub fn predefined() -> Self {
        use Layout::*;
        let mut all = Spaces { spaces: Vec::with_capacity(16), by_name: FxHashMap::default() };
        // id, name, code width, length width, end, concatenates, layout, carrier, options
        all.add(DHCP, "dhcp", (1, 1), 255, Hashed, None, predefined::DHCP);
        all.add(NWIP, "nwip", (1, 1), 0, Nwip, Some(OptionId::dhcp(63)), predefined::NWIP);
        all.add(FQDN, "fqdn", (1, 1), 0, Fqdn, Some(OptionId::dhcp(81)), predefined::FQDN);
        all.add(
            VENDOR_CLASS,
            "vendor-class",
            (4, 1),
            0,
            Hashed,
            Some(OptionId::dhcp(124)),
            predefined::VENDOR_CLASS,
        );
        all.add(VENDOR, "vendor", (4, 1), 0, Hashed, Some(OptionId::dhcp(125)), predefined::VENDOR);
        let isc = Some(OptionId { space: VENDOR, code: 2495 });
        all.add(ISC, "isc", (2, 2), 0, Linked, isc, predefined::ISC);
        all.add(DHCP6, "dhcp6", (2, 2), 0, Hashed, None, predefined::DHCP6);
        let vendor_opts = Some(OptionId { space: DHCP6, code: 17 });
        all.add(VSIO, "vsio", (4, 0), 0, Hashed, vendor_opts, predefined::VSIO);
        let isc6 = Some(OptionId { space: VSIO, code: 2495 });
        all.add(ISC6, "isc6", (4, 0), 0, Hashed, isc6, predefined::ISC6);
        all.add(AGENT, "agent", (1, 1), 0, Linked, Some(OptionId::dhcp(82)), predefined::AGENT);
        all.add(SERVER, "server", (4, 1), 0, Hashed, None, predefined::SERVER);
        let fqdn6 = Some(OptionId { space: DHCP6, code: 39 });
        all.add(FQDN6, "fqdn6-if-you-see-me-its-a-bug-bug-bug", (0, 0), 0, Fqdn6, fqdn6, &[]);
        all
    }

    #[allow(clippy::too_many_arguments)] // a row of the table above
    fn add(
        &mut self,
        id: SpaceId,
        name: &str,
        widths: (u8, u8),
        end: u32,
        layout: Layout,
        carrier: Option<OptionId>,
        rows: &[predefined::Row],
    ) {
        let added = self.define_space(name, widths.0, widths.1, None);
        debug_assert_eq!(added, id);
        let Some(space) = self.spaces.last_mut() else { return };
        space.end = end;
        space.concatenates = id == DHCP;
        space.layout = layout;
        space.carrier = carrier;
        for (code, name, format) in rows {
            self.define(Definition::new(OptionId { space: id, code: *code }, name, format));
        }
    }

    pub fn space_by_name(&self, name: &str) -> Option<SpaceId> {
        self.by_name.get(folded(name).as_slice()).copied()
    }

    /// Ids are only made by this type, so an unknown one is answered with the space `dhcp` rather than a panic.
    pub fn space(&self, id: SpaceId) -> &Space {
        self.spaces.get(usize::from(id.0)).unwrap_or(&self.spaces[0])
    }

    /// In order of their ids, the order in which ISC walks them.
    pub fn iter(&self) -> impl Iterator<Item = &Space> {
        self.spaces.iter()
    }

    pub fn by_name(&self, space: SpaceId, name: &str) -> Option<&Arc<Definition>> {
        self.space(space).by_name(name)
    }

    pub fn by_code(&self, id: OptionId) -> Option<&Arc<Definition>> {
        self.space(id.space).by_code(id.code)
    }

    pub fn lookup(&self, space: SpaceId, name: &str) -> Lookup {
        self.space(space).lookup(name)
    }

    /// The option's name without its space; `unknown-N` when nobody declared it.
    pub fn option_name(&self, id: OptionId) -> Arc<str> {
        match self.by_code(id) {
            Some(definition) => definition.name.clone(),
            None => format!("unknown-{}", id.code).into(),
        }
    }

    /// The option's format; `X` when nobody declared it.
    pub fn option_format(&self, id: OptionId) -> &str {
        self.by_code(id).map_or("X", |definition| &definition.format)
    }

    /// `option NAME code N = TYPE`: enters the option under its code and its name. If its format encapsulates a space,
    /// the option becomes the carrier of that space.
    pub fn define(&mut self, definition: Definition) -> Arc<Definition> {
        let definition = Arc::new(definition);
        if let Some(inner) = encapsulated_space(&definition.format).and_then(|name| self.space_by_name(name))
            && let Some(inner) = self.spaces.get_mut(usize::from(inner.0))
        {
            inner.carrier = Some(definition.id);
        }
        if let Some(space) = self.spaces.get_mut(usize::from(definition.id.space.0)) {
            space.codes.insert(definition.id.code, definition.clone());
            let name = folded(&definition.name).into_vec().into_boxed_slice();
            space.names.entry(name).or_default().push(definition.clone());
        }
        definition
    }

    /// Withdraws a definition by name and by code, as happens to a known option that is about to be declared anew (even
    /// when its declaration then fails).
    pub fn forget(&mut self, definition: &Definition) {
        let Some(space) = self.spaces.get_mut(usize::from(definition.id.space.0)) else { return };
        if let Some(stack) = space.names.get_mut(folded(&definition.name).as_slice()) {
            stack.pop();
        }
        space.codes.remove(&definition.id.code);
    }

    /// `option space NAME [code width N] [length width N] [hash size N]`. A space of the same name is hidden by the new
    /// one. `hash` is the size of ISC's tables and changes nothing that can be seen.
    pub fn define_space(
        &mut self,
        name: &str,
        code_width: u8,
        length_width: u8,
        _hash: Option<u32>,
    ) -> SpaceId {
        let Ok(index) = u16::try_from(self.spaces.len()) else { return DHCP };
        let id = SpaceId(index);
        self.spaces.push(Space {
            id,
            name: name.into(),
            code_width,
            length_width,
            end: 0,
            concatenates: false,
            layout: Layout::Hashed,
            carrier: None,
            names: FxHashMap::default(),
            codes: FxHashMap::default(),
        });
        self.by_name.insert(folded(name).into_vec().into_boxed_slice(), id);
        id
    }
}

/// The space named by an encapsulating format: `Eagent.` gives `agent`, `E.` (the vendor option space) gives nothing.
pub fn encapsulated_space(format: &str) -> Option<&str> {
    let after = format.split_once('E')?.1;
    let name = after.split_once('.').map_or(after, |(name, _)| name);
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_ledger() {
        let spaces = Spaces::predefined();
        let found = spaces.by_name(DHCP, "Domain-Name-Servers").unwrap();
        assert_eq!((found.id, &*found.format), (OptionId::dhcp(6), "IA"));
        for (name, id) in
            [("server", SERVER), ("AGENT", AGENT), ("isc6", ISC6), ("vendor-class", VENDOR_CLASS)]
        {
            assert_eq!(spaces.space_by_name(name), Some(id), "{name}");
        }
        assert_eq!(spaces.by_name(SERVER, "ping-timeout-ms").unwrap().id.code, 100);
        assert_eq!(spaces.space(AGENT).carrier, Some(OptionId::dhcp(82)));
        assert_eq!(spaces.space(ISC).carrier, Some(OptionId { space: VENDOR, code: 2495 }));
        assert_eq!(spaces.iter().map(|s| s.definitions().count()).sum::<usize>(), 80 + 148 + 69);
    }

    #[test]
    fn unknown_numbers() {
        let spaces = Spaces::predefined();
        assert!(
            matches!(spaces.lookup(DHCP, "unknown-224"), Lookup::Unknown(d) if d.id.code == 224 && &*d.format == "X")
        );
        assert!(
            matches!(spaces.lookup(DHCP, "Unknown-6"), Lookup::Renamed(d) if &*d.name == "domain-name-servers")
        );
        assert_eq!(spaces.lookup(DHCP, "unknown-255"), Lookup::Illegal);
        assert_eq!(spaces.lookup(DHCP, "unknown-x"), Lookup::Illegal);
        assert_eq!(
            spaces.lookup(DHCP, "unknown-99999999999999"),
            Lookup::Unknown(Arc::new(Definition::opaque(
                OptionId { space: DHCP, code: u32::MAX },
                "unknown-99999999999999"
            )))
        );
        assert_eq!(spaces.lookup(DHCP, "nope"), Lookup::Absent);
    }

    #[test]
    fn a_code_keeps_the_newest_definition_and_every_name_its_own() {
        let mut spaces = Spaces::predefined();
        let id = OptionId::dhcp(224);
        let first = spaces.define(Definition::new(id, "one", "t"));
        spaces.define(Definition::new(id, "two", "I"));
        assert_eq!(&*spaces.by_code(id).unwrap().name, "two");
        assert_eq!(spaces.by_name(DHCP, "ONE"), Some(&first));
        spaces.forget(&first);
        assert_eq!(spaces.by_name(DHCP, "one"), None);
        assert_eq!(spaces.by_code(id), None);
    }

    #[test]
    fn a_declared_space_finds_its_carrier() {
        let mut spaces = Spaces::predefined();
        let space = spaces.define_space("MSUCClient", 1, 1, None);
        assert_eq!(space, SpaceId(12));
        spaces.define(Definition::new(OptionId::dhcp(230), "uc", "EMSUCClient."));
        assert_eq!(spaces.space(space).carrier, Some(OptionId::dhcp(230)));
    }
}
