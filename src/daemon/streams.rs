//! TCP for the core: listening sockets, accepted and opened connections, bounded both ways. It knows octets and stream
//! numbers; what they mean is the core's business ([`crate::stream`]).
//!
//! Each connection is a task. What it reads goes through one channel that holds little: a connection reads on only when the
//! loop takes things out, so that a flood of octets waits in the sender's kernel and memory stays level.

mod answers;
mod connection;
mod listening;

pub use answers::Answers;
pub use listening::{Listeners, open};

use crate::server::effect::{StreamEffect, StreamId};
use crate::server::event::{Listener, StreamEvent};
use connection::{Connection, Outgoing};
use std::collections::{BTreeMap, VecDeque};
use std::io::ErrorKind;
use std::net::SocketAddrV4;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// Octets of one read, and of all streams in one turn.
const READ: usize = 4096;
const TURN_OCTETS: usize = 16 << 10;
/// Events of one turn.
const TURN_EVENTS: usize = 64;
/// Reads that wait for the loop, of all streams together.
const WAITING: usize = 64;
/// Octets that may wait to be written to one stream; whoever does not read them is dropped.
const UNSENT: usize = 4 << 20;
/// Accepted connections that are open at once. Above that callers wait in the kernel's queue.
const ACCEPTED: usize = 512;

/// What a task has for the loop.
#[derive(Debug)]
enum Arrived {
    Accepted { listener: Listener, source: SocketAddrV4, stream: TcpStream },
    Connected,
    ConnectFailed(ErrorKind),
    Received(Vec<u8>),
    Closed(Option<ErrorKind>),
}

/// What a turn gives to the core. Octets are owned here and borrowed by the event.
#[derive(Debug)]
pub struct Happened {
    pub stream: StreamId,
    what: What,
}

#[derive(Debug)]
enum What {
    Accepted { listener: Listener, source: SocketAddrV4 },
    Connected,
    ConnectFailed { error: ErrorKind, is_local: bool },
    Received(Vec<u8>),
    Closed(Option<ErrorKind>),
}

impl Happened {
    pub fn event(&self) -> StreamEvent<'_> {
        match &self.what {
            What::Accepted { listener, source } => {
                StreamEvent::Accepted { listener: *listener, source: *source }
            }
            What::Connected => StreamEvent::Connected,
            What::ConnectFailed { error, is_local } => {
                StreamEvent::ConnectFailed { error: *error, is_local: *is_local }
            }
            What::Received(octets) => StreamEvent::Received(octets),
            What::Closed(reason) => StreamEvent::Closed(*reason),
        }
    }
}

/// All connections of the loop. Made inside the runtime.
pub struct Streams {
    open: BTreeMap<StreamId, Connection>,
    sender: mpsc::Sender<(StreamId, Arrived)>,
    arrived: mpsc::Receiver<(StreamId, Arrived)>,
    /// What came of an effect at once, and what a wait has taken out of the channel.
    first: VecDeque<(StreamId, Arrived)>,
    failed: VecDeque<Happened>,
    accepted: Arc<AtomicUsize>,
    /// What waits for the journal.
    answers: Answers,
}

/// Counts an accepted connection for as long as its task lives.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Streams {
    /// Accepts on these sockets from now on, and goes on trying those that could not be opened.
    pub fn new(listeners: Listeners, answers: Answers) -> std::io::Result<Streams> {
        let (sender, arrived) = mpsc::channel(WAITING);
        let accepted = Arc::new(AtomicUsize::new(0));
        listeners.serve(&sender, &accepted)?;
        let (first, failed) = (VecDeque::new(), VecDeque::new());
        Ok(Streams { open: BTreeMap::new(), sender, arrived, first, failed, accepted, answers })
    }

    /// Waits until there is something for [`Streams::next`].
    pub async fn ready(&mut self) {
        if self.failed.is_empty()
            && self.first.is_empty()
            && let Some(arrived) = self.arrived.recv().await
        {
            self.first.push_back(arrived);
        }
    }

    /// The next thing that happened; none when nothing did, or the turn has had its share.
    pub fn next(&mut self, share: &mut Share) -> Option<Happened> {
        while share.events > 0 && share.octets > 0 {
            if let Some(failed) = self.failed.pop_front() {
                share.events -= 1;
                return Some(failed);
            }
            let (stream, arrived) = self.first.pop_front().or_else(|| self.arrived.try_recv().ok())?;
            if let Some(what) = self.take(stream, arrived) {
                share.events -= 1;
                if let What::Received(octets) = &what {
                    share.octets = share.octets.saturating_sub(octets.len());
                }
                return Some(Happened { stream, what });
            }
        }
        None
    }

    /// None: the core has closed this stream meanwhile.
    fn take(&mut self, stream: StreamId, arrived: Arrived) -> Option<What> {
        if let Arrived::Accepted { listener, source, stream: socket } = arrived {
            let place = Place(self.accepted.clone());
            let connection = Connection::accepted(stream, socket, self.sender.clone(), place);
            self.open.insert(stream, connection);
            return Some(What::Accepted { listener, source });
        }
        if !self.open.contains_key(&stream) {
            return None;
        }
        Some(match arrived {
            Arrived::Accepted { .. } => return None,
            Arrived::Connected => What::Connected,
            Arrived::ConnectFailed(error) => {
                self.open.remove(&stream);
                What::ConnectFailed { error, is_local: false }
            }
            Arrived::Received(octets) => What::Received(octets),
            Arrived::Closed(reason) => {
                self.open.remove(&stream);
                What::Closed(reason)
            }
        })
    }

    /// Carries out an effect. `octets`: those of a write.
    pub fn carry_out(&mut self, stream: StreamId, effect: &StreamEffect, octets: &[u8]) {
        match effect {
            StreamEffect::Connect { local, remote } => self.connect(stream, *local, *remote),
            StreamEffect::Write(_) => {
                if let Some(outgoing) = self.room(stream, octets.len()) {
                    outgoing.write(octets);
                }
            }
            StreamEffect::Close => {
                if let Some(connection) = self.open.remove(&stream) {
                    connection.finish();
                }
            }
            StreamEffect::WriteOnceDurable { sequence, .. } => {
                if let Some(outgoing) = self.room(stream, octets.len()).cloned() {
                    self.answers.add(*sequence, stream, outgoing, octets);
                }
            }
            StreamEffect::Abort => {
                self.answers.forget(stream);
                self.open.remove(&stream);
            }
        }
    }

    fn connect(&mut self, stream: StreamId, local: SocketAddrV4, remote: SocketAddrV4) {
        match connection::begin(local, remote) {
            Ok(socket) => {
                let connection = Connection::connecting(stream, socket, self.sender.clone());
                self.open.insert(stream, connection);
            }
            Err(error) => {
                let what = What::ConnectFailed { error: error.kind(), is_local: true };
                self.failed.push_back(Happened { stream, what });
            }
        }
    }

    /// The way out, unless too much waits there already: then the connection is given up.
    fn room(&mut self, stream: StreamId, octets: usize) -> Option<&Arc<Outgoing>> {
        if self.open.get(&stream)?.outgoing().unsent() + octets > UNSENT {
            self.open.remove(&stream);
            self.answers.forget(stream);
            let what = What::Closed(Some(ErrorKind::WouldBlock));
            self.failed.push_back(Happened { stream, what });
        }
        Some(self.open.get(&stream)?.outgoing())
    }
}

/// What one turn may still take.
#[derive(Debug)]
pub struct Share {
    events: usize,
    octets: usize,
}

impl Default for Share {
    fn default() -> Share {
        Share { events: TURN_EVENTS, octets: TURN_OCTETS }
    }
}

#[cfg(test)]
mod tests;
