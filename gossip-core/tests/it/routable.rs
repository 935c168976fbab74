//! `routable` follows the road: down within a failed probe, back within two probe intervals.

use crate::support::{self, Network, across_seeds, formed, lan, network, secs, seeds};
use gossip_core::{Config, Event, Heap, Locality};
use std::{net::SocketAddr, time::Duration};

/// A formed cluster of three zones of this many nodes each.
fn zones(seed: u64, size: usize) -> Network<Heap> {
    let mut network = network(seed, lan(), ());
    for n in 0..3 * size {
        let locality = Locality { zone: (n % 3) as u8, ..Locality::default() };
        let host = network.add_at(&format!("node-{n}"), locality);
        network.join(host, &[0, 1, 2]);
    }
    assert!(network.wait(secs(60), Network::is_formed).is_some(), "seed {seed}: not formed");
    network.run_for(secs(30));
    network
}

fn in_zone(network: &Network<Heap>, zone: u8) -> Vec<SocketAddr> {
    let hosts = network.hosts.iter().filter(|host| host.locality.zone == zone);
    hosts.map(|host| host.address).collect()
}

/// Of the pairs of nodes that `counts`, how many of a thousand are routable.
fn routable(network: &Network<Heap>, counts: impl Fn(SocketAddr, SocketAddr) -> bool) -> usize {
    let (mut pairs, mut routable) = (0, 0);
    for host in network.running() {
        for member in host.node.members().filter(|member| counts(host.address, member.address())) {
            pairs += 1;
            routable += usize::from(member.is_routable());
        }
    }
    routable * 1_000 / pairs
}

fn two_probe_intervals(config: &Config) -> Duration {
    config.probe_interval * 2
}

#[test]
fn a_zone_is_routable_two_probe_intervals_after_its_road_is_back() {
    for (size, cut_s) in [(7, 30), (7, 300), (20, 30), (20, 120)] {
        across_seeds(seeds().take(5), |seed| {
            let mut network = zones(seed, size);
            let inside = in_zone(&network, 1);
            let across = move |a: SocketAddr, b: SocketAddr| inside.contains(&a) != inside.contains(&b);
            network.set_cut(across.clone());
            network.run_for(secs(cut_s));
            assert!(routable(&network, &across) < 10, "seed {seed}: the cut was not noticed");
            network.set_cut(|_, _| false);
            network.run_for(two_probe_intervals(&lan()));
            let share = routable(&network, &across);
            assert!(share >= 990, "seed {seed}: {share} of 1,000 pairs, zones of {size} cut for {cut_s} s");
        });
    }
}

#[test]
fn routable_follows_a_road_that_comes_and_goes() {
    across_seeds(seeds().take(3), |seed| {
        let mut network = zones(seed, 8);
        let inside = in_zone(&network, 2);
        let across = move |a: SocketAddr, b: SocketAddr| inside.contains(&a) != inside.contains(&b);
        for time in 0..5 {
            network.set_cut(across.clone());
            network.run_for(secs(20));
            let down = routable(&network, &across);
            network.set_cut(|_, _| false);
            network.run_for(two_probe_intervals(&lan()));
            let up = routable(&network, &across);
            network.run_for(secs(18));
            // In one cut of forty, three or four pairs of 256 take a third probe interval.
            assert!(down < 10 && up >= 980, "seed {seed}, time {time}: {down} and {up} of 1,000");
        }
    });
}

#[test]
fn whoever_paused_is_routed_to_as_soon_as_it_is_back() {
    across_seeds(seeds(), |seed| {
        for mute in [false, true] {
            let mut network = formed(seed, 30, lan(), ());
            network.run_for(secs(40));
            let (paused, at) = (network.hosts[7].id, network.hosts[7].address);
            if mute {
                network.set_cut(move |from, _| from == at);
                network.run_for(secs(5));
                network.set_cut(|_, _| false);
            } else {
                network.pause(7, secs(5));
                network.run_for(secs(5));
            }
            let routed = |network: &Network<Heap>| {
                let mut others = network.running().filter(|host| host.id != paused);
                others.all(|host| host.node.member(paused).is_some_and(|member| member.is_routable()))
            };
            let took = network.wait(secs(10), routed);
            assert!(took.is_some_and(|took| took <= secs(5)), "seed {seed}, mute {mute}: after {took:?}");
        }
    });
}

#[test]
fn a_member_that_is_gone_is_rechecked_by_nobody() {
    across_seeds(seeds(), |seed| {
        let mut network = zones(seed, 8);
        network.crash(5);
        network.run_for(secs(60));
        network.hosts.iter_mut().for_each(|host| host.events.clear());
        let before: u64 = network.running().map(|host| host.node.metrics().probes).sum();
        network.run_for(secs(60));
        let probes: u64 = network.running().map(|host| host.node.metrics().probes).sum::<u64>() - before;
        let routine = 60 * network.running().count() as u64;
        assert!(probes <= routine * 12 / 10, "seed {seed}: {probes} probes, {routine} of them routine");
        let told = |host: &support::Host<Heap>| {
            host.events.iter().any(|(_, event)| matches!(event, Event::Unreachable(_) | Event::Reachable(_)))
        };
        assert!(!network.running().any(told), "seed {seed}: reachability changed without a reason");
    });
}
