//! Boolean expressions, numbers, and values of any kind. `None` is null.

use super::ast::{Arithmetic, Expr};
use super::machine::{Act, Machine};
use super::message::{self, Wanted};
use super::pattern;
use super::value::{Data, Value};
use smallvec::SmallVec;

/// What is left to do of `and` and `or` once the expression at hand is known.
enum Pending<'e> {
    And(&'e Expr),
    Or(&'e Expr),
    /// The left side of an `or`, for when the right one is null.
    Left(Option<bool>),
}

impl Machine<'_> {
    /// A truth value.
    pub fn boolean(&mut self, expression: &Expr) -> Option<bool> {
        if !self.enter() {
            return None;
        }
        let value = self.boolean_of(expression);
        self.leave();
        value.filter(|_| self.is_sound())
    }

    /// `and` and `or` in a tree of any shape, without recursion. The right side of `and` counts only when the left one is
    /// true: false and anything is null.
    fn chain(&mut self, mut expression: &Expr) -> Option<bool> {
        let mut pending: SmallVec<[Pending<'_>; 8]> = SmallVec::new();
        'descend: loop {
            loop {
                let (left, rest) = match expression {
                    Expr::And(parts) => (&parts[0], Pending::And(&parts[1])),
                    Expr::Or(parts) => (&parts[0], Pending::Or(&parts[1])),
                    _ => break,
                };
                pending.push(rest);
                expression = left;
            }
            let mut value = self.boolean(expression);
            while let Some(next) = pending.pop() {
                match next {
                    Pending::And(right) if value == Some(true) => {
                        expression = right;
                        continue 'descend;
                    }
                    Pending::And(_) => value = None,
                    Pending::Or(_) if value == Some(true) => {}
                    Pending::Or(right) => {
                        pending.push(Pending::Left(value));
                        expression = right;
                        continue 'descend;
                    }
                    Pending::Left(left) => value = value.or(left),
                }
            }
            return value;
        }
    }

    fn boolean_of(&mut self, expression: &Expr) -> Option<bool> {
        match expression {
            Expr::Check(_) => {
                self.outcome.acts.push(Act::ClassifyAgain);
                Some(self.context.in_a_class)
            }
            Expr::Equal(operands) => Some(self.equal(operands)),
            Expr::NotEqual(operands) => Some(!self.equal(operands)),
            Expr::Matches { ignore_case, operands } => {
                let [text, pattern] = &**operands;
                let text = self.data(text);
                if text.as_ref().is_some_and(Data::is_hollow) {
                    self.outcome.say(message::nothing_to_match());
                }
                let (text, pattern) = (text.filter(|text| !text.is_hollow()), self.data(pattern));
                let (text, pattern) = text.zip(pattern)?;
                Some(!pattern.is_hollow() && pattern::matches(&text, &pattern, *ignore_case))
            }
            Expr::And(_) | Expr::Or(_) => self.chain(expression),
            Expr::Not(operand) => self.boolean(operand).map(|value| !value),
            Expr::Exists(id) => Some(self.context.packet.is_some_and(|packet| packet.exists(*id))),
            Expr::Known => self.context.packet.map(|_| self.context.known),
            Expr::Static => Some(self.context.lease.is_some_and(|lease| lease.is_static)),
            Expr::Defined(name) => Some(self.variable(name).is_some()),
            Expr::Variable(name) => match self.variable(name)? {
                Value::Boolean(value) => Some(*value),
                other => {
                    let kind = other.kind();
                    self.wrong_variable(kind, Wanted::Boolean)
                }
            },
            Expr::Call { name, arguments } => {
                self.typed_call(name, arguments, Wanted::Boolean, |value| matches!(value, Value::Boolean(_)));
                self.bogus(expression, Wanted::Boolean)
            }
            _ => self.misplaced(expression, Wanted::Boolean),
        }
    }

    /// Null equals null, and nothing else.
    fn equal(&mut self, [left, right]: &[Expr; 2]) -> bool {
        let (left, right) = (self.value(left), self.value(right));
        left == right
    }

    /// A number. Arithmetic is unsigned, 64 bits wide, and wraps.
    pub fn number(&mut self, expression: &Expr) -> Option<u64> {
        if !self.enter() {
            return None;
        }
        let value = self.number_of(expression);
        self.leave();
        value.filter(|_| self.is_sound())
    }

    fn number_of(&mut self, expression: &Expr) -> Option<u64> {
        match expression {
            Expr::Integer(value) => Some(*value as u64),
            Expr::ExtractInt { bits, data } => {
                let data = self.data(data)?;
                let octets = data.get(..usize::from(bits / 8))?;
                Some(octets.iter().fold(0, |n, octet| n << 8 | u64::from(*octet)))
            }
            Expr::LeaseTime => {
                let Some(lease) = self.context.lease else {
                    self.outcome.say(message::no_lease_time());
                    return None;
                };
                let left = lease.ends - self.context.now;
                if left < 0 {
                    self.outcome.say(message::lease_over(lease.ends, self.context.now));
                    return None;
                }
                Some(left as u64)
            }
            Expr::Arithmetic { .. } => self.arithmetic(expression),
            // the server is no client
            Expr::ClientState => None,
            Expr::Variable(name) => match self.variable(name)? {
                Value::Number(value) => Some(*value as u64),
                other => {
                    let kind = other.kind();
                    self.wrong_variable(kind, Wanted::Numeric)
                }
            },
            Expr::Call { name, arguments } => {
                self.typed_call(name, arguments, Wanted::Numeric, |value| matches!(value, Value::Number(_)));
                self.bogus(expression, Wanted::Numeric)
            }
            _ => self.misplaced(expression, Wanted::Numeric),
        }
    }

    /// Operators lean to the left; a long chain of them is no depth.
    fn arithmetic(&mut self, mut expression: &Expr) -> Option<u64> {
        let mut operations: SmallVec<[(Arithmetic, &Expr); 8]> = SmallVec::new();
        while let Expr::Arithmetic { op, operands } = expression {
            let [left, right] = &**operands;
            operations.push((*op, right));
            expression = left;
        }
        let mut value = self.number(expression);
        for (op, right) in operations.into_iter().rev() {
            let right = self.number(right);
            value = value.zip(right).and_then(|(left, right)| calculate(op, left, right));
        }
        value
    }

    /// A value of whatever kind the expression has.
    pub fn value(&mut self, expression: &Expr) -> Option<Value> {
        match expression {
            Expr::Variable(name) => self.variable(name).cloned(),
            Expr::Call { name, arguments } => {
                if !self.enter() {
                    return None;
                }
                let value = self.call(name, arguments).flatten();
                self.leave();
                value
            }
            _ if expression.is_boolean() => self.boolean(expression).map(Value::Boolean),
            _ if expression.is_numeric() => self.number(expression).map(|value| Value::Number(value as i64)),
            _ if expression.is_data() => self.data(expression).map(Value::from),
            _ => {
                self.outcome.say(message::invalid_expression(expression.opcode()));
                None
            }
        }
    }

    /// A call where a kind is wanted: what comes back must be of it.
    pub(super) fn typed_call(
        &mut self,
        name: &super::ast::Name,
        arguments: &[Expr],
        wanted: Wanted,
        fits: impl Fn(&Value) -> bool,
    ) -> Option<Value> {
        let value = self.call(name, arguments).flatten()?;
        if fits(&value) {
            return Some(value);
        }
        self.outcome.say(message::returned_kind(name, value.kind(), wanted));
        None
    }

    pub(super) fn bogus<T>(&mut self, expression: &Expr, wanted: Wanted) -> Option<T> {
        self.outcome.say(message::bogus_opcode(wanted, expression.opcode()));
        None
    }

    pub(super) fn wrong_variable<T>(&mut self, kind: u8, wanted: Wanted) -> Option<T> {
        self.outcome.say(message::variable_kind(kind, wanted));
        None
    }

    /// An expression of a kind that is not wanted here. The parser lets few of them through.
    pub(super) fn misplaced<T>(&mut self, expression: &Expr, wanted: Wanted) -> Option<T> {
        let opcode = expression.opcode();
        self.outcome.say(match expression {
            Expr::Function(_) => message::function_definition(wanted),
            _ if expression.is_boolean() => message::wrong_opcode("Boolean", wanted, opcode),
            _ if expression.is_numeric() => message::wrong_opcode("Numeric", wanted, opcode),
            _ => message::wrong_opcode("Data", wanted, opcode),
        });
        None
    }
}

fn calculate(op: Arithmetic, left: u64, right: u64) -> Option<u64> {
    match op {
        Arithmetic::Add => Some(left.wrapping_add(right)),
        Arithmetic::Subtract => Some(left.wrapping_sub(right)),
        Arithmetic::Multiply => Some(left.wrapping_mul(right)),
        Arithmetic::Divide => left.checked_div(right),
        Arithmetic::Remainder => left.checked_rem(right),
        Arithmetic::And => Some(left & right),
        Arithmetic::Or => Some(left | right),
        Arithmetic::Xor => Some(left ^ right),
    }
}
