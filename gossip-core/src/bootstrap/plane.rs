//! The plane of bootstrap: how this node comes in, and lets others in.

use crate::{
    bootstrap::{admission::Admission, join::Joining},
    vocabulary::{config::Config, time::Instant},
};

/// Its state; the files of this folder are its parts.
#[derive(Clone)]
pub(crate) struct Bootstrap {
    pub(crate) joining: Joining,
    pub(crate) admission: Admission,
}

impl Bootstrap {
    pub(crate) fn new(config: &Config, now: Instant) -> Self {
        Self { joining: Joining::new(), admission: Admission::new(config, now) }
    }
}
