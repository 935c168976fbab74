//! The steps of sealing: which keys a node has, and what it knows of others'.

use crate::{
    kernel::outbox::{Outbox, Output},
    node::{api::Node, step::Step},
    security::{
        key::KeyError,
        keyring::KeyRing,
        published_keys::{KEYS, PublishedKeys},
    },
    tables::{memory::Memory, state::write::Terms, table::SlotId},
    vocabulary::{
        error::StateError,
        sealing::{KeyId, Sealing},
        time::Instant,
    },
};

impl<M: Memory> Node<M> {
    /// Seals what this node sends, and opens what it hears, with these keys from now on, as far as `sealing` says; where that is
    /// [`Sealing::Off`], the keys wait. A node begins without keys, in the clear.
    ///
    /// A key is changed in three steps, each on all nodes before the next: the new key is added as the second; it is made the
    /// first; the old one is removed. Sealing itself is begun in three, too: see [`Sealing`]. Before there are members, as at its
    /// start, a node may take any keys and any mode.
    ///
    /// Where it keeps state, the node publishes the ids of its keys under the key `gossip.keys`, such as `require 58 13`.
    ///
    /// # Errors
    /// Unless it is `force`d: [`KeyError::NotUnderstood`], where live members that understand this node would not in the new mode,
    /// by the modes that they publish; one that publishes none counts as in the clear, unless it was last heard sealed. And
    /// [`KeyError::InUse`]: the ring lacks a key that live members need, since they seal with it, or share
    /// no other with the ring. A member that publishes no ids needs the key that it was last heard under. Those members would be
    /// cut off. Nothing has changed.
    pub fn set_keys<'o>(
        &mut self,
        now: Instant,
        ring: KeyRing,
        sealing: Sealing,
        force: bool,
        out: &'o mut Outbox<'_>,
    ) -> Result<Output<'o>, KeyError> {
        if !force {
            self.check_mode(sealing)?;
        }
        if let Some(present) = self.kernel.guard.ring().filter(|_| !force) {
            present.check_successor(&ring, |key| {
                self.count(|slot, published| match published {
                    Some(published) => published.needs(key, &ring),
                    None => self.last_heard_under(slot) == Some(key),
                })
            })?;
        }
        Ok(self.step(now, out, |step| {
            step.cx.kernel.guard.set(ring, sealing);
            for at in 0..step.cx.tables.members.as_view().others().len() {
                let slot = step.cx.tables.members.as_view().others().get(at).copied();
                slot.into_iter().for_each(|slot| step.cx.note_published_keys(slot));
            }
            step.if_active(|step| step.publish_keys())
        }))
    }

    /// The ids of this node's keys, the sealing one first, and how many live members seal with each: as they publish, or, if they
    /// publish nothing, as they were last heard.
    pub fn keys_in_use(&self) -> impl Iterator<Item = (KeyId, u32)> + '_ {
        let ids = self.kernel.guard.ring().into_iter().flat_map(KeyRing::ids);
        let seals_with = |slot, published: Option<PublishedKeys>| match published {
            Some(published) => published.seals_with(),
            None => self.last_heard_under(slot),
        };
        ids.map(move |key| (key, self.count(|slot, published| seals_with(slot, published) == Some(key))))
    }

    /// Whether this node may go to another mode: all live members that understand it now would do so then.
    fn check_mode(&self, next: Sealing) -> Result<(), KeyError> {
        let present = self.sealing();
        let members = self.count(|slot, published| {
            let mode = match (published, self.last_heard_under(slot)) {
                (Some(published), _) => published.sealing(),
                (None, Some(_)) => Sealing::Prefer,
                (None, None) => Sealing::Off,
            };
            present.understands(mode) && !next.understands(mode)
        });
        let first = next.step_before(present);
        if members == 0 { Ok(()) } else { Err(KeyError::NotUnderstood { sealing: next, first, members }) }
    }

    /// How far this node is on the way from clear to sealed.
    pub fn sealing(&self) -> Sealing {
        self.kernel.guard.sealing()
    }

    /// How many live members `such` holds for, given what they publish of their keys.
    fn count(&self, such: impl Fn(SlotId, Option<PublishedKeys>) -> bool) -> u32 {
        let members = self.memory.views().members;
        let live =
            members.others().iter().filter(|&&slot| members.slots[slot as usize].record.status().is_live());
        live.filter(|&&slot| such(slot, self.published_keys(slot))).count() as u32
    }

    fn published_keys(&self, slot: SlotId) -> Option<PublishedKeys> {
        PublishedKeys::of(self.memory.views().state, slot, self.kernel.clock.now().into())
    }

    fn last_heard_under(&self, slot: SlotId) -> Option<KeyId> {
        self.memory.views().windows.get(slot as usize)?.key()
    }
}

impl Step<'_, '_> {
    /// Publishes which keys this node has. Without room for it others go by what they hear, and not by what was published before;
    /// where the numbers of this epoch are used up, and it is too soon for another, it is published later.
    pub(super) fn publish_keys(&mut self) {
        let guard = &mut self.cx.kernel.guard;
        let Some(published) = guard.ring().map(|ring| PublishedKeys::new(guard.sealing(), ring)) else {
            return;
        };
        let text = published.text();
        let published =
            self.write(|step| step.state.publish(&mut step.cx, KEYS, text.as_bytes(), Terms::default()));
        self.cx.kernel.guard.is_unpublished = published == Err(StateError::Exhausted);
        if published.is_err() {
            let _ = self.state.withdraw(&mut self.cx, KEYS);
        }
    }
}

#[cfg(all(test, feature = "alloc"))]
mod tests {
    use super::*;
    use crate::{
        kernel::outbox::{Buffer, Event},
        security::key::Key,
        tables::memory::Heap,
        vocabulary::{
            config::{ClusterName, Config},
            record::{Identity, Locality, NodeId},
        },
    };

    #[test]
    fn an_epoch_whose_counter_nears_its_end_is_followed_by_another() {
        let (id, address) = (NodeId::from_u64(1).unwrap(), ([10, 0, 0, 1], 7_946).into());
        let identity = Identity { id, epoch: 7, address, locality: Locality::default() };
        let config = Config::lan(ClusterName::named("test").unwrap());
        let mut node = Node::new(config, identity, [1; 32], Heap::for_members(8), Instant::ZERO).unwrap();
        let key = Key::from_bytes(core::array::from_fn(|at| at as u8)).unwrap();
        let (ring, mut buffer) = (KeyRing::new(&[key]).unwrap(), Buffer::<16, 128, 19_200>::new());
        let mut out = buffer.outbox();
        let _ = node.set_keys(Instant::ZERO, ring, Sealing::Require, false, &mut out).unwrap();
        node.kernel.guard.wear_out();
        let output = node.tick(Instant::from_millis(10), &mut out);
        assert!(output.events().contains(&Event::EpochBumped { epoch: 8 }));
        assert_eq!(node.me().incarnation().epoch, 8);
        assert!(!node.kernel.guard.is_worn(), "the next epoch counts from one");
    }
}
