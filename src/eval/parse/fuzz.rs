//! Any octets through the lexer and the statement parser, for fuzzing.

use super::super::ast::{Key, Zone};
use super::{Context, Declarations, Parsed, Parser};
use crate::log::Line;
use crate::option::space::Spaces;
use crate::syntax::cursor::Cursor;
use crate::syntax::diagnostic::Report;
use crate::syntax::keyword::Keyword;
use crate::syntax::source::{Source, SourceId};
use crate::syntax::token::Kind;

/// The predefined options, one class `known`, and whatever keys come along.
pub(super) struct Plain {
    pub(super) spaces: Spaces,
    keys: Vec<String>,
}

impl Plain {
    pub(super) fn new() -> Self {
        Plain { spaces: Spaces::predefined(), keys: Vec::new() }
    }
}

impl Declarations for Plain {
    fn spaces(&self) -> &Spaces {
        &self.spaces
    }

    fn spaces_mut(&mut self) -> &mut Spaces {
        &mut self.spaces
    }

    fn has_class(&self, name: &str) -> bool {
        name == "known"
    }

    fn has_key(&self, name: &str) -> bool {
        self.keys.iter().any(|key| key == name)
    }

    fn enter_key(&mut self, key: Key, _: &mut dyn Report) -> Result<(), String> {
        self.keys.push(key.name.to_string());
        Ok(())
    }

    fn enter_zone(&mut self, _: Zone) -> Result<(), String> {
        Ok(())
    }

    fn set_local_time(&mut self, _: bool) {}
}

/// Reads `text` as a file `F` of executable statements and option definitions; returns the lines said. Every input ends, without
/// panic, with a bounded stack, and with at most a few lines for each token.
pub fn fuzz_reader(text: &[u8]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut report = |line: Line| lines.push(line);
    let mut declarations = Plain::new();
    let mut cursor = Cursor::new(Source::new("F", text, SourceId(0)), &mut report);
    while cursor.peek() != Kind::Eof {
        top(&mut cursor, &mut declarations);
    }
    if let Some(last) = cursor.fatal().map(Line::error) {
        lines.push(last);
    }
    lines
}

/// One statement of the outer scope: what dhcpd.conf has there, less its declarations.
fn top(cursor: &mut Cursor, declarations: &mut dyn Declarations) {
    if cursor.peek() == Kind::Keyword(Keyword::Option) {
        return option(cursor, declarations);
    }
    let mut parser = Parser::new(cursor, declarations);
    if let Parsed::Failed = parser.statement(Context::Any)
        && !parser.lose
    {
        cursor.warn("expecting a parameter or declaration");
        cursor.skip_to_semicolon();
    }
}

fn option(cursor: &mut Cursor, declarations: &mut dyn Declarations) {
    cursor.next();
    if cursor.peek() == Kind::Keyword(Keyword::Space) {
        return Parser::new(cursor, declarations).option_space_declaration();
    }
    let Some(name) = Parser::new(cursor, declarations).option_name(true) else { return };
    let definition = name.definition;
    if cursor.peek() == Kind::Keyword(Keyword::Code) {
        cursor.next();
        if name.known {
            declarations.spaces_mut().forget(&definition);
        }
        Parser::new(cursor, declarations).option_code_definition(definition.id.space, &definition.name);
    } else if name.known {
        Parser::new(cursor, declarations).option_statement(
            super::super::ast::OptionOp::Supersede,
            &definition,
            true,
        );
    } else {
        let space = declarations.spaces().space(definition.id.space).name.clone();
        cursor.warn(format_args!("unknown option {space}.{}", definition.name));
        cursor.skip_to_semicolon();
    }
}
