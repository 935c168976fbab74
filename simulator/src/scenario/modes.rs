//! Words of sealing and signing, as files spell them.

use crate::engine::{Sybil, Turn};
use gossip_core::{Sealing, Signing};
use serde::Deserialize;

/// How far hosts are on the way from clear to sealed: [`Sealing`], as files spell it. Or to signed: then they sign, and hear what
/// is not signed ([`Accept`](Self::Accept)) or do not.
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

impl Mode {
    /// What hosts ask of others, if they sign.
    ///
    /// # Errors
    /// A mode of sealing alone.
    pub fn signing(self) -> Result<Option<Signing>, String> {
        match self {
            Self::Off => Ok(None),
            Self::Accept => Ok(Some(Signing::Accept)),
            Self::Require => Ok(Some(Signing::Require)),
            Self::Prefer => {
                Err("\"prefer\" is a mode of sealing: whoever signs has \"accept\" or \"require\"".into())
            }
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

/// [`Sybil`], as files spell it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SybilWord {
    /// It signs nothing.
    Unsigned,
    /// It signs, certified by an authority of its own making.
    SelfCertified,
}

impl From<SybilWord> for Sybil {
    fn from(word: SybilWord) -> Self {
        match word {
            SybilWord::Unsigned => Self::Unsigned,
            SybilWord::SelfCertified => Self::SelfCertified,
        }
    }
}
