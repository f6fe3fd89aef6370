//! Messages that come again. A signature covers neither the number of the key nor anything else that belongs to one
//! connection, and ISC's omshell numbers its messages alike in every session: whoever has listened can open the key on a
//! connection of their own and send what they heard once more. ISC takes it.
//!
//! The protocol offers nothing to tell such a message from a script that runs twice, except where it comes from: what changes
//! something and was taken from one address is taken from no other. Handles begin elsewhere at each start
//! ([`super::handle`]), so that what names an object is worth nothing after the next one.

use super::codec::{Message, Operation};
use rustc_hash::FxHashMap;
use std::collections::VecDeque;
use std::net::Ipv4Addr;

/// Messages remembered; of more the oldest are forgotten.
pub const MOST: usize = 65_536;

/// What was taken, by the first octets of its signature, and from where.
#[derive(Debug, Default)]
pub struct Taken {
    pub(super) from: FxHashMap<u64, Ipv4Addr>,
    pub(super) order: VecDeque<u64>,
}

impl Taken {
    /// Whether this signed message was taken from another address before; it is remembered otherwise.
    pub fn is_replay(&mut self, message: &Message, mark: u64, source: Ipv4Addr) -> bool {
        if !changes(message) {
            return false;
        }
        if let Some(known) = self.from.get(&mark) {
            return *known != source;
        }
        if self.order.len() == MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.from.remove(&oldest);
        }
        self.order.push_back(mark);
        self.from.insert(mark, source);
        false
    }
}

fn changes(message: &Message) -> bool {
    match message.operation {
        Operation::Update | Operation::Delete | Operation::Notify => true,
        Operation::Open => message.values.contains("create") || message.values.contains("update"),
        Operation::Refresh | Operation::Status | Operation::Unknown(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_something_is_taken_from_one_address_only() {
        let (here, there) = (Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2));
        let (change, look) = (Message::new(Operation::Delete, 7), Message::new(Operation::Open, 8));
        let mut taken = Taken::default();
        assert!(!taken.is_replay(&change, 1, here) && !taken.is_replay(&change, 1, here));
        assert!(taken.is_replay(&change, 1, there) && !taken.is_replay(&change, 2, there));
        assert!(!taken.is_replay(&look, 3, here) && !taken.is_replay(&look, 3, there));
        for mark in 10..10 + 2 * MOST as u64 {
            assert!(!taken.is_replay(&change, mark, here));
        }
        assert_eq!((taken.from.len(), taken.order.len()), (MOST, MOST));
    }
}
