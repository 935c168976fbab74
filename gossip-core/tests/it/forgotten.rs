//! What it means that a host has a member forgotten: nobody sees it any more, and nothing that is on its way brings it back
//! but the member itself.

use crate::support::{Network, across_seeds, formed, lan, secs, seeds};
use gossip_core::{Buffer, Event, Heap, NotForgotten, Status};

/// The member that is forgotten.
const GONE: usize = 4;

/// A cluster of six in which all others say that one is dead.
fn mourning(seed: u64) -> Network<Heap> {
    let mut network = formed(seed, 6, lan(), ());
    network.crash(GONE);
    assert!(network.wait(secs(60), |n| n.all_say(GONE, Status::Dead)).is_some(), "seed {seed}");
    network
}

/// These hosts forget it.
fn forget(network: &mut Network<Heap>, hosts: impl IntoIterator<Item = usize>) {
    let id = network.hosts[GONE].id;
    for host in hosts.into_iter().filter(|&host| host != GONE) {
        network.command(host, |node, now, out| match node.forget(now, id, out) {
            Ok(output) => output,
            Err(error) => panic!("{error}"),
        });
    }
}

/// Whether these hosts know nothing of it.
fn is_unseen(network: &Network<Heap>, hosts: impl IntoIterator<Item = usize>) -> bool {
    let id = network.hosts[GONE].id;
    hosts.into_iter().filter(|&host| host != GONE).all(|host| {
        let node = &network.hosts[host].node;
        node.member(id).is_none() && node.members().all(|member| member.id() != id)
    })
}

#[test]
fn a_forgotten_member_is_gone_at_once_and_others_do_not_bring_it_back() {
    across_seeds(seeds(), |seed| {
        let mut network = mourning(seed);
        let id = network.hosts[GONE].id;
        forget(&mut network, 0..3);
        assert!(is_unseen(&network, 0..3), "seed {seed}: {}", network.opinions(GONE));
        assert!((0..3).all(|host| network.hosts[host].has_told(Event::Reaped(id))), "seed {seed}");
        assert!(
            network.hosts[5].node.member(id).is_some(),
            "seed {seed}: it is known where it is not forgotten"
        );
        for _ in 0..30 {
            network.run_for(secs(10));
            assert!(is_unseen(&network, 0..3), "seed {seed}: {}", network.opinions(GONE));
        }
        let reaped = |host: usize| {
            network.hosts[host].events.iter().filter(|(_, event)| *event == Event::Reaped(id)).count()
        };
        assert!((0..3).all(|host| reaped(host) == 1), "seed {seed}: told once");
    });
}

#[test]
fn nobody_tries_to_reach_a_forgotten_member_and_no_joiner_hears_of_it() {
    across_seeds(seeds(), |seed| {
        let mut network = mourning(seed);
        forget(&mut network, 0..6);
        let tries = |n: &Network<Heap>| n.running().map(|host| host.node.metrics().reconnects).sum::<u64>();
        let before = tries(&network);
        let newcomer = network.add("newcomer");
        network.join(newcomer, &[0]);
        network.run_for(secs(120));
        assert_eq!(tries(&network), before, "seed {seed}");
        assert!(network.is_formed() && is_unseen(&network, 0..7), "seed {seed}: {}", network.opinions(GONE));
    });
}

#[test]
fn a_forgotten_member_that_starts_again_is_a_member_again() {
    across_seeds(seeds(), |seed| {
        let mut network = mourning(seed);
        let (id, address) = (network.hosts[GONE].id, network.hosts[GONE].address);
        forget(&mut network, 0..6);
        network.run_for(secs(5));
        let ups = |n: &Network<Heap>| n.hosts[0].events.iter().filter(|(_, e)| *e == Event::Up(id)).count();
        let before = ups(&network);
        network.restart(GONE, address);
        network.join(GONE, &[0]);
        assert!(
            network.wait(secs(30), Network::is_formed).is_some(),
            "seed {seed}: {}",
            network.opinions(GONE)
        );
        assert_eq!(ups(&network), before + 1, "seed {seed}: told as a new member");
    });
}

#[test]
fn a_member_that_was_forgotten_while_it_was_cut_off_finds_back() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 6, lan(), ());
        let alone = network.hosts[GONE].address;
        network.set_cut(move |from, to| (from == alone) != (to == alone));
        assert!(network.wait(secs(120), |n| n.all_say(GONE, Status::Dead)).is_some(), "seed {seed}");
        forget(&mut network, 0..6);
        assert!(is_unseen(&network, 0..6), "seed {seed}");
        network.set_cut(|_, _| false);
        let took = network.wait(secs(180), Network::is_formed);
        assert!(took.is_some(), "seed {seed}: {}", network.opinions(GONE));
    });
}

#[test]
fn only_others_that_are_gone_can_be_forgotten() {
    let mut network = formed(1, 3, lan(), ());
    let (me, other) = (network.hosts[0].id, network.hosts[1].id);
    let non_member = crate::support::id("non-member");
    let now = network.now();
    let mut buffer = Buffer::<8, 128, 11_200>::default();
    let node = &mut network.hosts[0].node;
    for (id, why) in
        [(me, NotForgotten::NoMember), (non_member, NotForgotten::NoMember), (other, NotForgotten::Live)]
    {
        assert_eq!(node.forget(now, id, &mut buffer.outbox()).unwrap_err(), why);
    }
    assert_eq!(node.members().len(), 2);
    let output = node.reconnect(now, other, &mut buffer.outbox()).packets().count();
    assert_eq!(output, 0, "a live member is not tried so");
}
