//! Records on their way to the lease file.

use crate::clock::Wall;
use crate::lease::binding::Binding;
use crate::lease_file::writer::{self, Format};
use std::ops::Range;

/// One record: octets `range` of [`Journal::bytes`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub sequence: u64,
    pub range: Range<usize>,
}

/// A buffer of records and the number of the last one. Drained with [`Journal::clear`] after each event.
#[derive(Debug, Default)]
pub struct Journal {
    pub bytes: Vec<u8>,
    pub records: Vec<Record>,
    sequence: u64,
}

impl Journal {
    /// The number of the last record ever appended.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// For a server that takes over from another.
    pub fn go_on_from(&mut self, sequence: u64) {
        self.sequence = sequence;
    }

    pub fn append(&mut self, binding: &Binding, now: Wall, format: &Format) -> u64 {
        self.append_with(|out| writer::lease(out, binding, now, format))
    }

    /// Appends a record of any kind.
    pub fn append_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> u64 {
        let start = self.bytes.len();
        write(&mut self.bytes);
        self.sequence += 1;
        self.records.push(Record { sequence: self.sequence, range: start..self.bytes.len() });
        self.sequence
    }

    /// Forgets the records; the memory and the number stay.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.records.clear();
    }
}
