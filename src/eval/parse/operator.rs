//! Binary operators: ISC's precedence, its guesses at kinds, and the order in which it complains.
//!
//! From strong to weak: `& | ^`, comparisons, `and or`, `+`, `* / %`. What follows an operator stronger than the one before is read to
//! the end of the expression, weaker operators included, as in ISC. Pending left sides are kept in a list, not on the stack:
//! a class may be matched against thousands of addresses.

use super::super::ast::{Arithmetic, Expr};
use super::{Context, MAX_CHAIN, MAX_DEPTH, Node, Parser};
use crate::syntax::keyword::Keyword;
use crate::syntax::token::Kind;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Matches,
    MatchesIgnoringCase,
    And,
    Or,
    Arithmetic(Arithmetic),
}

impl Operator {
    /// Higher binds more tightly.
    fn strength(self) -> u8 {
        match self {
            Operator::Equal | Operator::NotEqual | Operator::Matches | Operator::MatchesIgnoringCase => 4,
            Operator::And | Operator::Or => 3,
            Operator::Arithmetic(op) => match op {
                Arithmetic::And | Arithmetic::Or | Arithmetic::Xor => 100,
                Arithmetic::Add | Arithmetic::Subtract => 2,
                Arithmetic::Multiply | Arithmetic::Divide | Arithmetic::Remainder => 1,
            },
        }
    }

    /// What a number on its right-hand side is read as.
    fn context(self) -> Context {
        match self {
            Operator::And | Operator::Or => Context::Boolean,
            Operator::Arithmetic(_) => Context::Numeric,
            _ => Context::Data,
        }
    }

    /// What is wrong about a right-hand side of this kind.
    fn refuses(self, right: Context) -> Option<&'static str> {
        let fits = |kinds: &[Context], text| (!kinds.contains(&right)).then_some(text);
        match self {
            Operator::Equal | Operator::NotEqual => {
                fits(&[Context::Data, Context::Numeric, Context::Any], "expecting data/numeric expression")
            }
            Operator::Matches => fits(&[Context::Data], "expecting data expression"),
            Operator::MatchesIgnoringCase => None,
            Operator::And | Operator::Or => {
                fits(&[Context::Boolean, Context::Any], "expecting boolean expressions")
            }
            Operator::Arithmetic(_) => {
                fits(&[Context::Numeric, Context::Any], "expecting numeric expressions")
            }
        }
    }

    fn combine(self, left: Expr, right: Expr) -> Expr {
        let operands = Box::new([left, right]);
        match self {
            Operator::Equal => Expr::Equal(operands),
            Operator::NotEqual => Expr::NotEqual(operands),
            Operator::Matches => Expr::Matches { ignore_case: false, operands },
            Operator::MatchesIgnoringCase => Expr::Matches { ignore_case: true, operands },
            Operator::And => Expr::And(operands),
            Operator::Or => Expr::Or(operands),
            Operator::Arithmetic(op) => Expr::Arithmetic { op, operands },
        }
    }
}

/// The kind of value an expression has, as far as its shape tells.
pub(super) fn context_of(expr: &Expr) -> Context {
    match expr {
        Expr::Check(_)
        | Expr::Equal(_)
        | Expr::NotEqual(_)
        | Expr::Matches { .. }
        | Expr::And(_)
        | Expr::Or(_)
        | Expr::Not(_)
        | Expr::Exists(_)
        | Expr::Defined(_)
        | Expr::Known
        | Expr::Static => Context::Boolean,
        Expr::Integer(_)
        | Expr::ExtractInt { .. }
        | Expr::LeaseTime
        | Expr::ClientState
        | Expr::Arithmetic { .. } => Context::Numeric,
        Expr::Variable(_) | Expr::Call { .. } | Expr::Function(_) => Context::Any,
        _ => Context::Data,
    }
}

/// A left-hand side that waits for its right.
struct Pending {
    left: Node,
    operator: Operator,
}

impl Parser<'_, '_> {
    /// Operands joined by operators.
    pub(super) fn operators(&mut self, mut context: Context) -> Option<Node> {
        let mut waiting: Vec<Pending> = Vec::new();
        loop {
            let Some(right) = self.operand(context) else {
                if !waiting.is_empty() && !self.lose {
                    self.lost_statement::<()>("expecting right-hand side.");
                }
                return None;
            };
            let next = self.operator_ahead()?;
            if next.is_some() {
                context = context_of(&right.expr);
            }
            let pending = waiting.pop();
            let Some(next) = next else {
                // The end: each pending operator has its right-hand side now, the innermost first.
                let mut result = self.joined(pending, right)?;
                while let Some(pending) = waiting.pop() {
                    result = self.joined(Some(pending), result)?;
                }
                return Some(result);
            };
            let left = match pending {
                Some(pending) if pending.operator.strength() < next.strength() => {
                    context = next.context();
                    waiting.push(pending);
                    right
                }
                pending => self.joined(pending, right)?,
            };
            self.cursor.next();
            waiting.push(Pending { left, operator: next });
        }
    }

    /// The operator ahead. Of `!=`, `~=` and `~~` the first character is taken; the rest is still ahead. Outer `None`: an error,
    /// which has been reported.
    fn operator_ahead(&mut self) -> Option<Option<Operator>> {
        let operator = match self.cursor.peek() {
            Kind::Char(b'!') => {
                self.cursor.next();
                if !self.cursor.peek().is('=') {
                    return self.lost_statement("! in boolean context without =");
                }
                Operator::NotEqual
            }
            Kind::Char(b'~') => {
                self.cursor.next();
                match self.cursor.peek() {
                    Kind::Char(b'~') => Operator::MatchesIgnoringCase,
                    Kind::Char(b'=') => Operator::Matches,
                    _ => return self.lost_statement("expecting ~= or ~~ operator"),
                }
            }
            Kind::Char(b'=') => Operator::Equal,
            Kind::Keyword(Keyword::And) => Operator::And,
            Kind::Keyword(Keyword::Or) => Operator::Or,
            // There is no `-`: a minus sign is a number.
            Kind::Char(b'+') => Operator::Arithmetic(Arithmetic::Add),
            Kind::Char(b'/') => Operator::Arithmetic(Arithmetic::Divide),
            Kind::Char(b'*') => Operator::Arithmetic(Arithmetic::Multiply),
            Kind::Char(b'%') => Operator::Arithmetic(Arithmetic::Remainder),
            Kind::Char(b'&') => Operator::Arithmetic(Arithmetic::And),
            Kind::Char(b'|') => Operator::Arithmetic(Arithmetic::Or),
            Kind::Char(b'^') => Operator::Arithmetic(Arithmetic::Xor),
            _ => return Some(None),
        };
        Some(Some(operator))
    }

    /// Both sides in one node, if their kinds fit.
    fn joined(&mut self, pending: Option<Pending>, right: Node) -> Option<Node> {
        let Some(Pending { left, operator }) = pending else { return Some(right) };
        let (left_kind, right_kind) = (context_of(&left.expr), context_of(&right.expr));
        if left_kind != right_kind && left_kind != Context::Any && right_kind != Context::Any {
            return self.lost_statement("illegal expression relating different types");
        }
        if let Some(text) = operator.refuses(right_kind) {
            return self.lost_statement(text);
        }
        let depth = left.depth.max(right.depth).saturating_add(1);
        let limit = if matches!(operator, Operator::And | Operator::Or) { MAX_CHAIN } else { MAX_DEPTH };
        if depth > limit {
            self.too_deep();
            return None;
        }
        Some(Node { expr: operator.combine(left.expr, right.expr), depth })
    }
}
