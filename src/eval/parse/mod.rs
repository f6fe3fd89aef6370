//! The parser of dhcp-eval(5) and of the values in dhcp-options(5), shared by dhcpd.conf and dhcpd.leases.
//!
//! It walks tokens with ISC's order of checks, ISC's lookahead and ISC's recovery, since all three show in the messages. What a
//! statement needs from the rest of the configuration (option definitions, classes, keys) comes through [`Declarations`].
//!
//! Pieces that need no more than the tokens are plain functions over a [`Cursor`]: [`number`], [`address`], [`date`], [`text`]. The
//! rest are methods of [`Parser`].

pub mod address;
mod branch;
pub mod date;
mod domain;
mod expression;
pub mod fuzz;
pub mod message;
pub mod number;
mod operator;
mod option_code;
mod option_name;
mod option_value;
mod statement;
pub mod text;
mod zone;

#[cfg(test)]
mod tests;

pub use option_name::OptionName;

use super::ast::{Expr, Key, Statement, Zone};
use crate::option::space::Spaces;
use crate::syntax::cursor::Cursor;
use crate::syntax::diagnostic::Report;

/// Deepest nesting of parentheses, functions and braces in the source. ISC has no limit but its stack.
pub const MAX_NESTING: u16 = 250;

/// Deepest tree that a chain of operators may grow; it is read in a loop, but whoever walks it may not. With what
/// [`MAX_NESTING`] adds around chains no tree is deeper than the sum of both.
pub const MAX_DEPTH: u16 = 1000;

/// The same for `and`, `or` and `elsif`, of which configurations made by programs have long chains, and which are evaluated in a loop.
pub const MAX_CHAIN: u16 = 4000;

/// What statements see and change of the rest of the configuration.
pub trait Declarations {
    fn spaces(&self) -> &Spaces;
    fn spaces_mut(&mut self) -> &mut Spaces;
    /// Whether a class of that name has been declared.
    fn has_class(&self, name: &str) -> bool;
    fn has_key(&self, name: &str) -> bool;
    /// Enters a key, or says in ISC's words why not (`already exists`). What is to be said besides goes to `report`.
    fn enter_key(&mut self, key: Key, report: &mut dyn Report) -> Result<(), String>;
    fn enter_zone(&mut self, zone: Zone) -> Result<(), String>;
    /// `db-time-format`: dates in the lease file as seconds since 1970 with a local-time comment (`true`), or as UTC.
    fn set_local_time(&mut self, local: bool);
}

/// What kind of value is wanted, which decides how a bare number reads: as a number, or as hexadecimal octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    Any,
    Boolean,
    Data,
    Numeric,
    DataOrNumeric,
}

/// What became of a statement.
#[derive(Clone, Debug)]
pub enum Parsed {
    Statement(Statement),
    /// Accepted, and done with: `zone`, `key`, `db-time-format`.
    Done,
    /// Not accepted. Whether that is an error that has been reported is in [`Parser::lose`]; if it is not set, the token at hand
    /// starts no statement, or a message has been given that ISC counts as the end of the statements.
    Failed,
}

/// A parser at one place of one source. Made anew wherever one is needed; `lose` starts as `false`.
pub struct Parser<'p, 'r> {
    pub cursor: &'p mut Cursor<'r>,
    pub declarations: &'p mut dyn Declarations,
    /// ISC's `lose`: an error has been reported and recovery is under way.
    pub lose: bool,
    depth: u16,
}

/// An expression and how deep its tree is.
pub(super) struct Node {
    expr: Expr,
    depth: u16,
}

impl From<Expr> for Node {
    fn from(expr: Expr) -> Self {
        Node { expr, depth: 1 }
    }
}

impl<'p, 'r> Parser<'p, 'r> {
    pub fn new(cursor: &'p mut Cursor<'r>, declarations: &'p mut dyn Declarations) -> Self {
        Parser { cursor, declarations, lose: false, depth: 0 }
    }

    /// Says what is wrong and notes that recovery is under way.
    fn lost<T>(&mut self, message: impl std::fmt::Display) -> Option<T> {
        self.cursor.warn(message);
        self.lose = true;
        None
    }

    /// The same, and skips to the end of the statement.
    fn lost_statement<T>(&mut self, message: impl std::fmt::Display) -> Option<T> {
        self.cursor.warn(message);
        self.cursor.skip_to_semicolon();
        self.lose = true;
        None
    }

    /// Says what is wrong and skips to the end of the statement. ISC does not note it as an error here.
    fn skipped<T>(&mut self, message: impl std::fmt::Display) -> Option<T> {
        self.cursor.warn(message);
        self.cursor.skip_to_semicolon();
        None
    }

    /// Runs `inner` one level deeper. Too deep is the end of the source.
    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.depth >= MAX_NESTING {
            self.too_deep();
            return None;
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn too_deep(&mut self) {
        self.lose = true;
        self.cursor.warn(message::TOO_DEEP);
        self.cursor.abandon();
    }
}
