//! Values that are to be sent: those with the fewest sends first, and of those the newest.

use super::{
    store::{RETIRED, Values},
    value::Value,
};
use crate::{
    tables::{
        state::entry::Seconds,
        values::{limits::MAX_KEYS, store::Entry},
    },
    vocabulary::{bounds::MAX_SENDS, key::ValueKey},
};

/// A bit for each slot.
type Slots = u64;
const _: () = assert!(MAX_KEYS <= Slots::BITS as usize);

impl Values<'_> {
    /// Offers the pending values, each once; of those that are taken a send is counted. After `sends` of them a value is retired.
    /// A value that is not taken, because it does not fit, is not in the way of smaller ones, and the first to be offered
    /// next time.
    pub(crate) fn take(&mut self, sends: u8, now: Seconds, mut offer: impl FnMut(&Value<'_>) -> bool) {
        let (mut offered, mut taken) = (0, 0);
        while let Some(entry) = self.next_pending(offered) {
            let (bit, value) = (1 << entry.at, entry.value(now));
            offered |= bit;
            // No one needs to hear any more of a tombstone whose time is over.
            if !value.is_over() && offer(&value) {
                taken |= bit;
            }
        }
        let slots = self.slots.iter_mut().take(usize::from(self.books.keys)).enumerate();
        for (_, slot) in slots.filter(|(at, _)| taken & (1 << at) != 0) {
            slot.sends += 1;
            if slot.sends >= sends.min(MAX_SENDS as u8) {
                slot.sends = RETIRED;
                self.books.pending -= 1;
            }
        }
    }

    /// Takes a value out of circulation: others know of it.
    pub(crate) fn retire(&mut self, key: &ValueKey) {
        let Ok(at) = self.view().find(key).map(|entry| entry.at) else { return };
        if let Some(slot) = self.slots.get_mut(at).filter(|slot| slot.is_pending()) {
            slot.sends = RETIRED;
            self.books.pending -= 1;
        }
    }

    fn next_pending(&self, offered: Slots) -> Option<Entry<'_>> {
        let entries = self.view().entries();
        let pending = entries.filter(|entry| entry.slot.is_pending() && offered & (1 << entry.at) == 0);
        pending.min_by_key(|entry| (entry.slot.sends, self.books.order.wrapping_sub(entry.slot.order)))
    }
}
