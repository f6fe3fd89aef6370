//! Token kinds, as ISC's lexer distinguishes them.

/// What the parser decides on. Keywords are recognised without regard to case, everywhere; the parser decides whether a
/// keyword may stand for a plain name (`Kind::is_identifier`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Eof,
    /// A single character that starts nothing else: `{ } ( ) ; , . = :` and so on, and any stray octet.
    Char(u8),
    /// A word that is no keyword.
    Name,
    /// Digits only.
    Number,
    /// A word made of hex digits only that starts with a digit or looks like one ISC cannot tell apart.
    NumberOrName,
    /// A quoted string, escapes resolved.
    Str,
    // Keywords are added here by the lexer's table: `Keyword(Keyword)`.
}
