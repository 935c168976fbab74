//! What the host counts, beside the core's own metrics.

use gossip_core::Traffic;

macro_rules! counters {
    ($($(#[doc = $doc:literal])* $name:ident,)*) => {
        /// Counters since the start; they only grow.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[non_exhaustive]
        pub struct HostMetrics {
            $($(#[doc = $doc])* pub $name: u64,)*
        }

        impl HostMetrics {
            /// What each counter counts, by name, in the order of [`counters`](Self::counters).
            pub const DESCRIPTIONS: &[(&str, &str)] = &[$((stringify!($name), concat!($($doc),*))),*];

            /// Every counter by name, in a fixed order, for exporters.
            pub fn counters(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
                [$((stringify!($name), self.$name)),*].into_iter()
            }
        }
    };
}

counters! {
    /// Sends that the socket refused, other than by being full.
    send_errors,
    /// Receives that failed: ICMP errors of earlier sends, mostly.
    receive_errors,
    /// Packets that waited for a full socket.
    queued,
    /// Packets of class probe dropped because the socket and the queue before it were full.
    dropped_probe,
    /// Packets of class suspicion dropped for the same reason.
    dropped_suspicion,
    /// Packets of class rumor dropped because the socket was full.
    dropped_rumor,
    /// Packets of class state dropped for the same reason.
    dropped_state,
    /// Packets of class sync dropped for the same reason.
    dropped_sync,
    /// Packets of class pulse dropped for the same reason.
    dropped_pulse,
    /// Notices that subscribers missed, as they were told by [`Lagged`](crate::Lagged).
    events_lagged,
    /// User events that subscribers missed, as they were told by it.
    user_events_lagged,
    /// Look-ups of seeds' names begun.
    lookups,
    /// Look-ups that failed or gave no usable address.
    lookups_failed,
    /// Seeds forgotten because newer ones took their place.
    seeds_replaced,
    /// Epochs that could not be persisted while running.
    epoch_errors,
    /// Views that could not be written to their file.
    view_errors,
    /// Questions of other members that waited too long for whoever answers them, and made room for newer ones.
    questions_dropped,
    /// Members that another node said are to be forgotten, and that are live here or have died again since.
    forgets_refused,
    /// Values that were read, and were not of the type of their key.
    values_undecoded,
}

impl HostMetrics {
    pub(crate) fn drop_of(&mut self, class: Traffic) -> &mut u64 {
        match class {
            Traffic::Probe => &mut self.dropped_probe,
            Traffic::Suspicion => &mut self.dropped_suspicion,
            Traffic::Rumor => &mut self.dropped_rumor,
            Traffic::State => &mut self.dropped_state,
            Traffic::Sync => &mut self.dropped_sync,
            Traffic::Pulse => &mut self.dropped_pulse,
        }
    }
}
