//! What is asked for, and what is answered.

use super::rig::{EPOCH, ME, Rig, event, id};
use crate::{
    tables::events::{
        event::{Head, Want, Wants, tag},
        limits::{ASK_AGAIN, MAX_ASKS, MAX_WANTS, SLACK, TTL},
    },
    vocabulary::{record::NodeId, time::Instant},
};
use core::time::Duration;
use quickcheck::quickcheck;
use std::{collections::BTreeSet, vec::Vec};

fn ask(rig: &mut Rig, heads: &[Head]) -> Wants {
    let now = rig.now;
    rig.events().ask(now, heads.iter().copied())
}

/// Sequence numbers of what is answered to a member with this id, the first first.
fn answer(rig: &mut Rig, asker: u64, wants: &Wants) -> Vec<u32> {
    let now = rig.now;
    let asker = NodeId::from_u64(asker).unwrap();
    rig.events().missing(now, asker, wants).map(|event| event.id.sequence).collect()
}

quickcheck! {
    fn a_want_lacks_what_was_not_heard(heard: BTreeSet<u8>, epoch: u8) -> bool {
        let mut rig = Rig::with(2, 0, 0);
        let epoch = 1 + u32::from(epoch);
        // All within the window of the newest.
        let base = u32::from(heard.last().copied().unwrap_or(0)).saturating_sub(63);
        let heard: BTreeSet<u32> = heard.iter().map(|&n| u32::from(n).max(base) + 1).collect();
        heard.iter().for_each(|&sequence| assert!(rig.is_new(&event(2, epoch, sequence, 0))));
        let now = rig.now;
        let wants = rig.events().wants(now);
        assert_eq!(wants.len(), 1 + usize::from(!heard.is_empty()));
        assert!(wants.iter().all(Want::is_valid));
        let Some(want) = wants.iter().find(|want| **want != Want::REST) else { return true };
        let newest = *heard.last().unwrap();
        for sequence in (newest.saturating_sub(80).max(1))..newest + 70 {
            let lacks = sequence > newest || sequence + 63 >= newest && !heard.contains(&sequence);
            assert_eq!(want.lacks(id(2, epoch, sequence).head()), Some(lacks), "{sequence} of {heard:?}");
            assert_eq!(want.lacks(id(2, epoch + 1, sequence).head()), Some(true));
            assert_eq!(want.lacks(id(2, epoch - 1, sequence).head()), Some(false));
            assert_eq!(want.lacks(id(3, epoch, sequence).head()), None);
        }
        true
    }
}

#[test]
fn a_head_that_is_news_is_asked_for_with_what_was_heard_of_its_origin() {
    let mut rig = Rig::ample();
    assert!(rig.is_new(&event(2, 1, 1, 0)) && rig.is_new(&event(2, 1, 3, 0)));
    let heads = [1, 3].map(|sequence| id(2, 1, sequence).head());
    assert_eq!(ask(&mut rig, &heads), []);
    let want = Want { tag: tag(NodeId::from_u64(2).unwrap()), epoch: 1, newest: 3, heard: 0b101 };
    assert_eq!(ask(&mut rig, &[id(2, 1, 2).head()]), [want]);
    assert_eq!(ask(&mut rig, &[id(2, 1, 4).head()]), [want]);
    let newer = Want { epoch: 2, newest: 0, heard: 0, ..want };
    assert_eq!(ask(&mut rig, &[id(2, 2, 9).head()]), [newer]);
    assert_eq!(ask(&mut rig, &[id(2, 0, 9).head()]), [], "of an earlier epoch nothing is taken");
    // Where nothing was heard, all is lacked, however far its number has come.
    assert_eq!(newer.lacks(id(2, 2, 40_000).head()), Some(true));
    let other = Want { tag: tag(NodeId::from_u64(9).unwrap()), epoch: 5, newest: 0, heard: 0 };
    assert_eq!(ask(&mut rig, &[id(9, 5, 70_000).head(), id(9, 5, 70_001).head()]), [other]);
}

#[test]
fn the_same_event_is_asked_for_again_only_after_an_answer_could_be_there() {
    let mut rig = Rig::ample();
    let heads = [id(2, 1, 1).head()];
    assert_eq!(ask(&mut rig, &heads).len(), 1);
    rig.wait(ASK_AGAIN - Duration::from_micros(1));
    assert_eq!(ask(&mut rig, &heads).len(), 0);
    rig.wait(Duration::from_micros(1));
    assert_eq!(ask(&mut rig, &heads).len(), 1);
}

#[test]
fn an_event_that_does_not_come_is_asked_for_again_but_not_for_ever() {
    let mut rig = Rig::ample();
    let ask_again = |rig: &mut Rig| {
        let now = rig.now;
        rig.events().ask_again(now)
    };
    assert_eq!(rig.events().next_ask(), Instant::NEVER);
    let heads = [id(2, 1, 1).head(), id(3, 1, 1).head()];
    let wants = ask(&mut rig, &heads);
    assert_eq!(wants.len(), 2);
    assert_eq!(ask_again(&mut rig), []);
    rig.now = rig.events().next_ask();
    assert_eq!(ask_again(&mut rig), wants);
    assert_eq!(ask(&mut rig, &heads), []);
    // What has come is not asked for any more, and the rest is not for ever.
    assert!(rig.is_new(&event(2, 1, 1, 0)));
    let mut times = 2;
    while rig.events().next_ask() != Instant::NEVER {
        rig.now = rig.events().next_ask();
        let again = ask_again(&mut rig);
        assert_eq!(again, wants[1..]);
        times += 1;
        assert!(times <= MAX_ASKS);
    }
    assert_eq!(times, MAX_ASKS);
}

#[test]
fn an_event_that_would_not_be_taken_is_not_asked_for() {
    let heads = [id(3, 1, 1).head()];
    // By one without a place for it.
    let mut rig = Rig::with(1, 4, 1_000);
    assert!(rig.is_new(&event(2, 1, 1, 0)));
    assert_eq!(ask(&mut rig, &heads), []);
    rig.wait(TTL + SLACK);
    assert_eq!(ask(&mut rig, &heads).len(), 1);
    // By one that may have heard it in an earlier life.
    let mut rig = Rig::newborn(4, 4, 1_000, Instant::from_millis(70));
    rig.wait(SLACK);
    assert_eq!(ask(&mut rig, &heads), []);
    rig.wait(Duration::from_millis(1));
    assert_eq!(ask(&mut rig, &heads).len(), 1);
    // Nor again, when it has turned out to be so.
    assert!(!rig.is_new(&event(3, 1, 1, 2)));
    rig.wait(ASK_AGAIN);
    assert_eq!(ask(&mut rig, &heads), []);
    // By one that takes no more for now.
    let mut rig = Rig::ample();
    let flood = (1..1_000).take_while(|&sequence| rig.is_new(&event(2, 1, sequence, 0)));
    assert!(flood.count() < 999, "a flood meets its bound");
    assert_eq!(ask(&mut rig, &heads), []);
    rig.wait(Duration::from_secs(1));
    assert_eq!(ask(&mut rig, &heads).len(), 1);
}

#[test]
fn an_answer_has_what_is_lacked_and_young_the_newest_first() {
    let mut rig = Rig::ample();
    for (sequence, age) in [(1, 0), (2, 20_000), (3, 0), (4, 0)] {
        assert!(rig.is_new(&event(2, 1, sequence, age)));
    }
    rig.told(1);
    assert_eq!(rig.events().pending(), 0, "what is retired is answered, too");
    let mut other = Rig::ample();
    assert!(other.is_new(&event(2, 1, 3, 0)));
    let wants = ask(&mut other, &[id(2, 1, 4).head()]);
    assert_eq!(answer(&mut rig, 9, &wants), [4, 2, 1]);
    rig.wait(TTL - Duration::from_secs(20));
    assert_eq!(answer(&mut rig, 9, &wants), [4, 1]);
}

#[test]
fn a_want_of_the_rest_brings_all_origins_but_the_asker() {
    let mut rig = Rig::ample();
    assert!(rig.is_new(&event(2, 1, 22, 0)) && rig.is_new(&event(3, 1, 33, 0)));
    rig.send(b"mine").unwrap();
    let mut other = Rig::ample();
    assert!(other.is_new(&event(2, 1, 22, 0)));
    let now = other.now;
    let wants = other.events().wants(now);
    assert_eq!(wants.first(), Some(&Want::REST));
    assert_eq!(answer(&mut rig, 9, &wants), [1, 33]);
    assert_eq!(answer(&mut rig, 3, &wants), [1]);
    assert_eq!(answer(&mut rig, ME, &wants), [33]);
    let named: Wants = wants.iter().filter(|want| **want != Want::REST).copied().collect();
    assert!(answer(&mut rig, 9, &named).is_empty());
    assert!(other.is_new(&event(ME, EPOCH, 1, 0)) && other.is_new(&event(3, 1, 33, 0)));
    let wants = other.events().wants(now);
    assert!(answer(&mut rig, 9, &wants).is_empty());
}

#[test]
fn wants_are_as_many_as_there_is_room_for() {
    let mut rig = Rig::with(100, 4, 1_000);
    (0..100).for_each(|origin| assert!(rig.is_new(&event(2 + origin, 1, 1, 0))));
    let now = rig.now;
    let wants = rig.events().wants(now);
    assert_eq!((wants.len(), wants.contains(&Want::REST)), (MAX_WANTS, true));
    let heads: Vec<_> = (0..80).map(|origin| id(2 + origin, 1, 2).head()).collect();
    assert_eq!(ask(&mut rig, &heads).len(), MAX_WANTS);
}
