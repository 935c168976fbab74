//! What a node keeps: memory that is handed over once, and lent to the protocol as slices.
//!
//! ```text
//! Memory (Inline, Heap) ──▶ Tables { members, rumors, suspicions }      and beside them, sized for as many:
//!                                                                         changes, contacts, round trips
//! ```
//!
//! Laws: nothing but the functions of `records` changes a record, so fingerprints, rings, index and kept state cannot
//! fall behind; every operation is O(1) or O(k). What an operation takes for granted, and what it leaves behind, it
//! asserts in debug builds where that is O(1). Proven against plain models (`table/tests.rs`), and by `Node::check`
//! after every step under `cfg(fuzzing)`. No step allocates (`tests/allocation.rs`).

pub(crate) mod changes;
pub(crate) mod contacts;
pub(crate) mod events;
pub(crate) mod memory;
pub(crate) mod pace;
#[cfg(not(feature = "identity"))]
#[path = "unproven.rs"]
pub(crate) mod proofs;
#[cfg(feature = "identity")]
pub(crate) mod proofs;
pub(crate) mod pulses;
pub(crate) mod queue;
pub(crate) mod records;
#[cfg(feature = "seal")]
pub(crate) mod replay;
pub(crate) mod rtt;
pub(crate) mod state;
pub(crate) mod table;
pub(crate) mod values;
