//! Bindings, pools, indexes and queues: which address is in which state for whom.
//!
//! [`Store`](store::Store) holds the bindings of DHCPv4. Addresses that were never used have no binding: they are
//! intervals of their pool, handed out in an order that is computed ([`order`]). Everything else hangs on the one
//! operation [`Store::update`](store::Store::update), which takes a binding off its queue and indexes, lets the caller
//! change it, and puts it back: rules 3.1 to 3.8 of the ledger's `dhcp4-behaviour.md`. [`association`] has what a DHCPv6
//! server keeps instead.

pub mod association;
pub mod binding;
pub mod index;
pub mod order;
pub mod pool;
pub mod queue;
pub mod store;
mod tree;
