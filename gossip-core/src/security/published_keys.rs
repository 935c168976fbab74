//! What a node says of its keys: how far it seals, and which it has. Others know by that which keys are still needed.
//!
//! ```text
//! require 58 13      seals all with the key 58, and opens what is sealed with 58 or 13
//! ```

use super::keyring::{KeyRing, MAX_KEYS};
use crate::{
    tables::{
        state::{
            entry::Seconds,
            read::{Standing, View},
        },
        table::SlotId,
    },
    vocabulary::sealing::{KeyId, Sealing},
};
use core::{fmt, fmt::Write as _, str};

/// The key of kept state under which it stands.
pub(crate) const KEYS: &str = "gossip.keys";

/// Bytes of the longest: a mode, and two digits and a space for each key.
const MAX_TEXT: usize = 7 + 3 * MAX_KEYS;

/// What a node says of its keys.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct PublishedKeys {
    sealing: Sealing,
    /// The first seals.
    keys: heapless::Vec<KeyId, MAX_KEYS>,
}

impl PublishedKeys {
    pub(crate) fn new(sealing: Sealing, ring: &KeyRing) -> Self {
        Self { sealing, keys: ring.ids().collect() }
    }

    /// Of what a member published; `None` if it says nothing of keys.
    pub(crate) fn read(text: &[u8]) -> Option<Self> {
        let mut words = str::from_utf8(text).ok()?.split(' ');
        let sealing = words.next()?.parse().ok()?;
        let mut keys = heapless::Vec::new();
        for word in words {
            let is_id =
                word.len() == 2 && word.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
            let id = u8::from_str_radix(word, 16).ok().filter(|_| is_id)?;
            keys.push(KeyId::from_u8(id)?).ok()?;
        }
        if keys.is_empty() { None } else { Some(Self { sealing, keys }) }
    }

    /// What the live member in this slot publishes.
    pub(crate) fn of(state: View<'_>, slot: SlotId, now: Seconds) -> Option<Self> {
        let held = state.read(slot, KEYS.as_bytes(), Standing::Live, now)?;
        Self::read(held.copy_to(&mut [0; MAX_TEXT])?)
    }

    /// How far the node seals.
    pub(crate) fn sealing(&self) -> Sealing {
        self.sealing
    }

    /// The first key of a ring that the node has, too.
    pub(crate) fn shares(&self, ring: &KeyRing) -> Option<KeyId> {
        ring.ids().find(|key| self.sealing != Sealing::Off && self.keys.contains(key))
    }

    /// As it is published.
    pub(crate) fn text(&self) -> heapless::String<MAX_TEXT> {
        let mut text = heapless::String::new();
        let written = write!(text, "{self}");
        debug_assert!(written.is_ok(), "the bound holds the longest");
        text
    }

    /// The key that the node seals with, if it seals.
    pub(crate) fn seals_with(&self) -> Option<KeyId> {
        self.keys.first().copied().filter(|_| self.sealing.seals())
    }

    /// Whether the node needs this key of another's ring where `next` takes its place: it seals with it, or they would have none in
    /// common.
    pub(crate) fn needs(&self, key: KeyId, next: &KeyRing) -> bool {
        let has = self.sealing != Sealing::Off && self.keys.contains(&key);
        has && (self.seals_with() == Some(key) || !self.keys.iter().any(|&id| next.has(id)))
    }
}

impl fmt::Display for PublishedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.sealing)?;
        self.keys.iter().try_for_each(|key| write!(f, " {key}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::key::Key;
    use quickcheck::QuickCheck;
    use std::{string::String, vec::Vec};

    fn ring(keys: &[u8]) -> KeyRing {
        let key = |&n: &u8| Key::from_bytes(core::array::from_fn(|at| n.wrapping_add(at as u8))).unwrap();
        KeyRing::new(&keys.iter().map(key).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn what_is_published_is_read_back_and_nothing_else_is_read() {
        for mode in [Sealing::Off, Sealing::Accept, Sealing::Prefer, Sealing::Require] {
            for keys in [&[1][..], &[1, 2], &[3, 2, 1], &[1, 2, 3, 4]] {
                let published = PublishedKeys::new(mode, &ring(keys));
                assert_eq!(PublishedKeys::read(published.text().as_bytes()), Some(published));
            }
        }
        for wrong in [
            "",
            "require",
            "Require 58",
            "require 5",
            "require 80",
            "require 00",
            "require +5",
            "require 5A",
            "require 58 58 58 58 58",
        ] {
            assert_eq!(PublishedKeys::read(wrong.as_bytes()), None, "{wrong}");
        }
        fn property(text: String) -> bool {
            PublishedKeys::read(text.as_bytes()).is_none_or(|published| published.text().as_str() == text)
        }
        QuickCheck::new().tests(1_000).quickcheck(property as fn(String) -> bool);
    }

    #[test]
    fn a_key_is_needed_by_who_seals_with_it_or_shares_no_other() {
        let a = ring(&[1]).ids().next().unwrap();
        let of = |mode, keys: &[u8]| PublishedKeys::new(mode, &ring(keys));
        let next = ring(&[2]);
        assert!(of(Sealing::Require, &[1]).needs(a, &next), "it has no other");
        assert!(of(Sealing::Accept, &[1, 3]).needs(a, &next));
        assert!(of(Sealing::Require, &[1, 2]).needs(a, &next), "it still seals with it");
        assert!(of(Sealing::Require, &[3, 1]).needs(a, &next), "they would have none in common");
        assert!(!of(Sealing::Require, &[2, 1]).needs(a, &next));
        assert!(!of(Sealing::Off, &[1]).needs(a, &next), "it does not seal at all");
    }
}
