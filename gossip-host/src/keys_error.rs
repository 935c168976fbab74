//! Why keys cannot be had, and what to do.

use crate::read_file::FileError;
use gossip_core::{KeyError, KeyId};
use std::{error::Error, fmt, io, path::PathBuf};

/// Why keys cannot be had. What a node has stays.
#[derive(Debug)]
#[non_exhaustive]
pub enum KeysError {
    /// The file cannot be used.
    File(KeyFileError),
    /// Another source of keys has failed.
    Other(Box<dyn Error + Send + Sync>),
}

impl fmt::Display for KeysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(f),
            Self::Other(error) => error.fmt(f),
        }
    }
}

impl Error for KeysError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // Both are shown as themselves.
        match self {
            Self::File(error) => error.source(),
            Self::Other(error) => error.source(),
        }
    }
}

impl From<KeyFileError> for KeysError {
    fn from(error: KeyFileError) -> Self {
        Self::File(error)
    }
}

/// Why a file of keys cannot be used or changed, and what to do. It shows nothing of what is in the file.
#[derive(Debug)]
#[non_exhaustive]
pub enum KeyFileError {
    /// It is refused as a whole.
    Unreadable(FileError),
    /// It cannot be written.
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line is no key, or has a key that stands above it, or the id of one.
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        error: KeyError,
    },
    /// It has no key, or too many.
    Ring {
        /// The file.
        path: PathBuf,
        /// Which of the two.
        error: KeyError,
    },
    /// The key to be added is none, is there already, or has the id of one that is there.
    Added {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: KeyError,
    },
    /// It has no key of this id.
    NoSuchKey {
        /// The file.
        path: PathBuf,
        /// The id.
        id: KeyId,
    },
    /// The key to be removed is the one that seals.
    Seals {
        /// The file.
        path: PathBuf,
        /// The key's id.
        id: KeyId,
        /// Whether there is another one.
        is_only: bool,
    },
}

impl From<FileError> for KeyFileError {
    fn from(error: FileError) -> Self {
        Self::Unreadable(error)
    }
}

impl fmt::Display for KeyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => error.fmt(f),
            Self::Write { path, .. } => write!(
                f,
                "cannot write the key file {}, which is as it was: name a file in a directory that exists and is writable",
                path.display()
            ),
            Self::Line { path, line, error } => {
                write!(f, "the key file {}, line {line}: {error}", path.display())
            }
            Self::Ring { path, error: KeyError::None } => {
                write!(f, "the key file {} has no key: add one, on a line of its own", path.display())
            }
            Self::Ring { path, error } => write!(f, "the key file {}: {error}", path.display()),
            Self::Added { path, error: KeyError::SameKey(id) } => {
                write!(
                    f,
                    "nothing is added to the key file {}, which has the key {id} already",
                    path.display()
                )
            }
            Self::Added { path, error } => {
                write!(f, "nothing is added to the key file {}: {error}", path.display())
            }
            Self::NoSuchKey { path, id } => write!(f, "the key file {} has no key {id}", path.display()),
            Self::Seals { path, id, is_only: true } => write!(
                f,
                "{id} is the only key of the key file {}: add another one, and make that the first, before this one goes",
                path.display()
            ),
            Self::Seals { path, id, is_only: false } => write!(
                f,
                "{id} is the first key of the key file {}, the one that seals: make another one the first before it goes",
                path.display()
            ),
        }
    }
}

impl Error for KeyFileError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // It is shown as itself.
            Self::Unreadable(error) => error.source(),
            Self::Write { source, .. } => Some(source),
            _ => None,
        }
    }
}
