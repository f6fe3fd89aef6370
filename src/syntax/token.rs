//! Token kinds, as ISC's lexer distinguishes them.

use super::keyword::Keyword;

/// What the parser decides on. Keywords are recognised without regard to case, everywhere; the parser decides whether a
/// keyword may stand for a plain name ([`Kind::is_identifier`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Eof,
    /// Only `next_raw` and `peek_raw` show it.
    Whitespace,
    /// A single character that starts nothing else: `{ } ( ) ; , . = :` and so on, and any stray octet.
    Char(u8),
    /// A word that is no keyword.
    Name,
    /// Digits only, with an optional minus sign ahead; also a lone minus sign.
    Number,
    /// Hexadecimal digits, also behind `0x`; or a word whose second and further letters are hexadecimal digits.
    NumberOrName,
    /// A quoted string, escapes resolved.
    Str,
    Keyword(Keyword),
}

impl Kind {
    /// Of a word that starts with a letter. The first letter need not be a hexadecimal digit for the word to count as a number.
    pub(super) fn of_word(word: &[u8]) -> Kind {
        match Keyword::find(word) {
            Some(keyword) => Kind::Keyword(keyword),
            None if word.iter().skip(1).all(u8::is_ascii_hexdigit) => Kind::NumberOrName,
            None => Kind::Name,
        }
    }

    /// Of a word that starts with a digit or a minus sign.
    pub(super) fn of_digits(word: &[u8]) -> Kind {
        let tail = word.get(1..).unwrap_or_default();
        if tail.iter().all(u8::is_ascii_digit) {
            return Kind::Number;
        }
        let hexadecimal = match word {
            [b'0', b'x' | b'X', rest @ ..] => !rest.is_empty() && rest.iter().all(u8::is_ascii_hexdigit),
            _ => tail.iter().all(u8::is_ascii_hexdigit),
        };
        if hexadecimal { Kind::NumberOrName } else { Kind::Name }
    }

    /// May stand where a name is wanted: any word, keywords and hexadecimal ones included, but not a plain number. An octet above
    /// 127 counts as well, as it does in ISC wherever it keeps the token in an `enum` (see [`Kind::is_word`]).
    pub fn is_identifier(self) -> bool {
        match self {
            Kind::Eof | Kind::Number | Kind::Str => false,
            Kind::Char(octet) => octet >= 0x80,
            Kind::Name | Kind::NumberOrName | Kind::Keyword(_) | Kind::Whitespace => true,
        }
    }

    /// [`Kind::is_identifier`] without the stray octets, as where ISC keeps the token in an `int`.
    pub fn is_word(self) -> bool {
        self.is_identifier() && !matches!(self, Kind::Char(_))
    }

    /// `Name` or `NumberOrName`: what a variable may be called.
    pub fn is_variable(self) -> bool {
        matches!(self, Kind::Name | Kind::NumberOrName)
    }

    pub fn is(self, character: char) -> bool {
        self == Kind::Char(character as u8) && character.is_ascii()
    }

    /// ISC's number of the token, for the message that shows it.
    pub fn number(self) -> i32 {
        match self {
            Kind::Char(octet) => i32::from(octet as i8),
            Kind::Str => 262,
            Kind::Number => 263,
            Kind::NumberOrName => 264,
            Kind::Name => 265,
            Kind::Eof => 607,
            Kind::Whitespace => 652,
            Kind::Keyword(keyword) => keyword as i32,
        }
    }
}
