//! A log-linear histogram: every octave has the same number of buckets.

use crate::{
    codec::{LONGEST_NUMBER, Reader, Writer},
    error::{DecodeError, NoRoom},
};
use core::fmt;

/// Rows of buckets: one for the values below the number of buckets in an octave, and one for each octave above. It is
/// enough for 4 buckets an octave; with more of them, the last rows stay empty.
const ROWS: usize = 63;

/// How values are distributed, with `PER_OCTAVE` buckets from each power of two to the next: 4, 8 or 16.
///
/// A quantile is off by at most 1/(2 · `PER_OCTAVE`) of itself: 12.5 %, 6.25 % or 3.125 %. Values below 2 · `PER_OCTAVE`
/// have a bucket each, and are exact. [HdrHistogram](https://hdrhistogram.github.io/HdrHistogram/) divides values in the
/// same way.
///
/// It takes 504 bytes of memory for each bucket in an octave, and 8 for the sum.
#[derive(Clone, PartialEq, Eq)]
#[allow(missing_copy_implementations, reason = "a copy of kilobytes should be visible")]
pub struct Histogram<const PER_OCTAVE: usize> {
    counts: [[u64; PER_OCTAVE]; ROWS],
    sum: u64,
}

impl<const PER_OCTAVE: usize> Histogram<PER_OCTAVE> {
    const BITS: u32 = {
        assert!(matches!(PER_OCTAVE, 4 | 8 | 16), "a histogram has 4, 8 or 16 buckets an octave");
        PER_OCTAVE.trailing_zeros()
    };
    const BUCKETS: usize = PER_OCTAVE * (65 - Self::BITS as usize);
    const KIND: u8 = 16 + Self::BITS as u8;

    /// No encoding is longer than this many bytes.
    pub const MAX_ENCODED: usize = 1 + LONGEST_NUMBER * (1 + Self::BUCKETS);

    /// A histogram without values.
    pub const fn new() -> Self {
        const { assert!(Self::BUCKETS > 0) };
        Self { counts: [[0; PER_OCTAVE]; ROWS], sum: 0 }
    }

    /// Adds a value.
    pub fn record(&mut self, value: u64) {
        self.record_n(value, 1);
    }

    /// Adds a value this many times.
    pub fn record_n(&mut self, value: u64, times: u64) {
        if let Some(count) = self.counts.as_flattened_mut().get_mut(Self::bucket(value)) {
            *count = count.saturating_add(times);
            self.sum = self.sum.saturating_add(value.saturating_mul(times));
        }
    }

    /// Adds all values of another histogram.
    pub fn merge(&mut self, other: &Self) {
        let counts = self.counts.as_flattened_mut().iter_mut();
        for (ours, theirs) in counts.zip(other.counts.as_flattened()) {
            *ours = ours.saturating_add(*theirs);
        }
        self.sum = self.sum.saturating_add(other.sum);
    }

    /// How many values there are, at most [`u64::MAX`].
    pub fn count(&self) -> u64 {
        u64::try_from(self.exact_count()).unwrap_or(u64::MAX)
    }

    /// What all values add up to, at most [`u64::MAX`].
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.exact_count() == 0
    }

    /// The value below which a share of all values lies, in thousandths: 500 is the median, 999 the 99.9th percentile,
    /// and 1,000, like all above it, the maximum. `None` if there are no values.
    ///
    /// It approximates the value at rank ⌈count · permille / 1,000⌉, the lowest one being 1: it is the middle of the
    /// bucket in which that value is.
    pub fn quantile(&self, permille: u32) -> Option<u64> {
        let share = u128::from(permille.min(1_000));
        let mut rank = (self.exact_count() * share).div_ceil(1_000).max(1);
        for (bucket, &count) in self.counts.as_flattened().iter().enumerate() {
            if rank <= u128::from(count) {
                let (low, high) = Self::range(bucket);
                return Some(low + (high - low) / 2);
            }
            rank -= u128::from(count);
        }
        None
    }

    /// How many bytes [`encode`](Self::encode) writes.
    pub fn encoded_len(&self) -> usize {
        let mut writer = Writer::new(&mut []);
        self.write(&mut writer);
        writer.length()
    }

    /// Writes the histogram to the beginning of `buffer`, and returns how many bytes that took.
    ///
    /// # Errors
    ///
    /// [`NoRoom`], if the buffer is too short.
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, NoRoom> {
        let mut writer = Writer::new(buffer);
        self.write(&mut writer);
        writer.finish()
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.byte(Self::KIND);
        writer.number(self.sum);
        let mut empty = 0;
        for &count in self.counts.as_flattened() {
            if count == 0 {
                empty += 1;
                continue;
            }
            if empty > 0 {
                writer.byte(0);
                writer.number(empty - 1);
                empty = 0;
            }
            writer.number(count);
        }
    }

    /// The histogram that all of these bytes are.
    ///
    /// # Errors
    ///
    /// What is wrong with bytes that no histogram of this type encodes to.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes, Self::KIND)?;
        let mut histogram = Self::new();
        histogram.sum = reader.number()?;
        let (mut bucket, mut after_gap) = (0, false);
        while !reader.is_empty() {
            let count = reader.number()?;
            if count > 0 {
                let buckets = histogram.counts.as_flattened_mut().get_mut(..Self::BUCKETS);
                let place = buckets.and_then(|buckets| buckets.get_mut(bucket));
                *place.ok_or(DecodeError::TooLong)? = count;
                (bucket, after_gap) = (bucket + 1, false);
                continue;
            }
            let more = reader.number()?;
            if after_gap {
                return Err(DecodeError::BadGap);
            }
            if more >= Self::BUCKETS as u64 {
                return Err(DecodeError::TooLong);
            }
            (bucket, after_gap) = (bucket + 1 + more as usize, true);
        }
        if after_gap {
            return Err(DecodeError::BadGap);
        }
        if histogram.sum_is_possible() { Ok(histogram) } else { Err(DecodeError::BadSum) }
    }

    /// Whether values in these buckets can add up to the sum. A sum that stopped has no upper bound.
    fn sum_is_possible(&self) -> bool {
        let (mut least, mut most) = (0_u128, 0_u128);
        for (bucket, &count) in self.counts.as_flattened().iter().enumerate().filter(|(_, count)| **count > 0)
        {
            let (low, high) = Self::range(bucket);
            least = least.saturating_add(u128::from(low) * u128::from(count));
            most = most.saturating_add(u128::from(high) * u128::from(count));
        }
        let sum = u128::from(self.sum);
        sum <= most && (least <= sum || self.sum == u64::MAX)
    }

    fn exact_count(&self) -> u128 {
        self.counts.as_flattened().iter().map(|&count| u128::from(count)).sum()
    }

    fn bucket(value: u64) -> usize {
        let octave = value.checked_ilog2().unwrap_or(0);
        if octave < Self::BITS {
            return value as usize;
        }
        let shift = octave - Self::BITS;
        let row = shift as usize + 1;
        row * PER_OCTAVE + (value >> shift) as usize % PER_OCTAVE
    }

    /// The lowest and the highest value in a bucket.
    fn range(bucket: usize) -> (u64, u64) {
        let (row, column) = (bucket / PER_OCTAVE, (bucket % PER_OCTAVE) as u64);
        if row == 0 {
            return (column, column);
        }
        let shift = (row as u32 - 1).min(63 - Self::BITS);
        let low = (PER_OCTAVE as u64 + column) << shift;
        (low, low + ((1 << shift) - 1))
    }
}

impl<const PER_OCTAVE: usize> Default for Histogram<PER_OCTAVE> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const PER_OCTAVE: usize> fmt::Debug for Histogram<PER_OCTAVE> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Histogram")
            .field("count", &self.count())
            .field("sum", &self.sum)
            .field("p50", &self.quantile(500))
            .field("p99", &self.quantile(990))
            .field("max", &self.quantile(1_000))
            .finish_non_exhaustive()
    }
}
