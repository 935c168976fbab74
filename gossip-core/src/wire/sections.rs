//! What a datagram has behind its header: sections that a reader can skip.

use super::codec::Reader;
use crate::vocabulary::error::Malformed;

/// Splits a frame's body into `(tag, body)`; ends after the first error.
pub(super) struct Sections<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Sections<'a> {
    type Item = Result<(u8, &'a [u8]), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let mut reader = Reader { rest: core::mem::take(&mut self.0) };
        let section = (|| {
            let (tag, length) = (reader.u8()?, reader.u16()?);
            Ok((tag, reader.slice(usize::from(length))?))
        })();
        if section.is_ok() {
            self.0 = reader.rest;
        }
        Some(section)
    }
}
