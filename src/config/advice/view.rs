//! Findings for people, and for programs.

use super::{Finding, Place, Severity};
use std::fmt::Write as _;

impl Severity {
    fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// For a terminal: the line, the exact span under it, the hint.
pub fn text(findings: &[Finding]) -> String {
    let mut out = String::new();
    for finding in findings {
        let severity = finding.severity.name();
        match &finding.place {
            Some(place) => {
                let _ = writeln!(
                    out,
                    "{}:{}:{}: {severity}: {} [{}]",
                    place.file, place.line, place.column, finding.message, finding.code
                );
                show(&mut out, place);
            }
            None => {
                let _ = writeln!(out, "{severity}: {} [{}]", finding.message, finding.code);
            }
        }
        if let Some((place, why)) = &finding.related {
            let _ = writeln!(out, "  {}:{}:{}: {why}", place.file, place.line, place.column);
            show(&mut out, place);
        }
        if let Some(hint) = &finding.hint {
            let _ = writeln!(out, "  hint: {hint}");
        }
    }
    out
}

fn show(out: &mut String, place: &Place) {
    let text: String = place.text.chars().map(|c| if c == '\t' { ' ' } else { c }).collect();
    let number = place.line.to_string();
    let margin = " ".repeat(number.len());
    let blanks = " ".repeat(place.column.saturating_sub(1));
    let marks = "^".repeat(place.length.clamp(1, text.len().saturating_sub(place.column - 1).max(1)));
    let _ = writeln!(out, "  {number} | {text}\n  {margin} | {blanks}{marks}");
}

/// A JSON string (RFC 8259 section 7).
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if u32::from(c) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn place_value(place: &Place) -> String {
    let Place { file, line, column, length, .. } = place;
    format!("{{\"file\": {}, \"line\": {line}, \"column\": {column}, \"length\": {length}}}", quoted(file))
}

/// One array, an object a finding: `severity`, `code`, `message`, and `place`, `hint`, `related` (null where there is none).
pub fn json(findings: &[Finding]) -> String {
    let null = || "null".to_string();
    let object = |finding: &Finding| {
        let related = finding.related.as_ref().map_or_else(null, |(place, why)| {
            format!("{{\"place\": {}, \"message\": {}}}", place_value(place), quoted(why))
        });
        format!(
            "  {{\"severity\": {}, \"code\": {}, \"message\": {}, \"place\": {}, \"hint\": {}, \"related\": {related}}}",
            quoted(finding.severity.name()),
            quoted(finding.code),
            quoted(&finding.message),
            finding.place.as_ref().map_or_else(null, place_value),
            finding.hint.as_deref().map_or_else(null, quoted),
        )
    };
    let objects: Vec<String> = findings.iter().map(object).collect();
    match objects.is_empty() {
        true => "[]\n".to_string(),
        false => format!("[\n{}\n]\n", objects.join(",\n")),
    }
}
