//! Why keys cannot be had, and what to do.

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
    /// It cannot be read.
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It cannot be written.
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is a directory, a pipe or a device.
    NotRegular {
        /// The file.
        path: PathBuf,
    },
    /// Users other than its owner may read or write it.
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It is longer than [`KeyFile::MAX_BYTES`](crate::KeyFile::MAX_BYTES).
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// A line is no key, or has the id of a key above it.
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
    /// The key to be added is none, or has the id of one that is there.
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

impl KeyFileError {
    fn path(&self) -> &PathBuf {
        match self {
            Self::Read { path, .. }
            | Self::Write { path, .. }
            | Self::NotRegular { path }
            | Self::Exposed { path, .. }
            | Self::TooLong { path }
            | Self::Line { path, .. }
            | Self::Ring { path, .. }
            | Self::Added { path, .. }
            | Self::NoSuchKey { path, .. }
            | Self::Seals { path, .. } => path,
        }
    }
}

impl fmt::Display for KeyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path().display();
        // Wherever it came from, it is not repeated.
        if self.path().to_string_lossy().contains("gossip-key-") {
            return f.write_str(
                "a key stands where the path of the file with it belongs: give the path, and take another key, since this one may \
                 have been seen",
            );
        }
        match self {
            Self::Read { .. } => write!(f, "cannot read the key file {path}"),
            Self::Write { .. } => write!(
                f,
                "cannot write the key file {path}, which is as it was: name a file in a directory that exists and is writable"
            ),
            Self::NotRegular { .. } => write!(f, "the key file {path} is no regular file: name one"),
            Self::Exposed { mode, .. } => write!(
                f,
                "others than its owner may read or write the key file {path} (mode {mode:03o}): `chmod 600 {path}`, and if \
                 somebody may have read it, rotate its keys"
            ),
            Self::TooLong { .. } => write!(
                f,
                "the key file {path} is longer than {} bytes: give one with keys alone, one a line",
                crate::KeyFile::MAX_BYTES
            ),
            Self::Line { line, error, .. } => write!(f, "the key file {path}, line {line}: {error}"),
            Self::Ring { error: KeyError::None, .. } => {
                write!(f, "the key file {path} has no key: add one, on a line of its own")
            }
            Self::Ring { error, .. } => write!(f, "the key file {path}: {error}"),
            Self::Added { error, .. } => write!(f, "nothing is added to the key file {path}: {error}"),
            Self::NoSuchKey { id, .. } => write!(f, "the key file {path} has no key {id}"),
            Self::Seals { id, is_only: true, .. } => write!(
                f,
                "{id} is the only key of the key file {path}: add another one, and make that the first, before this one goes"
            ),
            Self::Seals { id, is_only: false, .. } => write!(
                f,
                "{id} is the first key of the key file {path}, the one that seals: make another one the first before it goes"
            ),
        }
    }
}

impl Error for KeyFileError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Read { source, .. } | Self::Write { source, .. } => Some(source),
            _ => None,
        }
    }
}
