//! gossip-core
#![cfg_attr(not(feature = "std"), no_std)]
#[cfg(feature = "alloc")]
extern crate alloc;

mod config;
mod error;
mod memory;
mod metrics;
mod node;
mod outbox;
mod record;
mod rng;
mod rumors;
mod time;

pub use config::{Budgets, Cluster, Config, Mechanisms};
pub use error::{ConfigError, Malformed, Verdict};
pub use memory::{Inline, Memory};
#[cfg(feature = "alloc")]
pub use memory::Heap;
pub use metrics::{Histogram, Metrics};
pub use node::{Member, Members, Node};
pub use outbox::{Buffer, Event, Outbox, Output, Packet, Traffic};
pub use record::{Accusation, Fingerprint, Health, Identity, Incarnation, Locality, Merge, NodeId, ParseNodeIdError, Reachability, Record, Status, Versions};
pub use time::Instant;
