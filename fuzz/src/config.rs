//! Any configuration: it is refused with a reason, or nodes live with it, within its budgets and without spinning;
//! and one that runs takes another over, except for what is fixed.

use crate::forge::CLUSTER;
use arbitrary::Arbitrary;
use gossip_core::{Buffer, ClusterName, Config, ConfigError, Heap, Memory, Mode, Node, PulseScope, Traffic};
use std::{collections::BTreeMap, time::Duration};
use testkit::{Network, Step, Watch};

/// Numbers of all sizes, with the small ones as likely as the large.
#[derive(Arbitrary, Clone, PartialEq, Debug)]
pub enum Number {
    /// As it is, or in ms.
    Tiny(u8),
    /// The same.
    Small(u16),
    /// The same.
    Large(u32),
    /// The same.
    Huge(u64),
    /// In s.
    Seconds(u16),
}

impl Number {
    fn duration(&self) -> Duration {
        match *self {
            Self::Tiny(n) => Duration::from_millis(n.into()),
            Self::Small(n) => Duration::from_millis(n.into()),
            Self::Large(n) => Duration::from_millis(n.into()),
            Self::Huge(n) => Duration::from_micros(n),
            Self::Seconds(n) => Duration::from_secs(n.into()),
        }
    }

    fn count(&self) -> u32 {
        match *self {
            Self::Tiny(n) => n.into(),
            Self::Small(n) | Self::Seconds(n) => n.into(),
            Self::Large(n) => n,
            Self::Huge(n) => n as u32,
        }
    }
}

/// A preset, and what differs from it.
#[derive(Arbitrary, Clone, PartialEq, Debug)]
pub struct Knobs {
    /// Which preset.
    pub preset: u8,
    /// Which knob, and what to.
    pub changes: Vec<(u8, Number)>,
}

/// A whole run.
#[derive(Arbitrary, Clone, PartialEq, Debug)]
pub struct Program {
    /// Of the network.
    pub seed: u8,
    /// What the nodes start with.
    pub first: Knobs,
    /// What they are given while they run.
    pub second: Knobs,
}

impl Knobs {
    fn config(&self) -> Config {
        let preset = [Config::local, Config::lan, Config::wan][usize::from(self.preset) % 3];
        let Ok(cluster) = ClusterName::named(CLUSTER) else { unreachable!("a good name") };
        let mut config = preset(cluster);
        for (knob, number) in &self.changes {
            turn(&mut config, *knob, number);
        }
        config
    }
}

fn turn(c: &mut Config, knob: u8, number: &Number) {
    let (count, time) = (number.count(), number.duration());
    let (byte, on) = (u8::try_from(count).unwrap_or(u8::MAX), count & 1 == 1);
    match knob % 44 {
        0 => c.probe_interval = time,
        1 => c.ack_timeout_initial = time,
        2 => c.ack_timeout_min = time,
        3 => c.ack_timeout_max = time,
        4 => c.direct_pings = byte,
        5 => c.relays = byte,
        6 => c.relay_pings = byte,
        7 => c.pause_tolerance = time,
        8 => c.suspicion_factor = byte,
        9 => c.confirmations = byte,
        10 => (c.accusations_per_accuser, c.members_per_host) = (byte, count as u16),
        11 => c.quarantine = time,
        12 => c.local_pause = time,
        13 => c.mode = [Mode::PushPull, Mode::Push, Mode::Pull][count as usize % 3],
        14 => c.fanout = byte,
        15 => c.gossip_interval = time,
        16 => {
            c.retransmit_factor = byte;
            c.pulse_scope = [PulseScope::Cluster, PulseScope::Region, PulseScope::Zone][count as usize % 3];
        }
        17 => c.anti_entropy_interval = time,
        18 => c.max_datagram = count as u16,
        19 => c.budgets.total = count,
        20 => (c.budgets.rumor, c.budgets.pulses) = (count, count),
        21 => c.budgets.sync = count,
        22 => (c.budgets.suspicion, c.budgets.state) = (count, count),
        23 => c.admissions_per_second = count as u16,
        24 => c.non_members_per_second = count,
        25 => c.join_retry = time,
        26 => c.tombstone_ttl = time,
        27 => (c.max_tombstones, c.state_per_member) = (count, count as u16),
        28 => c.mechanisms.indirect_probes = on,
        29 => c.mechanisms.suspicion = on,
        30 => c.mechanisms.local_health = on,
        31 => c.mechanisms.confirmations = on,
        32 => c.mechanisms.tell_suspect = on,
        33 => c.mechanisms.local_pause = on,
        34 => c.mechanisms.quarantines = on,
        35 => c.mechanisms.earned_death = on,
        36 => (c.mechanisms.early_check, c.mechanisms.successor) = (on, count & 2 != 0),
        37 => (c.mechanisms.repair, c.mechanisms.neighbours) = (on, count & 2 != 0),
        38 => c.max_datagram = 400,
        39 => c.max_datagram = 1_400,
        // Several at a time, since some only fit together.
        40 => {
            c.budgets =
                c.budgets.with(|b| (b.total, b.rumor, b.sync, b.suspicion) = (count, count, count, count));
        }
        41 => (c.mechanisms.two_relay_rounds, c.mechanisms.round_trips) = (on, count & 2 != 0),
        42 => (c.mechanisms.announced_pauses, c.mechanisms.sieves) = (on, count & 2 != 0),
        _ => (c.ack_timeout_initial, c.ack_timeout_min, c.ack_timeout_max) = (time, time, time),
    }
}

/// A refusal says which field, and bounds that its value is beyond.
fn refusal_is_true(error: ConfigError) {
    match error {
        ConfigError::Range { field, min, max, given } => {
            assert!(min <= max && !(min..=max).contains(&given), "{field} is {given}, of {min} to {max}");
        }
        ConfigError::Order { smaller, larger } => assert_ne!(smaller, larger),
        ConfigError::Fixed { field } => {
            assert!(["cluster", "max_datagram", "state_per_member"].contains(&field), "{field}");
        }
        other => panic!("{other} is not about a knob"),
    }
    assert!(error.to_string().len() > 20, "{error}");
}

/// What each host has sent beside probes.
#[derive(Default)]
struct Bytes(BTreeMap<(usize, Traffic), u64>);

impl<M: Memory> Watch<M> for Bytes {
    fn after(&mut self, step: &Step<'_, M>) {
        let max = usize::from(step.node.config().max_datagram);
        for packet in step.output.packets() {
            assert!((22..=max).contains(&packet.bytes.len()), "a packet of {} bytes", packet.bytes.len());
            // The budget for state pays for no headers.
            let unpaid = if packet.class == Traffic::State { 22 } else { 0 };
            *self.0.entry((step.host, packet.class)).or_default() += (packet.bytes.len() - unpaid) as u64;
        }
        assert!(step.output.next_tick >= step.now);
    }
}

/// Enough for rounds and probes of several, and not for more rounds than a run has time for.
fn span(config: &Config) -> Duration {
    config.probe_interval.max(config.gossip_interval * 20).min(config.gossip_interval * 1_000)
}

fn budgets_hold(network: &Network<Heap, Bytes>, config: &Config, span: Duration) {
    let max = f64::from(config.max_datagram);
    let most = |rate: u32, at_once: f64| f64::from(rate) * span.as_secs_f64() + at_once * max + 1.0;
    let mut all: BTreeMap<usize, u64> = BTreeMap::new();
    for (&(host, class), &sent) in &network.watch.0 {
        let (rate, at_once) = match class {
            Traffic::Probe => continue,
            Traffic::Suspicion => (config.budgets.suspicion, 3.0),
            // State rides on rumors, and is paid by its own budget.
            Traffic::Rumor => (config.budgets.rumor.saturating_add(config.budgets.state), 12.0),
            Traffic::State => (config.budgets.state, 9.0),
            Traffic::Sync => (config.budgets.sync, 14.0),
            Traffic::Pulse => (config.budgets.pulses, 3.0),
        };
        let most = most(rate, at_once);
        assert!(sent as f64 <= most, "host {host}: {sent} bytes of {class:?}, and {most} at the most");
        *all.entry(host).or_default() += sent;
    }
    for (host, sent) in all {
        let most = most(config.budgets.total, 14.0);
        assert!(sent as f64 <= most, "host {host}: {sent} bytes in all, and {most} at the most");
    }
}

/// Runs a program, and panics if a configuration is not what it says.
pub fn run(program: &Program) {
    let (first, second) = (program.first.config(), program.second.config());
    if let Err(error) = first.validate() {
        refusal_is_true(error);
        return;
    }
    // The virtual network panics if a node refuses what was valid, or spins.
    let mut network = Network::new(program.seed.into(), first, || Heap::for_members(8), Bytes::default());
    network.add_joined(3);
    network.run_for(span(&first));
    network.crash(2);
    network.run_for(span(&first));
    budgets_hold(&network, &first, span(&first) * 2);
    for host in 0..2 {
        reconfigure(&mut network, host, &first, &second);
    }
    network.run_for(span(network.hosts[0].node.config()));
}

fn reconfigure(network: &mut Network<Heap, Bytes>, host: usize, first: &Config, second: &Config) {
    let now = network.now();
    let mut buffer = Buffer::<64, 128, 76_800>::new();
    let refused = network.hosts[host].node.reconfigure(now, *second, &mut buffer.outbox()).err();
    network.command(host, Node::tick);
    let fixed = first.cluster != second.cluster
        || first.max_datagram != second.max_datagram
        || first.state_per_member != second.state_per_member;
    match refused {
        Some(error) => refusal_is_true(error),
        None => assert!(!fixed, "what is fixed was changed"),
    }
    assert_eq!(refused.is_some(), fixed || second.validate().is_err());
    let expected = if refused.is_some() { first } else { second };
    assert_eq!(network.hosts[host].node.config(), expected);
}
