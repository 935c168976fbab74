//! What a host says of itself every now and then, and reads of others.

use crate::{
    kernel::outbox::{Outbox, Output},
    node::api::Node,
    state::pulses::interval,
    tables::{memory::Memory, pulses::pulse::Said},
    vocabulary::{error::StateError, record::NodeId, time::Instant},
};
use core::time::Duration;

/// What a member said of itself last, as far as this node has heard: see [`Node::pulse_of`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pulse<'a>(Said<'a>);

impl<'a> Pulse<'a> {
    /// What it said.
    pub fn bytes(&self) -> &'a [u8] {
        self.0.blob
    }

    /// How long before the last step it said so, in ms.
    pub fn age(&self) -> Duration {
        Duration::from_millis(self.0.age.into())
    }
}

impl<M: Memory> Node<M> {
    /// Says up to 60 bytes of how this node is right now, a load or the length of a queue, to the members of its
    /// [scope](crate::PulseScope). It replaces the pulse before as a whole.
    ///
    /// May be called as often as there is something new. The latest is sent once in an
    /// [interval](Self::pulse_interval), which grows with the number of members and the length, so that the pulses of all cost
    /// each no more than [`Budgets::pulses`](crate::Budgets). Four fifths of the members hear of each, and none is repeated:
    /// the next one takes its place. So call it again while it is true, about once in an interval. What must arrive is
    /// [published](Self::publish).
    ///
    /// # Errors
    /// [`StateError::PulseTooLarge`]; [`StateError::PulsesOff`], as they are by default; this node's memory keeps none, or it
    /// has left. Nothing has changed.
    pub fn pulse<'o>(
        &mut self,
        now: Instant,
        bytes: &[u8],
        out: &'o mut Outbox<'_>,
    ) -> Result<Output<'o>, StateError> {
        self.write(now, out, |step| step.state.pulse(&mut step.cx, bytes))
    }

    /// The latest pulse of a live member that this node has heard of, or its own, with its age. `None` if there is none that is
    /// younger than 10 min.
    ///
    /// No event tells of pulses: there are many, and what counts is the latest when one looks.
    pub fn pulse_of(&self, id: NodeId) -> Option<Pulse<'_>> {
        let (views, now) = (self.memory.views(), self.kernel.clock.now());
        let slot = views.members.find(id)?;
        views.pulses.get(slot, now).map(Pulse)
    }

    /// Once in what time a pulse of so many bytes is sent at present; `None` while pulses are off.
    pub fn pulse_interval(&self, bytes: usize) -> Option<Duration> {
        interval(&self.kernel.config, self.memory.views().members, bytes)
    }
}
