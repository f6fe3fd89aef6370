//! Answers that wait for the journal. They leave on its thread, right behind the sync: a client that asks for one thing after
//! another would otherwise wait for two more wake-ups each time. When many wait at once the loop's thread sends them, so that
//! the next sync begins sooner.

use super::connection::Outgoing;
use crate::server::effect::StreamId;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Answers that the journal's thread sends itself, of one report.
const AT_ONCE: usize = 4;

/// Shared by both threads. Bounded by the core.
#[derive(Clone, Default)]
pub struct Answers(Arc<Mutex<VecDeque<Answer>>>);

struct Answer {
    sequence: u64,
    stream: StreamId,
    outgoing: Arc<Outgoing>,
    octets: Vec<u8>,
}

impl Answers {
    // Held while something is sent, so that answers of one stream stay in order. Sending does not block.
    fn queue(&self) -> MutexGuard<'_, VecDeque<Answer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, sequence: u64, stream: StreamId, outgoing: Arc<Outgoing>, octets: &[u8]) {
        self.queue().push_back(Answer { sequence, stream, outgoing, octets: octets.to_vec() });
    }

    /// On the journal's thread: records up to `sequence` are durable. True: answers were sent, and none that could be is left.
    pub fn durable(&self, sequence: u64) -> bool {
        let mut queue = self.queue();
        let ready = queue.iter().take(AT_ONCE + 1).take_while(|answer| answer.sequence <= sequence).count();
        if ready > AT_ONCE {
            return false;
        }
        queue.drain(..ready).for_each(send);
        ready > 0
    }

    /// On the loop's thread: sends what may leave.
    pub fn rest(&self, sequence: u64) {
        let mut queue = self.queue();
        while queue.front().is_some_and(|answer| answer.sequence <= sequence) {
            queue.pop_front().into_iter().for_each(send);
        }
    }

    /// The journal failed: nothing of it may leave.
    pub fn failed(&self) {
        self.queue().clear();
    }

    /// The connection was closed.
    pub(super) fn forget(&self, stream: StreamId) {
        self.queue().retain(|answer| answer.stream != stream);
    }
}

fn send(answer: Answer) {
    answer.outgoing.write(&answer.octets);
}
