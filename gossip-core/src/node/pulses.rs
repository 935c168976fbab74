//! Pulses, as a host sends its own and reads those of others.

use crate::{
    kernel::outbox::{Outbox, Output},
    node::api::Node,
    state::pulses::interval,
    tables::{memory::Memory, pulses::pulse::Said},
    vocabulary::{error::StateError, record::NodeId, time::Instant},
};
use core::time::Duration;

/// The latest pulse of a member that this node has heard: see [`Node::pulse_of`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pulse<'a>(Said<'a>);

impl<'a> Pulse<'a> {
    /// What the member said.
    pub fn bytes(&self) -> &'a [u8] {
        self.0.blob
    }

    /// How long before this node's last step the member said so, in whole milliseconds.
    pub fn age(&self) -> Duration {
        Duration::from_millis(self.0.age.into())
    }
}

impl<M: Memory> Node<M> {
    /// Tells the members of this node's [scope](crate::PulseScope) how it is right now, a load or the length of a queue, in up to
    /// 60 bytes. It replaces the pulse before as a whole.
    ///
    /// May be called as often as there is something new. The latest pulse is sent once per
    /// [interval](Self::pulse_interval), which grows with the number of members and the length, so that the pulses of all
    /// together cost each node no more than [`Budgets::pulses`](crate::Budgets). Four in five members hear each pulse, and none
    /// is repeated: the next one takes its place. So repeat it about once per interval for as long as it is true. For what must
    /// arrive, see [`publish`](Self::publish).
    ///
    /// # Errors
    /// [`StateError::PulseTooLarge`]; [`StateError::PulsesOff`], which is the default; this node's memory keeps no pulses, or
    /// the node has left. Nothing has changed.
    pub fn pulse<'o>(
        &mut self,
        now: Instant,
        bytes: &[u8],
        out: &'o mut Outbox<'_>,
    ) -> Result<Output<'o>, StateError> {
        self.write(now, out, |step| step.state.pulse(&mut step.cx, bytes))
    }

    /// The latest pulse of a live member that this node has heard, or its own. `None` if there is none that is younger than
    /// 10 min.
    ///
    /// No event tells of pulses: there are many, and what counts is the latest at the time of a decision.
    pub fn pulse_of(&self, id: NodeId) -> Option<Pulse<'_>> {
        let (views, now) = (self.memory.views(), self.kernel.clock.now());
        let slot = views.members.find(id)?;
        views.pulses.get(slot, now).map(Pulse)
    }

    /// The interval at which a pulse of this many bytes is sent at present; `None` while pulses are off.
    pub fn pulse_interval(&self, bytes: usize) -> Option<Duration> {
        interval(&self.kernel.config, self.memory.views().members, bytes)
    }
}
