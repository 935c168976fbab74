//! Who runs, and who is cut from whom.

use crate::engine::HostId;

/// See the module.
#[derive(Debug, Default)]
pub struct Population {
    /// How many hosts run.
    pub running: usize,
    /// Senders and receivers that nothing passes between, for each rule that cuts; each list is sorted.
    pub cuts: Vec<(Vec<HostId>, Vec<HostId>)>,
    /// Hosts that the scenario paused, blocked or slowed at any time.
    pub disturbed: Vec<bool>,
}

impl Population {
    /// Whether one direction between the two is cut.
    pub fn is_cut(&self, a: HostId, b: HostId) -> bool {
        let within = |set: &[HostId], host: HostId| set.binary_search(&host).is_ok();
        self.cuts
            .iter()
            .any(|(from, to)| within(from, a) && within(to, b) || within(from, b) && within(to, a))
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
    fn one_direction_cut_is_cut() {
        let population = Population { cuts: vec![(vec![1, 2], vec![5])], ..Population::default() };
        assert!(population.is_cut(5, 2) && population.is_cut(1, 5));
        assert!(!population.is_cut(1, 2) && !population.is_cut(5, 3));
    }
}
