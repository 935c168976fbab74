//! The store: every owner's map, and how much of it is known. Owners are named by their slot of the member table.

use super::{
    arena::{Arena, Block, Blocks, Books, Link},
    entry::{AfterDeath, Content, Lasting, Seconds},
    limits::Limits,
    map::{Map, Room},
    owner::Owner,
    read::View,
};
use crate::tables::table::SlotId;

/// All maps, borrowed from their memory.
pub(crate) struct Store<'a> {
    /// One for each slot of the member table.
    pub(crate) owners: &'a mut [Owner],
    pub(crate) arena: Arena<'a>,
    /// Room for one map, where it is edited: [`Limits::owner_bytes`] at least.
    pub(crate) scratch: &'a mut [u8],
    pub(crate) limits: Limits,
}

impl<'a> Store<'a> {
    /// Puts a store together from memory that is all zero at first.
    pub(crate) fn new(
        owners: &'a mut [Owner],
        (blocks, links): (&'a mut [Block], &'a mut [Link]),
        books: &'a mut Books,
        scratch: &'a mut [u8],
        limits: Limits,
    ) -> Self {
        Self { owners, arena: Arena { blocks, links, books }, scratch, limits }
    }

    /// The same, to read only.
    pub(crate) fn view(&self) -> View<'_> {
        View { owners: self.owners, blocks: self.arena.view() }
    }

    /// What is known of an owner.
    pub(crate) fn owner(&self, owner: SlotId) -> &Owner {
        self.owners.get(owner as usize).unwrap_or(&Owner::EMPTY)
    }

    /// Forgets all owners: the memory is given a new node.
    pub(crate) fn clear(&mut self) {
        self.owners.fill(Owner::EMPTY);
        *self.arena.books = Books::EMPTY;
    }

    /// An owner begins an epoch, or becomes a member: nothing of an earlier one is kept.
    pub(crate) fn begin(&mut self, owner: SlotId, epoch: u32) {
        self.edit(owner, |owner, map, _| {
            map.retain(|_| false);
            *owner = Owner { epoch, known: 0, ..*owner };
        });
    }

    /// An owner is no member any more: its slot is free.
    pub(crate) fn forget(&mut self, owner: SlotId) {
        self.begin(owner, 0);
    }

    /// An owner has been dead for long enough: only what outlives it is kept. Should it be alive after all, all of it is asked
    /// for again, since nothing is known any more.
    pub(crate) fn bury(&mut self, owner: SlotId) {
        self.edit(owner, |owner, map, _| {
            map.retain(|entry| match entry.content {
                Content::Value { lasting: Lasting { after_death, .. }, .. } => {
                    after_death == AfterDeath::Kept
                }
                Content::Deleted | Content::Floor(_) => false,
            });
            owner.known = 0;
        });
    }

    /// Frees the memory of values whose time is over, and returns of how many. Readers do not see them any more, whether or
    /// not this was called; it is meant for one owner now and then.
    pub(crate) fn expire(&mut self, owner: SlotId, now: Seconds) -> u32 {
        self.edit(owner, |_, map, _| map.expire(now)).unwrap_or_default()
    }

    /// Lets `change` work on an owner's map, and stores the map if its bytes have changed. `None` if there is no such owner.
    pub(super) fn edit<T>(
        &mut self,
        owner: SlotId,
        change: impl FnOnce(&mut Owner, &mut Map<'_>, Room) -> T,
    ) -> Option<T> {
        let count = self.owners.len();
        let owner = self.owners.get_mut(owner as usize)?;
        let room = Room {
            quota: usize::from(self.limits.owner_bytes).min(self.scratch.len()),
            blocks: self.arena.allowance(owner.chain, count),
            entry: usize::from(self.limits.entry_bytes),
        };
        let mut map = Map::gather(self.arena.view(), owner.chain, self.scratch);
        let result = change(owner, &mut map, room);
        if map.is_changed() {
            self.arena.scatter(&mut owner.chain, map.bytes(), count);
        }
        Some(result)
    }

    pub(super) fn blocks(&self) -> Blocks<'_> {
        self.arena.view()
    }
}
