//! What came of a run: the figures, whether they are as expected, and the pictures.

mod security;

pub use security::{SealingFigures, SigningFigures};

use crate::{
    engine::{HostId, Micros, World},
    measure::{
        self, AuditFigures, ChangeFigures, EventFigures, Lag, Measure, PulseFigures, Rates, ValueFigures,
        WatchFigures, lag_quantile, thousandths,
    },
    record::Verdict,
    scenario::{Action, Bound, Range, Scenario},
};
use gossip_core::Metrics;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The figures of a run, as `--json` prints them. What a scenario does not measure is null.
#[derive(Clone, Debug, PartialEq, Default, Serialize)]
#[allow(missing_docs)]
pub struct Summary {
    pub scenario: String,
    pub seed: u64,
    /// At the start.
    pub nodes: u32,
    /// Virtual time.
    pub simulated_s: f64,
    /// Wall time to build the world.
    pub setup_s: f64,
    /// Wall time to run it.
    pub wall_s: f64,
    /// From a change at its origin until that share of the live nodes holds it; of several, the slowest. The
    /// changes are the scenario's updates, or, where it has none, its joins.
    pub spread: Spread,
    pub lag: LagFigures,
    pub join: Join,
    /// From a crash until the first, and until all, know of it.
    pub detection: Detection,
    /// Lives that anyone suspected.
    pub suspicions: u64,
    /// Those of members that ran and were not cut off from who suspected them first.
    pub false_suspicions: u64,
    /// Lives declared dead though the member ran and was not cut off from who declared it first.
    pub false_deaths: u64,
    /// Datagrams that their receivers refused as malformed.
    pub malformed: u64,
    /// Crashes that not all who ran through knew of at the end.
    pub missed_deaths: Option<u64>,
    /// The most changes of one member's status that one node told of in any minute.
    pub status_changes_max: Option<u32>,
    pub sent: Sent,
    /// Bytes of UDP payload.
    pub largest_datagram: usize,
    /// Whether, at the end, all running nodes' fingerprints are equal and show exactly who runs.
    pub views_equal: bool,
    /// The largest share of a side's nodes that, when a cut between sides ended, did not see what most of their own
    /// side saw.
    pub sides_divergence: Option<f64>,
    /// From the end of the last fault until views are equal and right.
    pub heal_s: Option<f64>,
    /// How kept state spread.
    pub state: StateFigures,
    /// The same of the changes that named steps make, by their names.
    pub publish: BTreeMap<String, ChangeFigures>,
    /// How user events were delivered.
    pub events: EventFigures,
    /// How fresh is what nodes know of each other by pulses.
    pub pulses: PulseFigures,
    /// How cluster-wide values spread.
    pub values: ValueFigures,
    /// What nodes counted of sealing.
    pub sealing: SealingFigures,
    /// What they counted of signatures.
    pub signing: SigningFigures,
    /// What was found in quiet windows.
    pub audit: AuditFigures,
    /// What was watched, by the watches' names.
    pub watch: BTreeMap<String, WatchFigures>,
    pub trace_digest: String,
    /// Figures that only some scenarios ask for.
    #[serde(flatten)]
    pub extras: BTreeMap<&'static str, f64>,
}

/// See [`Summary::spread`].
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize)]
#[allow(missing_docs)]
pub struct Spread {
    pub p50_s: Option<f64>,
    pub p99_s: Option<f64>,
    pub p100_s: Option<f64>,
}

/// Convergence lag: upper ends, in ms, of buckets that double; as the nodes measured it of all news, and as the
/// changes that are followed took in truth.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize)]
#[allow(missing_docs)]
pub struct LagFigures {
    pub nodes_p50_ms: Option<u64>,
    pub nodes_p99_ms: Option<u64>,
    pub seen_p50_ms: Option<u64>,
    pub seen_p99_ms: Option<u64>,
}

/// How long joiners took until they saw all who run.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize)]
#[allow(missing_docs)]
pub struct Join {
    pub full_view_p50_s: Option<f64>,
    pub full_view_max_s: Option<f64>,
}

/// See [`Summary::detection`].
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize)]
#[allow(missing_docs)]
pub struct Detection {
    pub first_p50_s: Option<f64>,
    pub first_p99_s: Option<f64>,
    pub all_p50_s: Option<f64>,
    pub all_p99_s: Option<f64>,
}

/// Kept state: changes that steps make, and what it costs. Null where nothing is published.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize)]
#[allow(missing_docs)]
pub struct StateFigures {
    #[serde(flatten)]
    pub changes: ChangeFigures,
    /// From a join until the joiner knew all keys and values of all who run: the median, and the longest.
    pub join_p50_s: Option<f64>,
    pub join_max_s: Option<f64>,
    /// Whether, at the end, all know all keys and values of each other byte for byte; and how long after the last fault
    /// they did.
    pub equal: Option<bool>,
    pub heal_s: Option<f64>,
    /// For each change, what a node sent in all beyond what it sends in the quietest second, in bytes of UDP payload; and
    /// what of it were items and heads.
    pub bytes_per_change: Option<f64>,
    pub item_bytes_per_change: Option<f64>,
    /// Items and heads that a node sent in a second between the first change and the last.
    pub bytes_per_node_s: Option<f64>,
    /// Writes that their nodes refused, and entries that others had no room for.
    pub refused: Option<u64>,
    pub dropped: Option<u64>,
}

impl Detection {
    fn of(found: &measure::Detection) -> Self {
        Self {
            first_p50_s: found.first_p50.map(thousandths),
            first_p99_s: found.first_p99.map(thousandths),
            all_p50_s: found.all_p50.map(thousandths),
            all_p99_s: found.all_p99.map(thousandths),
        }
    }
}

/// UDP payloads sent.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize)]
#[allow(missing_docs)]
pub struct Sent {
    pub bytes_per_node_s_mean: Option<f64>,
    /// The mean of all nodes in the quietest whole second.
    pub bytes_per_node_s_idle: Option<f64>,
    pub bytes_per_node_s_p99: Option<f64>,
    /// The most of any node in any whole second.
    pub bytes_per_node_s_max: Option<f64>,
    pub packets_per_node_s_mean: Option<f64>,
    /// By a node in the whole run, those that run at the end: rumors, and all else that is told of members.
    pub records_per_node: Option<f64>,
    /// Into other zones, those in other regions included.
    pub cross_zone_bytes_per_node_s: Option<f64>,
    pub cross_region_bytes_per_node_s: Option<f64>,
    /// Of the bytes of gossip rounds.
    pub cross_zone_rumor_share: Option<f64>,
    pub cross_region_rumor_share: Option<f64>,
}

impl Sent {
    fn of(rates: &Rates, records_per_node: Option<f64>) -> Self {
        let round = |value: Option<f64>| value.map(thousandths);
        Self {
            bytes_per_node_s_mean: round(rates.bytes_mean),
            bytes_per_node_s_idle: round(rates.bytes_idle),
            bytes_per_node_s_p99: rates.bytes_p99,
            bytes_per_node_s_max: rates.bytes_max,
            packets_per_node_s_mean: round(rates.packets_mean),
            records_per_node: round(records_per_node),
            cross_zone_bytes_per_node_s: round(rates.cross_zone),
            cross_region_bytes_per_node_s: round(rates.cross_region),
            cross_zone_rumor_share: round(rates.cross_zone_rumors),
            cross_region_rumor_share: round(rates.cross_region_rumors),
        }
    }
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The figures.
    pub summary: Summary,
    /// Convergence lag, as the nodes measured it and as it was.
    pub lag: Lag,
    /// Expectations that were not met, each in words. Empty: all is well.
    pub failures: Vec<String>,
    /// The first false deaths, each in words.
    pub false_deaths_told: Vec<String>,
    /// The first laws that audits found broken, each in words.
    pub laws_told: Vec<String>,
}

/// Figures that only some scenarios ask for.
const EXTRAS: [&str; 9] = [
    "amplification",
    "amplification_max",
    "cut_off_deaths",
    "lost",
    "missed_updates",
    "overflowed",
    "spins",
    "undisturbed_deaths",
    "undisturbed_deaths_at_undisturbed",
];

/// The names of all figures that a scenario can measure.
fn names(scenario: &Scenario) -> Vec<String> {
    let extras = EXTRAS.iter().map(|name| (*name, 0.0)).collect();
    let watch = blank_watches(scenario).collect();
    let publish = publish_figures(scenario, &BTreeMap::new());
    let summary = Summary { watch, publish, extras, ..Summary::default() };
    summary.figures().into_iter().map(|(name, _)| name).collect()
}

/// What a scenario's watches have measured before they begin.
fn blank_watches(scenario: &Scenario) -> impl Iterator<Item = (String, WatchFigures)> {
    let watches = scenario.events.iter().filter(|event| event.action == Action::Watch);
    let named = watches.filter_map(|event| Some((event.name.clone()?, &event.deaths)));
    named.map(|(name, deaths)| (name, WatchFigures::none(deaths)))
}

/// The figures of named steps that publish, by their names.
fn publish_figures(
    scenario: &Scenario,
    found: &BTreeMap<usize, ChangeFigures>,
) -> BTreeMap<String, ChangeFigures> {
    let steps = scenario.events.iter().enumerate().filter(|(_, event)| event.action == Action::Publish);
    let named = steps.filter_map(|(n, event)| Some((event.name.clone()?, n)));
    named.map(|(name, n)| (name, found.get(&n).copied().unwrap_or_default())).collect()
}

fn event_figures(world: &World<Measure>) -> EventFigures {
    let nodes = world.running().count().max(1) as f64;
    let bytes: u64 = world.running().map(|(_, host)| host.node.metrics().bytes_of_events).sum();
    world.watch.events.figures(world.hosts(), bytes as f64 / nodes)
}

fn pulse_figures(world: &World<Measure>) -> PulseFigures {
    let metrics = || world.running().map(|(_, host)| host.node.metrics());
    let sent = (metrics().map(|of| of.pulses_sent).sum(), metrics().map(|of| of.bytes_pulse).sum());
    world.watch.pulses.figures(sent, world.running().count().max(1) as f64)
}

/// What a scenario's kept state came to, beside what is measured while it runs.
fn state_figures(
    (changes, rates): (ChangeFigures, &Rates),
    simulated_s: f64,
    world: &World<Measure>,
) -> StateFigures {
    let states = &world.watch.states;
    if !states.is_any() {
        return StateFigures::default();
    }
    let (join_p50, join_max) = states.joins(world.hosts());
    let nodes = world.running().count().max(1) as f64;
    let sum = |count: &dyn Fn(&Metrics) -> u64| {
        world.running().map(|(_, host)| count(host.node.metrics())).sum::<u64>() as f64
    };
    let items = sum(&|metrics| metrics.bytes_of_state);
    let per_change =
        |bytes: f64| (states.changes() > 0).then(|| thousandths(bytes / states.changes() as f64));
    let more = rates.bytes_mean.zip(rates.bytes_idle).map(|(mean, idle)| (mean - idle) * simulated_s);
    let period = Some(states.period_s()).filter(|&period| period > 0.0);
    StateFigures {
        changes,
        join_p50_s: join_p50.map(thousandths),
        join_max_s: join_max.map(thousandths),
        equal: None,
        heal_s: None,
        bytes_per_change: more.and_then(per_change),
        item_bytes_per_change: per_change(items / nodes),
        bytes_per_node_s: period.map(|period| thousandths(items / nodes / period)),
        refused: Some(states.refused),
        dropped: Some(sum(&|metrics| metrics.dropped_entries) as u64),
    }
}

/// Whether everything that a scenario expects is a figure of it, and can be met.
///
/// # Errors
/// What is wrong, in words.
pub fn check(scenario: &Scenario) -> Result<(), String> {
    check_figures(scenario, &scenario.expect).map_err(|why| format!("expect: {why}"))
}

/// The same of other expectations of its figures.
///
/// # Errors
/// What is wrong, in words.
pub fn check_figures(scenario: &Scenario, expected: &BTreeMap<String, Bound>) -> Result<(), String> {
    let known = names(scenario);
    for (name, bound) in expected {
        if !known.contains(name) {
            let alike = |known: &&String| strsim::jaro_winkler(name, known);
            let near = known.iter().max_by(|a, b| alike(a).total_cmp(&alike(b)));
            let near = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
            return Err(format!("there is no figure '{name}'{near}"));
        }
        if let Bound::Within(Range { min: Some(min), max: Some(max) }) = bound
            && min > max
        {
            return Err(format!("{name} cannot be {min} at least and {max} at most"));
        }
    }
    Ok(())
}

impl Summary {
    /// Every figure by its name in the JSON, with dots.
    pub fn figures(&self) -> Vec<(String, Value)> {
        let mut figures = Vec::new();
        flatten(String::new(), serde_json::to_value(self).unwrap_or_default(), &mut figures);
        figures
    }
}

impl Outcome {
    pub(crate) fn of(scenario: &Scenario, seed: u64, world: &World<Measure>) -> Self {
        let (measure, hosts) = (&world.watch, world.hosts());
        let times = measure.spreads.times(hosts);
        let (join_p50, join_max) = measure.spreads.joins(hosts);
        let (judgements, found) = (&measure.judgements, measure.judgements.detection(hosts));
        let rates = measure.sent.rates();
        let (changes, by_step) = measure.states.figures(hosts);
        let lag = Lag::of(hosts, measure.spreads.lags());
        let round = |value: Option<f64>| value.map(thousandths);
        let summary = Summary {
            scenario: scenario.name.clone(),
            seed,
            nodes: scenario.nodes,
            simulated_s: scenario.duration_s,
            setup_s: 0.0,
            wall_s: 0.0,
            spread: Spread { p50_s: round(times.p50), p99_s: round(times.p99), p100_s: round(times.p100) },
            lag: LagFigures {
                nodes_p50_ms: lag_quantile(&lag.nodes, 0.5),
                nodes_p99_ms: lag_quantile(&lag.nodes, 0.99),
                seen_p50_ms: lag_quantile(&lag.seen, 0.5),
                seen_p99_ms: lag_quantile(&lag.seen, 0.99),
            },
            join: Join { full_view_p50_s: round(join_p50), full_view_max_s: round(join_max) },
            detection: Detection::of(&found),
            suspicions: judgements.suspicions(),
            false_suspicions: judgements.false_suspicions,
            false_deaths: judgements.false_deaths,
            malformed: world.counts().malformed,
            missed_deaths: found.missed,
            status_changes_max: measure.flaps.most(),
            sent: Sent::of(&rates, measure::records_per_node(world)),
            largest_datagram: measure.sent.largest_datagram(),
            views_equal: measure::are_equal_and_right(world),
            sides_divergence: measure.views.sides,
            heal_s: None,
            state: state_figures((changes, &rates), scenario.duration_s, world),
            publish: publish_figures(scenario, &by_step),
            events: event_figures(world),
            pulses: pulse_figures(world),
            values: measure.values.figures(world),
            sealing: SealingFigures::of(scenario, world),
            signing: SigningFigures::of(scenario, world),
            audit: measure.audits.figures(judgements),
            watch: blank_watches(scenario).chain(measure.watches.figures()).collect(),
            trace_digest: world.digest().to_string(),
            extras: BTreeMap::from([
                ("missed_updates", measure.spreads.missed(hosts) as f64),
                ("cut_off_deaths", judgements.cut_off_deaths as f64),
                ("undisturbed_deaths", judgements.undisturbed_deaths as f64),
                ("undisturbed_deaths_at_undisturbed", judgements.undisturbed_deaths_at_undisturbed() as f64),
            ]),
        };
        Self {
            summary,
            lag,
            failures: Vec::new(),
            false_deaths_told: judgements.told.iter().map(in_words).collect(),
            laws_told: measure.audits.told().to_vec(),
        }
    }

    /// Compares the figures with what was expected, and says what came of each expectation.
    pub(crate) fn judge(&mut self, expected: &BTreeMap<String, Bound>) -> Vec<Verdict> {
        let figures = self.figures();
        let mut verdicts = Vec::new();
        for (name, bound) in expected {
            let figure = figures.iter().find(|(figure, _)| figure == name).map(|(_, value)| value);
            let failure = failure(name, *bound, figure);
            let got = figure.cloned().unwrap_or_default();
            verdicts.push(Verdict {
                name: name.clone(),
                bounds: bounds(*bound),
                got,
                is_met: failure.is_none(),
            });
            self.failures.extend(failure);
        }
        verdicts
    }

    /// Every figure by its name in the JSON, with dots.
    pub fn figures(&self) -> Vec<(String, Value)> {
        self.summary.figures()
    }

    /// The one line of `--json`.
    pub fn json(&self) -> String {
        // Plain structs of numbers and strings always serialise.
        serde_json::to_string(&self.summary).unwrap_or_default()
    }

    /// The figures that were measured, in words.
    pub fn facts(&self) -> Vec<(String, String)> {
        let text = |value: Value| match value {
            Value::Null => None,
            Value::String(text) => Some(text),
            Value::Number(number) if number.is_f64() => Some(thousandths(number.as_f64()?).to_string()),
            other => Some(other.to_string()),
        };
        let mut facts: Vec<(String, String)> =
            self.figures().into_iter().filter_map(|(name, value)| Some((name, text(value)?))).collect();
        // Most kinds of events never happen in a window.
        let counts = |name: &str| name.contains(".events.") || name.contains(".most.");
        facts.retain(|(name, value)| !(counts(name) && value == "0"));
        let Summary { events, values, pulses, .. } = &self.summary;
        let unused = [
            ("events.", events.sent == 0 && events.refused == 0),
            ("pulses.", pulses.sent == 0 && pulses.refused == 0),
            ("values.", values.changes.changes == 0 && values.refused == 0),
        ];
        facts.retain(|(name, _)| !unused.iter().any(|(of, unused)| *unused && name.starts_with(of)));
        if !self.false_deaths_told.is_empty() {
            facts.push(("the first false deaths".into(), self.false_deaths_told.join("; ")));
        }
        if !self.laws_told.is_empty() {
            facts.push(("the first broken laws".into(), self.laws_told.join("; ")));
        }
        facts
    }
}

/// The figures within a value, by their names with dots.
fn flatten(name: String, value: Value, figures: &mut Vec<(String, Value)>) {
    let Value::Object(fields) = value else { return figures.push((name, value)) };
    for (field, value) in fields {
        let name = if name.is_empty() { field } else { format!("{name}.{field}") };
        flatten(name, value, figures);
    }
}

/// A bound as recordings have it.
fn bounds(bound: Bound) -> Vec<(&'static str, Value)> {
    match bound {
        Bound::Is(wanted) => vec![("is", wanted.into())],
        Bound::Equals(wanted) => vec![("is", wanted.into())],
        Bound::Within(Range { min, max }) => {
            let ends = [("min", min), ("max", max)];
            ends.into_iter().filter_map(|(name, end)| Some((name, end?.into()))).collect()
        }
    }
}

fn in_words(&(at, observer, target): &(Micros, HostId, HostId)) -> String {
    format!("node-{observer} held node-{target} dead at {:.3} s", measure::seconds(at))
}

/// How a figure misses what was expected of it, in words.
pub(crate) fn failure(name: &str, bound: Bound, figure: Option<&Value>) -> Option<String> {
    let Some(value) = figure else { return Some(format!("{name}: there is no such measure")) };
    if value.is_null() {
        return Some(format!("{name}: expected {bound}, but it was never reached or not measured"));
    }
    let met = match (bound, value.as_f64(), value.as_bool()) {
        (Bound::Is(wanted), _, Some(is)) => is == wanted,
        (Bound::Equals(wanted), Some(is), _) => is == wanted,
        (Bound::Within(Range { min, max }), Some(is), _) => {
            min.is_none_or(|min| is >= min) && max.is_none_or(|max| is <= max)
        }
        _ => false,
    };
    (!met).then(|| format!("{name}: expected {bound}, and it is {value}"))
}
