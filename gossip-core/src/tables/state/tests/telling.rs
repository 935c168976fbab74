//! What is told, what is taken, and what is asked for.

use super::rig::{LIMITS, Letter, NOW, OWNER, Rig};
use crate::tables::state::{
    outcome::{Change, Gap, Outcome},
    tell::Tell,
};
use std::{vec, vec::Vec};

const ALL: Tell = Tell::Missing { known: 0 };

fn pair() -> (Rig, Rig) {
    (Rig::new(2, 64, LIMITS), Rig::new(2, 64, LIMITS))
}

fn span(letter: &Letter) -> (u32, u32) {
    (letter.from, letter.to)
}

#[test]
fn a_span_covers_what_was_written_over() {
    let (mut owner, mut copy) = pair();
    owner.set(b"a", b"1");
    copy.apply(&owner.tell(ALL, 100).unwrap());
    for value in [b"x", b"y", b"z"] {
        owner.set(b"b", value);
    }
    // Only 4 travels, and closes 2 and 3 with it.
    let letter = owner.tell(Tell::News { since: 3 }, 100).unwrap();
    assert_eq!(span(&letter), (1, 4));
    assert_eq!(copy.apply(&letter).gap, Gap::None);
    assert_eq!((copy.known(), copy.read(b"b")), (4, Some(b"z".to_vec())));
}

#[test]
fn a_change_without_a_write_travels_as_an_empty_item() {
    let (mut owner, mut copy) = pair();
    owner.set(b"a", b"1");
    copy.apply(&owner.tell(ALL, 100).unwrap());
    owner.store().advance(OWNER, 3);
    let letter = owner.tell(Tell::News { since: 2 }, 0).unwrap();
    assert_eq!((span(&letter), letter.entries.len()), ((1, 3), 0));
    assert_eq!((copy.apply(&letter).stored, copy.known()), (0, 3));
    assert!(owner.tell(Tell::News { since: 3 }, 100).is_none(), "there is nothing to say");
}

#[test]
fn values_are_taken_in_any_order_and_knowledge_only_without_a_gap() {
    let (mut owner, mut copy) = pair();
    for (key, value) in [(b"a", b"1"), (b"b", b"2"), (b"c", b"3")] {
        owner.set(key, value);
    }
    let newest = owner.tell(Tell::News { since: 2 }, 100).unwrap();
    let applied = copy.apply(&newest);
    assert_eq!((applied.changes, applied.gap), (1, Gap::After { version: 0 }));
    assert_eq!((copy.read(b"c"), copy.known()), (Some(b"3".to_vec()), 0));
    assert!(copy.tell(ALL, 100).is_none(), "what is held above a gap is not told");
    let rest = owner.tell(ALL, 100).unwrap();
    assert_eq!(copy.apply(&rest).stored, 2);
    assert_eq!(copy.raw(), owner.raw());
}

#[test]
fn what_is_gone_below_known_is_never_taken_back() {
    let (mut owner, mut copy) = pair();
    owner.set(b"a", b"1");
    let old = owner.tell(ALL, 100).unwrap();
    owner.delete(b"a");
    owner.compact();
    copy.apply(&owner.tell(ALL, 100).unwrap());
    let applied = copy.apply(&Letter { to: 3, top: 3, ..old });
    assert_eq!((applied.stored, copy.read(b"a")), (0, None));
}

#[test]
fn a_want_brings_the_oldest_entries_and_news_the_newest() {
    let (mut owner, mut copy) = pair();
    for n in 0..10u8 {
        owner.set(&[n], &[n; 20]);
    }
    // An entry takes 24 bytes.
    let oldest = owner.tell(ALL, 80).unwrap();
    assert_eq!((span(&oldest), oldest.entries.len()), ((0, 3), 72));
    let newest = owner.tell(Tell::News { since: 2 }, 80).unwrap();
    assert_eq!((span(&newest), newest.entries.len()), ((7, 10), 72));
    let mut asked = 0;
    while copy.known() < 10 {
        let known = copy.known();
        let letter = owner.tell(Tell::Missing { known }, 80).unwrap();
        copy.apply(&letter);
        asked += 1;
        assert!(asked < 10, "each answer closes a part of the gap");
    }
    assert_eq!((asked, copy.raw()), (4, owner.raw()));
}

#[test]
fn an_entry_without_room_is_not_told_and_not_skipped() {
    let (mut owner, mut copy) = pair();
    owner.set(b"a", &[1; 60]);
    owner.set(b"b", b"2");
    assert!(owner.tell(ALL, 60).is_none());
    let letter = owner.tell(Tell::News { since: 0 }, 60).unwrap();
    assert_eq!(span(&letter), (1, 2), "it claims nothing of the large one");
    assert_eq!(copy.apply(&letter).gap, Gap::After { version: 0 });
}

#[test]
fn items_of_another_epoch_change_nothing() {
    let (mut owner, mut copy) = pair();
    owner.set(b"a", b"1");
    let letter = owner.tell(ALL, 100).unwrap();
    for (epoch, outcome) in [(0, Outcome::Past), (2, Outcome::Later)] {
        let item = Letter { epoch, ..letter.clone() };
        let applied = copy.store().apply(OWNER, &item.item(), 1, NOW, &mut |_, _| panic!("nothing changed"));
        assert_eq!((applied, copy.raw(), copy.known()), (outcome, vec![], 0));
    }
}

#[test]
fn an_observer_is_told_what_a_reader_sees() {
    let (mut owner, mut copy) = pair();
    let mut told: Vec<(Vec<u8>, Change)> = vec![];
    let mut catch_up = |owner: &mut Rig, copy: &mut Rig, expected: &[(&[u8], Change)]| {
        let letter = owner.tell(Tell::Missing { known: copy.known() }, 500).unwrap();
        told.clear();
        let applied =
            copy.apply_at(&letter, letter.top, NOW, &mut |key, change| told.push((key.to_vec(), change)));
        let told: Vec<_> = told.iter().map(|(key, change)| (&key[..], *change)).collect();
        assert_eq!((applied.changes as usize, &told[..]), (expected.len(), expected));
    };
    owner.set(b"a", b"1");
    owner.set(b"b", b"1");
    catch_up(&mut owner, &mut copy, &[(b"a", Change::New), (b"b", Change::New)]);
    owner.set(b"a", b"2");
    owner.delete(b"b");
    owner.set(b"c", b"1");
    owner.delete(b"c");
    catch_up(&mut owner, &mut copy, &[(b"a", Change::Changed), (b"b", Change::Gone)]);
    owner.set(b"b", b"3");
    owner.compact();
    owner.delete(b"a");
    owner.compact();
    catch_up(&mut owner, &mut copy, &[(b"b", Change::New), (b"a", Change::Gone)]);
    owner.compact();
    catch_up(&mut owner, &mut copy, &[]);
}

/// What the owner rewrote while it compacted may have been written once more, above what is known.
#[test]
fn a_living_value_outlasts_a_floor_until_its_successor_is_there() {
    let (mut owner, mut copy) = pair();
    owner.set(b"a", b"1");
    owner.set(b"b", b"1");
    copy.apply(&owner.tell(ALL, 100).unwrap());
    owner.delete(b"b");
    assert_eq!(owner.compact(), 5);
    owner.set(b"b", b"2");
    owner.set(b"a", b"2");
    // The floor and "b", up to 6; "a" is 7 now.
    let letter = owner.tell(Tell::Missing { known: 2 }, 14).unwrap();
    assert_eq!(span(&letter), (0, 6));
    copy.apply(&letter);
    assert_eq!((copy.known(), copy.read(b"a")), (6, Some(b"1".to_vec())));
    copy.apply(&owner.tell(Tell::Missing { known: 6 }, 100).unwrap());
    assert_eq!(copy.raw(), owner.raw());
}
