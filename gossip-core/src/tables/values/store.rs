//! Where values are: slots in the order of their keys, and the bytes of keys and values packed in the same order. So the
//! same values are the same bytes, however they came.

use super::{
    limits::{MAX_KEYS, MAX_PREFIXES},
    value::{Content, Rank, Value, Version},
};
use crate::{
    tables::state::entry::Seconds,
    vocabulary::{
        key::{ValueKey, ValueTag},
        record::NodeId,
    },
};
use bytemuck::Zeroable;

/// Bits of [`Slot::head`]: the length of the key.
const KEY_LENGTH: u8 = 0x1F;
/// It is a tombstone.
const DELETED: u8 = 1 << 5;
/// It is an authority's.
const AUTHORITY: u8 = 1 << 6;
/// A conflict about its revision was reported.
const REPORTED: u8 = 1 << 7;

/// [`Slot::sends`] of a value that is not pending.
pub(super) const RETIRED: u8 = u8::MAX;

/// What is kept of a key beside the bytes of key and value.
#[derive(Clone, Copy, Zeroable)]
#[repr(C)]
pub(crate) struct Slot {
    revision: u64,
    writer: [u8; 8],
    hash: u64,
    source: u32,
    /// When it was written, in seconds modulo 2^32: before the host's clock started, perhaps.
    born: u32,
    /// Counts up from one value that became pending to the next.
    pub(super) order: u32,
    /// Bytes of the value.
    len: u16,
    head: u8,
    /// How often it was sent, or [`RETIRED`].
    pub(super) sends: u8,
}

const _: () = assert!(size_of::<Slot>() == 40);

impl Slot {
    pub(crate) const EMPTY: Self = Self {
        revision: 0,
        writer: [0; 8],
        hash: 0,
        source: 0,
        born: 0,
        order: 0,
        len: 0,
        head: 0,
        sends: 0,
    };

    /// A slot for a value, which is pending.
    fn of(value: &Value<'_>, is_reported: bool, order: u32, now: Seconds) -> Self {
        let Value { key, version, content, age } = value;
        let (authority, source) = match version.rank {
            Rank::Anyone => (0, 0),
            Rank::Authority { source } => (AUTHORITY, source),
        };
        let deleted = if *content == Content::Deleted { DELETED } else { 0 };
        let reported = if is_reported { REPORTED } else { 0 };
        Self {
            revision: version.revision,
            writer: version.writer.to_bytes(),
            hash: version.hash,
            source,
            born: now.0.wrapping_sub(*age),
            order,
            len: content.value().unwrap_or_default().len() as u16,
            head: key.as_bytes().len() as u8 | deleted | authority | reported,
            sends: 0,
        }
    }

    fn key_len(&self) -> usize {
        usize::from(self.head & KEY_LENGTH)
    }

    fn is_tombstone(&self) -> bool {
        self.head & DELETED != 0
    }

    /// Whether a conflict about its revision was reported.
    pub(super) fn is_reported(&self) -> bool {
        self.head & REPORTED != 0
    }

    /// Notes that a conflict about its revision is reported.
    pub(super) fn note_report(&mut self) {
        self.head |= REPORTED;
    }

    pub(super) fn is_pending(&self) -> bool {
        self.sends != RETIRED
    }

    fn version(&self) -> Version {
        let rank = match self.head & AUTHORITY {
            0 => Rank::Anyone,
            _ => Rank::Authority { source: self.source },
        };
        let writer = NodeId::kept_in(self.writer);
        Version { rank, revision: self.revision, writer, hash: self.hash }
    }
}

/// What holds of all values together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Books {
    /// The highest revision seen of values without an authority, at most [`MAX_SEEN`](super::limits::MAX_SEEN).
    pub(super) seen: u64,
    /// Of the shares of all, modulo 2^32.
    pub(super) sum: u32,
    /// The next [`Slot::order`].
    pub(super) order: u32,
    /// Bytes of keys and values.
    pub(super) bytes: u16,
    /// How many keys.
    pub(super) keys: u8,
    /// How many of them are pending.
    pub(super) pending: u8,
}

impl Books {
    pub(crate) const EMPTY: Self = Self { seen: 0, sum: 0, order: 0, bytes: 0, keys: 0, pending: 0 };
}

/// Which values are taken.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// Keys that begin with one of these take an authority's values only.
    pub(crate) prefixes: heapless::Vec<ValueKey, MAX_PREFIXES>,
    /// The longest value.
    pub(crate) value_bytes: usize,
}

impl Rules {
    pub(crate) const EMPTY: Self = Self { prefixes: heapless::Vec::new(), value_bytes: 0 };

    /// Whether a key may have a value of a rank.
    pub(super) fn allow(&self, key: &ValueKey, rank: Rank) -> bool {
        rank != Rank::Anyone || !self.prefixes.iter().any(|prefix| key.is_under(prefix))
    }
}

/// The memory of all values: at most [`MAX_KEYS`] slots, and [`MAX_BYTES`](super::limits::MAX_BYTES) bytes.
#[derive(Clone)]
pub(crate) struct Room<S, B> {
    slots: S,
    bytes: B,
    books: Books,
    rules: Rules,
}

impl<S, B> Room<S, B> {
    pub(crate) const fn new(slots: S, bytes: B) -> Self {
        Self { slots, bytes, books: Books::EMPTY, rules: Rules::EMPTY }
    }
}

impl<S: AsMut<[Slot]> + AsRef<[Slot]>, B: AsMut<[u8]> + AsRef<[u8]>> Room<S, B> {
    pub(crate) fn values(&mut self) -> Values<'_> {
        let Self { slots, bytes, books, rules } = self;
        Values { slots: slots.as_mut(), bytes: bytes.as_mut(), books, rules }
    }

    pub(crate) fn view(&self) -> View<'_> {
        View { slots: self.slots.as_ref(), bytes: self.bytes.as_ref(), books: &self.books }
    }
}

/// All values, borrowed from their memory.
pub(crate) struct Values<'a> {
    pub(crate) slots: &'a mut [Slot],
    pub(crate) bytes: &'a mut [u8],
    pub(crate) books: &'a mut Books,
    pub(crate) rules: &'a mut Rules,
}

/// The same, to read only.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) slots: &'a [Slot],
    pub(crate) bytes: &'a [u8],
    pub(crate) books: &'a Books,
}

/// A value where it is held.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    /// The number of its slot.
    pub(super) at: usize,
    /// Where its key begins.
    pub(super) start: usize,
    pub(super) slot: &'a Slot,
    key: &'a [u8],
    value: &'a [u8],
}

impl<'a> Entry<'a> {
    fn end(&self) -> usize {
        self.start + self.key.len() + self.value.len()
    }

    pub(super) fn place(&self) -> Place {
        Place { at: self.at, start: self.start, bytes: self.key.len() + self.value.len(), is_held: true }
    }

    pub(super) fn value(&self, now: Seconds) -> Value<'a> {
        let content = if self.slot.is_tombstone() { Content::Deleted } else { Content::Value(self.value) };
        let age = now.0.wrapping_sub(self.slot.born);
        Value { key: ValueKey::kept_in(self.key), version: self.slot.version(), content, age }
    }
}

/// Where a key is, or belongs.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) at: usize,
    pub(super) start: usize,
    /// Bytes of the key and its value; zero if it is not held.
    pub(super) bytes: usize,
    pub(super) is_held: bool,
}

impl<'a> View<'a> {
    /// What is held, in the order of the keys.
    pub(super) fn entries(self) -> impl Iterator<Item = Entry<'a>> + Clone {
        let slots = self.slots.iter().take(usize::from(self.books.keys)).enumerate();
        slots.scan((0, self.bytes), |(start, rest), (at, slot)| {
            let (key, behind) = rest.split_at_checked(slot.key_len())?;
            let (value, behind) = behind.split_at_checked(usize::from(slot.len))?;
            let entry = Entry { at, start: *start, slot, key, value };
            (*start, *rest) = (entry.end(), behind);
            Some(entry)
        })
    }

    /// The entry of a key, or where it belongs.
    pub(super) fn find(self, key: &ValueKey) -> Result<Entry<'a>, Place> {
        let mut place = Place { at: 0, start: 0, bytes: 0, is_held: false };
        for entry in self.entries() {
            match entry.key.cmp(key.as_bytes()) {
                core::cmp::Ordering::Less => (place.at, place.start) = (entry.at + 1, entry.end()),
                core::cmp::Ordering::Equal => return Ok(entry),
                core::cmp::Ordering::Greater => break,
            }
        }
        Err(place)
    }

    /// What is held of a key, a tombstone too.
    pub(crate) fn held(self, key: &ValueKey, now: Seconds) -> Option<Value<'a>> {
        self.find(key).ok().map(|entry| entry.value(now))
    }

    /// The value of a key.
    pub(crate) fn get(self, key: &ValueKey, now: Seconds) -> Option<Value<'a>> {
        self.held(key, now).filter(|value| value.content != Content::Deleted)
    }

    /// The value of the key with a tag.
    pub(crate) fn tagged(self, tag: ValueTag, now: Seconds) -> Option<Value<'a>> {
        let mut entries = self.entries();
        let entry = entries.find(|entry| ValueKey::kept_in(entry.key).tag() == tag)?;
        Some(entry.value(now)).filter(|value| value.content != Content::Deleted)
    }

    /// All values, in the order of their keys.
    pub(crate) fn values(self, now: Seconds) -> impl Iterator<Item = Value<'a>> + Clone {
        self.entries().map(move |entry| entry.value(now)).filter(|value| value.content != Content::Deleted)
    }

    /// The sum over all keys and versions: nodes that hold the same have the same, and zero for nothing.
    pub(crate) fn sum(self) -> u32 {
        self.books.sum
    }

    /// Whether there is no slot for another key.
    pub(super) fn is_full(self) -> bool {
        usize::from(self.books.keys) >= self.slots.len().min(MAX_KEYS)
    }

    /// How many values are pending.
    pub(crate) fn pending(self) -> usize {
        usize::from(self.books.pending)
    }
}

impl Values<'_> {
    pub(crate) fn view(&self) -> View<'_> {
        View { slots: self.slots, bytes: self.bytes, books: self.books }
    }

    /// Whether there is memory for any value.
    pub(crate) fn keeps(&self) -> bool {
        !self.slots.is_empty()
    }

    /// Forgets everything: the memory is given a new node, whose values have at most this many bytes.
    pub(crate) fn clear(&mut self, value_bytes: usize) {
        *self.books = Books::EMPTY;
        *self.rules = Rules { value_bytes, ..Rules::EMPTY };
    }

    /// Leaves the keys that begin with these to an authority. What others have written there is gone.
    pub(crate) fn reserve(&mut self, prefixes: heapless::Vec<ValueKey, MAX_PREFIXES>) {
        self.rules.prefixes = prefixes;
        while let Some(place) = self.refused() {
            self.remove(place);
        }
    }

    fn refused(&self) -> Option<Place> {
        let is_refused =
            |entry: &Entry<'_>| !self.rules.allow(&ValueKey::kept_in(entry.key), entry.slot.version().rank);
        self.view().entries().find(is_refused).map(|entry| entry.place())
    }

    /// Puts a value to its place, pending; there must be room.
    pub(super) fn put(&mut self, place: Place, value: &Value<'_>, is_reported: bool, now: Seconds) {
        if place.is_held {
            self.discount(place);
        } else if let Some(slots) = self.slots.get_mut(place.at..=usize::from(self.books.keys)) {
            slots.rotate_right(1);
            self.books.keys += 1;
        }
        let (key, content) = (value.key.as_bytes(), value.content.value().unwrap_or_default());
        self.resize(place, key.len() + content.len());
        let room = self.bytes.get_mut(place.start..).unwrap_or_default();
        for (room, byte) in room.iter_mut().zip(key.iter().chain(content)) {
            *room = *byte;
        }
        let order = self.books.order;
        if let Some(slot) = self.slots.get_mut(place.at) {
            *slot = Slot::of(value, is_reported, order, now);
        }
        self.books.order = order.wrapping_add(1);
        self.books.pending += 1;
        self.books.sum = self.books.sum.wrapping_add(value.version.share(&value.key));
    }

    /// Removes what is held at a place.
    pub(super) fn remove(&mut self, place: Place) {
        self.discount(place);
        self.resize(place, 0);
        if let Some(slots) = self.slots.get_mut(place.at..usize::from(self.books.keys)) {
            slots.rotate_left(1);
            self.books.keys -= 1;
        }
    }

    /// Takes an entry that is about to go out of the sum and of what is pending.
    fn discount(&mut self, place: Place) {
        let Some(entry) = self.view().entries().nth(place.at) else { return };
        let share = entry.slot.version().share(&ValueKey::kept_in(entry.key));
        let pending = u8::from(entry.slot.is_pending());
        self.books.sum = self.books.sum.wrapping_sub(share);
        self.books.pending -= pending;
    }

    /// Makes room for this many bytes at a place; what is behind them moves.
    fn resize(&mut self, place: Place, bytes: usize) {
        let used = usize::from(self.books.bytes);
        let (behind, to) = (place.start + place.bytes, place.start + bytes);
        let after = used - place.bytes + bytes;
        debug_assert!(behind <= used && after <= self.bytes.len(), "there is room");
        if behind <= used && after <= self.bytes.len() {
            self.bytes.copy_within(behind..used, to);
            self.books.bytes = after as u16;
        }
    }
}
