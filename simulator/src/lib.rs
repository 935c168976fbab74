//! Thousands of real gossip cores in virtual time.
//!
//! The simulator runs `gossip-core`, unmodified and through its public API only, over a network and under
//! faults that it makes up. One seed decides everything: the same seed gives the same trace, byte for byte.
#![forbid(unsafe_code)]

pub mod ablate;
pub mod engine;
pub mod epidemic;
pub mod forge;
pub mod measure;
pub mod outcome;
pub mod record;
pub mod report;
mod rng;
pub mod run;
pub mod scenario;
mod seal;
pub mod statistics;
pub mod swarm;
pub mod sweep;
pub mod versus;
