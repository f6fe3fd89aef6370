//! Tokens of dhcpd.conf(5) and dhcpd.leases(5) with their positions, and ISC's three-line diagnostics.
//!
//! `grammar/dhcpd.pest` defines the tokens; [`lexer`] runs it over the source a batch at a time; [`cursor::Cursor`] hands the tokens
//! out with lookahead, keeps count of lines and columns the way ISC does, and says what is wrong through [`diagnostic::Report`].

pub mod cursor;
pub mod diagnostic;
pub mod keyword;
pub mod lexer;
pub mod source;
mod text;
pub mod token;
