//! The steps of sealing: which keys a node has, and what it knows of others'.

use crate::{
    kernel::outbox::{Outbox, Output},
    node::api::Node,
    security::{key::KeyError, keyring::KeyRing},
    tables::{memory::Memory, table::SlotId},
    vocabulary::{
        error::Verdict,
        sealing::{KeyId, Sealing},
        time::Instant,
    },
};

impl<M: Memory> Node<M> {
    /// Seals what this node sends, and opens what it hears, with these keys from now on, as far as `sealing` says; where that is
    /// [`Sealing::Off`], the keys wait. A node begins without keys, in the clear.
    ///
    /// A key is changed in three steps, each on all nodes before the next: the new key is added as the second; it is made the
    /// first; the old one is removed. Sealing itself is begun in three, too: see [`Sealing`].
    ///
    /// # Errors
    /// [`KeyError::InUse`], unless it is `force`d: the ring lacks a key that live members were last heard under, and those that
    /// have no other would be cut off. Nothing has changed.
    pub fn set_keys<'o>(
        &mut self,
        now: Instant,
        ring: KeyRing,
        sealing: Sealing,
        force: bool,
        out: &'o mut Outbox<'_>,
    ) -> Result<Output<'o>, KeyError> {
        if let Some(present) = self.kernel.guard.ring().filter(|_| !force) {
            present.check_successor(&ring, |key| self.members_under(key))?;
        }
        Ok(self.step(now, out, |step| {
            step.cx.kernel.guard.set(ring, sealing);
            Verdict::Accepted
        }))
    }

    /// The ids of this node's keys, that of the one that seals first, and under how many live members each was last heard.
    pub fn keys_in_use(&self) -> impl Iterator<Item = (KeyId, u32)> + '_ {
        let ids = self.kernel.guard.ring().into_iter().flat_map(KeyRing::ids);
        ids.map(|key| (key, self.members_under(key)))
    }

    /// How far this node is on the way from clear to sealed.
    pub fn sealing(&self) -> Sealing {
        self.kernel.guard.sealing()
    }

    fn members_under(&self, key: KeyId) -> u32 {
        let views = self.memory.views();
        let live = |slot: &&SlotId| views.members.slots[**slot as usize].record.status().is_live();
        let under = |slot: &&SlotId| views.windows[**slot as usize].key() == Some(key);
        views.members.others().iter().filter(live).filter(under).count() as u32
    }
}
