//! Why a file of a node's identity is refused, and what to do.

use crate::read_file::FileError;
use gossip_core::{CertificateError, IdentityError};
use std::{error::Error, fmt, io, path::PathBuf};

/// Why a file of a node's identity cannot be used or made, and what to do. It shows nothing of what is in the file.
#[derive(Debug)]
#[non_exhaustive]
pub enum IdentityFileError {
    /// It is refused as a whole.
    Unreadable(FileError),
    /// It is to be made, and there is something at its path.
    Exists {
        /// The path.
        path: PathBuf,
    },
    /// It cannot be written.
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line is not what it begins as.
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        error: IdentityError,
    },
    /// A line is neither a signing key nor a certificate.
    Unknown {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// A line is a second signing key, or a second certificate.
    Second {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// It has no signing key.
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// Its certificate is not of its signing key.
    OtherKey {
        /// The file.
        path: PathBuf,
    },
}

impl From<FileError> for IdentityFileError {
    fn from(error: FileError) -> Self {
        Self::Unreadable(error)
    }
}

impl fmt::Display for IdentityFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = |path: &PathBuf| format!("the identity file {}", path.display());
        match self {
            Self::Unreadable(error) => error.fmt(f),
            Self::Exists { path } => write!(
                f,
                "{} exists, and is not overwritten, since its key would be lost: name another, or move this one away",
                path.display()
            ),
            Self::Write { path, .. } => write!(
                f,
                "cannot write {}: name a file in a directory that exists and is writable",
                file(path)
            ),
            Self::Line { path, line, error } => write!(f, "{}, line {line}: {error}", file(path)),
            Self::Unknown { path, line } => write!(
                f,
                "{}, line {line}: it is neither a signing key (gossip-identity-1-…) nor a certificate (gossip-certificate-1-…): \
                 remove it, or put a # before it",
                file(path)
            ),
            Self::Second { path, line } => write!(
                f,
                "{}, line {line}: there is another one of these above it: leave one signing key, and at most one certificate",
                file(path)
            ),
            Self::NoKey { path } => {
                write!(f, "{} has no signing key: add it, on a line of its own", file(path))
            }
            Self::OtherKey { path } => write!(f, "{}: {}", file(path), CertificateError::OtherKey),
        }
    }
}

impl Error for IdentityFileError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // It is shown as itself.
            Self::Unreadable(error) => error.source(),
            Self::Write { source, .. } => Some(source),
            _ => None,
        }
    }
}
