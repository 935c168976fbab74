//! Which members are in which zone: the live members except this node, those of a zone side by side in one array.
//!
//! The stretches of the zones follow each other without a gap, in the order in which the zones were first seen.
//! To make or fill a gap one member of each following stretch moves from one end of it to the other, so that a
//! change costs O(zones) and a random member of a zone, however small, costs O(1) once the zone is found.

use super::{ME, SlotId, Table, View, index::Place};
use crate::vocabulary::{bounds::sized, config::PulseScope, record::Zone, rng::Rng};
use core::ops::Range;

/// The most stretches: 64 zones cover the largest clouds, 16 what a microcontroller sees of one. Members of further
/// zones share the last stretch, and are treated as those of one zone.
pub(crate) const MAX_ZONES: usize = sized(64, 16);

/// The most members that one search for the next of a zone passes over: of other zones, dead, or unfit.
const MAX_PASSED: u32 = 4 * MAX_ZONES as u32;

/// The members of one zone: those from the end of the stretch before to `end`.
#[derive(Clone, Copy)]
struct Stretch {
    zone: Zone,
    end: u32,
}

/// The stretches, in the order of the array.
#[derive(Clone)]
pub(super) struct Stretches(heapless::Vec<Stretch, MAX_ZONES>);

impl Stretches {
    pub(super) const EMPTY: Self = Self(heapless::Vec::new());

    fn start(&self, at: usize) -> u32 {
        at.checked_sub(1).and_then(|before| self.0.get(before)).map_or(0, |before| before.end)
    }

    fn len(&self, at: usize) -> u32 {
        self.0.get(at).map_or(0, |stretch| stretch.end - self.start(at))
    }

    /// Where members of a zone stand, if there can be any.
    fn find(&self, zone: Zone) -> Option<usize> {
        let known = self.0.iter().position(|stretch| stretch.zone == zone);
        known.or_else(|| self.0.is_full().then_some(MAX_ZONES - 1))
    }

    /// The same, making a stretch for a zone that has none. One that a zone left empty is given away, but not
    /// while the last is shared: a zone with members there must not get a second stretch.
    fn find_or_make(&mut self, zone: Zone) -> usize {
        if let Some(known) = self.0.iter().position(|stretch| stretch.zone == zone) {
            return known;
        }
        if self.0.push(Stretch { zone, end: self.start(self.0.len()) }).is_ok() {
            return self.0.len() - 1;
        }
        let last = MAX_ZONES - 1;
        let empty = (0..MAX_ZONES).find(|&at| self.len(at) == 0).filter(|_| self.len(last) == 0);
        if let Some(stretch) = empty.and_then(|at| self.0.get_mut(at)) {
            stretch.zone = zone;
        }
        empty.unwrap_or(last)
    }
}

impl View<'_> {
    /// How many live members beside this node are in the scope of its pulses.
    pub(crate) fn company(self, scope: PulseScope) -> u32 {
        let (stretches, ours) = (&self.state.stretches, self.slots[ME as usize].record.locality());
        match scope {
            PulseScope::Zone => stretches.find(ours.domain()).map_or(0, |at| stretches.len(at)),
            PulseScope::Region => {
                let of_region =
                    stretches.0.iter().enumerate().filter(|(_, at)| at.zone.region == ours.region);
                of_region.map(|(at, _)| stretches.len(at)).sum()
            }
            PulseScope::Cluster => self.live(),
        }
    }
}

impl Table<'_> {
    /// Panics unless every live member stands in the stretch of its zone, once.
    #[cfg(any(fuzzing, all(test, feature = "alloc")))]
    pub(super) fn check_zones(&self) {
        let stretches = &self.state.stretches;
        assert_eq!(stretches.start(stretches.0.len()), self.state.live, "a stretch for every live member");
        for (position, &slot) in self.zoned[..self.state.live as usize].iter().enumerate() {
            assert_eq!(self.places[slot as usize] as usize, position, "slot {slot}");
        }
        for &slot in self.live_slots() {
            let zone = self.record(slot).locality().domain();
            assert!(self.live_slots_in(zone).contains(&slot), "slot {slot} stands elsewhere than in {zone}");
        }
    }

    fn move_to(&mut self, position: u32, slot: SlotId) {
        self.zoned[position as usize] = slot;
        self.places[slot as usize] = position;
    }

    /// A member that is now live, or is in another zone now, joins its zone.
    pub(super) fn zone_enter(&mut self, slot: SlotId) {
        let zone = self.record(slot).locality().domain();
        let at = self.state.stretches.find_or_make(zone);
        let count = self.state.stretches.0.len();
        let mut hole = self.state.stretches.start(count);
        for later in (at + 1..count).rev() {
            let first = self.state.stretches.start(later);
            if first < hole {
                self.move_to(hole, self.zoned[first as usize]);
            }
            self.state.stretches.0[later].end += 1;
            hole = first;
        }
        self.state.stretches.0[at].end += 1;
        self.move_to(hole, slot);
        debug_assert_eq!(self.state.stretches.start(count), self.state.live, "a place for every live member");
    }

    /// A member that died, or is in another zone now, leaves its stretch.
    pub(super) fn zone_leave(&mut self, slot: SlotId) {
        let place = self.places[slot as usize];
        debug_assert_eq!(self.zoned[place as usize], slot, "it stands where it was put");
        debug_assert!(place < self.state.stretches.start(self.state.stretches.0.len()), "it is in no zone");
        let mut hole = place;
        for stretch in self.state.stretches.0.iter_mut().skip_while(|stretch| stretch.end <= place) {
            stretch.end -= 1;
            if stretch.end > hole {
                let moved = self.zoned[stretch.end as usize];
                self.zoned[hole as usize] = moved;
                self.places[moved as usize] = hole;
            }
            hole = stretch.end;
        }
    }

    /// Where in the array the members of a zone stand.
    fn stretch(&self, zone: Zone) -> Range<u32> {
        let stretches = &self.state.stretches;
        let Some(at) = stretches.find(zone) else { return 0..0 };
        let start = stretches.start(at);
        start..start + stretches.len(at)
    }

    /// The live members of a zone but this node, in no particular order.
    pub(crate) fn live_slots_in(&self, zone: Zone) -> &[SlotId] {
        let Range { start, end } = self.stretch(zone);
        &self.zoned[start as usize..end as usize]
    }

    /// The next live member of this node's zone after `from` in the id-hash order that `fits`, or this node itself if
    /// that comes first. The error is how far the search went without finding either. Nodes that are alone in their
    /// zones form one zone here.
    pub(crate) fn next_of_zone(
        &self,
        from: Place,
        fits: impl Fn(SlotId) -> bool,
    ) -> Result<(Place, SlotId), Place> {
        let home = self.stretch(self.record(ME).locality().domain());
        let belongs = |slot: SlotId| {
            if home.is_empty() {
                self.live_in(self.record(slot).locality().domain()) == 1
            } else {
                home.contains(&self.places[slot as usize])
            }
        };
        let (view, mut last, mut left) = (self.as_view(), from, MAX_PASSED);
        for mut walk in [view.after(from, u32::MAX), view.after(Place::START, from.tag)] {
            for (place, slot) in walk.by_ref() {
                let live = slot != ME && self.record(slot).status().is_live();
                if slot == ME || live && belongs(slot) && fits(slot) {
                    return Ok((place, slot));
                }
                (last, left) = (place, left - 1);
                if left == 0 {
                    return Err(last);
                }
            }
            if let Some(cut) = walk.cut() {
                return Err(cut);
            }
        }
        Err(last)
    }

    /// How many live members a zone has, this node not counted.
    pub(crate) fn live_in(&self, zone: Zone) -> u32 {
        self.live_slots_in(zone).len() as u32
    }

    /// A live member of a zone but this node, evenly at random.
    pub(crate) fn random_in(&self, zone: Zone, rng: &mut Rng) -> Option<SlotId> {
        let slots = self.live_slots_in(zone);
        slots.get(rng.below(slots.len() as u32) as usize).copied()
    }

    /// Zones with live members but this node, and how many; in the order in which they were first seen. Zones
    /// that share the last stretch are one, under the name of one of them.
    pub(crate) fn zones(&self) -> impl Iterator<Item = (Zone, u32)> + Clone {
        let stretches = &self.state.stretches;
        let all = stretches.0.iter().enumerate().map(|(at, stretch)| (stretch.zone, stretches.len(at)));
        all.filter(|&(_, live)| live > 0)
    }
}
