//! Kept state: what members know of each other besides who is alive.
//!
//! Each node owns a small map of keys and values, and everyone keeps a copy of everyone's. Only the owner writes. It
//! numbers its writes with one counter, the state version of its record, and each entry has the number of the write that
//! made it. A copy is described by one number, `known`: of all that the owner's map holds now at versions up to
//! `known`, nothing is missing in the copy.
//!
//! ```text
//!  owner: set, delete, compact ──▶ tell ──▶ Item { (from, to], entries } ──▶ apply ──▶ known, changes, what to ask for
//!           │                       ▲                                         │
//!           └──────▶ map in a chain of 64-byte blocks of one arena ◀──────────┘        read ──▶ host
//! ```
//!
//! An item claims that its entries are all that the owner's map holds in its span `(from, to]`. So
//!
//! * the higher version of a key wins, in whatever order items come;
//! * `known` rises to `to` only if `from` is not above it, and never past an entry that was refused;
//! * what is at or below `known` and not held is gone, and is never taken back;
//! * a gap is noticed locally, since `known` is below the state version of the record, and is asked for by number.
//!
//! **Deleting** leaves a tombstone, and so does expiry, at the version of the value: without one, a copy that missed the
//! value would show the one before it for ever. **Compaction** is the owner's: it gives its living entries new versions and
//! sets a floor below them. Whoever knows all that there is drops what is not above the floor. Short of room, what is not
//! above a floor goes at once: the owner has none of it.
//!
//! **Memory** is shared: a block is guaranteed to each owner, and beyond it no one takes more than an eighth of what is
//! free. What does not fit is refused with its reason. Every operation takes time in proportion to the bytes of one
//! owner, and none allocates.
//!
//! Laws, proven over random histories of an owner and three copies (`tests/laws.rs`, `tests/expiry.rs`): known means held
//! after every step, no one tells above the owner's counter, a living value never vanishes, nothing shows below a known
//! floor or of a past epoch, blocks and guarantees add up (`check.rs`), and once all is told all copies are equal byte
//! for byte.

// Bytes from anyone are read here, and decide what is done with them.
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unreachable,
        clippy::unwrap_used,
        clippy::expect_used
    )
)]

mod apply;
pub(crate) mod arena;
#[cfg(any(fuzzing, test))]
mod check;
mod codec;
pub(crate) mod desk;
pub(crate) mod entry;
pub(crate) mod item;
pub(crate) mod limits;
mod list;
mod map;
pub(crate) mod outcome;
pub(crate) mod owner;
pub(crate) mod pending;
pub(crate) mod read;
pub(crate) mod store;
pub(crate) mod tell;
pub(crate) mod waiting;
pub(crate) mod write;

#[cfg(test)]
mod tests;
