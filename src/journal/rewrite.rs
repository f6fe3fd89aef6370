//! The new file of a rewrite, from its creation to the directory's sync.

use super::disk::{self, Appender};
use super::{Report, message};
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// The helper that syncs the bulk of the new file, so that appends to the old one go on meanwhile.
#[derive(Clone, Default)]
pub(super) struct BulkSync(Arc<Mutex<Option<Result<(), String>>>>);

impl BulkSync {
    pub(super) fn set(&self, result: Result<(), String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
    }

    pub(super) fn take(&self) -> Option<Result<(), String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A rewrite under way.
pub(super) struct Rewrite {
    path: PathBuf,
    /// The new file, or why there is none any more.
    new: Result<Appender, String>,
    /// `RewriteEnd` was seen; what follows is only appends.
    pub(super) ended: bool,
    pub(super) bulk: BulkSync,
}

impl Rewrite {
    /// Creates `PATH.UNIXTIME` beside the live file.
    pub(super) fn begin(live: &Path) -> Rewrite {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        let path = with_suffix(live, &format!(".{seconds}"));
        let new =
            disk::create_new_file(&path).and_then(Appender::new).map_err(|e| message::cannot_create(&e));
        Rewrite { path, new, ended: false, bulk: BulkSync::default() }
    }

    /// After the first failure the rest is ignored; the answer comes at the end.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        if let Ok(file) = &mut self.new
            && let Err(error) = file.append(bytes)
        {
            self.new = Err(message::cannot_fill(&error));
        }
    }

    /// A second handle of the new file for the helper; none when the rewrite has failed already.
    pub(super) fn handle(&mut self) -> Option<File> {
        match self.new.as_ref().ok()?.duplicate() {
            Ok(file) => Some(file),
            Err(error) => {
                self.new = Err(message::cannot_sync_new(&error));
                None
            }
        }
    }

    pub(super) fn fail(&mut self, text: String) {
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
