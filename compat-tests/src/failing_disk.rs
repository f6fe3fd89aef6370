//! A disk that fails, is slow, or loses its power when the test says so: a file system in user space with one directory,
//! reached through the real system calls.
//!
//! It keeps what a power cut would leave: of a file what was synced, and any part of what was appended since; of the directory
//! the names it had when it was last synced itself.

use fuser::{
    BackgroundSession, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation,
    INodeNo, LockOwner, MountOption, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyEmpty,
    ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request, TimeOrNow, WriteFlags,
};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What the disk does from now on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    pub write: Option<Fault>,
    pub sync: Option<Fault>,
    pub rename: Option<Fault>,
    pub create: Option<Fault>,
    /// How long each sync takes.
    pub sync_time: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `EIO`
    Broken,
    /// `ENOSPC`
    Full,
    /// `EROFS`
    ReadOnly,
}

impl Fault {
    fn number(self) -> Errno {
        match self {
            Fault::Broken => Errno::EIO,
            Fault::Full => Errno::ENOSPC,
            Fault::ReadOnly => Errno::EROFS,
        }
    }
}

#[derive(Clone, Default)]
struct Inode {
    content: Vec<u8>,
    /// Octets from the start that are on the disk.
    durable: usize,
}

#[derive(Default)]
struct State {
    inodes: BTreeMap<u64, Inode>,
    names: BTreeMap<OsString, u64>,
    durable_names: BTreeMap<OsString, u64>,
    last: u64,
    faults: Faults,
    syncs: u64,
    written: u64,
}

/// Mounted until it is dropped.
pub struct FailingDisk {
    state: Shared,
    /// Of the mount.
    _session: BackgroundSession,
    mountpoint: PathBuf,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<State>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FailingDisk {
    /// Mounts it, with these files on it.
    pub fn mount(mountpoint: &Path, files: &[(String, Vec<u8>)]) -> Result<FailingDisk, String> {
        let state = Shared::default();
        {
            let mut state = state.lock();
            state.last = u64::from(INodeNo::ROOT);
            for (name, content) in files {
                let number = state.add(Inode { durable: content.len(), content: content.clone() });
                state.names.insert(name.into(), number);
            }
            state.durable_names = state.names.clone();
        }
        let mut config = Config::default();
        config.mount_options =
            vec![MountOption::FSName("failing-disk".into()), MountOption::DefaultPermissions];
        let session = fuser::spawn_mount(Served(state.clone()), mountpoint, &config)
            .map_err(|error| format!("{}: {error}", mountpoint.display()))?;
        Ok(FailingDisk { state, _session: session, mountpoint: mountpoint.to_path_buf() })
    }

    pub fn path(&self) -> &Path {
        &self.mountpoint
    }

    pub fn set(&self, faults: Faults) {
        self.state.lock().faults = faults;
    }

    /// A file as programs see it now.
    pub fn read(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.state.lock();
        Some(state.inodes.get(state.names.get(OsStr::new(name))?)?.content.clone())
    }

    /// Syncs and octets written so far.
    pub fn used(&self) -> (u64, u64) {
        let state = self.state.lock();
        (state.syncs, state.written)
    }

    /// What is there after the power has come back. `pick(n)` chooses from 0 to n: how much of what was not synced has made it
    /// to the disk, and whether (1) or not (0) a directory that was not synced has.
    pub fn after_a_power_cut(&self, mut pick: impl FnMut(usize) -> usize) -> Vec<(String, Vec<u8>)> {
        let state = self.state.lock();
        let names = if pick(1) == 1 { &state.names } else { &state.durable_names };
        let content = |number: &u64, pick: &mut dyn FnMut(usize) -> usize| {
            let inode = state.inodes.get(number)?;
            let more = pick(inode.content.len() - inode.durable);
            Some(inode.content.get(..inode.durable + more)?.to_vec())
        };
        names
            .iter()
            .filter_map(|(name, number)| Some((name.to_str()?.to_string(), content(number, &mut pick)?)))
            .collect()
    }
}

const TTL: Duration = Duration::ZERO;

impl State {
    fn add(&mut self, inode: Inode) -> u64 {
        self.last += 1;
        self.inodes.insert(self.last, inode);
        self.last
    }

    fn attributes(&self, number: u64) -> Option<FileAttr> {
        let root = number == u64::from(INodeNo::ROOT);
        let size = if root { 0 } else { self.inodes.get(&number)?.content.len() as u64 };
        Some(FileAttr {
            ino: INodeNo(number),
            size,
            blocks: size.div_ceil(512),
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind: if root { FileType::Directory } else { FileType::RegularFile },
            perm: if root { 0o755 } else { 0o644 },
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: 4096,
            flags: 0,
        })
    }

    /// What is durable once a sync that begins now has ended.
    fn sync(&mut self, number: u64, length: usize) {
        if let Some(inode) = self.inodes.get_mut(&number) {
            inode.durable = inode.durable.max(length.min(inode.content.len()));
        }
    }
}

struct Served(Shared);

impl Served {
    /// Answers a sync after the time it takes, from a thread of its own: other calls go on meanwhile.
    fn after_the_sync(&self, reply: ReplyEmpty, done: impl FnOnce(&mut State) + Send + 'static) {
        let shared = self.0.clone();
        let faults = {
            let mut state = shared.lock();
            state.syncs += 1;
            state.faults
        };
        let finish = move || match faults.sync {
            Some(fault) => reply.error(fault.number()),
            None => {
                done(&mut shared.lock());
                reply.ok();
            }
        };
        if faults.sync_time.is_zero() {
            return finish();
        }
        std::thread::spawn(move || {
            std::thread::sleep(faults.sync_time);
            finish();
        });
    }
}

impl Filesystem for Served {
    fn lookup(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let state = self.0.lock();
        match state.names.get(name).and_then(|number| state.attributes(*number)) {
            Some(attributes) => reply.entry(&TTL, &attributes, Generation(0)),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn getattr(&self, _: &Request, number: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.0.lock().attributes(number.into()) {
            Some(attributes) => reply.attr(&TTL, &attributes),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        number: INodeNo,
        _: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<fuser::BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let mut state = self.0.lock();
        let number = number.into();
        if let (Some(size), Some(inode)) = (size, state.inodes.get_mut(&number)) {
            inode.content.resize(size as usize, 0);
            inode.durable = inode.durable.min(size as usize);
        }
        match state.attributes(number) {
            Some(attributes) => reply.attr(&TTL, &attributes),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn unlink(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let mut state = self.0.lock();
        if let Some(fault) = state.faults.rename {
            return reply.error(fault.number());
        }
        match state.names.remove(name) {
            Some(_) => reply.ok(),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn rename(
        &self,
        _: &Request,
        _: INodeNo,
        name: &OsStr,
        _: INodeNo,
        new: &OsStr,
        _: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let mut state = self.0.lock();
        if let Some(fault) = state.faults.rename {
            return reply.error(fault.number());
        }
        match state.names.remove(name) {
            Some(number) => {
                state.names.insert(new.to_os_string(), number);
                reply.ok();
            }
            None => reply.error(Errno::ENOENT),
        }
    }

    fn link(&self, _: &Request, number: INodeNo, _: INodeNo, new: &OsStr, reply: ReplyEntry) {
        let mut state = self.0.lock();
        if let Some(fault) = state.faults.rename {
            return reply.error(fault.number());
        }
        state.names.insert(new.to_os_string(), number.into());
        match state.attributes(number.into()) {
            Some(attributes) => reply.entry(&TTL, &attributes, Generation(0)),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn create(&self, _: &Request, _: INodeNo, name: &OsStr, _: u32, _: u32, _: i32, reply: ReplyCreate) {
        let mut state = self.0.lock();
        if let Some(fault) = state.faults.create {
            return reply.error(fault.number());
        }
        let number = state.add(Inode::default());
        state.names.insert(name.to_os_string(), number);
        match state.attributes(number) {
            Some(attributes) => {
                reply.created(&TTL, &attributes, Generation(0), FileHandle(0), FopenFlags::empty());
            }
            None => reply.error(Errno::EIO),
        }
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.opened(FileHandle(0), FopenFlags::empty());
    }

    fn read(
        &self,
        _: &Request,
        number: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let state = self.0.lock();
        let Some(inode) = state.inodes.get(&number.into()) else { return reply.error(Errno::ENOENT) };
        let start = (offset as usize).min(inode.content.len());
        let end = (start + size as usize).min(inode.content.len());
        reply.data(inode.content.get(start..end).unwrap_or_default());
    }

    fn write(
        &self,
        _: &Request,
        number: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let mut state = self.0.lock();
        if let Some(fault) = state.faults.write {
            return reply.error(fault.number());
        }
        state.written += data.len() as u64;
        let Some(inode) = state.inodes.get_mut(&number.into()) else { return reply.error(Errno::ENOENT) };
        let start = offset as usize;
        // What is written over is not on the disk any more.
        inode.durable = inode.durable.min(start);
        inode.content.resize(inode.content.len().max(start + data.len()), 0);
        if let Some(place) = inode.content.get_mut(start..start + data.len()) {
            place.copy_from_slice(data);
        }
        reply.written(data.len() as u32);
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _: &Request, number: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        let number: u64 = number.into();
        let length = self.0.lock().inodes.get(&number).map_or(0, |inode| inode.content.len());
        self.after_the_sync(reply, move |state| state.sync(number, length));
    }

    fn fsyncdir(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        let names = self.0.lock().names.clone();
        self.after_the_sync(reply, move |state| state.durable_names = names);
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        reply.statfs(1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20, 4096, 255, 4096);
    }
}
