//! The index of the member table: *ordered* linear probing.
//!
//! An entry is `tag << 32 | slot + 1`; zero is empty. The home entry of a tag, `tag * capacity >> 32`, is monotone for
//! any capacity, and entries stand in the order of `(tag, id)` round the circle. So a look-up is O(1), and
//! a range of the id-hash space is one contiguous stretch, the same in tables of different capacity.
//!
//! Ids can be ground so that their tags crowd; a look-up therefore gallops where a scan would be long.

use super::SlotId;
use crate::vocabulary::record::NodeId;
use core::cmp::Ordering;

/// A place in the id-hash order: the keyed hash of an id, and the id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Place {
    pub(crate) tag: u32,
    pub(crate) id: u64,
}

impl Place {
    /// Before every member: ids are never zero.
    pub(crate) const START: Self = Self { tag: 0, id: 0 };
}

/// Steps walked one by one before galloping. At load 0.8 the mean displacement is 2.
const WALK: usize = 8;

fn home(tag: u32, capacity: usize) -> usize {
    ((u64::from(tag) * capacity as u64) >> 32) as usize
}

fn tag_of(entry: u64) -> u32 {
    (entry >> 32) as u32
}

fn slot_of(entry: u64) -> SlotId {
    (entry as u32).wrapping_sub(1)
}

fn entry(tag: u32, slot: SlotId) -> u64 {
    u64::from(tag) << 32 | (u64::from(slot) + 1)
}

/// How far `position` lies after `from` on the circle.
fn distance(from: usize, position: usize, capacity: usize) -> usize {
    if position >= from { position - from } else { position + capacity - from }
}

fn wrap(position: usize, capacity: usize) -> usize {
    if position >= capacity { position - capacity } else { position }
}

/// The slot of the member at `place`, with its position; or the position to insert it at.
///
/// "Comes before `place`" is monotone from the home entry on: empty entries and later runs do not.
pub(super) fn find(
    index: &[u64],
    place: Place,
    id_of: impl Fn(SlotId) -> NodeId,
) -> Result<(usize, SlotId), usize> {
    let capacity = index.len();
    let start = home(place.tag, capacity);
    let order = |steps: usize| -> Option<Ordering> {
        let at = wrap(start + steps, capacity);
        let found = index[at];
        if found == 0 {
            return None;
        }
        let displaced = distance(home(tag_of(found), capacity), at, capacity);
        Some(
            steps
                .cmp(&displaced)
                .then_with(|| tag_of(found).cmp(&place.tag))
                .then_with(|| id_of(slot_of(found)).as_u64().cmp(&place.id)),
        )
    };
    let before = |steps: usize| order(steps) == Some(Ordering::Less);
    let mut steps = 0;
    while steps < WALK.min(capacity) && before(steps) {
        steps += 1;
    }
    if steps == WALK {
        let (mut low, mut stride) = (WALK - 1, WALK);
        while low + stride < capacity && before(low + stride) {
            low += stride;
            stride *= 2;
        }
        let mut high = (low + stride).min(capacity);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if before(middle) { low = middle } else { high = middle }
        }
        steps = high;
    }
    let at = wrap(start + steps, capacity);
    if order(steps) == Some(Ordering::Equal) { Ok((at, slot_of(index[at]))) } else { Err(at) }
}

/// Inserts at a position that [`find`] gave. At least one entry must be empty.
pub(super) fn insert(index: &mut [u64], at: usize, tag: u32, slot: SlotId) {
    let capacity = index.len();
    debug_assert!(at < capacity && slot < u32::MAX, "an entry of zero is empty");
    let mut gap = at;
    while index[gap] != 0 {
        gap = wrap(gap + 1, capacity);
        debug_assert_ne!(gap, at, "one entry of the index stays empty");
    }
    if gap >= at {
        index.copy_within(at..gap, at + 1);
    } else {
        index.copy_within(0..gap, 1);
        index[0] = index[capacity - 1];
        index.copy_within(at..capacity - 1, at + 1);
    }
    index[at] = entry(tag, slot);
}

/// Removes the entry at a position and shifts those behind it back towards their homes.
pub(super) fn remove(index: &mut [u64], mut at: usize) {
    let capacity = index.len();
    debug_assert_ne!(index[at], 0, "there is nothing to remove");
    loop {
        let next = wrap(at + 1, capacity);
        let moved = index[next];
        if moved == 0 || home(tag_of(moved), capacity) == next {
            break;
        }
        index[at] = moved;
        at = next;
    }
    index[at] = 0;
}

/// Empty entries passed by one scan of a range: 65 µs in a large table that is almost empty.
const MAX_EMPTY: usize = 1 << 16;

/// The slots with tags in `low..=high`, in tag order (and id order within a tag).
pub(crate) fn range(index: &[u64], low: u32, high: u32) -> Range<'_> {
    let (position, last) = (home(low, index.len()), home(high, index.len()));
    Range { index, position, last, low, high, empty: MAX_EMPTY, cut: None }
}

/// See [`range`].
pub(crate) struct Range<'a> {
    index: &'a [u64],
    /// Unwrapped: continues past the end of the array, since a run may.
    position: usize,
    last: usize,
    low: u32,
    high: u32,
    /// Empty entries that may still be passed.
    empty: usize,
    cut: Option<u32>,
}

impl Range<'_> {
    /// The tag below which the scan has seen everything, if it ended at its bound and not at the end of the range.
    pub(crate) fn cut(&self) -> Option<u32> {
        self.cut
    }

    /// Passes an empty entry; false when the scan ends there. No run goes across it, so every tag with a home
    /// before it has been seen.
    fn pass_empty(&mut self) -> bool {
        if self.position >= self.last {
            return false;
        }
        if self.empty == 0 {
            let tag = ((self.position as u64) << 32).div_ceil(self.index.len() as u64);
            self.cut = u32::try_from(tag).ok();
            return false;
        }
        self.empty -= 1;
        self.position += 1;
        true
    }
}

impl Iterator for Range<'_> {
    type Item = (u32, SlotId);

    fn next(&mut self) -> Option<Self::Item> {
        let capacity = self.index.len();
        while self.position < 2 * capacity {
            let at = wrap(self.position, capacity);
            let found = self.index[at];
            if found == 0 {
                if self.pass_empty() {
                    continue;
                }
                break;
            }
            let displaced = distance(home(tag_of(found), capacity), at, capacity);
            let position = self.position;
            self.position += 1;
            if position < displaced {
                continue; // wrapped in from the end of the array
            }
            if position - displaced >= capacity || tag_of(found) > self.high {
                break; // the next turn of the circle, or past the range
            }
            if tag_of(found) >= self.low {
                return Some((tag_of(found), slot_of(found)));
            }
        }
        self.position = 2 * capacity;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_of_empty_entries_is_cut_and_continues_where_it_was() {
        let mut index = std::vec![0; 3 * MAX_EMPTY];
        let tags = [7, 0x4000_0000, 0x8000_0000, 0xFFFF_FFFF];
        for (slot, &tag) in tags.iter().enumerate() {
            let at = home(tag, index.len());
            insert(&mut index, at, tag, slot as SlotId);
        }
        let (mut found, mut low, mut walks) = (std::vec::Vec::new(), 0, 0);
        loop {
            let mut walk = range(&index, low, u32::MAX);
            found.extend(walk.by_ref().map(|(tag, _)| tag));
            walks += 1;
            let Some(cut) = walk.cut() else { break };
            assert!(cut > low, "no progress");
            low = cut;
        }
        assert_eq!((found.as_slice(), walks), (&tags[..], 3));
    }
}
