//! DHCPDECLINE (section 11): the address is in use by somebody else and is set aside.
//!
//! Only the client that holds the lease, or was offered it, is believed: in ISC any hardware address abandons a stranger's
//! active lease.

use super::Engine;
use super::client::Client;
use super::lease_ref::LeaseRef;
use super::message;
use super::parameter::{self, dhcp};
use super::scope;
use crate::eval::machine::Machine;
use crate::eval::parameter::Flag;
use crate::lease::queue::BindingId;

impl Engine {
    pub(super) fn decline(&mut self, client: Client<'_>) {
        let Some(address) = client.address_option(dhcp::REQUESTED_ADDRESS) else { return };
        let lease = match self.store.by_address(address) {
            Some(id) => Some(LeaseRef::Stored(id)),
            None => self.pool_of(address).map(|_| LeaseRef::Fresh(address)),
        };
        let who = client.text(self.uid_of(lease.as_ref()));
        let text = message::decline(address, who, self.name_of(lease.as_ref()), self.via(&client));
        let flag = self.declines(&client, lease.as_ref());
        let deaf = lease.as_ref().filter(|_| scope::is_allowed(flag)).and_then(|lease| self.is_deaf(lease));
        if let Some(line) = deaf {
            return self.out.say(line);
        }
        let status = match (scope::is_allowed(flag), lease) {
            (false, _) => "ignored",
            (true, Some(LeaseRef::Stored(id))) if self.holds(&client, id) => {
                self.abandon_lease(id, message::DECLINED, &client);
                "abandoned"
            }
            (true, _) => "not found",
        };
        if flag != Some(Flag::Ignore) {
            self.out.say(message::dropped(&text, status));
        }
    }

    /// The lease is this client's by what it was last given or offered with.
    fn holds(&self, client: &Client<'_>, id: BindingId) -> bool {
        let binding = self.store.get(id);
        let same_uid = !binding.uid.is_empty() && client.identifier.as_deref() == Some(&binding.uid[..]);
        same_uid || binding.hardware[..] == client.hardware[..]
    }

    fn declines(&mut self, client: &Client<'_>, lease: Option<&LeaseRef>) -> Option<Flag> {
        let subnet = lease.and_then(|lease| self.place(client, lease)).map(|place| place.subnet);
        let mut options = self.take_options();
        let (variables, outcome) = (&mut self.variables, &mut self.out.outcome);
        let mut machine =
            Machine::new(scope::context(client, &self.hosts, None), variables, &mut options, outcome);
        let subnet = subnet.map(|subnet| client.config.subnet(subnet).scope);
        if let Some(scope) = subnet {
            scope::run(&mut machine, client, scope, None);
        }
        scope::run_classes(&mut machine, client, subnet);
        let flag = machine.flag(parameter::DECLINES);
        options.clear();
        self.options = Some(options);
        flag
    }
}
