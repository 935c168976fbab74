//! Narrow paths: what is longer than some size is lost, and all else passes.

use crate::support::{Link, Network, across_seeds, lan, millis, secs, seeds};
use gossip_core::{Config, Event, Health, Heap, Mode, Status};

/// As many as make a page of each length that a narrow path may lose.
const MEMBERS: usize = 200;

/// A cluster that knows itself, and one more host, which knows no one yet; datagrams between the two that are longer than
/// `outbound` (from the one more) or `inbound` are lost.
fn beside_a_cluster(seed: u64, config: Config, outbound: usize, inbound: usize) -> (Network<Heap>, usize) {
    let mut network = Network::new(seed, config, || Heap::for_members(512), ());
    network.add_restored(MEMBERS);
    let one = network.add("one-more");
    let address = network.hosts[one].address;
    network.set_passes(move |from, to| match (from == address, to == address) {
        (true, _) => outbound,
        (_, true) => inbound,
        _ => usize::MAX,
    });
    network.run_for(secs(1));
    (network, one)
}

fn narrow(network: &Network<Heap>, host: usize) -> Option<Event> {
    let mut events = network.hosts[host].events.iter().map(|&(_, event)| event);
    events.find(|event| matches!(event, Event::NarrowPath { .. }))
}

fn knows_all(network: &Network<Heap>, host: usize) -> bool {
    let others = network.running().count() - 1;
    let alive = network.hosts[host].node.members().filter(|member| member.status() == Status::Alive);
    network.hosts[host].has_told(Event::Joined) && alive.count() == others
}

#[test]
fn a_joiner_finds_out_what_passes_and_has_all_within_seconds() {
    for (seed, passes, found) in
        [(1, 1_150, 1_052), (2, 1_052, 1_052), (3, 1_000, 800), (4, 700, 548), (5, 530, 400), (6, 400, 400)]
    {
        let (mut network, one) = beside_a_cluster(seed, lan(), passes, passes);
        network.join(one, &[0, 1]);
        let took = network.wait(secs(5), |network| knows_all(network, one));
        println!("{passes} bytes: all known after {took:?}");
        assert!(took.is_some(), "{passes} bytes: {} known", network.hosts[one].node.members().len());
        let expected = Event::NarrowPath { passes: found, configured: 1_200 };
        assert_eq!(narrow(&network, one), Some(expected), "{passes} bytes");
    }
}

#[test]
fn a_path_that_is_narrow_one_way_only_is_found_out_as_well() {
    for (seed, outbound, inbound) in [(1, 1_200, 600), (2, 600, 1_200)] {
        let (mut network, one) = beside_a_cluster(seed, lan(), outbound, inbound);
        network.join(one, &[0, 1]);
        assert!(network.wait(secs(5), |network| knows_all(network, one)).is_some(), "{outbound}, {inbound}");
    }
}

#[test]
fn where_all_passes_nobody_takes_the_path_for_narrow() {
    for (seed, loss) in seeds().zip([0.0, 0.05, 0.1].into_iter().cycle()) {
        let (mut network, one) = beside_a_cluster(seed, lan(), usize::MAX, usize::MAX);
        network.set_link(Link { loss, ..Link::LAN });
        network.join(one, &[0, 1]);
        assert!(network.wait(secs(30), |network| knows_all(network, one)).is_some(), "seed {seed}");
        assert_eq!(narrow(&network, one), None, "seed {seed}, {loss} lost");
    }
}

/// Everyone changes at once: pings, acks and rounds are filled up with news, and none of those pass.
fn storm(network: &mut Network<Heap>, one: usize) -> Option<std::time::Duration> {
    for host in (0..network.hosts.len()).filter(|&host| host != one) {
        network.command(host, |node, now, out| node.set_health(now, Health::Degraded, out));
    }
    network.wait(secs(60), Network::is_formed)
}

#[test]
fn a_storm_of_news_kills_nobody_behind_a_narrow_path_and_reaches_it() {
    for (seed, mode, passes, joins) in [
        (0, Mode::PushPull, 1_200, true),
        (9, Mode::Pull, 1_200, true),
        (1, Mode::PushPull, 1_100, true),
        (2, Mode::PushPull, 400, true),
        (3, Mode::PushPull, 400, false),
        (4, Mode::Push, 1_000, false),
        (5, Mode::Pull, 400, true),
    ] {
        let (mut network, one) = beside_a_cluster(seed, lan().with(|c| c.mode = mode), passes, passes);
        if joins {
            network.join(one, &[0, 1]);
        } else {
            let records: Vec<_> = network.hosts.iter().map(|host| host.node.me()).collect();
            network.command(one, |node, now, out| node.restore(now, &records, out));
        }
        assert!(network.wait(secs(20), Network::is_formed).is_some(), "seed {seed}: did not form");
        let took = storm(&mut network, one);
        println!("{mode:?}, {passes} bytes, {}: {took:?}", if joins { "joined" } else { "restored" });
        assert!(took.is_some(), "seed {seed}: news is missing");
        assert_eq!(network.deaths(), [], "seed {seed}");
        network.run_for(millis(100));
    }
}

/// In a small cluster a joiner has a single range to go by, which chance can hit as a whole.
#[test]
fn loss_is_hardly_ever_taken_for_a_narrow_path() {
    let mut wrong = [0; 2];
    for (wrong, loss) in wrong.iter_mut().zip([0.05, 0.2]) {
        for members in [30, 45, 60, 100] {
            across_seeds(0..50, |seed| {
                let mut network: Network<Heap> = Network::new(seed, lan(), || Heap::for_members(256), ());
                network.add_restored(members);
                let joiner = network.add("one-more");
                network.run_for(secs(1));
                network.set_link(Link { loss, ..Link::LAN });
                network.join(joiner, &[0, 1]);
                network.run_for(secs(10));
                let narrow = |(_, event): &(_, Event)| matches!(event, Event::NarrowPath { .. });
                *wrong += u32::from(network.hosts[joiner].events.iter().any(narrow));
            });
        }
    }
    assert!(wrong[0] <= 1 && wrong[1] <= 8, "{wrong:?} of 200 joiners each, at 5 and 20 % loss");
}
