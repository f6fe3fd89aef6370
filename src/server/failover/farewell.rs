//! The end by order of an operator (dhcpd(8), the control object): a server that is normal moves to shutdown and tells its
//! peer, which takes over at once in partner-down; what is left in the lease file is recover, so that the next start asks the
//! peer for everything. ISC's server stops reading and writing its connections before it says so.

use super::Peers;
use crate::failover::relationship::{Relationship, SECOND};
use crate::failover::state::State;
use crate::stream::StreamEffect;

/// So long a peer may take to answer.
const PATIENCE_SECONDS: u64 = 5;

impl Peers<'_> {
    /// Tells the peers. Gives the time (monotonic microseconds) until which it is worth to wait for them.
    pub fn shut_down(&mut self) -> Option<u64> {
        let told: Vec<usize> = self.in_state(State::Normal);
        for index in &told {
            // What the peer is owed comes before the news.
            self.acknowledge(*index);
            self.move_to(*index, State::Shutdown);
        }
        (!told.is_empty()).then_some(self.now.mono + PATIENCE_SECONDS * SECOND)
    }

    /// Whether a peer that can hear it has not taken over yet.
    pub fn are_taking_over(&self) -> bool {
        let waits = |relationship: &Relationship| {
            relationship.my == State::Shutdown
                && relationship.link.is_some()
                && relationship.partner != State::PartnerDown
        };
        self.engine.failover.relationships.iter().any(waits)
    }

    /// Leaves the peers. ISC says nothing of the connections that end with it.
    pub fn part(&mut self) {
        for index in self.in_state(State::Shutdown) {
            let Some(relationship) = self.relationship(index) else { continue };
            if let Some(id) = relationship.link.take() {
                self.engine.failover.links.remove(&id);
                self.engine.failover.end(id, StreamEffect::Close);
            }
            self.move_to(index, State::Recover);
        }
    }

    fn in_state(&self, state: State) -> Vec<usize> {
        let relationships = self.engine.failover.relationships.iter().enumerate();
        relationships.filter(|(_, relationship)| relationship.my == state).map(|(index, _)| index).collect()
    }
}
