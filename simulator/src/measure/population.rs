//! Who runs, and who is cut from whom.

use crate::engine::{HostId, Micros, NEVER, SECOND};
use std::collections::BTreeSet;

/// For how long after a cut what was judged by its losses still counts as judged under it: a probe that was
/// under way takes that long to fail at most.
const AFTERMATH: Micros = 2 * SECOND;

/// A direction that nothing passes in, or passed in until lately. Both lists are sorted.
#[derive(Debug)]
struct Cut {
    from: Vec<HostId>,
    to: Vec<HostId>,
    ended: Micros,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Population {
    /// How many hosts run.
    pub running: usize,
    cuts: Vec<Cut>,
    /// Hosts that the scenario paused, blocked or slowed at any time.
    disturbed: Vec<bool>,
}

impl Population {
    /// A rule that cuts came into force; its lists are sorted.
    pub(super) fn cut(&mut self, from: &[HostId], to: &[HostId]) {
        self.cuts.push(Cut { from: from.to_vec(), to: to.to_vec(), ended: NEVER });
    }

    /// It ended.
    pub(super) fn mend(&mut self, now: Micros, from: &[HostId], to: &[HostId]) {
        self.cuts.retain(|cut| cut.ended.saturating_add(AFTERMATH) > now);
        let open = self.cuts.iter_mut().find(|cut| cut.ended == NEVER && cut.from == from && cut.to == to);
        if let Some(cut) = open {
            cut.ended = now;
        }
    }

    /// Whether one direction between the two is cut, or was until just now.
    pub fn is_cut(&self, now: Micros, a: HostId, b: HostId) -> bool {
        let within = |set: &[HostId], host: HostId| set.binary_search(&host).is_ok();
        self.cuts.iter().filter(|cut| cut.ended.saturating_add(AFTERMATH) > now).any(|cut| {
            within(&cut.from, a) && within(&cut.to, b) || within(&cut.from, b) && within(&cut.to, a)
        })
    }

    /// Which hosts, of this many, can be reached by news of this one, by others' help if need be, while the present
    /// cuts last; by their places.
    pub fn side(&self, of: HostId, hosts: usize) -> Vec<bool> {
        let open: Vec<&Cut> = self.cuts.iter().filter(|cut| cut.ended == NEVER).collect();
        let within = |set: &[HostId], host: HostId| set.binary_search(&host).is_ok();
        // Hosts that the cuts treat alike are one group; there are few.
        let group = |host: HostId| -> Vec<(bool, bool)> {
            open.iter().map(|cut| (within(&cut.from, host), within(&cut.to, host))).collect()
        };
        let groups: Vec<_> = (0..hosts as HostId).map(group).collect();
        let passes = |from: &[(bool, bool)], to: &[(bool, bool)]| {
            from.iter().zip(to).all(|(&(sends_into, _), &(_, is_cut))| !(sends_into && is_cut))
        };
        let own = group(of);
        let mut reached = BTreeSet::from([own.clone()]);
        let mut left: BTreeSet<_> =
            groups.iter().filter(|&group| !reached.contains(group)).cloned().collect();
        while let Some(next) = left.iter().find(|to| reached.iter().any(|from| passes(from, to))).cloned() {
            left.remove(&next);
            reached.insert(next);
        }
        // Those that the cuts treat like the host itself may be cut off from it all the same.
        if !reached.iter().any(|from| passes(from, &own)) {
            reached.remove(&own);
        }
        (0..).zip(&groups).map(|(host, group)| host == of || reached.contains(group)).collect()
    }

    /// Notes that a host was paused, blocked or slowed.
    pub fn disturb(&mut self, host: HostId) {
        let at = host as usize;
        if self.disturbed.len() <= at {
            self.disturbed.resize(at + 1, false);
        }
        self.disturbed[at] = true;
    }

    /// Whether that ever happened to it.
    pub fn was_disturbed(&self, host: HostId) -> bool {
        self.disturbed.get(host as usize).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_direction_cut_is_cut_until_its_aftermath_is_over() {
        let mut population = Population::default();
        population.cut(&[1, 2], &[5]);
        assert!(population.is_cut(0, 5, 2) && population.is_cut(0, 1, 5));
        assert!(!population.is_cut(0, 1, 2) && !population.is_cut(0, 5, 3));
        assert_eq!(population.side(1, 6), [true; 6], "others pass it on");
        population.mend(SECOND, &[1, 2], &[5]);
        assert!(population.is_cut(SECOND, 5, 2) && !population.is_cut(SECOND + AFTERMATH, 5, 2));
    }

    #[test]
    fn where_each_is_cut_from_each_everybody_is_a_side() {
        let mut population = Population::default();
        population.cut(&[0, 1, 2], &[0, 1, 2]);
        assert_eq!(population.side(1, 4), [true; 4], "the fourth passes it on");
        assert_eq!(population.side(1, 3), [false, true, false]);
    }

    #[test]
    fn a_cut_in_both_directions_makes_two_sides() {
        let mut population = Population::default();
        population.cut(&[1, 2], &[0, 3]);
        population.cut(&[0, 3], &[1, 2]);
        assert_eq!(population.side(2, 4), [false, true, true, false]);
        assert_eq!(population.side(0, 4), [true, false, false, true]);
        population.mend(SECOND, &[0, 3], &[1, 2]);
        assert_eq!(population.side(0, 4), [true; 4]);
        assert_eq!(population.side(2, 4), [false, true, true, false], "it hears, and is not heard");
    }
}
