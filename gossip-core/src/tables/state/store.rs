//! The store: every owner's map, and how much of it is known. Owners are named by their slot of the member table.

#[cfg(feature = "seal")]
use super::read::View;
use super::{
    arena::{Arena, Block, Books, Link},
    desk::Desk,
    entry::{AfterDeath, Content, Lasting},
    map::{Map, Room},
    owner::Owner,
};
use crate::tables::table::SlotId;

/// All maps, borrowed from their memory.
pub(crate) struct Store<'a> {
    /// One for each slot of the member table.
    pub(crate) owners: &'a mut [Owner],
    pub(crate) arena: Arena<'a>,
    /// Room for one map, where it is edited: [`Limits::owner_bytes`] at least.
    pub(crate) scratch: &'a mut [u8],
    pub(crate) desk: &'a mut Desk,
}

impl<'a> Store<'a> {
    /// Puts a store together from memory that is all zero at first.
    pub(crate) fn new(
        owners: &'a mut [Owner],
        (blocks, links): (&'a mut [Block], &'a mut [Link]),
        books: &'a mut Books,
        scratch: &'a mut [u8],
        desk: &'a mut Desk,
    ) -> Self {
        Self { owners, arena: Arena { blocks, links, books }, scratch, desk }
    }

    /// To read only.
    #[cfg(feature = "seal")]
    pub(crate) fn as_view(&self) -> View<'_> {
        View { owners: self.owners, blocks: self.arena.view() }
    }

    /// Whether there is memory for any state.
    pub(crate) fn keeps(&self) -> bool {
        !self.owners.is_empty()
    }

    /// What is known of an owner.
    pub(crate) fn owner(&self, owner: SlotId) -> &Owner {
        self.owners.get(owner as usize).unwrap_or(&Owner::EMPTY)
    }

    /// Forgets all owners: the memory is given a new node.
    pub(crate) fn clear(&mut self) {
        // Fresh memory is zero, and touching all of it would cost a small cluster its large cap.
        if self.desk.is_used {
            self.owners.fill(Owner::EMPTY);
        }
        *self.arena.books = Books::EMPTY;
        *self.desk = Desk { limits: self.desk.limits, ..Desk::EMPTY };
    }

    /// An owner begins an epoch, or becomes a member: nothing of an earlier one is kept.
    pub(crate) fn begin(&mut self, owner: SlotId, epoch: u32) {
        self.edit(owner, |owner, map, _| {
            map.retain(|_| false);
            *owner = Owner { epoch, known: 0, since: 0, ..*owner };
        });
    }

    /// The node itself begins an epoch, in which its values have the versions from 1 on. Returns the last one given.
    pub(crate) fn restart(&mut self, me: SlotId, epoch: u32) -> u32 {
        let restarted = self.edit(me, |owner, map, _| {
            map.retain(|entry| entry.value().is_some());
            let known = map.renumber(0, 0);
            *owner = Owner { epoch, known, since: 0, ..*owner };
            known
        });
        restarted.unwrap_or_default()
    }

    /// An owner is no member any more: its slot is free.
    pub(crate) fn forget(&mut self, owner: SlotId) {
        self.retire(owner);
        self.wait_no_more(owner);
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

    /// Lets `change` work on an owner's map, and stores the map if its bytes have changed. `None` if there is no such owner.
    pub(super) fn edit<T>(
        &mut self,
        owner: SlotId,
        change: impl FnOnce(&mut Owner, &mut Map<'_>, Room) -> T,
    ) -> Option<T> {
        self.desk.is_used = true;
        let count = self.owners.len();
        let owner = self.owners.get_mut(owner as usize)?;
        let room = Room {
            quota: usize::from(self.desk.limits.owner_bytes).min(self.scratch.len()),
            blocks: self.arena.allowance(owner.chain, count),
            entry: usize::from(self.desk.limits.entry_bytes),
        };
        let mut map = Map::gather(self.arena.view(), owner.chain, self.scratch);
        let result = change(owner, &mut map, room);
        if map.is_changed() {
            self.arena.scatter(&mut owner.chain, map.bytes(), count);
        }
        Some(result)
    }
}
