//! DHCPv4 failover (draft-ietf-dhc-failover-12) as ISC dhcpd 4.4.3-P1 speaks it: a server of ours forms a pair with
//! another of ours or with ISC's.
//!
//! This module decides and writes messages; bindings are changed by `transition`, and `server` joins both with the
//! connections. Messages wait in [`Failover::outgoing`] in the order they were made, each with the record that must be
//! durable first.

pub mod balance;
pub mod export;
pub mod lease_time;
pub mod link;
pub mod load_balance;
pub mod log;
pub mod message;
pub mod relationship;
pub mod sabotage;
pub mod service;
pub mod state;
pub mod update;
pub mod vendor;

use crate::clock::{Now, Wall};
use crate::config::Config;
use crate::eval::ast::Expr;
use crate::eval::context::HostTable;
use crate::lease::binding::{self, Binding};
use crate::lease::pool::{Counts, PoolNumber};
use crate::stream::{StreamEffect, StreamId};
use link::{Link, Stage};
use message::{Kind, Writer, code};
use relationship::Relationship;
use rustc_hash::FxHashMap;
use service::Rights;
use smallvec::SmallVec;
use std::net::{Ipv4Addr, SocketAddrV4};

/// What ISC calls itself.
const VENDOR_CLASS: &[u8] = b"isc-4.4.3-P1";
/// What tells a server of our kind that we are of its kind. Behind it stands the identity of the process.
pub const OUR_KIND: &[u8] = b"dhcpd-rs\x01";

/// Which process of our kind this is from, if it is from one: 0 when it does not say.
pub fn our_kind(vendor_options: Option<&[u8]>) -> Option<u64> {
    let identity = vendor_options?.strip_prefix(OUR_KIND)?;
    Some(identity.first_chunk().map_or(0, |identity| u64::from_be_bytes(*identity)))
}

fn write_identity(out: &mut Vec<u8>, identity: u64) {
    out.extend_from_slice(OUR_KIND);
    out.extend_from_slice(&identity.to_be_bytes());
}

/// Something for a connection, and the record that must be durable first (0: none).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// A write: octets of [`Failover::bytes`].
    pub link: StreamId,
    pub sequence: u64,
    pub action: StreamEffect,
}

/// All relationships, their connections, and what is to be sent.
#[derive(Debug, Default)]
pub struct Failover {
    pub relationships: Vec<Relationship>,
    /// The relationship of a pool, by its number.
    pools: Vec<Option<u16>>,
    pub links: FxHashMap<StreamId, Link>,
    next_link: u64,
    random: u64,
    /// The time of the event that is worked on.
    now: Now,
    pub outgoing: Vec<Outgoing>,
    /// Messages of `outgoing`.
    pub bytes: Vec<u8>,
    pub is_started: bool,
    /// Of this process, as another start would not have it.
    pub identity: u64,
    pub sabotage: sabotage::Sabotage,
    /// `check-secs-byte-order`
    pub check_secs_byte_order: bool,
    /// `server-id-check`
    pub check_server_id: bool,
}

/// The addresses that an `address` statement means; a name that is unknown means none.
fn addresses(expression: Option<&Expr>, hosts: &HostTable) -> Vec<Ipv4Addr> {
    let octets = match expression {
        Some(Expr::Const(octets)) => Some(octets),
        Some(Expr::HostLookup(name)) => hosts.addresses.get(name),
        _ => None,
    };
    let (addresses, _) = octets.map_or(&[][..], |octets| octets).as_chunks::<4>();
    addresses.iter().copied().map(Ipv4Addr::from).collect()
}

impl Failover {
    pub fn new(config: &Config, hosts: &HostTable) -> Self {
        let mut failover = Failover::default();
        for peer in &config.failover_peers {
            let local = addresses(peer.local.address.as_ref(), hosts).first().copied();
            let remote = addresses(peer.partner.address.as_ref(), hosts);
            failover.relationships.push(Relationship::new(peer, local, &remote));
        }
        let of_pool = |name: &str| {
            let at = config.failover_peers.iter().position(|peer| *peer.name == *name)?;
            u16::try_from(at).ok()
        };
        if !failover.relationships.is_empty() {
            let pools = config.pools.iter();
            failover.pools = pools.map(|pool| pool.failover_peer.as_deref().and_then(of_pool)).collect();
        }
        failover
    }

    pub fn is_empty(&self) -> bool {
        self.relationships.is_empty()
    }

    /// Begins to work on an event.
    pub fn begin(&mut self, now: Now) {
        self.now = now;
    }

    pub fn now(&self) -> Now {
        self.now
    }

    /// Numbers that the other side cannot guess are not needed; that several servers do not act at once is.
    pub fn seed(&mut self, seed: u64) {
        self.random = seed | 1;
    }

    fn random(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 33) % below
    }

    /// The relationship that a pool is shared in.
    pub fn index_of(&self, pool: PoolNumber) -> Option<usize> {
        self.pools.get(pool.0 as usize).copied().flatten().map(usize::from)
    }

    pub fn of_pool(&self, pool: PoolNumber) -> Option<&Relationship> {
        self.relationships.get(self.index_of(pool)?)
    }

    /// Pools of a relationship, in the order of the configuration.
    pub fn pools_of(&self, index: usize) -> Vec<PoolNumber> {
        let mine = |(number, of): (usize, &Option<u16>)| {
            (of.map(usize::from) == Some(index)).then_some(PoolNumber(number as u32))
        };
        self.pools.iter().enumerate().filter_map(mine).collect()
    }

    /// May an address of this pool go to any client?
    pub fn rights(&self, relationship: &Relationship) -> Rights {
        match self.sabotage.breaks(sabotage::Rule::WaitForPeer) {
            true => Rights { since: 0, mclt: 0, ..relationship.rights() },
            false => relationship.rights(),
        }
    }

    pub fn may_allocate(&self, pool: Option<PoolNumber>, binding: &Binding, now: Wall) -> bool {
        match pool.and_then(|pool| self.of_pool(pool)) {
            Some(relationship) => self.rights(relationship).may_allocate(binding, now),
            None => matches!(binding.state, binding::State::Free | binding::State::Backup),
        }
    }

    /// Where connections are taken.
    pub fn listeners(&self) -> Vec<SocketAddrV4> {
        let mut listeners: Vec<SocketAddrV4> = Vec::new();
        for relationship in &self.relationships {
            if !listeners.contains(&relationship.local) {
                listeners.push(relationship.local);
            }
        }
        listeners
    }

    /// The next moment at which something is due, monotonic microseconds.
    pub fn next_deadline(&self) -> Option<u64> {
        let timers = self.relationships.iter().filter_map(|relationship| relationship.timers.next());
        timers.chain(self.links.values().filter_map(Link::deadline)).min()
    }

    /// A connection to the peer is to be made.
    pub fn connect(&mut self, index: usize) {
        let Some(relationship) = self.relationships.get_mut(index) else { return };
        let turn = relationship.attempts.checked_rem(relationship.remote.len());
        let Some(&remote) = turn.and_then(|turn| relationship.remote.get(turn)) else { return };
        let local = SocketAddrV4::new(*relationship.local.ip(), 0);
        let id = StreamId(self.next_link);
        self.next_link += 1;
        relationship.connecting = Some(id);
        self.links.insert(id, Link::new(Stage::Opening, SmallVec::from_slice(&[index]), false));
        self.outgoing.push(Outgoing {
            link: id,
            sequence: 0,
            action: StreamEffect::Connect { local, remote },
        });
    }

    /// A message on any connection; gives its number.
    pub fn send_on(
        &mut self,
        id: StreamId,
        kind: Kind,
        xid: Option<u32>,
        sequence: u64,
        fill: impl FnOnce(&mut Writer<'_>),
    ) -> Option<u32> {
        let link = self.links.get_mut(&id)?;
        let xid = xid.unwrap_or_else(|| link.next_xid());
        let start = self.bytes.len();
        let mut writer = Writer::new(&mut self.bytes, kind, self.now.wall as u32, xid);
        fill(&mut writer);
        writer.finish();
        self.put(id, sequence, start);
        Some(xid)
    }

    /// A message to the peer of a relationship, if it is connected.
    pub fn send(
        &mut self,
        index: usize,
        kind: Kind,
        xid: Option<u32>,
        sequence: u64,
        fill: impl FnOnce(&mut Writer<'_>),
    ) -> Option<u32> {
        let id = self.relationships.get(index)?.link?;
        let now = self.now();
        let xid = self.send_on(id, kind, xid, sequence, fill)?;
        if let Some(relationship) = self.relationships.get_mut(index) {
            relationship.restart_contact(now);
        }
        Some(xid)
    }

    /// The octets from `start` on are one more message. Those that follow each other are one write.
    fn put(&mut self, id: StreamId, sequence: u64, start: usize) {
        let end = self.bytes.len();
        if let Some(last) = self.outgoing.last_mut()
            && last.link == id
            && let StreamEffect::Write(range) = &mut last.action
            && range.end == start
            && last.sequence == sequence
        {
            range.end = end;
            return;
        }
        self.outgoing.push(Outgoing { link: id, sequence, action: StreamEffect::Write(start..end) });
    }

    /// The update of the binding that is first in the queue.
    pub fn send_update(&mut self, index: usize, binding: &Binding, sequence: u64) {
        let (now, time) = (self.now(), self.now.wall as u32);
        let Some(relationship) = self.relationships.get_mut(index) else { return };
        let Some(id) = relationship.link else { return };
        let Some(link) = self.links.get_mut(&id) else { return };
        let xid = link.next_update_xid();
        let Some(desired) = relationship.mark_sent(xid) else { return };
        let start = self.bytes.len();
        let to_our_kind = relationship.is_our_kind;
        update::write(&mut self.bytes, binding, desired, to_our_kind, time, xid);
        relationship.restart_contact(now);
        self.put(id, sequence, start);
    }

    /// Acknowledges what waits for it. `sequence`: the last record.
    pub fn acknowledge(&mut self, index: usize, sequence: u64) {
        let Some(relationship) = self.relationships.get_mut(index) else { return };
        relationship.timers.acknowledge = None;
        for (address, xid) in std::mem::take(&mut relationship.to_acknowledge) {
            self.send(index, Kind::BindingAck, Some(xid), sequence, |writer| {
                writer.put(code::ASSIGNED_ADDRESS, &address.octets());
            });
        }
    }

    /// Refuses an update.
    pub fn refuse(&mut self, index: usize, address: Ipv4Addr, xid: u32, refusal: &update::Refusal) {
        self.send(index, Kind::BindingAck, Some(xid), 0, |writer| {
            writer.put(code::ASSIGNED_ADDRESS, &address.octets());
            writer.put_octet(code::REJECT_REASON, refusal.reason);
            writer.put(code::MESSAGE, refusal.text.as_bytes());
        });
    }

    /// Own state, as the peer is to know it.
    pub fn send_state(&mut self, index: usize) {
        let Some(relationship) = self.relationships.get(index) else { return };
        let in_startup = relationship.my == state::State::Startup;
        let state = if in_startup { relationship.stored } else { relationship.my };
        let flags = u8::from(relationship.service == service::Service::Startup) * message::STARTUP;
        let (since, sequence) = (relationship.my_since, relationship.sequence);
        self.send(index, Kind::State, None, sequence, |writer| {
            writer.put_octet(code::SERVER_STATE, state.number());
            writer.put_octet(code::SERVER_FLAGS, flags);
            writer.put_word(code::STOS, since as u32);
        });
    }

    pub fn send_connect(&mut self, id: StreamId, index: usize) {
        let Some(relationship) = self.relationships.get(index) else { return };
        let (name, mclt) = (relationship.name.clone(), relationship.mclt);
        let (unacked, timer) =
            (relationship.parameters.max_unacked_updates, relationship.parameters.max_response_delay);
        let buckets = relationship.buckets.clone();
        let identity = self.identity;
        self.send_on(id, Kind::Connect, None, 0, |writer| {
            writer.put(code::RELATIONSHIP_NAME, name.as_bytes());
            writer.put_word(code::MAX_UNACKED, unacked);
            writer.put_word(code::RECEIVE_TIMER, timer);
            writer.put(code::VENDOR_CLASS, VENDOR_CLASS);
            writer.put_octet(code::PROTOCOL_VERSION, 1);
            writer.put_octet(code::TLS_REQUEST, 0);
            writer.put_word(code::MCLT, mclt);
            if let Some(buckets) = buckets {
                writer.put(code::HBA, &buckets[..]);
            }
            writer.put_with(code::VENDOR_OPTIONS, |out| write_identity(out, identity));
        });
    }

    /// `tls`: the CONNECT asked for it. `refusal`: why it is refused, if it is. `name`: as received, where none of ours.
    pub fn send_connect_ack(
        &mut self,
        id: StreamId,
        index: Option<usize>,
        name: &[u8],
        (xid, tls): (u32, bool),
        refusal: Option<(u8, &str)>,
    ) {
        let identity = self.identity;
        let relationship = index.and_then(|index| self.relationships.get(index));
        let known = relationship.map(|relationship| {
            let parameters = &relationship.parameters;
            (relationship.name.clone(), parameters.max_unacked_updates, parameters.max_response_delay)
        });
        self.send_on(id, Kind::ConnectAck, Some(xid), 0, |writer| {
            match &known {
                Some((name, unacked, timer)) => {
                    writer.put(code::RELATIONSHIP_NAME, name.as_bytes());
                    writer.put_word(code::MAX_UNACKED, *unacked);
                    writer.put_word(code::RECEIVE_TIMER, *timer);
                }
                None if !name.is_empty() => {
                    writer.put(code::RELATIONSHIP_NAME, name);
                }
                None => {}
            }
            writer.put(code::VENDOR_CLASS, VENDOR_CLASS);
            writer.put_octet(code::PROTOCOL_VERSION, 1);
            if tls {
                writer.put_octet(code::TLS_REPLY, 0);
            }
            match refusal {
                Some((reason, text)) => {
                    writer.put_octet(code::REJECT_REASON, reason);
                    writer.put(code::MESSAGE, text.as_bytes());
                }
                None => {
                    writer.put_with(code::VENDOR_OPTIONS, |out| write_identity(out, identity));
                }
            }
        });
    }

    /// Ends a connection that is of no use.
    pub fn end(&mut self, id: StreamId, action: StreamEffect) {
        self.outgoing.push(Outgoing { link: id, sequence: 0, action });
    }

    /// An address has left the free ones or come to them: is balancing wanted sooner? `free`, `backup`: `ends` of the first
    /// of each queue.
    pub fn schedule_balance(&mut self, index: usize, free: Option<Wall>, backup: Option<Wall>) {
        let jitter = self.random(5);
        let now = self.now();
        let Some(relationship) = self.relationships.get_mut(index) else { return };
        if relationship.my != state::State::Normal {
            return;
        }
        let past = |ends: Option<Wall>| ends.filter(|ends| *ends < now.wall);
        let (role, parameters) = (relationship.role, &relationship.parameters);
        let last = relationship.balanced_at;
        let next = balance::next_run(role, parameters, past(free), past(backup), last, now.wall);
        let due = Relationship::after(now, (next - now.wall).max(0) as u64 + jitter);
        let timer = &mut relationship.timers.balance;
        if timer.is_none_or(|timer| due.is_some_and(|due| due < timer)) {
            *timer = due;
        }
    }

    /// Whether an address that came back may go to the secondary, whose client it was.
    pub fn secondary_may_get(&self, index: usize, counts: &Counts) -> bool {
        self.relationships
            .get(index)
            .is_some_and(|relationship| balance::secondary_may_get(counts, &relationship.parameters))
    }
}

#[cfg(test)]
mod tests;
