//! Merging is a join; and what does not fit takes nothing away.

use super::rig::{Fact, Letter, NOW, Rig, key, node};
use crate::tables::values::{
    limits::Refusal,
    value::{Content, Rank, Value, Version},
};
use quickcheck::quickcheck;
use std::{collections::BTreeMap, vec, vec::Vec};

/// Room for all that random letters hold.
fn ample() -> Rig {
    Rig::new(16, 2_000)
}

fn after(letters: &[Letter]) -> Rig {
    let mut rig = ample();
    letters.iter().for_each(|letter| _ = rig.merge(letter));
    rig
}

/// What one holds is told to another.
fn join(mut into: Rig, mut from: Rig) -> Rig {
    let told: Vec<Letter> = {
        let values = from.values();
        let entries = values.view().entries();
        entries.map(|entry| Letter::of(&entry.value(NOW))).collect()
    };
    told.iter().for_each(|letter| _ = into.merge(letter));
    into
}

/// In another order, which `seed` decides.
fn shuffled(letters: &[Letter], seed: u64) -> Vec<Letter> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    let mut rng = crate::vocabulary::rng::Rng::new(bytes);
    let mut keyed: Vec<(u64, &Letter)> = letters.iter().map(|letter| (rng.next(), letter)).collect();
    keyed.sort_by_key(|&(number, _)| number);
    keyed.into_iter().map(|(_, letter)| letter.clone()).collect()
}

quickcheck! {
    fn whatever_the_order_the_same_values_end_in_the_same_bytes(letters: Vec<Letter>, seed: u64) -> bool {
        after(&letters).raw() == after(&shuffled(&letters, seed)).raw()
    }

    fn copies_change_nothing(letters: Vec<Letter>, seed: u64) -> bool {
        let doubled = shuffled(&[letters.clone(), letters.clone()].concat(), seed);
        after(&letters).raw() == after(&doubled).raw()
    }

    fn joining_what_nodes_hold_is_commutative_and_associative(a: Vec<Letter>, b: Vec<Letter>, c: Vec<Letter>) -> bool {
        let [a, b, c] = [&a, &b, &c].map(|letters| after(letters));
        let one = join(join(a.clone(), b.clone()), c.clone()).facts();
        one == join(c, join(b, a)).facts()
    }

    fn the_greatest_version_of_each_key_is_held(letters: Vec<Letter>) -> bool {
        let mut greatest: BTreeMap<_, (Version, Option<Vec<u8>>)> = BTreeMap::new();
        for letter in &letters {
            let candidate = (letter.value().version, letter.bytes.clone());
            let held = greatest.entry(letter.key).or_insert_with(|| candidate.clone());
            *held = held.clone().max(candidate);
        }
        let expected: Vec<_> = greatest.into_iter().map(|(key, (version, bytes))| (key, version, bytes)).collect();
        after(&letters).facts() == expected
    }

    fn sums_are_equal_exactly_where_facts_are(a: Vec<Letter>, b: Vec<Letter>, seed: u64) -> bool {
        let (mut a, mut b, mut again) = (after(&a), after(&b), after(&shuffled(&a, seed)));
        (a.sum() == b.sum()) == (a.facts() == b.facts()) && a.sum() == again.sum()
    }

    fn what_does_not_fit_is_refused_and_takes_nothing_away(letters: Vec<Letter>, slots: u8, bytes: u8) -> bool {
        let mut rig = Rig::new(usize::from(slots % 6), usize::from(bytes % 120));
        for letter in &letters {
            let before = rig.clone().facts();
            let merged = rig.merge(letter);
            let after = rig.facts();
            match merged {
                Err(refusal) => {
                    assert!(matches!(refusal, Refusal::Keys | Refusal::Bytes), "{refusal:?}");
                    assert_eq!(before, after, "{letter:?}");
                }
                Ok(merged) => {
                    let others = |facts: Vec<Fact>| -> Vec<Fact> {
                        facts.into_iter().filter(|(key, ..)| *key != letter.key).collect()
                    };
                    let of = |facts: &[Fact]| facts.iter().find(|(key, ..)| *key == letter.key).cloned();
                    let (old, new) = (of(&before), of(&after).expect("it is held, or something newer"));
                    assert_eq!(merged.won, old.as_ref() != Some(&new), "{letter:?}");
                    assert!(old.is_none_or(|old| old <= new) && new.1 >= letter.value().version, "it only grows");
                    assert_eq!(others(before), others(after), "{letter:?}");
                }
            }
        }
        true
    }
}

/// The order is total even where hashes are equal.
#[test]
fn two_values_of_one_version_end_the_same_in_either_order() {
    let version = Version { rank: Rank::Anyone, revision: 1, writer: node(1), hash: 7 };
    let contents = [Content::Deleted, Content::Value(b""), Content::Value(b"a"), Content::Value(b"b")];
    for first in contents {
        for second in contents {
            let end = |order: [Content<'_>; 2]| {
                let mut rig = ample();
                for content in order {
                    let value = Value { key: key("k"), version, content, age: 0 };
                    let _ = rig.values().merge(&value, NOW);
                }
                rig.facts()
            };
            let held = first.max(second).value().map(<[u8]>::to_vec);
            assert_eq!(end([first, second]), vec![(key("k"), version, held)]);
            assert_eq!(end([first, second]), end([second, first]));
        }
    }
}

/// Computed by another implementation of SipHash.
#[test]
fn the_sum_is_that_of_the_protocol() {
    let origin = |rank| (rank, 9, node(0x0102_0304_0506_0708));
    let set = Value::new(key("a/b"), origin(Rank::Anyone), Content::Value(b"on"), 300);
    let deleted = Value::new(key("c"), origin(Rank::Authority { source: 2 }), Content::Deleted, 0);
    assert_eq!((set.version.hash, deleted.version.hash), (0x3D20_0EC1_EEAD_937F, 0x3D81_DF5A_4027_CFA7));
    let mut rig = ample();
    assert_eq!(rig.sum(), 0);
    let _ = rig.merge_at(&set, NOW);
    assert_eq!(rig.sum(), 0xA6BE_4CBF);
    let _ = rig.merge_at(&deleted, NOW);
    assert_eq!(rig.sum(), 0xA6BE_4CBF_u32.wrapping_add(0xFFA6_40B2));
}
