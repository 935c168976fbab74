//! Ablation: what each switch of the core's mechanisms is worth, by the scenarios in which members are judged.

use crate::{
    outcome::Summary,
    run::{Progress, RunError, run},
    scenario::{Plan, Scenario, ScenarioError, load},
};
use gossip_core::Mechanisms;
use serde::Serialize;
use thiserror::Error;

/// A run of a shipped scenario, at a size that takes seconds.
#[derive(Debug)]
struct Trial {
    /// The scenario's name, with the labels of its axes.
    run: &'static str,
    settings: &'static [&'static str],
    seconds: Seconds,
}

/// Which time of a run says most of it.
#[derive(Clone, Copy, Debug)]
enum Seconds {
    /// From a crash until all know of it, of 99 % of the crashes.
    Detection,
    /// From the last fault's end until all see the same.
    Heal,
}

impl Seconds {
    fn name(self) -> &'static str {
        match self {
            Self::Detection => "detection",
            Self::Heal => "heal",
        }
    }

    fn of(self, summary: &Summary) -> Option<f64> {
        match self {
            Self::Detection => summary.detection.all_p99_s,
            Self::Heal => summary.heal_s,
        }
    }
}

const fn trial(run: &'static str, settings: &'static [&'static str], seconds: Seconds) -> Trial {
    Trial { run, settings, seconds }
}

/// The scenarios that an ablation runs: first those in which members crash, then those in which they are disturbed or
/// cut off.
const TRIALS: &[Trial] = &[
    trial("crash", &["nodes=200"], Seconds::Detection),
    trial("rack-loss", &["nodes=200"], Seconds::Detection),
    trial("mass-crash/m30", &["nodes=200", "step.0.who={ count = 6 }"], Seconds::Detection),
    trial("mass-crash/m45", &["nodes=200", "step.0.who={ count = 6 }"], Seconds::Detection),
    trial("half-dies/d60/of-200", &[], Seconds::Detection),
    trial("last-ones/two-of-100", &[], Seconds::Detection),
    trial("scale-in", &[], Seconds::Detection),
    trial("churn-rates/c5", &[], Seconds::Heal),
    trial("gc-pauses", &["nodes=200"], Seconds::Heal),
    trial("slow-node", &["nodes=100"], Seconds::Heal),
    trial("asymmetric", &["nodes=100"], Seconds::Heal),
    trial("region-partition", &["nodes=99"], Seconds::Heal),
    // Through the middle of a single zone.
    trial(
        "partition",
        &[
            "nodes=100",
            "topology.regions=1",
            "step.0.who={ count = 45 }",
            "step.0.for_s=60",
            "duration_s=150",
        ],
        Seconds::Heal,
    ),
    trial("routable/cut30", &[], Seconds::Heal),
    // Of its windows, which say nothing here, the last would begin after the end.
    trial(
        "flapping-zone/f30",
        &["duration_s=1270", "step.0.until_s=1200", "step.4.at_s=1210"],
        Seconds::Heal,
    ),
    trial("flapping-link", &[], Seconds::Heal),
    trial("semi-detached", &[], Seconds::Heal),
    trial("one-way-flip-flops", &["nodes=300", "step.0.who={ nodes = [10, 11, 12] }"], Seconds::Heal),
    trial("lossy-few", &["nodes=300", "step.0.who={ nodes = [10, 11, 12] }"], Seconds::Heal),
    trial("heavy-loss", &["nodes=100"], Seconds::Detection),
    trial(
        "long-delays/rt3-8",
        &["duration_s=650", "step.0.for_s=600", "step.1.at_s=300"],
        Seconds::Detection,
    ),
];

/// What else is off where a switch is, since it makes nothing without it.
const ALONG: &[(&str, &str)] = &[("suspicion", "earned_death")];

/// Why there is no ablation.
#[derive(Debug, Error)]
pub enum AblateError {
    /// A scenario that an ablation does not run.
    #[error("'{0}' is no scenario of an ablation; those are {names}", names = trials().join(", "))]
    Scenario(String),
    /// The core has no such switch.
    #[error("'{0}' is no switch; the core has {names}", names = switches().join(", "))]
    Switch(String),
    /// A scenario of which there is no such run.
    #[error("there is no run '{0}'")]
    Run(&'static str),
    /// A scenario or a switch is not as it should be.
    #[error(transparent)]
    Plan(#[from] ScenarioError),
    /// A scenario could not be run.
    #[error(transparent)]
    Failed(#[from] RunError),
}

/// The names of the runs.
#[must_use]
pub fn trials() -> Vec<&'static str> {
    TRIALS.iter().map(|trial| trial.run).collect()
}

/// The names of the switches.
#[must_use]
pub fn switches() -> Vec<&'static str> {
    gossip_config::switches(Mechanisms::ALL).into_iter().map(|(name, _)| name).collect()
}

/// A switch that is turned: off, or, if it is off in every preset, on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Turned {
    /// Its name.
    pub switch: &'static str,
    /// Whether it is on.
    pub on: bool,
}

/// One run: a scenario under a seed, with a switch turned or as it is.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    trial: &'static Trial,
    turned: Option<Turned>,
    seed: u64,
}

/// What came of a job.
#[derive(Debug)]
pub struct Tried {
    job: Job,
    summary: Summary,
}

/// What came of a scenario under all seeds.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
#[allow(missing_docs)]
pub struct Figures {
    /// Sums.
    pub false_deaths: u64,
    pub cut_off_deaths: u64,
    pub missed_deaths: u64,
    /// In how many runs not all saw the same at the end.
    pub views_differ: u32,
    /// The median; a run in which it was never reached counts as the longest. Null if that is the median.
    pub seconds: Option<f64>,
    /// The most of any run.
    pub status_changes_max: Option<u32>,
    /// The median.
    pub bytes_per_node_s: Option<f64>,
}

/// A scenario with a switch turned, beside what comes of it as it is.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[allow(missing_docs)]
pub struct Row {
    pub scenario: &'static str,
    /// None: nothing is turned.
    pub turned: Option<Turned>,
    pub seeds: u32,
    /// Which time `seconds` is: `detection` (`detection.all_p99_s`) or `heal` (`heal_s`).
    pub seconds_of: &'static str,
    /// Whether every packet is the same as without the switch turned: the mechanism never came into play.
    pub unaffected: bool,
    pub figures: Figures,
    pub as_it_is: Figures,
}

/// The jobs of these scenarios and switches (all, where none is named), by scenario, switch and seed. Each scenario comes
/// as it is first.
///
/// # Errors
/// A name that is unknown, or a scenario that cannot be run.
pub fn jobs(
    scenarios: &[String],
    switches: &[String],
    seeds: impl Iterator<Item = u64> + Clone,
) -> Result<Vec<Job>, AblateError> {
    let (trials, turned) = (chosen(scenarios)?, turned(switches)?);
    let mut jobs = Vec::new();
    for trial in trials {
        for turned in std::iter::once(None).chain(turned.iter().copied().map(Some)) {
            let of = seeds.clone().map(|seed| Job { trial, turned, seed });
            if let Some(first) = of.clone().next() {
                let _ = first.scenario()?;
            }
            jobs.extend(of);
        }
    }
    Ok(jobs)
}

fn chosen(scenarios: &[String]) -> Result<Vec<&'static Trial>, AblateError> {
    let fits = |trial: &Trial, name: &str| {
        trial.run.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if let Some(unknown) = scenarios.iter().find(|name| !TRIALS.iter().any(|trial| fits(trial, name))) {
        return Err(AblateError::Scenario(unknown.clone()));
    }
    let wanted = |trial: &&Trial| scenarios.is_empty() || scenarios.iter().any(|name| fits(trial, name));
    Ok(TRIALS.iter().filter(wanted).collect())
}

fn turned(switches: &[String]) -> Result<Vec<Turned>, AblateError> {
    let all = gossip_config::switches(Mechanisms::ALL);
    if let Some(unknown) = switches.iter().find(|name| !all.iter().any(|(known, _)| known == name)) {
        return Err(AblateError::Switch(unknown.clone()));
    }
    let wanted = |name: &str| switches.is_empty() || switches.iter().any(|wanted| wanted == name);
    let wanted = all.into_iter().filter(|(name, _)| wanted(name));
    Ok(wanted.map(|(switch, on)| Turned { switch, on: !on }).collect())
}

impl Job {
    /// Which scenario it runs.
    #[must_use]
    pub fn of(&self) -> &'static str {
        self.trial.run
    }

    /// What it runs, in words.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}, {}, seed {}", self.trial.run, told(self.turned), self.seed)
    }

    fn plan(&self) -> Result<Plan, ScenarioError> {
        let name = self.trial.run.split('/').next().unwrap_or_default();
        let mut plan = load(name)?;
        for setting in self.trial.settings {
            plan.set(setting)?;
        }
        if let Some(Turned { switch, on }) = self.turned {
            plan.set(&format!("config.mechanisms.{switch}={on}"))?;
            for (_, along) in ALONG.iter().filter(|&&(of, _)| of == switch && !on) {
                plan.set(&format!("config.mechanisms.{along}=false"))?;
            }
        }
        Ok(plan)
    }

    fn scenario(&self) -> Result<Scenario, AblateError> {
        let variants = self.plan()?.variants()?;
        let named = variants.into_iter().find(|variant| variant.name == self.trial.run);
        named.ok_or(AblateError::Run(self.trial.run))
    }

    /// Runs it.
    ///
    /// # Errors
    /// A scenario that cannot be run.
    pub fn run(self) -> Result<Tried, AblateError> {
        let outcome = run(&self.scenario()?, self.seed, &mut |_: Progress| ())?;
        Ok(Tried { job: self, summary: outcome.summary })
    }
}

/// A switch that is turned, in words.
#[must_use]
pub fn told(turned: Option<Turned>) -> String {
    match turned {
        None => "as it is".into(),
        Some(Turned { switch, on }) => format!("{switch} {}", if on { "on" } else { "off" }),
    }
}

/// The rows of what was tried, which is in the order of its jobs.
#[must_use]
pub fn rows(tried: &[Tried]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut base: &[Tried] = &[];
    for runs in tried.chunk_by(|a, b| a.job.trial.run == b.job.trial.run && a.job.turned == b.job.turned) {
        let Some(Tried { job, .. }) = runs.first() else { continue };
        if job.turned.is_none() {
            base = runs;
        }
        let digests = |runs: &[Tried]| -> Vec<String> {
            runs.iter().map(|tried| tried.summary.trace_digest.clone()).collect()
        };
        rows.push(Row {
            scenario: job.trial.run,
            turned: job.turned,
            seeds: runs.len() as u32,
            seconds_of: job.trial.seconds.name(),
            unaffected: digests(runs) == digests(base),
            figures: Figures::of(runs, job.trial.seconds),
            as_it_is: Figures::of(base, job.trial.seconds),
        });
    }
    rows
}

impl Figures {
    fn of(runs: &[Tried], seconds: Seconds) -> Self {
        let runs = || runs.iter().map(|tried| &tried.summary);
        let cut_off = |run: &Summary| run.extras.get("cut_off_deaths").copied().unwrap_or_default() as u64;
        Self {
            false_deaths: runs().map(|run| run.false_deaths).sum(),
            cut_off_deaths: runs().map(cut_off).sum(),
            missed_deaths: runs().filter_map(|run| run.missed_deaths).sum(),
            views_differ: runs().filter(|run| !run.views_equal).count() as u32,
            seconds: median(runs().map(|run| seconds.of(run))),
            status_changes_max: runs().map(|run| run.status_changes_max).max().flatten(),
            bytes_per_node_s: median(runs().map(|run| run.sent.bytes_per_node_s_mean)),
        }
    }
}

/// The lower median; what was not measured is larger than all else.
fn median(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let mut values: Vec<f64> = values.map(|value| value.unwrap_or(f64::INFINITY)).collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len().checked_sub(1)? / 2;
    values.get(middle).copied().filter(|value| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_switch_can_be_turned_in_every_scenario() {
        let jobs = jobs(&[], &[], 1..2).unwrap();
        assert_eq!(jobs.len(), TRIALS.len() * (1 + switches().len()));
        for job in jobs.iter().filter(|job| job.turned.is_some()) {
            let config = job.scenario().unwrap().core_config().unwrap();
            let now = gossip_config::switches(config.mechanisms);
            let Turned { switch, on } = job.turned.unwrap();
            assert!(now.contains(&(switch, on)), "{}", job.name());
        }
    }

    #[test]
    fn a_row_shows_what_a_switch_changes() {
        let jobs = jobs(&["crash".into()], &["suspicion".into()], 1..3).unwrap();
        let tried: Vec<Tried> = jobs.into_iter().map(|job| job.run().unwrap()).collect();
        let rows = rows(&tried);
        let [base, turned] = rows.as_slice() else { panic!("{rows:?}") };
        assert!(base.turned.is_none() && base.unaffected && base.figures == base.as_it_is);
        assert_eq!(turned.turned, Some(Turned { switch: "suspicion", on: false }));
        assert_eq!((turned.as_it_is, turned.seeds), (base.figures, 2));
        // No one waits for a suspicion to run out.
        assert!(!turned.unaffected && turned.figures.seconds < turned.as_it_is.seconds, "{turned:?}");
    }

    #[test]
    fn a_time_that_was_never_reached_is_the_longest() {
        assert_eq!(median([Some(3.0), None, Some(1.0)].into_iter()), Some(3.0));
        assert_eq!(median([None, None, Some(1.0)].into_iter()), None);
        assert_eq!(median([Some(4.0), Some(2.0)].into_iter()), Some(2.0));
        assert_eq!(median(std::iter::empty()), None);
    }

    #[test]
    fn names_that_are_unknown_are_told_with_those_that_are_known() {
        let no_scenario = jobs(&["half".into()], &[], 1..2).unwrap_err().to_string();
        assert!(no_scenario.contains("'half'") && no_scenario.contains("half-dies/d60/of-200"));
        let no_switch = jobs(&[], &["magic".into()], 1..2).unwrap_err().to_string();
        assert!(no_switch.contains("'magic'") && no_switch.contains("earned_death"));
        assert_eq!(jobs(&["mass-crash".into()], &["quarantines".into()], 1..2).unwrap().len(), 4);
    }
}
