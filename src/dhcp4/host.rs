//! Host declarations: how a message finds one, and its fixed address on a network (rule 2.1).

use super::Engine;
use super::client::Client;
use super::lease_ref::Fixed;
use crate::config::model::{FixedAddresses, Host, HostId, NetworkId};
use crate::eval::context::Context;
use crate::eval::machine::{Machine, Outcome};
use crate::eval::options::OptionState;
use crate::eval::value::Variables;
use smallvec::SmallVec;
use std::net::Ipv4Addr;

impl Client<'_> {
    pub fn host_by_identifier(&self) -> Option<HostId> {
        self.config.hosts.by_client_identifier(self.identifier.as_deref()?)
    }

    pub fn host_by_hardware(&self) -> Option<HostId> {
        self.config.hosts.by_hardware(&self.hardware)
    }

    /// By the `host-identifier` options, newest declared first.
    pub fn host_by_option(&self) -> Option<HostId> {
        let tables = self.config.hosts.identifier_tables();
        tables.iter().find_map(|table| table.find(&self.packet.option(table.option)?))
    }

    /// The first host of a chain that has no fixed address.
    pub fn without_address(&self, head: Option<HostId>) -> Option<HostId> {
        let mut chain = self.config.hosts.chain(head?);
        chain.find(|(_, host)| host.fixed_addresses.is_none()).map(|(id, _)| id)
    }
}

impl Engine {
    /// The addresses of a `fixed-address` statement; names that are not resolved give nothing.
    pub(super) fn fixed_addresses(&self, client: &Client<'_>, host: &Host) -> SmallVec<[Ipv4Addr; 2]> {
        match &host.fixed_addresses {
            None => SmallVec::new(),
            Some(FixedAddresses::One(address)) => SmallVec::from_slice(&[*address]),
            Some(FixedAddresses::Expression(expression)) => {
                let (mut variables, mut options) = (Variables::default(), OptionState::new());
                let mut outcome = Outcome::default();
                let context = Context::bare(&client.config.spaces, &self.hosts, client.now);
                let value =
                    Machine::new(context, &mut variables, &mut options, &mut outcome).data(expression);
                let octets = value.as_deref().unwrap_or_default();
                octets.as_chunks::<4>().0.iter().map(|octets| Ipv4Addr::from(*octets)).collect()
            }
        }
    }

    /// The first host of the chain with an address on this network.
    pub(super) fn fixed_lease(&self, client: &Client<'_>, head: HostId, network: NetworkId) -> Option<Fixed> {
        client.config.hosts.chain(head).find_map(|(id, host)| {
            let addresses = self.fixed_addresses(client, host);
            addresses.into_iter().find_map(|address| {
                let subnet = client.config.find_subnet_of(network, address)?;
                let uid = host.client_identifier.as_deref().unwrap_or_default();
                Some(Fixed { address, subnet, host: id, uid: SmallVec::from_slice(uid) })
            })
        })
    }
}
