//! dhcpd.conf(5): the checked configuration model and the statement parser that builds it.

mod declarations;
pub mod host;
mod lookup;
pub mod message;
pub mod model;
mod network;
mod parse;
mod read;

#[cfg(test)]
mod tests;

pub use model::{Config, Family};
pub use read::{Input, Rejected, parse};
