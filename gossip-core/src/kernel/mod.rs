//! What any plane may use, and that knows no plane.
//!
//! ```text
//! Context { kernel: clock, budgets, pace, randomness, counters …; tables; outbox }
//!    plane ──Intent──▶ sending ──budget, room, rumors on top──▶ Packet in the outbox
//! ```
//!
//! Laws: every packet has a class, is counted, and is charged to its budget, except for probes and answers with fewer
//! bytes than it was asked with (`tests/it/rates.rs`); peers are chosen in O(k) (`choose`).

pub(crate) mod agreement;
pub(crate) mod budget;
pub(crate) mod choose;
pub(crate) mod clock;
pub(crate) mod context;
pub(crate) mod gate;
pub(crate) mod outbox;
pub(crate) mod pace;
pub(crate) mod path;
pub(crate) mod peer;
pub(crate) mod repeats;
pub(crate) mod seeds;
pub(crate) mod sending;
pub(crate) mod telling;
