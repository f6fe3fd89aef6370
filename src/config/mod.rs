//! dhcpd.conf(5): the checked configuration model and the statement parser that builds it.

// The parser that builds the model stands above it; until it is here nobody calls the inserting half.
#![allow(dead_code)]

pub mod host;
mod lookup;
pub mod model;
mod network;

pub use model::{Config, Family};
