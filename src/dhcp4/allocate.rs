//! A new address for a client (section 3).

use super::Engine;
use super::client::Client;
use super::lease_ref::LeaseRef;
use super::message;
use crate::config::model::NetworkId;
use crate::lease::binding::State;
use crate::lease::pool::PoolNumber;
use crate::lease::store::Candidate;
use smallvec::SmallVec;

impl Engine {
    /// `peer_has_leases` becomes true when a free address is passed over that is a failover peer's.
    pub(super) fn allocate(
        &mut self,
        client: &Client<'_>,
        network: NetworkId,
        peer_has_leases: &mut bool,
    ) -> Option<LeaseRef> {
        let pools: SmallVec<[PoolNumber; 8]> = (client.config.network(network).pools.iter())
            .filter(|pool| client.may_use(**pool))
            .map(|pool| PoolNumber(pool.0))
            .collect();
        let candidates: SmallVec<[Candidate; 8]> =
            pools.into_iter().filter_map(|pool| self.candidate(pool, client.now, peer_has_leases)).collect();
        match self.store.choose_of(candidates)? {
            Candidate::Fresh(address) => Some(LeaseRef::Fresh(address)),
            Candidate::Known(id) => {
                let binding = self.store.get(id);
                if binding.state == State::Abandoned {
                    let line = message::reclaiming(binding.address);
                    self.out.say(line);
                }
                Some(LeaseRef::Stored(id))
            }
        }
    }
}
