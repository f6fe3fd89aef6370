//! The lease file at start: read, put into a store, written anew; and the trial copy of `-T`.

use super::recorded::Recorded;
use super::turn::{Core, event_of};
use super::{Fatal, message, trace};
use crate::clock::{Now, Wall};
use crate::config::model::ServerDuid;
use crate::config::{self, Config};
use crate::journal::{Batch, Journal, Report};
use crate::lease::binding::State;
use crate::lease::store::Store;
use crate::lease_file::reader::{self, Way};
use crate::log::Line;
use crate::net::message::reason;
use crate::server::Server;
use crate::server::effect::{Effect, Effects};
use crate::server::event::{Event, Interface};
use crate::syntax::source::{Source, SourceId};
use crate::transition::load::{Kept, Loader, pools};
use crate::transition::message::unwritable_lease;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write as _};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Seconds from 1970 to 2000, where the time of a DUID begins (RFC 8415 section 11.2).
const DUID_EPOCH: Wall = 946_684_800;

/// What the file held.
pub struct Leases {
    pub store: Store,
    pub kept: Kept,
}

/// The file as it is read: its beginning, and the rest in pieces.
pub struct Text {
    pub beginning: Vec<u8>,
    rest: Option<File>,
}

/// Octets of a piece: few enough for a processor's cache.
const PIECE: u64 = 512 << 10;

impl Text {
    /// Of an open file, which may be a folder: that shows only now.
    pub fn begin(mut file: File, path: &Path) -> Result<Text, Fatal> {
        file.seek(SeekFrom::End(0))
            .and_then(|_| file.rewind())
            .map_err(|e| message::cannot_seek(path, &reason(&e)))?;
        let beginning = piece(&file).map_err(|e| unreadable(path, &e))?;
        Ok(Text { beginning, rest: Some(file) })
    }

    pub fn whole(text: Vec<u8>) -> Text {
        Text { beginning: text, rest: None }
    }

    /// All of it at once.
    pub fn complete(&mut self, path: &Path) -> Result<(), Fatal> {
        let Some(mut rest) = self.rest.take() else { return Ok(()) };
        rest.read_to_end(&mut self.beginning).map(|_| ()).map_err(|e| unreadable(path, &e))
    }
}

fn piece(file: &File) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::with_capacity(PIECE as usize);
    file.take(PIECE).read_to_end(&mut text)?;
    Ok(text)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Fatal {
    config::message::cannot_read(&path.to_string_lossy(), reason(error)).into()
}

/// Reads the file's text. What ISC would lose is kept beside the file in `NAME.rejected`, unless this is only a test.
pub fn read(path: &Path, text: Text, config: &mut Config, now: Wall, test: bool) -> Result<Leases, Fatal> {
    let mut store = Store::new(&pools(config));
    let mut kept = Kept::new(config);
    let source = Source::new(&*path.to_string_lossy(), text.beginning, SourceId(0));
    let mut loader = Loader { store: &mut store, kept: &mut kept };
    let mut failed = None;
    let mut more = || match piece(text.rest.as_ref()?) {
        Ok(piece) => Some(piece).filter(|piece| !piece.is_empty()),
        Err(error) => {
            failed = Some(error);
            None
        }
    };
    let say = &mut |line: Line| trace::say(&line);
    let outcome = reader::read_pieces(Way::Fast, source, &mut more, now, config, &mut loader, say);
    if let Some(error) = failed {
        return Err(unreadable(path, &error));
    }
    if let Some(text) = outcome.fatal {
        return Err(Fatal::Text(text));
    }
    if !outcome.rejected.is_empty() && !test {
        keep_rejected(path, &outcome.rejected);
    }
    kept.settle(config);
    store.finish_loading();
    Ok(Leases { store, kept })
}

fn keep_rejected(path: &Path, rejected: &[u8]) {
    let mut name = path.as_os_str().to_owned();
    name.push(".rejected");
    let name = PathBuf::from(name);
    let written = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(&name)
        .and_then(|mut file| file.write_all(rejected));
    match written {
        Ok(()) => trace::say(&message::rejected_kept(&name)),
        Err(error) => trace::say(&message::rejected_lost(&name, &reason(&error))),
    }
}

/// Writes the file anew through the journal, and waits for it: what follows is appended to the new one. A failure leaves
/// the old file in its place, and service begins with that; so it does beside a rewrite that takes long.
pub fn rewrite(core: &mut Recorded, now: Now, journal: &Journal) {
    let begun = Instant::now();
    let mut effects = Effects::default();
    core.open(now, &mut effects);
    submit(&mut effects, journal);
    while core.server.is_writing() {
        if begun.elapsed() > LONG_REWRITE {
            return core.say_when_written();
        }
        core.handle(now, Event::Timer, &mut effects);
        submit(&mut effects, journal);
        journal.wait_for_room(BACKLOG);
    }
    let mut seen = Vec::new();
    let is_done = |seen: &[Report]| seen.iter().any(|report| matches!(report, Report::RewriteDone(_)));
    while !is_done(&seen) && begun.elapsed() < SLOW_DISK {
        let mut reports = Vec::new();
        journal.wait_for_reports(SLOW_DISK, &mut reports);
        seen.append(&mut reports);
    }
    if !is_done(&seen) {
        core.say_written(&mut effects);
    }
    for report in seen {
        if let Report::RewriteDone(result) = &report
            && !result.as_ref().is_err_and(|text| text.starts_with(NOT_CREATED))
        {
            core.say_written(&mut effects);
        }
        core.handle(now, event_of(report), &mut effects);
    }
    submit(&mut effects, journal);
}

/// A rewrite at start that is not written after this goes on beside service, which clients wait for.
const LONG_REWRITE: Duration = Duration::from_millis(300);

/// Octets of it that may wait for the disk.
const BACKLOG: usize = 8 << 20;

/// How the text begins when there was no new file to write to, and so nothing was written.
const NOT_CREATED: &str = "Can't create new lease file";

/// How long the start waits for a report.
const SLOW_DISK: Duration = Duration::from_secs(2);

/// The failover states go through startup; the peers are called when the loop runs.
pub fn start_failover(core: &mut Recorded, now: Now, seed: u64, journal: &Journal) {
    let mut effects = Effects::default();
    core.start_failover(now, seed, &mut effects);
    submit(&mut effects, journal);
}

/// The record that ISC appends at every start; it is in the file before service begins.
pub fn append_duid(core: &mut Recorded, now: Now, duid: &[u8], journal: &Journal) {
    let mut effects = Effects::default();
    core.append_duid(now, duid, &mut effects);
    submit(&mut effects, journal);
    let mut reports = Vec::new();
    journal.wait_for_reports(SLOW_DISK, &mut reports);
    for report in reports {
        core.handle(now, event_of(report), &mut effects);
    }
    submit(&mut effects, journal);
}

fn submit(effects: &mut Effects, journal: &Journal) {
    let mut batch = Batch::default();
    for effect in effects.list.drain(..) {
        let octets = |range: std::ops::Range<usize>| effects.bytes.get(range).unwrap_or_default();
        match effect {
            Effect::RewriteBegin => batch.rewrite_begin(),
            Effect::RewriteChunk(records) => batch.rewrite_chunk(octets(records)),
            Effect::RewriteEnd => batch.rewrite_end(),
            Effect::Append { sequence, record } => batch.append(sequence, octets(record)),
            Effect::Log(line) => trace::say(&line),
            _ => {}
        }
    }
    effects.clear();
    journal.submit(&mut batch);
}

/// `-T`: a copy is written beside the file and removed; the file itself is left as it is.
pub fn trial(server: &mut Server, now: Now, path: &Path) -> Result<(), Fatal> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", now.wall));
    let name = PathBuf::from(name);
    let mut file = fs::File::create(&name)
        .map_err(|error| Fatal::Text(message::cannot_create_lease_file(&name, &reason(&error))))?;
    let odd = odd_states(server);
    let mut effects = Effects::default();
    server.open(now, &mut effects);
    write_out(&mut effects, &mut file, &name)?;
    // ISC fails to write such a lease when it expires, and again below.
    let changed = odd_states(server).into_iter().zip(odd).filter(|(after, before)| after != before);
    changed.for_each(|((address, _), _)| trace::say(&unwritable_lease(address)));
    while server.is_writing() {
        server.handle(now, Event::Timer, &mut effects);
        write_out(&mut effects, &mut file, &name)?;
    }
    let refused = server.unwritable();
    server.say_written(&mut effects);
    if let Some(line) = &refused {
        effects.list.pop();
        effects.list.push(Effect::Log(line.clone()));
    }
    write_out(&mut effects, &mut file, &name)?;
    if refused.is_none() {
        trace::say(&message::lease_test_successful(&name));
    }
    // A copy that is left behind does no harm.
    let _ = fs::remove_file(&name);
    Ok(())
}

fn write_out(effects: &mut Effects, file: &mut fs::File, name: &Path) -> Result<(), Fatal> {
    for effect in effects.list.drain(..) {
        match effect {
            Effect::RewriteChunk(records) => {
                file.write_all(effects.bytes.get(records).unwrap_or_default())
                    .map_err(|error| Fatal::Text(message::cannot_create_lease_file(name, &reason(&error))))?;
            }
            Effect::Log(line) => trace::say(&line),
            _ => {}
        }
    }
    effects.clear();
    Ok(())
}

/// Leases with a time before 1970.
fn odd_states(server: &Server) -> Vec<(Ipv4Addr, State)> {
    let store = &server.engine().store;
    let odd = store.iter().map(|id| store.get(id)).filter(|binding| binding.has_negative_time());
    odd.map(|binding| (binding.address, binding.state)).collect()
}

/// The server's DUID: that of the lease file, of the configuration, or one made from the first interface and the time.
pub fn server_duid(kept: &Kept, config: &Config, interfaces: &[Interface], now: Wall) -> Vec<u8> {
    if let Some(duid) = &kept.server_duid {
        return duid.clone();
    }
    let of_type = match &config.server_duid {
        Some(ServerDuid::Value(value)) => return value.to_vec(),
        Some(ServerDuid::OfType(kind)) => *kind,
        None => 1,
    };
    let mut duid = of_type.to_be_bytes().to_vec();
    let first = interfaces.first();
    duid.extend(u16::from(first.map_or(1, |interface| interface.htype)).to_be_bytes());
    if of_type == 1 {
        duid.extend(((now - DUID_EPOCH).max(0) as u32).to_be_bytes());
    }
    duid.extend_from_slice(first.map_or(&[], |interface| &interface.hardware));
    duid
}
