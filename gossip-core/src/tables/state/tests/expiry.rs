//! The laws, where values have a time to live.

use super::{
    laws::check,
    rig::{LIMITS, NOW, OWNER, Rig, Says},
    world::{Operation, Promises, World},
};
use crate::tables::state::{
    entry::Seconds,
    limits::{Limits, MAX_TTL, Refusal},
    read::Standing,
    tell::Tell,
    write::{Terms, Written},
};
use std::vec::Vec;

#[test]
fn any_history_with_expiry_keeps_the_laws_and_ends_with_equal_copies() {
    fn history(operations: Vec<Operation>) -> bool {
        let mut world = World::new(LIMITS, [200; 4], Promises { expiry: true, ample: true });
        world.run(&operations);
        world.settle();
        true
    }
    check(history);
}

#[test]
fn copies_with_no_more_room_than_the_owner_become_equal_with_expiry_too() {
    fn history(operations: Vec<Operation>) -> bool {
        let limits = Limits { owner_bytes: 150, ..LIMITS };
        let mut world = World::new(limits, [200; 4], Promises { expiry: true, ample: false });
        world.run(&operations);
        world.settle();
        true
    }
    check(history);
}

fn lease(rig: &mut Rig, key: &[u8], value: &[u8], ttl: u32) -> Result<Written, Refusal> {
    let counter = rig.known();
    let terms = Terms { ttl: Some(ttl), ..Terms::default() };
    let written = rig.store().set(OWNER, counter, (key, value), terms, NOW);
    if let Ok(Written::Version(version)) = written {
        rig.store().advance(OWNER, version);
    }
    written
}

#[test]
fn a_value_ends_with_its_time_and_its_predecessor_stays_gone() {
    let (mut owner, mut copy) = (Rig::new(2, 8, LIMITS), Rig::new(2, 8, LIMITS));
    owner.set(b"k", b"lasting");
    copy.apply(&owner.tell(Tell::Missing { known: 0 }, 100).unwrap());
    assert_eq!(lease(&mut owner, b"k", b"lease", 10), Ok(Written::Version(2)));
    let later = Seconds(NOW.0 + 10);
    assert_eq!(owner.shows(Standing::Live, Seconds(later.0 - 1)), [(b"k".to_vec(), b"lease".to_vec())]);
    assert_eq!(owner.shows(Standing::Live, later), []);
    // The copy missed the lease. It hears that the key is gone, at the version of the lease.
    assert_eq!(copy.read(b"k").as_deref(), Some(&b"lasting"[..]));
    let letter = owner.tell_at(Tell::Missing { known: 1 }, 100, 2, later).unwrap();
    copy.apply_at(&letter, 2, later, &mut |_, _| {});
    assert_eq!(copy.map(later), [(b"k".to_vec(), 2, Says::Deleted, None)]);
    assert_eq!(owner.store().expire(OWNER, later), 1);
    assert_eq!(owner.raw(), copy.raw());
}

#[test]
fn what_is_left_is_counted_from_the_arrival() {
    let (mut owner, mut copy) = (Rig::new(2, 8, LIMITS), Rig::new(2, 8, LIMITS));
    lease(&mut owner, b"k", b"v", 60).unwrap();
    let letter = owner.tell_at(Tell::Missing { known: 0 }, 100, 1, Seconds(NOW.0 + 20)).unwrap();
    // The copy's clock has another start.
    copy.apply_at(&letter, 1, Seconds(5), &mut |_, _| {});
    assert_eq!(copy.shows(Standing::Live, Seconds(44)).len(), 1);
    assert_eq!(copy.shows(Standing::Live, Seconds(45)), []);
}

#[test]
fn a_time_to_live_has_bounds() {
    let mut rig = Rig::new(2, 8, LIMITS);
    for ttl in [0, MAX_TTL + 1, u32::MAX] {
        assert_eq!(lease(&mut rig, b"k", b"v", ttl), Err(Refusal::Ttl));
    }
    assert_eq!(lease(&mut rig, b"k", b"v", MAX_TTL), Ok(Written::Version(1)));
    let letter = rig.tell(Tell::Missing { known: 0 }, 100).unwrap();
    let mut copy = Rig::new(2, 8, LIMITS);
    copy.apply_at(&letter, 1, Seconds(u32::MAX - 1), &mut |_, _| {});
    assert_eq!(copy.shows(Standing::Live, Seconds(u32::MAX - 1)).len(), 1, "a clock at its end");
}

#[test]
fn compaction_sweeps_what_is_over_too() {
    let mut rig = Rig::new(2, 8, LIMITS);
    lease(&mut rig, b"k", b"v", 10).unwrap();
    let compacted = rig.store().compact(OWNER, 1, Seconds(NOW.0 + 10));
    assert_eq!((compacted, rig.map(NOW)), (Ok(2), [(Vec::new(), 2, Says::Floor(1), None)].to_vec()));
}
