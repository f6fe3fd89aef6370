//! One `failover peer` of the configuration: both states, the updates under way, and its timers.

use super::load_balance::{self, Buckets};
use super::service::{Rights, Service, service};
use super::state::{Role, Standing, State};
use crate::clock::{Now, Wall};
use crate::config::model::FailoverPeer;
use crate::eval::ast::Name;
use crate::lease::binding::{self, Binding};
use crate::lease::queue::BindingId;
use crate::lease::store::RewriteWalk;
use crate::lease_file::{FailoverRecord, PeerState};
use crate::stream::StreamId;
use rustc_hash::FxHashMap;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddrV4};

/// Microseconds.
pub const SECOND: u64 = 1_000_000;
/// Without a STATE of the peer, startup ends after so many seconds.
pub const STARTUP_SECONDS: u64 = 15;
/// Pause before the next connection attempt; and after one that failed for a reason of this machine.
pub const RECONNECT_SECONDS: u64 = 5;
pub const LOCAL_FAILURE_SECONDS: u64 = 90;
/// An acknowledgement waits so long for more of them.
pub const ACK_SECONDS: u64 = 2;
/// Until the peer is told once more of a lease that it takes for over.
const AGAIN_SECONDS: u64 = 60;

/// Numbers of the declaration; where 0 means the default, the default.
#[derive(Clone, Debug)]
pub struct Parameters {
    pub max_response_delay: u32,
    pub max_unacked_updates: u32,
    pub load_balance_max_seconds: u32,
    pub auto_partner_down: u32,
    /// Percent.
    pub max_lease_misbalance: u32,
    /// Percent.
    pub max_lease_ownership: u32,
    pub min_balance: u32,
    pub max_balance: u32,
}

/// An update that the peer has not acknowledged.
#[derive(Clone, Copy, Debug)]
pub struct Pending {
    /// What it is sent with; 0: not sent yet.
    pub xid: u32,
    /// Place among those that were sent; None: it waits in the update queue.
    pub sent: Option<u64>,
    /// The binding state that the peer is told, or is to be told.
    pub desired: binding::State,
    /// It was on its way once, or may have been: the peer may know of it.
    pub may_be_known: bool,
}

/// Monotonic microseconds at which something is due.
#[derive(Clone, Debug, Default)]
pub struct Timers {
    pub startup: Option<u64>,
    pub reconnect: Option<u64>,
    pub contact: Option<u64>,
    pub receive: Option<u64>,
    pub acknowledge: Option<u64>,
    pub auto_partner_down: Option<u64>,
    pub recover_wait: Option<u64>,
    pub balance: Option<u64>,
    /// Updates that the peer refused are offered again.
    pub refused: Option<u64>,
}

impl Timers {
    fn all(&self) -> [Option<u64>; 9] {
        [
            self.startup,
            self.reconnect,
            self.contact,
            self.receive,
            self.acknowledge,
            self.auto_partner_down,
            self.recover_wait,
            self.balance,
            self.refused,
        ]
    }

    pub fn next(&self) -> Option<u64> {
        self.all().into_iter().flatten().min()
    }
}

/// See the module.
#[derive(Debug)]
pub struct Relationship {
    pub name: Name,
    pub role: Role,
    pub parameters: Parameters,
    pub local: SocketAddrV4,
    /// Addresses of the peer, of which the first that answers is used.
    pub remote: Vec<SocketAddrV4>,
    pub my: State,
    pub my_since: Wall,
    /// What is stored while `my` is startup.
    pub stored: State,
    pub partner: State,
    pub partner_since: Wall,
    /// Seconds; a secondary learns it from its primary.
    pub mclt: u32,
    pub buckets: Option<Box<Buckets>>,
    /// As the peer announced them.
    pub peers_max_unacked: u32,
    pub peers_receive_timer: u32,
    pub service: Service,
    /// What follows `not responding`.
    pub reason: &'static str,
    /// The established connection.
    pub link: Option<StreamId>,
    /// The peer takes what only servers of our kind send.
    pub is_our_kind: bool,
    /// Which process of our kind the peer was when it was met last; 0: none yet.
    pub peers_identity: u64,
    /// The peer is another process now, perhaps with a lease file of some time ago: it is to be told of all leases.
    pub tell_all: bool,
    /// How far that has come.
    pub telling: Option<RewriteWalk>,
    pub timers: Timers,
    /// When balancing ran last.
    pub balanced_at: Wall,
    /// The record of its last state.
    pub sequence: u64,
    /// Tried so far since the last success; addresses are tried in turn.
    pub attempts: usize,
    /// A connection attempt is under way.
    pub connecting: Option<StreamId>,
    pub(super) updates: VecDeque<BindingId>,
    pub(super) pending: FxHashMap<BindingId, Pending>,
    pub(super) sent: BTreeMap<u64, BindingId>,
    pub(super) sent_count: u64,
    /// Updates of the peer that are accepted and not acknowledged yet.
    pub to_acknowledge: Vec<(Ipv4Addr, u32)>,
    /// When this one is acknowledged, the peer is told that its request is answered.
    pub update_done_after: Option<BindingId>,
    pub update_request: u32,
    /// The peer was asked for everything and has not said that this was all.
    pub asked_for_all: bool,
    /// Updates that the peer refused.
    pub refused: Vec<BindingId>,
    /// Leases that the peer took for over and was told of again, and when (monotonic microseconds).
    pub told_again: FxHashMap<BindingId, u64>,
}

impl Relationship {
    /// As the configuration declares it, in the state of a server that knows nothing.
    pub fn new(peer: &FailoverPeer, local: Option<Ipv4Addr>, remote: &[Ipv4Addr]) -> Self {
        let role = if peer.primary { Role::Primary } else { Role::Secondary };
        let (service, reason) = (Service::Startup, " (startup)");
        let at = |address: &Ipv4Addr| SocketAddrV4::new(*address, peer.partner.port);
        Relationship {
            name: peer.name.clone(),
            role,
            parameters: Parameters {
                max_response_delay: peer.local.max_response_delay,
                max_unacked_updates: peer.local.max_unacked_updates,
                load_balance_max_seconds: peer.load_balance_max_seconds,
                auto_partner_down: peer.auto_partner_down,
                max_lease_misbalance: peer.max_lease_misbalance,
                max_lease_ownership: peer.max_lease_ownership,
                min_balance: peer.min_balance,
                max_balance: peer.max_balance,
            },
            local: SocketAddrV4::new(local.unwrap_or(Ipv4Addr::UNSPECIFIED), peer.local.port),
            remote: remote.iter().map(at).collect(),
            my: State::Recover,
            my_since: 0,
            stored: State::Recover,
            partner: State::Unknown,
            partner_since: 0,
            mclt: peer.mclt,
            buckets: peer.hba.clone(),
            peers_max_unacked: 0,
            peers_receive_timer: 0,
            service,
            reason,
            link: None,
            is_our_kind: false,
            peers_identity: 0,
            tell_all: false,
            telling: None,
            timers: Timers::default(),
            balanced_at: 0,
            sequence: 0,
            attempts: 0,
            connecting: None,
            updates: VecDeque::new(),
            pending: FxHashMap::default(),
            sent: BTreeMap::new(),
            sent_count: 0,
            to_acknowledge: Vec::new(),
            update_done_after: None,
            update_request: 0,
            asked_for_all: false,
            refused: Vec::new(),
            told_again: FxHashMap::default(),
        }
    }

    /// The peer has introduced itself: as a process of our kind with this identity, or as something else.
    pub fn meet(&mut self, identity: Option<u64>) {
        self.is_our_kind = identity.is_some();
        let identity = identity.unwrap_or(0);
        self.tell_all |= self.peers_identity != 0 && identity != self.peers_identity;
        self.peers_identity = identity;
    }

    /// Takes over what the lease file says.
    pub fn restore(&mut self, record: &FailoverRecord) {
        let read = |state: &PeerState| Some((State::from_name(state.state)?, state.since));
        if let Some((state, since)) = record.my.as_ref().and_then(read) {
            self.my = state;
            self.stored = state;
            self.my_since = since;
        }
        if let Some((state, since)) = record.partner.as_ref().and_then(read) {
            self.partner = state;
            self.partner_since = since;
        }
        if let Some(mclt) = record.mclt {
            self.mclt = mclt as u32;
        }
    }

    /// What the lease file is to say.
    pub fn record(&self) -> FailoverRecord {
        let my = if self.my == State::Startup { self.stored } else { self.my };
        FailoverRecord {
            name: self.name.to_string(),
            my: Some(PeerState { state: my.name(), since: self.my_since }),
            partner: Some(PeerState { state: self.partner.name(), since: self.partner_since }),
            mclt: (self.role == Role::Secondary).then_some(self.mclt as i32),
        }
    }

    pub fn standing(&self) -> Standing<'_> {
        Standing {
            name: &self.name,
            role: self.role,
            my: self.my,
            stored: self.stored,
            partner: self.partner,
        }
    }

    pub fn set_service(&mut self) {
        (self.service, self.reason) = service(self.my, self.partner);
    }

    pub fn rights(&self) -> Rights {
        Rights { role: self.role, service: self.service, since: self.my_since, mclt: Wall::from(self.mclt) }
    }

    /// Until when the peer knows that the address may be in use. What a client has left in partner-down has MCLT more in
    /// `tsfp`, or more when the peer may know more than it said: that long nobody else gets it.
    pub fn known(&self, id: Option<BindingId>, binding: &Binding) -> Wall {
        use binding::State::{Abandoned, Expired, Released, Reset};
        let held_back =
            self.my == State::PartnerDown && matches!(binding.state, Abandoned | Expired | Released | Reset);
        match held_back {
            true if id.is_some_and(|id| self.may_know(id)) => 0,
            true => binding.tsfp() - Wall::from(self.mclt),
            false => binding.tsfp(),
        }
    }

    /// Whether MCLT has not passed since the state was entered whose time counts.
    pub fn must_wait(&self, now: Wall) -> bool {
        self.my_since + Wall::from(self.mclt) > now
    }

    /// Is this DISCOVER ours to answer? `key`: the client's identifier, else its hardware address without type.
    pub fn is_mine(&self, key: &[u8], secs: u16) -> bool {
        let most = self.parameters.load_balance_max_seconds;
        if most == 0 || most < u32::from(secs) {
            return true;
        }
        let Some(buckets) = &self.buckets else { return false };
        load_balance::is_primarys(buckets, key) == (self.role == Role::Primary)
    }

    /// Would the peer answer the client that had this lease last?
    pub fn peer_wants(&self, binding: &Binding) -> bool {
        let Some(buckets) = &self.buckets else { return false };
        let key = match (&binding.uid[..], &binding.hardware[..]) {
            ([], [_, address @ ..]) if !address.is_empty() => address,
            ([], _) => return false,
            (uid, _) => uid,
        };
        load_balance::is_primarys(buckets, key) != (self.role == Role::Primary)
    }

    /// A secondary does not say in a conflict what has ended: its primary, which may have given the address to another client
    /// since, sees that by itself, and ISC's would take that lease away. It says so when both are normal.
    pub fn keeps_ends(&self) -> bool {
        self.role == Role::Secondary && self.my == State::PotentialConflict
    }

    /// What waits to be sent and says this is not said.
    pub fn drop_waiting(&mut self, desired: binding::State) {
        let Relationship { updates, pending, .. } = self;
        updates.retain(|id| {
            let goes = pending.get(id).is_some_and(|pending| pending.desired == desired);
            if goes {
                pending.remove(id);
            }
            !goes
        });
    }

    /// The peer is to be told of this binding. One that is on its way is told anew; one that waits, waits on.
    pub fn queue_update(&mut self, id: BindingId, desired: binding::State) {
        let pending = self.pending.entry(id).or_insert(Pending {
            xid: 0,
            sent: Some(u64::MAX),
            desired,
            may_be_known: false,
        });
        pending.desired = desired;
        if let Some(place) = pending.sent.take() {
            self.sent.remove(&place);
            pending.xid = 0;
            self.updates.push_back(id);
        }
    }

    pub fn is_pending(&self, id: BindingId) -> bool {
        self.pending.contains_key(&id)
    }

    pub fn pending(&self, id: BindingId) -> Option<Pending> {
        self.pending.get(&id).copied()
    }

    /// The next binding to tell of, if the peer takes one more.
    pub fn next_update(&self) -> Option<BindingId> {
        let room = (self.sent.len() as u64) < u64::from(self.peers_max_unacked);
        self.updates.front().copied().filter(|_| room)
    }

    /// The first of the update queue is on its way under this number. Gives what the peer is told.
    pub fn mark_sent(&mut self, xid: u32) -> Option<binding::State> {
        let id = self.updates.pop_front()?;
        self.sent_count += 1;
        let pending = self.pending.get_mut(&id)?;
        pending.xid = xid;
        pending.may_be_known = true;
        pending.sent = Some(self.sent_count);
        self.sent.insert(self.sent_count, id);
        Some(pending.desired)
    }

    /// Whether the peer may have been told of a binding and has not said so.
    pub fn may_know(&self, id: BindingId) -> bool {
        self.pending.get(&id).is_some_and(|pending| pending.may_be_known)
    }

    /// A process before this one may have told the peer.
    pub fn may_be_known(&mut self, id: BindingId) {
        if let Some(pending) = self.pending.get_mut(&id) {
            pending.may_be_known = true;
        }
    }

    /// What the next update is to say.
    pub fn desired(&self, id: BindingId) -> Option<binding::State> {
        self.pending.get(&id).map(|pending| pending.desired)
    }

    /// An update on its way is not waited for any more; one that waits to be sent stays.
    pub fn forget_sent(&mut self, id: BindingId) {
        if let Some(place) = self.pending.get(&id).and_then(|pending| pending.sent) {
            self.sent.remove(&place);
            self.pending.remove(&id);
        }
    }

    /// Whether the peer may be told of a lease again: once a minute, so that two who disagree do not talk without end.
    pub fn may_tell_again(&mut self, id: BindingId, now: Now) -> bool {
        self.told_again.retain(|_, told| now.mono.saturating_sub(*told) < AGAIN_SECONDS * SECOND);
        match self.told_again.entry(id) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                place.insert(now.mono);
                true
            }
        }
    }

    /// The peer was first: what still waits to be told of this binding tells what it is now. Whether something waits.
    pub fn catch_up(&mut self, id: BindingId, state: binding::State) -> bool {
        let pending = self.pending.get_mut(&id);
        pending.map(|pending| pending.desired = state).is_some()
    }

    /// All updates on their way are to be sent again, before those that wait.
    pub fn rescind_updates(&mut self) {
        for (_, id) in std::mem::take(&mut self.sent).into_iter().rev() {
            if let Some(pending) = self.pending.get_mut(&id) {
                pending.sent = None;
                pending.xid = 0;
                self.updates.push_front(id);
            }
        }
    }

    pub fn last_update(&self) -> Option<BindingId> {
        self.updates.back().copied()
    }

    /// Neither waiting nor on their way.
    pub fn has_no_updates(&self) -> bool {
        self.pending.is_empty()
    }

    pub fn unacked(&self) -> usize {
        self.sent.len()
    }

    /// Sets a timer so many seconds ahead.
    pub fn after(now: Now, seconds: u64) -> Option<u64> {
        Some(now.mono.saturating_add(seconds.saturating_mul(SECOND)))
    }

    /// A message has been sent, so the next keep-alive can wait.
    pub fn restart_contact(&mut self, now: Now) {
        if self.peers_receive_timer > 0 {
            self.timers.contact = Self::after(now, u64::from(self.peers_receive_timer / 3).max(1));
        }
    }

    pub fn restart_receive(&mut self, now: Now) {
        self.timers.receive = Self::after(now, u64::from(self.parameters.max_response_delay));
    }
}
