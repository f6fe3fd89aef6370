//! `NAME.pair`: a comment, files of either server, and a timetable.
//!
//! ```text
//! # What it is.
//! == primary dhcpd.conf          also: secondary, both
//! ...
//! == steps
//! 0.0 start primary
//! 6.2 client dora 02:00:00:00:00:01 [--host NAME] [--cid HEX] [--secs N] [--pick SERVER] [--timeout SECONDS]
//! 9.0 client renew MAC ADDRESS SERVER      also: rebind MAC ADDRESS, reboot MAC ADDRESS, discover MAC, release, decline
//! 9.0 client many COUNT [--base MAC] [--step SECS]
//! 20.0 omshell primary new failover-state | set name = "x" | open
//! 20.5 leases LABEL                        what both lease files hold now
//! 21.0 partition drop                      or reset; then: heal
//! 30.0 port primary down                   or up: clients reach it or not
//! 31.0 signal secondary KILL               TERM, STOP, CONT
//! 32.0 ends secondary                      waits until it has ended of itself, and notes how
//! 33.0 forget secondary                    removes its lease file
//! 33.0 append primary partner-down         a state record at the end of its lease file
//! ```
//!
//! Times are seconds from the start; a step that is late delays nothing but itself.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

pub type Result<T> = std::result::Result<T, String>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    Primary,
    Secondary,
}

pub const SIDES: [Side; 2] = [Side::Primary, Side::Secondary];

impl Side {
    pub fn name(self) -> &'static str {
        match self {
            Side::Primary => "primary",
            Side::Secondary => "secondary",
        }
    }

    pub fn parse(text: &str) -> Result<Side> {
        SIDES.into_iter().find(|side| side.name() == text).ok_or_else(|| format!("no such side: {text}"))
    }

    pub fn address(self) -> &'static str {
        match self {
            Side::Primary => "10.0.0.10",
            Side::Secondary => "10.0.0.12",
        }
    }

    pub fn hardware(self) -> [u8; 6] {
        match self {
            Side::Primary => [2, 0, 10, 0, 0, 10],
            Side::Secondary => [2, 0, 10, 0, 0, 12],
        }
    }

    pub fn of<T>(self, pair: &[T; 2]) -> &T {
        let [primary, secondary] = pair;
        match self {
            Side::Primary => primary,
            Side::Secondary => secondary,
        }
    }

    pub fn of_mut<T>(self, pair: &mut [T; 2]) -> &mut T {
        let [primary, secondary] = pair;
        match self {
            Side::Primary => primary,
            Side::Secondary => secondary,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Start(Side),
    Signal(Side, String),
    Ends(Side),
    Forget(Side),
    AppendPartnerDown(Side),
    Partition { resets: bool },
    Heal,
    Port(Side, bool),
    Omshell(Side, Vec<String>),
    Client(Vec<String>),
    Leases(String),
}

#[derive(Clone, Debug)]
pub struct Pair {
    pub name: String,
    pub about: String,
    /// Server, file name, content.
    pub files: Vec<(Side, String, String)>,
    pub steps: Vec<(Duration, Step)>,
}

pub fn folder() -> PathBuf {
    crate::here().join("failover")
}

/// All scenarios, by name.
pub fn all() -> Result<Vec<Pair>> {
    let mut names: Vec<_> = fs::read_dir(folder())
        .map_err(|error| format!("{}: {error}", folder().display()))?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".pair").map(String::from))
        .collect();
    names.sort();
    names.iter().map(|name| load(name)).collect()
}

/// By its name or the beginning of it.
pub fn find(name: &str) -> Result<Pair> {
    let all = all()?;
    let found = all.iter().find(|pair| pair.name == name);
    found
        .or_else(|| all.iter().find(|pair| pair.name.starts_with(name)))
        .cloned()
        .ok_or_else(|| format!("no scenario {name}"))
}

fn load(name: &str) -> Result<Pair> {
    let path = folder().join(format!("{name}.pair"));
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    parse(name, &text).map_err(|error| format!("{}: {error}", path.display()))
}

pub fn parse(name: &str, text: &str) -> Result<Pair> {
    let mut pair = Pair { name: name.into(), about: String::new(), files: Vec::new(), steps: Vec::new() };
    let mut sections: Vec<(&str, String)> = vec![("", String::new())];
    for line in text.lines() {
        match line.strip_prefix("== ") {
            Some(heading) => sections.push((heading.trim(), String::new())),
            None => {
                if let Some((_, body)) = sections.last_mut() {
                    *body += line;
                    body.push('\n');
                }
            }
        }
    }
    for (heading, body) in sections {
        match heading.split_once(' ') {
            None if heading.is_empty() => {
                let first = body.lines().next().unwrap_or_default();
                pair.about = first.trim_start_matches('#').trim().into();
            }
            None if heading == "steps" => pair.steps = steps(&body)?,
            Some(("both", file)) => {
                pair.files.extend(SIDES.map(|side| (side, file.to_string(), body.clone())));
            }
            Some((side, file)) => pair.files.push((Side::parse(side)?, file.into(), body)),
            None => return Err(format!("no such section: {heading}")),
        }
    }
    Ok(pair)
}

fn steps(text: &str) -> Result<Vec<(Duration, Step)>> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (time, rest) = line.split_once(' ').ok_or_else(|| format!("no step: {line}"))?;
            let seconds: f64 = time.parse().map_err(|_| format!("no time: {line}"))?;
            Ok((Duration::from_secs_f64(seconds), step(rest)?))
        })
        .collect()
}

fn step(text: &str) -> Result<Step> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let side = |at: usize| Side::parse(words.get(at).copied().unwrap_or_default());
    let word = |at: usize| words.get(at).copied().unwrap_or_default().to_string();
    Ok(match word(0).as_str() {
        "start" => Step::Start(side(1)?),
        "signal" => Step::Signal(side(1)?, word(2)),
        "ends" => Step::Ends(side(1)?),
        "forget" => Step::Forget(side(1)?),
        "append" => Step::AppendPartnerDown(side(1)?),
        "partition" => Step::Partition { resets: word(1) == "reset" },
        "heal" => Step::Heal,
        "port" => Step::Port(side(1)?, word(2) == "up"),
        "leases" => Step::Leases(word(1)),
        "client" => Step::Client(words.iter().skip(1).map(ToString::to_string).collect()),
        "omshell" => {
            let (_, commands) = text.split_once(side(1)?.name()).unwrap_or_default();
            Step::Omshell(side(1)?, commands.split('|').map(|part| part.trim().to_string()).collect())
        }
        _ => return Err(format!("no such step: {text}")),
    })
}
