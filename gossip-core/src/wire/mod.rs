//! The wire format: pure layouts, one file a layer, each with its encoder beside its decoder.
//!
//! Fixed-width integers are big-endian; counts that are mostly small are LEB128. Every value has exactly one
//! encoding, so what decodes encodes to the same bytes again.

// Untrusted bytes are read here. `.ci/run` checks in a linked program that nothing here can panic.
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

pub(crate) mod answer;
pub(crate) mod codec;
pub(crate) mod event;
pub(crate) mod frame;
pub(crate) mod message;
#[cfg(feature = "identity")]
pub(crate) mod proof;
#[cfg(not(feature = "identity"))]
#[path = "unproven.rs"]
pub(crate) mod proof;
pub(crate) mod pulse;
pub(crate) mod record;
mod sections;
pub(crate) mod sieve;
pub(crate) mod state;
pub(crate) mod sync;
pub(crate) mod value;

#[cfg(test)]
mod tests;
