//! What a cluster promises against datagrams that no member of it just sent: old ones, strange ones,
//! forged ones, and those of a second node under one name.

use crate::support::{
    self, Datagram, Network, Recorder, Rng, Step, Watch, across_seeds, cluster,
    forge::{self, datagram, head},
    formed, lan, millis, network, secs, seeds,
};
use gossip_core::{
    Buffer, Config, ConfigError, Event, Fingerprint, Health, Heap, Identity, Instant, Locality, Malformed,
    Memory, Node, NodeId, Reachability, Record, Status, Verdict,
};
use std::{collections::BTreeMap, net::SocketAddr};

/// Everything about a node that only its members may change.
fn state<M: Memory>(node: &Node<M>) -> (Vec<(Record, Reachability)>, Fingerprint, Record) {
    let members = node.members().map(|member| (*member.record(), member.reachability())).collect();
    (members, node.fingerprint(), node.me())
}

/// No one heard of the victim's death being undone.
fn assert_stays(network: &Network<Heap, Recorder>, victim: usize, status: Status, seed: u64) {
    let id = network.hosts[victim].id;
    for host in network.running() {
        let now = host.node.member(id).map(|member| member.status());
        assert_eq!(now, Some(status), "seed {seed}: {} took old news for new", host.id);
        let last = host.events.iter().rev().find_map(|(_, event)| match event {
            Event::Up(of) if *of == id => Some(true),
            Event::Down(of) | Event::Left(of) if *of == id => Some(false),
            _ => None,
        });
        assert_ne!(last, Some(true), "seed {seed}: {} told its host of a revival", host.id);
    }
}

#[test]
fn old_datagrams_revive_neither_the_dead_nor_who_left() {
    across_seeds(seeds(), |seed| {
        for leaves in [false, true] {
            let mut network = formed(seed, 6, lan(), Recorder::default());
            network.run_for(secs(5));
            let status = if leaves { Status::Left } else { Status::Dead };
            if leaves {
                network.leave(5);
                assert!(network.wait(secs(10), |n| n.all_say(5, status)).is_some(), "seed {seed}");
            }
            network.crash(5);
            assert!(network.wait(secs(60), |n| n.all_say(5, status)).is_some(), "seed {seed}");
            network.run_for(secs(10));
            let old: Vec<Datagram> = std::mem::take(&mut network.watch.0);
            for datagram in &old {
                network.send(datagram);
                network.run_for(support::millis(5));
            }
            network.run_for(secs(10));
            assert_stays(&network, 5, status, seed);
        }
    });
}

#[test]
fn old_datagrams_sent_to_everybody_revive_nobody() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 5, lan(), Recorder::default());
        network.crash(4);
        assert!(network.wait(secs(60), |n| n.all_say(4, Status::Dead)).is_some(), "seed {seed}");
        let old: Vec<Datagram> = std::mem::take(&mut network.watch.0);
        let of_the_dead = old.iter().filter(|datagram| datagram.from == network.hosts[4].address);
        for datagram in of_the_dead.cloned().collect::<Vec<_>>() {
            for host in 0..4 {
                let to = network.hosts[host].address;
                network.send(&Datagram { to, ..datagram.clone() });
            }
            network.run_for(support::millis(20));
        }
        network.run_for(secs(5));
        assert_stays(&network, 4, Status::Dead, seed);
    });
}

/// What hosts 1 to 3 said while host 4 was dying, in a cluster like that of [`formed`] except for its nonces.
fn news_of_a_death(seed: u64) -> Vec<Datagram> {
    let mut network = formed(seed, 5, lan(), Recorder::default());
    network.crash(4);
    assert!(network.wait(secs(60), |n| n.all_say(4, Status::Dead)).is_some(), "seed {seed}");
    network.run_for(secs(2));
    let others: Vec<_> = network.hosts[1..4].iter().map(|host| host.address).collect();
    network.watch.0.into_iter().filter(|datagram| others.contains(&datagram.from)).collect()
}

#[test]
fn who_just_heard_from_a_member_does_not_believe_that_it_is_dead() {
    across_seeds(seeds(), |seed| {
        let news = news_of_a_death(seed);
        let mut network = formed(seed, 5, lan(), ());
        let id = network.hosts[4].id;
        let answered = network.wait(secs(60), |n| {
            n.hosts[0].node.member(id).is_some_and(|member| member.reachability() == Reachability::Reachable)
        });
        assert!(answered.is_some(), "seed {seed}: never probed");
        for datagram in &news {
            network.inject(0, datagram.from, &datagram.bytes);
        }
        assert!(network.hosts[0].node.metrics().deaths_questioned > 0, "seed {seed}: believed at once");
        assert!(network.wait(secs(10), Network::is_formed).is_some(), "seed {seed}: {}", network.opinions(4));
        assert_eq!(network.deaths(), [], "seed {seed}: a neighbour was buried");
    });
}

#[test]
fn who_offers_an_old_record_is_told_the_newer_one_at_a_bounded_rate() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 5, lan(), Recorder::default());
        let one = network.hosts[1].address;
        let said = std::mem::take(&mut network.watch.0);
        let old: Vec<_> = said.iter().filter(|datagram| datagram.from == one).collect();
        for host in [2, 3, 4] {
            let address = network.fresh_address();
            network.restart(host, address);
            network.join(host, &[0]);
        }
        assert!(network.wait(secs(10), Network::is_formed).is_some(), "seed {seed}");
        let before = network.hosts[0].node.metrics().corrections_sent;
        for datagram in &old {
            network.inject(0, one, &datagram.bytes);
        }
        let after = network.hosts[0].node.metrics().corrections_sent;
        assert!(after > before, "seed {seed}: {} old datagrams, and no correction", old.len());
        let before = network.hosts[0].node.metrics().bytes_suspicion;
        for datagram in old.iter().cycle().take(10_000) {
            network.inject(0, one, &datagram.bytes);
        }
        let bytes = network.hosts[0].node.metrics().bytes_suspicion - before;
        assert!(bytes <= u64::from(lan().budgets.suspicion), "seed {seed}: {bytes} bytes at once");
        assert!(network.is_formed(), "seed {seed}");
    });
}

#[test]
fn a_non_members_datagram_changes_nothing() {
    across_seeds(seeds(), |seed| {
        let elsewhere = {
            // Another seed, or its nodes would guess each other's tokens.
            let mut network = network(seed + 1_000, lan(), Recorder::default());
            for name in ["a", "b", "c", "d"] {
                let host = network.add(name);
                network.join(host, &[0]);
            }
            network.run_for(secs(10));
            network.crash(3);
            network.run_for(secs(20));
            std::mem::take(&mut network.watch.0)
        };
        let mut network = formed(seed, 4, lan(), ());
        let mut non_members = 0;
        for (i, datagram) in elsewhere.iter().enumerate() {
            let before = state(&network.hosts[1].node);
            let from = ([192, 168, 0, (i % 200) as u8 + 1], 99).into();
            let verdict = network.inject(1, from, &datagram.bytes);
            assert_eq!(before, state(&network.hosts[1].node), "seed {seed}: {verdict:?} had an effect");
            non_members += u32::from(verdict == Verdict::NonMember);
            network.run_for(support::millis(10));
        }
        assert!(non_members > 0, "seed {seed}: no one was taken for a non-member");
        assert!(network.is_formed(), "seed {seed}");
    });
}

#[test]
fn another_clusters_datagram_is_refused_and_told_of_once_a_minute() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 4, lan(), Recorder::default());
        network.config = Config::lan(cluster("other"));
        let foreigner = network.add("foreigner");
        network.join(foreigner, &[0]);
        let from = network.hosts[foreigner].address;
        let bytes = network.watch.0.iter().find(|datagram| datagram.from == from).map(|d| d.bytes.clone());
        let Some(bytes) = bytes else { panic!("seed {seed}: a join sends nothing") };
        for _ in 0..100 {
            let before = state(&network.hosts[1].node);
            assert_eq!(network.inject(1, from, &bytes), Verdict::ForeignCluster, "seed {seed}");
            assert_eq!(before, state(&network.hosts[1].node), "seed {seed}");
            network.run_for(support::millis(100));
        }
        let told = |event: &&(Instant, Event)| matches!(event.1, Event::ForeignCluster { .. });
        assert_eq!(network.hosts[1].events.iter().filter(told).count(), 1, "seed {seed}");
        assert!(!network.hosts[foreigner].node.is_joined(), "seed {seed}");
        assert_eq!(network.hosts[foreigner].node.members().len(), 0, "seed {seed}");
    });
}

#[test]
fn two_nodes_of_one_name_are_reported_and_do_not_fight_for_ever() {
    across_seeds(0..5, |seed| {
        let mut network = formed(seed, 5, lan(), ());
        let duplicate = network.add("node-2");
        network.join(duplicate, &[0]);
        let id = network.hosts[duplicate].id;
        let reported = network.wait(secs(600), |n| {
            let tells =
                |(_, event): &(Instant, Event)| *event == Event::DuplicateId || *event == Event::Conflict(id);
            n.hosts.iter().any(|host| host.events.iter().any(tells))
        });
        assert!(reported.is_some(), "seed {seed}: nobody reports the duplicate");
        network.run_for(secs(2 * 3_600));
        let lives = |n: &Network<_>| {
            n.hosts[2].node.me().incarnation().max(n.hosts[duplicate].node.me().incarnation())
        };
        let before = lives(&network);
        network.run_for(secs(3 * 3_600));
        let after = lives(&network);
        assert_eq!(before.epoch, after.epoch, "seed {seed}: still beginning new lives after two hours");
        let rest = [0, 1, 3, 4];
        let well = rest.iter().all(|&i: &usize| {
            rest.iter().filter(|&&j| j != i).all(|&j: &usize| {
                network.hosts[i].node.member(network.hosts[j].id).is_some_and(|m| m.status() == Status::Alive)
            })
        });
        assert!(well, "seed {seed}: the others suffer");
    });
}

#[test]
fn a_nodes_own_datagrams_are_recognised_and_ignored() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 3, lan(), Recorder::default());
        let own = network.hosts[0].address;
        let said: Vec<_> =
            network.watch.0.iter().filter(|datagram| datagram.from == own).map(|d| d.bytes.clone()).collect();
        for bytes in said {
            let before = state(&network.hosts[0].node);
            assert_eq!(network.inject(0, own, &bytes), Verdict::OwnEcho, "seed {seed}");
            assert_eq!(before, state(&network.hosts[0].node), "seed {seed}");
        }
    });
}

#[test]
fn a_node_that_left_takes_nothing_in() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 4, lan(), Recorder::default());
        network.leave(2);
        assert!(network.wait(secs(10), |n| n.hosts[2].left().is_some()).is_some(), "seed {seed}");
        network.run_for(secs(5));
        let own = network.hosts[2].address;
        let to_it: Vec<_> = network.watch.0.iter().filter(|d| d.to == own).cloned().collect();
        let before = network.hosts[2].node.me();
        for datagram in to_it {
            network.inject(2, datagram.from, &datagram.bytes);
        }
        assert_eq!(network.hosts[2].node.me(), before, "seed {seed}");
        assert_eq!(before.status(), Status::Left, "seed {seed}");
        network.run_for(secs(30));
        assert!(network.all_say(2, Status::Left), "seed {seed}: {}", network.opinions(2));
    });
}

fn lone(config: Config, address: SocketAddr, epoch: u32) -> Result<Node<Heap>, ConfigError> {
    let identity = Identity { id: NodeId::from_name("lone")?, epoch, address, locality: Locality::default() };
    Node::new(config, identity, [7; 32], Heap::for_members(8), Instant::ZERO)
}

#[test]
fn what_is_fixed_while_running_cannot_be_reconfigured() {
    let address = ([10, 0, 0, 1], 7_946).into();
    let Ok(mut node) = lone(lan(), address, 1) else { panic!("a good start was refused") };
    let mut buffer = Buffer::<16, 128, 19_200>::new();
    for (field, next) in [
        ("cluster", lan().with(|c| c.cluster = cluster("other"))),
        ("max_datagram", lan().with(|c| c.max_datagram = 600)),
    ] {
        let refused =
            node.reconfigure(Instant::ZERO, next, &mut buffer.outbox()).map(|output| output.verdict);
        assert_eq!(refused, Err(ConfigError::Fixed { field }));
        assert_eq!(*node.config(), lan(), "a refused change was taken over");
    }
    let wrong = lan().with(|c| c.fanout = 0);
    assert!(node.reconfigure(Instant::ZERO, wrong, &mut buffer.outbox()).is_err());
}

#[test]
fn what_may_change_while_running_takes_effect() {
    let mut network = formed(1, 4, lan(), ());
    let probes = |n: &Network<_>| n.hosts[0].node.metrics().probes;
    let start = probes(&network);
    network.run_for(secs(30));
    let slow = probes(&network) - start;
    let quicker = lan().with(|c| c.probe_interval = support::millis(250));
    network.command(0, |node, now, out| match node.reconfigure(now, quicker, out) {
        Ok(output) => output,
        Err(error) => panic!("{error}"),
    });
    assert_eq!(*network.hosts[0].node.config(), quicker);
    let start = probes(&network);
    network.run_for(secs(30));
    let quick = probes(&network) - start;
    assert!(quick > 3 * slow, "{slow} probes in 30 s before, {quick} after");
}

#[test]
fn a_start_that_cannot_work_is_refused() {
    let good: SocketAddr = ([10, 0, 0, 1], 7_946).into();
    for address in ["0.0.0.0:7946", "10.0.0.1:0", "224.0.0.1:7946", "255.255.255.255:7946", "[::]:7946"] {
        let Ok(address) = address.parse() else { panic!("{address}") };
        assert_eq!(lone(lan(), address, 1).err(), Some(ConfigError::Address), "{address}");
    }
    assert_eq!(lone(lan(), good, u32::MAX).err(), Some(ConfigError::Epoch));
    assert!(lone(lan().with(|c| c.fanout = 0), good, 1).is_err());
}

#[test]
fn a_datagram_of_any_length_is_good_as_a_whole_or_has_no_effect() {
    let mut network = formed(1, 3, lan(), Recorder::default());
    network.run_for(secs(5));
    let (id, from) = (network.hosts[1].id, network.hosts[1].address);
    let limit = usize::from(lan().max_datagram);
    let (head, mut rng) = (head(lan()), Rng::new(1));
    let header = datagram(&head, id, &[]);
    // A good one that is as long as may be: 27 records that are known, and a section that no one knows for the rest.
    let known = forge::records(&[network.hosts[1].node.me(); 27], 0);
    let rest = limit - datagram(&head, id, &[known.clone(), (200, vec![])]).len();
    let longest = datagram(&head, id, &[known, (200, vec![7; rest])]);
    assert_eq!((longest.len(), network.inject(0, from, &longest)), (limit, Verdict::Accepted));
    for len in [0, 1, 2, 5, 6, 13, 14, 21, 23, 24, 25, limit - 1, limit, limit + 1, 9_000, 65_507] {
        let random: Vec<u8> = (0..len).map(|_| rng.next_u64() as u8 | 1).collect();
        let headed: Vec<u8> = header.iter().chain(&random).take(len).copied().collect();
        let cut: Vec<u8> = longest.iter().chain(&random).take(len).copied().collect();
        for bytes in [random, headed, cut].iter().filter(|bytes| bytes.len() != limit || **bytes != longest) {
            for from in [from, ([203, 0, 113, 1], 99).into()] {
                let (before, malformed) =
                    (state(&network.hosts[0].node), network.hosts[0].node.metrics().malformed);
                let verdict = network.inject(0, from, bytes);
                let refused = matches!(verdict, Verdict::Malformed(_));
                assert!(
                    refused || matches!(verdict, Verdict::UnknownVersion(_) | Verdict::UnknownKey(_)),
                    "{len}"
                );
                assert_eq!(
                    len > limit,
                    verdict == Verdict::Malformed(Malformed::TooLong),
                    "{len}: {verdict:?}"
                );
                assert_eq!(before, state(&network.hosts[0].node), "{len}: {verdict:?}");
                let counted = network.hosts[0].node.metrics().malformed - malformed;
                assert_eq!(counted, u64::from(refused), "{len}: {verdict:?}");
            }
        }
    }
}

#[test]
fn what_a_later_version_says_is_ignored_and_what_it_adds_is_skipped() {
    let mut network = formed(1, 3, lan(), ());
    let (id, from) = (network.hosts[1].id, network.hosts[1].address);
    let head = head(lan());
    let non_member = forge::non_member(1);
    let news = forge::records(&[non_member], 0);
    for (place, value) in (0..=255u8).flat_map(|value| [(0, value), (1, value)]) {
        let mut bytes = datagram(&head, id, std::slice::from_ref(&news));
        if bytes[place] == value {
            continue; // this version, in the clear
        }
        if place == 1 && cfg!(feature = "seal") {
            continue; // see `sealing`
        }
        bytes[place] = value;
        let refused = |network: &Network<Heap>| {
            let metrics = network.hosts[0].node.metrics();
            if place == 0 { metrics.foreign } else { metrics.unknown_keys }
        };
        let (before, count) = (state(&network.hosts[0].node), refused(&network));
        let expected = if place == 0 { Verdict::UnknownVersion(value) } else { Verdict::UnknownKey(value) };
        assert_eq!(network.inject(0, from, &bytes), expected);
        assert_eq!(before, state(&network.hosts[0].node), "{expected:?}");
        assert_eq!(refused(&network), count + 1, "{expected:?}");
    }
    // Sections and messages that this version does not know: the rest of the datagram is heard.
    let unknown = (0..=255).filter(|tag| !matches!(tag, 1..=20 | 32..=35 | 48..=51 | 53..=62));
    for (n, tag) in (2..).zip(unknown) {
        let non_member = forge::non_member(n);
        let more = (tag, vec![7; 30]);
        let sections = [more.clone(), forge::records(&[non_member], 0), more];
        assert_eq!(
            network.inject(0, from, &datagram(&head, id, &sections)),
            Verdict::Accepted,
            "section {tag}"
        );
        let known = network.hosts[0].node.member(non_member.id()).is_some();
        let full = network.hosts[0].node.metrics().dropped_table_full > 0;
        assert!(known || full, "section {tag}: the news beside it was lost");
    }
    let seventeen = datagram(&head, id, &vec![(200, vec![]); 17]);
    assert_eq!(network.inject(0, from, &seventeen), Verdict::Malformed(Malformed::TooMany));
}

/// Keeps what is sent until it is stopped; from then on sees that no node ever believes something older than before.
#[derive(Default)]
struct Tape {
    sent: Vec<Datagram>,
    stopped: bool,
    believed: BTreeMap<(usize, u32, NodeId), Record>,
}

impl<M: Memory> Watch<M> for Tape {
    fn after(&mut self, step: &Step<'_, M>) {
        if !self.stopped {
            self.sent.extend(step.output.packets().map(|packet| Datagram {
                from: step.address,
                to: packet.to,
                bytes: packet.bytes.to_vec(),
            }));
            return;
        }
        for member in step.node.members() {
            let now = *member.record();
            let before = self.believed.insert((step.host, step.life, now.id()), now);
            let mut merged = now;
            let back = before.is_some_and(|before| merged.merge(&before).changed);
            assert!(!back, "host {} went back from {before:?} to {now:?}", step.host);
        }
    }
}

/// An hour in which members die, leave, come back, move and say something new of themselves.
fn an_eventful_hour(network: &mut Network<Heap, Tape>) {
    let health = |network: &mut Network<Heap, Tape>, host, health| {
        network.command(host, |node, now, out| node.set_health(now, health, out));
    };
    network.run_for(secs(300));
    network.crash(9);
    network.run_for(secs(300));
    network.leave(8);
    network.run_for(secs(300));
    let moved = network.fresh_address();
    network.restart(7, moved);
    network.join(7, &[0]);
    health(network, 3, Health::Degraded);
    network.run_for(secs(600));
    network.crash(6);
    network.run_for(secs(900));
    network.restart(6, network.hosts[6].address);
    network.join(6, &[0]);
    health(network, 3, Health::Healthy);
    network.run_for(secs(600));
    network.command(2, |node, now, out| node.announce_pause(now, secs(2), out));
    network.run_for(secs(600));
    network.crash(8);
}

#[test]
fn a_whole_hour_of_old_traffic_revives_and_buries_nobody_for_good() {
    across_seeds(seeds().take(5), |seed| {
        let mut network = formed(seed, 10, lan(), Tape::default());
        an_eventful_hour(&mut network);
        assert!(network.is_formed(), "seed {seed}");
        network.watch.stopped = true;
        let old = std::mem::take(&mut network.watch.sent);
        let told: Vec<usize> = network.hosts.iter().map(|host| host.events.len()).collect();
        let mut rng = Rng::new(seed);
        for (n, datagram) in old.iter().enumerate() {
            // To its receiver and to another host, each time from its original source.
            network.send(datagram);
            let to = network.hosts[rng.below(8) as usize].address;
            network.send(&Datagram { to, ..datagram.clone() });
            if n % 10 == 0 {
                network.run_for(millis(10));
            }
        }
        network.run_for(secs(10));
        assert!(network.is_formed(), "seed {seed}: views differ");
        let gone = [network.hosts[8].id, network.hosts[9].id];
        let mut revivals = 0;
        for (n, (host, told)) in network.hosts.iter().zip(told).enumerate() {
            let mut up: BTreeMap<NodeId, Instant> = BTreeMap::new();
            for &(at, event) in &host.events[told..] {
                match event {
                    // Who came back long after a death was not told of it: it learns of it when it tells others.
                    Event::Up(id) if gone.contains(&id) && [6, 7].contains(&n) => {
                        revivals += 1;
                        up.insert(id, at);
                    }
                    Event::Down(id) | Event::Left(id) if gone.contains(&id) => {
                        let since = up.remove(&id).map(|since| at.since(since));
                        assert!(
                            since.is_some_and(|since| since < millis(1_500)),
                            "seed {seed}: {n} told {event:?}, after {since:?}"
                        );
                    }
                    Event::Up(_) | Event::Down(_) | Event::Left(_) | Event::EpochBumped { .. } => {
                        panic!("seed {seed}: {n} told {event:?}");
                    }
                    _ => {}
                }
            }
            assert!(up.is_empty(), "seed {seed}: {n} holds {up:?} alive");
        }
        for (gone, status) in [(9, Status::Dead), (8, Status::Left)] {
            assert!(network.all_say(gone, status), "seed {seed}: {}", network.opinions(gone));
        }
        let suspicions: u64 = network.running().map(|host| host.node.metrics().refutations).sum();
        println!("seed {seed}: {} datagrams twice, {suspicions} refutations, {revivals} revivals", old.len());
    });
}

/// Old news of who was forgotten is as good as new: what is lost is the time until it has failed to answer.
#[test]
fn traffic_older_than_a_forgotten_tombstone_revives_it_only_until_probed() {
    across_seeds(seeds(), |seed| {
        let config = lan().with(|c| c.tombstone_ttl = secs(60));
        let mut network = formed(seed, 6, config, Recorder::default());
        network.run_for(secs(5));
        let old = std::mem::take(&mut network.watch.0);
        network.crash(5);
        let id = network.hosts[5].id;
        let forgotten = |n: &Network<Heap, Recorder>| n.running().all(|h| h.node.member(id).is_none());
        assert!(network.wait(secs(120), forgotten).is_some(), "seed {seed}: {}", network.opinions(5));
        for datagram in &old {
            network.send(datagram);
        }
        network.run_for(secs(1));
        assert!(!forgotten(&network), "seed {seed}: nobody believed it");
        let gone = |n: &Network<Heap, Recorder>| {
            n.running().all(|h| h.node.member(id).is_none_or(|member| member.status() == Status::Dead))
        };
        assert!(network.wait(secs(30), gone).is_some(), "seed {seed}: {}", network.opinions(5));
        let others = network.deaths().into_iter().filter(|death| death.1 != id).count();
        assert_eq!(others, 0, "seed {seed}");
    });
}
