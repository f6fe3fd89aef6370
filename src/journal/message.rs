//! What the journal has to say. ISC's words where ISC has some (ledger `logs.tsv`, set core, db.c).

use crate::log::Line;
use std::io;
use std::path::Path;

/// The system's text for an error, as `%m` gives it: without Rust's "(os error N)".
pub(super) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error ") {
        Some(at) => text.get(..at).unwrap_or(&text).to_owned(),
        None => text,
    }
}

pub(super) fn write_failed(error: &io::Error) -> String {
    format!("write_lease: unable to write lease file: {}", reason(error))
}

pub(super) fn sync_failed(error: &io::Error) -> String {
    format!("commit_leases: unable to commit, fsync(): {}", reason(error))
}

pub(super) fn cannot_create(error: &io::Error) -> String {
    format!("Can't create new lease file: {}", reason(error))
}

pub(super) fn cannot_fill(error: &io::Error) -> String {
    format!("Can't write new lease file: {}", reason(error))
}

pub(super) fn cannot_sync_new(error: &io::Error) -> String {
    format!("Can't sync new lease file: {}", reason(error))
}

pub(super) fn cannot_remove_backup(backup: &Path, error: &io::Error) -> String {
    format!("Can't remove old lease database backup {}: {}", backup.display(), reason(error))
}

pub(super) fn nothing_to_back_up(path: &Path) -> Line {
    Line::error(format!("{} is missing - no lease db to backup.", path.display()))
}

pub(super) fn cannot_back_up(path: &Path, backup: &Path, error: &io::Error) -> String {
    format!("Can't backup lease database {} to {}: {}", path.display(), backup.display(), reason(error))
}

pub(super) fn cannot_install(new: &Path, path: &Path, error: &io::Error) -> String {
    format!("Can't install new lease database {} to {}: {}", new.display(), path.display(), reason(error))
}

pub(super) fn cannot_sync_directory(path: &Path, error: &io::Error) -> String {
    format!("Can't sync the directory of {}: {}", path.display(), reason(error))
}

pub(super) fn superseded() -> String {
    "a newer rewrite of the lease file began".to_owned()
}

pub(super) fn not_begun() -> String {
    "no rewrite of the lease file has begun".to_owned()
}
