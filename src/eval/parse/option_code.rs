//! `option space NAME ..;` and `option NAME code N = TYPE;`.

use super::Parser;
use super::number::atoi;
use crate::option::definition::{Definition, OptionId, SpaceId};
use crate::syntax::keyword::Keyword as K;
use crate::syntax::token::Kind;

/// Room ISC has for a format while it reads the types.
const FORMAT_ROOM: usize = 128;

/// A space has one option that carries it. ISC stops here with an internal error.
const ENCAPSULATED_TWICE: &str =
    "Internal inconsistency: storage value has not been initialized to zero (from parse.c:1849).";

/// The types read so far, as format letters.
#[derive(Default)]
struct Types {
    format: String,
    /// Bounds the array: 1 the whole, 2 one element inside a record, 0 none (any more).
    array: u8,
    record: bool,
    ends_record: bool,
    /// The space encapsulated; nothing may follow.
    carried: Option<SpaceId>,
}

impl Parser<'_, '_> {
    /// `space NAME [code width N] [length width N] [hash size N];`, with `space` still ahead.
    pub fn option_space_declaration(&mut self) {
        self.cursor.next();
        if !self.cursor.next().is_word() {
            self.cursor.warn("expecting identifier.");
            self.cursor.skip_to_semicolon();
            return;
        }
        let name = self.cursor.name();
        let (mut code_width, mut length_width, mut hash) = (1, 1, None);
        loop {
            match self.cursor.next() {
                Kind::Char(b';') => break,
                // ISC never comes back from here.
                Kind::Eof => return self.cursor.warn("unexpected end of file"),
                Kind::Keyword(K::Code) => {
                    let Some(width) = self.width("expecting number 1, 2, 4.") else { return };
                    if !matches!(width, 1 | 2 | 4) {
                        let text = format!("invalid code width ({width}), expecting a 1, 2 or 4.");
                        return self.cursor.warn(text);
                    }
                    code_width = width as u8;
                }
                Kind::Keyword(K::Length) => {
                    let Some(width) = self.width("expecting number 1 or 2.") else { return };
                    if !matches!(width, 1 | 2) {
                        return self
                            .cursor
                            .warn(format_args!("invalid length width ({width}) expecting 1 or 2."));
                    }
                    length_width = width as u8;
                }
                Kind::Keyword(K::Hash) => {
                    if self.cursor.next() != Kind::Keyword(K::Size) {
                        return self.cursor.warn("expecting size token.");
                    }
                    if self.cursor.next() != Kind::Number {
                        return self.cursor.warn("expecting a 10base number");
                    }
                    let size = atoi(self.cursor.word_octets());
                    let Ok(size) = u32::try_from(size) else {
                        return self.cursor.warn(format_args!("invalid hash length: {size}"));
                    };
                    hash = Some(size);
                }
                _ => self.cursor.warn("Unexpected token."),
            }
        }
        self.declarations.spaces_mut().define_space(&name, code_width, length_width, hash);
    }

    fn width(&mut self, otherwise: &str) -> Option<i32> {
        if self.cursor.next() != Kind::Keyword(K::Width) {
            self.cursor.warn("expecting width token.");
            return None;
        }
        if self.cursor.next() != Kind::Number {
            self.cursor.warn(otherwise);
            return None;
        }
        Some(atoi(self.cursor.word_octets()))
    }

    /// `N = TYPE;` behind `option NAME code`: enters the option. After an error, which has been reported and skipped, `false`.
    pub fn option_code_definition(&mut self, space: SpaceId, name: &str) -> bool {
        self.code_definition(space, name).is_some()
    }

    fn code_definition(&mut self, space: SpaceId, name: &str) -> Option<()> {
        if self.cursor.next() != Kind::Number {
            return self.skipped("expecting option code number.");
        }
        let code = atoi(self.cursor.word_octets()) as u32;
        if !self.cursor.next().is('=') {
            return self.skipped("expecting \"=\"");
        }
        let mut types = Types::default();
        let mut kind = self.cursor.next();
        if kind == Kind::Keyword(K::Array) {
            if self.cursor.next() != Kind::Keyword(K::Of) {
                return self.skipped("expecting \"of\".");
            }
            types.array = 1;
            kind = self.cursor.next();
        }
        if kind.is('{') {
            types.record = true;
            kind = self.cursor.next();
        }
        loop {
            let letter = self.data_type(&mut types, kind)?;
            if types.format.len() >= FORMAT_ROOM {
                return self.refused(&types, "too many types in record.");
            }
            types.format.push(letter);
            if !types.record || !self.another_type(&mut types, letter)? {
                break;
            }
            kind = self.cursor.next();
        }
        if !self.cursor.semicolon() {
            self.cursor.warn("semicolon expected.");
            self.cursor.skip_to_semicolon();
            if types.record {
                self.cursor.skip_to_semicolon();
            }
            return None;
        }
        if types.carried.is_some() && types.array > 0 {
            self.cursor.warn("Arrays of encapsulations don't make sense.");
            return None;
        }
        match types.array {
            0 => {}
            bound if bound > u8::from(types.record) => types.format.push('a'),
            _ => types.format.push('A'),
        }
        let carried =
            types.carried.is_some_and(|space| self.declarations.spaces().space(space).carrier.is_some());
        let definition = Definition::new(OptionId { space, code }, name, &types.format);
        self.declarations.spaces_mut().define(definition);
        if carried {
            self.cursor.die(ENCAPSULATED_TWICE);
            return None;
        }
        Some(())
    }

    /// After a type inside a record: whether a comma announces another.
    fn another_type(&mut self, types: &mut Types, letter: char) -> Option<bool> {
        let kind = self.cursor.next();
        if types.array > u8::from(types.record) {
            if types.format.len() >= FORMAT_ROOM {
                self.cursor.warn("too many types in record.");
                self.cursor.skip_to_right_brace(1);
                self.cursor.skip_to_semicolon();
                return None;
            }
            types.array = 0;
            types.format.push('a');
        }
        match kind {
            Kind::Char(b'}') => return Some(false),
            Kind::Char(b',') if !types.ends_record => return Some(true),
            Kind::Char(b',') => {
                let what = if letter == 't' { "text" } else { "string" };
                self.cursor.warn(format_args!("{what} must be at end of record."));
            }
            _ => self.cursor.warn("expecting right brace."),
        }
        self.cursor.skip_to_right_brace(1);
        self.cursor.skip_to_semicolon();
        None
    }

    /// The letter of the type that starts with the token `kind`, after those that stand ahead of it in `types.format`.
    fn data_type(&mut self, types: &mut Types, mut kind: Kind) -> Option<char> {
        loop {
            if types.carried.is_some() {
                return self.skipped("encapsulate must always be the last item.");
            }
            let Kind::Keyword(keyword) = kind else { return self.unknown_type(types) };
            return match keyword {
                K::Array => {
                    kind = self.inner_array(types)?;
                    continue;
                }
                K::Boolean => Some('f'),
                K::Integer => self.integer(types, true),
                K::Signed | K::Unsigned => {
                    if self.cursor.next() != Kind::Keyword(K::Integer) {
                        return self.refused(types, "expecting \"integer\" keyword.");
                    }
                    self.integer(types, keyword == K::Signed)
                }
                K::IpAddress => Some('I'),
                K::Ip6Address => Some('6'),
                K::DomainName => self.last_in_record(types, 'd'),
                K::DomainList => {
                    if self.cursor.peek() != Kind::Keyword(K::Compressed) {
                        return self.last_in_record(types, 'D');
                    }
                    self.cursor.next();
                    types.format.push('D');
                    self.last_in_record(types, 'c')
                }
                K::Text => self.last_in_record(types, 't'),
                K::String => self.last_in_record(types, 'X'),
                K::Encapsulate => self.encapsulation(types),
                K::Zerolen => {
                    if types.array > 0 {
                        return self.refused(types, "array incompatible with zerolen.");
                    }
                    types.ends_record = true;
                    Some('Z')
                }
                _ => self.unknown_type(types),
            };
        }
    }

    /// `array of` inside: the token of the type that follows.
    fn inner_array(&mut self, types: &mut Types) -> Option<Kind> {
        if types.array > 0 {
            return self.refused(types, "no nested arrays.");
        }
        if self.cursor.next() != Kind::Keyword(K::Of) {
            return self.skipped("expecting \"of\".");
        }
        types.array = u8::from(types.record) + 1;
        let kind = self.cursor.next();
        if types.record && kind.is('{') {
            self.cursor.warn("only uniform array inside record.");
            self.cursor.skip_to_right_brace(2);
            self.cursor.skip_to_semicolon();
            return None;
        }
        Some(kind)
    }

    fn integer(&mut self, types: &Types, signed: bool) -> Option<char> {
        if self.cursor.next() != Kind::Number {
            return self.refused(types, "expecting number.");
        }
        let letter = match atoi(self.cursor.word_octets()) {
            8 => 'B',
            16 => 'S',
            32 => 'L',
            _ => {
                let text = format!("{} bit precision is not supported.", self.cursor.word());
                return self.refused(types, &text);
            }
        };
        Some(if signed { letter.to_ascii_lowercase() } else { letter })
    }

    fn last_in_record(&mut self, types: &mut Types, letter: char) -> Option<char> {
        if types.array > 0 {
            return self.refused(types, "arrays of text strings not yet supported.");
        }
        types.ends_record = true;
        Some(letter)
    }

    fn encapsulation(&mut self, types: &mut Types) -> Option<char> {
        if !self.cursor.next().is_identifier() {
            return self.skipped("expecting option space identifier");
        }
        let space = self.cursor.name();
        let Some(carried) = self.declarations.spaces().space_by_name(&space) else {
            return self.skipped(format!("unknown option space {space}"));
        };
        if space.len() + types.format.len() + 2 > FORMAT_ROOM {
            return self.refused(types, "too many types in record.");
        }
        types.format.push('E');
        types.format.push_str(&space);
        types.carried = Some(carried);
        Some('.')
    }

    fn unknown_type(&mut self, types: &Types) -> Option<char> {
        let text = format!("unknown data type {}", self.cursor.word());
        self.refused(types, &text)
    }

    /// Says so and skips the record, if one is open, and the statement.
    fn refused<T>(&mut self, types: &Types, text: &str) -> Option<T> {
        self.cursor.warn(text);
        self.cursor.skip_to_right_brace(u32::from(types.record));
        if types.record {
            self.cursor.skip_to_semicolon();
        }
        None
    }
}
