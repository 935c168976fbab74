//! What a host reads: keys and values, straight from the blocks.

use super::{
    arena::{Block, Blocks, Chain, Link},
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

/// A value that is shown. It and its key may lie in several blocks.
#[derive(Clone, Copy)]
pub(crate) struct Held<'a> {
    version: u32,
    lasting: Lasting,
    key_len: u8,
    key: Cursor<'a>,
    len: usize,
    value: Cursor<'a>,
}

impl Held<'_> {
    pub(crate) fn key(&self) -> Key {
        let mut key = Key { bytes: [0; MAX_KEY_BYTES], len: self.key_len };
        let mut cursor = self.key;
        if let Some(into) = key.bytes.get_mut(..usize::from(self.key_len)) {
            let _ = cursor.copy(into);
        }
        key
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

    #[inline]
    fn is_of(&self, key: &[u8]) -> bool {
        usize::from(self.key_len) == key.len() && self.key.begins_with(key)
    }
}

impl<'a> View<'a> {
    pub(crate) fn new(owners: &'a [Owner], (blocks, links): (&'a [Block], &'a [Link])) -> Self {
        Self { owners, blocks: Blocks { blocks, links } }
    }

    /// The values of an owner, in the order in which they were written.
    pub(crate) fn values(self, owner: SlotId, standing: Standing, now: Seconds) -> Values<'a> {
        let owner = self.owners.get(owner as usize).copied().unwrap_or(Owner::EMPTY);
        Values { cursor: Cursor::new(self.blocks, owner.chain), standing, now }
    }

    /// The value of a key.
    pub(crate) fn read(
        self,
        owner: SlotId,
        key: &[u8],
        standing: Standing,
        now: Seconds,
    ) -> Option<Held<'a>> {
        self.values(owner, standing, now).find(|held| held.is_of(key))
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
        let [a, b, c, d, head] = self.cursor.array()?;
        let (key, key_len) = (self.cursor, head & KEY_LENGTH);
        self.cursor.skip(usize::from(key_len))?;
        if head & DELETED != 0 {
            return Some(None);
        }
        let mut lasting = Lasting::default();
        if head & EXPIRES != 0 {
            lasting.expires = Some(Seconds(u32::from_be_bytes(self.cursor.array()?)));
        }
        if head & OUTLIVES != 0 {
            lasting.after_death = AfterDeath::Kept;
        }
        let len = usize::from(u16::from_be_bytes(self.cursor.array()?));
        let value = self.cursor;
        self.cursor.skip(len)?;
        let is_shown = key_len > 0
            && lasting.expires.is_none_or(|end| end > self.now)
            && (self.standing == Standing::Live || lasting.after_death == AfterDeath::Kept);
        let version = u32::from_be_bytes([a, b, c, d]);
        Some(is_shown.then_some(Held { version, lasting, key_len, key, len, value }))
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
    /// From here to the end of the block.
    rest: &'a [u8],
    /// Bytes from here to the end of the map.
    left: usize,
}

impl<'a> Cursor<'a> {
    fn new(blocks: Blocks<'a>, chain: Chain) -> Self {
        let rest = blocks.bytes(chain.first).map_or(&[][..], |block| block);
        Self { blocks, link: chain.first, rest, left: chain.len() }
    }

    /// The next bytes; `None` beyond the end.
    #[inline]
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        if let (Some((taken, rest)), Some(left)) = (self.rest.split_first_chunk(), self.left.checked_sub(N)) {
            (self.rest, self.left) = (rest, left);
            return Some(*taken);
        }
        let mut taken = [0; N];
        self.copy(&mut taken)?;
        Some(taken)
    }

    /// Copies the next bytes.
    fn copy(&mut self, mut into: &mut [u8]) -> Option<()> {
        self.left = self.left.checked_sub(into.len())?;
        while !into.is_empty() {
            self.turn()?;
            let count = into.len().min(self.rest.len());
            let (now, later) = into.split_at_mut_checked(count)?;
            let (taken, rest) = self.rest.split_at_checked(count)?;
            now.copy_from_slice(taken);
            (into, self.rest) = (later, rest);
        }
        Some(())
    }

    #[inline]
    fn skip(&mut self, mut count: usize) -> Option<()> {
        self.left = self.left.checked_sub(count)?;
        while count > self.rest.len() {
            count -= self.rest.len();
            self.rest = &[];
            self.turn()?;
        }
        self.rest = self.rest.get(count..)?;
        Some(())
    }

    /// Whether these are the next bytes.
    #[inline]
    fn begins_with(mut self, mut bytes: &[u8]) -> bool {
        while self.rest.len() < bytes.len() {
            let Some(later) = bytes.strip_prefix(self.rest) else { return false };
            (self.rest, bytes) = (&[], later);
            if self.turn().is_none() {
                return false;
            }
        }
        self.rest.starts_with(bytes)
    }

    /// At the end of a block, on to the next.
    #[inline]
    fn turn(&mut self) -> Option<()> {
        if self.rest.is_empty() {
            self.link = self.blocks.next(self.link);
            self.rest = self.blocks.bytes(self.link)?;
        }
        Some(())
    }
}
