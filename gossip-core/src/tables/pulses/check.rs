//! What holds of all that is kept, between any two operations; for tests and fuzzing only.

use super::{limits::MAX_BLOB, store::Pulses};
use crate::vocabulary::time::Instant;

impl Pulses<'_> {
    /// Panics unless the counts are right, and what is pending is listed once and is held.
    pub(crate) fn check(&self, now: Instant) {
        let held = self.places.iter().filter(|place| place.is_held()).count();
        assert_eq!(self.books.held as usize, held, "what is held was counted right");
        let marked = self.places.iter().filter(|place| place.is_pending()).count();
        assert_eq!(self.books.pending as usize, marked, "what is pending was counted right");
        let listed = self.newest(now).take(marked + 1).inspect(|(slot, said)| {
            let place = self.get(*slot);
            assert!(
                place.is_some_and(|place| place.is_held() && place.is_pending()),
                "slot {slot} is listed"
            );
            assert!(said.number > 0 && said.blob.len() <= MAX_BLOB, "slot {slot} can be told: {said:?}");
        });
        assert_eq!(listed.count(), marked, "the list has what is pending, each once");
    }

    /// Whether there is a pulse of a member.
    #[cfg(any(fuzzing, feature = "alloc"))]
    pub(crate) fn has(&self, slot: crate::tables::table::SlotId) -> bool {
        self.get(slot).is_some_and(|place| place.is_held())
    }
}
