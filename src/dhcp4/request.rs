//! DHCPREQUEST: rules 2.2 and 2.8, and the decisions of section 4.

use super::Engine;
use super::client::Client;
use super::find::Found;
use super::lease_ref::LeaseRef;
use super::message;
use super::parameter::dhcp;
use super::work::{Answering, Grant};
use crate::clock::Now;
use crate::option::definition::OptionId;
use std::net::Ipv4Addr;

impl Engine {
    pub(super) fn request(&mut self, now: Now, mut client: Client<'_>) {
        let requested = client.address_option(dhcp::REQUESTED_ADDRESS);
        let address = requested.unwrap_or_else(|| client.packet.message.ciaddr());
        let subnet = client.config.find_subnet(address);
        let found = match subnet {
            Some(subnet) => {
                let network = client.config.subnet(subnet).network;
                self.find_lease(&mut client, network)
            }
            None => Found::default(),
        };
        let text = self.request_text(&client, address, found.lease.as_ref());
        if let Some(lease) = &found.lease
            && self.is_peers_lease(&client, lease, &text, address)
        {
            return;
        }
        if self.is_on_wrong_network(&client, &text, address, requested.is_some()) {
            return;
        }
        match found.lease {
            None if found.ours => {
                self.out.say(message::dropped(&text, message::unavailable(address)));
                let scope = subnet.map(|subnet| client.config.subnet(subnet).scope);
                self.nak(&client, address, scope);
            }
            None => self.out.say(message::dropped(&text, message::unknown_lease(address))),
            Some(lease) => {
                let grant = Grant { lease, host: found.host, offer: Answering::Ack, text, when: None };
                self.grant(now, client, grant);
            }
        }
    }

    fn request_text(&mut self, client: &Client<'_>, address: Ipv4Addr, lease: Option<&LeaseRef>) -> String {
        let server = client.packet.option(OptionId::dhcp(dhcp::SERVER_IDENTIFIER));
        let server = server.and_then(|value| value.first_chunk::<4>().map(|octets| Ipv4Addr::from(*octets)));
        let text = self.out.text();
        let who = client.text(self.uid_of(lease));
        message::request(text, address, server, who, self.name_of(lease), self.via(client))
    }

    /// Rules 4.1 and 4.4; says the line and sends the NAK.
    fn is_on_wrong_network(
        &mut self,
        client: &Client<'_>,
        text: &str,
        address: Ipv4Addr,
        requested: bool,
    ) -> bool {
        let header = &client.packet.message;
        let (ciaddr, giaddr) = (!header.ciaddr().is_unspecified(), !header.giaddr().is_unspecified());
        let config = client.config;
        let Some(network) = client.network else {
            let subnet = config.find_subnet(address);
            let authoritative = subnet.is_some_and(|s| config.scope(config.subnet(s).scope).authoritative);
            let fault = match subnet {
                Some(_) if authoritative => "wrong network.",
                Some(_) => "ignored (not authoritative).",
                None => "ignored (unknown subnet).",
            };
            self.out.say(message::dropped(text, fault));
            if authoritative {
                self.nak(client, address, None);
            }
            return true;
        };
        if !((ciaddr && giaddr) || (requested && !ciaddr))
            || config.find_subnet_of(network, address).is_some()
        {
            return false;
        }
        let authoritative = config.scope(config.network(network).scope).authoritative;
        let fault = if authoritative { "wrong network." } else { "ignored (not authoritative)." };
        self.out.say(message::dropped(text, fault));
        if authoritative {
            self.nak(client, address, None);
        }
        true
    }
}
