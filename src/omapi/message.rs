//! Texts of OMAPI: of the log (ledger `logs.tsv`, L0163..) and of status messages (ledger `omapi.tsv`).

use crate::clock::Wall;
use crate::log::Line;
use std::net::Ipv4Addr;

pub const NO_AUTHENTICATOR: &str = "No authenticator on message";
pub const OPEN_IS_NO_RESPONSE: &str = "OPEN can't be a response";
pub const TYPE_REQUIRED: &str = "type required on create";
pub const UNSEARCHABLE: &str = "unsearchable object type";
pub const LOOKUP_FAILED: &str = "object lookup failed";
pub const NO_OBJECT: &str = "no object matches specification";
pub const EXISTS: &str = "specified object already exists";
pub const CANNOT_CREATE: &str = "can't create new object";
pub const CANNOT_UPDATE: &str = "can't update object";
pub const CANNOT_SELECT: &str = "can't select authenticator";
pub const NO_HANDLE: &str = "no matching handle";
pub const NO_KEY_UPDATE: &str = "cannot update authenticator";
pub const NO_NOTIFY: &str = "notify not implemented yet";
pub const NO_REMOVE: &str = "no remove method for object";

/// Ours: a recorded message that somebody else sends.
pub const REPLAY: &str = "the same message was taken from another address";

/// `name` is `create`, `update` or `exclusive`.
pub fn invalid_flag(name: &str) -> &'static str {
    match name {
        "create" => "invalid create flag value",
        "update" => "invalid update flag value",
        _ => "invalid exclusive flag value",
    }
}

/// L0163
pub fn state_changed(address: Ipv4Addr, from: &str, to: &str) -> Line {
    Line::info(format!("lease {address} state changed from {from} to {to}"))
}

/// L0164
pub fn end_changed(address: Ipv4Addr, from: Wall, to: Wall) -> Line {
    Line::info(format!("lease {address} end changed from {from} to {to}"))
}

/// L1070, with its two blanks.
pub fn flags_changed(address: Ipv4Addr, from: u8, to: u8) -> Line {
    Line::debug(format!("lease flags changed from  {from:x} to {to:x} for lease {address}."))
}

/// Ours: at start, when `omapi-port` is given and `omapi-key` is not.
pub fn no_key() -> Line {
    Line::info(
        "OMAPI needs no key: whoever reaches its port may change this server (see omapi-key in dhcpd.conf(5)).",
    )
}
