//! What is done to packets between some hosts, on purpose.

use super::{HostId, Micros};

/// What else happens to packets from some hosts to some others, in this direction only.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Rule {
    /// The senders.
    pub from: Vec<HostId>,
    /// The receivers.
    pub to: Vec<HostId>,
    /// The share of packets lost; 1 cuts.
    pub loss: f64,
    /// How much longer they take.
    pub delay: Micros,
    /// At most this much is added to the delay, uniformly at random.
    pub jitter: Micros,
    /// The share of packets some bytes of which are changed.
    pub corrupt: f64,
    /// The share of packets that end like an earlier one.
    pub splice: f64,
    /// The share of packets after which an earlier one arrives again.
    pub replay: f64,
}

impl Rule {
    pub(super) fn tampers(&self) -> bool {
        self.corrupt > 0.0 || self.splice > 0.0 || self.replay > 0.0
    }
}
