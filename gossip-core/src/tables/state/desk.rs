//! What a store keeps beside its owners and blocks: its limits, and the ends of its lists.

use super::{limits::Limits, list::List};
use crate::{tables::table::SlotId, vocabulary::bounds::MAX_SENDS};

/// What a store keeps beside its owners and blocks.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) limits: Limits,
    /// Whether anything was ever written.
    pub(super) is_used: bool,
    pub(super) pending: Pending,
    pub(super) waiting: Waiting,
}

impl Desk {
    pub(crate) const EMPTY: Self = Self::new(Limits::NONE);

    pub(crate) const fn new(limits: Limits) -> Self {
        Self { limits, is_used: false, pending: Pending::EMPTY, waiting: Waiting::EMPTY }
    }
}

/// The lists of pending owners, by how often they were told of, the newest first.
#[derive(Clone)]
pub(crate) struct Pending {
    pub(super) lists: [List; MAX_SENDS],
    pub(super) count: u32,
}

impl Pending {
    pub(crate) const EMPTY: Self = Self { lists: [List::EMPTY; MAX_SENDS], count: 0 };

    pub(super) fn first(&self, sends: u8) -> Option<SlotId> {
        self.lists.iter().skip(usize::from(sends)).find_map(|list| list.first())
    }

    pub(super) fn list(&mut self, sends: u8) -> Option<&mut List> {
        let list = self.lists.get_mut(usize::from(sends));
        debug_assert!(list.is_some(), "what had all its sends is retired");
        list
    }
}

/// Asked this often, a gap waits no longer than before.
pub(crate) const MAX_ASKED: u8 = 10;
/// Asked this often for what a head announced, an owner is left to repair: it may have been a mistake.
pub(crate) const MAX_ANNOUNCED: u8 = 5;
/// Lists of what waits.
const LISTS: usize = 2 + MAX_ANNOUNCED as usize + MAX_ASKED as usize;

/// What an owner waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wait {
    /// A gap was noticed. It is asked for if it does not close by itself.
    Noticed,
    /// A head announced what this node knows nothing else of, and that was asked for, 1 to [`MAX_ANNOUNCED`] times. It is
    /// asked for again.
    Announced(u8),
    /// A gap was asked for, 1 to [`MAX_ASKED`] times. It is asked for again.
    Asked(u8),
    /// The owner is gone. Its map is forgotten unless it comes back.
    Lingering,
}

impl Wait {
    pub(crate) const ALL: [Self; LISTS] = [
        Self::Noticed,
        Self::Announced(1),
        Self::Announced(2),
        Self::Announced(3),
        Self::Announced(4),
        Self::Announced(5),
        Self::Asked(1),
        Self::Asked(2),
        Self::Asked(3),
        Self::Asked(4),
        Self::Asked(5),
        Self::Asked(6),
        Self::Asked(7),
        Self::Asked(8),
        Self::Asked(9),
        Self::Asked(10),
        Self::Lingering,
    ];

    pub(super) fn list(self) -> usize {
        match self {
            Self::Noticed => 0,
            Self::Announced(times) => usize::from(times.clamp(1, MAX_ANNOUNCED)),
            Self::Asked(times) => usize::from(MAX_ANNOUNCED + times.clamp(1, MAX_ASKED)),
            Self::Lingering => LISTS - 1,
        }
    }

    /// What waits after being asked for once more.
    pub(crate) fn asked_again(self) -> Self {
        match self {
            Self::Noticed | Self::Lingering => Self::Asked(1),
            Self::Announced(times) => Self::Announced((times + 1).min(MAX_ANNOUNCED)),
            Self::Asked(times) => Self::Asked((times + 1).min(MAX_ASKED)),
        }
    }
}

/// The lists.
#[derive(Clone)]
pub(crate) struct Waiting {
    pub(super) lists: [List; LISTS],
    pub(super) gaps: u32,
}

impl Waiting {
    pub(crate) const EMPTY: Self = Self { lists: [List::EMPTY; LISTS], gaps: 0 };
}
