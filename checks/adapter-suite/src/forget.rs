//! Members that an operator has forgotten.

#![allow(missing_docs, reason = "the name of a promise says all of it")]

use crate::{
    Adapter, block_on,
    cluster::{formed, seen_by_all, until},
    eventually, options,
    user_events::warm,
};
use gossip_core::{NotForgotten, Status};
use gossip_host::ForgetError;
use std::net::UdpSocket;

pub fn the_dead_are_forgotten_by_all_when_one_is_told_to<A: Adapter>() {
    let mut nodes = formed::<A>("forget");
    let dead = nodes.pop().unwrap().handle.id();
    seen_by_all(&nodes, dead, |member| member.status() == Status::Dead);
    let [one, live] = [&nodes[0].handle, &nodes[1].handle];
    warm(one, &nodes[1..]);
    assert_eq!(block_on(one.forget(live.id())), Err(ForgetError::Node(NotForgotten::Live)));
    assert_eq!(block_on(one.forget(one.id())), Err(ForgetError::Node(NotForgotten::NoMember)));
    assert_eq!(block_on(one.forget(dead)), Ok(()));
    assert_eq!(one.member(dead), None);
    for node in &nodes {
        until(&node.handle, |members| members.iter().all(|member| member.id != dead));
    }
    assert_eq!(block_on(one.forget(dead)), Err(ForgetError::Node(NotForgotten::NoMember)));
    let refused: u64 = nodes.iter().map(|node| node.handle.host_metrics().forgets_refused).sum();
    assert_eq!(refused, 0);
}

pub fn who_answers_is_not_forgotten<A: Adapter>() {
    let mut nodes = formed::<A>("answers");
    let gone = nodes.pop().unwrap();
    let (dead, address) = (gone.handle.id(), gone.handle.local_addr());
    drop(gone);
    seen_by_all(&nodes, dead, |member| member.status() == Status::Dead);
    // It is up again, and knows nobody: only whoever tries to reach it finds it.
    let socket = eventually("its address", || UdpSocket::bind(address).ok());
    let handle = &nodes[0].handle;
    let again = A::run(options("answers", "node-4"), Some(socket)).unwrap();
    assert_eq!(again.handle.id(), dead);
    let refused = block_on(handle.forget(dead));
    // It may have been found by an attempt that was due anyway.
    let live = ForgetError::Node(NotForgotten::Live);
    assert!(matches!(refused, Err(error) if error == ForgetError::Answers || error == live), "{refused:?}");
    assert!(handle.member(dead).is_some_and(|member| member.status().is_live()));
}
