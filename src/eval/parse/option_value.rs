//! Option values, by the option's format.
//!
//! A format is a row of letters, one for each atom of a value (dhcp-options(5) in brackets):
//! `I` address or host name, `6` IPv6 address, `L` `l` `S` `s` `B` `b` number of 32, 16, 8 bits (capital: unsigned), `f` boolean, `t` text,
//! `X` string or hexadecimal octets, `d` domain name, `D` domain list (`Dc` compressed), `T` seconds or `infinite`, `U` word, `k` key name,
//! `N<enumeration>.` one of its names, `E<space>.` encapsulated options, written as `X`, `Z` nothing. Behind a letter: `o` optional, `a` an
//! array of it, `A` an array of everything so far.

use super::super::ast::{Action, Expr, OptionOp, Statement};
use super::Parser;
use super::address::{ip_address, ip_address_or_host_name, ip6_address};
use super::domain::{domain_list, domain_name};
use super::number::{colon_separated_hex, convert, octets_or_string};
use super::text::{host_name, truth};
use crate::option::definition::{Definition, OptionId};
use crate::option::enumeration::Enumeration;
use crate::syntax::cursor::Cursor;
use crate::syntax::keyword::Keyword;
use crate::syntax::token::Kind;
use std::sync::Arc;

/// A format and how far it has been followed.
#[derive(Clone, Copy)]
struct Format<'a> {
    letters: &'a [u8],
    at: usize,
}

impl<'a> Format<'a> {
    fn letter(&self) -> u8 {
        self.ahead(0)
    }

    /// The letter so many further on; 0 behind the end.
    fn ahead(&self, by: usize) -> u8 {
        self.letters.get(self.at + by).copied().unwrap_or(0)
    }

    /// `A` or `a`.
    fn is_array(&self) -> bool {
        matches!(self.letter(), b'A' | b'a')
    }

    fn is_optional(&self) -> bool {
        self.ahead(1) == b'o'
    }

    /// Goes on to the dot that ends a name inside the format, and returns that name.
    fn skip_past_dot(&mut self) -> Option<&'a [u8]> {
        let name = self.letters.get(self.at + 1..)?;
        let length = name.iter().position(|&octet| octet == b'.')?;
        self.at += length + 1;
        name.get(..length)
    }
}

fn constant(octets: &[u8]) -> Option<Expr> {
    Some(Expr::Const(Arc::from(octets)))
}

impl Parser<'_, '_> {
    /// Everything behind the name of an option, semicolon included. `lose` is what ISC's uninitialised `lose` happens to hold at the
    /// caller: `false` inside braces of executable statements, `true` in declarations; it decides whether some messages are given.
    pub fn option_statement(
        &mut self,
        op: OptionOp,
        definition: &Definition,
        lose: bool,
    ) -> Option<Statement> {
        let start = self.cursor.span();
        let kind = self.cursor.peek();
        let value = if kind.is(';') && !definition.format.starts_with('Z') {
            // ISC takes the semicolon here and wants another.
            self.cursor.next();
            Expr::Null
        } else if kind.is('=') {
            self.cursor.next();
            let outer = std::mem::replace(&mut self.lose, lose);
            let value = self.data_expression();
            let lose = std::mem::replace(&mut self.lose, outer);
            if value.is_none() && !lose {
                self.cursor.warn("expecting a data expression.");
                self.cursor.skip_to_semicolon();
            }
            value?
        } else {
            self.option_value(definition)?
        };
        if !self.cursor.semicolon() {
            return None;
        }
        let action = Action::Option { op, option: definition.id, value };
        Some(Statement { span: self.cursor.span_from(start), action })
    }

    /// A value as the format says, without the semicolon behind it. After an error, which has been reported and skipped, `None`.
    pub fn option_value(&mut self, definition: &Definition) -> Option<Expr> {
        let mut format = Format { letters: definition.format.as_bytes(), at: 0 };
        let mut pieces = Vec::new();
        let mut list = false;
        loop {
            if format.letter() == b'a' && format.at > 0 {
                format.at -= 1;
            } else if format.letter() == b'A' {
                format.at = 0;
            }
            list |= format.letter() != b'Z' && format.ahead(1).eq_ignore_ascii_case(&b'a');
            self.atoms(&mut format, list, &mut pieces)?;
            if !format.is_array() {
                break;
            }
            if self.cursor.take(',') {
                list = false;
                continue;
            }
            if format.letter() == b'A' || format.ahead(1) == 0 {
                break;
            }
            format.at += 1;
        }
        match pieces.len() {
            1 => pieces.pop(),
            0 => Some(Expr::Null),
            _ => Some(Expr::Concat(pieces)),
        }
    }

    /// Atoms up to the next array mark or the end.
    fn atoms(&mut self, format: &mut Format, list: bool, pieces: &mut Vec<Expr>) -> Option<()> {
        loop {
            match format.letter() {
                b'A' | b'a' => return Some(()),
                b'o' => {}
                _ if format.is_optional() && self.cursor.peek().is(';') => {}
                _ => match self.atom(format, list) {
                    Some(piece) => pieces.push(piece),
                    None if format.is_optional() => {}
                    None => return None,
                },
            }
            format.at += 1;
            if format.letter() == 0 {
                return Some(());
            }
        }
    }

    fn atom(&mut self, format: &mut Format, list: bool) -> Option<Expr> {
        match format.letter() {
            b'U' => {
                let kind = self.cursor.next();
                if !kind.is_identifier() {
                    return self.missing(format, kind, "expecting identifier.");
                }
                constant(self.cursor.octets())
            }
            b'E' => match format.skip_past_dot() {
                Some(_) => self.opaque(format),
                None => self.skipped("malformed encapsulation format (bug!)"),
            },
            b'X' => self.opaque(format),
            b'D' => self.domain_list(format),
            b'd' => match domain_name(self.cursor) {
                Some(name) => constant(&name),
                None => self.skipped("not a valid domain name."),
            },
            b't' => {
                let kind = self.cursor.next();
                if kind != Kind::Str && !kind.is_identifier() {
                    return self.missing(format, kind, "expecting string.");
                }
                constant(self.cursor.octets())
            }
            b'k' => self.key_name(),
            b'N' => self.enumerated(format),
            b'I' => ip_address_or_host_name(self.cursor, list),
            b'6' => constant(&ip6_address(self.cursor)?.octets()),
            b'T' => match self.cursor.next() {
                Kind::Keyword(Keyword::Infinite) => constant(&[0xff; 4]),
                kind => self.number(format, kind, 32),
            },
            b'L' | b'l' => self.next_number(format, 32),
            b'S' | b's' => self.next_number(format, 16),
            b'B' | b'b' => self.next_number(format, 8),
            b'f' => self.flag(format),
            b'Z' => {
                if !self.cursor.peek().is(';') {
                    self.cursor.warn("semicolon expected.");
                    self.cursor.skip_to_semicolon();
                }
                constant(&[])
            }
            // A format may be empty, and then ISC's text ends at the zero octet.
            b'\0' => self.skipped("Bad format '"),
            letter => self.skipped(format!("Bad format '{}' in parse_option_token.", char::from(letter))),
        }
    }

    /// The token taken is not what the format wants. Nothing is said where the atom is optional.
    fn missing<T>(&mut self, format: &Format, kind: Kind, text: &str) -> Option<T> {
        if !format.is_optional() {
            self.cursor.warn(text);
            if !kind.is(';') {
                self.cursor.skip_to_semicolon();
            }
        }
        None
    }

    fn opaque(&mut self, format: &Format) -> Option<Expr> {
        if matches!(self.cursor.peek(), Kind::Number | Kind::NumberOrName) {
            return constant(&colon_separated_hex(self.cursor)?);
        }
        if self.cursor.next() == Kind::Str {
            return constant(self.cursor.octets());
        }
        if !format.is_optional() {
            return self.skipped("expecting string or hexadecimal data.");
        }
        None
    }

    fn domain_list(&mut self, format: &mut Format) -> Option<Expr> {
        let compress = format.ahead(1) == b'c';
        if compress {
            format.at += 1;
        }
        let list = domain_list(self.cursor, compress);
        if list.is_none() && !format.is_optional() {
            self.cursor.skip_to_semicolon();
        }
        constant(&list?)
    }

    fn key_name(&mut self) -> Option<Expr> {
        if self.cursor.peek() == Kind::Str {
            self.cursor.next();
            return constant(self.cursor.word_octets());
        }
        match host_name(self.cursor) {
            Some(name) => constant(name.as_bytes()),
            None => self.skipped("not a valid key name."),
        }
    }

    fn enumerated(&mut self, format: &mut Format) -> Option<Expr> {
        let Some(enumeration) = format.skip_past_dot() else {
            return self.skipped("malformed enumeration format (bug!)");
        };
        if !self.cursor.next().is_identifier() {
            return self.skipped("identifier expected");
        }
        match enumeration_value(enumeration, &self.cursor.word()) {
            Some(octets) => constant(&octets),
            None => self.skipped("unknown value"),
        }
    }

    fn next_number(&mut self, format: &Format, bits: u32) -> Option<Expr> {
        let kind = self.cursor.next();
        self.number(format, kind, bits)
    }

    fn number(&mut self, format: &Format, kind: Kind, bits: u32) -> Option<Expr> {
        if !matches!(kind, Kind::Number | Kind::NumberOrName) {
            return self.missing(format, kind, "expecting number.");
        }
        constant(&number_octets(self.cursor, bits))
    }

    fn flag(&mut self, format: &Format) -> Option<Expr> {
        let kind = self.cursor.next();
        if !kind.is_identifier() {
            return self.missing(format, kind, "expecting identifier.");
        }
        let word = self.cursor.word_octets();
        match truth(word) {
            Some(value) => constant(&[u8::from(value)]),
            None if word.eq_ignore_ascii_case(b"ignore") => constant(&[2]),
            None => self.missing(format, kind, "expecting boolean."),
        }
    }
}

/// The value of a name, in as many octets as the enumeration has.
fn enumeration_value(enumeration: &[u8], name: &str) -> Option<Vec<u8>> {
    let enumeration = Enumeration::named(std::str::from_utf8(enumeration).ok()?)?;
    let value = enumeration.value(name)?.to_be_bytes();
    value.get(4usize.saturating_sub(usize::from(enumeration.width))..).map(<[u8]>::to_vec)
}

/// The number under the cursor in network order.
fn number_octets(cursor: &mut Cursor, bits: u32) -> Vec<u8> {
    let value = convert(cursor, 0, bits).to_be_bytes();
    value.get(4 - bits as usize / 8..).unwrap_or_default().to_vec()
}

/// Room ISC has for the value of a constant option.
const CONSTANT_ROOM: usize = 1024;

/// Options whose values are constants: those of lease records.
impl Parser<'_, '_> {
    /// `NAME VALUE;`, name still ahead. After an error, which has been reported and skipped, `None`.
    pub fn constant_option(&mut self) -> Option<(OptionId, Vec<u8>)> {
        let definition = self.option_name(false)?.definition;
        let mut format = Format { letters: definition.format.as_bytes(), at: 0 };
        let mut value = Vec::new();
        loop {
            self.constant_atoms(&mut format, &mut value)?;
            let kind = self.cursor.next();
            if format.letter() == 0 || !kind.is(',') {
                if !kind.is(';') {
                    return self.skipped("semicolon expected.");
                }
                return Some((definition.id, value));
            }
        }
    }

    fn constant_atoms(&mut self, format: &mut Format, value: &mut Vec<u8>) -> Option<()> {
        while format.letter() != 0 {
            match format.letter() {
                b'A' => {
                    format.at = 0;
                    return Some(());
                }
                b'a' => {
                    format.at = format.at.saturating_sub(1);
                    return Some(());
                }
                b'o' if format.at > 0 => {}
                _ => {
                    let octets = self.constant_atom(format, CONSTANT_ROOM.saturating_sub(value.len()))?;
                    if value.len() + octets.len() > CONSTANT_ROOM {
                        return self.skipped("option data buffer overflow");
                    }
                    value.extend_from_slice(&octets);
                }
            }
            format.at += 1;
        }
        Some(())
    }

    fn constant_atom(&mut self, format: &mut Format, room: usize) -> Option<Vec<u8>> {
        match format.letter() {
            b'E' => match format.skip_past_dot() {
                Some(_) => Some(octets_or_string(self.cursor, room)),
                None => self.skipped("malformed encapsulation format (bug!)"),
            },
            b'X' => Some(octets_or_string(self.cursor, room)),
            b't' => self.constant_text(format, room),
            b'D' => {
                let compress = format.ahead(1) == b'c';
                format.at += usize::from(compress);
                domain_list(self.cursor, compress)
            }
            b'N' => {
                let Some(enumeration) = format.skip_past_dot() else {
                    return self.skipped("malformed enumeration format (bug!)");
                };
                if !self.cursor.next().is_identifier() {
                    return self.skipped("identifier expected");
                }
                let value = enumeration_value(enumeration, &self.cursor.word());
                value.or_else(|| self.skipped("unknown value"))
            }
            b'6' => ip6_address(self.cursor).map(|address| address.octets().to_vec()),
            b'I' => ip_address(self.cursor).map(|address| address.octets().to_vec()),
            b'L' | b'l' => self.constant_number(32),
            b'S' | b's' => self.constant_number(16),
            b'B' | b'b' => self.constant_number(8),
            b'f' => self.constant_flag(),
            b'Z' => {
                if !self.cursor.peek().is(';') {
                    return self.skipped("semicolon expected.");
                }
                Some(Vec::new())
            }
            letter => {
                let text = format!("parse_option_param: Bad format {}", char::from(letter));
                self.cursor.report().line(crate::log::Line::error(text));
                self.cursor.skip_to_semicolon();
                None
            }
        }
    }

    fn constant_text(&mut self, format: &mut Format, room: usize) -> Option<Vec<u8>> {
        if self.cursor.peek().is(';') && format.is_optional() {
            format.at += 1;
            return Some(Vec::new());
        }
        if self.cursor.next() != Kind::Str {
            return self.skipped("expecting string.");
        }
        if self.cursor.octets().len() + 1 > room {
            return self.skipped("option data buffer overflow");
        }
        Some(self.cursor.octets().to_vec())
    }

    fn constant_number(&mut self, bits: u32) -> Option<Vec<u8>> {
        let kind = self.cursor.next();
        if matches!(kind, Kind::Number | Kind::NumberOrName) {
            return Some(number_octets(self.cursor, bits));
        }
        self.cursor.warn("expecting number.");
        if !kind.is(';') {
            self.cursor.skip_to_semicolon();
        }
        None
    }

    fn constant_flag(&mut self) -> Option<Vec<u8>> {
        let kind = self.cursor.next();
        let value = kind.is_identifier().then(|| truth(self.cursor.word_octets())).flatten();
        if let Some(value) = value {
            return Some(vec![u8::from(value)]);
        }
        let text = if kind.is_identifier() { "expecting boolean." } else { "expecting identifier." };
        self.cursor.warn(text);
        if !kind.is(';') {
            self.cursor.skip_to_semicolon();
        }
        None
    }
}
