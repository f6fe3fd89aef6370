//! More help than ISC gives, asked for by `--explain`: what a message means and where it began, the word that was probably
//! meant, where a thing was declared before; and warnings about what ISC accepts although it is surely a mistake.
//!
//! The three-line messages themselves stay ISC's; this is a second view of the same.

mod hint;
mod mistake;
mod nearest;
mod view;

use super::model::Config;
use crate::log::Line;
use crate::syntax::diagnostic::{Diagnostic, Report};
use crate::syntax::source::{Source, Span};
pub use view::{json, text};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// ISC refuses the configuration.
    Error,
    /// ISC accepts it without a word.
    Warning,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub file: String,
    /// From 1.
    pub line: usize,
    /// In octets, from 1; and how many octets.
    pub column: usize,
    pub length: usize,
    /// The whole line, without its end.
    pub text: String,
}

/// One thing to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub severity: Severity,
    /// A stable word for programs.
    pub code: &'static str,
    pub message: String,
    pub place: Option<Place>,
    pub hint: Option<String>,
    /// An earlier place that matters, and why.
    pub related: Option<(Place, String)>,
}

/// Hears the reader and passes everything on, keeping the diagnostics.
pub struct Listener<'a> {
    pub forward: &'a mut dyn FnMut(Line),
    pub diagnostics: Vec<Diagnostic>,
}

impl Report for Listener<'_> {
    fn line(&mut self, line: Line) {
        (self.forward)(line);
    }

    fn diagnostic(&mut self, diagnostic: Diagnostic) {
        diagnostic.lines().into_iter().for_each(|line| (self.forward)(line));
        self.diagnostics.push(diagnostic);
    }
}

/// Everything there is to tell: of a configuration that was refused, its messages; of one that was accepted, its probable
/// mistakes too. `sources` are the files in the order in which they were opened.
pub fn findings(diagnostics: &[Diagnostic], config: Option<&Config>, sources: &[Source]) -> Vec<Finding> {
    let mut found: Vec<Finding> =
        diagnostics.iter().map(|diagnostic| hint::explain(diagnostic, sources)).collect();
    if let Some(config) = config {
        found.extend(mistake::all(config, sources));
    }
    found
}

/// Where a span is. None when its file is not at hand.
fn place(span: Span, sources: &[Source]) -> Option<Place> {
    let source = sources.get(usize::from(span.source.0))?;
    let (start, end) = (span.start as usize, span.end as usize);
    let before = source.text.get(..start)?;
    let line_start = before.iter().rposition(|octet| *octet == b'\n').map_or(0, |at| at + 1);
    let line_end = source.text.get(start..)?.iter().position(|octet| *octet == b'\n');
    let line_end = line_end.map_or(source.text.len(), |length| start + length);
    let text = String::from_utf8_lossy(source.text.get(line_start..line_end)?).trim_end().to_string();
    Some(Place {
        file: source.name.to_string(),
        line: before.iter().filter(|octet| **octet == b'\n').count() + 1,
        column: start - line_start + 1,
        length: end.clamp(start + 1, line_end.max(start + 1)) - start,
        text,
    })
}

#[cfg(test)]
mod tests;
