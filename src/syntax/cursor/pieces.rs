//! A source that comes in pieces, so that a file of a gigabyte needs no gigabyte of memory.
//!
//! While a record is being read the text only grows, and no token ends with it; between records what has been read is dropped.

use super::Cursor;
use crate::syntax::diagnostic::Report;
use crate::syntax::source::Source;
use std::sync::Arc;

/// Gives the next piece, which is not empty; none: there was no more.
pub type Pieces<'r> = dyn FnMut() -> Option<Vec<u8>> + 'r;

impl<'r> Cursor<'r> {
    /// A cursor over a source of which only the beginning is there.
    pub fn in_pieces(
        source: Source,
        more: &'r mut Pieces<'r>,
        report: &'r mut (dyn Report + 'r),
    ) -> Cursor<'r> {
        Cursor { more: Some(more), ..Cursor::new(source, report) }
    }

    /// Between two records: when fewer than `margin` octets are left of what is there, drops what has been read and brings
    /// more. False: there is enough, or no more. Positions of before mean nothing after it.
    pub fn refill(&mut self, margin: usize) -> bool {
        let left = self.source.text.len().saturating_sub(self.state.at);
        if left >= margin || self.more.is_none() || self.state.peeked.is_some() {
            return false;
        }
        // A message may show the line before.
        let state = &mut self.state;
        let read = state.previous_start.min(state.line_start).min(state.at);
        for place in [&mut state.at, &mut state.line_start, &mut state.previous_start] {
            *place -= read;
        }
        for mark in [&mut state.last, &mut state.ahead] {
            mark.start = mark.start.saturating_sub(read);
            mark.end = mark.end.saturating_sub(read);
        }
        self.bring(read)
    }

    /// More of the text behind what is there. False: there is no more.
    pub(super) fn grow(&mut self) -> bool {
        self.bring(0)
    }

    /// At least doubles the text, without its first octets, so that a long token is not read over and over.
    fn bring(&mut self, without: usize) -> bool {
        let Some(more) = &mut self.more else { return false };
        let mut text = self.source.text.get(without..).unwrap_or_default().to_vec();
        let had = text.len();
        while text.len() < 2 * had || text.len() == had {
            let Some(piece) = more() else {
                self.more = None;
                break;
            };
            text.extend_from_slice(&piece);
        }
        let grown = text.len() > had;
        self.source.text = Arc::from(text);
        self.lexer.go_on_in(self.source.text.clone());
        grown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Line;
    use crate::syntax::source::SourceId;
    use crate::syntax::token::Kind;

    /// Tokens and messages, refilled now and then.
    fn tokens(text: &[u8], piece: usize) -> (Vec<(Kind, Vec<u8>)>, Vec<String>) {
        let mut lines = Vec::new();
        let mut report = |line: Line| lines.push(line.text);
        let mut rest = text.chunks(piece);
        let mut more = || rest.next().map(<[u8]>::to_vec);
        let source = Source::new("F", Vec::new(), SourceId(0));
        let mut cursor = Cursor::in_pieces(source, &mut more, &mut report);
        let mut tokens = Vec::new();
        loop {
            let kind = cursor.next();
            tokens.push((kind, cursor.octets().to_vec()));
            match kind {
                Kind::Eof => break,
                Kind::Char(b';') => {
                    cursor.warn("T");
                    cursor.refill(64);
                }
                _ => {}
            }
        }
        (tokens, lines)
    }

    #[test]
    fn pieces_of_any_size_read_alike() {
        let mut text = Vec::new();
        for n in 0..200 {
            text.extend_from_slice(
                format!("word{n} {n} \"a\\x4 b\" {{ # {n}\n\n  10.0.0.{n};\t\"\\1\"\n").as_bytes(),
            );
        }
        text.extend_from_slice(b"last \"never closed\n");
        let whole = tokens(&text, text.len());
        for piece in [1, 2, 3, 7, 64, 1000] {
            assert_eq!(tokens(&text, piece), whole, "pieces of {piece}");
        }
    }
}
