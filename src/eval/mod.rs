//! Expressions and executable statements of dhcp-eval(5): the tree, its evaluation with ISC's null and failure semantics
//! (ledger `expressions.tsv`), the options that statements leave for a reply, and how trees and values are printed.

pub mod ast;
mod boolean;
pub mod context;
mod data;
mod encapsulate;
pub mod fqdn;
mod kind;
pub mod machine;
mod message;
pub mod options;
pub mod packet;
pub mod parameter;
pub mod parse;
mod pattern;
pub mod pretty;
pub mod print;
pub mod reply;
#[cfg(test)]
mod tests;
pub mod value;
