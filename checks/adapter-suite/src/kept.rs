//! What nodes publish of themselves.

#![allow(missing_docs, reason = "the name of a promise says all of it")]

use crate::{
    Adapter, Running, block_on,
    cluster::{formed, until},
    eventually, options, start,
};
use gossip_core::{NodeId, StateError};
use gossip_host::{Bytes, Handle, Key, KeyWatch, PublishError, WatchError};
use std::{fmt::Debug, time::Duration};

const PORT: Key<u16> = Key::new("port");
const ROLE: Key<String> = Key::new("role");
const BLOB: Key<Bytes> = Key::raw("blob");

/// Waits until every node, the member itself included, has this value of it.
fn all_have<A>(nodes: &[Running], id: NodeId, key: &Key<A>, value: Option<A>)
where
    A: PartialEq + Debug,
{
    for Running { handle, .. } in nodes {
        eventually(&format!("{value:?} as {} of {id}", key.name()), || {
            let found = handle.get(id, key).unwrap().map(|found| found.value);
            (found == value).then_some(())
        });
    }
}

pub fn what_a_node_publishes_all_others_read_until_it_is_withdrawn<A: Adapter>() {
    let nodes = formed::<A>("publish");
    let [db, web] = [&nodes[1].handle, &nodes[3].handle];
    let published = |handle: &Handle, port, role: &str| {
        handle.publish(&PORT, &port).unwrap();
        handle.publish(&ROLE, &role.to_owned()).unwrap();
    };
    published(db, 5_432, "db");
    published(web, 8_080, "web");
    web.publish(&BLOB, &Bytes::from_static(&[0xFF; 500])).unwrap();
    for (node, port, role) in [(db, 5_432, "db"), (web, 8_080, "web")] {
        all_have(&nodes, node.id(), &PORT, Some(port));
        all_have(&nodes, node.id(), &ROLE, Some(role.to_owned()));
    }
    all_have(&nodes, web.id(), &BLOB, Some(Bytes::from_static(&[0xFF; 500])));

    db.publish(&PORT, &5_433).unwrap();
    web.withdraw(&PORT).unwrap();
    all_have(&nodes, db.id(), &PORT, Some(5_433));
    all_have(&nodes, web.id(), &PORT, None);
    all_have(&nodes, web.id(), &ROLE, Some("web".to_owned()));

    let error = db.publish(&BLOB, &Bytes::from(vec![0; 2_000]));
    assert!(matches!(error, Err(PublishError::State(StateError::TooLarge { .. }))), "{error:?}");
    assert!(nodes[0].handle.get(db.id(), &Key::<u64>::with_schema("port", 1)).is_err(), "another schema");
    assert_eq!(nodes[0].handle.host_metrics().values_undecoded, 1);
}

pub fn a_restart_hides_the_keys_of_the_node_before_it<A: Adapter>() {
    const TEST: &str = "begin anew";
    let mut nodes = formed::<A>(TEST);
    let directory = tempfile::tempdir().unwrap();
    let seeds = vec![nodes[0].handle.local_addr().into()];
    // With a file, each start has an epoch of its own, however soon it follows.
    let epoch_file = Some(directory.path().join("epoch"));
    let restarting = options(TEST, "restarting").with(|o| (o.seeds, o.epoch_file) = (seeds, epoch_file));
    let before = start::<A>(restarting.clone());
    let (id, epoch) = (before.handle.id(), before.handle.me().incarnation().epoch);
    before.handle.publish(&PORT, &5_432).unwrap();
    before.handle.publish(&ROLE, &"db".to_owned()).unwrap();
    all_have(&nodes, id, &PORT, Some(5_432));
    all_have(&nodes, id, &ROLE, Some("db".to_owned()));
    drop(before);

    nodes.push(start::<A>(restarting));
    nodes[5].handle.publish(&ROLE, &"db again".to_owned()).unwrap();
    all_have(&nodes, id, &ROLE, Some("db again".to_owned()));
    for node in &nodes {
        assert_eq!(node.handle.get(id, &PORT), Ok(None), "a port of an earlier epoch");
        assert!(node.handle.get(id, &ROLE).unwrap().unwrap().epoch > epoch);
    }
}

/// The next change that a watch tells.
fn next<T: Debug>(watch: &mut KeyWatch<T>) -> (NodeId, Option<T>) {
    block_on(watch.next()).unwrap().unwrap()
}

pub fn a_watch_of_a_key_tells_what_is_there_and_what_changes<A: Adapter>() {
    let mut nodes = formed::<A>("watch");
    let db = nodes.pop().unwrap();
    let (id, web) = (db.handle.id(), nodes[1].handle.id());
    db.handle.publish(&PORT, &5_432).unwrap();
    all_have(&nodes, id, &PORT, Some(5_432));
    let mut watch = nodes[0].handle.watch_key(&PORT);
    assert_eq!(next(&mut watch), (id, Some(5_432)), "what is there");

    // Another key, and a value that is what it was, are no change.
    db.handle.publish(&ROLE, &"db".to_owned()).unwrap();
    db.handle.publish(&PORT, &5_432).unwrap();
    all_have(&nodes, id, &ROLE, Some("db".to_owned()));
    nodes[1].handle.publish(&PORT, &80).unwrap();
    assert_eq!(next(&mut watch), (web, Some(80)));
    nodes[1].handle.withdraw(&PORT).unwrap();
    assert_eq!(next(&mut watch), (web, None));
    nodes[1].handle.publish(&PORT, &81).unwrap();
    assert_eq!(next(&mut watch), (web, Some(81)));

    // What is not of the type is told as such.
    nodes[1].handle.publish(&ROLE.named("port"), &"eighty-one".to_owned()).unwrap();
    let error = block_on(watch.next()).unwrap().unwrap_err();
    assert!(matches!(error, WatchError::Decode { member, .. } if member == web), "{error}");

    // A time to live ends without anybody doing anything, and so does a life.
    nodes[1].handle.publish_for(&PORT, &82, Duration::from_secs(4)).unwrap();
    assert_eq!(next(&mut watch), (web, Some(82)));
    assert_eq!(next(&mut watch), (web, None));
    drop(db);
    assert_eq!(next(&mut watch), (id, None), "it crashed");
    drop(nodes);
    assert!(block_on(watch.next()).is_none(), "the node is gone");
}

pub fn a_slow_watch_of_a_key_is_told_so_and_sees_the_latest<A: Adapter>() {
    const LAST: u16 = 20;
    let first = start::<A>(options("lag", "first"));
    let seeds = vec![first.handle.local_addr().into()];
    let second = start::<A>(options("lag", "second").with(|o| (o.seeds, o.event_capacity) = (seeds, 2)));
    until(&second.handle, |members| members.len() == 1);
    let mut watch = second.handle.watch_key(&PORT);
    let id = first.handle.id();
    for port in 1..=LAST {
        first.handle.publish(&PORT, &port).unwrap();
        // Of a burst only eight are told one by one.
        if port < 6 || port == LAST {
            all_have(std::slice::from_ref(&second), id, &PORT, Some(port));
        }
    }
    let missed = block_on(watch.next()).unwrap().unwrap_err();
    assert!(matches!(missed, WatchError::Lagged(lagged) if lagged.0 > 0), "{missed}");
    assert_eq!(next(&mut watch), (id, Some(LAST)));
}

pub fn a_member_is_found_by_its_name<A: Adapter>() {
    let nodes = formed::<A>("names");
    for Running { handle, .. } in &nodes {
        until(handle, |members| members.iter().all(|member| member.name.is_some()));
        let mut names: Vec<_> = handle.names().into_iter().map(|(name, _)| name).collect();
        names.sort();
        assert_eq!(names, ["node-0", "node-1", "node-2", "node-3", "node-4"]);
        assert_eq!(handle.find("node-2"), Some(nodes[2].handle.id()));
        assert_eq!(handle.find("node-7"), None);
    }
}
