//! What an owner does with its own map. Each write takes the next number of its counter. Once others are to know of it, the
//! number becomes the record's state version.

use super::{
    entry::{AfterDeath, Content, Entry, FLOOR_BYTES, Lasting, Seconds, TOMBSTONE_BYTES},
    limits::{MAX_KEY_BYTES, MAX_TOMBSTONES, Refusal, TOMBSTONE_SHARE},
    map::{Map, Room},
    store::Store,
};
use crate::{tables::table::SlotId, vocabulary::record::Incarnation};

/// How long a value is to last.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Terms {
    /// For how many seconds from the time of writing, 1 to 2^24; `None` for as long as its owner's epoch lasts.
    pub ttl: Option<u32>,
    /// What becomes of it when its owner dies.
    pub after_death: AfterDeath,
}

/// What a write did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Written {
    /// The map changed, by the write of this number.
    Version(u32),
    /// The map says so already.
    Unchanged,
}

impl Store<'_> {
    /// Sets a key of the node's own map; `counter` is the number of its last write. No one is told before
    /// [`advance`](Self::advance).
    pub(crate) fn set(
        &mut self,
        owner: SlotId,
        counter: u32,
        (key, bytes): (&[u8], &[u8]),
        terms: Terms,
        now: Seconds,
    ) -> Result<Written, Refusal> {
        let mut lasting = Lasting { expires: None, after_death: terms.after_death };
        if let Some(ttl) = terms.ttl {
            lasting = lasting.with_ttl(now, ttl).ok_or(Refusal::Ttl)?;
        }
        self.write(owner, counter, key, Content::Value { bytes, lasting }, now)
    }

    /// Deletes a key of the node's own map; `counter` is the number of its last write. There is always room for that.
    pub(crate) fn delete(
        &mut self,
        owner: SlotId,
        counter: u32,
        key: &[u8],
        now: Seconds,
    ) -> Result<Written, Refusal> {
        self.write(owner, counter, key, Content::Deleted, now)
    }

    /// The number of the node's last write.
    pub(crate) fn counter(&mut self, owner: SlotId) -> u32 {
        let written = self.edit(owner, |owner, map, _| {
            map.entries().last().map_or(0, |entry| entry.version).max(owner.known)
        });
        written.unwrap_or_default()
    }

    /// The node lets others know all that it has written up to this number, which is its state version from now on. It may
    /// have risen for another reason than a write, as when the node's health changed.
    pub(crate) fn advance(&mut self, owner: SlotId, counter: u32) {
        if let Some(owner) = self.owners.get_mut(owner as usize) {
            owner.known = owner.known.max(counter);
        }
    }

    /// The node's counter becomes `version` for another reason than a write. Where that skips versions, others may take what
    /// the node has at those for gone: so its values are written anew. Returns the counter.
    pub(crate) fn overtake(&mut self, me: SlotId, version: u32, now: Seconds) -> u32 {
        let counter = self.counter(me);
        let skips = version > counter.saturating_add(1) && self.owner(me).bytes() > 0;
        let version = if skips { self.compact(me, version - 1, now).unwrap_or(version) } else { version };
        version.max(counter)
    }

    fn write(
        &mut self,
        owner: SlotId,
        counter: u32,
        key: &[u8],
        content: Content<'_>,
        now: Seconds,
    ) -> Result<Written, Refusal> {
        if !(1..=MAX_KEY_BYTES).contains(&key.len()) {
            return Err(Refusal::Key);
        }
        if counter >= Incarnation::MAX_COUNT {
            return Err(Refusal::Versions);
        }
        let entry = Entry { version: counter + 1, key, content };
        let written = self.edit(owner, |_, map, room| {
            map.expire(now);
            if says_already(map, &entry) {
                return Ok(Written::Unchanged);
            }
            map.merge(&entry, now, with_room_for_floor(map, room))?;
            Ok(Written::Version(entry.version))
        });
        written.unwrap_or(Err(Refusal::Share))
    }

    /// Whether tombstones take so much of the node's own map that it should be compacted.
    pub(crate) fn should_compact(&mut self, owner: SlotId, now: Seconds) -> bool {
        let quota = usize::from(self.desk.limits.owner_bytes);
        let (count, bytes) = self.tombstones(owner, now);
        count >= MAX_TOMBSTONES || bytes >= quota / TOMBSTONE_SHARE
    }

    /// How many tombstones the node's own map has, and their bytes.
    pub(crate) fn tombstones(&mut self, owner: SlotId, now: Seconds) -> (usize, usize) {
        let counted = self.edit(owner, |_, map, _| {
            let tombstones = map.entries().filter(|entry| entry.at(now).content == Content::Deleted);
            tombstones
                .fold((0, 0), |(count, bytes), entry| (count + 1, bytes + TOMBSTONE_BYTES + entry.key.len()))
        });
        counted.unwrap_or_default()
    }

    /// Rids the node's own map of tombstones, everywhere; returns its state version, which was `counter`. All living
    /// entries are sent again, so it should run at most once a minute.
    pub(crate) fn compact(&mut self, owner: SlotId, counter: u32, now: Seconds) -> Result<u32, Refusal> {
        let compacted = self.edit(owner, |owner, map, room| {
            // Each living entry takes a version, and the floor does.
            if counter as usize + map.entries().count() >= Incarnation::MAX_COUNT as usize {
                return Err(Refusal::Versions);
            }
            map.expire(now);
            owner.known = map.compact(counter, room)?;
            Ok(owner.known)
        });
        compacted.unwrap_or(Err(Refusal::Share))
    }
}

/// What a write may take: room for the floor is left, so that the map can always be compacted.
fn with_room_for_floor(map: &Map<'_>, room: Room) -> Room {
    let has_floor = map.entries().any(|entry| entry.key.is_empty());
    let reserve = if has_floor { 0 } else { FLOOR_BYTES };
    Room { quota: room.quota.saturating_sub(reserve), ..room }
}

/// Whether the map says what an entry says. What is not there is deleted.
fn says_already(map: &Map<'_>, entry: &Entry<'_>) -> bool {
    match map.entries().find(|held| held.key == entry.key) {
        Some(held) => held.content == entry.content,
        None => entry.content == Content::Deleted,
    }
}
