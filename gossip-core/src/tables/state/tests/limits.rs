//! What does not fit is refused with its reason, and nothing is claimed of it.

use super::rig::NOW;
use super::rig::{LIMITS, OWNER, Rig, Says};
use crate::tables::state::{
    arena::{BLOCK, Block},
    limits::{DEFAULT_OWNER_BYTES, Limits, MAX_KEY_BYTES, MAX_KEYS, MAX_OWNER_BYTES, Refusal},
    outcome::{Gap, Refused},
    owner::Owner,
    tell::Tell,
    write::Written,
};
use std::vec;

#[test]
fn an_owners_write_is_refused_with_its_reason() {
    let mut rig = Rig::new(2, 200, LIMITS);
    assert_eq!(rig.set_of(OWNER, b"", b"v"), Err(Refusal::Key));
    assert_eq!(rig.set_of(OWNER, &[b'k'; MAX_KEY_BYTES + 1], b"v"), Err(Refusal::Key));
    assert_eq!(rig.set_of(OWNER, b"k", &[0; 897]), Err(Refusal::Entry), "901 bytes on the wire");
    assert_eq!(rig.set_of(OWNER, b"k", &[0; 896]), Ok(Written::Version(1)));
    assert_eq!(rig.set_of(OWNER, b"l", &[0; 102]), Err(Refusal::Bytes), "the floor has its place");
    assert_eq!(rig.set_of(OWNER, b"l", &[0; 101]), Ok(Written::Version(2)));
    rig.compact();
    assert_eq!((rig.raw().len(), rig.known()), (1_024, 5));
    assert_eq!(rig.set_of(OWNER, b"m", b""), Err(Refusal::Bytes));
    let mut rig = Rig::new(2, 200, LIMITS);
    for n in 0..MAX_KEYS as u8 {
        rig.set(&[n], b"");
    }
    assert_eq!(rig.set_of(OWNER, b"more", b""), Err(Refusal::Keys));
    rig.set(&[0], b"x");
    rig.compact();
    assert_eq!(rig.map(NOW).len(), MAX_KEYS + 1, "a floor is no key");
    rig.delete(&[0]);
    assert_eq!(rig.set_of(OWNER, b"more", b""), Err(Refusal::Keys), "a tombstone is one");
    rig.compact();
    assert!(rig.set_of(OWNER, b"more", b"").is_ok());
}

#[test]
fn a_copy_stops_below_what_it_refused_and_asks_beyond_it_up_to_the_end() {
    let mut owner = Rig::new(2, 200, LIMITS);
    let mut copy = Rig::new(2, 200, Limits { entry_bytes: 50, ..LIMITS });
    owner.set(b"a", b"1");
    owner.set(b"b", &[2; 60]);
    owner.set(b"c", b"3");
    owner.set(b"d", b"4");
    owner.set(b"e", b"5");
    let letter = owner.tell(Tell::Missing { known: 0 }, 75).unwrap();
    assert_eq!(letter.to, 3);
    let applied = copy.apply(&letter);
    assert_eq!(applied.refused, Some(Refused { entries: 1, first: 2, reason: Refusal::Entry }));
    assert_eq!((copy.known(), applied.gap), (1, Gap::After { version: 3 }));
    let letter = owner.tell(Tell::Missing { known: 3 }, 6).unwrap();
    assert_eq!(copy.apply(&letter).gap, Gap::After { version: 4 }, "it goes on where that ended");
    let letter = owner.tell(Tell::Missing { known: 4 }, 75).unwrap();
    assert_eq!(copy.apply(&letter).gap, Gap::After { version: 1 }, "and starts over");
    assert_eq!(
        (copy.known(), copy.read(b"c"), copy.read(b"d")),
        (1, Some(b"3".to_vec()), Some(b"4".to_vec()))
    );
}

/// The copy holds all that the owner has given up, and there is no room for both.
#[test]
fn an_owner_that_replaces_all_it_has_is_followed() {
    let (mut owner, mut copy) = (Rig::new(2, 200, LIMITS), Rig::new(2, 200, LIMITS));
    for n in 0..MAX_KEYS as u8 {
        owner.set(&[n], b"0123");
    }
    copy.apply(&owner.tell(Tell::Missing { known: 0 }, 1_100).unwrap());
    assert_eq!(copy.raw(), owner.raw());
    for n in 0..MAX_KEYS as u8 {
        owner.delete(&[n]);
    }
    owner.compact();
    for n in 64..64 + MAX_KEYS as u8 {
        owner.set(&[n], b"4567");
    }
    while copy.known() < owner.known() {
        let known = copy.known();
        let applied = copy.apply(&owner.tell(Tell::Missing { known }, 60).unwrap());
        assert_eq!(applied.refused, None);
        assert!(copy.known() > known, "each answer closes a part of the gap");
    }
    assert_eq!(copy.raw(), owner.raw());
    assert_eq!(copy.map(NOW)[0].2, Says::Floor(128));
}

/// An old value is in the way of a new one, and its shorter successor comes in a later datagram.
#[test]
fn a_value_in_the_way_of_its_shorter_successor_gives_way() {
    let (mut owner, mut copy) = (Rig::new(2, 200, LIMITS), Rig::new(2, 200, LIMITS));
    owner.set(b"a", &[1; 800]);
    copy.apply(&owner.tell(Tell::Missing { known: 0 }, 1_000).unwrap());
    owner.set(b"a", b"");
    owner.set(b"b", &[2; 800]);
    owner.set(b"a", &[3; 40]);
    let mut known = 1;
    for _ in 0..3 {
        let letter = owner.tell(Tell::Missing { known }, 810).unwrap();
        match copy.apply(&letter).gap {
            Gap::After { version } => known = version,
            Gap::None => break,
        }
    }
    assert_eq!(copy.raw(), owner.raw());
}

#[test]
fn limits_follow_the_datagram_and_stay_within_what_is_stored() {
    assert_eq!(Limits::new(DEFAULT_OWNER_BYTES, 1_200), LIMITS);
    let large = Limits { owner_bytes: MAX_OWNER_BYTES, entry_bytes: u16::MAX };
    assert_eq!(Limits::new(u16::MAX, 1 << 20), large);
    assert_eq!(Limits::new(0, 100), Limits { owner_bytes: 0, entry_bytes: 0 });
    let mut rig = Rig::new(2, 200, Limits { owner_bytes: 0, entry_bytes: 0 });
    assert_eq!(rig.set_of(OWNER, b"k", b""), Err(Refusal::Entry));
    let most = Limits::new(MAX_OWNER_BYTES, 9_000);
    let mut rig = Rig::new(2, 1_000, most);
    let value = vec![7; usize::from(MAX_OWNER_BYTES) - 11 - 8];
    rig.set(b"k", &value);
    assert_eq!(rig.read(b"k"), Some(value));
}

/// Beside each owner four blocks a member on the heap; in place, half as many again as there are members.
#[test]
fn state_takes_320_bytes_a_member_on_the_heap() {
    let (owner, block) = (size_of::<Owner>(), size_of::<Block>() + size_of::<u32>());
    assert_eq!((owner, block, BLOCK), (48, 68, 64));
    assert_eq!(owner + 4 * block, 320, "of a member, on the heap");
    assert_eq!(64 * owner + 96 * block, 9_600, "of 64 members, in place");
}
