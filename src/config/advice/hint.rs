//! What ISC's messages mean, and what was probably meant.

use super::nearest::nearest;
use super::{Finding, Place, Severity, place};
use crate::option::Spaces;
use crate::syntax::diagnostic::Diagnostic;
use crate::syntax::keyword::Keyword;
use crate::syntax::source::{Source, Span};

/// A message by how its text begins or ends, a word for programs, and what it means.
const MEANINGS: &[(&str, &str, &str)] = &[
    (
        "semicolon expected.",
        "semicolon",
        "a statement ends with `;`. The word shown is where the reader noticed; the semicolon is missing before it",
    ),
    ("expecting a parameter or declaration", "statement", "nothing that may stand here begins like this"),
    (
        "expecting a declaration",
        "statement",
        "only declarations may stand here; is there a `;` too many after a `}`?",
    ),
    ("unexpected end of file", "end-of-file", "a `{` or a string is not closed"),
    ("bad parse.", "include", "the errors of the included file are above"),
    ("is declared twice!", "declared-twice", "an address can lie in one range only"),
    ("already exists", "already-exists", "the name is taken"),
    ("expecting numeric value.", "number", "a number belongs here"),
    (
        "expecting IP address or hostname",
        "address",
        "an address such as 192.0.2.1, or a host name, belongs here",
    ),
    ("empty shared-network decl", "empty-network", "a shared network needs at least one subnet"),
    ("Pool declaration with no address range.", "empty-pool", "a pool needs at least one `range`"),
    ("not allowed here.", "misplaced", "this belongs into another block"),
    ("may not be scoped.", "misplaced", "this belongs to the top level of the file"),
    ("no class named", "no-class", "the class must be declared before it is named"),
    ("no such class", "no-class", "the class must be declared before it is named"),
    ("unknown key", "no-key", "the key must be declared before it is named"),
    ("no option space named", "no-space", "declare it first: option space NAME;"),
    ("unknown option", "no-option", "declare it first: option NAME code N = TYPE;"),
    ("no option named", "no-option", "declare it first: option NAME code N = TYPE;"),
];

pub(super) fn explain(diagnostic: &Diagnostic, sources: &[Source]) -> Finding {
    let text = diagnostic.text.trim_end();
    let meaning = MEANINGS.iter().find(|(part, ..)| text.starts_with(part) || text.ends_with(part));
    let (code, mut hint) =
        meaning.map_or(("syntax", None), |(_, code, hint)| (*code, Some((*hint).to_string())));
    if let Some(word) = meant(diagnostic, code, sources) {
        hint = Some(format!("did you mean `{word}`?"));
    }
    Finding {
        severity: Severity::Error,
        code,
        message: text.to_string(),
        place: place(diagnostic.span, sources),
        hint,
        related: earlier(diagnostic, code, sources),
    }
}

/// The known word nearest to the one at fault.
fn meant(diagnostic: &Diagnostic, code: &str, sources: &[Source]) -> Option<String> {
    match code {
        "no-option" => {
            let name = diagnostic.text.split_whitespace().nth(if diagnostic.text.starts_with("no ") {
                3
            } else {
                2
            })?;
            let (space, name) = name.trim_end_matches('.').split_once('.').unwrap_or(("dhcp", name));
            let spaces = Spaces::predefined();
            let space = spaces.space(spaces.space_by_name(space)?);
            let names: Vec<_> = space.definitions().map(|definition| definition.name.clone()).collect();
            nearest(name, names.iter().map(|name| &**name)).map(str::to_string)
        }
        "semicolon" | "statement" => {
            let word = first_word(diagnostic.span, sources)?;
            let is_known = Keyword::find(word.as_bytes()).is_some();
            let near = nearest(&word, Keyword::all().map(|(word, _)| word)).map(str::to_string);
            near.filter(|_| !is_known)
        }
        _ => None,
    }
}

/// The word that begins the statement a span lies in.
fn first_word(span: Span, sources: &[Source]) -> Option<String> {
    let source = sources.get(usize::from(span.source.0))?;
    let before = source.text.get(..span.start as usize)?;
    let start = before.iter().rposition(|octet| b";{}\n".contains(octet)).map_or(0, |at| at + 1);
    let text = String::from_utf8_lossy(source.text.get(start..span.end as usize)?).into_owned();
    text.split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_'))
        .find(|word| !word.is_empty())
        .map(str::to_string)
}

/// Where the name that is taken was declared before.
fn earlier(diagnostic: &Diagnostic, code: &str, sources: &[Source]) -> Option<(Place, String)> {
    let mut words = diagnostic.text.split_whitespace();
    let needle = match code {
        "already-exists" => format!("{} {}", words.next()?, words.next()?.trim_end_matches(':')),
        "declared-twice" => words.nth(1)?.to_string(),
        _ => return None,
    };
    let found = sources.iter().take(usize::from(diagnostic.span.source.0) + 1).find_map(|source| {
        let text = source.text.as_ref();
        let limit =
            if source.id == diagnostic.span.source { diagnostic.span.start as usize } else { text.len() };
        let at = text.get(..limit)?.windows(needle.len()).position(|window| window == needle.as_bytes())?;
        Some(Span { source: source.id, line: 0, start: at as u32, end: (at + needle.len()) as u32 })
    });
    Some((place(found?, sources)?, "declared here before".to_string()))
}
