//! What one value of a scenario's first axis comes to, as shares of what another one does.

use crate::{
    outcome::{Outcome, failure},
    scenario::{Bound, Versus},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// Sums over all runs of each label: every seed, and every value of the other axes.
#[derive(Clone, Debug)]
pub struct Tally<'a> {
    versus: &'a Versus,
    sums: BTreeMap<(String, String), f64>,
}

/// One figure of one label, beside the base's.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Share {
    pub scenario: String,
    /// Labels on the first axis.
    pub of: String,
    pub versus: String,
    pub figure: String,
    /// Sums over all runs.
    pub own: f64,
    pub base: f64,
    /// The one by the other; null where the base's sum is zero.
    pub share: Option<f64>,
    /// What was expected, if it is not met.
    pub failure: Option<String>,
}

impl<'a> Tally<'a> {
    /// An empty one.
    #[must_use]
    pub fn new(versus: &'a Versus) -> Self {
        Self { versus, sums: BTreeMap::new() }
    }

    /// Counts a run in. Figures that it did not measure count as nothing.
    pub fn add(&mut self, outcome: &Outcome) {
        let label = outcome.summary.scenario.split('/').nth(1).unwrap_or_default();
        let named = |name: &str| self.versus.expect.values().any(|figures| figures.contains_key(name));
        for (name, value) in outcome.figures().into_iter().filter(|(name, _)| named(name)) {
            *self.sums.entry((label.into(), name)).or_default() += value.as_f64().unwrap_or_default();
        }
    }

    /// Every share that was asked for.
    #[must_use]
    pub fn shares(&self, scenario: &str) -> Vec<Share> {
        let asked = self.versus.expect.iter();
        let asked = asked.flat_map(|(label, figures)| figures.iter().map(move |figure| (label, figure)));
        asked.map(|(label, (figure, bound))| self.share(scenario, label, figure, *bound)).collect()
    }

    fn share(&self, scenario: &str, of: &str, figure: &str, bound: Bound) -> Share {
        let sum = |label: &str| self.sums.get(&(label.into(), figure.into())).copied().unwrap_or_default();
        let (own, base) = (sum(of), sum(&self.versus.base));
        let share = (base > 0.0).then_some(own / base);
        let name = format!("{figure} of {of}, as a share of {}'s", self.versus.base);
        let failure = failure(&name, bound, Some(&share.into()));
        let versus = self.versus.base.clone();
        Share {
            scenario: scenario.into(),
            of: of.into(),
            versus,
            figure: figure.into(),
            own,
            base,
            share,
            failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{run::run, scenario::Plan};

    const TEXT: &str = "about = 'x'\nnodes = 4\nduration_s = 3\n[expect]\nsuspicions = 0\n[[axis]]\none = {}\n\
        two = { duration_s = 6 }\n[[axis]]\na = {}\nb = {}\n[versus]\nbase = 'one'\n\
        expect = { two = { simulated_s = { max = 1.5 }, suspicions = { max = 0 } } }\n";

    #[test]
    fn shares_are_of_sums_over_the_other_axes_and_judged() {
        let plan = Plan::parse("t", TEXT).unwrap();
        let mut tally = Tally::new(plan.versus().unwrap());
        for variant in plan.variants().unwrap() {
            tally.add(&run(&variant, 1, &mut |_| ()).unwrap());
        }
        let shares = tally.shares("t");
        let of = |figure: &str| shares.iter().find(|share| share.figure == figure).unwrap();
        assert_eq!((of("simulated_s").own, of("simulated_s").share), (12.0, Some(2.0)));
        assert!(of("simulated_s").failure.is_some());
        assert!(of("suspicions").share.is_none() && of("suspicions").failure.is_some());
    }

    #[test]
    fn a_comparison_with_what_is_no_label_is_refused() {
        for (from, to) in [("base = 'one'", "base = 'none'"), ("{ two =", "{ six =")] {
            assert!(Plan::parse("t", &TEXT.replace(from, to)).is_err(), "{to}");
        }
    }
}
