//! The control interface: what a running agent can be asked and told, over a Unix socket of its machine and, if that is asked
//! for, over TCP.
//!
//! ```text
//! gossip members ──HTTP/1.1, JSON──▶ socket ────────────▶ server (a thread of its own) ──▶ routes ──▶ Handle
//! browser, curl ───HTTP/1.1, JSON──▶ TCP port ─▶ access ──▶                                  └──▶ Orders ──▶ the agent's loop
//! ```
//!
//! The protocol runs on another thread: whoever asks much, or reads slowly, holds up himself alone. Connections, requests and
//! answers are bounded; see [`server`].

mod access;
mod agent;
pub(crate) mod api;
mod changes;
mod deny;
mod failure;
mod feed;
mod forget;
mod keys;
mod members;
mod metrics;
mod page;
mod reach;
mod round_trips;
mod routes;
mod server;
mod setup;
pub(crate) mod socket;
mod streams;
pub(crate) mod token;
mod unread;
mod values;

pub(crate) use agent::Orders;
pub(crate) use feed::answer_views;
pub(crate) use reach::answer_reach;
#[cfg(test)]
use routes::document;
pub(crate) use setup::Control;

use agent::{Agent, BYTES};

#[cfg(test)]
mod schemas;
