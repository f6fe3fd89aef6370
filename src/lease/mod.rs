//! Bindings, pools, indexes and queues: which address is in which state for whom.

pub mod binding;
