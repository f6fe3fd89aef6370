//! The live file: append, sync, and cutting off what a failed write left.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

pub(super) fn open_for_append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

/// ISC's mode 0664, less the umask.
pub(super) fn create_new_file(path: &Path) -> io::Result<File> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().append(true).create_new(true).mode(0o664).open(path)
}

/// Makes a rename in it durable.
pub(super) fn sync_directory(of: &Path) -> io::Result<()> {
    let directory = match of.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(directory)?.sync_all()
}

/// A file that grows by whole batches.
pub(super) struct Appender {
    file: File,
    /// Octets that were written whole: where a torn batch is cut off.
    good: u64,
}

impl Appender {
    pub(super) fn new(file: File) -> io::Result<Appender> {
        let good = file.metadata()?.len();
        Ok(Appender { file, good })
    }

    /// All or nothing: a batch that did not fit is cut off again, so that the file on the disk keeps ending in a whole
    /// record. (Short writes and EINTR are `write_all`'s business.)
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.file.write_all(bytes) {
            Ok(()) => {
                self.good += bytes.len() as u64;
                Ok(())
            }
            Err(error) => {
                self.cut_off();
                Err(error)
            }
        }
    }

    /// Best effort: what cannot be cut off is a torn last record, which readers tolerate.
    pub(super) fn cut_off(&mut self) {
        let _ = self.file.set_len(self.good);
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    pub(super) fn duplicate(&self) -> io::Result<File> {
        self.file.try_clone()
    }
}
