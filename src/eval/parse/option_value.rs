//! Option values, by the option's format.

use super::super::ast::{Expr, OptionOp, Statement};
use super::Parser;
use crate::option::definition::Definition;

impl Parser<'_, '_> {
    /// Everything behind the name of an option, semicolon included. `lose` is what ISC's uninitialised `lose` holds at the caller: `false`
    /// inside braces of executable statements, `true` in declarations.
    pub fn option_statement(
        &mut self,
        _op: OptionOp,
        _definition: &Definition,
        _lose: bool,
    ) -> Option<Statement> {
        todo!()
    }

    /// A value as the format says, without the semicolon behind it.
    pub fn option_value(&mut self, _definition: &Definition) -> Option<Expr> {
        todo!()
    }

    /// `NAME VALUE;` where only constants may stand (ISC's parse_option_decl).
    pub fn constant_option(&mut self) -> Option<(crate::option::definition::OptionId, Vec<u8>)> {
        todo!()
    }
}
