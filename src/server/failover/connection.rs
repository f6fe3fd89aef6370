//! Connections: made, taken, negotiated and lost (PROTOCOL section 3).

use super::super::EXPIRIES;
use super::Peers;
use crate::failover::link::{CLOCK_TOLERANCE, Link, STARTUP_SECONDS, Stage, UNDECIDED_SECONDS, next_message};
use crate::failover::message::{Kind, Message, Writer, code, reason, reason_text};
use crate::failover::relationship::{LOCAL_FAILURE_SECONDS, RECONNECT_SECONDS, Relationship, SECOND};
use crate::failover::state::{Role, State};
use crate::failover::{log, our_kind};
use crate::stream::{StreamEffect, StreamId};
use smallvec::SmallVec;
use std::io::ErrorKind;
use std::net::SocketAddrV4;

impl Peers<'_> {
    /// Somebody called. Both roles take calls from a peer's address; the primary then sends CONNECT, the secondary waits for
    /// it. Where both could be meant, CONNECT is waited for a moment.
    pub(super) fn accepted(&mut self, id: StreamId, local: SocketAddrV4, source: SocketAddrV4) {
        let relationships = &self.engine.failover.relationships;
        let here = |relationship: &Relationship| {
            relationship.local == local && relationship.remote.iter().any(|r| r.ip() == source.ip())
        };
        let mut candidates: SmallVec<[usize; 2]> =
            (0..relationships.len()).filter(|at| relationships.get(*at).is_some_and(here)).collect();
        if candidates.is_empty() {
            self.say(log::no_matching_state());
            return self.engine.failover.end(id, StreamEffect::Abort);
        }
        // Those that have a connection already come last.
        candidates.sort_by_key(|at| relationships.get(*at).is_some_and(|r| r.link.is_some()));
        let role = |at: &usize| relationships.get(*at).map(|relationship| relationship.role);
        let primary = candidates.iter().any(|at| role(at) == Some(Role::Primary));
        let secondary = candidates.iter().any(|at| role(at) == Some(Role::Secondary));
        let until = self.now.mono + STARTUP_SECONDS * SECOND;
        let connect_at = (primary && secondary).then_some(self.now.mono + UNDECIDED_SECONDS * SECOND);
        let link = Link::new(Stage::Waiting { until, connect_at }, candidates, true);
        self.engine.failover.links.insert(id, link);
        if primary && !secondary {
            self.send_connect(id);
        }
    }

    pub(super) fn connected(&mut self, id: StreamId) {
        let until = self.now.mono + STARTUP_SECONDS * SECOND;
        let Some(link) = self.engine.failover.links.get_mut(&id) else { return };
        link.stage = Stage::Waiting { until, connect_at: None };
        let index = link.relationship();
        if let Some(relationship) = index.and_then(|index| self.relationship(index)) {
            relationship.connecting = None;
            relationship.attempts = 0;
            if relationship.role == Role::Primary {
                self.send_connect(id);
            }
        }
    }

    /// CONNECT for the first relationship in question of which we are the primary.
    pub(super) fn send_connect(&mut self, id: StreamId) {
        let failover = &mut self.engine.failover;
        let Some(link) = failover.links.get_mut(&id) else { return };
        if let Stage::Waiting { connect_at, .. } = &mut link.stage {
            *connect_at = None;
        }
        let is_primary =
            |at: &usize| failover.relationships.get(*at).is_some_and(|r| r.role == Role::Primary);
        let Some(index) = link.candidates.iter().copied().find(is_primary) else { return };
        link.candidates = SmallVec::from_slice(&[index]);
        failover.send_connect(id, index);
    }

    pub(super) fn connect_failed(&mut self, id: StreamId, error: ErrorKind, is_local: bool) {
        let link = self.engine.failover.links.remove(&id);
        let Some(index) = link.and_then(|link| link.relationship()) else { return };
        let Some(relationship) = self.relationship(index) else { return };
        relationship.connecting = None;
        relationship.attempts += 1;
        let (attempts, addresses) = (relationship.attempts, relationship.remote.len());
        if attempts % addresses.max(1) != 0 {
            return self.reconnect(index);
        }
        if is_local {
            let name = self.name(index);
            self.say(log::connect_failed(&name, attempts == addresses, result(error)));
        }
        self.reconnect_later(index, if is_local { LOCAL_FAILURE_SECONDS } else { RECONNECT_SECONDS });
    }

    /// A connection is over. The loss of one that was not established changes nothing.
    pub(super) fn lost(&mut self, id: StreamId) {
        let Some(link) = self.engine.failover.links.remove(&id) else { return };
        for index in link.candidates {
            let Some(relationship) = self.relationship(index) else { continue };
            if relationship.connecting == Some(id) {
                relationship.connecting = None;
            }
            if relationship.link == Some(id) {
                relationship.link = None;
                let name = self.name(index);
                self.say(log::disconnected(&name));
                self.disconnected(index);
            }
            self.reconnect_later(index, RECONNECT_SECONDS);
        }
    }

    /// Ends a connection of ours.
    fn end(&mut self, id: StreamId, action: StreamEffect) {
        self.engine.failover.end(id, action);
        self.lost(id);
    }

    pub(super) fn received(&mut self, id: StreamId, octets: &[u8]) {
        let Some(link) = self.engine.failover.links.get_mut(&id) else { return };
        let mut unread = std::mem::take(&mut link.unread);
        let all = if unread.is_empty() {
            octets
        } else {
            unread.extend_from_slice(octets);
            &unread[..]
        };
        let mut rest = all;
        loop {
            let next = match next_message(rest) {
                Ok(None) => break,
                Ok(Some(length)) => rest.split_at_checked(length).ok_or(None),
                Err(fault) => Err(Some(fault)),
            };
            let read = next.and_then(|(octets, behind)| {
                rest = behind;
                Message::read(octets).map_err(Some)
            });
            match read {
                Ok(message) => self.message(id, &message),
                Err(fault) => {
                    for line in fault.into_iter().flat_map(log::fault) {
                        self.say(line);
                    }
                    return self.end(id, StreamEffect::Abort);
                }
            }
            if !self.engine.failover.links.contains_key(&id) {
                return;
            }
        }
        let unread = rest.to_vec();
        if let Some(link) = self.engine.failover.links.get_mut(&id) {
            link.unread = unread;
        }
    }

    fn message(&mut self, id: StreamId, message: &Message<'_>) {
        let now = self.now;
        let Some(link) = self.engine.failover.links.get_mut(&id) else { return };
        link.hear(message.time, now);
        let (stage, index) = (link.stage, link.relationship());
        match message.kind {
            Some(Kind::Connect) => self.connect(id, message),
            Some(Kind::ConnectAck) => self.connect_ack(id, message),
            Some(Kind::Disconnect) => {
                let reason = message.reject_reason.unwrap_or(0);
                if let (Some(index), 1..) = (index, reason) {
                    let name = self.name(index);
                    self.say(log::disconnect(&name, &reason_text(reason)));
                }
                self.end(id, StreamEffect::Abort);
            }
            // Who has not introduced himself is not listened to.
            _ if stage != Stage::Established => {}
            Some(kind) => {
                // What has ended by now has ended before the peer speaks of it.
                self.engine.expire(now.wall, EXPIRIES);
                if let Some(index) = index {
                    self.peer_message(index, kind, message);
                }
            }
            None => {}
        }
        let link = self.engine.failover.links.get(&id);
        if let Some(index) = link.and_then(Link::relationship)
            && let Some(relationship) = self.relationship(index)
            && relationship.link == Some(id)
        {
            relationship.restart_receive(now);
        }
    }

    fn peer_message(&mut self, index: usize, kind: Kind, message: &Message<'_>) {
        match kind {
            Kind::BindingUpdate => self.binding_update(index, message),
            Kind::BindingAck => self.binding_ack(index, message),
            Kind::UpdateRequest => self.update_request(index, message.xid, false),
            Kind::UpdateRequestAll => self.update_request(index, message.xid, true),
            Kind::UpdateDone => self.update_done(index),
            Kind::PoolRequest => self.pool_request(index, message.xid),
            Kind::PoolResponse => {
                self.say(log::pool_response(message.addresses_transferred.unwrap_or(0)));
            }
            Kind::State => self.announcement(index, message),
            Kind::Contact | Kind::Connect | Kind::ConnectAck | Kind::Disconnect => {}
        }
    }

    /// CONNECT, with the checks of PROTOCOL 3.1 in their order.
    fn connect(&mut self, id: StreamId, message: &Message<'_>) {
        let name = message.relationship_name;
        let named = |relationship: &Relationship| Some(relationship.name.as_bytes()) == name;
        let index = self.engine.failover.relationships.iter().position(named);
        let refusal = match (name, index) {
            (None, _) => Some((reason::INVALID_PARTNER, "missing relationship-name")),
            (_, None) => Some((reason::INVALID_PARTNER, "unknown failover relationship name")),
            _ => None,
        };
        let refusal = refusal.or_else(|| self.unfit(index, message));
        let answer_to = (message.xid, message.tls_request);
        if let Some((reason, text)) = refusal {
            for line in log::connect_refused(name.unwrap_or(b"unknown"), text) {
                self.say(line);
            }
            let named = name.unwrap_or_default();
            self.engine.failover.send_connect_ack(id, index, named, answer_to, Some((reason, text)));
            return self.end(id, StreamEffect::Close);
        }
        let Some(index) = index else { return };
        let buckets = message.hba.and_then(|hba| <[u8; 32]>::try_from(hba).ok());
        let Some(relationship) = self.relationship(index) else { return };
        let duplicate = relationship.link.is_some();
        let (Some(mclt), false) = (message.mclt, duplicate) else {
            // ISC loses its answer here, so there is none. CONNECT on the established connection ends it as well.
            return self.end(id, StreamEffect::Abort);
        };
        relationship.buckets = buckets.map(Box::new);
        relationship.mclt = mclt;
        relationship.peers_max_unacked = message.max_unacked.unwrap_or(0);
        relationship.peers_receive_timer = message.receive_timer.unwrap_or(0);
        relationship.meet(our_kind(message.vendor_options));
        self.establish(id, index);
        self.engine.failover.send_connect_ack(id, Some(index), &[], answer_to, None);
        self.engine.failover.send_state(index);
    }

    /// What stands against a pair with the sender of a CONNECT whose name is known.
    fn unfit(&self, index: Option<usize>, message: &Message<'_>) -> Option<(u8, &'static str)> {
        let relationship = self.engine.failover.relationships.get(index?)?;
        if (i64::from(message.time) - self.now.wall).abs() > CLOCK_TOLERANCE {
            return Some((reason::TIME_MISMATCH, "time offset too large"));
        }
        if message.hba.is_none_or(|hba| hba.len() != 32) {
            return Some((reason::HBA_CONFLICT, "invalid HBA"));
        }
        // Two primaries would both give away the free addresses.
        (relationship.role == Role::Primary).then_some((reason::INVALID_PARTNER, "both servers are primary"))
    }

    /// This is the connection to the peer now.
    fn establish(&mut self, id: StreamId, index: usize) {
        let now = self.now;
        // What the peer did while there was no connection is not known, and it would take us for recovered.
        if self.state(index).is_some_and(State::has_recovered) {
            self.move_to(index, State::Recover);
        }
        if let Some(link) = self.engine.failover.links.get_mut(&id) {
            link.stage = Stage::Established;
            link.candidates = SmallVec::from_slice(&[index]);
        }
        if let Some(relationship) = self.relationship(index) {
            relationship.link = Some(id);
            relationship.attempts = 0;
            relationship.restart_contact(now);
            relationship.restart_receive(now);
        }
    }

    /// CONNECTACK, with the checks of PROTOCOL 3.2 in their order.
    fn connect_ack(&mut self, id: StreamId, message: &Message<'_>) {
        let Some(link) = self.engine.failover.links.get(&id) else { return };
        let Some(index) = link.relationship() else { return };
        let established = link.stage == Stage::Established;
        let Some(relationship) = self.engine.failover.relationships.get(index) else { return };
        if relationship.role != Role::Primary {
            return;
        }
        let name = relationship.name.to_string();
        let refusal = match (message.relationship_name, message.reject_reason) {
            (None, _) => (reason::INVALID_PARTNER, "missing relationship-name".into()),
            (_, Some(reason)) => {
                self.say(log::connect_rejected(&name, &reason_text(reason)));
                return self.end(id, StreamEffect::Abort);
            }
            (Some(other), _) if other != name.as_bytes() => (reason::INVALID_PARTNER, log::other_name(other)),
            _ if relationship.link.is_some() => {
                (reason::DUPLICATE_CONNECTION, String::from("already connected"))
            }
            _ if (i64::from(message.time) - self.now.wall).abs() > CLOCK_TOLERANCE => {
                (reason::TIME_MISMATCH, "time offset too large".into())
            }
            _ => {
                if let Some(relationship) = self.relationship(index) {
                    relationship.peers_max_unacked = message.max_unacked.unwrap_or(0);
                    relationship.peers_receive_timer = message.receive_timer.unwrap_or(0);
                    relationship.meet(our_kind(message.vendor_options));
                }
                self.establish(id, index);
                return self.engine.failover.send_state(index);
            }
        };
        // One that is established already is none to be refused.
        let _ = established;
        let (reason, text) = refusal;
        self.say(log::bad_connect_ack(&name, &text));
        self.engine.failover.send_on(id, Kind::Disconnect, None, 0, |writer: &mut Writer<'_>| {
            writer.put_octet(code::REJECT_REASON, reason);
            writer.put(code::MESSAGE, text.as_bytes());
        });
        self.end(id, StreamEffect::Close);
    }
}

/// What ISC calls the errors of a connection attempt.
fn result(error: ErrorKind) -> &'static str {
    match error {
        ErrorKind::AddrNotAvailable => "address not available",
        ErrorKind::PermissionDenied => "permission denied",
        ErrorKind::ConnectionRefused => "connection refused",
        ErrorKind::HostUnreachable => "host unreachable",
        ErrorKind::NetworkUnreachable => "network unreachable",
        ErrorKind::TimedOut => "timed out",
        ErrorKind::AddrInUse => "address in use",
        _ => "unexpected error",
    }
}
