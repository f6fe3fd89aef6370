//! DHCPRELEASE (section 11): only from the client that holds the lease.

use super::Engine;
use super::client::Client;
use super::lease_ref::LeaseRef;
use super::message;
use super::parameter::dhcp;
use crate::lease::queue::BindingId;

impl Engine {
    pub(super) fn release(&mut self, client: Client<'_>) {
        if client.has(dhcp::REQUESTED_ADDRESS) {
            self.out.say(message::release_with_option(client.hardware_text()));
        }
        let ciaddr = client.packet.message.ciaddr();
        let lease = self.lease_to_release(&client);
        let (who, name) = match lease {
            Some(id) => {
                let binding = self.store.get(id);
                (client.text(Some(&binding.uid)), message::HostName(binding.client_hostname()))
            }
            None => (client.text(None), message::HostName(None)),
        };
        // The name is the lease's, and goes with it.
        let line = message::release(ciaddr, who, name, self.via(&client), lease.is_some());
        if let Some(line) = lease.and_then(|id| self.is_deaf(&LeaseRef::Stored(id))) {
            return self.out.say(line);
        }
        if let Some(id) = lease
            && self.store.get(id).ends > client.now
        {
            self.release_lease(id, &client);
        }
        self.out.say(line);
    }

    /// By client identifier and address, else by address; the hardware address must be the lease's.
    fn lease_to_release(&self, client: &Client<'_>) -> Option<BindingId> {
        let ciaddr = client.packet.message.ciaddr();
        let by_uid = client
            .identifier
            .as_deref()
            .and_then(|uid| self.store.by_uid(uid).find(|id| self.store.get(*id).address == ciaddr));
        let id = by_uid.or_else(|| self.store.by_address(ciaddr))?;
        (self.store.get(id).hardware[..] == client.hardware[..]).then_some(id)
    }
}
