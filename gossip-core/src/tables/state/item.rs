//! What is told of an owner's map: an item, and the form in which its entries travel.
//!
//! ```text
//! entry    version difference LEB128 · head 1 · key · (seconds left LEB128) · (length LEB128 · value)
//! ```
//!
//! The first difference is to the item's `from`, each further one to the entry before.

use super::{
    codec::Writer,
    entry::{self, Content, Entry, KEY_LENGTH, Seconds},
    limits::{MAX_KEYS, MAX_TTL},
};
use crate::vocabulary::{
    codec::{Reader, count_len},
    error::Malformed,
    record::Incarnation,
};

/// The most entries of an item: all keys, and a floor.
pub(crate) const MAX_ITEM_ENTRIES: usize = MAX_KEYS + 1;

/// It claims: at versions above `from` and up to `to`, these entries are all that the owner's map holds now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Item<'a> {
    /// The owner's epoch.
    pub(crate) epoch: u32,
    /// The owner's state version, as far as the teller has heard: at least all that it left out, and at least `to`.
    pub(crate) top: u32,
    /// Where the span begins; not part of it.
    pub(crate) from: u32,
    /// Where the span ends; part of it.
    pub(crate) to: u32,
    /// The entries, ascending.
    pub(crate) entries: &'a [u8],
}

impl<'a> Item<'a> {
    /// Whether a correct node can have sent it, with keys that are as `is_key` says.
    pub(crate) fn check(&self, is_key: impl Fn(&[u8]) -> bool) -> Result<(), Malformed> {
        if self.from > self.to || self.to > self.top || self.top > Incarnation::MAX_COUNT {
            return Err(Malformed::Value);
        }
        let mut count = 0;
        for entry in self.entries(Seconds(0)) {
            if !is_key(entry?.key) {
                return Err(Malformed::Value);
            }
            count += 1;
            if count > MAX_ITEM_ENTRIES {
                return Err(Malformed::TooMany);
            }
        }
        Ok(())
    }

    /// The entries, with what is left of their time counted from `now`. It ends after the first that is malformed.
    pub(crate) fn entries(&self, now: Seconds) -> Entries<'a> {
        Entries { reader: Reader { rest: self.entries }, last: self.from, to: self.to, now }
    }
}

/// See [`Item::entries`].
#[derive(Clone)]
pub(crate) struct Entries<'a> {
    reader: Reader<'a>,
    last: u32,
    to: u32,
    now: Seconds,
}

impl<'a> Entries<'a> {
    fn read(&mut self) -> Result<Entry<'a>, Malformed> {
        let difference = self.reader.count()?;
        let version = self.last.checked_add(difference).ok_or(Malformed::Value)?;
        if difference == 0 || version > self.to {
            return Err(Malformed::Value);
        }
        self.last = version;
        let [head] = self.reader.bytes()?;
        let key = self.reader.slice(usize::from(head & KEY_LENGTH))?;
        let now = self.now;
        let content = entry::content(
            &mut self.reader,
            head,
            |reader| match reader.count()? {
                left @ 1..=MAX_TTL => Ok(Seconds(now.0.saturating_add(left))),
                _ => Err(Malformed::Value),
            },
            |reader| reader.count().map(|length| length as usize),
        )?;
        match content {
            Content::Floor(below) if below >= version => Err(Malformed::Value),
            Content::Deleted if key.is_empty() => Err(Malformed::Value),
            _ => Ok(Entry { version, key, content }),
        }
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.reader.rest.is_empty() {
            return None;
        }
        let entry = self.read();
        if entry.is_err() {
            self.reader.rest = &[];
        }
        Some(entry)
    }
}

/// Seconds that are left of an entry's time, as it is told; zero if it has no end.
fn left(entry: &Entry<'_>, now: Seconds) -> u32 {
    entry.layout().expires.map_or(0, |end| end.0.saturating_sub(now.0).min(MAX_TTL))
}

/// Bytes of an entry on the wire, beside its version. It must not have expired: see [`Entry::at`].
pub(super) fn told_len(entry: &Entry<'_>, now: Seconds) -> usize {
    let left = match left(entry, now) {
        0 => 0,
        left => count_len(left),
    };
    let value = match entry.content {
        Content::Value { bytes, .. } => count_len(bytes.len() as u32) + bytes.len(),
        Content::Deleted => 0,
        Content::Floor(_) => 5,
    };
    1 + entry.key.len() + left + value
}

/// Writes an entry behind the one of version `last`, and returns its length; `None` where it does not fit. It must not
/// have expired.
pub(super) fn put(entry: &Entry<'_>, last: u32, now: Seconds, out: &mut [u8]) -> Option<usize> {
    let difference = entry.version.checked_sub(last)?;
    let length = count_len(difference) + told_len(entry, now);
    let mut writer = Writer::new(out.get_mut(..length)?);
    writer.count(difference);
    writer.put(&[entry.layout().head]);
    writer.put(entry.key);
    match left(entry, now) {
        0 => {}
        left => writer.count(left),
    }
    match entry.content {
        Content::Value { bytes, .. } => {
            writer.count(bytes.len() as u32);
            writer.put(bytes);
        }
        Content::Floor(below) => {
            writer.count(4);
            writer.put(&below.to_be_bytes());
        }
        Content::Deleted => {}
    }
    Some(length)
}
