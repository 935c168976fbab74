//! What whole clusters promise, one chapter a module. One program for all: each program more is the core compiled and
//! linked once more. `cargo test -p gossip-core --test it leaving::` runs one chapter.

mod support;

#[cfg(feature = "alloc")]
mod asks;
#[cfg(feature = "alloc")]
mod clocks;
#[cfg(feature = "alloc")]
mod cluster;
#[cfg(feature = "alloc")]
mod corners;
#[cfg(feature = "alloc")]
mod counters;
#[cfg(feature = "alloc")]
mod dissemination;
#[cfg(feature = "alloc")]
mod ends;
#[cfg(feature = "alloc")]
mod events;
#[cfg(feature = "alloc")]
mod faults;
#[cfg(feature = "alloc")]
mod figures;
#[cfg(feature = "alloc")]
mod floods;
#[cfg(feature = "alloc")]
mod forgery;
#[cfg(feature = "alloc")]
mod forgotten;
#[cfg(feature = "alloc")]
mod gate;
#[cfg(feature = "alloc")]
mod hostile;
mod inline;
#[cfg(feature = "alloc")]
mod isolation;
#[cfg(feature = "alloc")]
mod joining;
#[cfg(feature = "alloc")]
mod laws;
#[cfg(feature = "alloc")]
mod leaving;
#[cfg(feature = "alloc")]
mod limits;
#[cfg(feature = "alloc")]
mod moved;
#[cfg(feature = "alloc")]
mod narrow;
#[cfg(all(feature = "alloc", feature = "seal"))]
mod outsiders;
#[cfg(feature = "alloc")]
mod pulses;
#[cfg(feature = "alloc")]
mod rates;
#[cfg(feature = "alloc")]
mod repair;
#[cfg(feature = "alloc")]
mod reunion;
#[cfg(feature = "alloc")]
mod routable;
#[cfg(all(feature = "alloc", feature = "seal"))]
mod sealing;
#[cfg(feature = "alloc")]
mod shared;
#[cfg(feature = "alloc")]
mod sieves;
#[cfg(all(feature = "alloc", feature = "identity"))]
mod signing;
#[cfg(feature = "alloc")]
mod state;
#[cfg(feature = "alloc")]
mod stuck;
mod threats;
#[cfg(feature = "alloc")]
mod user_events;
mod values;
#[cfg(feature = "alloc")]
mod zones;
