//! Real cores, held against what theory says of SWIM and of push.
#![allow(clippy::unwrap_used, reason = "a test may")]

use gossip_core::{ClusterName, Config, Event, Health, NodeId, Traffic};
use simulator::engine::{
    HostId, Input, Jitter, Link, Micros, Origin, SECOND, Setup, Signers, Step, Watch, World, Zones,
};
use simulator::epidemic::{Mode, theory};
use simulator::statistics::Summary;
use std::collections::HashMap;

/// One way, in a network that loses nothing.
const LATENCY: Micros = 500;

/// What a node does at its ticks, and what it hears of others.
#[derive(Default)]
struct Log {
    /// When each host pinged each address's host: a ping leaves in a tick, an ack answers a datagram.
    pings: HashMap<(HostId, HostId), Vec<Micros>>,
    probe_packets: u64,
    updated: HashMap<NodeId, Vec<Micros>>,
}

impl Watch for Log {
    fn step(&mut self, step: &Step<'_>) {
        for event in step.output.events() {
            if let Event::Updated(id) = *event {
                self.updated.entry(id).or_default().push(step.now);
            }
        }
        if step.input != Input::Tick {
            return;
        }
        for packet in step.output.packets().filter(|packet| packet.class == Traffic::Probe) {
            let pinged = (0..).zip(step.hosts).find(|(_, host)| host.address == packet.to);
            if let Some((pinged, _)) = pinged {
                self.pings.entry((step.host, pinged)).or_default().push(step.now);
            }
        }
    }

    fn sent(&mut self, _: Micros, _: HostId, class: Traffic, _: usize) {
        self.probe_packets += u64::from(class == Traffic::Probe);
    }
}

fn config() -> Config {
    Config::lan(ClusterName::named("theory").unwrap())
}

fn period() -> Micros {
    config().probe_interval.as_micros() as Micros
}

fn world(seed: u64, hosts: u32) -> World<Log> {
    let capacity = hosts as usize + 8;
    let (zones, origin) = (Zones::ONE, Origin::default());
    let setup = Setup {
        seed,
        config: config(),
        zones,
        capacity,
        step_cost: 0,
        uplink: None,
        origin,
        keys: Vec::new(),
        signers: Signers::default(),
    };
    let link = Link { latency: LATENCY, jitter: Jitter::None, ..Link::default() };
    let mut world = World::new(setup, |_, _| link, Log::default());
    world.form(hosts, &[(0..hosts).collect()], |_| Vec::new()).unwrap();
    world
}

#[test]
fn a_crashed_member_is_probed_within_three_periods_sooner_than_by_chance() {
    // The period in which anyone probes it. Of five probes three go round the lap, which is SWIM's chance (Das, Gupta and
    // Motivala, DSN 2002, section 3.1) at 0.6 of its rate, and two to the prober's successor, two and three periods
    // apart: after one period it has not come with probability 0.6, after two with 0.2. The mean is the sum of both together
    // over the periods; e / (e - 1) = 1.58 by chance alone.
    let expected = 1.0 + 0.6 * (-0.6f64).exp() + 0.2 * (-1.2f64).exp();
    let periods = (0..300).map(|seed| {
        let mut world = world(seed, 30);
        world.run_until(2 * SECOND);
        let crashed = 7;
        world.crash(crashed);
        let (since, mut first) = (world.now(), None);
        while first.is_none() {
            world.run_until(world.now() + period());
            let pings = world.watch.pings.iter().filter(|((_, pinged), _)| *pinged == crashed);
            first = pings.flat_map(|(_, times)| times).filter(|&&at| at > since).min().copied();
            assert!(world.now() < since + 60 * period(), "nobody probes it");
        }
        ((first.unwrap() - since) as f64 / period() as f64).ceil()
    });
    let periods = Summary::of(periods).unwrap();
    // Three periods, each late by a tenth.
    assert!(periods.quantile(1.0) <= 4.0, "{}", periods.quantile(1.0));
    let off = (periods.mean() - expected).abs();
    assert!(off <= 3.0 * periods.standard_error(), "{} ± {}", periods.mean(), periods.standard_error());
}

#[test]
fn every_member_probes_every_other_within_two_laps() {
    let (hosts, lateness) = (12, 1.1);
    let mut world = world(1, hosts);
    world.run_until(Micros::from(10 * hosts) * period());
    // Three of five probes go round the lap. They are jittered by a tenth of a period, so that this many of them may take as
    // much longer.
    let most = ((f64::from(2 * hosts - 1) * 5.0 / 3.0 + 2.0) * lateness * period() as f64) as Micros;
    for prober in 0..hosts {
        for pinged in (0..hosts).filter(|&pinged| pinged != prober) {
            let times = &world.watch.pings[&(prober, pinged)];
            let gaps = times.windows(2).map(|pair| pair[1] - pair[0]);
            let longest = gaps.chain([times[0], world.now() - times[times.len() - 1]]).max().unwrap();
            assert!(longest <= most, "{prober} left {pinged} alone for {longest} µs");
        }
    }
}

#[test]
fn a_quiet_member_sends_two_probe_messages_a_period() {
    let (hosts, periods) = (50, 60);
    let mut world = world(1, hosts);
    world.run_until(2 * period());
    let before = world.watch.probe_packets;
    world.run_until(world.now() + periods * period());
    let each = (world.watch.probe_packets - before) as f64 / (f64::from(hosts) * periods as f64);
    assert!((1.95..=2.05).contains(&each), "{each}");
}

#[test]
fn real_cores_spread_no_slower_than_their_fanout_and_interval_predict() {
    let hosts = 300;
    let mut world = world(1, hosts);
    world.run_until(SECOND);
    let spreads = (0..20).map(|change| {
        let (origin, since) = (change * 13, world.now());
        let id = world.hosts()[origin as usize].id;
        world.set_health(origin, Health::Degraded);
        world.run_until(since + 5 * SECOND);
        let heard = &world.watch.updated[&id];
        assert_eq!(heard.len(), hosts as usize - 1, "everyone hears it once");
        (heard.iter().max().unwrap() - since) as f64 / 1e6
    });
    let spreads = Summary::of(spreads).unwrap();
    let rounds = theory::rounds(Mode::Push, config().fanout.into(), 0.0, hosts).unwrap();
    let round = config().gossip_interval.as_secs_f64() + LATENCY as f64 / 1e6;
    assert!(spreads.mean() <= rounds * round, "{} s, theory {} s", spreads.mean(), rounds * round);
}
