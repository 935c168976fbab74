//! What a node tells of an owner's map.

use super::{
    entry::{Entry, Seconds},
    item,
    map::Map,
    store::Store,
};
use crate::{tables::table::SlotId, vocabulary::codec::count_len};

/// What is to be told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Tell {
    /// To a reader that knows all up to a version: the oldest of what it lacks first, so that each datagram closes a part of
    /// its gap.
    Missing {
        /// What it knows.
        known: u32,
    },
    /// To anyone: what is above a version, the newest if there is no room for all.
    News {
        /// From where on it is news.
        since: u32,
    },
}

/// The span and the length of the entries that were written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Told {
    /// See `Item::from`.
    pub(crate) from: u32,
    /// See `Item::to`.
    pub(crate) to: u32,
    /// Bytes of entries.
    pub(crate) len: usize,
}

impl Store<'_> {
    /// Writes the entries of an item to the front of `out`; `None` if there is nothing to say, or no room to say it.
    ///
    /// An item without entries says something, too: that nothing changed between two versions.
    pub(crate) fn tell(&mut self, owner: SlotId, tell: Tell, now: Seconds, out: &mut [u8]) -> Option<Told> {
        let owner = *self.owners.get(owner as usize)?;
        let map = Map::gather(self.arena.view(), owner.chain, self.scratch);
        // What is held above `known` is not told: the span would claim what lies between.
        let entries =
            map.entries().take_while(|entry| entry.version <= owner.known).map(|entry| entry.at(now));
        match tell {
            Tell::Missing { known } if known < owner.known => missing(entries, known, owner.known, now, out),
            Tell::News { since } if since < owner.known => {
                match missing(entries.clone(), since, owner.known, now, out) {
                    Some(all) if all.to == owner.known => Some(all),
                    _ => news(entries, since, owner.known, now, out),
                }
            }
            Tell::Missing { .. } | Tell::News { .. } => None,
        }
    }
}

/// The oldest entries above `after` that fit. The span begins at the newest entry below them: whoever knows that one lacks
/// nothing in between.
fn missing<'a>(
    entries: impl Iterator<Item = Entry<'a>>,
    after: u32,
    to: u32,
    now: Seconds,
    out: &mut [u8],
) -> Option<Told> {
    let mut told = Told { from: 0, to, len: 0 };
    let mut last = None;
    for entry in entries {
        if entry.version <= after {
            told.from = entry.version;
            continue;
        }
        let room = out.get_mut(told.len..).unwrap_or_default();
        match item::put(&entry, last.unwrap_or(told.from), now, room) {
            Some(length) => told.len += length,
            None => {
                told.to = entry.version - 1;
                break;
            }
        }
        last = Some(entry.version);
    }
    // Without any entry, a span that ends at what the reader knows tells it nothing.
    (told.to > after).then_some(told)
}

/// The newest entries above `since` that fit, where not all do.
fn news<'a>(
    entries: impl Iterator<Item = Entry<'a>> + Clone,
    since: u32,
    to: u32,
    now: Seconds,
    out: &mut [u8],
) -> Option<Told> {
    let mut told = Told { from: 0, to, len: 0 };
    let size = |entry: &Entry<'_>, last| count_len(entry.version - last) + item::told_len(entry, now);
    let (mut total, mut last) = (0, 0);
    for entry in entries.clone() {
        match entry.version > since {
            true => total += size(&entry, last),
            false => told.from = entry.version,
        }
        last = entry.version;
    }
    last = told.from;
    for entry in entries.skip_while(|entry| entry.version <= since) {
        if total > out.len() {
            total -= size(&entry, last);
            told.from = entry.version;
        } else {
            told.len += item::put(&entry, last, now, out.get_mut(told.len..)?)?;
        }
        last = entry.version;
    }
    (told.to > told.from).then_some(told)
}
