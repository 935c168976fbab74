//! Tombstones: how long they are kept, and what they keep from coming back.

use super::rig::{Letter, NOW, Rig, key, node};
use crate::tables::{
    state::{entry::Seconds, outcome::Change},
    values::{
        limits::TOMBSTONE_TTL,
        merge::Merged,
        value::{Content, Rank, Value},
    },
};
use std::{vec, vec::Vec};

fn later(seconds: u32) -> Seconds {
    Seconds(NOW.0 + seconds)
}

/// What one holds of the one key, at a time.
fn told(rig: &mut Rig, now: Seconds) -> Letter {
    let values = rig.values();
    Letter::of(&values.view().held(&key("k"), now).unwrap())
}

fn pair() -> (Rig, Rig) {
    let (mut one, mut other) = (Rig::new(4, 100), Rig::new(4, 100));
    let _ = one.set(1, "k", b"v");
    let value = told(&mut one, NOW);
    let _ = other.merge(&value);
    (one, other)
}

#[test]
fn a_tombstone_is_kept_for_a_day_and_refuses_what_it_deleted() {
    let (mut one, mut other) = pair();
    let value = told(&mut other, NOW);
    let _ = one.delete(1, "k");
    assert_eq!(one.forget(later(TOMBSTONE_TTL - 1)), 0);
    assert_eq!(one.merge(&value), Ok(Merged::default()));
    assert_eq!(one.get("k"), None);
    assert_eq!(one.forget(later(TOMBSTONE_TTL)), 1);
    assert_eq!((one.facts(), one.sum()), (vec![], 0), "as if the key had never been");
    let tombstone = {
        let _ = other.delete(1, "k");
        told(&mut other, NOW)
    };
    assert_eq!(other.merge(&tombstone), Ok(Merged::default()));
}

#[test]
fn a_value_is_kept_however_old_it_is() {
    let (mut one, mut other) = pair();
    let end = later(3 * TOMBSTONE_TTL);
    assert_eq!(one.forget(end), 0);
    let value = told(&mut one, end);
    assert_eq!((value.age, value.bytes.clone()), (3 * TOMBSTONE_TTL, Some(b"v".to_vec())));
    other.values().clear(900);
    assert!(other.merge_at(&value.value(), end).is_ok_and(|merged| merged.won));
}

#[test]
fn the_age_of_a_deletion_travels_with_it() {
    let (mut one, mut other) = pair();
    let _ = one.delete(1, "k");
    let (half, end) = (later(TOMBSTONE_TTL / 2), later(TOMBSTONE_TTL));
    let tombstone = told(&mut one, half);
    assert_eq!(tombstone.age, TOMBSTONE_TTL / 2);
    let merged = other.merge_at(&tombstone.value(), half);
    assert!(merged.is_ok_and(|merged| merged.change == Some(Change::Gone)));
    assert_eq!((one.forget(end), other.forget(end)), (1, 1));
}

/// The clock of the other one has just started.
#[test]
fn an_age_is_kept_by_a_node_younger_than_it() {
    let mut rig = Rig::new(4, 100);
    let tombstone = Value::new(key("k"), (Rank::Anyone, 3, node(2)), Content::Deleted, TOMBSTONE_TTL - 10);
    assert!(rig.merge_at(&tombstone, Seconds(5)).is_ok_and(|merged| merged.won));
    assert_eq!((rig.forget(Seconds(14)), rig.forget(Seconds(15))), (0, 1));
}

#[test]
fn a_tombstone_whose_time_is_over_is_not_taken_in_again_nor_sent() {
    let (mut one, _) = pair();
    let _ = one.delete(1, "k");
    let end = later(TOMBSTONE_TTL);
    let tombstone = told(&mut one, end);
    one.values().take(4, end, |value| panic!("{value:?} was offered"));
    let mut fresh = Rig::new(4, 100);
    assert_eq!(fresh.merge_at(&tombstone.value(), end), Ok(Merged::default()));
    assert_eq!(fresh.facts(), vec![]);
    let values = one.values();
    let listed: Vec<_> = values.view().list(0, end).collect();
    assert_eq!(listed, vec![], "though it was not forgotten yet");
}

/// The last moment in which the deletion can be heard of.
#[test]
fn a_tombstone_whose_time_is_over_still_deletes() {
    let (mut one, mut other) = pair();
    let _ = one.delete(1, "k");
    let end = later(TOMBSTONE_TTL);
    let tombstone = told(&mut one, end);
    let merged = other.merge_at(&tombstone.value(), end);
    assert_eq!(merged, Ok(Merged { won: true, change: Some(Change::Gone), conflict: None }));
    other.values().take(4, end, |value| panic!("{value:?} was offered"));
    assert_eq!((other.forget(end), other.sum()), (1, 0));
}

#[test]
fn after_a_day_a_host_writes_what_an_authority_deleted() {
    let mut rig = Rig::new(4, 100);
    let content = Content::Deleted;
    let _ = rig.values().set_authority((0, 7, node(9)), key("k"), content, NOW);
    assert!(rig.set_at(1, "k", Content::Value(b"v"), later(TOMBSTONE_TTL - 1)).is_err());
    let merged = rig.set_at(1, "k", Content::Value(b"v"), later(TOMBSTONE_TTL));
    assert!(merged.is_ok_and(|merged| merged.won), "though no one had called for forgetting");
    assert_eq!(rig.get("k"), Some(b"v".to_vec()));
}

/// What is said in the documentation of the module of those that were cut off for longer.
#[test]
fn a_write_after_the_tombstone_was_forgotten_wins_over_what_it_deleted() {
    let (mut one, mut other) = pair();
    let _ = other.set(2, "k", b"w");
    let lost = told(&mut other, NOW);
    let _ = one.merge(&lost);
    let _ = one.delete(1, "k");
    let end = later(TOMBSTONE_TTL);
    assert_eq!(one.forget(end), 1);
    let _ = one.set_at(1, "k", Content::Value(b"new"), end);
    assert_eq!(one.merge_at(&lost.value(), end), Ok(Merged::default()));
    assert_eq!(one.get("k"), Some(b"new".to_vec()));
}
