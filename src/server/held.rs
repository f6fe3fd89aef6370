//! What may not leave yet: nothing that tells the outside goes before the record it depends on is durable, and what goes
//! to one client leaves in the order it was made.

mod export;

use super::effect::{Effect, Effects, Send, StreamEffect, StreamId};
use crate::failover::Outgoing;
use crate::failover::sabotage::{Rule, Sabotage};
use crate::log::Line;
use rustc_hash::{FxHashMap, FxHasher};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::hash::{Hash, Hasher};

/// Octets of `chaddr` in a message.
const CHADDR: std::ops::Range<usize> = 28..44;

#[derive(Debug)]
enum What {
    Reply {
        line: Line,
        send: Send,
        payload: Vec<u8>,
    },
    Execute(Vec<Vec<u8>>),
    Stream {
        stream: StreamId,
        octets: Vec<u8>,
    },
    /// Octets that the shell has, and writes when the record is durable.
    Answered(StreamId),
    /// The stream ends when what is before it has left.
    Close(StreamId),
}

/// What a stream waits for.
#[derive(Clone, Copy, Debug, Default)]
struct Waiting {
    /// The last record.
    sequence: u64,
    /// How many writes.
    count: u32,
}

enum Leaves {
    Now,
    /// When this record is durable.
    After(u64),
    /// There is no room.
    Never,
}

/// The order in which what is held leaves, the first on top: by record, then as it was made; and its place.
type Turn = Reverse<(u64, u64, usize)>;

/// Held effects by the record they wait for.
#[derive(Debug, Default)]
pub struct Held {
    /// Everything up to here is on the disk.
    durable: u64,
    made: u64,
    turns: BinaryHeap<Turn>,
    waiting: Vec<Option<What>>,
    /// Places that are free again.
    free: Vec<usize>,
    /// The record that the last reply held for a client waits for.
    clients: FxHashMap<u64, u64>,
    /// The same for a TCP stream.
    streams: FxHashMap<StreamId, Waiting>,
    /// Emptied buffers, used again.
    spare: Vec<Vec<u8>>,
    /// The disk takes nothing: what would wait is not made at all.
    refusing: bool,
    pub sabotage: Sabotage,
}

/// Buffers kept.
const SPARE: usize = 1024;
/// Effects held, at most. A disk that is slower than this gives no answers, and the clients ask again.
const MOST: usize = 65_536;
/// Of these for one stream.
const MOST_OF_STREAM: u32 = 8_192;

fn client_of(payload: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    payload.get(CHADDR).unwrap_or_default().hash(&mut hasher);
    hasher.finish()
}

impl Held {
    pub fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// A reply whose octets lie in `bytes`: leaves at once, or is kept.
    pub fn reply(&mut self, sequence: u64, line: Line, send: Send, bytes: &[u8], out: &mut Effects) {
        let payload = bytes.get(send.payload.clone()).unwrap_or_default();
        let client = client_of(payload);
        let before = self.clients.get(&client).copied().unwrap_or(0);
        let sequence = sequence.max(before);
        if sequence <= self.durable || self.sabotage.breaks(Rule::HoldUntilDurable) {
            return emit(line, send, payload, out);
        }
        if !self.has_room() {
            return;
        }
        self.clients.insert(client, sequence);
        let mut buffer = self.spare.pop().unwrap_or_default();
        buffer.clear();
        buffer.extend_from_slice(payload);
        self.keep(sequence, What::Reply { line, send, payload: buffer });
    }

    /// Octets for a TCP stream: leave at once, or are kept. False: there is no room for them.
    pub fn stream(&mut self, sequence: u64, stream: StreamId, octets: &[u8], out: &mut Effects) -> bool {
        match self.turn_of(sequence, stream) {
            Leaves::Now => write(stream, octets, out),
            Leaves::After(sequence) => {
                let mut buffer = self.spare.pop().unwrap_or_default();
                buffer.clear();
                buffer.extend_from_slice(octets);
                self.keep(sequence, What::Stream { stream, octets: buffer });
            }
            Leaves::Never => return false,
        }
        true
    }

    /// As [`Held::stream`]; what has to wait waits in the shell, which spares the answer a way through the core.
    pub fn answer(&mut self, sequence: u64, stream: StreamId, octets: &[u8], out: &mut Effects) -> bool {
        match self.turn_of(sequence, stream) {
            Leaves::Now => write(stream, octets, out),
            Leaves::After(sequence) => {
                self.keep(sequence, What::Answered(stream));
                let start = out.bytes.len();
                out.bytes.extend_from_slice(octets);
                let octets = start..out.bytes.len();
                let effect = StreamEffect::WriteOnceDurable { sequence, octets };
                out.list.push(Effect::Stream { stream, effect });
            }
            Leaves::Never => return false,
        }
        true
    }

    /// When octets that wait for this record may leave: behind everything of their stream that was there before.
    fn turn_of(&mut self, sequence: u64, stream: StreamId) -> Leaves {
        let before = self.streams.get(&stream).copied().unwrap_or_default();
        let sequence = sequence.max(before.sequence);
        if sequence <= self.durable {
            return Leaves::Now;
        }
        if !self.has_room() || before.count >= MOST_OF_STREAM {
            return Leaves::Never;
        }
        self.streams.insert(stream, Waiting { sequence, count: before.count + 1 });
        Leaves::After(sequence)
    }

    /// Something for a connection to a failover peer. What is written leaves in the order it was made; an end at once
    /// overtakes it. False: there is no room.
    pub fn peer(&mut self, outgoing: Outgoing, bytes: &[u8], out: &mut Effects) -> bool {
        let stream = outgoing.link;
        let effect = match outgoing.action {
            StreamEffect::Write(range) => {
                let octets = bytes.get(range).unwrap_or_default();
                return self.stream(outgoing.sequence, stream, octets, out);
            }
            StreamEffect::WriteOnceDurable { sequence, octets } => {
                let octets = bytes.get(octets).unwrap_or_default();
                return self.stream(sequence, stream, octets, out);
            }
            connect @ StreamEffect::Connect { .. } => connect,
            StreamEffect::Abort => {
                self.forget(stream);
                StreamEffect::Abort
            }
            StreamEffect::Close => {
                match self.streams.get(&stream).filter(|waiting| waiting.sequence > self.durable) {
                    Some(&Waiting { sequence, .. }) => {
                        self.keep(sequence, What::Close(stream));
                        return true;
                    }
                    None => StreamEffect::Close,
                }
            }
        };
        out.list.push(Effect::Stream { stream, effect });
        true
    }

    /// The stream is gone: what was kept for it is dropped when its time comes.
    pub fn forget(&mut self, stream: StreamId) {
        self.streams.remove(&stream);
    }

    pub fn execute(&mut self, sequence: u64, words: Vec<Vec<u8>>, out: &mut Effects) {
        match sequence <= self.durable {
            true => out.list.push(Effect::Execute(words)),
            false if self.has_room() => self.keep(sequence, What::Execute(words)),
            false => {}
        }
    }

    /// From now on what would have to wait is dropped, or is not any more.
    pub fn refuse(&mut self, refuse: bool) {
        self.refusing = refuse;
    }

    fn has_room(&self) -> bool {
        !self.refusing && self.turns.len() < MOST
    }

    fn keep(&mut self, sequence: u64, what: What) {
        self.made += 1;
        self.put(sequence, self.made, what);
    }

    fn put(&mut self, sequence: u64, made: u64, what: What) {
        let place = self.free.pop().unwrap_or_else(|| {
            self.waiting.push(None);
            self.waiting.len() - 1
        });
        if let Some(free) = self.waiting.get_mut(place) {
            *free = Some(what);
        }
        self.turns.push(Reverse((sequence, made, place)));
    }

    /// What may leave first, if its record is durable.
    fn next(&mut self) -> Option<What> {
        let next = self.turns.peek_mut()?;
        if next.0.0 > self.durable {
            return None;
        }
        let Reverse((.., place)) = PeekMut::pop(next);
        self.free.push(place);
        self.waiting.get_mut(place)?.take()
    }

    /// Records up to `sequence` are durable: what waited for them leaves.
    pub fn release(&mut self, sequence: u64, out: &mut Effects) {
        self.durable = self.durable.max(sequence);
        while let Some(what) = self.next() {
            match what {
                What::Execute(words) => out.list.push(Effect::Execute(words)),
                What::Close(stream) => {
                    self.streams.remove(&stream);
                    out.list.push(Effect::Stream { stream, effect: StreamEffect::Close });
                }
                What::Answered(stream) => {
                    if let Some(waiting) = self.streams.get_mut(&stream) {
                        waiting.count = waiting.count.saturating_sub(1);
                    }
                }
                What::Stream { stream, octets } => {
                    // Gone meanwhile, when it is not known here.
                    if let Some(waiting) = self.streams.get_mut(&stream) {
                        waiting.count = waiting.count.saturating_sub(1);
                        write(stream, &octets, out);
                    }
                    if self.spare.len() < SPARE {
                        self.spare.push(octets);
                    }
                }
                What::Reply { line, send, payload } => {
                    emit(line, send, &payload, out);
                    if self.spare.len() < SPARE {
                        self.spare.push(payload);
                    }
                }
            }
        }
        let durable = self.durable;
        if self.turns.is_empty() {
            self.clients.clear();
            self.streams.clear();
        } else if self.clients.len() + self.streams.len() > self.turns.len() * 2 {
            self.clients.retain(|_, sequence| *sequence > durable);
            self.streams.retain(|_, waiting| waiting.sequence > durable);
        }
    }

    /// The records after `durable` are lost to the file as it is: the replies that depend on them are never sent. The
    /// clients will ask again. Gives how many, and the streams that were to get some.
    pub fn withdraw(&mut self) -> (usize, Vec<StreamId>) {
        let count = self.turns.len();
        self.turns.clear();
        self.waiting.clear();
        self.free.clear();
        self.clients.clear();
        let durable = self.durable;
        let streams = std::mem::take(&mut self.streams).into_iter();
        (count, streams.filter(|(_, waiting)| waiting.sequence > durable).map(|(stream, _)| stream).collect())
    }
}

/// Octets for a stream; what follows directly is one write.
fn write(stream: StreamId, octets: &[u8], out: &mut Effects) {
    let start = out.bytes.len();
    out.bytes.extend_from_slice(octets);
    let end = out.bytes.len();
    let own = out.list.get_mut(out.before..).unwrap_or_default();
    if let Some(Effect::Stream { stream: last, effect: StreamEffect::Write(range) }) = own.last_mut()
        && *last == stream
        && range.end == start
    {
        range.end = end;
        return;
    }
    out.list.push(Effect::Stream { stream, effect: StreamEffect::Write(start..end) });
}

/// The line, then the message.
fn emit(line: Line, mut send: Send, payload: &[u8], out: &mut Effects) {
    let start = out.bytes.len();
    out.bytes.extend_from_slice(payload);
    send.payload = start..out.bytes.len();
    out.list.push(Effect::Log(line));
    out.list.push(Effect::Send(send));
}
