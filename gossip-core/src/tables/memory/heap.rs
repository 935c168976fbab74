//! Tables on the heap.

use super::*;
use crate::tables::{
    events::limits::{MAX_HELD, MAX_ORIGINS, RING_BYTES},
    state::limits::MAX_OWNER_BYTES,
};
use alloc::boxed::Box;
use bytemuck::zeroed_slice_box;

/// Blocks of kept state for each member: of 64 bytes, so that half of all members can have what fits a datagram.
const BLOCKS_PER_MEMBER: usize = 4;
/// The fewest blocks: an eighth of them is a whole map of the default size, for two members at least.
const MIN_BLOCKS: usize = 256;

/// Tables on the heap, sized once. 96 bytes a member (112 where it can seal, 356 where it can sign), 320 for its kept state, and 96
/// for its pulse; 19 kB for 64 cluster-wide values of 16 KiB together. Pages are committed on first use, so a large cap costs a
/// small cluster nothing.
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
    #[cfg(feature = "seal")]
    windows: Box<[Window]>,
    #[cfg(feature = "identity")]
    proven: Box<[Proven]>,
    #[cfg(feature = "identity")]
    testimonies: Box<[Testimony]>,
    owners: Box<[Owner]>,
    blocks: Box<[Block]>,
    links: Box<[Link]>,
    scratch: Box<[u8]>,
    books: Books,
    desk: Desk,
    origins: Box<[Place]>,
    held: Box<[Held]>,
    payloads: Box<[u8]>,
    events: store::Books,
    values: values::Room<Box<[values::Slot]>, Box<[u8]>>,
    pulses: Box<[Pulse]>,
    pulse_books: pulses::Books,
}

impl fmt::Debug for Heap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heap").field("members", &self.slots.len()).finish_non_exhaustive()
    }
}

impl Heap {
    /// Room for `members` members, the node itself included (clamped to 2 to 2^20), a quarter of which
    /// (at least 16) can be suspected at a time; with kept state, and 80 kB for events.
    pub fn for_members(members: usize) -> Self {
        let members = members.clamp(2, MAX_MEMBERS);
        let blocks = (members * BLOCKS_PER_MEMBER).max(MIN_BLOCKS);
        Self {
            owners: zeroed_slice_box(members),
            blocks: zeroed_slice_box(blocks),
            links: zeroed_slice_box(blocks),
            scratch: zeroed_slice_box(usize::from(MAX_OWNER_BYTES)),
            origins: zeroed_slice_box(MAX_ORIGINS),
            held: zeroed_slice_box(MAX_HELD),
            payloads: zeroed_slice_box(RING_BYTES),
            values: values::Room::new(zeroed_slice_box(MAX_KEYS), zeroed_slice_box(MAX_BYTES)),
            pulses: zeroed_slice_box(members),
            ..Self::without_state(members)
        }
    }

    /// The same without kept state, events, cluster-wide values and pulses: the node spreads and merges records, and publishes
    /// nothing.
    pub fn without_state(members: usize) -> Self {
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
            #[cfg(feature = "seal")]
            windows: zeroed_slice_box(members),
            #[cfg(feature = "identity")]
            proven: zeroed_slice_box(members),
            #[cfg(feature = "identity")]
            testimonies: zeroed_slice_box(suspects),
            owners: Box::default(),
            blocks: Box::default(),
            links: Box::default(),
            scratch: Box::default(),
            books: Books::EMPTY,
            desk: Desk::EMPTY,
            origins: Box::default(),
            held: Box::default(),
            payloads: Box::default(),
            events: store::Books::EMPTY,
            values: values::Room::new(Box::default(), Box::default()),
            pulses: Box::default(),
            pulse_books: pulses::Books::EMPTY,
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
            #[cfg(feature = "seal")]
            windows: &mut self.windows,
            #[cfg(feature = "identity")]
            signed: (&mut self.proven, &mut self.testimonies),
            state: (
                Store::new(
                    &mut self.owners,
                    (&mut self.blocks, &mut self.links),
                    &mut self.books,
                    &mut self.scratch,
                    &mut self.desk,
                ),
                Events::new(&mut self.origins, &mut self.held, &mut self.payloads, &mut self.events),
                self.values.values(),
                pulses::Pulses::new(&mut self.pulses, &mut self.pulse_books),
            ),
        }
        .tables()
    }

    fn views(&self) -> Views<'_> {
        let (slots, index, ring) = (&self.slots, &self.index, &self.ring);
        let members = View { slots, index, ring, state: &self.scalars.table };
        let state = read::View::new(&self.owners, (&self.blocks, &self.links));
        let pulses = pulses::View::new(&self.pulses);
        Views {
            members,
            suspicions: &self.suspicions,
            state,
            values: self.values.view(),
            pulses,
            #[cfg(feature = "seal")]
            windows: &self.windows,
            #[cfg(feature = "identity")]
            proofs: &self.proven,
        }
    }
}

impl Memory for Heap {}
