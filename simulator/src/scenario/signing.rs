//! What hosts sign, as a scenario's file gives it.

use super::{
    modes::Mode,
    steps::{Extent, Selector},
};
use crate::engine::{HostId, Signers, Trusted};
use gossip_core::{Locality, Signing};
use serde::Deserialize;

/// How hosts begin to sign.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SigningFile {
    mode: Mode,
    trust: TrustWord,
    /// Hosts that begin otherwise.
    other: Vec<OtherFile>,
}

/// Some of the first hosts begin otherwise; of several that pick a host, the last one counts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OtherFile {
    who: Selector,
    mode: Mode,
}

/// [`Trusted`], as files spell it.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum TrustWord {
    #[default]
    Authority,
    Listed,
    Own,
}

impl SigningFile {
    pub(super) fn check(&self, extent: Extent) -> Result<(), String> {
        self.usual().map_err(|why| format!("signing: {why}"))?;
        for (n, other) in self.other.iter().enumerate() {
            let checked = other.who.check(extent).and_then(|()| other.mode.signing().map(|_| ()));
            checked.map_err(|why| format!("signing.other {n}: {why}"))?;
            if other.who.is_random() {
                return Err(format!(
                    "signing.other {n}: count, share and but pick at random: name hosts, or where they are"
                ));
            }
        }
        Ok(())
    }

    /// What a host asks of others that is nowhere picked, if it signs.
    pub(super) fn usual(&self) -> Result<Option<Signing>, String> {
        self.mode.signing()
    }

    /// Whether any host begins to sign at once.
    pub(super) fn is_any(&self) -> bool {
        let signs = |mode: Mode| mode != Mode::Off;
        signs(self.mode) || self.other.iter().any(|other| signs(other.mode))
    }

    /// What the hosts in these places sign with, of this many that there ever are.
    pub(super) fn signers(&self, places: &[Locality], seeds: u32, hosts: u32) -> Result<Signers, String> {
        let trust = match self.trust {
            TrustWord::Authority => Trusted::Authority,
            TrustWord::Listed => Trusted::Listed,
            TrustWord::Own => Trusted::Own,
        };
        let of = |(host, place): (HostId, &Locality)| {
            let other = self.other.iter().rev().find(|other| other.who.fits(host, *place, seeds));
            other.map_or(self.mode, |other| other.mode).signing()
        };
        let first = (0..).zip(places).map(of).collect::<Result<_, _>>()?;
        Ok(Signers { trust, first, hosts })
    }
}
