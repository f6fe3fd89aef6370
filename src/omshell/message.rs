//! What omshell prints. Scripts match it: the words are ISC's, spelling included.

use crate::omapi::result::Code;

pub const NO_OBJECT_SHOWN: &str = "obj: <null>\n";

pub const HELP: &str = "Commands:
  port <server omapi port>
  server <server address>
  key <key name> <key value>
  connect
  disconnect
  new <object-type>
  set <name> = <value>
  create
  open
  update
  unset <name>
  refresh
  remove
";

pub const PORT_USAGE: &str = "usage: port <port>\n";
pub const PORT_EXTRA: &str = "usage: port <server>\n";
pub const SERVER_USAGE: &str = "usage: server <server>\n";
pub const KEY_USAGE: &str = "usage: key <name> <value>\n";
pub const ALGORITHM_USAGE: &str = "missing or invalid algorithm name\nusage: key-algoritm <algorithm name>\n";
pub const CONNECT_USAGE: &str = "usage: connect\n";
pub const DISCONNECT_USAGE: &str = "usage: disconnect\n";
pub const NEW_USAGE: &str = "usage: new <object-type>\n";
pub const CLOSE_USAGE: &str = "usage: close\n";
pub const SET_USAGE: &str = "usage: set <name> = <value>\n";
pub const UNSET_USAGE: &str = "usage: unset <name>\n";
pub const REMOVE_USAGE: &str = "usage: remove\n";
pub const REFRESH_USAGE: &str = "usage: refresh\n";

pub const ALREADY_OPEN: &str = "an object is already open.\n";
pub const NOT_CONNECTED: &str = "not connected.\n";
pub const NOT_OPEN: &str = "not open.\n";
pub const NO_OPEN_OBJECT: &str = "no open object.\n";
pub const INVALID_VALUE: &str = "invalid value.\n";
pub const MAKE_FIRST: &str = "you must make a new object first!\n";
pub const OPEN_FIRST: &str = "you haven't opened an object yet!\n";
pub const NO_OBJECT: &str = "no object.\n";

/// On standard error.
pub const NOTHING_TO_DISCONNECT: &str = "not connected";
/// To the log.
pub const DISCONNECTED_ALREADY: &str = "dhcpctl_disconnect detected invalid arg";

pub fn unknown_token(word: &str) -> String {
    format!("unknown token: {word}")
}

pub fn octet_too_large(word: &str) -> String {
    format!("dotted octet > 255: {word}")
}

pub fn unknown_service(name: &[u8]) -> Vec<u8> {
    [b"unknown service name: ", name, b"\n"].concat()
}

pub fn algorithm_extra(name: &[u8]) -> Vec<u8> {
    [b"extra information after ", name, b"\nusage: key-algorithm <algorithm name>\n"].concat()
}

/// `open`, `create` and `update` name what is too much instead of themselves.
pub fn usage(word: &[u8]) -> Vec<u8> {
    [b"usage: ", word, b"\n"].concat()
}

pub fn cannot(what: &str, why: Code) -> String {
    format!("can't {what} object: {why}\n")
}

/// On standard error.
pub fn connect_failed(why: Code) -> String {
    format!("dhcpctl_connect: {why}")
}

/// On standard error.
pub fn disconnect_failed(why: Code) -> String {
    format!("dhcpctl_disconnect: {why}")
}
