//! Why it is not known which keys may speak for the members, and what to do.

use crate::read_file::FileError;
use gossip_core::{IdentityError, NameError, NodeId, ParseNodeIdError};
use std::{error::Error, fmt, path::PathBuf};

/// A text that is no [`TrustSource`](crate::TrustSource). It is not repeated.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ParseTrustError {
    /// It begins as a public key, and is none.
    Key(IdentityError),
    /// It is a secret key.
    Secret,
}

impl fmt::Display for ParseTrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(error) => error.fmt(f),
            Self::Secret => f.write_str(
                "a secret key stands where a public one (gossip-node-1-…), a list or `own` belongs: give that, and make another \
                 key, since this one may have been seen",
            ),
        }
    }
}

impl Error for ParseTrustError {}

/// Why a list of keys cannot be used, and what to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum TrustError {
    /// It is refused as a whole.
    Unreadable(FileError),
    /// A line is no id and a key.
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        error: ListLineError,
    },
    /// Two lines are of one id.
    Twice {
        /// The file.
        path: PathBuf,
        /// The second of the two, counted from 1.
        line: usize,
        /// The first of the two.
        first: usize,
        /// Their id.
        id: NodeId,
    },
    /// It has more nodes than a cluster.
    TooMany {
        /// The file.
        path: PathBuf,
        /// The most nodes: [`Listed::MAX`](gossip_core::Listed::MAX).
        most: usize,
    },
    /// It has no node.
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// What is wrong with a line of a list.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ListLineError {
    /// It is not two words.
    Format,
    /// The first word is no id.
    Id(ParseNodeIdError),
    /// What stands behind `name:` is no name.
    Name(NameError),
    /// The last word is no public key.
    Key(IdentityError),
}

impl fmt::Display for ListLineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format => f.write_str(
                "a line is an id, or name: and a name, then a blank and the node's key, gossip-node-1-…",
            ),
            Self::Id(error) => write!(f, "{error}; give that, or name: and the node's name"),
            Self::Name(error) => error.fmt(f),
            Self::Key(error) => error.fmt(f),
        }
    }
}

impl Error for ListLineError {}

impl From<FileError> for TrustError {
    fn from(error: FileError) -> Self {
        Self::Unreadable(error)
    }
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |path: &PathBuf| format!("the list of keys {}", path.display());
        match self {
            Self::Unreadable(error) => error.fmt(f),
            Self::Line { path, line, error } => write!(f, "{}, line {line}: {error}", list(path)),
            Self::Twice { path, line, first, id } => write!(
                f,
                "{}, line {line}: line {first} is of {id}, too: leave the one with the node's present key",
                list(path)
            ),
            Self::TooMany { path, most } => {
                write!(f, "{}: {}", list(path), IdentityError::TooMany { most: *most })
            }
            Self::Empty { path } => {
                write!(
                    f,
                    "{} has no node: add all that are to be heard, each on a line of its own",
                    list(path)
                )
            }
        }
    }
}

impl Error for TrustError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // It is shown as itself.
            Self::Unreadable(error) => error.source(),
            _ => None,
        }
    }
}
