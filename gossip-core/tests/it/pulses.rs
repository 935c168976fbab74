//! What members say of themselves every now and then: fresh enough, within its scope and its budget, and free while nobody does.

use crate::support::{Link, Network, Step, Watch, across_seeds, forge, lan, millis, secs, seeds};
use gossip_core::{
    Config, Heap, Inline, InlineState, Instant, Locality, Memory, Metrics, NodeId, PulseScope, StateError,
    Traffic,
};
use std::{net::SocketAddr, time::Duration};

/// Enough for many small clusters: the default where pulses are on.
const BUDGET: u32 = 6_000;

fn with_budget(pulses: u32) -> Config {
    lan().with(|c| c.budgets = c.budgets.with(|b| b.pulses = pulses))
}

fn restored(seed: u64, nodes: usize, config: Config, link: Link) -> Network<Heap> {
    let mut network = Network::new(seed, config, move || Heap::for_members(nodes + 8), ());
    network.set_link(link);
    network.add_restored(nodes);
    network.run_for(secs(5));
    network
}

fn pulse<M: Memory, W: Watch<M>>(network: &mut Network<M, W>, host: usize, blob: &[u8]) {
    network.command(host, |node, now, out| match node.pulse(now, blob, out) {
        Ok(output) => output,
        Err(error) => panic!("{error}"),
    });
}

/// What a host knows of another.
fn known<M: Memory, W: Watch<M>>(network: &Network<M, W>, host: usize, of: usize) -> Option<Vec<u8>> {
    let id = network.hosts[of].id;
    network.hosts[host].node.pulse_of(id).map(|pulse| pulse.bytes().to_vec())
}

fn sum<M: Memory, W: Watch<M>>(network: &Network<M, W>, of: fn(&Metrics) -> u64) -> u64 {
    network.hosts.iter().map(|host| of(host.node.metrics())).sum()
}

/// Hands a host a datagram of another, from its advertised address.
fn say<W: Watch<Heap>>(network: &mut Network<Heap, W>, to: usize, from: usize, sections: &[forge::Section]) {
    let (id, address) = (network.hosts[from].id, network.hosts[from].address);
    let bytes = forge::datagram(&forge::head(network.config), id, sections);
    network.inject(to, address, &bytes);
}

/// A pulse of a host in its present epoch.
fn forged(network: &Network<Heap>, of: usize, number: u32, age_ms: u32) -> forge::Section {
    let host = &network.hosts[of];
    forge::pulse(host.id, host.epoch, number, age_ms, b"forged")
}

/// How old what each knows of each other is, looked at again and again while all say something new all the time.
struct Figures {
    /// In parts of the interval, from the youngest to the oldest.
    ages: Vec<f64>,
    /// Bytes that a pulse cost each member.
    bytes: f64,
    /// Of the largest sender, a second.
    most: f64,
}

impl Figures {
    fn of(seed: u64, nodes: usize, config: Config, link: Link) -> Self {
        const LOOKS: u32 = 20;
        let mut network = restored(seed, nodes, config, link);
        let interval = network.hosts[0].node.pulse_interval(8).unwrap_or_default();
        let ids: Vec<NodeId> = network.hosts.iter().map(|host| host.id).collect();
        let counted =
            |network: &Network<Heap>| (sum(network, |m| m.bytes_pulse), sum(network, |m| m.pulses_sent));
        let (mut ages, mut before, mut began) = (vec![], (0, 0), vec![]);
        for look in 0..25 * LOOKS {
            if look == 15 * LOOKS {
                before = counted(&network);
                began = network.hosts.iter().map(|host| host.node.metrics().bytes_pulse).collect();
            }
            (0..nodes).for_each(|host| pulse(&mut network, host, &[look as u8; 8]));
            network.run_for(interval / LOOKS);
            for host in network.hosts.iter().filter(|_| look >= 15 * LOOKS) {
                for &id in ids.iter().filter(|&&id| id != host.id) {
                    let age = host.node.pulse_of(id).map_or(Duration::MAX, |pulse| pulse.age());
                    ages.push(age.as_secs_f64() / interval.as_secs_f64());
                }
            }
        }
        ages.sort_by(f64::total_cmp);
        let (bytes, pulses) = counted(&network);
        let sent =
            network.hosts.iter().zip(&began).map(|(host, began)| host.node.metrics().bytes_pulse - began);
        let most = sent.max().unwrap_or(0) as f64 / (interval.as_secs_f64() * 10.0);
        Self { ages, bytes: (bytes - before.0) as f64 / (pulses - before.1) as f64 / nodes as f64, most }
    }

    fn mean(&self) -> f64 {
        self.ages.iter().sum::<f64>() / self.ages.len() as f64
    }

    fn p99(&self) -> f64 {
        self.ages[self.ages.len() * 99 / 100]
    }
}

#[test]
fn pulses_are_as_fresh_as_the_interval_says_and_cost_45_bytes() {
    for (nodes, budget) in [(60, 6_000), (60, 1_400), (100, 6_000), (200, 6_000), (200, 20_000)] {
        let figures = Figures::of(1, nodes, with_budget(budget), Link::LAN);
        let (mean, p99, Figures { bytes, most, .. }) = (figures.mean(), figures.p99(), &figures);
        println!(
            "{nodes} members, {budget} B/s: mean {mean:.2} T, p99 {p99:.2} T, {bytes:.1} B, {most:.0} B/s"
        );
        assert!(mean < 1.0 && p99 < 3.4, "{nodes} at {budget}: mean {mean} T, p99 {p99} T");
        assert!(*bytes < 46.0, "{nodes} at {budget}: {bytes} bytes");
        assert!(*most < 1.15 * f64::from(budget), "{nodes} at {budget}: {most} B/s");
    }
}

#[test]
fn at_20_percent_loss_pulses_are_older_and_still_known() {
    let figures = Figures::of(1, 100, with_budget(BUDGET), Link { loss: 0.2, ..Link::LAN });
    let (mean, p99) = (figures.mean(), figures.p99());
    println!("100 members at 20 % loss: mean {mean:.2} T, p99 {p99:.2} T, {:.1} B", figures.bytes);
    assert!(mean < 1.3 && p99 < 5.5, "mean {mean} T, p99 {p99} T");
}

#[test]
fn the_longest_pulses_keep_to_the_budget_too() {
    let mut network = restored(1, 60, with_budget(BUDGET), Link::LAN);
    for n in 0..400 {
        (0..60).for_each(|host| pulse(&mut network, host, &[n as u8; 60]));
        network.run_for(millis(50));
    }
    let known = (0..60).flat_map(|host| (0..60).map(move |of| (host, of)));
    let missing = known.filter(|&(host, of)| known_age(&network, host, of).is_none_or(|age| age > secs(10)));
    assert_eq!(missing.count(), 0, "of an interval of {:?}", network.hosts[0].node.pulse_interval(60));
    for host in &network.hosts {
        let sent = host.node.metrics().bytes_pulse;
        assert!(sent <= u64::from(BUDGET) * 20 + 3 * 1_200, "{}: {sent} bytes in 20 s", host.id);
    }
}

fn known_age(network: &Network<Heap>, host: usize, of: usize) -> Option<Duration> {
    network.hosts[host].node.pulse_of(network.hosts[of].id).map(|pulse| pulse.age())
}

/// Checks that no packet of class pulse leaves a scope.
struct Fence {
    scope: PulseScope,
    at: Vec<(SocketAddr, Locality)>,
    crossed: usize,
}

impl<M: Memory> Watch<M> for Fence {
    fn after(&mut self, step: &Step<'_, M>) {
        let of = |address| self.at.iter().find(|(at, _)| *at == address).map(|(_, locality)| *locality);
        for packet in step.output.packets().filter(|packet| packet.class == Traffic::Pulse) {
            let (Some(from), Some(to)) = (of(step.address), of(packet.to)) else { continue };
            assert!(from.region == to.region, "{:?}: from {from} to {to}", self.scope);
            assert!(self.scope != PulseScope::Zone || from == to, "from {from} to {to}");
            self.crossed += usize::from(from != to);
        }
    }
}

/// Three regions of three zones of eight.
fn regions(scope: PulseScope) -> Network<Heap, Fence> {
    let config = with_budget(BUDGET).with(|c| c.pulse_scope = scope);
    let fence = Fence { scope, at: vec![], crossed: 0 };
    let mut network = Network::new(1, config, || Heap::for_members(80), fence);
    for n in 0..72u8 {
        let locality = Locality { region: n / 24, zone: n / 8 % 3, rack: 0 };
        let host = network.add_at(&format!("node-{n}"), locality);
        network.watch.at.push((network.hosts[host].address, locality));
        network.join(host, &[0, 24, 48]);
    }
    assert!(network.wait(secs(60), Network::is_formed).is_some());
    network
}

#[test]
fn pulses_stay_in_their_zone_or_region_and_reach_all_of_it() {
    for (scope, reached) in [(PulseScope::Zone, 8), (PulseScope::Region, 24)] {
        let mut network = regions(scope);
        for n in 0..40 {
            (0..72).for_each(|host| pulse(&mut network, host, &[n]));
            network.run_for(millis(250));
        }
        for host in 0..72 {
            let of: Vec<usize> = (0..72).filter(|&of| known(&network, host, of).is_some()).collect();
            let own: Vec<usize> = (host / reached * reached..).take(reached).collect();
            assert_eq!(of, own, "{scope:?}: host {host}");
        }
        assert_eq!(network.watch.crossed > 0, scope == PulseScope::Region, "{scope:?}");
        // A narrower scope has a shorter interval, down to a round of gossip.
        let all = 72 * 45 * 1_000 / u64::from(BUDGET);
        let interval = network.hosts[0].node.pulse_interval(8).unwrap();
        assert!(interval < millis(all / 2) && interval >= network.config.gossip_interval, "{interval:?}");
    }
}

#[test]
fn pulses_from_outside_of_the_scope_are_dropped_and_counted() {
    let mut network = regions(PulseScope::Zone);
    let (id, epoch) = (network.hosts[30].id, network.hosts[30].epoch);
    say(&mut network, 0, 1, &[forge::pulse(id, epoch, 1, 0, b"far")]);
    assert_eq!(known(&network, 0, 30), None);
    assert_eq!(network.hosts[0].node.metrics().dropped_pulses_outside, 1);
}

#[test]
fn a_pulse_spreads_across_zones_where_the_scope_is_the_cluster() {
    let config = with_budget(BUDGET);
    let mut network: Network<Heap> = Network::new(1, config, || Heap::for_members(80), ());
    for n in 0..60u8 {
        let host = network.add_at(&format!("node-{n}"), Locality { region: 0, zone: n / 20, rack: 0 });
        network.join(host, &[0, 20, 40]);
    }
    assert!(network.wait(secs(60), Network::is_formed).is_some());
    let mut reached = 0;
    for n in 0..40 {
        pulse(&mut network, 7, &[n]);
        network.run_for(secs(1));
        reached += (0..60).filter(|&host| known(&network, host, 7) == Some(vec![n])).count();
    }
    let share = reached as f64 / 40.0 / 60.0;
    println!("a pulse reaches {:.1} %", share * 100.0);
    assert!((0.74..0.92).contains(&share), "{share}");
}

#[test]
fn pulses_are_off_by_default_and_a_cluster_without_them_sends_nothing() {
    let mut network = restored(1, 8, lan(), Link::PERFECT);
    let refused = network.hosts[0].node.pulse_interval(8);
    assert_eq!(refused, None);
    network.command(0, |node, now, out| {
        assert_eq!(node.pulse(now, b"load", out).err(), Some(StateError::PulsesOff));
        node.tick(now, out)
    });
    let section = forged(&network, 1, 1, 0);
    say(&mut network, 0, 1, &[section]);
    assert_eq!((known(&network, 0, 1), network.hosts[0].node.metrics().dropped_pulses_off), (None, 1));

    // On, and no one says anything: all goes as if they were off.
    let quiet = |config| {
        let mut network = restored(3, 20, config, Link::LAN);
        network.run_for(secs(30));
        let sent: Vec<_> = network.hosts.iter().map(|host| (host.sent, *host.node.metrics())).collect();
        sent
    };
    assert_eq!(quiet(lan()), quiet(with_budget(BUDGET)));
}

#[test]
fn of_the_pulses_of_one_interval_only_the_latest_is_sent() {
    let mut network = restored(1, 60, with_budget(1_400), Link::PERFECT);
    let interval = network.hosts[0].node.pulse_interval(1).unwrap();
    assert!(interval > secs(1), "{interval:?}");
    for n in 0..100 {
        pulse(&mut network, 0, &[n]);
        network.run_for(interval / 10);
    }
    let metrics = *network.hosts[0].node.metrics();
    assert_eq!(metrics.pulses_written, 100);
    assert!((9..=12).contains(&metrics.pulses_sent), "{}", metrics.pulses_sent);
    assert_eq!(known(&network, 0, 0), Some(vec![99]), "a node knows its own latest");
    network.run_for(interval * 4);
    let latest = (0..60).filter(|&host| known(&network, host, 0) == Some(vec![99])).count();
    assert!(latest > 30, "the last that was said is sent, too: {latest} know it");
    // And then no more.
    let before = sum(&network, |m| m.packets_pulse);
    network.run_for(secs(30));
    assert_eq!(sum(&network, |m| m.packets_pulse), before);
}

#[test]
fn a_pulse_ends_with_its_time_its_members_epoch_and_its_death() {
    across_seeds(seeds(), |seed| {
        let mut network = restored(seed, 20, with_budget(BUDGET), Link::PERFECT);
        let knows = |network: &Network<Heap>, of| {
            // Host 3 leaves, and does nothing any more.
            let running = (0..20).filter(|&host| host != 3 && network.hosts[host].is_running());
            running.filter(|&host| known(network, host, of).is_some()).count()
        };
        for _ in 0..10 {
            (0..4).for_each(|host| pulse(&mut network, host, b"load"));
            network.run_for(secs(1));
        }
        assert_eq!([0, 1, 2].map(|of| knows(&network, of)), [19; 3], "seed {seed}");
        let old = forged(&network, 1, 1_000_000, 0);
        network.restart(1, network.hosts[1].address);
        network.join(1, &[5, 6]);
        network.crash(2);
        network.leave(3);
        network.run_for(secs(20));
        assert_eq!([1, 2, 3].map(|of| knows(&network, of)), [0, 0, 0], "seed {seed}");
        // What is told again of the earlier epoch does not come back.
        say(&mut network, 0, 5, &[old]);
        assert_eq!(known(&network, 0, 1), None);
        assert_eq!(network.hosts[0].node.metrics().dropped_pulses_unknown, 1);
        assert!(knows(&network, 0) >= 16);
        network.run_for(secs(600));
        assert_eq!(knows(&network, 0), 0, "seed {seed}: ten minutes are over");
    });
}

#[test]
fn ages_count_the_time_on_the_way_and_what_comes_late_is_dropped() {
    let mut network = restored(1, 8, with_budget(BUDGET), Link::PERFECT);
    let (section, expired) = (forged(&network, 1, 7, 5_000), forged(&network, 2, 7, 600_000));
    say(&mut network, 0, 3, &[section, expired]);
    network.run_for(secs(2));
    assert!(known_age(&network, 0, 1).is_some_and(|age| (secs(6)..secs(8)).contains(&age)));
    assert_eq!(known(&network, 0, 2), None);
    assert_eq!(network.hosts[0].node.metrics().dropped_pulses_expired, 1);
    // An earlier one that comes later changes nothing.
    let earlier = forged(&network, 1, 6, 0);
    say(&mut network, 0, 3, &[earlier]);
    assert!(known_age(&network, 0, 1).is_some_and(|age| age > secs(6)));
}

#[test]
fn a_flood_of_pulses_is_told_on_at_the_members_rate() {
    let mut network = restored(1, 60, with_budget(BUDGET), Link::LAN);
    let before = sum(&network, |m| m.bytes_pulse);
    let (mut worst, interval) = (Duration::ZERO, network.hosts[0].node.pulse_interval(8).unwrap());
    for n in 0..2_000u32 {
        // In the name of one, as many as fit, to one after the other.
        let numbers = n * 40 + 1..n * 40 + 41;
        let sections: Vec<_> = numbers.map(|number| forged(&network, 1, number, 0).1).collect();
        say(&mut network, 2 + n as usize % 58, 1, &[(60, sections.concat())]);
        if n % 20 == 0 {
            (2..60).for_each(|host| pulse(&mut network, host, &[n as u8; 8]));
        }
        network.run_for(millis(10));
        if n > 1_000 && n % 50 == 0 {
            let ages = (2..60).flat_map(|host| (2..60).map(move |of| (host, of)));
            let mut ages: Vec<_> = ages.filter_map(|(host, of)| known_age(&network, host, of)).collect();
            ages.sort();
            worst = worst.max(ages[ages.len() / 2]);
        }
    }
    assert!(worst < interval * 2, "half of all are older than {worst:?}");
    assert!(sum(&network, |m| m.pulses_withheld) > 10_000, "what came too soon was counted");
    for host in &network.hosts {
        let sent = host.node.metrics().bytes_pulse;
        assert!(sent <= u64::from(BUDGET) * 25 + 3 * 1_200, "{}: {sent} bytes", host.id);
    }
    assert!(sum(&network, |m| m.bytes_pulse) > before);
    assert_eq!(network.deaths(), []);
}

#[test]
fn a_configuration_that_turns_pulses_off_or_elsewhere_forgets_them() {
    let mut network = restored(1, 8, with_budget(BUDGET), Link::PERFECT);
    let knows = |network: &Network<Heap>| (1..8).filter(|&of| known(network, 0, of).is_some()).count();
    for next in [lan(), with_budget(BUDGET).with(|c| c.pulse_scope = PulseScope::Zone)] {
        for n in 0..20 {
            (0..8).for_each(|host| pulse(&mut network, host, &[n]));
            network.run_for(millis(200));
        }
        assert_eq!(knows(&network), 7);
        network.command(0, |node, now, out| match node.reconfigure(now, next, out) {
            Ok(output) => output,
            Err(error) => panic!("{error}"),
        });
        assert_eq!(knows(&network), 0, "{:?}", next.pulse_scope);
        network.command(0, |node, now, out| node.reconfigure(now, with_budget(BUDGET), out).unwrap());
    }
}

#[test]
fn memory_in_place_keeps_pulses_only_if_its_type_says_so() {
    let with = || Inline::<16, 16, InlineState<16, 16, 0, 16>>::with_state(InlineState::new());
    let mut network: Network<_, ()> = Network::new(1, with_budget(BUDGET), with, ());
    network.add_restored(8);
    network.run_for(secs(5));
    for n in 0..20 {
        (0..8).for_each(|host| pulse(&mut network, host, &[n]));
        network.run_for(millis(200));
    }
    assert!((0..8).all(|of| known(&network, 0, of).is_some()));

    let mut network: Network<_, ()> = Network::new(1, with_budget(BUDGET), Inline::<16>::new, ());
    network.add_restored(2);
    network.command(0, |node, now, out| {
        assert_eq!(node.pulse(now, b"load", out).err(), Some(StateError::NoMemory));
        node.tick(now, out)
    });
}

#[test]
fn a_pulse_has_60_bytes_at_the_most_and_no_node_that_has_left_says_any() {
    let mut network = restored(1, 3, with_budget(BUDGET), Link::PERFECT);
    network.command(0, |node, now, out| {
        assert_eq!(node.pulse(now, &[0; 61], out).err(), Some(StateError::PulseTooLarge { most: 60 }));
        node.tick(now, out)
    });
    assert_eq!(network.hosts[0].node.metrics().pulses_written, 0);
    network.leave(0);
    network.run_for(secs(10));
    network.command(0, |node, now: Instant, out| {
        assert_eq!(node.pulse(now, b"load", out).err(), Some(StateError::Inactive));
        node.tick(now, out)
    });
}
