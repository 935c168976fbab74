//! Corners: limits, ends of ranges, rare orders of events, and clusters of which little is left.

#![allow(clippy::expect_used, reason = "functions of tests")]

use crate::support::{
    self, Link, Network, Recorder, across_seeds, cluster,
    forge::{datagram, ping, record},
    formed, lan, millis, secs, seeds,
};
use gossip_core::{
    Buffer, Config, ConfigError, Event, Heap, Identity, Incarnation, Inline, Instant, Locality, Memory, Node,
    NodeId, Record, Status, Verdict, Versions,
};
use std::{net::SocketAddr, time::Duration};

fn identity(name: &str, last: u8) -> Identity {
    let address = ([10, 9, 0, last], 7_946).into();
    Identity { id: support::id(name), epoch: 1_000, address, locality: Locality::default() }
}

fn node(config: Config, now: Instant) -> Node<Heap> {
    Node::new(config, identity("me", 1), [7; 32], Heap::for_members(16), now).expect("a good start")
}

#[test]
fn a_minority_cut_off_once_before_declares_nobody_the_second_time() {
    let mut network = formed(1, 6, lan(), ());
    let minority: Vec<SocketAddr> = network.hosts[..2].iter().map(|host| host.address).collect();
    network.run_for(secs(20));
    let ids: Vec<NodeId> = network.hosts[..2].iter().map(|host| host.id).collect();
    for time in 1..=2 {
        let inside = minority.clone();
        network.set_cut(move |from, to| inside.contains(&from) != inside.contains(&to));
        network.run_for(secs(90));
        let held: u64 = network.hosts[..2].iter().map(|h| h.node.metrics().deaths_withheld).sum();
        let by_minority = network.deaths().into_iter().filter(|(by, _, _)| ids.contains(by)).count();
        assert_eq!(by_minority, 0, "partition {time}: the minority buried the majority after {held} holds");
        assert!(held > 0, "partition {time}: nothing was held");
        network.set_cut(|_, _| false);
        assert!(network.wait(secs(60), Network::is_formed).is_some(), "partition {time} did not heal");
        network.run_for(secs(1_000));
    }
}

#[test]
fn restoring_one_id_twice_leaves_a_sound_table() {
    let config = lan().with(|c| c.tombstone_ttl = secs(60));
    let mut buffer = Buffer::<16, 128, 19_200>::new();
    let mut out = buffer.outbox();
    let mut node = node(config, Instant::ZERO);
    let old = Record::new(identity("other", 2), Versions::OURS);
    let dead = old.with_status(Status::Dead);
    let new = old.with_incarnation(Incarnation { epoch: 2_000, refutation: 0 });
    let _ = node.restore(Instant::ZERO, &[dead, new], &mut out);
    assert_eq!(node.member(old.id()).unwrap().status(), Status::Alive);
    let now = Instant::ZERO;
    let config = lan().with(|c| {
        c.tombstone_ttl = secs(60);
        c.max_tombstones = 1;
    });
    let _ = node.reconfigure(now, config, &mut out);
    let third = Record::new(identity("third", 3), Versions::OURS).with_status(Status::Dead);
    let _ = node.restore(now, &[third], &mut out);
    let _ = node.tick(now, &mut out);
    assert_eq!(
        node.member(old.id()).map(|m| m.record().incarnation().epoch),
        Some(2_000),
        "a live member was forgotten"
    );
}

#[test]
fn a_state_version_at_its_limit_does_not_mute_its_owner() {
    let mut network = formed(1, 3, lan(), Recorder::default());
    let bytes = network.watch.0[0].bytes.clone();
    let me = network.hosts[0].node.me();
    let word = me.with_state(Incarnation::MAX_COUNT, me.health(), 0);
    let from = &network.hosts[1];
    let (id, address) = (from.id, from.address);
    let forged = datagram(&bytes, id, &[(32, record(&word, 0))]);
    assert_eq!(network.inject(0, address, &forged), Verdict::Accepted);
    let before: u64 = network.hosts.iter().map(|host| host.node.metrics().malformed).sum();
    network.run_for(secs(10));
    let after: u64 = network.hosts.iter().map(|host| host.node.metrics().malformed).sum();
    assert_eq!(after, before, "the others refuse what host 0 says now: {:?}", network.hosts[0].node.me());
}

#[test]
fn the_last_of_three_notices_that_both_others_are_gone() {
    let mut network = formed(1, 3, lan(), ());
    network.run_for(secs(30));
    network.crash(1);
    network.crash(2);
    network.run_for(secs(3_600));
    let statuses: Vec<_> = network.hosts[0].node.members().map(|member| member.status()).collect();
    assert_eq!(statuses, [Status::Dead, Status::Dead], "an hour after both crashed");
}

#[test]
fn two_pings_in_a_datagram_get_no_more_bytes_than_they_had() {
    let mut network = formed(1, 3, lan(), Recorder::default());
    network.run_for(secs(20));
    let bytes = network.watch.0[0].bytes.clone();
    let (me, member) = (network.hosts[0].id, network.hosts[1].id);
    let forged = datagram(&bytes, member, &[ping(8, me), ping(16, me)]);
    let victim: SocketAddr = ([192, 0, 2, 1], 53).into();
    network.watch.0.clear();
    network.inject(0, victim, &forged);
    let answered: usize = network.watch.0.iter().filter(|d| d.to == victim).map(|d| d.bytes.len()).sum();
    assert!(answered <= forged.len(), "{} bytes drew {answered} to an unproven address", forged.len());
}

#[test]
fn an_outbox_too_small_for_its_configuration_is_refused_at_the_start() {
    let mut small = Buffer::<2, 47, 800>::new();
    let refused = small.outbox_for(&lan()).map(drop).unwrap_err();
    assert_eq!(refused, ConfigError::Outbox { events: 104, bytes: 1_200 });
    assert!(small.outbox_for(&lan().with(|c| c.max_datagram = 400)).is_ok(), "what it suffices for");
    // What it asks for is enough.
    assert!(Buffer::<2, 104, 1_200>::new().outbox_for(&lan()).is_ok());
    assert!(Buffer::<2, 94, 1_200>::new().outbox_for(&lan()).is_err());
}

#[test]
fn an_outbox_without_room_for_a_datagram_is_refused_and_changes_nothing() {
    let mut node = node(lan(), Instant::ZERO);
    let mut small = Buffer::<2, 47, 800>::new();
    let mut out = small.outbox();
    let output = node.join(Instant::ZERO, &[([10, 9, 0, 2], 7_946).into()], &mut out);
    assert_eq!((output.verdict, output.packets().len()), (Verdict::OutboxTooSmall, 0));
    assert!(output.next_tick > Instant::ZERO, "the host would spin");
    let mut large = Buffer::<16, 128, 19_200>::new();
    let mut out = large.outbox();
    let output = node.tick(output.next_tick, &mut out);
    assert_eq!(output.events(), [Event::Joined], "it began to join");
}

#[test]
fn the_longest_pause_can_be_announced() {
    let mut buffer = Buffer::<16, 128, 19_200>::new();
    let mut out = buffer.outbox();
    let mut node = node(lan(), Instant::ZERO);
    let _ = node.announce_pause(Instant::ZERO, Duration::MAX, &mut out);
    assert_eq!(node.me().pause(), secs(255));
}

#[test]
fn the_smallest_memory_and_outbox_never_spin() {
    across_seeds(0..20, |seed| {
        let config = lan().with(|c| {
            c.max_datagram = 400;
            c.tombstone_ttl = secs(60);
        });
        let mut network: Network<Inline<2, 1>> = Network::new(seed, config, Inline::new, ());
        network.lend(Buffer::<2, 47, 800>::new());
        network.set_link(Link { loss: 0.2, duplication: 0.2, reordering: 0.3, ..Link::LAN });
        network.add_joined(6);
        network.run_for(secs(60));
        network.crash(3);
        network.pause(1, secs(3));
        network.run_for(secs(60));
        let address = network.fresh_address();
        network.restart(3, address);
        network.join(3, &[0]);
        network.leave(4);
        network.run_for(secs(400));
    });
}

#[test]
fn a_small_outbox_in_a_large_cluster_never_spins() {
    across_seeds(0..5, |seed| {
        let config = lan().with(|c| {
            c.max_datagram = 400;
            c.tombstone_ttl = secs(60);
        });
        let mut network: Network<Heap> = Network::new(seed, config, || Heap::for_members(64), ());
        network.lend(Buffer::<2, 47, 800>::new());
        network.add_joined(40);
        network.run_for(secs(60));
        for host in 10..35 {
            network.crash(host);
        }
        network.run_for(secs(600));
        for host in 10..35 {
            let address = network.fresh_address();
            network.restart(host, address);
            network.join(host, &[0, 1]);
        }
        let took = network.wait(secs(300), Network::is_formed);
        assert!(took.is_some(), "seed {seed}");
    });
}

#[test]
fn a_tick_at_the_end_of_time_is_the_last() {
    let mut buffer = Buffer::<16, 128, 19_200>::new();
    let mut out = buffer.outbox();
    let mut node = node(lan(), Instant::ZERO);
    let other = Record::new(identity("other", 2), Versions::OURS);
    let _ = node.restore(Instant::ZERO, &[other], &mut out);
    for now in [u64::MAX - 5_000_000, u64::MAX - 1_000, u64::MAX - 1, u64::MAX].map(Instant::from_micros) {
        for _ in 0..1_000 {
            let _ = node.tick(now, &mut out);
        }
        assert!(node.next_tick() > now || now == Instant::NEVER, "{now:?}");
    }
}

#[test]
fn a_slow_driver_with_a_small_own_pause_still_detects_crashes() {
    let config = lan().with(|c| c.local_pause = millis(10));
    let mut network = formed(1, 4, config, ());
    for host in &mut network.hosts {
        host.tick_grid = Some(millis(80));
    }
    network.crash(3);
    let took = network.wait(secs(300), |n| n.all_say(3, Status::Dead));
    assert!(took.is_some(), "{}", network.opinions(3));
}

#[test]
fn tombstones_that_a_slow_prober_would_outlive_are_refused() {
    let config = lan().with(|c| {
        c.probe_interval = secs(60);
        c.tombstone_ttl = secs(60);
    });
    let refused = ConfigError::Order { smaller: "40 * probe_interval", larger: "tombstone_ttl" };
    assert_eq!(config.validate(), Err(refused));
}

#[test]
fn time_between_construction_and_the_first_step_is_no_pause() {
    let mut buffer = Buffer::<16, 128, 19_200>::new();
    let mut out = buffer.outbox();
    let mut node = node(lan(), Instant::ZERO);
    let output = node.join(Instant::ZERO + secs(5), &[([10, 0, 0, 1], 1).into()], &mut out);
    assert_eq!(output.events(), []);
    let _ = cluster("x");
}

#[test]
fn a_join_that_nobody_can_answer_does_not_leave_the_node_unjoined() {
    let mut buffer = Buffer::<16, 128, 19_200>::new();
    let mut out = buffer.outbox();
    let mut node = node(lan(), Instant::ZERO);
    let me = node.me().address();
    let _ = node.join(Instant::ZERO, &[([10, 0, 0, 1], 1).into()], &mut out);
    let _ = node.join(Instant::ZERO, &[me], &mut out);
    assert!(node.is_joined(), "asks nobody, for ever");
}

#[test]
fn an_own_pause_is_no_round_trip() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 2, lan().with(|c| c.probe_interval = millis(100)), ());
        network.run_for(secs(20));
        // The ack of a ping under way waits in the queue of the socket.
        for i in 0..20 {
            network.run_for(millis(500 + 13 * i));
            network.pause(0, secs(2));
            network.run_for(secs(3));
        }
        let slow: u32 = network.hosts[0].node.metrics().rtt_us.buckets()[20..].iter().sum();
        assert_eq!(slow, 0, "seed {seed}: round trips of a second on a link of 3 ms");
    });
}

#[test]
fn a_new_life_is_not_accused_for_the_silence_of_the_one_before() {
    let (mut accused, mut deaths) = (0, 0);
    across_seeds(0..200, |seed| {
        let mut network = formed(seed, 4, lan(), ());
        network.run_for(millis(5_000 + 37 * seed));
        network.crash(3);
        network.run_for(millis(100 + 5 * seed));
        let address = network.fresh_address();
        network.restart(3, address);
        network.join(3, &[0]);
        let epoch = network.hosts[3].epoch;
        network.run_for(secs(10));
        let me = network.hosts[3].node.me();
        accused += u32::from(me.incarnation().epoch == epoch && me.incarnation().refutation > 0);
        deaths += network.deaths().len();
    });
    assert_eq!((accused, deaths), (0, 0), "of 200 restarts had to refute in their new life");
}

/// Whom the first of three members, cut off from the rest for 5 min, declares dead beyond the cut.
fn buried_by_an_island_of_three<M: Memory>(mut network: Network<M>) -> usize {
    network.run_for(secs(60));
    let inside: Vec<SocketAddr> = network.hosts[..3].iter().map(|host| host.address).collect();
    let ids: Vec<NodeId> = network.hosts[..3].iter().map(|host| host.id).collect();
    network.set_cut(move |from, to| inside.contains(&from) != inside.contains(&to));
    network.run_for(secs(300));
    network.deaths().iter().filter(|(by, victim, _)| *by == ids[0] && !ids.contains(victim)).count()
}

fn inline<const SUSPECTS: usize>() -> Network<Inline<64, SUSPECTS>> {
    let mut network = Network::new(1, lan(), Inline::new, ());
    support::form(&mut network, 1, 12);
    network
}

/// A node that is cut off from most of the cluster declares no one until its quarantine is exhausted, by default for 7 minutes.
#[test]
fn a_small_island_declares_nobody_beyond_it() {
    assert_eq!(buried_by_an_island_of_three(formed(1, 40, lan(), ())), 0, "of 37");
    assert_eq!(buried_by_an_island_of_three(inline::<16>()), 0, "of 9");
}

#[test]
fn an_island_whose_pool_is_full_buries_nobody() {
    assert_eq!(buried_by_an_island_of_three(inline::<4>()), 0, "of 9");
}

/// Two machines under one name: both end, and the rest of the cluster settles.
#[test]
fn duplicates_settle() {
    across_seeds(0..10, |seed| {
        let mut network = formed(seed, 5, lan(), ());
        let duplicate = network.add("node-1");
        network.join(duplicate, &[0]);
        network.run_for(secs(400));
        let told = |n: &Network<Heap>, h: usize| n.hosts[h].has_told(Event::DuplicateId);
        let lives = |h: usize| {
            (
                network.hosts[h].node.me(),
                network.hosts[h]
                    .events
                    .iter()
                    .filter(|e| {
                        matches!(
                            e.1,
                            Event::EpochBumped { .. }
                                | Event::DuplicateId
                                | Event::Joined
                                | Event::Conflict(_)
                        )
                    })
                    .copied()
                    .collect::<Vec<_>>(),
            )
        };
        assert!(
            told(&network, 1) || told(&network, duplicate),
            "seed {seed}: no duplicate noticed: {:?} {:?} {}",
            lives(1),
            lives(duplicate),
            network.opinions(1)
        );
        network.run_for(secs(100));
        let deaths: Vec<_> = network.deaths().into_iter().filter(|d| d.1 != network.hosts[1].id).collect();
        assert_eq!(deaths, [], "seed {seed}");
    });
}

/// 50 days: stamps wrap at 49.7 days, and look like the future after 24.8.
#[test]
fn fifty_days_change_nothing() {
    let config = lan().with(|c| {
        c.probe_interval = secs(60);
        c.gossip_interval = secs(1);
    });
    let mut network = formed(1, 4, config, ());
    for day in 0..52 {
        network.run_for(secs(86_400));
        assert!(network.is_formed(), "day {day}");
    }
    assert_eq!(network.deaths(), []);
    network.crash(3);
    assert!(network.wait(secs(3_600), |n| n.all_say(3, Status::Dead)).is_some());
    for day in 0..52 {
        network.run_for(secs(86_400));
        let members = network.hosts[0].node.members().len();
        if day > 1 {
            assert_eq!(members, 2, "day {day}: the tombstone is still there");
        }
    }
}

/// A member that no one can tell a change to by rumor learns of it all the same, however slow probing is.
#[test]
fn slow_probing_repairs_what_push_missed() {
    let config = lan().with(|c| c.probe_interval = secs(20));
    let mut network = formed(1, 6, config, ());
    let last = network.hosts[5].address;
    network.set_cut(move |from, to| from == last || to == last);
    network.command(0, |node, now, out| node.set_health(now, gossip_core::Health::Degraded, out));
    network.run_for(secs(8));
    network.set_cut(|_, _| false);
    let took = network.wait(secs(7_200), Network::is_formed);
    assert!(took.is_some_and(|took| took < secs(300)), "{took:?}");
}

/// Joins under heavy loss, through a seed that dies, and over the admission rate.
#[test]
fn every_join_ends() {
    across_seeds(0..15, |seed| {
        let config = lan().with(|c| {
            c.admissions_per_second = 2;
            c.non_members_per_second = 20;
        });
        let mut network: Network<Heap> = Network::new(seed, config, || Heap::for_members(256), ());
        network.add_restored(100);
        network.set_link(Link { loss: 0.4, duplication: 0.2, reordering: 0.3, ..Link::LAN });
        network.run_for(secs(5));
        for i in 0..30 {
            let host = network.add(&format!("joiner-{i}"));
            network.join(host, &[0, 1, 2]);
        }
        network.run_for(millis(300 + 50 * seed));
        network.crash(0);
        let took = network.wait(secs(600), |n| n.running().all(|h| h.node.is_joined()));
        let all = network.wait(secs(600), |n| {
            let count = n.running().count() - 1;
            n.running().all(|h| h.node.members().filter(|m| m.status().is_live()).count() == count)
        });
        assert!(took.is_some() && all.is_some(), "seed {seed}: {took:?} {all:?}");
    });
}

/// How long survivors of a simultaneous crash hold the dead for alive.
#[test]
fn survivors_notice_in_the_end() {
    let mut late = Vec::new();
    for (n, crashed) in [(4, 2), (5, 2), (5, 3), (8, 4), (8, 6), (10, 9), (4, 3)] {
        let mut network = formed(1, n, lan(), ());
        network.run_for(secs(30));
        for host in n - crashed..n {
            network.crash(host);
        }
        let noticed = |n: &Network<Heap>| {
            n.running().all(|h| {
                h.node.members().all(|m| m.status() == Status::Dead || n.running().any(|r| r.id == m.id()))
            })
        };
        let took = network.wait(secs(3_600), noticed);
        if took.is_none() {
            late.push((n, crashed));
        }
    }
    assert_eq!(late, [], "(nodes, crashed together): not noticed within an hour");
}

/// One life that is declared dead on both sides of a long partition, and its seeds.
#[test]
fn sides_that_buried_each_other_find_each_other_again() {
    let config = lan().with(|c| c.quarantine = secs(10));
    let mut network: Network<Heap> = Network::new(1, config, || Heap::for_members(64), ());
    network.add_joined(8);
    network.run_for(secs(30));
    let left: Vec<SocketAddr> = network.hosts[..4].iter().map(|h| h.address).collect();
    network.set_cut(move |from, to| left.contains(&from) != left.contains(&to));
    network.run_for(secs(300));
    network.set_cut(|_, _| false);
    let took = network.wait(secs(3_600), Network::is_formed);
    assert!(took.is_some(), "an hour after the partition ended");
}

/// One crash in a small cluster while datagrams are lost: an accusation that got lost must be said again.
#[test]
fn a_crash_in_a_small_lossy_cluster_is_always_noticed() {
    let mut missed = Vec::new();
    for n in [3, 4, 5] {
        across_seeds(0..1_000, |seed| {
            let mut network = formed(seed, n, lan(), ());
            network.set_link(Link { loss: 0.3, ..Link::LAN });
            network.crash(n - 1);
            if network.wait(secs(300), |net| net.all_say(n - 1, Status::Dead)).is_none() {
                missed.push((n, seed));
            }
        });
    }
    assert_eq!(missed, [], "(nodes, seed): not dead after 5 min at 30 % loss, {} of 3,000", missed.len());
}

/// What is learned late counts from the death all the same: a tombstone is gone once its time is over.
#[test]
fn a_tombstone_learned_late_is_forgotten_in_time() {
    let config = lan().with(|c| c.tombstone_ttl = secs(600));
    let mut network = formed(1, 6, config, ());
    network.crash(5);
    assert!(network.wait(secs(60), |n| n.all_say(5, Status::Dead)).is_some());
    let died = network.now();
    let old = network.hosts[5].id;
    network.run_for(secs(290));
    // A newcomer: hears of a fresh death first, and of the old one (in a fetch) at about the same time.
    network.crash(4);
    network.run_for(secs(20));
    let late = network.add("late");
    network.join(late, &[0]);
    network.run_for(secs(290) + secs(15));
    let age = network.now().since(died);
    let keeps: Vec<_> = network.running().filter(|h| h.node.member(old).is_some()).map(|h| h.id).collect();
    assert!(keeps.is_empty(), "{age:?} after the death, of a ttl of 600 s, kept by {keeps:?}");
}

#[test]
fn a_leaver_with_no_room_for_tombstones_does_not_forget_itself() {
    across_seeds(0..20, |seed| {
        let mut network = formed(seed, 6, lan().with(|c| c.max_tombstones = 1), ());
        network.crash(4);
        network.crash(5);
        // One of the two tombstones may be forgotten for the other before all have heard of both.
        let live = |h: &support::Host<_>| h.node.members().filter(|m| m.status().is_live()).count();
        assert!(network.wait(secs(60), |n| n.running().all(|h| live(h) == 3)).is_some());
        network.leave(0);
        let done = network.wait(secs(10), |n| n.hosts[0].left().is_some());
        assert!(done.is_some(), "seed {seed}");
        let me = network.hosts[0].node.me();
        assert_eq!((me.id(), me.status()), (network.hosts[0].id, Status::Left), "seed {seed}");
    });
}

#[test]
fn pages_that_lead_nowhere_do_not_keep_a_joiner_busy() {
    let mut buffer = Buffer::<16, 128, 19_200>::new();
    let mut out = buffer.outbox();
    let mut node = node(lan(), Instant::ZERO);
    let (seed, sender) = (([10, 0, 0, 1], 1).into(), support::id("seed"));
    let mut asked: Vec<Vec<u8>> = vec![];
    let take =
        |output: gossip_core::Output<'_>| output.packets().map(|p| p.bytes.to_vec()).collect::<Vec<_>>();
    let joins = take(node.join(Instant::ZERO, &[seed], &mut out));
    let welcome = (8, [&joins[0][25..29], &50u32.to_be_bytes()].concat());
    let mut welcome = datagram(&joins[0], sender, &[welcome]);
    asked.extend(take(node.handle_datagram(Instant::ZERO, seed, &mut welcome, &mut out)));
    let mut last = 0;
    for ms in 1..30_000 {
        let now = Instant::from_millis(ms);
        for fetch in std::mem::take(&mut asked).iter().filter(|bytes| bytes.get(22) == Some(&10)) {
            last = ms;
            // From the start to the start, and not the last.
            let page = (11, [&fetch[25..29], &[0; 25]].concat());
            let mut pages = datagram(fetch, sender, &[page]);
            for _ in 0..4 {
                asked.extend(take(node.handle_datagram(now, seed, &mut pages.clone(), &mut out)));
            }
            pages.clear();
        }
        asked.extend(take(node.tick(now, &mut out)));
    }
    assert!((1..10_000).contains(&last), "still fetching after {last} ms");
}
