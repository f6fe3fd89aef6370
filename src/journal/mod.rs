//! The lease file as an append-only journal with group commit, and its rewrite; bytes and sequence numbers only.
//!
//! While one sync is under way the records of the next packets collect; one write and one sync commit them all. There is
//! no timer: an idle server syncs per record, a busy one amortises. A write or sync that failed is final: the kernel may
//! have dropped the dirty pages, so nothing after it is called durable until a rewrite has replaced the file.
//!
//! File names and the order of steps are those of ISC's `new_lease_file` (tools watch the append, the hard link and the
//! rename), with what it leaves out: the new file and its directory are synced.

mod disk;
mod message;
mod rewrite;
mod worker;

#[cfg(test)]
mod tests;

use crate::log::Line;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What the journal tells the core's thread, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// Every record up to and including this number is on the disk.
    Durable(u64),
    /// A write or sync failed; records after the last `Durable` are in doubt. Said once, until a rewrite succeeded.
    Failed(String),
    /// Answer to `Batch::rewrite_end`. An error leaves the old file in place.
    RewriteDone(Result<(), String>),
    /// A line for the operator.
    Say(Line),
}

/// One step of a batch; its octets follow one another in [`Batch::bytes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Append {
        sequence: u64,
        length: usize,
        records: u32,
    },
    RewriteBegin,
    RewriteChunk {
        length: usize,
    },
    RewriteEnd,
    /// The new file's bulk has been synced by the helper thread (or could not be).
    BulkSynced,
}

/// Hears of each report on the journal's thread.
pub trait Hearer: Send {
    /// Before the core's thread can see it. True: what it waited for has been done already, and the next records will
    /// probably be there in a moment.
    fn hear(&self, _report: &Report) -> bool {
        false
    }

    /// When the core's thread can see it.
    fn wake(&self);
}

impl<F: Fn() + Send> Hearer for F {
    fn wake(&self) {
        self();
    }
}

/// Steps for the journal, in order. Reused: handing one over swaps buffers and allocates nothing in steady state.
#[derive(Debug, Default)]
pub struct Batch {
    steps: Vec<Step>,
    bytes: Vec<u8>,
    /// Records of one step, at most; none: no limit.
    most: Option<u32>,
}

impl Batch {
    /// One of which no sync covers more than so many records (`delayed-ack`).
    pub fn of_at_most(most: Option<u32>) -> Batch {
        Batch { most, ..Batch::default() }
    }

    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whole records, the last of which has this number.
    pub fn append(&mut self, sequence: u64, records: &[u8]) {
        self.bytes.extend_from_slice(records);
        // Neighbours join: one step, one write.
        let most = self.most.unwrap_or(u32::MAX);
        match self.steps.last_mut() {
            Some(Step::Append { sequence: last, length, records: count }) if *count < most => {
                *last = sequence;
                *length += records.len();
                *count += 1;
            }
            _ => self.steps.push(Step::Append { sequence, length: records.len(), records: 1 }),
        }
    }

    /// Start a new file beside the old one. Appends that follow go to both until the rewrite is done.
    pub fn rewrite_begin(&mut self) {
        self.steps.push(Step::RewriteBegin);
    }

    /// More of the new file's content.
    pub fn rewrite_chunk(&mut self, records: &[u8]) {
        self.bytes.extend_from_slice(records);
        if let Some(Step::RewriteChunk { length }) = self.steps.last_mut() {
            *length += records.len();
        } else {
            self.steps.push(Step::RewriteChunk { length: records.len() });
        }
    }

    /// The new file is complete: sync it and put it in the old one's place.
    pub fn rewrite_end(&mut self) {
        self.steps.push(Step::RewriteEnd);
    }

    fn take_from(&mut self, other: &mut Batch) {
        if self.is_empty() && self.most == other.most {
            std::mem::swap(self, other);
        } else {
            self.steps.append(&mut other.steps);
            self.bytes.append(&mut other.bytes);
        }
    }

    fn clear(&mut self) {
        self.steps.clear();
        self.bytes.clear();
    }
}

/// What both threads see.
#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    filled: Condvar,
    reports: Mutex<Vec<Report>>,
    /// Octets submitted and not yet written.
    backlog: AtomicUsize,
    /// Something was submitted since the thread took the last batch.
    submitted: AtomicBool,
}

#[derive(Default)]
struct Queue {
    batch: Batch,
    closed: bool,
    /// The thread sleeps, and has to be woken: a system call.
    sleeping: bool,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reports(&self) -> MutexGuard<'_, Vec<Report>> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the journal is and whether it syncs.
#[derive(Clone, Debug)]
pub struct Settings {
    pub path: PathBuf,
    /// False with `dont-use-fsync true`: a record counts as durable once it is written.
    pub sync: bool,
    /// Records that one sync may cover (`delayed-ack`); none: as many as have collected.
    pub most_per_sync: Option<u32>,
}

/// Handle of the journal thread.
pub struct Journal {
    shared: Arc<Shared>,
    most_per_sync: Option<u32>,
    thread: Option<JoinHandle<()>>,
}

impl Journal {
    /// Opens the file for append (making it when absent) and starts the thread.
    pub fn start(settings: Settings, hearer: impl Hearer + 'static) -> io::Result<Journal> {
        let file = disk::open_for_append(&settings.path)?;
        let most_per_sync = settings.most_per_sync;
        let shared = Arc::new(Shared::default());
        shared.queue().batch = Batch::of_at_most(most_per_sync);
        let mut worker = worker::Worker::new(settings, file, shared.clone(), Box::new(hearer))?;
        let thread = std::thread::Builder::new().name("journal".to_owned()).spawn(move || worker.run())?;
        Ok(Journal { shared, most_per_sync, thread: Some(thread) })
    }

    /// An empty batch for it.
    pub fn batch(&self) -> Batch {
        Batch::of_at_most(self.most_per_sync)
    }

    /// Hands over the batch and leaves an empty one. Never waits for the disk.
    pub fn submit(&self, batch: &mut Batch) {
        if batch.is_empty() {
            return;
        }
        self.shared.backlog.fetch_add(batch.bytes.len(), Ordering::Relaxed);
        let mut queue = self.shared.queue();
        queue.batch.take_from(batch);
        self.shared.submitted.store(true, Ordering::Release);
        if queue.sleeping {
            self.shared.filled.notify_one();
        }
    }

    /// Octets that wait to be written. A rewrite can make them faster than a disk takes them: its slices should pause then.
    pub fn backlog(&self) -> usize {
        self.shared.backlog.load(Ordering::Relaxed)
    }

    /// Blocks until no more than this waits to be written. For the start, before anything is served.
    pub fn wait_for_room(&self, at_most: usize) {
        while self.backlog() > at_most {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Moves what has been reported since the last call into `into`.
    pub fn reports(&self, into: &mut Vec<Report>) {
        into.append(&mut self.shared.reports());
    }

    /// Blocks, but not for ever, until something was reported, and moves it into `into`. For the start, before anything is
    /// served.
    pub fn wait_for_reports(&self, at_most: Duration, into: &mut Vec<Report>) {
        let begin = Instant::now();
        while into.is_empty() && begin.elapsed() < at_most {
            std::thread::sleep(Duration::from_millis(1));
            self.reports(into);
        }
    }

    /// Commits what was submitted and ends the thread.
    pub fn finish(mut self) {
        self.close();
    }

    fn close(&mut self) {
        self.shared.queue().closed = true;
        self.shared.filled.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic in there ends the process in release builds (`panic = "abort"`).
            let _ = thread.join();
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.close();
    }
}
