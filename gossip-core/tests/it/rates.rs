//! Every bound of a rate: that it can be reached, that it holds, that what it leaves out is counted, and that nothing of
//! it is left once the pressure is over. And both ends of the configuration. The bounds of memory are in `limits.rs`.

use crate::support::{self, Link, Network, Recorder, across_seeds, forge, formed, lan, millis, secs, seeds};
use gossip_core::{Config, Health, Heap, Inline, Memory, Metrics, Mode, Status};
use std::time::Duration;

/// Datagrams that a budget lets out at once: of suspicion, of rumors, and of sync or all together.
const BURST: u64 = 3;
const BURST_OF_STATE: u64 = 8;
const BURST_OF_REPAIR: u64 = 14;

/// What a budget of this many bytes a second may have let out meanwhile.
fn allowed(config: &Config, rate: u32, burst: u64, span: Duration) -> u64 {
    u64::from(rate) * span.as_secs() + burst * u64::from(config.max_datagram)
}

/// All but probes and acks, which are never held back.
fn held_back(metrics: &Metrics) -> u64 {
    metrics.bytes_suspicion
        + metrics.bytes_rumor
        + metrics.bytes_state
        + metrics.bytes_sync
        + metrics.bytes_pulse
}

#[test]
fn a_storm_of_news_stays_within_the_budgets_and_is_all_told_in_the_end() {
    let tight = lan().budgets.with(|b| {
        b.total = 6_000;
        b.state = 3_000;
    });
    let scarce = lan().budgets.with(|b| {
        b.total = 3_000;
        b.state = 31_000;
    });
    for (budgets, is_state) in [(tight, true), (scarce, false)] {
        let config = lan().with(|c| c.budgets = budgets);
        let mut network: Network<Heap> = Network::new(1, config, || Heap::for_members(64), ());
        network.add_restored(40);
        network.run_for(secs(20));
        let before: Vec<Metrics> = network.hosts.iter().map(|host| *host.node.metrics()).collect();
        let span = secs(20);
        for round in 0..100 {
            let health = if round % 2 == 0 { Health::Degraded } else { Health::Healthy };
            for host in 0..40 {
                network.command(host, |node, now, out| node.set_health(now, health, out));
            }
            network.run_for(span / 100);
        }
        let mut most = 0;
        for (host, before) in network.hosts.iter().zip(&before) {
            let metrics = host.node.metrics();
            let state = metrics.bytes_of_state - before.bytes_of_state;
            assert!(
                state <= allowed(&config, budgets.state, BURST_OF_STATE, span),
                "{}: {state} bytes",
                host.id
            );
            // Not more than the whole and its burst: what rides on probes is charged, too.
            let all = held_back(metrics) - held_back(before);
            assert!(
                all <= allowed(&config, budgets.total, BURST_OF_REPAIR, span),
                "{}: {all} bytes",
                host.id
            );
            most = most.max(if is_state { state } else { all });
            assert_eq!(metrics.probes_failed, 0, "{}: a probe was held back", host.id);
        }
        let half = u64::from(if is_state { budgets.state } else { budgets.total }) * span.as_secs() / 2;
        assert!(most > half, "the budget was never spent: {most} bytes of {half} and more");
        network.assert_recovers(secs(60), 1);
        let told = |host: &support::Host<_>| host.node.members().all(|m| m.record().state_version() == 100);
        assert!(network.running().all(told), "a last word was lost");
        assert_eq!(network.deaths(), []);
    }
}

/// What host 1 said of host 2 before it was restarted, again and again.
/// A flood of news of the living does not keep anyone from hearing of a death.
#[test]
fn a_death_is_told_in_a_storm_of_news_of_the_living_that_never_ends() {
    let config = lan().with(|c| c.budgets = lan().budgets.with(|b| b.rumor = 3_000));
    let mut network: Network<Heap> = Network::new(1, config, || Heap::for_members(64), ());
    network.add_restored(40);
    network.run_for(secs(20));
    let mut dead_to_all = None;
    for round in 0..300 {
        let health = if round % 2 == 0 { Health::Degraded } else { Health::Healthy };
        for host in 0..39 {
            network.command(host, |node, now, out| node.set_health(now, health, out));
        }
        network.run_for(Duration::from_millis(100));
        if round == 50 {
            network.crash(39);
        }
        if round > 50 && network.all_say(39, Status::Dead) {
            dead_to_all = dead_to_all.or(Some(round - 50));
        }
    }
    assert!(dead_to_all.is_some_and(|tenths| tenths <= 100), "{dead_to_all:?} tenths of a second");
}

#[test]
fn corrections_over_the_budget_are_dropped_and_made_when_it_is_refilled() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 4, lan(), ());
        let (old, from) = (network.hosts[2].node.me(), network.hosts[1].address);
        let address = network.fresh_address();
        network.restart(2, address);
        network.join(2, &[0]);
        assert!(network.wait(secs(10), Network::is_formed).is_some(), "seed {seed}");
        network.run_for(secs(10));
        let says = forge::datagram(&forge::head(lan()), network.hosts[1].id, &[forge::records(&[old], 0)]);
        let before = *network.hosts[0].node.metrics();
        for _ in 0..1_000 {
            network.inject(0, from, &says);
        }
        let after = *network.hosts[0].node.metrics();
        let bytes = after.bytes_suspicion - before.bytes_suspicion;
        assert!(bytes <= allowed(&lan(), 0, BURST, Duration::ZERO), "seed {seed}: {bytes} bytes at once");
        let made = after.corrections_sent - before.corrections_sent;
        let dropped = after.dropped_over_budget - before.dropped_over_budget;
        assert!(made > 0 && made + dropped == 1_000, "seed {seed}: {made} made, {dropped} dropped");
        network.run_for(secs(2));
        network.inject(0, from, &says);
        let later = network.hosts[0].node.metrics();
        assert_eq!(
            later.corrections_sent,
            after.corrections_sent + 1,
            "seed {seed}: the budget stayed empty"
        );
        network.assert_recovers(secs(10), seed);
        assert_eq!(network.deaths(), [], "seed {seed}");
    });
}

#[test]
fn repair_over_the_budget_is_dropped_and_done_when_it_is_filled_again() {
    across_seeds(seeds(), |seed| {
        let config = lan().with(|c| c.budgets = lan().budgets.with(|b| b.sync = 2_000));
        let mut network: Network<Heap> = Network::new(seed, config, || Heap::for_members(256), ());
        network.add_restored(100);
        network.run_for(secs(10));
        let (id, from) = (network.hosts[1].id, network.hosts[1].address);
        let requests: Vec<u8> =
            network.hosts.iter().flat_map(|host| host.id.as_u64().to_be_bytes()).collect();
        let says = forge::datagram(&forge::head(config), id, &[(16, requests)]);
        let before = *network.hosts[0].node.metrics();
        for _ in 0..100 {
            network.inject(0, from, &says);
            network.run_for(millis(100));
        }
        let after = *network.hosts[0].node.metrics();
        let bytes = after.bytes_sync - before.bytes_sync;
        let most = allowed(&config, 2_000, BURST_OF_REPAIR, secs(10));
        assert!((most / 2..=most).contains(&bytes), "seed {seed}: {bytes} bytes, of {most}");
        assert!(after.dropped_over_budget > before.dropped_over_budget, "seed {seed}: nothing was dropped");
        let joiner = network.add("joiner");
        network.join(joiner, &[0]);
        network.assert_recovers(secs(120), seed);
        assert_eq!(network.deaths(), [], "seed {seed}");
    });
}

/// Four a second, and four at once.
#[test]
fn forged_accusations_make_nobody_refute_more_than_four_times_a_second() {
    across_seeds(0..5, |seed| {
        let mut network = formed(seed, 6, lan(), ());
        let (by, from) = (network.hosts[1].id, network.hosts[1].address);
        let head = forge::head(lan());
        let start = network.hosts[0].node.metrics().refutations;
        for _ in 0..10 {
            for _ in 0..100 {
                let me = network.hosts[0].node.me();
                let accused = forge::accusations(me.id(), me.incarnation(), &[by]);
                network.inject(0, from, &forge::datagram(&head, by, &[accused]));
                network.run_for(millis(10));
            }
        }
        let refuted = network.hosts[0].node.metrics().refutations - start;
        assert!((4..=4 * 11).contains(&refuted), "seed {seed}: {refuted} refutations in 10 s");
        network.assert_recovers(secs(30), seed);
        assert_eq!(network.deaths(), [], "seed {seed}");
        let calm = network.hosts[0].node.metrics().refutations;
        network.run_for(secs(30));
        assert_eq!(network.hosts[0].node.metrics().refutations, calm, "seed {seed}: still refuting");
    });
}

#[test]
fn forged_states_are_contradicted_at_most_four_times_a_second() {
    across_seeds(0..5, |seed| {
        let mut network = formed(seed, 6, lan(), ());
        let (by, from) = (network.hosts[1].id, network.hosts[1].address);
        let head = forge::head(lan());
        let mut said = 0;
        for _ in 0..1_000 {
            let me = network.hosts[0].node.me();
            let word = me.with_state(me.state_version() + 1, Health::Unhealthy, 0);
            network.inject(0, from, &forge::datagram(&head, by, &[forge::records(&[word], 0)]));
            said += u32::from(network.hosts[0].node.me().state_version() != me.state_version());
            network.run_for(millis(10));
        }
        assert!((4..=4 * 11).contains(&said), "seed {seed}: {said} words in 10 s");
        network.assert_recovers(secs(30), seed);
        let id = network.hosts[0].id;
        for host in &network.hosts[1..] {
            let healthy =
                host.node.member(id).is_some_and(|member| member.record().health() == Health::Healthy);
            assert!(healthy, "seed {seed}: {} believes what was forged", host.id);
        }
        assert_eq!(network.deaths(), [], "seed {seed}");
    });
}

/// The smallest of everything; a network that is fast enough for it.
fn least() -> (Config, Link) {
    let ms = millis(1);
    // The total is the least for this many probes.
    let budgets =
        lan().budgets.with(|b| (b.total, b.rumor, b.sync, b.suspicion) = (26_400, 1_400, 1_400, 1_400));
    let config = lan().with(|c| {
        c.probe_interval = millis(10);
        c.ack_timeout_initial = ms;
        c.ack_timeout_min = ms;
        c.ack_timeout_max = ms;
        c.direct_pings = 1;
        c.relays = 0;
        c.relay_pings = 1;
        c.pause_tolerance = millis(100);
        c.suspicion_factor = 1;
        c.confirmations = 1;
        c.accusations_per_accuser = 1;
        c.quarantine = secs(1);
        c.local_pause = millis(10);
        c.fanout = 1;
        c.gossip_interval = ms;
        c.retransmit_factor = 1;
        c.anti_entropy_interval = secs(1);
        c.max_datagram = 400;
        c.budgets = budgets;
        c.admissions_per_second = 1;
        c.non_members_per_second = 1;
        c.join_retry = millis(10);
        c.tombstone_ttl = secs(60);
        c.max_tombstones = 1;
    });
    (
        config,
        Link { latency: Duration::from_micros(100), jitter: Duration::from_micros(100), ..Link::PERFECT },
    )
}

/// The greatest of everything.
fn most() -> Config {
    let budgets = lan()
        .budgets
        .with(|b| (b.total, b.rumor, b.sync, b.suspicion) = (u32::MAX, u32::MAX, u32::MAX, u32::MAX));
    lan().with(|c| {
        c.probe_interval = secs(60);
        c.ack_timeout_initial = secs(10);
        c.ack_timeout_min = secs(10);
        c.ack_timeout_max = secs(30);
        c.direct_pings = 5;
        c.relays = 8;
        c.relay_pings = 3;
        c.pause_tolerance = secs(300);
        c.suspicion_factor = 20;
        c.confirmations = 3;
        c.accusations_per_accuser = 15;
        c.quarantine = secs(86_400);
        c.local_pause = secs(60);
        c.fanout = 8;
        c.gossip_interval = secs(10);
        c.retransmit_factor = 6;
        c.anti_entropy_interval = secs(3_600);
        c.max_datagram = 1_400;
        c.budgets = budgets;
        c.admissions_per_second = 10_000;
        c.non_members_per_second = 100_000;
        c.join_retry = secs(600);
        c.tombstone_ttl = secs(14 * 86_400);
        c.max_tombstones = 1 << 20;
    })
}

/// Forms, loses one, tells all of it, and takes it back; each within `patience`.
fn lives_through_a_crash<M: Memory>(mut network: Network<M>, patience: Duration, what: &str) {
    let within = |network: &mut Network<M>, condition: &dyn Fn(&Network<M>) -> bool| {
        // Days are not looked at every 10 ms.
        (0..1_000).any(|_| {
            network.run_for(patience / 1_000);
            condition(network)
        })
    };
    network.add_joined(6);
    assert!(within(&mut network, &Network::is_formed), "{what}: not formed");
    network.crash(5);
    let found = within(&mut network, &|network| network.all_say(5, Status::Dead));
    assert!(found, "{what}: {}", network.opinions(5));
    let address = network.fresh_address();
    network.restart(5, address);
    network.join(5, &[0, 1]);
    assert!(within(&mut network, &Network::is_formed), "{what}: not taken back");
    network.run_for(patience / 10);
    assert!(network.is_formed(), "{what}: at rest, {:?}", network.deaths());
    assert_eq!(network.buried_alive(), [], "{what}");
}

#[test]
fn the_least_of_every_knob_and_memory_is_a_cluster_that_works() {
    for mode in [Mode::Push, Mode::Pull, Mode::PushPull] {
        let (config, link) = least();
        let config = config.with(|c| c.mode = mode);
        let mut network: Network<Inline<6, 1>> = Network::new(1, config, Inline::new, ());
        network.set_link(link);
        lives_through_a_crash(network, secs(120), &format!("{mode:?}"));
    }
}

#[test]
fn the_most_of_every_knob_and_memory_is_a_cluster_that_works() {
    for mode in [Mode::Push, Mode::Pull, Mode::PushPull] {
        let config = most().with(|c| c.mode = mode);
        let network: Network<Heap> = Network::new(1, config, || Heap::for_members(usize::MAX), ());
        lives_through_a_crash(network, secs(2 * 86_400), &format!("{mode:?}"));
    }
}

#[test]
fn just_beyond_the_least_and_the_most_of_every_knob_is_refused() {
    let (least, most) = (least().0, most());
    assert_eq!((least.validate(), most.validate()), (Ok(()), Ok(())));
    let (less, more) = (|d: Duration| d - Duration::from_nanos(1), |d: Duration| d + Duration::from_nanos(1));
    let mut beyond = vec![
        least.with(|c| c.direct_pings = 0),
        most.with(|c| c.direct_pings = 6),
        most.with(|c| c.relays = 9),
        least.with(|c| c.relay_pings = 0),
        most.with(|c| c.relay_pings = 4),
        least.with(|c| c.suspicion_factor = 0),
        most.with(|c| c.suspicion_factor = 21),
        least.with(|c| c.confirmations = 0),
        most.with(|c| c.confirmations = 4),
        least.with(|c| c.accusations_per_accuser = 0),
        most.with(|c| c.accusations_per_accuser = 16),
        least.with(|c| c.fanout = 0),
        most.with(|c| c.fanout = 9),
        least.with(|c| c.retransmit_factor = 0),
        most.with(|c| c.retransmit_factor = 7),
        least.with(|c| c.max_datagram = 399),
        most.with(|c| c.max_datagram = 1_401),
        least.with(|c| c.admissions_per_second = 0),
        most.with(|c| c.admissions_per_second = 10_001),
        least.with(|c| c.non_members_per_second = 0),
        most.with(|c| c.non_members_per_second = 100_001),
        least.with(|c| c.max_tombstones = 0),
        most.with(|c| c.max_tombstones = (1 << 20) + 1),
    ];
    for budgets in [
        least.budgets.with(|b| b.total = 26_399),
        least.budgets.with(|b| b.rumor = 1_399),
        least.budgets.with(|b| b.sync = 1_399),
        least.budgets.with(|b| b.suspicion = 1_399),
    ] {
        beyond.push(least.with(|c| c.budgets = budgets));
    }
    beyond.push(most.with(|c| c.budgets = least.budgets.with(|b| b.total = 1_399)));
    type Knob = fn(&mut Config) -> &mut Duration;
    let knobs: [Knob; 11] = [
        |config| &mut config.probe_interval,
        |config| &mut config.ack_timeout_initial,
        |config| &mut config.ack_timeout_min,
        |config| &mut config.ack_timeout_max,
        |config| &mut config.pause_tolerance,
        |config| &mut config.quarantine,
        |config| &mut config.local_pause,
        |config| &mut config.gossip_interval,
        |config| &mut config.anti_entropy_interval,
        |config| &mut config.join_retry,
        |config| &mut config.tombstone_ttl,
    ];
    for knob in knobs {
        let (mut low, mut high) = (least, most);
        (*knob(&mut low), *knob(&mut high)) = (less(*knob(&mut low)), more(*knob(&mut high)));
        beyond.extend([low, high]);
    }
    for config in beyond {
        assert!(config.validate().is_err(), "accepted: {config:?}");
    }
}

/// Datagrams and bytes received, of all classes.
fn received(metrics: &Metrics) -> (u64, u64) {
    let m = metrics;
    let datagrams = [m.received_probe, m.received_rumor, m.received_sync, m.received_state, m.received_pulse];
    let bytes = [
        m.bytes_received_probe,
        m.bytes_received_rumor,
        m.bytes_received_sync,
        m.bytes_received_state,
        m.bytes_received_pulse,
    ];
    (datagrams.iter().sum(), bytes.iter().sum())
}

/// Every packet and byte, as the wire saw them.
#[test]
fn packets_and_bytes_are_counted_as_they_are_sent_and_received() {
    let mut network = formed(1, 8, lan(), Recorder::default());
    network.set_link(Link { loss: 0.1, ..Link::LAN });
    network.run_for(secs(30));
    for host in &network.hosts {
        let metrics = host.node.metrics();
        let sent = network.watch.0.iter().filter(|datagram| datagram.from == host.address);
        let (packets, bytes) = sent.fold((0, 0), |(n, bytes), d| (n + 1, bytes + d.bytes.len() as u64));
        let counted =
            [metrics.packets_probe, metrics.packets_suspicion, metrics.packets_rumor, metrics.packets_sync];
        assert_eq!(counted.iter().sum::<u64>(), packets, "{}", host.id);
        assert_eq!(metrics.bytes_probe + held_back(metrics), bytes, "{}", host.id);
        assert_eq!(metrics.bytes_probe + held_back(metrics), host.sent.bytes(), "{}", host.id);
        assert!(metrics.datagrams_received > 0 && metrics.bytes_received > 22 * metrics.datagrams_received);
        assert_eq!(received(metrics), (metrics.datagrams_received, metrics.bytes_received), "{}", host.id);
        assert_eq!(host.node.budgets_used().total, bytes, "{}", host.id);
    }
    let before = *network.hosts[0].node.metrics();
    for len in [0, 1, 22, 1_200, 1_201] {
        network.inject(0, ([10, 0, 0, 9], 7_946).into(), &vec![0; len]);
    }
    let after = network.hosts[0].node.metrics();
    assert_eq!(after.datagrams_received, before.datagrams_received + 5);
    assert_eq!(after.bytes_received, before.bytes_received + 1 + 22 + 1_200 + 1_201);
    assert_eq!(after.malformed + after.foreign, before.malformed + before.foreign + 5);
}
