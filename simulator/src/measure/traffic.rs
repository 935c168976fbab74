//! Packets and bytes.

use crate::{
    engine::{HostId, Micros, SECOND},
    statistics::Summary,
};
use gossip_core::Traffic;

/// Classes of traffic, in the order of [`Sent::per_node`].
pub const CLASSES: [&str; 4] = ["probe", "suspicion", "rumor", "sync"];

/// What was sent: UDP payloads, whatever became of them.
#[derive(Debug, Default)]
pub struct Sent {
    /// By host: the second that is being counted, and its bytes so far.
    current: Vec<(u32, u32)>,
    /// Bytes of each host in each second in which it sent anything.
    node_seconds: Vec<u32>,
    /// How many hosts ran in each second.
    running: Vec<usize>,
    packets: u64,
    bytes: u64,
    largest: usize,
    /// Bytes of all hosts in each second, by class.
    by_class: Vec<[u64; 4]>,
}

/// Figures of a whole run; missing where nobody ran for a second.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Rates {
    /// Bytes per node and second.
    pub bytes_mean: Option<f64>,
    /// What 99 % of all nodes' seconds do not exceed.
    pub bytes_p99: Option<f64>,
    /// The most that any node sent in any whole second.
    pub bytes_max: Option<f64>,
    /// Packets per node and second.
    pub packets_mean: Option<f64>,
}

impl Sent {
    pub(super) fn count(&mut self, now: Micros, host: HostId, class: Traffic, len: usize) {
        let (second, at) = ((now / SECOND) as u32, host as usize);
        if self.current.len() <= at {
            self.current.resize(at + 1, (0, 0));
        }
        if self.current[at].0 != second {
            if self.current[at].1 > 0 {
                self.node_seconds.push(self.current[at].1);
            }
            self.current[at] = (second, 0);
        }
        self.current[at].1 += len as u32;
        self.packets += 1;
        self.bytes += len as u64;
        self.largest = self.largest.max(len);
        if self.by_class.len() <= second as usize {
            self.by_class.resize(second as usize + 1, [0; 4]);
        }
        let class = match class {
            Traffic::Probe => 0,
            Traffic::Suspicion => 1,
            Traffic::Rumor => 2,
            Traffic::Sync => 3,
        };
        self.by_class[second as usize][class] += len as u64;
    }

    /// Another second has passed, through which so many hosts ran.
    pub(super) fn note_running(&mut self, hosts: usize) {
        self.running.push(hosts);
    }

    /// The largest datagram, in bytes of UDP payload.
    pub fn largest_datagram(&self) -> usize {
        self.largest
    }

    /// For a plot: bytes that a node sent on average in each whole second, by class.
    pub fn per_node(&self) -> impl Iterator<Item = [f64; 4]> {
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
        let last = self.current.iter().map(|&(_, bytes)| bytes).filter(|&bytes| bytes > 0);
        let busy: Vec<u32> = self.node_seconds.iter().copied().chain(last).collect();
        // Seconds in which a host sent nothing count, too.
        let silent = std::iter::repeat_n(0, ran.saturating_sub(busy.len()));
        let all = Summary::of(busy.into_iter().chain(silent).map(f64::from));
        let quantile = |q| all.as_ref().map(|all| all.quantile(q));
        Rates {
            bytes_mean: Some(self.bytes as f64 / ran as f64),
            bytes_p99: quantile(0.99),
            bytes_max: quantile(1.0),
            packets_mean: Some(self.packets as f64 / ran as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!((rates.packets_mean, sent.largest_datagram()), (Some(1.0), 130));
        let per_node: Vec<[f64; 4]> = sent.per_node().collect();
        assert_eq!(per_node, [[140.0, 0.0, 0.0, 0.0], [60.0, 0.0, 0.0, 0.0]]);
    }
}
