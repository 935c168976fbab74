//! Where the tables live: in place, or on the heap. Protocol code sees neither, only borrowed slices.

use crate::tables::{
    queue::RumorState,
    table::{
        Slot, SlotId, Table, TableState, View,
        pool::{Pool, Suspicion, Timer},
    },
};
use core::fmt;

/// What protocol code works on: one view per table, each with its slices and its scalars.
#[doc(hidden)]
pub struct Tables<'a> {
    pub(crate) members: Table<'a>,
    pub(crate) rumors: &'a mut RumorState,
    pub(crate) suspicions: Pool<'a>,
}

/// The same, to read only.
#[doc(hidden)]
pub struct Views<'a> {
    pub(crate) members: View<'a>,
}

impl fmt::Debug for Tables<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tables").finish_non_exhaustive()
    }
}

impl fmt::Debug for Views<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Views").finish_non_exhaustive()
    }
}

mod sealed {
    use super::{Tables, Views};

    pub trait Storage {
        fn tables(&mut self) -> Tables<'_>;
        fn views(&self) -> Views<'_>;
    }
}
pub(crate) use sealed::Storage;

/// The memory of a node's tables: [`Inline`], [`Heap`], or a mutable reference to one of them.
///
/// Sealed: what it holds is the core's own business.
pub trait Memory: Storage {}

#[derive(Clone)]
struct Scalars {
    table: TableState,
    rumors: RumorState,
    suspicions: u32,
}

impl Scalars {
    const EMPTY: Self = Self { table: TableState::EMPTY, rumors: RumorState::EMPTY, suspicions: 0 };
}

/// Slices of any memory, assembled into what protocol code sees.
struct Parts<'a> {
    slots: &'a mut [Slot],
    index: &'a mut [u64],
    ring: &'a mut [SlotId],
    zoned: &'a mut [SlotId],
    places: &'a mut [u32],
    suspicions: &'a mut [Suspicion],
    timers: &'a mut [Timer],
    scalars: &'a mut Scalars,
}

impl<'a> Parts<'a> {
    fn tables(self) -> Tables<'a> {
        let Self { slots, index, ring, zoned, places, suspicions, timers, scalars } = self;
        let Scalars { table: state, rumors, suspicions: open } = scalars;
        Tables {
            members: Table { slots, index, ring, zoned, places, state },
            rumors,
            suspicions: Pool { suspicions, timers, open },
        }
    }
}

/// Tables in place, for hosts without an allocator: room for `MEMBERS` members, the node itself included,
/// of which `SUSPECTS` can be suspected at a time.
///
/// Meant to be a static and handed over as `&mut`, so that nothing large moves over the stack.
#[derive(Clone)]
pub struct Inline<const MEMBERS: usize, const SUSPECTS: usize = 16> {
    slots: [Slot; MEMBERS],
    /// Two entries a member: load 1/2, since `MEMBERS * 2` cannot be an array's length.
    index: [[u64; 2]; MEMBERS],
    ring: [SlotId; MEMBERS],
    zoned: [SlotId; MEMBERS],
    places: [u32; MEMBERS],
    suspicions: [Suspicion; SUSPECTS],
    timers: [Timer; SUSPECTS],
    scalars: Scalars,
}

impl<const MEMBERS: usize, const SUSPECTS: usize> Inline<MEMBERS, SUSPECTS> {
    /// Empty; `const`, so it can be a static.
    pub const fn new() -> Self {
        const {
            assert!(MEMBERS >= 2 && MEMBERS <= MAX_MEMBERS, "room for 2 to 2^20 members");
            assert!(SUSPECTS >= 1 && SUSPECTS <= MAX_SUSPECTS, "room for 1 to 65,534 suspicions");
        }
        Self {
            slots: [Slot::EMPTY; MEMBERS],
            index: [[0; 2]; MEMBERS],
            ring: [0; MEMBERS],
            zoned: [0; MEMBERS],
            places: [0; MEMBERS],
            suspicions: [Suspicion::EMPTY; SUSPECTS],
            timers: [Timer::EMPTY; SUSPECTS],
            scalars: Scalars::EMPTY,
        }
    }
}

impl<const MEMBERS: usize, const SUSPECTS: usize> fmt::Debug for Inline<MEMBERS, SUSPECTS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inline")
            .field("members", &MEMBERS)
            .field("suspects", &SUSPECTS)
            .finish_non_exhaustive()
    }
}

impl<const MEMBERS: usize, const SUSPECTS: usize> Default for Inline<MEMBERS, SUSPECTS> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const MEMBERS: usize, const SUSPECTS: usize> Storage for Inline<MEMBERS, SUSPECTS> {
    fn tables(&mut self) -> Tables<'_> {
        Parts {
            slots: &mut self.slots,
            index: self.index.as_flattened_mut(),
            ring: &mut self.ring,
            zoned: &mut self.zoned,
            places: &mut self.places,
            suspicions: &mut self.suspicions,
            timers: &mut self.timers,
            scalars: &mut self.scalars,
        }
        .tables()
    }

    fn views(&self) -> Views<'_> {
        let (slots, ring, state) = (&self.slots, &self.ring, &self.scalars.table);
        Views { members: View { slots, index: self.index.as_flattened(), ring, state } }
    }
}

impl<const MEMBERS: usize, const SUSPECTS: usize> Memory for Inline<MEMBERS, SUSPECTS> {}

impl<M: Memory + ?Sized> Storage for &mut M {
    fn tables(&mut self) -> Tables<'_> {
        (**self).tables()
    }

    fn views(&self) -> Views<'_> {
        (**self).views()
    }
}

impl<M: Memory + ?Sized> Memory for &mut M {}

/// The most members that any memory holds.
pub(crate) const MAX_MEMBERS: usize = 1 << 20;
/// The most suspicions: a slot names its own in 16 bits.
const MAX_SUSPECTS: usize = u16::MAX as usize - 1;

#[cfg(feature = "alloc")]
pub use heap::Heap;

#[cfg(feature = "alloc")]
mod heap {
    use super::*;
    use alloc::boxed::Box;
    use bytemuck::zeroed_slice_box;

    /// Tables on the heap, sized once. 96 bytes a member; pages are committed on first use, so a large
    /// cap costs a small cluster nothing.
    #[derive(Clone)]
    pub struct Heap {
        slots: Box<[Slot]>,
        index: Box<[u64]>,
        ring: Box<[SlotId]>,
        zoned: Box<[SlotId]>,
        places: Box<[u32]>,
        suspicions: Box<[Suspicion]>,
        timers: Box<[Timer]>,
        scalars: Scalars,
    }

    impl fmt::Debug for Heap {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("Heap").field("members", &self.slots.len()).finish_non_exhaustive()
        }
    }

    impl Heap {
        /// Room for `members` members, the node itself included (clamped to 2 to 2^20), a quarter of which
        /// (at least 16) can be suspected at a time.
        pub fn for_members(members: usize) -> Self {
            let members = members.clamp(2, MAX_MEMBERS);
            let suspects = (members / 4).clamp(16, MAX_SUSPECTS);
            Self {
                slots: zeroed_slice_box(members),
                // Load 0.8; at least one entry must stay empty.
                index: zeroed_slice_box(members + (members / 4).max(1)),
                ring: zeroed_slice_box(members),
                zoned: zeroed_slice_box(members),
                places: zeroed_slice_box(members),
                suspicions: zeroed_slice_box(suspects),
                timers: zeroed_slice_box(suspects),
                scalars: Scalars::EMPTY,
            }
        }
    }

    impl Storage for Heap {
        fn tables(&mut self) -> Tables<'_> {
            Parts {
                slots: &mut self.slots,
                index: &mut self.index,
                ring: &mut self.ring,
                zoned: &mut self.zoned,
                places: &mut self.places,
                suspicions: &mut self.suspicions,
                timers: &mut self.timers,
                scalars: &mut self.scalars,
            }
            .tables()
        }

        fn views(&self) -> Views<'_> {
            let (slots, index, ring) = (&self.slots, &self.index, &self.ring);
            Views { members: View { slots, index, ring, state: &self.scalars.table } }
        }
    }

    impl Memory for Heap {}
}
