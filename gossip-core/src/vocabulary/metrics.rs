//! What a node counts. Plain numbers, read by the host; nothing here decides anything.

use crate::vocabulary::traffic::Traffic;

/// A histogram of powers of two: bucket `i` counts values of `i` bits (bucket 0 counts zeros).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Histogram {
    buckets: [u32; Self::BUCKETS],
    /// Of all values. What was kept by an earlier release has none, and begins with zero.
    #[cfg_attr(feature = "serde", serde(default))]
    sum: u64,
}

impl Histogram {
    /// Buckets, the last of which counts everything from 2^30 up.
    pub const BUCKETS: usize = 32;

    pub(crate) fn record(&mut self, value: u32) {
        let bucket = (32 - value.leading_zeros()).min(Self::BUCKETS as u32 - 1) as usize;
        self.buckets[bucket] = self.buckets[bucket].saturating_add(1);
        self.sum = self.sum.saturating_add(u64::from(value));
    }

    /// The counts; bucket `i` holds values in `2^(i-1) .. 2^i`.
    pub fn buckets(&self) -> &[u32; Self::BUCKETS] {
        &self.buckets
    }

    /// How many values were recorded.
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|&n| u64::from(n)).sum()
    }

    /// All values added up.
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// An upper bound of the value that a share `q` (0 to 1) of all values do not exceed; 0 when empty.
    pub fn quantile(&self, q: f64) -> u32 {
        let wanted = (q.clamp(0.0, 1.0) * self.count() as f64) as u64;
        let mut seen = 0;
        for (bucket, &n) in self.buckets.iter().enumerate() {
            seen += u64::from(n);
            if n > 0 && seen >= wanted {
                return ((1u64 << bucket) - 1).min(u64::from(u32::MAX)) as u32;
            }
        }
        0
    }
}

macro_rules! counters {
    ($($(#[doc = $doc:literal])* $name:ident,)*) => {
        /// Counters since the node was made; they only grow, and never wrap in practice (64 bits). What was kept by an
        /// earlier release deserializes, with zero for counters that it did not have.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default))]
        #[non_exhaustive]
        pub struct Metrics {
            $($(#[doc = $doc])* pub $name: u64,)*
            /// Ages of records when this node first heard of them, in ms: the convergence lag. Each hop's
            /// way counts as half of the smoothed round trip to the sender's zone, to the nearest ms: on links
            /// of less than a millisecond lags come out short by up to half of one a hop, on one-way jitter
            /// long or short by as much as it differs from its mean. Our own pauses count.
            pub lag_ms: Histogram,
            /// Round trips of direct pings, in µs.
            pub rtt_us: Histogram,
            /// By how much ticks came later than they were due, in µs. One that came early is not counted.
            pub late_us: Histogram,
        }

        impl Metrics {
            /// What each counter counts, by name, in the order of [`counters`](Self::counters).
            pub const DESCRIPTIONS: &[(&str, &str)] = &[$((stringify!($name), concat!($($doc),*))),*];

            /// Every counter by name, in a fixed order, for exporters.
            pub fn counters(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
                [$((stringify!($name), self.$name)),*].into_iter()
            }
        }
    };
}

counters! {
    /// Datagrams handed to the node.
    datagrams_received,
    /// Bytes of those.
    bytes_received,
    /// Datagrams of class probe received, by what they say: a correction, which is of class suspicion for its sender, looks like
    /// gossip, and an attempt to reconnect like a probe. Malformed and foreign ones are of no class.
    received_probe,
    /// Datagrams of class rumor received.
    received_rumor,
    /// Datagrams of class sync received.
    received_sync,
    /// Datagrams of class state received.
    received_state,
    /// Datagrams of class pulse received.
    received_pulse,
    /// Bytes of the datagrams of class probe received.
    bytes_received_probe,
    /// Bytes of the datagrams of class rumor received.
    bytes_received_rumor,
    /// Bytes of the datagrams of class sync received.
    bytes_received_sync,
    /// Bytes of the datagrams of class state received.
    bytes_received_state,
    /// Bytes of the datagrams of class pulse received.
    bytes_received_pulse,
    /// Datagrams refused as malformed.
    malformed,
    /// Datagrams of other clusters or versions, and of our own id.
    foreign,
    /// Datagrams sealed with a key that this node does not have.
    unknown_keys,
    /// Datagrams sealed with a key of this node that do not open: changed on their way, made without the key, or for another node.
    forged,
    /// Sealed datagrams that were heard before.
    replayed,
    /// Datagrams in the clear, where this node hears sealed ones alone.
    not_sealed,
    /// Sealed datagrams that opened.
    received_sealed,
    /// Datagrams in the clear that were heard: while there are any, not all nodes seal.
    received_clear,
    /// Sealed datagrams of members that have yet to prove that they speak now: heard as from non-members.
    unproven,
    /// Signatures of claims and accusations that were verified, and are their owners'.
    signatures_verified,
    /// Claims and accusations that were refused: signed by another than their owner, changed, or with a key that may not speak for
    /// the id.
    signatures_refused,
    /// Claims that were refused because their owner has not signed them, or its key is not known here.
    claims_not_signed,
    /// Claims and accusations that were not verified because too many came at once. Repair brings them again.
    dropped_unverified,
    /// Datagrams of nodes that the host denies, and records of them.
    denied,
    /// Nodes that did not become members because the host does not admit them, or too many are on their host.
    not_admitted,
    /// Datagrams of senders that are not members.
    non_members,
    /// Datagrams of members whose view's fingerprint equalled ours.
    fingerprints_equal,
    /// Datagrams of members whose view's fingerprint differed from ours.
    fingerprints_differed,
    /// Requests and non-members' datagrams dropped at an input limit.
    limited,
    /// Packets made, by class: probes, acks and their relays.
    packets_probe,
    /// Packets made: corrections, accusations told to the accused, reconnect attempts.
    packets_suspicion,
    /// Packets made: gossip rounds.
    packets_rumor,
    /// Packets made: joins, fetches, introductions, pulls, repair.
    packets_sync,
    /// Packets made: kept state alone, and what asks for it.
    packets_state,
    /// Packets made: pulses.
    packets_pulse,
    /// Bytes of the packets of class probe.
    bytes_probe,
    /// Bytes of the packets of class suspicion.
    bytes_suspicion,
    /// Bytes of the packets of class rumor.
    bytes_rumor,
    /// Bytes of the packets of class sync.
    bytes_sync,
    /// Bytes of the packets of class state.
    bytes_state,
    /// Bytes of the packets of class pulse.
    bytes_pulse,
    /// Bytes of items, heads, cluster-wide values and their sums, in packets of any class.
    bytes_of_state,
    /// Answers to sieves that this node did not send, or sent too long ago.
    dropped_sifted,
    /// Sieves sent: what this node has, to be told what it lacks.
    sieves,
    /// Packets not made because the outbox was full.
    dropped_outbox_full,
    /// Packets not sent because they could not be sealed: the epoch's counter is at its end.
    dropped_unsealed,
    /// Packets not made because their class had spent its budget.
    dropped_over_budget,
    /// Records not taken in because the member table was full.
    dropped_table_full,
    /// Suspicions not timed because the pool was full; they wait for another's verdict.
    dropped_suspicions_full,
    /// Pings asked of this node as a relay that it had no room for.
    dropped_relays_full,
    /// Members found unreachable that are not rechecked at once, because too many wait for it.
    dropped_rechecks,
    /// Accusations not taken in because their accuser has too many open, or is no member.
    dropped_accusations,
    /// Records received, changed or not.
    records_received,
    /// Records received that changed something here.
    records_changed,
    /// Records sent.
    records_sent,
    /// Rumors that had all their sends.
    rumors_retired,
    /// Probes begun.
    probes,
    /// Probes answered, directly or through a relay.
    probes_answered,
    /// Probes that failed.
    probes_failed,
    /// Pings sent on behalf of others.
    relayed_pings,
    /// Accusations made by this node.
    accusations_made,
    /// Suspicions of this node that it refuted.
    refutations,
    /// Suspicions begun here, of whomever.
    suspicions,
    /// Suspicions that ended with the member alive.
    suspicions_cleared,
    /// Deaths declared by this node.
    deaths_declared,
    /// Members that counted as dead, whoever had declared it, and were alive all the time: they are back in the same epoch.
    deaths_refuted,
    /// Accusations and deaths that were withheld: this node may be cut off, a zone is silent, or no other node
    /// confirms.
    deaths_withheld,
    /// Zones quarantined.
    quarantines,
    /// Probes that failed in a zone that is silent, while no more zones could be quarantined.
    dropped_quarantines_full,
    /// News of deaths that contradicted what this node had just seen, and was taken as suspicion; or that came late,
    /// and was questioned.
    deaths_questioned,
    /// Two sets of fields seen under one incarnation.
    conflicts,
    /// Dominated records answered with the dominating ones.
    corrections_sent,
    /// Dominated records that one datagram offered beyond those that are answered at a time.
    dropped_corrections,
    /// Own pauses noticed.
    local_pauses,
    /// Seeds given that were not kept: too many at once, or an address at which no node can be.
    dropped_seeds,
    /// Joins answered with a welcome.
    welcomes,
    /// Joins answered with `Busy`.
    busy,
    /// Fetches answered.
    fetches_served,
    /// Reconnect attempts: pings of dead members.
    reconnects,
    /// Members asked for their recent changes.
    pulls,
    /// Reconciliations begun, to find what differs from another view.
    reconciliations,
    /// Records that came by repair and changed something here.
    records_repaired,
    /// Unknown members that came by repair and were not probed before their turn: too many at once.
    dropped_newcomers,
    /// Tombstones forgotten, by age or for want of room.
    tombstones_forgotten,
    /// Writes of this node's own state: of keys, of its health, of an announced pause.
    state_written,
    /// Items received, whether they were news or not.
    items_received,
    /// Items received that were news.
    items_changed,
    /// Items sent.
    items_sent,
    /// Heads received: short notes that there is news of a member's state.
    heads_received,
    /// Heads sent.
    heads_sent,
    /// Wants sent: requests for what was missing of one member's state and did not come by itself.
    wants_sent,
    /// Wants of others that were answered.
    wants_answered,
    /// Requests for the state of all members in a range, as after joining.
    state_fetches,
    /// Items dropped: of members that are unknown or gone, or of another epoch.
    dropped_items,
    /// Entries of state dropped for want of room: in their owner's share of the memory, or in its quota.
    dropped_entries,
    /// Dead members whose state was forgotten.
    state_forgotten,
    /// Events that this node sent.
    events_sent,
    /// Events of others that were delivered to the host.
    events_delivered,
    /// Events received, whether they were news or not.
    events_received,
    /// Events told to others, this node's own and those of others.
    events_told,
    /// Heads of events told to others: short notes that there is one.
    event_heads_sent,
    /// Origins whose events were asked for, because of a head or after a pause.
    event_wants_sent,
    /// Events sent to those that asked for them.
    event_wants_answered,
    /// Bytes of events and their heads, in packets of any class.
    bytes_of_events,
    /// Events that made room for newer ones before they were told as often as they should be.
    events_displaced,
    /// Events dropped: older than 30 s.
    dropped_events_expired,
    /// Events dropped: older than this node's life. An earlier life of it may have delivered them.
    dropped_events_before_life,
    /// Events dropped: too far behind the newest of their origin.
    dropped_events_behind,
    /// Events dropped: of an epoch before the newest of their origin.
    dropped_events_past_epoch,
    /// Events dropped: there was no place for another origin.
    dropped_events_crowded,
    /// Events dropped: over the rate at which a node takes them. They may have come again.
    dropped_events_over_rate,
    /// Events dropped: of no member that this node knows, of an epoch above the one that it knows, or for want of any memory for
    /// events. They may have come again.
    dropped_events_unknown,
    /// Cluster-wide values that this node wrote or deleted.
    values_written,
    /// Cluster-wide values received, whether they were news or not.
    values_received,
    /// Cluster-wide values received that were news.
    values_changed,
    /// Cluster-wide values sent.
    values_sent,
    /// Conflicts: two cluster-wide values of one key that were written without knowledge of each other.
    value_conflicts,
    /// Lists of this node's cluster-wide values, sent to nodes that hold others.
    value_lists,
    /// Cluster-wide values dropped for want of room, or because they are longer than this node's datagrams allow.
    dropped_values,
    /// Cluster-wide values dropped because their keys are reserved for an authority, and they are not an authority's.
    forged_values,
    /// Deleted cluster-wide values that were forgotten.
    values_forgotten,
    /// Questions that this node's host asked other members.
    asked,
    /// Of those, the ones that were answered.
    asked_answered,
    /// Of those, the ones that ended without an answer, forgotten ones included.
    asked_failed,
    /// Questions of others that the host was told of; those that came again included.
    questions,
    /// Answers sent to others.
    answers,
    /// Questions dropped: over the limit on them, not from the address of a live member, or for want of room.
    dropped_questions,
    /// Answers dropped: not sent, because the budget for them was spent or the asker is gone; or received, and to no question
    /// that is open.
    dropped_answers,
    /// Pulses that this node's host wrote.
    pulses_written,
    /// Of those, the ones that were sent; the others were replaced before their turn.
    pulses_sent,
    /// Pulses told to other members, this node's own and those of others.
    pulses_told,
    /// Pulses received, whether they were news or not.
    pulses_received,
    /// Pulses received that were news.
    pulses_changed,
    /// Pulses that had to be told still, and made room for a newer one of the same member.
    pulses_displaced,
    /// Pulses taken in, and not told on: they came too soon after another of the same member.
    pulses_withheld,
    /// Pulses dropped: older than 10 min.
    dropped_pulses_expired,
    /// Pulses dropped: of no live member in the epoch that this node knows of it.
    dropped_pulses_unknown,
    /// Pulses dropped: of a member outside of this node's scope.
    dropped_pulses_outside,
    /// Pulses dropped: they are off here, or this node's memory keeps none.
    dropped_pulses_off,
}

impl Metrics {
    pub(crate) fn count_sent(&mut self, class: Traffic, bytes: usize) {
        let (packets, total) = match class {
            Traffic::Probe => (&mut self.packets_probe, &mut self.bytes_probe),
            Traffic::Suspicion => (&mut self.packets_suspicion, &mut self.bytes_suspicion),
            Traffic::Rumor => (&mut self.packets_rumor, &mut self.bytes_rumor),
            Traffic::State => (&mut self.packets_state, &mut self.bytes_state),
            Traffic::Sync => (&mut self.packets_sync, &mut self.bytes_sync),
            Traffic::Pulse => (&mut self.packets_pulse, &mut self.bytes_pulse),
        };
        *packets += 1;
        *total += bytes as u64;
    }

    pub(crate) fn count_received(&mut self, class: Traffic, bytes: usize) {
        let (packets, total) = match class {
            Traffic::Probe => (&mut self.received_probe, &mut self.bytes_received_probe),
            // No datagram says that it is one.
            Traffic::Suspicion | Traffic::Rumor => (&mut self.received_rumor, &mut self.bytes_received_rumor),
            Traffic::State => (&mut self.received_state, &mut self.bytes_received_state),
            Traffic::Sync => (&mut self.received_sync, &mut self.bytes_received_sync),
            Traffic::Pulse => (&mut self.received_pulse, &mut self.bytes_received_pulse),
        };
        *packets += 1;
        *total += bytes as u64;
    }
}

/// How many bytes each of a node's [budgets](crate::Budgets) has paid for since the node was made. What rumors and state take of
/// a packet counts in their own budgets; every packet counts in the total.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct BudgetsUsed {
    /// Of all packets.
    pub total: u64,
    /// Of rumors, on packets of any class.
    pub rumor: u64,
    /// Of joins, fetches and repair, and of the work that they make.
    pub sync: u64,
    /// Of corrections, and of attempts to reconnect.
    pub suspicion: u64,
    /// Of kept state, on packets of any class, and of what asks for it.
    pub state: u64,
    /// Of pulses.
    pub pulses: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_an_upper_bound_within_a_factor_of_two() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), 0);
        for value in 0..1_000 {
            histogram.record(value);
        }
        assert_eq!(
            (histogram.count(), histogram.quantile(0.5), histogram.quantile(1.0)),
            (1_000, 511, 1_023)
        );
        histogram.record(u32::MAX);
        assert_eq!((histogram.count(), histogram.sum()), (1_001, 499_500 + u64::from(u32::MAX)));
    }

    #[test]
    fn counters_are_listed_by_name() {
        let metrics = Metrics { probes: 3, ..Metrics::default() };
        assert!(metrics.counters().any(|(name, n)| name == "probes" && n == 3));
        let described = Metrics::DESCRIPTIONS.iter().map(|&(name, _)| name);
        assert!(metrics.counters().map(|(name, _)| name).eq(described));
        assert!(Metrics::DESCRIPTIONS.contains(&("probes", " Probes begun.")));
    }
}
