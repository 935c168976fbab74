//! What is kept of one owner beside its map.

use super::arena::Chain;
use bytemuck::Zeroable;

/// Of which epoch its map is, how much of it is known, and where it is. All zero when nothing is kept.
#[derive(Clone, Copy, Zeroable, Default)]
#[repr(C)]
pub(crate) struct Owner {
    pub(super) epoch: u32,
    pub(super) known: u32,
    pub(super) chain: Chain,
}

const _: () = assert!(size_of::<Owner>() == 16);

impl Owner {
    pub(crate) const EMPTY: Self = Self { epoch: 0, known: 0, chain: Chain { first: 0, bytes: 0 } };

    /// Of which epoch the map is.
    pub(crate) fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Of all that the owner's map holds now at versions up to this one, nothing is missing here.
    pub(crate) fn known(&self) -> u32 {
        self.known
    }

    /// Bytes of the map, as it is stored.
    pub(crate) fn bytes(&self) -> usize {
        self.chain.len()
    }
}
