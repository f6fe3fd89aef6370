//! A failover peer that sends broken messages: the fuzz target `peer` with a fixed number of inputs.

use compat_tests::hostile_peer::{Victim, seeds};

/// xorshift64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % bound.max(1)
    }

    fn mutate(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut input = seeds[self.below(seeds.len())].clone();
        for _ in 0..self.below(4) {
            let at = self.below(input.len());
            match self.below(4) {
                0 => input[at] = self.below(256) as u8,
                1 => input.truncate(at + 1),
                2 => drop(input.remove(at)),
                _ => input.extend(seeds[self.below(seeds.len())].iter().copied()),
            }
            if input.is_empty() {
                break;
            }
        }
        input
    }
}

#[test]
fn thirty_thousand_inputs_of_a_hostile_peer_disturb_nobody() {
    let seeds = seeds();
    let (mut victim, mut chance) = (Victim::default(), Chance(0x5eed_0006_2026));
    for seed in &seeds {
        victim.suffer(seed);
    }
    for count in 0..30_000 {
        victim.suffer(&chance.mutate(&seeds));
        if count % 500 == 0 {
            assert!(victim.serves(), "after {count} inputs");
        }
    }
}
