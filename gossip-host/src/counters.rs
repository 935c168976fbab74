//! What the host counts, beside the core's own metrics.

use gossip_core::Traffic;

/// Counters since the start; they only grow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct HostMetrics {
    /// Sends that the socket refused, other than by being full.
    pub send_errors: u64,
    /// Receives that failed: ICMP errors of earlier sends, mostly.
    pub receive_errors: u64,
    /// Packets that waited for a full socket.
    pub queued: u64,
    /// Packets of class probe dropped because the socket and the queue before it were full.
    pub dropped_probe: u64,
    /// Packets of class suspicion dropped for the same reason.
    pub dropped_suspicion: u64,
    /// Packets of class rumor dropped because the socket was full.
    pub dropped_rumor: u64,
    /// Packets of class state dropped for the same reason.
    pub dropped_state: u64,
    /// Packets of class sync dropped for the same reason.
    pub dropped_sync: u64,
    /// Packets of class pulse dropped for the same reason.
    pub dropped_pulse: u64,
    /// Notices that subscribers missed, as they were told by [`Lagged`](crate::Lagged).
    pub events_lagged: u64,
    /// User events that subscribers missed, as they were told by it.
    pub user_events_lagged: u64,
    /// Look-ups of seeds' names begun.
    pub lookups: u64,
    /// Look-ups that failed or gave no usable address.
    pub lookups_failed: u64,
    /// Seeds forgotten because newer ones took their place.
    pub seeds_replaced: u64,
    /// Epochs that could not be persisted while running.
    pub epoch_errors: u64,
    /// Views that could not be written to their file.
    pub view_errors: u64,
    /// Questions of other members that waited too long for whoever answers them, and made room for newer ones.
    pub questions_dropped: u64,
    /// Values that were read, and were not of the type of their key.
    pub values_undecoded: u64,
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

    /// Every counter by name, in a fixed order, for exporters.
    pub fn counters(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        [
            ("send_errors", self.send_errors),
            ("receive_errors", self.receive_errors),
            ("queued", self.queued),
            ("dropped_probe", self.dropped_probe),
            ("dropped_suspicion", self.dropped_suspicion),
            ("dropped_rumor", self.dropped_rumor),
            ("dropped_state", self.dropped_state),
            ("dropped_sync", self.dropped_sync),
            ("dropped_pulse", self.dropped_pulse),
            ("events_lagged", self.events_lagged),
            ("user_events_lagged", self.user_events_lagged),
            ("lookups", self.lookups),
            ("lookups_failed", self.lookups_failed),
            ("seeds_replaced", self.seeds_replaced),
            ("epoch_errors", self.epoch_errors),
            ("view_errors", self.view_errors),
            ("questions_dropped", self.questions_dropped),
            ("values_undecoded", self.values_undecoded),
        ]
        .into_iter()
    }
}
