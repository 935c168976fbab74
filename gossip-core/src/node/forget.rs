//! Members that a host has forgotten before their time.

use crate::{
    kernel::outbox::{Outbox, Output},
    node::api::Node,
    tables::memory::Memory,
    vocabulary::{
        error::{NotForgotten, Verdict},
        record::NodeId,
        time::Instant,
    },
};

impl<M: Memory> Node<M> {
    /// Forgets a member that is dead or has left, instead of after `tombstone_ttl`: it is a member no more, nothing is sent to
    /// it, and joiners are not told of it. [`Event::Reaped`](crate::Event::Reaped) comes with this step.
    ///
    /// This is of this node alone; have the others told. What is known of the death is kept until its time, so old news does
    /// not revive the member. If it comes back, it is told as up, like any new member.
    ///
    /// # Errors
    /// [`NotForgotten::NoMember`], [`NotForgotten::Live`], or this node has left. No member has changed.
    pub fn forget<'o>(
        &mut self,
        now: Instant,
        id: NodeId,
        out: &'o mut Outbox<'_>,
    ) -> Result<Output<'o>, NotForgotten> {
        let mut result = Err(NotForgotten::Inactive);
        let output = self.step(now, out, |step| {
            step.if_active(|step| result = step.membership.forget_member(&mut step.cx, id))
        });
        match result {
            Err(error) if output.verdict != Verdict::OutboxTooSmall => Err(error),
            _ => Ok(output),
        }
    }

    /// Pings a member that is dead here, as this node does by itself now and then: if it is up after all, it refutes, and
    /// [`Event::Up`](crate::Event::Up) comes within a round trip. Sends nothing if the member is not dead here, or if the
    /// budget for suspicion is spent.
    pub fn reconnect<'o>(&mut self, now: Instant, id: NodeId, out: &'o mut Outbox<'_>) -> Output<'o> {
        self.step(now, out, |step| step.if_active(|step| step.membership.reconnect_to(&mut step.cx, id)))
    }
}
