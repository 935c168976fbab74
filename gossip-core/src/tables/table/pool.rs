//! The pool of open suspicions and their timers: a binary heap that knows where everything stands, so that
//! a timer can be moved and cancelled in O(log n).

use super::{Slot, SlotId};
use crate::vocabulary::time::{Judged, Stamp};
use bytemuck::Zeroable;

/// Distinct accusers kept: the first, and as many confirmations as `Config` allows.
pub(crate) const MAX_ACCUSERS: usize = 4;

/// An open suspicion. 32 bytes, all zero when unused.
#[derive(Clone, Copy, Zeroable)]
#[repr(C)]
pub(crate) struct Suspicion {
    slot: SlotId,
    heap_position: u32,
    /// What [`Progress`] counts from.
    since: Judged<Stamp>,
    accusers: [SlotId; MAX_ACCUSERS],
    count: u8,
    /// [`Progress::Due`], if not 0.
    checks: u8,
    unused: [u8; 2],
}

impl Suspicion {
    pub(crate) const EMPTY: Self = Self {
        slot: 0,
        heap_position: 0,
        since: Judged(Stamp(0)),
        accusers: [0; MAX_ACCUSERS],
        count: 0,
        checks: 0,
        unused: [0; 2],
    };

    /// How far it has come.
    pub(crate) fn progress(&self) -> Progress {
        match self.checks {
            0 => Progress::Pending { since: self.since },
            checks => Progress::Due { since: self.since, checks },
        }
    }

    /// Something happened to it.
    pub(crate) fn advance(&mut self, turn: Turn) {
        (self.since, self.checks) = match self.progress().after(turn) {
            Progress::Pending { since } => (since, 0),
            Progress::Due { since, checks } => (since, checks),
        };
    }

    /// Whether its time is over: the member can be declared dead once a check fails.
    pub(crate) fn is_due(&self) -> bool {
        matches!(self.progress(), Progress::Due { .. })
    }

    /// The distinct accusers, in the order in which they became known.
    pub(crate) fn accusers(&self) -> &[SlotId] {
        &self.accusers[..usize::from(self.count)]
    }
}

/// How far a suspicion has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Progress {
    /// The suspect has time to refute.
    Pending {
        /// When it was first accused.
        since: Judged<Stamp>,
    },
    /// That time is over: it is checked, and judged after each check.
    Due {
        /// Since when another node could have confirmed its death.
        since: Judged<Stamp>,
        /// How often its timer has run out, 1 to 255.
        checks: u8,
    },
}

/// What happens to a suspicion.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    /// Its timer ran out, and the ruling is to check.
    Expired(Judged<Stamp>),
    /// The ruling is to wait until then, when others may confirm again.
    Waits(Judged<Stamp>),
    /// A check was answered.
    Answered(Judged<Stamp>),
}

impl Progress {
    /// The table of transitions.
    fn after(self, turn: Turn) -> Self {
        match (self, turn) {
            (Self::Pending { .. }, Turn::Expired(now)) => Self::Due { since: now, checks: 1 },
            (Self::Due { since, checks }, Turn::Expired(_)) => {
                Self::Due { since, checks: checks.saturating_add(1) }
            }
            (Self::Pending { since }, Turn::Waits(_)) => Self::Pending { since },
            (Self::Due { checks, .. }, Turn::Waits(until)) => Self::Due { since: until, checks },
            (_, Turn::Answered(now)) => Self::Pending { since: now },
        }
    }
}

/// A timer of the heap, or (beyond its end) a free place of the pool.
#[derive(Clone, Copy, Zeroable)]
#[repr(C)]
pub(crate) struct Timer {
    due: Judged<Stamp>,
    /// Place in the pool, plus one. Zero beyond the heap's end: the place of this very position.
    which: u32,
}

impl Timer {
    pub(crate) const EMPTY: Self = Self { due: Judged(Stamp(0)), which: 0 };
}

/// The pool, borrowed from its memory.
pub(crate) struct Pool<'a> {
    pub(crate) suspicions: &'a mut [Suspicion],
    pub(crate) timers: &'a mut [Timer],
    pub(crate) open: &'a mut u32,
}

/// The suspicion of a member, among those that are kept.
pub(crate) fn of_member<'a>(suspicions: &'a [Suspicion], member: &Slot) -> Option<&'a Suspicion> {
    suspicions.get(usize::from(member.suspicion).checked_sub(1)?)
}

impl Pool<'_> {
    /// Closes all, without regard to the slots: the memory gets a new node.
    pub(crate) fn clear(&mut self) {
        *self.open = 0;
    }

    /// Whether no more can be opened.
    pub(crate) fn is_full(&self) -> bool {
        *self.open as usize == self.timers.len()
    }

    /// The suspicion of a member.
    pub(crate) fn get(&self, member: &Slot) -> Option<&Suspicion> {
        of_member(self.suspicions, member)
    }

    pub(crate) fn get_mut(&mut self, member: &Slot) -> Option<&mut Suspicion> {
        self.suspicions.get_mut(usize::from(member.suspicion).checked_sub(1)?)
    }

    /// The next to come due.
    pub(crate) fn first(&self) -> Option<(Judged<Stamp>, SlotId)> {
        let timer = self.timers[..*self.open as usize].first()?;
        Some((timer.due, self.suspicions[timer.which as usize - 1].slot))
    }

    /// Opens a suspicion; false when the pool is full.
    pub(crate) fn open(
        &mut self,
        slots: &mut [Slot],
        slot: SlotId,
        started: Judged<Stamp>,
        due: Judged<Stamp>,
    ) -> bool {
        debug_assert_eq!(slots[slot as usize].suspicion, 0, "a member has one suspicion at a time");
        let end = *self.open as usize;
        let Some(&free) = self.timers.get(end) else { return false };
        let which = if free.which == 0 { end as u32 + 1 } else { free.which };
        self.suspicions[which as usize - 1] = Suspicion { slot, since: started, ..Suspicion::EMPTY };
        slots[slot as usize].suspicion = which as u16;
        *self.open += 1;
        self.timers[end] = Timer { due, which };
        self.sift(end);
        true
    }

    /// Closes the suspicion of a member, if there is one.
    pub(crate) fn close(&mut self, slots: &mut [Slot], slot: SlotId) {
        let which = u32::from(core::mem::take(&mut slots[slot as usize].suspicion));
        if which == 0 {
            return;
        }
        let closed = self.suspicions[which as usize - 1];
        debug_assert_eq!(closed.slot, slot, "the suspicion is of another member");
        debug_assert_eq!(
            self.timers[closed.heap_position as usize].which, which,
            "the timer is of another one"
        );
        for &accuser in closed.accusers() {
            slots[accuser as usize].close_accusation();
        }
        *self.open -= 1;
        let (gap, end) = (closed.heap_position as usize, *self.open as usize);
        self.timers[gap] = self.timers[end];
        self.timers[end] = Timer { due: Judged(Stamp(0)), which };
        if gap != end {
            self.sift(gap);
        }
    }

    /// Adds an accuser; false when it is one already, or no more are kept.
    pub(crate) fn accuse(&mut self, slots: &mut [Slot], slot: SlotId, accuser: SlotId) -> bool {
        let Some(suspicion) = self.get_mut(&slots[slot as usize]) else { return false };
        let at = usize::from(suspicion.count);
        if at >= MAX_ACCUSERS || suspicion.accusers().contains(&accuser) {
            return false;
        }
        suspicion.accusers[at] = accuser;
        suspicion.count += 1;
        slots[accuser as usize].open_accusation();
        true
    }

    /// Moves a member's timer.
    pub(crate) fn schedule(&mut self, member: &Slot, due: Judged<Stamp>) {
        let Some(suspicion) = self.get(member) else {
            return debug_assert!(false, "only suspects have timers");
        };
        let position = suspicion.heap_position as usize;
        debug_assert_eq!(
            self.timers[position].which,
            u32::from(member.suspicion),
            "the timer is of another one"
        );
        self.timers[position].due = due;
        self.sift(position);
    }

    /// Panics unless heap, pool and slots agree, and the places that are free are each there once.
    #[cfg(any(fuzzing, all(test, feature = "alloc")))]
    pub(super) fn check(&self, slots: &[Slot]) {
        let len = *self.open as usize;
        let mut accusations = alloc::vec![0; slots.len()];
        let mut places = alloc::collections::BTreeSet::new();
        for (position, timer) in self.timers.iter().enumerate() {
            let which = if timer.which == 0 { position + 1 } else { timer.which as usize };
            assert!(places.insert(which), "place {which} is there twice");
            let suspicion = &self.suspicions[which - 1];
            if position >= len {
                continue;
            }
            assert_ne!(timer.which, 0, "an open suspicion has a place of its own");
            assert_eq!(suspicion.heap_position as usize, position);
            let parent = &self.timers[position.saturating_sub(1) / 2];
            assert!(!timer.due.is_before(parent.due), "the first is due first");
            assert_eq!(usize::from(slots[suspicion.slot as usize].suspicion), which);
            for (at, &accuser) in suspicion.accusers().iter().enumerate() {
                assert!(!suspicion.accusers()[..at].contains(&accuser), "one accuser counts once");
                accusations[accuser as usize] += 1;
            }
        }
        let named = slots.iter().filter(|slot| slot.suspicion != 0).count();
        assert_eq!(named, len, "suspicions that slots name, and those that are open");
        for (slot, &open) in slots.iter().zip(&accusations) {
            // The count saturates, and falls from there.
            let counted = slot.open_accusations();
            assert!(counted == open || open > super::MAX_OPEN || counted < open, "{counted} of {open}");
        }
    }

    fn put(&mut self, position: usize, timer: Timer) {
        debug_assert_ne!(timer.which, 0, "an open suspicion has a place of its own");
        self.timers[position] = timer;
        self.suspicions[timer.which as usize - 1].heap_position = position as u32;
    }

    /// Restores the order round one changed place, up and then down.
    fn sift(&mut self, mut position: usize) {
        let timer = self.timers[position];
        let len = *self.open as usize;
        debug_assert!(position < len, "no timer is beyond the heap's end");
        while position > 0 {
            let parent = (position - 1) / 2;
            if !timer.due.is_before(self.timers[parent].due) {
                break;
            }
            self.put(position, self.timers[parent]);
            position = parent;
        }
        loop {
            let mut child = 2 * position + 1;
            if child >= len {
                break;
            }
            if child + 1 < len && self.timers[child + 1].due.is_before(self.timers[child].due) {
                child += 1;
            }
            if !self.timers[child].due.is_before(timer.due) {
                break;
            }
            self.put(position, self.timers[child]);
            position = child;
        }
        self.put(position, timer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suspicion_advances_as_its_table_says() {
        let [then, now, later] = [10, 20, 30].map(|ms| Judged(Stamp(ms)));
        let pending = |since| Progress::Pending { since };
        let due = |since, checks| Progress::Due { since, checks };
        for (state, turn, next) in [
            (pending(then), Turn::Expired(now), due(now, 1)),
            (due(then, 1), Turn::Expired(now), due(then, 2)),
            (due(then, u8::MAX), Turn::Expired(now), due(then, u8::MAX)),
            (pending(then), Turn::Waits(later), pending(then)),
            (due(then, 2), Turn::Waits(later), due(later, 2)),
            (pending(then), Turn::Answered(now), pending(now)),
            (due(then, 2), Turn::Answered(now), pending(now)),
        ] {
            assert_eq!(state.after(turn), next, "{state:?} {turn:?}");
            let (since, checks) = match state {
                Progress::Pending { since } => (since, 0),
                Progress::Due { since, checks } => (since, checks),
            };
            let mut suspicion = Suspicion { since, checks, ..Suspicion::EMPTY };
            suspicion.advance(turn);
            assert_eq!(suspicion.progress(), next);
        }
    }
}
