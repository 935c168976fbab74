//! How far a pulse goes.

use crate::vocabulary::record::Locality;

/// Which members hear a pulse: those of the same zone or region as the one that sends it, or all.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum PulseScope {
    /// Those of the same [`Zone`](crate::Zone).
    Zone,
    /// Those of the same [region](Locality::region).
    Region,
    /// All.
    #[default]
    Cluster,
}

impl PulseScope {
    /// Whether a pulse that is sent at one place is heard at the other.
    pub(crate) fn spans(self, here: Locality, there: Locality) -> bool {
        match self {
            Self::Zone => here.domain() == there.domain(),
            Self::Region => here.region == there.region,
            Self::Cluster => true,
        }
    }
}
