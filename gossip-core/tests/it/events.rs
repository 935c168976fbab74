//! What a host is told of members: each event in its turn, once, and every change. (Each test that runs a network checks
//! the order, too: see `support/told.rs`.)

use crate::support::{Host, Network, across_seeds, forge, formed, lan, secs, seeds};
use gossip_core::{Event, Health, Heap, NodeId, Record, Status};

/// What a host was told of one member, from `from` on.
fn told_of(host: &Host<Heap>, id: NodeId, from: usize) -> Vec<Event> {
    let events = host.events[from..].iter().map(|&(_, event)| event);
    events.filter(|event| event.member() == Some(id)).collect()
}

/// Hands host 0 a record in a datagram of host 1.
fn hear(network: &mut Network<Heap>, record: Record) -> Vec<Event> {
    let (from, address) = (network.hosts[1].id, network.hosts[1].address);
    let said = forge::datagram(&forge::head(network.config), from, &[forge::records(&[record], 0)]);
    let before = network.hosts[0].events.len();
    network.inject(0, address, &said);
    told_of(&network.hosts[0], record.id(), before)
}

#[test]
fn every_node_knows_who_accuses_a_suspect_until_it_is_judged() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 12, lan(), ());
        network.run_for(secs(5));
        let id = network.hosts[7].id;
        let accusers =
            |network: &Network<_>, host: usize| -> Vec<_> { network.hosts[host].node.accusers(id).collect() };
        assert!((0..12).all(|host| accusers(&network, host).is_empty()), "seed {seed}");
        network.crash(7);
        let all_accuse =
            |n: &Network<_>| (0..12).filter(|&host| host != 7).all(|host| !accusers(n, host).is_empty());
        assert!(network.wait(secs(30), all_accuse).is_some(), "seed {seed}: {}", network.opinions(7));
        for host in (0..12).filter(|&host| host != 7) {
            let known = accusers(&network, host);
            assert!(known.len() <= 4 && !known.contains(&id), "seed {seed}: {known:?}");
        }
        assert!(network.wait(secs(30), |n| n.all_say(7, Status::Dead)).is_some(), "seed {seed}");
        assert!((0..12).all(|host| accusers(&network, host).is_empty()), "seed {seed}");
    });
}

#[test]
fn a_suspect_that_comes_back_elsewhere_is_cleared_and_updated() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 12, lan(), ());
        network.run_for(secs(5));
        let id = network.hosts[7].id;
        let before: Vec<usize> = network.hosts.iter().map(|host| host.events.len()).collect();
        network.crash(7);
        let suspected = network.wait(secs(30), |n| n.all_say(7, Status::Suspect));
        assert!(suspected.is_some(), "seed {seed}: {}", network.opinions(7));
        let address = network.fresh_address();
        network.restart(7, address);
        network.join(7, &[0]);
        assert!(network.wait(secs(30), Network::is_formed).is_some(), "seed {seed}");
        for (host, from) in network.hosts.iter().zip(before).filter(|(host, _)| host.id != id) {
            let events = told_of(host, id, from);
            assert!(events.contains(&Event::Updated(id)), "seed {seed}: {} was told {events:?}", host.id);
        }
    });
}

#[test]
fn health_and_address_are_told_whatever_the_status_does() {
    let mut network = formed(1, 4, lan(), ());
    let it = network.hosts[3].node.me();
    let id = it.id();
    let later = |refutation| gossip_core::Incarnation { refutation, ..it.incarnation() };
    let ill = it.with_state(1, Health::Degraded, 0).with_status(Status::Suspect);
    assert_eq!(hear(&mut network, ill), [Event::Suspected(id), Event::Updated(id)]);
    let moved =
        ill.with_incarnation(later(1)).with_status(Status::Alive).with_address(([10, 0, 0, 99], 1).into());
    assert_eq!(hear(&mut network, moved), [Event::Cleared(id), Event::Updated(id)]);
    assert_eq!(hear(&mut network, moved.with_status(Status::Dead)), [Event::Down(id)]);
    let back = moved.with_incarnation(later(2)).with_status(Status::Suspect);
    assert_eq!(hear(&mut network, back), [Event::Up(id), Event::Suspected(id)]);
}

#[test]
fn a_member_goes_down_once_and_leaves_once() {
    let mut network = formed(1, 4, lan(), ());
    let it = network.hosts[3].node.me();
    let id = it.id();
    let (dead, left) = (it.with_status(Status::Dead), it.with_status(Status::Left));
    assert_eq!(hear(&mut network, dead), [Event::Down(id)]);
    assert_eq!(hear(&mut network, dead.with_state(1, Health::Degraded, 0)), []);
    assert_eq!(hear(&mut network, left), [Event::Left(id)]);
    assert_eq!(hear(&mut network, left.with_state(2, Health::Unhealthy, 0)), []);
    let next = it.with_incarnation(gossip_core::Incarnation { epoch: 1_001, refutation: 0 });
    assert_eq!(hear(&mut network, next.with_status(Status::Dead)), []);
}

#[test]
fn whoever_was_never_up_is_never_told_to_be_down_or_gone() {
    let mut network = formed(1, 4, lan(), ());
    let non_member = forge::non_member(7).with_status(Status::Dead);
    let id = non_member.id();
    assert_eq!(hear(&mut network, non_member), []);
    assert_eq!(hear(&mut network, non_member.with_state(1, Health::Degraded, 0)), []);
    assert_eq!(hear(&mut network, non_member.with_status(Status::Left)), []);
    let back = non_member.with_incarnation(gossip_core::Incarnation { epoch: 2, refutation: 0 });
    assert_eq!(hear(&mut network, back.with_status(Status::Alive)), [Event::Up(id)]);
}

#[test]
fn a_member_frozen_until_dead_and_told_to_leave_leaves_once() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 8, lan(), ());
        network.run_for(secs(5));
        let id = network.hosts[5].id;
        network.pause(5, secs(40));
        network.run_for(secs(40));
        assert!(network.all_say(5, Status::Dead), "seed {seed}: {}", network.opinions(5));
        network.leave(5);
        network.run_for(secs(10));
        for host in network.hosts.iter().filter(|host| host.id != id) {
            let count = |wanted| told_of(host, id, 0).into_iter().filter(|&event| event == wanted).count();
            let (left, down) = (count(Event::Left(id)), count(Event::Down(id)));
            assert!(
                left <= 1 && down <= 1,
                "seed {seed}: {} was told Left {left} and Down {down} times",
                host.id
            );
            assert_eq!(left, 1, "seed {seed}: {} was told {:?}", host.id, told_of(host, id, 0));
        }
    });
}
