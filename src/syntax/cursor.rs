//! Tokens one after another, with lookahead, positions and messages exactly as ISC's parser sees them.
//!
//! ISC counts lines and columns while it reads octets, ahead of the parser, and its messages show that: the echo of a line ends where
//! reading stopped, the column counts the octet that ended the token before, and looking ahead across a line end brings back
//! the line before. The bookkeeping here follows those rules; the tokens themselves come from [`Lexer`].

mod pieces;

pub use pieces::Pieces;

use super::diagnostic::{COLUMNS, Diagnostic, Report};
use super::lexer::{FALSE_END, Lexeme, Lexer, Shape};
use super::source::{Source, Span};
use super::text::{Complaint, ROOM, Text};
use super::token::Kind;
use crate::log::text_of;
use std::borrow::Cow;
use std::sync::Arc;

/// Where a token starts, in ISC's count, and the octets it covers.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    line: u32,
    column: u32,
    start: usize,
    end: usize,
}

/// Everything that `restore` brings back.
#[derive(Clone)]
struct State {
    /// Next octet to read.
    at: usize,
    /// The octet at `at` has been looked at already: it counts as read.
    seen: bool,
    /// Line being read, from 1, where it starts, and where the one before it starts.
    line: u32,
    line_start: usize,
    previous_start: usize,
    /// False ends on the current line; they take no column.
    false_ends: u32,
    /// The line a message would echo: the current one, or the one before, by parity, since ISC has two buffers.
    echo_parity: u32,
    /// The last token taken.
    last: Mark,
    /// The token looked ahead at; swapped with `last` when it is taken.
    ahead: Mark,
    peeked: Option<Kind>,
    warned: bool,
    text: Text,
}

impl State {
    fn new() -> Self {
        State {
            at: 0,
            seen: false,
            line: 1,
            line_start: 0,
            previous_start: 0,
            false_ends: 0,
            echo_parity: 1,
            last: Mark::default(),
            ahead: Mark::default(),
            peeked: None,
            warned: false,
            text: Text::new(),
        }
    }
}

/// A place to come back to.
#[derive(Clone)]
pub struct Saved(Box<State>);

/// A source put aside while one that it includes is read.
pub struct Enclosing<'r> {
    source: Source,
    lexer: Lexer,
    state: State,
    more: Option<&'r mut Pieces<'r>>,
}

/// Reads one source. `'r` is the life of whoever hears the messages.
pub struct Cursor<'r> {
    source: Source,
    lexer: Lexer,
    state: State,
    report: &'r mut (dyn Report + 'r),
    fatal: Option<String>,
    dead: bool,
    /// The end of a line is a token.
    by_line: bool,
    /// Where the rest of the source comes from.
    more: Option<&'r mut Pieces<'r>>,
}

impl<'r> Cursor<'r> {
    pub fn new(source: Source, report: &'r mut (dyn Report + 'r)) -> Self {
        let lexer = Lexer::new(source.text.clone());
        let state = State::new();
        Cursor { source, lexer, state, report, fatal: None, dead: false, by_line: false, more: None }
    }

    /// For text that is read line by line: the end of a line is the token `Kind::Char(b'\n')`.
    pub fn by_line(source: Source, report: &'r mut (dyn Report + 'r)) -> Self {
        Cursor { by_line: true, ..Cursor::new(source, report) }
    }

    /// Goes on in another source; [`Cursor::leave`] comes back. Files nest this way, not by recursion.
    pub fn enter(&mut self, source: Source) -> Enclosing<'r> {
        let lexer = Lexer::new(source.text.clone());
        Enclosing {
            source: std::mem::replace(&mut self.source, source),
            lexer: std::mem::replace(&mut self.lexer, lexer),
            state: std::mem::replace(&mut self.state, State::new()),
            more: self.more.take(),
        }
    }

    /// Back behind the `include` statement. Whether there were messages is counted for each source apart.
    pub fn leave(&mut self, enclosing: Enclosing<'r>) {
        self.source = enclosing.source;
        self.lexer = enclosing.lexer;
        self.state = enclosing.state;
        self.more = enclosing.more;
    }

    /// The next token, white space aside. Not an iterator: the end is a token, and may be followed by more.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Kind {
        let mut kind = self.next_raw();
        while kind == Kind::Whitespace {
            kind = self.read();
            self.state.echo_parity = self.state.line & 1;
        }
        kind
    }

    /// The next token; white space is one too.
    pub fn next_raw(&mut self) -> Kind {
        let Some(kind) = self.state.peeked.take() else {
            let kind = self.read();
            self.state.echo_parity = self.state.line & 1;
            return kind;
        };
        if self.state.last.line != self.state.ahead.line {
            self.state.echo_parity = self.state.line & 1;
        }
        self.state.last = self.state.ahead;
        kind
    }

    /// The token that `next` will return.
    pub fn peek(&mut self) -> Kind {
        self.look_ahead(false)
    }

    /// The token that `next_raw` will return. White space that `peek` has passed over is gone.
    pub fn peek_raw(&mut self) -> Kind {
        self.look_ahead(true)
    }

    fn look_ahead(&mut self, raw: bool) -> Kind {
        match self.state.peeked {
            Some(kind) if raw || kind != Kind::Whitespace => return kind,
            _ => {}
        }
        // The reader sets `last` to the token's place; ISC's exchange of the two marks is kept, since white space and the end of
        // the file set none.
        self.state.ahead = self.state.last;
        let mut kind = self.read();
        while !raw && kind == Kind::Whitespace {
            kind = self.read();
        }
        if self.state.last.line != self.state.ahead.line {
            self.state.echo_parity = (self.state.line & 1) ^ 1;
        }
        std::mem::swap(&mut self.state.last, &mut self.state.ahead);
        // A zero octet is ISC's "no token": it is lost when looked at.
        self.state.peeked = (kind != Kind::Char(0)).then_some(kind);
        kind
    }

    /// Takes the next token if it is this character.
    pub fn take(&mut self, character: char) -> bool {
        let found = self.peek().is(character);
        if found {
            self.next();
        }
        found
    }

    /// Octets of the token last read, also by looking ahead: words as written, strings without quotes and with escapes resolved.
    pub fn octets(&self) -> &[u8] {
        self.state.text.octets()
    }

    /// The same as ISC's messages and name look-ups see it: up to the first zero octet, and at the end of the file the text of the
    /// token before.
    pub fn word(&self) -> Cow<'_, str> {
        text_of(self.state.text.until_zero())
    }

    /// [`Cursor::word`] as octets.
    pub fn word_octets(&self) -> &[u8] {
        self.state.text.until_zero()
    }

    /// [`Cursor::word`] as a name to keep.
    pub fn name(&self) -> Arc<str> {
        Arc::from(&*self.word())
    }

    /// Place of the token last taken.
    pub fn span(&self) -> Span {
        self.span_of(&self.state.last)
    }

    /// From the start of `first` to the end of the token last taken.
    pub fn span_from(&self, first: Span) -> Span {
        Span { end: self.span().end.max(first.end), ..first }
    }

    /// Place of the token that `peek` has shown.
    pub fn span_ahead(&mut self) -> Span {
        self.peek();
        self.span_of(&self.state.ahead)
    }

    fn span_of(&self, mark: &Mark) -> Span {
        let clip = |octet: usize| u32::try_from(octet).unwrap_or(u32::MAX);
        Span { source: self.source.id, line: mark.line, start: clip(mark.start), end: clip(mark.end) }
    }

    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Who hears the messages; also for the cursor of an included file and for lines without a place.
    pub fn report(&mut self) -> &mut (dyn Report + 'r) {
        self.report
    }

    /// Whether a message has been given, as ISC's `warnings_occurred`.
    pub fn warned(&self) -> bool {
        self.state.warned
    }

    /// Forgets (`false`) or notes (`true`) that there were messages, as where a lease file is read on after a bad entry.
    pub fn set_warned(&mut self, warned: bool) {
        self.state.warned = warned;
    }

    pub fn save(&self) -> Saved {
        Saved(Box::new(self.state.clone()))
    }

    /// Back to where `save` was called; messages given since are forgotten too, but not unsaid.
    pub fn restore(&mut self, saved: Saved) {
        self.state = *saved.0;
    }

    /// Gives up: from now on the source is at its end and no message is given. `text` is the line to say before leaving, for
    /// what is fatal at once in ISC.
    pub fn die(&mut self, text: impl Into<String>) {
        self.fatal.get_or_insert(text.into());
        self.abandon();
    }

    /// Gives up without a line of its own: a message has been given.
    pub fn abandon(&mut self) {
        self.dead = true;
        self.state.peeked = None;
        self.state.warned = true;
    }

    /// The line of [`Cursor::die`], once.
    pub fn fatal(&self) -> Option<&str> {
        self.fatal.as_deref()
    }

    /// Whether the source was given up.
    pub fn is_dead(&self) -> bool {
        self.dead
    }

    /// A message about the token last taken.
    pub fn warn(&mut self, text: impl std::fmt::Display) {
        self.state.warned = true;
        if self.dead {
            return;
        }
        let diagnostic = Diagnostic {
            source: self.source.name.clone(),
            span: self.span(),
            line: self.state.last.line,
            column: self.state.last.column,
            text: text.to_string(),
            echo: self.echo(),
        };
        self.report.diagnostic(diagnostic);
    }

    /// The line a message shows, as far as it has been read.
    fn echo(&self) -> Vec<u8> {
        let state = &self.state;
        let text = &self.source.text;
        let line = if state.line & 1 == state.echo_parity {
            text.get(state.line_start..self.read_to())
        } else if state.line > 1 {
            text.get(state.previous_start..state.line_start.saturating_sub(1))
        } else {
            None
        };
        let shown = line.unwrap_or_default().iter().copied().filter(|&octet| octet != FALSE_END);
        shown.take(COLUMNS).take_while(|&octet| octet != 0).collect()
    }

    fn read_to(&self) -> usize {
        self.state.at + usize::from(self.state.seen)
    }

    /// Counts the octets up to `at` as read, and the one there too when it was `seen`.
    fn advance(&mut self, at: usize, seen: bool) {
        let from = self.read_to();
        self.state.at = at;
        self.state.seen = seen;
        let to = self.read_to();
        for (index, &octet) in self.source.text.get(from..to).unwrap_or_default().iter().enumerate() {
            match octet {
                b'\n' => {
                    self.state.previous_start = self.state.line_start;
                    self.state.line_start = from + index + 1;
                    self.state.line = self.state.line.wrapping_add(1);
                    self.state.false_ends = 0;
                }
                FALSE_END => self.state.false_ends += 1,
                _ => {}
            }
        }
    }

    /// Past a token that ends at `end` because of what follows it: that octet is looked at, and a false end is taken.
    fn advance_past(&mut self, end: usize) {
        match self.source.text.get(end) {
            None => self.advance(end, false),
            Some(&FALSE_END) => self.advance(end + 1, false),
            Some(_) => self.advance(end, true),
        }
    }

    fn is_end(&self, at: usize) -> bool {
        matches!(self.source.text.get(at), None | Some(&FALSE_END))
    }

    /// Reads one token, comments aside, and notes its place in `last`.
    fn read(&mut self) -> Kind {
        loop {
            if self.dead {
                self.state.text.set_empty();
                return Kind::Eof;
            }
            let (line, column) = (self.state.line, self.column());
            let found = self.lexer.token_at(self.state.at);
            let end = found.as_ref().map_or(self.state.at, |lexeme| lexeme.range.end);
            // What touches the end of a piece may go on in the next.
            if end + 1 >= self.source.text.len() && self.grow() {
                continue;
            }
            let Some(Lexeme { mut shape, mut range }) = found else {
                let end = self.state.at;
                if !self.is_end(end) {
                    self.die("Exiting");
                    continue;
                }
                let skip = usize::from(end < self.source.text.len());
                self.advance(end + skip, false);
                self.state.text.set_empty();
                return Kind::Eof;
            };
            if shape == Shape::White && self.by_line {
                (shape, range) = self.cut_at_line_end(range);
            }
            if !matches!(shape, Shape::White | Shape::Comment) {
                self.state.last = Mark { line, column, start: range.start, end: range.end };
            }
            return match shape {
                Shape::Comment => {
                    self.pass_comment(range.end);
                    continue;
                }
                Shape::White => self.read_white(range),
                Shape::Str => self.read_string(range),
                Shape::Mark => {
                    let octet = self.source.text.get(range.start).copied().unwrap_or_default();
                    self.advance(range.end, false);
                    self.state.text.set_single(octet);
                    Kind::Char(octet)
                }
                Shape::Word | Shape::Digits => self.read_word(shape, range),
            };
        }
    }

    /// White space up to the end of the line, or that end.
    fn cut_at_line_end(&self, range: std::ops::Range<usize>) -> (Shape, std::ops::Range<usize>) {
        let white = self.source.text.get(range.clone()).unwrap_or_default();
        match white.iter().position(|&octet| octet == b'\n') {
            None => (Shape::White, range),
            Some(0) => (Shape::Mark, range.start..range.start + 1),
            Some(length) => (Shape::White, range.start..range.start + length),
        }
    }

    /// Column of the next octet to be read, from 1.
    fn column(&self) -> u32 {
        let octets = self.read_to().saturating_sub(self.state.line_start);
        u32::try_from(octets).unwrap_or(u32::MAX).saturating_sub(self.state.false_ends).saturating_add(1)
    }

    fn pass_comment(&mut self, end: usize) {
        let ended = end.checked_sub(1).and_then(|last| self.source.text.get(last)) == Some(&b'\n');
        if ended {
            self.advance(end, false);
        } else {
            let skip = usize::from(end < self.source.text.len());
            self.advance(end + skip, false);
        }
    }

    fn read_white(&mut self, range: std::ops::Range<usize>) -> Kind {
        let text = self.source.text.clone();
        let white = text.get(range.clone()).unwrap_or_default();
        if let Some(cut) = white.get(..ROOM) {
            self.advance(range.start + cut.len(), false);
            self.warn("whitespace too long, buffer overflow.");
            self.die("Exiting");
            return Kind::Eof;
        }
        self.advance_past(range.end);
        if self.is_end(range.end) {
            self.state.text.overwrite(white);
            return Kind::Eof;
        }
        self.state.text.set(white);
        Kind::Whitespace
    }

    fn read_word(&mut self, shape: Shape, range: std::ops::Range<usize>) -> Kind {
        let text = self.source.text.clone();
        let mut word = text.get(range.clone()).unwrap_or_default();
        if self.state.text.set(word) {
            self.advance_past(range.end);
        } else {
            // What is cut off has no say in what the rest is.
            word = word.get(..ROOM).unwrap_or(word);
            self.advance(range.start + ROOM, false);
            self.state.last.end = range.start + ROOM;
            self.warn(match shape {
                Shape::Word => "token larger than internal buffer",
                _ => "numeric token larger than internal buffer",
            });
        }
        match shape {
            Shape::Digits => Kind::of_digits(word),
            _ => Kind::of_word(word),
        }
    }

    fn read_string(&mut self, range: std::ops::Range<usize>) -> Kind {
        // Faulty escapes may go on behind the grammar's token, and a long string ends ahead of it.
        let start = range.start + 1;
        let (source, complaints, read) = loop {
            let source = self.source.text.clone();
            let rest = source.get(start..).unwrap_or_default();
            let mut text = std::mem::replace(&mut self.state.text, Text::new());
            let mut complaints = Vec::new();
            let read = text.read_string(rest, |complaint, read| complaints.push((complaint, read)));
            self.state.text = text;
            if start + read + 1 < source.len() || !self.grow() {
                break (source, complaints, read);
            }
        };
        for (complaint, read) in complaints {
            let consumed = usize::from(complaint == Complaint::EndOfFile && start + read < source.len());
            self.advance(start + read + consumed, false);
            self.warn(complaint_text(complaint));
        }
        if self.state.at < start + read {
            self.advance(start + read, false);
        }
        self.state.last.end = self.state.at;
        Kind::Str
    }
}

fn complaint_text(complaint: Complaint) -> String {
    let shown = |octet: u8| i32::from(octet as i8);
    match complaint {
        Complaint::EndOfFile => "eof in string constant".to_owned(),
        Complaint::HexDigit(octet) => format!("invalid hex digit: {:x}", shown(octet)),
        Complaint::OctalDigit(octet) => format!("invalid octal digit {:x}", shown(octet)),
        Complaint::TooLong => "string constant larger than internal buffer".to_owned(),
    }
}

/// Reading partly by other means: canonical lease records have a reader of their own.
impl Cursor<'_> {
    /// Where the next octet is read, when nothing has been looked at beyond it.
    pub fn position(&self) -> Option<usize> {
        (self.state.peeked.is_none() && !self.state.seen).then_some(self.state.at)
    }

    /// Goes on at octet `at`, reached over `lines` line ends, as if everything before had been read.
    pub fn jump(&mut self, at: usize, lines: u32) {
        if at <= self.state.at {
            return;
        }
        let start_of_line = |end: usize| {
            let before = self.source.text.get(..end).unwrap_or_default();
            before.iter().rposition(|&octet| octet == b'\n').map_or(0, |end| end + 1)
        };
        let line_start = start_of_line(at);
        self.state.previous_start = start_of_line(line_start.saturating_sub(1));
        self.state.line_start = line_start;
        self.state.at = at;
        // The reader of the line end before has looked at what follows it.
        self.state.seen = self.source.text.get(at).is_some_and(|octet| !matches!(*octet, b'\n' | FALSE_END));
        self.state.line = self.state.line.wrapping_add(lines);
        self.state.false_ends = 0;
        self.state.echo_parity = self.state.line & 1;
    }
}

/// Recovery.
impl Cursor<'_> {
    /// To the end of the statement: past the next `;`, or past the brace that closes the next one opened.
    pub fn skip_to_semicolon(&mut self) {
        self.skip_to_right_brace(0);
    }

    /// Past this many closing braces; with none open a `;` ends it as well.
    pub fn skip_to_right_brace(&mut self, mut open: u32) {
        loop {
            match self.peek() {
                Kind::Char(b'}') => {
                    open = open.saturating_sub(1);
                    if open == 0 {
                        self.next();
                        return;
                    }
                }
                Kind::Char(b'{') => open += 1,
                Kind::Char(b';') if open == 0 => {
                    self.next();
                    return;
                }
                _ => {}
            }
            if self.next() == Kind::Eof {
                return;
            }
        }
    }

    /// Takes the `;` that ends a statement, or says that it is missing and skips to the next.
    pub fn semicolon(&mut self) -> bool {
        if self.next() == Kind::Char(b';') {
            return true;
        }
        self.warn("semicolon expected.");
        self.skip_to_semicolon();
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Line, Reach};
    use crate::syntax::keyword::Keyword;
    use crate::syntax::source::SourceId;

    /// Takes `count` tokens, warns, and gives back the lines as standard error shows them.
    fn warn_after(text: &[u8], count: usize, peek: bool) -> Vec<String> {
        let mut lines: Vec<Line> = Vec::new();
        let mut report = |line: Line| lines.push(line);
        let mut cursor = Cursor::new(Source::new("F", text, SourceId(0)), &mut report);
        for _ in 0..count {
            cursor.next();
        }
        if peek {
            cursor.peek();
        }
        cursor.warn("T");
        lines.into_iter().map(|line| line.text).collect()
    }

    /// Layouts of the corpus' ERRORS.md, which records the real program.
    #[test]
    fn layouts_of_the_real_program() {
        // `;` missing after each of these.
        assert_eq!(warn_after(b"simple", 2, false), ["F line 1: T", "simple", "^"]);
        assert_eq!(warn_after(b"simple\n", 2, false), ["F line 1: T", "", "^"]);
        assert_eq!(warn_after(b"\n\tfoo\n\nbar;", 2, false), ["F line 4: T", "bar;", " ^"]);
        assert_eq!(warn_after(b"foo bar\nbaz;", 2, true), ["F line 1: T", "foo bar", "     ^"]);
        // The very first token, looked ahead at.
        assert_eq!(warn_after(b"\n  ;", 0, true), ["F line 0: T", "", "^"]);
        assert_eq!(
            warn_after(b"next-server <", 2, false),
            ["F line 1: T", "next-server <", "             ^"]
        );
        assert_eq!(warn_after(b"\tx <y", 2, false), ["F line 1: T", "\tx <", "           ^"]);
    }

    #[test]
    fn beyond_column_80_the_caret_stands_alone_and_only_on_standard_error() {
        let mut lines: Vec<Line> = Vec::new();
        let mut report = |line: Line| lines.push(line);
        let text = [&[b' '; 90][..], b"word;"].concat();
        let mut cursor = Cursor::new(Source::new("F", text, SourceId(0)), &mut report);
        cursor.next();
        cursor.warn("T");
        assert_eq!(lines[1].text.len(), 80);
        assert_eq!((lines[2].text.as_str(), lines[2].reach), ("^", Reach::StandardErrorOnly));
    }

    #[test]
    fn kinds() {
        let mut report = |_: Line| {};
        let text = b"option Option foo -5 - x1 z1g \"a\\x41\" {";
        let mut cursor = Cursor::new(Source::new("F", &text[..], SourceId(0)), &mut report);
        let mut kinds = Vec::new();
        loop {
            match cursor.next() {
                Kind::Eof => break,
                kind => kinds.push((kind, cursor.word().into_owned())),
            }
        }
        let option = Kind::Keyword(Keyword::Option);
        let wanted = [
            (option, "option"),
            (option, "Option"),
            (Kind::Name, "foo"),
            (Kind::Number, "-5"),
            (Kind::Number, "-"),
            (Kind::NumberOrName, "x1"),
            (Kind::Name, "z1g"),
            (Kind::Str, "aA"),
            (Kind::Char(b'{'), "{"),
        ];
        assert_eq!(kinds, wanted.map(|(kind, text)| (kind, text.to_owned())));
    }

    #[test]
    fn line_by_line_its_end_is_a_token() {
        let mut report = |_: Line| {};
        let mut cursor = Cursor::by_line(Source::new("F", &b" a \nb"[..], SourceId(0)), &mut report);
        assert_eq!((cursor.next(), &*cursor.word()), (Kind::NumberOrName, "a"));
        assert_eq!((cursor.next(), cursor.octets()), (Kind::Char(b'\n'), &b"\n"[..]));
        assert_eq!((cursor.next(), &*cursor.word()), (Kind::NumberOrName, "b"));
        assert_eq!(cursor.next(), Kind::Eof);
    }

    #[test]
    fn save_and_restore() {
        let mut report = |_: Line| {};
        let mut cursor = Cursor::new(Source::new("F", &b"10.0 x"[..], SourceId(0)), &mut report);
        assert_eq!(cursor.peek(), Kind::Number);
        let saved = cursor.save();
        cursor.next();
        cursor.next();
        cursor.restore(saved);
        assert_eq!((cursor.next(), &*cursor.word()), (Kind::Number, "10"));
        assert_eq!(cursor.next(), Kind::Char(b'.'));
    }

    #[test]
    fn recovery_stops_where_the_statement_ends() {
        let mut report = |_: Line| {};
        let text = b"a b { c; d { } } e f; g";
        let mut cursor = Cursor::new(Source::new("F", &text[..], SourceId(0)), &mut report);
        cursor.skip_to_semicolon();
        cursor.next();
        assert_eq!(cursor.word(), "e");
        cursor.skip_to_semicolon();
        cursor.next();
        assert_eq!(cursor.word(), "g");
        cursor.skip_to_semicolon();
        assert_eq!(cursor.next(), Kind::Eof);
    }
}
