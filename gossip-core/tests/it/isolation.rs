//! What a node does after it was out of touch: for long, or with no one left to ask.

use crate::support::{Network, across_seeds, formed, lan, network, secs, seeds};
use gossip_core::{Config, Event, NodeId};
use std::{collections::BTreeSet, time::Duration};

fn forgetful() -> Config {
    lan().with(|c| c.tombstone_ttl = Duration::from_secs(60))
}

#[test]
fn a_node_that_heard_nobody_for_half_a_tombstones_life_starts_over() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 6, forgetful(), ());
        // Host 0 has no seeds: it must know where others answered lately.
        network.run_for(secs(5));
        network.pause(0, secs(40));
        network.run_for(secs(41));
        assert!(network.hosts[0].has_told(Event::Reset), "seed {seed}");
        let took = network.wait(secs(30), Network::is_formed);
        assert!(took.is_some(), "seed {seed}: not one cluster again");
        assert!(network.hosts[0].has_told(Event::Joined), "seed {seed}");
    });
}

#[test]
fn a_short_silence_forgets_nobody() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 6, forgetful(), ());
        network.pause(0, secs(20));
        network.run_for(secs(21));
        assert!(!network.hosts[0].has_told(Event::Reset), "seed {seed}");
        assert_eq!(network.hosts[0].node.members().len(), 5, "seed {seed}");
    });
}

#[test]
fn seeds_that_are_gone_for_good_are_asked_seldom() {
    across_seeds(seeds(), |seed| {
        let mut network = network(seed, lan(), ());
        network.add_joined(5);
        assert!(network.wait(secs(30), Network::is_formed).is_some(), "seed {seed}");
        network.crash(1);
        network.join(3, &[1]);
        network.run_for(secs(120));
        let before = network.hosts[3].node.metrics().packets_sync;
        network.run_for(secs(600));
        let asked = network.hosts[3].node.metrics().packets_sync - before;
        assert!((1..=40).contains(&asked), "seed {seed}: {asked} packets in ten minutes");
    });
}

#[test]
fn one_pause_is_told_once_however_much_input_had_queued() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 6, lan(), ());
        network.hosts[0].events.clear();
        network.pause(0, secs(5));
        network.run_for(secs(10));
        let pauses =
            network.hosts[0].events.iter().filter(|(_, event)| matches!(event, Event::LocalPause { .. }));
        assert_eq!(pauses.count(), 1, "seed {seed}");
    });
}

#[test]
fn a_hold_counts_from_the_trouble_at_hand_and_not_from_one_before() {
    across_seeds(seeds(), |seed| {
        let config = lan().with(|c| c.quarantine = secs(60));
        let mut network = formed(seed, 8, config, ());
        let island = [network.hosts[0].address, network.hosts[1].address];
        for time in 1..=2 {
            network.hosts.iter_mut().for_each(|host| host.events.clear());
            network.set_cut(move |from, to| island.contains(&from) != island.contains(&to));
            network.run_for(secs(40));
            let on_island = |id| (0..2).any(|host| network.hosts[host].id == id);
            let buried: BTreeSet<NodeId> =
                network.deaths().iter().filter(|death| on_island(death.0)).map(|death| death.1).collect();
            // Until half are lost, each may really have died.
            let count = buried.len();
            assert!(count <= 3, "seed {seed}: cut off for 40 s, time {time}, two nodes buried {count}");
            network.set_cut(|_, _| false);
            network.run_for(secs(40));
        }
    });
}

#[test]
fn a_node_that_reaches_one_member_declares_none_dead_when_exhausted() {
    let mut wrong = Vec::new();
    // Many seeds: what comes back in time through a single member is left to chance.
    across_seeds(0..120, |seed| {
        let mut network = formed(seed, 50, lan(), ());
        let (alone, friend) = (network.hosts[7].address, network.hosts[8].address);
        network.set_cut(move |from, to| {
            let other = if from == alone { to } else { from };
            (from == alone || to == alone) && other != friend
        });
        network.run_for(lan().quarantine + secs(120));
        let alone = network.hosts[7].id;
        let undisturbed = network.deaths().iter().filter(|death| death.1 != alone).count();
        if undisturbed > 0 {
            wrong.push((seed, undisturbed));
        }
    });
    assert_eq!(wrong, [], "seeds, and how often anybody buried an undisturbed member");
}
