//! Whether what members say of themselves must be signed.

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

super::named::named! {
    Signing: Accept "accept", Require "require";
    /// A text that names no mode.
    UnknownSigning "use accept or require"
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
        assert_eq!("Require".parse::<Signing>(), Err(UnknownSigning));
    }
}
