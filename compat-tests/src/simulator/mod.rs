//! A failover pair under a deterministic simulator: two cores ([`dhcpd::server::Server`]), their disks, the TCP between them,
//! clients and a relay in one process on virtual time. A seed draws the configuration and its own mix of faults; after a
//! while everything is healed, and then the pair must agree and serve. What went wrong is found again by its seed.
//!
//! * [`plan`]: what a seed draws: the configuration, faults and when they happen.
//! * [`world`]: the events in their order, and the two hosts' place in it; [`host`]: one server's machine.
//! * [`disk`]: a lease file of which the last part is not durable yet. [`tcp`], `network`: connections that stall, break and stay
//!   half open.
//! * [`client`]: DHCP clients, RFC 2131.
//! * [`checker`]: what must hold, judged from outside: from what clients believe, what crosses the link, and what the disk
//!   holds. [`peer_message`]: the failover messages as the checker reads them.
//! * [`verdict`]: agreement and service after the heal.

pub mod checker;
pub mod client;
pub mod disk;
pub mod host;
mod network;
pub mod peer_message;
pub mod plan;
pub mod tcp;
pub mod verdict;
pub mod world;

pub use checker::Violation;
pub use plan::{Kind, Plan};
pub use world::{Report, run, run_with};

/// Microseconds of virtual time.
pub type Micros = u64;

pub const SECOND: Micros = 1_000_000;

/// 2023-11-14 22:13:20 UTC, when virtual time begins.
pub const START: i64 = 1_700_000_000;
