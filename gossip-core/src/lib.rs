//! gossip-core
#![forbid(unsafe_code)]
#![cfg_attr(not(any(test, feature = "std")), no_std)]
#[cfg(feature = "alloc")]
extern crate alloc;

mod admission;
mod auth;
mod budget;
mod choose;
mod clock;
mod config;
mod detector;
mod error;
mod gossip;
#[cfg(feature = "std")]
pub mod host;
mod join;
mod life;
mod memory;
mod metrics;
mod news;
mod node;
mod outbox;
mod record;
mod rng;
mod rtt;
mod rumors;
mod step;
mod suspicion;
mod table;
mod time;
mod wire;

pub use config::{Budgets, Cluster, Config, Mechanisms};
pub use error::{ConfigError, Malformed, Verdict};
#[cfg(feature = "alloc")]
pub use memory::Heap;
pub use memory::{Inline, Memory};
pub use metrics::{Histogram, Metrics};
pub use node::{Member, Members, Node};
pub use outbox::{Buffer, Event, Outbox, Output, Packet, Traffic};
pub use record::{
    Accusation, Fingerprint, Health, Identity, Incarnation, Locality, Merge, NodeId, ParseNodeIdError,
    Reachability, Record, Status, Versions,
};
pub use time::Instant;
