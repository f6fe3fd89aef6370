//! `-play`: brings about again what a recording holds (see [`crate::server::recording`]), offline, and compares every effect
//! with the recorded one. Nothing is sent, pinged, looked up or run; the lease file of `-lf` is written as the recorded
//! server would have written its own. With `-tf` what happens now is recorded anew, so that a recording whose differences
//! are wanted becomes one that holds them.

mod frames;
mod lease_copy;
mod player;
#[cfg(test)]
mod tests;

pub use player::Outcome;

use frames::Frames;
use lease_copy::{LeaseCopy, Leases};
use player::replay;

use super::command_line::Flags;
use super::record::Recorder;
use super::{Fatal, message, trace};
use crate::log::{Line, Reach};
use crate::net::message::reason;
use crate::server::effect::{Effect, Effects};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// Status 0: all effects are those of the recording, up to its end or to where it is torn.
pub(super) fn play(path: &Path, flags: &Flags) -> Result<i32, Fatal> {
    let Some(lease_file) = &flags.leases else {
        let (lines, fatal) = message::play_needs_lease_file();
        lines.iter().for_each(trace::say);
        return Err(Fatal::Text(fatal));
    };
    let file = File::open(path).map_err(|error| message::cannot_open_trace(path, &reason(&error)))?;
    let mut frames = Frames::new(BufReader::new(file)).map_err(|why| message::no_recording(path, why))?;
    let again = flags.trace_output.as_deref().map(Recorder::begin).transpose()?;
    let mut copy = LeaseCopy::new(lease_file);
    // What happened then is not news for the machine's log.
    let mut say = |line: Line| trace::say(&Line { reach: Reach::StandardErrorOnly, ..line });
    let outcome = replay(&mut frames, again, &mut say, &mut copy)?;
    if let Some(at) = outcome.torn {
        say(message::recording_torn(at));
    }
    if !outcome.in_order && outcome.torn.is_none() {
        say(message::recording_unfinished());
    }
    if let Some(reason) = copy.failed() {
        say(message::lease_copy_failed(lease_file, &reason));
    }
    say(message::replayed(outcome.inputs, outcome.effects, outcome.differences));
    Ok(i32::from(outcome.differences > 0))
}

/// Replays a recording that lies in memory, for tests: what came of it, and the lease file. `say` hears every line. An error
/// says why there is nothing to replay.
pub fn replay_octets(recording: &[u8], say: &mut dyn FnMut(Line)) -> Result<(Outcome, Vec<u8>), String> {
    let mut frames = Frames::new(recording).map_err(|why| message::no_recording("it".as_ref(), why))?;
    let mut leases = InMemory::default();
    match replay(&mut frames, None, say, &mut leases) {
        Ok(outcome) => Ok((outcome, leases.file)),
        Err(Fatal::Text(text)) => Err(text),
        Err(Fatal::Said) => Err("the configuration is refused".to_owned()),
    }
}

/// A lease file that is nowhere.
#[derive(Default)]
struct InMemory {
    file: Vec<u8>,
    new: Option<Vec<u8>>,
}

impl Leases for InMemory {
    fn begin(&mut self, text: &[u8]) {
        self.file = text.to_vec();
    }

    fn carry_out(&mut self, effects: &Effects) {
        for effect in &effects.list {
            match effect {
                Effect::Append { record, .. } => {
                    let octets = effects.bytes.get(record.clone()).unwrap_or_default();
                    self.file.extend_from_slice(octets);
                    self.new.iter_mut().for_each(|new| new.extend_from_slice(octets));
                }
                Effect::RewriteBegin => self.new = Some(Vec::new()),
                Effect::RewriteChunk(range) => {
                    let octets = effects.bytes.get(range.clone()).unwrap_or_default();
                    self.new.iter_mut().for_each(|new| new.extend_from_slice(octets));
                }
                _ => {}
            }
        }
    }

    fn rewrite_done(&mut self, is_done: bool) {
        if let Some(new) = self.new.take().filter(|_| is_done) {
            self.file = new;
        }
    }
}
