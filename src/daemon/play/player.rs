//! From the frames of a recording to a core that has the same inputs.

use super::frames::Frames;
use super::lease_copy::Leases;
use crate::clock::{Now, Wall};
use crate::config::startup::{self, CommandLine};
use crate::config::{self, Config, Family, Input};
use crate::daemon::record::Recorder;
use crate::daemon::recorded::Recorded;
use crate::daemon::turn::Core;
use crate::daemon::{Fatal, leases, message, start};
use crate::eval::context::HostTable;
use crate::log::Line;
use crate::octets::{Damaged, Octets};
use crate::server::effect::Effects;
use crate::server::event::Event;
use crate::server::recording::{self, FileRole, Start, kind};
use std::collections::VecDeque;
use std::io::Read;
use std::path::Path;

/// Differences that are shown; the replay ends with the last of them.
const SHOWN: u64 = 10;

/// What a replay came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Events, and what the core was told at start.
    pub inputs: u64,
    pub effects: u64,
    /// Inputs after which other things happened than in the recording.
    pub differences: u64,
    /// Octets up to where the recording is torn, if it is.
    pub torn: Option<u64>,
    /// The recording was ended in order.
    pub in_order: bool,
}

/// Replays a recording. `say` hears every line that the recorded server said, and the differences.
pub fn replay<R: Read>(
    frames: &mut Frames<R>,
    mut again: Option<Recorder>,
    say: &mut dyn FnMut(Line),
    leases: &mut dyn Leases,
) -> Result<Outcome, Fatal> {
    let mut outcome = Outcome::default();
    let Some(beginning) = Beginning::read(frames, again.as_mut()) else {
        return Err(Fatal::Text(message::recording_without_start()));
    };
    let Some(core) = beginning.core(again, say, leases)? else {
        // Of a check, or of a start that failed.
        outcome.in_order = frames.peek() == Some(kind::END);
        outcome.torn = frames.torn();
        return Ok(outcome);
    };
    let mut player = Player { core, say, leases, outcome: &mut outcome, effects: Effects::default() };
    while let Some((kind, body)) = frames.next() {
        if kind == kind::END {
            player.outcome.in_order = true;
            break;
        }
        let Ok(name) = player.input(kind, &body) else {
            outcome.torn = Some(frames.position());
            return Ok(outcome);
        };
        let mut recorded = Vec::new();
        while frames.peek() == Some(kind::EFFECTS) {
            recorded.extend(frames.next().map(|(_, body)| body).unwrap_or_default());
        }
        // The effects before a tear may not all be there.
        let is_whole = frames.peek().is_some();
        player.compare(&name, &recorded, is_whole);
        if player.outcome.differences >= SHOWN {
            break;
        }
    }
    outcome.torn = frames.torn();
    Ok(outcome)
}

/// Everything before the first input of the core.
#[derive(Default)]
struct Beginning {
    start: Option<Start>,
    files: VecDeque<(FileRole, String, Vec<u8>)>,
    names: Option<(Wall, HostTable)>,
}

impl Beginning {
    /// None when there is not even a configuration.
    fn read<R: Read>(frames: &mut Frames<R>, mut again: Option<&mut Recorder>) -> Option<Beginning> {
        let mut beginning = Beginning::default();
        while let Some(kind::START | kind::FILE | kind::CHUNK | kind::NAMES) = frames.peek() {
            let (kind, body) = frames.next()?;
            beginning.frame(kind, &body).ok()?;
            if let Some(again) = &mut again {
                let current = beginning.start.as_ref().filter(|_| kind == kind::START);
                again.frame(kind, |out| match current {
                    Some(start) => start.put(out),
                    None => out.extend_from_slice(&body),
                });
            }
        }
        beginning.start.is_some().then_some(beginning)
    }

    fn frame(&mut self, kind: u8, body: &[u8]) -> Result<(), Damaged> {
        let mut octets = Octets::new(body);
        match kind {
            kind::START => {
                let version = env!("CARGO_PKG_VERSION").to_owned();
                self.start = Some(Start { version, ..Start::read(&mut octets)? });
            }
            kind::FILE => {
                let (role, name) = FileRole::read(&mut octets)?;
                self.files.push_back((role, name.to_owned(), Vec::new()));
            }
            kind::CHUNK => {
                let (.., text) = self.files.back_mut().ok_or(Damaged("a file"))?;
                text.extend_from_slice(octets.rest());
            }
            _ => {
                let (begun, addresses) = recording::names_at(&mut octets)?;
                self.names = Some((begun, HostTable { addresses, ..HostTable::default() }));
            }
        }
        octets.end()
    }

    /// The core as it was before its first input; none when the recording ends before the lease file was read.
    fn core(
        mut self,
        again: Option<Recorder>,
        say: &mut dyn FnMut(Line),
        leases: &mut dyn Leases,
    ) -> Result<Option<Recorded>, Fatal> {
        let early = || Fatal::Text(message::recording_without_start());
        let start = self.start.take().ok_or_else(early)?;
        let mut config = self.configuration(&start, say)?;
        let Some((begun, mut hosts)) = self.names.take() else { return Ok(None) };
        hosts.own_name.clone_from(&start.own_name);
        let command_line = CommandLine {
            config_file: &start.configuration,
            lease_file: &start.leases,
            pid_file: &start.pid,
            quiet: start.quiet,
        };
        let mut hear = |event| {
            if let startup::Event::Say(line) = event {
                say(line);
            }
        };
        let values = config.start_up(&command_line, &hosts, begun, &mut hear).map_err(|_| Fatal::Said)?;
        let Some((FileRole::Leases, name, text)) = self.files.pop_front() else { return Ok(None) };
        leases.begin(&text);
        let read = leases::read(Path::new(&name), leases::Text::whole(text), &mut config, begun, true)?;
        let offsets = start.local_offsets.clone();
        let offset = Box::new(move |when| offset_at(&offsets, when));
        let server = start::build(config, hosts, read, (start.port, start.broadcast), &values, offset);
        Ok(Some(Recorded::new(server, again)))
    }

    fn configuration(&mut self, start: &Start, say: &mut dyn FnMut(Line)) -> Result<Config, Fatal> {
        let Some((FileRole::Configuration, name, text)) = self.files.pop_front() else {
            return Err(Fatal::Text(message::recording_without_start()));
        };
        let input = Input { name: &name, text, family: Family::V4, interfaces: &start.interfaces };
        let files = &mut self.files;
        let mut next = |path: &str| match files.front() {
            Some((_, name, _)) if name == path => files.pop_front(),
            _ => None,
        };
        let mut include = |path: &str| match next(path) {
            Some((FileRole::Include, _, text)) => Ok(text),
            Some((FileRole::NoInclude, _, number)) => {
                let number = number.first_chunk().map_or(0, |number| i32::from_be_bytes(*number));
                Err(std::io::Error::from_raw_os_error(number))
            }
            _ => Err(std::io::ErrorKind::NotFound.into()),
        };
        config::parse(input, &mut include, &mut |line| say(line)).map_err(|_| Fatal::Said)
    }
}

/// Seconds east of UTC, from the table of a recording.
fn offset_at(offsets: &[(Wall, i32)], when: Wall) -> i32 {
    let after = offsets.partition_point(|(from, _)| *from <= when).max(1);
    offsets.get(after - 1).map_or(0, |(_, offset)| *offset)
}

struct Player<'a> {
    core: Recorded,
    say: &'a mut dyn FnMut(Line),
    leases: &'a mut dyn Leases,
    outcome: &'a mut Outcome,
    /// Of the last input.
    effects: Effects,
}

impl Player<'_> {
    /// Gives one input to the core and carries out what may be carried out; the input in words.
    fn input(&mut self, kind: u8, body: &[u8]) -> Result<String, Damaged> {
        let mut octets = Octets::new(body);
        let (core, effects) = (&mut self.core, &mut self.effects);
        effects.clear();
        let name = match kind {
            kind::OPEN => {
                let now = recording::now(&mut octets)?;
                core.open(now, effects);
                named("start", now)
            }
            kind::SAY_WRITTEN => {
                core.say_written(effects);
                "the lines about the lease file".to_owned()
            }
            kind::SAY_WHEN_WRITTEN => {
                core.say_when_written();
                "the start goes on beside a long rewrite".to_owned()
            }
            kind::OMAPI => {
                core.offer_omapi(recording::management(&mut octets)?, effects);
                "OMAPI".to_owned()
            }
            kind::INTERFACES => {
                core.set_interfaces(recording::interfaces(&mut octets)?);
                "interfaces".to_owned()
            }
            kind::DUID => {
                let now = recording::now(&mut octets)?;
                core.append_duid(now, octets.rest(), effects);
                named("server-duid", now)
            }
            kind::FAILOVER => {
                let now = recording::now(&mut octets)?;
                let seed = octets.rest().first_chunk().ok_or(Damaged("a seed"))?;
                core.start_failover(now, u64::from_be_bytes(*seed), effects);
                named("failover", now)
            }
            kind::EVENT => {
                let now = recording::now(&mut octets)?;
                let event = recording::event(&mut octets)?;
                let name = named(&title(&event), now);
                if let Event::RewriteDone(result) = &event {
                    self.leases.rewrite_done(result.is_ok());
                }
                core.handle(now, event, effects);
                name
            }
            _ => return Err(Damaged("an input")),
        };
        self.outcome.inputs += 1;
        self.outcome.effects += effects.list.len() as u64;
        self.leases.carry_out(effects);
        for effect in &effects.list {
            if let crate::server::effect::Effect::Log(line) = effect {
                (self.say)(line.clone());
            }
        }
        octets.end()?;
        Ok(name)
    }

    fn compare(&mut self, name: &str, recorded: &[u8], is_whole: bool) {
        let mut replayed = Vec::new();
        recording::effects(&mut replayed, &self.effects, 0, |_| {});
        if !is_whole && replayed.starts_with(recorded) {
            return;
        }
        if let Some((recorded, replayed)) = recording::first_difference(recorded, &replayed) {
            self.outcome.differences += 1;
            let number = self.outcome.inputs;
            message::difference(number, name, recorded, replayed).into_iter().for_each(&mut *self.say);
        }
    }
}

fn named(what: &str, now: Now) -> String {
    format!("{what}, second {}, microsecond {} of the process", now.wall, now.mono)
}

/// The kind of an event, and what tells it from others.
fn title(event: &Event<'_>) -> String {
    match event {
        Event::Datagram { interface, source, payload, .. } => {
            let interface = interface.map_or("-".to_owned(), |id| id.0.to_string());
            format!("datagram of {} octets from {source} on interface {interface}", payload.len())
        }
        Event::HostNames(table) => format!("{} host names", table.len()),
        Event::Stream { stream, .. } => format!("something on stream {}", stream.0),
        other => format!("{other:?}"),
    }
}
