//! The plane of state: what members know of each other besides who is alive.
//!
//! ```text
//!  host: publish, withdraw ──▶ own ──▶ the node's own map and state version
//!                                        │ pending: items, then heads, on rounds and pings (kernel/telling)
//!                                        ▼
//!  item ──▶ entries ──▶ map of its owner, and pending again where it was news
//!  head that is news, gap that stays ──▶ gaps ──wants──▶ answered with items
//!  value of no member ──▶ values ──▶ the one set of all nodes, and pending again if it won (tables/values)
//!  another sum of values ──▶ list ──▶ answered with values, and with keys that are asked for
//!  a first view ──▶ sweep ──ranges──▶ answered with items
//!
//!  host: pulse ──▶ pulses ──▶ told to two members, each of which tells it to two (tables/pulses)
//!  host: ask ──▶ asks ──question──▶ the member's host ──answer──▶ asks ──▶ host
//! ```
//!
//! `tables/state` explains what a copy is and why it converges, `tables/events` the events of this plane, which are told once.
//!
//! Laws: what a member publishes reaches all, however much is lost, and what it withdraws vanishes everywhere; no step
//! sends more than the budget for state (`tests/it/state.rs`). An event is delivered at most once, and reaches all whose
//! network lets it (`tests/it/user_events.rs`).
//! Pulses stay within their scope and their budget, and cost nothing while there are none (`tests/it/pulses.rs`).
//! Cluster-wide values end the same everywhere, and none that was deleted comes back within a day (`tests/it/shared.rs`).

mod asks;
pub(crate) mod entries;
pub(crate) mod events;
pub(crate) mod gaps;
pub(crate) mod own;
pub(crate) mod plane;
pub(crate) mod pulses;
mod sweep;
pub(crate) mod values;
