//! An option's name, code and format, and the spaces that hold them.

use std::sync::Arc;

/// Index of an option space in [`Spaces`]. The predefined ones have fixed numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpaceId(pub u16);

/// `dhcp`: the options of RFC 2132.
pub const DHCP: SpaceId = SpaceId(0);
/// `nwip`: encapsulated in option 63.
pub const NWIP: SpaceId = SpaceId(1);
/// `fqdn`: the pieces of option 81.
pub const FQDN: SpaceId = SpaceId(2);
/// `vendor-class-identifier` spaces: option 124.
pub const VENDOR_CLASS: SpaceId = SpaceId(3);
/// `vendor`: option 125.
pub const VENDOR: SpaceId = SpaceId(4);
/// `isc`: enterprise 2495 below `vendor`.
pub const ISC: SpaceId = SpaceId(5);
/// `dhcp6`: the options of RFC 8415.
pub const DHCP6: SpaceId = SpaceId(6);
/// `vsio`: DHCPv6 option 17.
pub const VSIO: SpaceId = SpaceId(7);
/// `isc6`: enterprise 2495 below `vsio`.
pub const ISC6: SpaceId = SpaceId(8);
/// `agent`: sub-options of option 82 (RFC 3046).
pub const AGENT: SpaceId = SpaceId(9);
/// `server`: the server's own parameters (`default-lease-time` and so on); code 1.. as in `statements.tsv`.
pub const SERVER: SpaceId = SpaceId(10);

/// Names one option: a space and a code in it. Everything below the parser speaks of options in this form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OptionId {
    pub space: SpaceId,
    pub code: u32,
}

impl OptionId {
    pub const fn dhcp(code: u8) -> Self {
        OptionId { space: DHCP, code: code as u32 }
    }

    pub const fn server(code: u32) -> Self {
        OptionId { space: SERVER, code }
    }
}

/// A declared option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    pub id: OptionId,
    pub name: Arc<str>,
    /// ISC's format letters, as in the `format` column of the ledger (`I`, `IA`, `t`, `Nsyslog-facilities.` and so on).
    pub format: Arc<str>,
}

/// `fqdn6-if-you-see-me-its-a-bug-bug-bug`: the wrapper by which DHCPv6 option 39 shares [`FQDN`].
pub const FQDN6: SpaceId = SpaceId(11);

impl Definition {
    pub fn new(id: OptionId, name: &str, format: &str) -> Self {
        Definition { id, name: name.into(), format: format.into() }
    }

    /// Format of options nobody declared: a string or hex octets.
    pub fn opaque(id: OptionId, name: &str) -> Self {
        Definition::new(id, name, "X")
    }
}
