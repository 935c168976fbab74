//! Proofs where this node cannot verify any: what stands in for `proof` without the feature `identity`. There are none.

use super::frame::{Contents, Draft};
use crate::{vocabulary::record::Accusation, wire::record::Aged};
use core::{convert::Infallible, marker::PhantomData};

/// None can be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proof<'a>(Infallible, PhantomData<&'a ()>);

/// An accusation and a signature, which this node does not write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SignedAccusation<'a> {
    pub(crate) accusation: Accusation,
    pub(crate) signature: &'a [u8; 64],
}

impl<'a> SignedAccusation<'a> {
    pub(crate) const fn new(accusation: Accusation, signature: &'a [u8; 64]) -> Self {
        Self { accusation, signature }
    }
}

impl<'a> Contents<'a> {
    pub(crate) fn proof_of_joiner(&self) -> Option<Proof<'a>> {
        None
    }

    /// The records, in order: the second pass.
    pub(crate) fn proven_records(&self) -> impl Iterator<Item = (Aged, Option<Proof<'a>>)> + use<'a> {
        self.records().map(|record| (record, None))
    }

    pub(crate) fn signed_accusations(&self) -> impl Iterator<Item = SignedAccusation<'a>> + use<'a> {
        core::iter::empty()
    }
}

impl Draft<'_> {
    pub(crate) fn proof(&mut self, _: Option<&Proof<'_>>) -> bool {
        true
    }

    pub(crate) fn proven_record(&mut self, record: &Aged, _: Option<&Proof<'_>>) -> bool {
        self.record(record)
    }

    pub(crate) fn signed_accusation(&mut self, _: &SignedAccusation<'_>) -> bool {
        true
    }
}
