//! Expressions of dhcp-eval(5).

use super::super::ast::Expr;
use super::{Context, Parser};

impl Parser<'_, '_> {
    /// An expression. `None` with [`Parser::lose`] unset: there is none at hand, and nothing has been said.
    pub fn expression(&mut self, _context: Context) -> Option<Expr> {
        todo!()
    }

    /// An expression of kind data, or one whose kind is not known before it is evaluated.
    pub fn data_expression(&mut self) -> Option<Expr> {
        todo!()
    }

    pub fn numeric_expression(&mut self) -> Option<Expr> {
        todo!()
    }

    pub fn boolean_expression(&mut self) -> Option<Expr> {
        todo!()
    }
}
