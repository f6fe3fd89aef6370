//! The operator's log: standard error and syslog, on a thread of its own.
//!
//! Whoever says a line only puts it into a bounded queue: a syslog reader that stops, or a pipe behind standard error
//! that nobody empties, costs lines (counted, and reported in one line when the log flows again), never service.
//! The `syslog` crate gives transport and priorities; the time is local as glibc's, and the connection is made anew when
//! syslogd has been restarted.

use super::message;
use crate::log::{Line, Priority, Reach};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, MultiHeaders, sendmmsg};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, IoSlice, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use syslog::{Facility, LogFormat, LoggerBackend, Severity};

/// Lines that may wait for the thread, and lines that may wait for syslogd.
const QUEUE_MAX: usize = 16_384;
/// The longest of ISC's texts, a located message; others are shorter already.
const TEXT_MAX: usize = 4_095;
/// A loss is reported when the log has caught up; while it does not, so often.
const LOSS_REPORT: Duration = Duration::from_secs(10);
/// How often a syslogd that is away is looked for.
const RECONNECT: Duration = Duration::from_millis(250);
/// How long one wait for room in syslogd's socket may keep new lines from standard error.
const ROOM: u16 = 20;

enum Entry {
    Line {
        line: Line,
        stderr: bool,
        syslog: bool,
    },
    /// `log-facility`: for the lines that follow.
    Facility(Facility),
}

#[derive(Default)]
struct Queue {
    entries: VecDeque<Entry>,
    lost: u64,
    /// Lines ever put in, and lines of those that are dealt with.
    put: u64,
    written: u64,
    stderr: bool,
    closed: bool,
    serving: bool,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    filled: Condvar,
    emptied: Condvar,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Handle of the log thread.
#[derive(Clone)]
pub struct OperatorLog {
    shared: Arc<Shared>,
}

/// Who speaks, and where syslogd listens.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The program's file name.
    pub program: String,
    pub pid: u32,
    /// `/dev/log`
    pub socket: PathBuf,
}

impl OperatorLog {
    /// Starts the thread; lines go to standard error and to syslog's daemon facility.
    pub fn start(identity: Identity) -> io::Result<OperatorLog> {
        let shared = Arc::new(Shared::default());
        shared.queue().stderr = true;
        let mut writer = Writer::new(identity, shared.clone());
        std::thread::Builder::new().name("log".to_owned()).spawn(move || writer.run())?;
        Ok(OperatorLog { shared })
    }

    pub fn put(&self, line: Line) {
        self.enqueue(line, true);
    }

    /// For the second banner, which ISC says into the new facility only.
    pub fn put_to_syslog_only(&self, line: Line) {
        self.enqueue(line, false);
    }

    fn enqueue(&self, line: Line, stderr: bool) {
        let mut queue = self.shared.queue();
        while queue.entries.len() >= QUEUE_MAX {
            if queue.serving || queue.closed {
                queue.lost += 1;
                return;
            }
            queue = self.shared.emptied.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        let stderr = stderr && queue.stderr;
        // The thread waits only for an empty queue to fill. While serving, a whole turn's lines wake it once.
        let wake = queue.entries.is_empty() && !queue.serving;
        queue.put += 1;
        queue.entries.push_back(Entry::Line { line, stderr, syslog: true });
        drop(queue);
        if wake {
            self.shared.filled.notify_one();
        }
    }

    /// Service begins: from now on lines wait for [`OperatorLog::wake`], and a full queue loses lines. Before, a bad configuration may have more to say than the queue holds, and
    /// nobody is kept waiting.
    pub fn serving(&self) {
        self.shared.queue().serving = true;
    }

    /// The end of a turn: lets the thread write what the turn has said.
    pub fn wake(&self) {
        if !self.shared.queue().entries.is_empty() {
            self.shared.filled.notify_one();
        }
    }

    /// Whether lines from now on go to standard error.
    pub fn to_stderr(&self, on: bool) {
        self.shared.queue().stderr = on;
    }

    /// The facility of lines from now on, as syslog.h numbers it (`log-facility`); unknown numbers change nothing.
    pub fn set_facility(&self, number: u8) {
        let Some(facility) = facility(number) else { return };
        let mut queue = self.shared.queue();
        queue.put += 1;
        queue.entries.push_back(Entry::Facility(facility));
        drop(queue);
        self.shared.filled.notify_one();
    }

    /// Waits until what was put in is out, at most so long.
    pub fn flush(&self, at_most: Duration) {
        let begin = Instant::now();
        let mut queue = self.shared.queue();
        let target = queue.put;
        self.shared.filled.notify_one();
        while queue.written < target {
            let Some(left) = at_most.checked_sub(begin.elapsed()) else { return };
            queue = self.shared.emptied.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// `log-facility` value to the crate's name for it.
fn facility(number: u8) -> Option<Facility> {
    Some(match number >> 3 {
        0 => Facility::LOG_KERN,
        1 => Facility::LOG_USER,
        2 => Facility::LOG_MAIL,
        3 => Facility::LOG_DAEMON,
        4 => Facility::LOG_AUTH,
        5 => Facility::LOG_SYSLOG,
        6 => Facility::LOG_LPR,
        7 => Facility::LOG_NEWS,
        8 => Facility::LOG_UUCP,
        9 => Facility::LOG_CRON,
        10 => Facility::LOG_AUTHPRIV,
        11 => Facility::LOG_FTP,
        16 => Facility::LOG_LOCAL0,
        17 => Facility::LOG_LOCAL1,
        18 => Facility::LOG_LOCAL2,
        19 => Facility::LOG_LOCAL3,
        20 => Facility::LOG_LOCAL4,
        21 => Facility::LOG_LOCAL5,
        22 => Facility::LOG_LOCAL6,
        23 => Facility::LOG_LOCAL7,
        _ => return None,
    })
}

/// A line on its way to syslogd, with the time at which it was said.
struct Stamped {
    facility: Facility,
    priority: Priority,
    time: i64,
    octets: Vec<u8>,
}

/// The thread's side.
struct Writer {
    identity: Identity,
    shared: Arc<Shared>,
    facility: Facility,
    connection: Option<syslog::Logger<LoggerBackend, LocalTime>>,
    tried: Option<Instant>,
    pending: VecDeque<Stamped>,
    /// Datagrams being sent; kept for their buffers.
    texts: Vec<Vec<u8>>,
    /// Lines that syslog, and that standard error, did not get and was not told of.
    lost: (u64, u64),
    /// When a loss was last reported.
    reported: Option<Instant>,
}

impl Writer {
    fn new(identity: Identity, shared: Arc<Shared>) -> Writer {
        Writer {
            identity,
            shared,
            facility: Facility::LOG_DAEMON,
            connection: None,
            tried: None,
            pending: VecDeque::new(),
            texts: Vec::new(),
            lost: (0, 0),
            reported: None,
        }
    }

    fn run(&mut self) {
        let mut entries = VecDeque::new();
        loop {
            let (lost, taken, closed) = self.take(&mut entries);
            let time = chrono::Local::now().timestamp();
            let mut stderr = io::stderr().lock();
            for entry in entries.drain(..) {
                self.deal_with(entry, time, &mut stderr);
            }
            self.lost.0 += lost;
            if taken.1 {
                self.lost.1 += lost;
            }
            self.report_lost(&mut stderr);
            drop(stderr);
            self.drain_pending();
            if self.pending.is_empty() && self.lost.0 > 0 {
                // The log has caught up.
                self.report_lost(&mut io::stderr().lock());
                self.drain_pending();
            }
            // A syslogd that is away does not keep anybody waiting.
            let waiting = if self.connection.is_some() { self.pending.len() as u64 } else { 0 };
            let mut queue = self.shared.queue();
            queue.written = taken.0.saturating_sub(waiting);
            drop(queue);
            self.shared.emptied.notify_all();
            if closed {
                return;
            }
        }
    }

    /// Waits for entries, or for the moment to try syslogd again. Gives what was lost, the count put in so far with
    /// whether standard error is in use, and whether this is the end.
    fn take(&self, into: &mut VecDeque<Entry>) -> (u64, (u64, bool), bool) {
        let mut queue = self.shared.queue();
        while queue.entries.is_empty() && queue.lost == 0 && !queue.closed {
            if self.pending.is_empty() {
                queue = self.shared.filled.wait(queue).unwrap_or_else(PoisonError::into_inner);
            } else {
                let pause = if self.connection.is_some() { Duration::from_millis(1) } else { RECONNECT };
                queue =
                    self.shared.filled.wait_timeout(queue, pause).unwrap_or_else(PoisonError::into_inner).0;
                break;
            }
        }
        std::mem::swap(&mut queue.entries, into);
        (std::mem::take(&mut queue.lost), (queue.put, queue.stderr), queue.closed)
    }

    fn deal_with(&mut self, entry: Entry, time: i64, stderr: &mut impl Write) {
        match entry {
            Entry::Facility(facility) => self.facility = facility,
            Entry::Line { line, stderr: to_stderr, syslog } => {
                let mut octets = line.octets().into_owned();
                octets.truncate(TEXT_MAX);
                if to_stderr {
                    octets.push(b'\n');
                    // Nobody to tell.
                    let _ = stderr.write_all(&octets);
                    octets.pop();
                }
                if !syslog || line.reach == Reach::StandardErrorOnly {
                    return;
                }
                if self.pending.len() >= QUEUE_MAX {
                    self.lost.0 += 1;
                    return;
                }
                self.pending.push_back(Stamped {
                    facility: self.facility,
                    priority: line.priority,
                    time,
                    octets,
                });
            }
        }
    }

    /// Sends what syslogd takes now.
    fn drain_pending(&mut self) {
        let mut waited = false;
        while !self.pending.is_empty() {
            if self.connection.is_none() && !connect(&self.identity, &mut self.connection, &mut self.tried) {
                return;
            }
            let Some(connection) = &mut self.connection else { return };
            match send(connection, &self.pending, &mut self.texts) {
                Ok(count) => {
                    self.pending.drain(..count);
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock if !waited => {
                        waited = true;
                        wait_for_room(connection);
                    }
                    io::ErrorKind::WouldBlock => return,
                    _ if error.raw_os_error() == Some(nix::libc::EMSGSIZE) => {
                        self.pending.pop_front();
                    }
                    _ if error.raw_os_error() == Some(nix::libc::ENOBUFS) => return,
                    // syslogd has gone, perhaps to come back: the line waits.
                    _ => {
                        self.connection = None;
                        if self.tried.is_some_and(|tried| tried.elapsed() < RECONNECT) {
                            return;
                        }
                    }
                },
            }
        }
    }

    fn report_lost(&mut self, stderr: &mut impl Write) {
        if self.lost == (0, 0) || self.pending.len() >= QUEUE_MAX {
            return;
        }
        let due = self.pending.is_empty() || self.reported.is_none_or(|last| last.elapsed() >= LOSS_REPORT);
        if !due {
            return;
        }
        self.reported = Some(Instant::now());
        let (syslog, standard_error) = std::mem::take(&mut self.lost);
        if standard_error > 0 {
            // Nobody to tell.
            let _ = writeln!(stderr, "{}", message::lines_lost(standard_error).text);
        }
        if syslog > 0 {
            let Line { priority, text, .. } = message::lines_lost(syslog);
            let time = chrono::Local::now().timestamp();
            let octets = text.into_bytes();
            self.pending.push_back(Stamped { facility: self.facility, priority, time, octets });
        }
    }
}

fn connect(
    identity: &Identity,
    connection: &mut Option<syslog::Logger<LoggerBackend, LocalTime>>,
    tried: &mut Option<Instant>,
) -> bool {
    if tried.is_some_and(|tried| tried.elapsed() < RECONNECT) {
        return false;
    }
    *tried = Some(Instant::now());
    let format = LocalTime {
        program: identity.program.clone(),
        pid: identity.pid,
        stamp: RefCell::default(),
        buffer: RefCell::default(),
    };
    let Ok(logger) = syslog::unix_custom(format, &identity.socket) else { return false };
    let ready = match &logger.backend {
        LoggerBackend::Unix(socket) => socket.set_nonblocking(true),
        // An old syslog-ng: a stream; it may hold this thread up for a second at a time.
        LoggerBackend::UnixStream(stream) => stream.get_ref().set_write_timeout(Some(Duration::from_secs(1))),
        _ => Ok(()),
    };
    *connection = Some(logger);
    ready.is_ok()
}

fn wait_for_room(connection: &syslog::Logger<LoggerBackend, LocalTime>) {
    if let LoggerBackend::Unix(socket) = &connection.backend {
        let mut fds = [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)];
        // An error shows at the next send.
        let _ = poll(&mut fds, PollTimeout::from(ROOM));
    }
}

/// Lines that go with one call.
const TOGETHER: usize = 32;

/// Sends the first lines, as many as syslogd takes of those that go together. Gives how many that was.
fn send(
    connection: &mut syslog::Logger<LoggerBackend, LocalTime>,
    pending: &VecDeque<Stamped>,
    texts: &mut Vec<Vec<u8>>,
) -> io::Result<usize> {
    let LoggerBackend::Unix(socket) = &connection.backend else {
        let Some(first) = pending.front() else { return Ok(0) };
        format(&connection.formatter, &mut connection.backend, first)?;
        return Ok(1);
    };
    let count = pending.len().min(TOGETHER);
    texts.resize_with(texts.len().max(count), Vec::new);
    for (text, stamped) in texts.iter_mut().zip(pending) {
        text.clear();
        format(&connection.formatter, text, stamped)?;
    }
    let slices: Vec<[IoSlice; 1]> = texts.iter().take(count).map(|text| [IoSlice::new(text)]).collect();
    let mut headers = MultiHeaders::<()>::preallocate(count, None);
    let addresses = [None; TOGETHER];
    let sent = sendmmsg(
        socket.as_raw_fd(),
        &mut headers,
        slices.iter(),
        addresses,
        [],
        MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL,
    )?;
    Ok(sent.count())
}

fn format(formatter: &LocalTime, into: &mut impl Write, stamped: &Stamped) -> io::Result<()> {
    let severity = match stamped.priority {
        Priority::Error => Severity::LOG_ERR,
        Priority::Info => Severity::LOG_INFO,
        Priority::Debug => Severity::LOG_DEBUG,
    };
    formatter.format(into, severity, stamped).map_err(|error| match error {
        syslog::Error::Write(error) | syslog::Error::Io(error) => error,
        other => io::Error::other(other.to_string()),
    })
}

/// RFC 3164 as glibc's syslog(3) writes it: local time, no host name.
struct LocalTime {
    program: String,
    pid: u32,
    /// The second last written and its text.
    stamp: RefCell<(i64, String)>,
    buffer: RefCell<Vec<u8>>,
}

impl LogFormat<&Stamped> for LocalTime {
    fn format<W: Write>(&self, w: &mut W, severity: Severity, line: &Stamped) -> syslog::Result<()> {
        let mut stamp = self.stamp.borrow_mut();
        if stamp.1.is_empty() || stamp.0 != line.time {
            *stamp = (line.time, local(line.time));
        }
        let mut buffer = self.buffer.borrow_mut();
        buffer.clear();
        let priority = severity as u8 | line.facility as u8;
        write!(buffer, "<{priority}>{} {}[{}]: ", stamp.1, self.program, self.pid)
            .map_err(syslog::Error::Write)?;
        buffer.extend_from_slice(&line.octets);
        // One write, one datagram.
        w.write(&buffer).map(|_| ()).map_err(syslog::Error::Write)
    }
}

fn local(time: i64) -> String {
    use chrono::TimeZone;
    let at = chrono::Local.timestamp_opt(time, 0).earliest().unwrap_or_else(chrono::Local::now);
    at.format("%b %e %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixDatagram;

    fn identity(socket: PathBuf) -> Identity {
        Identity { program: "dhcpd".to_owned(), pid: 42, socket }
    }

    fn start(directory: &tempfile::TempDir) -> (OperatorLog, UnixDatagram) {
        let path = directory.path().join("log");
        let reader = UnixDatagram::bind(&path).expect("bound");
        reader.set_read_timeout(Some(Duration::from_secs(5))).expect("set");
        let log = OperatorLog::start(identity(path)).expect("started");
        log.to_stderr(false);
        (log, reader)
    }

    fn receive(reader: &UnixDatagram) -> String {
        let mut buffer = [0; 2048];
        let length = reader.recv(&mut buffer).expect("a line");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }

    /// Priority and what stands behind the time, which is 15 octets long.
    fn parts(line: &str) -> (String, String) {
        let (priority, rest) = line.split_once('>').expect("a priority");
        (priority[1..].to_owned(), rest[16..].to_owned())
    }

    #[test]
    fn lines_look_like_glibcs() {
        let directory = tempfile::tempdir().expect("a directory");
        let (log, reader) = start(&directory);
        log.put(Line::info("hello"));
        log.put(Line::error("bad"));
        log.set_facility(23 << 3);
        log.put(Line::debug("later"));
        let parts: Vec<_> = (0..3).map(|_| parts(&receive(&reader))).collect();
        let expected = [("30", "dhcpd[42]: hello"), ("27", "dhcpd[42]: bad"), ("191", "dhcpd[42]: later")];
        assert_eq!(parts, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }

    #[test]
    fn a_restarted_syslogd_gets_the_lines_that_waited() {
        let directory = tempfile::tempdir().expect("a directory");
        let (log, reader) = start(&directory);
        log.put(Line::info("one"));
        assert!(receive(&reader).ends_with("one"));
        drop(reader);
        std::fs::remove_file(directory.path().join("log")).expect("removed");
        log.put(Line::info("two"));
        log.put(Line::info("three"));
        log.flush(Duration::from_secs(2));
        let reader = UnixDatagram::bind(directory.path().join("log")).expect("bound");
        reader.set_read_timeout(Some(Duration::from_secs(5))).expect("set");
        assert!(receive(&reader).ends_with("two"));
        assert!(receive(&reader).ends_with("three"));
    }

    #[test]
    fn a_reader_that_stops_blocks_nobody_and_the_loss_is_reported() {
        let directory = tempfile::tempdir().expect("a directory");
        let (log, reader) = start(&directory);
        let begin = Instant::now();
        let total = 3 * QUEUE_MAX;
        for number in 0..total {
            log.put(Line::info(format!("line {number}")));
        }
        log.flush(Duration::from_millis(100));
        assert!(begin.elapsed() < Duration::from_secs(5));
        let mut lost = None;
        let mut seen = 0;
        while lost.is_none() && seen < total {
            let line = receive(&reader);
            if let Some(at) = line.find(" log lines were lost") {
                lost = line[..at].rsplit(' ').next().and_then(|number| number.parse::<usize>().ok());
            } else {
                seen += 1;
            }
        }
        assert!(lost.is_some_and(|lost| lost > 0 && lost + seen <= total), "{lost:?} {seen}");
    }

    #[test]
    fn no_syslogd_keeps_nobody_waiting() {
        let log = OperatorLog::start(identity("/nonexistent/log".into())).expect("started");
        log.to_stderr(false);
        log.put(Line::info("into the void"));
        let begin = Instant::now();
        log.flush(Duration::from_secs(5));
        assert!(begin.elapsed() < Duration::from_secs(1));
    }

    #[test]
    fn long_texts_end_where_iscs_do_and_octets_pass_unchanged() {
        let directory = tempfile::tempdir().expect("a directory");
        let (log, reader) = start(&directory);
        log.put(Line::info("x".repeat(2000)));
        assert_eq!(receive(&reader).matches('x').count(), 1023);
        log.put(Line::info(crate::log::text_of(b"h\xe9")));
        let mut buffer = [0; 2048];
        let length = reader.recv(&mut buffer).expect("a line");
        assert!(buffer[..length].ends_with(b": h\xe9"));
    }

    #[test]
    fn a_line_may_be_for_standard_error_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let (log, reader) = start(&directory);
        log.put(Line { reach: Reach::StandardErrorOnly, ..Line::error("^") });
        log.put(Line::info("next"));
        assert!(receive(&reader).ends_with(": next"));
    }
}
