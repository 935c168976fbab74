//! Payloads that are kept to be told, in one ring of bytes: the oldest make room for the newest.

use super::{
    event::{EventId, UserEvent},
    limits::TTL,
};
use crate::vocabulary::{
    record::NodeId,
    time::{Instant, micros},
};
use bytemuck::Zeroable;
use core::ops::Range;

/// `Held::sends` of an event that is not told any more unless asked for.
const RETIRED: u8 = u8::MAX;

/// An event that is kept, its payload in the ring.
#[derive(Clone, Copy, Debug, Zeroable)]
#[repr(C)]
pub(crate) struct Held {
    origin: u64,
    /// When it was born, by this node's clock.
    born: Instant,
    epoch: u32,
    sequence: u32,
    start: u32,
    length: u16,
    sends: u8,
}

const _: () = assert!(size_of::<Held>() == 32);

impl Held {
    pub(crate) const EMPTY: Self =
        Self { origin: 0, born: Instant::ZERO, epoch: 0, sequence: 0, start: 0, length: 0, sends: 0 };

    pub(super) fn id(&self) -> EventId {
        EventId {
            origin: NodeId::kept_in(self.origin.to_be_bytes()),
            epoch: self.epoch,
            sequence: self.sequence,
        }
    }

    /// How often it was told; `None` once it is retired.
    pub(super) fn sends(&self) -> Option<u8> {
        (self.sends != RETIRED).then_some(self.sends)
    }

    /// How many milliseconds ago it was born, unless its time is over.
    pub(super) fn age(&self, now: Instant) -> Option<u32> {
        let age = now.since(self.born);
        if age >= TTL { None } else { u32::try_from(micros(age) / 1_000).ok() }
    }

    /// Where its payload is.
    pub(super) fn range(&self) -> Range<usize> {
        self.start as usize..self.start as usize + usize::from(self.length)
    }
}

/// Where the ring stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Marks {
    /// The oldest event that is held: an index.
    first: u32,
    count: u32,
    /// Where the next payload goes.
    next: u32,
    /// Events that are not retired.
    pending: u32,
}

impl Marks {
    pub(crate) const EMPTY: Self = Self { first: 0, count: 0, next: 0, pending: 0 };
}

/// The events that are held, in the order in which they came, borrowed from their memory.
pub(crate) struct Ring<'a> {
    pub(crate) held: &'a mut [Held],
    pub(crate) bytes: &'a mut [u8],
    pub(crate) marks: &'a mut Marks,
}

impl Ring<'_> {
    /// How many events are held.
    pub(super) fn count(&self) -> usize {
        self.marks.count as usize
    }

    /// How many of them are to be told.
    pub(super) fn pending(&self) -> u32 {
        self.marks.pending
    }

    /// Where the event stands that came `at` after the oldest.
    fn index(&self, at: usize) -> usize {
        (self.marks.first as usize + at) % self.held.len().max(1)
    }

    /// The event that came `at` after the oldest.
    pub(super) fn get(&self, at: usize) -> Option<&Held> {
        if at < self.count() { self.held.get(self.index(at)) } else { None }
    }

    /// An event as it is told, unless its time is over.
    pub(super) fn whole(&self, held: &Held, now: Instant) -> Option<UserEvent<'_>> {
        let payload = self.bytes.get(held.range())?;
        Some(UserEvent { id: held.id(), age: held.age(now)?, payload })
    }

    /// Keeps an event that was born at `born`, to be told from the beginning. Returns how many that were to be told still it
    /// took the room of. What can never fit is not kept.
    pub(super) fn hold(&mut self, id: EventId, born: Instant, payload: &[u8]) -> u32 {
        let (Ok(length), false) = (u16::try_from(payload.len()), self.held.is_empty()) else { return 0 };
        let mut start = self.marks.next as usize;
        if start + payload.len() > self.bytes.len() {
            start = 0;
        }
        let room = start..start + payload.len();
        if room.end > self.bytes.len() {
            return 0;
        }
        let displaced = self.make_room(&room);
        if let Some(place) = self.bytes.get_mut(room.clone()) {
            place.copy_from_slice(payload);
        }
        let at = self.index(self.count());
        if let Some(held) = self.held.get_mut(at) {
            let EventId { origin, epoch, sequence } = id;
            let (origin, start) = (origin.as_u64(), start as u32);
            *held = Held { origin, born, epoch, sequence, start, length, sends: 0 };
        }
        self.marks.count += 1;
        self.marks.pending += 1;
        self.marks.next = room.end as u32;
        displaced
    }

    /// Drops the oldest events until one more can be held, with its payload there; returns how many of them were pending.
    fn make_room(&mut self, room: &Range<usize>) -> u32 {
        let overlaps = |at: &usize| {
            self.get(*at).is_some_and(|held| held.range().start < room.end && room.start < held.range().end)
        };
        let mut drops = (0..self.count()).rev().find(overlaps).map_or(0, |last| last + 1);
        if self.count() == self.held.len() {
            drops = drops.max(1);
        }
        let before = self.pending();
        (0..drops).for_each(|at| self.retire(at));
        self.marks.first = self.index(drops) as u32;
        self.marks.count -= drops as u32;
        before - self.pending()
    }

    /// The event that came `at` after the oldest is not told any more.
    pub(super) fn retire(&mut self, at: usize) {
        self.set_sends(at, RETIRED);
    }

    /// Counts one more send of an event, after which it is retired if it had `most`; true if it is.
    pub(super) fn count_send(&mut self, at: usize, most: u8) -> bool {
        let Some(sends) = self.get(at).and_then(Held::sends) else { return false };
        let is_last = sends.saturating_add(1) >= most;
        self.set_sends(at, if is_last { RETIRED } else { sends + 1 });
        is_last
    }

    fn set_sends(&mut self, at: usize, sends: u8) {
        let index = self.index(at);
        if let Some(held) = self.held.get_mut(index) {
            let was_pending = held.sends().is_some();
            held.sends = sends;
            self.marks.pending -= u32::from(was_pending && sends == RETIRED);
        }
    }
}
