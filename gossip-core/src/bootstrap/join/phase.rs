//! How far joining has come: the states and their transitions.

/// What the joiner is waiting for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// Nothing: it has joined, or was not asked to.
    Idle,
    /// A welcome.
    Asking,
    /// The pages of ranges.
    Fetching,
    /// What sieves bring, in a crowd that starts together.
    Sieving,
}

/// What happens to a joiner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Turn {
    /// Seeds are asked: the host names some, all members were lost, one is contacted, or a range was given up.
    Ask,
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
    pub(super) fn after(self, turn: Turn) -> Self {
        match (self, turn) {
            (_, Turn::Ask) => Self::Asking,
            (Self::Asking, Turn::NobodyToAsk) => Self::Idle,
            (Self::Asking, Turn::Welcome) => Self::Fetching,
            (Self::Fetching, Turn::Crowd) => Self::Sieving,
            (_, Turn::Complete) => Self::Idle,
            (phase, Turn::NobodyToAsk | Turn::Welcome | Turn::Crowd) => phase,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joining_advances_as_its_table_says() {
        use Phase::{Asking, Fetching, Idle, Sieving};
        let turns = [Turn::Ask, Turn::NobodyToAsk, Turn::Welcome, Turn::Crowd, Turn::Complete];
        for (phase, next) in [
            (Idle, [Asking, Idle, Idle, Idle, Idle]),
            (Asking, [Asking, Idle, Fetching, Asking, Idle]),
            (Fetching, [Asking, Fetching, Fetching, Sieving, Idle]),
            (Sieving, [Asking, Sieving, Sieving, Sieving, Idle]),
        ] {
            assert_eq!(turns.map(|turn| phase.after(turn)), next, "{phase:?}");
        }
    }
}
