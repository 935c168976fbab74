//! How keys are told apart, and how far a cluster is on its way from clear to sealed.

use core::fmt;

/// Which key: 1 to 127. It follows from the key, so no configuration can give one id to two keys by mistake.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct KeyId(pub(crate) u8);

impl KeyId {
    /// The most that an id may be.
    pub const MAX: u8 = 127;

    /// The id as a number.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// The id that a header has; `None` for 0, which stands for the clear, and above 127.
    pub(crate) const fn from_u8(id: u8) -> Option<Self> {
        if id == 0 || id > Self::MAX { None } else { Some(Self(id)) }
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}", self.0)
    }
}

/// How far a cluster is on its way from clear to sealed. Neighbours understand each other, so a cluster is taken from one to the
/// next node by node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Sealing {
    /// Speaks and hears in the clear alone.
    #[default]
    Off,
    /// Speaks in the clear, and hears both.
    Accept,
    /// Speaks sealed, and hears both.
    Prefer,
    /// Speaks and hears sealed alone.
    Require,
}

impl Sealing {
    /// Whether what a node sends is sealed.
    pub const fn seals(self) -> bool {
        matches!(self, Self::Prefer | Self::Require)
    }

    /// Whether datagrams in the clear are heard.
    pub const fn hears_clear(self) -> bool {
        !matches!(self, Self::Require)
    }

    /// Whether sealed datagrams are heard.
    pub const fn hears_sealed(self) -> bool {
        !matches!(self, Self::Off)
    }

    /// Whether two nodes in these modes hear each other: those in the same mode do, and those one step apart.
    pub const fn understands(self, other: Self) -> bool {
        self.hears(other) && other.hears(self)
    }

    const fn hears(self, other: Self) -> bool {
        if other.seals() { self.hears_sealed() } else { self.hears_clear() }
    }

    /// The last step before this mode, on the way from another one.
    #[cfg(feature = "seal")]
    pub(crate) fn step_before(self, from: Self) -> Self {
        match (self, from < self) {
            (Self::Accept, true) => Self::Off,
            (Self::Prefer, true) | (Self::Off, _) => Self::Accept,
            (Self::Require, _) | (Self::Accept, false) => Self::Prefer,
            (Self::Prefer, false) => Self::Require,
        }
    }
}

super::named::named! {
    Sealing: Off "off", Accept "accept", Prefer "prefer", Require "require";
    /// A text that names no mode.
    UnknownSealing "use off, accept, prefer or require"
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString as _;

    #[test]
    fn a_mode_is_read_as_it_is_written() {
        for &(mode, name) in NAMES {
            assert_eq!((mode.to_string().as_str(), name.parse()), (name, Ok(mode)));
        }
        assert_eq!("Require".parse::<Sealing>(), Err(UnknownSealing));
    }
}
