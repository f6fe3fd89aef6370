//! Generated configurations through `dhcpd -t` of the real program and through our reader: verdict and every line.
//!
//! Each row of the ledger's statements, options and expressions is reached, its good and its bad example, in the place it
//! is meant for and in others, and with faults; after that come random combinations. Then the public configurations of the
//! corpus with faults of every kind. The seed is fixed (`COMPAT_SEED`). How many: `COMPAT_CONFIGURATIONS` in all (unset: the
//! rows and 300 more), `COMPAT_MUTATIONS` (100) of the corpus. `COMPAT_COUNTS` names a file for the counts of each row.
//! Without the real program nothing is compared, and that is said.

use compat_tests::generator::{Counts, Generator, Made, examples, rows};
use compat_tests::here;
use compat_tests::judge::{INCLUDED, REAL, budget, harmless, ours, program, shown};
use std::path::{Path, PathBuf};

/// Runs of both programs.
#[derive(Default)]
struct Tally {
    accepted: usize,
    rejected: usize,
    crashed: usize,
    different: Vec<String>,
}

impl Tally {
    /// What the real program made of it; none when it crashed.
    fn compare(&mut self, v6: bool, text: &[u8], folder: &Path) -> Option<bool> {
        for (name, text) in
            INCLUDED.map(|(name, text)| (name, text.as_bytes())).into_iter().chain([("t.conf", text)])
        {
            std::fs::write(folder.join(name), text).expect("the folder is writable");
        }
        let Some(real) = program(Path::new(REAL), v6, false, folder) else {
            self.crashed += 1;
            // Ours neither crashes nor runs for ever.
            ours(v6, text);
            return None;
        };
        if real.accepted {
            self.accepted += 1;
        } else {
            self.rejected += 1;
        }
        let ours = ours(v6, text);
        if ours != real {
            self.different.push(shown(v6, text, &real, &ours));
        }
        Some(real.accepted)
    }

    fn end(self) {
        println!(
            "accepted {}, rejected {}, the real program crashed {} times; different {}",
            self.accepted,
            self.rejected,
            self.crashed,
            self.different.len()
        );
        for difference in self.different.iter().take(20) {
            println!("{difference}");
        }
        assert!(self.different.is_empty(), "{} differences", self.different.len());
    }
}

fn installed() -> bool {
    let there = Path::new(REAL).exists();
    if !there {
        println!("{REAL} is not installed: nothing compared");
    }
    there
}

#[test]
fn generated_configurations() {
    if !installed() {
        return;
    }
    let examples = examples();
    let mut generator = Generator::new(&examples);
    let of_rows = generator.of_every_row(&examples);
    let total = budget("COMPAT_CONFIGURATIONS", of_rows.len() + 300);
    let more = total.saturating_sub(of_rows.len());
    let folder = tempfile::tempdir().expect("a folder for configurations");
    let (mut tally, mut counts) = (Tally::default(), Counts::new(&examples));
    let generated = (0..more).map(|_| generator.configuration());
    for made in of_rows.into_iter().chain(generated).filter(Made::is_harmless) {
        if let Some(accepted) = tally.compare(made.v6, &made.text, folder.path()) {
            counts.add(&made.rows, accepted);
        }
    }
    if let Ok(path) = std::env::var("COMPAT_COUNTS") {
        std::fs::write(path, counts.table()).expect("COMPAT_COUNTS can be written");
    }
    let least = |which: usize| counts.0.values().map(|count| count[which]).min().unwrap_or(0);
    let never = |which: usize| -> Vec<&String> {
        counts.0.iter().filter(|(_, count)| count[which] == 0).map(|(row, _)| row).collect()
    };
    println!("{} rows; accepted at least {} times, rejected at least {}", counts.0.len(), least(0), least(1));
    println!("never accepted: {:?}\nnever rejected: {:?}", never(0), never(1));
    let unreached = counts.0.iter().filter(|(row, count)| **count == [0, 0] && !acts(row)).count();
    assert_eq!(unreached, 0, "rows that were not reached");
    tally.end();
}

/// Rows whose examples would do something outside the program.
fn acts(row: &str) -> bool {
    !harmless(row.as_bytes())
}

fn corpus() -> Option<Vec<(bool, Vec<u8>)>> {
    let folder: PathBuf = here().join("../../shared/corpus");
    let Ok(manifest) = std::fs::read_to_string(folder.join("MANIFEST.tsv")) else {
        println!("no corpus at {}: nothing compared", folder.display());
        return None;
    };
    let files = manifest.lines().filter(|line| line.starts_with("conf/")).filter_map(|line| {
        let mut columns = line.split('\t');
        let (file, family) = (columns.next()?, columns.next()?);
        Some((family == "6", std::fs::read(folder.join(file)).ok()?))
    });
    Some(files.collect())
}

/// Longer texts are cut: faults in a small one say more.
const PIECE: usize = 4000;

#[test]
fn faults_in_public_configurations() {
    let (true, Some(corpus)) = (installed(), corpus()) else { return };
    let mut generator = Generator::new(&examples());
    let folder = tempfile::tempdir().expect("a folder for configurations");
    let mut tally = Tally::default();
    let mut left = budget("COMPAT_MUTATIONS", 100);
    while left > 0 {
        let (v6, text) = generator.random.pick(&corpus).clone();
        let v6 = v6 != generator.random.one_in(10);
        let lines: Vec<&[u8]> = text.split_inclusive(|octet| *octet == b'\n').collect();
        let from = if text.len() > PIECE { generator.random.below(lines.len()) } else { 0 };
        let piece: Vec<u8> = lines[from..].concat().into_iter().take(PIECE).collect();
        let text = generator.faulty(&piece);
        if harmless(&text) {
            tally.compare(v6, &text, folder.path());
            left -= 1;
        }
    }
    tally.end();
}

/// So that a row added to the ledger is reached too.
#[test]
fn every_row_has_an_example() {
    let reached = Counts::new(&examples()).0;
    let statements = rows("statements.tsv").into_iter().map(|row| format!("statement {}", row["keyword"]));
    let expressions = rows("expressions.tsv").into_iter().map(|row| format!("expression {}", row["syntax"]));
    let without: Vec<String> =
        statements.chain(expressions).filter(|row| !reached.contains_key(row)).collect();
    assert!(without.is_empty(), "{without:?}");
}
