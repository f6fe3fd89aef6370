//! The lease file of a replay: what the recorded server's journal wrote, written again.

use crate::net::message::reason;
use crate::server::effect::{Effect, Effects};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// What a replay does with records.
pub trait Leases {
    /// Text of the file as the recorded server found it.
    fn begin(&mut self, text: &[u8]);
    fn carry_out(&mut self, effects: &Effects);
    /// The recorded server's rewrite was put in place, or failed.
    fn rewrite_done(&mut self, is_done: bool);
}

/// On the disk. The first failure ends it.
pub struct LeaseCopy {
    path: PathBuf,
    file: Option<BufWriter<File>>,
    new: Option<BufWriter<File>>,
    failed: Option<String>,
}

impl LeaseCopy {
    pub fn new(path: &Path) -> LeaseCopy {
        LeaseCopy { path: path.to_owned(), file: None, new: None, failed: None }
    }

    /// Writes what is left; why it was not possible.
    pub fn failed(mut self) -> Option<String> {
        let flushed = self.file.take().map_or(Ok(()), |mut file| file.flush());
        self.note(flushed);
        if self.new.take().is_some() {
            // A rewrite that the recording does not see the end of.
            let _ = fs::remove_file(self.new_path());
        }
        self.failed
    }

    fn new_path(&self) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".new");
        name.into()
    }

    fn note(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            self.failed.get_or_insert(reason(&error));
        }
    }

    fn append(&mut self, octets: &[u8]) -> io::Result<()> {
        [&mut self.file, &mut self.new].into_iter().flatten().try_for_each(|file| file.write_all(octets))
    }

    fn one(&mut self, effect: &Effect, bytes: &[u8]) -> io::Result<()> {
        let octets = |range: &std::ops::Range<usize>| bytes.get(range.clone()).unwrap_or_default();
        match effect {
            Effect::Append { record, .. } => self.append(octets(record)),
            Effect::RewriteBegin => {
                self.new = Some(BufWriter::new(File::create(self.new_path())?));
                Ok(())
            }
            Effect::RewriteChunk(range) => {
                self.new.as_mut().map_or(Ok(()), |new| new.write_all(octets(range)))
            }
            _ => Ok(()),
        }
    }
}

impl Leases for LeaseCopy {
    fn begin(&mut self, text: &[u8]) {
        let begun = File::create(&self.path).and_then(|file| {
            let mut file = BufWriter::new(file);
            file.write_all(text)?;
            self.file = Some(file);
            Ok(())
        });
        self.note(begun);
    }

    fn carry_out(&mut self, effects: &Effects) {
        for effect in &effects.list {
            if self.failed.is_none() {
                let done = self.one(effect, &effects.bytes);
                self.note(done);
            }
        }
    }

    fn rewrite_done(&mut self, is_done: bool) {
        let Some(new) = self.new.take() else { return };
        if is_done && self.failed.is_none() {
            let renamed = fs::rename(self.new_path(), &self.path);
            self.note(renamed);
            self.file = Some(new);
        }
    }
}
