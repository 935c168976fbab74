//! Links as a scenario's file gives them.

use crate::engine::{Burst, Jitter, Link, Micros, Pipe};
use gossip_core::Locality;
use serde::Deserialize;
use toml::{Table, Value};

/// A link's latency where a file gives none: within a data centre.
const LATENCY_MS: f64 = 0.5;
/// The longest queue of a pipe: a terabyte.
const MAX_QUEUE_KB: u64 = 1_000_000_000;
/// A pipe's queue where a file gives none.
const QUEUE_KB: u64 = 1_000;

/// A link, or what differs from another one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LinkFile {
    latency_ms: Option<f64>,
    jitter_ms: Option<f64>,
    jitter: Option<JitterFile>,
    loss: Option<f64>,
    burst: Option<BurstFile>,
    duplicate: Option<f64>,
    reorder: Option<f64>,
    reorder_ms: Option<f64>,
    bandwidth_mbit: Option<f64>,
    queue_kb: Option<u64>,
    mtu: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum JitterFile {
    #[default]
    Uniform,
    Exponential,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BurstFile {
    good_ms: f64,
    bad_ms: f64,
    loss: f64,
}

/// What differs by how far apart two hosts are; what comes later goes over what comes earlier.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LinksFile {
    /// Between two zones of one region.
    zones: LinkFile,
    /// Between two regions.
    regions: LinkFile,
    /// Between two certain regions.
    pair: Vec<PairFile>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Table")]
struct PairFile {
    regions: [u8; 2],
    link: LinkFile,
}

impl TryFrom<Table> for PairFile {
    type Error = toml::de::Error;

    /// Not flattened, which would let unknown keys pass.
    fn try_from(mut table: Table) -> Result<Self, Self::Error> {
        let regions = table.remove("regions").unwrap_or(Value::Array(Vec::new())).try_into()?;
        Ok(Self { regions, link: Value::Table(table).try_into()? })
    }
}

impl LinksFile {
    pub(super) fn all(&self) -> impl Iterator<Item = &LinkFile> {
        self.pair.iter().map(|pair| &pair.link).chain([&self.zones, &self.regions])
    }

    /// Whether the regions of all pairs are there.
    pub(super) fn check_pairs(&self, regions: u8) -> Result<(), String> {
        match self.pair.iter().flat_map(|pair| pair.regions).find(|&region| region >= regions) {
            Some(region) => Err(format!(
                "links.pair: there is no region {region}: topology.regions is {regions}, counted from 0"
            )),
            None => Ok(()),
        }
    }

    pub(super) fn between(&self, all: &LinkFile, from: Locality, to: Locality) -> LinkFile {
        if from.domain() == to.domain() {
            return all.clone();
        }
        let zones = self.zones.over(all);
        if from.region == to.region {
            return zones;
        }
        let mut link = self.regions.over(&zones);
        for pair in &self.pair {
            let [a, b] = pair.regions;
            if (a, b) == (from.region, to.region) || (b, a) == (from.region, to.region) {
                link = pair.link.over(&link);
            }
        }
        link
    }
}

/// Whether a pipe is one: some bits a second, and a queue that can be counted.
pub(super) fn check_pipe(whose: &str, mbit: Option<f64>, queue_kb: Option<u64>) -> Result<(), String> {
    if let Some(mbit) = mbit.filter(|mbit| !(0.001..=1e6).contains(mbit)) {
        return Err(format!("{whose} bandwidth is {mbit} Mbit/s: 0.001 to 1,000,000"));
    }
    match queue_kb.filter(|&kb| kb > MAX_QUEUE_KB) {
        Some(kb) => Err(format!("{whose} queue is {kb} kB: up to {MAX_QUEUE_KB}")),
        None => Ok(()),
    }
}

impl LinkFile {
    fn over(&self, base: &Self) -> Self {
        Self {
            latency_ms: self.latency_ms.or(base.latency_ms),
            jitter_ms: self.jitter_ms.or(base.jitter_ms),
            jitter: self.jitter.or(base.jitter),
            loss: self.loss.or(base.loss),
            burst: self.burst.or(base.burst),
            duplicate: self.duplicate.or(base.duplicate),
            reorder: self.reorder.or(base.reorder),
            reorder_ms: self.reorder_ms.or(base.reorder_ms),
            bandwidth_mbit: self.bandwidth_mbit.or(base.bandwidth_mbit),
            queue_kb: self.queue_kb.or(base.queue_kb),
            mtu: self.mtu.or(base.mtu),
        }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let burst = self.burst.map(|burst| burst.loss);
        for (name, share) in [
            ("loss", self.loss),
            ("burst.loss", burst),
            ("duplicate", self.duplicate),
            ("reorder", self.reorder),
        ] {
            if share.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
                return Err(format!("a link's {name} is a share: 0 to 1"));
            }
        }
        let (good, bad) = (self.burst.map(|burst| burst.good_ms), self.burst.map(|burst| burst.bad_ms));
        for (name, value) in [
            ("latency_ms", self.latency_ms),
            ("jitter_ms", self.jitter_ms),
            ("reorder_ms", self.reorder_ms),
            ("burst.good_ms", good),
            ("burst.bad_ms", bad),
        ] {
            if value.is_some_and(|value| !(0.0..=3_600_000.0).contains(&value)) {
                return Err(format!("a link's {name} is 0 to 3,600,000"));
            }
        }
        check_pipe("a link's", self.bandwidth_mbit, self.queue_kb)
    }

    pub(super) fn link(&self) -> Link {
        let micros = |ms: f64| (ms * 1e3) as Micros;
        let jitter = match (self.jitter_ms, self.jitter.unwrap_or_default()) {
            (None, _) => Jitter::None,
            (Some(ms), JitterFile::Uniform) => Jitter::Uniform(micros(ms)),
            (Some(ms), JitterFile::Exponential) => Jitter::Exponential(micros(ms)),
        };
        Link {
            latency: micros(self.latency_ms.unwrap_or(LATENCY_MS)),
            jitter,
            loss: self.loss.unwrap_or_default(),
            burst: self.burst.map(|burst| Burst {
                good: micros(burst.good_ms),
                bad: micros(burst.bad_ms),
                loss: burst.loss,
            }),
            duplicate: self.duplicate.unwrap_or_default(),
            reorder: self.reorder.unwrap_or_default(),
            reorder_by: micros(self.reorder_ms.unwrap_or_default()),
            pipe: self.bandwidth_mbit.map(|mbit| Pipe {
                rate: (mbit * 125_000.0) as u64,
                queue: self.queue_kb.unwrap_or(QUEUE_KB) * 1_000,
            }),
            mtu: self.mtu,
        }
    }
}
