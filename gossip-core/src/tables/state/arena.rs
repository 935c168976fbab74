//! Memory for all maps: blocks of 64 bytes in chains, one chain an owner.
//!
//! A map is one string of bytes. To change it, it is gathered from its chain, edited and scattered again, so nothing is ever
//! fragmented and no block is moved. Memory that is all zero is an empty arena: blocks that were never used follow each
//! other, and those that were given back are in a list.

use super::limits::{GUARANTEED_BLOCKS, SHARE_SHIFT};
use bytemuck::Zeroable;

/// Bytes of a block.
pub(crate) const BLOCK: usize = 64;

/// A piece of an owner's map.
#[derive(Clone, Copy, Zeroable)]
#[repr(transparent)]
pub(crate) struct Block([u8; BLOCK]);

impl Block {
    pub(crate) const EMPTY: Self = Self([0; BLOCK]);
}

/// A block's number plus one; zero is the end of a chain.
pub(crate) type Link = u32;

/// An owner's chain. All zero when empty.
#[derive(Clone, Copy, Zeroable, Default)]
#[repr(C)]
pub(crate) struct Chain {
    pub(super) first: Link,
    pub(super) bytes: u16,
}

impl Chain {
    /// Bytes of the map.
    pub(super) fn len(self) -> usize {
        usize::from(self.bytes)
    }

    /// How many blocks it has.
    pub(super) fn blocks(self) -> u32 {
        u32::from(self.bytes).div_ceil(BLOCK as u32)
    }
}

/// What is taken, in blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Books {
    /// The first of the blocks that were given back.
    pub(super) returned: Link,
    /// How many blocks were ever used.
    pub(super) touched: u32,
    /// Blocks in chains.
    pub(super) taken: u32,
    /// Those of them that are part of their owners' guarantees.
    pub(super) claimed: u32,
}

impl Books {
    pub(crate) const EMPTY: Self = Self { returned: 0, touched: 0, taken: 0, claimed: 0 };
}

/// The arena, borrowed from its memory. There are as many links as blocks.
pub(crate) struct Arena<'a> {
    pub(crate) blocks: &'a mut [Block],
    pub(crate) links: &'a mut [Link],
    pub(crate) books: &'a mut Books,
}

/// The blocks and their links, to read only.
#[derive(Clone, Copy)]
pub(crate) struct Blocks<'a> {
    pub(crate) blocks: &'a [Block],
    pub(crate) links: &'a [Link],
}

impl<'a> Blocks<'a> {
    pub(super) fn bytes(self, link: Link) -> Option<&'a [u8; BLOCK]> {
        let at = link.checked_sub(1)? as usize;
        self.blocks.get(at).map(|block| &block.0)
    }

    pub(super) fn next(self, link: Link) -> Link {
        let at = link.checked_sub(1).and_then(|at| self.links.get(at as usize));
        at.copied().unwrap_or_default()
    }

    /// Copies the bytes of a chain to the front of `into`, and returns how many.
    pub(super) fn gather(self, chain: Chain, into: &mut [u8]) -> usize {
        let mut link = chain.first;
        let Some(bytes) = into.get_mut(..chain.len()) else {
            debug_assert!(false, "the scratch holds any map");
            return 0;
        };
        for piece in bytes.chunks_mut(BLOCK) {
            if let Some(from) = self.bytes(link).and_then(|block| block.get(..piece.len())) {
                piece.copy_from_slice(from);
            }
            link = self.next(link);
        }
        chain.len()
    }
}

/// How many blocks each of this many owners is guaranteed in an arena of this size.
pub(super) fn guarantee(blocks: usize, owners: usize) -> u32 {
    if blocks / (GUARANTEED_BLOCKS as usize) < owners { 0 } else { GUARANTEED_BLOCKS }
}

impl Arena<'_> {
    pub(super) fn view(&self) -> Blocks<'_> {
        Blocks { blocks: self.blocks, links: self.links }
    }

    /// The most blocks that the owner of a chain may have, one of this many owners.
    pub(super) fn allowance(&self, chain: Chain, owners: usize) -> u32 {
        let has = chain.blocks();
        let guaranteed = guarantee(self.blocks.len(), owners);
        let promised = (guaranteed * owners as u32).saturating_sub(self.books.claimed);
        let to_others = promised.saturating_sub(guaranteed.saturating_sub(has));
        let free = (self.blocks.len() as u32).saturating_sub(self.books.taken);
        let open = free.saturating_sub(to_others);
        let share = guaranteed + (open >> SHARE_SHIFT).max(1);
        has.max(share.min(has + open))
    }

    /// Puts a map into its owner's chain, which takes or gives back blocks as needed. Whoever calls keeps to the allowance.
    pub(super) fn scatter(&mut self, chain: &mut Chain, bytes: &[u8], owners: usize) {
        let before = chain.blocks();
        let (mut link, mut last) = (chain.first, 0);
        for piece in bytes.chunks(BLOCK) {
            let block = if link == 0 { self.take() } else { link };
            debug_assert!(block != 0, "an owner keeps to its allowance");
            self.write(block, piece);
            self.join(chain, last, block);
            (last, link) = (block, self.view().next(block));
        }
        self.join(chain, last, 0);
        self.give_back(link);
        chain.bytes = bytes.len() as u16;
        let (after, guaranteed) = (chain.blocks(), guarantee(self.blocks.len(), owners));
        let Books { taken, claimed, .. } = &mut *self.books;
        *taken = (*taken + after).saturating_sub(before);
        *claimed = (*claimed + after.min(guaranteed)).saturating_sub(before.min(guaranteed));
    }

    fn write(&mut self, link: Link, piece: &[u8]) {
        let at = link.checked_sub(1).and_then(|at| self.blocks.get_mut(at as usize));
        if let Some(place) = at.and_then(|block| block.0.get_mut(..piece.len())) {
            place.copy_from_slice(piece);
        }
    }

    /// Lets `next` follow `last`, or begin the chain where there is none.
    fn join(&mut self, chain: &mut Chain, last: Link, next: Link) {
        match last.checked_sub(1) {
            None => chain.first = next,
            Some(at) => {
                if let Some(link) = self.links.get_mut(at as usize) {
                    *link = next;
                }
            }
        }
    }

    /// A free block, alone in its chain; zero if there is none.
    fn take(&mut self) -> Link {
        let mut link = self.books.returned;
        if link != 0 {
            self.books.returned = self.view().next(link);
        } else if (self.books.touched as usize) < self.blocks.len() {
            self.books.touched += 1;
            link = self.books.touched;
        } else {
            return 0;
        }
        self.join(&mut Chain::default(), link, 0);
        link
    }

    /// Frees a chain.
    fn give_back(&mut self, first: Link) {
        let mut link = first;
        while link != 0 {
            let next = self.view().next(link);
            self.join(&mut Chain::default(), link, self.books.returned);
            self.books.returned = link;
            link = next;
        }
    }
}
