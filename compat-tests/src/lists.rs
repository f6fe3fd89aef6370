//! `DIFFERENCES.md`: what our server does otherwise on purpose; `SKIPS`: what is not run, with the reason.
//!
//! An entry of DIFFERENCES.md is one behaviour:
//!
//! ```text
//! ## name-of-the-difference
//! ordered: DESIGN.md             (or an issue; absent: our own)
//! rule: 11.3
//! scenarios: lease-decline-foreign other-*
//!
//! - pattern of a line the real program says
//! + pattern of a line ours says
//!
//! The reason.
//! ```

use crate::transcript::Difference;
use regex::Regex;
use std::fs;

#[derive(Debug)]
pub struct Entry {
    pub name: String,
    pub ordered: Option<String>,
    pub rule: String,
    scenarios: Vec<Regex>,
    theirs: Vec<Regex>,
    ours: Vec<Regex>,
    pub reason: String,
}

impl Entry {
    pub fn concerns(&self, scenario: &str) -> bool {
        self.scenarios.iter().any(|pattern| pattern.is_match(scenario))
    }

    fn explains(&self, difference: &Difference) -> bool {
        let covered = |line: &Option<String>, patterns: &[Regex]| {
            line.as_ref().is_none_or(|line| patterns.iter().any(|pattern| pattern.is_match(line)))
        };
        covered(&difference.expected, &self.theirs) && covered(&difference.found, &self.ours)
    }
}

fn anchored(text: &str) -> Result<Regex, String> {
    Regex::new(&format!("^(?:{text})$")).map_err(|error| format!("{text}: {error}"))
}

fn glob(text: &str) -> Result<Regex, String> {
    anchored(&regex::escape(text).replace(r"\*", ".*"))
}

pub fn parse(text: &str) -> Result<Vec<Entry>, String> {
    let mut out: Vec<Entry> = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        fenced ^= line.starts_with("```");
        if fenced {
            continue;
        }
        if let Some(name) = line.strip_prefix("## ") {
            out.push(Entry {
                name: name.trim().into(),
                ordered: None,
                rule: String::new(),
                scenarios: Vec::new(),
                theirs: Vec::new(),
                ours: Vec::new(),
                reason: String::new(),
            });
            continue;
        }
        let Some(entry) = out.last_mut() else { continue };
        if let Some(value) = line.strip_prefix("ordered: ") {
            entry.ordered = Some(value.into());
        } else if let Some(value) = line.strip_prefix("rule: ") {
            entry.rule = value.into();
        } else if let Some(value) = line.strip_prefix("scenarios: ") {
            entry.scenarios = value.split_whitespace().map(glob).collect::<Result<_, _>>()?;
        } else if let Some(value) = line.strip_prefix("- ") {
            entry.theirs.push(anchored(value)?);
        } else if let Some(value) = line.strip_prefix("+ ") {
            entry.ours.push(anchored(value)?);
        } else if !line.trim().is_empty() {
            entry.reason.push_str(line.trim());
            entry.reason.push(' ');
        }
    }
    for entry in &out {
        if entry.scenarios.is_empty() || entry.reason.is_empty() || entry.rule.is_empty() {
            return Err(format!("{}: a rule, scenarios and a reason are needed", entry.name));
        }
    }
    Ok(out)
}

pub fn differences() -> Result<Vec<Entry>, String> {
    let path = crate::here().join("DIFFERENCES.md");
    parse(&fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?)
}

/// Splits what was found into unexplained differences and the names of the entries that explain the rest.
pub fn explain(scenario: &str, found: Vec<Difference>, entries: &[Entry]) -> (Vec<Difference>, Vec<String>) {
    let mut used = Vec::new();
    let left = found
        .into_iter()
        .filter(|difference| {
            let entry = entries.iter().find(|entry| entry.concerns(scenario) && entry.explains(difference));
            used.extend(entry.map(|entry| entry.name.clone()));
            entry.is_none()
        })
        .collect();
    used.dedup();
    (left, used)
}

/// `TEST-NAME-GLOB: reason`, one a line.
pub fn skips() -> Vec<(Regex, String)> {
    fs::read_to_string(crate::here().join("SKIPS"))
        .unwrap_or_default()
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(": "))
        .filter_map(|(name, reason)| Some((glob(name.trim()).ok()?, reason.trim().to_string())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_explains_its_lines_and_no_others() {
        let entries = parse(
            "# Title\n\n## banner\nordered: DESIGN.md\nrule: L0112\nscenarios: *\n\n- info: Internet .*\n+ info: ours .*\n\nWho we are.\n",
        )
        .unwrap();
        let line = |expected: &str, found: &str| Difference {
            section: "start".into(),
            expected: (!expected.is_empty()).then(|| expected.into()),
            found: (!found.is_empty()).then(|| found.into()),
        };
        let (left, used) = explain(
            "any",
            vec![line("info: Internet Systems", ""), line("", "info: ours 1"), line("", "info: odd")],
            &entries,
        );
        assert_eq!(left.len(), 1);
        assert_eq!(used, ["banner"]);
        assert!(parse("## x\nrule: y\n").is_err());
    }
}
