//! The switches of what a node does beyond plain SWIM.

/// Which mechanisms are on. All are, in every preset; switching some off leaves plain SWIM, to compare with.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Mechanisms {
    /// Ask relays to ping a member that does not answer. Off: every lost ping is a failed probe.
    pub indirect_probes: bool,
    /// Choose healthy relays in several zones and ask two rounds of them; one that cannot reach the target says so, and
    /// may accuse it in its own name. Off: ask any live members, once; they report only that it answered.
    pub two_relay_rounds: bool,
    /// Derive the waits for acks and for refutations from measured round trips. Off: from `ack_timeout_initial`,
    /// [`Config::pause_tolerance`](super::Config::pause_tolerance) and the number of members alone.
    pub round_trips: bool,
    /// Suspect before declaring dead. Off: a failed probe declares death at once.
    pub suspicion: bool,
    /// Lifeguard's local health: probe slower when this node itself seems slow.
    pub local_health: bool,
    /// Lifeguard's dynamic suspicion: the timer shrinks as independent accusers confirm. Off: it is fixed at its
    /// longest, and starts at the accusation instead of the first unanswered ping.
    pub confirmations: bool,
    /// Lifeguard's buddy system: a probe to a suspect carries the accusation, so it can refute at once; and a suspect
    /// that sends us anything is told of it.
    pub tell_suspect: bool,
    /// Notice this node's own pauses, and judge no member by them.
    pub local_pause: bool,
    /// Quarantine a zone that is silent as a whole, instead of accusing all its members.
    pub quarantines: bool,
    /// Death is earned: it takes a fresh failed probe by this node and two accusers; and a node that knows better
    /// questions news of a death. Off: an expired timer is enough.
    pub earned_death: bool,
    /// An accuser's own timer runs out earlier, so that its check ends with a refutation's way. Off: it waits as long
    /// as every other node.
    pub early_check: bool,
    /// Two of five probes go to the next member in the id-hash order. Off: all go round the lap.
    pub successor: bool,
    /// Half of a rumor's sends go to the next members in the id-hash order. Off: all go to random members, and there
    /// are twice as many.
    pub neighbours: bool,
    /// In a storm of news, ask for what is missing with a Bloom filter of what is known. Off: rumors tell all of it.
    pub sieves: bool,
    /// Judge members that refuted lately more slowly.
    pub damping: bool,
    /// Judge a member that announced a pause only when the pause is over.
    pub announced_pauses: bool,
    /// Accuse at once all who were silent in a quarantine that has had its time. Off: they are accused as probes come
    /// to them.
    pub roll_call: bool,
    /// Sign of own trouble: of those that a failing probe asked beside its target few answered.
    pub answers: bool,
    /// Sign of own trouble: many probes fail of members that no one had accused.
    pub surprise: bool,
    /// Sign of own trouble: this node has no more members left than were lost lately.
    pub majority: bool,
    /// Repair what rumors and pulls left behind. Off: some updates are missed for ever.
    pub repair: bool,
}

impl Mechanisms {
    /// These mechanisms with what `change` sets.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Everything on.
    pub const ALL: Self = Self {
        indirect_probes: true,
        two_relay_rounds: true,
        round_trips: true,
        suspicion: true,
        local_health: true,
        confirmations: true,
        tell_suspect: true,
        local_pause: true,
        quarantines: true,
        earned_death: true,
        early_check: true,
        successor: true,
        neighbours: true,
        sieves: true,
        damping: true,
        announced_pauses: true,
        roll_call: true,
        answers: true,
        surprise: true,
        majority: true,
        repair: true,
    };

    /// SWIM with suspicion, as the Lifeguard paper's base line: probes, indirect probes, and death after a fixed time
    /// without a refutation. No other mechanism judges.
    // Without `..`, so that a mechanism added later is not on here by accident.
    pub const SWIM: Self = Self {
        indirect_probes: true,
        two_relay_rounds: false,
        round_trips: false,
        suspicion: true,
        local_health: false,
        confirmations: false,
        tell_suspect: false,
        local_pause: false,
        quarantines: false,
        earned_death: false,
        early_check: false,
        successor: false,
        neighbours: false,
        sieves: false,
        damping: false,
        announced_pauses: false,
        roll_call: false,
        answers: false,
        surprise: false,
        majority: false,
        repair: true,
    };
}
