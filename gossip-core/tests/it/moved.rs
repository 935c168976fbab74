//! Nodes whose datagrams come from another address than they advertise: they learn it from others, so do their hosts, and
//! a host can change the address while its node runs.

use crate::support::{
    self, Network, Recorder, across_seeds,
    forge::{datagram, head, join, non_member, observed, ping, records},
    formed, lan, network, secs, seeds,
};
use gossip_core::{ConfigError, Event, Heap, Incarnation, Record, Sighting, Status};
use std::net::SocketAddr;

const MOVED: usize = 2;

/// Moves a host, which does not notice; returns where it was and where it is.
fn moved<W: support::Watch<Heap>>(network: &mut Network<Heap, W>, host: usize) -> (SocketAddr, SocketAddr) {
    let (before, after) = (network.hosts[host].address, network.fresh_address());
    network.move_to(host, after);
    (before, after)
}

/// Where a host was told that its node is.
fn told<W>(network: &Network<Heap, W>, host: usize) -> Vec<SocketAddr> {
    let of_address = |&(_, event): &(_, Event)| match event {
        Event::ObservedAddress { observed } => Some(observed.into()),
        _ => None,
    };
    network.hosts[host].events.iter().filter_map(of_address).collect()
}

fn all_route_to<W: support::Watch<Heap>>(
    network: &Network<Heap, W>,
    host: usize,
    address: SocketAddr,
) -> bool {
    let id = network.hosts[host].id;
    let routes = |other: &support::Host<Heap>| {
        other.node.member(id).is_some_and(|member| member.is_routable() && member.address() == address)
    };
    network.running().filter(|other| other.id != id).all(routes)
}

#[test]
fn who_has_moved_learns_where_from_others_and_is_routed_to_once_it_says() {
    across_seeds(seeds(), |seed| {
        for n in [2, 3, 8] {
            let mut network = formed(seed, n, lan(), ());
            network.run_for(secs(5));
            let host = MOVED.min(n - 1);
            let (before, after) = moved(&mut network, host);
            let took = network.wait(secs(15), |n| !told(n, host).is_empty());
            assert!(took.is_some(), "seed {seed}, {n} nodes: nobody tells it");
            assert_eq!(told(&network, host), [after], "seed {seed}, {n} nodes");
            let id = network.hosts[host].id;
            let seen = Event::MemberObserved(Sighting::new(id, after));
            let observers = network.hosts.iter().filter(|host| host.has_told(seen)).count();
            assert!(observers >= 2.min(n - 1), "seed {seed}, {n} nodes: {observers} hosts know");
            assert_eq!(network.hosts[host].node.me().address(), before, "nothing changes by itself");

            network.command(host, |node, now, out| node.set_address(now, after, out).expect("an address"));
            let took = network.wait(secs(5), |n| all_route_to(n, host, after) && n.is_formed());
            assert!(took.is_some(), "seed {seed}, {n} nodes: {}", network.opinions(host));
            network.run_for(secs(60));
            assert!(
                all_route_to(&network, host, after),
                "seed {seed}, {n} nodes: {}",
                network.opinions(host)
            );
            assert_eq!(told(&network, host).len(), 1, "seed {seed}, {n} nodes: told again");
            let repeated =
                |host: &support::Host<Heap>| host.events.iter().filter(|told| told.1 == seen).count() > 1;
            assert!(!network.hosts.iter().any(repeated), "seed {seed}, {n} nodes: a host is told twice");
        }
    });
}

#[test]
fn who_was_buried_after_it_moved_lives_again_once_it_says_where_it_is() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 6, lan(), ());
        network.run_for(secs(5));
        let (_, after) = moved(&mut network, MOVED);
        assert!(network.wait(secs(60), |n| n.all_say(MOVED, Status::Dead)).is_some(), "seed {seed}");
        network.run_for(secs(60));
        assert_eq!(told(&network, MOVED), [after], "seed {seed}");
        network.command(MOVED, |node, now, out| node.set_address(now, after, out).expect("an address"));
        let took = network.wait(secs(5), |n| all_route_to(n, MOVED, after) && n.is_formed());
        assert!(took.is_some(), "seed {seed}: {}", network.opinions(MOVED));
    });
}

#[test]
fn a_joiner_with_a_wrong_address_learns_the_right_one_from_a_seed() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 3, lan(), ());
        let host = network.add("mistaken");
        let (_, right) = moved(&mut network, host);
        network.join(host, &[0, 1]);
        let took = network.wait(secs(10), |n| !told(n, host).is_empty());
        assert!(took.is_some(), "seed {seed}: nobody tells it");
        assert_eq!(told(&network, host), [right], "seed {seed}");
        assert!(!network.hosts[host].node.is_joined(), "seed {seed}");
        network.command(host, |node, now, out| node.set_address(now, right, out).expect("an address"));
        let took = network.wait(secs(10), Network::is_formed);
        assert!(took.is_some() && network.hosts[host].node.is_joined(), "seed {seed}");
    });
}

#[test]
fn who_sends_from_one_address_and_is_reached_at_another_still_joins() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 3, lan(), ());
        let host = network.add("two-homed");
        let other = network.fresh_address();
        network.send_from(host, other);
        network.join(host, &[0, 1]);
        let took = network.wait(secs(15), Network::is_formed);
        assert!(took.is_some(), "seed {seed}");
        assert!(told(&network, host).len() <= 1, "seed {seed}");
    });
}

#[test]
fn one_member_alone_makes_no_host_believe_that_its_node_has_moved() {
    let mut network = formed(1, 4, lan(), ());
    network.run_for(secs(5));
    let me = network.hosts[0].node.me();
    let seen = |n: u8| SocketAddr::from(([192, 0, 2, n], 7_946));
    let say = |network: &mut Network<Heap, ()>, by: usize, seen| {
        let (address, id) = (network.hosts[by].address, network.hosts[by].id);
        let forged = datagram(&head(lan()), id, &[observed(0, seen)]);
        network.inject(0, address, &forged);
    };
    for n in 0..100 {
        say(&mut network, 1, seen(n));
        say(&mut network, 1, seen(n));
        say(&mut network, 2, me.address());
    }
    assert_eq!(told(&network, 0), []);
    // From elsewhere it is no one's word.
    let forged = datagram(&head(lan()), network.hosts[2].id, &[observed(0, seen(99))]);
    network.inject(0, seen(1), &forged);
    assert_eq!(told(&network, 0), []);
    // Two that agree are believed as far as the host is told, and not often.
    for n in 0..100 {
        for by in [1, 2] {
            say(&mut network, by, seen(n));
        }
    }
    assert_eq!(told(&network, 0).len(), 1);
    assert_eq!(network.hosts[0].node.me(), me, "nothing changes by itself");
    network.run_for(secs(60));
    assert!(network.is_formed());
}

#[test]
fn observed_addresses_go_there_only_and_are_shorter_than_the_question() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 3, lan(), Recorder::default());
        network.run_for(secs(5));
        let (victim, own): (SocketAddr, SocketAddr) =
            (([192, 0, 2, 1], 53).into(), ([192, 0, 2, 2], 7_946).into());
        let member = network.hosts[1].node.me();
        let target = network.hosts[0].id;
        for (me, claimed) in [(member, member.address()), (non_member(7).with_address(victim), victim)] {
            for nonce in [0, 9] {
                for token in [0, 77] {
                    let forged = datagram(&head(lan()), me.id(), &[join(nonce, token, &me)]);
                    network.watch.0.clear();
                    network.inject(0, own, &forged);
                    for to in [own, claimed] {
                        let drawn: usize =
                            network.watch.0.iter().filter(|d| d.to == to).map(|d| d.bytes.len()).sum();
                        assert!(
                            drawn <= forged.len(),
                            "seed {seed}: {} bytes drew {drawn} to {to}",
                            forged.len()
                        );
                    }
                    let all: usize = network.watch.0.iter().map(|d| d.bytes.len()).sum();
                    assert!(all <= forged.len(), "seed {seed}: {} bytes drew {all}", forged.len());
                }
            }
            // With the token that it got at its own address it is told of that, and the address that it claims gets no more
            // than before.
            let asks = datagram(&head(lan()), me.id(), &[ping(8, target)]);
            network.watch.0.clear();
            network.inject(0, own, &asks);
            let challenge = network.watch.0.iter().find(|d| d.to == own).expect("a challenge").bytes.clone();
            let token = u64::from_be_bytes(challenge[29..37].try_into().expect("eight bytes"));
            let proven = datagram(&head(lan()), me.id(), &[join(0, token, &me)]);
            network.watch.0.clear();
            network.inject(0, own, &proven);
            let answer = network.watch.0.iter().find(|d| d.to == own).expect("an answer");
            assert_eq!(answer.bytes[22..], datagram(&head(lan()), target, &[observed(0, own)])[22..]);
            assert!(answer.bytes.len() < proven.len());
            let drawn: usize = network.watch.0.iter().filter(|d| d.to != own).map(|d| d.bytes.len()).sum();
            assert!(drawn <= proven.len(), "seed {seed}");
        }
    });
}

#[test]
fn hosts_are_told_of_members_elsewhere_at_a_bounded_rate() {
    let mut network = formed(1, 3, lan(), Recorder::default());
    network.run_for(secs(5));
    let (me, target) = (network.hosts[1].node.me(), network.hosts[0].id);
    let start = network.hosts[0].events.len();
    for n in 0..1_000u32 {
        let own: SocketAddr = ([192, 0, (n >> 8) as u8, n as u8], 7_946).into();
        network.watch.0.clear();
        network.inject(0, own, &datagram(&head(lan()), me.id(), &[ping(8, target)]));
        let Some(challenge) = network.watch.0.iter().find(|d| d.to == own && d.bytes.len() == 37) else {
            continue;
        };
        let token = u64::from_be_bytes(challenge.bytes[29..37].try_into().expect("eight bytes"));
        network.inject(0, own, &datagram(&head(lan()), me.id(), &[join(0, token, &me)]));
        network.run_for(std::time::Duration::from_millis(5));
    }
    let seen = |&(_, event): &(_, Event)| matches!(event, Event::MemberObserved(_));
    let events = network.hosts[0].events.iter().skip(start).filter(|told| seen(told)).count();
    assert!((20..=51).contains(&events), "{events} events in 5 s");
    network.run_for(secs(30));
    assert!(network.is_formed());
}

#[test]
fn an_address_at_which_nobody_can_be_is_not_taken_over() {
    let mut network = network(1, lan(), ());
    network.add("node");
    let me = network.hosts[0].node.me();
    let mut buffer = gossip_core::Buffer::<16, 64, 19_200>::new();
    let now = network.now();
    for nowhere in ["0.0.0.0:7946", "10.0.0.1:0", "224.0.0.1:7946", "[::]:7946", "255.255.255.255:1"] {
        let refused = network.hosts[0]
            .node
            .set_address(now, nowhere.parse().expect("an address"), &mut buffer.outbox())
            .err();
        assert_eq!(refused, Some(ConfigError::Address), "{nowhere}");
    }
    assert_eq!(network.hosts[0].node.me(), me);
}

#[test]
fn a_new_address_at_the_highest_refutation_is_said_in_a_new_life() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 3, lan(), ());
        network.run_for(secs(2));
        let me: Record = network.hosts[MOVED].node.me();
        let last = Incarnation { refutation: Incarnation::MAX_COUNT - 1, ..me.incarnation() };
        let news = records(&[me.with_incarnation(last)], 0);
        let forged = datagram(&head(lan()), network.hosts[0].id, &[news]);
        let from = network.hosts[0].address;
        network.inject(MOVED, from, &forged);
        assert_eq!(network.hosts[MOVED].node.me().incarnation().refutation, Incarnation::MAX_COUNT);
        let (_, after) = moved(&mut network, MOVED);
        network.command(MOVED, |node, now, out| node.set_address(now, after, out).expect("an address"));
        let said = network.hosts[MOVED].node.me();
        assert_eq!(
            (said.address(), said.incarnation().epoch),
            (after, me.incarnation().epoch + 1),
            "seed {seed}"
        );
        let took = network.wait(secs(5), |n| all_route_to(n, MOVED, after));
        assert!(took.is_some(), "seed {seed}: {}", network.opinions(MOVED));
    });
}
