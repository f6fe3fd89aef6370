//! Option spaces, definitions and formats: dhcp-options(5), ledger `options4.tsv` and `options6.tsv`.

pub mod definition;
pub mod enumeration;
pub mod format;
mod predefined;
pub mod space;

pub use definition::{Definition, OptionId, SpaceId};
pub use space::{Lookup, Space, Spaces};
