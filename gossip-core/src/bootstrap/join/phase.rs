//! How far joining has come: the states and their transitions.

use super::ranges::Ranges;
use crate::vocabulary::time::Instant;

/// What the joiner is waiting for, with what it needs only meanwhile.
#[allow(clippy::large_enum_variant, reason = "without an allocator the ranges are where the phase is")]
#[derive(Clone)]
pub(super) enum Phase {
    /// Nothing: it has joined, or was not asked to.
    Idle,
    /// A welcome.
    Asking(Asking),
    /// The pages of ranges.
    Fetching(Ranges),
    /// What sieves bring, where many start together.
    Sieving,
}

/// The rounds of asking.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Asking {
    /// How many there were.
    pub(super) round: u32,
    /// When the next one is due.
    pub(super) retry: Instant,
}

/// What happens to a joiner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Turn {
    /// Seeds are asked: the host names some, all members were lost, one is contacted, or a range was given up.
    Ask {
        /// When the first round is due.
        retry: Instant,
    },
    /// There is no one to ask after all.
    NobodyToAsk,
    /// It is in.
    Welcome,
    /// Most members that it knows are as new as it is.
    Crowd,
    /// The view is as complete as it gets.
    Complete,
}

impl Phase {
    /// The table of transitions.
    pub(super) fn advance(&mut self, turn: Turn) {
        *self = match (&*self, turn) {
            (_, Turn::Ask { retry }) => Self::Asking(Asking { round: 0, retry }),
            (Self::Asking(_), Turn::NobodyToAsk) | (_, Turn::Complete) => Self::Idle,
            (Self::Asking(_), Turn::Welcome) => Self::Fetching(Ranges::NONE),
            (Self::Fetching(_), Turn::Crowd) => Self::Sieving,
            (_, Turn::NobodyToAsk | Turn::Welcome | Turn::Crowd) => return,
        };
    }

    pub(super) fn is_idle(&self) -> bool {
        matches!(self, Self::Idle)
    }

    pub(super) fn is_fetching(&self) -> bool {
        matches!(self, Self::Fetching(_))
    }

    pub(super) fn is_asking(&self) -> bool {
        matches!(self, Self::Asking(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joining_advances_as_its_table_says() {
        let retry = Instant::from_millis(5);
        let asking = || Phase::Asking(Asking { round: 3, retry: Instant::NEVER });
        let turns = [Turn::Ask { retry }, Turn::NobodyToAsk, Turn::Welcome, Turn::Crowd, Turn::Complete];
        let name = |phase: &Phase| match phase {
            Phase::Idle => "idle",
            Phase::Asking(_) => "asking",
            Phase::Fetching(_) => "fetching",
            Phase::Sieving => "sieving",
        };
        for (phase, next) in [
            (Phase::Idle, ["asking", "idle", "idle", "idle", "idle"]),
            (asking(), ["asking", "idle", "fetching", "asking", "idle"]),
            (Phase::Fetching(Ranges::NONE), ["asking", "fetching", "fetching", "sieving", "idle"]),
            (Phase::Sieving, ["asking", "sieving", "sieving", "sieving", "idle"]),
        ] {
            let after = turns.map(|turn| {
                let mut phase = phase.clone();
                phase.advance(turn);
                name(&phase)
            });
            assert_eq!(after, next, "{}", name(&phase));
        }
    }

    #[test]
    fn rounds_of_asking_are_counted_anew_each_time() {
        let mut phase = Phase::Asking(Asking { round: 3, retry: Instant::NEVER });
        phase.advance(Turn::Ask { retry: Instant::ZERO });
        assert!(matches!(phase, Phase::Asking(Asking { round: 0, retry: Instant::ZERO })));
    }
}
