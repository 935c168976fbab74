//! What a world counts.

use gossip_core::Metrics;

/// What happened to packets and hosts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Steps made.
    pub steps: u64,
    /// Packets that nodes sent.
    pub sent: u64,
    /// Copies that links made of them.
    pub duplicated: u64,
    /// Packets handed to a node.
    pub delivered: u64,
    /// Packets lost on a link, by a rule, or for want of room in a pipe.
    pub lost: u64,
    /// Packets to addresses where no one listens.
    pub unheard: u64,
    /// Bytes of those that were sent to where no one listened then.
    pub unheard_bytes: u64,
    /// Packets lost in full sockets.
    pub overflowed: u64,
    /// Packets in the sockets of hosts that crashed.
    pub dropped: u64,
    /// Datagrams that a node refused as malformed.
    pub malformed: u64,
    /// Times that a node asked for tick after tick at one instant, without end.
    pub spins: u64,
    /// What nodes counted of sealing in their past lives.
    pub sealing: SealingCounts,
    /// What they counted of signatures.
    pub signing: SigningCounts,
}

macro_rules! counts_of_nodes {
    ($(#[$doc:meta])* $of:ident: $($name:ident),*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
        #[allow(missing_docs)]
        pub struct $of { $(pub $name: u64),* }

        impl $of {
            /// These, and those of one more life.
            #[must_use]
            pub fn and(self, metrics: &Metrics) -> Self {
                Self { $($name: self.$name + metrics.$name),* }
            }
        }
    };
}

counts_of_nodes!(
    /// What nodes count of sealing, all together; see [`gossip_core::Metrics`].
    SealingCounts: received_sealed,
    received_clear,
    unknown_keys,
    forged,
    replayed,
    unproven,
    not_sealed,
    dropped_unsealed
);

counts_of_nodes!(
    /// What nodes count of signatures, all together; see [`gossip_core::Metrics`].
    SigningCounts: signatures_verified,
    signatures_refused,
    claims_not_signed,
    dropped_unverified
);
