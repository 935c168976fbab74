//! What tests of the core share, and fuzzing with them: a small virtual network of real nodes, in virtual time, without
//! sockets and deterministic from one seed; and a forger of datagrams, which encodes what PROTOCOL.md says by itself. With the
//! feature `browser` also Chromium, for tests of pages.

#![allow(clippy::panic, reason = "tests panic")]

#[cfg(feature = "browser")]
pub mod browser;
// The simulator forges with the same code, and must not depend on a crate that is not published.
#[path = "../../../simulator/src/forge.rs"]
pub mod forge;
mod host;
mod network;
mod recovery;
mod rng;
mod setup;
mod told;
mod watch;
mod wire;

pub use host::{Host, Tally};
pub use network::{FIRST_EPOCH, Network};
pub use recovery::dropped;
pub use rng::Rng;
pub use setup::{across_seeds, cluster, form, id, lan, millis, secs, seeds};
pub use told::Told;
pub use watch::{Input, Recorder, Step, Watch};
pub use wire::{Datagram, Link};
