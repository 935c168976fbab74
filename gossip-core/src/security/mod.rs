//! From bytes to what may be believed, and what proves an address.
//!
//! ```text
//! &mut [u8] ──Frame::decode──▶ Frame ──Authentic::open──▶ Authentic          address ──Secret::token──▶ token
//! ```
//!
//! Laws: a datagram is checked as a whole before any of it changes state (`tests/it/hostile.rs`); whoever has not
//! shown a token for an address draws no more bytes there than it sent (`tests/it/floods.rs`).

pub(crate) mod open;
pub(crate) mod token;
