//! Packets and bytes.

use crate::engine::{Border, HostId, Micros, SECOND};
use gossip_core::Traffic;
use std::collections::BTreeMap;

/// Classes of traffic, in the order of [`Sent::per_node`].
pub const CLASSES: [&str; 6] = ["probe", "suspicion", "rumor", "state", "sync", "pulse"];

/// The place of a class in [`CLASSES`].
pub(super) fn class_of(class: Traffic) -> usize {
    match class {
        Traffic::Probe => 0,
        Traffic::Suspicion => 1,
        Traffic::Rumor => 2,
        Traffic::State => 3,
        Traffic::Sync => 4,
        Traffic::Pulse => 5,
    }
}

/// What was sent: UDP payloads, whatever became of them.
#[derive(Debug, Default)]
pub struct Sent {
    /// By host: the second that is being counted, and its bytes so far.
    current: Vec<(u32, u32)>,
    /// How many seconds of hosts there were, by the bytes that were sent in them; silent ones are not counted.
    node_seconds: BTreeMap<u32, usize>,
    /// How many hosts ran in each second.
    running: Vec<usize>,
    packets: u64,
    bytes: u64,
    largest: usize,
    /// Bytes of all hosts in each second, by class.
    by_class: Vec<[u64; CLASSES.len()]>,
    /// Bytes of gossip rounds.
    rumors: u64,
    across_zones: Crossing,
    across_regions: Crossing,
}

/// Bytes that crossed a border: all, and those of gossip rounds.
#[derive(Clone, Copy, Debug, Default)]
struct Crossing {
    bytes: u64,
    rumors: u64,
}

/// Figures of a whole run; missing where no one ran for a second.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Rates {
    /// Bytes per node and second.
    pub bytes_mean: Option<f64>,
    /// The mean of all nodes in the quietest whole second.
    pub bytes_idle: Option<f64>,
    /// What 99 % of all nodes' seconds do not exceed.
    pub bytes_p99: Option<f64>,
    /// The most that any node sent in any whole second.
    pub bytes_max: Option<f64>,
    /// Packets per node and second.
    pub packets_mean: Option<f64>,
    /// Bytes per node and second into other zones, those in other regions included.
    pub cross_zone: Option<f64>,
    /// Bytes per node and second into other regions.
    pub cross_region: Option<f64>,
    /// The share of gossip rounds' bytes that went into other zones; missing where there were none.
    pub cross_zone_rumors: Option<f64>,
    /// The same of other regions.
    pub cross_region_rumors: Option<f64>,
}

impl Sent {
    pub(super) fn count(&mut self, now: Micros, host: HostId, class: Traffic, len: usize) {
        let (second, at) = ((now / SECOND) as u32, host as usize);
        if self.current.len() <= at {
            self.current.resize(at + 1, (0, 0));
        }
        if self.current[at].0 != second {
            if self.current[at].1 > 0 {
                *self.node_seconds.entry(self.current[at].1).or_default() += 1;
            }
            self.current[at] = (second, 0);
        }
        self.current[at].1 += len as u32;
        self.packets += 1;
        self.bytes += len as u64;
        self.largest = self.largest.max(len);
        if self.by_class.len() <= second as usize {
            self.by_class.resize(second as usize + 1, [0; CLASSES.len()]);
        }
        if class == Traffic::Rumor {
            self.rumors += len as u64;
        }
        self.by_class[second as usize][class_of(class)] += len as u64;
    }

    /// The packet that was counted last goes to another zone.
    pub(super) fn count_crossing(&mut self, border: Border, class: Traffic, len: usize) {
        let regions = (border == Border::Region).then_some(&mut self.across_regions);
        for crossing in [&mut self.across_zones].into_iter().chain(regions) {
            crossing.bytes += len as u64;
            crossing.rumors += if class == Traffic::Rumor { len as u64 } else { 0 };
        }
    }

    /// Another second has passed, through which this many hosts ran.
    pub(super) fn note_running(&mut self, hosts: usize) {
        self.running.push(hosts);
    }

    /// What all hosts sent in the second that ends now, by class.
    pub(super) fn of_last_second(&self, now: Micros) -> [u64; CLASSES.len()] {
        let second = (now / SECOND).checked_sub(1).and_then(|second| self.by_class.get(second as usize));
        second.copied().unwrap_or_default()
    }

    /// Bytes so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The largest datagram, in bytes of UDP payload.
    pub fn largest_datagram(&self) -> usize {
        self.largest
    }

    /// For a plot: bytes that a node sent on average in each whole second, by class.
    pub fn per_node(&self) -> impl Iterator<Item = [f64; CLASSES.len()]> {
        let seconds = self.by_class.iter().zip(&self.running);
        seconds.map(|(bytes, &running)| bytes.map(|bytes| bytes as f64 / running.max(1) as f64))
    }

    /// The figures of the run so far.
    pub fn rates(&self) -> Rates {
        // How many whole seconds hosts ran, all together.
        let ran: usize = self.running.iter().sum();
        if ran == 0 {
            return Rates::default();
        }
        let mut seconds = self.node_seconds.clone();
        for &(_, bytes) in self.current.iter().filter(|&&(_, bytes)| bytes > 0) {
            *seconds.entry(bytes).or_default() += 1;
        }
        // Seconds in which a host sent nothing count, too.
        *seconds.entry(0).or_default() += ran.saturating_sub(seconds.values().sum());
        let quantile = |q| quantile(&seconds, q).map(f64::from);
        let mean = |count: u64| Some(count as f64 / ran as f64);
        let share = |bytes: u64| (self.rumors > 0).then(|| bytes as f64 / self.rumors as f64);
        Rates {
            bytes_mean: mean(self.bytes),
            bytes_idle: self.per_node().map(|classes| classes.iter().sum()).reduce(f64::min),
            bytes_p99: quantile(0.99),
            bytes_max: quantile(1.0),
            packets_mean: mean(self.packets),
            cross_zone: mean(self.across_zones.bytes),
            cross_region: mean(self.across_regions.bytes),
            cross_zone_rumors: share(self.across_zones.rumors),
            cross_region_rumors: share(self.across_regions.rumors),
        }
    }
}

/// The smallest value that at least a share `q` (0 to 1) of all do not exceed; values come with their numbers.
fn quantile(counted: &BTreeMap<u32, usize>, q: f64) -> Option<u32> {
    let all: usize = counted.values().sum();
    let rank = ((q * all as f64).ceil() as usize).max(1);
    let mut below = 0;
    let found = counted.iter().find(|&(_, &count)| {
        below += count;
        below >= rank
    });
    found.map(|(&value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_crosses_a_region_crosses_a_zone_too() {
        let mut sent = Sent::default();
        let packets = [
            (None, Traffic::Rumor, 50),
            (Some(Border::Zone), Traffic::Rumor, 30),
            (Some(Border::Region), Traffic::Rumor, 20),
            (Some(Border::Region), Traffic::Probe, 7),
        ];
        for (border, class, len) in packets {
            sent.count(0, 0, class, len);
            if let Some(border) = border {
                sent.count_crossing(border, class, len);
            }
        }
        sent.note_running(1);
        let rates = sent.rates();
        assert_eq!((rates.cross_zone, rates.cross_region), (Some(57.0), Some(27.0)));
        assert_eq!((rates.cross_zone_rumors, rates.cross_region_rumors), (Some(0.5), Some(0.2)));
    }

    #[test]
    fn the_busiest_second_of_any_node_is_found_and_silent_ones_count() {
        let mut sent = Sent::default();
        for (now, host, len) in [(0, 0, 100), (999_999, 0, 50), (1_000_000, 0, 120), (0, 1, 130)] {
            sent.count(now, host, Traffic::Probe, len);
        }
        sent.note_running(2);
        sent.note_running(2);
        let rates = sent.rates();
        assert_eq!((rates.bytes_mean, rates.bytes_max), (Some(100.0), Some(150.0)));
        assert_eq!(rates.bytes_idle, Some(60.0));
        assert_eq!((rates.packets_mean, sent.largest_datagram()), (Some(1.0), 130));
        let per_node: Vec<[f64; CLASSES.len()]> = sent.per_node().collect();
        assert_eq!(per_node, [[140.0, 0.0, 0.0, 0.0, 0.0, 0.0], [60.0, 0.0, 0.0, 0.0, 0.0, 0.0]]);
    }
}
