//! Whether all see the same.

use crate::engine::{Host, Watch, World};
use gossip_core::Fingerprint;
use std::{cmp::Reverse, collections::HashMap};

/// See the module.
#[derive(Debug, Default)]
pub struct Views {
    /// The largest share of any side's hosts that, at the end of a cut between sides, did not see what most of
    /// their own side saw; none if there was no such cut.
    pub sides: Option<f64>,
}

impl Views {
    pub(super) fn note_sides(&mut self, divergence: f64) {
        self.sides = Some(self.sides.unwrap_or_default().max(divergence));
    }
}

/// What some hosts see, and how many see each: the commonest first.
pub(super) fn shared<'a>(hosts: impl Iterator<Item = &'a Host>) -> Vec<(Fingerprint, usize)> {
    let mut views: HashMap<Fingerprint, usize> = HashMap::new();
    for host in hosts {
        *views.entry(host.node.fingerprint()).or_default() += 1;
    }
    let mut views: Vec<_> = views.into_iter().collect();
    views.sort_unstable_by_key(|&(view, members)| (Reverse(members), view.0));
    views
}

/// The share of those that do not see what most of them see.
pub(super) fn divergence(views: &[(Fingerprint, usize)]) -> f64 {
    let running: usize = views.iter().map(|&(_, members)| members).sum();
    let most = views.first().map_or(0, |&(_, members)| members);
    (running - most) as f64 / running.max(1) as f64
}

/// Whether all running hosts' fingerprints are equal, and what they see is exactly who runs.
pub fn are_equal_and_right<W: Watch>(world: &World<W>) -> bool {
    let mut running = world.running().map(|(_, host)| host);
    let Some(first) = running.next() else { return true };
    let fingerprint = first.node.fingerprint();
    running.all(|host| host.node.fingerprint() == fingerprint) && sees_who_runs(world, first)
}

fn sees_who_runs<W: Watch>(world: &World<W>, observer: &Host) -> bool {
    let live = observer.node.members().take_while(|member| member.status().is_live()).count();
    live + 1 == world.running().count()
        && world
            .running()
            .all(|(_, host)| observer.node.member(host.id).is_some_and(|member| member.status().is_live()))
}
