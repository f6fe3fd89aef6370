//! Expressions of dhcp-eval(5), ledger `expressions.tsv`.

use super::super::ast::{Expr, Name};
use super::number::{atoi, colon_separated_hex};
use super::operator::context_of;
use super::{Context, Node, Parser};
use crate::option::definition::OptionId;
use crate::syntax::keyword::Keyword as K;
use crate::syntax::token::Kind;
use std::sync::Arc;

const DATA: &str = "expecting data expression.";
const NUMERIC: &str = "expecting numeric expression.";

/// Whole expressions.
impl Parser<'_, '_> {
    /// An expression. `None` with [`Parser::lose`] unset: there is none at hand and nothing has been said, or only hexadecimal octets
    /// were at fault.
    pub fn expression(&mut self, context: Context) -> Option<Expr> {
        self.node(context).map(|node| node.expr)
    }

    /// An expression of kind data, or one whose kind is not known before it is evaluated.
    pub fn data_expression(&mut self) -> Option<Expr> {
        self.data().map(|node| node.expr)
    }

    pub fn numeric_expression(&mut self) -> Option<Expr> {
        self.numeric().map(|node| node.expr)
    }

    pub fn boolean_expression(&mut self) -> Option<Expr> {
        self.of_kind(Context::Boolean, "Expecting a boolean expression.").map(|node| node.expr)
    }

    fn node(&mut self, context: Context) -> Option<Node> {
        self.deeper(|parser| parser.operators(context))
    }

    fn data(&mut self) -> Option<Node> {
        self.of_kind(Context::Data, "Expecting a data expression.")
    }

    fn numeric(&mut self) -> Option<Node> {
        self.of_kind(Context::Numeric, "Expecting a numeric expression.")
    }

    fn of_kind(&mut self, wanted: Context, otherwise: &str) -> Option<Node> {
        let node = self.node(wanted)?;
        let may_be_any = matches!(node.expr, Expr::Variable(_) | Expr::Call { .. });
        if context_of(&node.expr) != wanted && !may_be_any {
            return self.lost(otherwise);
        }
        Some(node)
    }
}

/// The pieces of functions. Each says what is missing.
impl Parser<'_, '_> {
    fn left_parenthesis(&mut self) -> Option<()> {
        self.mark(b'(', "left parenthesis expected.")
    }

    fn comma(&mut self) -> Option<()> {
        self.mark(b',', "comma expected.")
    }

    fn right_parenthesis(&mut self) -> Option<()> {
        self.mark(b')', "right parenthesis expected.")
    }

    fn mark(&mut self, character: u8, otherwise: &str) -> Option<()> {
        if self.cursor.next() == Kind::Char(character) {
            return Some(());
        }
        self.lost(otherwise)
    }

    /// `found`, or a word about it unless something has been said already.
    fn or_lost(&mut self, found: Option<Node>, otherwise: &str) -> Option<Node> {
        if found.is_none() && !self.lose {
            return self.lost_statement(otherwise);
        }
        found
    }

    fn data_argument(&mut self) -> Option<Node> {
        let found = self.data();
        self.or_lost(found, DATA)
    }

    fn numeric_argument(&mut self) -> Option<Node> {
        let found = self.numeric();
        self.or_lost(found, NUMERIC)
    }

    /// A number where ISC, when it is missing, asks for data.
    fn number_called_data(&mut self) -> Option<Node> {
        let found = self.numeric();
        self.or_lost(found, DATA)
    }

    /// `, 8)`, `, 16)` or `, 32)`.
    fn bits(&mut self) -> Option<u8> {
        self.comma()?;
        if self.cursor.next() != Kind::Number {
            return self.lost("number expected.");
        }
        let bits = match atoi(self.cursor.word_octets()) {
            8 => 8,
            16 => 16,
            32 => 32,
            other => return self.lost_statement(format_args!("unsupported integer size {other}")),
        };
        self.right_parenthesis()?;
        Some(bits)
    }

    fn option(&mut self) -> Option<OptionId> {
        let name = self.option_name(false);
        if name.is_none() {
            self.lose = true;
        }
        Some(name?.definition.id)
    }
}

/// The depth of a tree above these.
fn above(nodes: &[&Node]) -> u16 {
    nodes.iter().map(|node| node.depth).max().unwrap_or(0).saturating_add(1)
}

fn one(node: Node, build: impl FnOnce(Box<Expr>) -> Expr) -> Node {
    Node { depth: above(&[&node]), expr: build(Box::new(node.expr)) }
}

fn two(a: Node, b: Node, build: impl FnOnce(Box<[Expr; 2]>) -> Expr) -> Node {
    Node { depth: above(&[&a, &b]), expr: build(Box::new([a.expr, b.expr])) }
}

fn many(nodes: Vec<Node>, build: impl FnOnce(Vec<Expr>) -> Expr) -> Node {
    let depth = above(&nodes.iter().collect::<Vec<_>>());
    Node { depth, expr: build(nodes.into_iter().map(|node| node.expr).collect()) }
}

/// One operand.
impl Parser<'_, '_> {
    pub(super) fn operand(&mut self, context: Context) -> Option<Node> {
        match self.cursor.peek() {
            Kind::Char(b'(') => self.parenthesised(context),
            Kind::Str => {
                self.cursor.next();
                Some(Expr::Const(Arc::from(self.cursor.octets())).into())
            }
            Kind::Number if matches!(context, Context::Numeric | Context::DataOrNumeric) => {
                self.cursor.next();
                Some(Expr::Integer(i64::from(atoi(self.cursor.word_octets()))).into())
            }
            // A fault here is reported, but ISC does not note it as such.
            Kind::Number | Kind::NumberOrName => {
                colon_separated_hex(self.cursor).map(|octets| Expr::Const(octets.into()).into())
            }
            Kind::Name => self.variable_or_call(),
            Kind::Keyword(keyword) => self.keyword_operand(keyword),
            _ => None,
        }
    }

    fn keyword_operand(&mut self, keyword: K) -> Option<Node> {
        if let Some(constant) = constant(keyword) {
            self.cursor.next();
            return Some(Expr::Integer(constant).into());
        }
        if let Some(plain) = plain(keyword) {
            self.cursor.next();
            return Some(plain.into());
        }
        let function: fn(&mut Self) -> Option<Node> = match keyword {
            K::Check => Self::check,
            K::Not => Self::not,
            K::Exists => |parser| Some(Expr::Exists(parser.option()?).into()),
            K::Option => |parser| Some(Expr::Option(parser.option()?).into()),
            K::ConfigOption => |parser| Some(Expr::ConfigOption(parser.option()?).into()),
            K::Substring => Self::substring,
            K::Suffix => Self::suffix,
            K::Lcase => |parser| parser.of_one(Expr::Lcase),
            K::Ucase => |parser| parser.of_one(Expr::Ucase),
            K::Concat => Self::concat,
            K::BinaryToAscii => Self::binary_to_ascii,
            K::Reverse => |parser| parser.number_and_data(Expr::Reverse),
            K::V6relay => |parser| parser.number_and_data(Expr::V6Relay),
            K::PickFirstValue => Self::pick,
            K::Packet => Self::packet,
            K::ExtractInt => Self::extract_int,
            K::EncodeInt => Self::encode_int,
            K::Defined => Self::defined,
            K::Gethostname => Self::gethostname,
            K::Gethostbyname => Self::gethostbyname,
            _ => return None,
        };
        self.cursor.next();
        function(self)
    }

    fn parenthesised(&mut self, context: Context) -> Option<Node> {
        self.cursor.next();
        let Some(inner) = self.node(context) else {
            if !self.lose {
                return self.lost_statement("expression expected");
            }
            return None;
        };
        if !self.cursor.next().is(')') {
            return self.lost_statement("right paren expected");
        }
        Some(inner)
    }

    fn check(&mut self) -> Option<Node> {
        if self.cursor.next() != Kind::Str {
            return self.lost_statement("string expected.");
        }
        if self.cursor.word_octets() != b"default" {
            return self.lost("unknown collection.");
        }
        Some(Expr::Check(self.cursor.name()).into())
    }

    fn not(&mut self) -> Option<Node> {
        let Some(inner) = self.deeper(|parser| parser.operand(Context::Boolean)) else {
            if !self.lose {
                return self.lost_statement("expression expected");
            }
            return None;
        };
        if context_of(&inner.expr) != Context::Boolean {
            return self.lost_statement("boolean expression expected");
        }
        Some(one(inner, Expr::Not))
    }

    fn substring(&mut self) -> Option<Node> {
        self.left_parenthesis()?;
        let data = self.data_argument()?;
        self.comma()?;
        let offset = self.numeric_argument()?;
        self.comma()?;
        let length = self.numeric_argument()?;
        self.right_parenthesis()?;
        let depth = above(&[&data, &offset, &length]);
        Some(Node { depth, expr: Expr::Substring(Box::new([data.expr, offset.expr, length.expr])) })
    }

    fn suffix(&mut self) -> Option<Node> {
        self.left_parenthesis()?;
        let data = self.data_argument()?;
        self.comma()?;
        let length = self.numeric_argument()?;
        self.right_parenthesis()?;
        Some(two(data, length, Expr::Suffix))
    }

    fn of_one(&mut self, build: fn(Box<Expr>) -> Expr) -> Option<Node> {
        self.left_parenthesis()?;
        let data = self.data_argument()?;
        self.right_parenthesis()?;
        Some(one(data, build))
    }

    fn concat(&mut self) -> Option<Node> {
        self.left_parenthesis()?;
        let mut pieces = Vec::new();
        // `concat (concat (a, b), c)` is the same tree as `concat (a, b, c)`, and is kept as that.
        let first = self.data_argument()?;
        let depth = first.depth;
        match first.expr {
            Expr::Concat(inner) => pieces.extend(inner.into_iter().map(|expr| Node { expr, depth })),
            expr => pieces.push(Node { expr, depth }),
        }
        self.comma()?;
        loop {
            pieces.push(self.data_argument()?);
            match self.cursor.next() {
                Kind::Char(b',') => {}
                Kind::Char(b')') => return Some(many(pieces, Expr::Concat)),
                _ => return self.lost("right parenthesis expected."),
            }
        }
    }

    fn binary_to_ascii(&mut self) -> Option<Node> {
        self.left_parenthesis()?;
        let base = self.number_called_data()?;
        self.comma()?;
        let width = self.number_called_data()?;
        self.comma()?;
        let separator = self.data_argument()?;
        self.comma()?;
        let data = self.data_argument()?;
        self.right_parenthesis()?;
        let depth = above(&[&base, &width, &separator, &data]);
        let arguments = Box::new([base.expr, width.expr, separator.expr, data.expr]);
        Some(Node { depth, expr: Expr::BinaryToAscii(arguments) })
    }

    fn number_and_data(&mut self, build: fn(Box<[Expr; 2]>) -> Expr) -> Option<Node> {
        self.left_parenthesis()?;
        let number = self.number_called_data()?;
        self.comma()?;
        let data = self.data_argument()?;
        self.right_parenthesis()?;
        Some(two(number, data, build))
    }

    fn pick(&mut self) -> Option<Node> {
        self.left_parenthesis()?;
        let mut choices = Vec::new();
        loop {
            choices.push(self.data_argument()?);
            match self.cursor.next() {
                Kind::Char(b',') => {}
                Kind::Char(b')') => return Some(many(choices, Expr::PickFirst)),
                _ => return self.lost("right parenthesis expected."),
            }
        }
    }

    fn packet(&mut self) -> Option<Node> {
        self.left_parenthesis()?;
        let offset = self.numeric_argument()?;
        self.comma()?;
        let length = self.numeric_argument()?;
        self.right_parenthesis()?;
        Some(two(offset, length, Expr::Packet))
    }

    fn extract_int(&mut self) -> Option<Node> {
        self.left_parenthesis()?;
        let data = self.data_argument()?;
        let bits = self.bits()?;
        Some(one(data, |data| Expr::ExtractInt { bits, data }))
    }

    fn encode_int(&mut self) -> Option<Node> {
        self.left_parenthesis()?;
        // Said even when something has been said already.
        let Some(value) = self.numeric() else { return self.lost_statement(NUMERIC) };
        let bits = self.bits()?;
        Some(one(value, |value| Expr::EncodeInt { bits, value }))
    }

    fn defined(&mut self) -> Option<Node> {
        self.left_parenthesis()?;
        let name = self.variable_name()?;
        self.right_parenthesis()?;
        Some(Expr::Defined(name).into())
    }

    /// The name of a variable.
    pub(super) fn variable_name(&mut self) -> Option<Name> {
        if self.cursor.next().is_variable() {
            return Some(self.cursor.name());
        }
        let text = format!("{} can't be a variable name", self.cursor.word());
        self.lost_statement(text)
    }

    fn gethostname(&mut self) -> Option<Node> {
        self.left_parenthesis()?;
        self.right_parenthesis()?;
        Some(Expr::Gethostname.into())
    }

    fn gethostbyname(&mut self) -> Option<Node> {
        self.left_parenthesis()?;
        if self.cursor.next() != Kind::Str {
            return self.lost_statement("Expecting quoted literal: \"foo.example.com\"");
        }
        let name = self.cursor.name();
        self.right_parenthesis()?;
        Some(Expr::HostLookup(name).into())
    }

    fn variable_or_call(&mut self) -> Option<Node> {
        self.cursor.next();
        let name = self.cursor.name();
        if !self.cursor.take('(') {
            return Some(Expr::Variable(name).into());
        }
        let mut arguments = Vec::new();
        loop {
            let Some(argument) = self.node(Context::Any) else {
                if !self.lose {
                    self.cursor.warn("expecting expression.");
                    self.lose = true;
                }
                self.cursor.skip_to_semicolon();
                return None;
            };
            arguments.push(argument);
            match self.cursor.next() {
                Kind::Char(b',') => {}
                Kind::Char(b')') => break,
                _ => return self.lost_statement("Right parenthesis expected."),
            }
        }
        Some(many(arguments, |arguments| Expr::Call { name, arguments }))
    }
}

/// Words that are a whole expression.
fn plain(keyword: K) -> Option<Expr> {
    Some(match keyword {
        K::Static => Expr::Static,
        K::Known => Expr::Known,
        K::Hardware => Expr::Hardware,
        K::LeasedAddress => Expr::LeasedAddress,
        K::ClientState => Expr::ClientState,
        K::Filename => Expr::Filename,
        K::ServerName => Expr::ServerName,
        K::LeaseTime => Expr::LeaseTime,
        K::Null => Expr::Null,
        K::HostDeclName => Expr::HostDeclName,
        _ => return None,
    })
}

/// Named numbers: results of a DNS update, as ISC numbers them, and states of a client.
fn constant(keyword: K) -> Option<i64> {
    Some(match keyword {
        K::Noerror => 0,
        K::Formerr => 1,
        K::Notimp => 27,
        K::Servfail => 393_230,
        K::Nxdomain => 393_231,
        K::Refused => 393_233,
        K::Yxdomain => 393_234,
        K::Yxrrset => 393_235,
        K::Nxrrset => 393_236,
        K::Notauth => 393_237,
        K::Notzone => 393_238,
        K::Reboot => 1,
        K::Booting => 2,
        K::Select => 3,
        K::Request => 4,
        K::Bound => 5,
        K::Renew => 6,
        K::Rebind => 7,
        _ => return None,
    })
}
