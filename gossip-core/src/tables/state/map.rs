//! An owner's map while it is edited: entries in ascending order of versions, in a scratch of fixed size.

use super::{
    arena::{BLOCK, Blocks, Chain},
    entry::{Content, DELETED, Entry, FLOOR_BYTES, KEY_LENGTH, Place, Seconds, Stored, TOMBSTONE_BYTES},
    item::told_len,
    limits::{MAX_KEYS, Refusal},
    outcome::{Change, Observer},
};
use core::ops::Range;

/// Bytes that a map may have: by its owner's quota, and by the blocks that are left for it; and the most of one entry.
#[derive(Clone, Copy)]
pub(super) struct Room {
    pub(super) quota: usize,
    pub(super) blocks: u32,
    pub(super) entry: usize,
}

/// What merging an entry did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Merged {
    /// It was no news.
    Known,
    /// It was stored; a reader sees no difference.
    Silently,
    /// It was stored, and changed what a reader sees.
    Visibly(Change),
}

/// The map in its scratch.
pub(super) struct Map<'a> {
    scratch: &'a mut [u8],
    len: usize,
    is_changed: bool,
}

/// What a scan for a key found.
struct Scan {
    /// Where the key's entry is.
    old: Option<Range<usize>>,
    /// Where the new entry belongs.
    place: usize,
    merged: Merged,
    keys: usize,
}

impl<'a> Map<'a> {
    pub(super) fn gather(blocks: Blocks<'_>, chain: Chain, scratch: &'a mut [u8]) -> Self {
        let len = blocks.gather(chain, scratch);
        Self { scratch, len, is_changed: false }
    }

    /// Whether its bytes are others than those that were gathered.
    pub(super) fn is_changed(&self) -> bool {
        self.is_changed
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.scratch.get(..self.len).unwrap_or_default()
    }

    pub(super) fn places(&self) -> Stored<'_> {
        Stored::new(self.bytes())
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = Entry<'_>> + Clone {
        self.places().map(|place| place.entry)
    }

    /// The entry at a byte, and where it ends.
    fn entry_at(&self, at: usize) -> Option<(Entry<'_>, usize)> {
        Stored::from(self.bytes(), at).next().map(|place| (place.entry, place.end))
    }

    /// Below which version the owner has nothing; zero without a floor.
    pub(super) fn floor(&self) -> u32 {
        let floor = self.entries().find_map(|entry| match entry.content {
            Content::Floor(below) => Some(below),
            _ => None,
        });
        floor.unwrap_or_default()
    }

    /// Takes an entry in, if it is newer than what is held of its key.
    pub(super) fn merge(&mut self, entry: &Entry<'_>, now: Seconds, room: Room) -> Result<Merged, Refusal> {
        let Some(Scan { old, place, merged, keys }) = self.scan(entry, now) else { return Ok(Merged::Known) };
        let (gone, more) = (old.clone().map_or(0, |old| old.len()), entry.stored_len());
        let len = self.len - gone + more;
        if told_len(entry, now) > room.entry {
            return Err(Refusal::Entry);
        }
        if old.is_none() && keys >= MAX_KEYS && !entry.key.is_empty() {
            return Err(Refusal::Keys);
        }
        if len > room.quota.min(self.scratch.len()) {
            return Err(Refusal::Bytes);
        }
        if len.div_ceil(BLOCK) > room.blocks as usize {
            return Err(Refusal::Share);
        }
        let mut place = place;
        if let Some(old) = old {
            self.scratch.copy_within(old.end..self.len, old.start);
            if place > old.start {
                place -= gone;
            }
        }
        let end = self.len - gone;
        self.scratch.copy_within(place..end, place + more);
        (self.len, self.is_changed) = (len, true);
        if let Some(room) = self.scratch.get_mut(place..place + more) {
            entry.store(room);
        }
        Ok(merged)
    }

    /// `None` where the key is held at least as new.
    fn scan(&self, entry: &Entry<'_>, now: Seconds) -> Option<Scan> {
        let (mut old, mut place, mut keys) = (None, self.len, 0);
        let mut before = None;
        for Place { entry: held, start, end } in self.places() {
            if held.key == entry.key {
                if held.version >= entry.version {
                    return None;
                }
                old = Some(start..end);
                before = held.at(now).value();
            }
            if held.version > entry.version && place == self.len {
                place = start;
            }
            keys += usize::from(!held.key.is_empty());
        }
        let change = Change::between(before, entry.at(now).value());
        let merged = change.map_or(Merged::Silently, Merged::Visibly);
        Some(Scan { old, place, merged, keys })
    }

    /// Keeps the entries that are wanted, and returns how many there were of the others.
    pub(super) fn retain(&mut self, mut is_wanted: impl FnMut(&Entry<'_>) -> bool) -> u32 {
        let (mut at, mut to, mut dropped) = (0, 0, 0);
        while let Some((entry, end)) = self.entry_at(at) {
            if is_wanted(&entry) {
                if to < at {
                    self.scratch.copy_within(at..end, to);
                }
                to += end - at;
            } else {
                dropped += 1;
            }
            at = end;
        }
        self.len = to;
        self.is_changed |= dropped > 0;
        dropped
    }

    /// Drops all that is not above a floor.
    pub(super) fn drop_below(&mut self, floor: u32, now: Seconds, observe: &mut Observer<'_>) -> u32 {
        // Ascending, so that one look is enough where there is nothing to drop.
        if self.entry_at(0).is_none_or(|(first, _)| first.version > floor) {
            return 0;
        }
        self.retain(|entry| {
            let is_below = entry.version <= floor;
            if is_below && entry.at(now).value().is_some() {
                observe(entry.key, Change::Gone);
            }
            !is_below
        })
    }

    /// Makes tombstones of values whose time is over, and returns of how many.
    pub(super) fn expire(&mut self, now: Seconds) -> u32 {
        let (mut at, mut to, mut expired) = (0, 0, 0);
        while let Some((entry, end)) = self.entry_at(at) {
            let head_and_key = TOMBSTONE_BYTES + entry.key.len();
            let is_over = entry.is_over(now);
            let keep = if is_over { at..at + head_and_key } else { at..end };
            let kept = keep.len();
            if to < at {
                self.scratch.copy_within(keep, to);
            }
            if is_over {
                expired += 1;
                if let Some(head) = self.scratch.get_mut(to + TOMBSTONE_BYTES - 1) {
                    *head = *head & KEY_LENGTH | DELETED;
                }
            }
            (at, to) = (end, to + kept);
        }
        self.len = to;
        self.is_changed |= expired > 0;
        expired
    }

    /// Leaves what lives, under new versions from `floor + 2` on, with the floor before it; returns the last one given.
    ///
    /// The floor has the lowest version, so that whoever asks for what it lacks gets it first, and with it the room of what
    /// the owner has given up.
    pub(super) fn compact(&mut self, floor: u32, room: Room) -> Result<u32, Refusal> {
        let living = self.entries().filter(|entry| entry.value().is_some());
        let end: usize = living.map(|entry| entry.stored_len()).sum();
        let len = end + FLOOR_BYTES;
        if len > room.quota.min(self.scratch.len()) {
            return Err(Refusal::Bytes);
        }
        if len.div_ceil(BLOCK) > room.blocks as usize {
            return Err(Refusal::Share);
        }
        self.retain(|entry| entry.value().is_some());
        self.scratch.copy_within(..end, FLOOR_BYTES);
        (self.len, self.is_changed) = (len, true);
        let entry = Entry { version: floor + 1, key: &[], content: Content::Floor(floor) };
        if let Some(place) = self.scratch.get_mut(..FLOOR_BYTES) {
            entry.store(place);
        }
        Ok(self.renumber(FLOOR_BYTES, floor + 1))
    }

    /// Gives the entries from a byte on new versions, above `last`; returns the last one given.
    pub(super) fn renumber(&mut self, from: usize, last: u32) -> u32 {
        let (mut at, mut version) = (from, last);
        while let Some((_, next)) = self.entry_at(at) {
            version += 1;
            if let Some(place) = self.scratch.get_mut(at..at + 4) {
                place.copy_from_slice(&version.to_be_bytes());
            }
            (at, self.is_changed) = (next, true);
        }
        version
    }
}
