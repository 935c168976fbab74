//! Accusations in a datagram being written: they stand behind the records, and room is kept for them before.

use super::{ACCUSATIONS, Draft, SECTION};
use crate::{
    vocabulary::{bounds::MAX_ENTRIES, record::Accusation},
    wire::record::encode_accusation,
};

/// The most bytes of an accusation, without and with a signature.
const ACCUSATION: usize = 8 + 4 + 5 + 8;
const SIGNED: usize = ACCUSATION + 64;

/// How many accusations are to be written behind a record; no more than are kept of a member.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Accused {
    pub(crate) unsigned: u8,
    pub(crate) signed: u8,
}

impl Accused {
    pub(crate) fn count(self) -> usize {
        usize::from(self.unsigned) + usize::from(self.signed)
    }

    /// The most bytes that they take, each kind with a section of its own.
    fn bytes(self) -> usize {
        let of = |count: u8, bytes| if count == 0 { 0 } else { SECTION + usize::from(count) * bytes };
        of(self.unsigned, ACCUSATION) + of(self.signed, SIGNED)
    }
}

impl Draft<'_> {
    /// Adds an accusation; false when it does not fit or the datagram has its entries.
    pub(crate) fn accusation(&mut self, accusation: &Accusation) -> bool {
        self.entry(ACCUSATIONS, |writer| encode_accusation(writer, accusation))
    }

    /// Keeps room for accusations to be added later; false, and nothing kept, when there is none.
    pub(crate) fn reserve(&mut self, accused: Accused) -> bool {
        let fits = self.entries + accused.count() <= MAX_ENTRIES && self.writer.reserve(accused.bytes());
        if fits {
            self.entries += accused.count();
        }
        fits
    }

    /// Gives the room kept for accusations free again.
    pub(crate) fn release(&mut self, accused: Accused) {
        self.entries -= accused.count();
        self.writer.release(accused.bytes());
    }
}
