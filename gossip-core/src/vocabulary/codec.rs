//! Numbers and bytes read off the front of a slice, as tables store them and as they travel; LEB128 numbers written.

// Bytes from anyone are read here.
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unreachable,
        clippy::unwrap_used,
        clippy::expect_used
    )
)]

use crate::vocabulary::error::Malformed;

/// Reads values off the front of a slice. Fixed-width numbers are big-endian.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) rest: &'a [u8],
}

impl<'a> Reader<'a> {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    #[inline]
    pub(crate) fn slice(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    pub(crate) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    #[inline]
    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        self.bytes().map(|[byte]| byte)
    }

    #[inline]
    pub(crate) fn u16(&mut self) -> Result<u16, Malformed> {
        self.bytes().map(u16::from_be_bytes)
    }

    #[inline]
    pub(crate) fn u32(&mut self) -> Result<u32, Malformed> {
        self.bytes().map(u32::from_be_bytes)
    }

    #[inline]
    pub(crate) fn u64(&mut self) -> Result<u64, Malformed> {
        self.bytes().map(u64::from_be_bytes)
    }

    /// An LEB128 number of at most 32 bits, in its shortest form.
    #[inline]
    pub(crate) fn count(&mut self) -> Result<u32, Malformed> {
        match self.rest {
            [byte @ 0..0x80, rest @ ..] => {
                self.rest = rest;
                Ok(u32::from(*byte))
            }
            _ => self.long_count(),
        }
    }

    fn long_count(&mut self) -> Result<u32, Malformed> {
        let mut value = 0u32;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.u8()?;
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

/// Writes a number in LEB128, byte by byte.
#[inline]
pub(crate) fn put_count(mut value: u32, mut put: impl FnMut(u8)) {
    while value >= 0x80 {
        put(value as u8 | 0x80);
        value >>= 7;
    }
    put(value as u8);
}

/// Bytes of a number in LEB128.
#[inline]
pub(crate) fn count_len(value: u32) -> usize {
    match value {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        0x20_0000..0x1000_0000 => 4,
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_has_one_encoding_whose_length_is_known_before() {
        for value in (0..32).flat_map(|bit| [(1u32 << bit) - 1, 1 << bit]).chain([u32::MAX]) {
            let mut bytes = std::vec::Vec::new();
            put_count(value, |byte| bytes.push(byte));
            assert_eq!(bytes.len(), count_len(value), "{value}");
            let mut reader = Reader { rest: &bytes };
            assert_eq!((reader.count(), reader.is_empty()), (Ok(value), true));
            let mut short = Reader { rest: &bytes[..bytes.len() - 1] };
            assert_eq!(short.count(), Err(Malformed::Truncated));
        }
        for longer in [&[0x80, 0][..], &[0xFF, 0x80, 0], &[0xFF, 0xFF, 0xFF, 0xFF, 0x10], &[0x80; 6]] {
            assert_eq!(Reader { rest: longer }.count(), Err(Malformed::Value), "{longer:?}");
        }
    }
}
