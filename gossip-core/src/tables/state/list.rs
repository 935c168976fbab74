//! Doubly linked lists of owners. The links stand in the owners, so each owner is in at most one list of each [`Row`].

use super::owner::{Links, Owner, Row};
use crate::tables::table::SlotId;

/// The ends of a list: `slot + 1`, or zero if it is empty.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct List {
    pub(super) first: u32,
    pub(super) last: u32,
}

impl List {
    pub(super) const EMPTY: Self = Self { first: 0, last: 0 };

    pub(super) fn first(self) -> Option<SlotId> {
        self.first.checked_sub(1)
    }

    pub(super) fn push_front(&mut self, owners: &mut [Owner], row: Row, slot: SlotId) {
        let next = core::mem::replace(&mut self.first, slot + 1);
        match link(owners, row, next) {
            Some(next) => next.previous = slot + 1,
            None => self.last = slot + 1,
        }
        set(owners, row, slot, Links { previous: 0, next });
    }

    pub(super) fn push_back(&mut self, owners: &mut [Owner], row: Row, slot: SlotId) {
        let previous = core::mem::replace(&mut self.last, slot + 1);
        match link(owners, row, previous) {
            Some(previous) => previous.next = slot + 1,
            None => self.first = slot + 1,
        }
        set(owners, row, slot, Links { previous, next: 0 });
    }

    /// Takes an owner out, which must be in this list.
    pub(super) fn remove(&mut self, owners: &mut [Owner], row: Row, slot: SlotId) {
        let Links { previous, next } = set(owners, row, slot, Links::default());
        match link(owners, row, previous) {
            Some(previous) => previous.next = next,
            None => self.first = next,
        }
        match link(owners, row, next) {
            Some(next) => next.previous = previous,
            None => self.last = previous,
        }
    }
}

fn link(owners: &mut [Owner], row: Row, at: u32) -> Option<&mut Links> {
    owners.get_mut(at.checked_sub(1)? as usize).map(|owner| owner.links(row))
}

/// Replaces the links of an owner, and returns what they were.
fn set(owners: &mut [Owner], row: Row, slot: SlotId, links: Links) -> Links {
    let owner = owners.get_mut(slot as usize);
    debug_assert!(owner.is_some(), "only owners are put in lists");
    owner.map_or(Links::default(), |owner| core::mem::replace(owner.links(row), links))
}
