//! The keys that a node accepts.

use super::key::{Derived, Key, KeyError};
use crate::vocabulary::sealing::KeyId;
use core::fmt;

/// The most keys in a ring: the present one, the next, the one before, and one to spare.
pub const MAX_KEYS: usize = 4;

/// One to four keys: the first seals, all open. Its keys are zeroed when it is dropped.
#[derive(Clone)]
pub struct KeyRing(heapless::Vec<Derived, MAX_KEYS>);

impl KeyRing {
    /// A ring of these keys.
    ///
    /// # Errors
    /// [`KeyError::None`], [`KeyError::TooMany`], [`KeyError::SameKey`] or [`KeyError::SameId`].
    pub fn new(keys: &[Key]) -> Result<Self, KeyError> {
        let mut ring = heapless::Vec::<Derived, MAX_KEYS>::new();
        for (at, key) in keys.iter().enumerate() {
            if keys.iter().take(at).any(|other| other == key) {
                return Err(KeyError::SameKey(key.id()));
            }
            let key = Derived::new(key);
            if ring.iter().any(|other| other.id == key.id) {
                return Err(KeyError::SameId(key.id));
            }
            ring.push(key).map_err(|_| KeyError::TooMany { most: MAX_KEYS })?;
        }
        if ring.is_empty() { Err(KeyError::None) } else { Ok(Self(ring)) }
    }

    /// The ids of its keys; that of the one that seals is the first.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> + '_ {
        self.0.iter().map(|key| key.id)
    }

    /// Whether it has this key.
    pub fn has(&self, id: KeyId) -> bool {
        self.find(id).is_some()
    }

    /// Whether another ring may take its place: no key goes that live members still need. `in_use` counts those that do.
    ///
    /// # Errors
    /// [`KeyError::InUse`], for the first such key.
    pub fn check_successor(&self, next: &Self, in_use: impl Fn(KeyId) -> u32) -> Result<(), KeyError> {
        let gone = self.ids().filter(|&id| !next.has(id)).map(|key| (key, in_use(key)));
        match gone.into_iter().find(|&(_, members)| members > 0) {
            Some((key, members)) => Err(KeyError::InUse { key, members }),
            None => Ok(()),
        }
    }

    pub(super) fn find(&self, id: KeyId) -> Option<&Derived> {
        self.0.iter().find(|key| key.id == id)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::sealing::Sealing;
    use core::slice;
    use std::{format, string::ToString, vec::Vec};

    /// A key whose bytes count up from this one.
    fn key(n: u8) -> Key {
        let mut byte = n;
        Key::from_bytes(core::array::from_fn(|_| {
            byte = byte.wrapping_mul(5).wrapping_add(1);
            byte
        }))
        .unwrap()
    }

    #[test]
    fn a_key_is_read_as_it_is_written_and_a_wrong_one_is_never_shown() {
        let digits = "8f0c1d7a53e2b94460aa1f3e7c5d92b8e4f60713a2c9d58b1e6f70432d8c9ba5";
        let parsed = Key::parse(&format!(" gossip-key-1-{digits}\n")).unwrap();
        assert_eq!(parsed.id(), Key::parse(&format!("gossip-key-1-{}", digits.to_uppercase())).unwrap().id());
        for wrong in [
            digits.to_string(),
            format!("gossip-key-2-{digits}"),
            format!("gossip-key-1-{}", &digits[1..]),
            format!("gossip-key-1-{digits}0"),
            format!("gossip-key-1-{}", digits.replace('8', "g")),
            format!("gossip-key-1-{}", "ä".repeat(32)),
        ] {
            let error = Key::parse(&wrong).unwrap_err();
            assert_eq!(error, KeyError::Format, "{wrong}");
            assert!(!error.to_string().contains(&digits[2..10]));
        }
        let placeholder = format!("gossip-key-1-{}", "00".repeat(32));
        assert_eq!(Key::parse(&placeholder).unwrap_err(), KeyError::Placeholder);
    }

    #[test]
    fn a_ring_has_one_to_four_keys_of_different_ids() {
        let mut keys: Vec<Key> = Vec::new();
        let mut twins = None;
        for key in (1..=255).map(key) {
            match keys.iter().find(|other| other.id() == key.id()) {
                Some(other) => twins = twins.or(Some([other.clone(), key])),
                None => keys.push(key),
            }
        }
        let [one, other] = twins.unwrap();
        assert_eq!(KeyRing::new(&[one.clone(), other]).unwrap_err(), KeyError::SameId(one.id()));
        assert_eq!(KeyRing::new(&[one.clone(), one.clone()]).unwrap_err(), KeyError::SameKey(one.id()));
        assert_eq!(KeyRing::new(&[]).unwrap_err(), KeyError::None);
        assert_eq!(KeyRing::new(&keys[..5]).unwrap_err(), KeyError::TooMany { most: 4 });
        let ring = KeyRing::new(&keys[..4]).unwrap();
        assert!(ring.ids().eq(keys[..4].iter().map(Key::id)));
        assert!(keys[4..].iter().all(|key| !ring.has(key.id())));
    }

    #[test]
    fn a_ring_that_lacks_a_key_in_use_is_refused_and_says_which() {
        let [a, b] = [key(1), key(2)];
        let [both, old, new] = [&[a.clone(), b.clone()][..], slice::from_ref(&a), slice::from_ref(&b)]
            .map(|keys| KeyRing::new(keys).unwrap());
        let under_a = |id: KeyId| if id == a.id() { 3 } else { 0 };
        assert_eq!(old.check_successor(&both, under_a), Ok(()));
        let refused = both.check_successor(&new, under_a);
        assert_eq!(refused, Err(KeyError::InUse { key: a.id(), members: 3 }));
        assert_eq!(both.check_successor(&old, under_a), Ok(()));
        assert_eq!(both.check_successor(&new, |_| 0), Ok(()));
    }

    #[test]
    fn keys_are_shown_by_their_ids_alone() {
        let key = key(7);
        let shown = format!("{key:?} {:?}", KeyRing::new(slice::from_ref(&key)).unwrap());
        assert_eq!(shown, format!("Key({0}) [KeyId({1})]", key.id(), key.id().get()));
    }

    #[test]
    fn neighbouring_modes_understand_each_other_both_ways() {
        let modes = [Sealing::Off, Sealing::Accept, Sealing::Prefer, Sealing::Require];
        for (i, &a) in modes.iter().enumerate() {
            for (j, &b) in modes.iter().enumerate() {
                assert_eq!(a.understands(b), i.abs_diff(j) <= 1, "{a:?} and {b:?}");
                let steps = if i < j { j.checked_sub(1) } else { Some(j + 1) };
                if let Some(step) = steps.filter(|_| i != j).and_then(|step| modes.get(step)) {
                    assert_eq!(b.step_before(a), *step, "from {a:?} to {b:?}");
                }
            }
        }
    }
}
