//! Bytes and numbers, written and read.

use crate::error::{DecodeError, NoRoom};

/// The longest LEB128 number of 64 bits.
pub(crate) const LONGEST_NUMBER: usize = 10;

/// Writes into a buffer, and keeps counting when it is full.
pub(crate) struct Writer<'a> {
    buffer: &'a mut [u8],
    length: usize,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, length: 0 }
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        if let Some(place) = self.buffer.get_mut(self.length) {
            *place = byte;
        }
        self.length += 1;
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.byte(byte));
    }

    pub(crate) fn number(&mut self, mut number: u64) {
        while number > 0x7f {
            self.byte(number as u8 | 0x80);
            number >>= 7;
        }
        self.byte(number as u8);
    }

    /// How many bytes there are, whether or not there was room.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    pub(crate) fn finish(self) -> Result<usize, NoRoom> {
        if self.length <= self.buffer.len() { Ok(self.length) } else { Err(NoRoom { needed: self.length }) }
    }
}

/// Reads from the first byte to the last.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The bytes after the first one, which must be `kind`.
    pub(crate) fn new(bytes: &'a [u8], kind: u8) -> Result<Self, DecodeError> {
        match bytes.split_first() {
            None => Err(DecodeError::Truncated),
            Some((&found, rest)) if found == kind => Ok(Self(rest)),
            Some((&found, _)) => Err(DecodeError::OtherKind { expected: kind, found }),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (array, rest) = self.0.split_first_chunk().ok_or(DecodeError::Truncated)?;
        self.0 = rest;
        Ok(*array)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, DecodeError> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn number(&mut self) -> Result<u64, DecodeError> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            let shifted = bits << shift;
            if shifted >> shift != bits {
                return Err(DecodeError::BadNumber);
            }
            number |= shifted;
            if byte & 0x80 == 0 {
                let shortest = byte != 0 || shift == 0;
                return if shortest { Ok(number) } else { Err(DecodeError::BadNumber) };
            }
        }
        Err(DecodeError::BadNumber)
    }

    pub(crate) fn end(self) -> Result<(), DecodeError> {
        if self.is_empty() { Ok(()) } else { Err(DecodeError::TooLong) }
    }
}
