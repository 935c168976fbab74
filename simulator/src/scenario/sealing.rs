//! What hosts seal with, as a scenario's file gives it.

use super::{
    modes::Mode,
    steps::{Extent, Selector},
};
use crate::engine::{HostId, Keys};
use gossip_core::Locality;
use serde::Deserialize;

/// The keys that hosts begin with.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SealingFile {
    mode: Mode,
    keys: Vec<u8>,
    /// Hosts that begin otherwise.
    other: Vec<OtherFile>,
}

/// Some of the first hosts begin otherwise; of several that pick a host, the last one counts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OtherFile {
    who: Selector,
    /// As all the others, if not given.
    mode: Option<Mode>,
    keys: Option<Vec<u8>>,
}

impl SealingFile {
    pub(super) fn check(&self, extent: Extent) -> Result<(), String> {
        self.usual().map_err(|why| format!("sealing: {why}"))?;
        for (n, other) in self.other.iter().enumerate() {
            let checked = other.who.check(extent).and_then(|()| self.of(other).map(|_| ()));
            checked.map_err(|why| format!("sealing.other {n}: {why}"))?;
            if other.who.is_random() {
                return Err(format!(
                    "sealing.other {n}: count, share and but pick at random: name hosts, or where they are"
                ));
            }
        }
        Ok(())
    }

    fn of(&self, other: &OtherFile) -> Result<Keys, String> {
        Keys::new(other.keys.as_ref().unwrap_or(&self.keys), other.mode.unwrap_or(self.mode).into())
    }

    /// What a host begins with that is nowhere picked.
    pub(super) fn usual(&self) -> Result<Keys, String> {
        Keys::new(&self.keys, self.mode.into())
    }

    /// Whether any host begins with keys.
    pub(super) fn is_any(&self) -> bool {
        !self.keys.is_empty() || self.other.iter().any(|other| other.keys.is_some())
    }

    /// What each of the hosts in these places begins with; empty, if nobody has keys.
    pub(super) fn keys(&self, places: &[Locality], seeds: u32) -> Result<Vec<Keys>, String> {
        if !self.is_any() {
            return Ok(Vec::new());
        }
        let of = |(host, place): (HostId, &Locality)| {
            let fits = |other: &&OtherFile| other.who.fits(host, *place, seeds);
            match self.other.iter().rev().find(fits) {
                Some(other) => self.of(other),
                None => self.usual(),
            }
        };
        (0..).zip(places).map(of).collect()
    }
}
