//! What a member tells all others once: everyone hears it soon, and no one twice.

use crate::support::{Link, Network, Step, Watch, across_seeds, forge, lan, secs, seeds};
use gossip_core::{
    Config, Event, Health, Heap, Incarnation, Inline, InlineState, Instant, Malformed, Memory, NodeId,
    StateError, Terms, Verdict,
};
use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

/// An event: of whom, of which epoch, and which.
type Id = (NodeId, u32, u32);

/// What all hosts heard. No host hears an event twice, not even in two lives.
#[derive(Default)]
struct Ears {
    heard: BTreeMap<Id, Vec<(usize, Instant)>>,
    pairs: HashSet<(usize, Id)>,
    payloads: BTreeMap<Id, Vec<u8>>,
}

impl<M: Memory> Watch<M> for Ears {
    fn after(&mut self, step: &Step<'_, M>) {
        for event in step.output.events() {
            let Event::UserEvent { origin, epoch, sequence, .. } = *event else { continue };
            let id = (origin, epoch, sequence);
            assert!(self.pairs.insert((step.host, id)), "host {} hears {id:?} twice", step.host);
            let payload = step.output.payload(event);
            let said = self.payloads.entry(id).or_insert_with(|| payload.to_vec());
            assert_eq!(said, payload, "{id:?} says the same to all");
            self.heard.entry(id).or_default().push((step.host, step.now));
        }
    }
}

fn restored(seed: u64, nodes: usize, config: Config, link: Link) -> Network<Heap, Ears> {
    let mut network = Network::new(seed, config, move || Heap::for_members(nodes + 8), Ears::default());
    network.set_link(link);
    network.add_restored(nodes);
    // None takes what an earlier life of it may have heard.
    network.run_for(secs(5));
    network
}

fn send<M: Memory>(network: &mut Network<M, Ears>, host: usize, payload: &[u8]) {
    network.command(host, |node, now, out| match node.send_event(now, payload, out) {
        Ok(output) => output,
        Err(error) => panic!("{error}"),
    });
}

/// How many have heard the events with this payload.
fn ears<M: Memory>(network: &Network<M, Ears>, payload: &[u8]) -> usize {
    let Ears { heard, payloads, .. } = &network.watch;
    let ids = payloads.iter().filter(|(_, said)| *said == payload).map(|(id, _)| id);
    ids.map(|id| heard[id].len()).sum()
}

#[test]
fn all_hear_an_event_at_once() {
    across_seeds(seeds(), |seed| {
        let mut network = restored(seed, 200, lan(), Link::PERFECT);
        send(&mut network, 7, b"moved");
        let took = network.wait(secs(5), |network| ears(network, b"moved") == 199);
        assert!(took.is_some_and(|took| took < Duration::from_millis(250)), "seed {seed}: {took:?}");
    });
}

#[test]
fn at_20_percent_loss_each_of_60_hears_each_event_once_within_the_ttl() {
    across_seeds(seeds(), |seed| {
        let link = Link { loss: 0.2, duplication: 0.1, reordering: 0.1, ..Link::PERFECT };
        let mut network = restored(seed, 60, lan(), link);
        let mut sent = vec![];
        for n in 0..60_usize {
            sent.push(network.now());
            send(&mut network, n * 7 % 20, &[n as u8; 200]);
            network.run_for(Duration::from_millis(250));
        }
        network.run_for(secs(30));
        for (n, &at) in sent.iter().enumerate() {
            assert_eq!(ears(&network, &[n as u8; 200]), 59, "seed {seed}: event {n}");
            let id = network.watch.payloads.iter().find(|(_, said)| said[0] == n as u8).map(|(id, _)| id);
            let heard = &network.watch.heard[id.unwrap()];
            let last = heard.iter().map(|(_, heard)| heard.since(at)).max().unwrap();
            assert!(last < secs(5), "seed {seed}: event {n} took {last:?}");
        }
    });
}

#[test]
fn a_burst_of_the_largest_events_reaches_all() {
    across_seeds(seeds(), |seed| {
        let mut network = restored(seed, 60, lan(), Link { loss: 0.1, ..Link::PERFECT });
        (0..8).for_each(|n| send(&mut network, 3, &[n; 512]));
        network.run_for(secs(20));
        for n in 0..8 {
            assert_eq!(ears(&network, &[n; 512]), 59, "seed {seed}: event {n}");
        }
    });
}

#[test]
fn a_node_that_restarts_hears_nothing_again_and_is_heard_again() {
    across_seeds(seeds(), |seed| {
        let link = Link { loss: 0.1, duplication: 0.2, reordering: 0.2, ..Link::PERFECT };
        let mut network = restored(seed, 30, lan(), link);
        for n in 0..20_u8 {
            send(&mut network, usize::from(n % 5), &[n; 40]);
            network.run_for(Duration::from_millis(100));
            let host = 5 + usize::from(n);
            let address = network.hosts[host].address;
            network.restart(host, address);
            network.join(host, &[0, 1, 2]);
            network.run_for(Duration::from_millis(100));
        }
        network.run_for(secs(60));
        let address = network.hosts[0].address;
        network.restart(0, address);
        network.join(0, &[1, 2]);
        network.run_for(secs(1));
        send(&mut network, 0, b"back");
        network.run_for(secs(10));
        assert_eq!(ears(&network, b"back"), 29, "seed {seed}");
    });
}

#[test]
fn datagrams_that_are_replayed_deliver_nothing_again() {
    let mut network = restored(1, 10, lan(), Link::PERFECT);
    let (origin, address) = (network.hosts[1].id, network.hosts[1].address);
    let said = |sequence| {
        let event = forge::user_event(origin, 1_000, sequence, 0, b"old");
        forge::datagram(&forge::head(network.config), origin, &[event])
    };
    let [old, older] = [said(1_000), said(1)];
    network.inject(3, address, &old);
    network.run_for(secs(2));
    assert_eq!(ears(&network, b"old"), 9, "all but who is said to have sent it");
    // As young as when it was new, and after all that is said to be remembered.
    for wait in [1, 10, 100, 1_000] {
        network.run_for(secs(wait));
        (0..10).for_each(|host| _ = network.inject(host, address, &old));
        (0..10).for_each(|host| _ = network.inject(host, address, &older));
    }
    network.run_for(secs(5));
    assert_eq!(ears(&network, b"old"), 9);
    let behind: u64 = network.hosts.iter().map(|host| host.node.metrics().dropped_events_behind).sum();
    assert!(behind > 0, "it was counted");
    // Nor by one that has just restarted, and may have delivered it before.
    let place = network.hosts[3].address;
    network.restart(3, place);
    network.join(3, &[0, 1]);
    network.run_for(secs(3));
    network.inject(3, address, &old);
    assert_eq!(network.hosts[3].node.metrics().dropped_events_before_life, 1);
    assert_eq!(ears(&network, b"old"), 9);
}

#[test]
fn a_node_that_was_paused_hears_what_it_missed_and_nothing_twice() {
    across_seeds(seeds(), |seed| {
        let mut network = restored(seed, 30, lan(), Link { duplication: 0.2, ..Link::PERFECT });
        send(&mut network, 1, b"before");
        network.run_for(Duration::from_millis(15));
        let paused = network.hosts[9].address;
        network.pause(9, secs(8));
        network.run_for(secs(1));
        network.set_cut(move |_, to| to == paused);
        send(&mut network, 2, b"missed");
        network.run_for(secs(6));
        network.set_cut(|_, _| false);
        network.run_for(secs(10));
        assert_eq!(ears(&network, b"before"), 29, "seed {seed}");
        assert_eq!(ears(&network, b"missed"), 29, "seed {seed}");
    });
}

#[test]
fn what_waited_longer_than_the_ttl_in_a_paused_nodes_socket_is_dropped() {
    across_seeds(seeds(), |seed| {
        let mut network = restored(seed, 30, lan(), Link::PERFECT);
        network.pause(9, secs(60));
        send(&mut network, 2, b"long ago");
        network.run_for(secs(90));
        assert_eq!(ears(&network, b"long ago"), 28, "seed {seed}");
        assert!(network.hosts[9].node.metrics().dropped_events_expired > 0, "seed {seed}");
    });
}

#[test]
fn a_flood_of_events_is_bounded_and_counted() {
    let mut network = restored(1, 10, lan(), Link::PERFECT);
    let (sender, address) = (network.hosts[1].id, network.hosts[1].address);
    let ids: Vec<NodeId> = network.hosts.iter().map(|host| host.id).collect();
    let sample = forge::head(network.config);
    let sent = |network: &Network<Heap, Ears>| -> u64 {
        network.hosts.iter().map(|host| host.node.metrics().bytes_of_events).sum()
    };
    let (before, start) = (sent(&network), network.now());
    for n in 0..2_000_u32 {
        let origin = ids[1 + n as usize % 9];
        let events = [forge::user_event(origin, 1_000, n + 1, 0, &[7; 400])];
        network.inject(0, address, &forge::datagram(&sample, sender, &events));
        network.run_for(Duration::from_millis(10));
    }
    let time = network.now().since(start).as_secs();
    let metrics = *network.hosts[0].node.metrics();
    let most = 16 * 1_024 + (time + 1) * 2_048;
    assert!(metrics.events_delivered * 425 <= most, "{} events in {time} s", metrics.events_delivered);
    assert!(metrics.events_delivered > most / 2 / 425, "what is bounded is not refused: {metrics:?}");
    assert_eq!(metrics.dropped_events_over_rate + metrics.events_delivered, 2_000);
    // The burst of that is eight datagrams.
    let told = (sent(&network) - before) / 10;
    assert!(told < time * 8_000 + 8 * 1_200, "all keep to the budget for state: {told} bytes in {time} s");
    // Of nodes that are no members nothing is taken at all.
    let non_member = forge::user_event(forge::id(77), 1, 1, 0, b"");
    network.inject(0, address, &forge::datagram(&sample, sender, &[non_member]));
    assert_eq!(network.hosts[0].node.metrics().dropped_events_unknown, 1);
}

#[test]
fn neither_events_nor_kept_state_keep_the_other_out_of_the_budget() {
    across_seeds(0..3, |seed| {
        let mut network = restored(seed, 40, lan(), Link::PERFECT);
        let mut sent = vec![];
        for n in 0..20_u8 {
            // More state than the budget takes.
            for host in 0..40 {
                network.command(host, |node, now, out| {
                    match node.publish(now, "load", &[n; 300], Terms::default(), out) {
                        Ok(output) => output,
                        Err(error) => panic!("{error}"),
                    }
                });
            }
            let at = network.now();
            send(&mut network, usize::from(n) % 7, &[n; 512]);
            sent.push((n, at));
            network.run_for(secs(1));
        }
        network.run_for(secs(10));
        for (n, at) in sent {
            let id = network.watch.payloads.iter().find(|(_, said)| said[0] == n).map(|(id, _)| id);
            let heard = id.map(|id| &network.watch.heard[id]);
            let last = heard.and_then(|heard| heard.iter().map(|(_, heard)| heard.since(at)).max());
            assert_eq!(heard.map(Vec::len), Some(39), "seed {seed}: event {n}");
            assert!(last < Some(secs(10)), "seed {seed}: event {n} took {last:?}");
        }
        let mut space = [0; 512];
        let is_known = |host: usize, of: usize, space: &mut [u8]| {
            network.hosts[host].node.read(network.hosts[of].id, "load", space) == Some(&[19; 300][..])
        };
        let known = (0..40 * 40).filter(|pair| is_known(pair / 40, pair % 40, &mut space)).count();
        assert_eq!(known, 40 * 40, "seed {seed}");
    });
}

#[test]
fn a_storm_of_changes_delays_events_and_loses_none() {
    across_seeds(0..2, |seed| {
        let mut network = restored(seed, 40, lan(), Link::PERFECT);
        let mut sent = vec![];
        for n in 0..150_usize {
            // 200 changes a second, of which the budget tells 22 to all.
            for host in 0..40 {
                let health = [Health::Degraded, Health::Healthy][n % 2];
                network.command(host, |node, now, out| node.set_health(now, health, out));
            }
            if n % 10 == 0 {
                sent.push((n as u8, network.now()));
                send(&mut network, n % 7, &[n as u8; 512]);
            }
            network.run_for(Duration::from_millis(200));
        }
        network.run_for(secs(10));
        for (n, at) in sent {
            let id = network.watch.payloads.iter().find(|(_, said)| said[0] == n).map(|(id, _)| id);
            let heard = id.map(|id| &network.watch.heard[id]);
            assert_eq!(heard.map(Vec::len), Some(39), "seed {seed}: event {n}");
            let last = heard.and_then(|heard| heard.iter().map(|(_, heard)| heard.since(at)).max());
            assert!(last < Some(secs(15)), "seed {seed}: event {n} took {last:?}");
        }
    });
}

#[test]
fn members_hear_events_while_three_times_as_many_nodes_join() {
    across_seeds(0..2, |seed| {
        let link = Link { loss: 0.05, ..Link::PERFECT };
        let mut network = Network::new(seed, lan(), || Heap::for_members(400), Ears::default());
        network.set_link(link);
        network.add_restored(60);
        network.run_for(secs(5));
        network.add_joined(180);
        for n in 0..12_usize {
            send(&mut network, n, &[n as u8; 512]);
            network.run_for(Duration::from_millis(333));
        }
        network.run_for(secs(5));
        for n in 0..12 {
            let id = network.watch.payloads.iter().find(|(_, said)| said[0] == n).map(|(id, _)| id);
            let heard = &network.watch.heard[id.unwrap()];
            let members = heard.iter().filter(|&&(host, _)| host < 60).count();
            assert_eq!(members, 59, "seed {seed}: event {n}");
        }
    });
}

#[test]
fn what_breaks_a_limit_is_refused_and_says_which() {
    let mut network = restored(1, 2, lan(), Link::PERFECT);
    let mut buffer = gossip_core::Buffer::<8, 128, 9_600>::new();
    let mut out = buffer.outbox();
    let now = network.now();
    let mut sent =
        |now: Instant, payload: &[u8]| network.hosts[0].node.send_event(now, payload, &mut out).map(|_| ());
    assert_eq!(sent(now, &[0; 513]), Err(StateError::EventTooLarge { most: 512 }));
    for _ in 0..8 {
        assert_eq!(sent(now, b"in a burst"), Ok(()));
    }
    assert_eq!(sent(now, b"one more"), Err(StateError::Busy { wait: secs(1) }));
    let later = now + Duration::from_millis(300);
    assert_eq!(sent(later, b"one more"), Err(StateError::Busy { wait: Duration::from_millis(700) }));
    assert_eq!(sent(now + secs(1), b"one more"), Ok(()));
    let _ = network.hosts[0].node.leave(now + secs(1), &mut out);
    let left = network.hosts[0].node.send_event(now + secs(9), b"", &mut out).map(|_| ());
    assert_eq!(left, Err(StateError::Inactive));
}

#[test]
fn an_origin_without_a_place_is_not_heard_and_counted() {
    type Small = Inline<32, 16, InlineState<32, 32, 16>>;
    let memory = || Small::with_state(InlineState::new());
    let mut network: Network<Small, Ears> = Network::new(1, lan(), memory, Ears::default());
    network.add_restored(24);
    network.run_for(secs(5));
    let (sender, address, sample) =
        (network.hosts[1].id, network.hosts[1].address, forge::head(network.config));
    for host in 2..20 {
        let event = forge::user_event(network.hosts[host].id, 1_000, 1, 0, b"");
        network.inject(0, address, &forge::datagram(&sample, sender, &[event]));
    }
    let metrics = network.hosts[0].node.metrics();
    assert_eq!((metrics.events_delivered, metrics.dropped_events_crowded), (16, 2));
}

#[test]
fn an_event_forged_in_a_members_name_keeps_none_of_its_later_ones_out() {
    let mut network = restored(1, 10, lan(), Link::LAN);
    network.run_for(secs(5));
    let (forger, address, sample) =
        (network.hosts[2].id, network.hosts[2].address, forge::head(network.config));
    let (origin, epoch) = (network.hosts[1].id, network.hosts[1].epoch);
    let forge = |network: &mut Network<Heap, Ears>, epoch, number| {
        let event = forge::user_event(origin, epoch, number, 0, b"forged");
        network.inject(0, address, &forge::datagram(&sample, forger, &[event]));
    };
    // Of an epoch that is not known, it is not taken.
    for beyond in [epoch + 1, Incarnation::MAX_EPOCH] {
        forge(&mut network, beyond, 1);
    }
    assert_eq!(network.hosts[0].node.metrics().dropped_events_unknown, 2);
    // With a number ahead it is, and its origin hears of it.
    for number in [1, 70, Incarnation::MAX_COUNT] {
        forge(&mut network, epoch, number);
        network.run_for(secs(2));
        let said = format!("after {number}");
        send(&mut network, 1, said.as_bytes());
        network.run_for(secs(2));
        assert_eq!(ears(&network, said.as_bytes()), 9, "{said}");
    }
    // That was the last number: what came after it is of the next epoch.
    assert_eq!(network.hosts[1].node.me().incarnation().epoch, epoch + 1);
    // Such events, and those with numbers above, are then of an epoch that is past.
    forge(&mut network, epoch, Incarnation::MAX_COUNT);
    send(&mut network, 1, b"in the end");
    network.run_for(secs(2));
    assert_eq!(ears(&network, b"in the end"), 9);
}

#[test]
fn an_event_with_a_number_that_no_event_has_is_malformed() {
    let mut network = restored(1, 3, lan(), Link::PERFECT);
    let (liar, sample) = (network.hosts[1].id, forge::head(network.config));
    let (address, epoch) = (network.hosts[1].address, network.hosts[1].epoch);
    for number in [0, Incarnation::MAX_COUNT + 1, u32::MAX] {
        let event = forge::user_event(liar, epoch, number, 0, b"");
        let verdict = network.inject(0, address, &forge::datagram(&sample, liar, &[event]));
        assert_eq!(verdict, Verdict::Malformed(Malformed::Value), "{number}");
    }
}

#[test]
fn a_quiet_cluster_sends_nothing_of_events() {
    let mut network = restored(1, 30, lan(), Link::PERFECT);
    send(&mut network, 3, b"once");
    network.run_for(secs(30));
    let sent = |network: &Network<Heap, Ears>| -> u64 {
        let bytes = network.hosts.iter().map(|host| {
            let metrics = host.node.metrics();
            metrics.bytes_of_events + metrics.event_wants_sent
        });
        bytes.sum()
    };
    let before = sent(&network);
    network.run_for(secs(300));
    assert_eq!(sent(&network), before);
}

#[test]
fn nodes_without_an_allocator_take_part_if_they_have_memory_for_it() {
    type Small = Inline<8, 16, InlineState<8, 8, 16>>;
    let memory = || Small::with_state(InlineState::new());
    let mut network: Network<Small, Ears> = Network::new(1, lan(), memory, Ears::default());
    network.add_restored(5);
    network.run_for(secs(5));
    for n in 0..4 {
        send(&mut network, n, &[n as u8; 512]);
        network.run_for(Duration::from_millis(500));
    }
    network.run_for(secs(10));
    for n in 0..4 {
        assert_eq!(ears(&network, &[n; 512]), 4, "event {n}");
    }
    // Three do not fit 1,024 bytes.
    (0..3).for_each(|n| send(&mut network, 4, &[n; 400]));
    assert_eq!(network.hosts[4].node.metrics().events_displaced, 1);
    let mut network: Network<Inline<8>, Ears> = Network::new(1, lan(), Inline::new, Ears::default());
    network.add_restored(2);
    let mut buffer = gossip_core::Buffer::<8, 128, 9_600>::new();
    let now = network.now();
    let refused = network.hosts[0].node.send_event(now, b"", &mut buffer.outbox()).map(|_| ());
    assert_eq!(refused, Err(StateError::NoMemory));
}
