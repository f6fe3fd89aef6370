//! Which shared network a message comes from (rule 1.2).

use super::Engine;
use super::client::Client;
use super::parameter::dhcp;
use crate::config::model::NetworkId;
use crate::eval::value::Data;
use crate::option::definition::{AGENT, OptionId};
use std::net::Ipv4Addr;

/// Link selection sub-option (RFC 3527).
const LINK_SELECTION: OptionId = OptionId { space: AGENT, code: 5 };

impl Client<'_> {
    /// Link selection of the relay, else subnet selection (RFC 3011), whatever its length; first its code, under which
    /// the answer to an INFORM repeats it.
    pub fn selected_subnet(&self) -> Option<(u8, Data)> {
        let link = self.packet.option(LINK_SELECTION).map(|value| (LINK_SELECTION.code as u8, value));
        link.or_else(|| {
            let value = self.packet.option(OptionId::dhcp(dhcp::SUBNET_SELECTION))?;
            Some((dhcp::SUBNET_SELECTION, value))
        })
    }
}

impl Engine {
    pub(super) fn locate_network(&self, client: &Client<'_>) -> Option<NetworkId> {
        if let Some((_, selected)) = client.selected_subnet() {
            let octets: [u8; 4] = (*selected).try_into().ok()?;
            return client.config.find_network(Ipv4Addr::from(octets));
        }
        let giaddr = client.packet.message.giaddr();
        if !giaddr.is_unspecified() {
            return client.config.find_network(giaddr);
        }
        self.interface_network(client)
    }

    /// The shared network of the interface the message came in by.
    pub(super) fn interface_network(&self, client: &Client<'_>) -> Option<NetworkId> {
        *self.interface_networks.get(usize::from(client.interface.0))?
    }
}
