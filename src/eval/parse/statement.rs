//! Executable statements.

use super::super::ast::{Block, Statement};
use super::{Context, Parsed, Parser};

impl Parser<'_, '_> {
    /// One executable statement, or `zone`, `key`, `db-time-format`, which ISC reads in the same place. `case` says which labels may stand
    /// here: `Any` none, `Data` or `Numeric` those of a `switch` over such a value.
    pub fn statement(&mut self, _case: Context) -> Parsed {
        todo!()
    }

    /// Statements up to the first token that starts none. `None` when [`Parser::lose`] is set.
    pub fn statements(&mut self, _case: Context) -> Option<Block> {
        todo!()
    }

    /// What stands behind `allow` (1), `deny` (0) or `ignore` (2), semicolon included.
    pub fn allow_deny(&mut self, _value: u8) -> Option<Statement> {
        todo!()
    }
}
