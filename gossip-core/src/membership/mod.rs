//! The plane of membership: who is alive, and what this node says of itself.
//!
//! ```text
//! detector ──a probe fails──▶ suspicion ──time runs out──▶ judgement ──▶ Dead      news: what others say
//!     │ ▲                        ▲                            ▲                    identity: what we say
//!     ▼ │                        │                            │                    heal: reconnect attempts
//!  relays, recheck           damping            quarantine, standing (reasons to wait)
//!                                                                                  tombstones: the dead, until forgotten
//! ```
//!
//! Laws: no member is declared dead that this node has not failed to reach itself, nor while its own trouble or a
//! broken path can explain the silence (`tests/it/isolation.rs`, `tests/it/zones.rs`); every crash is found
//! (`tests/it/cluster.rs`); only its owner raises an incarnation (`tests/it/forgery.rs`).

pub(crate) mod checks;
pub(crate) mod damping;
pub(crate) mod detector;
pub(crate) mod duplicates;
pub(crate) mod heal;
pub(crate) mod identity;
pub(crate) mod judgement;
pub(crate) mod news;
pub(crate) mod plane;
pub(crate) mod quarantine;
pub(crate) mod recheck;
pub(crate) mod relays;
pub(crate) mod sightings;
pub(crate) mod standing;
pub(crate) mod suspicion;
mod tombstones;
pub(crate) mod transitions;
