//! The plane of dissemination: how news reaches all members, and how those that miss it find it.
//!
//! ```text
//!            fresh news ──▶ rounds: neighbours in the id-hash order, and random peers
//!   many changes at once ──▶ sieves: a peer is asked for what a filter of what we know lacks
//!  a fingerprint differs ──▶ reconciliation: pull of the latest changes; digests, lists, records
//! ```
//!
//! Laws: news reaches all in O(log n) rounds, even if one of them goes badly (`tests/it/dissemination.rs`,
//! `tests/it/figures.rs`); any two views become equal, and every exchange ends (`tests/it/repair.rs`,
//! `tests/it/sieves.rs`).

pub(crate) mod plane;
pub(crate) mod proofs;
pub(crate) mod reconcile;
pub(crate) mod rounds;
pub(crate) mod sieve;
