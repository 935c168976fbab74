//! What holds of all values between any two operations; for tests and fuzzing only.

use super::{limits::MAX_SEEN, store::Values, value::Rank};
use crate::tables::state::entry::Seconds;
use alloc::vec::Vec;

impl Values<'_> {
    /// Panics unless keys rise, all is well formed, and the books are right.
    pub(crate) fn check(&self) {
        let (view, now) = (self.view(), Seconds(0));
        let entries: Vec<_> = view.entries().collect();
        assert_eq!(entries.len(), view.keys(), "no entry is cut off");
        let used = entries.last().map_or(0, |last| last.place().start + last.place().bytes);
        assert_eq!(used, usize::from(self.books.bytes), "entries fill what is used");
        assert!(used <= self.bytes.len() && entries.len() <= self.slots.len(), "there is room for all");
        let values: Vec<_> = entries.iter().map(|entry| entry.value(now)).collect();
        assert!(values.windows(2).all(|pair| pair[0].key < pair[1].key), "keys rise");
        for value in &values {
            assert_eq!(
                value.content.hash(),
                value.version.hash,
                "the version is that of the bytes: {value:?}"
            );
            assert!(self.rules.allow(&value.key, value.version.rank), "prefixes are kept: {value:?}");
            if value.version.rank == Rank::Anyone {
                assert!(value.version.revision.min(MAX_SEEN) <= self.books.seen, "it was seen: {value:?}");
            }
        }
        let sum = values.iter().fold(0u32, |sum, value| sum.wrapping_add(value.version.share(&value.key)));
        assert_eq!(view.sum(), sum, "the sum is that of what is held");
        assert_eq!(view.pending(), entries.iter().filter(|entry| entry.slot.is_pending()).count());
        let orders: Vec<_> =
            entries.iter().filter(|entry| entry.slot.is_pending()).map(|entry| entry.slot.order).collect();
        let mut unique = orders.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), orders.len(), "of two pending values one is newer");
    }
}
