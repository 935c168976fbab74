//! What was measured, as a table and as JSON.

use crate::{
    measure::{Change, Measured, Plan, Round},
    peers::Kind,
};
use serde::Serialize;
use std::fmt::Write as _;

/// The middle of some values, and their range.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub(crate) struct Median {
    median: f64,
    min: f64,
    max: f64,
}

impl Median {
    /// Of no values it is 0.
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let at = |place: usize| values.get(place).copied().unwrap_or_default();
        let last = values.len().saturating_sub(1);
        Self { median: (at(last / 2) + at(last.div_ceil(2))) / 2.0, min: at(0), max: at(last) }
    }

    /// The median, and the range in brackets.
    fn show(self, digits: usize) -> String {
        let Self { median, min, max } = self;
        format!("{median:.digits$} ({min:.digits$} to {max:.digits$})")
    }
}

/// A program at a size.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    peer: String,
    nodes: usize,
    rounds: usize,
    changes: usize,
    /// Of a node and second, without changes.
    idle_bytes: Median,
    idle_packets: Median,
    /// Of a node and change, beyond what the same time costs without.
    change_bytes: Median,
    change_packets: Median,
    known_to_all_s: Median,
}

/// Of a measurement, one of the counters.
type Counter = fn(&Measured) -> u64;

impl Row {
    /// Sums up what a program's rounds measured.
    pub(crate) fn new(peer: Kind, plan: &Plan, rounds: &[Round]) -> Self {
        let bytes: Counter = |measured| measured.traffic.bytes;
        let packets: Counter = |measured| measured.traffic.packets;
        let rate = |measured: &Measured, counter: Counter| {
            counter(measured) as f64 / measured.time.as_secs_f64() / plan.nodes as f64
        };
        let changes = || rounds.iter().flat_map(|round| &round.changes);
        let idle = |counter| Median::of(rounds.iter().map(|round| rate(&round.idle, counter)));
        let added = |change: &Change, counter| {
            (rate(&change.busy, counter) - rate(&change.quiet, counter)) * change.busy.time.as_secs_f64()
        };
        let state = |change: &Change| match change.state_bytes {
            Some(bytes) => bytes as f64 / plan.nodes as f64,
            None => added(change, bytes),
        };
        Self {
            peer: peer.to_string(),
            nodes: plan.nodes,
            rounds: rounds.len(),
            changes: changes().count(),
            idle_bytes: idle(bytes),
            idle_packets: idle(packets),
            change_bytes: Median::of(changes().map(state)),
            change_packets: Median::of(changes().map(|change| added(change, packets))),
            known_to_all_s: Median::of(changes().map(|change| change.known_to_all.as_secs_f64())),
        }
    }
}

/// A table in Markdown: medians, with ranges in brackets.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text = "| nodes | program | idle: bytes of a node and second | packets | a change: bytes of a node | packets | \
         known to all, in s |\n|---|---|---|---|---|---|---|\n"
        .to_owned();
    for row in rows {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {:.1} | {} | {:.1} | {} |",
            row.nodes,
            row.peer,
            row.idle_bytes.show(0),
            row.idle_packets.median,
            row.change_bytes.show(0),
            row.change_packets.median,
            row.known_to_all_s.show(2)
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traffic::Traffic;
    use std::time::Duration;

    #[test]
    fn a_change_costs_what_the_same_time_without_it_does_not() {
        let measured = |bytes, seconds| Measured {
            traffic: Traffic { bytes, packets: bytes / 100 },
            time: Duration::from_secs(seconds),
        };
        let change = |bytes, seconds| Change {
            quiet: measured(10_000, 5),
            busy: measured(bytes, seconds),
            state_bytes: None,
            known_to_all: Duration::from_secs(seconds),
        };
        let window = Duration::from_secs(5);
        let plan = Plan { nodes: 10, settle: window, idle: window, changes: 1, window };
        let round = |idle, change| Round { idle: measured(idle, 5), changes: vec![change] };
        let row = Row::new(
            Kind::Chitchat,
            &plan,
            &[round(9_000, change(15_000, 5)), round(11_000, change(27_000, 10))],
        );
        assert_eq!(row.idle_bytes, Median { median: 200.0, min: 180.0, max: 220.0 });
        assert_eq!(row.change_bytes, Median { median: 600.0, min: 500.0, max: 700.0 });
        let table = table(&[row]);
        let end = "| 200 (180 to 220) | 2.0 | 600 (500 to 700) | 6.0 | 7.50 (5.00 to 10.00) |\n";
        assert!(table.ends_with(end), "{table}");
    }

    #[test]
    fn the_median_of_few_values_is_theirs() {
        let median = |values: &[f64]| Median::of(values.iter().copied());
        assert_eq!(median(&[3.0, 1.0, 2.0]), Median { median: 2.0, min: 1.0, max: 3.0 });
        assert_eq!(median(&[4.0, 1.0]).median, 2.5);
        assert_eq!(median(&[]), Median { median: 0.0, min: 0.0, max: 0.0 });
    }
}
