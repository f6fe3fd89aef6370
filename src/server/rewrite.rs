//! Writing the lease file anew: at start, every hour, and after a failure. In slices, so that service goes on beside it.

use super::Server;
use super::effect::{Effect, Effects};
use super::message;
use crate::clock::Now;
use crate::lease::store::RewriteWalk;
use crate::lease_file::writer;
use crate::log::Line;

/// Bindings written in one slice.
const SLICE: usize = 512;
/// Seconds between two rewrites, if something was written since (ledger `leases.tsv`, rewrite trigger).
pub(super) const INTERVAL: i64 = 3600;
/// Microseconds until a rewrite that failed is tried again.
pub(super) const RETRY: u64 = 1_000_000;

/// Where a rewrite stands.
#[derive(Debug)]
pub(super) enum Rewrite {
    None,
    Walking {
        walk: RewriteWalk,
        count: usize,
    },
    /// All handed over; `covers` is the last record that the new file holds for sure.
    Finishing {
        covers: u64,
    },
}

impl Server {
    pub(super) fn begin_rewrite(&mut self, now: Now, out: &mut Effects) {
        out.list.push(Effect::RewriteBegin);
        let start = out.bytes.len();
        writer::header(&mut out.bytes, env!("CARGO_PKG_VERSION"));
        self.kept.write_declarations(&mut out.bytes);
        self.engine.with_format(|format| {
            for record in &self.kept.failover {
                writer::failover_state(&mut out.bytes, record, format);
            }
        });
        out.list.push(Effect::RewriteChunk(start..out.bytes.len()));
        self.rewrite = Rewrite::Walking { walk: RewriteWalk::new(&self.engine.store), count: 0 };
        self.rewritten_at = now.wall;
        self.written_since = false;
    }

    /// One slice; true when there is more to come at once.
    pub(super) fn continue_rewrite(&mut self, now: Now, out: &mut Effects) -> bool {
        let Rewrite::Walking { walk, count } = &mut self.rewrite else { return false };
        let start = out.bytes.len();
        let store = &self.engine.store;
        let mut done = false;
        self.engine.with_format(|format| {
            for _ in 0..SLICE {
                let Some(id) = store.next_in_rewrite(walk) else {
                    done = true;
                    break;
                };
                writer::lease(&mut out.bytes, store.get(id), now.wall, format);
                *count += 1;
            }
        });
        out.list.push(Effect::RewriteChunk(start..out.bytes.len()));
        if done {
            out.list.push(Effect::RewriteEnd);
            self.leases_written = *count;
            // What was appended meanwhile went to the new file as well, ahead of its end.
            self.rewrite = Rewrite::Finishing { covers: self.engine.journal.sequence() };
        }
        !done
    }

    pub(super) fn rewrite_done(&mut self, now: Now, result: Result<(), String>, out: &mut Effects) {
        let covers = match std::mem::replace(&mut self.rewrite, Rewrite::None) {
            Rewrite::Finishing { covers } => covers,
            // It ended before its time, and covers nothing.
            Rewrite::Walking { .. } => 0,
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

    /// The lines that ISC says at start about what it wrote.
    pub fn say_written(&self, out: &mut Effects) {
        use crate::lease_file::DeclarationKind::{Class, Group, Host, Subclass};
        let count = |wanted: &dyn Fn(&crate::lease_file::Declaration) -> bool| {
            self.kept.declarations.iter().filter(|declaration| wanted(declaration)).count()
        };
        let classes = count(&|d| d.kind == Class || (d.kind == Subclass && d.dynamic));
        let mut say = |line| out.list.push(Effect::Log(line));
        if !self.engine.config.class_order.is_empty() || classes > 0 {
            say(message::wrote_classes(classes));
        }
        let groups = count(&|d| d.kind == Group);
        if groups > 0 || !self.engine.config.groups.is_empty() {
            say(message::wrote_groups(groups));
        }
        let (deleted, new) =
            (count(&|d| d.kind == Host && d.deleted), count(&|d| d.kind == Host && !d.deleted));
        if deleted + new > 0 || !self.engine.config.hosts.is_empty() {
            say(message::wrote_deleted_hosts(deleted));
            // ISC counts those it could not write.
            say(message::wrote_new_hosts(0));
        }
        say(message::wrote_leases(self.leases_written));
    }
}
