//! Which lease a message is about (section 2): by fixed address, client identifier, hardware address and the address it
//! names.

use super::Engine;
use super::client::{Client, DISCOVER, REQUEST};
use super::lease_ref::{Fixed, LeaseRef};
use super::message::{self, nak_text};
use super::parameter::dhcp;
use crate::config::model::{HostId, NetworkId};
use crate::lease::binding::{Binding, State};
use crate::lease::queue::BindingId;
use smallvec::SmallVec;
use std::net::Ipv4Addr;

#[derive(Debug, Default)]
pub struct Found {
    pub lease: Option<LeaseRef>,
    /// The address asked for is one of ours: what is refused is refused with a NAK.
    pub ours: bool,
    /// The host declaration without address that an active lease hangs on.
    pub host: Option<HostId>,
}

/// The lease at the address a client names, used before or not.
#[derive(Clone, Copy, PartialEq)]
enum AtAddress {
    Stored(BindingId),
    Fresh(Ipv4Addr),
}

impl AtAddress {
    fn stored(self) -> Option<BindingId> {
        match self {
            AtAddress::Stored(id) => Some(id),
            AtAddress::Fresh(_) => None,
        }
    }
}

/// Candidates while the choice is made.
struct Candidates {
    address: Option<Ipv4Addr>,
    fixed: Option<Fixed>,
    host: Option<HostId>,
    at_address: Option<AtAddress>,
    by_uid: Option<BindingId>,
    by_hardware: Option<BindingId>,
    ours: bool,
}

fn may_be_given_to_anybody(state: State) -> bool {
    matches!(state, State::Free | State::Backup)
}

fn is_clients(binding: &Binding, client: &Client<'_>) -> bool {
    match binding.uid.is_empty() {
        false => client.identifier.as_deref() == Some(&binding.uid[..]),
        true => binding.hardware[..] == client.hardware[..],
    }
}

impl Engine {
    pub(super) fn find_lease(&mut self, client: &mut Client<'_>, network: NetworkId) -> Found {
        let ciaddr = client.packet.message.ciaddr();
        let address = match ciaddr.is_unspecified() {
            false => Some(ciaddr),
            true => client.address_option(dhcp::REQUESTED_ADDRESS),
        };
        let (fixed, host) = self.find_host(client, network);
        let client = &*client;
        if client.kind == REQUEST && fixed.as_ref().is_some_and(|fixed| Some(fixed.address) != address) {
            self.nak_text = nak_text::INCORRECT;
            return Found { ours: true, ..Found::default() };
        }
        let by_uid = self.resume_by_uid(client, network);
        let by_hardware = self.resume_by_hardware(client, network);
        let at_address = None;
        let mut candidates =
            Candidates { address, fixed, host, at_address, by_uid, by_hardware, ours: false };
        self.find_at_address(client, network, &mut candidates);
        self.settle_duplicates(client, network, &mut candidates);
        self.drop_unpermitted(client, &mut candidates);
        self.choose(client, candidates)
    }

    /// Rule 2.1.
    fn find_host(&self, client: &mut Client<'_>, network: NetworkId) -> (Option<Fixed>, Option<HostId>) {
        if let Some(head) = client.host_by_identifier() {
            client.known = true;
            return match self.fixed_lease(client, head, network) {
                None => (None, Some(head)),
                fixed => (fixed, None),
            };
        }
        let Some(head) = client.host_by_hardware().or_else(|| client.host_by_option()) else {
            return (None, None);
        };
        client.known = true;
        (self.fixed_lease(client, head, network), Some(head))
    }

    fn network_of_binding(&self, client: &Client<'_>, id: BindingId) -> Option<NetworkId> {
        let pool = self.pool_of(self.store.get(id).address)?;
        Some(client.config.pool(pool).network)
    }

    /// Rule 2.4 for the client's identifier.
    fn resume_by_uid(&mut self, client: &Client<'_>, network: NetworkId) -> Option<BindingId> {
        let uid = client.identifier.as_deref()?;
        let chain: SmallVec<[BindingId; 4]> = self.store.by_uid(uid).collect();
        let moves = client.packet.message.ciaddr().is_unspecified();
        for id in chain {
            let may_be_resumed = self.may_be_resumed(self.store.get(id), client.now);
            if may_be_resumed && self.network_of_binding(client, id) != Some(network) {
                continue;
            }
            if may_be_resumed && self.may_use_binding(client, id) {
                return Some(id);
            }
            if moves {
                self.release_lease(id, client);
            }
        }
        None
    }

    /// Rules 2.4 and 2.7 for the client's hardware address.
    fn resume_by_hardware(&mut self, client: &Client<'_>, network: NetworkId) -> Option<BindingId> {
        let chain: SmallVec<[BindingId; 4]> = self.store.by_hardware(&client.hardware).collect();
        let moves = client.packet.message.ciaddr().is_unspecified();
        for id in chain {
            let binding = self.store.get(id);
            if !self.may_be_resumed(binding, client.now) {
                continue;
            }
            let is_anothers = !may_be_given_to_anybody(binding.state)
                && !binding.uid.is_empty()
                && client.identifier.as_deref() != Some(&binding.uid[..]);
            if is_anothers || self.network_of_binding(client, id) != Some(network) {
                continue;
            }
            if self.may_use_binding(client, id) {
                return Some(id);
            }
            if moves {
                self.release_lease(id, client);
            }
        }
        None
    }

    /// Rule 2.5.
    fn find_at_address(&mut self, client: &Client<'_>, network: NetworkId, candidates: &mut Candidates) {
        let Some(address) = candidates.address else { return };
        let Some(pool) = self.pool_of(address) else { return };
        candidates.ours = true;
        if client.config.pool(pool).network != network {
            self.nak_text = nak_text::BAD_SUBNET;
            return;
        }
        let has_other = candidates.by_uid.is_some() || candidates.by_hardware.is_some();
        let Some(id) = self.store.by_address(address) else {
            let ours = self.may_allocate(&Binding::never_used(address), client.now);
            if ours || !has_other || client.kind != DISCOVER {
                candidates.at_address = Some(AtAddress::Fresh(address));
            }
            return;
        };
        let binding = self.store.get(id);
        if !is_clients(binding, client) && !may_be_given_to_anybody(binding.state) {
            // Never true that somebody else's address is ours to refuse while it is not in use.
            if binding.state != State::Active {
                candidates.ours = false;
            }
            return;
        }
        // An offer prefers what the client has had to an address that merely might become free.
        if has_other && client.kind == DISCOVER && !self.may_be_resumed(binding, client.now) {
            return;
        }
        candidates.at_address = Some(AtAddress::Stored(id));
    }

    /// Rule 2.9, and two active leases of one client.
    fn settle_duplicates(&mut self, client: &Client<'_>, network: NetworkId, candidates: &mut Candidates) {
        if let Some(id) = candidates.at_address.and_then(AtAddress::stored) {
            let binding = self.store.get(id);
            let is_active = binding.state == State::Active && !binding.uid.is_empty();
            if is_active && candidates.by_uid != Some(id) {
                self.prefer_active_at_address(client, network, candidates, id);
            }
        }
        if client.kind == REQUEST
            && candidates.at_address.is_some()
            && let Some(fixed) = &candidates.fixed
        {
            let host = client.config.host(fixed.host).name.to_string();
            self.say_conflict(client, candidates.address, network, &host);
            candidates.at_address = None;
            self.nak_text = nak_text::CONFLICT;
        }
        let at = candidates.at_address.and_then(AtAddress::stored);
        if candidates.by_hardware == candidates.by_uid || (at.is_some() && candidates.by_hardware == at) {
            candidates.by_hardware = None;
        }
        if at.is_some() && candidates.by_uid == at {
            candidates.by_uid = None;
        }
    }

    fn prefer_active_at_address(
        &mut self,
        client: &Client<'_>,
        network: NetworkId,
        candidates: &mut Candidates,
        id: BindingId,
    ) {
        let is_clients = client.identifier.as_deref() == Some(&self.store.get(id).uid[..]);
        if let (true, Some(other)) = (is_clients, candidates.by_uid) {
            if self.store.get(other).state == State::Active {
                let name = &client.config.network(network).name;
                self.out.say(message::duplicate_leases(client.hardware_text(), name));
                if client.packet.message.ciaddr().is_unspecified() && client.kind == REQUEST {
                    self.release_lease(other, client);
                }
            }
            candidates.by_uid = Some(id);
        }
        if client.kind == REQUEST && candidates.fixed.take().is_some() {
            let address = candidates.address;
            let host = address.unwrap_or(Ipv4Addr::UNSPECIFIED).to_string();
            self.say_conflict(client, address, network, &host);
            self.nak_text = nak_text::CONFLICT;
        }
        if candidates.by_uid != Some(id) {
            candidates.at_address = None;
        }
    }

    fn say_conflict(
        &mut self,
        client: &Client<'_>,
        address: Option<Ipv4Addr>,
        network: NetworkId,
        host: &str,
    ) {
        let address = address.unwrap_or(Ipv4Addr::UNSPECIFIED);
        let name = &client.config.network(network).name;
        for line in message::dynamic_and_static(address, host, name) {
            self.out.say(line);
        }
    }

    fn drop_unpermitted(&mut self, client: &Client<'_>, candidates: &mut Candidates) {
        let moves = client.packet.message.ciaddr().is_unspecified();
        match candidates.at_address {
            Some(AtAddress::Stored(id)) if !self.may_use_binding(client, id) => {
                if moves && self.store.get(id).state == State::Active {
                    self.release_lease(id, client);
                }
                candidates.at_address = None;
            }
            Some(AtAddress::Fresh(address))
                if !self.pool_of(address).is_some_and(|pool| client.may_use(pool)) =>
            {
                candidates.at_address = None;
            }
            _ => {}
        }
        if candidates.at_address.is_none() {
            self.nak_text = nak_text::NOT_AVAILABLE;
        }
    }

    /// Rules 2.6, 2.7, 2.8 and 2.10.
    fn choose(&mut self, client: &Client<'_>, mut candidates: Candidates) -> Found {
        let refused = Found { ours: candidates.ours, ..Found::default() };
        if client.kind == REQUEST && candidates.at_address.is_none() && candidates.fixed.is_none() {
            return refused;
        }
        let moves = client.packet.message.ciaddr().is_unspecified();
        let mut lease = candidates.fixed.take().map(LeaseRef::Fixed);
        if let Some(at) = candidates.at_address {
            match (lease.is_some(), at) {
                (false, AtAddress::Stored(id)) => lease = Some(LeaseRef::Stored(id)),
                (false, AtAddress::Fresh(address)) => lease = Some(LeaseRef::Fresh(address)),
                (true, AtAddress::Stored(id)) if moves => self.release_lease(id, client),
                (true, _) => {}
            }
        }
        if let Some(id) = candidates.by_uid {
            match lease.is_some() {
                true => self.keep_one_lease(client, id),
                false => lease = Some(LeaseRef::Stored(id)),
            }
        }
        if let (None, Some(id)) = (&lease, candidates.by_hardware) {
            let uid = &self.store.get(id).uid;
            let same =
                client.identifier.as_deref().map_or(client.kind == 0, |identifier| *identifier == uid[..]);
            if uid.is_empty() || same {
                lease = Some(LeaseRef::Stored(id));
            }
        }
        self.reclaim(client, candidates, lease).unwrap_or(Found { ours: true, ..refused })
    }

    fn keep_one_lease(&mut self, client: &Client<'_>, id: BindingId) {
        let binding = self.store.get(id);
        let (address, state) = (binding.address, binding.state);
        if let Some(network) = self.network_of_binding(client, id) {
            let name = &client.config.network(network).name;
            self.out.say(message::duplicate_uid_lease(address, client.hardware_text(), name));
        }
        let moves = client.packet.message.ciaddr().is_unspecified();
        if moves && client.kind == REQUEST && state == State::Active {
            self.release_lease(id, client);
        }
    }

    /// None for an abandoned lease that the client does not ask for by its address.
    fn reclaim(
        &mut self,
        client: &Client<'_>,
        candidates: Candidates,
        lease: Option<LeaseRef>,
    ) -> Option<Found> {
        let mut host = None;
        if let Some(LeaseRef::Stored(id)) = &lease {
            let binding = self.store.get(*id);
            let (address, state) = (binding.address, binding.state);
            if state == State::Abandoned {
                if candidates.at_address != Some(AtAddress::Stored(*id)) || client.kind != REQUEST {
                    return None;
                }
                self.out.say(message::reclaiming_requested(address));
            }
            if state == State::Active {
                host = client.without_address(candidates.host);
            }
        }
        Some(Found { lease, ours: candidates.ours, host })
    }
}
