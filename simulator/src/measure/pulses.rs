//! How fresh is what nodes know of each other by pulses.

use super::thousandths;
use crate::engine::{Host, HostId, Micros};
use gossip_core::PulseScope;
use serde::Serialize;
use std::collections::BTreeMap;

/// For how many intervals a node must have pulsed before it is looked for: by then 99.97 % have heard of it.
const SETTLED: u32 = 5;
/// The most nodes whose knowledge is looked at.
const READERS: usize = 50;

/// When a host pulsed in its present life: first and last, and how long after the one before.
#[derive(Clone, Copy, Debug)]
struct Origin {
    life: u32,
    first: Micros,
    last: Micros,
    gap: Micros,
}

impl Origin {
    /// Whether the host pulses still: it did within an interval, or within the time that it lets pass between two.
    fn goes_on(&self, now: Micros, interval: Micros) -> bool {
        self.last + interval.max(self.gap) >= now
    }
}

/// Pulses that steps of a scenario wrote.
#[derive(Debug, Default)]
pub struct Pulses {
    origins: BTreeMap<HostId, Origin>,
    /// Bytes of the latest.
    bytes: usize,
    /// How old what was known was: counts by age in ms, and by age in thousandths of the interval.
    ages: BTreeMap<u32, u64>,
    parts: BTreeMap<u32, u64>,
    unknown: u64,
    interval_s: Option<f64>,
    /// Pulses that nodes refused to send.
    pub refused: u64,
}

/// Pulses. Null or zero where no node pulses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct PulseFigures {
    /// Pulses that nodes sent.
    pub sent: u64,
    /// The interval at last, at a node that pulses.
    pub interval_s: Option<f64>,
    /// Of all pairs of a node and another in its scope that has pulsed for five intervals: the share in which the node knows
    /// a pulse of it. Looked at once a second, at up to 50 nodes.
    pub known: Option<f64>,
    /// How old those are, in seconds and in intervals.
    pub mean_s: Option<f64>,
    pub p99_s: Option<f64>,
    pub mean_intervals: Option<f64>,
    pub p99_intervals: Option<f64>,
    /// What all nodes sent of class pulse for each pulse, a node: in bytes of UDP payload.
    pub bytes_per_pulse: Option<f64>,
    pub refused: u64,
}

impl Pulses {
    /// Whether a scenario wrote any.
    pub fn is_any(&self) -> bool {
        !self.origins.is_empty() || self.refused > 0
    }

    /// A host wrote a pulse of this many bytes just now.
    pub(super) fn wrote(&mut self, now: Micros, host: HostId, life: u32, bytes: usize) {
        let fresh = Origin { life, first: now, last: now, gap: 0 };
        let origin = self.origins.entry(host).or_insert(fresh);
        let next = Origin { last: now, gap: now - origin.last, ..*origin };
        *origin = if origin.life == life { next } else { fresh };
        self.bytes = bytes;
    }

    /// Looks at what some know of those that pulse; called once a second.
    pub(super) fn look(&mut self, now: Micros, hosts: &[Host]) {
        let running: Vec<&Host> = hosts.iter().filter(|host| host.is_running()).collect();
        let every = running.len().div_ceil(READERS).max(1);
        for reader in running.iter().step_by(every).filter(|_| !self.origins.is_empty()) {
            let Some(interval) = reader.node.pulse_interval(self.bytes) else { continue };
            let interval_us = interval.as_micros() as Micros;
            self.interval_s = Some(interval.as_secs_f64());
            for (&id, origin) in &self.origins {
                let Some(of) = hosts.get(id as usize).filter(|of| of.is_running() && of.life == origin.life)
                else {
                    continue;
                };
                let is_settled = origin.first + interval_us * Micros::from(SETTLED) <= now;
                let goes_on = origin.goes_on(now, interval_us);
                if of.id == reader.id || !is_settled || !goes_on || !is_in_scope(reader, of) {
                    continue;
                }
                match reader.node.pulse_of(of.id) {
                    None => self.unknown += 1,
                    Some(pulse) => {
                        let ms = pulse.age().as_millis() as u32;
                        *self.ages.entry(ms).or_default() += 1;
                        let part = u64::from(ms) * 1_000_000 / interval_us.max(1);
                        *self.parts.entry(part as u32).or_default() += 1;
                    }
                }
            }
        }
    }

    /// The figures, given how many pulses all nodes sent together, and their bytes.
    pub fn figures(&self, (sent, bytes): (u64, u64), nodes: f64) -> PulseFigures {
        let known: u64 = self.ages.values().sum();
        let in_thousandths = |value: f64| thousandths(value / 1e3);
        PulseFigures {
            sent,
            interval_s: self.interval_s.map(thousandths),
            known: (known + self.unknown > 0).then(|| known as f64 / (known + self.unknown) as f64),
            mean_s: mean(&self.ages).map(in_thousandths),
            p99_s: p99(&self.ages).map(in_thousandths),
            mean_intervals: mean(&self.parts).map(in_thousandths),
            p99_intervals: p99(&self.parts).map(in_thousandths),
            bytes_per_pulse: (sent > 0).then(|| thousandths(bytes as f64 / sent as f64 / nodes)),
            refused: self.refused,
        }
    }
}

fn is_in_scope(reader: &Host, of: &Host) -> bool {
    let [here, there] = [reader, of].map(|host| host.node.me().locality());
    match reader.node.config().pulse_scope {
        PulseScope::Zone => here.domain() == there.domain(),
        PulseScope::Region => here.region == there.region,
        _ => true,
    }
}

fn mean(counts: &BTreeMap<u32, u64>) -> Option<f64> {
    let all: u64 = counts.values().sum();
    let sum: f64 = counts.iter().map(|(&value, &count)| f64::from(value) * count as f64).sum();
    (all > 0).then(|| sum / all as f64)
}

fn p99(counts: &BTreeMap<u32, u64>) -> Option<f64> {
    let all: u64 = counts.values().sum();
    let mut seen = 0;
    let found = counts.iter().find(|&(_, &count)| {
        seen += count;
        seen * 100 >= all * 99
    });
    found.map(|(&value, _)| f64::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_and_percentiles_are_those_of_what_was_counted() {
        assert_eq!((mean(&BTreeMap::new()), p99(&BTreeMap::new())), (None, None));
        let counts = BTreeMap::from([(10, 98), (20, 1), (1_000, 1)]);
        assert_eq!((mean(&counts), p99(&counts)), (Some(20.0), Some(20.0)));
    }
}
