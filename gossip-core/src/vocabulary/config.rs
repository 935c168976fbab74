//! Every knob, what it costs, and the presets. Constants that no knob changes stand beside their use.

mod mechanisms;
mod scope;

use crate::vocabulary::{
    bounds::MAX_SENDS,
    error::{ConfigError, PULSES},
    name,
    time::micros,
};
use core::time::Duration;
pub use mechanisms::Mechanisms;
pub use scope::PulseScope;
use siphasher::sip::SipHasher13;

/// The most that `state_per_member` may be: what does not fit a few datagrams belongs into a transfer of its own.
pub(crate) const MAX_STATE_PER_MEMBER: u16 = 4_096;

/// The least that `max_datagram` may be, and what is taken to pass everywhere.
pub(crate) const MIN_DATAGRAM: u16 = 400;

/// Which cluster a node belongs to: made from the mandatory name, never sent in the clear.
///
/// Nodes of different clusters refuse each other's datagrams, so a reused address cannot merge two
/// clusters. It is a name, not a secret.
///
/// With the feature `serde` it is two hashes of the name: the name itself is not kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ClusterName {
    pub(crate) tag: u32,
    pub(crate) key: u64,
}

impl ClusterName {
    /// The cluster of that name.
    ///
    /// # Errors
    /// [`ConfigError::ClusterName`] if the name breaks the [rule for names](crate::NameError).
    pub fn named(name: &str) -> Result<Self, ConfigError> {
        let bytes = name::bytes_of(name).map_err(ConfigError::ClusterName)?;
        let hash = |n| SipHasher13::new_with_keys(0, n).hash(bytes);
        Ok(Self { tag: hash(1) as u32, key: hash(2) })
    }

    /// A hash of the name, the same in every release: for hosts that keep something of a cluster and must know later
    /// whether it is of this one.
    pub const fn key(self) -> u64 {
        self.key
    }
}

/// How updates spread. Repair ([`Mechanisms::repair`]) runs in every mode.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Mode {
    /// A node with news tells `fanout` peers per round, until it has told them often enough. No idle cost; leaves a
    /// small tail of members to repair.
    Push,
    /// Every node asks `fanout` peers per round for what changed lately, every `gossip_interval`, for ever: `fanout`
    /// datagrams of 25 bytes a round and node even where nothing changes. Pings and acks still carry news.
    Pull,
    /// As `Push`; in addition, a node whose ping or ack shows that a member has another view asks it for what
    /// changed lately. No idle cost; the tail ends within a probe interval or two.
    #[default]
    PushPull,
}

/// What probing sends a `probe_interval` where nothing is lost: a ping and an ack of 33 bytes, and as much to two
/// controls where the first ping is the last and no relay follows.
const PROBE_BYTES: u64 = 4 * 33;

/// Bytes per second that a node may send of each class of traffic, on average. Three datagrams may be sent at once,
/// and fourteen of sync and of all together. Probes and acks are never delayed. Challenges to non-members count in
/// the total alone; acks to non-members over their rate in none, since they are shorter than what they answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Budgets {
    /// All classes together. Near it, gossip rounds and bulk wait first, and pings and acks take no rumors along; so
    /// in no second a node sends more than this and fourteen datagrams, except for probes. At least 264 bytes a
    /// `probe_interval`, twice what probes alone take.
    pub total: u32,
    /// Gossip rounds, and the rumors that ride on pings and acks. Over it, rounds come later and pings go bare;
    /// nothing is lost.
    pub rumor: u32,
    /// Joins, fetches, introductions, pulls and repair. Over it, joiners and fetches are sent elsewhere, and
    /// repair continues later. Members looked at for repair count as a quarter of a byte each.
    pub sync: u32,
    /// Corrections, accusations told to the accused, reconnect attempts. Over it, they are dropped and
    /// counted, and made at the next occasion. This and `sync` together should be less than `total`: others can draw
    /// both, and rumors have what they leave.
    pub suspicion: u32,
    /// State of members that spreads: items and heads on rounds and pings, and what asks for them. Over it, changes spread
    /// later and are put together; nothing is lost. A change of 50 bytes among 10,000 members costs each 350 bytes, so
    /// 8,000 carry 22 changes a second.
    pub state: u32,
    /// [Pulses](crate::Node::pulse); 0, which is the default, turns them off. It decides how often each member's pulse is
    /// sent, so it should be the same everywhere: one of 8 bytes every `n * 45 / pulses` seconds where `n` members are in the
    /// scope. 6,000 do for 0.75 s among 100 members, 7.5 s among 1,000 and 75 s among 10,000. 0, or 1,400 and more.
    pub pulses: u32,
}

impl Budgets {
    /// These budgets with what `change` sets.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

/// The configuration of a node: start from a preset and change what must differ.
///
/// What a knob costs is said in figures of `simulator sweep`: one knob varied at a time from [`Config::lan`], 300 nodes
/// on links of 10 ms, means of three seeds. *Median* and *p99* are the time until all know of a crash; from seed to
/// seed they vary by ±0.3 s and ±1 s. *Lossy* is 80 s of 20 % loss and doubled latency, with updates and crashes; its
/// false suspicions vary by ±6. *Busy* is ten updates a second at 5 % loss, by push alone.
///
/// ```
/// use gossip_core::{ClusterName, Config};
/// let config = Config::lan(ClusterName::named("prod")?).with(|config| config.fanout = 3);
/// config.validate()?;
/// # Ok::<(), gossip_core::ConfigError>(())
/// ```
///
/// What the presets are, sizes in bytes and budgets in bytes a second; all mechanisms are on in each:
///
#[doc = include_str!("config/presets.md")]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Config {
    /// Which cluster this node belongs to. Fixed while running.
    pub cluster: ClusterName,

    /// Time between probes. 500, 1,000, 2,000 ms: median 2.7, 3.2, 3.9 s, p99 3.5, 5.6, 10.6 s, and 132, 66, 33 bytes a
    /// second when idle. 10 ms to 60 s.
    pub probe_interval: Duration,
    /// How long the first ping waits for its ack while no round trip has been measured. 1 ms to 10 s.
    pub ack_timeout_initial: Duration,
    /// The shortest wait for an ack, whatever was measured. 10, 30, 100 ms: median 3.1, 3.2,
    /// 3.6 s; no difference to false suspicions beyond chance. 1 ms to 10 s.
    pub ack_timeout_min: Duration,
    /// The longest wait for an ack. 1 ms to 30 s.
    pub ack_timeout_max: Duration,
    /// Direct pings of one probe, before relays are asked. 1, 2, 3, 5: 926, 149, 33, 0.7 false suspicions and 10.5,
    /// 2.4, 0.8, 0.4 kB/s when lossy; no difference to detection where nothing is lost, nothing when idle. 1 to 5.
    pub direct_pings: u8,
    /// Relays asked to ping a member that does not answer. 0, 1, 3, 6: 872, 226, 33, 25 false suspicions and 9.7, 3.9,
    /// 0.8, 0.7 kB/s when lossy; no difference to detection. 0 to 8.
    pub relays: u8,
    /// Pings of each relay. 1, 2, 3: 111, 33, 8 false suspicions and 1.9, 0.8, 0.5 kB/s when lossy; median 3.1, 3.2,
    /// 3.5 s. 1 to 3.
    pub relay_pings: u8,

    /// The longest pause (GC, VM, debugger) of a member that is tolerated, counted from the
    /// first unanswered ping. Detection of a crash takes at least this long: 1, 2, 4 s: median 2.1, 3.2, 5.0 s.
    /// 100 ms to 5 min.
    pub pause_tolerance: Duration,
    /// A suspicion with no confirmation lasts this many times as long as one with all of them. 2 to 12 make no
    /// difference where confirmations come: those of true suspicions do, and false ones are refuted sooner. 1 to 20.
    pub suspicion_factor: u8,
    /// Distinct accusers, beyond the first, that shorten a suspicion to its floor. 1, 2, 3: median 2.9, 3.2, 3.6 s;
    /// no difference to false suspicions beyond chance. 1 to 3.
    pub confirmations: u8,
    /// Suspicions that one accuser may take part in at a time, as every receiver counts them. More let one
    /// sick node accuse more; fewer slow the detection of mass failures. 1 to 15.
    pub accusations_per_accuser: u8,
    /// Live members with one IP address, beyond which no further node there becomes a member: whoever can join once must not fill
    /// the table. The same on all nodes. 0, the default, is no limit; where a host runs several nodes, count them.
    pub members_per_host: u16,
    /// How long a zone that is silent as a whole counts as unreachable before its members are accused; how long
    /// the loss of most members, or of all contact, is attributed to this node; and how long a death that no other node
    /// confirms is not declared. Longer sleeps
    /// through longer partitions; while it lasts, the real deaths in a zone that fell silent show as unreachable
    /// members only. 1 s to 1 day.
    pub quarantine: Duration,
    /// A step later than its deadline by more than this means that this node itself was paused.
    /// 10 ms to 60 s.
    pub local_pause: Duration,

    /// How news spreads.
    pub mode: Mode,
    /// Peers that each gossip round goes to, half of them neighbours. 1, 2, 3, 4, 6: an update reaches 99 % after
    /// 0.66, 0.35, 0.26, 0.22, 0.16 s and costs 1.7, 2.0, 2.3, 2.7, 4.1 kB/s when busy, nothing when idle; at 1, push
    /// alone missed 1.7 members per seed, and none from 2 up. 1 to 8.
    pub fanout: u8,
    /// Time between gossip rounds while there is news; the second round of fresh news comes after half of it. 50, 75,
    /// 100, 200, 400 ms: an update reaches 99 % after 0.12, 0.16, 0.22, 0.42, 0.89 s, for the same number of sends;
    /// median 2.8, 2.9, 2.9, 3.2, 3.9 s; 3.0, 2.8, 2.7, 2.3, 2.0 kB/s when busy. 1 ms to 10 s.
    pub gossip_interval: Duration,
    /// A rumor is sent `retransmit_factor * (1 + log10(n + 1))` times, rounded up, but at least `2 * fanout` times,
    /// and more often where pings are repeated. 1, 2, 3, 4, 6: 2.7, 2.7, 3.3, 3.9, 5.2 kB/s when busy; push alone
    /// missed no member. 1 to 6.
    pub retransmit_factor: u8,

    /// How long the views of two nodes may differ, whatever news is pending, before one of them looks for what it has
    /// missed. Without news it looks after 1.6 s at a `gossip_interval` of 100 ms. Each such reconciliation costs 1.1
    /// kB, and 250 bytes for each difference found. 1 s to 1 h.
    pub anti_entropy_interval: Duration,

    /// The largest datagram sent or accepted, in bytes of UDP payload. 1,200 passes every path that IPv6
    /// allows. Where less passes, a joiner finds out and uses that ([`Event::NarrowPath`](crate::Event::NarrowPath));
    /// all goes faster if all nodes are configured to what passes. 400 to 1,400. Fixed while running.
    pub max_datagram: u16,
    /// Bytes per second by class.
    pub budgets: Budgets,
    /// Joiners that this node invites and new members that it admits a second; over it, it names others to ask, and
    /// invites one in eight. A crowd comes in through those it let in first. 1 to 10,000.
    pub admissions_per_second: u16,
    /// Non-members' joins answered a second; a fetch counts as two, a ping or another packet of an unknown sender as
    /// three, and those leave half of it to joins. A flood above it is dropped and counted. Fetches alone take up to
    /// 19 bytes of `budgets.total` for each. Pings are always acked, with no more bytes than they had. 1 to 100,000.
    pub non_members_per_second: u32,
    /// How long to wait before asking a seed again; jittered; after four rounds it doubles, up to eightfold.
    /// 10 ms to 10 min.
    pub join_retry: Duration,

    /// How long the dead stay remembered, counted from the death. Must exceed the time that stale news can
    /// circulate, and the longest partition that should not revive the old epoch of a restarted node.
    /// 1 min to 14 days.
    pub tombstone_ttl: Duration,
    /// Tombstones kept at the most; the oldest go first. 1 to 2^20.
    pub max_tombstones: u32,

    /// Bytes of keys and values that are kept of one member, this node included, each entry with 7 more; what is more is
    /// refused. Members with less refuse what others keep, so it should be the same everywhere. More also need memory: a
    /// member has 64 bytes for sure, and beyond them an eighth of what is free. 64 to 4,096. Fixed while running.
    pub state_per_member: u16,

    /// How far a pulse goes. It must be the same everywhere: what comes from outside of it is dropped.
    pub pulse_scope: PulseScope,

    /// Which mechanisms are on.
    pub mechanisms: Mechanisms,
}

impl Config {
    /// This configuration with what `change` sets.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// For one machine or tests: sub-millisecond round trips; a crash is known in about 2 s.
    pub fn local(cluster: ClusterName) -> Self {
        Self {
            probe_interval: Duration::from_millis(250),
            ack_timeout_initial: Duration::from_millis(50),
            pause_tolerance: Duration::from_millis(1_000),
            local_pause: Duration::from_millis(250),
            gossip_interval: Duration::from_millis(50),
            anti_entropy_interval: Duration::from_secs(10),
            join_retry: Duration::from_millis(250),
            ..Self::lan(cluster)
        }
    }

    /// For data centres, one or several: the default.
    pub fn lan(cluster: ClusterName) -> Self {
        Self {
            cluster,
            probe_interval: Duration::from_secs(1),
            ack_timeout_initial: Duration::from_millis(100),
            ack_timeout_min: Duration::from_millis(30),
            ack_timeout_max: Duration::from_millis(500),
            direct_pings: 3,
            relays: 3,
            relay_pings: 2,
            pause_tolerance: Duration::from_millis(2_000),
            suspicion_factor: 6,
            confirmations: 2,
            accusations_per_accuser: 8,
            members_per_host: 0,
            quarantine: Duration::from_secs(7 * 60),
            local_pause: Duration::from_millis(500),
            mode: Mode::PushPull,
            fanout: 4,
            gossip_interval: Duration::from_millis(100),
            retransmit_factor: 2,
            anti_entropy_interval: Duration::from_secs(30),
            max_datagram: 1_200,
            // Of the total, what others can draw leaves rumors a tenth.
            budgets: Budgets {
                total: 31_000,
                rumor: 31_000,
                sync: 24_000,
                suspicion: 4_000,
                state: 8_000,
                pulses: 0,
            },
            admissions_per_second: 10,
            non_members_per_second: 1_000,
            join_retry: Duration::from_millis(500),
            tombstone_ttl: Duration::from_secs(24 * 3_600),
            max_tombstones: 1 << 16,
            state_per_member: 1_024,
            pulse_scope: PulseScope::Cluster,
            mechanisms: Mechanisms::ALL,
        }
    }

    /// For members spread over the Internet: round trips of hundreds of milliseconds, more loss.
    pub fn wan(cluster: ClusterName) -> Self {
        Self {
            probe_interval: Duration::from_secs(2),
            ack_timeout_initial: Duration::from_millis(500),
            ack_timeout_min: Duration::from_millis(100),
            ack_timeout_max: Duration::from_secs(2),
            pause_tolerance: Duration::from_secs(5),
            local_pause: Duration::from_secs(1),
            gossip_interval: Duration::from_millis(250),
            join_retry: Duration::from_secs(1),
            ..Self::lan(cluster)
        }
    }

    /// Checks every knob and the relations between them.
    ///
    /// # Errors
    /// The first knob that is out of range, with the range; or the two that contradict each other.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let ms = |n| Duration::from_millis(n);
        let s = Duration::from_secs;
        for (field, given, min, max) in [
            ("probe_interval", self.probe_interval, ms(10), s(60)),
            ("ack_timeout_initial", self.ack_timeout_initial, ms(1), s(10)),
            ("ack_timeout_min", self.ack_timeout_min, ms(1), s(10)),
            ("ack_timeout_max", self.ack_timeout_max, ms(1), s(30)),
            ("pause_tolerance", self.pause_tolerance, ms(100), s(300)),
            ("quarantine", self.quarantine, s(1), s(86_400)),
            ("local_pause", self.local_pause, ms(10), s(60)),
            ("gossip_interval", self.gossip_interval, ms(1), s(10)),
            ("anti_entropy_interval", self.anti_entropy_interval, s(1), s(3_600)),
            ("join_retry", self.join_retry, ms(10), s(600)),
            ("tombstone_ttl", self.tombstone_ttl, s(60), s(14 * 86_400)),
        ] {
            range(field, given.as_secs_f64(), min.as_secs_f64(), max.as_secs_f64())?;
        }
        for (field, given, min, max) in [
            ("direct_pings", u32::from(self.direct_pings), 1, 5),
            ("relays", u32::from(self.relays), 0, 8),
            ("relay_pings", u32::from(self.relay_pings), 1, 3),
            ("suspicion_factor", u32::from(self.suspicion_factor), 1, 20),
            ("confirmations", u32::from(self.confirmations), 1, 3),
            ("accusations_per_accuser", u32::from(self.accusations_per_accuser), 1, 15),
            ("fanout", u32::from(self.fanout), 1, 8),
            ("retransmit_factor", u32::from(self.retransmit_factor), 1, 6),
            ("max_datagram", u32::from(self.max_datagram), u32::from(MIN_DATAGRAM), 1_400),
            ("budgets.total", self.budgets.total, 1_400, u32::MAX),
            ("budgets.rumor", self.budgets.rumor, 1_400, u32::MAX),
            ("budgets.sync", self.budgets.sync, 1_400, u32::MAX),
            ("budgets.suspicion", self.budgets.suspicion, 1_400, u32::MAX),
            ("budgets.state", self.budgets.state, 1_400, u32::MAX),
            (PULSES, self.pulses_or(1_400), 1_400, u32::MAX),
            ("state_per_member", u32::from(self.state_per_member), 64, u32::from(MAX_STATE_PER_MEMBER)),
            ("admissions_per_second", u32::from(self.admissions_per_second), 1, 10_000),
            ("non_members_per_second", self.non_members_per_second, 1, 100_000),
            ("max_tombstones", self.max_tombstones, 1, 1 << 20),
        ] {
            range(field, f64::from(given), f64::from(min), f64::from(max))?;
        }
        for (smaller, low, larger, high) in [
            ("ack_timeout_min", self.ack_timeout_min, "ack_timeout_max", self.ack_timeout_max),
            ("ack_timeout_initial", self.ack_timeout_initial, "ack_timeout_max", self.ack_timeout_max),
            ("ack_timeout_min", self.ack_timeout_min, "ack_timeout_initial", self.ack_timeout_initial),
            ("ack_timeout_min", self.ack_timeout_min, "pause_tolerance", self.pause_tolerance),
        ] {
            if low > high {
                return Err(ConfigError::Order { smaller, larger });
            }
        }
        // Half of the time must suffice to hear from a member, however slowly a sick node probes.
        if self.probe_interval * 40 > self.tombstone_ttl {
            return Err(ConfigError::Order { smaller: "40 * probe_interval", larger: "tombstone_ttl" });
        }
        // Probes are charged to the total and never delayed: nothing else would ever be sent.
        if u64::from(self.budgets.total) * micros(self.probe_interval) < 2 * PROBE_BYTES * 1_000_000 {
            return Err(ConfigError::Order {
                smaller: "264 bytes a probe_interval",
                larger: "budgets.total",
            });
        }
        Ok(())
    }

    /// The budget for pulses; where they are off, this.
    fn pulses_or(&self, off: u32) -> u32 {
        if self.budgets.pulses == 0 { off } else { self.budgets.pulses }
    }

    /// Whether a node that runs with this configuration takes `next` over, for hosts that want to know before
    /// [`Node::reconfigure`](crate::Node::reconfigure) is called.
    ///
    /// # Errors
    /// `next` is invalid, or changes what is fixed at the start.
    pub fn check_change(&self, next: &Self) -> Result<(), ConfigError> {
        next.validate()?;
        if next.cluster != self.cluster {
            return Err(ConfigError::Fixed { field: "cluster" });
        }
        if next.max_datagram != self.max_datagram {
            return Err(ConfigError::Fixed { field: "max_datagram" });
        }
        if next.state_per_member != self.state_per_member {
            return Err(ConfigError::Fixed { field: "state_per_member" });
        }
        Ok(())
    }

    /// How often a rumor is sent in a cluster of `n`: `retransmit_factor * (1 + log10(n + 1))`, rounded up, but at
    /// least two rounds' worth. Without neighbours all sends are random, and the factor counts double.
    ///
    /// SWIM's λ·log n, with one decade on top. Random sends alone miss a member in `1 - exp(-n * e^-sends)` of all
    /// updates: below 0.6 % at every size with the presets' factor of 2, doubled. With neighbours no member is missed
    /// where nothing is lost.
    pub(crate) fn sends(&self, n: u32) -> u8 {
        let factor = u64::from(self.retransmit_factor) * if self.mechanisms.neighbours { 1 } else { 2 };
        let log2 = log2_sixteenths(u64::from(n.max(1)) + 1);
        // log10(2) = 0.30103.
        let sends = (factor * (1_600_000 + log2 * 30_103)).div_ceil(1_600_000);
        sends.max(u64::from(self.fanout) * 2).min(MAX_SENDS as u64) as u8
    }

    /// The shortest suspicion, in µs: the pause that we promise to tolerate, and the accusation's way out and the
    /// refutation's way back: three eager rounds of half a gossip interval each, one more per tenfold size. Where the
    /// round trip is longer than the interval, it is what a round takes.
    pub(crate) fn suspicion_floor(&self, n: u32, round_trip: Duration) -> u64 {
        let rounds = u64::from(n.max(1).ilog10()) + 3;
        micros(self.pause_tolerance) + rounds * micros(self.gossip_interval.max(round_trip))
    }
}

fn range(field: &'static str, given: f64, min: f64, max: f64) -> Result<(), ConfigError> {
    if (min..=max).contains(&given) { Ok(()) } else { Err(ConfigError::Range { field, min, max, given }) }
}

/// log2 in sixteenths, straight between powers of two: never above the true one, by 0.1 at the most.
fn log2_sixteenths(m: u64) -> u64 {
    u64::from(m.ilog2()) * 16 + ((m << 4 >> m.ilog2()) & 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster() -> ClusterName {
        ClusterName::named("test").unwrap()
    }

    #[test]
    fn plain_swim_has_none_of_our_rules_of_judgement() {
        // Without `..`: a switch that is added must be listed here to compile.
        let Mechanisms {
            indirect_probes,
            two_relay_rounds,
            round_trips,
            suspicion,
            local_health,
            confirmations,
            tell_suspect,
            local_pause,
            quarantines,
            earned_death,
            early_check,
            successor,
            neighbours,
            sieves,
            damping,
            announced_pauses,
            roll_call,
            answers,
            surprise,
            majority,
            repair,
        } = Mechanisms::SWIM;
        assert!(indirect_probes && suspicion, "these are SWIM's");
        assert!(repair, "this judges nobody");
        assert!(!neighbours && !sieves, "SWIM tells random members");
        let probing = [two_relay_rounds, round_trips, local_health, tell_suspect, early_check, successor];
        let withheld = [local_pause, quarantines, earned_death, damping, announced_pauses, confirmations];
        let own_trouble = [roll_call, answers, surprise, majority];
        assert!(!probing.iter().chain(&withheld).chain(&own_trouble).any(|&on| on));
    }

    #[test]
    fn every_preset_is_valid() {
        for preset in [Config::local, Config::lan, Config::wan] {
            assert_eq!(preset(cluster()).validate(), Ok(()));
        }
    }

    #[test]
    fn every_preset_leaves_rumors_a_part_of_the_total() {
        for preset in [Config::local, Config::lan, Config::wan] {
            let Budgets { total, sync, suspicion, .. } = preset(cluster()).budgets;
            assert!(sync + suspicion <= total - total / 11, "{total}");
        }
    }

    #[test]
    fn a_cluster_must_have_a_name_of_its_own() {
        assert!(ClusterName::named("").is_err());
        assert_ne!(ClusterName::named("a").unwrap().tag, ClusterName::named("b").unwrap().tag);
    }

    #[test]
    fn what_is_out_of_range_is_named_with_its_range() {
        let wrong = Config { fanout: 0, ..Config::lan(cluster()) };
        let Err(error) = wrong.validate() else { panic!("accepted") };
        assert_eq!(error, ConfigError::Range { field: "fanout", min: 1.0, max: 8.0, given: 0.0 });
    }

    #[test]
    fn pulses_are_off_or_have_a_budget_that_a_datagram_fits() {
        let with = |pulses| {
            let budgets = Config::lan(cluster()).budgets.with(|budgets| budgets.pulses = pulses);
            Config { budgets, ..Config::lan(cluster()) }.validate()
        };
        assert_eq!(Config::lan(cluster()).budgets.pulses, 0, "off by default");
        assert_eq!((with(0), with(1_400), with(u32::MAX)), (Ok(()), Ok(()), Ok(())));
        let refused = with(1_399).unwrap_err();
        let said = "budgets.pulses is 1399: set it to 1400 at least and 4294967295 at most, or to 0 for none";
        assert_eq!(std::string::ToString::to_string(&refused), said);
    }

    #[test]
    fn knobs_that_contradict_each_other_are_refused() {
        let wrong = Config { ack_timeout_min: Duration::from_secs(1), ..Config::lan(cluster()) };
        let expected = ConfigError::Order { smaller: "ack_timeout_min", larger: "ack_timeout_max" };
        assert_eq!(wrong.validate(), Err(expected));
    }

    #[test]
    fn a_running_node_keeps_its_cluster_and_datagram_size() {
        let config = Config::lan(cluster());
        let other = Config { cluster: ClusterName::named("other").unwrap(), ..config };
        assert_eq!(config.check_change(&other), Err(ConfigError::Fixed { field: "cluster" }));
        let smaller = Config { max_datagram: 600, ..config };
        assert_eq!(config.check_change(&smaller), Err(ConfigError::Fixed { field: "max_datagram" }));
        assert_eq!(config.check_change(&Config { fanout: 5, ..config }), Ok(()));
    }

    #[test]
    fn sends_follow_the_decimal_logarithm() {
        let mut config = Config::lan(cluster());
        assert_eq!([1, 100, 1_000, 10_000, 1 << 20].map(|n| config.sends(n)), [8, 8, 8, 10, 15]);
        config.mechanisms.neighbours = false;
        for n in (100..20_000).chain([99_999, 999_999, u32::MAX]) {
            let exact = (4.0 * (1.0 + (f64::from(n) + 1.0).log10())).ceil() as u8;
            let sends = config.sends(n);
            assert!(
                sends == exact.min(MAX_SENDS as u8) || sends + 1 == exact,
                "{n}: {sends}, and not {exact}"
            );
        }
        let missed = |n: u32| f64::from(n) * (-f64::from(config.sends(n))).exp();
        let bounded = |n: u32| usize::from(config.sends(n)) >= MAX_SENDS;
        assert!((100..100_000).all(|n| bounded(n) || missed(n) < 0.006));
    }
}
