//! What a cluster of several zones promises when one of them falls silent, and when it comes back.

use crate::support::{self, Link, Network, across_seeds, lan, network, secs, seeds};
use gossip_core::{Config, Event, Heap, Locality, NodeId, Reachability, Status, Zone};
use std::{cell::RefCell, collections::BTreeSet, net::SocketAddr, rc::Rc, time::Duration};

/// The length of an ack without news.
const BARE_ACK: usize = 29;

fn zone(zone: u8) -> Zone {
    Zone { region: 0, zone }
}

/// A formed cluster: this many nodes in each zone, two racks a zone.
fn zones(seed: u64, config: Config, sizes: &[usize]) -> Network<Heap> {
    let mut network = network(seed, config, ());
    for (zone, &size) in (0u8..).zip(sizes) {
        for n in 0..size {
            let locality = Locality { region: 0, zone, rack: (n % 2) as u8 };
            let host = network.add_at(&format!("z{zone}-{n}"), locality);
            network.join(host, &[0, 1]);
        }
    }
    assert!(network.wait(secs(60), Network::is_formed).is_some(), "seed {seed}: not formed");
    network.run_for(secs(30));
    network
}

fn members_of(network: &Network<Heap>, zone: u8) -> Vec<usize> {
    let of = |&host: &usize| network.hosts[host].locality.zone == zone;
    (0..network.hosts.len()).filter(of).collect()
}

fn addresses_of(network: &Network<Heap>, zone: u8) -> Vec<SocketAddr> {
    members_of(network, zone).into_iter().map(|host| network.hosts[host].address).collect()
}

fn is_in(network: &Network<Heap>, zone: u8, id: NodeId) -> bool {
    network.hosts.iter().any(|host| host.id == id && host.locality.zone == zone)
}

/// Cuts a zone off from all others.
fn cut_off(network: &mut Network<Heap>, zone: u8) {
    let inside = addresses_of(network, zone);
    network.set_cut(move |from, to| inside.contains(&from) != inside.contains(&to));
}

fn told(network: &Network<Heap>, host: usize, event: Event) -> usize {
    network.hosts[host].events.iter().filter(|(_, told)| *told == event).count()
}

#[test]
fn round_trips_are_told_of_each_zone_that_answers() {
    across_seeds(seeds(), |seed| {
        let network = zones(seed, lan(), &[3, 3, 3]);
        let mut trips: Vec<_> = network.hosts[0].node.round_trips().collect();
        trips.sort_by_key(|trip| trip.zone);
        assert_eq!(trips.iter().map(|trip| trip.zone).collect::<Vec<_>>(), [zone(0), zone(1), zone(2)]);
        let ms = Duration::from_millis;
        for trip in trips {
            // There and back, at 1 to 3 ms each.
            assert!((ms(2)..=ms(6)).contains(&trip.smoothed), "seed {seed}: {trip:?}");
            assert!(trip.p99 >= trip.smoothed && trip.ack_timeout >= trip.p99, "seed {seed}: {trip:?}");
        }
    });
}

#[test]
fn a_zone_that_is_cut_off_is_quarantined_and_nobody_dies() {
    across_seeds(seeds(), |seed| {
        let mut network = zones(seed, lan(), &[6, 6, 6]);
        cut_off(&mut network, 2);
        network.run_for(secs(300));
        assert_eq!(network.deaths(), [], "seed {seed}");
        for host in members_of(&network, 0) {
            assert_eq!(told(&network, host, Event::ZoneQuarantined(zone(2))), 1, "seed {seed}");
        }
        network.set_cut(|_, _| false);
        network.run_for(secs(30));
        assert_eq!(network.deaths(), [], "seed {seed}");
        for host in members_of(&network, 0) {
            let released = Event::ZoneReleased { zone: zone(2), answered: true };
            assert!(told(&network, host, released) >= 1, "seed {seed}");
            let members = network.hosts[host].node.members();
            assert!(members.into_iter().all(|member| member.is_routable()), "seed {seed}");
        }
        let refuted: u64 = network.hosts.iter().map(|host| host.node.metrics().refutations).sum();
        assert!(refuted <= 4, "seed {seed}: healing took {refuted} refutations");
    });
}

#[test]
fn members_of_a_quarantined_zone_are_not_routable() {
    let mut network = zones(1, lan(), &[6, 6, 6]);
    cut_off(&mut network, 2);
    network.run_for(secs(60));
    let node = &network.hosts[0].node;
    let quarantined: Vec<_> = node.quarantined_zones().map(|zone| zone.zone).collect();
    assert_eq!((quarantined, node.is_self_quarantined()), (vec![2], false));
    for member in node.members() {
        let cut = member.locality().zone == 2;
        let expected = if cut { Reachability::Unreachable } else { Reachability::Reachable };
        assert_eq!((member.status(), member.reachability()), (Status::Alive, expected), "{member:?}");
        assert_eq!(member.is_routable(), !cut, "{member:?}");
    }
}

#[test]
fn a_crash_is_noticed_on_either_side_while_a_zone_is_cut_off() {
    across_seeds(seeds(), |seed| {
        let mut network = zones(seed, lan(), &[6, 6, 6]);
        cut_off(&mut network, 2);
        network.run_for(secs(20));
        let (near, far) = (members_of(&network, 0)[5], members_of(&network, 2)[5]);
        network.crash(near);
        network.crash(far);
        let (near_id, far_id) = (network.hosts[near].id, network.hosts[far].id);
        let says =
            |host: &support::Host<Heap>, id: NodeId| host.node.member(id).map(|member| member.status());
        let took = network.wait(secs(60), |n| {
            n.running().all(|host| {
                let id = if host.locality.zone == 2 { far_id } else { near_id };
                says(host, id) == Some(Status::Dead)
            })
        });
        assert!(took.is_some(), "seed {seed}: {}{}", network.opinions(near), network.opinions(far));
        let dead: Vec<NodeId> = network.deaths().into_iter().map(|(_, victim, _)| victim).collect();
        assert!(dead.iter().all(|id| [near_id, far_id].contains(id)), "seed {seed}: others died, too");
    });
}

#[test]
fn a_dead_rack_in_a_living_zone_is_declared_dead() {
    across_seeds(seeds(), |seed| {
        let mut network = zones(seed, lan(), &[8, 8]);
        let rack: Vec<usize> = members_of(&network, 1)
            .into_iter()
            .filter(|&host| network.hosts[host].locality.rack == 1)
            .collect();
        for &host in &rack {
            network.crash(host);
        }
        let took = network.wait(secs(60), |n| rack.iter().all(|&host| n.all_say(host, Status::Dead)));
        assert!(took.is_some(), "seed {seed}: {}", network.opinions(rack[0]));
    });
}

#[test]
fn a_zone_too_small_to_tell_is_never_quarantined() {
    across_seeds(seeds(), |seed| {
        let mut network = zones(seed, lan(), &[4, 3]);
        let last = members_of(&network, 1);
        for &host in &last {
            network.crash(host);
        }
        let took = network.wait(secs(60), |n| last.iter().all(|&host| n.all_say(host, Status::Dead)));
        assert!(took.is_some(), "seed {seed}: {}", network.opinions(last[0]));
    });
}

/// A quarantine delays, it does not forbid.
#[test]
fn a_zone_that_stays_silent_is_declared_dead_after_the_quarantine() {
    across_seeds(seeds().take(5), |seed| {
        let config = lan().with(|c| c.quarantine = secs(60));
        let mut network = zones(seed, config, &[6, 6, 4]);
        let gone = members_of(&network, 2);
        for &host in &gone {
            network.crash(host);
        }
        network.run_for(secs(58));
        assert_eq!(network.deaths(), [], "seed {seed}: while the zone is quarantined");
        let took = network.wait(secs(120), |n| gone.iter().all(|&host| n.all_say(host, Status::Dead)));
        assert!(took.is_some(), "seed {seed}: {}", network.opinions(gone[0]));
        // A node that quarantined the zone later than others says so later.
        network.run_for(secs(10));
        let released = Event::ZoneReleased { zone: zone(2), answered: false };
        assert_eq!(told(&network, 0, released), 1, "seed {seed}");
    });
}

/// Longer than any quarantine: both sides bury each other, and are one again soon after.
#[test]
fn sides_that_buried_each_other_find_each_other_again() {
    across_seeds(seeds().take(10), |seed| {
        let config = lan().with(|c| c.quarantine = secs(30));
        let mut network = zones(seed, config, &[8, 8]);
        cut_off(&mut network, 1);
        let other = members_of(&network, 1);
        let buried = network.wait(secs(300), |n| {
            let counts = n.running().map(|host| host.node.members().filter(|m| m.status().is_live()).count());
            counts.into_iter().all(|live| live == 7)
        });
        assert!(buried.is_some(), "seed {seed}: {}", network.opinions(other[0]));
        network.run_for(secs(20));
        let before = network.deaths().len();
        network.set_cut(|_, _| false);
        let healed = network.wait(secs(30), Network::is_formed);
        assert!(healed.is_some(), "seed {seed}: not one again after 30 s");
        network.run_for(secs(60));
        assert_eq!(network.deaths().len(), before, "seed {seed}: healing buried somebody");
        assert!(network.is_formed(), "seed {seed}");
    });
}

/// Relays of a third zone reach it.
#[test]
fn a_member_that_one_zone_cannot_reach_is_buried_by_nobody() {
    across_seeds(seeds(), |seed| {
        let mut network = zones(seed, lan(), &[5, 5, 5]);
        let victim = network.hosts[members_of(&network, 2)[0]].address;
        let deaf: Vec<SocketAddr> =
            members_of(&network, 0).iter().map(|&host| network.hosts[host].address).collect();
        // One zone loses the victim, and all its relays' ways to it.
        network.set_cut(move |from, to| {
            deaf.contains(&from) && to == victim || from == victim && deaf.contains(&to)
        });
        network.run_for(secs(180));
        assert_eq!(network.deaths(), [], "seed {seed}");
    });
}

#[test]
fn a_lossy_network_of_zones_still_notices_every_crash() {
    across_seeds(seeds(), |seed| {
        let mut network = zones(seed, lan(), &[6, 6, 6]);
        network.set_link(Link { loss: 0.2, ..Link::LAN });
        network.crash(17);
        let took = network.wait(secs(90), |n| n.all_say(17, Status::Dead));
        assert!(took.is_some(), "seed {seed}: {}", network.opinions(17));
    });
}

/// The dead are visited at a bounded rate, however many they are.
#[test]
fn reconnect_attempts_cost_little() {
    let mut network = zones(1, lan(), &[8, 8]);
    for host in 12..16 {
        network.crash(host);
    }
    let dead = network.wait(secs(120), |n| (12..16).all(|host| n.all_say(host, Status::Dead)));
    assert!(dead.is_some());
    let reconnects =
        |n: &Network<Heap>| -> u64 { n.running().map(|host| host.node.metrics().reconnects).sum() };
    let before = reconnects(&network);
    let span = Duration::from_secs(600);
    network.run_for(span);
    let made = reconnects(&network) - before;
    // 12 nodes, each every 22 s on average.
    assert!((200..500).contains(&made), "{made} attempts in {span:?}");
}

/// All hear at once of one that came back, and only some of them look for more.
#[test]
fn not_every_node_tries_all_the_dead_when_one_of_them_returns() {
    const NODES: usize = 200;
    let mut network = Network::new(1, lan(), || Heap::for_members(NODES), ());
    network.add_joined(NODES);
    assert!(network.wait(secs(60), Network::is_formed).is_some());
    network.crash(1);
    let cut = network.hosts[0].address;
    network.set_cut(move |from, to| (from == cut) != (to == cut));
    let gone = network.hosts[1].id;
    let dead = network.wait(secs(120), |n| {
        n.all_say(0, Status::Dead)
            && n.running()
                .filter(|host| host.address != cut)
                .all(|host| host.node.member(gone).is_some_and(|member| member.status() == Status::Dead))
    });
    assert!(dead.is_some());
    let reconnects =
        |n: &Network<Heap>| -> u64 { n.running().map(|host| host.node.metrics().reconnects).sum() };
    network.set_cut(|_, _| false);
    let before = reconnects(&network);
    let back = network.wait(secs(120), |n| n.all_say(0, Status::Alive)).expect("it is found");
    network.run_for(secs(2));
    let made = reconnects(&network) - before;
    // Some 50 nodes make two each, beside one a second of all together; if all did, that were 400.
    assert!((40..200).contains(&(made - back.as_secs())), "{made} attempts, back after {back:?}");
}

/// The third one's relays reach them, and no one in it joins in: however long it lasts.
#[test]
fn zones_that_a_third_one_reaches_bury_nobody_after_the_quarantine() {
    across_seeds(0..5, |seed| {
        let mut network = zones(seed, lan().with(|c| c.quarantine = secs(30)), &[8, 8, 5]);
        let (one, other) = (addresses_of(&network, 0), addresses_of(&network, 1));
        network.set_cut(move |from, to| {
            one.contains(&from) && other.contains(&to) || other.contains(&from) && one.contains(&to)
        });
        network.run_for(secs(600));
        assert_eq!(network.deaths(), [], "seed {seed}");
        network.set_cut(|_, _| false);
        network.assert_recovers(secs(60), seed);
    });
}

/// More zones are silent than a node remembers: a brief probe asks no controls, so it says nothing of the member.
#[test]
fn a_zone_cut_off_from_more_zones_than_it_remembers_accuses_nobody() {
    across_seeds(0..5, |seed| {
        let mut network = Network::new(seed, lan(), || Heap::for_members(512), ());
        let own = (0..5).map(|n| (0, n));
        let others = (1..=80).flat_map(|zone| (0..5).map(move |n| (zone, n)));
        for (zone, n) in own.chain(others) {
            network.add_at(&format!("z{zone}-{n}"), Locality { region: 0, zone, rack: 0 });
        }
        let records: Vec<_> = network.hosts.iter().map(|host| host.node.me()).collect();
        for host in 0..network.hosts.len() {
            network.command(host, |node, now, out| node.restore(now, &records, out));
        }
        network.run_for(secs(10));
        for host in 5..network.hosts.len() {
            network.crash(host);
        }
        network.run_for(secs(300));
        let accusations = network.running().map(|host| host.node.metrics().accusations_made);
        assert_eq!((network.deaths().len(), accusations.sum::<u64>()), (0, 0), "seed {seed}");
    });
}

/// The roll call of a zone whose quarantine is exhausted passes over whoever asked for time.
#[test]
fn a_pause_announced_in_an_exhausted_quarantine_is_waited_for() {
    across_seeds(seeds().take(5), |seed| {
        let mut network = zones(seed, lan().with(|c| c.quarantine = secs(30)), &[9, 5]);
        cut_off(&mut network, 1);
        network.run_for(secs(60));
        network.set_cut(|_, _| false);
        network.assert_recovers(secs(60), seed);
        let pausing = members_of(&network, 1)[0];
        let id = network.hosts[pausing].id;
        network.hosts.iter_mut().for_each(|host| host.events.clear());
        network.command(pausing, |node, now, out| node.announce_pause(now, secs(40), out));
        network.run_for(secs(1));
        network.pause(pausing, secs(38));
        network.run_for(secs(60));
        let suspected = network.hosts.iter().filter(|host| host.has_told(Event::Suspected(id))).count();
        assert_eq!(suspected, 0, "seed {seed}");
    });
}

/// Its packets pass for an eighth of the time, so its quarantine regains what it spends.
#[test]
fn a_zone_let_through_at_times_stays_quarantined_but_tells_of_its_dead() {
    across_seeds(seeds().take(5), |seed| {
        let mut network = zones(seed, lan().with(|c| c.quarantine = secs(60)), &[6, 6, 6]);
        for _ in 0..20 {
            cut_off(&mut network, 2);
            network.run_for(secs(28));
            network.set_cut(|_, _| false);
            network.run_for(secs(4));
        }
        assert_eq!(network.deaths(), [], "seed {seed}");
        for host in members_of(&network, 0) {
            let released = |answered| told(&network, host, Event::ZoneReleased { zone: zone(2), answered });
            assert!(told(&network, host, Event::ZoneQuarantined(zone(2))) >= 20, "seed {seed}: not held");
            assert_eq!(released(false), 0, "seed {seed}: judged after ten quarantines");
        }
        cut_off(&mut network, 2);
        network.crash(17);
        network.run_for(secs(28));
        let outside = network.deaths().into_iter().filter(|death| !is_in(&network, 2, death.0)).count();
        assert_eq!(outside, 0, "seed {seed}: noticed while the zone is quarantined");
        network.set_cut(|_, _| false);
        let took = network.wait(secs(4), |n| n.all_say(17, Status::Dead));
        assert!(took.is_some(), "seed {seed}: {}", network.opinions(17));
    });
}

/// Nothing leaves the zone but one ack without news to each node every four seconds.
#[test]
fn bare_acks_let_through_hide_the_dead_of_a_zone_while_they_go_on() {
    across_seeds(seeds().take(5), |seed| {
        let mut network = zones(seed, lan().with(|c| c.quarantine = secs(60)), &[6, 6, 6]);
        let (inside, due) = (addresses_of(&network, 2), Rc::new(RefCell::new(BTreeSet::<SocketAddr>::new())));
        let leaves = move |from: SocketAddr, to: SocketAddr| inside.contains(&from) && !inside.contains(&to);
        network.set_passes({
            let leaves = leaves.clone();
            move |from, to| if leaves(from, to) { BARE_ACK } else { usize::MAX }
        });
        network.set_cut({
            let due = due.clone();
            move |from, to| leaves(from, to) && !due.borrow_mut().remove(&to)
        });
        network.crash(17);
        let victim = network.hosts[17].id;
        let all: Vec<SocketAddr> = network.hosts.iter().map(|host| host.address).collect();
        for _ in 0..150 {
            due.borrow_mut().extend(&all);
            network.run_for(secs(4));
        }
        let hidden =
            |&(observer, dead, _): &(NodeId, NodeId, _)| dead != victim || is_in(&network, 2, observer);
        assert!(network.deaths().iter().all(hidden), "seed {seed}: noticed within ten quarantines");
        network.set_passes(|_, _| usize::MAX);
        network.set_cut(|_, _| false);
        let took = network.wait(secs(10), |n| n.all_say(17, Status::Dead));
        assert!(took.is_some(), "seed {seed}: {}", network.opinions(17));
    });
}

#[test]
fn a_node_that_is_cut_off_from_a_zone_hears_of_its_dead_from_others() {
    across_seeds(seeds(), |seed| {
        let mut network = zones(seed, lan(), &[6, 6, 6]);
        let (inside, alone) = (addresses_of(&network, 2), network.hosts[0].address);
        network.set_cut(move |from, to| {
            from == alone && inside.contains(&to) || inside.contains(&from) && to == alone
        });
        network.run_for(secs(30));
        network.crash(17);
        let took = network.wait(secs(10), |n| n.all_say(17, Status::Dead));
        assert!(took.is_some(), "seed {seed}: {}", network.opinions(17));
    });
}
