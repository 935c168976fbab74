//! An entry of an owner's map, and how it is stored.
//!
//! ```text
//! stored   version 4 · head 1 · key · (expiry 4) · (length 2 · value)
//! head     key length, 5 bits · deleted · expires · outlives its owner
//! ```
//!
//! A tombstone ends after its key. A floor has an empty key, and its value is four bytes.

use super::{codec::Writer, limits::MAX_TTL};
use crate::vocabulary::{codec::Reader, error::Malformed, time::Instant};

/// Bits of the head: the length of the key.
pub(super) const KEY_LENGTH: u8 = 0x1F;
/// The entry is a tombstone.
pub(super) const DELETED: u8 = 1 << 5;
/// It has a time to live.
pub(super) const EXPIRES: u8 = 1 << 6;
/// See [`AfterDeath::Kept`].
pub(super) const OUTLIVES: u8 = 1 << 7;

/// A floor as it is stored: version, head, length and a version.
pub(super) const FLOOR_BYTES: usize = 11;
/// A tombstone as it is stored, beside its key: version and head.
pub(super) const TOMBSTONE_BYTES: usize = 5;

/// The host's clock in whole seconds, which last for 136 years.
///
/// Expiry travels as seconds left, so each hop shifts it by less than a second, and by the time that it spent on the network.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) struct Seconds(pub(crate) u32);

impl From<Instant> for Seconds {
    fn from(now: Instant) -> Self {
        Self(u32::try_from(now.as_micros() / 1_000_000).unwrap_or(u32::MAX))
    }
}

/// What becomes of a value when its owner dies.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum AfterDeath {
    /// It is hidden at once, and its memory is freed soon.
    #[default]
    Hidden,
    /// It is shown as long as the owner's tombstone is kept.
    Kept,
}

/// How long a value lasts within its owner's epoch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Lasting {
    /// From when on it counts as deleted.
    pub(crate) expires: Option<Seconds>,
    /// What becomes of it when its owner dies.
    pub(crate) after_death: AfterDeath,
}

impl Lasting {
    /// The same, for this many seconds from `now`, 1 to [`MAX_TTL`].
    pub(crate) fn with_ttl(self, now: Seconds, ttl: u32) -> Option<Self> {
        let expires = Seconds(now.0.saturating_add(ttl));
        (1..=MAX_TTL).contains(&ttl).then_some(Self { expires: Some(expires), ..self })
    }
}

/// What an entry says of its key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Content<'a> {
    /// The key has this value.
    Value {
        /// The value; may be empty.
        bytes: &'a [u8],
        /// How long it lasts.
        lasting: Lasting,
    },
    /// The key was deleted, or has expired: a tombstone.
    Deleted,
    /// Of no key: the owner has nothing at or below this version any more.
    Floor(u32),
}

/// An entry of an owner's map.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Entry<'a> {
    /// The number of the write that made it.
    pub(crate) version: u32,
    /// 1 to 31 bytes; empty for a floor.
    pub(crate) key: &'a [u8],
    /// What it says.
    pub(crate) content: Content<'a>,
}

/// Head, and everything behind the version and the key that has a length of its own.
pub(super) struct Layout {
    pub(super) head: u8,
    pub(super) expires: Option<Seconds>,
}

impl<'a> Entry<'a> {
    /// Whether its time is over.
    #[inline]
    pub(super) fn is_over(&self, now: Seconds) -> bool {
        match self.content {
            Content::Value { lasting: Lasting { expires: Some(end), .. }, .. } => end <= now,
            _ => false,
        }
    }

    /// The same entry at a time: an expired value is a tombstone of its version.
    #[inline]
    pub(super) fn at(self, now: Seconds) -> Self {
        if self.is_over(now) { Self { content: Content::Deleted, ..self } } else { self }
    }

    /// The value, if it has one.
    #[inline]
    pub(super) fn value(&self) -> Option<&'a [u8]> {
        match self.content {
            Content::Value { bytes, .. } => Some(bytes),
            Content::Deleted | Content::Floor(_) => None,
        }
    }

    pub(super) fn layout(&self) -> Layout {
        let length = self.key.len() as u8 & KEY_LENGTH;
        match self.content {
            Content::Value { lasting: Lasting { expires, after_death }, .. } => {
                let ttl = if expires.is_some() { EXPIRES } else { 0 };
                let outlives = if after_death == AfterDeath::Kept { OUTLIVES } else { 0 };
                Layout { head: length | ttl | outlives, expires }
            }
            Content::Deleted => Layout { head: length | DELETED, expires: None },
            Content::Floor(_) => Layout { head: 0, expires: None },
        }
    }

    /// Bytes that it takes when stored.
    #[inline]
    pub(super) fn stored_len(&self) -> usize {
        match self.content {
            Content::Value { bytes, lasting } => {
                let expiry = if lasting.expires.is_some() { 4 } else { 0 };
                TOMBSTONE_BYTES + self.key.len() + expiry + 2 + bytes.len()
            }
            Content::Deleted => TOMBSTONE_BYTES + self.key.len(),
            Content::Floor(_) => FLOOR_BYTES,
        }
    }

    /// Stores it in exactly [`Entry::stored_len`] bytes.
    pub(super) fn store(&self, room: &mut [u8]) {
        let mut writer = Writer::new(room);
        let Layout { head, expires } = self.layout();
        writer.put(&self.version.to_be_bytes());
        writer.put(&[head]);
        writer.put(self.key);
        if let Some(Seconds(at)) = expires {
            writer.put(&at.to_be_bytes());
        }
        match self.content {
            Content::Value { bytes, .. } => {
                writer.put(&(bytes.len() as u16).to_be_bytes());
                writer.put(bytes);
            }
            Content::Floor(below) => {
                writer.put(&4u16.to_be_bytes());
                writer.put(&below.to_be_bytes());
            }
            Content::Deleted => {}
        }
    }
}

/// What stands in a head and behind the key, put together; `expiry` and `length` read what is their encoding's own.
pub(super) fn content<'a>(
    reader: &mut Reader<'a>,
    head: u8,
    expiry: impl FnOnce(&mut Reader<'a>) -> Result<Seconds, Malformed>,
    length: impl FnOnce(&mut Reader<'a>) -> Result<usize, Malformed>,
) -> Result<Content<'a>, Malformed> {
    if head & DELETED != 0 {
        return if head & (EXPIRES | OUTLIVES) == 0 { Ok(Content::Deleted) } else { Err(Malformed::Value) };
    }
    let expires = if head & EXPIRES == 0 { None } else { Some(expiry(reader)?) };
    let after_death = if head & OUTLIVES == 0 { AfterDeath::Hidden } else { AfterDeath::Kept };
    let length = length(reader)?;
    let bytes = reader.slice(length)?;
    if head & KEY_LENGTH != 0 {
        return Ok(Content::Value { bytes, lasting: Lasting { expires, after_death } });
    }
    match (head, <[u8; 4]>::try_from(bytes)) {
        (0, Ok(below)) => Ok(Content::Floor(u32::from_be_bytes(below))),
        _ => Err(Malformed::Value),
    }
}

/// The entry at the front of stored bytes.
#[inline]
fn restore<'a>(reader: &mut Reader<'a>) -> Result<Entry<'a>, Malformed> {
    let [a, b, c, d, head] = reader.bytes()?;
    let key = reader.slice(usize::from(head & KEY_LENGTH))?;
    let content = content(
        reader,
        head,
        |reader| reader.bytes().map(|at| Seconds(u32::from_be_bytes(at))),
        |reader| reader.bytes().map(|length| usize::from(u16::from_be_bytes(length))),
    )?;
    Ok(Entry { version: u32::from_be_bytes([a, b, c, d]), key, content })
}

/// The entries of stored bytes, each with where it begins and ends.
#[derive(Clone)]
pub(super) struct Stored<'a> {
    reader: Reader<'a>,
    at: usize,
}

impl<'a> Stored<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { reader: Reader { rest: bytes }, at: 0 }
    }

    /// The same, from a byte on at which an entry begins.
    pub(super) fn from(bytes: &'a [u8], at: usize) -> Self {
        Self { reader: Reader { rest: bytes.get(at..).unwrap_or_default() }, at }
    }
}

/// An entry that is stored.
pub(super) struct Place<'a> {
    pub(super) entry: Entry<'a>,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl<'a> Iterator for Stored<'a> {
    type Item = Place<'a>;

    #[inline]
    fn next(&mut self) -> Option<Place<'a>> {
        let (start, before) = (self.at, self.reader.rest.len());
        if before == 0 {
            return None;
        }
        let entry = restore(&mut self.reader);
        debug_assert!(entry.is_ok(), "what is stored was written here");
        self.at += before - self.reader.rest.len();
        entry.ok().map(|entry| Place { entry, start, end: self.at })
    }
}
