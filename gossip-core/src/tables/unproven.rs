//! What is kept of proofs where this node cannot verify any: what stands in for `proofs` without the feature `identity`. Nothing
//! is, and it takes no memory.

use crate::{
    tables::table::SlotId,
    vocabulary::record::{Accusation, Incarnation, NodeId},
};
use core::{convert::Infallible, marker::PhantomData};

/// None can be made.
#[derive(Clone, Copy)]
pub(crate) struct Proven(Infallible);

pub(crate) struct Proofs<'a>(pub(crate) PhantomData<&'a ()>);

impl Proofs<'_> {
    pub(crate) fn forget_others(&mut self, _: SlotId) {}

    pub(crate) fn forget(&mut self, _: SlotId) {}

    pub(crate) fn get(&self, _: SlotId) -> Option<&Proven> {
        None
    }

    pub(crate) fn keep(&mut self, _: SlotId, _: &Proven, _: u8) {}

    pub(crate) fn shows_key(&self, _: SlotId) -> bool {
        false
    }

    pub(crate) fn count_shown(&mut self, _: SlotId) {}

    pub(crate) fn accusations(
        &self,
        _: SlotId,
        _: (NodeId, Incarnation),
    ) -> impl Iterator<Item = (NodeId, &[u8; 64])> + Clone {
        core::iter::empty()
    }

    pub(crate) fn testify(&mut self, _: SlotId, _: &Accusation, _: &[u8; 64]) {}
}
