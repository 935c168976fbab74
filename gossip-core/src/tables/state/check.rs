//! What holds of the store between any two operations; for tests and fuzzing only.

use super::{arena::guarantee, entry::Stored, store::Store};
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
