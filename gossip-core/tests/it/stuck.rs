//! Nothing waits for ever: what a short fault interrupts ends by itself.

use crate::support::{
    self, Link, Network, Recorder, across_seeds, formed, lan, millis, network, secs, seeds,
};
use gossip_core::{Config, Event, Heap, Identity, Locality, Reachability, Record, Status, Versions};

/// A member that exists in tables only.
fn nobody(n: u8) -> Record {
    let identity = Identity {
        id: support::id(&format!("nobody-{n}")),
        epoch: 1_000,
        address: ([10, 9, 0, n], 7_946).into(),
        locality: Locality { region: 0, zone: 1, rack: 0 },
    };
    Record::new(identity, Versions::OURS)
}

#[test]
fn nodes_cut_apart_while_joining_find_that_there_is_no_view_to_be_had() {
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
fn nodes_reconnect_to_the_dead_of_a_restored_view() {
    let mut network: Network<Heap, Recorder> = network(1, lan(), Recorder::default());
    network.set_link(Link::PERFECT);
    let host = network.add("survivor");
    let dead = nobody(1).with_status(Status::Dead);
    network.command(host, |node, now, out| node.restore(now, &[dead], out));
    network.run_for(secs(60));
    assert!(network.hosts[host].node.metrics().reconnects > 0);
    assert!(network.watch.0.iter().any(|datagram| datagram.to == dead.address()));
    assert!(!network.hosts[host].events.iter().any(|(_, event)| matches!(event, Event::Up(_))));
}
#[test]
fn a_hold_ends_with_the_view_that_it_was_about() {
    let config = lan().with(|c| c.tombstone_ttl = secs(60));
    let mut network = network(1, config, ());
    let host = network.add("alone");
    let zone: Vec<Record> = (0..6).map(nobody).collect();
    network.command(host, |node, now, out| node.restore(now, &zone, out));
    network.run_for(secs(40));
    let told = |event| network.hosts[host].events.iter().any(|&(_, told)| told == event);
    assert!(told(Event::ZoneQuarantined(zone[0].locality().domain())) && told(Event::Reset));
    network.command(host, |node, now, out| node.restore(now, &zone, out));
    let members = network.hosts[host].node.members();
    let untried = members.filter(|member| member.reachability() == Reachability::Unknown).count();
    assert!(untried >= 5, "{untried} of 6, and one may have been probed since");
}

/// Alone, a node takes the blame for each silence, and its probes become so slow that a check may take longer than these
/// holds.
#[test]
fn the_last_of_a_zone_buries_the_others_under_a_short_quarantine() {
    for (preset, quarantine) in [(Config::local as fn(_) -> _, 1), (Config::lan, 1), (Config::lan, 3)] {
        across_seeds(seeds(), |seed| {
            let config = preset(lan().cluster).with(|c| c.quarantine = secs(quarantine));
            let mut network = formed(seed, 6, config, ());
            network.run_for(secs(10));
            (1..6).for_each(|host| network.crash(host));
            let alone = |n: &Network<Heap>| n.hosts[0].node.members().all(|m| m.status() == Status::Dead);
            assert!(
                network.wait(secs(120), alone).is_some(),
                "{quarantine} s, seed {seed}: {}",
                network.opinions(5)
            );
        });
    }
}
