//! What must be true once a pressure is over: the cluster is as if there had been none.

use crate::{Network, Watch, secs};
use gossip_core::{Event, Memory, Metrics, NodeId};
use std::time::Duration;

/// Counters of what was refused or left out at a bound.
fn is_of_a_bound(name: &str) -> bool {
    name.starts_with("dropped_") || name == "limited"
}

/// What a node has dropped at its bounds.
pub fn dropped(metrics: &Metrics) -> Vec<(&'static str, u64)> {
    metrics.counters().filter(|&(name, count)| is_of_a_bound(name) && count > 0).collect()
}

impl<M: Memory, W: Watch<M>> Network<M, W> {
    /// Whom the running hosts have buried that runs and was never stopped.
    pub fn buried_alive(&self) -> Vec<(NodeId, NodeId)> {
        let runs = |id| self.hosts.iter().any(|host| host.id == id && host.is_running() && host.life() == 1);
        let deaths = self.deaths().into_iter().map(|(by, victim, _)| (by, victim));
        deaths.filter(|&(_, victim)| runs(victim)).collect()
    }

    /// The pressure is over: within `limit` all views are equal and everyone who runs is alive to all, and in the
    /// minute after that no one drops anything more, suspects or loses anyone.
    pub fn assert_recovers(&mut self, limit: Duration, seed: u64) {
        let took = self.wait(limit, Self::is_formed);
        let opinions: Vec<_> = self.running().map(|host| (host.id, host.node.members().len())).collect();
        assert!(took.is_some(), "seed {seed}: views differ after {limit:?}: {opinions:?}");
        self.run_for(secs(5));
        let all =
            |network: &Self| network.running().map(|host| dropped(host.node.metrics())).collect::<Vec<_>>();
        let (before, told) = (all(self), self.hosts.iter().map(|host| host.events.len()).collect::<Vec<_>>());
        self.run_for(secs(60));
        assert!(self.is_formed(), "seed {seed}: recovered, and fell ill again");
        assert_eq!(before, all(self), "seed {seed}: still dropping");
        for (host, told) in self.hosts.iter().zip(told) {
            let news = host.events.iter().skip(told).map(|&(_, event)| event);
            let bad = news.filter(|event| matches!(event, Event::Suspected(_) | Event::Down(_)));
            assert_eq!(bad.collect::<Vec<_>>(), [], "seed {seed}: {} is not at rest", host.id);
        }
    }
}
