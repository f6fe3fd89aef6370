//! A failover peer that sends broken messages: the fuzz target `peer` with a fixed number of inputs.

use compat_tests::dice::Dice;
use compat_tests::hostile_peer::{Victim, seeds};

fn mutated(seeds: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut input = seeds[dice.below(seeds.len())].clone();
    for _ in 0..dice.below(4) {
        let at = dice.below(input.len());
        match dice.below(4) {
            0 => input[at] = dice.draw() as u8,
            1 => input.truncate(at + 1),
            2 => drop(input.remove(at)),
            _ => input.extend(seeds[dice.below(seeds.len())].iter().copied()),
        }
        if input.is_empty() {
            break;
        }
    }
    input
}

#[test]
fn thirty_thousand_inputs_of_a_hostile_peer_disturb_nobody() {
    let seeds = seeds();
    let (mut victim, mut dice) = (Victim::default(), Dice::new(0x5eed_0006_2026));
    for seed in &seeds {
        victim.suffer(seed);
    }
    for count in 0..30_000 {
        victim.suffer(&mutated(&seeds, &mut dice));
        if count % 500 == 0 {
            assert!(victim.serves(), "after {count} inputs");
        }
    }
}
