//! How what was found is told: names, labels and units.

use super::snapshot::Snapshot;
use gossip_core::{Histogram, Traffic};
use prometheus_client::{
    encoding::{DescriptorEncoder, EncodeLabelSet, NoLabelSet},
    metrics::MetricType,
    registry::Unit,
};
use std::{collections::BTreeMap, fmt, ops::RangeInclusive};

/// Buckets of histograms by their exponents: lags from 1 ms to 131 s, and round trips and lateness from 64 µs to 8.4 s. What is
/// longer is in the last one, without a bound.
const LAGS: RangeInclusive<usize> = 0..=17;
const MICROS: RangeInclusive<usize> = 6..=23;

/// Counters whose names say less than they could.
const RENAMED: [(&str, &str); 4] = [
    ("suspicions_cleared", "false_suspicions"),
    ("deaths_refuted", "false_deaths"),
    ("bytes_of_state", "state_bytes"),
    ("bytes_of_events", "event_bytes"),
];
/// Counters of what was lost whose names do not begin so, and causes of loss that are theirs alone.
const LOST: [&str; 15] = [
    "malformed",
    "foreign",
    "unknown_keys",
    "forged",
    "replayed",
    "not_sealed",
    "limited",
    "events_displaced",
    "pulses_displaced",
    "forged_values",
    "events_lagged",
    "user_events_lagged",
    "questions_dropped",
    "forgets_refused",
    "seeds_replaced",
];

/// Writes metric by metric.
pub(super) struct Families<'e>(pub(super) DescriptorEncoder<'e>);

impl Families<'_> {
    pub(super) fn put(mut self, seen: &Snapshot) -> fmt::Result {
        self.about_node(seen)?;
        self.members(seen)?;
        #[cfg(feature = "seal")]
        self.keys(&seen.keys)?;
        #[cfg(feature = "identity")]
        self.signing(seen.signing)?;
        self.histograms(seen)?;
        self.traffic(seen)?;
        self.budgets(seen)?;
        self.lost(seen)?;
        let met = [
            ([("view", "equal")], seen.core.fingerprints_equal),
            ([("view", "different")], seen.core.fingerprints_differed),
        ];
        let help = "Datagrams of members whose view equalled this node's, or differed from it";
        self.counters("gossip_views_met", help, None, &met)?;
        self.plain(seen)
    }

    fn about_node(&mut self, seen: &Snapshot) -> fmt::Result {
        let (id, name) = (seen.id.to_string(), seen.name.clone().unwrap_or_default());
        self.0.encode_descriptor("gossip_node", "This node", None, MetricType::Info)?.encode_info(&[
            ("id", id.as_str()),
            ("name", name.as_str()),
            ("version", env!("CARGO_PKG_VERSION")),
        ])?;
        let gauges = [
            ("gossip_joined", "Whether this node's view is as complete as it gets", u64::from(seen.joined)),
            (
                "gossip_routable_members",
                "Other members that are live, reachable from here and not unhealthy",
                seen.routable as u64,
            ),
            (
                "gossip_view_fingerprint",
                "A number that stands for all that this node knows of members: equal on nodes that know the same",
                seen.view,
            ),
            (
                "gossip_routable_view_fingerprint",
                "A number that stands for the set of routable members, this node included: equal on nodes that agree",
                seen.routable_view,
            ),
            (
                "gossip_local_health_score",
                "How slow this node thinks it is itself, from 0, which is well, to 8",
                seen.local_health.into(),
            ),
            (
                "gossip_quarantined_zones",
                "Zones that are silent as a whole: their members are not accused",
                seen.quarantined as u64,
            ),
            (
                "gossip_self_quarantined",
                "Whether this node suspects itself of being cut off, and accuses nobody",
                u64::from(seen.self_quarantined),
            ),
        ];
        for (name, help, value) in gauges {
            self.0.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)?;
        }
        let help =
            "For how long the view of another member has differed from this node's whenever it was heard";
        let unit = Some(&Unit::Seconds);
        let mut gauge = self.0.encode_descriptor("gossip_view_difference", help, unit, MetricType::Gauge)?;
        gauge.encode_gauge(&seen.difference.as_secs_f64())
    }

    fn members(&mut self, seen: &Snapshot) -> fmt::Result {
        let help =
            "Members by what the cluster believes, what this node observed, and zone; this node included";
        let mut family = self.0.encode_descriptor("gossip_members", help, None, MetricType::Gauge)?;
        for (zone, counts) in &seen.census {
            let zone =
                zone.map_or_else(|| "other".to_owned(), |zone| format!("{}/{}", zone.region, zone.zone));
            for ((status, reachability), count) in counts {
                let (status, reachability) = (status.to_string(), reachability.to_string());
                let labels = [
                    ("status", status.as_str()),
                    ("reachability", reachability.as_str()),
                    ("zone", zone.as_str()),
                ];
                family.encode_family(&labels)?.encode_gauge(count)?;
            }
        }
        Ok(())
    }

    #[cfg(feature = "seal")]
    fn keys(&mut self, seen: &crate::KeysView) -> fmt::Result {
        use gossip_core::Sealing;
        let help = "How far this node is on its way from clear to sealed: 1 for the mode that it is in";
        let mut family = self.0.encode_descriptor("gossip_sealing", help, None, MetricType::Gauge)?;
        let modes = [
            ("off", Sealing::Off),
            ("accept", Sealing::Accept),
            ("prefer", Sealing::Prefer),
            ("require", Sealing::Require),
        ];
        for (mode, sealing) in modes {
            let is_in = u64::from(sealing == seen.sealing);
            family.encode_family(&[("mode", mode)])?.encode_gauge(&is_in)?;
        }
        let help = "Live members that seal with each of this node's keys, by its id";
        let mut family = self.0.encode_descriptor("gossip_key_members", help, None, MetricType::Gauge)?;
        for (id, members) in &seen.keys {
            family.encode_family(&[("key", id.to_string().as_str())])?.encode_gauge(members)?;
        }
        Ok(())
    }

    #[cfg(feature = "identity")]
    fn signing(&mut self, seen: crate::SigningView) -> fmt::Result {
        use gossip_core::Signing;
        let help = "Whether this node signs, and what it hears of others: 1 for the mode that it is in";
        let mut family = self.0.encode_descriptor("gossip_signing", help, None, MetricType::Gauge)?;
        let modes = [("off", None), ("accept", Some(Signing::Accept)), ("require", Some(Signing::Require))];
        for (mode, signing) in modes {
            let is_in = u64::from(signing == seen.signing);
            family.encode_family(&[("mode", mode)])?.encode_gauge(&is_in)?;
        }
        let help = "Live members that have not signed what this node knows of them";
        let mut gauge =
            self.0.encode_descriptor("gossip_members_not_signed", help, None, MetricType::Gauge)?;
        gauge.encode_gauge(&u64::from(seen.not_signed))
    }

    fn histograms(&mut self, seen: &Snapshot) -> fmt::Result {
        let help = "How old changes of members were when this node first heard of them";
        self.histogram("gossip_convergence_lag", help, &seen.core.lag_ms, LAGS, 1e3)?;
        let help = "Round trips of direct pings";
        self.histogram("gossip_round_trip", help, &seen.core.rtt_us, MICROS, 1e6)?;
        let help = "By how much this node's ticks came later than they were due";
        self.histogram("gossip_tick_lateness", help, &seen.core.late_us, MICROS, 1e6)
    }

    /// A histogram in `per_second` parts of a second. Its buckets are the powers of two in `shown`.
    fn histogram(
        &mut self,
        name: &str,
        help: &str,
        found: &Histogram,
        shown: RangeInclusive<usize>,
        per_second: f64,
    ) -> fmt::Result {
        let mut buckets: Vec<(f64, u64)> =
            shown.clone().map(|exponent| ((1u64 << exponent) as f64 / per_second, 0)).collect();
        buckets.push((f64::INFINITY, 0));
        for (exponent, &count) in found.buckets().iter().enumerate() {
            let at = exponent.saturating_sub(*shown.start()).min(buckets.len() - 1);
            buckets[at].1 += u64::from(count);
        }
        let (sum, count) = (found.sum() as f64 / per_second, found.count());
        let mut family = self.0.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
        family.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn traffic(&mut self, seen: &Snapshot) -> fmt::Result {
        let m = &seen.core;
        let received = [
            (Traffic::Probe, m.received_probe, m.bytes_received_probe),
            (Traffic::Rumor, m.received_rumor, m.bytes_received_rumor),
            (Traffic::State, m.received_state, m.bytes_received_state),
            (Traffic::Sync, m.received_sync, m.bytes_received_sync),
            (Traffic::Pulse, m.received_pulse, m.bytes_received_pulse),
        ];
        let sent = [
            (Traffic::Probe, m.packets_probe, m.bytes_probe),
            (Traffic::Suspicion, m.packets_suspicion, m.bytes_suspicion),
            (Traffic::Rumor, m.packets_rumor, m.bytes_rumor),
            (Traffic::State, m.packets_state, m.bytes_state),
            (Traffic::Sync, m.packets_sync, m.bytes_sync),
            (Traffic::Pulse, m.packets_pulse, m.bytes_pulse),
        ];
        let unread = received.iter().fold((m.datagrams_received, m.bytes_received), |(n, bytes), class| {
            (n.saturating_sub(class.1), bytes.saturating_sub(class.2))
        });
        let mut all = vec![("unreadable".to_owned(), "received", unread.0, unread.1)];
        all.extend(received.map(|(class, n, bytes)| (class.to_string(), "received", n, bytes)));
        all.extend(sent.map(|(class, n, bytes)| (class.to_string(), "sent", n, bytes)));
        let of = |count: fn(&(String, &str, u64, u64)) -> u64| -> Vec<_> {
            all.iter().map(|row| ([("class", row.0.as_str()), ("direction", row.1)], count(row))).collect()
        };
        let packets = of(|row| row.2);
        self.counters("gossip_packets", "Datagrams by class and direction", None, &packets)?;
        let bytes = of(|row| row.3);
        let help = "Bytes of datagrams by class and direction";
        self.counters("gossip_packet", help, Some(&Unit::Bytes), &bytes)
    }

    fn budgets(&mut self, seen: &Snapshot) -> fmt::Result {
        let (used, limits) = (&seen.used, &seen.limits);
        let budgets = [
            ("total", used.total, limits.total),
            ("rumor", used.rumor, limits.rumor),
            ("sync", used.sync, limits.sync),
            ("suspicion", used.suspicion, limits.suspicion),
            ("state", used.state, limits.state),
            ("pulses", used.pulses, limits.pulses),
        ];
        let used = budgets.map(|(budget, used, _)| ([("budget", budget)], used));
        let help = "Bytes that each budget has paid for";
        self.counters("gossip_budget_used", help, Some(&Unit::Bytes), &used)?;
        let help = "Bytes a second that each budget allows";
        let name = "gossip_budget_limit_bytes_per_second";
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (budget, _, limit) in budgets {
            family.encode_family(&[("budget", budget)])?.encode_gauge(&limit)?;
        }
        Ok(())
    }

    fn lost(&mut self, seen: &Snapshot) -> fmt::Result {
        let core = seen.core.counters().filter_map(|(name, n)| Some((cause(name)?.to_owned(), n)));
        let host = seen.host.counters().filter_map(|(name, n)| {
            let full = name.strip_prefix("dropped_").map(|class| format!("socket_full_{class}"));
            Some((full.or_else(|| cause(name).map(str::to_owned))?, n))
        });
        let lost: Vec<(String, u64)> = core.chain(host).collect();
        let lost: Vec<_> = lost.iter().map(|(cause, n)| ([("cause", cause.as_str())], *n)).collect();
        self.counters("gossip_dropped", "Whatever was not taken in, sent or kept, by its cause", None, &lost)
    }

    /// Each further counter as a metric of its own, as the library describes it.
    fn plain(&mut self, seen: &Snapshot) -> fmt::Result {
        let core = seen.core.counters().zip(gossip_core::Metrics::DESCRIPTIONS);
        let host = seen.host.counters().filter(|(name, _)| !name.starts_with("dropped_"));
        let described: BTreeMap<_, _> = crate::HostMetrics::DESCRIPTIONS.iter().copied().collect();
        let host: Vec<_> = host.map(|(name, n)| (name, n, described.get(name).copied())).collect();
        let core = core.map(|((name, n), (_, text))| (name, n, Some(*text)));
        for (name, n, text) in core.chain(host) {
            if cause(name).is_some() || is_labelled(name) {
                continue;
            }
            let name = RENAMED.iter().find(|(old, _)| *old == name).map_or(name, |(_, new)| new);
            let help = plain_text(text.unwrap_or_default());
            self.counters::<NoLabels>(&format!("gossip_{name}"), &help, None, &[([], n)])?;
        }
        Ok(())
    }

    fn counters<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        values: &[(L, u64)],
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, unit, MetricType::Counter)?;
        values.iter().try_for_each(|(labels, value)| {
            family.encode_family(labels)?.encode_counter::<NoLabelSet, _, u64>(value, None)
        })
    }
}

type NoLabels = [(&'static str, &'static str); 0];

/// The cause of loss that a counter stands for.
fn cause(name: &str) -> Option<&str> {
    name.strip_prefix("dropped_").or_else(|| LOST.contains(&name).then_some(name))
}

/// Whether a counter is told with a label, in [`Families::traffic`] or as a view met.
fn is_labelled(name: &str) -> bool {
    let of_class = |prefix: &str| {
        name.strip_prefix(prefix)
            .is_some_and(|class| ["probe", "suspicion", "rumor", "state", "sync", "pulse"].contains(&class))
    };
    ["packets_", "bytes_", "received_", "bytes_received_"].into_iter().any(of_class)
        || ["datagrams_received", "bytes_received", "fingerprints_equal", "fingerprints_differed"]
            .contains(&name)
}

/// Documentation as plain text: no line breaks, links or marks of code, and no full stop at its end.
fn plain_text(documentation: &str) -> String {
    let text = documentation.trim().trim_end_matches('.').replace(['[', ']', '`'], "");
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("(crate::") {
        plain += before;
        rest = after.split_once(')').map_or("", |(_, after)| after);
    }
    plain + rest
}
