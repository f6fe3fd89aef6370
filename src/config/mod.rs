//! dhcpd.conf(5): the checked configuration model and the statement parser that builds it.

pub mod advice;
pub mod capability;
pub mod change;
mod check;
mod declarations;
mod dynamic;
pub mod host;
mod lookup;
pub mod message;
pub mod model;
mod network;
mod parse;
mod read;
pub mod startup;
pub mod support;

#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod tests;

pub use capability::Capabilities;
pub use model::{Config, Family};
pub use read::{Input, Rejected, parse};
pub use startup::{CommandLine, Event, StartUp};
