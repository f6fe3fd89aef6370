//! `get-lease-hostnames`: the name of the address goes with the answer. ISC stands still while it asks DNS; here the one
//! message is put aside and worked on again when the name is known.

use super::interface::InterfaceId;
use super::parameter::{self, dhcp};
use super::work::Work;
use super::{Engine, Incoming};
use crate::clock::Now;
use crate::option::definition::OptionId;
use rustc_hash::FxHashMap;
use std::net::{Ipv4Addr, SocketAddrV4};

/// Messages put aside, at most; the clients of others ask again.
const MOST: usize = 1024;

/// A message that waits for a name.
#[derive(Debug)]
pub(super) struct Parked {
    pub interface: InterfaceId,
    pub source: SocketAddrV4,
    pub payload: Vec<u8>,
}

/// What waits, and the name that was just found.
#[derive(Debug, Default)]
pub struct LeaseNames {
    pub(super) parked: FxHashMap<Ipv4Addr, Parked>,
    found: Option<(Ipv4Addr, Option<Box<[u8]>>)>,
}

impl LeaseNames {
    /// The name that was found for this address.
    pub fn found(&self, address: Ipv4Addr) -> Option<&[u8]> {
        self.found.as_ref().filter(|(own, _)| *own == address)?.1.as_deref()
    }

    fn has_asked(&self, address: Ipv4Addr) -> bool {
        self.found.as_ref().is_some_and(|(own, _)| *own == address)
    }
}

impl Engine {
    /// The answer needs the address's name, and nobody has asked for it yet.
    pub(super) fn must_find_name(&mut self, work: &mut Work<'_, '_>) -> bool {
        let address = work.current.binding.address;
        if self.lease_names.has_asked(address) || work.options.contains(OptionId::dhcp(dhcp::HOST_NAME)) {
            return false;
        }
        let has_host = work.host.is_some();
        let mut machine = work.machine(self);
        machine.is_on(parameter::GET_LEASE_HOSTNAMES, false)
            && !(has_host && machine.is_on(parameter::USE_HOST_DECL_NAMES, false))
    }

    /// Puts the message aside. What it has led to so far is forgotten, as it will be said again, unless leases have
    /// changed meanwhile.
    pub(super) fn park(&mut self, work: &mut Work<'_, '_>) {
        let address = work.current.binding.address;
        if self.journal.records.is_empty() {
            work.outcome.acts.clear();
        }
        let waits = self.lease_names.parked.contains_key(&address);
        if !waits && self.lease_names.parked.len() >= MOST {
            return;
        }
        let client = work.client;
        let payload = client.packet.message.payload().to_vec();
        let parked = Parked { interface: client.interface, source: client.source, payload };
        self.lease_names.parked.insert(address, parked);
        if !waits {
            self.out.lookups.push(address);
        }
    }

    /// The name of an address, or that it has none.
    pub fn name_found(&mut self, now: Now, address: Ipv4Addr, name: Option<Box<[u8]>>) {
        let Some(parked) = self.lease_names.parked.remove(&address) else { return };
        self.lease_names.found = Some((address, name));
        let Parked { interface, source, payload } = &parked;
        self.receive(now, &Incoming { interface: *interface, source: *source, payload });
        self.lease_names.found = None;
    }
}
