//! Taking a value in: a join, since the greatest version wins.

use super::{
    limits::{MAX_SEEN, Refusal, TOMBSTONE_TTL},
    store::{Place, Values},
    value::{Content, Rank, Value, Version},
};
use crate::tables::state::{entry::Seconds, outcome::Change};

/// What taking a value in did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Merged {
    /// Whether it won over what was held.
    pub(crate) won: bool,
    /// What happened to the key, as a reader sees it; nothing, if the value has the same bytes as the one before.
    pub(crate) change: Option<Change>,
    /// It and what was held were written without knowledge of each other, which is reported once for each revision: the version
    /// that lost.
    pub(crate) conflict: Option<Version>,
}

impl Values<'_> {
    /// Takes a value in, if it is newer than what is held of its key; then it is pending.
    ///
    /// # Errors
    /// Why it was not taken. No key has changed.
    pub(crate) fn merge(&mut self, value: &Value<'_>, now: Seconds) -> Result<Merged, Refusal> {
        let Value { key, version, content, .. } = value;
        if !self.rules.allow(key, version.rank) {
            return Err(Refusal::Prefix);
        }
        if version.rank == Rank::Anyone {
            self.books.seen = self.books.seen.max(version.revision.min(MAX_SEEN));
        }
        if content.value().is_some_and(|bytes| bytes.len() > self.rules.value_bytes) {
            return Err(Refusal::Value);
        }
        match self.view().find(key) {
            Ok(entry) => {
                let (held, is_reported) = (entry.value(now), entry.slot.is_reported());
                let conflict = held.conflicts_with(value);
                let report = |loser| Some(loser).filter(|_| conflict && !is_reported);
                if !value.wins_over(&held) {
                    let (at, conflict) = (entry.at, report(*version));
                    self.note_report(at, conflict.is_some());
                    return Ok(Merged { conflict, ..Merged::default() });
                }
                let change = Change::between(held.content.value(), content.value());
                let (place, conflict_lost) = (entry.place(), report(held.version));
                self.store(place, value, conflict, now)?;
                Ok(Merged { won: true, change, conflict: conflict_lost })
            }
            // No one needs to hear of it any more.
            Err(_) if value.is_over() => Ok(Merged::default()),
            Err(place) => {
                self.store(place, value, false, now)?;
                Ok(Merged { won: true, change: Change::between(None, content.value()), conflict: None })
            }
        }
    }

    fn note_report(&mut self, at: usize, is_reported: bool) {
        if let Some(slot) = self.slots.get_mut(at).filter(|_| is_reported) {
            slot.note_report();
        }
    }

    fn store(
        &mut self,
        place: Place,
        value: &Value<'_>,
        is_reported: bool,
        now: Seconds,
    ) -> Result<(), Refusal> {
        let (mut place, mut room) = (place, self.room(place, value));
        if room.is_err() && self.forget(now) > 0 {
            place = self.view().find(&value.key).map_or_else(|place| place, |entry| entry.place());
            room = self.room(place, value);
        }
        room?;
        self.put(place, value, is_reported, now);
        Ok(())
    }

    /// Whether there is room for a value at a place.
    fn room(&self, place: Place, value: &Value<'_>) -> Result<(), Refusal> {
        let bytes = value.key.as_bytes().len() + value.content.value().unwrap_or_default().len();
        if !place.is_held && self.view().is_full() {
            return Err(Refusal::Keys);
        }
        let used = usize::from(self.books.bytes) - place.bytes;
        if used + bytes > self.bytes.len().min(usize::from(u16::MAX)) { Err(Refusal::Bytes) } else { Ok(()) }
    }

    /// In how many seconds the next tombstone is to be forgotten, if there is one.
    pub(crate) fn until_forgetting(&self, now: Seconds) -> Option<u32> {
        let tombstones = self.view().entries().map(|entry| entry.value(now));
        let left = tombstones.filter(|value| value.content == Content::Deleted);
        left.map(|value| TOMBSTONE_TTL.saturating_sub(value.age)).min()
    }

    /// Forgets the tombstones whose time is over, and returns how many.
    pub(crate) fn forget(&mut self, now: Seconds) -> u32 {
        let mut forgotten = 0;
        loop {
            let over = self.view().entries().find(|entry| entry.value(now).is_over());
            let Some(place) = over.map(|entry| entry.place()) else { return forgotten };
            self.remove(place);
            forgotten += 1;
        }
    }
}
