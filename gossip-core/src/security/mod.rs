//! From bytes to what may be believed, and what proves an address.
//!
//! ```text
//! &mut [u8] ──Frame::decode──▶ Frame ──Authentic::open──▶ Authentic          address ──Secret::token──▶ token
//! ```
//!
//! With the feature `seal` also what sealed datagrams take, which no node uses yet: keys and rings of them, datagrams sealed for
//! one receiver, and windows in which none is heard twice.
//!
//! Laws: a datagram is checked as a whole before any of it changes state (`tests/it/hostile.rs`); whoever has not
//! shown a token for an address draws no more bytes there than it sent (`tests/it/floods.rs`).

#[cfg(feature = "seal")]
pub(crate) mod key;
#[cfg(feature = "seal")]
pub(crate) mod keyring;
pub(crate) mod open;
#[cfg(feature = "seal")]
pub(crate) mod replay;
#[cfg(feature = "seal")]
pub(crate) mod seal;
pub(crate) mod token;
