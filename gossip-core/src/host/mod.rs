//! What every adapter needs, once: the engine, the handle, requests, events, the epoch file, seeds.
//!
//! No runtime is involved. An adapter gives the [`Engine`] a [`Transport`] (socket and clock), calls
//! [`Engine::turn`] and waits for what the returned [`Turn`] names; it also resolves names. Everything a
//! user touches ([`Options`], [`Handle`], [`Events`], [`Watch`], [`Leave`]) is the same in all adapters.

mod board;
mod counters;
mod engine;
mod epoch;
mod error;
mod events;
mod handle;
mod leave;
mod lock;
mod options;
mod pressure;
mod receive;
mod requests;
mod seeds;
#[cfg(test)]
mod testing;
mod view;
mod watch;

pub use counters::HostMetrics;
pub use engine::{Engine, Transport, Turn};
pub use epoch::{EpochError, EpochFile};
pub use error::StartError;
pub use events::{Events, Lagged, Notice};
pub use handle::Handle;
pub use leave::{Leave, LeaveOutcome, Stopped};
pub use options::Options;
pub use seeds::{LOOKUP_TIMEOUT, ParseSeedError, Seed};
pub use view::MemberView;
pub use watch::Watch;
