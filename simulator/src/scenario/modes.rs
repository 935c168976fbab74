//! Words of sealing, as files spell them.

use crate::engine::Turn;
use gossip_core::Sealing;
use serde::Deserialize;

/// How far hosts are on the way from clear to sealed: [`Sealing`], as files spell it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// In the clear.
    #[default]
    Off,
    /// Speaks in the clear, and hears both.
    Accept,
    /// Speaks sealed, and hears both.
    Prefer,
    /// Sealed alone.
    Require,
}

impl From<Mode> for Sealing {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Off => Self::Off,
            Mode::Accept => Self::Accept,
            Mode::Prefer => Self::Prefer,
            Mode::Require => Self::Require,
        }
    }
}

/// A step of a rotation, as files spell it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rotate {
    /// The next key is added as the second.
    Add,
    /// The second key becomes the first.
    Promote,
    /// All but the first are removed.
    Remove,
}

impl From<Rotate> for Turn {
    fn from(rotate: Rotate) -> Self {
        match rotate {
            Rotate::Add => Self::Add,
            Rotate::Promote => Self::Promote,
            Rotate::Remove => Self::Remove,
        }
    }
}
