//! Nothing waits for ever: what a short fault interrupts ends by itself.

#![cfg(feature = "alloc")]

mod support;

use gossip_core::{Event, Heap, Identity, Locality, NodeId, Record, Status, Versions};
use support::{Link, Network, Recorder, lan, millis, network, secs};

#[test]
fn nodes_that_were_cut_apart_while_they_joined_each_other_find_that_there_is_no_view_to_be_had() {
    for n in [2, 3, 5] {
        for start in [0, 5, 200, 700, 1_200] {
            let mut network = network(1, lan(), ());
            for host in 0..n {
                network.add(&format!("node-{host}"));
            }
            for host in 0..n {
                network.join(host, &(0..n).collect::<Vec<_>>());
            }
            network.run_for(millis(start));
            network.set_cut(|_, _| true);
            network.run_for(secs(10));
            network.set_cut(|_, _| false);
            let all = |n: &Network<Heap>| n.is_formed() && n.running().all(|host| host.node.is_joined());
            let took = network.wait(secs(120), all);
            assert!(took.is_some(), "{n} nodes, cut after {start} ms");
        }
    }
}

#[test]
fn the_dead_of_a_restored_view_are_visited() {
    let mut network: Network<Heap, Recorder> = network(1, lan(), Recorder::default());
    network.set_link(Link::PERFECT);
    let host = network.add("survivor");
    let identity = Identity {
        id: NodeId::from_name("lost"),
        epoch: 1_000,
        address: ([10, 9, 0, 1], 7_946).into(),
        locality: Locality::default(),
    };
    let dead = Record::new(identity, Versions::OURS).with_status(Status::Dead);
    network.command(host, |node, now, out| node.restore(now, &[dead], out));
    network.run_for(secs(60));
    assert!(network.hosts[host].node.metrics().visits > 0);
    assert!(network.watch.0.iter().any(|datagram| datagram.to == identity.address));
    assert!(!network.hosts[host].events.iter().any(|(_, event)| matches!(event, Event::Up(_))));
}
