//! The ping check (section 8): an address is asked for before it is offered.

use super::Engine;
use super::message;
use super::parameter;
use super::send::Reply;
use super::work::{Answering, Work};
use crate::clock::Wall;
use crate::lease::binding::State;
use crate::lease::queue::BindingId;
use crate::log::Line;
use crate::transition;
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

const TIMEOUT_SECONDS: u32 = 1;
const CLTT_SECONDS: u32 = 60;

/// An OFFER that waits for an echo reply not to come.
#[derive(Debug)]
pub(super) struct Waiting {
    pub until: u64,
    pub lease: BindingId,
    pub reply: Reply,
    pub payload: Vec<u8>,
}

/// The OFFERs that wait, by address.
#[derive(Debug, Default)]
pub struct Pings {
    pub(super) waiting: FxHashMap<Ipv4Addr, Waiting>,
    deadlines: BTreeSet<(u64, Ipv4Addr)>,
}

impl Pings {
    pub fn is_pending(&self, address: Ipv4Addr) -> bool {
        !self.waiting.is_empty() && self.waiting.contains_key(&address)
    }

    /// Monotonic microseconds.
    pub fn next_deadline(&self) -> Option<u64> {
        self.deadlines.first().map(|(until, _)| *until)
    }

    pub(super) fn put_back(&mut self, address: Ipv4Addr, waiting: Waiting) {
        self.deadlines.insert((waiting.until, address));
        self.waiting.insert(address, waiting);
    }

    fn take(&mut self, address: Ipv4Addr) -> Option<Waiting> {
        let waiting = self.waiting.remove(&address)?;
        self.deadlines.remove(&(waiting.until, address));
        Some(waiting)
    }
}

impl Engine {
    pub fn next_ping_deadline(&self) -> Option<u64> {
        self.pings.next_deadline()
    }

    /// How long to wait before this offer leaves, in microseconds; `None`: not at all.
    pub(super) fn ping_wait(&mut self, work: &mut Work<'_, '_>, same_client: bool) -> Option<u64> {
        let (state, cltt) = (work.current.binding.state, work.current.binding.cltt);
        if work.grant.offer != Answering::Offer || state == State::Active || work.current.fixed.is_some() {
            return None;
        }
        let now = work.client.now;
        let mut machine = work.machine(self);
        if !machine.is_on(parameter::PING_CHECK, true) {
            return None;
        }
        if same_client && cltt != 0 && state != State::Abandoned {
            let least = machine.number_set(parameter::PING_CLTT_SECS, 4).unwrap_or(CLTT_SECONDS);
            if now - cltt < i64::from(least) {
                return None;
            }
        }
        let seconds = machine.number_set(parameter::PING_TIMEOUT, 4).unwrap_or(TIMEOUT_SECONDS);
        let milliseconds = machine.number_set(parameter::PING_TIMEOUT_MS, 4).unwrap_or(0);
        Some(match milliseconds {
            0 => u64::from(seconds) * 1_000_000,
            milliseconds => u64::from(milliseconds) * 1000,
        })
    }

    /// Keeps the last reply back until then.
    pub(super) fn wait_for_echo(&mut self, address: Ipv4Addr, lease: BindingId, until: u64) {
        let Some(reply) = self.out.replies.pop() else { return };
        let payload = self.out.bytes.get(reply.send.payload.clone()).unwrap_or_default().to_vec();
        self.out.pings.push((reply.after, address));
        self.pings.deadlines.insert((until, address));
        self.pings.waiting.insert(address, Waiting { until, lease, reply, payload });
    }

    /// Somebody is there: the address is set aside, and the client gets no answer.
    pub fn echo_reply(&mut self, now: Wall, address: Ipv4Addr) {
        if self.pings.waiting.is_empty() {
            return;
        }
        let Some(waiting) = self.pings.take(address) else {
            let line = match self.pool_of(address) {
                Some(_) => message::late_echo(address),
                None => message::unexpected_echo(address),
            };
            return self.out.say(line);
        };
        if self.store.get(waiting.lease).ends > now {
            self.out.say(message::echo_while_valid(address));
        }
        let seconds = Wall::from(self.settings.abandon_lease_time);
        let (store, mut around) = self.without_packet(now);
        transition::abandon(store, waiting.lease, seconds, message::PINGED, &mut around);
    }

    /// Lets the offers go whose time is over.
    pub fn pings_due(&mut self, mono: u64) {
        while let Some((until, address)) = self.pings.deadlines.first().copied() {
            if until > mono {
                break;
            }
            let Some(mut waiting) = self.pings.take(address) else { break };
            let start = self.out.bytes.len();
            self.out.bytes.extend_from_slice(&waiting.payload);
            waiting.reply.send.payload = start..self.out.bytes.len();
            waiting.reply.after = self.out.outcome.acts.len();
            waiting.reply.sequence = self.store.get(waiting.lease).sequence;
            self.out.replies.push(waiting.reply);
        }
    }

    /// A line of the shell, in order.
    pub fn say(&mut self, line: Line) {
        self.out.say(line);
    }
}
