//! The top floor: the public steps, and the one place that knows every plane.
//!
//! ```text
//!              Node::handle_datagram ──▶ dispatch ─┐                       ┌─▶ membership
//! host ──step─▶ Node::tick ────────────▶ schedule ─┼─▶ Step { planes, cx } ┼─▶ dissemination
//!              Node::restore ──────────▶ restore ──┘                       └─▶ bootstrap
//! ```
//!
//! Planes know nothing of each other: what one has to tell another is a value that passes through here.
//!
//! Laws: one seed and one sequence of inputs give one sequence of outputs; random histories keep every law after
//! every step (`tests/it/laws.rs`).

pub(crate) mod api;
mod ask;
mod dispatch;
mod forget;
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzzing;
mod gate;
#[cfg(feature = "seal")]
mod keys;
pub(crate) mod members;
pub(crate) mod pulses;
mod refusal;
mod restore;
mod schedule;
#[cfg(feature = "identity")]
pub(crate) mod signing;
pub(crate) mod state;
mod step;
pub(crate) mod values;
mod warnings;
