//! What a node makes of another's list.

use super::rig::{Letter, NOW, Rig, key, node};
use crate::tables::{
    state::entry::Seconds,
    values::{
        compare::{Difference, Span},
        limits::TOMBSTONE_TTL,
        value::Rank,
    },
};
use std::{format, string::String, vec, vec::Vec};

const WHOLE: Span = Span { late: false, early: false };

/// Holds these keys at the revision 1.
fn holding(keys: &[&str]) -> Rig {
    let mut rig = Rig::new(8, 500);
    for text in keys {
        let origin = (Rank::Anyone, 1, node(1));
        let _ = rig.merge(&Letter { key: key(text), origin, bytes: Some(vec![1]), age: 0 });
    }
    rig
}

/// What one makes of a list of these keys at these revisions: what it lacks, and what it is ahead with.
fn differences(rig: &mut Rig, span: Span, listed: &[(&str, u64)], now: Seconds) -> Vec<String> {
    let versions: Vec<_> = listed
        .iter()
        .map(|&(text, revision)| {
            let origin = (Rank::Anyone, revision, node(1));
            let letter = Letter { key: key(text), origin, bytes: Some(vec![1]), age: 0 };
            (letter.key, letter.value().version)
        })
        .collect();
    let mut found = vec![];
    rig.values().compare(span, versions.into_iter(), now, |difference| {
        found.push(match difference {
            Difference::Lacked(key) => format!("lacks {key}"),
            Difference::Ahead(value) => format!("ahead {}", value.key),
        });
    });
    found
}

#[test]
fn a_list_is_compared_key_by_key() {
    let mut rig = holding(&["b", "d", "f", "h"]);
    assert_eq!(differences(&mut rig, WHOLE, &[("b", 1), ("d", 1), ("f", 1), ("h", 1)], NOW), [""; 0]);
    let found = differences(&mut rig, WHOLE, &[("a", 1), ("b", 2), ("d", 1), ("f", 0), ("i", 1)], NOW);
    assert_eq!(found, ["lacks a", "lacks b", "ahead f", "ahead h", "lacks i"]);
    assert_eq!(differences(&mut rig, WHOLE, &[], NOW), ["ahead b", "ahead d", "ahead f", "ahead h"]);
}

#[test]
fn a_list_of_a_part_says_nothing_of_the_rest() {
    let mut rig = holding(&["b", "d", "f", "h"]);
    let listed = [("c", 1), ("g", 1)];
    let late = Span { late: true, early: false };
    assert_eq!(
        differences(&mut rig, late, &listed, NOW),
        ["lacks c", "ahead d", "ahead f", "lacks g", "ahead h"]
    );
    let early = Span { late: false, early: true };
    assert_eq!(
        differences(&mut rig, early, &listed, NOW),
        ["ahead b", "lacks c", "ahead d", "ahead f", "lacks g"]
    );
    let both = Span { late: true, early: true };
    assert_eq!(differences(&mut rig, both, &listed, NOW), ["lacks c", "ahead d", "ahead f", "lacks g"]);
}

/// It would be asked for again and again.
#[test]
fn a_value_that_would_be_refused_is_not_asked_for() {
    let mut full = Rig::new(2, 500);
    assert!(full.set(1, "a", b"1").is_ok() && full.set(1, "b", b"1").is_ok());
    assert_eq!(differences(&mut full, WHOLE, &[("a", 9), ("b", 9), ("c", 9)], NOW), ["lacks a", "lacks b"]);
    let mut rig = holding(&["a"]);
    rig.values().reserve([key("held/")].into_iter().collect());
    assert_eq!(differences(&mut rig, WHOLE, &[("a", 2), ("held/a", 9)], NOW), ["lacks a"]);
}

#[test]
fn a_tombstone_whose_time_is_over_is_not_told_nor_listed() {
    let mut rig = holding(&["a"]);
    assert_eq!(rig.values().until_forgetting(NOW), None, "a value stays");
    let _ = rig.delete(1, "a");
    let end = Seconds(NOW.0 + TOMBSTONE_TTL);
    assert_eq!(differences(&mut rig, WHOLE, &[], NOW), ["ahead a"]);
    assert_eq!(differences(&mut rig, WHOLE, &[], end), [""; 0]);
    let values = rig.values();
    assert_eq!((values.view().list(0, NOW).count(), values.view().list(0, end).count()), (1, 0));
    assert_eq!((values.until_forgetting(NOW), values.until_forgetting(end)), (Some(TOMBSTONE_TTL), Some(0)));
}
