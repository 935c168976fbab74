//! What everything else is said in: ids, records, time, randomness, errors, counters and configuration.

pub(crate) mod config;
pub(crate) mod diagnostics;
pub(crate) mod endpoint;
pub(crate) mod error;
pub(crate) mod metrics;
pub(crate) mod name;
pub(crate) mod record;
pub(crate) mod rng;
pub(crate) mod time;
