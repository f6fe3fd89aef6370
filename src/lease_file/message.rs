//! What the reader says, in ISC's words.

use crate::lease::association::Kind;
use std::net::{Ipv4Addr, Ipv6Addr};

pub const CORRUPT: &str = "Corrupt lease file - possible data loss!";
pub const POSSIBLY_CORRUPT: &str = "possibly corrupt lease file";
pub const END_OF_FILE: &str = "unexpected end of file";
pub const ZERO_LENGTH_UID: &str = "zero-length uid";
pub const BINDING_EXPECTED: &str = "expecting 'binding'";
pub const STATE_EXPECTED: &str = "expecting 'state'";
pub const HOST_NAME_EXPECTED: &str = "expecting a hostname.";
pub const STRING_EXPECTED: &str = "expecting string";
pub const CLASS_EXPECTED: &str = "expecting \"class\"";
pub const AGENT_OPTION_EXPECTED: &str = "agent option expected.";
pub const EQUAL_EXPECTED: &str = "expecting '=' in set statement.";
pub const DECIMAL_EXPECTED: &str = "expecting decimal number.";
pub const BOOLEAN_EXPECTED: &str = "expecting true or false";
pub const CONSTANT_EXPECTED: &str = "expecting a constant value.";
pub const UNEXPECTED_DIRECTIVE: &str = "Unexpected configuration directive.";
pub const LEFT_BRACE_EXPECTED: &str = "expecting left brace.";
pub const PEER_EXPECTED: &str = "expecting \"peer\"";
pub const PEER_NAME_EXPECTED: &str = "expecting failover peer name.";
pub const LEFT_BRACE: &str = "expecting left brace";
pub const MCLT_IN_PRIMARY: &str = "mclt not valid for primary";
pub const NO_STATE: &str = "Lease with bogus binding state: 0";
pub const NUMBER_EXPECTED: &str = "expecting a number.";
pub const STATE_SETTING_EXPECTED: &str = "expecting state setting.";
pub const UNKNOWN_FAILOVER_STATE: &str = "unknown failover state";
pub const AT_EXPECTED: &str = "expecting \"at\"";
pub const INVALID_DUID: &str = "Invalid duid contents";
pub const BYTE_ORDER_LATE: &str =
    "authoring-byte-order specified too late.\nIt must occur before the first lease in file\n";
pub const BYTE_ORDER_INVALID: &str =
    "authoring-byte-order is invalid:  it must be big-endian or little-endian.";
pub const BYTE_ORDER_DIFFERS: &str =
    "WARNING: Lease file authored using different byte order, will attempt to convert";
pub const BYTE_ORDER_MISSING: &str = "WARNING: authoring-byte-order not in the lease file.\n\
     Assuming file byte order matches this server.\n";
pub const SEMICOLON_EXPECTED: &str = "corrupt lease file; expecting a semicolon";

pub const CLASS_NAME_EXPECTED: &str = "Expecting class name";
pub const CLASS_VALUE_EXPECTED: &str = "Expecting string or hex list.";
pub const HOST_NAME_MISSING: &str = "expecting a name for host declaration.";

pub fn no_class(name: &str) -> String {
    format!("no class named {name}")
}

pub fn state_word_expected(word: &str) -> String {
    format!("{word}: expecting a binding state.")
}

pub fn not_a_variable(word: &str) -> String {
    format!("{word} can't be a variable name")
}

pub fn unknown_class(name: &str) -> String {
    format!("unknown class {name}")
}

/// The line feed at its end is ISC's.
pub fn too_many(word: &str, address: Ipv4Addr) -> String {
    format!("Too many {word} parameters in lease {address}\n")
}

pub fn unknown_peer(name: &str) -> String {
    format!("unknown failover peer: {name}")
}

pub fn no_subnet(address: Ipv4Addr) -> String {
    format!("lease {address}: no subnet.")
}

pub const KEY_SHORT: &str = "corrupt lease file; iaid+ia_xx string too short";
pub const IA_LEFT_BRACE: &str = "corrupt lease file; expecting left brace";
pub const IA_ADDRESS: &str = "corrupt lease file; expecting IPv6 address";
pub const IA_PREFIX: &str = "corrupt lease file; expecting IPv6 prefix";
pub const IA_END_OF_FILE: &str = "corrupt lease file; unexpected end of file";
pub const IA_STATE: &str = "corrupt lease file; expecting state";
pub const IA_STATE_WORD: &str = "corrupt lease file; expecting a binding state.";
pub const IA_SEMICOLON: &str = "corrupt lease file; expecting semicolon.";
pub const IA_ON: &str = "corrupt lease file; bad ON statement";

/// What ISC says, in words about itself, of an `on` for an event that has one: expiry, release.
pub const SECOND_ON: [&str; 2] = ["confpars.c(3500): non-null pointer", "confpars.c(3507): non-null pointer"];
/// The same of a third `on` in an `iaaddr` or `iaprefix`.
pub const THIRD_ON: &str = "parse.c(3114): non-null pointer";

/// The words that differ between the three kinds of identity association.
#[derive(Clone, Copy, Debug)]
pub struct IaWords {
    /// `NA`
    pub record: &'static str,
    pub member: &'static str,
    /// As [`SECOND_ON`].
    pub second_on: [&'static str; 2],
}

pub fn ia_words(kind: Kind) -> IaWords {
    match kind {
        Kind::NonTemporary => IaWords {
            record: "NA",
            member: "iaaddr",
            second_on: ["confpars.c(5108): non-null pointer", "confpars.c(5114): non-null pointer"],
        },
        Kind::Temporary => IaWords {
            record: "TA",
            member: "iaaddr",
            second_on: ["confpars.c(5556): non-null pointer", "confpars.c(5562): non-null pointer"],
        },
        Kind::Prefix => IaWords {
            record: "PD",
            member: "iaprefix",
            second_on: ["confpars.c(5994): non-null pointer", "confpars.c(6000): non-null pointer"],
        },
    }
}

impl IaWords {
    /// In a DHCPv4 server.
    pub fn only_in_v6(self) -> String {
        format!("IA_{} is only supported in DHCPv6 mode.", self.record)
    }

    pub fn member_expected(self) -> String {
        format!("corrupt lease file; expecting {} or right brace", self.member.to_uppercase())
    }

    pub fn not_a_statement(self, word: &str) -> String {
        format!("corrupt lease file; expecting ia_{} contents, got '{word}'", self.record.to_lowercase())
    }

    pub fn missing(self, what: &str) -> String {
        format!("corrupt lease file; missing {what} in {}", self.member)
    }

    pub fn duplicate(self, address: Ipv6Addr) -> String {
        format!("duplicate {} lease for address {address}", self.record.to_lowercase())
    }
}

pub fn no_pool(kind: Kind, address: Ipv6Addr, length: u8) -> String {
    match kind {
        Kind::Prefix => format!("No pool found for prefix {address}/{length}"),
        _ => format!("No pool found for IA_{} address {address}", ia_words(kind).record),
    }
}

pub fn not_a_time(word: &str, which: &str) -> String {
    format!("{word} is not a valid {which} time")
}

pub fn not_a_variable_name(word: &str) -> String {
    format!("{word} is not a valid variable name")
}
