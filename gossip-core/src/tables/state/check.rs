//! What holds of the store between any two operations; for tests and fuzzing only.

use super::{
    arena::guarantee,
    desk::Wait,
    entry::Stored,
    list::List,
    owner::{Links, Owner, Row},
    store::Store,
};
use alloc::{collections::BTreeSet, vec};

impl Store<'_> {
    /// Panics unless every map is well formed and every block is in one chain, or free.
    pub(crate) fn check(&self) {
        let blocks = self.arena.view();
        let mut seen = BTreeSet::new();
        let (mut taken, mut claimed) = (0, 0);
        let guaranteed = guarantee(blocks.blocks.len(), self.owners.len());
        for owner in self.owners.iter() {
            assert!(
                owner.bytes() <= usize::from(self.desk.limits.owner_bytes),
                "an owner keeps to its quota"
            );
            let mut link = owner.chain.first;
            for _ in 0..owner.chain.blocks() {
                assert!(link != 0 && seen.insert(link), "block {link} is in two chains, or missing");
                link = blocks.next(link);
            }
            assert_eq!(link, 0, "a chain ends with its map");
            (taken, claimed) = (taken + owner.chain.blocks(), claimed + owner.chain.blocks().min(guaranteed));
            let mut bytes = vec![0; owner.bytes()];
            blocks.gather(owner.chain, &mut bytes);
            check_map(&bytes);
        }
        let books = &self.arena.books;
        assert_eq!((books.taken, books.claimed), (taken, claimed), "the books are right");
        let mut link = books.returned;
        while link != 0 {
            assert!(seen.insert(link), "block {link} is free, and in a chain");
            link = blocks.next(link);
        }
        assert_eq!(seen.len(), books.touched as usize, "no block is lost");
        let free = blocks.blocks.len() as u32 - taken;
        assert!(free >= guaranteed * self.owners.len() as u32 - claimed, "the guarantees can be kept");
        self.check_lists();
    }

    /// Panics unless every owner is in the lists that it says, once, and the counts are right.
    fn check_lists(&self) {
        let walk = |list: List, row: Row| {
            let (mut slots, mut before, mut at) = (vec![], 0, list.first);
            while let Some(slot) = at.checked_sub(1) {
                let Links { previous, next } = *{ *self.owner(slot) }.links(row);
                assert_eq!(previous, before, "the list leads back from slot {slot}");
                slots.push(slot);
                assert!(slots.len() <= self.owners.len(), "a list has a loop");
                (before, at) = (at, next);
            }
            assert_eq!(before, list.last, "a list ends with its last");
            slots
        };
        let (mut pending, mut waiting, mut gaps) = (0, 0, 0);
        for (sends, &list) in (1..).zip(&self.desk.pending.lists) {
            let slots = walk(list, Row::Pending);
            assert!(slots.iter().all(|&slot| self.owner(slot).sends == sends));
            pending += slots.len();
        }
        for (&list, wait) in self.desk.waiting.lists.iter().zip(Wait::ALL) {
            let slots = walk(list, Row::Waiting);
            assert!(slots.iter().all(|&slot| self.owner(slot).wait() == Some(wait)));
            waiting += slots.len();
            gaps += if wait == Wait::Lingering { 0 } else { slots.len() };
        }
        assert_eq!((pending, gaps), (self.pending() as usize, self.gaps() as usize), "the counts are right");
        let named = |is: fn(&Owner) -> bool| self.owners.iter().filter(|owner| is(owner)).count();
        assert_eq!((pending, waiting), (named(Owner::is_pending), named(|owner| owner.wait > 0)));
    }
}

/// Panics unless versions rise, no key is there twice, and nothing is left over.
fn check_map(bytes: &[u8]) {
    let (mut last, mut end) = (0, 0);
    let mut keys = BTreeSet::new();
    for place in Stored::new(bytes) {
        assert!(place.entry.version > last, "versions rise");
        assert!(keys.insert(place.entry.key), "a key is there once");
        (last, end) = (place.entry.version, place.end);
    }
    assert_eq!(end, bytes.len(), "a map is entries to its end");
}
