//! Whether a client may use a pool.

use super::Engine;
use super::client::Client;
use crate::config::model::PoolId;
use crate::lease::queue::BindingId;
use std::net::Ipv4Addr;

impl Client<'_> {
    /// No `deny` entry matches and, if there are `allow` entries, one does (rule 3.1).
    pub fn may_use(&self, pool: PoolId) -> bool {
        let pool = self.config.pool(pool);
        !self.matches(&pool.deny) && (pool.allow.is_empty() || self.matches(&pool.allow))
    }
}

impl Engine {
    /// The pool of an address; numbers of the store's pools are the configuration's.
    pub(super) fn pool_of(&self, address: Ipv4Addr) -> Option<PoolId> {
        self.store.pool_of(address).map(|pool| PoolId(pool.0))
    }

    pub(super) fn may_use_binding(&self, client: &Client<'_>, id: BindingId) -> bool {
        self.pool_of(self.store.get(id).address).is_some_and(|pool| client.may_use(pool))
    }
}
