//! A scenario as its file gives it.

use super::{
    ScenarioError,
    links::{LinkFile, LinksFile, check_pipe},
    sealing::SealingFile,
    signing::SigningFile,
    steps::{Action, Event, Extent, MAX_DRIFT_PPM, MAX_STEP_US, Selector},
    time::{MAX_DURATION_S, micros},
};
use crate::engine::{Keys, Link, Micros, Origin, Pipe, Setup, Signers, Zones};
use gossip_config::Settings;
use gossip_core::{ClusterName, Config, Incarnation, Locality, Signing};
use serde::Deserialize;
use std::{collections::BTreeMap, fmt};
use toml::{Table, Value};

/// The most nodes of one scenario: addresses and table indices allow more, memory does not.
const MAX_NODES: u32 = 100_000;
/// The most that a host's monotonic clock shows at the start: 292,000 years, half of its range.
const MAX_UPTIME_S: f64 = (u64::MAX / 2 / 1_000_000) as f64;
/// The largest table of the core.
const MAX_CAPACITY: usize = 1 << 20;
/// Tags that a node may begin with: they, its name and what steps publish fit a map of the default size.
const MAX_TAGS: u8 = 16;
/// Lives that may go above the wall clock.
const SPARE_EPOCHS: f64 = 65_536.0;

/// One run: what is built, what is done to it, and what is expected.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name; with the labels of the axes.
    #[serde(skip)]
    pub name: String,
    /// One line for `simulator list`.
    pub about: String,
    /// Hosts at the start.
    pub nodes: u32,
    /// How long it runs, in seconds of virtual time.
    pub duration_s: f64,
    /// How the cluster comes into being.
    #[serde(default)]
    pub start: Start,
    /// This many of the first hosts are the seeds that all others join through.
    #[serde(default = "three")]
    pub seeds: u32,
    /// Which preset of the core's configuration to start from: `local`, `lan` or `wan`.
    #[serde(default = "lan")]
    pub preset: String,
    /// What differs from the preset.
    #[serde(default)]
    pub config: Settings,
    /// How hosts are spread over the world.
    #[serde(default)]
    topology: Topology,
    /// All links.
    #[serde(default)]
    link: LinkFile,
    /// What differs between zones, regions, and certain regions.
    #[serde(default)]
    links: LinksFile,
    /// The hosts themselves.
    #[serde(default)]
    host: HostFile,
    /// What hosts publish when they start.
    #[serde(default)]
    pub state: StateFile,
    /// What hosts seal with when they start.
    #[serde(default)]
    sealing: SealingFile,
    /// What hosts sign when they start.
    #[serde(default)]
    signing: SigningFile,
    /// What is done, and when.
    #[serde(default, rename = "step")]
    pub events: Vec<Event>,
    /// What must come out: measures by their names in the JSON, with dots.
    #[serde(default)]
    pub expect: BTreeMap<String, Bound>,
}

/// How a cluster comes into being.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "Value")]
pub enum Start {
    /// Every node begins with a full view, as if it had persisted one.
    #[default]
    Formed,
    /// All start at once and join through the seeds; the seeds through each other.
    Cold,
    /// Those that each of these picks, of who is in none before, begin with a full view of each other. Who is in none
    /// knows no one.
    Groups(Vec<Selector>),
}

impl TryFrom<Value> for Start {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        match value {
            Value::String(word) if word == "formed" => Ok(Self::Formed),
            Value::String(word) if word == "cold" => Ok(Self::Cold),
            Value::Array(groups) => {
                let groups = groups.into_iter().map(Value::try_into).collect::<Result<_, _>>();
                groups.map(Self::Groups).map_err(|error: toml::de::Error| format!("start: {error}"))
            }
            other => Err(format!(
                "start is {other}: \"formed\", \"cold\", or a list of groups as [{{ region = 0 }}]"
            )),
        }
    }
}

/// What is expected of a measure.
#[derive(Clone, Copy, PartialEq, Debug, Deserialize)]
#[serde(untagged)]
pub enum Bound {
    /// Exactly this.
    Is(bool),
    /// Exactly this number.
    Equals(f64),
    /// At least, at most, or both.
    Within(Range),
}

/// Ends of a range; both are in it.
#[derive(Clone, Copy, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// At least.
    pub min: Option<f64>,
    /// At most.
    pub max: Option<f64>,
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is(wanted) => write!(f, "{wanted}"),
            Self::Equals(wanted) => write!(f, "{wanted}"),
            Self::Within(Range { min: Some(min), max: Some(max) }) => write!(f, "{min} to {max}"),
            Self::Within(Range { min: Some(min), max: None }) => write!(f, "at least {min}"),
            Self::Within(Range { min: None, max: Some(max) }) => write!(f, "at most {max}"),
            Self::Within(Range { min: None, max: None }) => f.write_str("a number"),
        }
    }
}

/// What hosts publish in each of their lives, beside what steps say.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StateFile {
    /// Whether they publish their names.
    pub names: bool,
    /// How many tags they publish.
    pub tags: u8,
}

impl StateFile {
    /// Whether it is anything.
    pub fn is_any(self) -> bool {
        self.names || self.tags > 0
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Topology {
    regions: u8,
    zones: u8,
    racks: u8,
}

impl Default for Topology {
    fn default() -> Self {
        Self { regions: 1, zones: 1, racks: 1 }
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct HostFile {
    /// What one step costs, in µs.
    step_us: u64,
    uplink_mbit: Option<f64>,
    uplink_queue_kb: Option<u64>,
    /// Clocks are wrong by up to this many parts per million, either way.
    drift_ppm: u32,
    /// What monotonic clocks show at the start.
    uptime_s: f64,
    /// What wall clocks show at the start.
    unix_s: Option<u32>,
    /// What a formed cluster remembers of each host.
    refutation: u32,
    state_version: u32,
    /// Members that a node has room for, itself and tombstones included.
    capacity: Option<usize>,
}

impl HostFile {
    fn check(&self, start: &Start, duration_s: f64) -> Result<(), String> {
        if !(0.0..=MAX_UPTIME_S).contains(&self.uptime_s) {
            return Err(format!("host.uptime_s is {}: 0 to {MAX_UPTIME_S}", self.uptime_s));
        }
        let unix = self.origin().unix;
        let most = f64::from(Incarnation::MAX_EPOCH) - SPARE_EPOCHS - duration_s.ceil();
        if f64::from(unix) > most {
            return Err(format!(
                "host.unix_s is {unix}: up to {most}, so that epochs last for the whole run"
            ));
        }
        if let Some(capacity) = self.capacity.filter(|room| !(2..=MAX_CAPACITY).contains(room)) {
            return Err(format!("host.capacity is {capacity}: 2 to {MAX_CAPACITY}, a node itself included"));
        }
        if self.drift_ppm > MAX_DRIFT_PPM {
            return Err(format!("host.drift_ppm is {}: up to {MAX_DRIFT_PPM}", self.drift_ppm));
        }
        if self.step_us > MAX_STEP_US {
            return Err(format!("host.step_us is {}: up to {MAX_STEP_US}", self.step_us));
        }
        check_pipe("host.uplink", self.uplink_mbit, self.uplink_queue_kb)?;
        for (name, count) in [("refutation", self.refutation), ("state_version", self.state_version)] {
            if count > Incarnation::MAX_COUNT {
                return Err(format!("host.{name} is {count}: up to {}", Incarnation::MAX_COUNT));
            }
            if count > 0 && matches!(start, Start::Cold) {
                return Err(format!("host.{name}: a cluster that starts cold remembers nothing"));
            }
        }
        Ok(())
    }

    fn origin(&self) -> Origin {
        Origin {
            uptime: micros(self.uptime_s),
            unix: self.unix_s.unwrap_or(Origin::default().unix),
            refutation: self.refutation,
            state_version: self.state_version,
        }
    }
}

/// The queue of an uplink without one of its own: a gigabit card's ring of 1,000 datagrams, roughly.
const UPLINK_QUEUE_KB: u64 = 256;

fn three() -> u32 {
    3
}

fn lan() -> String {
    "lan".into()
}

impl Scenario {
    pub(super) fn from_table(name: &str, table: Table) -> Result<Self, ScenarioError> {
        let scenario: Self =
            Value::Table(table).try_into().map_err(|error| ScenarioError::Malformed(name.into(), error))?;
        let scenario = Self { name: name.into(), ..scenario };
        scenario.check().map_err(|why| ScenarioError::Invalid(name.into(), why))?;
        Ok(scenario)
    }

    fn check(&self) -> Result<(), String> {
        if !(2..=MAX_NODES).contains(&self.nodes) {
            return Err(format!("nodes is {}: 2 to {MAX_NODES}", self.nodes));
        }
        if !(self.duration_s > 0.0 && self.duration_s <= MAX_DURATION_S) {
            return Err(format!("duration_s is {}: above 0, up to {MAX_DURATION_S}", self.duration_s));
        }
        if self.seeds > self.nodes {
            return Err(format!("seeds is {}: up to nodes, which is {}", self.seeds, self.nodes));
        }
        if self.seeds == 0 && matches!(self.start, Start::Cold) {
            return Err("seeds is 0: who starts cold needs one to join through".into());
        }
        let Topology { regions, zones, racks } = self.topology;
        if regions == 0 || zones == 0 || racks == 0 {
            return Err("a topology has at least one region, zone and rack".into());
        }
        if self.hosts_ever() > MAX_NODES {
            return Err(format!(
                "with all that join there are {} hosts: up to {MAX_NODES}",
                self.hosts_ever()
            ));
        }
        self.host.check(&self.start, self.duration_s)?;
        let mut extent = Extent { hosts: self.nodes, zones: self.zones() };
        if let Start::Groups(groups) = &self.start {
            for group in groups {
                group.check(extent).map_err(|why| format!("start: {why}"))?;
            }
        }
        self.sealing.check(extent)?;
        self.signing.check(extent)?;
        extent.hosts = self.hosts_ever();
        for link in self.links.all().chain([&self.link]) {
            link.check()?;
        }
        self.links.check_pairs(regions)?;
        for (n, event) in self.events.iter().enumerate() {
            let times = event.check_times(self.duration());
            event.check(extent).and(times).map_err(|why| format!("step {n}: {why}"))?;
            let twice = |other: &Event| other.name.is_some() && other.name == event.name;
            if self.events.iter().take(n).any(twice) {
                return Err(format!("step {n}: another step has its name; give each one of its own"));
            }
        }
        if self.state.tags > MAX_TAGS {
            return Err(format!("state.tags is {}: up to {MAX_TAGS}", self.state.tags));
        }
        self.core_config().map(|_| ())
    }

    /// Whether hosts publish anything in it.
    pub fn has_state(&self) -> bool {
        self.state.is_any() || self.events.iter().any(|event| event.action == Action::Publish)
    }

    /// Whether anyone ever has a key.
    pub fn has_keys(&self) -> bool {
        self.sealing.is_any() || self.events.iter().any(|event| event.action == Action::Keys)
    }

    /// Whether anyone ever signs.
    pub fn has_signatures(&self) -> bool {
        self.signing.is_any() || self.events.iter().any(|event| event.action == Action::Sign)
    }

    /// Whether anyone writes cluster-wide values.
    pub fn has_values(&self) -> bool {
        self.events.iter().any(|event| event.action == Action::Value)
    }

    /// The configuration of every node.
    ///
    /// # Errors
    /// An unknown preset, or a configuration that the core refuses.
    pub fn core_config(&self) -> Result<Config, String> {
        let cluster = ClusterName::named("simulator").map_err(|error| error.to_string())?;
        let preset = match self.preset.as_str() {
            "local" => Config::local(cluster),
            "lan" => Config::lan(cluster),
            "wan" => Config::wan(cluster),
            other => return Err(format!("preset is '{other}': local, lan or wan")),
        };
        self.config.over(preset).and_then(gossip_config::checked).map_err(|error| format!("config.{error}"))
    }

    /// What the engine needs to build its world.
    ///
    /// # Errors
    /// As [`Self::core_config`].
    pub fn setup(&self, seed: u64) -> Result<Setup, String> {
        // A little more than all that ever are: tombstones need places, too.
        let capacity = self.host.capacity.unwrap_or(self.hosts_ever() as usize * 9 / 8 + 16);
        let uplink = self.host.uplink_mbit.map(|mbit| Pipe {
            rate: (mbit * 125_000.0) as u64,
            queue: self.host.uplink_queue_kb.unwrap_or(UPLINK_QUEUE_KB) * 1_000,
        });
        Ok(Setup {
            seed,
            config: self.core_config()?,
            zones: self.zones(),
            capacity,
            step_cost: self.host.step_us,
            uplink,
            origin: self.host.origin(),
            keys: self.initial_keys()?,
            signers: self.signers()?,
        })
    }

    /// The keys that hosts begin with which `[sealing]` does not pick.
    ///
    /// # Errors
    /// Keys that cannot be.
    pub fn usual_keys(&self) -> Result<Keys, String> {
        self.sealing.usual()
    }

    fn initial_keys(&self) -> Result<Vec<Keys>, String> {
        let zones = self.zones();
        let places: Vec<Locality> = (0..self.nodes).map(|host| zones.locality(host)).collect();
        self.sealing.keys(&places, self.seeds)
    }

    /// What hosts that `[signing]` does not pick ask of others, if they sign.
    ///
    /// # Errors
    /// A mode that is none of signing.
    pub fn usual_signing(&self) -> Result<Option<Signing>, String> {
        self.signing.usual()
    }

    fn signers(&self) -> Result<Signers, String> {
        let zones = self.zones();
        let places: Vec<Locality> = (0..self.nodes).map(|host| zones.locality(host)).collect();
        self.signing.signers(&places, self.seeds, self.hosts_ever())
    }

    /// How many hosts there ever are.
    pub fn hosts_ever(&self) -> u32 {
        let joiners = self.events.iter().map(|event| event.joiners(self.duration()));
        joiners.fold(self.nodes, u32::saturating_add)
    }

    /// How hosts are spread.
    pub fn zones(&self) -> Zones {
        let Topology { regions, zones, racks } = self.topology;
        Zones { regions, zones, racks }
    }

    /// Where each host runs, those included that join, in the order in which they do.
    pub fn places(&self) -> Vec<Locality> {
        let mut joins: Vec<(Micros, &Event)> = Vec::new();
        for event in self.events.iter().filter(|event| event.brings_hosts()) {
            joins.extend(event.times(self.duration()).map(|at| (at, event)));
        }
        joins.sort_by_key(|&(at, _)| at);
        let zones = self.zones();
        let mut places: Vec<Locality> = (0..self.nodes).map(|host| zones.locality(host)).collect();
        for (_, event) in joins {
            for _ in 0..event.count.unwrap_or(1) {
                places.push(event.place(zones.locality(places.len() as u32)));
            }
        }
        places
    }

    /// The link from one zone to another.
    pub fn link(&self, from: Locality, to: Locality) -> Link {
        self.links.between(&self.link, from, to).link()
    }

    /// By how many parts per million clocks may be wrong.
    pub fn drift_ppm(&self) -> u32 {
        self.host.drift_ppm
    }

    /// How long it runs.
    pub fn duration(&self) -> Micros {
        micros(self.duration_s)
    }
}
