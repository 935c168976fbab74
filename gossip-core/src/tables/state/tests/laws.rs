//! The laws, over random histories without expiry.

use super::{
    rig::LIMITS,
    world::{Operation, Promises, World},
};
use crate::tables::state::limits::Limits;
use quickcheck::{Gen, QuickCheck};
use std::vec::Vec;

/// How many histories; `STATE_HISTORIES` asks for more.
pub(super) fn histories() -> u64 {
    std::env::var("STATE_HISTORIES").ok().and_then(|count| count.parse().ok()).unwrap_or(500)
}

pub(super) fn check(history: fn(Vec<Operation>) -> bool) {
    QuickCheck::new().rng(Gen::new(200)).tests(histories()).quickcheck(history as fn(Vec<Operation>) -> bool);
}

#[test]
fn any_history_keeps_the_laws_and_ends_with_equal_copies() {
    fn history(operations: Vec<Operation>) -> bool {
        let mut world = World::new(LIMITS, [200; 4], Promises { expiry: false, ample: true });
        world.run(&operations);
        world.settle();
        true
    }
    check(history);
}

#[test]
fn copies_with_no_more_room_than_the_owner_become_equal() {
    fn history(operations: Vec<Operation>) -> bool {
        let limits = Limits { owner_bytes: 150, ..LIMITS };
        let mut world = World::new(limits, [200; 4], Promises { expiry: false, ample: false });
        world.run(&operations);
        world.settle();
        true
    }
    check(history);
}

#[test]
fn a_copy_without_room_never_claims_what_it_refused() {
    fn history(operations: Vec<Operation>) -> bool {
        let promises = Promises { expiry: false, ample: false };
        World::new(LIMITS, [200, 2, 3, 4], promises).run(&operations);
        true
    }
    check(history);
}
