//! What a cluster promises against datagrams that no member of it just sent: old ones, strange ones,
//! forged ones, and those of a second node under one name.

#![cfg(feature = "alloc")]

mod support;

use gossip_core::{
    Buffer, Config, ConfigError, Event, Fingerprint, Heap, Identity, Instant, Locality, Malformed, Memory,
    Node, NodeId, Reachability, Record, Status, Traffic, Verdict,
};
use std::net::SocketAddr;
use support::{Datagram, Network, Recorder, Step, Watch, cluster, formed, lan, network, secs, seeds};

/// Everything about a node that only its members may change.
fn state<M: Memory>(node: &Node<M>) -> (Vec<(Record, Reachability)>, Fingerprint, Record) {
    let members = node.members().map(|member| (*member.record(), member.reachability())).collect();
    (members, node.fingerprint(), node.me())
}

/// Nobody heard of the victim's death being undone.
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
    for seed in seeds() {
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
    }
}

#[test]
fn old_datagrams_sent_to_everybody_revive_nobody() {
    for seed in seeds() {
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
    }
}

/// What hosts 1 to 3 said while host 4 was dying, in a cluster like that of [`formed`] but for its nonces.
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
    for seed in seeds() {
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
        assert!(network.hosts[0].node.metrics().deaths_doubted > 0, "seed {seed}: believed at once");
        assert!(network.wait(secs(10), Network::is_formed).is_some(), "seed {seed}: {}", network.opinions(4));
        assert_eq!(network.deaths(), [], "seed {seed}: a neighbour was buried");
    }
}

#[test]
fn who_offers_an_old_record_is_told_the_newer_one_at_a_bounded_rate() {
    for seed in seeds() {
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
    }
}

#[test]
fn a_strangers_datagram_changes_nothing() {
    for seed in seeds() {
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
        let mut strangers = 0;
        for (i, datagram) in elsewhere.iter().enumerate() {
            let before = state(&network.hosts[1].node);
            let from = ([192, 168, 0, (i % 200) as u8 + 1], 99).into();
            let verdict = network.inject(1, from, &datagram.bytes);
            assert_eq!(before, state(&network.hosts[1].node), "seed {seed}: {verdict:?} had an effect");
            strangers += u32::from(verdict == Verdict::Stranger);
            network.run_for(support::millis(10));
        }
        assert!(strangers > 0, "seed {seed}: nobody was taken for a stranger");
        assert!(network.is_formed(), "seed {seed}");
    }
}

#[test]
fn another_clusters_datagram_is_refused_as_such_and_the_host_is_told_once_a_minute() {
    for seed in seeds() {
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
    }
}

#[test]
fn two_nodes_of_one_name_are_reported_and_do_not_fight_for_ever() {
    for seed in 0..5 {
        let mut network = formed(seed, 5, lan(), ());
        let twin = network.add("node-2");
        network.join(twin, &[0]);
        let id = network.hosts[twin].id;
        let reported = network.wait(secs(600), |n| {
            let tells =
                |(_, event): &(Instant, Event)| *event == Event::Twin || *event == Event::Conflict(id);
            n.hosts.iter().any(|host| host.events.iter().any(tells))
        });
        assert!(reported.is_some(), "seed {seed}: nobody reports the twin");
        network.run_for(secs(2 * 3_600));
        let lives =
            |n: &Network<_>| n.hosts[2].node.me().incarnation().max(n.hosts[twin].node.me().incarnation());
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
    }
}

/// Counts what is sent to addresses at which there is no host.
#[derive(Default)]
struct Reflected {
    /// Packets other than acks, which every ping gets.
    answers: u64,
    bytes: u64,
}

const SPOOFED: [u8; 2] = [203, 0];

fn is_spoofed(address: SocketAddr) -> bool {
    matches!(address, SocketAddr::V4(v4) if v4.ip().octets().starts_with(&SPOOFED))
}

impl<M> Watch<M> for Reflected {
    fn after(&mut self, step: &Step<'_, M>) {
        for packet in step.output.packets().filter(|packet| is_spoofed(packet.to)) {
            self.answers += u64::from(packet.class != Traffic::Probe);
            self.bytes += packet.bytes.len() as u64;
        }
    }
}

fn short() -> Config {
    Config { max_datagram: 400, ..lan() }
}

/// What strangers can say: every datagram of a node at a spoofed address that joins another cluster of the
/// same name.
fn strange_words(seed: u64) -> Vec<Vec<u8>> {
    // So many members, in such short datagrams, that a welcome does not hold them: there is a fetch, too.
    let mut network = formed(seed + 1_000, 24, short(), Recorder::default());
    network.watch.0.clear();
    let joiner = network.add("joiner");
    let from = ([SPOOFED[0], SPOOFED[1], 113, 1], 7_946).into();
    network.restart(joiner, from);
    network.join(joiner, &[0]);
    network.run_for(secs(3));
    network.watch.0.iter().filter(|datagram| datagram.from == from).map(|d| d.bytes.clone()).collect()
}

#[test]
fn an_unverified_address_never_gets_more_bytes_than_it_sent() {
    for seed in seeds() {
        let words = strange_words(seed);
        assert!(!words.is_empty(), "seed {seed}: a joiner says nothing");
        for same_address in [true, false] {
            for word in &words {
                let mut network = formed(seed, 4, short(), Reflected::default());
                let mut sent = 0;
                for i in 0..200u32 {
                    let last = if same_address { 1 } else { 1 + (i % 250) as u8 };
                    let from = ([SPOOFED[0], SPOOFED[1], 113, last], 7_946).into();
                    network.inject((i % 4) as usize, from, word);
                    sent += word.len() as u64;
                    assert!(
                        network.watch.bytes <= sent,
                        "seed {seed}: {} bytes for {sent} after {i} datagrams of {}",
                        network.watch.bytes,
                        word.len()
                    );
                    network.run_for(support::millis(20));
                }
                network.run_for(secs(30));
                assert!(network.watch.bytes <= sent, "seed {seed}: {} bytes for {sent}", network.watch.bytes);
            }
        }
    }
}

#[test]
fn a_part_of_a_strangers_datagram_gets_no_more_bytes_than_it_has() {
    for seed in seeds() {
        let mut network = formed(seed, 3, short(), Reflected::default());
        for word in strange_words(seed) {
            for len in 0..word.len() {
                let before = network.watch.bytes;
                network.inject(0, ([SPOOFED[0], SPOOFED[1], 113, 1], 7_946).into(), &word[..len]);
                let answered = network.watch.bytes - before;
                assert!(answered <= len as u64, "seed {seed}: {answered} bytes for {len}");
                network.run_for(support::millis(20));
            }
        }
    }
}

#[test]
fn a_flood_of_strangers_is_answered_at_a_bounded_rate() {
    for seed in seeds() {
        let words = strange_words(seed);
        let config = Config { strangers_per_second: 50, ..short() };
        let mut network = formed(seed, 4, config, Reflected::default());
        for i in 0..5_000u32 {
            let from = ([SPOOFED[0], SPOOFED[1], (i >> 8) as u8, i as u8], 7_946).into();
            let word = &words[i as usize % words.len()];
            network.inject(1, from, word);
            network.run_for(support::millis(1));
        }
        let allowed = 50 * (5 + 1);
        let answers = network.watch.answers;
        assert!((1..=allowed).contains(&answers), "seed {seed}: {answers} answers in 5 s");
        assert!(network.hosts[1].node.metrics().limited > 0, "seed {seed}: nothing was counted as dropped");
        network.run_for(secs(5));
        assert!(network.is_formed(), "seed {seed}");
        assert_eq!(network.deaths(), [], "seed {seed}");
    }
}

#[test]
fn a_nodes_own_datagrams_are_recognised_and_ignored() {
    for seed in seeds() {
        let mut network = formed(seed, 3, lan(), Recorder::default());
        let own = network.hosts[0].address;
        let said: Vec<_> =
            network.watch.0.iter().filter(|datagram| datagram.from == own).map(|d| d.bytes.clone()).collect();
        for bytes in said {
            let before = state(&network.hosts[0].node);
            assert_eq!(network.inject(0, own, &bytes), Verdict::OwnEcho, "seed {seed}");
            assert_eq!(before, state(&network.hosts[0].node), "seed {seed}");
        }
    }
}

#[test]
fn a_node_that_left_takes_nothing_in() {
    for seed in seeds() {
        let mut network = formed(seed, 4, lan(), Recorder::default());
        network.leave(2);
        assert!(network.wait(secs(10), |n| n.hosts[2].has_told(Event::LeaveDone)).is_some(), "seed {seed}");
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
    }
}

fn lone(config: Config, address: SocketAddr, epoch: u32) -> Result<Node<Heap>, ConfigError> {
    let identity = Identity { id: NodeId::from_name("lone"), epoch, address, locality: Locality::default() };
    Node::new(config, identity, [7; 32], Heap::for_members(8), Instant::ZERO)
}

#[test]
fn what_is_fixed_while_running_cannot_be_reconfigured() {
    let address = ([10, 0, 0, 1], 7_946).into();
    let Ok(mut node) = lone(lan(), address, 1) else { panic!("a good start was refused") };
    let mut buffer = Buffer::<16, 64, 19_200>::new();
    for (field, next) in [
        ("cluster", Config { cluster: cluster("other"), ..lan() }),
        ("max_datagram", Config { max_datagram: 600, ..lan() }),
    ] {
        let refused =
            node.reconfigure(Instant::ZERO, next, &mut buffer.outbox()).map(|output| output.verdict);
        assert_eq!(refused, Err(ConfigError::Fixed { field }));
        assert_eq!(*node.config(), lan(), "a refused change was taken over");
    }
    let wrong = Config { fanout: 0, ..lan() };
    assert!(node.reconfigure(Instant::ZERO, wrong, &mut buffer.outbox()).is_err());
}

#[test]
fn what_may_change_while_running_takes_effect() {
    let mut network = formed(1, 4, lan(), ());
    let probes = |n: &Network<_>| n.hosts[0].node.metrics().probes;
    let start = probes(&network);
    network.run_for(secs(30));
    let slow = probes(&network) - start;
    let quicker = Config { probe_interval: support::millis(250), ..lan() };
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
    assert!(lone(Config { fanout: 0, ..lan() }, good, 1).is_err());
}

#[test]
fn what_is_longer_than_a_datagram_may_be_is_refused() {
    let mut network = formed(1, 3, lan(), Recorder::default());
    let from = network.hosts[1].address;
    let Some(real) = network.watch.0.iter().find(|datagram| datagram.from == from).cloned() else {
        panic!("a member says nothing")
    };
    let limit = usize::from(lan().max_datagram);
    let before = state(&network.hosts[0].node);
    let mut bytes = real.bytes;
    bytes.resize(limit + 1, 0);
    assert_eq!(network.inject(0, from, &bytes), Verdict::Malformed(Malformed::TooLong));
    assert_ne!(network.inject(0, from, &bytes[..limit]), Verdict::Malformed(Malformed::TooLong));
    assert_eq!(before, state(&network.hosts[0].node));
}
