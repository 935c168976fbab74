//! Where a cluster's keys come from: a file, unless a host brings a source of its own.
//!
//! ```text
//! # Anything behind a # is a comment.
//! gossip-key-1-8f0c…9c35   # the first key seals
//! gossip-key-1-77d2…01e4   # all open
//! ```

use crate::{
    file,
    keys_error::{KeyFileError, KeysError},
    read_file::{FileFault, Role, content},
};
use gossip_core::{Key, KeyError, KeyId, KeyRing, MAX_KEYS};
use std::{
    fmt,
    io::{self, Write as _},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// A source of a cluster's keys. A ring is one, too: that of keys which do not change.
pub trait Keys: fmt::Debug + Send + Sync {
    /// The keys as they are now, all of them. May block.
    ///
    /// # Errors
    /// They cannot be had, or make no ring.
    fn load(&self) -> Result<KeyRing, KeysError>;
}

impl Keys for KeyRing {
    fn load(&self) -> Result<KeyRing, KeysError> {
        Ok(self.clone())
    }
}

/// A file of keys, one a line, each as `gossip-key-1-` and 64 hexadecimal digits; the first seals, all open. What stands behind a
/// `#` does not count. Only its owner may read and write it.
///
/// A node reads it and never writes it; [`add`](Self::add), [`promote`](Self::promote) and [`remove`](Self::remove) are for whoever
/// rotates keys. They replace the file atomically, and leave comments as they are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyFile {
    path: PathBuf,
}

impl Keys for KeyFile {
    fn load(&self) -> Result<KeyRing, KeysError> {
        let text = Self::ROLE.read_secret(&self.path).map_err(KeyFileError::Unreadable)?;
        Ok(self.ring(&self.lines(&text)?)?)
    }
}

impl KeyFile {
    /// The most bytes that it may have.
    pub const MAX_BYTES: usize = 1 << 16;

    const ROLE: Role = Role {
        name: "key file",
        max_bytes: Self::MAX_BYTES,
        content: "keys alone, one a line",
        is_secret: true,
        remedy: "if somebody may have read it, rotate its keys",
    };

    /// The file at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a key: as the second, or as the first to a file that has none or is not there. Returns its id, and whether it seals.
    ///
    /// # Errors
    /// The file or the key cannot be used, or the file has four keys already. It is as it was then.
    pub fn add(&self, key: &str) -> Result<(KeyId, bool), KeyFileError> {
        let refused = |error| KeyFileError::Added { path: self.path.clone(), error };
        let text = match Self::ROLE.read_secret(&self.path) {
            Err(error) if matches!(error.fault(), FileFault::Read(source) if source.kind() == io::ErrorKind::NotFound) => {
                Zeroizing::default()
            }
            text => text?,
        };
        let mut lines = self.lines(&text)?;
        let added = Line { text: key.trim().as_bytes(), key: Some(Key::parse(key).map_err(refused)?) };
        let id = added.key.as_ref().map(Key::id).ok_or(KeyError::Format).map_err(refused)?;
        added.check_beside(&lines).map_err(refused)?;
        let first = lines.iter().position(|line| line.key.is_some());
        lines.insert(first.map_or(lines.len(), |first| first + 1), added);
        self.write(&lines)?;
        Ok((id, first.is_none()))
    }

    /// Makes a key the first, the one that seals. The one that was becomes the second.
    ///
    /// # Errors
    /// The file cannot be used, or lacks the key. It is as it was then.
    pub fn promote(&self, id: KeyId) -> Result<(), KeyFileError> {
        let text = Self::ROLE.read_secret(&self.path)?;
        let mut lines = self.lines(&text)?;
        let at = self.position(&lines, id)?;
        let first = lines.iter().position(|line| line.key.is_some()).unwrap_or(at);
        let promoted = lines.remove(at);
        lines.insert(first, promoted);
        self.write(&lines)
    }

    /// Removes a key.
    ///
    /// # Errors
    /// The file cannot be used, lacks the key, or has it as its first. It is as it was then.
    pub fn remove(&self, id: KeyId) -> Result<(), KeyFileError> {
        let text = Self::ROLE.read_secret(&self.path)?;
        let mut lines = self.lines(&text)?;
        let at = self.position(&lines, id)?;
        let mut keys = lines.iter().filter_map(Line::id);
        if keys.next() == Some(id) {
            let is_only = keys.next().is_none();
            return Err(KeyFileError::Seals { path: self.path.clone(), id, is_only });
        }
        lines.remove(at);
        self.write(&lines)
    }

    fn position(&self, lines: &[Line<'_>], id: KeyId) -> Result<usize, KeyFileError> {
        let at = lines.iter().position(|line| line.id() == Some(id));
        at.ok_or_else(|| KeyFileError::NoSuchKey { path: self.path.clone(), id })
    }

    /// The lines of a text. No key is there twice, and no two have the same id.
    fn lines<'t>(&self, text: &'t [u8]) -> Result<Vec<Line<'t>>, KeyFileError> {
        let mut lines: Vec<Line<'t>> = Vec::new();
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        for bytes in text.split(|&byte| byte == b'\n').filter(|_| !text.is_empty()) {
            let line = Line::of(bytes).and_then(|line| line.check_beside(&lines).map(|()| line));
            let at = lines.len() + 1;
            lines.push(line.map_err(|error| KeyFileError::Line {
                path: self.path.clone(),
                line: at,
                error,
            })?);
        }
        Ok(lines)
    }

    fn ring(&self, lines: &[Line<'_>]) -> Result<KeyRing, KeyFileError> {
        // One more than a ring may have is enough to see that there are too many.
        let keys: Vec<Key> = lines.iter().filter_map(|line| line.key.clone()).take(MAX_KEYS + 1).collect();
        KeyRing::new(&keys).map_err(|error| KeyFileError::Ring { path: self.path.clone(), error })
    }

    fn write(&self, lines: &[Line<'_>]) -> Result<(), KeyFileError> {
        self.ring(lines)?;
        if lines.iter().map(|line| line.text.len() + 1).sum::<usize>() > Self::MAX_BYTES {
            return Err(Self::ROLE.refuses(&self.path, FileFault::TooLong).into());
        }
        let written = file::replace_secret(&self.path, |file| {
            lines.iter().try_for_each(|line| {
                file.write_all(line.text)?;
                file.write_all(b"\n")
            })
        });
        written.map_err(|source| KeyFileError::Write { path: self.path.clone(), source })
    }
}

/// A line of the file, and the key on it, if there is one.
struct Line<'t> {
    text: &'t [u8],
    key: Option<Key>,
}

impl<'t> Line<'t> {
    fn of(text: &'t [u8]) -> Result<Self, KeyError> {
        let key = content(text);
        if key.is_empty() {
            return Ok(Self { text, key: None });
        }
        let key = str::from_utf8(key).map_err(|_| KeyError::Format)?;
        Ok(Self { text, key: Some(Key::parse(key)?) })
    }

    fn id(&self) -> Option<KeyId> {
        self.key.as_ref().map(Key::id)
    }

    /// Whether its key can be told from those of other lines.
    fn check_beside(&self, others: &[Line<'_>]) -> Result<(), KeyError> {
        let Some((key, id)) = self.key.as_ref().zip(self.id()) else { return Ok(()) };
        match others.iter().filter_map(|line| line.key.as_ref()).find(|other| other.id() == id) {
            Some(other) if other == key => Err(KeyError::SameKey(id)),
            Some(_) => Err(KeyError::SameId(id)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
