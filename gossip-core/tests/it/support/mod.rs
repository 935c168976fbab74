//! A small virtual network of real nodes: virtual time, no sockets, deterministic from one seed.

#![allow(dead_code, unused_imports, reason = "every test file uses its own share of this module")]

pub(crate) mod forge;
mod host;
mod network;
mod recovery;
mod rng;
mod setup;
mod told;
mod watch;
mod wire;

pub(crate) use host::{Host, Tally};
pub(crate) use network::Network;
pub(crate) use recovery::dropped;
pub(crate) use rng::Rng;
pub(crate) use setup::{cluster, form, id, lan, millis, secs, seeds};
#[cfg(feature = "alloc")]
pub(crate) use setup::{formed, network};
pub(crate) use told::Told;
pub(crate) use watch::{Input, Recorder, Step, Watch};
pub(crate) use wire::{Datagram, Link};
