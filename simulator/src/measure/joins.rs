//! Joins, each until the joiner has all that it is to have.

use super::seconds;
use crate::{
    engine::{Host, HostId, Micros},
    statistics::Summary,
};
use std::collections::HashMap;

/// One join.
#[derive(Debug)]
struct Join<P> {
    since: Micros,
    /// How far it has come.
    progress: P,
    is_full: bool,
}

/// Joins under way and done.
#[derive(Debug, Default)]
pub(super) struct Joins<P> {
    joins: HashMap<HostId, Join<P>>,
    /// Those that are not full.
    open: usize,
    finished: Vec<Micros>,
}

impl<P: Default> Joins<P> {
    /// A host begins to join just now.
    pub(super) fn follow(&mut self, now: Micros, host: HostId) {
        let join = Join { since: now, progress: P::default(), is_full: false };
        let earlier = self.joins.insert(host, join);
        self.open += usize::from(earlier.is_none_or(|join| join.is_full));
    }

    /// How far a host has come, if it is joining.
    pub(super) fn progress(&mut self, host: HostId) -> Option<&mut P> {
        if self.open == 0 {
            return None;
        }
        self.joins.get_mut(&host).filter(|join| !join.is_full).map(|join| &mut join.progress)
    }

    /// A host that is joining has all just now.
    pub(super) fn finish(&mut self, now: Micros, host: HostId) {
        let Some(join) = self.joins.get_mut(&host).filter(|join| !join.is_full) else { return };
        join.is_full = true;
        self.open -= 1;
        self.finished.push(now - join.since);
    }

    /// Whether no one ever joined.
    pub(super) fn is_empty(&self) -> bool {
        self.joins.is_empty()
    }

    /// Seconds that joins took: the median and the longest, which is missing while a host that runs has not come to its end.
    pub(super) fn times(&self, hosts: &[Host]) -> (Option<f64>, Option<f64>) {
        let times = Summary::of(self.finished.iter().copied().map(seconds));
        let quantile = |q| times.as_ref().map(|times| times.quantile(q));
        let open = self
            .joins
            .iter()
            .any(|(&host, join)| !join.is_full && hosts.get(host as usize).is_some_and(Host::is_running));
        (quantile(0.5), quantile(1.0).filter(|_| !open))
    }
}
