//! HyperLogLog: how many different things there were.

use crate::{
    codec::{Reader, Writer},
    error::{DecodeError, NoRoom},
    logarithm::{FRACTION, ln},
};
use core::fmt;

/// How many different things were inserted, with 128, 256, 512 or 1,024 registers.
///
/// The standard error is 1.04/√`REGISTERS`: 9.2 %, 6.5 %, 4.6 % or 3.3 %. Two estimates in three are that close, and
/// nineteen in twenty are within twice as much. Below 2.5 · `REGISTERS` things, empty registers are counted instead,
/// which is more precise: Flajolet, Fusy, Gandouet, Meunier, *HyperLogLog: the analysis of a near-optimal cardinality
/// estimation algorithm*, 2007. Hashes have 64 bits, so there is no correction for large counts.
///
/// Merging is exact: a merged estimate equals that of one summary into which everything was inserted, however many
/// nodes saw the same thing. All of them must use the same hash.
///
/// Whoever chooses what is inserted can make an estimate arbitrarily wrong, as the hash is known. If that matters, insert
/// hashes made with a key that the cluster keeps secret.
#[derive(Clone, PartialEq, Eq)]
#[allow(missing_copy_implementations, reason = "a copy of up to a kilobyte should be visible")]
pub struct Distinct<const REGISTERS: usize>([u8; REGISTERS]);

impl<const REGISTERS: usize> Distinct<REGISTERS> {
    const BITS: u32 = {
        assert!(
            matches!(REGISTERS, 128 | 256 | 512 | 1024),
            "a distinct count has 128, 256, 512 or 1,024 registers"
        );
        REGISTERS.trailing_zeros()
    };
    const KIND: u8 = 32 + Self::BITS as u8;
    /// The highest value of a register: all the bits of a hash that do not choose the register are 0.
    const HIGHEST: u8 = (64 - Self::BITS) as u8 + 1;

    /// The length of every encoding, in bytes.
    pub const ENCODED: usize = 1 + REGISTERS / 4 * 3;

    /// A summary of nothing.
    pub const fn new() -> Self {
        const { assert!(Self::HIGHEST < 64) };
        Self([0; REGISTERS])
    }

    /// Inserts bytes, by their [`hash`].
    pub fn insert(&mut self, bytes: &[u8]) {
        self.insert_hash(hash(bytes));
    }

    /// Inserts something by a hash of your own, which must have 64 good bits.
    pub fn insert_hash(&mut self, hash: u64) {
        let index = (hash >> (64 - Self::BITS)) as usize;
        // The lowest bit is a sentinel: the value is in range even if all others are 0.
        let rest = hash << Self::BITS | 1 << (Self::BITS - 1);
        if let Some(register) = self.0.get_mut(index) {
            *register = (*register).max(rest.leading_zeros() as u8 + 1);
        }
    }

    /// Inserts everything that was inserted into another summary.
    pub fn merge(&mut self, other: &Self) {
        for (ours, theirs) in self.0.iter_mut().zip(&other.0) {
            *ours = (*ours).max(*theirs);
        }
    }

    /// About how many different things were inserted.
    pub fn estimate(&self) -> u64 {
        let registers = REGISTERS as u128;
        // 2^64 times the sum of 2^-register.
        let sum: u128 = self.0.iter().map(|&register| 1_u128 << 64_u32.saturating_sub(register.into())).sum();
        // α · registers² / Σ 2^-register, with α = 0.7213 / (1 + 1.079 / registers).
        let scaled = (7_213 * registers * registers * registers) << 64;
        let raw = scaled / (10 * (1_000 * registers + 1_079) * sum);
        let empty = self.0.iter().filter(|&&register| register == 0).count() as u64;
        if empty > 0 && 2 * raw <= 5 * registers {
            let logarithm = u128::from(ln(REGISTERS as u64).saturating_sub(ln(empty)));
            let rounded = registers * logarithm + (1 << (FRACTION - 1));
            return (rounded >> FRACTION) as u64;
        }
        u64::try_from(raw).unwrap_or(u64::MAX)
    }

    /// Whether nothing was inserted.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|&register| register == 0)
    }

    /// Writes the summary to the beginning of `buffer`, and returns how many bytes that took: [`Self::ENCODED`].
    ///
    /// # Errors
    ///
    /// [`NoRoom`], if the buffer is too short.
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, NoRoom> {
        let mut writer = Writer::new(buffer);
        writer.byte(Self::KIND);
        for &[a, b, c, d] in self.0.as_chunks().0 {
            writer.bytes(&[a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]);
        }
        writer.finish()
    }

    /// The summary that all of these bytes are.
    ///
    /// # Errors
    ///
    /// What is wrong with bytes that no summary of this type encodes to.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes, Self::KIND)?;
        let mut distinct = Self::new();
        for four in distinct.0.as_chunks_mut().0 {
            let [a, b, c] = reader.array()?;
            *four = [a >> 2, (a << 4 | b >> 4) & 0x3f, (b << 2 | c >> 6) & 0x3f, c & 0x3f];
        }
        reader.end()?;
        match distinct.0.iter().enumerate().find(|(_, rank)| **rank > Self::HIGHEST) {
            Some((index, &rank)) => Err(DecodeError::BadRegister { index: index as u16, rank }),
            None => Ok(distinct),
        }
    }
}

impl<const REGISTERS: usize> Default for Distinct<REGISTERS> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const REGISTERS: usize> fmt::Debug for Distinct<REGISTERS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Distinct").field("estimate", &self.estimate()).finish_non_exhaustive()
    }
}

/// The hash of [`Distinct::insert`]: FNV-1a with 64 bits, whose result is mixed by the last steps of SplitMix64. It is the
/// same on every machine and in every version; it does not resist anybody who looks for collisions.
///
/// It also makes keys for [`TopK`](crate::TopK) out of names.
pub fn hash(bytes: &[u8]) -> u64 {
    let fnv = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mixed = (fnv ^ fnv >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}
