//! Where the tables live: in place, or on the heap. Protocol code sees neither, only borrowed slices.

#[cfg(feature = "identity")]
use crate::tables::proofs::{Proven, Testimony};
#[cfg(feature = "seal")]
use crate::tables::replay::Window;
use crate::tables::{
    events::{
        places::Place,
        ring::Held,
        store::{self, Events},
    },
    proofs::Proofs,
    pulses::{place::Place as Pulse, store as pulses},
    queue::RumorState,
    state::{
        arena::{Block, Books, Link},
        desk::Desk,
        limits::DEFAULT_OWNER_BYTES,
        owner::Owner,
        read,
        store::Store,
    },
    table::{
        Slot, SlotId, Table, TableState, View,
        pool::{Pool, Suspicion, Timer},
    },
    values::{
        limits::{MAX_BYTES, MAX_KEYS},
        store as values,
    },
};
use core::fmt;

/// What protocol code works on: one view per table, each with its slices and its scalars.
#[doc(hidden)]
pub struct Tables<'a> {
    pub(crate) members: Table<'a>,
    pub(crate) rumors: &'a mut RumorState,
    pub(crate) suspicions: Pool<'a>,
    pub(crate) state: Store<'a>,
    pub(crate) events: Events<'a>,
    pub(crate) values: values::Values<'a>,
    pub(crate) pulses: pulses::Pulses<'a>,
    /// What was heard of each member, by slot.
    #[cfg(feature = "seal")]
    pub(crate) windows: &'a mut [Window],
    pub(crate) proofs: Proofs<'a>,
}

/// The same, to read only.
#[doc(hidden)]
pub struct Views<'a> {
    pub(crate) members: View<'a>,
    pub(crate) suspicions: &'a [Suspicion],
    pub(crate) state: read::View<'a>,
    pub(crate) values: values::View<'a>,
    pub(crate) pulses: pulses::View<'a>,
    #[cfg(feature = "seal")]
    pub(crate) windows: &'a [Window],
    #[cfg(feature = "identity")]
    pub(crate) proofs: &'a [Proven],
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
    use super::{StateParts, StateViews, Tables, Views};

    pub trait Storage {
        fn tables(&mut self) -> Tables<'_>;
        fn views(&self) -> Views<'_>;
    }

    pub trait StateStorage {
        #[doc(hidden)]
        #[allow(private_interfaces, reason = "sealed: only the core calls it")]
        fn parts(&mut self) -> StateParts<'_>;
        #[doc(hidden)]
        #[allow(private_interfaces, reason = "sealed: only the core calls it")]
        fn view(&self) -> StateViews<'_>;
    }
}
pub(crate) use sealed::{StateStorage, Storage};

/// What kept state, events, values and pulses are in.
type StateParts<'a> = (Store<'a>, Events<'a>, values::Values<'a>, pulses::Pulses<'a>);
/// The same, to read only; of events nothing is read.
type StateViews<'a> = (read::View<'a>, values::View<'a>, pulses::View<'a>);

/// The memory of a node's tables: [`Inline`], [`Heap`], or a mutable reference to one of them.
///
/// Sealed: what it holds is the core's own business.
pub trait Memory: Storage {}

/// The memory of kept state and events beside an [`Inline`]: [`NoState`] or [`InlineState`].
///
/// Sealed, too.
pub trait StateMemory: StateStorage {}

#[derive(Clone)]
struct Scalars {
    table: TableState,
    rumors: RumorState,
    suspicions: u32,
    #[cfg(feature = "identity")]
    testimonies: u16,
}

impl Scalars {
    const EMPTY: Self = Self {
        table: TableState::EMPTY,
        rumors: RumorState::EMPTY,
        suspicions: 0,
        #[cfg(feature = "identity")]
        testimonies: 0,
    };
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
    #[cfg(feature = "seal")]
    windows: &'a mut [Window],
    #[cfg(feature = "identity")]
    signed: (&'a mut [Proven], &'a mut [Testimony]),
    state: StateParts<'a>,
}

impl<'a> Parts<'a> {
    fn tables(self) -> Tables<'a> {
        let Self {
            slots,
            index,
            ring,
            zoned,
            places,
            suspicions,
            timers,
            scalars,
            #[cfg(feature = "seal")]
            windows,
            #[cfg(feature = "identity")]
                signed: (of, testimonies),
            state: (kept, events, values, pulses),
        } = self;
        let Scalars {
            table: state,
            rumors,
            suspicions: open,
            #[cfg(feature = "identity")]
                testimonies: next,
        } = scalars;
        Tables {
            members: Table { slots, index, ring, zoned, places, state },
            rumors,
            suspicions: Pool { suspicions, timers, open },
            state: kept,
            events,
            values,
            pulses,
            #[cfg(feature = "seal")]
            windows,
            #[cfg(feature = "identity")]
            proofs: Proofs { of, testimonies, next },
            #[cfg(not(feature = "identity"))]
            proofs: Proofs(core::marker::PhantomData),
        }
    }
}

/// No memory for kept state, events, cluster-wide values and pulses: the node spreads and merges records, and publishes nothing.
#[derive(Clone)]
pub struct NoState {
    books: Books,
    desk: Desk,
    events: store::Books,
    values: values::Room<[values::Slot; 0], [u8; 0]>,
    pulses: pulses::Books,
}

impl NoState {
    /// Empty.
    pub const fn new() -> Self {
        Self {
            books: Books::EMPTY,
            desk: Desk::EMPTY,
            events: store::Books::EMPTY,
            values: values::Room::new([], []),
            pulses: pulses::Books::EMPTY,
        }
    }
}

impl Default for NoState {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for NoState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NoState")
    }
}

#[allow(private_interfaces, reason = "sealed: only the core calls it")]
impl StateStorage for NoState {
    fn parts(&mut self) -> StateParts<'_> {
        let store = Store::new(&mut [], (&mut [], &mut []), &mut self.books, &mut [], &mut self.desk);
        let events = Events::new(&mut [], &mut [], &mut [], &mut self.events);
        (store, events, self.values.values(), pulses::Pulses::new(&mut [], &mut self.pulses))
    }

    fn view(&self) -> StateViews<'_> {
        (read::View::new(&[], (&[], &[])), self.values.view(), pulses::View::new(&[]))
    }
}

impl StateMemory for NoState {}

/// Kept state in place, beside an [`Inline`] for as many `MEMBERS`: 48 bytes each, and 68 for each of `BLOCKS` blocks,
/// which hold 64 bytes of keys and values and are shared. With as many blocks as members each member has one for sure.
///
/// Of events, `EVENTS` origins and as many events are kept, in 128 bytes each, of which 64 are for payloads. These are
/// shared, too, and one event has up to 512, so that 16 are a good number. Without any, this node neither sends nor takes events.
///
/// And of `PULSES` members their pulses, in 96 bytes each: of as many as there are `MEMBERS`, or of none.
///
/// Beside it cluster-wide values: without the feature `alloc` 16 keys and 1 KiB, with it as many as on the heap.
#[derive(Clone)]
pub struct InlineState<
    const MEMBERS: usize,
    const BLOCKS: usize,
    const EVENTS: usize = 0,
    const PULSES: usize = 0,
> {
    owners: [Owner; MEMBERS],
    blocks: [Block; BLOCKS],
    links: [Link; BLOCKS],
    scratch: [u8; DEFAULT_OWNER_BYTES as usize],
    books: Books,
    desk: Desk,
    origins: [Place; EVENTS],
    held: [Held; EVENTS],
    payloads: [[u8; EVENT_BYTES]; EVENTS],
    events: store::Books,
    values: values::Room<[values::Slot; MAX_KEYS], [u8; MAX_BYTES]>,
    places: [Pulse; PULSES],
    pulses: pulses::Books,
}

/// Bytes of payload for each event that an [`InlineState`] keeps.
const EVENT_BYTES: usize = 64;

impl<const MEMBERS: usize, const BLOCKS: usize, const EVENTS: usize, const PULSES: usize>
    InlineState<MEMBERS, BLOCKS, EVENTS, PULSES>
{
    /// Empty; `const`, so it can be a static.
    pub const fn new() -> Self {
        const {
            assert!(BLOCKS <= MAX_BLOCKS, "room for 2^22 blocks at the most");
            assert!(PULSES == 0 || PULSES == MEMBERS, "pulses of as many members as there are, or of none");
        }
        Self {
            owners: [Owner::EMPTY; MEMBERS],
            blocks: [Block::EMPTY; BLOCKS],
            links: [0; BLOCKS],
            scratch: [0; DEFAULT_OWNER_BYTES as usize],
            books: Books::EMPTY,
            desk: Desk::EMPTY,
            origins: [Place::EMPTY; EVENTS],
            held: [Held::EMPTY; EVENTS],
            payloads: [[0; EVENT_BYTES]; EVENTS],
            events: store::Books::EMPTY,
            values: values::Room::new([values::Slot::EMPTY; MAX_KEYS], [0; MAX_BYTES]),
            places: [Pulse::EMPTY; PULSES],
            pulses: pulses::Books::EMPTY,
        }
    }
}

impl<const MEMBERS: usize, const BLOCKS: usize, const EVENTS: usize, const PULSES: usize> Default
    for InlineState<MEMBERS, BLOCKS, EVENTS, PULSES>
{
    fn default() -> Self {
        Self::new()
    }
}

impl<const MEMBERS: usize, const BLOCKS: usize, const EVENTS: usize, const PULSES: usize> fmt::Debug
    for InlineState<MEMBERS, BLOCKS, EVENTS, PULSES>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InlineState")
            .field("members", &MEMBERS)
            .field("blocks", &BLOCKS)
            .field("events", &EVENTS)
            .field("pulses", &PULSES)
            .finish_non_exhaustive()
    }
}

#[allow(private_interfaces, reason = "sealed: only the core calls it")]
impl<const MEMBERS: usize, const BLOCKS: usize, const EVENTS: usize, const PULSES: usize> StateStorage
    for InlineState<MEMBERS, BLOCKS, EVENTS, PULSES>
{
    fn parts(&mut self) -> StateParts<'_> {
        let arena = (&mut self.blocks[..], &mut self.links[..]);
        let store = Store::new(&mut self.owners, arena, &mut self.books, &mut self.scratch, &mut self.desk);
        let payloads = self.payloads.as_flattened_mut();
        let events = Events::new(&mut self.origins, &mut self.held, payloads, &mut self.events);
        (store, events, self.values.values(), pulses::Pulses::new(&mut self.places, &mut self.pulses))
    }

    fn view(&self) -> StateViews<'_> {
        let state = read::View::new(&self.owners, (&self.blocks, &self.links));
        (state, self.values.view(), pulses::View::new(&self.places))
    }
}

impl<const MEMBERS: usize, const BLOCKS: usize, const EVENTS: usize, const PULSES: usize> StateMemory
    for InlineState<MEMBERS, BLOCKS, EVENTS, PULSES>
{
}

/// Tables in place, for hosts without an allocator: room for `MEMBERS` members, the node itself included,
/// of which `SUSPECTS` can be suspected at a time. Kept state takes memory of its own, if there is to be any:
///
/// ```
/// use gossip_core::{Inline, InlineState};
/// let plain = Inline::<64>::new();
/// let keeping = Inline::<64, 16, InlineState<64, 96>>::with_state(InlineState::new());
/// # let _ = (plain, keeping);
/// ```
///
/// Meant to be a static and handed over as `&mut`, so that nothing large moves over the stack.
#[derive(Clone)]
pub struct Inline<const MEMBERS: usize, const SUSPECTS: usize = 16, S = NoState> {
    slots: [Slot; MEMBERS],
    /// Two entries a member: load 1/2, since `MEMBERS * 2` cannot be an array's length.
    index: [[u64; 2]; MEMBERS],
    ring: [SlotId; MEMBERS],
    zoned: [SlotId; MEMBERS],
    places: [u32; MEMBERS],
    suspicions: [Suspicion; SUSPECTS],
    timers: [Timer; SUSPECTS],
    scalars: Scalars,
    #[cfg(feature = "seal")]
    windows: [Window; MEMBERS],
    #[cfg(feature = "identity")]
    proven: [Proven; MEMBERS],
    #[cfg(feature = "identity")]
    testimonies: [Testimony; SUSPECTS],
    state: S,
}

impl<const MEMBERS: usize, const SUSPECTS: usize> Inline<MEMBERS, SUSPECTS> {
    /// Empty; `const`, so it can be a static.
    pub const fn new() -> Self {
        Self::with_state(NoState::new())
    }
}

impl<const MEMBERS: usize, const SUSPECTS: usize, S> Inline<MEMBERS, SUSPECTS, S> {
    /// Empty, with memory for kept state: an [`InlineState`] for as many members. A node refuses another one.
    pub const fn with_state(state: S) -> Self {
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
            #[cfg(feature = "seal")]
            windows: [Window::EMPTY; MEMBERS],
            #[cfg(feature = "identity")]
            proven: [Proven::EMPTY; MEMBERS],
            #[cfg(feature = "identity")]
            testimonies: [Testimony::EMPTY; SUSPECTS],
            state,
        }
    }
}

impl<const MEMBERS: usize, const SUSPECTS: usize, S: fmt::Debug> fmt::Debug for Inline<MEMBERS, SUSPECTS, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inline")
            .field("members", &MEMBERS)
            .field("suspects", &SUSPECTS)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl<const MEMBERS: usize, const SUSPECTS: usize> Default for Inline<MEMBERS, SUSPECTS> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const MEMBERS: usize, const SUSPECTS: usize, S: StateMemory> Storage for Inline<MEMBERS, SUSPECTS, S> {
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
            #[cfg(feature = "seal")]
            windows: &mut self.windows,
            #[cfg(feature = "identity")]
            signed: (&mut self.proven, &mut self.testimonies),
            state: self.state.parts(),
        }
        .tables()
    }

    fn views(&self) -> Views<'_> {
        let (slots, ring, state) = (&self.slots, &self.ring, &self.scalars.table);
        let members = View { slots, index: self.index.as_flattened(), ring, state };
        let (state, values, pulses) = self.state.view();
        Views {
            members,
            suspicions: &self.suspicions,
            state,
            values,
            pulses,
            #[cfg(feature = "seal")]
            windows: &self.windows,
            #[cfg(feature = "identity")]
            proofs: &self.proven,
        }
    }
}

impl<const MEMBERS: usize, const SUSPECTS: usize, S: StateMemory> Memory for Inline<MEMBERS, SUSPECTS, S> {}

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
/// The most blocks of kept state: four for each of as many members.
const MAX_BLOCKS: usize = 4 * MAX_MEMBERS;
/// The most suspicions: a slot names its own in 16 bits.
const MAX_SUSPECTS: usize = u16::MAX as usize - 1;

#[cfg(feature = "alloc")]
mod heap;
#[cfg(feature = "alloc")]
pub use heap::Heap;
