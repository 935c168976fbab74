//! Scenarios: what is run, what is done to it, and what is expected of it. They are TOML files, the shipped ones
//! included; `simulator/scenarios/README.md` says what they may hold.

mod file;
mod links;
mod modes;
mod sealing;
mod signing;
mod steps;
mod time;

pub use file::{Bound, Range, Scenario, Start, StateFile};
pub use modes::{Mode, Rotate, SybilWord};
pub use steps::{Action, Direction, Event, Selector};

use serde::Deserialize;
use std::{collections::BTreeMap, fs, path::Path};
use thiserror::Error;
use toml::{Table, Value};

/// The comparison that a scenario asks for, as its `[versus]` gives it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Versus {
    /// The label, on the first axis, of what the others are compared with.
    pub base: String,
    /// By label: the shares expected, by the names of the figures.
    pub expect: BTreeMap<String, BTreeMap<String, Bound>>,
}

/// Runs that the axes of one scenario may make.
const MAX_VARIANTS: usize = 1_000;

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../scenarios/", $name, ".toml")))),*]
    };
}

/// The scenarios that ship with the program: name and text.
pub const SHIPPED: &[(&str, &str)] = shipped![
    "steady",
    "spread",
    "modes",
    "loss",
    "crash",
    "join",
    "merge",
    "narrow-path",
    "cold-start",
    "mass-restart",
    "churn",
    "gc-pauses",
    "rack-loss",
    "asymmetric",
    "three-regions",
    "partition",
    "region-partition",
    "slow-node",
    "degraded-region",
    "no-seeds",
    "routable",
    "swapped-seeds",
    "duplicate-name",
    "scale-in",
    "surge-replace",
    "churn-rates",
    "last-ones",
    "mass-crash",
    "third-crash",
    "busy",
    "half-dies",
    "flapping-zone",
    "flapping-link",
    "returning",
    "semi-detached",
    "one-way-pairs",
    "one-way-flip-flops",
    "lossy-few",
    "heavy-loss",
    "long-delays",
    "overload",
    "attack",
    "replay",
    "reference",
    "ablation",
    "lifeguard",
    "lifeguard-threshold",
    "soak",
    "state-spread",
    "state-loss",
    "state-storm",
    "state-greedy",
    "state-join",
    "state-partition",
    "state-churn",
    "state-full",
    "events",
    "values-partition",
    "pulses",
    "sealed-steady",
    "sealed-cold-start",
    "sealing-rollout",
    "sealing-downgrade",
    "key-rotation",
    "key-sleeper",
    "key-emergency",
    "insider",
    "flood",
    "replay-attack",
    "poison",
    "snapshot",
    "clone",
    "signed-steady",
    "signed-cold-start",
    "signed-crashes",
    "signing-rollout",
    "sybil",
];

/// What is wrong with a scenario, and where.
#[derive(Debug, Error)]
pub enum ScenarioError {
    /// Neither a shipped scenario nor a file.
    #[error("there is no scenario and no file named '{0}'; `simulator list` names the scenarios")]
    Unknown(String),
    /// The file cannot be read.
    #[error("{0}: {1}")]
    Unreadable(String, std::io::Error),
    /// It is no TOML, or not what a scenario holds.
    #[error("{0}: {error}", error = .1.to_string().trim_end())]
    Malformed(String, toml::de::Error),
    /// An override names something that does not exist, or is no `key=value`.
    #[error("cannot set '{0}': {1}")]
    Override(String, String),
    /// It contradicts itself, or asks for what cannot be.
    #[error("{0}: {1}")]
    Invalid(String, String),
}

/// A scenario before its axes are multiplied out.
#[derive(Clone, Debug)]
pub struct Plan {
    name: String,
    table: Table,
    axes: Vec<Vec<(String, Table)>>,
    versus: Option<Versus>,
}

/// Finds a shipped scenario by its name, or reads a file.
///
/// # Errors
/// Neither exists, or the text is no TOML.
pub fn load(name: &str) -> Result<Plan, ScenarioError> {
    if let Some((name, text)) = SHIPPED.iter().find(|(shipped, _)| *shipped == name) {
        return Plan::parse(name, text);
    }
    if !Path::new(name).exists() {
        return Err(ScenarioError::Unknown(name.into()));
    }
    let text = fs::read_to_string(name).map_err(|error| ScenarioError::Unreadable(name.into(), error))?;
    let stem = Path::new(name).file_stem().map_or(name.into(), |stem| stem.to_string_lossy());
    Plan::parse(&stem, &text)
}

impl Plan {
    /// Reads a scenario's text.
    ///
    /// # Errors
    /// It is no TOML, or its axes are not tables of overrides.
    pub fn parse(name: &str, text: &str) -> Result<Self, ScenarioError> {
        let mut table: Table = text.parse().map_err(|error| ScenarioError::Malformed(name.into(), error))?;
        let invalid = |why: &str| ScenarioError::Invalid(name.into(), why.into());
        let axes = match table.remove("axis") {
            None => Vec::new(),
            Some(Value::Array(axes)) => axes
                .into_iter()
                .map(|axis| match axis {
                    Value::Table(values) => values
                        .into_iter()
                        .map(|(label, set)| match set {
                            Value::Table(set) => Ok((label, set)),
                            _ => Err(invalid("each value of an axis is a table of overrides")),
                        })
                        .collect(),
                    _ => Err(invalid("an axis is a table of named values")),
                })
                .collect::<Result<_, _>>()?,
            Some(_) => return Err(invalid("axes are written as [[axis]]")),
        };
        let versus = match table.remove("versus") {
            None => None,
            Some(versus) => {
                Some(versus.try_into().map_err(|error| ScenarioError::Malformed(name.into(), error))?)
            }
        };
        let plan = Self { name: name.into(), table, axes, versus };
        match plan.unknown_label() {
            Some(label) => Err(invalid(&format!("versus: '{label}' is no value of the first axis"))),
            None => Ok(plan),
        }
    }

    /// What a comparison names that is not on the first axis.
    fn unknown_label(&self) -> Option<&str> {
        let versus = self.versus.as_ref()?;
        let known = |wanted: &str| {
            self.axes.first().is_some_and(|axis| axis.iter().any(|(label, _)| label == wanted))
        };
        std::iter::once(&versus.base)
            .chain(versus.expect.keys())
            .map(String::as_str)
            .find(|label| !known(label))
    }

    /// The comparison that the scenario asks for.
    pub fn versus(&self) -> Option<&Versus> {
        self.versus.as_ref()
    }

    /// The name of the scenario.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Overrides one value, for all variants: `config.fanout=4`, `step.0.at_s=3`. A key that the scenario does
    /// not have yet is added; whether it may have it, [`Self::variants`] says.
    ///
    /// # Errors
    /// Something that is not `key=value`.
    pub fn set(&mut self, assignment: &str) -> Result<(), ScenarioError> {
        let wrong = |why: &str| ScenarioError::Override(assignment.into(), why.into());
        let (key, value) = gossip_config::split(assignment).map_err(wrong)?;
        assign(&mut self.table, key, value).map_err(|why| wrong(&why))
    }

    /// Seals every variant: all nodes begin with one key, and hear nothing else.
    ///
    /// # Errors
    /// The scenario says itself what its nodes seal with.
    pub fn seal(&mut self) -> Result<(), ScenarioError> {
        if self.table.contains_key("sealing") {
            let why = "it has a [sealing] of its own: run it without --sealed";
            return Err(ScenarioError::Invalid(self.name.clone(), why.into()));
        }
        self.set("sealing.mode=\"require\"")?;
        self.set("sealing.keys=[1]")
    }

    /// Lets all nodes of every variant sign, and hear of others nothing but what those signed; they seal with one key, unless the
    /// scenario says itself what they seal with.
    ///
    /// # Errors
    /// The scenario says itself what its nodes sign.
    pub fn sign(&mut self) -> Result<(), ScenarioError> {
        if self.table.contains_key("signing") {
            let why = "it has a [signing] of its own: run it without --signed";
            return Err(ScenarioError::Invalid(self.name.clone(), why.into()));
        }
        if !self.table.contains_key("sealing") {
            self.seal()?;
        }
        self.set("signing.mode=\"require\"")
    }

    /// Every run that the scenario asks for: one, or the product of its axes, each under its own name.
    ///
    /// # Errors
    /// Values that do not fit together, keys that mean nothing, more variants than 1,000.
    pub fn variants(&self) -> Result<Vec<Scenario>, ScenarioError> {
        let mut tables = vec![(self.name.clone(), self.table.clone())];
        for axis in &self.axes {
            if tables.len().saturating_mul(axis.len()) > MAX_VARIANTS {
                let why = format!("its axes make more than {MAX_VARIANTS} runs");
                return Err(ScenarioError::Invalid(self.name.clone(), why));
            }
            let mut product = Vec::new();
            for (name, table) in &tables {
                for (label, set) in axis {
                    let (name, mut table) = (format!("{name}/{label}"), table.clone());
                    for (key, value) in set {
                        assign(&mut table, key, value.clone())
                            .map_err(|why| ScenarioError::Override(format!("{name}: {key}"), why))?;
                    }
                    product.push((name, table));
                }
            }
            tables = product;
        }
        tables.into_iter().map(|(name, table)| Scenario::from_table(&name, table)).collect()
    }
}

/// Puts a value at a dotted path.
fn assign(table: &mut Table, path: &str, value: Value) -> Result<(), String> {
    // Expectations are named with dots, too.
    if let Some(measure) = path.strip_prefix("expect.") {
        let expect = table.entry("expect").or_insert_with(|| Value::Table(Table::new()));
        let expect = expect.as_table_mut().ok_or("'expect' is no table")?;
        expect.insert(measure.into(), value);
        return Ok(());
    }
    gossip_config::assign(table, path, value)
}

#[cfg(test)]
mod tests;
