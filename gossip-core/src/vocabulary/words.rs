//! `Display` for what people read: one lower-case word each, padded as requested.

use crate::vocabulary::{
    ask::AskFailure,
    config::Mode,
    error::Verdict,
    record::{Health, Locality, Reachability, Status},
    traffic::Traffic,
};
use core::fmt::{Display, Formatter, Result};

impl Display for Status {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.pad(match self {
            Self::Alive => "alive",
            Self::Suspect => "suspect",
            Self::Dead => "dead",
            Self::Left => "left",
        })
    }
}

impl Display for AskFailure {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.pad(match self {
            Self::Silent => "silent",
            Self::Unknown => "unknown",
            Self::Refused => "refused",
            Self::Gone => "gone",
        })
    }
}

impl Display for Health {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.pad(match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        })
    }
}

impl Display for Reachability {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.pad(match self {
            Self::Unknown => "unknown",
            Self::Reachable => "reachable",
            Self::Unreachable => "unreachable",
        })
    }
}

impl Display for Mode {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.pad(match self {
            Self::Push => "push",
            Self::Pull => "pull",
            Self::PushPull => "push-pull",
        })
    }
}

impl Display for Traffic {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.pad(match self {
            Self::Probe => "probe",
            Self::Suspicion => "suspicion",
            Self::Rumor => "rumor",
            Self::State => "state",
            Self::Sync => "sync",
            Self::Pulse => "pulse",
        })
    }
}

/// As `region/zone/rack`.
impl Display for Locality {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}/{}/{}", self.region, self.zone, self.rack)
    }
}

/// What the datagram was, in a few words.
impl Display for Verdict {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Accepted => f.pad("accepted"),
            Self::NonMember => f.pad("from a node that is no member"),
            Self::Malformed(what) => write!(f, "malformed: {what}"),
            Self::ForeignCluster => f.pad("from another cluster"),
            Self::Forged => f.pad("sealed, but it does not open"),
            Self::Replayed => f.pad("heard before"),
            Self::NotSealed => f.pad("not sealed"),
            Self::UnknownVersion(version) => write!(f, "of protocol version {version}, which is unknown"),
            Self::UnknownKey(key) => write!(f, "sealed with key {key:02x}, which this node does not use"),
            Self::OwnEcho => f.pad("from this node's own id"),
            Self::Denied => f.pad("from a node that is denied"),
            Self::Limited => f.pad("over the limit on input of nodes that are no members"),
            Self::Inactive => f.pad("after this node has left"),
            Self::OutboxTooSmall => f.pad("not handled, since the outbox is too small"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{format, string::ToString as _};

    #[test]
    fn words_are_short_and_can_be_aligned() {
        assert_eq!(format!("{:8}|{:>10}|", Status::Alive, Health::Degraded), "alive   |  degraded|");
        assert_eq!(
            [Reachability::Unknown, Reachability::Reachable].map(|of| of.to_string()),
            ["unknown", "reachable"]
        );
        assert_eq!(format!("{} {}", Mode::PushPull, Traffic::Sync), "push-pull sync");
        assert_eq!(Locality { region: 1, zone: 2, rack: 3 }.to_string(), "1/2/3");
        let malformed = Verdict::Malformed(crate::vocabulary::error::Malformed::Truncated);
        assert_eq!(malformed.to_string(), "malformed: truncated");
    }
}
