//! The lifecycle of a node: the states and their transitions.

use super::farewell::Farewell;
use crate::vocabulary::time::Instant;

/// The state of a node's lifecycle.
///
/// ```text
///    ┌──────────────(the other is gone)──────────────┐
///    ▼                                               │
/// Running ──(third new epoch in a row)──▶ Passive ────┴──leave──▶ Leaving ──(acknowledged, or time out)──▶ Gone
///    └──────────────────────leave──────────────────────────────────▲
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    /// Takes part, and contradicts what is wrong about itself.
    Running,
    /// Takes part, but no longer contradicts: another node uses its name.
    Passive {
        /// When the other node was last heard of as live.
        heard: Instant,
    },
    /// Has said that it leaves, and tells it on.
    Leaving(Farewell),
    /// Has left; does nothing any more.
    Gone,
}

/// What happens to a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Turn {
    /// Another node goes above each epoch of this one, or was heard of as live.
    OtherLives(Instant),
    /// The other node is dead or has left.
    OtherGone,
    /// The host wants to leave.
    Leave(Farewell),
    /// Enough others know of the leave, or its time is over.
    Parted,
}

impl Phase {
    /// The table of transitions.
    pub(super) fn after(self, turn: Turn) -> Self {
        match (self, turn) {
            (Self::Running | Self::Passive { .. }, Turn::OtherLives(heard)) => Self::Passive { heard },
            (Self::Passive { .. }, Turn::OtherGone) => Self::Running,
            (Self::Running | Self::Passive { .. }, Turn::Leave(farewell)) => Self::Leaving(farewell),
            (Self::Leaving(_), Turn::Parted) => Self::Gone,
            (phase, _) => phase,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_goes_on_as_its_table_says() {
        let at = Instant::from_millis;
        let farewell = Farewell::new(at(5), 7);
        let (passive, leaving) = (Phase::Passive { heard: at(1) }, Phase::Leaving(farewell));
        let turns = [Turn::OtherLives(at(2)), Turn::OtherGone, Turn::Leave(farewell), Turn::Parted];
        let outbid = Phase::Passive { heard: at(2) };
        for (phase, next) in [
            (Phase::Running, [outbid, Phase::Running, leaving, Phase::Running]),
            (passive, [outbid, Phase::Running, leaving, passive]),
            (leaving, [leaving, leaving, leaving, Phase::Gone]),
            (Phase::Gone, [Phase::Gone; 4]),
        ] {
            assert_eq!(turns.map(|turn| phase.after(turn)), next, "{phase:?}");
        }
    }
}
