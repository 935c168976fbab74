//! What a host reads: keys and values, straight from the blocks.

use super::{
    arena::{BLOCK, Blocks, Link},
    entry::{AfterDeath, DELETED, EXPIRES, KEY_LENGTH, Lasting, OUTLIVES, Seconds},
    limits::MAX_KEY_BYTES,
    owner::Owner,
};
use crate::tables::table::SlotId;

/// All maps, to read only.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) owners: &'a [Owner],
    pub(crate) blocks: Blocks<'a>,
}

/// How the owner stands, which decides what of it is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Standing {
    /// It takes part: all values show.
    Live,
    /// It is dead, or has left: only values that outlive it do.
    Gone,
}

/// A key, copied from where it is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Key {
    bytes: [u8; MAX_KEY_BYTES],
    len: u8,
}

impl Key {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

/// A value that is shown. It may lie in several blocks.
#[derive(Clone, Copy)]
pub(crate) struct Held<'a> {
    key: Key,
    version: u32,
    lasting: Lasting,
    len: usize,
    value: Cursor<'a>,
}

impl Held<'_> {
    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    /// The number of the write that made it.
    pub(crate) fn version(&self) -> u32 {
        self.version
    }

    pub(crate) fn lasting(&self) -> Lasting {
        self.lasting
    }

    /// Bytes of the value.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The value, copied to the front of `into`; `None` if it is longer.
    pub(crate) fn copy_to<'b>(&self, into: &'b mut [u8]) -> Option<&'b [u8]> {
        let into = into.get_mut(..self.len)?;
        let mut cursor = self.value;
        cursor.copy(into)?;
        Some(into)
    }
}

impl<'a> View<'a> {
    /// The values of an owner, in the order in which they were written.
    pub(crate) fn values(self, owner: SlotId, standing: Standing, now: Seconds) -> Values<'a> {
        let owner = self.owners.get(owner as usize).copied().unwrap_or(Owner::EMPTY);
        let cursor = Cursor { blocks: self.blocks, link: owner.chain.first, at: 0, left: owner.chain.len() };
        Values { cursor, standing, now }
    }

    /// The value of a key.
    pub(crate) fn read(
        self,
        owner: SlotId,
        key: &[u8],
        standing: Standing,
        now: Seconds,
    ) -> Option<Held<'a>> {
        self.values(owner, standing, now).find(|held| held.key.as_bytes() == key)
    }
}

/// See [`View::values`].
#[derive(Clone)]
pub(crate) struct Values<'a> {
    cursor: Cursor<'a>,
    standing: Standing,
    now: Seconds,
}

impl<'a> Values<'a> {
    /// The next entry; `Some(None)` if it does not show.
    #[inline]
    fn step(&mut self) -> Option<Option<Held<'a>>> {
        let mut start = [0; 5];
        self.cursor.copy(&mut start)?;
        let [a, b, c, d, head] = start;
        let mut key = Key { bytes: [0; MAX_KEY_BYTES], len: head & KEY_LENGTH };
        self.cursor.copy(key.bytes.get_mut(..usize::from(key.len))?)?;
        if head & DELETED != 0 {
            return Some(None);
        }
        let mut lasting = Lasting::default();
        if head & EXPIRES != 0 {
            let mut expires = [0; 4];
            self.cursor.copy(&mut expires)?;
            lasting.expires = Some(Seconds(u32::from_be_bytes(expires)));
        }
        if head & OUTLIVES != 0 {
            lasting.after_death = AfterDeath::Kept;
        }
        let mut len = [0; 2];
        self.cursor.copy(&mut len)?;
        let len = usize::from(u16::from_be_bytes(len));
        let value = self.cursor;
        self.cursor.skip(len)?;
        let is_shown = key.len > 0
            && lasting.expires.is_none_or(|end| end > self.now)
            && (self.standing == Standing::Live || lasting.after_death == AfterDeath::Kept);
        let version = u32::from_be_bytes([a, b, c, d]);
        Some(is_shown.then_some(Held { key, version, lasting, len, value }))
    }
}

impl<'a> Iterator for Values<'a> {
    type Item = Held<'a>;

    fn next(&mut self) -> Option<Held<'a>> {
        loop {
            if let Some(held) = self.step()? {
                return Some(held);
            }
        }
    }
}

/// A place in a chain.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    blocks: Blocks<'a>,
    link: Link,
    /// Within the block.
    at: usize,
    /// Bytes from here to the end of the map.
    left: usize,
}

impl Cursor<'_> {
    /// Copies the next bytes; `None` beyond the end.
    #[inline]
    fn copy(&mut self, mut into: &mut [u8]) -> Option<()> {
        self.left = self.left.checked_sub(into.len())?;
        while !into.is_empty() {
            self.turn();
            let count = into.len().min(BLOCK - self.at);
            let (now, later) = into.split_at_mut_checked(count)?;
            now.copy_from_slice(self.blocks.bytes(self.link)?.get(self.at..self.at + count)?);
            self.at += count;
            into = later;
        }
        Some(())
    }

    #[inline]
    fn skip(&mut self, count: usize) -> Option<()> {
        self.left = self.left.checked_sub(count)?;
        self.at += count;
        while self.at > BLOCK {
            self.link = self.blocks.next(self.link);
            self.at -= BLOCK;
        }
        Some(())
    }

    /// At the end of a block, on to the next.
    #[inline]
    fn turn(&mut self) {
        if self.at == BLOCK {
            (self.link, self.at) = (self.blocks.next(self.link), 0);
        }
    }
}
