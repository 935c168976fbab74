//! What happens next.

use super::Micros;
use std::{cmp::Reverse, collections::BinaryHeap};

/// Things to happen, in the order of their time; at equal times, in the order in which they were scheduled.
///
/// A binary heap: with the tens of thousands of entries that a large cluster has under way, a push and a
/// pop together cost about a tenth of a node's step. Entries that lost their point are not removed; whoever
/// takes one out checks that it still holds.
pub(super) struct Queue<T> {
    heap: BinaryHeap<Reverse<Entry<T>>>,
    scheduled: u64,
}

struct Entry<T> {
    at: Micros,
    order: u64,
    what: T,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        Self { heap: BinaryHeap::new(), scheduled: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }

    pub(super) fn push(&mut self, at: Micros, what: T) {
        self.heap.push(Reverse(Entry { at, order: self.scheduled, what }));
        self.scheduled += 1;
    }

    /// The next thing that happens until `end`, that instant included.
    pub(super) fn pop_until(&mut self, end: Micros) -> Option<(Micros, T)> {
        if self.heap.peek()?.0.at > end {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| (entry.at, entry.what))
    }
}

impl<T> Entry<T> {
    fn key(&self) -> (Micros, u64) {
        (self.at, self.order)
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<T> Eq for Entry<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_happen_in_the_order_of_time_then_of_scheduling() {
        let mut queue = Queue::new();
        for (at, what) in [(5, 'c'), (1, 'a'), (5, 'd'), (2, 'b'), (9, 'e')] {
            queue.push(at, what);
        }
        assert_eq!(queue.len(), 5);
        let order: String = std::iter::from_fn(|| queue.pop_until(8)).map(|(_, what)| what).collect();
        assert_eq!((order.as_str(), queue.pop_until(9)), ("abcd", Some((9, 'e'))));
    }
}
