//! What holds of all that is kept, between any two operations; for tests and fuzzing only.

use super::store::Events;
use crate::vocabulary::time::Instant;
use alloc::{collections::BTreeSet, vec};

impl Events<'_> {
    /// Panics unless no origin has two places, and every payload has its own bytes.
    pub(crate) fn check(&self, now: Instant) {
        let mut origins = BTreeSet::new();
        for place in self.places.iter() {
            place.check(now);
            assert!(place.origin().is_none_or(|origin| origins.insert(origin)), "an origin has one place");
        }
        let ring = &self.ring;
        assert!(ring.count() <= ring.held.len(), "no more is held than there is room for");
        let (mut pending, mut taken) = (0, vec![false; ring.bytes.len()]);
        for at in 0..ring.count() {
            let Some(held) = ring.get(at) else { panic!("event {at} of {} is not held", ring.count()) };
            pending += u32::from(held.sends().is_some());
            for byte in &mut taken[held.range()] {
                assert!(!core::mem::replace(byte, true), "two payloads have a byte");
            }
        }
        assert_eq!(ring.pending(), pending, "what is pending was counted right");
    }
}
