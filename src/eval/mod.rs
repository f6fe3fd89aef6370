//! Expressions and executable statements of dhcp-eval(5).

pub mod ast;
pub mod parse;
