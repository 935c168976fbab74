//! Members that are found again: at addresses that others have now, beyond partitions that outlast all memory, under a
//! name that two nodes used.

use crate::support::{Host, Network, across_seeds, forge, formed, lan, network, secs, seeds};
use gossip_core::{Event, Heap, Record, Status};
use std::net::SocketAddr;

fn told(host: &Host<Heap>, wanted: impl Fn(&Event) -> bool) -> usize {
    host.events.iter().filter(|(_, event)| wanted(event)).count()
}

#[test]
fn seeds_that_restart_at_each_others_addresses_find_the_rest() {
    across_seeds(seeds(), |seed| {
        let mut network = network(seed, lan(), ());
        network.add_joined(3);
        network.add_restored(6); // these were given no seeds
        assert!(network.wait(secs(60), Network::is_formed).is_some(), "seed {seed}: not formed");
        network.run_for(secs(20));
        let addresses: Vec<SocketAddr> = (0..3).map(|host| network.hosts[host].address).collect();
        (0..3).for_each(|host| network.crash(host));
        network.run_for(secs(60));
        (0..3).for_each(|host| network.restart(host, addresses[(host + 1) % 3]));
        (0..3).for_each(|host| network.join(host, &[0, 1, 2]));
        let took = network.wait(secs(60), Network::is_formed);
        assert!(took.is_some_and(|took| took <= secs(15)), "seed {seed}: one cluster after {took:?}");
    });
}

#[test]
fn new_names_at_the_addresses_of_the_dead_are_found() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 6, lan(), ());
        network.run_for(secs(10));
        let addresses: Vec<SocketAddr> = (0..3).map(|host| network.hosts[host].address).collect();
        (0..3).for_each(|host| network.crash(host));
        network.run_for(secs(30));
        // Others under other names, who know only each other.
        for (n, &address) in addresses.iter().enumerate() {
            let host = network.add(&format!("other-{n}"));
            network.restart(host, address);
        }
        (6..9).for_each(|host| network.join(host, &[6, 7, 8]));
        let took = network.wait(secs(120), Network::is_formed);
        assert!(took.is_some_and(|took| took <= secs(40)), "seed {seed}: one cluster after {took:?}");
    });
}

#[test]
fn halves_that_forgot_each_other_find_each_other_without_seeds() {
    let config = lan().with(|c| {
        c.tombstone_ttl = secs(60);
        c.quarantine = secs(10);
    });
    across_seeds(seeds(), |seed| {
        let mut network = network(seed, config, ());
        network.add_restored(12);
        assert!(network.wait(secs(300), Network::is_formed).is_some(), "seed {seed}: not formed");
        network.run_for(secs(10));
        let inside: Vec<SocketAddr> = network.hosts[..6].iter().map(|host| host.address).collect();
        network.set_cut(move |from, to| inside.contains(&from) != inside.contains(&to));
        network.run_for(secs(400));
        for host in network.running() {
            assert_eq!(host.node.members().len(), 5, "seed {seed}: {} remembers the other half", host.id);
        }
        network.set_cut(|_, _| false);
        let took = network.wait(secs(300), Network::is_formed);
        assert!(took.is_some_and(|took| took <= secs(60)), "seed {seed}: one cluster after {took:?}");
    });
}

/// Five nodes, and a sixth under the name of the second at another address.
fn with_a_duplicate(seed: u64) -> (Network<Heap>, usize) {
    let mut network = formed(seed, 5, lan(), ());
    network.run_for(secs(10));
    let duplicate = network.add("node-1");
    network.restart(duplicate, network.hosts[duplicate].address);
    network.join(duplicate, &[0]);
    (network, duplicate)
}

#[test]
fn every_member_reports_a_duplicate_name_within_seconds() {
    across_seeds(seeds(), |seed| {
        let (mut network, duplicate) = with_a_duplicate(seed);
        let id = network.hosts[1].id;
        let (here, there) = (network.hosts[1].address, network.hosts[duplicate].address);
        network.run_for(secs(10));
        for host in network.running().filter(|host| host.id != id) {
            assert!(told(host, |event| *event == Event::Conflict(id)) > 0, "seed {seed}: not by {}", host.id);
        }
        let in_use = |at: SocketAddr| move |event: &Event| *event == Event::IdInUse { at: at.into() };
        assert!(told(&network.hosts[1], in_use(there)) > 0, "seed {seed}: the original was not told");
        assert!(told(&network.hosts[duplicate], in_use(here)) > 0, "seed {seed}: the duplicate was not told");
    });
}

#[test]
fn a_node_that_restarts_elsewhere_is_no_duplicate() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 5, lan(), ());
        for _ in 0..3 {
            network.run_for(secs(10));
            let address = network.fresh_address();
            network.restart(1, address);
            network.join(1, &[0]);
        }
        network.run_for(secs(10));
        let no_duplicate = |event: &Event| matches!(event, Event::Conflict(_) | Event::IdInUse { .. });
        assert!(network.hosts.iter().all(|host| told(host, no_duplicate) == 0), "seed {seed}");
    });
}

#[test]
fn a_name_is_taken_back_when_its_duplicate_is_gone() {
    across_seeds(seeds(), |seed| {
        let (mut network, duplicate) = with_a_duplicate(seed);
        network.run_for(secs(200));
        let noticed = |host: usize| told(&network.hosts[host], |event| *event == Event::DuplicateId) > 0;
        assert!(noticed(1) || noticed(duplicate), "seed {seed}: nobody gave in");
        network.crash(duplicate);
        // Found dead, silent for half a minute, and heard of.
        let back = network.wait(secs(120), |network| {
            let address = network.hosts[1].address;
            let mut others = network.running().filter(|host| host.id != network.hosts[1].id);
            others.all(|host| {
                let member = host.node.member(network.hosts[1].id);
                member.is_some_and(|it| it.status() == Status::Alive && it.address() == address)
            })
        });
        assert!(
            back.is_some_and(|took| took <= secs(60)),
            "seed {seed}: after {back:?}{}",
            network.opinions(1)
        );
        network.run_for(secs(60));
        assert!(network.all_say(1, Status::Alive), "seed {seed}: {}", network.opinions(1));
    });
}

#[test]
fn members_that_never_answered_are_not_tried_once_forgotten() {
    let config = lan().with(|c| c.tombstone_ttl = secs(60));
    let mut network = formed(3, 12, config, ());
    network.run_for(secs(30));
    let nowhere: SocketAddr = ([10, 9, 9, 9], 7_946).into();
    let invented: Vec<Record> = (0..8).map(|n| forge::non_member(100 + n).with_address(nowhere)).collect();
    let sender = network.hosts[0].id;
    let said = forge::datagram(&forge::head(config), sender, &[forge::records(&invented, 0)]);
    network.inject(1, ([10, 8, 8, 8], 1).into(), &said);
    let lost = network.hosts[5].address;
    network.crash(5);
    network.run_for(secs(1_800));
    let reconnects = std::rc::Rc::new(std::cell::Cell::new((0u32, 0u32)));
    let counter = reconnects.clone();
    network.set_cut(move |_, to| {
        let (invented, real) = counter.get();
        counter.set((invented + u32::from(to == nowhere), real + u32::from(to == lost)));
        false
    });
    network.run_for(secs(600));
    let (invented, real) = reconnects.get();
    assert_eq!(invented, 0, "whoever never was there is looked for");
    assert!((60..600).contains(&real), "{real} attempts at lost members");
}

#[test]
fn a_past_life_that_others_restore_is_no_duplicate() {
    let mut network = formed(1, 5, lan(), ());
    network.run_for(secs(5));
    let records: Vec<Record> = network.hosts.iter().map(|host| host.node.me()).collect();
    (0..5).for_each(|host| network.crash(host));
    // One is back first, elsewhere, and has lost its epoch; the others restore what they knew.
    let address = network.fresh_address();
    network.restart_in(1, address, 500);
    network.run_for(secs(2));
    for host in [0, 2, 3, 4] {
        let address = network.hosts[host].address;
        network.restart(host, address);
        network.command(host, |node, now, out| node.restore(now, &records, out));
    }
    network.join(1, &[0, 2]);
    network.run_for(secs(30));
    let epoch_bumped = |event: &Event| matches!(event, Event::EpochBumped { .. });
    assert!(told(&network.hosts[1], epoch_bumped) > 0, "it never heard of its past life");
    assert_eq!(told(&network.hosts[1], |event| matches!(event, Event::IdInUse { .. })), 0);
}

#[test]
fn a_duplicate_that_joins_through_the_original_is_reported_by_both() {
    let mut network = network(1, lan(), ());
    let original = network.add("web-1");
    network.run_for(secs(5));
    let duplicate = network.add("web-1");
    network.join(duplicate, &[original]);
    network.run_for(secs(30));
    let at = |host: usize| network.hosts[host].address.into();
    let in_use = |host: usize, other: usize| {
        told(&network.hosts[host], |event| *event == Event::IdInUse { at: at(other) })
    };
    let told = (in_use(original, duplicate), in_use(duplicate, original));
    assert!((1..=4).contains(&told.0) && (1..=4).contains(&told.1), "{told:?} times in 30 s");
    let sent: u64 = network.hosts.iter().map(|host| host.sent.bytes()).sum();
    assert!(sent < 10_000, "the two answered each other with {sent} bytes");
}
