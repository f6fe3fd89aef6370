//! Checks of the whole configuration, after its values have been taken.

use super::message;
use super::model::{Config, Family};
use super::read::Rejected;
use super::startup::Event;
use crate::log::Line;

/// ISC lists so many octets of ranges.
const LISTED: usize = 1083 - 52;

impl Config {
    /// Failover peers nobody refers to, and v6 ranges too large to count.
    pub(super) fn last_checks(&self, hear: &mut dyn FnMut(Event)) -> Result<(), Rejected> {
        let mut faulty = false;
        // The newest is the first of ISC's list.
        for peer in self.failover_peers.iter().rev() {
            if peer.pool_count == 0 {
                faulty = true;
                hear(Event::Say(Line::error(message::peer_without_pools(&peer.name))));
            }
            if peer.load_balance_max_seconds == 0 {
                hear(Event::Say(Line::info(message::balancing_disabled(&peer.name))));
            }
        }
        if faulty {
            hear(Event::Say(Line::error(message::SANITY)));
            return Err(Rejected);
        }
        if self.family == Family::V6 {
            self.jumbo_ranges(hear);
        }
        Ok(())
    }

    fn jumbo_ranges(&self, hear: &mut dyn FnMut(Event)) {
        for network in self.networks.iter().rev() {
            let ponds = network.ponds.iter().map(|id| self.pond(*id));
            for pond in ponds.filter(|pond| pond.jumbo && !pond.ranges.is_empty()) {
                let mut list = String::new();
                for range in &pond.ranges {
                    if list.len() >= LISTED {
                        break;
                    }
                    if !list.is_empty() {
                        list.push_str(", ");
                    }
                    list.push_str(&format!("{}/{}", range.start, range.length));
                }
                hear(Event::Say(Line::info(message::jumbo_ranges(&list))));
            }
        }
    }
}
