//! User events: one-shot messages of a member to all others, each delivered at most once.
//!
//! An event is named by its origin, the origin's epoch and a sequence number. A node that hears one for the first time delivers
//! it to its host and tells it on: whole a few times, then by its head, after which others ask for it if it is news to them.
//!
//! ```text
//!  send ───▶ ring of payloads ──▶ take ──▶ wholes, then heads          ask, wants ──▶ Want
//!              ▲        │                                               ▲
//!  hear ──▶ places      └───────▶ missing ──▶ what a Want lacks       places
//! ```
//!
//! **At most once.** A place a member and epoch keeps the newest sequence number that was heard, and which of the 63 before it
//! were. A place is kept for [`TTL`](limits::TTL) and [`SLACK`](limits::SLACK) after the last event that it noted, and after
//! that until another origin needs it; and no event is taken whose age is the ttl or more. So while a copy may come, its place
//! is there. An earlier life of this node
//! may have delivered what is older than this life, so none of that is taken. And an event without a place, behind the 63,
//! or of an epoch before the newest heard, is dropped. Where *once* and *at most once* cannot both be had, an event is lost.
//!
//! All of that rests on ages. An age is told as the time since the event was born, and each teller can only miss the
//! time in which a datagram was on its way: `SLACK` is how much may be missed in all. A host must handle datagrams that
//! waited longer than that, as behind a pause of its process, as so much older.
//!
//! **Bounds.** An origin sends one event a second, and a burst of eight. Whoever hears takes so many bytes a second in all; what
//! exceeds that is not noted, so it may be taken later. Places, payloads and what is asked for are bounded by memory that is
//! lent. Every operation takes time in proportion to the events and places there are, and none allocates.
//!
//! Laws, proven over random histories with copies, lost and reordered datagrams, wrong ages, restarts and few places: what
//! becomes of each copy is what a plain model says (`tests/model.rs`); no event is delivered twice, not even in two lives,
//! and once nothing is lost any more, all hear what can be heard (`tests/world.rs`).

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

mod asked;
#[cfg(any(fuzzing, test))]
mod check;
pub(crate) mod event;
pub(crate) mod limits;
pub(crate) mod places;
pub(crate) mod queue;
pub(crate) mod ring;
pub(crate) mod store;

#[cfg(test)]
mod tests;
