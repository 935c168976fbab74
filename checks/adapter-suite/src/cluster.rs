//! Several nodes, as they see each other.

#![allow(missing_docs, reason = "the name of a promise says all of it")]

use crate::{Adapter, Running, block_on, eventually, options, start};
use gossip_core::{Event, Health, NodeId, Status};
use gossip_host::{Handle, HostMetrics, Left, MemberView};
use std::time::Duration;

const NODES: usize = 5;

/// Nodes that all know each other.
pub(crate) fn formed<A: Adapter>(test: &str) -> Vec<Running> {
    let mut nodes: Vec<Running> = Vec::new();
    for i in 0..NODES {
        let seeds = nodes.first().map(|first| first.handle.local_addr().into());
        let options = options(test, &format!("node-{i}")).with(|o| o.seeds = seeds.into_iter().collect());
        nodes.push(start::<A>(options));
    }
    for node in &nodes {
        until(&node.handle, |members| members.iter().filter(|m| m.status().is_live()).count() == NODES - 1);
    }
    nodes
}

pub(crate) fn until(handle: &Handle, wanted: impl FnMut(&[MemberView]) -> bool) {
    assert!(block_on(handle.watch().until(wanted)).is_some(), "the node stopped");
}

/// Waits until every node sees the member so.
pub(crate) fn seen_by_all(nodes: &[Running], id: NodeId, wanted: impl Fn(&MemberView) -> bool) {
    for node in nodes.iter().filter(|node| node.handle.id() != id) {
        until(&node.handle, |members| members.iter().any(|member| member.id == id && wanted(member)));
    }
}

pub fn nodes_that_share_a_seed_form_one_cluster<A: Adapter>() {
    let nodes = formed::<A>("form");
    eventually("equal fingerprints", || {
        let first = nodes[0].handle.fingerprint();
        nodes.iter().all(|node| node.handle.fingerprint() == first).then_some(())
    });
    assert!(nodes.iter().all(|node| node.handle.is_joined()));
    assert!(
        nodes.iter().all(|node| node.handle.host_metrics() == HostMetrics::default()),
        "nothing was lost"
    );
    for node in &nodes {
        let me = node.handle.me();
        seen_by_all(&nodes, me.id(), |member| member.record == me && member.routable);
        assert_eq!(me.address(), node.handle.local_addr());
    }
}

pub fn a_change_of_health_reaches_everybody<A: Adapter>() {
    let nodes = formed::<A>("health");
    let id = nodes[1].handle.id();
    nodes[1].handle.set_health(Health::Unhealthy);
    seen_by_all(&nodes, id, |member| member.health() == Health::Unhealthy && !member.routable);
    nodes[1].handle.set_health(Health::Degraded);
    seen_by_all(&nodes, id, |member| member.health() == Health::Degraded && member.routable);
    assert_eq!(nodes[1].handle.me().health(), Health::Degraded);
}

pub fn a_crash_is_noticed_by_everybody<A: Adapter>() {
    let mut nodes = formed::<A>("crash");
    let mut events = nodes[0].handle.events();
    let id = nodes.pop().unwrap().handle.id();
    let notice = loop {
        let notice = block_on(events.next()).unwrap().unwrap();
        if notice.event == Event::Down(id) {
            break notice;
        }
    };
    assert_eq!(notice.member.map(|member| (member.id, member.routable)), Some((id, false)));
    seen_by_all(&nodes, id, |member| member.status() == Status::Dead);
    let live = |handle: &Handle| handle.members().iter().filter(|member| member.status().is_live()).count();
    assert!(nodes.iter().all(|node| live(&node.handle) == NODES - 2));
    // The dead one is still known, and not to be sent to.
    for Running { handle, .. } in &nodes {
        let mut seen = vec![];
        handle.for_each_member(|member| seen.push(member.id()));
        assert_eq!((handle.len(), seen.len(), handle.routable().len()), (NODES - 1, NODES - 1, NODES - 2));
        assert!(!handle.is_empty() && seen.contains(&id));
        assert!(handle.routable().iter().all(|member| member.routable && member.id != id));
    }
}

pub fn a_restart_on_another_port_is_a_member_again<A: Adapter>() {
    let mut nodes = formed::<A>("restart");
    let old = nodes.pop().unwrap().handle.me();
    let seeds = vec![nodes[0].handle.local_addr().into()];
    nodes.push(start::<A>(options("restart", &format!("node-{}", NODES - 1)).with(|o| o.seeds = seeds)));
    let address = nodes[NODES - 1].handle.local_addr();
    assert_ne!(address, old.address());
    seen_by_all(&nodes, old.id(), |member| member.status() == Status::Alive && member.address() == address);
    until(&nodes[NODES - 1].handle, |members| {
        members.iter().filter(|member| member.status().is_live()).count() == NODES - 1
    });
}

pub fn a_leave_is_known_to_everybody_as_a_leave<A: Adapter>() {
    let mut nodes = formed::<A>("leave");
    let leaver = nodes.pop().unwrap();
    let outcome = block_on(leaver.handle.leave(Duration::from_secs(30)));
    // Three end it; the acks of one round may be read together.
    assert!(matches!(outcome, Ok(Left { acknowledged: 3.. })), "{outcome:?}");
    seen_by_all(&nodes, leaver.handle.id(), |member| member.status() == Status::Left);
    assert_eq!(block_on(leaver.handle.leave(Duration::ZERO)), outcome, "asked once more");
}

/// Two nodes with these seeds for the second one; it must find the first.
pub(crate) fn joins<A: Adapter>(test: &str, seeds: impl Fn(u16) -> Vec<String>) -> (Running, Running) {
    let first = start::<A>(options(test, "first"));
    let seeds = seeds(first.handle.local_addr().port());
    let seeds = seeds.iter().map(|seed| seed.parse().unwrap()).collect();
    let second = start::<A>(options(test, "second").with(|o| o.seeds = seeds));
    until(&second.handle, |members| members.iter().any(|member| member.id == first.handle.id()));
    (first, second)
}

pub fn a_node_joins_through_a_name<A: Adapter>() {
    let (_first, second) = joins::<A>("name", |port| vec![format!("localhost:{port}")]);
    assert!(second.handle.host_metrics().lookups >= 1);
    assert_eq!(second.handle.unresolved_seeds(), []);
}

pub fn a_name_that_does_not_resolve_is_reported_and_harms_nothing<A: Adapter>() {
    // The last one is read as 0.0.0.0, where no one can be.
    for unknown in ["no-such-host.invalid:7946", "0:7946"] {
        let seeds = |port| vec![unknown.to_owned(), format!("127.0.0.1:{port}")];
        let (_first, second) = joins::<A>("unresolved", seeds);
        let failed = eventually("the failed look-up is reported", || {
            second.handle.unresolved_seeds().pop().filter(|unresolved| unresolved.reason.is_some())
        });
        assert_eq!((failed.seed.as_str(), failed.failures >= 1), (unknown, true));
        assert!(second.handle.host_metrics().lookups_failed >= 1);
    }
}

pub fn a_node_joins_when_it_is_told_to<A: Adapter>() {
    let first = start::<A>(options("told", "first"));
    let second = start::<A>(options("told", "second"));
    assert_eq!(second.handle.members(), []);
    second.handle.join([first.handle.local_addr().into()]);
    until(&second.handle, |members| members.len() == 1);
    until(&first.handle, |members| members.len() == 1);
}

pub fn a_node_on_every_interface_meets_one_of_ipv4<A: Adapter>() {
    let first = start::<A>(options("families", "first"));
    let mut both = options("families", "second");
    both.bind = "[::]:0".parse().unwrap();
    both.advertise = Some(([127, 0, 0, 1], 0).into());
    both.seeds.push(first.handle.local_addr().into());
    // A machine without IPv6 has nothing to show here.
    let Ok(second) = A::run(both, None) else { return };
    for node in [&first, &second] {
        until(&node.handle, |members| members.iter().any(|member| member.routable));
    }
    assert_eq!(second.handle.host_metrics().send_errors, 0);
}
