//! What is kept of one owner beside its map.

use super::arena::Chain;
use crate::vocabulary::time::Stamp;
use bytemuck::Zeroable;

/// Which of its links an owner hangs by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Row {
    /// What is to be told.
    Pending,
    /// What waits for its time.
    Waiting,
}

/// `slot + 1`; zero is the end.
#[derive(Clone, Copy, Zeroable, Default)]
#[repr(C)]
pub(super) struct Links {
    pub(super) previous: u32,
    pub(super) next: u32,
}

/// Of which epoch its map is, how much of it is known, and where it is; and what of it is to be told or waited for. All
/// zero when nothing is kept.
#[derive(Clone, Copy, Zeroable, Default)]
#[repr(C)]
pub(crate) struct Owner {
    pub(super) epoch: u32,
    pub(super) known: u32,
    pub(super) chain: Chain,
    /// From which version on it is to be told.
    pub(super) since: u32,
    /// When the latest of what is to be told came into being.
    pub(super) born: Stamp,
    /// When it began to wait.
    pub(super) waits_since: Stamp,
    pub(super) pending: Links,
    pub(super) waiting: Links,
    /// How often the latest was told, plus one; zero when it is not to be told any more.
    pub(super) sends: u8,
    /// What is waited for: see [`Wait`](super::desk::Wait).
    pub(super) wait: u8,
    pub(super) unused: u16,
}

const _: () = assert!(size_of::<Owner>() == 48);

impl Owner {
    pub(crate) const EMPTY: Self = Self {
        epoch: 0,
        known: 0,
        chain: Chain { first: 0, bytes: 0 },
        since: 0,
        born: Stamp(0),
        waits_since: Stamp(0),
        pending: Links { previous: 0, next: 0 },
        waiting: Links { previous: 0, next: 0 },
        sends: 0,
        wait: 0,
        unused: 0,
    };

    /// Of which epoch the map is.
    pub(crate) fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Of all that the owner's map holds now at versions up to this one, nothing is missing here.
    pub(crate) fn known(&self) -> u32 {
        self.known
    }

    /// From which version on there was news lately.
    pub(crate) fn since(&self) -> u32 {
        self.since
    }

    /// When the latest news came into being.
    pub(crate) fn born(&self) -> Stamp {
        self.born
    }

    /// When it began to wait.
    pub(crate) fn waits_since(&self) -> Stamp {
        self.waits_since
    }

    /// Bytes of the map, as it is stored.
    pub(crate) fn bytes(&self) -> usize {
        self.chain.len()
    }

    /// Whether something of it is to be told.
    pub(crate) fn is_pending(&self) -> bool {
        self.sends > 0
    }

    pub(super) fn links(&mut self, row: Row) -> &mut Links {
        match row {
            Row::Pending => &mut self.pending,
            Row::Waiting => &mut self.waiting,
        }
    }
}
