//! `-tf`: the inputs of the core and its effects, written down (see [`crate::server::recording`]).
//!
//! The thread that serves only copies octets into a buffer; another one writes them. When that buffer is full, or the disk,
//! the recording ends there with one line in the log, and the service goes on. What ends the program by a panic has its
//! input in the file: the panic waits for the writer.

use super::{Fatal, message, trace};
use crate::net::message::reason;
use crate::server::recording::{self, FileRole, PIECE, kind};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Octets that may wait for the disk.
const WAITING_MAX: usize = 64 << 20;
/// How long the end waits for what is left.
const LAST_OCTETS: Duration = Duration::from_secs(5);

/// Why nothing is recorded any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    InOrder,
    Overflow,
    Disk,
}

#[derive(Default)]
struct State {
    waiting: Vec<u8>,
    /// The writer is between taking octets and having written them.
    writing: bool,
    ended: Option<Ended>,
    wakes: u64,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// There is something to write.
    wake: Condvar,
    /// Something was written.
    written: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until all is written, or the time is up.
    fn settle(&self, patience: Duration) {
        let until = Instant::now() + patience;
        let mut state = self.state();
        while (state.writing || !state.waiting.is_empty()) && state.ended != Some(Ended::Disk) {
            let Some(left) = until.checked_duration_since(Instant::now()) else { return };
            state = self.written.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// See the module.
pub struct Recorder {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
    /// Frames that are being made.
    buffer: Vec<u8>,
    is_over: bool,
    /// Nobody must wait from now on.
    is_serving: bool,
}

impl Recorder {
    /// Makes the file, readable by its owner alone: the configuration in it may hold keys. ISC's texts.
    pub fn begin(path: &Path) -> Result<Recorder, Fatal> {
        let mut options = OpenOptions::new();
        options.write(true).mode(0o600);
        let file = match options.clone().create_new(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                trace::say(&message::overwriting_trace(path));
                options.truncate(true).open(path)
            }
            other => other,
        };
        let file = file.map_err(|error| {
            trace::say(&message::no_trace(path, &reason(&error)));
            Fatal::Text(message::trace_not_begun())
        })?;
        Recorder::to(file, path.to_owned())
    }

    fn to(file: File, path: PathBuf) -> Result<Recorder, Fatal> {
        let shared = Arc::new(Shared::default());
        shared.state().waiting = recording::head();
        let thread = shared.clone();
        let writer = std::thread::Builder::new()
            .name("record".to_owned())
            .spawn(move || write(&thread, file, &path))
            .map_err(|error| message::no_thread("record", &reason(&error)))?;
        wait_at_panic(shared.clone());
        Ok(Recorder { shared, writer: Some(writer), buffer: Vec::new(), is_over: false, is_serving: false })
    }

    /// Whether what is recorded still reaches the file.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// Until now the disk could be waited for.
    pub fn serving(&mut self) {
        self.is_serving = true;
    }

    pub fn frame(&mut self, kind: u8, body: impl FnOnce(&mut Vec<u8>)) {
        if self.is_over {
            return;
        }
        self.buffer.clear();
        recording::frame(&mut self.buffer, kind, body);
        self.hand_over();
    }

    /// A file as it was read.
    pub fn file(&mut self, role: FileRole, name: &str, text: &[u8]) {
        self.frame(kind::FILE, |out| role.put(name, out));
        text.chunks(PIECE).for_each(|piece| self.frame(kind::CHUNK, |out| out.extend_from_slice(piece)));
    }

    fn hand_over(&mut self) {
        let mut state = self.shared.state();
        while !self.is_serving && state.ended.is_none() && state.waiting.len() > WAITING_MAX / 2 {
            state = self.shared.written.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let room = WAITING_MAX.saturating_sub(state.waiting.len());
        if state.ended.is_none() && self.is_serving && self.buffer.len() > room {
            state.ended = Some(Ended::Overflow);
            state.wakes += 1;
        }
        if state.ended.is_some() {
            self.is_over = true;
        } else {
            state.waiting.extend_from_slice(&self.buffer);
            state.wakes += 1;
        }
        drop(state);
        self.shared.wake.notify_one();
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.frame(kind::END, |_| {});
        {
            let mut state = self.shared.state();
            state.ended.get_or_insert(Ended::InOrder);
            state.wakes += 1;
        }
        self.shared.wake.notify_one();
        self.shared.settle(LAST_OCTETS);
        if let Some(writer) = self.writer.take().filter(JoinHandle::is_finished) {
            // It has said what it had to say.
            let _ = writer.join();
        }
    }
}

/// The thread: takes all that waits, writes it, and again.
fn write(shared: &Shared, mut file: File, path: &Path) {
    let (mut octets, mut seen) = (Vec::new(), 0);
    loop {
        let ended = {
            let mut state = shared.state();
            state.writing = false;
            shared.written.notify_all();
            while state.waiting.is_empty() && state.wakes == seen {
                state = shared.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            seen = state.wakes;
            octets.clear();
            std::mem::swap(&mut octets, &mut state.waiting);
            state.writing = !octets.is_empty();
            state.ended
        };
        if let Err(error) = file.write_all(&octets) {
            trace::say(&message::recording_failed(path, &reason(&error)));
            let mut state = shared.state();
            state.ended = Some(Ended::Disk);
            state.waiting = Vec::new();
            shared.written.notify_all();
            return;
        }
        if let Some(ended) = ended {
            if ended == Ended::Overflow {
                trace::say(&message::recording_too_slow(path));
            }
            let mut state = shared.state();
            state.writing = false;
            state.waiting = Vec::new();
            shared.written.notify_all();
            return;
        }
    }
}

/// A panic ends the process at once; what led to it shall be in the file.
fn wait_at_panic(shared: Arc<Shared>) {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |information| {
        // The writer itself does not wait for itself.
        if std::thread::current().name() != Some("record") {
            shared.settle(Duration::from_secs(1));
        }
        before(information);
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    /// A disk that takes nothing for long: the serving thread is not held up, and the recording ends.
    #[test]
    fn a_slow_disk_holds_nobody_up() {
        let (mut read, write) = io::pipe().expect("a pipe");
        let file = File::from(std::os::fd::OwnedFd::from(write));
        let Ok(mut recorder) = Recorder::to(file, "pipe".into()) else { panic!("a recorder") };
        recorder.serving();
        let piece = vec![7; PIECE];
        let began = Instant::now();
        let mut frames = 0;
        while !recorder.is_over() {
            recorder.frame(kind::CHUNK, |body| body.extend_from_slice(&piece));
            frames += 1;
            assert!(frames < 200);
        }
        assert!(frames > 60, "{frames}");
        assert!(began.elapsed() < Duration::from_secs(20));
        // Whatever was taken comes out whole and in order.
        let reader = std::thread::spawn(move || {
            let mut octets = Vec::new();
            read.read_to_end(&mut octets).map(|_| octets)
        });
        drop(recorder);
        let octets = reader.join().expect("read").expect("read");
        let frame = PIECE + recording::FRAME_AROUND;
        assert_eq!((octets.len() - recording::HEAD) % frame, 0);
        assert!(octets.starts_with(recording::MAGIC));
    }

    #[test]
    fn the_file_belongs_to_its_owner_and_ends_in_order() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("recording");
        let Ok(mut recorder) = Recorder::begin(&path) else { panic!("a recorder") };
        recorder.file(FileRole::Configuration, "dhcpd.conf", b"text");
        drop(recorder);
        let mode = std::fs::metadata(&path).expect("made").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let octets = std::fs::read(&path).expect("read");
        let mut end = Vec::new();
        recording::frame(&mut end, kind::END, |_| {});
        assert!(octets.ends_with(&end));
    }
}
