//! Discrete events in virtual time: hosts that run real nodes, and the network between them.
//!
//! A [`World`] owns everything. Whoever uses it lets time pass and does things to hosts and links in between;
//! a [`Watch`] sees every step. Time is in microseconds since the start of the run.

mod counts;
mod digest;
mod host;
mod keys;
mod link;
mod packets;
mod queue;
mod rule;
mod signing;
mod tamper;
mod world;

#[cfg(test)]
mod tests;

pub use counts::{Counts, SealingCounts, SigningCounts};
pub use digest::Digest;
pub use host::{Host, HostId, State};
pub(crate) use keys::bytes as key_bytes;
pub use keys::{Keys, Turn};
pub use link::{Burst, Jitter, Link, Pipe, RuleId, Zones};
pub use rule::Rule;
pub use signing::{Signers, Sybil, Trusted};
pub use world::{
    Address, Border, Epoch, Input, Newcomer, Origin, Published, Restart, Setup, Step, Watch, World,
};

/// Virtual time: microseconds since the start of the run.
pub type Micros = u64;

/// Later than anything that happens.
pub const NEVER: Micros = Micros::MAX;

/// One second of virtual time.
pub const SECOND: Micros = 1_000_000;
