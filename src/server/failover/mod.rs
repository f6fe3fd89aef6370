//! The failover relationships at work: connections and timers come in, and what `crate::failover` decides is done to
//! bindings, lease file and connections.

mod balance;
mod connection;
mod farewell;
pub(super) mod state_object;
mod states;
mod updates;

use crate::clock::Now;
use crate::dhcp4::Engine;
use crate::failover::link::Stage;
use crate::failover::log;
use crate::failover::relationship::{RECONNECT_SECONDS, Relationship};
use crate::failover::state::State;
use crate::lease_file::writer;
use crate::log::Line;
use crate::stream::{Listener, StreamEffect, StreamEvent, StreamId, Wanted};
use crate::transition::load::Kept;

/// Takes over what the lease file says of the relationships; what it does not know of gets the state of a server that
/// knows nothing.
pub(super) fn restore(engine: &mut Engine, kept: &mut Kept) {
    for relationship in &mut engine.failover.relationships {
        if let Some(record) = kept.failover.iter().find(|record| *record.name == *relationship.name) {
            relationship.restore(record);
        }
    }
    for index in 0..engine.failover.relationships.len() {
        states::set_timing(engine, index);
    }
}

/// The sockets that peers connect to.
pub(super) fn listeners(engine: &Engine) -> Vec<Wanted> {
    let mut listeners: Vec<Wanted> = Vec::new();
    for relationship in &engine.failover.relationships {
        let address = relationship.local;
        if listeners.iter().all(|wanted| wanted.address != address) {
            listeners.push(Wanted {
                listener: Listener::Failover(address),
                address,
                peer: relationship.name.to_string(),
            });
        }
    }
    listeners
}

/// The relationships together with all they act on, for one event.
pub(super) struct Peers<'s> {
    pub engine: &'s mut Engine,
    /// Its records of states are what a rewrite writes.
    pub kept: &'s mut Kept,
    pub now: Now,
}

impl Peers<'_> {
    fn say(&mut self, line: Line) {
        self.engine.say(line);
    }

    fn relationship(&mut self, index: usize) -> Option<&mut Relationship> {
        self.engine.failover.relationships.get_mut(index)
    }

    fn name(&self, index: usize) -> String {
        self.engine.failover.relationships.get(index).map_or_else(String::new, |r| r.name.to_string())
    }

    fn state(&self, index: usize) -> Option<State> {
        self.engine.failover.relationships.get(index).map(|relationship| relationship.my)
    }

    /// Before the lease file is written anew: states without a record hold from now on.
    pub fn open(&mut self) {
        for relationship in &mut self.engine.failover.relationships {
            for since in [&mut relationship.my_since, &mut relationship.partner_since] {
                if *since == 0 {
                    *since = self.now.wall;
                }
            }
        }
        // The newest is the first of ISC's list.
        let records = self.engine.failover.relationships.iter().rev().map(Relationship::record);
        self.kept.failover = records.collect();
        self.queue_untold();
    }

    /// Service begins: every relationship goes through startup, and the peers are called.
    pub fn start(&mut self, seed: u64) {
        self.engine.failover.seed(seed);
        self.engine.failover.identity = (self.now.wall.unsigned_abs() << 24) ^ seed;
        self.engine.failover.is_started = true;
        for index in (0..self.engine.failover.relationships.len()).rev() {
            self.move_to(index, State::Startup);
            let now = self.now;
            if let Some(relationship) = self.relationship(index) {
                relationship.timers.reconnect = Some(now.mono);
            }
        }
    }

    /// Something happened on a connection. False: it is none of ours.
    pub fn stream(&mut self, id: StreamId, event: &StreamEvent<'_>) -> bool {
        match event {
            StreamEvent::Accepted { listener: Listener::Failover(local), source } => {
                self.accepted(id, *local, *source);
                return true;
            }
            StreamEvent::Accepted { .. } => return false,
            _ if !self.engine.failover.links.contains_key(&id) => {
                return id.0 < StreamId::ACCEPTED;
            }
            StreamEvent::Connected => self.connected(id),
            StreamEvent::ConnectFailed { error, is_local } => self.connect_failed(id, *error, *is_local),
            StreamEvent::Received(octets) => self.received(id, octets),
            StreamEvent::Closed(_) => self.lost(id),
        }
        true
    }

    /// Everything that is due.
    pub fn timers(&mut self) {
        if !self.engine.failover.is_started {
            return;
        }
        let mono = self.now.mono;
        if self.engine.failover.next_deadline().is_none_or(|at| at > mono) {
            return;
        }
        let links = self.engine.failover.links.iter();
        let due: Vec<StreamId> = links
            .filter(|(_, link)| link.deadline().is_some_and(|at| at <= mono))
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            self.link_due(id);
        }
        for index in 0..self.engine.failover.relationships.len() {
            self.relationship_timers(index);
        }
    }

    fn link_due(&mut self, id: StreamId) {
        let Some(link) = self.engine.failover.links.get(&id) else { return };
        let Stage::Waiting { until, connect_at } = link.stage else { return };
        if until <= self.now.mono {
            self.say(log::link_startup_timeout());
            self.engine.failover.end(id, StreamEffect::Abort);
            self.lost(id);
        } else if connect_at.is_some() {
            self.send_connect(id);
        }
    }

    /// Takes a timer if it is due.
    fn due(&mut self, index: usize, timer: impl FnOnce(&mut Relationship) -> &mut Option<u64>) -> bool {
        let mono = self.now.mono;
        let Some(relationship) = self.relationship(index) else { return false };
        timer(relationship).take_if(|at| *at <= mono).is_some()
    }

    fn relationship_timers(&mut self, index: usize) {
        if self.due(index, |r| &mut r.timers.startup) {
            self.disconnected(index);
        }
        if self.due(index, |r| &mut r.timers.receive)
            && let Some(id) = self.relationship(index).and_then(|relationship| relationship.link)
        {
            let name = self.name(index);
            self.say(log::timeout(&name));
            self.engine.failover.end(id, StreamEffect::Abort);
            self.lost(id);
        }
        if self.due(index, |r| &mut r.timers.reconnect) {
            self.reconnect(index);
        }
        if self.due(index, |r| &mut r.timers.recover_wait) && self.state(index) == Some(State::RecoverWait) {
            self.move_to(index, State::RecoverDone);
        }
        if self.due(index, |r| &mut r.timers.auto_partner_down) {
            self.move_to(index, State::PartnerDown);
        }
        if self.due(index, |r| &mut r.timers.acknowledge) {
            self.acknowledge(index);
        }
        if self.due(index, |r| &mut r.timers.refused) {
            self.offer_refused_again(index);
        }
        if self.due(index, |r| &mut r.timers.balance) {
            self.scheduled_balance(index);
        }
        if self.due(index, |r| &mut r.timers.contact) {
            self.engine.failover.send(index, crate::failover::message::Kind::Contact, None, 0, |_| {});
        }
    }

    fn reconnect(&mut self, index: usize) {
        let Some(relationship) = self.relationship(index) else { return };
        if relationship.link.is_none() && relationship.connecting.is_none() {
            self.engine.failover.connect(index);
        }
    }

    fn reconnect_later(&mut self, index: usize, seconds: u64) {
        let now = self.now;
        if let Some(relationship) = self.relationship(index) {
            relationship.timers.reconnect = Relationship::after(now, seconds);
        }
    }

    /// What has to be sent cannot be kept until it may leave: the peer is left, and told all when it is met again.
    pub fn give_up(&mut self, id: StreamId) {
        if self.engine.failover.links.contains_key(&id) {
            self.engine.failover.end(id, StreamEffect::Abort);
            self.lost(id);
        }
    }

    /// The disk takes nothing any more: what was promised to the peers may be lost, so they are left until it does.
    pub fn disk_failed(&mut self) {
        let links: Vec<StreamId> = self.engine.failover.links.keys().copied().collect();
        for id in links {
            self.engine.failover.end(id, StreamEffect::Abort);
            self.lost(id);
        }
        for index in 0..self.engine.failover.relationships.len() {
            self.reconnect_later(index, RECONNECT_SECONDS);
        }
    }

    /// The state goes into the lease file; what depends on it waits for the record.
    fn record_state(&mut self, index: usize) {
        let Some(relationship) = self.engine.failover.relationships.get(index) else { return };
        let record = relationship.record();
        match self.kept.failover.iter_mut().find(|known| known.name == record.name) {
            Some(known) => known.clone_from(&record),
            None => self.kept.failover.push(record.clone()),
        }
        let mut text = Vec::new();
        self.engine.with_format(|format| writer::failover_state(&mut text, &record, format));
        let sequence = self.engine.journal.append_with(|out| out.append(&mut text));
        if let Some(relationship) = self.relationship(index) {
            relationship.sequence = sequence;
        }
    }
}
