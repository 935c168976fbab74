//! Writing entries, as they are stored and as they travel.

use crate::vocabulary::codec::put_count;

/// Writes values into a slice whose length was measured before.
pub(super) struct Writer<'a> {
    rest: &'a mut [u8],
}

impl<'a> Writer<'a> {
    pub(super) fn new(room: &'a mut [u8]) -> Self {
        Self { rest: room }
    }

    #[inline]
    pub(super) fn put(&mut self, bytes: &[u8]) {
        let Some((place, rest)) = core::mem::take(&mut self.rest).split_at_mut_checked(bytes.len()) else {
            debug_assert!(false, "the room was measured");
            return;
        };
        place.copy_from_slice(bytes);
        self.rest = rest;
    }

    #[inline]
    pub(super) fn count(&mut self, value: u32) {
        put_count(value, |byte| self.put(&[byte]));
    }
}
