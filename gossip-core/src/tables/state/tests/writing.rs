//! What an owner does with its own map, and what a host reads.

use super::rig::{LIMITS, NOW, OWNER, Rig, Says};
use crate::{
    tables::state::{
        entry::{AfterDeath, Seconds},
        limits::{MAX_KEY_BYTES, MAX_TOMBSTONES, Refusal},
        read::Standing,
        tell::Tell,
        write::{Terms, Written},
    },
    vocabulary::{record::Incarnation, time::Instant},
};
use std::vec;

#[test]
fn a_write_takes_the_number_after_the_counter() {
    let mut rig = Rig::new(2, 8, LIMITS);
    // The counter is the record's, and rises for other reasons too.
    let written = rig.store().set(OWNER, 6, (b"k", b"v"), Terms::default(), NOW);
    assert_eq!((written, rig.known()), (Ok(Written::Version(7)), 0), "nobody is told yet");
    assert_eq!(rig.store().counter(OWNER), 7);
    rig.store().advance(OWNER, 9);
    rig.store().advance(OWNER, 8);
    assert_eq!(rig.known(), 9);
    let deleted = rig.store().delete(OWNER, 9, b"k", NOW);
    assert_eq!((deleted, rig.known()), (Ok(Written::Version(10)), 9));
    assert_eq!(rig.map(NOW), [(b"k".to_vec(), 10, Says::Deleted, None)]);
}

#[test]
fn a_write_that_says_nothing_new_takes_no_number() {
    let mut rig = Rig::new(2, 8, LIMITS);
    rig.set(b"k", b"v");
    assert_eq!(rig.set_of(OWNER, b"k", b"v"), Ok(Written::Unchanged));
    let kept = Terms { after_death: AfterDeath::Kept, ttl: None };
    let written = rig.store().set(OWNER, 1, (b"k", b"v"), kept, NOW);
    assert_eq!(written, Ok(Written::Version(2)), "how long it lasts is part of it");
    rig.store().advance(OWNER, 2);
    rig.delete(b"k");
    for key in [b"k", b"l"] {
        assert_eq!(rig.store().delete(OWNER, 3, key, NOW), Ok(Written::Unchanged));
    }
    assert_eq!(rig.known(), 3);
}

#[test]
fn a_value_is_read_as_it_was_written_whatever_blocks_it_lies_in() {
    for len in 0..300 {
        let mut rig = Rig::new(2, 200, LIMITS);
        let value: vec::Vec<u8> = (0..len).map(|n| n as u8).collect();
        rig.set(&[b'x'; MAX_KEY_BYTES], b"before");
        rig.set(b"k", &value);
        rig.set(b"after", b"");
        assert_eq!(rig.read(b"k"), Some(value));
        assert_eq!(rig.read(b"after"), Some(vec![]));
        assert_eq!(rig.read(&[b'x'; MAX_KEY_BYTES]).as_deref(), Some(&b"before"[..]));
        assert_eq!((rig.read(b"no"), rig.read(b"")), (None, None));
    }
}

#[test]
fn a_value_that_is_longer_than_the_readers_room_is_not_cut() {
    let mut rig = Rig::new(2, 8, LIMITS);
    rig.set(b"k", b"value");
    let store = rig.store();
    let held = store.view().read(OWNER, b"k", Standing::Live, NOW).unwrap();
    assert_eq!((held.len(), held.version()), (5, 1));
    assert_eq!(held.lasting().expires, None);
    assert_eq!(held.copy_to(&mut [0; 4]), None);
    assert_eq!(held.copy_to(&mut [0; 6]), Some(&b"value"[..]));
}

#[test]
fn compaction_sweeps_tombstones_everywhere() {
    let (mut owner, mut copy) = (Rig::new(2, 200, LIMITS), Rig::new(2, 200, LIMITS));
    for n in 0..MAX_TOMBSTONES as u8 {
        assert!(!owner.store().should_compact(OWNER, NOW));
        owner.set(&[n], b"v");
        owner.delete(&[n]);
    }
    owner.set(b"lives", b"on");
    copy.apply(&owner.tell(Tell::Missing { known: 0 }, 900).unwrap());
    assert!(owner.store().should_compact(OWNER, NOW));
    assert_eq!(owner.compact(), 35);
    assert!(!owner.store().should_compact(OWNER, NOW));
    let lives = (b"lives".to_vec(), 35, Says::Value(b"on".to_vec()), None);
    assert_eq!(owner.map(NOW), [(vec![], 34, Says::Floor(33), None), lives]);
    let applied = copy.apply(&owner.tell(Tell::Missing { known: 33 }, 900).unwrap());
    assert_eq!(applied.changes, 0, "a reader sees nothing of it");
    assert_eq!(copy.raw(), owner.raw());
    owner.delete(b"lives");
    assert_eq!(owner.compact(), 37);
    assert_eq!(owner.map(NOW), [(vec![], 37, Says::Floor(36), None)]);
}

#[test]
fn long_keys_ask_for_compaction_sooner() {
    let mut rig = Rig::new(2, 200, LIMITS);
    for n in 0..8u8 {
        assert!(!rig.store().should_compact(OWNER, NOW));
        rig.set(&[n; MAX_KEY_BYTES], b"v");
        rig.delete(&[n; MAX_KEY_BYTES]);
    }
    assert!(rig.store().should_compact(OWNER, NOW), "8 tombstones of 36 bytes are a quarter of a kibibyte");
}

#[test]
fn the_counter_ends_below_what_others_believe() {
    let mut rig = Rig::new(2, 8, LIMITS);
    let last = Incarnation::MAX_COUNT;
    let set = |rig: &mut Rig, counter| rig.store().set(OWNER, counter, (b"k", b"v"), Terms::default(), NOW);
    assert_eq!(set(&mut rig, last - 1), Ok(Written::Version(last)));
    assert_eq!(set(&mut rig, last), Err(Refusal::Versions));
    assert_eq!(rig.store().delete(OWNER, last, b"k", NOW), Err(Refusal::Versions));
    assert_eq!(rig.store().compact(OWNER, last - 1, NOW), Err(Refusal::Versions));
    rig.store().advance(OWNER, last);
    let tell = Tell::Missing { known: last - 1 };
    assert!(rig.tell(tell, 100).is_some());
}

#[test]
fn the_dead_show_only_what_outlives_them() {
    let mut rig = Rig::new(2, 8, LIMITS);
    rig.set(b"port", b"80");
    let kept = Terms { after_death: AfterDeath::Kept, ttl: None };
    rig.store().set(OWNER, 1, (b"name", b"db-1"), kept, NOW).unwrap();
    let name = [(b"name".to_vec(), b"db-1".to_vec())];
    assert_eq!(rig.shows(Standing::Live, NOW).len(), 2);
    assert_eq!(rig.shows(Standing::Gone, NOW), name);
    rig.store().bury(OWNER);
    rig.store().check();
    assert_eq!((rig.shows(Standing::Live, NOW), rig.known()), (name.to_vec(), 0));
    rig.store().forget(OWNER);
    rig.store().check();
    assert_eq!((rig.raw(), rig.epoch()), (vec![], 0));
}

#[test]
fn a_cleared_store_is_as_good_as_new() {
    let mut rig = Rig::new(2, 8, LIMITS);
    for round in 0..3 {
        for (owner, key) in [(0, b"a"), (OWNER, b"b"), (0, b"c")] {
            assert!(rig.set_of(owner, key, &[round; 50]).is_ok());
        }
        rig.store().clear();
        rig.store().check();
        assert_eq!(rig.shows(Standing::Live, NOW), []);
    }
}

#[test]
fn an_owner_that_does_not_exist_has_nothing() {
    let mut rig = Rig::new(2, 8, LIMITS);
    let mut store = rig.store();
    assert_eq!(store.set(2, 0, (b"k", b"v"), Terms::default(), NOW), Err(Refusal::Share));
    assert_eq!(store.tell(2, Tell::News { since: 0 }, NOW, &mut [0; 99]), None);
    assert_eq!((store.owner(2).known(), store.expire(2, NOW)), (0, 0));
    assert!(store.view().values(2, Standing::Live, NOW).next().is_none());
    store.check();
}

#[test]
fn seconds_of_the_clock_saturate() {
    assert_eq!(Seconds::from(Instant::from_millis(2_999)), Seconds(2));
    assert_eq!(Seconds::from(Instant::NEVER), Seconds(u32::MAX));
}
