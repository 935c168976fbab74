//! Sweeps: what each knob costs, one at a time, by the figures of shipped scenarios.

use crate::{
    run::{Progress, RunError, run},
    scenario::{Plan, ScenarioError, load},
    statistics::Summary,
};
use serde::Serialize;
use serde_json::{Map, Value};
use thiserror::Error;

/// A figure of a scenario that is run at each point of a sweep.
struct Column {
    title: &'static str,
    /// One of [`TRIALS`].
    trial: usize,
    figure: &'static str,
}

/// A shipped scenario, and what is changed of it for a sweep.
struct Trial {
    scenario: &'static str,
    settings: &'static [&'static str],
}

/// Idle; ten crashes; loss, latency, updates and crashes; many updates by push alone.
const TRIALS: &[Trial] = &[
    Trial { scenario: "steady", settings: &["duration_s=20"] },
    Trial { scenario: "crash", settings: &["duration_s=45"] },
    Trial { scenario: "loss", settings: &[] },
    Trial {
        scenario: "spread",
        settings: &[
            "step.0.every_s=0.1",
            "link.loss=0.05",
            "config.mode=push",
            "config.mechanisms.repair=false",
        ],
    },
];

const COLUMNS: &[Column] = &[
    Column { title: "idle B/s", trial: 0, figure: "sent.bytes_per_node_s_mean" },
    Column { title: "crash p50 s", trial: 1, figure: "detection.all_p50_s" },
    Column { title: "crash p99 s", trial: 1, figure: "detection.all_p99_s" },
    Column { title: "lossy crash p99 s", trial: 2, figure: "detection.all_p99_s" },
    Column { title: "lossy suspicions", trial: 2, figure: "false_suspicions" },
    Column { title: "lossy deaths", trial: 2, figure: "false_deaths" },
    Column { title: "lossy B/s", trial: 2, figure: "sent.bytes_per_node_s_mean" },
    Column { title: "spread p99 s", trial: 3, figure: "spread.p99_s" },
    Column { title: "spread p100 s", trial: 3, figure: "spread.p100_s" },
    Column { title: "spread misses", trial: 3, figure: "missed_updates" },
    Column { title: "spread B/s", trial: 3, figure: "sent.bytes_per_node_s_mean" },
];

/// What is swept when nothing is asked for: knobs of the scenarios' `[config]`, and their values.
const KNOBS: &[&str] = &[
    "fanout=1,2,3,4,6",
    "gossip_interval_ms=50,100,200,400",
    "retransmit_factor=1,2,3,4,6",
    "probe_interval_ms=500,1000,2000",
    "direct_pings=1,2,3,5",
    "relays=0,1,3,6",
    "relay_pings=1,2,3",
    "pause_tolerance_ms=1000,2000,4000",
    "suspicion_factor=2,4,6,12",
    "confirmations=1,2,3",
    "ack_timeout_min_ms=10,30,100",
];
/// Most points of one sweep; more would take days.
const MAX_POINTS: usize = 1_000;

/// Why a sweep could not be made.
#[derive(Debug, Error)]
pub enum SweepError {
    /// Not `knob=value,value`.
    #[error("cannot sweep '{0}': write knob=value,value")]
    Malformed(String),
    /// More points than 1,000.
    #[error("a sweep has at most {MAX_POINTS} points")]
    TooMany,
    /// The knob does not exist, or does not take the value.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// A scenario could not be run.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// One knob at one value; or, without a knob, the preset as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point(Option<(String, String)>);

/// What came of one point.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct Row {
    pub knob: Option<String>,
    pub value: Option<String>,
    /// By the [`titles`], in their order: the mean over all seeds; null where a seed did not measure it.
    pub figures: Map<String, Value>,
}

/// The titles of a row's figures.
pub fn titles() -> impl Iterator<Item = &'static str> {
    COLUMNS.iter().map(|column| column.title)
}

/// The points that were asked for, each as `knob=value,value`; of all knobs if none was. The first is the preset.
///
/// # Errors
/// Not in that form, or too many of them.
pub fn points(asked: &[String]) -> Result<Vec<Point>, SweepError> {
    let all: Vec<String> = KNOBS.iter().map(|&knob| knob.into()).collect();
    let mut points = vec![Point(None)];
    for knob in if asked.is_empty() { &all } else { asked } {
        let malformed = || SweepError::Malformed(knob.clone());
        let (name, values) = knob.split_once('=').ok_or_else(malformed)?;
        if name.is_empty() || values.split(',').any(str::is_empty) {
            return Err(malformed());
        }
        points.extend(values.split(',').map(|value| Point(Some((name.into(), value.into())))));
    }
    if points.len() > MAX_POINTS { Err(SweepError::TooMany) } else { Ok(points) }
}

/// Whether every point can be measured: its knob exists and takes the value, in a cluster of this many nodes.
///
/// # Errors
/// The first that cannot.
pub fn check(points: &[Point], nodes: u32) -> Result<(), SweepError> {
    for (point, trial) in points.iter().flat_map(|point| TRIALS.iter().map(move |trial| (point, trial))) {
        let _ = point.plan(trial, nodes)?.variants()?;
    }
    Ok(())
}

/// Runs all of a point's scenarios, of this many nodes, under each of some seeds.
///
/// # Errors
/// A knob that does not exist, or a value that it does not take.
pub fn measure(
    point: &Point,
    nodes: u32,
    seeds: impl Iterator<Item = u64> + Clone,
) -> Result<Row, SweepError> {
    let mut figures = Map::new();
    for (trial, told) in TRIALS.iter().enumerate() {
        let mut outcomes = Vec::new();
        for scenario in point.plan(told, nodes)?.variants()? {
            for seed in seeds.clone() {
                outcomes.push(run(&scenario, seed, &mut |_: Progress| ())?.figures());
            }
        }
        for column in COLUMNS.iter().filter(|column| column.trial == trial) {
            let _ = figures.insert(column.title.into(), mean(&outcomes, column.figure).into());
        }
    }
    let (knob, value) = point.0.clone().unzip();
    Ok(Row { knob, value, figures })
}

/// The mean of a figure over all runs; none if one of them did not measure it.
fn mean(outcomes: &[Vec<(String, Value)>], figure: &str) -> Option<f64> {
    let value = |figures: &Vec<(String, Value)>| figures.iter().find(|(name, _)| name == figure)?.1.as_f64();
    let values: Vec<f64> = outcomes.iter().map(value).collect::<Option<_>>()?;
    Summary::of(values).map(|values| values.mean())
}

impl Point {
    fn plan(&self, trial: &Trial, nodes: u32) -> Result<Plan, ScenarioError> {
        let mut plan = load(trial.scenario)?;
        plan.set(&format!("nodes={nodes}"))?;
        for setting in trial.settings {
            plan.set(setting)?;
        }
        if let Some((knob, value)) = &self.0 {
            plan.set(&format!("config.{knob}={value}"))?;
        }
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_of_the_standard_sweep_is_one_that_the_scenarios_take() {
        for point in points(&[]).unwrap() {
            for trial in TRIALS {
                assert_eq!(point.plan(trial, 50).unwrap().variants().unwrap().len(), 1, "{point:?}");
            }
        }
    }

    #[test]
    fn a_row_has_a_figure_for_every_title_and_shows_what_a_knob_costs() {
        let points = points(&["probe_interval_ms=500".into()]).unwrap();
        let rows: Vec<Row> = points.iter().map(|point| measure(point, 20, 1..2).unwrap()).collect();
        assert_eq!(rows[0].figures.len(), titles().count());
        assert!(rows.iter().all(|row| row.figures.values().all(Value::is_number)), "{rows:?}");
        // Twice as many probes.
        let idle = |row: &Row| row.figures["idle B/s"].as_f64().unwrap();
        assert!(idle(&rows[1]) > 1.8 * idle(&rows[0]), "{rows:?}");
    }

    #[test]
    fn what_cannot_be_swept_is_named() {
        for bad in ["fanout", "=3", "fanout=", "fanout=1,,2"] {
            assert!(points(&[bad.into()]).unwrap_err().to_string().contains(bad));
        }
        let unknown = &points(&["fanuot=3".into()]).unwrap()[1];
        assert!(measure(unknown, 10, 1..2).unwrap_err().to_string().contains("fanuot"));
    }
}
