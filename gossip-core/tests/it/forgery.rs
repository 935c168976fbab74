//! What a cluster promises, without any cryptography, against who forges its members' datagrams: someone who knows
//! the cluster's name and every id, reads the traffic, and can send under any address. It cannot keep the members'
//! own datagrams from arriving.

use crate::support::{
    self, Network, Recorder, Watch, across_seeds,
    forge::{self, Section, accusations, datagram, head, join, records},
    formed, lan, millis, secs, seeds,
};
use gossip_core::{
    ConfigError, Event, Health, Heap, Identity, Incarnation, Instant, Locality, Malformed, Node, NodeId,
    Record, Status, Verdict, Versions,
};
use std::{net::SocketAddr, time::Duration};

/// Where the forger is, when it does not claim to be elsewhere.
fn elsewhere() -> SocketAddr {
    ([203, 0, 113, 66], 666).into()
}

/// Tells each of these hosts the same, in the name of another member; from that member's address or from elsewhere.
fn tell<W: Watch<Heap>>(
    network: &mut Network<Heap, W>,
    hosts: &[usize],
    at_home: bool,
    sections: &[Section],
) {
    let head = head(network.config);
    for &host in hosts {
        let (claimed, home) = {
            let liar = &network.hosts[usize::from(host == 0)];
            (liar.id, liar.address)
        };
        let from = if at_home { home } else { elsewhere() };
        let verdict = network.inject(host, from, &datagram(&head, claimed, sections));
        assert_eq!(verdict, Verdict::Accepted, "a forged datagram must be a good one");
    }
}

/// How long until every host holds every other one alive again, and all views are equal.
fn recovery<W: Watch<Heap>>(network: &mut Network<Heap, W>, seed: u64, limit: Duration) -> Duration {
    let took = network.wait(limit, Network::is_formed);
    let Some(took) = took else {
        panic!("seed {seed}: not formed after {limit:?}:{}", network.opinions(network.hosts.len() - 1))
    };
    took
}

/// The ages in ms of forged news: said to be fresh, or so old that it is questioned.
const AGES: [u32; 2] = [0, 60_000];
const VICTIM: usize = 7;
const OTHERS: [usize; 7] = [0, 1, 2, 3, 4, 5, 6];

fn eight(seed: u64) -> Network<Heap> {
    let mut network = formed(seed, 8, lan(), ());
    network.run_for(secs(10));
    network
}

#[test]
fn a_forged_death_of_who_is_there_is_undone_within_seconds() {
    let mut longest = Duration::ZERO;
    across_seeds(seeds(), |seed| {
        for at_home in [false, true] {
            for age in AGES {
                let mut network = eight(seed);
                let dead = network.hosts[VICTIM].node.me().with_status(Status::Dead);
                tell(&mut network, &OTHERS, at_home, &[records(&[dead], age)]);
                longest = longest.max(recovery(&mut network, seed, secs(10)));
                assert_eq!(network.hosts[VICTIM].node.me().status(), Status::Alive);
                network.run_for(secs(60));
                assert!(network.is_formed(), "seed {seed}: the death came back");
            }
        }
    });
    println!("the forged dead are alive again at all after {longest:?} at the most");
    assert!(longest <= secs(3));
}

#[test]
fn a_forged_death_that_is_said_to_be_old_is_not_believed_unasked() {
    across_seeds(seeds(), |seed| {
        let mut network = eight(seed);
        let dead = network.hosts[VICTIM].node.me().with_status(Status::Dead);
        tell(&mut network, &OTHERS, false, &[records(&[dead], 60_000)]);
        let questioned = |host: usize| network.hosts[host].node.metrics().deaths_questioned;
        assert!(OTHERS.iter().all(|&host| questioned(host) > 0), "seed {seed}: believed at once");
        network.run_for(secs(30));
        assert_eq!(network.deaths(), [], "seed {seed}: an old death was believed unasked");
        recovery(&mut network, seed, secs(10));
    });
}

#[test]
fn forged_accusers_never_bury_who_answers() {
    across_seeds(seeds(), |seed| {
        let mut network = eight(seed);
        let accusers: Vec<NodeId> = network.hosts[1..5].iter().map(|host| host.id).collect();
        // Ten times a second, more often than it may refute, and under the incarnation that it has just reached.
        for _ in 0..600 {
            let me = network.hosts[VICTIM].node.me();
            let suspect = me.with_status(Status::Suspect);
            let sections = [records(&[suspect], 0), accusations(me.id(), me.incarnation(), &accusers)];
            tell(&mut network, &OTHERS[5..], false, &sections);
            network.run_for(millis(100));
        }
        assert_eq!(network.deaths(), [], "seed {seed}");
        let suspicions: u64 = OTHERS.iter().map(|&host| network.hosts[host].node.metrics().suspicions).sum();
        assert!(suspicions > 0, "seed {seed}: nobody was suspected");
        let refuted = network.hosts[VICTIM].node.metrics().refutations;
        assert!((1..=4 * 60 + 4).contains(&refuted), "seed {seed}: {refuted} refutations in a minute");
        recovery(&mut network, seed, secs(10));
    });
}

#[test]
fn a_forged_leave_is_undone_within_seconds() {
    let mut longest = Duration::ZERO;
    across_seeds(seeds(), |seed| {
        for at_home in [false, true] {
            let mut network = eight(seed);
            let left = network.hosts[VICTIM].node.me().with_status(Status::Left);
            tell(&mut network, &OTHERS, at_home, &[records(&[left], 0)]);
            longest = longest.max(recovery(&mut network, seed, secs(10)));
            network.run_for(secs(60));
            assert!(network.is_formed(), "seed {seed}: the leave came back");
            assert!(network.hosts[VICTIM].left().is_none(), "seed {seed}: it believes it itself");
        }
    });
    println!("who is said to have left is alive again at all after {longest:?} at the most");
    assert!(longest <= secs(3));
}

/// Everyone is told at once that everyone else is gone: no one has anyone left to talk to.
#[test]
fn a_cluster_in_which_all_are_said_to_be_gone_finds_itself_again() {
    for status in [Status::Dead, Status::Left] {
        let mut longest = Duration::ZERO;
        across_seeds(seeds(), |seed| {
            let mut network = eight(seed);
            for host in 0..network.hosts.len() {
                let gone: Vec<Record> = network
                    .hosts
                    .iter()
                    .filter(|other| other.id != network.hosts[host].id)
                    .map(|other| other.node.me().with_status(status))
                    .collect();
                tell(&mut network, &[host], false, &[records(&gone, 0)]);
            }
            assert!(!network.is_formed(), "seed {seed}: nobody believed it");
            longest = longest.max(recovery(&mut network, seed, secs(120)));
        });
        println!("all said to be {status:?}: one cluster again after {longest:?} at the most");
        assert!(longest <= secs(5), "{status:?}: {longest:?}");
    }
}

#[test]
fn forged_refutations_keep_the_dead_alive_only_while_they_go_on() {
    let mut longest = Duration::ZERO;
    across_seeds(seeds(), |seed| {
        let mut network = eight(seed);
        let me = network.hosts[VICTIM].node.me();
        let at = |refutation| me.with_incarnation(Incarnation { refutation, ..me.incarnation() });
        network.crash(VICTIM);
        for refutation in 1..=120 {
            tell(
                &mut network,
                &[refutation as usize % OTHERS.len()],
                false,
                &[records(&[at(refutation)], 0)],
            );
            network.run_for(millis(500));
        }
        longest = longest.max(burial(&mut network, seed));
        let false_deaths = network.deaths().into_iter().filter(|death| death.1 != me.id()).count();
        assert_eq!(false_deaths, 0, "seed {seed}");
        // The owner's next life is above all that was forged of the one before.
        let address = network.fresh_address();
        network.restart(VICTIM, address);
        network.join(VICTIM, &[0]);
        recovery(&mut network, seed, secs(10));
    });
    println!("dead everywhere {longest:?} after the last forged refutation, at most");
    // Damping gives four floors of 2.3 s after the latest refutation; then it takes two failed probes and a suspicion.
    assert!(longest <= secs(20), "{longest:?}");
}

/// How long until the crashed victim is dead everywhere.
fn burial(network: &mut Network<Heap>, seed: u64) -> Duration {
    let took = network.wait(secs(1_000), |n| n.all_say(VICTIM, Status::Dead));
    let Some(took) = took else { panic!("seed {seed}: alive for ever: {}", network.opinions(VICTIM)) };
    took
}

/// Each raises the level of damping by three: to a patience of 4 floors of 2.3 s, of 32 floors, and of `quarantine`.
#[test]
fn forged_deaths_that_are_refuted_delay_a_real_one_up_to_the_quarantine() {
    let quarantine = lan().quarantine;
    for (deaths, at_least, at_most) in [
        (0, Duration::ZERO, secs(5)),
        (1, secs(10), secs(20)),
        (2, secs(70), secs(80)),
        (3, quarantine - secs(5), quarantine + secs(15)),
        (12, quarantine - secs(5), quarantine + secs(15)),
    ] {
        let mut longest = Duration::ZERO;
        across_seeds(seeds(), |seed| {
            let mut network = eight(seed);
            for _ in 0..deaths {
                let dead = network.hosts[VICTIM].node.me().with_status(Status::Dead);
                tell(&mut network, &OTHERS, false, &[records(&[dead], 0)]);
                recovery(&mut network, seed, secs(10));
            }
            network.crash(VICTIM);
            longest = longest.max(burial(&mut network, seed));
        });
        println!("a crash after {deaths} forged deaths is known everywhere after {longest:?} at most");
        assert!((at_least..=at_most).contains(&longest), "{deaths}: {longest:?}");
    }
}

/// Refuted deaths count beyond the cap on refuted suspicions.
#[test]
fn forged_deaths_and_refutations_in_turn_hide_a_crash_for_a_quarantine() {
    let (quarantine, mut longest) = (lan().quarantine, Duration::ZERO);
    across_seeds(seeds(), |seed| {
        let mut network = eight(seed);
        let me = network.hosts[VICTIM].node.me();
        let at = |refutation| me.with_incarnation(Incarnation { refutation, ..me.incarnation() });
        network.crash(VICTIM);
        for refutation in 1..=60 {
            for news in [at(refutation - 1).with_status(Status::Dead), at(refutation)] {
                tell(&mut network, &OTHERS, false, &[records(&[news], 0)]);
                network.run_for(millis(500));
            }
        }
        longest = longest.max(burial(&mut network, seed));
    });
    println!("dead everywhere {longest:?} after the last of them, at most");
    assert!((quarantine..=quarantine + secs(15)).contains(&longest), "{longest:?}");
}

/// Acks in the name of who crashed, as they would be if its silence could be covered up without reading the network.
#[test]
fn acks_that_guess_their_nonce_keep_nobody_alive() {
    across_seeds(seeds(), |seed| {
        let mut network = eight(seed);
        let (head, gone) = (head(lan()), network.hosts[VICTIM].id);
        let home = network.hosts[VICTIM].address;
        network.crash(VICTIM);
        let mut rng = support::Rng::new(seed);
        let took = (0..6_000).find(|_| {
            for host in OTHERS {
                let nonce = (rng.next_u64() as u32).to_be_bytes().to_vec();
                let tag = [2, 4, 5][rng.below(3) as usize];
                network.inject(host, home, &datagram(&head, gone, &[(tag, nonce)]));
            }
            network.run_for(millis(5));
            network.all_say(VICTIM, Status::Dead)
        });
        assert!(took.is_some(), "seed {seed}: {}", network.opinions(VICTIM));
    });
}

#[test]
fn a_forged_refutation_moves_nobody_to_another_address() {
    across_seeds(seeds(), |seed| {
        let mut network = eight(seed);
        let me = network.hosts[VICTIM].node.me();
        // The first under its own incarnation, as a duplicate would.
        for above in [0, 1, 100] {
            let now = network.hosts[VICTIM].node.me().incarnation();
            let at = Incarnation { refutation: now.refutation + above, ..now };
            let moved = me.with_incarnation(at).with_address(elsewhere());
            tell(&mut network, &OTHERS, false, &[records(&[moved], 0)]);
            let home = |n: &Network<Heap>| {
                let here = |host: usize| n.hosts[host].node.member(me.id()).map(|m| m.record().address());
                OTHERS.iter().all(|&host| here(host) == Some(me.address()))
            };
            assert!(network.wait(secs(5), home).is_some(), "seed {seed}: {}", network.opinions(VICTIM));
        }
        recovery(&mut network, seed, secs(5));
        assert_eq!(network.deaths(), [], "seed {seed}");
    });
}

#[test]
fn a_forged_state_is_replaced_by_its_owners() {
    across_seeds(seeds(), |seed| {
        let mut network = eight(seed);
        let me = network.hosts[VICTIM].node.me();
        for above in [0, 5] {
            let forged = network.hosts[VICTIM].node.me();
            let forged = forged.with_state(forged.state_version() + above, Health::Unhealthy, 255);
            tell(&mut network, &OTHERS, false, &[records(&[forged], 0)]);
            let healthy = |n: &Network<Heap>| {
                let says = |host: usize| n.hosts[host].node.member(me.id()).map(|m| m.record().health());
                OTHERS.iter().all(|&host| says(host) == Some(Health::Healthy))
            };
            assert!(!healthy(&network), "seed {seed}: nobody believed it");
            assert!(network.wait(secs(5), healthy).is_some(), "seed {seed}: {}", network.opinions(VICTIM));
            recovery(&mut network, seed, secs(5));
        }
    });
}

/// Incarnations that are refused, and the last that are not.
#[test]
fn what_is_above_the_highest_incarnation_is_refused_wherever_it_stands() {
    let mut network = eight(1);
    let me = network.hosts[VICTIM].node.me();
    let (epoch, count) = (Incarnation::MAX_EPOCH, Incarnation::MAX_COUNT);
    let liar = network.hosts[1].id;
    let head = head(lan());
    let mut refused = 0;
    for (epoch, refutation, version, good) in [
        (epoch, count, count, true),
        (epoch + 1, 0, 0, false),
        (u32::MAX, 0, 0, false),
        (1, count + 1, 0, false),
        (1, u32::MAX, 0, false),
        (1, 0, count + 1, false),
        (1, 0, u32::MAX, false),
    ] {
        let at = Incarnation { epoch, refutation };
        // Of a member that no one has met, so that what is accepted has no other effect.
        let non_member = forge::non_member(1).with_incarnation(at).with_state(version, Health::Healthy, 0);
        let mut list = vec![0, 0, 1];
        list.extend(non_member.id().as_u64().to_be_bytes());
        list.extend(epoch.to_be_bytes());
        list.push((version % 32) as u8 | 3 << 5 | 1 << 7);
        list.extend(forge::leb(version / 32));
        list.extend(forge::leb(refutation.saturating_sub(3)));
        let plain = refutation >= 3 && version >= 32;
        let mut sections = vec![records(&[non_member], 0), join(9, 0, &non_member)];
        if version <= count {
            sections.push(accusations(non_member.id(), at, &[me.id()]));
        }
        if plain {
            sections.push((15, list));
        }
        for section in sections {
            let tag = section.0;
            let before = network.hosts[0].node.metrics().malformed;
            let verdict = network.inject(0, elsewhere(), &datagram(&head, liar, &[section]));
            let expected = if good { Verdict::Accepted } else { Verdict::Malformed(Malformed::Value) };
            assert_eq!(verdict, expected, "section {tag} with {at:?} and version {version}");
            let counted = network.hosts[0].node.metrics().malformed - before;
            assert_eq!(counted, u64::from(!good), "section {tag} with {at:?} and version {version}");
            refused += counted;
        }
    }
    assert!(refused > 10, "{refused}");
}

#[test]
fn a_claim_at_the_highest_epoch_makes_its_owner_passive_and_kills_nobody() {
    across_seeds(seeds(), |seed| {
        let mut network = eight(seed);
        let top = Incarnation { epoch: Incarnation::MAX_EPOCH, refutation: 0 };
        let forged = network.hosts[VICTIM].node.me().with_incarnation(top);
        tell(&mut network, &OTHERS, false, &[records(&[forged], 0)]);
        assert!(
            network.wait(secs(5), |n| n.hosts[VICTIM].has_told(Event::DuplicateId)).is_some(),
            "seed {seed}"
        );
        network.run_for(secs(120));
        assert!(network.all_say(VICTIM, Status::Alive), "seed {seed}: {}", network.opinions(VICTIM));
        assert_eq!(network.deaths(), [], "seed {seed}");
    });
}

/// A refutation, a state version and an epoch each have a value above which there is no room; what is said at that
/// value is still answered.
#[test]
fn a_claim_at_the_highest_refutation_or_version_is_answered_by_a_new_life() {
    let count = Incarnation::MAX_COUNT;
    across_seeds(seeds(), |seed| {
        for (refutation, version) in [(count - 1, 0), (count, 0), (0, count - 1), (0, count), (count, count)]
        {
            let mut network = eight(seed);
            let me = network.hosts[VICTIM].node.me();
            let at =
                Incarnation { refutation: refutation.max(me.incarnation().refutation), ..me.incarnation() };
            let status = if refutation > 0 { Status::Suspect } else { Status::Alive };
            let forged =
                me.with_incarnation(at).with_status(status).with_state(version, Health::Unhealthy, 0);
            tell(&mut network, &OTHERS, false, &[records(&[forged], 0)]);
            recovery(&mut network, seed, secs(10));
            let now = network.hosts[VICTIM].node.me();
            assert!(wins(&now, &forged), "seed {seed}: {now:?} after {forged:?}");
            assert_eq!(now.health(), Health::Healthy, "seed {seed}: {now:?}");
            assert_eq!(network.deaths(), [], "seed {seed}");
        }
    });
}

/// Whether all of a record wins against another's.
fn wins(record: &Record, other: &Record) -> bool {
    let mut merged = *other;
    merged.merge(record);
    merged == *record
}

#[test]
fn a_node_that_starts_at_the_highest_epoch_lives_like_any_other() {
    across_seeds(seeds(), |seed| {
        let mut network = eight(seed);
        let address = network.fresh_address();
        network.restart_in(VICTIM, address, Incarnation::MAX_EPOCH);
        network.join(VICTIM, &[0]);
        recovery(&mut network, seed, secs(10));
        let me = network.hosts[VICTIM].node.me();
        let suspect = me.with_status(Status::Suspect);
        tell(&mut network, &OTHERS, false, &[records(&[suspect], 0)]);
        recovery(&mut network, seed, secs(10));
        assert_eq!(network.hosts[VICTIM].node.me().incarnation().epoch, Incarnation::MAX_EPOCH);
        assert_eq!(network.deaths(), [], "seed {seed}");
    });
}

/// Ports and addresses, IPv4 in 4 bytes and IPv6 in 16, at which no single node can be.
fn absurd_places() -> Vec<(u16, Vec<u8>)> {
    let v4 = [[0, 0, 0, 0], [0, 1, 2, 3], [224, 0, 0, 1], [239, 255, 255, 250], [255, 255, 255, 255]];
    let mut v6 = [[0; 16]; 4];
    (v6[1][0], v6[1][1], v6[1][15]) = (0xFF, 2, 1);
    (v6[2][0], v6[2][1], v6[2][15]) = (0xFF, 0x0E, 1);
    // IPv4-mapped: the same address has a shorter form.
    v6[3][10..].copy_from_slice(&[0xFF, 0xFF, 10, 0, 0, 1]);
    let mut all: Vec<(u16, Vec<u8>)> = v4.iter().map(|ip| (7_946, ip.to_vec())).collect();
    all.extend(v6.iter().map(|ip| (7_946, ip.to_vec())));
    all.extend([(0, vec![10, 0, 0, 1]), (0, [&[0xFD][..], &[1; 15]].concat())]);
    all
}

fn address((port, ip): &(u16, Vec<u8>)) -> SocketAddr {
    match <[u8; 4]>::try_from(ip.as_slice()) {
        Ok(v4) => (v4, *port).into(),
        Err(_) => (std::array::from_fn::<u8, 16, _>(|i| ip[i]), *port).into(),
    }
}

#[test]
fn an_address_at_which_nobody_can_be_is_refused_wherever_it_stands() {
    let mut network = formed(1, 4, lan(), Recorder::default());
    network.run_for(secs(10));
    network.watch.0.clear();
    let head = head(lan());
    let liar = (network.hosts[1].id, network.hosts[1].address);
    for place in absurd_places() {
        let mut sections = vec![];
        let v6 = place.1.len() == 16;
        let like: SocketAddr = if v6 { ([1; 16], 1).into() } else { ([1; 4], 1).into() };
        let non_member = forge::non_member(1).with_address(like);
        for (tag, at) in [(32, forge::PORT), (6, 12 + forge::PORT)] {
            let mut body = if tag == 32 { forge::record(&non_member, 0) } else { join(9, 0, &non_member).1 };
            body[at..at + 2].copy_from_slice(&place.0.to_be_bytes());
            body[at + 2..at + 2 + place.1.len()].copy_from_slice(&place.1);
            sections.push((tag, body));
        }
        let family = if v6 { 6 } else { 4 };
        sections.push((9, [&[0, 0, 0, 9, family][..], &place.0.to_be_bytes(), &place.1].concat()));
        for section in sections {
            let tag = section.0;
            for (id, from) in [liar, (non_member.id(), elsewhere())] {
                let before = (network.hosts[0].node.metrics().malformed, network.hosts[0].node.fingerprint());
                let verdict = network.inject(0, from, &datagram(&head, id, std::slice::from_ref(&section)));
                let after = (network.hosts[0].node.metrics().malformed, network.hosts[0].node.fingerprint());
                assert_eq!(verdict, Verdict::Malformed(Malformed::Value), "section {tag}: {place:?}");
                assert_eq!(after, (before.0 + 1, before.1), "section {tag}: {place:?}");
            }
        }
    }
    assert_eq!(network.watch.0.len(), 0, "an answer was sent");
}

#[test]
fn a_node_never_sends_to_where_nobody_can_be() {
    let mut network = formed(1, 4, lan(), Recorder::default());
    let head = head(lan());
    let (me, member) = (network.hosts[0].id, network.hosts[1].id);
    for place in absurd_places() {
        let place = address(&place);
        if place.ip().to_canonical() != place.ip() {
            continue; // as good an address as its shorter form
        }
        for sender in [member, forge::non_member(1).id()] {
            let ping = datagram(&head, sender, &[forge::ping(8, me)]);
            let before = network.hosts[0].node.metrics().malformed;
            let verdict = network.inject(0, place, &ping);
            assert_eq!(verdict, Verdict::Malformed(Malformed::Value), "a ping from {place}");
            assert_eq!(network.hosts[0].node.metrics().malformed, before + 1);
        }
        network.command(0, |node, now, out| node.join(now, &[place], out));
        let record = forge::non_member(2).with_address(place);
        network.command(0, |node, now, out| node.restore(now, &[record], out));
        assert!(network.hosts[0].node.member(record.id()).is_none(), "{place} was restored");
        network.run_for(secs(2));
        assert!(network.watch.0.iter().all(|datagram| datagram.to != place), "sent to {place}");
        let identity = Identity { id: forge::id(9), epoch: 1, address: place, locality: Locality::default() };
        let refused = Node::new(lan(), identity, [7; 32], Heap::for_members(8), Instant::ZERO).err();
        assert_eq!(refused, Some(ConfigError::Address), "{place} as one's own");
    }
    assert!(network.is_formed());
}

/// Ids whose place in the table is the same to the first 12 bits: thousands of neighbours. Two nodes know different
/// halves of them, and find and repair every one.
#[test]
fn ids_ground_to_crowd_a_stretch_of_the_table_are_found_and_repaired() {
    let key = siphasher::sip::SipHasher13::new_with_keys(0, 2).hash(b"test");
    let tag = |id: u64| siphasher::sip::SipHasher13::new_with_keys(key, 1).hash(&id.to_be_bytes()) >> 32;
    let ground: Vec<u64> = (1..).filter(|&id| tag(id) >> 20 == 0xABC).take(2_000).collect();
    let records: Vec<Record> = ground
        .iter()
        .enumerate()
        .map(|(n, &id)| {
            let address = ([10, 1, (n >> 8) as u8, n as u8], 7_946).into();
            let identity = Identity { id: forge::id(id), epoch: 1, address, locality: Locality::default() };
            Record::new(identity, Versions::OURS)
        })
        .collect();
    let config = lan().with(|c| c.probe_interval = secs(30));
    let mut network: Network<Heap> = Network::new(1, config, || Heap::for_members(3_000), ());
    network.add_restored(2);
    for (host, own) in [(0, 0..1_050), (1, 950..2_000)] {
        network.command(host, |node, now, out| node.restore(now, &records[own], out));
    }
    for host in 0..2 {
        let known = records.iter().filter(|record| network.hosts[host].node.member(record.id()).is_some());
        assert_eq!(known.count(), 1_050, "host {host}");
        let absent = (1..).filter(|&id| tag(id) >> 20 == 0xABC).skip(2_000).take(100);
        assert!(absent.into_iter().all(|id| network.hosts[host].node.member(forge::id(id)).is_none()));
    }
    let equal = |n: &Network<Heap>| n.hosts[0].node.fingerprint() == n.hosts[1].node.fingerprint();
    let head = head(config);
    let mut took = 0;
    // The two meet once a second; no one else is there.
    while !equal(&network) && took < 600 {
        let (id, address) = (network.hosts[1].id, network.hosts[1].address);
        let ping = datagram(&head, id, &[forge::ping(8, network.hosts[0].id)]);
        network.inject(0, address, &ping);
        network.run_for(secs(1));
        took += 1;
    }
    println!("1,900 differences among crowded ids were repaired in {took} s");
    assert!(equal(&network), "not after {took} s");
}
