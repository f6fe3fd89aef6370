//! The journal thread: takes what has collected, writes it at once, syncs once, reports.

use super::disk::Appender;
use super::rewrite::Rewrite;
use super::{Batch, Hearer, Report, Settings, Shared, Step, message};
use std::fs::File;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

pub(super) struct Worker {
    settings: Settings,
    shared: Arc<Shared>,
    hearer: Box<dyn Hearer>,
    live: Appender,
    /// The live file cannot be trusted any more; only a rewrite mends it.
    broken: bool,
    rewrite: Option<Rewrite>,
    /// Highest sequence number seen, and highest written to the live file but not yet synced.
    newest: Option<u64>,
    unsynced: Option<u64>,
    /// The next records will probably be there in a moment.
    quick: bool,
    has_second_processor: bool,
}

/// How long the thread looks out for them before it sleeps: about what two wake-ups cost.
const MOMENT: Duration = Duration::from_micros(60);

impl Worker {
    pub(super) fn new(
        settings: Settings,
        file: File,
        shared: Arc<Shared>,
        hearer: Box<dyn Hearer>,
    ) -> io::Result<Worker> {
        let live = Appender::new(file)?;
        Ok(Worker {
            settings,
            shared,
            hearer,
            live,
            broken: false,
            rewrite: None,
            newest: None,
            unsynced: None,
            quick: false,
            has_second_processor: std::thread::available_parallelism().is_ok_and(|count| count.get() > 1),
        })
    }

    pub(super) fn run(&mut self) {
        let mut batch = Batch::of_at_most(self.settings.most_per_sync);
        while self.next(&mut batch) {
            self.commit(&batch);
            self.shared.backlog.fetch_sub(batch.bytes.len(), Ordering::Relaxed);
            batch.clear();
        }
        if let Some(rewrite) = self.rewrite.take() {
            rewrite.abandon();
        }
    }

    /// Waits for work. False: closed, and nothing is left to do.
    fn next(&mut self, batch: &mut Batch) -> bool {
        if std::mem::take(&mut self.quick) && self.has_second_processor {
            self.look_out();
        }
        let mut queue = self.shared.queue();
        loop {
            if !queue.batch.is_empty() {
                std::mem::swap(&mut queue.batch, batch);
                self.shared.submitted.store(false, Ordering::Relaxed);
                return true;
            }
            // A rewrite that waits for its helper is finished first.
            if queue.closed && !self.rewrite.as_ref().is_some_and(|rewrite| rewrite.ended) {
                return false;
            }
            queue.sleeping = true;
            queue = self.shared.filled.wait(queue).unwrap_or_else(PoisonError::into_inner);
            queue.sleeping = false;
        }
    }

    /// A client that asks for one thing after another is answered sooner when nobody has to be woken for it.
    fn look_out(&self) {
        let begin = Instant::now();
        while !self.shared.submitted.load(Ordering::Acquire) && begin.elapsed() < MOMENT {
            std::hint::spin_loop();
        }
    }

    fn commit(&mut self, batch: &Batch) {
        let mut rest = batch.bytes.as_slice();
        let mut take = |length: usize| {
            let (bytes, tail) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            rest = tail;
            bytes
        };
        for step in &batch.steps {
            match *step {
                Step::Append { sequence, length, .. } => {
                    self.append(sequence, take(length));
                    if self.settings.most_per_sync.is_some() {
                        self.sync();
                    }
                }
                Step::RewriteChunk { length } => {
                    let bytes = take(length);
                    if let Some(rewrite) = &mut self.rewrite {
                        rewrite.write(bytes, &self.shared);
                    }
                }
                Step::RewriteBegin => self.rewrite_begin(),
                Step::RewriteEnd => self.rewrite_end(),
                Step::BulkSynced => {
                    // What stands before it in the batch is waited for by clients; the rename can wait for its sync.
                    self.sync();
                    self.rewrite_install();
                }
            }
        }
        self.sync();
    }

    fn append(&mut self, sequence: u64, bytes: &[u8]) {
        self.newest = Some(sequence);
        if let Some(rewrite) = &mut self.rewrite {
            rewrite.write(bytes, &self.shared);
        }
        if self.broken {
            return;
        }
        match self.live.append(bytes) {
            Ok(()) => self.unsynced = Some(sequence),
            Err(error) => self.fail(message::write_failed(&error)),
        }
    }

    fn sync(&mut self) {
        let Some(sequence) = self.unsynced else { return };
        if self.settings.sync
            && let Err(error) = self.live.sync()
        {
            self.fail(message::sync_failed(&error));
            return;
        }
        self.unsynced = None;
        self.report(Report::Durable(sequence));
    }

    fn fail(&mut self, text: String) {
        // What this batch wrote before the failure is synced by nobody.
        self.unsynced = None;
        self.broken = true;
        self.report(Report::Failed(text));
    }

    fn rewrite_begin(&mut self) {
        if let Some(older) = self.rewrite.take() {
            older.abandon();
            self.report(Report::RewriteDone(Err(message::superseded())));
        }
        self.rewrite = Some(Rewrite::begin(&self.settings.path, self.settings.sync, &self.shared));
    }

    fn rewrite_end(&mut self) {
        let Some(rewrite) = &mut self.rewrite else {
            self.report(Report::RewriteDone(Err(message::not_begun())));
            return;
        };
        if rewrite.end() {
            return;
        }
        self.sync();
        self.rewrite_install();
    }

    fn rewrite_install(&mut self) {
        // A stale signal of a rewrite that was superseded finds one that has not ended.
        if !self.rewrite.as_ref().is_some_and(|rewrite| rewrite.ended) {
            return;
        }
        let Some(mut rewrite) = self.rewrite.take() else { return };
        rewrite.bulk_synced();
        let mut lines = Vec::new();
        let result = rewrite.install(&self.settings.path, self.settings.sync, &mut |line| lines.push(line));
        for line in lines {
            self.report(line);
        }
        let installed = match result {
            Ok(installed) => installed,
            Err(text) => return self.report(Report::RewriteDone(Err(text))),
        };
        self.live = installed.file;
        self.unsynced = None;
        self.broken = installed.directory.is_err();
        if let Err(text) = installed.directory {
            self.report(Report::Failed(text.clone()));
            return self.report(Report::RewriteDone(Err(text)));
        }
        self.report(Report::RewriteDone(Ok(())));
        if let Some(sequence) = self.newest {
            self.report(Report::Durable(sequence));
        }
    }

    fn report(&mut self, report: Report) {
        self.quick |= self.hearer.hear(&report);
        {
            let mut reports = self.shared.reports();
            match (reports.last_mut(), &report) {
                (Some(Report::Durable(last)), Report::Durable(sequence)) => *last = *sequence,
                _ => reports.push(report),
            }
        }
        self.hearer.wake();
    }
}
