//! What every adapter needs, once: the engine, the handle, requests, events, the files of epoch and view, seeds.
//!
//! No runtime is involved. An adapter gives the [`Engine`] a [`Transport`] (socket and clock), calls
//! [`Engine::turn`] and waits for what the returned [`Turn`] names; one that can await readiness
//! ([`AsyncTransport`]) leaves that to [`drive`]. Everything a user touches ([`Options`], [`Handle`],
//! [`Events`], [`Watch`], [`Leave`]) is the same in all adapters; [`prelude`] is what each of them exports as its own.
//!
//! # What can hold up a node
//!
//! Not what a host does with what it was given, however slow it is: events wait in a ring of
//! [`Options::event_capacity`] places and tell a subscriber that falls behind how many it missed, views are copies, and requests
//! have one slot for each kind. But a few things run on the driver's own thread, and must not block:
//!
//! * the wakers of the tasks that wait for a handle's futures;
//! * the logger behind the features `log` and `tracing`;
//! * where the driver shares its thread (tokio's current-thread runtime, smol's `LocalExecutor`, a mio loop), everything
//!   else that runs there. A task that writes to a pipe that is not read stops the node until it is: give such
//!   work its own thread, behind a bounded queue.

mod ask;
mod ask_error;
mod asks;
mod board;
mod clock;
mod cluster;
mod cluster_value;
mod cluster_watch;
mod counters;
mod deny;
mod drive;
mod engine;
mod epoch;
mod error;
mod events;
mod file;
mod forget;
mod handle;
#[cfg(feature = "identity")]
mod identity;
#[cfg(feature = "identity")]
mod identity_error;
mod jitter;
mod join;
mod keeper;
mod kept;
mod key;
mod key_watch;
#[cfg(feature = "seal")]
mod keys;
#[cfg(feature = "seal")]
mod keys_error;
mod leave;
mod lock;
mod notice;
mod options;
pub mod prelude;
mod pressure;
#[cfg(feature = "prometheus")]
pub mod prometheus;
mod pulses;
#[cfg(feature = "seal")]
mod read_file;
mod receive;
mod requests;
mod ring;
#[cfg(feature = "seal")]
mod sealing;
mod seeds;
mod shared;
#[cfg(feature = "identity")]
mod signing;
mod stopped;
#[cfg(test)]
mod testing;
mod threads;
mod transport;
#[cfg(feature = "identity")]
mod trust;
#[cfg(feature = "identity")]
mod trust_error;
mod user_event;
mod user_events;
mod value;
mod view;
mod view_file;
mod watch;
mod write;

pub use ask::{Ask, Question, Questions};
pub use ask_error::AskError;
pub use bytes::Bytes;
pub use clock::Clock;
pub use cluster::Cluster;
pub use cluster_value::ClusterValue;
pub use cluster_watch::{ClusterChange, ClusterWatch};
pub use counters::HostMetrics;
pub use deny::DenyError;
pub use drive::{AsyncTransport, drive};
pub use engine::{Engine, Turn};
pub use epoch::{EpochError, EpochFile};
pub use error::StartError;
pub use events::Events;
pub use forget::ForgetError;
pub use handle::Handle;
#[cfg(feature = "identity")]
pub use identity::{IdentityFile, IdentityKey};
#[cfg(feature = "identity")]
pub use identity_error::IdentityFileError;
pub use join::{NotJoined, WaitJoined};
pub use key::{DecodeError, Key};
pub use key_watch::{Change, KeyWatch, WatchError};
#[cfg(feature = "seal")]
pub use keys::{KeyFile, Keys};
#[cfg(feature = "seal")]
pub use keys_error::{KeyFileError, KeysError};
pub use leave::Leave;
pub use notice::{Lagged, Notice};
pub use options::Options;
pub use pulses::Pulse;
#[cfg(feature = "seal")]
pub use read_file::{FileError, FileFault};
#[cfg(feature = "seal")]
pub use sealing::{KeysView, SetKeysError};
pub use seeds::{ParseSeedError, Seed, UnresolvedSeed};
#[cfg(feature = "identity")]
pub use signing::{SetIdentityError, SigningView};
pub use stopped::{LeaveError, Left, Stopped};
pub use transport::Transport;
#[cfg(feature = "identity")]
pub use trust::{TrustSource, TrustedKeys};
#[cfg(feature = "identity")]
pub use trust_error::{ListLineError, ParseTrustError, TrustError};
pub use user_event::UserEvent;
pub use user_events::UserEvents;
pub use value::{PublishError, Value};
pub use view::MemberView;
pub use view_file::{Restored, ViewError};
pub use watch::Watch;
