//! What nodes sign, so that a member which knows the cluster's key cannot speak for another.
//!
//! ```text
//! Record ──▶ Claim ─────────┐                                        id, key, epoch, certificate
//! target, accuser ──────────┼──SigningKey──▶ signature 64                         │
//! id, key, last epoch ──────┘                    │                          Trust::vouch
//!                                            PublicKey                            ▼
//!                                                ▼                     may this key speak for this id?
//!                                     did its owner say this?
//! ```
//!
//! Signatures are Ed25519 (RFC 8032), verified strictly: keys of small order are refused, and nobody but its owner can make another
//! signature out of one. Each kind of text begins with its own label, has a fixed length, and names its cluster.
//!
//! Laws: a changed bit is refused, and nothing that is signed for one node, cluster or use counts for another (the tests of each
//! file); what is not later than what is known is not verified; what an implementation that shares no code signs is what is
//! signed here (`vectors.rs`).

// What anybody sends is checked here.
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

mod accusation;
pub(crate) mod certificate;
pub(crate) mod claim;
pub(crate) mod error;
pub(crate) mod key;
pub(crate) mod signer;
mod text;
pub(crate) mod trust;
#[cfg(test)]
mod vectors;
