//! Result codes of status messages and their texts (ledger `omapi.tsv`, rows "result text"): those of ISC's library, and
//! those of class DHCP.

use std::fmt;

/// A result as it goes over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub u32);

const DHCP: u32 = 6 << 16;

impl Code {
    pub const SUCCESS: Code = Code(0);
    pub const TIMED_OUT: Code = Code(2);
    pub const NO_PERMISSION: Code = Code(6);
    pub const CONNECTION_REFUSED: Code = Code(12);
    pub const EXISTS: Code = Code(18);
    pub const NOT_FOUND: Code = Code(23);
    pub const FAILURE: Code = Code(25);
    pub const IO_ERROR: Code = Code(26);
    pub const NOT_IMPLEMENTED: Code = Code(27);
    pub const UNEXPECTED: Code = Code(34);
    pub const NOT_CONNECTED: Code = Code(40);
    pub const HOST_UNKNOWN: Code = Code(DHCP);
    pub const VERSION_MISMATCH: Code = Code(DHCP + 1);
    pub const PROTOCOL_ERROR: Code = Code(DHCP + 2);
    pub const INVALID_ARGUMENT: Code = Code(DHCP + 3);
    pub const NOT_YET: Code = Code(DHCP + 4);
    pub const UNCHANGED: Code = Code(DHCP + 5);
    pub const MULTIPLE: Code = Code(DHCP + 6);
    pub const KEY_CONFLICT: Code = Code(DHCP + 7);
    pub const BAD_PARSE: Code = Code(DHCP + 8);
    pub const NO_KEYS: Code = Code(DHCP + 9);
    pub const KEY_UNKNOWN: Code = Code(DHCP + 10);
    pub const INVALID_KEY: Code = Code(DHCP + 11);
    pub const INCOMPLETE: Code = Code(DHCP + 12);
    pub const CONNECTION_RESET: Code = Code(DHCP + 31);
    pub const UNKNOWN_ATTRIBUTE: Code = Code(DHCP + 32);

    /// ISC's words.
    pub fn text(self) -> &'static str {
        let (table, at) = match self.0 {
            code @ 0..DHCP => (LIBRARY, code),
            code @ DHCP..CLASS_END => (CLASS, code - DHCP),
            _ => (LIBRARY, u32::MAX),
        };
        table.get(at as usize).copied().unwrap_or("unknown result code")
    }
}

const CLASS_END: u32 = DHCP + 0x1_0000;

impl fmt::Display for Code {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.text())
    }
}

const LIBRARY: &[&str] = &[
    "success",
    "out of memory",
    "timed out",
    "no available threads",
    "address not available",
    "address in use",
    "permission denied",
    "no pending connections",
    "network unreachable",
    "host unreachable",
    "network down",
    "host down",
    "connection refused",
    "not enough free resources",
    "end of file",
    "socket already bound",
    "reload",
    "lock busy",
    "already exists",
    "ran out of space",
    "operation canceled",
    "socket is not bound",
    "shutting down",
    "not found",
    "unexpected end of input",
    "failure",
    "I/O error",
    "not implemented",
    "unbalanced parentheses",
    "no more",
    "invalid file",
    "bad base64 encoding",
    "unexpected token",
    "quota reached",
    "unexpected error",
    "already running",
    "ignore",
    "address mask not contiguous",
    "file not found",
    "file already exists",
    "socket is not connected",
    "out of range",
    "out of entropy",
    "invalid use of multicast address",
    "not a file",
    "not a directory",
    "queue is full",
    "address family mismatch",
    "address family not supported",
    "bad hex encoding",
    "too many open files",
    "not blocking",
    "unbalanced quotes",
    "operation in progress",
    "connection reset",
    "soft quota reached",
    "not a valid number",
    "disabled",
    "max size",
    "invalid address format",
];

const CLASS: &[&str] = &[
    "host unknown",
    "protocol version mismatch",
    "protocol error",
    "invalid argument",
    "data not yet available",
    "object unchanged",
    "more than one object matches key",
    "key conflict",
    "parse error(s) occurred",
    "no key specified",
    "zone TSIG key not known",
    "invalid TSIG key",
    "operation in progress",
    "DNS format error",
    "DNS server failed",
    "no such domain",
    "not implemented",
    "refused",
    "domain already exists",
    "RRset already exists",
    "no such RRset",
    "not authorized",
    "not a zone",
    "bad DNS signature",
    "bad DNS key",
    "clock skew too great",
    "no root zone",
    "destination address required",
    "cross-zone update",
    "no TSIG signature",
    "not equal",
    "connection reset by peer",
    "unknown attribute",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_the_ledger() {
        for (code, text) in [
            (Code::SUCCESS, "success"),
            (Code(1), "out of memory"),
            (Code::TIMED_OUT, "timed out"),
            (Code(4), "address not available"),
            (Code::NOT_FOUND, "not found"),
            (Code::EXISTS, "already exists"),
            (Code::NOT_IMPLEMENTED, "not implemented"),
            (Code::IO_ERROR, "I/O error"),
            (Code::UNEXPECTED, "unexpected error"),
            (Code(0x060000), "host unknown"),
            (Code(0x060003), "invalid argument"),
            (Code(0x060007), "key conflict"),
            (Code(0x060008), "parse error(s) occurred"),
            (Code(0x06000b), "invalid TSIG key"),
            (Code(0x06000c), "operation in progress"),
            (Code(0x060020), "unknown attribute"),
        ] {
            assert_eq!(code.text(), text);
        }
    }
}
