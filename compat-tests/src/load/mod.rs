//! A load generator: N exchanges of distinct clients in flight, with real frames over a packet socket in batches. It holds
//! the clients' side of RFC 2131 only as far as a measurement needs it, and remembers every acknowledged lease.
//!
//! * [`frame`]: the clients' frames and what is read from the answers.
//! * [`batch`]: many frames per system call.
//! * [`tenants`]: clients that keep their leases, while servers come and go.
//! * [`exchange`]: the exchanges in flight; [`Plan`] says what to do, [`Report`] what happened.

pub mod batch;
pub mod exchange;
pub mod frame;
pub mod tenants;

pub use exchange::{Ack, Kind, Plan, Report, run};
