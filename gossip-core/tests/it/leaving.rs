//! Leaving: that it is acknowledged, by how many, and how long it takes.

use crate::support::{Link, Network, across_seeds, form, formed, lan, millis, network, secs, seeds};
use gossip_core::{Event, Heap, Member, Mode, Status};
use std::time::Duration;

#[test]
fn a_leave_says_how_many_have_acknowledged_it() {
    across_seeds(seeds(), |seed| {
        for n in [2, 3, 5, 12] {
            for mode in [Mode::PushPull, Mode::Push, Mode::Pull] {
                let mut network = formed(seed, n, lan().with(|c| c.mode = mode), ());
                network.run_for(secs(2));
                network.leave(1);
                let took = network.wait(secs(5), |n| n.hosts[1].left().is_some());
                assert!(
                    took.is_some_and(|took| took <= millis(500)),
                    "seed {seed}, {n} nodes, {mode:?}: {took:?}"
                );
                assert_eq!(network.hosts[1].left(), Some(3.min(n as u32 - 1)), "seed {seed}, {n} nodes");
                // Those who acknowledged it know, and tell the rest.
                let knows = |n: &Network<_>, by: usize| {
                    n.hosts[by]
                        .node
                        .member(n.hosts[1].id)
                        .is_some_and(|member| member.status() == Status::Left)
                };
                let know = (0..n).filter(|&by| by != 1 && knows(&network, by)).count();
                assert!(know >= 3.min(n - 1), "seed {seed}, {n} nodes: {know} know");
                network.crash(1);
                let all = network.wait(secs(5), |n| n.all_say(1, Status::Left));
                assert!(all.is_some(), "seed {seed}, {n} nodes, {mode:?}: {}", network.opinions(1));
                assert_eq!(network.deaths(), [], "seed {seed}");
            }
        }
    });
}

#[test]
fn a_leave_that_only_the_dead_could_hear_is_acknowledged_by_nobody() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 2, lan(), ());
        network.run_for(secs(2));
        network.crash(1);
        network.leave(0);
        network.run_for(millis(1_500));
        assert_eq!(
            network.hosts[0].left(),
            None,
            "seed {seed}: enough know, after 1.5 s, of a cluster of the dead"
        );
        let done = network.wait(secs(4), |n| n.hosts[0].left().is_some());
        assert!(done.is_some(), "seed {seed}: longer than 5 s");
        assert_eq!(network.hosts[0].left(), Some(0), "seed {seed}");
    });
}

#[test]
fn who_is_alone_leaves_at_once() {
    across_seeds(seeds(), |seed| {
        let mut network = network(seed, lan(), ());
        network.add("alone");
        network.run_for(secs(2));
        network.leave(0);
        network.run_for(millis(1));
        assert_eq!(network.hosts[0].left(), Some(0), "seed {seed}");
    });
}

#[test]
fn a_leave_is_acknowledged_over_links_that_lose_every_third_datagram() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 10, lan(), ());
        network.set_link(Link { loss: 0.33, ..Link::LAN });
        network.leave(4);
        let done = network.wait(secs(5), |n| n.hosts[4].left().is_some());
        assert_eq!((done.is_some(), network.hosts[4].left()), (true, Some(3)), "seed {seed}");
        network.crash(4);
        let all = network.wait(secs(10), |n| n.all_say(4, Status::Left));
        assert!(all.is_some(), "seed {seed}: {}", network.opinions(4));
    });
}

#[test]
fn those_who_leave_together_are_known_to_have_left_by_who_stays() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 12, lan(), ());
        network.run_for(secs(1));
        for host in 4..12 {
            network.leave(host);
        }
        for _ in 0..600 {
            network.run_for(millis(10));
            for host in 4..12 {
                // Its process ends with its leave.
                if network.hosts[host].left().is_some() && network.hosts[host].is_running() {
                    network.crash(host);
                }
            }
        }
        for host in 4..12 {
            assert!(network.hosts[host].left().is_some_and(|by| by >= 1), "seed {seed}");
            assert!(network.all_say(host, Status::Left), "seed {seed}: {}", network.opinions(host));
        }
        assert_eq!(network.deaths(), [], "seed {seed}");
    });
}

/// All leave, one after the other within `spread`; all are done a second later, and none thinks that others are there and
/// have not heard it.
fn all_leave(network: &mut Network<Heap>, spread: Duration, case: &str) {
    let n = network.hosts.len();
    for host in 0..n {
        network.leave(host);
        network.run_for(spread / n as u32);
    }
    let done = network.wait(secs(1), |n| n.hosts.iter().all(|host| host.left().is_some()));
    let is_live = |member: Member<'_>| member.status().is_live();
    for host in &network.hosts {
        let (left, live) = (host.left(), host.node.members().filter(|&member| is_live(member)).count());
        assert!(left.is_some_and(|by| by > 0 || live == 0), "{case}: {} {left:?}, {live} live", host.id);
    }
    assert!(done.is_some(), "{case}");
    assert_eq!(network.deaths(), [], "{case}");
    assert!(!network.hosts.iter().any(|host| host.has_told(Event::DuplicateId)), "{case}");
}

#[test]
fn when_all_leave_within_a_moment_each_is_done_soon_and_heard() {
    let links = [Duration::from_micros(200), millis(5)].map(|latency| Link { latency, ..Link::PERFECT });
    across_seeds(seeds(), |seed| {
        for n in [2, 3, 12, 30] {
            for (link, spread) in links.into_iter().flat_map(|link| [0, 50, 500].map(|ms| (link, millis(ms))))
            {
                let mut network = network(seed, lan(), ());
                network.set_link(link);
                form(&mut network, seed, n);
                network.run_for(secs(1));
                let case = format!("seed {seed}, {n} nodes, {:?}, within {spread:?}", link.latency);
                all_leave(&mut network, spread, &case);
            }
        }
    });
}

#[test]
fn when_more_leave_than_anybody_can_hear_of_each_is_done_soon_and_heard() {
    across_seeds(seeds().take(3), |seed| {
        for spread in [0, 50, 500].map(millis) {
            let mut network = Network::new(seed, lan(), || Heap::for_members(400), ());
            network.add_restored(400);
            network.run_for(secs(1));
            all_leave(&mut network, spread, &format!("seed {seed}, within {spread:?}"));
        }
    });
}

#[test]
fn two_who_leave_together_and_reach_nobody_who_stays_say_so() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 4, lan(), ());
        network.run_for(secs(1));
        let stays: Vec<_> = network.hosts[2..].iter().map(|host| host.address).collect();
        network.set_cut(move |from, to| stays.contains(&from) != stays.contains(&to));
        (0..2).for_each(|host| network.leave(host));
        let done = network.wait(secs(6), |n| n.hosts[..2].iter().all(|host| host.left().is_some()));
        assert!(done.is_some(), "seed {seed}");
        for host in &network.hosts[..2] {
            assert_eq!(host.left(), Some(0), "seed {seed}: those who stay see a crash");
        }
    });
}
