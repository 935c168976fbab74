//! The ends of ranges, reached by a node's own doing: what is said at the last state version and in the highest epoch,
//! and clocks whose milliseconds wrap.

use crate::support::{
    Network, across_seeds,
    forge::{datagram, head, records},
    formed, lan, secs, seeds,
};
use gossip_core::{Event, Health, Heap, Incarnation, NodeId, Status, Terms, Verdict};
use std::time::Duration;

/// Makes host 0 say its word under this state version: it goes above a forged one.
fn raise_version(network: &mut Network<Heap, ()>, version: u32) {
    let (me, address) = (network.hosts[0].node.me(), network.hosts[1].address);
    let word = records(&[me.with_state(version - 1, Health::Degraded, 0)], 0);
    let forged = datagram(&head(network.config), network.hosts[1].id, &[word]);
    assert_eq!(network.inject(0, address, &forged), Verdict::Accepted);
    assert_eq!(network.hosts[0].node.me().state_version(), version);
}

fn seen<T>(
    network: &Network<Heap, ()>,
    id: NodeId,
    what: impl Fn(&gossip_core::Record) -> T,
) -> Vec<Option<T>> {
    network.running().map(|host| host.node.member(id).map(|member| what(member.record()))).skip(1).collect()
}

#[test]
fn what_is_said_past_the_last_state_version_is_said_in_the_next_life() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 3, lan(), ());
        raise_version(&mut network, Incarnation::MAX_COUNT);
        let before = network.hosts[0].node.me();
        network.command(0, |node, now, out| node.set_health(now, Health::Unhealthy, out));
        let said = network.hosts[0].node.me();
        assert_eq!(said.incarnation().epoch, before.incarnation().epoch + 1, "seed {seed}");
        assert_eq!((said.state_version(), said.health()), (0, Health::Unhealthy), "seed {seed}");
        network.run_for(secs(5));
        assert_eq!(
            seen(&network, said.id(), |record| record.health()),
            [Some(Health::Unhealthy); 2],
            "seed {seed}"
        );
    });
}

#[test]
fn what_is_published_past_the_last_state_version_is_in_the_next_life() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 3, lan(), ());
        raise_version(&mut network, Incarnation::MAX_COUNT);
        let before = network.hosts[0].node.me().incarnation().epoch;
        network.command(0, |node, now, out| {
            node.publish(now, "port", b"80", Terms::default(), out).unwrap_or_else(|error| panic!("{error}"))
        });
        let me = network.hosts[0].node.me();
        assert_eq!(me.incarnation().epoch, before + 1, "seed {seed}");
        let told = network.wait(secs(5), |network| {
            network.running().all(|host| host.node.read(me.id(), "port", &mut [0; 8]) == Some(b"80"))
        });
        assert!(told.is_some(), "seed {seed}");
    });
}

#[cfg(feature = "seal")]
#[test]
fn keys_that_change_past_the_last_state_version_are_published() {
    use gossip_core::{Key, KeyRing, Sealing};
    let keys = [7u8, 8].map(|n| Key::from_bytes(std::array::from_fn(|at| n ^ at as u8)).ok());
    let ring = |n: usize| {
        let keys: Vec<Key> = keys[..n].iter().flatten().cloned().collect();
        KeyRing::new(&keys).ok()
    };
    let mut network = formed(1, 3, lan(), ());
    // In the clear, so that the forger is heard.
    let set = |network: &mut Network<Heap, ()>, n: usize| {
        network.command(0, |node, now, out| {
            let Some(ring) = ring(n) else { panic!("keys that are none") };
            node.set_keys(now, ring, Sealing::Off, false, out).unwrap_or_else(|error| panic!("{error}"))
        });
    };
    set(&mut network, 1);
    raise_version(&mut network, Incarnation::MAX_COUNT);
    set(&mut network, 2);
    let id = network.hosts[0].id;
    let knows_two = |network: &Network<Heap, ()>| {
        let two = |text: &[u8]| text.split(|byte| *byte == b' ').count() == 3;
        network.running().all(|host| host.node.read(id, "gossip.keys", &mut [0; 32]).is_some_and(two))
    };
    assert!(network.wait(secs(60), knows_two).is_some());
}

#[test]
fn a_pause_that_was_announced_under_the_last_state_version_ends() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 3, lan(), ());
        raise_version(&mut network, Incarnation::MAX_COUNT - 1);
        network.command(0, |node, now, out| node.announce_pause(now, secs(3), out));
        let me = network.hosts[0].node.me();
        assert_eq!((me.state_version(), me.pause()), (Incarnation::MAX_COUNT, secs(3)), "seed {seed}");
        network.run_for(secs(10));
        assert_eq!(network.hosts[0].node.me().pause(), Duration::ZERO, "seed {seed}");
        assert_eq!(
            seen(&network, me.id(), |record| record.pause()),
            [Some(Duration::ZERO); 2],
            "seed {seed}"
        );
    });
}

/// A clock that was wrong by eighty years, once, has used the highest epoch up. There is none above it.
#[test]
fn an_epoch_below_the_highest_is_a_member_once_its_death_is_forgotten() {
    across_seeds(seeds(), |seed| {
        let config = lan().with(|c| c.tombstone_ttl = secs(60));
        let mut network = formed(seed, 5, config, ());
        let (address, epoch) = (network.hosts[4].address, network.hosts[4].epoch);
        network.restart_in(4, address, Incarnation::MAX_EPOCH);
        network.join(4, &[0]);
        assert!(network.wait(secs(10), Network::is_formed).is_some(), "seed {seed}: {}", network.opinions(4));
        network.crash(4);
        let dead = network.wait(secs(30), |n| n.all_say(4, Status::Dead));
        assert!(dead.is_some(), "seed {seed}: {}", network.opinions(4));
        // Too early: it cannot go above what is remembered of it, and says so to its host.
        network.restart_in(4, address, epoch + 1);
        network.join(4, &[0]);
        let told = network.wait(secs(10), |n| n.hosts[4].has_told(Event::DuplicateId));
        assert!(told.is_some() && network.all_say(4, Status::Dead), "seed {seed}: {}", network.opinions(4));
        network.crash(4);
        network.run_for(secs(90));
        network.restart_in(4, address, epoch + 2);
        network.join(4, &[0]);
        let back = network.wait(secs(10), |n| Network::is_formed(n) && n.all_say(4, Status::Alive));
        assert!(back.is_some(), "seed {seed}: {}", network.opinions(4));
        let epochs = seen(&network, network.hosts[4].id, |record| record.incarnation().epoch);
        assert!(epochs[..3].iter().all(|&seen| seen == Some(epoch + 2)), "seed {seed}: {epochs:?}");
    });
}
