//! What is told: of pending events the ones that were sent least, and what others lack.

use super::{
    event::{Head, UserEvent, Want, Wants},
    limits::{BESIDE_PAYLOAD, HEAD_BYTES, MAX_TAKEN, WHOLE_SENDS},
    store::Events,
};
use crate::vocabulary::{bounds::MAX_SENDS, record::NodeId, time::Instant};

/// What a datagram tells of an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Tell<'a> {
    Whole(UserEvent<'a>),
    Head(Head),
}

impl Events<'_> {
    /// How many events are to be told.
    pub(crate) fn pending(&self) -> u32 {
        self.ring.pending()
    }

    /// Bytes that what is offered first takes in a datagram at the most; zero where nothing is pending.
    pub(crate) fn next_len(&self, now: Instant) -> usize {
        if self.pending() == 0 {
            return 0;
        }
        let newest_first = (0..self.ring.count()).rev().filter_map(|at| self.ring.get(at));
        let young = newest_first.filter(|held| held.age(now).is_some());
        let pending = young.filter_map(|held| held.sends().map(|sends| (sends, held)));
        match pending.min_by_key(|&(sends, _)| sends) {
            None => 0,
            Some((WHOLE_SENDS.., _)) => HEAD_BYTES,
            Some((_, held)) => BESIDE_PAYLOAD as usize + held.range().len(),
        }
    }

    /// Offers pending events, those with the fewest sends first and of them the newest first, whole or by their heads. What
    /// `offer` takes counts a send; after `sends` of them an event is retired. A whole that is refused is passed over, since a
    /// shorter one may fit; a head that is refused ends it. Returns how many were retired.
    ///
    /// O(events held), for each number of sends that occurs among them.
    pub(crate) fn take(&mut self, now: Instant, sends: u8, mut offer: impl FnMut(Tell<'_>) -> bool) -> u32 {
        let occurring = self.retire_expired(now);
        let mut taken = heapless::Vec::<usize, MAX_TAKEN>::new();
        'full: for number in (0..MAX_SENDS as u8).filter(|number| occurring >> number & 1 == 1) {
            for at in (0..self.ring.count()).rev() {
                let Some(held) = self.ring.get(at).filter(|held| held.sends() == Some(number)) else {
                    continue;
                };
                let tell = if number < WHOLE_SENDS {
                    self.ring.whole(held, now).map(Tell::Whole)
                } else {
                    Some(Tell::Head(held.id().head()))
                };
                let Some(tell) = tell else { continue };
                if taken.is_full() {
                    break 'full;
                }
                if offer(tell) {
                    let _ = taken.push(at);
                } else if matches!(tell, Tell::Head(_)) {
                    break 'full;
                }
            }
        }
        let most = sends.min(MAX_SENDS as u8);
        taken.iter().map(|&at| u32::from(self.ring.count_send(at, most))).sum()
    }

    /// Retires pending events whose time is over. Returns which numbers of sends occur among the others, as bits.
    fn retire_expired(&mut self, now: Instant) -> u32 {
        const { assert!(MAX_SENDS <= 32, "a bit for each number of sends") }
        if self.pending() == 0 {
            return 0;
        }
        let mut occurring = 0;
        for at in 0..self.ring.count() {
            let Some(held) = self.ring.get(at) else { continue };
            match (held.sends(), held.age(now)) {
                (Some(sends), Some(_)) => occurring |= 1u32.checked_shl(u32::from(sends)).unwrap_or(0),
                (Some(_), None) => self.ring.retire(at),
                (None, _) => {}
            }
        }
        occurring
    }

    /// All events that are held, the newest first, that a member lacks which says what it wants. Its own it has.
    ///
    /// O(events held × wants).
    pub(crate) fn missing(
        &self,
        now: Instant,
        asker: NodeId,
        wants: &Wants,
    ) -> impl Iterator<Item = UserEvent<'_>> {
        let rest = wants.contains(&Want::REST);
        let held = (0..self.ring.count()).rev().filter_map(|at| self.ring.get(at));
        let lacked = held.filter(move |held| {
            let id = held.id();
            let named = wants.iter().find_map(|want| want.lacks(id.head()));
            id.origin != asker && named.unwrap_or(rest)
        });
        lacked.filter_map(move |held| self.ring.whole(held, now))
    }
}
