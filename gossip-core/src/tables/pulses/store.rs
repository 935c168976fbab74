//! Of each member its latest pulse, by its slot in the table of members.

use super::{
    list,
    place::{Place, is_over},
    pulse::Said,
};
use crate::{tables::table::SlotId, vocabulary::time::Instant};
use core::time::Duration;

/// What is kept beside the places.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Books {
    /// The newest place that is pending: `slot + 1`, or zero.
    pub(super) first: u32,
    pub(super) pending: u32,
    pub(super) held: u32,
}

impl Books {
    pub(crate) const EMPTY: Self = Self { first: 0, pending: 0, held: 0 };
}

/// What became of a pulse that was told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Heard {
    /// It is the newest of its member, and pending.
    New {
        /// Whether one before it was to be told still.
        displaced: bool,
    },
    /// It is the newest of its member, and came too soon after another to be told on.
    TooSoon,
    /// It is known, or an earlier one.
    Known,
    /// Its time is over.
    Expired,
}

/// The places and what is kept beside them, borrowed from their memory.
pub(crate) struct Pulses<'a> {
    pub(super) places: &'a mut [Place],
    pub(super) books: &'a mut Books,
}

/// The places, to read only.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    places: &'a [Place],
}

impl<'a> View<'a> {
    pub(crate) fn new(places: &'a [Place]) -> Self {
        Self { places }
    }

    /// The pulse of a member, if it has one whose time is not over.
    pub(crate) fn get(self, slot: SlotId, now: Instant) -> Option<Said<'a>> {
        let place = self.places.get(slot as usize).filter(|place| place.is_held())?;
        Some(place.said(now)).filter(|said| !is_over(said))
    }
}

impl<'a> Pulses<'a> {
    pub(crate) fn new(places: &'a mut [Place], books: &'a mut Books) -> Self {
        Self { places, books }
    }

    pub(crate) fn view(&self) -> View<'_> {
        View { places: self.places }
    }

    /// Whether there is memory for any.
    pub(crate) fn keeps(&self) -> bool {
        !self.places.is_empty()
    }

    /// How many are to be told.
    pub(crate) fn pending(&self) -> u32 {
        self.books.pending
    }

    pub(super) fn get(&self, slot: SlotId) -> Option<&Place> {
        self.places.get(slot as usize)
    }

    fn get_mut(&mut self, slot: SlotId) -> Option<&mut Place> {
        self.places.get_mut(slot as usize)
    }

    /// Forgets all pulses. Memory that was never used stays untouched.
    pub(crate) fn clear(&mut self) {
        if self.books.held > 0 {
            self.places.fill(Place::EMPTY);
        }
        *self.books = Books::EMPTY;
    }

    /// Whether a member's pulse, if it has one, is of this epoch.
    pub(crate) fn is_of(&self, slot: SlotId, epoch: u32) -> bool {
        self.get(slot).is_none_or(|place| !place.is_held() || place.epoch == epoch)
    }

    /// Forgets the pulse of a member.
    pub(crate) fn forget(&mut self, slot: SlotId) {
        if !self.get(slot).is_some_and(Place::is_held) {
            return;
        }
        self.retire(slot);
        if let Some(place) = self.get_mut(slot) {
            *place = Place::EMPTY;
        }
        self.books.held -= 1;
    }

    /// Forgets those of all others than the node itself.
    pub(crate) fn forget_others(&mut self, me: SlotId) {
        for slot in 0..self.places.len() as SlotId {
            if self.books.held == 0 {
                break;
            }
            if slot != me {
                self.forget(slot);
            }
        }
    }

    /// Puts a node's own pulse in its place; says whether it is pending there already. It has the number of the one before until
    /// [`tell_own`](Self::tell_own) gives it the next, or of the one that it replaces before that was told.
    pub(crate) fn write(&mut self, slot: SlotId, now: Instant, epoch: u32, blob: &[u8]) -> bool {
        let Some(place) = self.get_mut(slot) else { return false };
        let (number, is_new, is_pending) = (place.number, !place.is_held(), place.is_pending());
        place.put(now, &Said { epoch, number, age: 0, blob });
        self.books.held += u32::from(is_new);
        is_pending
    }

    /// Makes a node's own pulse pending, under the next number; false where there is none left in this epoch.
    pub(crate) fn tell_own(&mut self, slot: SlotId, now: Instant) -> bool {
        let Some(place) = self.get_mut(slot).filter(|place| place.is_held()) else { return false };
        let Some(number) = place.number.checked_add(1) else { return false };
        place.number = number;
        self.pass_on(slot, now);
        true
    }

    /// Takes in a pulse of a member in its present epoch. It is told on unless one of that member was less than `gap` ago.
    pub(crate) fn hear(&mut self, slot: SlotId, now: Instant, said: &Said<'_>, gap: Duration) -> Heard {
        if is_over(said) {
            return Heard::Expired;
        }
        let Some(place) = self.get_mut(slot) else { return Heard::Known };
        let (is_new, is_pending) = (!place.is_held(), place.is_pending());
        let held = place.said(now);
        if !is_new && !is_over(&held) && (held.epoch, held.number) >= (said.epoch, said.number) {
            return Heard::Known;
        }
        place.put(now, said);
        let since = Duration::from_micros(now.as_micros().wrapping_sub(place.passed_on));
        self.books.held += u32::from(is_new);
        if !is_new && !is_pending && since < gap {
            return Heard::TooSoon;
        }
        self.pass_on(slot, now);
        Heard::New { displaced: is_pending }
    }

    /// Makes a place pending, as the newest.
    fn pass_on(&mut self, slot: SlotId, now: Instant) {
        self.retire(slot);
        let Some(place) = self.get_mut(slot) else {
            return debug_assert!(false, "only what is held is passed on");
        };
        (place.passed_on, place.is_pending) = (now.as_micros(), 1);
        list::push_front(self.places, &mut self.books.first, slot);
        self.books.pending += 1;
    }

    /// What is pending of a member is told first; says whether anything is.
    pub(crate) fn put_first(&mut self, slot: SlotId) -> bool {
        let is_pending = self.get(slot).is_some_and(Place::is_pending);
        if is_pending {
            list::remove(self.places, &mut self.books.first, slot);
            list::push_front(self.places, &mut self.books.first, slot);
        }
        is_pending
    }

    /// A place is not pending any more.
    fn retire(&mut self, slot: SlotId) {
        let Some(place) = self.get_mut(slot).filter(|place| place.is_pending()) else { return };
        place.is_pending = 0;
        list::remove(self.places, &mut self.books.first, slot);
        self.books.pending -= 1;
    }

    /// The newest pending ones are told, this many.
    pub(crate) fn retire_newest(&mut self, count: usize) {
        for _ in 0..count {
            let Some(slot) = self.books.first.checked_sub(1) else { break };
            self.retire(slot);
        }
    }

    /// What is pending, the newest first.
    pub(crate) fn newest(&self, now: Instant) -> impl Iterator<Item = (SlotId, Said<'_>)> {
        let mut next = self.books.first;
        core::iter::from_fn(move || {
            let slot = next.checked_sub(1)?;
            let place = self.get(slot)?;
            next = place.links.next;
            Some((slot, place.said(now)))
        })
    }
}
