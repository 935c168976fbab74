//! When each host first held something new.

use super::{seconds, thousandths};
use crate::{
    engine::{Host, HostId, Micros},
    statistics::Summary,
};
use serde::Serialize;

/// Not one of those that should hear of it.
const UNCOUNTED: u32 = u32::MAX;
/// One of them, which has not.
const UNHEARD: u32 = u32::MAX - 1;

/// Seconds until half, 99 % and all held it.
pub(super) type Times = [Option<f64>; 3];

/// See the module.
#[derive(Debug)]
pub(super) struct Delays {
    since: Micros,
    /// Microseconds, by host.
    heard: Vec<u32>,
    /// How many have not heard.
    missing: usize,
}

impl Delays {
    /// Something is new just now; these of so many hosts should get to know.
    pub(super) fn new(now: Micros, hosts: usize, others: impl Iterator<Item = HostId>) -> Self {
        let mut heard = vec![UNCOUNTED; hosts];
        others.for_each(|host| heard[host as usize] = UNHEARD);
        let missing = heard.iter().filter(|&&at| at == UNHEARD).count();
        Self { since: now, heard, missing }
    }

    pub(super) fn since(&self) -> Micros {
        self.since
    }

    /// How many have not heard.
    pub(super) fn missing(&self) -> usize {
        self.missing
    }

    /// Whether a host should hear of it, and has not.
    pub(super) fn lacks(&self, host: usize) -> bool {
        self.heard.get(host) == Some(&UNHEARD)
    }

    /// A host holds it now.
    pub(super) fn note(&mut self, now: Micros, host: usize) {
        if self.lacks(host) {
            let delay = (now - self.since).min(u64::from(UNHEARD - 1));
            self.heard[host] = delay as u32;
            self.missing -= 1;
        }
    }

    /// Of who should hold it and ran all along: after how many microseconds each did, or never.
    pub(super) fn counted<'a>(&'a self, hosts: &'a [Host]) -> impl Iterator<Item = Option<Micros>> + 'a {
        let runs = |host: &Host| host.is_running() && host.born <= self.since;
        let all =
            self.heard.iter().zip(hosts).filter(move |&(&heard, host)| heard != UNCOUNTED && runs(host));
        all.map(|(&heard, _)| (heard != UNHEARD).then_some(heard.into()))
    }

    pub(super) fn missed(&self, hosts: &[Host]) -> usize {
        self.counted(hosts).filter(Option::is_none).count()
    }

    pub(super) fn times(&self, hosts: &[Host]) -> Times {
        // Whose news it is holds it from the first.
        let mut delays: Vec<Option<Micros>> = self.counted(hosts).chain([Some(0)]).collect();
        delays.sort_unstable_by_key(|delay| delay.unwrap_or(Micros::MAX));
        [0.5, 0.99, 1.0].map(|share| {
            let rank = (share * delays.len() as f64).ceil() as usize;
            delays.get(rank.saturating_sub(1)).copied().flatten().map(seconds)
        })
    }
}

/// How soon changes were held by the nodes that ran at the change and still do; of several, the slowest, and the median.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct ChangeFigures {
    pub changes: usize,
    /// Pairs of a change and a node that ran all along and never held it.
    pub missed: usize,
    pub p50_s: Option<f64>,
    pub p99_s: Option<f64>,
    pub p100_s: Option<f64>,
    pub p99_median_s: Option<f64>,
    pub p100_median_s: Option<f64>,
}

impl ChangeFigures {
    /// Of changes, the times that each took and by how many it was missed.
    pub(super) fn of(changes: &[(Times, usize)]) -> Self {
        let slowest = |n: usize| {
            let all: Option<Vec<f64>> = changes.iter().map(|(times, _)| times[n]).collect();
            all?.into_iter().reduce(f64::max).map(thousandths)
        };
        let median = |n: usize| {
            let all = Summary::of(changes.iter().filter_map(|(times, _)| times[n]))?;
            Some(thousandths(all.quantile(0.5)))
        };
        Self {
            changes: changes.len(),
            missed: changes.iter().map(|&(_, missed)| missed).sum(),
            p50_s: slowest(0),
            p99_s: slowest(1),
            p100_s: slowest(2),
            p99_median_s: median(1),
            p100_median_s: median(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_change_counts_and_one_that_was_missed_has_no_time() {
        let times = |all: Option<f64>| ([Some(0.1), Some(0.2), all], 0);
        let of = [times(Some(0.3)), times(Some(0.5)), times(Some(0.4))];
        let found = ChangeFigures::of(&of);
        assert_eq!((found.changes, found.p99_s, found.p100_s), (3, Some(0.2), Some(0.5)));
        assert_eq!(found.p100_median_s, Some(0.4));
        let found = ChangeFigures::of(&[times(Some(0.3)), ([Some(0.1), Some(0.2), None], 2)]);
        assert_eq!((found.p99_s, found.p100_s, found.missed), (Some(0.2), None, 2));
        assert_eq!(ChangeFigures::of(&[]).p99_s, None);
    }

    #[test]
    fn who_has_heard_is_counted_once() {
        let mut delays = Delays::new(1_000, 3, [0, 2].into_iter());
        delays.note(1_500, 1);
        assert_eq!((delays.missing(), delays.lacks(0), delays.lacks(1)), (2, true, false));
        delays.note(1_500, 2);
        delays.note(1_700, 2);
        assert_eq!((delays.missing(), delays.heard[2]), (1, 500));
    }
}
