//! Joining where answers are lost or late, seeds are named oddly, or no one has a view.

use crate::support::{self, Link, Network, across_seeds, formed, lan, millis, network, secs, seeds};
use gossip_core::{Event, Heap};
use std::net::{IpAddr, SocketAddr};

fn add(network: &mut Network<Heap>, numbers: impl Iterator<Item = usize>) {
    numbers.for_each(|n| {
        network.add(&format!("node-{n}"));
    });
}

/// A founder that was given no seeds, and joiners that list it and each other.
fn founder_and_joiners(seed: u64, joiners: usize, first: bool) -> Network<Heap> {
    let mut network = network(seed, lan(), ());
    add(&mut network, 0..=joiners);
    network.run_for(secs(1));
    for joiner in 1..=joiners {
        let others = (1..=joiners).filter(|&other| other != joiner);
        let list: Vec<usize> =
            if first { [0].into_iter().chain(others).collect() } else { others.chain([0]).collect() };
        network.join(joiner, &list);
    }
    network
}

#[test]
fn a_founders_lost_answer_leaves_no_cluster_apart() {
    across_seeds(seeds().take(8), |seed| {
        for (joiners, first) in [(2, true), (3, true), (3, false), (5, true)] {
            for lost_ms in [5, 100, 600, 1_200, 2_200] {
                let mut network = founder_and_joiners(seed, joiners, first);
                let founder = network.hosts[0].address;
                network.set_cut(move |from, _| from == founder);
                network.run_for(millis(lost_ms));
                network.set_cut(|_, _| false);
                let took = network.wait(secs(120), Network::is_formed);
                let case = format!("seed {seed}, {joiners} joiners, {first}, deaf for {lost_ms} ms");
                assert!(took.is_some_and(|took| took <= secs(4)), "{case}: one cluster after {took:?}");
            }
        }
    });
}

#[test]
fn a_founder_that_answers_second_is_joined_as_well() {
    across_seeds(seeds(), |seed| {
        let mut network = network(seed, lan(), ());
        add(&mut network, 0..=2);
        network.set_link(Link { jitter: millis(4), ..Link::LAN });
        network.run_for(secs(1));
        network.join(1, &[0, 2]);
        network.join(2, &[0, 1]);
        let took = network.wait(secs(60), Network::is_formed);
        assert!(took.is_some_and(|took| took <= secs(3)), "seed {seed}: one cluster after {took:?}");
    });
}

#[test]
fn nodes_without_a_view_do_not_wait_for_each_other() {
    across_seeds(seeds(), |seed| {
        for others in [2, 3, 6] {
            let mut network = formed(seed, others + 1, lan(), ());
            network.run_for(secs(30));
            // All but the first lose their epochs and restart; the first leaves meanwhile.
            for host in 1..=others {
                let (address, epoch) = (network.hosts[host].address, network.hosts[host].epoch);
                network.restart_in(host, address, epoch);
            }
            network.leave(0);
            let all: Vec<usize> = (0..=others).collect();
            (1..=others).for_each(|host| network.join(host, &all));
            let joined = |network: &Network<Heap>| {
                network.hosts[1..].iter().all(|host| host.has_told(Event::Joined) && host.node.is_joined())
            };
            let before: Vec<usize> = network.hosts.iter().map(|host| host.events.len()).collect();
            let again = |network: &Network<Heap>| {
                let told = |(host, &from): (&support::Host<Heap>, &usize)| {
                    host.events[from..].iter().any(|&(_, event)| event == Event::Joined)
                };
                joined(network) && network.hosts.iter().zip(&before).skip(1).all(told)
            };
            let took = network.wait(secs(60), again);
            assert!(took.is_some_and(|took| took <= secs(8)), "seed {seed}, {others}: joined after {took:?}");
        }
    });
}

#[test]
fn a_seed_written_as_a_mapped_address_is_joined() {
    let mut network = network(1, lan(), ());
    add(&mut network, 0..2);
    let at = network.hosts[0].address;
    let IpAddr::V4(ip) = at.ip() else { panic!("{at}") };
    let mapped = SocketAddr::new(ip.to_ipv6_mapped().into(), at.port());
    network.command(1, |node, now, out| node.join(now, &[mapped], out));
    assert!(network.wait(secs(5), Network::is_formed).is_some(), "{}", network.opinions(0));
    assert_eq!(network.hosts[1].node.metrics().dropped_seeds, 0);
}

#[test]
fn datagrams_from_a_mapped_address_come_from_the_member_itself() {
    let sent = |mapped: bool| {
        let mut network = formed(1, 2, lan(), ());
        network.run_for(secs(5));
        let (id, at) = (network.hosts[0].id, network.hosts[0].address);
        let IpAddr::V4(ip) = at.ip() else { panic!("{at}") };
        let from = if mapped { SocketAddr::new(ip.to_ipv6_mapped().into(), at.port()) } else { at };
        let ping = support::forge::ping(8, network.hosts[1].id);
        let said = support::forge::datagram(&support::forge::head(network.config), id, &[ping]);
        let before = network.hosts[1].sent.bytes();
        network.inject(1, from, &said);
        network.hosts[1].sent.bytes() - before
    };
    assert_eq!(sent(true), sent(false), "an address that is not the member's own draws a challenge");
}

#[test]
fn a_seed_that_left_and_is_back_is_found() {
    across_seeds(seeds().take(4), |seed| {
        for (same_name, stale) in [(true, false), (true, true), (false, true)] {
            let mut network = network(seed, lan(), ());
            add(&mut network, 0..=5);
            let home = network.hosts[0].address;
            let nobody: SocketAddr = ([10, 9, 9, 9], 7_946).into();
            let list = if stale { vec![home, nobody] } else { vec![home] };
            for host in 1..=5 {
                network.command(host, |node, now, out| node.join(now, &list, out));
            }
            assert!(network.wait(secs(60), Network::is_formed).is_some(), "seed {seed}: not formed");
            network.run_for(secs(60));
            network.leave(0);
            network.run_for(secs(10));
            network.crash(0);
            network.run_for(secs(5));
            // It is the seed: it has none of its own.
            let host = if same_name { 0 } else { network.add("other") };
            network.restart(host, home);
            let took = network.wait(secs(900), Network::is_formed);
            let case = format!("seed {seed}, same name {same_name}, stale seeds {stale}");
            assert!(took.is_some_and(|took| took <= secs(120)), "{case}: found after {took:?}");
        }
    });
}

#[test]
fn a_seed_that_is_down_is_asked_seldom_by_all_together() {
    let nodes = 100;
    let mut network: Network<Heap> = Network::new(1, lan(), || Heap::for_members(128), ());
    network.add_restored(nodes);
    let nobody: SocketAddr = ([10, 9, 9, 9], 7_946).into();
    let list = [network.hosts[0].address, nobody];
    for host in 1..nodes {
        network.command(host, |node, now, out| node.join(now, &list, out));
    }
    network.run_for(secs(120));
    let asked = std::rc::Rc::new(std::cell::Cell::new(0u32));
    let counter = asked.clone();
    network.set_cut(move |_, to| {
        counter.set(counter.get() + u32::from(to == nobody));
        false
    });
    network.run_for(secs(600));
    assert!((60..600).contains(&asked.get()), "{} times in ten minutes", asked.get());
}

#[test]
fn nodes_that_start_at_once_on_slow_links_all_join() {
    // The exchange of a join takes two round trips, and a round of asking a quarter of a second.
    for (seed, ms) in [(1, 100), (2, 300), (3, 300), (4, 600)] {
        let mut network = Network::new(seed, lan(), || Heap::for_members(256), ());
        network.set_link(Link { latency: millis(ms), ..Link::PERFECT });
        for n in 0..150 {
            network.add(&format!("node-{n}"));
        }
        (1..150).for_each(|n| network.join(n, &[0]));
        let all_joined = |network: &Network<Heap>| network.hosts.iter().all(|host| host.node.is_joined());
        let formed = network.wait(secs(30), Network::is_formed);
        let joined = network.wait(secs(5), all_joined);
        assert!(formed.is_some() && joined.is_some(), "seed {seed}, {ms} ms: {formed:?}, {joined:?}");
    }
}
