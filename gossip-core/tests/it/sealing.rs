//! That a cluster with a key is one without outsiders, and stays whole while its keys and modes change.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::support::{
    Datagram, Network, Recorder, across_seeds,
    forge::{self, datagram, head},
    form, lan, millis, network, secs, seeds,
};
use gossip_core::{
    Event, Health, Heap, Instant, Key, KeyError, KeyRing, Node, NodeId, Outbox, Sealing, Status, Verdict,
};
use std::{collections::BTreeSet, net::SocketAddr};

/// A key by a number.
fn key(n: u8) -> Key {
    let mut byte = n;
    Key::from_bytes(std::array::from_fn(|_| {
        byte = byte.wrapping_mul(5).wrapping_add(7);
        byte
    }))
    .unwrap()
}

fn ring(keys: &[u8]) -> KeyRing {
    KeyRing::new(&keys.iter().map(|&n| key(n)).collect::<Vec<_>>()).unwrap()
}

/// Gives a node keys at its start.
pub(crate) fn begin(
    keys: &'static [u8],
    sealing: Sealing,
) -> impl Fn(&mut Node<Heap>, Instant, &mut Outbox<'_>) {
    move |node, now, out| {
        let output = node.set_keys(now, ring(keys), sealing, true, out).unwrap();
        assert_eq!((output.verdict, output.packets().len()), (Verdict::Accepted, 0));
    }
}

/// Gives a running host other keys.
fn set<W: crate::support::Watch<Heap>>(
    network: &mut Network<Heap, W>,
    host: usize,
    keys: &[u8],
    sealing: Sealing,
) -> Result<(), KeyError> {
    let (mut refused, ring) = (None, ring(keys));
    network.command(host, |node, now, out| {
        let (mode, present) = (node.sealing(), ring);
        if let Err(error) = node.set_keys(now, present.clone(), sealing, false, out).map(|_| ()) {
            assert_eq!(node.sealing(), mode, "a refusal changes nothing");
            refused = Some(error);
            return node.tick(now, out);
        }
        node.set_keys(now, present, sealing, false, out).unwrap()
    });
    refused.map_or(Ok(()), Err)
}

/// A cluster of `n` that has formed, sealed.
pub(crate) fn sealed(seed: u64, n: usize) -> Network<Heap, Recorder> {
    let mut network = network(seed, lan(), Recorder::default());
    network.set_prelude(begin(&[1], Sealing::Require));
    form(&mut network, seed, n);
    network
}

fn count(network: &Network<Heap, Recorder>, host: usize, name: &str) -> u64 {
    network.hosts[host].node.metrics().counters().find(|(of, _)| *of == name).unwrap().1
}

pub(crate) fn sum<W>(network: &Network<Heap, W>, name: &str) -> u64 {
    let of = |host: &crate::support::Host<Heap>| {
        host.node.metrics().counters().find(|(of, _)| *of == name).unwrap().1
    };
    network.hosts.iter().map(of).sum()
}

/// The latest datagram from one host to another.
fn latest(network: &Network<Heap, Recorder>, from: usize, to: usize) -> Datagram {
    let (from, to) = (network.hosts[from].address, network.hosts[to].address);
    network.watch.0.iter().rev().find(|sent| sent.from == from && sent.to == to).unwrap().clone()
}

#[test]
fn a_sealed_cluster_forms_and_finds_deaths_as_one_in_the_clear() {
    across_seeds(seeds(), |seed| {
        let mut network = sealed(seed, 12);
        network.run_for(secs(20));
        assert!(network.is_formed());
        network.crash(5);
        let found = network.wait(secs(30), |network| network.all_say(5, Status::Dead));
        assert!(found.is_some(), "{}", network.opinions(5));
        assert!(network.watch.0.iter().all(|sent| sent.bytes[1] & 0x7F == key(1).id().get()));
        for refused in ["forged", "replayed", "not_sealed", "unknown_keys", "dropped_unsealed"] {
            assert_eq!(sum(&network, refused), 0, "{refused}");
        }
        let address = network.fresh_address();
        network.restart(5, address);
        network.join(5, &[0, 1]);
        assert!(network.wait(secs(20), Network::is_formed).is_some());
    });
}

#[test]
fn who_speaks_in_the_clear_or_under_another_key_is_told_of_and_not_heard() {
    let mut network = sealed(1, 5);
    let (member, at) = (network.hosts[1].id, network.hosts[1].address);
    let record = network.hosts[2].node.me().with_status(Status::Left);
    let lie = datagram(&head(lan()), member, &[forge::records(&[record], 0)]);
    assert_eq!(network.inject(0, at, &lie), Verdict::NotSealed);
    let mut other = Network::new(2, lan(), || Heap::for_members(64), Recorder::default());
    other.set_prelude(begin(&[2], Sealing::Require));
    form(&mut other, 2, 3);
    let foreign = latest(&other, 1, 0);
    assert_eq!(network.inject(0, at, &foreign.bytes), Verdict::UnknownKey(key(2).id().get()));
    let events = &network.hosts[0].events;
    let told = |event: &Event| matches!(event, Event::UnknownKey { key: id, from } if *id == key(2).id().get() && *from == at.into());
    assert_eq!(events.iter().filter(|(_, event)| told(event)).count(), 1, "{events:?}");
    let clear = |(_, event): &&(Instant, Event)| *event == Event::NotSealed { from: at.into() };
    assert_eq!(events.iter().filter(clear).count(), 1, "{events:?}");
    assert!(network.is_formed());
}

#[test]
fn who_speaks_in_the_clear_is_told_of_once_a_minute_and_eight_at_the_most() {
    let mut network = sealed(13, 4);
    let lie = datagram(&head(lan()), network.hosts[1].id, &[]);
    let told = |network: &Network<Heap, Recorder>| {
        let events = network.hosts[0].events.iter().filter_map(|(_, event)| match event {
            Event::NotSealed { from } => Some(SocketAddr::from(*from)),
            _ => None,
        });
        events.collect::<Vec<_>>()
    };
    let sender = |n: u8| SocketAddr::from(([10, 77, 0, n], 7));
    for _ in 0..3 {
        (1..=3).for_each(|n| assert_eq!(network.inject(0, sender(n), &lie), Verdict::NotSealed));
    }
    assert_eq!(told(&network), [1, 2, 3].map(sender), "each by itself, and once");
    (1..=100).for_each(|n| _ = network.inject(0, sender(n), &lie));
    assert_eq!(told(&network).len(), 8);
    network.run_for(secs(61));
    (1..=100).for_each(|n| _ = network.inject(0, sender(n), &lie));
    assert_eq!(told(&network).len(), 16);
}

#[test]
fn a_mode_that_live_members_would_not_understand_is_refused_unless_forced() {
    let mut network = network(14, lan(), Recorder::default());
    form(&mut network, 14, 4);
    let refused = |sealing, first| Err(KeyError::NotUnderstood { sealing, first, members: 3 });
    // Nobody publishes anything: all are in the clear.
    assert_eq!(set(&mut network, 0, &[1], Sealing::Require), refused(Sealing::Require, Sealing::Prefer));
    assert_eq!(set(&mut network, 0, &[1], Sealing::Prefer), refused(Sealing::Prefer, Sealing::Accept));
    (0..4).for_each(|host| assert_eq!(set(&mut network, host, &[1], Sealing::Accept), Ok(())));
    network.run_for(secs(5));
    assert_eq!(set(&mut network, 0, &[1], Sealing::Require), refused(Sealing::Require, Sealing::Prefer));
    (0..4).for_each(|host| assert_eq!(set(&mut network, host, &[1], Sealing::Prefer), Ok(())));
    network.run_for(secs(5));
    assert_eq!(set(&mut network, 0, &[1], Sealing::Off), refused(Sealing::Off, Sealing::Accept));
    (0..4).for_each(|host| assert_eq!(set(&mut network, host, &[1], Sealing::Require), Ok(())));
    network.run_for(secs(5));
    let error = set(&mut network, 0, &[1], Sealing::Accept);
    assert_eq!(error, refused(Sealing::Accept, Sealing::Prefer));
    let said = error.unwrap_err().to_string();
    assert!(said.contains("3 live members") && said.contains("take all nodes to prefer first"), "{said}");
    assert!(network.is_formed() && network.deaths().is_empty());
    network.command(0, |node, now, out| node.set_keys(now, ring(&[1]), Sealing::Off, true, out).unwrap());
    assert_eq!(network.hosts[0].node.sealing(), Sealing::Off);
    // Whoever is cut off already may take any mode that brings it back.
    assert_eq!(set(&mut network, 0, &[1], Sealing::Require), Ok(()));
}

#[test]
fn what_was_changed_on_its_way_or_was_meant_for_another_is_not_heard() {
    let mut network = sealed(3, 4);
    network.run_for(secs(2));
    let sent = latest(&network, 1, 0);
    for bit in 0..8 * sent.bytes.len() {
        let mut changed = sent.bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let verdict = network.inject(0, sent.from, &changed);
        assert!(!matches!(verdict, Verdict::Accepted | Verdict::NonMember), "bit {bit}: {verdict:?}");
    }
    for length in 0..sent.bytes.len() {
        let verdict = network.inject(0, sent.from, &sent.bytes[..length]);
        assert!(!matches!(verdict, Verdict::Accepted | Verdict::NonMember), "{length} bytes: {verdict:?}");
    }
    let other = network.inject(2, sent.from, &sent.bytes);
    assert_eq!(other, Verdict::Forged, "for another receiver");
    assert!(network.is_formed());
}

#[test]
fn what_was_heard_once_is_not_heard_again() {
    let mut network = sealed(4, 5);
    network.run_for(secs(5));
    let (to, now) = (network.hosts[0].address, network.watch.0.len());
    let recorded: Vec<Datagram> =
        network.watch.0[..now].iter().filter(|sent| sent.to == to).cloned().collect();
    let joins = |sent: &&Datagram| sent.bytes[1] & 0x80 == 0;
    let mut heard = BTreeSet::new();
    for sent in recorded.iter().filter(joins) {
        let verdict = network.inject(0, sent.from, &sent.bytes);
        heard.insert(format!("{verdict:?}"));
    }
    // What is 64 datagrams old is opened, and heard as from a non-member.
    assert!(heard.contains("Replayed"), "{heard:?}");
    assert!(!heard.contains("Forged") && !heard.contains("Accepted"), "{heard:?}");
    assert!(network.is_formed());
}

#[test]
fn who_joins_again_opens_no_door_to_what_it_said_before() {
    let mut network = sealed(11, 4);
    // The next period of tokens.
    network.run_for(secs(40));
    network.join(1, &[0]);
    network.run_for(secs(2));
    let (from, to) = (network.hosts[1].address, network.hosts[0].address);
    let said: Vec<Datagram> =
        network.watch.0.iter().filter(|sent| sent.from == from && sent.to == to).cloned().collect();
    let counter = |sent: &Datagram| u32::from_be_bytes(sent.bytes[18..22].try_into().unwrap());
    let join = said.iter().rfind(|sent| sent.bytes[1] & 0x80 != 0).map(counter).unwrap();
    let before: Vec<&Datagram> =
        said.iter().filter(|sent| counter(sent) < join && join - counter(sent) < 32).collect();
    assert!(before.len() > 3, "{} datagrams shortly before it", before.len());
    for sent in before {
        assert_eq!(network.inject(0, from, &sent.bytes), Verdict::Replayed);
    }
}

#[test]
fn a_join_that_is_sent_again_opens_no_door_to_what_followed_it() {
    for wait in [5, 20, 35] {
        let mut network = sealed(12, 4);
        // Within the period of the joins' tokens, or in the next one, in which they are still valid.
        let (from, to) = (network.hosts[1].address, network.hosts[0].address);
        let (id, mut said) = (network.hosts[1].id, 0);
        while said < 80 {
            network.command(1, |node, now, out| node.set_health(now, Health::Degraded, out));
            network.command(1, |node, now, out| node.set_health(now, Health::Healthy, out));
            network.run_for(millis(100));
            said = network.watch.0.iter().filter(|sent| sent.from == from && sent.to == to).count();
        }
        network.run_for(secs(wait));
        assert!(network.hosts[0].node.member(id).is_some());
        let all: Vec<Datagram> =
            network.watch.0.iter().filter(|sent| sent.from == from && sent.to == to).cloned().collect();
        let joins = all.iter().filter(|sent| sent.bytes[1] & 0x80 != 0);
        joins.for_each(|join| _ = network.inject(0, from, &join.bytes));
        let heard = |sent: &&Datagram| sent.bytes[1] & 0x80 == 0;
        let accepted = all.iter().filter(heard).filter(|sent| {
            let counters = |network: &Network<Heap, Recorder>| count(network, 0, "unproven");
            let before = counters(&network);
            let verdict = network.inject(0, from, &sent.bytes);
            verdict == Verdict::Accepted && counters(&network) == before
        });
        assert_eq!(accepted.count(), 0, "after {wait} s");
    }
}

#[test]
fn a_node_restored_from_a_snapshot_is_heard_again_within_a_round_trip() {
    across_seeds(seeds(), |seed| {
        let mut network = sealed(seed, 6);
        network.run_for(secs(5));
        let snapshot = network.hosts[3].node.clone();
        network.run_for(secs(60));
        network.hosts[3].node = snapshot;
        network.run_for(secs(5));
        assert!(network.is_formed(), "{}", network.opinions(3));
        assert_eq!(network.deaths(), []);
        assert!(sum(&network, "unproven") > 0, "nobody took it for old");
    });
}

#[test]
fn a_node_that_restarts_in_the_same_epoch_is_heard() {
    across_seeds(seeds(), |seed| {
        let mut network = sealed(seed, 6);
        network.run_for(secs(60));
        let (address, epoch) = (network.hosts[3].address, network.hosts[3].epoch);
        network.restart_in(3, address, epoch);
        network.join(3, &[0, 1, 2]);
        assert!(network.wait(secs(10), Network::is_formed).is_some(), "{}", network.opinions(3));
        assert!(
            network.hosts[3].node.me().incarnation().epoch > epoch,
            "it counts anew in an epoch that it had"
        );
        network.run_for(secs(30));
        assert!(network.is_formed(), "{}", network.opinions(3));
        assert_eq!(network.deaths(), []);
    });
}

#[test]
fn a_restarted_receiver_hears_its_members() {
    let mut network = sealed(6, 6);
    network.run_for(secs(20));
    let address = network.fresh_address();
    network.restart(2, address);
    network.join(2, &[0, 1]);
    assert!(network.wait(secs(10), Network::is_formed).is_some());
    assert_eq!(network.deaths(), []);
}

/// Every order in which nodes of a cluster can take the steps of a rotation keeps it whole: at any time each is at one of two
/// neighbouring steps.
#[test]
fn a_key_is_changed_step_by_step_and_nobody_notices() {
    across_seeds(seeds(), |seed| {
        let mut network = sealed(seed, 16);
        let mut order: Vec<usize> = (0..16).collect();
        for (step, keys) in [&[1, 2][..], &[2, 1], &[2]].into_iter().enumerate() {
            order.rotate_left(seed as usize % 7 + step);
            for &host in &order {
                assert_eq!(
                    set(&mut network, host, keys, Sealing::Require),
                    Ok(()),
                    "seed {seed}, step {step}"
                );
                network.run_for(millis(30));
            }
            // Until all have heard of the step.
            network.run_for(secs(2));
            assert!(network.is_formed());
        }
        assert_eq!(network.deaths(), []);
        assert_eq!(sum(&network, "forged") + sum(&network, "unknown_keys"), 0);
        let suspected = |(_, event): &&(Instant, Event)| matches!(event, Event::Suspected(_));
        assert_eq!(network.hosts.iter().flat_map(|host| host.events.iter()).filter(suspected).count(), 0);
        let last: Vec<_> = network.watch.0.iter().rev().take(100).map(|sent| sent.bytes[1] & 0x7F).collect();
        assert!(last.iter().all(|&id| id == key(2).id().get()), "{last:?}");
    });
}

#[test]
fn a_cluster_goes_from_clear_to_sealed_and_back_mode_by_mode() {
    let modes =
        [Sealing::Accept, Sealing::Prefer, Sealing::Require, Sealing::Prefer, Sealing::Accept, Sealing::Off];
    across_seeds(seeds(), |seed| {
        let mut network = network(seed, lan(), Recorder::default());
        form(&mut network, seed, 8);
        let mut refused = 0;
        for mode in modes {
            for host in (0..8).map(|n| (n + seed as usize) % 8) {
                assert_eq!(set(&mut network, host, &[1], mode), Ok(()));
                network.run_for(millis(700));
                assert!(network.is_formed(), "{mode:?}");
            }
            network.run_for(secs(5));
            // In a member's name and from its address, as an insider can.
            let clear = datagram(&head(lan()), network.hosts[1].id, &[]);
            let from = network.hosts[1].address;
            let verdict = network.inject(2, from, &clear);
            let requires = mode == Sealing::Require;
            assert_eq!(verdict, if requires { Verdict::NotSealed } else { Verdict::Accepted }, "{mode:?}");
            refused += u64::from(requires);
            assert_eq!((sum(&network, "not_sealed"), sum(&network, "unknown_keys")), (refused, 0));
        }
        assert_eq!(network.deaths(), []);
        assert!(network.watch.0[network.watch.0.len() - 50..].iter().all(|sent| sent.bytes[1] == 0));
    });
}

#[test]
fn a_key_that_members_need_is_not_dropped_unless_forced() {
    let mut network = sealed(7, 5);
    network.run_for(secs(10));
    let refused = set(&mut network, 0, &[2], Sealing::Require);
    assert_eq!(refused, Err(KeyError::InUse { key: key(1).id(), members: 4 }));
    let in_use: Vec<_> = network.hosts[0].node.keys_in_use().collect();
    assert_eq!(in_use, [(key(1).id(), 4)]);
    network.command(0, |node, now, out| node.set_keys(now, ring(&[2]), Sealing::Require, true, out).unwrap());
    assert!(network.hosts[0].node.keys_in_use().eq([(key(2).id(), 0)]));
    let published = format!("require {}", key(1).id());
    let (node, of) = (&network.hosts[1].node, network.hosts[2].id);
    assert_eq!(node.read(of, "gossip.keys", &mut [0; 32]), Some(published.as_bytes()));
    network.run_for(secs(40));
    assert!(network.all_say(0, Status::Dead), "it was cut off");
    let told = |host: usize, n: u8| {
        let events = &network.hosts[host].events;
        events
            .iter()
            .any(|(_, event)| matches!(event, Event::UnknownKey { key: id, .. } if *id == key(n).id().get()))
    };
    assert!(told(0, 1) && (1..5).any(|host| told(host, 2)), "both sides are told");
}

#[test]
fn who_missed_a_rotation_stays_a_member_until_the_old_key_goes() {
    across_seeds(seeds(), |seed| {
        let mut network = sealed(seed, 6);
        for keys in [&[1, 2][..], &[2, 1]] {
            (0..5).for_each(|host| set(&mut network, host, keys, Sealing::Require).unwrap());
            network.run_for(secs(20));
        }
        assert!(network.is_formed(), "{}", network.opinions(5));
        let refused = set(&mut network, 0, &[2], Sealing::Require);
        assert!(matches!(refused, Err(KeyError::InUse { members: 1, .. })), "{refused:?}");
        for host in 0..5 {
            network.command(host, |node, now, out| {
                node.set_keys(now, ring(&[2]), Sealing::Require, true, out).unwrap()
            });
        }
        assert!(network.wait(secs(60), |network| network.all_say(5, Status::Dead)).is_some());
        // With the present keys it is back.
        network.command(5, |node, now, out| {
            node.set_keys(now, ring(&[2]), Sealing::Require, true, out).unwrap()
        });
        assert!(network.wait(secs(60), Network::is_formed).is_some(), "{}", network.opinions(5));
    });
}

#[test]
fn one_nonce_seals_one_text_in_clones_too() {
    let mut network = sealed(8, 4);
    network.run_for(secs(5));
    // A clone of a node, as of a virtual machine, runs on beside it with the same state, and says something else.
    let mut clone = network.hosts[1].node.clone();
    network.command(1, |node, now, out| node.set_health(now, Health::Degraded, out));
    let mut buffer = gossip_core::Buffer::<64, 128, 76_800>::new();
    let mut out = buffer.outbox();
    let mut now = network.now();
    let mut said: Vec<Vec<u8>> = Vec::new();
    let output = clone.set_health(now, Health::Unhealthy, &mut out);
    said.extend(output.packets().map(|packet| packet.bytes.to_vec()));
    for _ in 0..200 {
        now = now + millis(100);
        said.extend(clone.tick(now, &mut out).packets().map(|packet| packet.bytes.to_vec()));
    }
    network.run_for(secs(20));
    let at = network.hosts[1].address;
    let original = network.watch.0.iter().filter(|sent| sent.from == at).map(|sent| sent.bytes.clone());
    let mut texts = std::collections::BTreeMap::new();
    let mut doubled = BTreeSet::new();
    for bytes in original.chain(said) {
        let (nonce, counter) = (bytes[6..30].to_vec(), bytes[14..22].to_vec());
        if let Some(other) = texts.insert(nonce, bytes.clone()) {
            assert_eq!(other, bytes, "a nonce of two texts");
        } else if !doubled.insert(counter) {
            doubled.insert(b"again".to_vec());
        }
    }
    assert!(doubled.contains(&b"again"[..]), "the clones never used one counter");
}

#[test]
fn who_replays_from_elsewhere_draws_no_more_bytes_than_it_sends() {
    let mut network = sealed(9, 4);
    // More datagrams than a window has bits: those before it are opened again, and answered as a non-member's.
    network.run_for(secs(60));
    let (home, to) = (network.hosts[1].address, network.hosts[0].address);
    let recorded: Vec<Datagram> = network.watch.0.clone();
    let victim: SocketAddr = ([10, 9, 9, 9], 9).into();
    let mut answered = 0;
    // From where an attacker wants answers to go.
    for sent in recorded.iter().filter(|sent| sent.from == home && sent.to == to) {
        let before = network.watch.0.len();
        network.inject(0, victim, &sent.bytes);
        let to_victim: usize = network.watch.0[before..]
            .iter()
            .filter(|sent| sent.to == victim)
            .map(|sent| sent.bytes.len())
            .sum();
        assert!(to_victim <= sent.bytes.len(), "{to_victim} bytes for {}", sent.bytes.len());
        answered += usize::from(to_victim > 0);
    }
    assert!(answered > 5, "{answered} were answered");
}

#[test]
fn sealed_nodes_are_told_apart_by_their_own_ids() {
    let mut network = sealed(10, 3);
    let ids: BTreeSet<NodeId> = network.hosts.iter().map(|host| host.id).collect();
    network.run_for(secs(1));
    let sent = latest(&network, 0, 1);
    assert_eq!(sent.bytes[6..14], network.hosts[0].id.as_u64().to_be_bytes());
    assert_eq!(ids.len(), 3);
    assert_eq!(count(&network, 0, "received_clear"), 0);
    assert_eq!(count(&network, 0, "received_sealed"), count(&network, 0, "datagrams_received"));
}
