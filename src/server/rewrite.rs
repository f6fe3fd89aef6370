//! Writing the lease file anew: at start, every hour, and after a failure. In slices, so that service goes on beside it.

use super::Server;
use super::effect::{Effect, Effects};
use super::message;
use crate::clock::Now;
use crate::log::Line;
use crate::transition::rewrite::{Rewrite as Writing, unwritable};

/// Octets written in one slice: some hundred bindings.
const SLICE: usize = 128 * 1024;
/// Seconds between two rewrites, if something was written since (ledger `leases.tsv`, rewrite trigger).
pub(super) const INTERVAL: i64 = 3600;
/// Microseconds until a rewrite that failed is tried again.
pub(super) const RETRY: u64 = 1_000_000;

/// Where a rewrite stands.
#[derive(Debug)]
pub(super) enum Rewrite {
    None,
    Walking(Writing),
    /// All handed over; `covers` is the last record that the new file holds for sure.
    Finishing {
        covers: u64,
    },
}

impl Server {
    pub(super) fn begin_rewrite(&mut self, now: Now, out: &mut Effects) {
        out.list.push(Effect::RewriteBegin);
        self.rewrite = Rewrite::Walking(Writing::new(&self.engine.store));
        self.rewritten_at = now.wall;
        self.written_since = false;
    }

    /// Whether a rewrite has slices left to write.
    pub fn is_writing(&self) -> bool {
        matches!(self.rewrite, Rewrite::Walking(_))
    }

    /// One slice.
    pub(super) fn continue_rewrite(&mut self, now: Now, out: &mut Effects) {
        let Rewrite::Walking(writing) = &mut self.rewrite else { return };
        let start = out.bytes.len();
        let (store, kept) = (&self.engine.store, &self.kept);
        let more = self
            .engine
            .with_format(|format| writing.write(store, kept, now.wall, format, SLICE, &mut out.bytes));
        out.list.extend(writing.said.drain(..).map(Effect::Log));
        out.list.push(Effect::RewriteChunk(start..out.bytes.len()));
        if !more {
            let config = &self.engine.config;
            let groups = !config.groups.is_empty() || config.has_lost_groups;
            let classes = !config.class_order.is_empty();
            self.written = writing.lines(kept, classes, groups, !config.hosts.is_empty());
            out.list.push(Effect::RewriteEnd);
            // What was appended meanwhile went to the new file as well, ahead of its end.
            self.rewrite = Rewrite::Finishing { covers: self.engine.journal.sequence() };
            if std::mem::take(&mut self.says_written) {
                self.say_written(out);
            }
        }
    }

    /// The lines of [`Server::say_written`] are to come by themselves with the last slice: service begins before it.
    pub fn say_when_written(&mut self) {
        self.says_written = true;
    }

    pub(super) fn rewrite_done(&mut self, now: Now, result: Result<(), String>, out: &mut Effects) {
        let covers = match std::mem::replace(&mut self.rewrite, Rewrite::None) {
            Rewrite::Finishing { covers } => covers,
            // It ended before its time, and covers nothing.
            Rewrite::Walking(_) => 0,
            Rewrite::None => return,
        };
        match result {
            Ok(()) => {
                if std::mem::take(&mut self.failed) {
                    out.list.push(Effect::Log(message::journal_mended()));
                }
                self.held.refuse(false);
                self.held.release(covers, out);
            }
            Err(reason) => {
                out.list.push(Effect::Log(Line::error(reason)));
                // The old file stays; while it is sound, service goes on with it.
                if self.failed {
                    out.list.push(Effect::Log(message::rewrite_failed()));
                    self.retry_at = Some(now.mono + RETRY);
                }
            }
        }
    }

    /// What ISC says of the first record that it cannot write, for a time before 1970; it then leaves its rewrite at that.
    /// Ours leaves out the time.
    pub fn unwritable(&self) -> Option<Line> {
        unwritable(&self.engine.store, &self.kept)
    }

    /// The lines that ISC says at start about what it wrote.
    pub fn say_written(&mut self, out: &mut Effects) {
        out.list.extend(self.written.drain(..).map(Effect::Log));
    }
}
