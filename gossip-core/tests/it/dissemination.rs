//! Whom news reaches when some of its sends are lost, cut off, or go to the dead.

use crate::support::{Host, Link, Network, across_seeds, lan, secs, seeds};
use gossip_core::{Config, Health, Heap, NodeId};
use std::{ops::Range, time::Duration};

/// A formed cluster of restored nodes.
fn restored(seed: u64, nodes: usize, config: Config, link: Link) -> Network<Heap> {
    let mut network = Network::new(seed, config, move || Heap::for_members(nodes + 8), ());
    network.set_link(link);
    network.add_restored(nodes);
    network.run_for(secs(5));
    network
}

/// How long an update of a host takes to reach all others that run.
fn update(network: &mut Network<Heap>, of: usize, health: Health) -> Option<Duration> {
    network.command(of, |node, now, out| node.set_health(now, health, out));
    let id = network.hosts[of].id;
    network.wait(secs(10), |network| {
        let others = network.running().filter(|host| host.id != id);
        others.into_iter().all(|host| host.node.member(id).is_some_and(|member| member.health() == health))
    })
}

/// The hosts in the id-hash order.
fn order(network: &Network<Heap>) -> Vec<usize> {
    let key = siphasher::sip::SipHasher13::new_with_keys(0, 2).hash(b"test");
    let place =
        |id: NodeId| siphasher::sip::SipHasher13::new_with_keys(key, 1).hash(&id.as_u64().to_be_bytes());
    let mut hosts: Vec<usize> = (0..network.hosts.len()).collect();
    hosts.sort_by_key(|&host| place(network.hosts[host].id));
    hosts
}

#[test]
fn an_update_is_known_to_all_before_its_second_round_could_be_over() {
    across_seeds(seeds(), |seed| {
        let mut network = restored(seed, 200, lan(), Link::PERFECT);
        let took = update(&mut network, 7, Health::Degraded);
        assert!(took.is_some_and(|took| took < Duration::from_millis(180)), "seed {seed}: {took:?}");
    });
}

#[test]
fn whose_four_predecessors_have_just_died_hears_from_the_random_half() {
    across_seeds(seeds(), |seed| {
        let mut network = restored(seed, 60, lan(), Link::PERFECT);
        let order = order(&network);
        order[10..14].iter().for_each(|&host| network.crash(host));
        let took = update(&mut network, order[40], Health::Degraded);
        assert!(took.is_some_and(|took| took < secs(2)), "seed {seed}: {took:?}");
    });
}

/// Whoever knows the cluster's name can choose ids between those of others.
#[test]
fn ids_ground_to_be_the_predecessors_of_a_victim_do_not_keep_news_from_it() {
    across_seeds(seeds(), |seed| {
        let mut network = restored(seed, 60, lan(), Link::PERFECT);
        let order = order(&network);
        let (before, victim) = (order[9..13].to_vec(), network.hosts[order[13]].address);
        let silent: Vec<_> = before.iter().map(|&host| network.hosts[host].address).collect();
        network.set_cut(move |from, to| silent.contains(&from) && to == victim);
        let took = update(&mut network, order[40], Health::Degraded);
        assert!(took.is_some_and(|took| took < secs(2)), "seed {seed}: {took:?}");
    });
}

#[test]
fn where_pings_are_repeated_an_update_has_more_sends() {
    let told = |loss| {
        let mut network = restored(3, 100, lan(), Link { loss, ..Link::PERFECT });
        network.run_for(secs(20));
        let sent = |network: &Network<Heap>| {
            let told = |host: &Host<Heap>| host.node.metrics().items_sent + host.node.metrics().heads_sent;
            let hosts = network.hosts.iter().map(told);
            hosts.sum::<u64>() as f64 / 100.0
        };
        let before = sent(&network);
        assert!(update(&mut network, 7, Health::Degraded).is_some());
        network.run_for(Duration::from_millis(700));
        sent(&network) - before
    };
    let (calm, lossy) = (told(0.0), told(0.2));
    assert!((7.5..8.5).contains(&calm), "{calm} sends where nothing is lost");
    assert!(lossy > 10.5, "{lossy} sends at a loss of 20 %");
}

#[test]
fn without_neighbours_there_are_twice_as_many_sends_and_all_hear() {
    across_seeds(seeds().take(5), |seed| {
        let mut config = lan();
        config.mechanisms.neighbours = false;
        let mut network = restored(seed, 200, config, Link::PERFECT);
        let took = update(&mut network, 7, Health::Degraded);
        assert!(took.is_some_and(|took| took < secs(1)), "seed {seed}: {took:?}");
    });
}

/// What is said of those that crashed leaves room for news of the others, though it fills the budget for seconds.
#[test]
fn while_a_third_crash_the_others_hear_of_each_other_as_fast_as_ever() {
    across_seeds(seeds().take(3), |seed| {
        let mut network = restored(seed, 600, lan(), Link::PERFECT);
        let crash = |network: &mut Network<Heap>, hosts: Range<usize>| {
            hosts.for_each(|host| network.crash(host));
        };
        (0..10).for_each(|tenth| {
            crash(&mut network, tenth * 20..(tenth + 1) * 20);
            network.run_for(Duration::from_millis(100));
        });
        for (second, health) in (0..6).zip([Health::Degraded, Health::Healthy].into_iter().cycle()) {
            let took = update(&mut network, 300 + second, health);
            assert!(
                took.is_some_and(|took| took < Duration::from_millis(500)),
                "seed {seed}: {second} s after: {took:?}"
            );
            network.run_for(secs(1));
        }
    });
}
