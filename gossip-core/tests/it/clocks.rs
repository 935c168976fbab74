//! What a node promises when its host's clock jumps: to either end, and back. The protocol measures time by the host's
//! monotonic clock alone, so no datagram can move it; a host that is broken can.

use crate::support::{
    Network, across_seeds,
    forge::{datagram, head, non_member, ping},
    formed, lan, secs, seeds,
};
use gossip_core::{Buffer, Event, Heap, Instant, Node, Status};
use std::time::Duration;

/// A step of a host's node at a time of its own.
fn tick_at(network: &mut Network<Heap>, host: usize, at: Instant) {
    network.command(host, |node, _, out| node.tick(at, out));
}

/// Hands a host's node pings of its neighbour, at a time of its own; returns how many of them it answers.
fn pings_at(network: &mut Network<Heap>, host: usize, at: Instant) -> u64 {
    let (neighbour, home) = (network.hosts[1].id, network.hosts[1].address);
    let head = head(lan());
    let id = network.hosts[host].id;
    let sent = |n: &Network<Heap>| n.hosts[host].node.metrics().packets_probe;
    let before = sent(network);
    for nonce in 0..10 {
        for (sender, from) in [(neighbour, home), (non_member(1).id(), non_member(1).address())] {
            let mut bytes = datagram(&head, sender, &[ping(8 * nonce, id)]);
            network.command(host, |node, _, out| node.handle_datagram(at, from, &mut bytes, out));
        }
    }
    sent(network) - before
}

#[test]
fn a_node_whose_clock_is_at_its_end_still_answers_and_buries_nobody() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 5, lan(), ());
        for at in [u64::MAX / 2, u64::MAX - 1, u64::MAX] {
            tick_at(&mut network, 0, Instant::from_micros(at));
            let answered = pings_at(&mut network, 0, Instant::from_micros(at));
            assert_eq!(answered, 20, "seed {seed}: at {at}");
        }
        // The network's clock, from here on the node's past; ticks of the harness would show a node that spins.
        network.run_for(secs(300));
        let own: Vec<_> = network.hosts[0].events.iter().map(|&(_, event)| event).collect();
        assert!(own.iter().any(|event| matches!(event, Event::LocalPause { .. })), "seed {seed}");
        assert!(own.iter().all(|event| !matches!(event, Event::Down(_))), "seed {seed}: {own:?}");
        assert!(network.all_say(0, Status::Alive), "seed {seed}: {}", network.opinions(0));
        assert_eq!(
            network.hosts[0].node.next_tick(),
            Instant::NEVER,
            "seed {seed}: it has something left to do"
        );
        assert_eq!(network.deaths(), [], "seed {seed}");
        // The others do without its probes.
        network.crash(4);
        let dead = |n: &Network<Heap>| {
            (1..4).all(|host| {
                n.hosts[host].node.member(n.hosts[4].id).is_some_and(|member| member.status() == Status::Dead)
            })
        };
        assert!(network.wait(secs(60), dead).is_some(), "seed {seed}: {}", network.opinions(4));
    });
}

#[test]
fn a_clock_that_jumps_ahead_and_back_goes_on_once_time_has_caught_up() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 5, lan(), ());
        let ahead = Duration::from_secs(600);
        let later = network.now() + ahead;
        tick_at(&mut network, 0, later);
        let probes = network.hosts[0].node.metrics().probes;
        network.run_for(ahead - secs(10));
        assert_eq!(network.hosts[0].node.metrics().probes, probes, "seed {seed}: its timers ran");
        assert!(network.hosts[0].node.next_tick() >= later, "seed {seed}: it asks for ticks that do nothing");
        assert!(network.is_formed(), "seed {seed}: {}", network.opinions(0));
        network.run_for(secs(70));
        let probed = network.hosts[0].node.metrics().probes - probes;
        assert!(probed >= 30, "seed {seed}: {probed} probes in the minute after");
        network.crash(4);
        assert!(network.wait(secs(60), |n| n.all_say(4, Status::Dead)).is_some(), "seed {seed}");
        assert_eq!(network.deaths().iter().filter(|death| death.1 != network.hosts[4].id).count(), 0);
    });
}

#[test]
fn a_clock_that_jumps_to_its_start_and_back_does_no_harm() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 5, lan(), ());
        let before = network.hosts[0].node.next_tick();
        for at in [0, 1, 1_000_000] {
            tick_at(&mut network, 0, Instant::from_micros(at));
            assert_eq!(pings_at(&mut network, 0, Instant::from_micros(at)), 20, "seed {seed}: at {at}");
        }
        assert!(network.hosts[0].node.next_tick() >= before, "seed {seed}: it asks for time that is over");
        network.run_for(secs(60));
        assert!(network.is_formed(), "seed {seed}");
        assert_eq!(network.deaths(), [], "seed {seed}");
        let pauses =
            network.hosts[0].events.iter().any(|(_, event)| matches!(event, Event::LocalPause { .. }));
        assert!(!pauses, "seed {seed}: a jump back is no pause");
    });
}

/// Between the ends and back again, at every kind of step.
#[test]
fn no_order_of_times_makes_a_node_panic_or_spin() {
    let network = formed(1, 5, lan(), ());
    let (id, home) = (network.hosts[1].id, network.hosts[1].address);
    let head = head(lan());
    let times = [u64::MAX, 0, u64::MAX / 2, 1, u64::MAX - 1, 1 << 32, 4_294_967_296_000, u64::MAX, 0];
    let records: Vec<_> = network.hosts.iter().map(|host| host.node.me()).collect();
    let mut buffer = Buffer::<64, 128, 76_800>::new();
    for first in 0..times.len() {
        let mut node: Node<Heap> = network.hosts[0].node.clone();
        for at in times.iter().cycle().skip(first).take(2 * times.len()) {
            let at = Instant::from_micros(*at);
            let mut out = buffer.outbox();
            let _ = node.restore(at, &records, &mut out);
            let _ = node.join(at, &[home], &mut out);
            let mut bytes = datagram(&head, id, &[ping(8, node.me().id())]);
            let _ = node.handle_datagram(at, home, &mut bytes, &mut out);
            let mut ticks = 0;
            while node.next_tick() <= at && at < Instant::NEVER && ticks < 1_000 {
                let _ = node.tick(at, &mut out);
                ticks += 1;
            }
            assert!(ticks < 1_000, "it asks for tick after tick at {at:?}");
        }
        assert_eq!(node.members().filter(|member| member.status() == Status::Dead).count(), 0);
    }
}
