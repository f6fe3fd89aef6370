//! Writes executable statements and expressions as ISC writes them into the lease file: the same words, indentation and line
//! breaks at column 79, so that both programs read and write each other's `on` blocks and host statements unchanged.
//!
//! Where ISC writes what it cannot read again (a quote inside a string, `return` without its value, `add` without its
//! semicolon) or dies (`filename`, `server-name`, `define`, `let`), this writes the statement whole.

use super::ast::{Action, Arithmetic, Block, Expr, LogPriority, OptionOp, Statement};
use crate::option::definition::{DHCP, OptionId};
use crate::option::space::Spaces;
use std::sync::Arc;

/// Appends statements, each on a new line of its own that is indented by so many blanks.
pub fn statements(out: &mut Vec<u8>, block: &[Statement], indent: usize, spaces: &Spaces) {
    Printer { out, spaces }.statements(block, indent);
}

/// Appends one expression; the text starts in column `column`, and so do continued lines.
pub fn expression(out: &mut Vec<u8>, expression: &Expr, column: usize, spaces: &Spaces) {
    Printer { out, spaces }.expression(expression, column, column, true);
}

/// Last column that is used.
const WIDTH: usize = 79;

struct Printer<'a> {
    out: &'a mut Vec<u8>,
    spaces: &'a Spaces,
}

impl Printer<'_> {
    fn put(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn new_line(&mut self, indent: usize) {
        self.out.push(b'\n');
        self.out.extend(std::iter::repeat_n(b' ', indent));
    }

    /// One token that is not broken, on a new line if it does not fit. Returns the column behind it.
    fn token(&mut self, mut column: usize, indent: usize, prefix: &str, token: &[u8], suffix: &str) -> usize {
        let length = prefix.len() + token.len();
        if column + length > WIDTH {
            if indent + length < WIDTH {
                self.new_line(indent);
                column = indent;
            } else {
                self.new_line(column);
                column = WIDTH.saturating_sub(length + 1);
            }
        } else {
            self.put(prefix);
            column += prefix.len();
        }
        self.out.extend_from_slice(token);
        column += token.len();
        if !suffix.is_empty() {
            if column + suffix.len() > WIDTH {
                self.new_line(indent);
                return indent;
            }
            self.put(suffix);
            column += suffix.len();
        }
        column
    }

    fn word(&mut self, column: usize, indent: usize, word: &str) -> usize {
        self.token(column, indent, "", word.as_bytes(), "")
    }

    /// Text if it prints, hex octets otherwise.
    fn octets(&mut self, mut column: usize, indent: usize, octets: &[u8]) -> usize {
        if octets.iter().all(|octet| (b' '..=b'~').contains(octet)) {
            return self.string(column, indent, octets);
        }
        for (index, octet) in octets.iter().enumerate() {
            if index > 0 {
                column = self.word(column, indent, ":");
            }
            column = self.word(column, indent, &format!("{octet:02x}"));
        }
        column
    }

    fn string(&mut self, column: usize, indent: usize, octets: &[u8]) -> usize {
        let mut text = vec![b'"'];
        for octet in octets {
            if matches!(octet, b'"' | b'\\') {
                text.push(b'\\');
            }
            text.push(*octet);
        }
        text.push(b'"');
        self.token(column, indent, "", &text, "")
    }

    /// `(` after a function's name; arguments line up behind it.
    fn open(&mut self, column: usize, indent: usize, name: &str) -> usize {
        let column = self.word(column, indent, name);
        self.token(column, indent, " ", b"(", "")
    }

    fn comma(&mut self, column: usize, indent: usize) -> usize {
        self.token(column, indent, "", b",", " ")
    }

    /// `name (a, b, c)`, continued lines under the first argument.
    fn call(&mut self, column: usize, indent: usize, name: &str, arguments: &[Expr]) -> usize {
        let mut column = self.open(column, indent, name);
        let under = column;
        for (index, argument) in arguments.iter().enumerate() {
            if index > 0 {
                column = self.comma(column, under);
            }
            column = self.expression(argument, column, under, index == 0);
        }
        self.word(column, indent, ")")
    }

    /// `option NAME` and its like.
    fn option(&mut self, column: usize, indent: usize, word: &str, id: OptionId) -> usize {
        let column = self.word(column, indent, word);
        let name = self.spaces.option_name(id);
        if id.space == DHCP {
            return self.token(column, indent, " ", name.as_bytes(), "");
        }
        let space = self.spaces.space(id.space).name.clone();
        let column = self.token(column, indent, " ", space.as_bytes(), "");
        let column = self.word(column, indent, ".");
        self.word(column, indent, &name)
    }

    fn integer_call(&mut self, column: usize, indent: usize, name: &str, value: &Expr, bits: u8) -> usize {
        let column = self.open(column, indent, name);
        let under = column;
        let column = self.expression(value, column, indent, true);
        let column = self.comma(column, under);
        let column = self.token(column, under, " ", bits.to_string().as_bytes(), "");
        self.word(column, indent, ")")
    }

    /// A fat expression begins on a new line, except at the start. Returns the column behind it. Chains of operators are written in a
    /// loop, to either side, since they may be long.
    fn expression(
        &mut self,
        mut expression: &Expr,
        mut column: usize,
        mut indent: usize,
        mut first: bool,
    ) -> usize {
        loop {
            if !first && is_fat(expression) {
                self.new_line(indent);
                column = indent;
            }
            let mut pending = Vec::new();
            let mut leftmost = expression;
            while let Some((operator, [left, right])) = binary(leftmost) {
                pending.push((operator, right));
                leftmost = left;
            }
            column = self.primary(leftmost, column, indent);
            let mut next = None;
            while let Some((operator, right)) = pending.pop() {
                column = self.token(column, indent, " ", operator.as_bytes(), " ");
                if pending.is_empty() {
                    next = Some(right);
                } else {
                    column = self.expression(right, column, indent + 2, false);
                }
            }
            let Some(right) = next else { return column };
            (expression, indent, first) = (right, indent + 2, false);
        }
    }

    fn primary(&mut self, expression: &Expr, column: usize, indent: usize) -> usize {
        match expression {
            Expr::Check(name) => {
                let column = self.word(column, indent, "check");
                self.token(column, indent, " ", format!("\"{name}\"").as_bytes(), "")
            }
            Expr::Not(operand) => {
                let column = self.token(column, indent, "", b"not", " ");
                self.expression(operand, column, indent + 2, true)
            }
            Expr::Exists(id) => self.option(column, indent, "exists", *id),
            Expr::Option(id) => self.option(column, indent, "option", *id),
            Expr::ConfigOption(id) => self.option(column, indent, "config-option", *id),
            Expr::Const(octets) => self.octets(column, indent, octets),
            Expr::Integer(value) => self.word(column, indent, &(*value as u64).to_string()),
            Expr::Concat(parts) => self.concat(column, indent, parts),
            Expr::Variable(name) => self.word(indent, indent, name),
            Expr::Defined(name) => {
                let column = self.open(indent, indent, "defined");
                let column = self.word(column, indent, name);
                self.word(column, indent, ")")
            }
            Expr::HostLookup(name) => {
                let column = self.open(column, indent, "gethostbyname");
                let column = self.token(column, indent, "", format!("\"{name}\"").as_bytes(), "");
                self.word(column, indent, ")")
            }
            Expr::EncodeInt { bits, value } => self.integer_call(column, indent, "encode-int", value, *bits),
            Expr::ExtractInt { bits, data } => self.integer_call(column, indent, "extract-int", data, *bits),
            Expr::Packet(operands) => self.packet(column, indent, operands),
            Expr::Substring(operands) => self.substring(column, indent, operands),
            Expr::Call { name, arguments } => self.user_call(indent, name, arguments),
            _ => match arguments(expression) {
                (name, Some(arguments)) => self.call(column, indent, name, arguments),
                (name, None) => self.word(column, indent, name),
            },
        }
    }

    /// ISC's tree of three and more parts leans to the left; written in a loop, since an option may have thousands.
    fn concat(&mut self, mut column: usize, indent: usize, parts: &[Expr]) -> usize {
        let Some((first, rest)) = parts.split_first() else { return column };
        let mut indents = vec![indent];
        let mut under = indent;
        for _ in rest {
            column = self.open(column, under, "concat");
            under = column;
            indents.push(under);
        }
        column = self.expression(first, column, under, true);
        for part in rest {
            let under = indents.pop().unwrap_or(indent);
            column = self.comma(column, under);
            column = self.expression(part, column, under, false);
            column = self.word(column, indents.last().copied().unwrap_or(indent), ")");
        }
        column
    }

    fn packet(&mut self, column: usize, indent: usize, [offset, length]: &[Expr; 2]) -> usize {
        let column = self.open(column, indent, "packet");
        let under = column;
        let column = self.expression(offset, column, indent, true);
        let column = self.comma(column, under);
        let column = self.expression(length, column, under, false);
        self.word(column, indent, ")")
    }

    fn substring(&mut self, column: usize, indent: usize, [data, offset, length]: &[Expr; 3]) -> usize {
        let column = self.open(column, indent, "substring");
        let under = column;
        let column = self.expression(data, column, under, true);
        let column = self.comma(column, indent);
        let column = self.expression(offset, column, indent, false);
        let column = self.comma(column, under);
        let column = self.expression(length, column, under, false);
        self.word(column, indent, ")")
    }

    fn user_call(&mut self, indent: usize, name: &str, arguments: &[Expr]) -> usize {
        let mut column = self.open(indent, indent, name);
        for (index, argument) in arguments.iter().enumerate() {
            if index > 0 {
                column = self.comma(column, indent);
            }
            column = self.expression(argument, column, indent, index == 0);
        }
        self.word(column, indent, ")")
    }

    fn statements(&mut self, block: &[Statement], indent: usize) {
        for statement in block {
            match &statement.action {
                Action::Case(_) | Action::DefaultCase => self.new_line(indent.saturating_sub(1)),
                _ => self.new_line(indent),
            }
            self.statement(&statement.action, indent);
        }
    }

    fn block(&mut self, block: &[Statement], indent: usize) {
        self.statements(block, indent + 2);
        self.new_line(indent);
        self.put("}");
    }

    fn statement(&mut self, action: &Action, indent: usize) {
        match action {
            Action::Option { op, option, value } => self.option_statement(*op, *option, value, indent),
            Action::If { condition, then, otherwise } => {
                self.if_statement(condition, then, otherwise, indent)
            }
            Action::Switch { value, body } => {
                self.put("switch (");
                let column = self.expression(value, indent + 7, indent + 7, true);
                let column = self.word(column, indent + 7, ")");
                self.token(column, indent, " ", b"{", "");
                self.block(body, indent);
            }
            Action::Case(value) => {
                self.put("case ");
                let column = self.expression(value, indent + 5, indent + 5, true);
                self.word(column, indent + 5, ":");
            }
            Action::DefaultCase => self.put("default: "),
            Action::Break => self.put("break;"),
            Action::On { .. } => self.on_statement(action, indent),
            Action::Eval(value) => self.keyword_and_value("eval ", value, indent),
            Action::Return(Some(value)) => self.keyword_and_value("return ", value, indent),
            Action::Return(None) => self.put("return;"),
            Action::Log { priority, text } => self.log_statement(*priority, text, indent),
            Action::Set { name, value } => self.assignment("set ", name, value, indent),
            Action::Define { name, value } => self.definition(name, value, indent),
            Action::Unset(name) => {
                self.put("unset ");
                let column = self.word(indent + 6, indent + 6, name);
                self.token(column, indent + 6, " ", b";", "");
            }
            Action::Let { name, value, body } => {
                self.put(&format!("let {name} = "));
                self.expression(value, indent + 3, indent + 3, true);
                self.put(" {");
                self.block(body, indent);
            }
            Action::AddClass(name) => self.put(&format!("add \"{name}\";")),
            Action::Execute { command, arguments } => self.execute_statement(command, arguments, indent),
            Action::VendorOption => self.put("parse-vendor-option;"),
        }
    }

    fn keyword_and_value(&mut self, keyword: &str, value: &Expr, indent: usize) {
        self.put(keyword);
        let column = indent + keyword.len();
        self.expression(value, column, column, true);
        self.put(";");
    }

    fn option_statement(&mut self, op: OptionOp, id: OptionId, value: &Expr, indent: usize) {
        let word = match op {
            OptionOp::Supersede | OptionOp::Send => "supersede",
            OptionOp::Default => "default",
            OptionOp::Append => "append",
            OptionOp::Prepend => "prepend",
        };
        let name = self.spaces.option_name(id);
        let qualified = match id.space {
            DHCP => name.to_string(),
            space => format!("{}.{name}", self.spaces.space(space).name),
        };
        self.put(&format!("{word} {qualified} = "));
        let column = indent + word.len() + qualified.len() + 4;
        match value {
            Expr::Const(octets) => {
                let parts: Vec<_> = pieces(self.spaces.option_format(id), octets)
                    .into_iter()
                    .map(|piece| Expr::Const(Arc::from(piece)))
                    .collect();
                self.concat(column, indent + 8, &parts);
            }
            _ => {
                self.expression(value, column, indent + 8, true);
            }
        }
        self.put(";");
    }

    fn if_statement(&mut self, condition: &Expr, then: &Block, otherwise: &Block, indent: usize) {
        let (mut condition, mut then, mut otherwise) = (condition, then, otherwise);
        self.put("if ");
        let mut column = self.expression(condition, indent + 3, indent + 3, true);
        loop {
            self.token(column, indent, " ", b"{", "");
            self.statements(then, indent + 2);
            let [Statement { action: Action::If { condition: c, then: t, otherwise: o }, .. }] = &**otherwise
            else {
                break;
            };
            (condition, then, otherwise) = (c, t, o);
            self.new_line(indent);
            self.put("} elsif ");
            column = self.expression(condition, indent + 6, indent + 6, true);
        }
        if !otherwise.is_empty() {
            self.new_line(indent);
            self.put("} else {");
            self.statements(otherwise, indent + 2);
        }
        self.new_line(indent);
        self.put("}");
    }

    fn on_statement(&mut self, action: &Action, indent: usize) {
        let Action::On { events, body } = action else { return };
        let named = [(events.expiry, "expiry"), (events.commit, "commit"), (events.release, "release")];
        let names: Vec<_> = named.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect();
        self.put(&format!("on {}", names.join(" or ")));
        if body.is_empty() {
            self.put(";");
        } else {
            self.put(" {");
            self.block(body, indent);
        }
    }

    fn log_statement(&mut self, priority: LogPriority, text: &Expr, indent: usize) {
        self.put("log ");
        let column = self.word(indent + 4, indent + 4, "(");
        let word = match priority {
            LogPriority::Fatal => "fatal,",
            LogPriority::Error => "error,",
            LogPriority::Debug => "debug,",
            LogPriority::Info => "info,",
        };
        self.token(column, indent + 4, "", word.as_bytes(), " ");
        let column = self.expression(text, indent + 4, indent + 4, false);
        self.word(column, indent + 4, ");");
    }

    fn assignment(&mut self, keyword: &str, name: &str, value: &Expr, indent: usize) {
        self.put(keyword);
        let column = self.word(indent + 4, indent + 4, name);
        self.token(column, indent + 4, " ", b"=", " ");
        let column = self.expression(value, indent + 3, indent + 3, false);
        self.token(column, indent + 4, " ", b";", "");
    }

    fn definition(&mut self, name: &str, value: &Expr, indent: usize) {
        let Expr::Function(function) = value else { return self.assignment("define ", name, value, indent) };
        self.put(&format!("define {name} ({}) {{", function.parameters.join(", ")));
        self.block(&function.body, indent);
    }

    fn execute_statement(&mut self, command: &str, arguments: &[Expr], indent: usize) {
        let column = self.word(indent + 4, indent + 4, "execute");
        let column = self.token(column, indent + 4, " ", b"(", "");
        let mut column = self.string(column, indent + 4, command.as_bytes());
        for argument in arguments {
            column = self.comma(column, indent + 4);
            column = self.expression(argument, column, indent + 4, false);
        }
        self.word(column, indent + 4, ");");
    }
}

/// The operator and both sides of a binary expression.
fn binary(expression: &Expr) -> Option<(&'static str, &[Expr; 2])> {
    Some(match expression {
        Expr::Equal(operands) => ("=", &**operands),
        Expr::NotEqual(operands) => ("!=", &**operands),
        Expr::Matches { ignore_case: true, operands } => ("~~", &**operands),
        Expr::Matches { ignore_case: false, operands } => ("~=", &**operands),
        Expr::And(operands) => ("and", &**operands),
        Expr::Or(operands) => ("or", &**operands),
        Expr::Arithmetic { op, operands } => (sign(*op), &**operands),
        _ => return None,
    })
}

/// The items of which ISC's parser puts an option value together, one for each letter of the format.
fn pieces<'a>(format: &str, mut octets: &'a [u8]) -> Vec<&'a [u8]> {
    let letters: Vec<u8> = format.bytes().filter(|letter| *letter != b'A').collect();
    let mut found = Vec::new();
    let mut at = 0;
    while !octets.is_empty() {
        let size = match letters.get(at) {
            Some(b'6') => 16,
            Some(b'I' | b'l' | b'L' | b'T') => 4,
            Some(b's' | b'S') => 2,
            Some(b'b' | b'B' | b'f') => 1,
            _ => octets.len(),
        };
        at = match letters.get(at + 1) {
            Some(b'a') => at,
            Some(_) => at + 1,
            None => 0,
        };
        let (piece, rest) = octets.split_at(size.min(octets.len()));
        found.push(piece);
        octets = rest;
    }
    if found.is_empty() {
        found.push(octets);
    }
    found
}

/// Expressions that begin a new line.
fn is_fat(expression: &Expr) -> bool {
    matches!(
        expression,
        Expr::Substring(_)
            | Expr::Suffix(_)
            | Expr::Option(_)
            | Expr::Concat(_)
            | Expr::EncodeInt { .. }
            | Expr::BinaryToAscii(_)
            | Expr::Reverse(_)
            | Expr::PickFirst(_)
            | Expr::ConfigOption(_)
            | Expr::ExtractInt { .. }
            | Expr::V6Relay(_)
    )
}

fn sign(op: Arithmetic) -> &'static str {
    match op {
        Arithmetic::Add => "+",
        Arithmetic::Subtract => "-",
        Arithmetic::Multiply => "*",
        Arithmetic::Divide => "/",
        Arithmetic::Remainder => "%",
        Arithmetic::And => "&",
        Arithmetic::Or => "|",
        Arithmetic::Xor => "^",
    }
}

/// The word for an expression that has nothing peculiar, and the arguments of those that have some.
fn arguments(expression: &Expr) -> (&'static str, Option<&[Expr]>) {
    match expression {
        Expr::Suffix(operands) => ("suffix", Some(&operands[..])),
        Expr::Lcase(operand) => ("lcase", Some(std::slice::from_ref(operand))),
        Expr::Ucase(operand) => ("ucase", Some(std::slice::from_ref(operand))),
        Expr::BinaryToAscii(operands) => ("binary-to-ascii", Some(&operands[..])),
        Expr::Reverse(operands) => ("reverse", Some(&operands[..])),
        Expr::PickFirst(choices) => ("pick-first-value", Some(choices)),
        Expr::V6Relay(operands) => ("v6relay", Some(&operands[..])),
        Expr::Known => ("known", None),
        Expr::Static => ("static", None),
        Expr::Hardware => ("hardware", None),
        Expr::LeasedAddress => ("leased-address", None),
        Expr::HostDeclName => ("host-decl-name", None),
        Expr::Filename => ("filename", None),
        Expr::ServerName => ("server-name", None),
        Expr::Gethostname => ("gethostname()", None),
        Expr::LeaseTime => ("lease-time", None),
        Expr::ClientState => ("client-state", None),
        _ => ("null", None),
    }
}
