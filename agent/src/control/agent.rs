//! The agent, as its control interface sees it.

use super::{api::AnswersAt, feed::Feed, reach::Turn, unread::SlowReaders};
use crate::{configuration::reload::KeysOrder, locality::Place};
use adapter_tokio::{Bytes, Handle, Key};
use std::sync::Arc;
use tokio::sync::{broadcast, mpsc, watch};

/// Keys that are given as text hold its bytes.
pub(super) const BYTES: Key<Bytes> = Key::raw("bytes");

/// What the agent's loop is told to do.
#[derive(Debug)]
pub(crate) enum Orders {
    /// To leave, and to end.
    Leave,
    /// To read the file of keys again.
    ReloadKeys(KeysOrder),
}

/// The agent, as far as the control interface sees it.
#[derive(Clone)]
pub(crate) struct Agent {
    pub(crate) handle: Handle,
    pub(crate) name: String,
    pub(crate) cluster: String,
    pub(crate) place: Place,
    pub(crate) orders: mpsc::Sender<Orders>,
    /// All that the agent prints, as JSON.
    pub(crate) lines: broadcast::Sender<Arc<str>>,
    /// Closed when the agent ends: then streams end, too.
    pub(crate) ending: watch::Receiver<()>,
    /// Where it is served.
    pub(crate) answers_at: AnswersAt,
    /// What happens around it, in the format of recordings.
    pub(crate) feed: Feed,
    /// Who asks other members whom they reach.
    pub(crate) turn: Turn,
    /// How many slow readers it has cut off.
    pub(crate) slow_readers: SlowReaders,
}
