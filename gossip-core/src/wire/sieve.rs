//! Sieves: what their sender has of a range of the id-hash order, as a Bloom filter.
//!
//! ```text
//! 19 sieve   nonce 4 · from: tag 4 · until: tag 4 · bits, at least a byte
//! ```

use super::codec::{Reader, Writer};
use crate::{vocabulary::error::Malformed, wire::message::Nonce};

/// Bytes of a sieve before its bits.
pub(crate) const SIEVE_HEAD: usize = 4 + 4 + 4;
/// Bits that are set for each member.
const HASHES: u64 = 3;

/// What the sender has of a range: of each live record its share of the fingerprint, in a Bloom filter. The nonce makes
/// each filter confuse others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sieve<'a> {
    pub(crate) nonce: Nonce,
    /// The first tag of the range.
    pub(crate) from: u32,
    /// The last.
    pub(crate) until: u32,
    pub(crate) bits: &'a [u8],
}

impl Sieve<'_> {
    /// Whether the sender has the record with this share. Of those that it lacks, 9.2 % pass for had, if the filter
    /// has five bits for each that it has: (1 - e^(-3/5))^3 (Bloom, "Space/Time Trade-offs in Hash Coding with
    /// Allowable Errors", 1970).
    pub(crate) fn has(&self, share: u64) -> bool {
        let is_set = |at: usize| self.bits.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1);
        places(self.nonce, share, self.bits.len()).all(is_set)
    }
}

/// The bits of a sieve being written.
pub(crate) struct Bits<'a> {
    nonce: Nonce,
    bits: &'a mut [u8],
}

impl Bits<'_> {
    /// Notes that the record with this share is here.
    pub(crate) fn add(&mut self, share: u64) {
        for at in places(self.nonce, share, self.bits.len()) {
            if let Some(byte) = self.bits.get_mut(at / 8) {
                *byte |= 1 << (at % 8);
            }
        }
    }

    /// Sets the bits to those of another.
    #[cfg(any(fuzzing, test))]
    pub(crate) fn copy(&mut self, bits: &[u8]) {
        self.bits.copy_from_slice(bits);
    }
}

/// The bits of a share in a filter of this many bytes: two hashes make all (Kirsch and Mitzenmacher, "Less Hashing,
/// Same Performance", 2006), from the share under the nonce by the finalizer of SplitMix64.
fn places(nonce: Nonce, share: u64, bytes: usize) -> impl Iterator<Item = usize> {
    let mut hash = share ^ u64::from(nonce).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    hash ^= hash >> 31;
    let (first, stride) = (hash & 0xFFFF_FFFF, (hash >> 32) | 1);
    let bits = bytes as u64 * 8;
    // Modulo 2^32, scaled to the number of bits.
    (0..HASHES).map(move |n| ((((first + n * stride) & 0xFFFF_FFFF) * bits) >> 32) as usize)
}

/// Writes a sieve of `bytes` bytes of bits, which `fill` sets.
pub(super) fn encode_sieve(
    writer: &mut Writer<'_>,
    (nonce, from, until): (Nonce, u32, u32),
    bytes: usize,
    fill: impl FnOnce(&mut Bits<'_>),
) {
    writer.u32(nonce);
    writer.u32(from);
    writer.u32(until);
    if let Some(bits) = writer.zeros(bytes) {
        fill(&mut Bits { nonce, bits });
    }
}

pub(super) fn decode_sieve(body: &[u8]) -> Result<Sieve<'_>, Malformed> {
    let mut reader = Reader { rest: body };
    let (nonce, from, until) = (reader.u32()?, reader.u32()?, reader.u32()?);
    if reader.is_empty() {
        return Err(Malformed::Truncated);
    }
    if from > until {
        return Err(Malformed::Value);
    }
    Ok(Sieve { nonce, from, until, bits: reader.rest })
}
