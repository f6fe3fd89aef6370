//! What is wrong and where, in ISC's layout: message, source line as far as it has been read, caret.

use super::source::Span;
use crate::log::{Line, Priority, Reach, cut, text_of};
use std::sync::Arc;

/// ISC keeps the first 80 columns of a line.
pub const COLUMNS: usize = 80;
/// Room for the blanks before the caret.
const CARET_ROOM: usize = 255;
/// Longest message, in octets.
const LONGEST: usize = 4095;

/// One located message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// File name as given.
    pub source: Arc<str>,
    /// The token at fault; for a view better than ISC's.
    pub span: Span,
    /// ISC's line: that of the last token taken, 0 before the first.
    pub line: u32,
    /// ISC's column of that token: from 1, and one too many when white space stands before it; 0 before the first token.
    pub column: u32,
    pub text: String,
    /// The line as far as it has been read, at most 80 octets.
    pub echo: Vec<u8>,
}

impl Diagnostic {
    /// The three lines as ISC sends them.
    pub fn lines(&self) -> [Line; 3] {
        let mut head = format!("{} line {}: {}", self.source, self.line, self.text);
        if head.len() > LONGEST {
            head = cut(&head, LONGEST);
        }
        let head = Line { priority: Priority::Error, text: head, reach: Reach::Both };
        [head, Line::error(text_of(&self.echo)), self.caret()]
    }

    /// Beyond column 80 standard error gets a caret without blanks and syslog none.
    fn caret(&self) -> Line {
        if self.column as usize > COLUMNS {
            return Line { priority: Priority::Error, text: "^".to_owned(), reach: Reach::StandardErrorOnly };
        }
        let before = (self.column as usize).checked_sub(1).unwrap_or(usize::MAX);
        let mut blanks = 0;
        for &octet in self.echo.iter().take(before) {
            if blanks < CARET_ROOM {
                blanks += 1;
            }
            if octet == b'\t' {
                blanks = blanks.next_multiple_of(8).min(CARET_ROOM);
            }
        }
        Line::error(format!("{:blanks$}^", ""))
    }
}

/// Who hears what a reader has to say. Any `FnMut(Line)` does; implement it to keep the diagnostics themselves.
pub trait Report {
    fn line(&mut self, line: Line);

    fn diagnostic(&mut self, diagnostic: Diagnostic) {
        for line in diagnostic.lines() {
            self.line(line);
        }
    }
}

impl<F: FnMut(Line)> Report for F {
    fn line(&mut self, line: Line) {
        self(line);
    }
}
