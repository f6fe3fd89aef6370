//! The new file of a rewrite, from its creation to the directory's sync.

use super::disk::{self, Appender};
use super::{Report, Shared, Step, message};
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Octets of the new file after which it is synced: a disk that gets everything at the end keeps the appends to the old
/// file waiting meanwhile.
const STRETCH: usize = 4 << 20;

/// The thread that syncs the new file, so that appends to the old one go on meanwhile. It ends with its rewrite.
struct Syncing {
    orders: Sender<Order>,
    outcome: Arc<Mutex<Result<(), String>>>,
    /// Octets written since the last order.
    since: usize,
}

enum Order {
    /// So many octets were written.
    Stretch(usize),
    /// Nothing more comes.
    Rest,
}

impl Syncing {
    fn start(file: File, shared: Arc<Shared>) -> io::Result<Syncing> {
        let (orders, received) = channel();
        let outcome = Arc::new(Mutex::new(Ok(())));
        let told = outcome.clone();
        std::thread::Builder::new()
            .name("journal-sync".to_owned())
            .spawn(move || sync_in_stretches(&file, &received, &told, &shared))?;
        Ok(Syncing { orders, outcome, since: 0 })
    }

    fn written(&mut self, octets: usize, shared: &Shared) {
        self.since += octets;
        if self.since >= STRETCH {
            // Counts as not written yet: who makes the file is to go no faster than the disk.
            shared.backlog.fetch_add(self.since, Ordering::Relaxed);
            let stretch = Order::Stretch(std::mem::take(&mut self.since));
            self.order(stretch);
        }
    }

    fn order(&self, order: Order) {
        // The thread ends with the last order only.
        let _ = self.orders.send(order);
    }
}

fn sync_in_stretches(
    file: &File,
    orders: &Receiver<Order>,
    outcome: &Mutex<Result<(), String>>,
    shared: &Shared,
) {
    let sync = |whole: bool| {
        let result = if whole { file.sync_all() } else { file.sync_data() };
        let mut outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner);
        if let (true, Err(error)) = (outcome.is_ok(), result) {
            *outcome = Err(message::cannot_sync_new(&error));
        }
    };
    for order in orders {
        match order {
            Order::Stretch(octets) => {
                sync(false);
                shared.backlog.fetch_sub(octets, Ordering::Relaxed);
            }
            Order::Rest => {
                sync(true);
                shared.queue().batch.steps.push(Step::BulkSynced);
                shared.filled.notify_one();
                return;
            }
        }
    }
}

/// A rewrite under way.
pub(super) struct Rewrite {
    path: PathBuf,
    /// The new file, or why there is none any more.
    new: Result<Appender, String>,
    /// `RewriteEnd` was seen; what follows is only appends.
    pub(super) ended: bool,
    /// None without syncs, or when there is no thread to be had: then the end syncs, at the cost of the records that wait.
    syncing: Option<Syncing>,
}

impl Rewrite {
    /// Creates `PATH.UNIXTIME` beside the live file.
    pub(super) fn begin(live: &Path, sync: bool, shared: &Arc<Shared>) -> Rewrite {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        let path = with_suffix(live, &format!(".{seconds}"));
        let new =
            disk::create_new_file(&path).and_then(Appender::new).map_err(|e| message::cannot_create(&e));
        let second_handle = new.as_ref().ok().filter(|_| sync).and_then(|file| file.duplicate().ok());
        let syncing = second_handle.and_then(|file| Syncing::start(file, shared.clone()).ok());
        Rewrite { path, new, ended: false, syncing }
    }

    /// After the first failure the rest is ignored; the answer comes at the end.
    pub(super) fn write(&mut self, bytes: &[u8], shared: &Shared) {
        let Ok(file) = &mut self.new else { return };
        if let Err(error) = file.append(bytes) {
            self.new = Err(message::cannot_fill(&error));
        } else if let (false, Some(syncing)) = (self.ended, &mut self.syncing) {
            syncing.written(bytes.len(), shared);
        }
    }

    /// Nothing but appends follows. True when `Step::BulkSynced` will tell that the bulk is on the disk.
    pub(super) fn end(&mut self) -> bool {
        self.ended = true;
        let Some(syncing) = self.syncing.as_ref().filter(|_| self.new.is_ok()) else { return false };
        syncing.order(Order::Rest);
        true
    }

    /// Takes note of what became of the syncs.
    pub(super) fn bulk_synced(&mut self) {
        let Some(syncing) = self.syncing.take() else { return };
        if let Err(text) = &*syncing.outcome.lock().unwrap_or_else(PoisonError::into_inner) {
            self.fail(text.clone());
        }
    }

    fn fail(&mut self, text: String) {
        if self.new.is_ok() {
            self.new = Err(text);
        }
    }

    /// Syncs what the helper has not, keeps the old file as `PATH~` and moves the new one in.
    pub(super) fn install(
        self,
        live: &Path,
        sync: bool,
        say: &mut dyn FnMut(Report),
    ) -> Result<Installed, String> {
        let Rewrite { path, new, .. } = self;
        let moved = new.and_then(|file| {
            if sync {
                file.sync().map_err(|e| message::cannot_sync_new(&e))?;
            }
            back_up(live, say)?;
            std::fs::rename(&path, live).map_err(|e| message::cannot_install(&path, live, &e))?;
            Ok(file)
        });
        if moved.is_err() {
            // As ISC: no half-made file stays behind.
            let _ = std::fs::remove_file(&path);
        }
        let file = moved?;
        let directory = if sync { disk::sync_directory(live) } else { Ok(()) };
        Ok(Installed { file, directory: directory.map_err(|e| message::cannot_sync_directory(live, &e)) })
    }

    /// Removes the new file.
    pub(super) fn abandon(self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// The new file is the live one; whether that survives a power failure is `directory`'s answer.
pub(super) struct Installed {
    pub(super) file: Appender,
    pub(super) directory: Result<(), String>,
}

fn back_up(live: &Path, say: &mut dyn FnMut(Report)) -> Result<(), String> {
    let backup = with_suffix(live, "~");
    match std::fs::remove_file(&backup) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            return Err(message::cannot_remove_backup(&backup, &e));
        }
        _ => {}
    }
    match std::fs::hard_link(live, &backup) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            say(Report::Say(message::nothing_to_back_up(live)));
            Ok(())
        }
        Err(e) => Err(message::cannot_back_up(live, &backup, &e)),
        Ok(()) => Ok(()),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
