//! The latest items of a stream, read by each reader from its own position.

use crate::notice::Lagged;
use std::collections::VecDeque;

/// The most that a ring keeps, whatever was requested.
const MAX_KEPT: usize = 1 << 20;

/// The last items, numbered from 0 in the order in which they came. A reader that falls behind loses the oldest, and is told
/// how many.
pub(crate) struct Ring<T> {
    kept: VecDeque<T>,
    capacity: usize,
    /// Items that ever came: the number of the next one.
    total: u64,
    /// Items that readers missed.
    lagged: u64,
}

impl<T: Clone> Ring<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { kept: VecDeque::new(), capacity: capacity.clamp(1, MAX_KEPT), total: 0, lagged: 0 }
    }

    /// The number of the next item.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    pub(crate) fn lagged(&self) -> u64 {
        self.lagged
    }

    /// Adds an item; the oldest makes room.
    pub(crate) fn push(&mut self, item: T) {
        if self.kept.len() == self.capacity {
            self.kept.pop_front();
        }
        self.kept.push_back(item);
        self.total += 1;
    }

    /// The item at `cursor`, which moves on: past those that are gone, if there are any.
    pub(crate) fn read(&mut self, cursor: &mut u64) -> Option<Result<T, Lagged>> {
        let missed = self.skip_gone(cursor);
        if missed > 0 {
            return Some(Err(Lagged(missed)));
        }
        let item = self.kept.get(self.place(*cursor)?)?.clone();
        *cursor += 1;
        Some(Ok(item))
    }

    /// Shows all items from `cursor` on, which moves to the end; returns how many were gone.
    pub(crate) fn catch_up(&mut self, cursor: &mut u64, see: impl FnMut(&T)) -> u64 {
        let missed = self.skip_gone(cursor);
        let first = self.place(*cursor).unwrap_or(self.kept.len());
        self.kept.iter().skip(first).for_each(see);
        *cursor = self.total;
        missed
    }

    /// Moves a cursor past items that are gone; returns how many there were.
    fn skip_gone(&mut self, cursor: &mut u64) -> u64 {
        let missed = self.oldest().saturating_sub(*cursor);
        self.lagged += missed;
        *cursor += missed;
        missed
    }

    /// The number of the oldest item that is left.
    fn oldest(&self) -> u64 {
        self.total - self.kept.len() as u64
    }

    /// Where the item of a number is.
    fn place(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.oldest())?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_keeps_at_least_one_item_and_no_more_than_it_may() {
        for (asked, kept) in [(0, 1), (1, 1), (5, 5)] {
            let mut ring = Ring::new(asked);
            (0..20).for_each(|item| ring.push(item));
            assert_eq!(ring.kept.len(), kept);
            let mut seen = Vec::new();
            assert_eq!(ring.catch_up(&mut 0, |item| seen.push(*item)), 20 - kept as u64);
            assert_eq!(seen, (20 - kept..20).collect::<Vec<_>>(), "the oldest makes room");
        }
    }
}
