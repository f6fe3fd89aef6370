//! Leases when the wall clock has been set forward.

use super::{Kind, NEVER, PoolNumber, Store};
use crate::clock::Wall;

impl Store {
    /// Leases that ran at `before`, the time by the old clock, end so many seconds later. Not those of pools that are shared with
    /// a peer, which has a say in their ends and a clock of its own. Gives how many.
    pub fn prolong(&mut self, before: Wall, now: Wall, seconds: Wall) -> usize {
        let mut count = 0;
        for number in (0..self.pools.len() as u32).map(PoolNumber) {
            let Some(pool) = self.pools.get(number.0 as usize).filter(|pool| !pool.shared) else { continue };
            let runs = |id: &_| {
                let binding = self.get(*id);
                binding.starts <= before && binding.ends < NEVER
            };
            let running: Vec<_> = pool.queue(Kind::Active).iter_from(before + 1).filter(runs).collect();
            count += running.len();
            // Each goes in front of its equals: the last first, so that they keep their order.
            for id in running.into_iter().rev() {
                self.update(id, now, |binding| {
                    let ends = (binding.ends + seconds).min(NEVER - 1);
                    if binding.tstp == binding.ends {
                        binding.tstp = ends;
                    }
                    binding.ends = ends;
                });
            }
        }
        count
    }
}
