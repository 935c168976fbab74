//! What is sent next.

use super::rig::{Letter, NOW, Rig, key, node};
use crate::tables::values::value::Rank;
use quickcheck::{Arbitrary, Gen, quickcheck};
use std::{format, string::String, vec, vec::Vec};

fn offered(rig: &mut Rig, sends: u8, mut take: impl FnMut(&str) -> bool) -> Vec<String> {
    let mut offered = vec![];
    let mut values = rig.values();
    values.take(sends, NOW, |value| {
        offered.push(value.key.as_str().into());
        take(value.key.as_str())
    });
    values.check();
    offered
}

#[test]
fn values_with_the_fewest_sends_go_first_and_of_those_the_newest() {
    let mut rig = Rig::new(8, 500);
    for text in ["b", "a", "d"] {
        let _ = rig.set(1, text, b"1");
    }
    assert_eq!(offered(&mut rig, 3, |text| text != "d"), ["d", "a", "b"]);
    assert_eq!(
        offered(&mut rig, 3, |_| false),
        ["d", "a", "b"],
        "one that does not fit is in no other's way"
    );
    let _ = rig.set(1, "c", b"1");
    assert_eq!(offered(&mut rig, 3, |text| text == "c"), ["c", "d", "a", "b"]);
    assert_eq!(offered(&mut rig, 3, |_| true), ["d", "c", "a", "b"]);
    assert_eq!(offered(&mut rig, 3, |_| true), ["d", "c", "a", "b"], "by sends");
    assert_eq!(offered(&mut rig, 3, |_| true), ["d"]);
    assert_eq!((offered(&mut rig, 3, |_| true), rig.values().view().pending()), (vec![], 0));
}

#[test]
fn what_wins_is_sent_from_the_beginning_and_what_loses_is_not() {
    let mut rig = Rig::new(8, 500);
    let _ = rig.set(1, "a", b"1");
    let _ = offered(&mut rig, 1, |_| true);
    let old = Letter { key: key("a"), origin: (Rank::Anyone, 0, node(1)), bytes: Some(vec![2]), age: 0 };
    let _ = rig.merge(&old);
    assert_eq!(offered(&mut rig, 1, |_| true), Vec::<String>::new());
    let _ = rig.merge(&Letter { origin: (Rank::Anyone, 9, node(1)), ..old });
    assert_eq!(offered(&mut rig, 1, |_| true), ["a"]);
    let _ = rig.set(1, "a", b"4");
    rig.values().retire(&key("a"));
    rig.values().retire(&key("a"));
    rig.values().retire(&key("b"));
    assert_eq!((offered(&mut rig, 2, |_| true), rig.values().view().pending()), (vec![], 0));
}

#[derive(Clone, Debug)]
enum Step {
    Set(u8),
    Delete(u8),
    Retire(u8),
    /// Takes those of the offered whose bit is set.
    Take(u8),
}

impl Arbitrary for Step {
    fn arbitrary(g: &mut Gen) -> Self {
        let key = u8::arbitrary(g) % 6;
        match u8::arbitrary(g) % 8 {
            0..=2 => Self::Set(key),
            3 => Self::Delete(key),
            4 => Self::Retire(key),
            _ => Self::Take(u8::arbitrary(g)),
        }
    }
}

const SENDS: u8 = 3;

/// Beside it a plain list: the pending keys with their sends, the newest first.
fn compare_with_a_plain_list(steps: Vec<Step>) -> bool {
    let mut rig = Rig::new(8, 500);
    let mut model: Vec<(String, u8)> = vec![];
    let mut fill = 0;
    let renew = |model: &mut Vec<(String, u8)>, text: String| {
        model.retain(|(other, _)| *other != text);
        model.insert(0, (text, 0));
    };
    for step in steps {
        match step {
            Step::Set(n) | Step::Delete(n) => {
                fill += 1;
                let text = format!("k{n}");
                let deletes = matches!(step, Step::Delete(_));
                let merged = if deletes { rig.delete(1, &text) } else { rig.set(1, &text, &[fill]) };
                if merged.unwrap().won {
                    renew(&mut model, text);
                }
            }
            Step::Retire(n) => {
                let text = format!("k{n}");
                rig.values().retire(&key(&text));
                model.retain(|(other, _)| *other != text);
            }
            Step::Take(mask) => {
                let mut bit = 1u8;
                let mut taken = vec![];
                let offered = offered(&mut rig, SENDS, |text| {
                    let takes = mask & bit != 0;
                    bit = bit.rotate_left(1);
                    taken.extend(takes.then(|| String::from(text)));
                    takes
                });
                let mut expected = model.clone();
                expected.sort_by_key(|&(_, sends)| sends);
                assert!(expected.iter().map(|(text, _)| text).eq(&offered), "{expected:?}, {offered:?}");
                model.iter_mut().filter(|(text, _)| taken.contains(text)).for_each(|(_, sends)| *sends += 1);
                model.retain(|&(_, sends)| sends < SENDS);
            }
        }
        assert_eq!(rig.values().view().pending(), model.len());
    }
    true
}

quickcheck! {
    fn the_queue_is_a_plain_list(steps: Vec<Step>) -> bool {
        compare_with_a_plain_list(steps)
    }
}

/// Numbers of the order begin anew after 2^32 of them.
#[test]
fn the_newest_is_first_across_the_wrap_of_its_number() {
    let mut rig = Rig::new(8, 500);
    rig.values().books.order = u32::MAX - 1;
    for text in ["a", "b", "c", "d"] {
        let _ = rig.set(1, text, b"1");
    }
    assert_eq!(offered(&mut rig, 1, |_| true), ["d", "c", "b", "a"]);
}
