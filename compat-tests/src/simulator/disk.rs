//! A lease file whose last part is written but not durable yet, and its rewrite: what `journal` does, without a disk.

use crate::dice::Dice;

#[derive(Debug, Default)]
pub struct Disk {
    /// What a power failure leaves for certain.
    pub durable: Vec<u8>,
    /// Written, with the number of each record.
    pub pending: Vec<(u64, Vec<u8>)>,
    /// The records of `pending` that the sync under way covers.
    syncing: usize,
    /// The new file beside the old one, and whether all of it has been handed over.
    fresh: Option<Vec<u8>>,
    /// Something was not written to it for want of space: it is never put in the old one's place.
    is_incomplete: bool,
    pub full: bool,
    /// Nothing more is appended until a rewrite is through.
    broken: bool,
    newest: u64,
    /// A failure that has not been told yet.
    failure: bool,
}

/// What became of an append.
#[derive(Debug, PartialEq, Eq)]
pub enum Appended {
    /// A sync begins.
    Syncs,
    Waits,
    Fails,
    /// Already broken.
    Ignored,
}

impl Disk {
    pub fn append(&mut self, sequence: u64, record: &[u8]) -> Appended {
        self.newest = sequence;
        self.rewrite_chunk(record);
        if self.broken {
            return Appended::Ignored;
        }
        if self.full {
            (self.broken, self.failure) = (true, true);
            return Appended::Fails;
        }
        self.pending.push((sequence, record.to_vec()));
        if self.syncing > 0 {
            return Appended::Waits;
        }
        self.syncing = self.pending.len();
        Appended::Syncs
    }

    pub fn take_failure(&mut self) -> bool {
        std::mem::take(&mut self.failure)
    }

    /// The sync under way is through: the records it made durable, and whether another begins.
    pub fn synced(&mut self) -> (Vec<(u64, Vec<u8>)>, bool) {
        let count = std::mem::take(&mut self.syncing).min(self.pending.len());
        let done: Vec<_> = self.pending.drain(..count).collect();
        for (_, record) in &done {
            self.durable.extend_from_slice(record);
        }
        self.syncing = self.pending.len();
        (done, self.syncing > 0)
    }

    pub fn rewrite_begin(&mut self) {
        self.fresh = Some(Vec::new());
        self.is_incomplete = false;
    }

    pub fn rewrite_chunk(&mut self, bytes: &[u8]) {
        self.is_incomplete |= self.full;
        if let Some(fresh) = &mut self.fresh {
            fresh.extend_from_slice(bytes);
        }
    }

    /// The new file takes the old one's place. Gives the number up to which all is durable.
    pub fn rewrite_install(&mut self) -> Result<u64, String> {
        let fresh = self.fresh.take().ok_or("there is no new file")?;
        if self.full || self.is_incomplete {
            return Err("no space left on device".into());
        }
        self.durable = fresh;
        self.pending.clear();
        self.syncing = 0;
        self.broken = false;
        Ok(self.newest)
    }

    /// The program is gone, and the power too if `torn`: a part of what was written may have reached the disk.
    pub fn crash(&mut self, torn: bool, dice: &mut Dice) {
        let rest: Vec<u8> = self.pending.drain(..).flat_map(|(_, record)| record).collect();
        let kept = if torn { dice.between(0, rest.len() as u64) as usize } else { rest.len() };
        self.durable.extend_from_slice(rest.get(..kept).unwrap_or_default());
        self.fresh = None;
        self.syncing = 0;
        self.broken = false;
        (self.newest, self.failure) = (0, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the journal has it: a record that found no space in the new file is in no file, though there is space again when
    /// that is to be installed.
    #[test]
    fn a_new_file_that_lacks_a_record_is_not_installed() {
        let mut disk = Disk { full: true, ..Disk::default() };
        assert_eq!(disk.append(1, b"one"), Appended::Fails);
        disk.full = false;
        disk.rewrite_begin();
        disk.rewrite_chunk(b"all ");
        disk.full = true;
        assert_eq!(disk.append(2, b"two"), Appended::Ignored);
        disk.full = false;
        assert!(disk.rewrite_install().is_err());
        disk.rewrite_begin();
        disk.rewrite_chunk(b"all and two ");
        disk.append(3, b"three");
        assert_eq!(disk.rewrite_install(), Ok(3));
        assert_eq!(disk.durable, b"all and two three");
    }
}
