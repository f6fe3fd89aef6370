//! What a program did in a scenario, as lines of text under headings. A recording is a transcript on disk.

use std::fmt::Write;

/// Everything under one heading: a step, the start-up, the lease file at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    pub heading: String,
    pub lines: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    /// Which program, as it names itself.
    pub program: String,
    /// When the first step happened; not part of a recording.
    pub start: i64,
    pub sections: Vec<Section>,
}

/// A line that differs between two runs of the real program carries this mark: its text is not compared.
pub const VARIES: &str = "~ ";

impl Transcript {
    pub fn render(&self) -> String {
        let mut out = format!("program {}\n", self.program);
        for section in &self.sections {
            let _ = writeln!(out, "\n[{}]", section.heading);
            for line in &section.lines {
                let _ = writeln!(out, "{}", if line.is_empty() { "." } else { line });
            }
        }
        out
    }

    pub fn parse(text: &str) -> Self {
        let mut out = Transcript::default();
        for line in text.lines() {
            if let Some(heading) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                out.sections.push(Section { heading: heading.into(), lines: Vec::new() });
            } else if let Some(section) = out.sections.last_mut() {
                if !line.is_empty() {
                    section.lines.push(if line == "." { String::new() } else { line.into() });
                }
            } else if let Some(program) = line.strip_prefix("program ") {
                out.program = program.into();
            }
        }
        out
    }

    pub fn section(&mut self, heading: impl Into<String>) -> &mut Vec<String> {
        self.sections.push(Section { heading: heading.into(), lines: Vec::new() });
        &mut self.sections.last_mut().expect("just pushed").lines
    }
}

/// One line that is not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub section: String,
    pub expected: Option<String>,
    pub found: Option<String>,
}

/// Line by line, section by section; marked lines agree with anything.
pub fn compare(expected: &Transcript, found: &Transcript) -> Vec<Difference> {
    let mut out = Vec::new();
    for (at, section) in expected.sections.iter().enumerate() {
        match found.sections.get(at) {
            Some(other) if other.heading == section.heading => {
                compare_lines(&section.heading, &section.lines, &other.lines, &mut out);
            }
            other => out.push(Difference {
                section: section.heading.clone(),
                expected: Some("the section".into()),
                found: other.map(|section| section.heading.clone()),
            }),
        }
    }
    for section in found.sections.iter().skip(expected.sections.len()) {
        out.push(Difference {
            section: section.heading.clone(),
            expected: None,
            found: Some("a section".into()),
        });
    }
    out
}

fn same(expected: &str, found: &str) -> bool {
    expected.starts_with(VARIES) || expected == found
}

/// The longest common subsequence decides what is missing and what is too much.
fn compare_lines(section: &str, expected: &[String], found: &[String], out: &mut Vec<Difference>) {
    let (rows, columns) = (expected.len(), found.len());
    let mut common = vec![vec![0usize; columns + 1]; rows + 1];
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            common[row][column] = if same(&expected[row], &found[column]) {
                common[row + 1][column + 1] + 1
            } else {
                common[row + 1][column].max(common[row][column + 1])
            };
        }
    }
    let (mut row, mut column) = (0, 0);
    while row < rows || column < columns {
        if row < rows && column < columns && same(&expected[row], &found[column]) {
            row += 1;
            column += 1;
        } else if row < rows && (column == columns || common[row + 1][column] >= common[row][column + 1]) {
            out.push(Difference {
                section: section.into(),
                expected: Some(expected[row].clone()),
                found: None,
            });
            row += 1;
        } else {
            out.push(Difference {
                section: section.into(),
                expected: None,
                found: Some(found[column].clone()),
            });
            column += 1;
        }
    }
}

/// For a person: `-` is the real program, `+` the other.
pub fn show(differences: &[Difference]) -> String {
    let mut out = String::new();
    let mut section = "";
    for difference in differences {
        if difference.section != section {
            section = &difference.section;
            let _ = writeln!(out, "[{section}]");
        }
        if let Some(line) = &difference.expected {
            let _ = writeln!(out, "- {line}");
        }
        if let Some(line) = &difference.found {
            let _ = writeln!(out, "+ {line}");
        }
    }
    out
}

/// Marks the lines of `first` that a second run of the same program did not say. Fails when the shape differs.
pub fn mark_varying(first: &Transcript, second: &Transcript) -> Result<Transcript, Vec<Difference>> {
    let mut out = first.clone();
    if first.sections.len() != second.sections.len() {
        return Err(compare(first, second));
    }
    for (section, other) in out.sections.iter_mut().zip(&second.sections) {
        if section.lines.len() != other.lines.len() || section.heading != other.heading {
            return Err(compare(first, second));
        }
        for (line, again) in section.lines.iter_mut().zip(&other.lines) {
            if line != again && !line.starts_with(VARIES) {
                line.insert_str(0, VARIES);
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transcript(lines: &[&str]) -> Transcript {
        let mut out = Transcript { program: "p".into(), start: 0, sections: Vec::new() };
        *out.section("s") = lines.iter().map(ToString::to_string).collect();
        out
    }

    #[test]
    fn a_missing_and_a_new_line_are_found_and_varying_ones_forgiven() {
        let expected = transcript(&["a", "~ b1", "", "c"]);
        assert!(compare(&expected, &transcript(&["a", "b2", "", "c"])).is_empty());
        let differences = compare(&expected, &transcript(&["a", "b2", "", "d", "c"]));
        assert_eq!(show(&differences), "[s]\n+ d\n");
        assert_eq!(Transcript::parse(&expected.render()), expected);
    }
}
