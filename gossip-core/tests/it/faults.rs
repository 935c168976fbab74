//! What a cluster promises while its links and machines misbehave: no one who runs is declared dead, and
//! who does not run still is.

use crate::support::{
    self, Link, Network, across_seeds, cluster,
    forge::{accusations, datagram, head, records},
    formed, lan, millis, network, secs, seeds,
};
use gossip_core::{Config, Event, Heap, Mechanisms, NodeId, Status};
use std::collections::BTreeSet;

const LOSSY: Link = Link { loss: 0.2, ..Link::LAN };
const UNRULY: Link = Link { duplication: 0.2, reordering: 0.3, ..Link::LAN };

#[test]
fn a_fifth_of_all_datagrams_lost_stops_no_forming_and_kills_nobody() {
    across_seeds(seeds(), |seed| {
        let mut network = network(seed, lan(), ());
        network.set_link(LOSSY);
        network.add_joined(10);
        let formed = network.wait(secs(120), |n| n.running().all(|h| h.node.members().len() == 9));
        assert!(formed.is_some(), "seed {seed}: not formed after 2 min");
        network.run_for(secs(60));
        assert_eq!(network.deaths(), [], "seed {seed}: a running node was declared dead");
    });
}

#[test]
fn a_crash_is_noticed_while_a_fifth_of_all_datagrams_is_lost() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 10, lan(), ());
        network.set_link(LOSSY);
        network.crash(9);
        let took = network.wait(secs(90), |n| n.all_say(9, Status::Dead));
        assert!(took.is_some(), "seed {seed}: {}", network.opinions(9));
    });
}

#[test]
fn reordering_and_duplication_kill_nobody_and_hide_no_crash() {
    across_seeds(seeds(), |seed| {
        let mut network = network(seed, lan(), ());
        network.set_link(UNRULY);
        network.add_joined(10);
        assert!(network.wait(secs(30), Network::is_formed).is_some(), "seed {seed}: not formed");
        network.run_for(secs(60));
        assert_eq!(network.deaths(), [], "seed {seed}: a running node was declared dead");
        network.crash(4);
        let took = network.wait(secs(60), |n| n.all_say(4, Status::Dead));
        assert!(took.is_some(), "seed {seed}: {}", network.opinions(4));
    });
}

#[test]
fn one_link_cut_in_one_direction_kills_nobody() {
    across_seeds(seeds(), |seed| {
        for n in [3, 4, 8] {
            let mut network = formed(seed, n, lan(), ());
            let (a, b) = (network.hosts[0].address, network.hosts[1].address);
            network.set_cut(move |from, to| (from, to) == (a, b));
            network.run_for(secs(120));
            assert_eq!(network.deaths(), [], "seed {seed}, {n} nodes");
        }
    });
}

#[test]
fn one_link_cut_in_both_directions_is_worked_around_by_relays() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 8, lan(), ());
        let (a, b) = (network.hosts[0].address, network.hosts[1].address);
        network.set_cut(move |from, to| (from, to) == (a, b) || (from, to) == (b, a));
        network.run_for(secs(120));
        assert_eq!(network.deaths(), [], "seed {seed}");
        let accusations: u64 = network.hosts.iter().map(|h| h.node.metrics().accusations_made).sum();
        assert_eq!(accusations, 0, "seed {seed}: six relays, and none was asked");
    });
}

#[test]
fn a_node_that_hears_nobody_declares_nobody_and_is_back_when_it_does() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 8, lan(), ());
        let (cut_off, id) = (network.hosts[3].address, network.hosts[3].id);
        network.set_cut(move |from, to| from == cut_off || to == cut_off);
        network.run_for(secs(60));
        let declared = network.deaths().iter().filter(|death| death.0 == id).count();
        assert_eq!(declared, 0, "seed {seed}: who is cut off declared others dead");
        network.set_cut(|_, _| false);
        let took = network.wait(secs(90), Network::is_formed);
        assert!(took.is_some(), "seed {seed}: not healed: {}", network.opinions(3));
    });
}

#[test]
fn a_pause_of_two_seconds_kills_nobody() {
    across_seeds(seeds(), |seed| {
        for n in [3, 10] {
            let mut network = formed(seed, n, lan(), ());
            for round in 0..10 {
                network.pause(round % n, secs(2));
                network.run_for(secs(8));
            }
            assert_eq!(network.deaths(), [], "seed {seed}, {n} nodes");
        }
    });
}

#[test]
fn a_paused_node_notices_and_accuses_nobody_for_it() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 8, lan(), ());
        network.run_for(secs(10));
        let before = network.hosts[2].node.metrics().accusations_made;
        network.pause(2, millis(1_900));
        network.run_for(secs(20));
        let noticed = network.hosts[2].events.iter().any(|(_, e)| matches!(e, Event::LocalPause { .. }));
        assert!(noticed, "seed {seed}: the pause went unnoticed");
        assert_eq!(network.hosts[2].node.metrics().accusations_made, before, "seed {seed}");
    });
}

#[test]
fn an_announced_pause_is_waited_for_and_an_unannounced_one_is_not() {
    across_seeds(seeds(), |seed| {
        for announced in [true, false] {
            let mut network = formed(seed, 8, lan(), ());
            if announced {
                network.command(2, |node, now, out| node.announce_pause(now, secs(20), out));
            }
            network.run_for(secs(1));
            network.pause(2, secs(18));
            network.run_for(millis(17_900));
            assert_eq!(network.deaths().is_empty(), announced, "seed {seed}, announced: {announced}");
        }
    });
}

#[test]
fn who_wakes_up_late_is_forgiven_as_much_as_an_unannounced_pause() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 30, lan(), ());
        network.command(2, |node, now, out| node.announce_pause(now, secs(20), out));
        network.run_for(millis(200));
        network.pause(2, secs(21));
        network.run_for(secs(30));
        assert_eq!(network.deaths(), [], "seed {seed}");
    });
}

/// Most of a cluster is restored from snapshots, say: that they are silent says nothing about whoever probes them.
#[test]
fn a_crash_is_noticed_while_most_members_are_in_announced_pauses() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 40, lan(), ());
        for host in 10..34 {
            network.command(host, |node, now, out| node.announce_pause(now, secs(100), out));
        }
        network.run_for(secs(1));
        (10..34).for_each(|host| network.pause(host, secs(95)));
        network.run_for(secs(10));
        network.crash(0);
        let id = network.hosts[0].id;
        let dead = |host: &support::Host<Heap>| {
            host.node.member(id).is_some_and(|member| member.status() == Status::Dead)
        };
        let took = network.wait(secs(80), |n| n.hosts[1..10].iter().any(dead));
        assert!(took.is_some_and(|took| took <= secs(40)), "seed {seed}: known after {took:?}");
    });
}

#[test]
fn patience_with_an_announced_pause_ends() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 8, lan(), ());
        network.command(2, |node, now, out| node.announce_pause(now, secs(10), out));
        network.run_for(secs(1));
        network.crash(2);
        let took = network.wait(secs(90), |n| n.all_say(2, Status::Dead));
        assert!(took.is_some(), "seed {seed}: {}", network.opinions(2));
    });
}

#[test]
fn drivers_that_tick_slowly_still_detect_crashes_and_kill_nobody() {
    across_seeds(seeds(), |seed| {
        for config in [lan(), Config::local(cluster("test"))] {
            let mut network = network(seed, config, ());
            network.add_joined(8);
            for host in &mut network.hosts {
                host.tick_grid = Some(millis(300));
            }
            assert!(network.wait(secs(60), Network::is_formed).is_some(), "seed {seed}: not formed");
            network.run_for(secs(60));
            assert_eq!(network.deaths(), [], "seed {seed}: a running node was declared dead");
            network.crash(6);
            let took = network.wait(secs(60), |n| n.all_say(6, Status::Dead));
            assert!(took.is_some(), "seed {seed}: {}", network.opinions(6));
        }
    });
}

#[test]
fn a_partition_heals_without_an_operator() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 10, lan(), ());
        let half: Vec<_> = network.hosts[..5].iter().map(|host| host.address).collect();
        network.set_cut(move |from, to| half.contains(&from) != half.contains(&to));
        network.run_for(secs(60));
        network.set_cut(|_, _| false);
        let took = network.wait(secs(120), Network::is_formed);
        assert!(took.is_some(), "seed {seed}: not healed after 2 min");
    });
}

#[test]
fn halves_that_declared_each_other_dead_heal_through_the_seeds() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 10, lan().with(|c| c.quarantine = secs(30)), ());
        let half: Vec<_> = network.hosts[..5].iter().map(|host| host.address).collect();
        network.set_cut(move |from, to| half.contains(&from) != half.contains(&to));
        let live = |host: &support::Host<Heap>| host.node.members().filter(|m| m.status().is_live()).count();
        let parted = network.wait(secs(600), |n| n.running().all(|host| live(host) == 4));
        assert!(parted.is_some(), "seed {seed}: the halves do not give each other up");
        network.set_cut(|_, _| false);
        let took = network.wait(secs(120), Network::is_formed);
        assert!(took.is_some(), "seed {seed}: not healed after 2 min");
    });
}

#[test]
fn the_smallest_outbox_and_datagram_serve() {
    across_seeds(seeds(), |seed| {
        let config = lan().with(|c| c.max_datagram = 400);
        let mut network = network(seed, config, ());
        network.lend(gossip_core::Buffer::<2, 47, 800>::new());
        network.add_joined(12);
        assert!(network.wait(secs(60), Network::is_formed).is_some(), "seed {seed}: not formed");
        network.crash(7);
        let took = network.wait(secs(90), |n| n.all_say(7, Status::Dead));
        assert!(took.is_some(), "seed {seed}: {}", network.opinions(7));
    });
}

#[test]
fn plain_swim_is_a_configuration_that_detects_crashes() {
    across_seeds(seeds(), |seed| {
        let config = lan().with(|c| c.mechanisms = Mechanisms::SWIM);
        let mut network: Network<Heap> = formed(seed, 8, config, ());
        network.crash(7);
        let took = network.wait(secs(90), |n| n.all_say(7, Status::Dead));
        assert!(took.is_some(), "seed {seed}: {}", network.opinions(7));
    });
}

#[test]
fn a_node_that_cannot_hear_or_cannot_speak_takes_nobody_with_it() {
    across_seeds(seeds(), |seed| {
        for deaf in [true, false] {
            let mut network = formed(seed, 8, lan(), ());
            let (sick, id) = (network.hosts[3].address, network.hosts[3].id);
            network.set_cut(move |from, to| if deaf { to == sick } else { from == sick });
            let took = network.wait(secs(90), |n| n.all_say(3, Status::Dead));
            assert!(took.is_some(), "seed {seed}, deaf: {deaf}: {}", network.opinions(3));
            network.run_for(secs(60));
            let others = network.deaths().iter().filter(|death| death.1 != id).count();
            assert_eq!(others, 0, "seed {seed}, deaf: {deaf}: it took others with it");
        }
    });
}

#[test]
fn who_was_dead_to_all_and_lives_is_back_within_seconds() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 8, lan(), ());
        network.pause(3, secs(60));
        network.run_for(secs(59));
        assert!(network.all_say(3, Status::Dead), "seed {seed}: {}", network.opinions(3));
        network.run_for(secs(1));
        let took = network.wait(secs(15), Network::is_formed);
        assert!(took.is_some(), "seed {seed}: {}", network.opinions(3));
    });
}

#[test]
fn the_loss_of_most_members_is_believed_after_a_quarantine() {
    across_seeds(seeds(), |seed| {
        let config = lan().with(|c| c.quarantine = secs(60));
        let mut network = formed(seed, 12, config, ());
        (4..12).for_each(|gone| network.crash(gone));
        network.run_for(secs(50));
        let declared: BTreeSet<_> = network.deaths().into_iter().map(|(_, victim, _)| victim).collect();
        let held: u64 = network.running().map(|host| host.node.metrics().deaths_withheld).sum();
        assert!(declared.len() <= 5, "seed {seed}: more than half of eleven were declared dead");
        assert!(held > 0, "seed {seed}: nothing was held");
        let took = network.wait(secs(180), |n| (4..12).all(|gone| n.all_say(gone, Status::Dead)));
        assert!(took.is_some(), "seed {seed}: not believed after the quarantine");
    });
}

#[test]
fn one_accuser_is_heard_about_few_at_a_time_and_all_the_dead_are_found() {
    across_seeds(seeds(), |seed| {
        let config = lan().with(|c| c.accusations_per_accuser = 1);
        let mut network = formed(seed, 16, config, ());
        (12..16).for_each(|gone| network.crash(gone));
        let took = network.wait(secs(300), |n| (12..16).all(|gone| n.all_say(gone, Status::Dead)));
        assert!(took.is_some(), "seed {seed}");
        let dropped: u64 = network.running().map(|host| host.node.metrics().dropped_accusations).sum();
        assert!(dropped > 0, "seed {seed}: nobody minded how many");
    });
}

#[test]
fn clusters_that_formed_apart_find_each_other_through_their_seeds() {
    across_seeds(seeds(), |seed| {
        let mut network = network(seed, lan(), ());
        for i in 0..6 {
            network.add(&format!("node-{i}"));
        }
        let half: Vec<_> = network.hosts[..3].iter().map(|host| host.address).collect();
        network.set_cut(move |from, to| half.contains(&from) != half.contains(&to));
        (0..6).for_each(|host| network.join(host, &[0, 1, 2, 3, 4, 5]));
        network.run_for(secs(20));
        assert!(network.running().all(|host| host.node.members().len() == 2), "seed {seed}: no two halves");
        network.set_cut(|_, _| false);
        let took = network.wait(secs(90), Network::is_formed);
        assert!(took.is_some(), "seed {seed}: still apart after 90 s");
    });
}

/// As it comes out of a partition that heals, or was held up on its way.
#[test]
fn old_news_of_a_suspicion_does_not_shorten_the_pause_that_is_tolerated() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 12, lan(), ());
        network.pause(2, secs(2));
        network.run_for(millis(50));
        let suspect = network.hosts[2].node.me().with_status(Status::Suspect);
        let accusers: Vec<NodeId> = network.hosts[4..8].iter().map(|host| host.id).collect();
        let news = [records(&[suspect], 60_000), accusations(suspect.id(), suspect.incarnation(), &accusers)];
        let old = datagram(&head(lan()), network.hosts[4].id, &news);
        for host in (0..12).filter(|&host| host != 2 && host != 4) {
            let _ = network.inject(host, network.hosts[4].address, &old);
        }
        network.run_for(secs(20));
        assert_eq!(network.deaths(), [], "seed {seed}");
    });
}
