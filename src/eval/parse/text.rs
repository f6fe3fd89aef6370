//! Strings, host names and booleans.

use super::super::ast::Name;
use crate::log::text_of;
use crate::syntax::cursor::Cursor;
use crate::syntax::token::Kind;

/// A quoted string and the semicolon behind it.
pub fn string(cursor: &mut Cursor) -> Option<Vec<u8>> {
    if cursor.next() != Kind::Str {
        cursor.warn("expecting a string");
        cursor.skip_to_semicolon();
        return None;
    }
    let text = cursor.octets().to_vec();
    cursor.semicolon().then_some(text)
}

/// Words and numbers joined by dots, with or without one at the end; `None`, and nothing said, when there is not even one.
pub fn host_name(cursor: &mut Cursor) -> Option<Name> {
    let mut name = Vec::new();
    loop {
        let kind = cursor.peek();
        if !kind.is_identifier() && kind != Kind::Number {
            break;
        }
        cursor.next();
        name.extend_from_slice(cursor.word_octets());
        if !cursor.take('.') {
            break;
        }
        name.push(b'.');
    }
    (!name.is_empty()).then(|| Name::from(&*text_of(&name)))
}

/// `true`, `false`, `on` or `off`, and the semicolon behind it. `false` after an error, which has been reported.
pub fn boolean(cursor: &mut Cursor) -> bool {
    cursor.next();
    let Some(value) = truth(cursor.word_octets()) else {
        cursor.warn("boolean value (true/false/on/off) expected");
        cursor.skip_to_semicolon();
        return false;
    };
    cursor.semicolon();
    value
}

pub(super) fn truth(word: &[u8]) -> Option<bool> {
    let is = |text: &str| word.eq_ignore_ascii_case(text.as_bytes());
    match () {
        () if is("true") || is("on") => Some(true),
        () if is("false") || is("off") => Some(false),
        () => None,
    }
}
