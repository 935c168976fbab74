//! Cluster-wide values: a few small keys that belong to no member, and that every node holds.
//!
//! Anyone may write, so each value has a version, `(rank, source, revision, writer, hash of the bytes)`, and the greatest
//! wins: a total order, so that taking a value in is a join, and nodes that have heard of the same values hold the same,
//! whatever the order in which they came.
//!
//! ```text
//! host: set, delete, set_authority ──┐                                   ┌──▶ take: those to be sent
//!                                    ├──▶ merge ──▶ slots, bytes, sum ───┤
//! wire: Value ───────────────────────┘      │                            ├──▶ sum, list, compare: repair
//!                                           └──▶ change, conflict        └──▶ get, values: host
//! ```
//!
//! * **Rank.** An authority's values outrank all others; `source` counts how often the authority was restored from an older
//!   state, and `revision` is its own count. Everyone else takes one revision more than the highest that it has seen. No wall
//!   clock takes part, since a stamp of the future would win until then.
//! * **Prefixes.** Keys that begin with one of an authority's prefixes take nothing else than its values.
//! * **Conflicts.** Two values of one rank, source and revision that differ were written without knowledge of each other. The
//!   greater one wins, everywhere, and the host is told, once for each revision. Two hosts that pass on the same bytes of an
//!   authority do not disagree.
//! * **Deleting** leaves a tombstone, which wins over older values like any other. It is forgotten
//!   [`TOMBSTONE_TTL`](limits::TOMBSTONE_TTL) after the deletion, whose age travels with it, so that no one keeps it for
//!   longer because it came late, nor takes it in again once it is forgotten.
//! * **Memory** is a fixed number of slots and bytes. What does not fit is refused, and what was there stays.
//!
//! **What is promised of deleting.** Let *v* be a value, and *d* a deletion that has a greater version. A node that has heard
//! of *d* never shows *v* again while it keeps the tombstone. So *v* does not come back, if within a day of the deletion each
//! node that holds *v* hears of *d*, directly or not, or ends. A node that was cut off for longer may bring *v* back: no one
//! remembers *d* by then. A second deletion ends it, since revisions go on from the highest seen, of whatever key, and
//! not from one; for the same reason a value that was written after *d* was forgotten wins over *v*, if its writer has
//! seen any value as new as *v*.
//!
//! Every operation takes time in proportion to the memory at most, and none allocates. Laws, as quickcheck properties
//! (`tests/laws.rs`, `tests/world.rs`): the end does not depend on order or copies; what is held of a key only grows; nothing
//! is lost for what does not fit; the sum is that of what is held; nodes that repair each other become equal.

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

#[cfg(any(fuzzing, test))]
mod check;
pub(crate) mod compare;
pub(crate) mod limits;
pub(crate) mod merge;
mod pending;
pub(crate) mod store;
pub(crate) mod value;
pub(crate) mod write;

#[cfg(test)]
mod tests;
