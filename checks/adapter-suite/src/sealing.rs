//! Nodes that seal what they say, and keys that change while they do.

#![allow(missing_docs, reason = "the name of a promise says all of it")]

use crate::{
    Adapter, Running, block_on,
    cluster::{seen_by_all, until},
    eventually, options, start,
};
use gossip_core::{Event, Key, KeyError, KeyId, KeyRing, Sealing, Status};
use gossip_host::{Events, Handle, Options, SetKeysError};
use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

const NODES: usize = 4;

fn key(n: u8) -> Key {
    Key::from_bytes(std::array::from_fn(|i| n ^ (i as u8).wrapping_mul(7))).unwrap()
}

fn ring(keys: &[u8]) -> KeyRing {
    KeyRing::new(&keys.iter().map(|&n| key(n)).collect::<Vec<_>>()).unwrap()
}

fn id(n: u8) -> KeyId {
    key(n).id()
}

fn sealed(test: &str, name: &str, keys: &[u8], seed: Option<&Running>) -> Options {
    options(test, name).with(|o| {
        o.keys = Some(Arc::new(ring(keys)));
        o.seeds = seed.map(|node| node.handle.local_addr().into()).into_iter().collect();
    })
}

/// Nodes that all know each other, and hear nothing in the clear.
fn formed<A: Adapter>(test: &str, keys: &[u8]) -> Vec<Running> {
    let mut nodes: Vec<Running> = Vec::new();
    for i in 0..NODES {
        nodes.push(start::<A>(sealed(test, &format!("node-{i}"), keys, nodes.first())));
    }
    all_meet(&nodes);
    nodes
}

fn all_meet(nodes: &[Running]) {
    for node in nodes {
        until(&node.handle, |members| {
            members.iter().filter(|member| member.status() == Status::Alive).count() == nodes.len() - 1
        });
    }
}

/// Under how many live members a key was last heard.
fn members_under(handle: &Handle, n: u8) -> Option<u32> {
    handle.keys().keys.iter().find(|(key, _)| *key == id(n)).map(|(_, members)| *members)
}

pub fn nodes_of_one_key_form_a_cluster_that_says_nothing_in_the_clear<A: Adapter>() {
    let nodes = formed::<A>("sealed", &[1]);
    for node in &nodes {
        let keys = node.handle.keys();
        assert_eq!(keys.sealing, Sealing::Require);
        eventually("all are heard under the key", || {
            (members_under(&node.handle, 1) == Some(NODES as u32 - 1)).then_some(())
        });
        let seen = node.handle.metrics();
        assert!(seen.received_sealed > 0);
        assert_eq!([seen.received_clear, seen.forged, seen.unknown_keys, seen.not_sealed], [0; 4]);
    }
}

pub fn a_node_without_the_key_does_not_get_in<A: Adapter>() {
    let mut nodes = formed::<A>("outsider", &[1]);
    let seed = |o: &mut Options| o.seeds = vec![nodes[0].handle.local_addr().into()];
    let clear = start::<A>(options("outsider", "clear").with(seed));
    let other = start::<A>(sealed("outsider", "other", &[2], Some(&nodes[0])));
    eventually("both are refused", || {
        let seen = nodes[0].handle.metrics();
        (seen.not_sealed > 0 && seen.unknown_keys > 0).then_some(())
    });
    assert!(nodes.iter().all(|node| node.handle.len() == NODES - 1));
    assert!(!clear.handle.is_joined() && clear.handle.is_empty() && other.handle.is_empty());
    // With the key it is a member, without a restart.
    clear.handle.set_keys(ring(&[1]), Sealing::Require, false).unwrap();
    nodes.push(clear);
    all_meet(&nodes);
}

pub fn a_clear_cluster_is_sealed_node_by_node_and_nobody_is_lost<A: Adapter>() {
    let mut nodes: Vec<Running> = Vec::new();
    for i in 0..NODES {
        let seeds = nodes.first().map(|first| first.handle.local_addr().into());
        let options = options("seal", &format!("node-{i}"));
        nodes.push(start::<A>(options.with(|o| o.seeds = seeds.into_iter().collect())));
    }
    all_meet(&nodes);
    let mut events: Vec<_> = nodes.iter().map(|node| node.handle.events()).collect();
    for sealing in [Sealing::Accept, Sealing::Prefer, Sealing::Require] {
        for node in &nodes {
            // Refused until all are known to have taken the step before.
            eventually("the mode can change", || node.handle.set_keys(ring(&[1]), sealing, false).ok());
        }
    }
    let newest = start::<A>(sealed("seal", "newest", &[1], nodes.first()));
    nodes.push(newest);
    all_meet(&nodes);
    assert!(events.iter_mut().all(nobody_died), "all stayed");
}

fn nobody_died(events: &mut Events) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    let told = std::iter::from_fn(|| match events.poll_next(&mut cx) {
        Poll::Ready(next) => next,
        Poll::Pending => None,
    });
    told.into_iter().all(|notice| !matches!(notice.unwrap().event, Event::Down(_)))
}

pub fn a_key_is_rotated_while_members_come_and_go<A: Adapter>() {
    let mut nodes = formed::<A>("rotate", &[1]);
    let mut events: Vec<_> = nodes.iter().map(|node| node.handle.events()).collect();
    for (step, keys) in [&[1, 2][..], &[2, 1], &[2]].into_iter().enumerate() {
        for node in &nodes {
            eventually("the old key can go", || {
                node.handle.set_keys(ring(keys), Sealing::Require, false).ok()
            });
        }
        // Whoever comes has the file of now.
        nodes.push(start::<A>(sealed("rotate", &format!("new-{step}"), keys, nodes.first())));
        all_meet(&nodes);
        let leaver = nodes.remove(1 + step);
        let left = leaver.handle.id();
        let _ = block_on(leaver.handle.leave(Duration::from_secs(5)));
        drop(leaver);
        seen_by_all(&nodes, left, |member| member.status() == Status::Left);
    }
    for node in &nodes {
        assert_eq!((members_under(&node.handle, 1), node.handle.metrics().not_sealed), (None, 0));
        eventually("all speak under the new key", || {
            (members_under(&node.handle, 2) == Some(NODES as u32 - 1)).then_some(())
        });
    }
    assert!(events.iter_mut().all(nobody_died), "all stayed");
}

pub fn a_key_in_use_is_not_removed_unless_that_is_forced<A: Adapter>() {
    let nodes = formed::<A>("in-use", &[1]);
    let node = &nodes[0].handle;
    eventually("all are heard under the key", || {
        (members_under(node, 1) == Some(NODES as u32 - 1)).then_some(())
    });
    let before = node.keys();
    let refused = SetKeysError::Key(KeyError::InUse { key: id(1), members: NODES as u32 - 1 });
    assert_eq!(node.set_keys(ring(&[2]), Sealing::Require, false), Err(refused));
    assert_eq!(node.keys(), before);
    // After a leak: all at once, whoever is cut off meanwhile.
    for node in &nodes {
        node.handle.set_keys(ring(&[2]), Sealing::Require, true).unwrap();
    }
    for node in &nodes {
        eventually("all speak under the new key", || {
            (members_under(&node.handle, 2) == Some(NODES as u32 - 1)).then_some(())
        });
    }
}
