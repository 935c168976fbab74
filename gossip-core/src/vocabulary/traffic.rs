//! What a packet is for.

/// What a packet is for. In this order, later classes yield first when the socket or the CPU is saturated.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Traffic {
    /// Pings, acks and relayed pings: never delayed.
    #[default]
    Probe,
    /// Dominating answers, and what tells the accused and the dead of it. Checks of suspects are probes.
    Suspicion,
    /// Gossip rounds.
    Rumor,
    /// Kept state that spreads by itself, and what asks for it.
    State,
    /// Joins, fetches, pulls, repair.
    Sync,
    /// Pulses, which the next ones replace.
    Pulse,
}
