//! The core as one value: an event goes in, effects come out. It opens nothing, reads no clock, asks for no randomness.
//!
//! Every change of a binding is a record with a number, appended to the lease file. What tells the outside waits in
//! [`held`] until the journal reports its record durable: group commit without a timer.

mod clock_set;
pub mod effect;
pub mod event;
pub mod export;
mod failover;
mod held;
pub mod management;
pub mod message;
pub mod recording;
mod rewrite;

use crate::clock::{Now, Wall};
use crate::dhcp4::{Engine, Incoming};
use crate::eval::machine::Act;
use crate::failover::state::State as FailoverState;
use crate::log::Line;
use crate::stream::{StreamId, Wanted};
use crate::transition::load::Kept;
use effect::{Effect, Effects};
use event::{Event, InterfaceId};
use failover::Peers;
use held::Held;
use rewrite::Rewrite;

/// Leases that end are handled in groups of so many, so that a mass expiry delays no packet for long.
const EXPIRIES: usize = 256;

/// See the module.
pub struct Server {
    engine: Engine,
    /// What the lease file holds beside leases.
    kept: Kept,
    held: Held,
    rewrite: Rewrite,
    rewritten_at: Wall,
    /// Something was written since the last rewrite.
    written_since: bool,
    /// What ISC says of the last rewrite.
    written: Vec<Line>,
    says_written: bool,
    /// A write or sync failed; nothing is acknowledged until a rewrite is through.
    failed: bool,
    retry_at: Option<u64>,
    /// The wall clock, as of the last event, and the monotonic one: to turn lease times into timers.
    last: Now,
    shutting_down: bool,
    /// Monotonic microseconds: so long peers that were told of the end may take over.
    farewell: Option<u64>,
    /// A statement has ended the program: nothing happens any more.
    ended: bool,
    /// OMAPI, where it is offered.
    management: Option<management::Management>,
}

impl Server {
    pub fn new(mut engine: Engine, mut kept: Kept) -> Self {
        failover::restore(&mut engine, &mut kept);
        Server {
            engine,
            kept,
            held: Held::default(),
            rewrite: Rewrite::None,
            rewritten_at: 0,
            written_since: false,
            written: Vec::new(),
            says_written: false,
            failed: false,
            retry_at: None,
            last: Now { wall: 0, mono: 0 },
            shutting_down: false,
            farewell: None,
            ended: false,
            management: None,
        }
    }

    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What ISC does between reading the lease file and listening: leases that ended meanwhile expire, then the file is
    /// written anew. This is the first slice of that; each `Event::Timer` writes one more, [`Server::is_writing`] as long as
    /// there are some.
    pub fn open(&mut self, now: Now, out: &mut Effects) {
        self.last = now;
        self.engine.failover.begin(now);
        self.peers(now).open();
        // What ended while the server was down; ISC appends it to the old file.
        while self.engine.expire(now.wall, EXPIRIES) {}
        self.drain(out);
        self.begin_rewrite(now, out);
        self.continue_rewrite(now, out);
    }

    /// The listening sockets it wants, in the order in which they are to be opened: OMAPI, then failover peers.
    pub fn listeners(&self) -> Vec<Wanted> {
        self.omapi_listener().into_iter().chain(failover::listeners(&self.engine)).collect()
    }

    /// Failover begins: the last step of the start. `seed` spreads what several servers would do at the same moment.
    pub fn start_failover(&mut self, now: Now, seed: u64, out: &mut Effects) {
        self.last = now;
        self.engine.failover.begin(now);
        self.peers(now).start(seed);
        self.drain(out);
    }

    /// Breaks a rule from now on.
    #[cfg(feature = "sabotage")]
    pub fn sabotage(&mut self, sabotage: crate::failover::sabotage::Sabotage) {
        self.engine.failover.sabotage = sabotage;
        self.held.sabotage = sabotage;
    }

    /// As an operator sets the state of a relationship. False: there is none of that name.
    pub fn set_failover_state(
        &mut self,
        now: Now,
        name: &str,
        state: FailoverState,
        out: &mut Effects,
    ) -> bool {
        self.last = now;
        self.engine.failover.begin(now);
        let mut relationships = self.engine.failover.relationships.iter();
        let Some(index) = relationships.position(|relationship| *relationship.name == *name) else {
            return false;
        };
        self.peers(now).move_to(index, state);
        self.drain(out);
        true
    }

    fn peers(&mut self, now: Now) -> Peers<'_> {
        Peers { engine: &mut self.engine, kept: &mut self.kept, now }
    }

    /// The interfaces, once they are known.
    pub fn set_interfaces(&mut self, interfaces: Vec<event::Interface>) {
        if let Some(management) = &mut self.management {
            let name = |interface: &event::Interface| interface.name.clone().into_bytes();
            management.interfaces.names = interfaces.iter().map(name).collect();
        }
        self.engine.set_interfaces(interfaces);
    }

    /// ISC appends the server's DUID at every start.
    pub fn append_duid(&mut self, duid: &[u8], out: &mut Effects) {
        let mut record = Vec::new();
        self.engine.with_format(|format| crate::lease_file::writer::server_duid(&mut record, duid, format));
        self.engine.journal.append_with(|out| out.append(&mut record));
        self.drain(out);
        self.kept.server_duid = Some(duid.to_vec());
    }

    pub fn handle(&mut self, now: Now, event: Event<'_>, out: &mut Effects) {
        self.last = now;
        out.before = out.list.len();
        self.engine.out.spare.append(&mut out.spare);
        let is_timer = matches!(event, Event::Timer);
        if self.ended {
            return;
        }
        self.engine.failover.begin(now);
        match event {
            // Input is disabled.
            Event::Datagram { .. } if self.farewell.is_some() => {}
            Event::Datagram { interface: Some(InterfaceId(at)), .. } if self.is_closed(usize::from(at)) => {}
            Event::Datagram { interface, source, payload, .. } => {
                let incoming = Incoming { interface: interface.unwrap_or(InterfaceId(0)), source, payload };
                self.engine.receive(now, &incoming);
            }
            Event::EchoReply(address) => self.engine.echo_reply(now.wall, address),
            Event::Durable(sequence) if !self.failed => self.held.release(sequence, out),
            Event::Durable(_) => {}
            Event::JournalFailed(reason) => self.journal_failed(now, &reason, out),
            Event::RewriteDone(result) => self.rewrite_done(now, result, out),
            Event::Timer => {}
            Event::NameFound { address, name } => self.engine.name_found(now, address, name),
            Event::HostNames(table) => self.engine.hosts.addresses = table,
            Event::Stream { stream, event } => {
                if !self.peers(now).stream(stream, &event) {
                    self.omapi_event(now, stream, &event, out);
                }
            }
            Event::ClockSet(seconds) => self.clock_set(now, seconds, out),
            Event::Say(line) => out.list.push(Effect::Log(line)),
            Event::Shutdown => {
                self.shutting_down = true;
                // Who does not want to wait does not have to.
                self.farewell = self.farewell.map(|_| now.mono);
            }
        }
        self.timers(now, is_timer, out);
        self.omapi_timer(now, out);
        self.drain(out);
        if self.ended {
            return;
        }
        if self.shutting_down {
            self.leave(now, out);
        }
    }

    /// The end, once the peers have taken over and what is held has left.
    fn leave(&mut self, now: Now, out: &mut Effects) {
        let waits = self.farewell.is_some_and(|until| now.mono < until) && self.peers(now).are_taking_over();
        if waits && !self.failed {
            return;
        }
        if self.farewell.take().is_some() {
            self.peers(now).part();
            self.drain(out);
        }
        if self.held.is_empty() || self.failed {
            out.list.push(Effect::Exit(0));
        }
    }

    /// Everything that is due. A rewrite goes on by one slice a timer, not a slice a packet.
    fn timers(&mut self, now: Now, is_timer: bool, out: &mut Effects) {
        if is_timer {
            self.peers(now).timers();
        }
        self.engine.pings_due(now.mono);
        self.engine.expire(now.wall, EXPIRIES);
        if self.is_writing() {
            if is_timer {
                // What this event changed is appended first: the walk writes the newest state of all it has not met.
                self.drain(out);
                self.continue_rewrite(now, out);
            }
            return;
        }
        let retry = self.retry_at.is_some_and(|at| at <= now.mono);
        let hourly = self.written_since && now.wall - self.rewritten_at > rewrite::INTERVAL;
        if matches!(self.rewrite, Rewrite::None) && (retry || (hourly && !self.failed)) {
            self.retry_at = None;
            self.drain(out);
            self.begin_rewrite(now, out);
        }
    }

    /// Monotonic microseconds at which it wants `Event::Timer`.
    pub fn next_deadline(&self) -> Option<u64> {
        if self.is_writing() {
            return Some(self.last.mono);
        }
        let expiry = self.engine.store.next_change().map(|wall| {
            let seconds = (wall - self.last.wall).max(0) as u64;
            // Wall time is known to the second; one step later it is surely due.
            self.last.mono + if seconds == 0 { 1000 } else { seconds * 1_000_000 }
        });
        let failover = self.engine.failover.next_deadline();
        [
            self.engine.next_ping_deadline(),
            expiry,
            self.retry_at,
            self.omapi_deadline(),
            failover,
            self.farewell,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn journal_failed(&mut self, now: Now, reason: &str, out: &mut Effects) {
        let (withheld, streams) = self.held.withdraw();
        let of_peers = |stream: &StreamId| self.engine.failover.links.contains_key(stream);
        let streams = streams.into_iter().filter(|stream| !of_peers(stream)).collect();
        self.omapi_lost(streams, out);
        out.list.push(Effect::Log(message::journal_failed(reason, withheld)));
        self.failed = true;
        self.held.refuse(true);
        self.peers(now).disk_failed();
        if matches!(self.rewrite, Rewrite::None) {
            self.retry_at = Some(now.mono);
        }
    }

    /// Turns what the engine left into effects: records, then lines and replies in the order they were made.
    fn drain(&mut self, out: &mut Effects) {
        self.stop_at_fatal();
        let Engine { journal, out: output, failover, .. } = &mut self.engine;
        for record in journal.records.drain(..) {
            let start = out.bytes.len();
            out.bytes.extend_from_slice(journal.bytes.get(record.range).unwrap_or_default());
            out.list.push(Effect::Append { sequence: record.sequence, record: start..out.bytes.len() });
            self.written_since = true;
        }
        journal.clear();
        let last = journal.sequence();
        let mut lost = Vec::new();
        for outgoing in failover.outgoing.drain(..) {
            let link = outgoing.link;
            if !self.held.peer(outgoing, &failover.bytes, out) {
                lost.push(link);
            }
        }
        failover.bytes.clear();
        out.list.extend(output.lookups.drain(..).map(Effect::FindName));
        let mut pings = output.pings.drain(..).peekable();
        let mut replies = output.replies.drain(..).peekable();
        let mut acts = output.outcome.acts.drain(..).enumerate();
        loop {
            let act = acts.next();
            let at = act.as_ref().map_or(usize::MAX, |(at, _)| *at);
            while let Some((_, address)) = pings.next_if(|(after, _)| *after <= at) {
                out.list.push(Effect::Ping(address));
            }
            while let Some(reply) = replies.next_if(|reply| reply.after <= at) {
                // After a failed write an answer that depends on nothing new may depend on what was lost.
                self.held.reply(reply.sequence, reply.line, reply.send, &output.bytes, out);
            }
            match act {
                None => break,
                Some((_, Act::Say(line))) => out.list.push(Effect::Log(line)),
                Some((_, Act::Fatal(line))) => {
                    out.list.push(Effect::Log(line));
                    out.list.push(Effect::Exit(1));
                    break;
                }
                Some((_, Act::Execute(words))) => self.held.execute(last, words, out),
                // Of a block that runs without a packet; ISC dies of it.
                Some((_, Act::AddClass(_) | Act::ClassifyAgain)) => {}
            }
        }
        drop((replies, acts, pings));
        output.clear();
        if !lost.is_empty() {
            let now = self.last;
            lost.into_iter().for_each(|link| self.peers(now).give_up(link));
            self.drain(out);
        }
    }

    /// `log (fatal, ..)`: ISC dies there. Nothing that came of the same event after it may be seen.
    fn stop_at_fatal(&mut self) {
        let Engine { journal, out: output, .. } = &mut self.engine;
        let fatal = |act: &Act| matches!(act, Act::Fatal(_));
        let Some(at) = output.outcome.acts.iter().position(fatal) else { return };
        output.pings.retain(|(after, _)| *after <= at);
        output.replies.retain(|reply| reply.after <= at);
        journal.clear();
        self.ended = true;
    }
}

#[cfg(test)]
mod tests;
