//! What does not fit is refused with its reason, and nothing that was there is lost.

use super::rig::{Letter, NOW, Rig, key, node};
use crate::tables::values::{
    limits::{MAX_BYTES, MAX_KEYS, Refusal, TOMBSTONE_TTL},
    store::Slot,
    value::Rank,
};
use std::{format, vec};

#[test]
fn a_key_too_many_is_refused_and_a_held_one_is_still_written() {
    let mut rig = Rig::new(2, 500);
    assert!(rig.set(1, "a", b"1").is_ok() && rig.set(1, "b", b"1").is_ok());
    let before = rig.raw();
    assert_eq!(rig.set(1, "c", b"1"), Err(Refusal::Keys));
    assert_eq!(rig.raw(), before);
    assert!(rig.set(1, "b", b"2").is_ok());
    assert!(rig.delete(1, "a").is_ok());
    assert_eq!(rig.set(1, "c", b"1"), Err(Refusal::Keys), "a tombstone has its slot");
}

#[test]
fn a_value_without_room_is_refused_and_the_one_before_it_stays() {
    let mut rig = Rig::new(4, 20);
    assert!(rig.set(1, "a", &[1; 9]).is_ok());
    assert!(rig.set(1, "b", &[2; 9]).is_ok(), "to the last byte");
    assert_eq!(rig.set(1, "c", b""), Err(Refusal::Bytes));
    assert_eq!(rig.set(1, "a", &[3; 10]), Err(Refusal::Bytes));
    assert_eq!(rig.get("a"), Some(vec![1; 9]));
    assert!(rig.set(1, "a", &[3; 8]).is_ok() && rig.set(1, "c", b"").is_ok());
    assert_eq!((rig.get("a"), rig.get("b")), (Some(vec![3; 8]), Some(vec![2; 9])));
}

#[test]
fn a_value_longer_than_a_datagram_allows_is_refused() {
    let mut rig = Rig::new(4, 2_000);
    assert!(rig.set(1, "a", &[1; 900]).is_ok());
    assert_eq!(rig.set(1, "b", &[1; 901]), Err(Refusal::Value));
    let origin = (Rank::Anyone, 50, node(2));
    let foreign = Letter { key: key("a"), origin, bytes: Some(vec![1; 901]), age: 0 };
    assert_eq!(rig.merge(&foreign), Err(Refusal::Value));
    assert_eq!(rig.version("a").unwrap().revision, 1);
}

#[test]
fn tombstones_whose_time_is_over_make_room() {
    let mut rig = Rig::new(2, 500);
    let tombstone = |text, age| {
        let origin = (Rank::Anyone, 5, node(2));
        Letter { key: key(text), origin, bytes: None, age }
    };
    assert!(rig.merge(&tombstone("a", TOMBSTONE_TTL - 1)).is_ok());
    assert!(rig.merge(&tombstone("b", TOMBSTONE_TTL - 2)).is_ok());
    assert_eq!(rig.set(1, "c", b"1"), Err(Refusal::Keys));
    let later = crate::tables::state::entry::Seconds(NOW.0 + 1);
    let value = Letter { bytes: Some(vec![1]), ..tombstone("c", 0) };
    assert!(rig.merge_at(&value.value(), later).is_ok_and(|merged| merged.won), "it came by the wire");
    assert_eq!((rig.version("a"), rig.version("b").is_some()), (None, true));
}

#[test]
fn a_full_memory_holds_every_byte_that_it_has_room_for() {
    let mut rig = Rig::new(MAX_KEYS, MAX_BYTES);
    let each = MAX_BYTES / MAX_KEYS - 3;
    for n in 0..MAX_KEYS {
        assert!(rig.set(1, &format!("k{n:02}"), &vec![n as u8; each]).is_ok());
    }
    assert_eq!(rig.set(1, "more", b""), Err(Refusal::Keys));
    for n in 0..MAX_KEYS {
        assert_eq!(rig.get(&format!("k{n:02}")), Some(vec![n as u8; each]));
    }
    assert_eq!(rig.set(1, "k00", &vec![0; each + 1]), Err(Refusal::Bytes));
    rig.values().clear(900);
    assert_eq!((rig.facts(), rig.sum()), (vec![], 0));
}

#[test]
fn values_take_19_kb_on_the_heap_and_1_7_kb_in_place() {
    assert_eq!(size_of::<Slot>(), 40);
    assert_eq!(64 * size_of::<Slot>() + 16_384, 18_944, "on the heap");
    assert_eq!(16 * size_of::<Slot>() + 1_024, 1_664, "in place");
}
