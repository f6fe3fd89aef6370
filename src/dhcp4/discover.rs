//! DHCPDISCOVER: an address is chosen and offered (sections 2, 3 and 5).

use super::Engine;
use super::client::Client;
use super::lease_ref::LeaseRef;
use super::message;
use super::work::{Answering, Grant};
use crate::clock::Now;

/// An offered address stays out of the way for so long (rule 3.6).
const OFFER_SECONDS: i64 = 120;

impl Engine {
    pub(super) fn discover(&mut self, now: Now, mut client: Client<'_>) {
        let Some(network) = client.network else { return };
        let mut peer_has_leases = self.peer_has_leases(&client, network);
        let found = self.find_lease(&mut client, network);
        let text = self.out.text();
        let who = client.text(self.uid_of(found.lease.as_ref()));
        let text = message::discover(text, who, self.name_of(found.lease.as_ref()), self.via(&client));
        let host = found.host;
        let found = found.lease.filter(|lease| self.may_be_offered(lease, client.now));
        let lease = found.or_else(|| self.allocate(&client, network, &mut peer_has_leases));
        let Some(lease) = lease else {
            let line = match peer_has_leases {
                true => message::peer_holds_all(&text),
                false => message::no_free_leases(&text, &client.config.network(network).name),
            };
            return self.out.say(line);
        };
        if self.is_mute(&lease, &text) || self.is_peers_client(&client, &lease, &text, Some(peer_has_leases))
        {
            return;
        }
        let ends = match &lease {
            LeaseRef::Stored(id) => {
                let ends = self.store.get(*id).ends;
                if ends < client.now {
                    for _ in 0..self.store.get(*id).functions().count() {
                        self.out.say(message::function_freed("dhcp.c(437)"));
                    }
                    self.store.amend(*id, |binding| {
                        if let Some(extra) = &mut binding.extra {
                            extra.variables.clear();
                        }
                    });
                }
                ends
            }
            _ => 0,
        };
        let when = Some(ends.max(client.now + OFFER_SECONDS));
        self.grant(now, client, Grant { lease, host, offer: Answering::Offer, text, when });
    }
}
