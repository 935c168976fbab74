//! Whether what members say of themselves must be signed.

use core::{fmt, str::FromStr};

/// What a node that signs hears of others. One that does not sign hears what is signed, too, and passes it on without the
/// signature: a cluster is taken to [`Accept`](Self::Accept) node by node, and then to [`Require`](Self::Require).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Signing {
    /// Members that have not signed anything yet are heard, and heard of, as anybody says. Of one that has signed, only what it
    /// signed is heard.
    #[default]
    Accept,
    /// Nothing is heard of a member but what it signed.
    Require,
}

/// The modes and their names.
const NAMES: [(Signing, &str); 2] = [(Signing::Accept, "accept"), (Signing::Require, "require")];

impl fmt::Display for Signing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(mode, _)| mode == self).map_or("", |(_, name)| name);
        f.pad(name)
    }
}

/// A text that names no mode.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct UnknownSigning;

impl fmt::Display for UnknownSigning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("use accept or require")
    }
}

impl core::error::Error for UnknownSigning {}

impl FromStr for Signing {
    type Err = UnknownSigning;

    fn from_str(name: &str) -> Result<Self, UnknownSigning> {
        NAMES.iter().find(|(_, other)| *other == name).map(|&(mode, _)| mode).ok_or(UnknownSigning)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString as _;

    #[test]
    fn a_mode_is_read_as_it_is_written() {
        for (mode, name) in NAMES {
            assert_eq!((mode.to_string().as_str(), name.parse()), (name, Ok(mode)));
        }
        assert_eq!("Require".parse::<Signing>(), Err(UnknownSigning));
    }
}
