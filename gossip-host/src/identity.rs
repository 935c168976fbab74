//! A node's signing key and its certificate, in a file.
//!
//! ```text
//! # Anything behind a # is a comment.
//! gossip-identity-1-8f0c…9c35      # the node's signing key, a secret
//! gossip-certificate-1-77d2…01e4   # an authority's word for it, if there is one
//! ```

use crate::{
    file,
    identity_error::IdentityFileError,
    read_file::{Role, lines},
};
use gossip_core::{Certificate, SigningKey};
use std::{
    io,
    path::{Path, PathBuf},
};

/// What a node signs with, and what vouches for it.
#[derive(Debug)]
pub struct IdentityKey {
    /// Its signing key.
    pub key: SigningKey,
    /// An authority's certificate of that key. Nobody has verified it.
    pub certificate: Option<Certificate>,
}

/// A file of a node's signing key, `gossip-identity-1-` and 64 hexadecimal digits on a line, and, where an authority vouches for
/// the node, of its certificate on another line. What stands behind a `#` does not count. Only its owner may read and write it.
///
/// Each node has a file of its own. An authority's is of the same form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IdentityFile {
    path: PathBuf,
}

impl IdentityFile {
    /// The most bytes that it may have.
    pub const MAX_BYTES: usize = 1 << 16;

    const ROLE: Role = Role {
        name: "identity file",
        max_bytes: Self::MAX_BYTES,
        content: "a signing key and at most a certificate",
        is_secret: true,
        remedy: "if somebody may have read it, make another key",
    };

    /// The file at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in it, as it is now. May block.
    ///
    /// # Errors
    /// The file cannot be used.
    pub fn load(&self) -> Result<IdentityKey, IdentityFileError> {
        self.parse(&Self::ROLE.read_secret(&self.path)?)
    }

    /// Makes the file, with this text, which only its owner may read and write; and returns what [`load`](Self::load) will. Blocks
    /// until it is on the disk.
    ///
    /// # Errors
    /// There is something at its path already, the text could not be loaded, or the file cannot be written. Nothing has changed.
    pub fn create(&self, text: &str) -> Result<IdentityKey, IdentityFileError> {
        Self::ROLE.check_path(&self.path)?;
        let loaded = self.parse(text.as_bytes())?;
        let path = || self.path.clone();
        match file::create_secret(&self.path, text.as_bytes()) {
            Ok(()) => Ok(loaded),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(IdentityFileError::Exists { path: path() })
            }
            Err(source) => Err(IdentityFileError::Write { path: path(), source }),
        }
    }

    fn parse(&self, text: &[u8]) -> Result<IdentityKey, IdentityFileError> {
        let (mut key, mut certificate) = (None, None);
        let path = || self.path.clone();
        for (line, content) in lines(text) {
            let wrong = |error| IdentityFileError::Line { path: path(), line, error };
            let content = str::from_utf8(content).unwrap_or_default();
            let is_second = if content.starts_with("gossip-identity-") {
                key.replace(SigningKey::parse(content).map_err(wrong)?).is_some()
            } else if content.starts_with("gossip-certificate-") {
                certificate.replace(Certificate::parse(content).map_err(wrong)?).is_some()
            } else {
                return Err(IdentityFileError::Unknown { path: path(), line });
            };
            if is_second {
                return Err(IdentityFileError::Second { path: path(), line });
            }
        }
        let key = key.ok_or_else(|| IdentityFileError::NoKey { path: path() })?;
        if certificate.is_some_and(|certificate: Certificate| certificate.key() != Ok(key.public())) {
            return Err(IdentityFileError::OtherKey { path: path() });
        }
        Ok(IdentityKey { key, certificate })
    }
}

#[cfg(test)]
mod tests;
