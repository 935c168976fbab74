//! How much is kept of values, and why one is refused.

use crate::vocabulary::bounds::sized;

/// The most keys, deleted ones included until they are forgotten.
pub(crate) const MAX_KEYS: usize = sized(64, 16);
/// The most bytes of keys and values together.
pub(crate) const MAX_BYTES: usize = sized(16_384, 1_024);
/// The most prefixes of authorities.
pub(crate) const MAX_PREFIXES: usize = sized(4, 2);
/// How long a tombstone is kept, in seconds: a day, within which members that were cut off are expected back.
pub(crate) const TOMBSTONE_TTL: u32 = 24 * 60 * 60;
/// The most that a revision that was seen raises the next one to: a node that claims an absurd revision of one key spoils that
/// key, and no other.
pub(crate) const MAX_SEEN: u64 = 1 << 62;

/// Why a value was not taken. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refusal {
    /// The value is longer than a datagram allows.
    Value,
    /// The key is under an authority's prefix, and the value is not the authority's.
    Prefix,
    /// The key has an authority's value, which outranks this one.
    Outranked,
    /// The authority has written the key since.
    Outdated,
    /// There is no slot for another key.
    Keys,
    /// Too few bytes are left.
    Bytes,
    /// The key's revisions have come to their end: only an authority's value helps.
    Revisions,
}
