//! What a node takes from an item.

use super::{
    entry::{Content, Entry, Seconds},
    item::Item,
    limits::Refusal,
    map::{Map, Merged, Room},
    outcome::{Applied, Gap, Observer, Outcome, Refused},
    owner::Owner,
    store::Store,
};
use crate::tables::table::SlotId;
use core::cmp::Ordering;

impl Store<'_> {
    /// Applies an item that passed [`Item::check`]. `top` is the owner's state version in its record, after what the item
    /// says of that was merged into it; so it is the highest that was ever heard of.
    pub(crate) fn apply(
        &mut self,
        owner: SlotId,
        item: &Item<'_>,
        top: u32,
        now: Seconds,
        observe: &mut Observer<'_>,
    ) -> Outcome {
        let &Owner { epoch, known, .. } = self.owner(owner);
        match item.epoch.cmp(&epoch) {
            Ordering::Less => return Outcome::Past,
            Ordering::Greater => return Outcome::Later,
            Ordering::Equal => {}
        }
        let mut intake = Intake { now, observe, changes: 0, stored: 0, refused: None };
        if item.to > known {
            let _ = self.edit(owner, |owner, map, room| intake.take(owner, map, room, item, top));
        }
        let goes_on = intake.refused.is_some() || item.from > known;
        let gap = self.gap(owner, top, item.to, goes_on);
        Outcome::Applied(Applied {
            changes: intake.changes,
            stored: intake.stored,
            refused: intake.refused,
            gap,
        })
    }

    fn gap(&self, owner: SlotId, top: u32, to: u32, goes_on: bool) -> Gap {
        match self.owner(owner).known {
            known if known >= top => Gap::None,
            _ if goes_on && to < top => Gap::After { version: to },
            known => Gap::After { version: known },
        }
    }
}

/// What becomes of one item.
struct Intake<'i, 'o> {
    now: Seconds,
    observe: &'i mut Observer<'o>,
    changes: u32,
    stored: u32,
    refused: Option<Refused>,
}

impl Intake<'_, '_> {
    fn take(&mut self, owner: &mut Owner, map: &mut Map<'_>, room: Room, item: &Item<'_>, top: u32) {
        // What is not above `known` is held already, or gone.
        let entries = item.entries(self.now).map_while(Result::ok);
        for entry in entries.filter(|entry| entry.version > owner.known) {
            match self.merge(map, &entry, room) {
                Ok(merged) => self.note(&entry, merged),
                Err(reason) => {
                    let first = Refused { entries: 0, first: entry.version, reason };
                    self.refused.get_or_insert(first).entries += 1;
                }
            }
        }
        if item.from <= owner.known {
            let to = self.refused.map_or(item.to, |refused| refused.first - 1);
            debug_assert!(to >= owner.known, "only what is above `known` is looked at");
            owner.known = to;
        }
        // Not before all is known: what the owner wrote anew below its floor may since have been written once more, above
        // `known`, and a value that lives must not vanish in between.
        if owner.known >= top {
            self.drop_below(map, map.floor());
        }
    }

    /// Merges an entry, making room for it if need be.
    fn merge(&mut self, map: &mut Map<'_>, entry: &Entry<'_>, room: Room) -> Result<Merged, Refusal> {
        let refusal = match map.merge(entry, self.now, room) {
            Err(refusal @ (Refusal::Keys | Refusal::Bytes | Refusal::Share)) => refusal,
            other => return other,
        };
        // The owner has nothing that is not above its floor, whatever is known here.
        let floor = match entry.content {
            Content::Floor(below) => below.max(map.floor()),
            Content::Value { .. } | Content::Deleted => map.floor(),
        };
        if self.drop_below(map, floor) + map.expire(self.now) == 0 {
            return Err(refusal);
        }
        map.merge(entry, self.now, room)
    }

    fn drop_below(&mut self, map: &mut Map<'_>, floor: u32) -> u32 {
        let Self { now, observe, changes, .. } = self;
        map.drop_below(floor, *now, &mut |key, change| {
            *changes += 1;
            observe(key, change);
        })
    }

    fn note(&mut self, entry: &Entry<'_>, merged: Merged) {
        self.stored += u32::from(merged != Merged::Known);
        if let Merged::Visibly(change) = merged {
            self.changes += 1;
            (self.observe)(entry.key, change);
        }
    }
}
