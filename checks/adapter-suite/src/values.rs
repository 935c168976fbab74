//! What is set for the cluster.

#![allow(missing_docs, reason = "the name of a promise says all of it")]

use crate::{
    Adapter, Running, block_on,
    cluster::{formed, until},
    eventually, options, start,
};
use gossip_core::{Authority, ValueError};
use gossip_host::{Bytes, ClusterChange, ClusterWatch, Handle, Key, PublishError, WatchError};
use std::fmt::Debug;

const MODE: Key<String> = Key::new("mode");
const LIMIT: Key<u32> = Key::new("limits/requests");
const BLOB: Key<Bytes> = Key::raw("blob");

fn value_of<T>(handle: &Handle, key: &Key<T>) -> Option<T> {
    handle.cluster().get(key).unwrap().map(|found| found.value)
}

/// Waits until every node has this value of the key.
fn all_have<T: PartialEq + Debug>(nodes: &[Running], key: &Key<T>, value: Option<T>) {
    for Running { handle, .. } in nodes {
        let what = format!("{value:?} as {}", key.name());
        eventually(&what, || (value_of(handle, key) == value).then_some(()));
    }
}

pub fn a_value_of_the_cluster_reaches_all_and_so_does_its_end<A: Adapter>() {
    let nodes = formed::<A>("values");
    let [one, other] = [nodes[1].handle.cluster(), nodes[3].handle.cluster()];
    one.set(&MODE, &"dark".into()).unwrap();
    one.set(&BLOB, &Bytes::from_static(&[0xFF; 500])).unwrap();
    all_have(&nodes, &MODE, Some("dark".into()));
    all_have(&nodes, &BLOB, Some(Bytes::from_static(&[0xFF; 500])));
    assert_eq!(other.get(&MODE).unwrap().unwrap().writer, nodes[1].handle.id());
    other.set(&MODE, &"light".into()).unwrap();
    all_have(&nodes, &MODE, Some("light".into()));
    one.delete(&MODE).unwrap();
    all_have(&nodes, &MODE, None);
    let seeds = vec![nodes[0].handle.local_addr().into()];
    let late = start::<A>(options("values", "late").with(|o| o.seeds = seeds));
    all_have(&[late], &BLOB, Some(Bytes::from_static(&[0xFF; 500])));

    let error = one.set(&BLOB, &Bytes::from(vec![0; 2_000]));
    assert!(matches!(error, Err(PublishError::Value(ValueError::TooLarge { .. }))), "{error:?}");
    all_have(&nodes, &BLOB, Some(Bytes::from_static(&[0xFF; 500])));
}

pub fn an_authority_stands_above_members<A: Adapter>() {
    let nodes = formed::<A>("authority");
    let at = |revision| Authority { source: 1, revision };
    nodes[4].handle.cluster().set(&LIMIT, &1).unwrap();
    all_have(&nodes, &LIMIT, Some(1));
    nodes[1].handle.cluster().set_from_authority(&LIMIT, Some(&100), at(41)).unwrap();
    all_have(&nodes, &LIMIT, Some(100));
    let error = nodes[4].handle.cluster().set(&LIMIT, &2);
    assert_eq!(error, Err(PublishError::Value(ValueError::Outranked)));
    let error = nodes[2].handle.cluster().set_from_authority(&LIMIT, Some(&7), at(40));
    assert_eq!(error, Err(PublishError::Value(ValueError::Outdated)));
    nodes[2].handle.cluster().set_from_authority(&LIMIT, Some(&200), at(42)).unwrap();
    all_have(&nodes, &LIMIT, Some(200));
    assert_eq!(nodes[0].handle.cluster().get(&LIMIT).unwrap().unwrap().authority, Some(at(42)));
}

/// The next change that a watch tells.
fn next<T: Debug>(watch: &mut ClusterWatch<T>) -> ClusterChange<T> {
    block_on(watch.next()).unwrap().unwrap()
}

/// The next change, which is to a value.
fn next_value<T: Debug>(watch: &mut ClusterWatch<T>) -> T {
    match next(watch) {
        ClusterChange::Set(found) => found.value,
        other => panic!("{other:?}"),
    }
}

pub fn a_watch_of_the_cluster_tells_what_is_there_and_what_changes<A: Adapter>() {
    let nodes = formed::<A>("values watched");
    let writer = nodes[1].handle.cluster();
    writer.set(&LIMIT, &1).unwrap();
    all_have(&nodes, &LIMIT, Some(1));
    let mut watch = nodes[0].handle.cluster().watch(&LIMIT);
    assert_eq!(next_value(&mut watch), 1, "what is there");
    // Another key, and a value that is what it was, are no change.
    writer.set(&MODE, &"dark".into()).unwrap();
    writer.set(&LIMIT, &1).unwrap();
    all_have(&nodes, &MODE, Some("dark".into()));
    writer.set(&LIMIT, &2).unwrap();
    assert_eq!(next_value(&mut watch), 2);
    nodes[0].handle.cluster().set(&LIMIT, &3).unwrap();
    assert_eq!(next_value(&mut watch), 3, "its own");
    all_have(&nodes, &LIMIT, Some(3));
    writer.delete(&LIMIT).unwrap();
    assert_eq!(next(&mut watch), ClusterChange::Gone);
    writer.set(&MODE.named(LIMIT.name()), &"three".into()).unwrap();
    let error = block_on(watch.next()).unwrap().unwrap_err();
    let id = nodes[1].handle.id();
    assert!(matches!(error, WatchError::Decode { member, .. } if member == id), "{error}");
    drop(nodes);
    assert!(block_on(watch.next()).is_none(), "the node is gone");
}

pub fn a_slow_watch_of_the_cluster_is_told_so_and_sees_the_latest<A: Adapter>() {
    const LAST: u32 = 6;
    let first = start::<A>(options("values lag", "first"));
    let seeds = vec![first.handle.local_addr().into()];
    let second =
        start::<A>(options("values lag", "second").with(|o| (o.seeds, o.event_capacity) = (seeds, 2)));
    until(&second.handle, |members| members.len() == 1);
    let mut watch = second.handle.cluster().watch(&LIMIT);
    for limit in 1..=LAST {
        first.handle.cluster().set(&LIMIT, &limit).unwrap();
        all_have(std::slice::from_ref(&second), &LIMIT, Some(limit));
    }
    // It looks at once, and then reads what it missed.
    assert_eq!(next_value(&mut watch), LAST);
    let missed = block_on(watch.next()).unwrap().unwrap_err();
    assert!(matches!(missed, WatchError::Lagged(lagged) if lagged.0 > 0), "{missed}");
    first.handle.cluster().set(&LIMIT, &0).unwrap();
    assert_eq!(next_value(&mut watch), 0);
}

pub fn of_values_set_apart_one_wins_and_the_conflict_is_told<A: Adapter>() {
    let pair = ["one", "other"].map(|name| start::<A>(options("values apart", name)));
    for (node, mode) in pair.iter().zip(["dark", "light"]) {
        node.handle.cluster().set(&MODE, &mode.into()).unwrap();
    }
    let mut watches = pair.each_ref().map(|node| node.handle.cluster().watch(&MODE));
    let own = watches.each_mut().map(next_value);
    pair[1].handle.join([pair[0].handle.local_addr().into()]);
    let [mode, _] = eventually("one value", || {
        let modes = pair.each_ref().map(|node| value_of(&node.handle, &MODE).unwrap());
        (modes[0] == modes[1]).then_some(modes)
    });
    let lost = usize::from(own[0] == mode);
    let loser = pair[lost].handle.id();
    assert_eq!(next(&mut watches[lost]), ClusterChange::Conflict { loser });
    assert_eq!(next_value(&mut watches[lost]), mode);
}
