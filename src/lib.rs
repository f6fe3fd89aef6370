//! dhcpd-rs: a drop-in replacement for ISC dhcpd 4.4.3-P1. This page is the map.
//!
//! A module imports only from floors below its own; modules of one floor do not import each other. `compat-tests/house`
//! enforces it, and that nothing up to `server` does I/O, reads a clock or asks for randomness.
//!
//! | floor | module | what lives there |
//! |---|---|---|
//! | 11 | `main`, `bin/omshell`, [`console`] | ten lines each; terminal and sockets of omshell |
//! | 10 | [`daemon`] | command line, daemonising, pid file, signals, syslog; joins I/O to the core |
//! | 9 | [`net`], [`journal`] | sockets and interfaces; append, sync, rewrite: bytes and sequence numbers only |
//! | 8 | [`server`], [`omshell`] | the core as one value: an event goes in, effects come out; omshell without its terminal |
//! | 7 | [`dhcp4`], [`omapi`] | the engine, one file for each message of RFC 2131, allocation, reply building; the management protocol |
//! | 6 | [`transition`] | the one way a binding changes state; a lease file read into the store, and written anew |
//! | 5 | [`failover`] | decides, and returns requested changes and messages of the failover protocol; never writes to the store |
//! | 4 | [`config`], [`lease_file`] | the checked configuration model, advice about it, what is supported; records of `dhcpd.leases` |
//! | 3 | [`lease`] | bindings, pools, indexes, queues |
//! | 2 | [`eval`] | dhcp-eval(5) expressions and executable statements |
//! | 1 | [`syntax`], [`option`], [`wire`] | tokens with positions and diagnostics; option definitions; packet codecs |
//! | 0 | [`clock`], [`log`], [`octets`], [`stream`] | time as an argument; a log line as a value; octet strings of our own formats; TCP as the core sees it |

// What pest derives without `std` names it.
extern crate alloc;

pub mod clock;
pub mod config;
pub mod console;
pub mod daemon;
pub mod dhcp4;
pub mod eval;
pub mod failover;
pub mod journal;
pub mod lease;
pub mod lease_file;
pub mod log;
pub mod net;
pub mod octets;
pub mod omapi;
pub mod omshell;
pub mod option;
pub mod server;
pub mod stream;
pub mod syntax;
pub mod transition;
pub mod wire;
