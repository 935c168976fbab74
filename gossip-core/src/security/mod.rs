//! From bytes to what may be believed, and what proves an address.
//!
//! ```text
//! &mut [u8] ──Frame::decode──▶ Frame ──Authentic::open──▶ Authentic          address ──Secret::token──▶ token
//! ```
//!
//! With the feature `seal` the guard stands before that: it opens sealed datagrams, refuses what was changed or heard before, and
//! seals what goes out. Without it every datagram is in the clear, and believed as far as the cluster's name is known to friends
//! only.
//!
//! With the feature `identity` also what nodes sign of themselves and of others: see `identity/`. Without it, whoever knows the
//! cluster's key is believed whatever it says of others.
//!
//! Laws: a datagram is checked as a whole before any of it changes state (`tests/it/hostile.rs`); whoever has not
//! shown a token for an address draws no more bytes there than it sent (`tests/it/floods.rs`).

#[cfg(not(feature = "seal"))]
#[path = "clear.rs"]
pub(crate) mod guard;
#[cfg(feature = "seal")]
pub(crate) mod guard;
#[cfg(feature = "seal")]
mod hex;
#[cfg(feature = "identity")]
pub(crate) mod identity;
#[cfg(feature = "identity")]
pub(crate) use identity::signer;
#[cfg(feature = "seal")]
pub(crate) mod key;
#[cfg(feature = "seal")]
pub(crate) mod keyring;
pub(crate) mod open;
#[cfg(feature = "seal")]
mod openings;
#[cfg(feature = "seal")]
pub(crate) mod published_keys;
#[cfg(feature = "seal")]
pub(crate) mod seal;
#[cfg(not(feature = "identity"))]
#[path = "unsigned.rs"]
pub(crate) mod signer;
pub(crate) mod token;
