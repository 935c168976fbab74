//! What a cluster promises while nothing but its members changes: joining, dying, coming back, leaving.

use crate::support::{self, Network, across_seeds, cluster, formed, lan, millis, network, secs, seeds};
use gossip_core::{Config, Event, Health, Status};

#[test]
fn nodes_that_share_a_seed_find_each_other() {
    across_seeds(seeds(), |seed| {
        for n in [2, 3, 5, 16, 40] {
            let mut network = network(seed, lan(), ());
            network.add_joined(n);
            let took = network.wait(secs(20), Network::is_formed);
            assert!(took.is_some(), "seed {seed}: {n} nodes are not one cluster after 20 s");
        }
    });
}

#[test]
fn a_joiner_is_told_when_its_view_is_complete() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 12, lan(), ());
        let host = network.add("late");
        network.join(host, &[3]);
        let told = network.wait(secs(10), |n| n.hosts[host].has_told(Event::Joined));
        assert!(told.is_some(), "seed {seed}: no event after 10 s");
        assert!(network.hosts[host].node.is_joined());
        assert_eq!(network.hosts[host].node.members().len(), 12, "seed {seed}");
    });
}

/// How often a host was told that it has joined.
fn times_joined<M>(host: &support::Host<M>) -> usize {
    host.events.iter().filter(|&&(_, event)| event == Event::Joined).count()
}

#[test]
fn a_first_node_is_told_at_once_and_once_that_it_has_joined() {
    across_seeds(seeds(), |seed| {
        let mut network = network(seed, lan(), ());
        let start = network.now();
        // One is never told to join, one is given no seeds, and one is given only itself.
        let hosts = [network.add("silent"), network.add("empty"), network.add("itself")];
        network.join(hosts[1], &[]);
        network.join(hosts[2], &[hosts[2]]);
        network.run_for(millis(1));
        for host in hosts {
            assert_eq!(network.hosts[host].events, [(start, Event::Joined)], "seed {seed}");
            assert!(network.hosts[host].node.is_joined(), "seed {seed}");
        }
        for (joiner, seed) in [(0, 1), (1, 2), (2, 0)] {
            network.join(hosts[joiner], &[hosts[seed]]);
        }
        assert!(network.wait(secs(20), Network::is_formed).is_some(), "seed {seed}");
        network.run_for(secs(20));
        assert!(network.hosts.iter().all(|host| times_joined(host) == 1), "seed {seed}: told twice");
    });
}

#[test]
fn a_node_whose_seeds_are_not_known_yet_has_not_joined() {
    across_seeds(seeds(), |seed| {
        let mut network = network(seed, lan(), ());
        let first = network.add("first");
        let second = network.add("second");
        network.command(second, |node, now, out| node.await_seeds(now, out));
        network.run_for(secs(40));
        assert_eq!((times_joined(&network.hosts[first]), times_joined(&network.hosts[second])), (1, 0));
        assert!(!network.hosts[second].node.is_joined(), "seed {seed}");
        network.join(second, &[first]);
        assert!(network.wait(secs(5), |n| n.hosts[second].has_told(Event::Joined)).is_some(), "seed {seed}");
        assert!(network.is_formed(), "seed {seed}");
    });
}

#[test]
fn nodes_that_begin_a_cluster_together_are_all_told_that_they_joined() {
    across_seeds(seeds(), |seed| {
        let mut network = network(seed, lan(), ());
        network.add_joined(3);
        let all = |n: &Network<_>| n.hosts.iter().all(|host| host.has_told(Event::Joined));
        assert!(network.wait(secs(10), all).is_some(), "seed {seed}: one waits for ever");
        network.run_for(secs(60));
        assert!(network.hosts.iter().all(|host| times_joined(host) == 1), "seed {seed}");
    });
}

#[test]
fn a_restored_node_has_joined_when_one_of_its_members_has_answered() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 4, lan(), ());
        let records: Vec<_> = network.hosts.iter().map(|host| host.node.me()).collect();
        for there in [true, false] {
            let host = network.add(if there { "meets" } else { "lonely" });
            if !there {
                (0..host).for_each(|other| network.crash(other));
            }
            network.command(host, |node, now, out| node.restore(now, &records, out));
            network.join(host, &[0, 1]);
            let told = network.wait(secs(20), |n| n.hosts[host].has_told(Event::Joined));
            assert_eq!(told.is_some(), there, "seed {seed}");
        }
    });
}

#[test]
fn a_crash_is_noticed_by_everybody() {
    across_seeds(seeds(), |seed| {
        for n in [2, 3, 4, 5, 12, 30] {
            let mut network = formed(seed, n, lan(), ());
            let victim = n - 1;
            network.crash(victim);
            let took = network.wait(secs(60), |n| n.all_say(victim, Status::Dead));
            assert!(took.is_some(), "seed {seed}, {n} nodes: {}", network.opinions(victim));
            let wrong = network.deaths().iter().filter(|death| death.1 != network.hosts[victim].id).count();
            assert_eq!(wrong, 0, "seed {seed}, {n} nodes: somebody else was declared dead");
        }
    });
}

#[test]
fn several_crashes_at_once_are_noticed() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 12, lan(), ());
        for victim in 8..12 {
            network.crash(victim);
        }
        let took = network.wait(secs(120), |n| (8..12).all(|victim| n.all_say(victim, Status::Dead)));
        assert!(took.is_some(), "seed {seed}");
    });
}

#[test]
fn the_local_preset_notices_a_crash_within_four_seconds() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 5, Config::local(cluster("test")), ());
        network.run_for(secs(2));
        network.crash(4);
        let took = network.wait(secs(4), |n| n.all_say(4, Status::Dead));
        assert!(took.is_some(), "seed {seed}: {}", network.opinions(4));
    });
}

#[test]
fn a_restart_on_another_address_is_a_member_again_within_seconds() {
    across_seeds(seeds(), |seed| {
        for down in [0, 1_000, 30_000] {
            let mut network = formed(seed, 8, lan(), ());
            network.crash(5);
            network.run_for(millis(down));
            let address = network.fresh_address();
            network.restart(5, address);
            network.join(5, &[0, 1]);
            let took = network.wait(secs(8), |n| {
                let id = n.hosts[5].id;
                let moved =
                    |m: gossip_core::Member<'_>| m.address() == address && m.status() == Status::Alive;
                n.is_formed() && n.running().all(|host| host.node.member(id).is_some_and(moved))
            });
            assert!(took.is_some(), "seed {seed}, down for {down} ms: {}", network.opinions(5));
        }
    });
}

#[test]
fn a_restart_with_a_forgotten_epoch_is_a_member_and_told_its_new_one() {
    across_seeds(seeds(), |seed| {
        for epoch in [1, 999, 1_000] {
            let mut network = formed(seed, 8, lan(), ());
            network.crash(5);
            assert!(network.wait(secs(60), |n| n.all_say(5, Status::Dead)).is_some(), "seed {seed}");
            let address = network.fresh_address();
            network.restart_in(5, address, epoch);
            network.join(5, &[0, 1]);
            let took = network.wait(secs(15), Network::is_formed);
            assert!(took.is_some(), "seed {seed}, epoch {epoch}: {}", network.opinions(5));
            let told = |event: &(_, Event)| matches!(event.1, Event::EpochBumped { epoch } if epoch > 1_000);
            let own = network.hosts[5].node.me().incarnation();
            assert!(
                network.hosts[5].events.iter().any(told) || own.epoch == 1_000 && own.refutation > 0,
                "seed {seed}, epoch {epoch}: the host cannot know what to persist"
            );
        }
    });
}

#[test]
fn leaving_is_seen_by_all_as_leaving() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 8, lan(), ());
        network.leave(3);
        let done = network.wait(secs(5), |n| n.hosts[3].left().is_some());
        assert!(done.is_some(), "seed {seed}: the leaver never learns that it may stop");
        network.crash(3);
        // A member that missed the leave learns of it by accusing the one that left.
        let took = network.wait(secs(30), |n| n.all_say(3, Status::Left));
        assert!(took.is_some(), "seed {seed}: {}", network.opinions(3));
        assert_eq!(network.deaths(), [], "seed {seed}: a leaver was declared dead");
    });
}

#[test]
fn leaving_is_sticky() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 6, lan(), ());
        network.leave(3);
        assert!(network.wait(secs(5), |n| n.all_say(3, Status::Left)).is_some(), "seed {seed}");
        // It runs on, still answering, and no one takes it back.
        network.run_for(secs(60));
        assert!(network.all_say(3, Status::Left), "seed {seed}: {}", network.opinions(3));
        let back = network.hosts[3].epoch + 1;
        let address = network.hosts[3].address;
        network.restart_in(3, address, back);
        network.join(3, &[0]);
        let took = network.wait(secs(8), Network::is_formed);
        assert!(took.is_some(), "seed {seed}: who left may come back in a new life");
    });
}

#[test]
fn the_last_of_two_nodes_goes_on_and_takes_newcomers() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 2, lan(), ());
        network.crash(0);
        assert!(network.wait(secs(60), |n| n.all_say(0, Status::Dead)).is_some(), "seed {seed}");
        let newcomer = network.add("newcomer");
        network.join(newcomer, &[1]);
        assert!(network.wait(secs(10), Network::is_formed).is_some(), "seed {seed}");
    });
}

#[test]
fn health_reaches_everybody() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 10, lan(), ());
        let id = network.hosts[4].id;
        for health in [Health::Unhealthy, Health::Degraded, Health::Healthy] {
            network.command(4, |node, now, out| node.set_health(now, health, out));
            let all = |n: &Network<_>| {
                n.running().all(|host| host.node.member(id).is_some_and(|m| m.health() == health))
            };
            assert!(network.wait(secs(30), all).is_some(), "seed {seed}: {health:?} did not spread");
            let routable =
                |host: &support::Host<_>| host.node.member(id).is_some_and(|member| member.is_routable());
            let others = network.running().filter(|host| host.id != id).map(routable);
            assert!(
                others.into_iter().all(|r| r == (health != Health::Unhealthy)),
                "seed {seed}: {health:?}"
            );
        }
    });
}

#[test]
fn a_join_waits_for_a_seed_that_is_not_up_yet() {
    across_seeds(seeds(), |seed| {
        let mut network = network(seed, lan(), ());
        network.add("seed");
        network.add("early");
        network.crash(0);
        network.join(1, &[0]);
        network.run_for(secs(20));
        assert!(!network.hosts[1].node.is_joined(), "seed {seed}: joined to nobody");
        let address = network.hosts[0].address;
        network.restart(0, address);
        assert!(network.wait(secs(20), Network::is_formed).is_some(), "seed {seed}");
    });
}

#[test]
fn a_full_table_counts_whom_it_turns_away_and_works_on() {
    across_seeds(seeds(), |seed| {
        let small = || gossip_core::Heap::for_members(6);
        let mut network = Network::new(seed, lan(), small, ());
        network.add_joined(6);
        assert!(network.wait(secs(30), Network::is_formed).is_some(), "seed {seed}");
        network.add_joined(4);
        network.run_for(secs(60));
        let turned_away: u64 = network.hosts.iter().map(|h| h.node.metrics().dropped_table_full).sum();
        assert!(turned_away > 0, "seed {seed}: nobody was over the capacity");
        for host in network.running() {
            assert!(host.node.members().len() <= 5, "seed {seed}: {} holds more than it may", host.id);
        }
        let members = (0..6).map(|i| network.hosts[i].id).collect::<Vec<_>>();
        assert!(
            (0..6).all(|i| members
                .iter()
                .all(|&id| network.hosts[i].node.member(id).is_some_and(|m| m.status() == Status::Alive))),
            "seed {seed}: those over the capacity pushed members out"
        );
        network.crash(2);
        let knows = |n: &Network<_>| {
            let id = n.hosts[2].id;
            [0, 1, 3, 4, 5]
                .iter()
                .all(|&i: &usize| n.hosts[i].node.member(id).is_none_or(|member| !member.status().is_live()))
        };
        assert!(network.wait(secs(60), knows).is_some(), "seed {seed}: {}", network.opinions(2));
    });
}

#[test]
fn a_crowd_is_admitted_at_a_bounded_rate_and_all_get_in() {
    across_seeds(0..3, |seed| {
        let config = lan().with(|c| c.admissions_per_second = 20);
        let mut network = Network::new(seed, config, || gossip_core::Heap::for_members(400), ());
        network.add_joined(300);
        let took = network.wait(secs(120), Network::is_formed);
        assert!(took.is_some(), "seed {seed}: 300 nodes are not one cluster after 2 min");
        let busy: u64 = network.hosts.iter().map(|host| host.node.metrics().busy).sum();
        assert!(busy > 0, "seed {seed}: no seed was ever busy");
        assert_eq!(network.deaths(), [], "seed {seed}");
    });
}

#[test]
fn a_formed_cluster_needs_none_of_its_seeds() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 10, lan(), ());
        (0..3).for_each(|gone| network.crash(gone));
        let gone = network.wait(secs(60), |n| (0..3).all(|seed| n.all_say(seed, Status::Dead)));
        assert!(gone.is_some(), "seed {seed}");
        let newcomer = network.add("newcomer");
        network.join(newcomer, &[7]);
        assert!(network.wait(secs(10), Network::is_formed).is_some(), "seed {seed}");
    });
}

#[test]
fn the_dead_are_forgotten_in_time_and_do_not_come_back_by_that() {
    across_seeds(seeds(), |seed| {
        let config = lan().with(|c| c.tombstone_ttl = secs(60));
        let mut network = formed(seed, 6, config, ());
        network.crash(4);
        assert!(network.wait(secs(60), |n| n.all_say(4, Status::Dead)).is_some(), "seed {seed}");
        let id = network.hosts[4].id;
        let forgotten =
            |n: &Network<_>| n.running().all(|host: &support::Host<_>| host.node.member(id).is_none());
        assert!(network.wait(secs(180), forgotten).is_some(), "seed {seed}: {}", network.opinions(4));
        assert!(network.running().all(|host| host.has_told(Event::Reaped(id))), "seed {seed}");
        for _ in 0..12 {
            network.run_for(secs(10));
            assert!(forgotten(&network), "seed {seed}: {}", network.opinions(4));
        }
        assert!(network.is_formed(), "seed {seed}");
    });
}

#[test]
fn no_more_tombstones_are_kept_than_allowed() {
    across_seeds(seeds(), |seed| {
        let config = lan().with(|c| c.max_tombstones = 2);
        let mut network = formed(seed, 12, config, ());
        (8..12).for_each(|gone| network.crash(gone));
        network.run_for(secs(120));
        for host in network.running() {
            let tombstones = host.node.members().filter(|member| !member.status().is_live()).count();
            assert!(tombstones <= 2, "seed {seed}: {} keeps {tombstones}", host.id);
            assert!(host.node.metrics().tombstones_forgotten >= 2, "seed {seed}: {}", host.id);
        }
        assert!(network.is_formed(), "seed {seed}");
    });
}

/// Restarted seeds know no one, but those who remember them introduce themselves; and no one gives a view that it
/// does not have.
#[test]
fn half_of_a_cluster_with_all_its_seeds_restarts_and_finds_the_rest() {
    across_seeds(0..10, |seed| {
        let mut network = formed(seed, 40, lan(), ());
        network.run_for(secs(10));
        for host in 0..20 {
            let address = network.hosts[host].address;
            network.restart(host, address);
        }
        for host in 0..20 {
            network.join(host, &[0, 1, 2]);
        }
        assert!(network.wait(secs(10), Network::is_formed).is_some(), "seed {seed}");
    });
}
