//! The loop that joins I/O to the core. One turn takes a bounded number of events from every source: the journal's
//! reports first, then TCP streams, signals, due timers and echo replies, packets last; then the core's effects go out together, the
//! records as one batch for the journal and the datagrams as one system call a socket.

mod clock;
mod ears;

pub use clock::Clock;
pub use ears::Ears;

use super::execute::Programs;
use super::host_name::HostNames;
use super::operator_log::OperatorLog;
use super::resolve::Refresh;
use super::streams::{Listeners, Share, Streams};
use super::{message, trace};
use crate::clock::Now;
use crate::journal::{Batch, Journal, Report};
use crate::net::icmp::IcmpSocket;
use crate::net::message as net_message;
use crate::net::outbox::{Outbox, Sockets};
use crate::net::packet_socket::{self, PacketSocket};
use crate::server::effect::{Effect, Effects, StreamEffect};
use crate::server::event::{Event, InterfaceId};
use std::future::{Future, poll_fn};
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Echo replies taken in one turn.
const ECHO_REPLIES: usize = 64;

/// Texts of lines that are kept for new ones.
const SPARE_TEXTS: usize = 1024;

/// Octets that may wait for the journal's disk before timers, and with them the slices of a rewrite, come less often; and
/// microseconds between two of them then.
const BACKLOG: usize = 4 << 20;
const BACKLOG_PAUSE: u64 = 20_000;

/// The core, as the loop sees it.
pub trait Core {
    fn handle(&mut self, now: Now, event: Event<'_>, out: &mut Effects);
    /// Monotonic microseconds at which it wants `Event::Timer`.
    fn next_deadline(&self) -> Option<u64>;
}

/// Everything the loop owns besides the core.
pub struct Shell {
    pub clock: Clock,
    pub sockets: Sockets,
    pub icmp: Option<IcmpSocket>,
    pub listeners: Listeners,
    pub journal: Journal,
    /// What the journal's thread wakes, and what waits for it.
    pub ears: Ears,
    pub log: OperatorLog,
    /// Host names of the configuration, looked up again from time to time.
    pub names: Arc<Refresh>,
}

/// Runs until the core asks to leave; gives the exit status. `ready` is called when nothing of the set-up can fail any
/// more; what it returns as an error is fatal.
pub fn run<C: Core>(
    core: &mut C,
    shell: Shell,
    ready: impl FnOnce() -> Result<(), String>,
) -> Result<i32, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| message::no_event_loop(&net_message::reason(&e)))?;
    runtime.block_on(async {
        let mut turns = Turns::new(shell).map_err(|e| message::no_event_loop(&net_message::reason(&e)))?;
        ready()?;
        Ok(turns.run(core).await)
    })
}

/// A second descriptor of a socket that lives in [`Shell`].
type Watched = AsyncFd<OwnedFd>;

#[allow(unsafe_code)]
fn watch(socket: BorrowedFd<'_>) -> io::Result<Watched> {
    let descriptor = socket.try_clone_to_owned()?;
    // SAFETY: an `OwnedFd` is open, and names one file, as long as the `AsyncFd` that owns it lives.
    unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) }.map_err(io::Error::from)
}

fn watch_both(socket: &PacketSocket) -> io::Result<[Watched; 2]> {
    let [rest, discovers] = socket.descriptors();
    Ok([watch(rest)?, watch(discovers)?])
}

struct Turns {
    /// Of each interface: what is not a DISCOVER, and DISCOVERs.
    packets: Vec<[Watched; 2]>,
    echoes: Option<Watched>,
    terminate: Signal,
    interrupt: Signal,
    child: Signal,
    programs: Programs,
    host_names: HostNames,
    streams: Streams,
    shell: Shell,
    effects: Effects,
    batch: Batch,
    outbox: Outbox,
    frames: packet_socket::Batch,
    reports: Vec<Report>,
    /// The interface whose turn it is to be read first.
    first: usize,
    /// Monotonic microseconds of the last timer event.
    last_timer: u64,
    watch: clock::Watch,
    exit: Option<i32>,
}

impl Turns {
    fn new(mut shell: Shell) -> io::Result<Turns> {
        Ok(Turns {
            streams: Streams::new(std::mem::take(&mut shell.listeners), shell.ears.answers.clone())?,
            packets: shell.sockets.packet.iter().map(watch_both).collect::<io::Result<_>>()?,
            echoes: shell.icmp.as_ref().map(|s| watch(s.as_fd())).transpose()?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            child: signal(SignalKind::child())?,
            programs: Programs::default(),
            host_names: HostNames::default(),
            batch: shell.journal.batch(),
            shell,
            effects: Effects::default(),
            outbox: Outbox::default(),
            frames: packet_socket::Batch::default(),
            reports: Vec::new(),
            first: 0,
            last_timer: 0,
            watch: clock::Watch::default(),
            exit: None,
        })
    }

    async fn run<C: Core>(&mut self, core: &mut C) -> i32 {
        loop {
            self.shell.log.wake();
            let deadline = self.deadline(core);
            let woken = self.wait(deadline).await;
            self.turn(core, woken);
            if let Some(status) = self.exit {
                return status;
            }
            // A flood of packets must not keep the selector from seeing signals.
            tokio::task::yield_now().await;
        }
    }

    /// When the core's next timer is due; later when the disk does not keep up.
    fn deadline<C: Core>(&self, core: &C) -> Option<u64> {
        let deadline = core.next_deadline()?;
        let behind = self.shell.journal.backlog() > BACKLOG;
        Some(if behind { deadline.max(self.last_timer + BACKLOG_PAUSE) } else { deadline })
    }

    /// Sleeps until there is something to do.
    async fn wait(&mut self, deadline: Option<u64>) -> Woken {
        let mut woken = Woken::default();
        let Turns { packets, echoes, terminate, interrupt, child, shell, host_names, streams, .. } = self;
        let due = deadline.map(|mono| tokio::time::Instant::from_std(shell.clock.instant(mono)));
        let timer = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        let readable = poll_fn(|context| poll_sockets(context, packets, echoes.as_ref()));
        tokio::select! {
            // Signals are rare, and seen only here; the rest is looked at in every turn.
            biased;
            _ = terminate.recv() => woken.shutdown = true,
            _ = interrupt.recv() => woken.shutdown = true,
            _ = child.recv() => woken.child = true,
            () = shell.names.ready() => {}
            () = host_names.ready() => {}
            () = shell.ears.wake.notified() => {}
            () = streams.ready() => {}
            () = timer => {}
            () = readable => {}
        }
        woken
    }

    fn turn<C: Core>(&mut self, core: &mut C, woken: Woken) {
        let (now, ahead) = self.shell.clock.reading();
        if let Some(seconds) = self.watch.moved(now.mono, ahead) {
            core.handle(now, Event::ClockSet(seconds), &mut self.effects);
        }
        self.journal_reports(core, now);
        let mut share = Share::default();
        while let Some(happened) = self.streams.next(&mut share) {
            let event = Event::Stream { stream: happened.stream, event: happened.event() };
            core.handle(now, event, &mut self.effects);
        }
        if let Some(table) = self.shell.names.take() {
            core.handle(now, Event::HostNames(table), &mut self.effects);
        }
        for (address, name) in self.host_names.take() {
            core.handle(now, Event::NameFound { address, name }, &mut self.effects);
        }
        if woken.shutdown {
            core.handle(now, Event::Shutdown, &mut self.effects);
        }
        if woken.child {
            self.programs.reap(&mut |line| trace::say(&line));
        }
        if self.deadline(core).is_some_and(|deadline| deadline <= now.mono) {
            self.last_timer = now.mono;
            core.handle(now, Event::Timer, &mut self.effects);
        }
        self.echo_replies(core, now);
        self.datagrams(core, now);
        self.carry_out();
    }

    fn journal_reports<C: Core>(&mut self, core: &mut C, now: Now) {
        self.shell.journal.reports(&mut self.reports);
        for report in self.reports.drain(..) {
            tracing::trace!(?report, "journal");
            if let Report::Durable(sequence) = report {
                self.shell.ears.answers.rest(sequence);
            }
            core.handle(now, event_of(report), &mut self.effects);
        }
    }

    fn echo_replies<C: Core>(&mut self, core: &mut C, now: Now) {
        let (Some(watched), Some(socket)) = (&self.echoes, &self.shell.icmp) else { return };
        for _ in 0..ECHO_REPLIES {
            let mut reply = None;
            let received = ready_io(watched, || {
                reply = socket.reply()?;
                Ok(false)
            });
            match received {
                None => return,
                Some(Ok(_)) => {
                    if let Some(address) = reply {
                        core.handle(now, Event::EchoReply(address), &mut self.effects);
                    }
                }
                Some(Err(error)) => {
                    trace::say(&net_message::echo_reply_failed(&error));
                    return;
                }
            }
        }
    }

    /// One batch for all interfaces together, each turn beginning with another one.
    fn datagrams<C: Core>(&mut self, core: &mut C, now: Now) {
        let interfaces = self.packets.len();
        let mut left = packet_socket::BATCH;
        for step in 0..interfaces {
            let at = (self.first + step) % interfaces;
            if left == 0 {
                break;
            }
            // A few more DISCOVERs than that may be among them.
            left = left.saturating_sub(self.datagrams_of(at, left, core, now));
        }
        self.first = if interfaces > 0 { (self.first + 1) % interfaces } else { 0 };
    }

    fn datagrams_of<C: Core>(&mut self, at: usize, at_most: usize, core: &mut C, now: Now) -> usize {
        let (Some([rest, discovers]), Some(socket)) =
            (self.packets.get(at), self.shell.sockets.packet.get(at))
        else {
            return 0;
        };
        let frames = &mut self.frames;
        frames.clear();
        let received = ready_io(rest, || socket.receive(frames, at_most));
        let found = ready_io(discovers, || socket.receive_discovers(frames, at_most));
        // What ails an interface ails both: one line.
        if let Some(error) = [received, found].into_iter().flatten().find_map(Result::err) {
            trace::say(&net_message::receive_failed(&socket.name, &error));
        }
        let count = self.frames.count();
        tracing::trace!(count, interface = %socket.name, "datagrams");
        for index in 0..count {
            let Some(received) = self.frames.datagram(index, &mut |line| trace::say(&line)) else { continue };
            let event = Event::Datagram {
                interface: Some(InterfaceId(at as u16)),
                source: received.source,
                destination: received.destination,
                link_source: received.link_source,
                payload: received.payload,
            };
            core.handle(now, event, &mut self.effects);
        }
        count
    }

    /// Carries out what the core asked for during the turn, and forgets it.
    fn carry_out(&mut self) {
        let Effects { list, bytes, spare, .. } = &mut self.effects;
        let octets = |range: std::ops::Range<usize>| bytes.get(range).unwrap_or_default();
        for effect in list.drain(..) {
            match effect {
                Effect::Send(send) => {
                    self.outbox.add(&send, octets(send.payload.clone()), &self.shell.sockets);
                }
                Effect::Append { sequence, record } => self.batch.append(sequence, octets(record)),
                Effect::Log(line) => {
                    trace::say(&line);
                    spare.push(line.text);
                }
                Effect::Ping(address) => ping(self.shell.icmp.as_ref(), address),
                Effect::FindName(address) => self.host_names.find(address),
                Effect::RewriteBegin => self.batch.rewrite_begin(),
                Effect::RewriteChunk(records) => self.batch.rewrite_chunk(octets(records)),
                Effect::RewriteEnd => self.batch.rewrite_end(),
                Effect::Stream { stream, effect } => {
                    let written = match &effect {
                        StreamEffect::Write(range) | StreamEffect::WriteOnceDurable { octets: range, .. } => {
                            octets(range.clone())
                        }
                        _ => &[],
                    };
                    self.streams.carry_out(stream, &effect, written);
                }
                Effect::Execute(words) => self.programs.start(words, &mut |line| trace::say(&line)),
                Effect::Exit(status) => {
                    if status != 0 {
                        message::closing().iter().for_each(trace::say);
                    }
                    self.exit = Some(status);
                }
            }
        }
        bytes.clear();
        spare.truncate(SPARE_TEXTS);
        self.shell.journal.submit(&mut self.batch);
        if !self.outbox.is_empty() {
            self.outbox.flush(&self.shell.sockets, &mut |line| trace::say(&line));
        }
    }
}

/// What the journal says, for the core.
pub fn event_of(report: Report) -> Event<'static> {
    match report {
        Report::Durable(sequence) => Event::Durable(sequence),
        Report::Failed(text) => Event::JournalFailed(text),
        Report::RewriteDone(result) => Event::RewriteDone(result),
        Report::Say(line) => Event::Say(line),
    }
}

fn ping(socket: Option<&IcmpSocket>, address: Ipv4Addr) {
    // Without a socket every address looks free, as in ISC.
    if let Some(Err(error)) = socket.map(|socket| socket.request(address)) {
        trace::say(&net_message::echo_request_failed(address, &error));
    }
}

/// What ended a wait, of the sources that cannot be asked again.
#[derive(Default)]
struct Woken {
    shutdown: bool,
    child: bool,
}

fn poll_sockets(context: &mut Context<'_>, packets: &[[Watched; 2]], echoes: Option<&Watched>) -> Poll<()> {
    let mut any = Poll::Pending;
    for socket in packets.iter().flatten().chain(echoes) {
        // Ready, or in an error state that reading will tell.
        if socket.poll_read_ready(context).is_ready() {
            any = Poll::Ready(());
        }
    }
    any
}

/// Does the I/O if the descriptor is known to be ready, and takes note when it is exhausted: when the I/O would block, and
/// when it answers true. None: nothing was there.
fn ready_io(watched: &Watched, io: impl FnOnce() -> io::Result<bool>) -> Option<io::Result<bool>> {
    let mut guard = match poll_once(watched.readable())? {
        Ok(guard) => guard,
        Err(error) => return Some(Err(error)),
    };
    let result = guard.try_io(|_| io()).ok()?;
    if let Ok(true) = result {
        guard.clear_ready();
    }
    Some(result)
}

/// The value of a future that is ready now.
fn poll_once<F: Future>(future: F) -> Option<F::Output> {
    let mut context = Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).as_mut().poll(&mut context) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

#[cfg(test)]
mod tests;
