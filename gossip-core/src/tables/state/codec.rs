//! Numbers and bytes of entries, as they are stored and as they travel.

use crate::vocabulary::error::Malformed;

/// Reads values off the front of a slice.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) rest: &'a [u8],
}

impl<'a> Reader<'a> {
    #[inline]
    pub(super) fn slice(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    pub(super) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// An LEB128 number of at most 32 bits, in its shortest form.
    #[inline]
    pub(super) fn count(&mut self) -> Result<u32, Malformed> {
        let mut value = 0;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.bytes()?;
            let bits = u32::from(byte & 0x7F);
            if shift == 28 && bits > 15 || shift > 0 && byte == 0 {
                return Err(Malformed::Value);
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Malformed::Value)
    }
}

/// Bytes of a number in LEB128.
#[inline]
pub(super) fn count_len(value: u32) -> usize {
    match value {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        0x20_0000..0x1000_0000 => 4,
        _ => 5,
    }
}

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
    pub(super) fn count(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.put(&[value as u8 | 0x80]);
            value >>= 7;
        }
        self.put(&[value as u8]);
    }
}
