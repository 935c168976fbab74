//! One step under way: the planes, and what they work on.

use crate::{
    bootstrap::plane::Bootstrap,
    dissemination::plane::Dissemination,
    kernel::{
        context::{Context, Kernel},
        outbox::Outbox,
    },
    membership::{identity::Phase, plane::Membership},
    node::warnings::Warnings,
    state::plane::State,
    tables::memory::Tables,
    vocabulary::error::{StateError, Verdict},
};

/// All planes. They know nothing of each other: what one has to tell another goes through here, as a value.
#[derive(Clone)]
pub(super) struct Planes {
    pub(super) membership: Membership,
    pub(super) dissemination: Dissemination,
    pub(super) bootstrap: Bootstrap,
    pub(super) state: State,
    pub(super) warnings: Warnings,
}

/// One step under way.
pub(super) struct Step<'s, 'o> {
    pub(super) membership: &'s mut Membership,
    pub(super) dissemination: &'s mut Dissemination,
    pub(super) bootstrap: &'s mut Bootstrap,
    pub(super) state: &'s mut State,
    pub(super) warnings: &'s mut Warnings,
    pub(super) cx: Context<'s, 'o>,
}

impl<'s, 'o> Step<'s, 'o> {
    pub(super) fn new(
        kernel: &'s mut Kernel,
        planes: &'s mut Planes,
        tables: Tables<'s>,
        out: &'s mut Outbox<'o>,
    ) -> Self {
        let Planes { membership, dissemination, bootstrap, state, warnings } = planes;
        Self { membership, dissemination, bootstrap, state, warnings, cx: Context::new(kernel, tables, out) }
    }

    /// Writes something of this node. Where somebody has used up the numbers of this epoch in its name, it goes on in the next
    /// epoch, if it is time for one: that has all of them again.
    pub(super) fn write(
        &mut self,
        mut write: impl FnMut(&mut Self) -> Result<(), StateError>,
    ) -> Result<(), StateError> {
        match write(self) {
            Err(StateError::Exhausted) if self.membership.lifecycle.phase() == Phase::Running => {
                let above = self.cx.me().incarnation();
                self.membership.bump_epoch(&mut self.cx, above);
                write(self)
            }
            other => other,
        }
    }

    /// Does what the host asks for, unless this node leaves or has left.
    pub(super) fn if_active(&mut self, work: impl FnOnce(&mut Self)) -> Verdict {
        if matches!(self.membership.lifecycle.phase(), Phase::Running | Phase::Passive { .. }) {
            work(self);
            Verdict::Accepted
        } else {
            Verdict::Inactive
        }
    }
}
