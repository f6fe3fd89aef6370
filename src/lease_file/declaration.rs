//! Hosts, groups, classes and subclasses in the lease file: dynamic ones, and marks that a declared one is deleted.
//!
//! Only what decides their place is looked at (name, flags, where they end); the text is kept.

use super::reader::Reader;
use super::{Declaration, DeclarationKind, message};
use crate::eval::ast::Name;
use crate::eval::parse::number::colon_separated_hex;
use crate::syntax::cursor::Cursor;
use crate::syntax::keyword::Keyword as K;
use crate::syntax::token::Kind;

impl Reader<'_> {
    /// Declared in the configuration, or earlier in this file.
    pub(super) fn has_class(&self, name: &str) -> bool {
        self.declarations.has_class(name) || self.classes.iter().any(|class| **class == *name)
    }
}

/// The class and the value of a subclass, braces or semicolon still ahead.
pub(super) fn subclass(reader: &Reader, cursor: &mut Cursor) -> Option<(Name, Vec<u8>)> {
    if cursor.next() != Kind::Str {
        cursor.warn(message::CLASS_NAME_EXPECTED);
        cursor.skip_to_semicolon();
        return None;
    }
    let class = cursor.name();
    if !reader.has_class(&class) {
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
    let start = cursor.span();
    let (name, value) = match kind {
        DeclarationKind::Subclass => match subclass(reader, cursor) {
            Some((name, value)) => (name, Some(value)),
            None => return false,
        },
        DeclarationKind::Class => {
            if cursor.next() != Kind::Str {
                cursor.warn(message::CLASS_NAME_EXPECTED);
                cursor.skip_to_semicolon();
                return false;
            }
            (cursor.name(), None)
        }
        DeclarationKind::Group if cursor.peek().is('{') => (Name::from(""), None),
        DeclarationKind::Group | DeclarationKind::Host => match name(cursor) {
            Some(name) => (name, None),
            None => {
                cursor.warn(message::HOST_NAME_MISSING);
                cursor.skip_to_semicolon();
                return false;
            }
        },
    };
    let mut declaration = Declaration { kind, name, value, dynamic: false, deleted: false, text: Vec::new() };
    if kind != DeclarationKind::Subclass || !cursor.take(';') {
        if !cursor.next().is('{') {
            cursor.warn(message::LEFT_BRACE_EXPECTED);
            cursor.skip_to_semicolon();
            return false;
        }
        if !body(cursor, &mut declaration) {
            cursor.warn(message::END_OF_FILE);
            return false;
        }
    }
    let span = cursor.span_from(start);
    let text = cursor.source().text.get(span.start as usize..span.end as usize);
    declaration.text = text.unwrap_or_default().to_vec();
    if kind == DeclarationKind::Class && !declaration.deleted {
        reader.classes.push(declaration.name.clone());
    }
    reader.consumer.declaration(declaration);
    true
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
