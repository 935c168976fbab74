//! Every bound of memory: that it can be reached, that it holds, that what it leaves out is counted, and that
//! nothing of it is left once the pressure is over. The bounds of rates are in `rates.rs`.

use crate::support::{
    self, Network, Recorder, Watch, across_seeds,
    forge::{self, Section},
    form, formed, lan, millis, secs, seeds,
};
use gossip_core::{
    Buffer, Config, Event, Health, Heap, Incarnation, Inline, Locality, Mechanisms, Memory, Reachability,
    Record, Status, Verdict, Versions,
};
use std::{net::SocketAddr, ops::Range};

/// Hands one host a datagram of another, a member, from its advertised address.
fn say<M: Memory, W: Watch<M>>(
    network: &mut Network<M, W>,
    to: usize,
    from: usize,
    sections: &[Section],
) -> Verdict {
    let (id, address) = (network.hosts[from].id, network.hosts[from].address);
    let bytes = forge::datagram(&forge::head(network.config), id, sections);
    network.inject(to, address, &bytes)
}

/// A member that exists in tables only.
fn nobody(n: u8, locality: Locality) -> Record {
    let identity = gossip_core::Identity {
        id: support::id(&format!("nobody-{n}")),
        epoch: 1_000,
        address: ([11, 0, 0, n], 7_946).into(),
        locality,
    };
    Record::new(identity, Versions::OURS)
}

fn count(network: &Network<Heap>, of: impl Fn(&gossip_core::Metrics) -> u64) -> u64 {
    network.hosts.iter().map(|host| of(host.node.metrics())).sum()
}

#[test]
fn who_was_refused_by_a_full_table_gets_in_when_a_member_leaves_or_dies() {
    across_seeds(seeds(), |seed| {
        for leaves in [true, false] {
            let config = lan().with(|c| c.quarantine = secs(60));
            let mut network: Network<Heap> = Network::new(seed, config, || Heap::for_members(6), ());
            form(&mut network, seed, 6);
            network.add_joined(1);
            network.run_for(secs(20));
            assert!(count(&network, |metrics| metrics.dropped_table_full) > 0, "seed {seed}: there was room");
            for host in network.running() {
                assert!(host.node.members().len() <= 5, "seed {seed}: {} holds more than it may", host.id);
            }
            if leaves {
                network.leave(5);
                assert!(network.wait(secs(10), |n| n.hosts[5].left().is_some()).is_some());
            }
            network.crash(5);
            network.assert_recovers(secs(180), seed);
            assert_eq!(network.buried_alive(), [], "seed {seed}");
        }
    });
}

/// Host 0 alone has room for a member that does not answer, and hears that it asks for patience when its death is due.
#[test]
fn the_patience_a_member_asked_for_does_not_prolong_one_accusers_wait() {
    across_seeds(seeds(), |seed| {
        let config = lan().with(|c| c.quarantine = secs(20));
        let mut network: Network<Heap> = Network::new(seed, config, || Heap::for_members(4), ());
        (0..4).for_each(|n| _ = network.add(&format!("node-{n}")));
        let silent = nobody(1, Locality::default());
        for host in 0..4 {
            let others = (0..4).filter(|&other| other != host && (host > 0 || other < 3));
            let mut known: Vec<Record> = others.map(|other| network.hosts[other].node.me()).collect();
            known.extend((host == 0).then_some(silent));
            network.command(host, |node, now, out| node.restore(now, &known, out));
        }
        let due = |n: &Network<Heap>| n.hosts[0].node.metrics().deaths_withheld > 0;
        assert!(network.wait(secs(60), due).is_some(), "seed {seed}: its death is never due");
        network.run_for(secs(5));
        say(&mut network, 0, 1, &[forge::records(&[silent.with_state(1, Health::Healthy, 60)], 0)]);
        // Two seconds of tolerance on top, and the quarantine.
        network.run_for(secs(62 + 19));
        assert_eq!(network.deaths(), [], "seed {seed}");
        let dead = |n: &Network<Heap>| n.hosts[0].has_told(Event::Down(silent.id()));
        assert!(network.wait(secs(30), dead).is_some(), "seed {seed}: it is held for ever");
    });
}

#[test]
fn news_of_everybody_at_once_is_a_full_rumor_queue_and_none_of_it_is_lost() {
    across_seeds(0..5, |seed| {
        let mut network: Network<Heap> = Network::new(seed, lan(), || Heap::for_members(256), ());
        network.add_restored(200);
        network.run_for(secs(20));
        let retired = count(&network, |metrics| metrics.rumors_retired);
        for round in 0..20 {
            let health = if round % 2 == 0 { Health::Degraded } else { Health::Healthy };
            for host in 0..200 {
                network.command(host, |node, now, out| node.set_health(now, health, out));
            }
            network.run_for(millis(100));
        }
        network.assert_recovers(secs(60), seed);
        assert!(count(&network, |metrics| metrics.rumors_retired) > retired, "seed {seed}: no rumor ended");
        assert_eq!(network.deaths(), [], "seed {seed}");
        for host in network.running() {
            let said = host.node.members().map(|member| member.record().state_version());
            assert!(said.min() == Some(20), "seed {seed}: {} missed a last word", host.id);
        }
    });
}

/// A node remembers 64 changes: of more it cannot be asked, and they are found by a walk.
#[test]
fn more_changes_than_are_remembered_are_found_by_reconciliation() {
    across_seeds(0..5, |seed| {
        let mut network: Network<Heap> = Network::new(seed, lan(), || Heap::for_members(256), ());
        network.add_restored(150);
        network.run_for(secs(20));
        let alone = network.hosts[0].address;
        network.set_cut(move |from, to| from == alone || to == alone);
        for host in 1..150 {
            network.command(host, |node, now, out| node.set_health(now, Health::Degraded, out));
        }
        // Long enough for the rumors to end, and too short to be taken for a death.
        network.run_for(secs(2));
        network.set_cut(|_, _| false);
        network.assert_recovers(secs(60), seed);
        let repaired = count(&network, |metrics| metrics.records_repaired);
        assert!(repaired > 0, "seed {seed}: the changes remembered were enough");
        assert_eq!(network.deaths(), [], "seed {seed}");
    });
}

#[test]
fn what_finds_no_room_in_the_outbox_is_counted_and_made_good() {
    across_seeds(seeds(), |seed| {
        let config = lan().with(|c| c.max_datagram = 400);
        let mut network: Network<Heap> = Network::new(seed, config, || Heap::for_members(64), ());
        form(&mut network, seed, 30);
        network.lend(Buffer::<2, 47, 800>::new());
        // Members that do not exist: each is asked for by relays, three packets beside those to controls.
        let unknown: Vec<Record> = (0..20).map(|n| nobody(n, Locality::default())).collect();
        for ten in unknown.chunks(10) {
            say(&mut network, 0, 1, &[forge::records(ten, 0)]);
        }
        network.add_joined(8);
        let live = |host: &support::Host<Heap>| {
            host.node.members().filter(|member| member.status().is_live()).count()
        };
        // As long as the pool of suspicions is full, deaths are held.
        let gone = |n: &Network<Heap>| n.running().all(|host| live(host) == 37);
        assert!(network.wait(secs(700), gone).is_some(), "seed {seed}: those who do not exist live on");
        assert!(count(&network, |metrics| metrics.dropped_outbox_full) > 0, "seed {seed}: everything fitted");
        network.lend(Buffer::<64, 128, 76_800>::new());
        network.assert_recovers(secs(60), seed);
        assert_eq!(network.buried_alive(), [], "seed {seed}");
    });
}

#[test]
fn tombstones_at_their_cap_are_forgotten_oldest_first_and_for_good() {
    let config = lan().with(|c| c.max_tombstones = 4);
    let mut network = formed(1, 3, config, ());
    // In no order; each its age in s.
    let deaths: Vec<(Record, u32)> = [5, 1, 9, 3, 7, 2, 8, 4, 6, 10]
        .map(|n: u8| (nobody(n, Locality::default()), u32::from(n) * 60))
        .to_vec();
    let tell = |network: &mut Network<Heap>| {
        for (record, age) in &deaths {
            say(network, 0, 1, &[forge::records(&[record.with_status(Status::Dead)], age * 1_000)]);
            network.run_for(secs(5));
        }
    };
    let kept = |host: &support::Host<Heap>| {
        let mut kept: Vec<SocketAddr> = host
            .node
            .members()
            .filter(|member| !member.status().is_live())
            .map(|dead| dead.address())
            .collect();
        kept.sort();
        kept
    };
    let youngest: Vec<SocketAddr> = (1..=4).map(|n| nobody(n, Locality::default()).address()).collect();
    tell(&mut network);
    network.run_for(secs(10));
    for host in network.running() {
        assert_eq!(kept(host), youngest, "{} kept others than the youngest four", host.id);
    }
    let forgotten = network.hosts[0].node.metrics().tombstones_forgotten;
    assert!(forgotten > 0, "nothing was counted");
    // The same news again, older now than all that is kept, is no news.
    let told = network.hosts[0].events.len();
    tell(&mut network);
    assert_eq!(network.hosts[0].events.len(), told, "what was forgotten came back");
    assert_eq!(kept(&network.hosts[0]), youngest);
    assert_eq!(network.hosts[0].node.metrics().tombstones_forgotten, forgotten);
    network.assert_recovers(secs(10), 1);
}

/// Host 1 tells host 0 that it cannot reach these.
fn accuse<M: Memory>(network: &mut Network<M>, targets: Range<usize>) {
    let by = network.hosts[1].id;
    let one = |host: &support::Host<M>| forge::accusations(host.id, host.node.me().incarnation(), &[by]).1;
    let all: Vec<u8> = network.hosts[targets].iter().flat_map(one).collect();
    say(network, 0, 1, &[(33, all)]);
}

fn pool_of_four(seed: u64, config: Config) -> Network<Inline<64, 4>> {
    let mut network = Network::new(seed, config, Inline::new, ());
    form(&mut network, seed, 16);
    network.run_for(secs(20));
    network
}

#[test]
fn more_suspects_than_can_be_timed_are_all_found_dead_in_the_end() {
    let mut full = 0;
    across_seeds(seeds(), |seed| {
        let mut network = pool_of_four(seed, lan().with(|c| c.quarantine = secs(20)));
        (8..16).for_each(|host| network.crash(host));
        let took = network.wait(secs(600), |n| (8..16).all(|host| n.all_say(host, Status::Dead)));
        assert!(took.is_some(), "seed {seed}: {}", network.opinions(15));
        full += network.running().map(|host| host.node.metrics().dropped_suspicions_full).sum::<u64>();
        network.assert_recovers(secs(60), seed);
        assert_eq!(network.buried_alive(), [], "seed {seed}");
    });
    assert!(full > 0, "no pool was ever full");
}

#[test]
fn more_suspects_than_can_be_timed_are_all_cleared_if_they_live() {
    across_seeds(seeds(), |seed| {
        let mut network = pool_of_four(seed, lan());
        accuse(&mut network, 2..9);
        assert_eq!(network.hosts[0].node.metrics().dropped_suspicions_full, 3, "seed {seed}");
        network.assert_recovers(secs(30), seed);
        assert_eq!(network.deaths(), [], "seed {seed}");
        let metrics = network.hosts[0].node.metrics();
        assert_eq!((metrics.dropped_suspicions_full, metrics.suspicions_cleared), (3, 7), "seed {seed}");
    });
}

#[test]
fn a_relay_at_its_limit_says_so_at_once_and_relays_again_later() {
    let mut network = formed(1, 6, lan(), Recorder::default());
    network.run_for(secs(5));
    let (lost, there) = (network.hosts[5].id, network.hosts[4].id);
    network.crash(5);
    let answers = |network: &mut Network<Heap, Recorder>, tag: u8| {
        let asker = network.hosts[1].address;
        let sent = std::mem::take(&mut network.watch.0);
        let answers =
            sent.iter().filter(|datagram| datagram.to == asker && datagram.bytes.get(22) == Some(&tag));
        // Not those that the asker would have wanted anyway.
        answers.filter(|answer| answer.bytes[25..28] == [0; 3]).count()
    };
    let _ = answers(&mut network, 5);
    for nonce in 1..=20 {
        say(&mut network, 0, 1, &[forge::ping_request(nonce, lost)]);
    }
    let metrics = *network.hosts[0].node.metrics();
    assert_eq!((metrics.relayed_pings, metrics.dropped_relays_full), (16, 4));
    assert_eq!(answers(&mut network, 5), 4, "nacks at once");
    network.run_for(secs(3));
    assert_eq!(answers(&mut network, 5), 16, "nacks of those that were pinged for");
    say(&mut network, 0, 1, &[forge::ping_request(21, there)]);
    network.run_for(secs(1));
    assert_eq!(answers(&mut network, 4), 1, "relayed acks");
    assert!(network.wait(secs(60), |n| n.all_say(5, Status::Dead)).is_some());
    network.assert_recovers(secs(10), 1);
    assert_eq!(network.buried_alive(), []);
}

#[test]
fn an_accuser_with_all_accusations_open_is_heard_once_one_ends() {
    let mut network = formed(1, 12, lan(), ());
    network.run_for(secs(5));
    let suspected = |network: &Network<Heap>| {
        network.hosts[0].node.members().filter(|member| member.status() == Status::Suspect).count()
    };
    accuse(&mut network, 2..12);
    assert_eq!((suspected(&network), network.hosts[0].node.metrics().dropped_accusations), (8, 2));
    // Who is no member accuses no one.
    let (target, at) = (network.hosts[11].id, network.hosts[11].node.me().incarnation());
    say(&mut network, 0, 1, &[forge::accusations(target, at, &[support::id("stranger")])]);
    assert_eq!((suspected(&network), network.hosts[0].node.metrics().dropped_accusations), (8, 3));
    network.assert_recovers(secs(30), 1);
    accuse(&mut network, 2..10);
    assert_eq!((suspected(&network), network.hosts[0].node.metrics().dropped_accusations), (8, 3));
    network.assert_recovers(secs(30), 1);
    assert_eq!(network.deaths(), []);
}

/// A node remembers 32 zones as silent.
#[test]
fn zones_beyond_those_quarantined_cost_no_member_its_life() {
    let mut network: Network<Heap> = Network::new(1, lan(), || Heap::for_members(256), ());
    for n in 0..4 * 36u8 {
        network.add_at(&format!("node-{n}"), Locality { region: 0, zone: n / 4, rack: 0 });
    }
    let records: Vec<Record> = network.hosts.iter().map(|host| host.node.me()).collect();
    for host in 0..records.len() {
        network.command(host, |node, now, out| node.restore(now, &records, out));
    }
    network.run_for(secs(20));
    let island: Vec<SocketAddr> = network.hosts[..4].iter().map(|host| host.address).collect();
    network.set_cut(move |from, to| island.contains(&from) != island.contains(&to));
    network.run_for(secs(240));
    for host in &network.hosts[..4] {
        let metrics = host.node.metrics();
        assert!(
            metrics.quarantines == 32 && metrics.dropped_quarantines_full > 0,
            "{} held {}",
            host.id,
            metrics.quarantines
        );
    }
    network.set_cut(|_, _| false);
    network.assert_recovers(secs(120), 1);
    assert_eq!(network.deaths(), []);
}

/// Four members that came by repair are probed at a time.
#[test]
fn newcomers_beyond_those_probed_at_a_time_get_their_turn() {
    across_seeds(seeds(), |seed| {
        let mut network = support::network(seed, lan(), ());
        for n in 0..12 {
            let host = network.add(&format!("node-{n}"));
            network.join(host, if n < 6 { &[0, 1] } else { &[6, 7] });
        }
        network.run_for(secs(10));
        assert!(network.running().all(|host| host.node.members().len() == 5), "seed {seed}: no two halves");
        let others: Vec<Record> = network.hosts[6..].iter().map(|host| host.node.me()).collect();
        let before = network.hosts[0].node.metrics().records_repaired;
        say(&mut network, 0, 1, &[(13, vec![]), forge::records(&others, 0)]);
        let metrics = network.hosts[0].node.metrics();
        assert_eq!((metrics.records_repaired - before, metrics.dropped_newcomers), (6, 2), "seed {seed}");
        network.assert_recovers(secs(60), seed);
        assert_eq!(network.deaths(), [], "seed {seed}");
    });
}

/// Eight are told in one answer; of the others whoever offers them again hears then.
#[test]
fn many_old_records_are_corrected_in_part_and_the_rest_when_offered_again() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 14, lan(), ());
        let old: Vec<Record> = network.hosts[2..].iter().map(|host| host.node.me()).collect();
        for host in 2..14 {
            let address = network.fresh_address();
            network.restart(host, address);
            network.join(host, &[0]);
        }
        assert!(network.wait(secs(60), Network::is_formed).is_some(), "seed {seed}");
        let mut told = |offered: &[Record]| {
            let before = *network.hosts[0].node.metrics();
            say(&mut network, 0, 1, &[forge::records(offered, 0)]);
            let after = network.hosts[0].node.metrics();
            let dropped = after.dropped_corrections - before.dropped_corrections;
            (after.corrections_sent - before.corrections_sent, dropped)
        };
        assert_eq!(told(&old), (8, 4), "seed {seed}");
        assert_eq!(told(&old[8..]), (4, 0), "seed {seed}");
        network.assert_recovers(secs(60), seed);
        assert_eq!(network.deaths(), [], "seed {seed}");
    });
}

/// The first 16 are kept.
#[test]
fn seeds_beyond_the_most_that_are_kept_are_not_asked_until_given_again() {
    let mut network = support::network(1, lan(), ());
    let seed = network.add("seed");
    let joiner = network.add("joiner");
    let mut seeds: Vec<SocketAddr> = (1..=16).map(|n| ([11, 0, 0, n], 7_946).into()).collect();
    seeds.push(network.hosts[seed].address);
    network.command(joiner, |node, now, out| node.join(now, &seeds, out));
    network.run_for(secs(60));
    assert!(!network.hosts[joiner].node.is_joined(), "more than 16 were kept");
    assert_eq!(network.hosts[joiner].node.metrics().dropped_seeds, 1);
    network.command(joiner, |node, now, out| node.join(now, &seeds[1..], out));
    assert_eq!(network.hosts[joiner].node.metrics().dropped_seeds, 1, "sixteen were too many");
    assert!(network.wait(secs(60), Network::is_formed).is_some(), "the sixteenth was not kept");
    network.assert_recovers(secs(60), 1);
}

/// More zones than have a stretch of the table (64) or a measured round trip (16).
#[test]
fn more_zones_than_are_told_apart_form_a_cluster_that_notices_a_crash() {
    let mut network: Network<Heap> = Network::new(1, lan(), || Heap::for_members(256), ());
    for n in 0..100u8 {
        let host = network.add_at(&format!("node-{n}"), Locality { region: n, zone: n, rack: 0 });
        network.join(host, &[0, 1, 2]);
    }
    assert!(network.wait(secs(60), Network::is_formed).is_some());
    network.crash(99);
    assert!(network.wait(secs(60), |n| n.all_say(99, Status::Dead)).is_some(), "{}", network.opinions(99));
    network.assert_recovers(secs(10), 1);
    assert_eq!(network.buried_alive(), []);
}

/// 104 events are what one datagram and its step can raise: here nearly all of them, in an outbox with room for no more.
#[test]
fn the_most_that_one_datagram_can_tell_is_all_told() {
    let (told, dropped) = told_by_a_datagram(4);
    assert_eq!((told, dropped), ([1, 4, 4, 44, 44, 1], 0));
}

/// Who comes when there is no more room to tell of those whose place it takes waits.
#[test]
fn newcomers_wait_rather_than_more_being_told_than_there_is_room_for() {
    let (told, dropped) = told_by_a_datagram(6);
    assert_eq!((told, dropped), ([1, 4, 4, 42, 42, 1], 2));
}

/// A paused node with a full table, in whose neighbour zone no one answered, gets the ack of one, with 48 records: this many
/// are of newcomers, who take the places of tombstones; the rest of suspects that refute and changed. Returns how many
/// events it told, of own pauses, tombstones forgotten, newcomers, suspects cleared, changes, and zones that answer again;
/// and how many newcomers found no place.
fn told_by_a_datagram(newcomers: u8) -> ([usize; 6], u64) {
    let far = Locality { region: 0, zone: 1, rack: 0 };
    let config = lan().with(|c| c.max_datagram = 1_400);
    let mut network: Network<Heap, Recorder> =
        Network::new(1, config, || Heap::for_members(64), Recorder::default());
    network.lend(Buffer::<8, 104, 11_200>::new());
    network.add("me");
    let live: Vec<Record> = (0..45).map(|n| nobody(n, far)).collect();
    let dead: Vec<Record> = (100..118).map(|n| nobody(n, far).with_status(Status::Dead)).collect();
    let all: Vec<Record> = live.iter().chain(&dead).copied().collect();
    network.command(0, |node, now, out| node.restore(now, &all, out));
    assert_eq!(network.hosts[0].node.members().len(), 63);
    let held = Event::ZoneQuarantined(far.domain());
    assert!(network.wait(secs(60), |n| n.hosts[0].has_told(held)).is_some(), "the zone was not silent");
    let suspects: Vec<Record> = live.iter().map(|record| record.with_status(Status::Suspect)).collect();
    for some in suspects.chunks(40) {
        let said = forge::datagram(&forge::head(config), live[0].id(), &[forge::records(some, 0)]);
        assert_eq!(network.inject(0, live[0].address(), &said), Verdict::Accepted);
    }
    network.watch.0.clear();
    network.run_for(secs(2));
    let is_ping = |bytes: &[u8]| bytes.get(22) == Some(&1);
    let Some(ping) = network.watch.0.iter().rev().find(|datagram| is_ping(&datagram.bytes)) else {
        panic!("nobody was pinged")
    };
    let Some(&member) = live.iter().find(|record| record.address() == ping.to) else { panic!("{ping:?}") };
    let ack = (2, ping.bytes[25..29].to_vec());
    let changed = live.iter().filter(|record| record.id() != member.id());
    let refuted = Incarnation { epoch: 1_000, refutation: 1 };
    let changed = changed.map(|record| record.with_incarnation(refuted).with_state(1, Health::Degraded, 0));
    let mut news: Vec<Record> = changed.take(usize::from(48 - newcomers)).collect();
    // Four at the beginning; the rest when nearly all is told.
    for n in 0..newcomers {
        news.insert(if n < 4 { 0 } else { news.len() }, nobody(200 + n, far));
    }
    let said = forge::datagram(&forge::head(config), member.id(), &[ack, forge::records(&news, 0)]);
    network.pause(0, secs(2));
    network.run_for(millis(1_900));
    let before = network.hosts[0].events.len();
    assert_eq!(network.inject(0, member.address(), &said), Verdict::Accepted);
    let told = &network.hosts[0].events[before..];
    let of = |wanted: fn(&Event) -> bool| told.iter().filter(|(_, event)| wanted(event)).count();
    let kinds = [
        of(|event| matches!(event, Event::LocalPause { .. })),
        of(|event| matches!(event, Event::Reaped(_))),
        of(|event| matches!(event, Event::Up(_))),
        of(|event| matches!(event, Event::Cleared(_))),
        of(|event| matches!(event, Event::Updated(_))),
        of(|event| matches!(event, Event::ZoneReleased { .. })),
    ];
    assert_eq!(kinds.iter().sum::<usize>(), told.len(), "{told:?}");
    (kinds, network.hosts[0].node.metrics().dropped_table_full)
}

/// Six checks are made at a time, beside a second's routine probe and the ping of a member of a silent zone; those that
/// must wait are made later.
#[test]
fn checks_beyond_those_made_at_a_time_wait_and_are_made() {
    let most: Vec<usize> = seeds().take(4).map(most_checks_at_a_time).collect();
    assert!(most.iter().all(|most| *most <= 8), "{most:?} were pinged for the first time at once");
    assert!(most.iter().any(|most| *most >= 4), "{most:?} were pinged for the first time at once");
}

/// How many of 40 silent suspects, at the most, are first pinged within a tenth of a second.
fn most_checks_at_a_time(seed: u64) -> usize {
    // Where most are silent a node quarantines itself, and checks no one: not here.
    let mechanisms = Mechanisms::ALL.with(|m| {
        m.answers = false;
        m.surprise = false;
        m.majority = false;
    });
    let config = lan().with(|c| {
        c.quarantine = secs(20);
        c.mechanisms = mechanisms;
    });
    let mut network: Network<Heap, Recorder> =
        Network::new(seed, config, || Heap::for_members(256), Recorder::default());
    form(&mut network, seed, 2);
    let lost: Vec<Record> = (0..40).map(|n| nobody(n, Locality::default())).collect();
    for some in lost.chunks(10) {
        say(&mut network, 0, 1, &[forge::records(some, 0)]);
    }
    // Each by the one before it, so that all timers run out together.
    let against =
        |n: usize| forge::accusations(lost[n].id(), lost[n].incarnation(), &[lost[(n + 39) % 40].id()]).1;
    let all: Vec<u8> = (0..40).flat_map(against).collect();
    say(&mut network, 0, 1, &[(33, all)]);
    let suspects =
        network.hosts[0].node.members().filter(|member| member.status() == Status::Suspect).count();
    assert_eq!(suspects, 40);
    let mut most = 0;
    // A check takes longer than a tenth of a second: what begins in one is under way at once.
    for _ in 0..600 {
        network.watch.0.clear();
        network.run_for(millis(100));
        let pinged = network.watch.0.iter().filter(|sent| {
            sent.from == network.hosts[0].address && sent.bytes.get(22) == Some(&1) && sent.bytes[28] & 7 == 0
        });
        let to: std::collections::BTreeSet<SocketAddr> = pinged.map(|sent| sent.to).collect();
        most = most.max(to.len());
    }
    let dead = |n: &Network<Heap, Recorder>| {
        n.running()
            .all(|host| host.node.members().filter(|member| member.status() == Status::Dead).count() == 40)
    };
    assert!(network.wait(secs(300), dead).is_some(), "seed {seed}: some were never checked");
    network.assert_recovers(secs(10), 1);
    assert_eq!(network.buried_alive(), []);
    most
}

/// A node that reaches no one hears all at once that everyone is there.
#[test]
fn more_members_than_wait_for_a_recheck_are_found_by_the_lap() {
    let config = lan().with(|c| c.quarantine = secs(40_000));
    let mut network: Network<Heap> = Network::new(1, config, || Heap::for_members(256), ());
    network.add("me");
    // Zones of three are never quarantined: each member is found unreachable by itself.
    let far = |n: u8| Locality { region: 1, zone: n / 3, rack: 0 };
    let all: Vec<Record> = (0..120).map(|n| nobody(n, far(n))).collect();
    network.command(0, |node, now, out| node.restore(now, &all, out));
    let unreachable = |network: &Network<Heap>| {
        let members = network.hosts[0].node.members();
        members.filter(|member| member.reachability() == Reachability::Unreachable).count()
    };
    assert!(network.wait(secs(2_000), |network| unreachable(network) == 120).is_some());
    let before = network.hosts[0].node.metrics().probes;
    let refuted = Incarnation { epoch: 1_000, refutation: 1 };
    let news: Vec<Record> = all.iter().map(|record| record.with_incarnation(refuted)).collect();
    for some in news.chunks(30) {
        let said = forge::datagram(&forge::head(config), all[0].id(), &[forge::records(some, 0)]);
        assert_eq!(network.inject(0, all[0].address(), &said), Verdict::Accepted);
    }
    assert_eq!(network.hosts[0].node.metrics().dropped_rechecks, 120 - 64);
    network.run_for(secs(1));
    let begun = network.hosts[0].node.metrics().probes - before;
    assert!((4..=22).contains(&begun), "{begun} probes began within a second");
    network.run_for(secs(200));
    let begun = network.hosts[0].node.metrics().probes - before;
    assert!((64..=64 + 250).contains(&begun), "{begun} probes began");
    assert_eq!(network.hosts[0].node.metrics().dropped_rechecks, 120 - 64);
}
