//! What a host writes, and who wins.

use super::rig::{Letter, NOW, Rig, key, node};
use crate::tables::{
    state::outcome::Change,
    values::{
        limits::{MAX_SEEN, Refusal},
        merge::Merged,
        value::{Content, Rank},
    },
};
use std::vec;

const WON: Merged = Merged { won: true, change: None, conflict: None };
const NOTHING: Merged = Merged { won: false, change: None, conflict: None };

fn letter(text: &str, origin: (Rank, u64, u64), bytes: &[u8]) -> Letter {
    let (rank, revision, writer) = origin;
    Letter { key: key(text), origin: (rank, revision, node(writer)), bytes: Some(bytes.to_vec()), age: 0 }
}

fn authority(rig: &mut Rig, origin: (u32, u64), text: &str, bytes: &[u8]) -> Result<Merged, Refusal> {
    let (source, revision) = origin;
    let mut values = rig.values();
    let merged = values.set_authority((source, revision, node(9)), key(text), Content::Value(bytes), NOW);
    values.check();
    merged
}

#[test]
fn a_write_goes_above_all_that_was_seen_of_any_key() {
    let mut rig = Rig::new(8, 500);
    assert_eq!(rig.set(1, "a", b"1"), Ok(Merged { change: Some(Change::New), ..WON }));
    assert_eq!(
        rig.merge(&letter("b", (Rank::Anyone, 40, 2), b"2")),
        Ok(Merged { change: Some(Change::New), ..WON })
    );
    assert_eq!(rig.set(1, "a", b"3"), Ok(Merged { change: Some(Change::Changed), ..WON }));
    assert_eq!(rig.version("a").unwrap().revision, 41);
    assert_eq!(rig.delete(1, "a"), Ok(Merged { change: Some(Change::Gone), ..WON }));
    assert_eq!((rig.version("a").unwrap().revision, rig.get("a")), (42, None));
    assert_eq!(rig.set(1, "a", b""), Ok(Merged { change: Some(Change::New), ..WON }));
    assert_eq!((rig.version("a").unwrap().revision, rig.get("a")), (43, Some(vec![])));
}

#[test]
fn a_host_sees_the_values_in_the_order_of_their_keys() {
    let mut rig = Rig::new(8, 500);
    for text in ["b", "a", "c", "ab"] {
        let _ = rig.set(1, text, text.as_bytes());
    }
    let _ = rig.delete(1, "b");
    let shown = |text: &str| (key(text), text.as_bytes().to_vec());
    assert_eq!(rig.shows(), ["a", "ab", "c"].map(shown));
    let values = rig.values();
    let tagged = |text: &str| values.view().tagged(key(text).tag(), NOW).map(|value| value.key);
    assert_eq!(["a", "b", "none"].map(tagged), [Some(key("a")), None, None]);
}

#[test]
fn what_a_key_says_already_is_not_written_again() {
    let mut rig = Rig::new(8, 500);
    assert_eq!(rig.delete(1, "a"), Ok(NOTHING));
    let _ = rig.set(1, "a", b"1");
    let before = rig.facts();
    assert_eq!(rig.set(2, "a", b"1"), Ok(NOTHING));
    assert_eq!(rig.facts(), before);
    let _ = rig.delete(1, "a");
    let before = rig.facts();
    assert_eq!(rig.delete(2, "a"), Ok(NOTHING));
    assert_eq!(rig.facts(), before);
}

/// A claimed revision near the end spoils its key, which an authority can mend, and no other.
#[test]
fn an_absurd_revision_spoils_no_other_key() {
    let mut rig = Rig::new(8, 500);
    let _ = rig.merge(&letter("a", (Rank::Anyone, u64::MAX, 2), b"x"));
    assert_eq!(rig.set(1, "a", b"1"), Err(Refusal::Revisions));
    assert_eq!(rig.delete(1, "a"), Err(Refusal::Revisions));
    for n in 1..=5 {
        let _ = rig.set(1, "b", &[n]);
        assert_eq!(rig.version("b").unwrap().revision, MAX_SEEN + u64::from(n));
    }
    assert_eq!(authority(&mut rig, (0, 1), "a", b"y").map(|merged| merged.won), Ok(true));
    assert_eq!(rig.get("a"), Some(b"y".to_vec()));
}

#[test]
fn an_authority_outranks_everyone_and_goes_by_source_then_revision() {
    let mut rig = Rig::new(8, 500);
    let _ = rig.merge(&letter("a", (Rank::Anyone, 1_000, 2), b"x"));
    assert_eq!(authority(&mut rig, (0, 7), "a", b"7"), Ok(Merged { change: Some(Change::Changed), ..WON }));
    assert_eq!(rig.set(1, "a", b"z"), Err(Refusal::Outranked));
    assert_eq!(rig.delete(1, "a"), Err(Refusal::Outranked));
    assert_eq!(rig.merge(&letter("a", (Rank::Anyone, u64::MAX, 2), b"z")), Ok(NOTHING));
    assert_eq!(authority(&mut rig, (0, 6), "a", b"6"), Err(Refusal::Outdated));
    assert_eq!(authority(&mut rig, (1, 3), "a", b"3"), Ok(Merged { change: Some(Change::Changed), ..WON }));
    assert_eq!(authority(&mut rig, (0, 900), "a", b"9"), Err(Refusal::Outdated), "from before its restore");
    assert_eq!(rig.get("a"), Some(b"3".to_vec()));
    let mut values = rig.values();
    let deleted = values.set_authority((1, 4, node(9)), key("a"), Content::Deleted, NOW);
    assert_eq!(deleted, Ok(Merged { change: Some(Change::Gone), ..WON }));
    assert_eq!(rig.set(1, "a", b"z"), Err(Refusal::Outranked), "its tombstone is its own, too");
}

#[test]
fn a_key_under_an_authoritys_prefix_takes_nothing_else() {
    let mut rig = Rig::new(8, 500);
    for text in ["etcd/a", "free", "xyz"] {
        let _ = rig.set(1, text, b"mine");
    }
    rig.values().reserve([key("etcd/"), key("x")].into_iter().collect());
    rig.values().check();
    assert_eq!(rig.shows(), [(key("free"), b"mine".to_vec())], "what others wrote there is gone");
    let _ = authority(&mut rig, (0, 7), "etcd/a", b"7");
    let before = rig.raw();
    for text in ["etcd/a", "etcd/b", "x", "xy"] {
        assert_eq!(rig.set(1, text, b"1"), Err(Refusal::Prefix));
        assert_eq!(rig.delete(1, text), Err(Refusal::Prefix));
        assert_eq!(rig.merge(&letter(text, (Rank::Anyone, 50, 2), b"z")), Err(Refusal::Prefix));
    }
    assert_eq!(rig.raw(), before, "not even the revision counts as seen");
    assert!(rig.set(1, "etcd", b"1").is_ok() && rig.set(1, "wx", b"1").is_ok());
    assert_eq!(authority(&mut rig, (0, 1), "free", b"1").map(|merged| merged.won), Ok(true));
    rig.values().reserve(heapless::Vec::new());
    assert_eq!(rig.set(1, "etcd/b", b"1").map(|merged| merged.won), Ok(true));
}

#[test]
fn a_conflict_is_reported_once_whoever_wins() {
    let (low, high) = (letter("a", (Rank::Anyone, 5, 1), b"1"), letter("a", (Rank::Anyone, 5, 2), b"2"));
    let lost = Some(low.value().version);
    let mut rig = Rig::new(8, 500);
    let _ = rig.merge(&low);
    let merged = Merged { change: Some(Change::Changed), conflict: lost, ..WON };
    assert_eq!(rig.merge(&high), Ok(merged));
    assert_eq!(rig.merge(&low), Ok(NOTHING), "it was reported");
    let mut rig = Rig::new(8, 500);
    let _ = rig.merge(&high);
    assert_eq!(rig.merge(&high), Ok(NOTHING), "a copy is no conflict");
    assert_eq!(rig.merge(&low), Ok(Merged { conflict: lost, ..NOTHING }));
    assert_eq!(rig.merge(&low), Ok(NOTHING));
    let third = letter("a", (Rank::Anyone, 5, 3), b"3");
    assert_eq!(rig.merge(&third).map(|merged| merged.conflict), Ok(None), "nor again at the same revision");
    let _ = rig.set(3, "a", b"4");
    let other = letter("a", (Rank::Anyone, 6, 9), b"5");
    assert!(rig.merge(&other).is_ok_and(|merged| merged.conflict.is_some()), "but at the next");
}

#[test]
fn conflicts_are_other_bytes_and_without_an_authority_other_writers() {
    let conflicts = |one: &Letter, other: &Letter| {
        let mut rig = Rig::new(8, 500);
        let _ = rig.merge(one);
        rig.merge(other).unwrap().conflict.is_some()
    };
    let of = |origin, bytes: &[u8]| letter("a", origin, bytes);
    let (anyone, first, restored) =
        (Rank::Anyone, Rank::Authority { source: 0 }, Rank::Authority { source: 1 });
    assert!(conflicts(&of((anyone, 1, 1), b"x"), &of((anyone, 1, 2), b"x")));
    assert!(conflicts(&of((anyone, 1, 1), b"x"), &of((anyone, 1, 1), b"y")), "it forgot its own write");
    assert!(!conflicts(&of((anyone, 1, 1), b"x"), &of((anyone, 2, 2), b"y")));
    assert!(!conflicts(&of((first, 1, 1), b"x"), &of((first, 1, 2), b"x")), "both pass on the same");
    assert!(conflicts(&of((first, 1, 1), b"x"), &of((first, 1, 2), b"y")));
    assert!(!conflicts(&of((first, 1, 1), b"x"), &of((restored, 1, 2), b"y")));
    assert!(!conflicts(&of((anyone, 1, 1), b"x"), &of((first, 1, 2), b"y")));
    let deleted = Letter { bytes: None, ..of((anyone, 1, 1), b"") };
    assert!(conflicts(&of((anyone, 1, 1), b""), &deleted), "an empty value is no tombstone");
}

#[test]
fn what_an_authority_said_already_is_not_written_again_by_another_host() {
    let mut rig = Rig::new(8, 500);
    let _ = authority(&mut rig, (0, 7), "a", b"7");
    let before = rig.facts();
    let again = rig.values().set_authority((0, 7, node(10)), key("a"), Content::Value(b"7"), NOW);
    assert_eq!((again, rig.facts()), (Ok(NOTHING), before));
}

#[test]
fn an_authority_that_says_two_things_at_once_is_a_conflict_for_its_host() {
    let mut rig = Rig::new(8, 500);
    let _ = authority(&mut rig, (0, 7), "a", b"7");
    assert_eq!(authority(&mut rig, (0, 7), "a", b"7"), Ok(NOTHING));
    assert!(authority(&mut rig, (0, 7), "a", b"8").is_ok_and(|merged| merged.conflict.is_some()));
    let held = rig.facts();
    let pass_on = letter("a", (Rank::Authority { source: 0 }, 7, 9), held[0].2.as_ref().unwrap());
    assert_eq!(rig.merge(&pass_on), Ok(NOTHING));
}

#[test]
fn the_same_bytes_of_a_newer_version_are_no_change_for_a_reader() {
    let mut rig = Rig::new(8, 500);
    let _ = rig.merge(&letter("a", (Rank::Anyone, 1, 1), b"x"));
    assert_eq!(rig.merge(&letter("a", (Rank::Anyone, 2, 1), b"x")), Ok(WON));
    let tombstone = |revision| Letter { bytes: None, ..letter("b", (Rank::Anyone, revision, 1), b"") };
    assert_eq!(rig.merge(&tombstone(1)), Ok(WON));
    assert_eq!(rig.merge(&tombstone(2)), Ok(WON));
}
