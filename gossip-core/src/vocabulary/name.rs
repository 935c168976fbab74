//! The one rule for the names of nodes and clusters.

use core::fmt;

/// The most bytes of a name.
pub(crate) const MAX_NAME_BYTES: usize = 255;

/// What is wrong with the name of a node or a cluster.
///
/// A name has 1 to 255 bytes of UTF-8, no control characters, and no white space at either end. Two names are the same
/// if their bytes are: upper and lower case differ, and so do composed and decomposed letters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum NameError {
    /// It is empty.
    Empty,
    /// It has more than 255 bytes.
    TooLong {
        /// How many it has.
        bytes: usize,
    },
    /// It begins or ends with white space.
    Blank,
    /// It contains a control character, such as a tab or the end of a line.
    Control {
        /// The character.
        character: char,
    },
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a name has 1 to {MAX_NAME_BYTES} bytes, no control characters and no blank at either end; "
        )?;
        match self {
            Self::Empty => f.write_str("this one is empty"),
            Self::TooLong { bytes } => write!(f, "this one has {bytes} bytes"),
            Self::Blank => f.write_str("this one begins or ends with a blank"),
            Self::Control { character } => write!(f, "this one contains U+{:04X}", u32::from(*character)),
        }
    }
}

impl core::error::Error for NameError {}

/// The bytes of a name that keeps to the rule. All that a name is used for is a hash of them.
pub(crate) fn bytes_of(name: &str) -> Result<&[u8], NameError> {
    if name.is_empty() {
        Err(NameError::Empty)
    } else if name.len() > MAX_NAME_BYTES {
        Err(NameError::TooLong { bytes: name.len() })
    } else if let Some(character) = name.chars().find(|c| c.is_control()) {
        Err(NameError::Control { character })
    } else if name.trim() != name {
        Err(NameError::Blank)
    } else {
        Ok(name.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ClusterName, ConfigError, NodeId};

    #[test]
    fn nodes_and_clusters_follow_one_rule_for_names() {
        let long = [b'x'; MAX_NAME_BYTES + 1];
        let long = core::str::from_utf8(&long).unwrap();
        for (name, error) in [
            ("", NameError::Empty),
            (long, NameError::TooLong { bytes: 256 }),
            (" a", NameError::Blank),
            ("a\u{a0}", NameError::Blank),
            ("a\nb", NameError::Control { character: '\n' }),
            ("a\n", NameError::Control { character: '\n' }),
            ("\u{9b}31m", NameError::Control { character: '\u{9b}' }),
        ] {
            assert_eq!(NodeId::from_name(name), Err(error), "{name:?}");
            assert_eq!(ClusterName::named(name), Err(ConfigError::ClusterName(error)), "{name:?}");
        }
        for name in ["a", &long[1..], "db 1", "größe", "日本", "a/b:c"] {
            assert!(NodeId::from_name(name).is_ok() && ClusterName::named(name).is_ok(), "{name:?}");
        }
    }
}
