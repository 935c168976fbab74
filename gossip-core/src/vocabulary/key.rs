//! The one rule for keys: those of members, those of cluster-wide values, and the names that members are asked for.

use core::fmt;
use siphasher::sip::SipHasher13;

/// Names the key of a cluster-wide value in events: a hash of it, the same on all nodes and in all clusters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ValueTag(u64);

impl ValueTag {
    /// The tag of a key: `sip(0, 5, key)`. Text that cannot be a key has a tag, too, which no value has.
    pub fn of(key: &str) -> Self {
        Self(SipHasher13::new_with_keys(0, 5).hash(key.as_bytes()))
    }
}

/// Whether a key is visible ASCII, so that it can be shown, and typed, anywhere. An empty one passes: that is a floor's.
pub(crate) fn is_visible(key: &[u8]) -> bool {
    key.iter().all(u8::is_ascii_graphic)
}

/// The most bytes of a key: its length has five bits on the wire.
pub(crate) const MAX_KEY_BYTES: usize = 31;

/// A key of the cluster-wide values: 1 to 31 visible ASCII characters. Ordered by its bytes.
// The bytes behind its end are zero, below every visible character, so that keys compare as their text does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ValueKey {
    bytes: [u8; MAX_KEY_BYTES],
    len: u8,
}

impl ValueKey {
    /// The key with these bytes; `None` if they break the rule.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let is_key = !bytes.is_empty() && is_visible(bytes);
        if is_key { Self::kept(bytes) } else { None }
    }

    /// The key that was kept in these bytes.
    pub(crate) fn kept_in(bytes: &[u8]) -> Self {
        debug_assert!(Self::from_bytes(bytes).is_some(), "only keys are kept");
        Self::kept(bytes).unwrap_or(Self { bytes: [b'?'; MAX_KEY_BYTES], len: 1 })
    }

    fn kept(bytes: &[u8]) -> Option<Self> {
        let mut key = Self { bytes: [0; MAX_KEY_BYTES], len: bytes.len() as u8 };
        key.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(key)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// The key as text.
    pub(crate) fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The tag by which events name it.
    pub(crate) fn tag(&self) -> ValueTag {
        ValueTag::of(self.as_str())
    }

    /// Whether it begins with another key.
    pub(crate) fn is_under(&self, prefix: &Self) -> bool {
        self.as_bytes().starts_with(prefix.as_bytes())
    }
}

impl fmt::Display for ValueKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for ValueKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ValueKey({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{format, vec::Vec};

    #[test]
    fn a_key_has_1_to_31_visible_ascii_characters() {
        let long = [b'x'; MAX_KEY_BYTES + 1];
        for wrong in
            [&b""[..], b"a b", b"a\n", b"\x7F", b"\0", "größe".as_bytes(), &long, &[b'x'; 256], &[b'x'; 257]]
        {
            assert_eq!(ValueKey::from_bytes(wrong), None, "{wrong:?}");
        }
        for right in [&b"a"[..], b"flags/dark-mode", b"!~", &long[1..]] {
            let key = ValueKey::from_bytes(right).unwrap();
            assert_eq!((key.as_bytes(), key.as_str().as_bytes()), (right, right));
        }
        assert_eq!(format!("{:?}", ValueKey::from_bytes(b"a/b").unwrap()), "ValueKey(a/b)");
    }

    #[test]
    fn keys_are_ordered_as_their_bytes_are() {
        let texts = ["a", "a!", "a/b", "a/bc", "a~", "b"];
        let keys: Vec<ValueKey> =
            texts.iter().map(|text| ValueKey::from_bytes(text.as_bytes()).unwrap()).collect();
        assert!(keys.is_sorted());
        assert!(keys[3].is_under(&keys[2]) && keys[2].is_under(&keys[2]) && !keys[2].is_under(&keys[3]));
    }
}
