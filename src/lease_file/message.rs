//! What the reader says, in ISC's words.

use std::net::Ipv4Addr;

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

/// `ia-na` and its like in a DHCPv4 server.
pub fn only_in_v6(what: &str) -> String {
    format!("{what} is only supported in DHCPv6 mode.")
}
