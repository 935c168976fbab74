//! What was heard of each origin.

use super::{
    event::{EventId, Head, Want, tag},
    limits::{SLACK, TTL, WINDOW},
};
use crate::vocabulary::{record::NodeId, time::Instant};
use core::cmp::Ordering;

/// What was heard of an origin in its newest epoch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// The origin's id; zero while the place was never taken.
    origin: u64,
    /// A bit for the newest, the lowest, and one for each of the 63 before it.
    heard: u64,
    epoch: u32,
    newest: u32,
    /// From then on the place is free.
    until: Instant,
}

const _: () = assert!(size_of::<Place>() == 32);

/// Why an event has no place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Misfit {
    Heard,
    Behind,
    PastEpoch,
    Crowded,
}

impl Place {
    pub(crate) const EMPTY: Self = Self { origin: 0, heard: 0, epoch: 0, newest: 0, until: Instant::ZERO };

    fn is_taken(&self, now: Instant) -> bool {
        self.until > now
    }

    fn is_of(&self, origin: NodeId, now: Instant) -> bool {
        self.origin == origin.as_u64() && self.is_taken(now)
    }

    /// Whether an event can be noted here.
    fn fits(&self, event: EventId) -> Result<(), Misfit> {
        match event.epoch.cmp(&self.epoch) {
            Ordering::Less => Err(Misfit::PastEpoch),
            Ordering::Greater => Ok(()),
            Ordering::Equal => match self.newest.checked_sub(event.sequence) {
                None => Ok(()),
                Some(back) if back >= u32::from(WINDOW) => Err(Misfit::Behind),
                Some(back) if self.heard >> back & 1 == 1 => Err(Misfit::Heard),
                Some(_) => Ok(()),
            },
        }
    }

    fn note(&mut self, event: EventId) {
        if event.epoch != self.epoch {
            (self.epoch, self.newest, self.heard) = (event.epoch, event.sequence, 1);
        } else if let Some(back) = self.newest.checked_sub(event.sequence) {
            self.heard |= 1u64.checked_shl(back).unwrap_or(0);
        } else {
            let ahead = event.sequence - self.newest;
            (self.newest, self.heard) = (event.sequence, self.heard.checked_shl(ahead).unwrap_or(0) | 1);
        }
    }

    fn want(&self) -> Option<Want> {
        let origin = NodeId::from_u64(self.origin)?;
        Some(Want { tag: tag(origin), epoch: self.epoch, newest: self.newest as u16, heard: self.heard })
    }

    /// Panics unless what it says makes sense.
    #[cfg(any(fuzzing, test))]
    pub(super) fn check(&self, now: Instant) {
        if self.is_taken(now) {
            assert!(self.origin != 0 && self.heard & 1 == 1 && self.newest > 0, "{self:?}");
            assert!(self.until <= now + TTL + SLACK, "a place is kept no longer than that: {self:?}");
        }
    }

    /// Whose place it is, while it is taken.
    #[cfg(any(fuzzing, test))]
    pub(super) fn origin(&self, now: Instant) -> Option<u64> {
        self.is_taken(now).then_some(self.origin)
    }
}

/// Where an event can be noted: an index into the places.
pub(super) fn find(places: &[Place], now: Instant, event: EventId) -> Result<usize, Misfit> {
    let mut free = None;
    for (at, place) in places.iter().enumerate() {
        if place.is_of(event.origin, now) {
            return place.fits(event).map(|()| at);
        }
        if free.is_none() && !place.is_taken(now) {
            free = Some(at);
        }
    }
    free.ok_or(Misfit::Crowded)
}

/// Notes an event at its place, which [`find`] found.
pub(super) fn note(places: &mut [Place], now: Instant, at: usize, event: EventId) {
    let Some(place) = places.get_mut(at) else {
        debug_assert!(false, "the place was found");
        return;
    };
    if place.is_taken(now) {
        place.note(event);
    } else {
        let EventId { origin, epoch, sequence } = event;
        *place = Place { origin: origin.as_u64(), epoch, newest: sequence, heard: 1, ..Place::EMPTY };
    }
    place.until = now + TTL + SLACK;
}

/// What to ask of the teller of a head, if it is news.
pub(super) fn want_after(places: &[Place], now: Instant, head: Head) -> Option<Want> {
    let mut wants = wants(places, now);
    match wants.find_map(|want| want.lacks(head).map(|lacks| (want, lacks))) {
        Some((want, true)) if want.epoch == head.epoch => Some(want),
        // A newer epoch, of which nothing was heard, has the place of the earlier one.
        Some((_, true)) => Some(Want { tag: head.tag, epoch: head.epoch, ..Want::REST }),
        Some((_, false)) => None,
        None => {
            let has_room = places.iter().any(|place| !place.is_taken(now));
            has_room.then_some(Want { tag: head.tag, epoch: head.epoch, ..Want::REST })
        }
    }
}

/// What was heard of all origins.
pub(super) fn wants(places: &[Place], now: Instant) -> impl Iterator<Item = Want> + '_ {
    places.iter().filter(move |place| place.is_taken(now)).filter_map(Place::want)
}
