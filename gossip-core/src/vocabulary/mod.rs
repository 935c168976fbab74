//! The ground floor: the types that everything else is expressed in.
//!
//! Ids, addresses, records and their merge; time and randomness; traffic classes and bounds; knobs, counters and
//! refusals. Nothing here knows of tables, datagrams or other nodes.
//!
//! Laws: a merge is a join, so the order of news does not matter (`record/tests.rs`); a configuration that validates is
//! within every bound (`tests/it/limits.rs`).

pub(crate) mod address;
pub(crate) mod ask;
pub(crate) mod bounds;
pub(crate) mod codec;
pub(crate) mod config;
pub(crate) mod diagnostics;
pub(crate) mod endpoint;
pub(crate) mod error;
pub(crate) mod key;
pub(crate) mod metrics;
pub(crate) mod name;
#[cfg(feature = "seal")]
mod named;
pub(crate) mod record;
pub(crate) mod rng;
#[cfg(feature = "seal")]
pub(crate) mod sealing;
#[cfg(feature = "identity")]
pub(crate) mod signing;
pub(crate) mod time;
pub(crate) mod traffic;
mod words;
