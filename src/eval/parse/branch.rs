//! `if`, `switch`, `on`: statements with others inside.

use super::super::ast::{Action, Block, Expr, OnEvents, Statement};
use super::operator::context_of;
use super::{Context, MAX_CHAIN, Parser};
use crate::syntax::keyword::Keyword as K;
use crate::syntax::source::Span;
use crate::syntax::token::Kind;

type Outcome = Option<Option<Action>>;

/// One `if` or `elsif` with its block.
struct Branch {
    span: Span,
    condition: Expr,
    then: Block,
}

impl Parser<'_, '_> {
    /// What stands behind `if`. A chain of `elsif` is read in a loop and nested afterwards.
    pub(super) fn conditional(&mut self) -> Outcome {
        let mut branches = vec![self.branch()?];
        let mut otherwise = Block::from([]);
        loop {
            match self.cursor.peek() {
                Kind::Keyword(K::Elsif) => {
                    self.cursor.next();
                }
                Kind::Keyword(K::Else) => {
                    self.cursor.next();
                    match self.cursor.peek() {
                        Kind::Keyword(K::If) => {
                            self.cursor.next();
                        }
                        Kind::Char(b'{') => {
                            self.cursor.next();
                            otherwise = self.block(Context::Any)?;
                            self.wanted('}', "right brace expected.")?;
                            break;
                        }
                        _ => return self.lost_statement("left brace or if expected."),
                    }
                }
                _ => break,
            }
            if branches.len() >= usize::from(MAX_CHAIN) {
                self.too_deep();
                return None;
            }
            branches.push(self.branch()?);
        }
        let mut whole = None;
        while let Some(Branch { span, condition, then }) = branches.pop() {
            let otherwise = match whole {
                Some(inner) => Block::from([inner]),
                None => std::mem::replace(&mut otherwise, Block::from([])),
            };
            let span = self.cursor.span_from(span);
            whole = Some(Statement { span, action: Action::If { condition, then, otherwise } });
        }
        Some(whole.map(|statement| statement.action))
    }

    fn branch(&mut self) -> Option<Branch> {
        let span = self.cursor.span();
        // An opening parenthesis belongs to the `if`, so that `if (a) and (b)` is an error.
        let parenthesis = self.cursor.take('(');
        let Some(condition) = self.boolean_expression() else {
            if !self.lose {
                self.cursor.warn("boolean expression expected.");
            }
            self.lose = true;
            return None;
        };
        if parenthesis && !self.cursor.next().is(')') {
            return self.lost("expecting right paren.");
        }
        self.wanted('{', "left brace expected.")?;
        let Some(then) = self.block(Context::Any) else {
            self.past_right_brace();
            return None;
        };
        self.wanted('}', "right brace expected.")?;
        Some(Branch { span, condition, then })
    }

    /// ISC's attempt to even things up: past the next closing brace, whatever was opened before it.
    fn past_right_brace(&mut self) {
        while !matches!(self.cursor.next(), Kind::Eof | Kind::Char(b'}')) {}
    }

    /// What stands behind `on`.
    pub(crate) fn on(&mut self) -> Option<Option<Action>> {
        let mut events = OnEvents::default();
        let kind = loop {
            match self.cursor.next() {
                Kind::Keyword(K::Expiry) => events.expiry = true,
                Kind::Keyword(K::Commit) => events.commit = true,
                Kind::Keyword(K::Release) => events.release = true,
                Kind::Keyword(K::Transmission) => events.transmission = true,
                _ => return self.lost_statement("expecting a lease event type"),
            }
            let kind = self.cursor.next();
            if kind != Kind::Keyword(K::Or) {
                break kind;
            }
        };
        let body = match kind {
            Kind::Char(b';') => Block::from([]),
            Kind::Char(b'{') => {
                let Some(body) = self.block(Context::Any) else {
                    self.past_right_brace();
                    return None;
                };
                self.wanted('}', "right brace expected.")?;
                body
            }
            _ => return self.lost_statement("left brace expected."),
        };
        Some(Some(Action::On { events, body }))
    }

    /// What stands behind `switch`.
    pub(super) fn switch(&mut self) -> Outcome {
        self.wanted('(', "expecting left brace.")?;
        let Some(value) = self.expression(Context::DataOrNumeric) else {
            if !self.lose {
                return self.lost_statement("expecting data or numeric expression.");
            }
            return None;
        };
        self.wanted(')', "right paren expected.")?;
        self.wanted('{', "left brace expected.")?;
        let case = match context_of(&value) {
            Context::Data => Context::Data,
            _ => Context::Numeric,
        };
        let Some(body) = self.block(case) else {
            self.cursor.skip_to_right_brace(1);
            return None;
        };
        self.wanted('}', "right brace expected.")?;
        Some(Some(Action::Switch { value, body }))
    }

    /// What stands behind `case`.
    pub(super) fn case(&mut self, case: Context) -> Outcome {
        if case == Context::Any {
            return self.lost_statement("case statement in inappropriate scope.");
        }
        let Some(value) = self.expression(case) else {
            if !self.lose {
                let kind = if case == Context::Data { "data" } else { "numeric" };
                self.cursor.warn(format_args!("expecting {kind} expression."));
            }
            self.lose = true;
            self.cursor.skip_to_semicolon();
            return None;
        };
        self.wanted(':', "colon expected.")?;
        Some(Some(Action::Case(value)))
    }
}
