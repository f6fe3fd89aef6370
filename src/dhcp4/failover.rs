//! What a failover pair changes for clients: which addresses are ours to give, who answers whom, and when nobody does
//! (PROTOCOL sections 10, 12 and 13).

use super::Engine;
use super::client::Client;
use super::lease_ref::LeaseRef;
use super::message;
use super::nak::run_network;
use super::parameter::dhcp;
use super::reply::server_identifier;
use super::scope;
use crate::config::model::NetworkId;
use crate::eval::machine::Machine;
use crate::failover::load_balance;
use crate::failover::relationship::Relationship;
use crate::failover::service::Service;
use crate::failover::state::Role;
use crate::lease::binding::{Binding, State};
use crate::lease::pool::PoolNumber;
use crate::lease::queue::Kind;
use crate::lease::store::Candidate;
use crate::log::Line;
use crate::option::definition::OptionId;
use std::borrow::Cow;
use std::net::Ipv4Addr;

impl Engine {
    pub(super) fn may_allocate(&self, binding: &Binding, now: i64) -> bool {
        match self.failover.is_empty() {
            true => matches!(binding.state, State::Free | State::Backup),
            false => self.failover.may_allocate(self.store.pool_of(binding.address), binding, now),
        }
    }

    /// In use, in use until the last change, or ours to give: the client may have it again.
    pub(super) fn may_be_resumed(&self, binding: &Binding, now: i64) -> bool {
        binding.state == State::Active
            || binding.rewind_state == State::Active
            || self.may_allocate(binding, now)
    }

    fn address_of(&self, lease: &LeaseRef) -> Option<Ipv4Addr> {
        match lease {
            LeaseRef::Fixed(_) => None,
            LeaseRef::Stored(id) => Some(self.store.get(*id).address),
            LeaseRef::Fresh(address) => Some(*address),
        }
    }

    fn relationship_of(&self, lease: &LeaseRef) -> Option<&Relationship> {
        if self.failover.is_empty() {
            return None;
        }
        self.failover.of_pool(self.store.pool_of(self.address_of(lease)?)?)
    }

    /// The lease as a binding.
    fn binding_of(&self, lease: &LeaseRef) -> Cow<'_, Binding> {
        match lease {
            LeaseRef::Stored(id) => Cow::Borrowed(self.store.get(*id)),
            other => {
                let address = self.address_of(other).unwrap_or(Ipv4Addr::UNSPECIFIED);
                Cow::Owned(Binding::never_used(address))
            }
        }
    }

    /// Whether a lease that was found may be offered. Without a peer every one may.
    pub(super) fn may_be_offered(&self, lease: &LeaseRef, now: i64) -> bool {
        self.relationship_of(lease).is_none() || self.may_be_resumed(&self.binding_of(lease), now)
    }

    /// A peer holds free addresses of this network.
    pub(super) fn peer_has_leases(&self, client: &Client<'_>, network: NetworkId) -> bool {
        !self.failover.is_empty()
            && client.config.network(network).pools.iter().any(|pool| {
                let pool = PoolNumber(pool.0);
                let counts = self.store.counts(pool);
                self.failover.of_pool(pool).is_some_and(|relationship| match relationship.role {
                    Role::Primary => counts.backup > 0,
                    Role::Secondary => counts.free > 0,
                })
            })
    }

    /// What a pool that is shared would hand out next: one of our own, when the peer is down perhaps one of its; an abandoned
    /// one as the last resort.
    pub(super) fn candidate(
        &mut self,
        pool: PoolNumber,
        now: i64,
        peer_has_leases: &mut bool,
    ) -> Option<Candidate> {
        let Some(relationship) = self.failover.of_pool(pool) else { return self.store.candidate(pool, now) };
        let rights = self.failover.rights(relationship);
        let (own, peers) = match rights.role {
            Role::Primary => (Kind::Free, Kind::Backup),
            Role::Secondary => (Kind::Backup, Kind::Free),
        };
        let mut candidate = self.store.first(pool, own);
        if let Some(first) = self.store.first(pool, peers) {
            let ends = self.store.ends_of(first);
            let is_older = candidate.is_none_or(|candidate| self.store.ends_of(candidate) > ends);
            let binding = match first {
                Candidate::Known(id) => Cow::Borrowed(self.store.get(id)),
                Candidate::Fresh(address) => Cow::Owned(Binding::never_used(address)),
            };
            match is_older && rights.may_allocate(&binding, now) {
                true => candidate = Some(first),
                false => *peer_has_leases = true,
            }
        }
        if candidate.is_none()
            && let Some(Candidate::Known(id)) = self.store.first(pool, Kind::Abandoned)
            && rights.may_allocate(self.store.get(id), now)
        {
            return Some(Candidate::Known(id));
        }
        candidate.filter(|candidate| self.store.ends_of(*candidate) <= now)
    }

    /// In a state in which we do not answer: says so.
    pub(super) fn is_mute(&mut self, lease: &LeaseRef, text: &str) -> bool {
        let Some(relationship) = self.relationship_of(lease) else { return false };
        if relationship.service.answers() {
            return false;
        }
        let line = message::not_responding(text, relationship.reason);
        self.out.say(line);
        true
    }

    /// The same for what wants no answer: the line names the relationship.
    pub(super) fn is_deaf(&self, lease: &LeaseRef) -> Option<Line> {
        let relationship = self.relationship_of(lease)?;
        (!relationship.service.answers()).then(|| message::ignored(&relationship.name, relationship.reason))
    }

    /// Is this client the peer's to answer? `peer_has_leases`: None where ISC does not ask (BOOTP).
    pub(super) fn is_peers_client(
        &mut self,
        client: &Client<'_>,
        lease: &LeaseRef,
        text: &str,
        peer_has_leases: Option<bool>,
    ) -> bool {
        let check = self.failover.check_secs_byte_order;
        let Some(relationship) = self.relationship_of(lease) else { return false };
        if relationship.service != Service::Cooperating {
            return false;
        }
        let header = &client.packet.message;
        let identifier = client.packet.option(OptionId::dhcp(dhcp::CLIENT_IDENTIFIER));
        let key = identifier.as_deref().unwrap_or(header.chaddr());
        if relationship.is_mine(key, load_balance::seconds(header.secs(), check)) {
            return false;
        }
        let name = relationship.name.clone();
        let (line, leave) = match peer_has_leases {
            None => (message::load_balance_bootp(text, &name), true),
            Some(true) => (message::load_balance(text, &name), true),
            Some(false) => (message::cancel_load_balance(text, &name), false),
        };
        self.out.say(line);
        leave
    }

    /// DHCPREQUEST for a shared lease: what is said when it is not ours to answer, and whether the client hears NO.
    pub(super) fn is_peers_lease(
        &mut self,
        client: &Client<'_>,
        lease: &LeaseRef,
        text: &str,
        address: Ipv4Addr,
    ) -> bool {
        if self.relationship_of(lease).is_none() {
            return false;
        }
        if self.is_mute(lease, text) {
            return true;
        }
        let binding = self.binding_of(lease);
        let ours = self.may_allocate(&binding, client.now);
        let (state, rewind) = (binding.state, binding.rewind_state);
        let held = binding.address;
        let fault = match state {
            State::Free | State::Backup if !ours => "lease owned by peer",
            State::Released if !ours && rewind != State::Active => "lease in transition state released",
            State::Expired if !ours && rewind != State::Active => "lease in transition state expired",
            State::Reset if !ours => "lease reset by administrator",
            _ if self.failover.check_server_id && self.is_for_another_server(client) => "not our server id",
            _ => return false,
        };
        self.out.say(message::owned(text, fault));
        if state == State::Reset && !ours {
            let scope = client.config.find_subnet(held).map(|s| client.config.subnet(s).scope);
            self.nak(client, address, scope);
        }
        true
    }

    /// `server-id-check`
    fn is_for_another_server(&mut self, client: &Client<'_>) -> bool {
        let named = client.packet.option(OptionId::dhcp(dhcp::SERVER_IDENTIFIER));
        let Some(named) = named.and_then(|value| <[u8; 4]>::try_from(&*value).ok()) else { return false };
        if named == [0; 4] {
            return false;
        }
        let own = self.first_address(client.interface);
        let mut options = self.take_options();
        let (variables, outcome) = (&mut self.variables, &mut self.out.outcome);
        let context = scope::context(client, &self.hosts, None);
        let mut machine = Machine::new(context, variables, &mut options, outcome);
        run_network(&mut machine, client, None);
        let identifier = server_identifier(&mut machine, own);
        options.clear();
        self.options = Some(options);
        identifier != Ipv4Addr::from(named)
    }

    /// The record of the pair's state that an answer about this lease depends on.
    pub(super) fn state_record(&self, address: Ipv4Addr) -> u64 {
        if self.failover.is_empty() {
            return 0;
        }
        let pool = self.store.pool_of(address);
        pool.and_then(|pool| self.failover.of_pool(pool)).map_or(0, |relationship| relationship.sequence)
    }
}
