//! The core as one value: an event goes in, effects come out. It opens nothing, reads no clock, asks for no randomness.

pub mod effect;
pub mod event;
