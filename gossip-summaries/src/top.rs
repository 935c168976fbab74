//! Space-saving: which keys came most often.

use crate::{
    codec::{LONGEST_NUMBER, Reader, Writer},
    error::{DecodeError, NoRoom},
};

const KIND: u8 = 48;

/// A key, and how often it came: at least `count - error` times, and at most `count` times.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub struct Counted {
    /// The key.
    pub key: u64,
    /// The most times that it can have come.
    pub count: u64,
    /// By how much the count may be too high.
    pub error: u64,
}

impl Counted {
    /// The fewest times that the key can have come.
    pub fn at_least(&self) -> u64 {
        self.count.saturating_sub(self.error)
    }

    fn is_before(&self, other: &Self) -> bool {
        (other.count, self.key) < (self.count, other.key)
    }
}

/// The `K` keys that came most often, of any number of keys; `K` is 1 to 32.
///
/// With a total of `N`, whatever the order of keys and of merges:
///
/// - a key that came more than `N / K` times is among the entries;
/// - a key came at most [`Counted::count`] times, and at least [`Counted::at_least`] times;
/// - no [`Counted::error`] is above `N / K`;
/// - a key that is not among the entries came at most [`absent_at_most`](Self::absent_at_most) times, which is not above
///   `N / K` either.
///
/// So the names of heavy keys can be trusted more than their counts. The bounds hold until the total reaches
/// [`u64::MAX`], where it stops.
///
/// Updates are those of Metwally, Agrawal, El Abbadi, *Efficient computation of frequent and top-k elements in data
/// streams*, 2005; that merging keeps the bounds is shown by Agarwal, Cormode, Huang, Phillips, Wei, Yi, *Mergeable
/// summaries*, 2012. Merging is commutative. It is not associative: another order of merges may keep other light keys.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[allow(missing_copy_implementations, reason = "a copy of hundreds of bytes should be visible")]
pub struct TopK<const K: usize> {
    /// From the highest count; of equal counts, the lowest key first. What is above `length` is zero.
    entries: [Counted; K],
    length: usize,
    total: u64,
}

impl<const K: usize> TopK<K> {
    const CAPACITY: u8 = {
        assert!(0 < K && K <= 32, "1 to 32 keys are kept");
        K as u8
    };

    /// No encoding is longer than this many bytes.
    pub const MAX_ENCODED: usize = 2 + LONGEST_NUMBER + K * (8 + 2 * LONGEST_NUMBER);

    /// A summary of nothing.
    pub const fn new() -> Self {
        const { assert!(Self::CAPACITY > 0) };
        Self { entries: [Counted { key: 0, count: 0, error: 0 }; K], length: 0, total: 0 }
    }

    /// Counts a key, this many times.
    pub fn add(&mut self, key: u64, times: u64) {
        if times == 0 {
            return;
        }
        self.total = self.total.saturating_add(times);
        let floor = self.absent_at_most();
        let known = self.take(key).unwrap_or(Counted { key, count: floor, error: floor });
        self.place(Counted { count: known.count.saturating_add(times), ..known });
    }

    /// Counts everything that was counted by another summary.
    pub fn merge(&mut self, other: &Self) {
        let mut merged = Self { total: self.total.saturating_add(other.total), ..Self::new() };
        for ours in self.entries() {
            merged.place(other.plus(*ours));
        }
        for theirs in other.entries().iter().filter(|theirs| self.get(theirs.key).is_none()) {
            merged.place(self.plus(*theirs));
        }
        *self = merged;
    }

    /// An entry of another summary, with what this one knows about its key.
    fn plus(&self, entry: Counted) -> Counted {
        let floor = self.absent_at_most();
        let known = self.get(entry.key).unwrap_or(Counted { count: floor, error: floor, ..entry });
        Counted {
            key: entry.key,
            count: entry.count.saturating_add(known.count),
            error: entry.error.saturating_add(known.error),
        }
    }

    /// The keys that came most often, the highest count first; of equal counts, the lowest key first.
    pub fn entries(&self) -> &[Counted] {
        self.entries.get(..self.length).unwrap_or_default()
    }

    /// What is known about a key, if it is among the entries.
    pub fn get(&self, key: u64) -> Option<Counted> {
        self.entries().iter().find(|entry| entry.key == key).copied()
    }

    /// How often all keys came, taken together; at most [`u64::MAX`].
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The most times that a key which is not among the entries can have come.
    pub fn absent_at_most(&self) -> u64 {
        if self.length < K { 0 } else { self.entries().last().map_or(0, |last| last.count) }
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Removes an entry.
    fn take(&mut self, key: u64) -> Option<Counted> {
        let at = self.entries().iter().position(|entry| entry.key == key)?;
        let rest = self.entries.get_mut(at..self.length)?;
        rest.rotate_left(1);
        let taken = core::mem::take(rest.last_mut()?);
        self.length -= 1;
        Some(taken)
    }

    /// Puts an entry whose key is not there in its place. If there is no room, the last entry goes; `add` gives a new key a
    /// higher count than that, or an equal one where counts stop.
    fn place(&mut self, entry: Counted) {
        let at = self.entries().iter().position(|other| entry.is_before(other)).unwrap_or(self.length);
        self.length = (self.length + 1).min(K);
        if let Some(rest) = self.entries.get_mut(at..self.length)
            && let Some(last) = rest.last_mut()
        {
            *last = entry;
            rest.rotate_right(1);
        }
    }

    /// How many bytes [`encode`](Self::encode) writes.
    pub fn encoded_len(&self) -> usize {
        let mut writer = Writer::new(&mut []);
        self.write(&mut writer);
        writer.length()
    }

    /// Writes the summary to the beginning of `buffer`, and returns how many bytes that took.
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
        writer.bytes(&[KIND, Self::CAPACITY]);
        writer.number(self.total);
        let mut before = None;
        for entry in self.entries() {
            writer.bytes(&entry.key.to_be_bytes());
            writer.number(before.map_or(entry.count, |before: u64| before.saturating_sub(entry.count)));
            writer.number(entry.error);
            before = Some(entry.count);
        }
    }

    /// The summary that all of these bytes are.
    ///
    /// # Errors
    ///
    /// What is wrong with bytes that no summary of this type encodes to.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes, KIND)?;
        let found = reader.byte()?;
        if found != Self::CAPACITY {
            return Err(DecodeError::OtherCapacity { expected: Self::CAPACITY, found });
        }
        let mut top = Self { total: reader.number()?, ..Self::new() };
        while !reader.is_empty() {
            top.read(&mut reader)?;
        }
        top.checked()
    }

    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        if self.length == K {
            return Err(DecodeError::TooLong);
        }
        let key = u64::from_be_bytes(reader.array()?);
        let (number, error) = (reader.number()?, reader.number()?);
        let last = self.entries().last().copied();
        let count = last.map_or(Some(number), |last| last.count.checked_sub(number));
        let Some(count) = count.filter(|&count| count > 0 && error <= count) else {
            return Err(DecodeError::BadCount { key });
        };
        let entry = Counted { key, count, error };
        if last.is_some_and(|last| !last.is_before(&entry)) || self.get(key).is_some() {
            return Err(DecodeError::BadOrder { key });
        }
        self.place(entry);
        Ok(())
    }

    /// The summary, if its bounds can be those of `add` and `merge`.
    fn checked(self) -> Result<Self, DecodeError> {
        let floor = self.absent_at_most();
        if let Some(&Counted { key, .. }) = self.entries().iter().find(|entry| entry.error > floor) {
            return Err(DecodeError::BadCount { key });
        }
        let counts: u128 = self.entries().iter().map(|entry| u128::from(entry.count)).sum();
        let total = u128::from(self.total);
        let stopped = self.total == u64::MAX;
        let fits = if self.length < K { counts == total } else { counts <= total };
        if fits || (stopped && counts >= total) { Ok(self) } else { Err(DecodeError::BadTotal) }
    }
}

impl<const K: usize> Default for TopK<K> {
    fn default() -> Self {
        Self::new()
    }
}
