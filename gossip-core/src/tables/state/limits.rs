//! How much an owner may keep, and why an entry is refused.

use crate::vocabulary::codec::count_len;

/// The most keys of an owner, deleted ones included until they are compacted away. Every change scans them all, so this
/// bounds what one entry of a datagram can cost: about a microsecond.
pub(crate) const MAX_KEYS: usize = 64;
/// The longest key: its length has five bits of an entry's head.
pub(crate) const MAX_KEY_BYTES: usize = 31;
/// What an owner keeps by default: a whole map then travels in one datagram of 1,200 bytes.
pub(crate) const DEFAULT_OWNER_BYTES: u16 = 1_024;
/// The most that can be configured: four such datagrams. What is larger belongs into a transfer of its own.
pub(crate) const MAX_OWNER_BYTES: u16 = 4_096;
/// Bytes of a datagram that an entry leaves to headers, to the item around it and to what is piggybacked.
pub(crate) const DATAGRAM_RESERVE: usize = 300;
/// The longest time to live, in seconds: 194 days, beyond which no one means a lease.
pub(crate) const MAX_TTL: u32 = 1 << 24;
/// Tombstones from which on the owner compacts its map.
pub(crate) const MAX_TOMBSTONES: usize = 16;
/// The owner compacts, too, when its tombstones take this part of its bytes.
pub(crate) const TOMBSTONE_SHARE: usize = 4;
/// Blocks that each owner gets, whatever the others take; 64 bytes hold a name and a port.
pub(crate) const GUARANTEED_BLOCKS: u32 = 1;
/// Beyond the guarantee an owner takes at most the free blocks divided by two to this power: an eighth. It is the dynamic
/// threshold of Choudhury and Hahne (IEEE/ACM ToN 6(2), 1998): one greedy owner leaves eight ninths free, and the
/// threshold falls by itself where many are greedy.
pub(crate) const SHARE_SHIFT: u32 = 3;

/// What is configured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Limits {
    /// Bytes of an owner's map as it is stored, at most [`MAX_OWNER_BYTES`].
    pub(crate) owner_bytes: u16,
    /// Bytes of one entry on the wire, beside its version.
    pub(crate) entry_bytes: u16,
}

impl Limits {
    pub(crate) const NONE: Self = Self { owner_bytes: 0, entry_bytes: 0 };

    /// The limits of a node that sends datagrams of at most this many bytes.
    pub(crate) fn new(owner_bytes: u16, max_datagram: usize) -> Self {
        let entry_bytes = max_datagram.saturating_sub(DATAGRAM_RESERVE);
        Self {
            owner_bytes: owner_bytes.min(MAX_OWNER_BYTES),
            entry_bytes: u16::try_from(entry_bytes).unwrap_or(u16::MAX),
        }
    }

    /// The most bytes that a key and its value have together, if it is to last for so many seconds, or without an end.
    pub(crate) fn most_of_entry(&self, ttl: Option<u32>) -> usize {
        let most = usize::from(self.entry_bytes).saturating_sub(1 + ttl.map_or(0, count_len));
        // Less the length of the value, which is that of the longest.
        most.saturating_sub(count_len((most as u32).saturating_sub(2)))
    }
}

/// Why an entry was not taken. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refusal {
    /// The key is empty, or longer than [`MAX_KEY_BYTES`].
    Key,
    /// The time to live is zero, or longer than [`MAX_TTL`].
    Ttl,
    /// The entry alone is longer than [`Limits::entry_bytes`].
    Entry,
    /// The owner has [`MAX_KEYS`] keys.
    Keys,
    /// The owner has [`Limits::owner_bytes`].
    Bytes,
    /// The owner has its share of the blocks.
    Share,
    /// The owner's counter is near its end: only a new epoch helps.
    Versions,
}
