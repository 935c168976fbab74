//! How owners share the blocks.

use super::rig::{LIMITS, NOW, Rig};
use crate::tables::state::{arena::BLOCK, limits::Limits, limits::Refusal};
use quickcheck::{Gen, QuickCheck};
use std::vec::Vec;

const OWNERS: u32 = 100;

#[test]
fn a_greedy_owner_gets_its_share_and_all_others_their_block() {
    let mut rig = Rig::new(OWNERS as usize, 300, Limits { owner_bytes: 4_096, ..LIMITS });
    for n in 0..60u8 {
        assert!(matches!(rig.set_of(0, &[n], &[7; 56]), Ok(_) | Err(Refusal::Share)));
    }
    let store = rig.store();
    let greedy = store.owner(0).bytes();
    // x = 1 + (200 - x) / 8, in blocks: its guarantee, and an eighth of what stays free.
    let fair = (23 * BLOCK - BLOCK..=24 * BLOCK).contains(&greedy);
    assert!(fair, "a greedy owner has {greedy} of {} bytes", 300 * BLOCK);
    for owner in 1..OWNERS {
        assert!(rig.set_of(owner, b"name", &[owner as u8; 53]).is_ok(), "owner {owner} has its block");
    }
}

#[test]
fn when_all_are_greedy_each_still_gets_its_block() {
    let mut rig = Rig::new(OWNERS as usize, 120, LIMITS);
    for n in 0..10u8 {
        for owner in 0..OWNERS - 1 {
            let _ = rig.set_of(owner, &[n], &[n; 50]);
        }
    }
    assert!(rig.set_of(OWNERS - 1, b"name", &[1; 53]).is_ok());
    let blocks: u32 = (0..OWNERS).map(|owner| rig.store().owner(owner).chain.blocks()).sum();
    assert_eq!(blocks, 120, "nothing is left over");
}

#[test]
fn an_arena_with_fewer_blocks_than_owners_guarantees_none() {
    let mut rig = Rig::new(OWNERS as usize, 10, LIMITS);
    let took = (0..OWNERS).filter(|&owner| rig.set_of(owner, b"name", &[1; 40]).is_ok()).count();
    assert_eq!(took, 10);
}

#[test]
fn an_owner_over_its_share_may_still_change_what_it_has() {
    let mut rig = Rig::new(2, 40, LIMITS);
    for n in 0..4u8 {
        rig.set(&[n], &[n; 50]);
    }
    let mut n = 0;
    while rig.set_of(0, &[n], &[n; 50]).is_ok() {
        n += 1;
    }
    assert!(rig.set_of(0, &[0], &[9; 50]).is_ok(), "as long as before");
    assert_eq!(rig.set_of(0, &[0], &[9; 120]), Err(Refusal::Share));
    assert!(rig.set_of(0, &[0], &[9; 3]).is_ok(), "shorter");
}

#[test]
fn what_is_given_back_is_used_again() {
    let mut rig = Rig::new(2, 12, LIMITS);
    for round in 0..200u8 {
        let len = usize::from(round) * 7 % 70;
        assert!(rig.set_of(u32::from(round % 2), b"k", &[round; 70][..len]).is_ok(), "round {round}");
        if round % 11 == 0 {
            rig.store().begin(u32::from(round % 2), 2);
        }
    }
}

/// Any owners that come, write, expire and go keep the books: [`Rig::set_of`] checks them each time.
#[test]
fn blocks_and_guarantees_add_up_whatever_owners_do() {
    fn history(operations: Vec<(u8, u8, u8)>, blocks: u8) -> bool {
        let mut rig = Rig::new(6, usize::from(blocks % 40), LIMITS);
        for (owner, key, len) in operations {
            let owner = u32::from(owner % 6);
            match len {
                0..8 => rig.store().forget(owner),
                8..16 => rig.store().bury(owner),
                16..24 => {
                    let counter = rig.store().owner(owner).known();
                    let _ = rig.store().compact(owner, counter, NOW);
                }
                _ => drop(rig.set_of(owner, &[key % 10], &[key; 256][..usize::from(len)])),
            }
            rig.store().check();
        }
        // Whatever the others took, each that has nothing gets its block, if there is one for each.
        let is_guaranteed = blocks % 40 >= 6;
        for owner in 0..6 {
            if rig.store().owner(owner).bytes() == 0 && is_guaranteed {
                assert!(rig.set_of(owner, b"name", &[1; 40]).is_ok());
            }
        }
        true
    }
    let history = history as fn(Vec<(u8, u8, u8)>, u8) -> bool;
    QuickCheck::new().rng(Gen::new(150)).tests(1_000).quickcheck(history);
}
