//! Executable statements of dhcp-eval(5), and the three declarations ISC reads among them.

use super::super::ast::{Action, Block, Expr, Function, LogPriority, Name, OptionOp, Statement};
use super::{Context, Parsed, Parser};
use crate::option::definition::SERVER;
use crate::syntax::keyword::Keyword as K;
use crate::syntax::source::Span;
use crate::syntax::token::Kind;
use std::sync::Arc;

/// `Some(None)`: accepted, and nothing to execute.
type Outcome = Option<Option<Action>>;

fn done(action: Action) -> Outcome {
    Some(Some(action))
}

impl Parser<'_, '_> {
    /// One executable statement, or `zone`, `key`, `db-time-format`, which ISC reads in the same place. `case` says which labels may
    /// stand here: `Any` none, `Data` or `Numeric` those of a `switch` over such a value.
    pub fn statement(&mut self, case: Context) -> Parsed {
        if self.cursor.peek() == Kind::Char(0) {
            // It starts no statement, and is gone at the next look.
            self.lose = false;
            return Parsed::Failed;
        }
        let span = self.cursor.span_ahead();
        match self.action(case, span) {
            None => Parsed::Failed,
            Some(None) => Parsed::Done,
            Some(Some(action)) => Parsed::Statement(Statement { span: self.cursor.span_from(span), action }),
        }
    }

    /// Statements up to the first token that starts none. `None` when [`Parser::lose`] is set.
    pub fn statements(&mut self, case: Context) -> Option<Block> {
        let mut statements = Vec::new();
        loop {
            match self.statement(case) {
                Parsed::Statement(statement) => statements.push(statement),
                Parsed::Done => {}
                Parsed::Failed => break,
            }
        }
        (!self.lose).then(|| statements.into())
    }

    /// The statements inside braces, one level deeper.
    pub(super) fn block(&mut self, case: Context) -> Option<Block> {
        self.deeper(|parser| parser.statements(case))
    }

    fn action(&mut self, case: Context, span: Span) -> Outcome {
        let kind = self.cursor.peek();
        let Kind::Keyword(keyword) = kind else { return self.parameter_or_call(kind) };
        let read: fn(&mut Self, Context) -> Outcome = match keyword {
            K::DbTimeFormat => |parser, _| parser.db_time_format(),
            K::If => |parser, _| parser.conditional(),
            K::Add => |parser, _| parser.add_class(),
            K::Break => |parser, _| parser.semicolon_or_lost().map(|()| Some(Action::Break)),
            K::Send => |parser, _| parser.option_action(OptionOp::Send),
            K::Supersede | K::Option => |parser, _| parser.option_action(OptionOp::Supersede),
            K::Prepend => |parser, _| parser.option_action(OptionOp::Prepend),
            K::Append => |parser, _| parser.option_action(OptionOp::Append),
            K::Allow => |parser, _| parser.allow_deny(1).map(|statement| Some(statement.action)),
            K::Deny => |parser, _| parser.allow_deny(0).map(|statement| Some(statement.action)),
            K::Ignore => |parser, _| parser.allow_deny(2).map(|statement| Some(statement.action)),
            K::Default => Self::default,
            K::On => |parser, _| parser.on(),
            K::Switch => |parser, _| parser.switch(),
            K::Case => Self::case,
            K::Set => |parser, case| parser.set(case, false),
            K::Define => |parser, case| parser.set(case, true),
            K::Unset => |parser, _| parser.unset(),
            K::Eval => |parser, _| parser.eval(),
            K::Execute => |parser, _| parser.execute(),
            K::Return => |parser, _| parser.return_value(),
            K::Log => |parser, _| parser.log(),
            K::ParseVendorOption => {
                |parser, _| parser.semicolon_or_lost().map(|()| Some(Action::VendorOption))
            }
            K::Zone => {
                self.cursor.next();
                return self.zone(span).map(|()| None);
            }
            K::Key => |parser, _| parser.key_or_lost(),
            _ => return self.parameter_or_call(kind),
        };
        self.cursor.next();
        read(self, case)
    }

    /// Server parameters, which are options of the space `server`, and calls of functions.
    fn parameter_or_call(&mut self, kind: Kind) -> Outcome {
        if kind.is_identifier() {
            let spaces = self.declarations.spaces();
            if let Some(definition) = spaces.by_name(SERVER, &self.cursor.word()).cloned() {
                self.cursor.next();
                let statement = self.option_statement(OptionOp::Supersede, &definition, true)?;
                return done(statement.action);
            }
        }
        if kind.is_variable() {
            let value = self.evaluated(Context::Data, "expecting function call.")?;
            self.semicolon_or_lost()?;
            return done(Action::Eval(value));
        }
        self.lose = false;
        None
    }

    /// An expression that a statement needs. When it is missing ISC says so, skips, and does not note it as an error.
    fn evaluated(&mut self, context: Context, otherwise: &str) -> Option<Expr> {
        let value = self.expression(context);
        if value.is_none() {
            if !self.lose {
                self.cursor.warn(otherwise);
            }
            self.cursor.skip_to_semicolon();
        }
        value
    }

    pub(super) fn semicolon_or_lost(&mut self) -> Option<()> {
        let found = self.cursor.semicolon();
        if !found {
            self.lose = true;
        }
        found.then_some(())
    }

    /// The semicolon behind a statement that ISC, when it is missing, drops but reports as read.
    fn semicolon_or_dropped(&mut self, action: Action) -> Outcome {
        Some(self.semicolon_or_lost().map(|()| action))
    }

    /// The token wanted, or a word about it and on to the next statement.
    pub(super) fn wanted(&mut self, character: char, otherwise: &str) -> Option<()> {
        if self.cursor.next().is(character) {
            return Some(());
        }
        self.lost_statement(otherwise)
    }

    fn db_time_format(&mut self) -> Outcome {
        let local = match self.cursor.next() {
            Kind::Keyword(K::Default) => false,
            Kind::Keyword(K::Local) => true,
            kind => {
                self.cursor.warn("Expecting 'local' or 'default'.");
                if !kind.is(';') {
                    self.cursor.skip_to_semicolon();
                }
                self.lose = true;
                return None;
            }
        };
        self.declarations.set_local_time(local);
        if !self.cursor.next().is(';') {
            return self.lost("Expecting a semicolon.");
        }
        Some(None)
    }

    fn add_class(&mut self) -> Outcome {
        if self.cursor.next() != Kind::Str {
            return self.lost_statement("expecting class name.");
        }
        let name = self.cursor.name();
        if !self.declarations.has_class(&name) {
            return self.lost_statement(format_args!("class {name}: not found"));
        }
        self.semicolon_or_lost()?;
        done(Action::AddClass(name))
    }

    fn option_action(&mut self, op: OptionOp) -> Outcome {
        let Some(name) = self.option_name(false) else {
            self.lose = true;
            return None;
        };
        done(self.option_statement(op, &name.definition, false)?.action)
    }

    /// What stands behind `allow` (1), `deny` (0) or `ignore` (2), semicolon included. A missing semicolon is reported and no error.
    pub fn allow_deny(&mut self, value: u8) -> Option<Statement> {
        let start = self.cursor.span();
        let name = match self.cursor.next() {
            Kind::Keyword(K::Bootp) => "allow-bootp",
            Kind::Keyword(K::Booting) => "allow-booting",
            Kind::Keyword(K::DynamicBootp) => "dynamic-bootp",
            Kind::Keyword(K::UnknownClients) => "boot-unknown-clients",
            Kind::Keyword(K::Duplicates) => "duplicates",
            Kind::Keyword(K::Declines) => "declines",
            Kind::Keyword(K::ClientUpdates) => "client-updates",
            Kind::Keyword(K::Leasequery) => "leasequery",
            _ => {
                self.cursor.warn("expecting allow/deny key");
                self.cursor.skip_to_semicolon();
                return None;
            }
        };
        let option = self.declarations.spaces().by_name(SERVER, name)?.id;
        self.cursor.semicolon();
        let value = Expr::Const(Arc::from([value]));
        let action = Action::Option { op: OptionOp::Supersede, option, value };
        Some(Statement { span: self.cursor.span_from(start), action })
    }

    /// `default` of an option, or the label of a `switch`.
    fn default(&mut self, case: Context) -> Outcome {
        if !self.cursor.peek().is(':') {
            return self.option_action(OptionOp::Default);
        }
        self.cursor.next();
        if case == Context::Any {
            return self.lost("switch default statement in inappropriate scope.");
        }
        done(Action::DefaultCase)
    }

    fn set(&mut self, case: Context, define: bool) -> Outcome {
        let name = self.variable_name()?;
        let value = match self.cursor.next() {
            Kind::Char(b'(') => Expr::Function(Arc::new(self.function(case)?)),
            Kind::Char(b'=') => {
                let value = self.evaluated(Context::Any, "expecting expression.")?;
                self.semicolon_or_lost()?;
                value
            }
            _ => {
                let what = if define { "define" } else { "set" };
                return self.lost_statement(format_args!("expecting '=' in {what} statement."));
            }
        };
        done(if define { Action::Define { name, value } } else { Action::Set { name, value } })
    }

    /// `a, b) { .. }`
    fn function(&mut self, case: Context) -> Option<Function> {
        let mut parameters: Vec<Name> = Vec::new();
        loop {
            match self.cursor.next() {
                Kind::Char(b')') => break,
                kind if kind.is_variable() => parameters.push(self.cursor.name()),
                _ => return self.lost_statement("expecting argument name"),
            }
            match self.cursor.next() {
                Kind::Char(b',') => {}
                Kind::Char(b')') => break,
                _ => return self.lost_statement("expecting right paren."),
            }
        }
        self.wanted('{', "expecting left brace.")?;
        let Some(body) = self.block(case) else {
            self.cursor.skip_to_semicolon();
            return None;
        };
        self.wanted('}', "expecting right brace.")?;
        Some(Function { parameters, body })
    }

    fn unset(&mut self) -> Outcome {
        let name = self.variable_name()?;
        self.semicolon_or_lost()?;
        done(Action::Unset(name))
    }

    fn eval(&mut self) -> Outcome {
        let value = self.evaluated(Context::Data, "expecting data expression.")?;
        self.semicolon_or_dropped(Action::Eval(value))
    }

    fn return_value(&mut self) -> Outcome {
        let value = self.evaluated(Context::Data, "expecting data expression.")?;
        self.semicolon_or_lost()?;
        done(Action::Return(Some(value)))
    }

    fn execute(&mut self) -> Outcome {
        self.wanted('(', "left parenthesis expected.")?;
        if self.cursor.next() != Kind::Str {
            return self.lost_statement("Expecting a quoted string.");
        }
        let command = self.cursor.name();
        let mut arguments = Vec::new();
        loop {
            match self.cursor.next() {
                Kind::Char(b',') => {}
                Kind::Char(b')') => break,
                _ => return self.lost_statement("right parenthesis expected."),
            }
            let Some(argument) = self.data_expression() else {
                if !self.lose {
                    self.cursor.warn("expecting expression.");
                }
                self.cursor.skip_to_semicolon();
                self.lose = true;
                return None;
            };
            arguments.push(argument);
        }
        self.semicolon_or_dropped(Action::Execute { command, arguments })
    }

    fn log(&mut self) -> Outcome {
        self.wanted('(', "left parenthesis expected.")?;
        let priority = match self.cursor.peek() {
            Kind::Keyword(K::Fatal) => Some(LogPriority::Fatal),
            Kind::Keyword(K::Error) => Some(LogPriority::Error),
            Kind::Keyword(K::Debug) => Some(LogPriority::Debug),
            Kind::Keyword(K::Info) => Some(LogPriority::Info),
            _ => None,
        };
        if priority.is_some() {
            self.cursor.next();
            self.wanted(',', "comma expected.")?;
        }
        let Some(text) = self.data_expression() else {
            self.cursor.skip_to_semicolon();
            self.lose = true;
            return None;
        };
        self.wanted(')', "right parenthesis expected.")?;
        self.semicolon_or_lost()?;
        done(Action::Log { priority: priority.unwrap_or(LogPriority::Debug), text })
    }

    fn key_or_lost(&mut self) -> Outcome {
        if !self.key() {
            self.lose = true;
            return None;
        }
        Some(None)
    }
}
