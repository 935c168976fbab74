//! Whom the host keeps out.

use crate::{
    kernel::{
        gate::MAX_DENIED,
        outbox::{Outbox, Output},
    },
    node::api::Node,
    tables::memory::Memory,
    vocabulary::{
        error::{NotDenied, Verdict},
        record::{NodeId, Record},
        time::Instant,
    },
};

impl<M: Memory> Node<M> {
    /// Denies a node: it is not heard any more, and nothing is heard of it. If it is a live member it is told as
    /// [down](crate::Event::Down), and then in any case as [reaped](crate::Event::Reaped). At most 64 nodes are denied at a time, 8
    /// without `alloc`.
    ///
    /// This is of this node alone. Have all deny it: views that differ are compared again and again.
    ///
    /// # Errors
    /// [`NotDenied`]. Nothing has changed.
    pub fn deny<'o>(
        &mut self,
        now: Instant,
        id: NodeId,
        out: &'o mut Outbox<'_>,
    ) -> Result<Output<'o>, NotDenied> {
        let mut result = Err(NotDenied::Inactive);
        let output = self.step(now, out, |step| {
            step.if_active(|step| {
                if id == step.cx.my_id() {
                    result = Err(NotDenied::Myself);
                } else if step.cx.kernel.gate.deny(id) {
                    step.membership.expel(&mut step.cx, id);
                    result = Ok(());
                } else {
                    result = Err(NotDenied::Full { most: MAX_DENIED });
                }
            })
        });
        match result {
            Err(error) if output.verdict != Verdict::OutboxTooSmall => Err(error),
            _ => Ok(output),
        }
    }

    /// Does not deny a node any more: it is a member again once it is heard of.
    pub fn allow(&mut self, id: NodeId) {
        self.kernel.gate.allow(id);
    }

    /// The nodes that are denied.
    pub fn denied(&self) -> &[NodeId] {
        self.kernel.gate.denied()
    }

    /// Lets `admit` decide who becomes a member, by its record: by its address or locality, say. It must decide alike on all nodes,
    /// or views differ. Members that are known already stay. `None` admits everybody, as at the start.
    pub fn set_admit(&mut self, admit: Option<fn(&Record) -> bool>) {
        self.kernel.gate.set_admit(admit);
    }
}
