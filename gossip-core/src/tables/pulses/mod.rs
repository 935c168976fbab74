//! Pulses: of each member the latest few bytes that it said of itself, a load or the length of a queue.
//!
//! ```text
//!  write ──▶ a member's place ──▶ pending ──▶ told to two members ──▶ done
//!  hear ───▶    (one each)
//! ```
//!
//! A pulse replaces the one before as a whole, and nothing is repaired: a node that misses one gets the next. A member's pulses
//! are passed on at a bounded rate, so that one that pulses without end is passed on no more often than others.
//!
//! **Which is newest.** A member numbers its pulses within its epoch, and the highest number wins. A pulse ends with its
//! [`TTL`](limits::TTL), and from then on any other takes its place: a forged number spoils a member's pulses for that long
//! and no longer. A place is emptied with its member's epoch or life, so what is shown is of a live member's present epoch.
//!
//! **Bounds.** A place a member, in memory that is lent; all operations take constant time but those over what is pending.
//!
//! Laws, proven over random histories against a plain model (`tests/laws.rs`): in whichever order pulses come, the newest is
//! held; nothing shows past its ttl; each place is pending at most once, the newest first.

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
pub(crate) mod limits;
mod list;
pub(crate) mod place;
pub(crate) mod pulse;
pub(crate) mod store;

#[cfg(test)]
mod tests;
