//! What was heard of each origin.

use super::{
    event::{EventId, Head, Want, tag},
    limits::{SLACK, TTL, WINDOW},
};
use crate::vocabulary::{record::NodeId, time::Instant};
use bytemuck::Zeroable;
use core::cmp::Ordering;

/// What was heard of an origin in its newest epoch.
#[derive(Clone, Copy, Debug, Zeroable)]
#[repr(C)]
pub(crate) struct Place {
    /// The origin's id; zero while the place was never taken.
    origin: u64,
    /// A bit for the newest, the lowest, and one for each of the 63 before it.
    heard: u64,
    epoch: u32,
    newest: u32,
    /// From then on another origin may take the place: no event is young enough any more that it says something of. Until one
    /// does, it is as good as ever.
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
        if self.origin != 0 {
            assert!(self.heard & 1 == 1 && self.newest > 0, "{self:?}");
            assert!(self.until <= now + TTL + SLACK, "a place is kept no longer than that: {self:?}");
        }
    }

    /// Whose place it is, if anyone's.
    #[cfg(any(fuzzing, test))]
    pub(super) fn origin(&self) -> Option<u64> {
        (self.origin != 0).then_some(self.origin)
    }
}

/// Where an event can be noted: an index into the places.
pub(super) fn find(places: &[Place], now: Instant, event: EventId) -> Result<usize, Misfit> {
    let mut oldest: Option<(usize, Instant)> = None;
    for (at, place) in places.iter().enumerate() {
        if place.origin == event.origin.as_u64() {
            return place.fits(event).map(|()| at);
        }
        if oldest.is_none_or(|(_, until)| place.until < until) {
            oldest = Some((at, place.until));
        }
    }
    oldest.filter(|&(_, until)| until <= now).map(|(at, _)| at).ok_or(Misfit::Crowded)
}

/// Notes an event at its place, which [`find`] found.
pub(super) fn note(places: &mut [Place], now: Instant, at: usize, event: EventId) {
    let Some(place) = places.get_mut(at) else {
        debug_assert!(false, "the place was found");
        return;
    };
    if place.origin == event.origin.as_u64() {
        place.note(event);
    } else {
        let EventId { origin, epoch, sequence } = event;
        *place = Place { origin: origin.as_u64(), epoch, newest: sequence, heard: 1, ..Place::EMPTY };
    }
    place.until = now + TTL + SLACK;
}

/// What to ask of the teller of a head, if it is news.
pub(super) fn want_after(places: &[Place], now: Instant, head: Head) -> Option<Want> {
    let nothing_heard = Want { tag: head.tag, epoch: head.epoch, ..Want::REST };
    let mut known = places.iter().filter_map(Place::want);
    match known.find_map(|want| want.lacks(head).map(|lacks| (want, lacks))) {
        Some((_, false)) => None,
        // A newer epoch, of which nothing was heard, has the place of the earlier one.
        Some((want, true)) if want.epoch != head.epoch => Some(nothing_heard),
        Some((want, true)) => Some(want),
        None => places.iter().any(|place| !place.is_taken(now)).then_some(nothing_heard),
    }
}

/// What was heard of all origins lately.
pub(super) fn wants(places: &[Place], now: Instant) -> impl Iterator<Item = Want> + '_ {
    places.iter().filter(move |place| place.is_taken(now)).filter_map(Place::want)
}
