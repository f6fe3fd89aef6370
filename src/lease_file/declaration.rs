//! Hosts, groups, classes and subclasses in the lease file: dynamic ones, and marks that a declared one is deleted.
//!
//! Only what decides their place is looked at (name, flags, where they end); the text is kept.

use super::reader::Reader;
use super::{Declaration, DeclarationKind, message};
use crate::eval::ast::Name;
use crate::eval::parse::number::colon_separated_hex;
use crate::log::Line;
use crate::syntax::cursor::Cursor;
use crate::syntax::keyword::Keyword as K;
use crate::syntax::source::{Source, SourceId};
use crate::syntax::token::Kind;

/// The class and the value of a subclass, braces or semicolon still ahead.
pub(super) fn subclass(reader: &Reader, cursor: &mut Cursor) -> Option<(Name, Vec<u8>)> {
    if cursor.next() != Kind::Str {
        cursor.warn(message::CLASS_NAME_EXPECTED);
        cursor.skip_to_semicolon();
        return None;
    }
    let class = cursor.name();
    if !reader.declarations.has_class(&class) {
        cursor.warn(message::no_class(&class));
        cursor.skip_to_semicolon();
        return None;
    }
    match cursor.peek() {
        Kind::Str => {
            cursor.next();
            Some((class, cursor.octets().to_vec()))
        }
        Kind::Number | Kind::NumberOrName => Some((class, colon_separated_hex(cursor)?)),
        _ => {
            cursor.warn(message::CLASS_VALUE_EXPECTED);
            None
        }
    }
}

/// Behind the keyword. False when the declaration is dropped.
pub(super) fn read(reader: &mut Reader, cursor: &mut Cursor, kind: DeclarationKind) -> bool {
    let from = cursor.span().start as usize;
    if !reader.declarations.declare(kind, cursor) {
        return false;
    }
    let to = cursor.span().end as usize;
    let text = cursor.source().text.get(from..to).unwrap_or_default();
    let Some(declaration) = described(kind, text) else { return false };
    reader.consumer.declaration(declaration);
    true
}

/// What a declaration is called and marked as. `None` for one that does not end.
fn described(kind: DeclarationKind, text: &[u8]) -> Option<Declaration> {
    // What is wrong has been said.
    let mut nobody = |_: Line| {};
    let mut cursor = Cursor::new(Source::new("", text, SourceId(0)), &mut nobody);
    let cursor = &mut cursor;
    cursor.next();
    let (name, value) = match kind {
        DeclarationKind::Class | DeclarationKind::Subclass => {
            cursor.next();
            (cursor.name(), None)
        }
        DeclarationKind::Group if cursor.peek().is('{') => (Name::from(""), None),
        DeclarationKind::Group | DeclarationKind::Host => (name(cursor)?, None),
    };
    let mut declaration =
        Declaration { kind, name, value, dynamic: false, deleted: false, text: text.to_vec() };
    if kind == DeclarationKind::Subclass {
        declaration.value = Some(match cursor.peek() {
            Kind::Str => {
                cursor.next();
                cursor.octets().to_vec()
            }
            _ => colon_separated_hex(cursor)?,
        });
        if cursor.take(';') {
            return Some(declaration);
        }
    }
    cursor.next();
    body(cursor, &mut declaration).then_some(declaration)
}

/// Words joined by dots, or a string.
fn name(cursor: &mut Cursor) -> Option<Name> {
    if cursor.peek() == Kind::Str {
        cursor.next();
        return Some(cursor.name());
    }
    crate::eval::parse::text::host_name(cursor)
}

/// To the closing brace; notes the flags. False at the end of the file.
fn body(cursor: &mut Cursor, declaration: &mut Declaration) -> bool {
    let mut open = 1u32;
    loop {
        match cursor.next() {
            Kind::Eof => return false,
            Kind::Char(b'{') => open += 1,
            Kind::Char(b'}') if open == 1 => return true,
            Kind::Char(b'}') => open -= 1,
            Kind::Keyword(K::Dynamic) if open == 1 && cursor.peek().is(';') => declaration.dynamic = true,
            Kind::Keyword(K::Deleted) if open == 1 && cursor.peek().is(';') => declaration.deleted = true,
            _ => {}
        }
    }
}
