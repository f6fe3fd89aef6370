//! Runs the grammar over a source, a batch at a time.
//!
//! One pest call reads some tens of kilobytes into a flat list of tokens, which bounds memory and keeps the stack flat whatever the
//! size of the file. A batch is cut off before its last token unless the source ends there, since that token might go on.

use pest::Parser;
use std::ops::Range;
use std::sync::Arc;

/// The derive brings a type `Rule` with it; kept apart because its variants carry no documentation.
#[allow(missing_docs)]
mod grammar {
    #[derive(pest_derive::Parser)]
    #[grammar = "../grammar/dhcpd.pest"]
    pub struct Grammar;
}
use grammar::{Grammar, Rule};

/// What the grammar calls a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    White,
    Comment,
    Str,
    /// Starts with a letter.
    Word,
    /// Starts with a digit or a minus sign.
    Digits,
    Mark,
}

/// A token of the grammar: octets `start..end` of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lexeme {
    pub shape: Shape,
    pub range: Range<usize>,
}

/// Most octets given to one pest call, unless a single token is longer; and the least, after a token that ended elsewhere than the
/// grammar says (a faulty string): what lies behind it is read anew.
const BATCH: usize = 32 * 1024;
const FIRST_BATCH: usize = 256;

/// In ISC an octet 255 cannot be told from the end of the file, wherever it stands.
pub const FALSE_END: u8 = 0xff;

/// The tokens of one source, in order, from any position on.
#[derive(Debug)]
pub struct Lexer {
    text: Arc<[u8]>,
    batch: Vec<Lexeme>,
    next: usize,
    size: usize,
    masked: String,
}

impl Lexer {
    pub fn new(text: Arc<[u8]>) -> Self {
        Lexer { text, batch: Vec::new(), next: 0, size: FIRST_BATCH, masked: String::new() }
    }

    /// Reads this from now on.
    pub fn go_on_in(&mut self, text: Arc<[u8]>) {
        self.text = text;
        self.batch.clear();
        self.next = 0;
    }

    /// The token that starts at octet `at`; none at the end or at a false end. Cheap when called with the end of the token before.
    pub fn token_at(&mut self, at: usize) -> Option<Lexeme> {
        if let Some(found) = self.batch.get(self.next).filter(|lexeme| lexeme.range.start == at) {
            self.next += 1;
            return Some(found.clone());
        }
        if let Ok(index) = self.batch.binary_search_by_key(&at, |lexeme| lexeme.range.start) {
            self.next = index + 1;
            return self.batch.get(index).cloned();
        }
        self.fill(at);
        self.next = 1;
        self.batch.first().cloned()
    }

    fn fill(&mut self, at: usize) {
        let in_step = self.batch.last().is_some_and(|last| last.range.end == at);
        self.size = if in_step { (self.size * 2).min(BATCH) } else { FIRST_BATCH };
        self.batch.clear();
        let text = self.text.clone();
        let rest = text.get(at..).unwrap_or_default();
        let mut size = self.size;
        loop {
            let chunk = rest.get(..size).unwrap_or(rest);
            let (chunk, whole) = match chunk.iter().position(|&octet| octet == FALSE_END) {
                Some(end) => (chunk.get(..end).unwrap_or_default(), true),
                None => (chunk, size >= rest.len()),
            };
            self.parse(chunk, at);
            if whole {
                return;
            }
            self.batch.pop();
            if !self.batch.is_empty() {
                return;
            }
            size *= 2;
        }
    }

    /// Appends the tokens of `chunk`, which stands at octet `base` of the source.
    fn parse(&mut self, chunk: &[u8], base: usize) {
        let mut masked = std::mem::take(&mut self.masked);
        let input = match std::str::from_utf8(chunk) {
            Ok(text) if text.is_ascii() => text,
            _ => {
                // pest wants UTF-8; octets above 127 all behave alike, so one that is ASCII stands for each.
                masked.clear();
                masked
                    .extend(chunk.iter().map(|&octet| if octet < 0x80 { char::from(octet) } else { '\x7f' }));
                &masked
            }
        };
        // `batch` accepts anything; a refusal means that pest ran out of stack, and shows as an early end.
        let Some(batch) = Grammar::parse(Rule::batch, input).ok().and_then(|mut pairs| pairs.next()) else {
            return;
        };
        let whole = base + batch.as_span().end();
        let mut end = base;
        for pair in batch.into_inner() {
            let shape = match pair.as_rule() {
                Rule::string => Shape::Str,
                Rule::comment => Shape::Comment,
                Rule::word => Shape::Word,
                Rule::digits => Shape::Digits,
                Rule::mark => Shape::Mark,
                Rule::batch | Rule::white => continue,
            };
            let span = pair.as_span();
            let range = base + span.start()..base + span.end();
            self.white(end..range.start);
            end = range.end;
            self.batch.push(Lexeme { shape, range });
        }
        self.white(end..whole);
        self.masked = masked;
    }

    fn white(&mut self, range: Range<usize>) {
        if !range.is_empty() {
            self.batch.push(Lexeme { shape: Shape::White, range });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shapes(text: &[u8]) -> Vec<(Shape, String)> {
        let mut lexer = Lexer::new(Arc::from(text));
        let (mut at, mut out) = (0, Vec::new());
        while let Some(Lexeme { shape, range }) = lexer.token_at(at) {
            at = range.end;
            out.push((shape, String::from_utf8_lossy(&text[range]).into_owned()));
        }
        out
    }

    #[test]
    fn every_shape() {
        let text = b"host a-1_b 12 -5 - 0x1f 0x1g 1a 1-2 \"a\\\"b\" # c\n;\x0b";
        let found: Vec<_> = shapes(text).into_iter().filter(|(shape, _)| *shape != Shape::White).collect();
        let wanted = [
            (Shape::Word, "host"),
            (Shape::Word, "a-1_b"),
            (Shape::Digits, "12"),
            (Shape::Digits, "-5"),
            (Shape::Digits, "-"),
            (Shape::Digits, "0x1f"),
            (Shape::Digits, "0x1g"),
            (Shape::Digits, "1a"),
            (Shape::Digits, "1-2"),
            (Shape::Str, "\"a\\\"b\""),
            (Shape::Comment, "# c\n"),
            (Shape::Mark, ";"),
        ];
        assert_eq!(found, wanted.map(|(shape, text)| (shape, text.to_owned())));
    }

    #[test]
    fn batches_join_without_a_seam() {
        let mut text = Vec::new();
        while text.len() < 4 * BATCH {
            text.extend_from_slice(b"option routers 10.0.0.1; # \xe9t\xe9\n");
        }
        let count = shapes(&text).len();
        let lines = text.iter().filter(|&&octet| octet == b'\n').count();
        assert_eq!(count, lines * 14);
        let long = [&b"a \""[..], &vec![b'x'; 3 * BATCH], b"\" b"].concat();
        assert_eq!(shapes(&long).len(), 5);
        let open = [&b"a \""[..], &vec![b'x'; 3 * BATCH], b"\\"].concat();
        assert_eq!(shapes(&open).len(), 3);
    }

    #[test]
    fn a_false_end_stops_the_run() {
        assert_eq!(shapes(b"ab\xffcd").len(), 1);
    }
}
