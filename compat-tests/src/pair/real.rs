//! `NAME.real`: what two real servers did, aspect by aspect. Two runs of theirs differ too (races of two programs, a random
//! part in the balancing schedule): every block that a real pair has shown is kept, and a run agrees with one of them.

use super::aspect::Aspects;
use super::place::Said;
use super::scenario::{Pair, Result, SIDES, folder};
use crate::transcript::Difference;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Every aspect with the blocks it was seen with.
#[derive(Debug, Default)]
pub struct Real {
    name: String,
    pub blocks: BTreeMap<String, Vec<Vec<String>>>,
}

impl Real {
    pub fn load(name: &str) -> Real {
        let text = fs::read_to_string(folder().join(format!("{name}.real"))).unwrap_or_default();
        let mut real = Real { name: name.into(), blocks: BTreeMap::new() };
        let mut at: Option<(String, Vec<String>)> = None;
        for line in text.lines().chain(["== "]) {
            if let Some(heading) = line.strip_prefix("== ") {
                if let Some((name, block)) = at.take() {
                    real.blocks.entry(name).or_default().push(block);
                }
                at = Some((heading.into(), Vec::new()));
            } else if let Some((_, block)) = &mut at {
                block.push(line.into());
            }
        }
        real
    }

    /// Adds what a real pair has shown; true when there was something new.
    pub fn add(&mut self, seen: &Aspects) -> bool {
        let mut news = false;
        for (name, block) in seen {
            let known = self.blocks.entry(name.clone()).or_default();
            if !known.contains(block) {
                known.push(block.clone());
                news = true;
            }
        }
        news
    }

    pub fn save(&self, name: &str) -> Result<()> {
        let mut text = String::from(
            "# What two ISC dhcpd 4.4.3-P1 did; written by runs of them only. A heading for every block seen.\n",
        );
        for (name, blocks) in &self.blocks {
            for block in blocks {
                text += &format!("== {name}\n");
                for line in block {
                    text += line;
                    text.push('\n');
                }
            }
        }
        fs::write(folder().join(format!("{name}.real")), text).map_err(|error| error.to_string())
    }

    /// What differs from every known block, line by line against the nearest.
    pub fn compare(&self, seen: &Aspects) -> Vec<Difference> {
        let mut out = Vec::new();
        let (empty, never) = (Vec::new(), vec![Vec::new()]);
        let names: BTreeSet<&String> = self.blocks.keys().chain(seen.keys()).collect();
        for name in names {
            let block = to_the_last_signal(name, seen.get(name).unwrap_or(&empty));
            let known = self.blocks.get(name).unwrap_or(&never);
            let known: Vec<_> = known.iter().map(|block| to_the_last_signal(name, block)).collect();
            let (block, known) = (&block, &known);
            if known.contains(block) {
                continue;
            }
            if super::aspect::is_chancy(&self.name, name) {
                out.extend(shapes(name, known, block));
                continue;
            }
            let nearest = known.iter().min_by_key(|other| distance(other, block));
            lines(name, nearest.unwrap_or(&empty), block, &mut out);
        }
        out
    }
}

/// The last of a run kills one server and then the other: whether that one notices is a matter of milliseconds.
fn to_the_last_signal(name: &str, block: &[String]) -> Vec<String> {
    let mut block = block.to_vec();
    let is_loss = |line: &String| line.ends_with(": disconnected");
    if name.ends_with(" moves") && block.iter().rev().nth(1).is_some_and(is_loss) {
        block.truncate(block.len() - 2);
    } else if name.ends_with(" moves") && block.last().is_some_and(is_loss) {
        block.pop();
    }
    block
}

fn difference(section: &str, expected: Option<&String>, found: Option<&String>) -> Difference {
    Difference { section: section.into(), expected: expected.cloned(), found: found.cloned() }
}

/// One difference a line, `-` what only a real pair has.
pub fn show(found: &[Difference]) -> String {
    let mut out = String::new();
    let mut section = "";
    for difference in found {
        if difference.section != section {
            section = &difference.section;
            out += &format!("--- {section}\n");
        }
        for (mark, line) in [('-', &difference.expected), ('+', &difference.found)] {
            if let Some(line) = line {
                out += &format!("  {mark} {line}\n");
            }
        }
    }
    out
}

/// Kinds of lines that no real pair has shown, or every one and this one not.
fn shapes(name: &str, known: &[Vec<String>], block: &[String]) -> Vec<Difference> {
    let of = |block: &[String]| block.iter().map(|line| super::aspect::shape(line)).collect::<BTreeSet<_>>();
    let (known, block): (Vec<_>, _) = (known.iter().map(|block| of(block)).collect(), of(block));
    let new = block.iter().filter(|shape| !known.iter().any(|known| known.contains(*shape)));
    let all =
        known.first().into_iter().flatten().filter(|shape| known.iter().all(|known| known.contains(*shape)));
    let gone = all.filter(|shape| !block.contains(*shape));
    gone.map(|shape| difference(name, Some(shape), None))
        .chain(new.map(|shape| difference(name, None, Some(shape))))
        .collect()
}

/// Lines only one of them has.
fn lines(name: &str, real: &[String], seen: &[String], out: &mut Vec<Difference>) {
    let table = common(real, seen);
    let (mut a, mut b) = (0, 0);
    while a < real.len() || b < seen.len() {
        if a < real.len() && b < seen.len() && real[a] == seen[b] {
            (a, b) = (a + 1, b + 1);
        } else if b >= seen.len() || (a < real.len() && table[a + 1][b] >= table[a][b + 1]) {
            out.push(difference(name, real.get(a), None));
            a += 1;
        } else {
            out.push(difference(name, None, seen.get(b)));
            b += 1;
        }
    }
}

fn distance(a: &[String], b: &[String]) -> usize {
    a.len() + b.len() - 2 * common(a, b)[0][0]
}

/// Lengths of the longest common subsequences of all tails.
fn common(a: &[String], b: &[String]) -> Vec<Vec<usize>> {
    let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            table[i][j] =
                if a[i] == b[j] { table[i + 1][j + 1] + 1 } else { table[i + 1][j].max(table[i][j + 1]) };
        }
    }
    table
}

/// A recording as `../shared/reference/failover` has it: `primary.log`, `secondary.log`, `*.leases.LABEL`.
pub fn recording(pair: &Pair, folder: &Path) -> Result<Aspects> {
    let mut out = Aspects::new();
    for side in SIDES {
        let text = fs::read_to_string(folder.join(format!("{}.log", side.name()))).unwrap_or_default();
        let said: Vec<Said> = text.lines().filter_map(line).collect();
        super::aspect::of_log(&pair.name, side, &said, &mut out);
        for (_, step) in &pair.steps {
            let super::scenario::Step::Leases(label) = step else { continue };
            let path = folder.join(format!("{}.leases.{label}", side.name()));
            let text = fs::read_to_string(&path).unwrap_or_default();
            super::aspect::of_leases(side, label, &text, &mut out);
        }
    }
    Ok(out)
}

fn line(text: &str) -> Option<Said> {
    let mut words = text.splitn(3, ' ');
    let (_, priority, rest) = (words.next()?, words.next()?, words.next()?);
    let priority = ["err", "debug"].into_iter().find(|known| *known == priority).unwrap_or("info");
    let text = rest.trim_start().split_once("dhcpd[PID]: ")?.1.trim_end().to_string();
    Some(Said { at: Duration::ZERO, priority, text })
}
