//! Files that are read as a whole, unless others than their owner may have had a hand in them.

use std::{
    error::Error,
    fmt,
    fs::{self, File, Metadata},
    io::{self, Read},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// What is asked of a file, and what it is called where it is refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Role {
    pub(crate) name: &'static str,
    /// The most bytes that it may have.
    pub(crate) max_bytes: usize,
    /// What alone it is to have.
    pub(crate) content: &'static str,
    /// Nobody but its owner may read it, either.
    pub(crate) is_secret: bool,
    /// What to do, beside closing it, once others could open it.
    pub(crate) remedy: &'static str,
}

impl Role {
    /// What keeps such a file from being used.
    pub(crate) fn refuses(self, path: &Path, fault: FileFault) -> FileError {
        FileError { role: self, path: path.to_owned(), fault }
    }

    /// # Errors
    /// A secret stands in place of the path. The error does not have it.
    pub(crate) fn check_path(self, path: &Path) -> Result<(), FileError> {
        if is_key(&path.to_string_lossy()) {
            return Err(self.refuses(Path::new(""), FileFault::KeyAsPath));
        }
        Ok(())
    }

    /// The whole text of a secret, which is zeroed when it is dropped.
    pub(crate) fn read_secret(self, path: &Path) -> Result<Zeroizing<Vec<u8>>, FileError> {
        let mut file = self.open(path)?;
        // It has its full length from the start, since what grows leaves copies behind.
        let mut text = Zeroizing::new(vec![0; self.max_bytes + 1]);
        let length =
            fill(&mut file, &mut text).map_err(|source| self.refuses(path, FileFault::Read(source)))?;
        if length > self.max_bytes {
            return Err(self.refuses(path, FileFault::TooLong));
        }
        text.truncate(length);
        Ok(text)
    }

    /// The whole text of what is no secret.
    #[cfg(feature = "identity")]
    pub(crate) fn read(self, path: &Path) -> Result<Vec<u8>, FileError> {
        let (file, mut text) = (self.open(path)?, Vec::new());
        let read = file.take(self.max_bytes as u64 + 1).read_to_end(&mut text);
        read.map_err(|source| self.refuses(path, FileFault::Read(source)))?;
        if text.len() > self.max_bytes {
            return Err(self.refuses(path, FileFault::TooLong));
        }
        Ok(text)
    }

    fn open(self, path: &Path) -> Result<File, FileError> {
        self.check_path(path)?;
        let failed = |source| self.refuses(path, FileFault::Read(source));
        // To open a pipe would wait for whoever writes.
        if !fs::metadata(path).map_err(failed)?.is_file() {
            return Err(self.refuses(path, FileFault::NotRegular));
        }
        let file = File::open(path).map_err(failed)?;
        let opened = file.metadata().map_err(failed)?;
        if !opened.is_file() {
            return Err(self.refuses(path, FileFault::NotRegular));
        }
        if let Some(mode) = exposed(&opened, self.is_secret) {
            return Err(self.refuses(path, FileFault::Exposed { mode }));
        }
        if opened.len() > self.max_bytes as u64 {
            return Err(self.refuses(path, FileFault::TooLong));
        }
        Ok(file)
    }
}

/// Why a file is refused as a whole, and what to do. It shows nothing of what is in the file.
#[derive(Debug)]
pub struct FileError {
    role: Role,
    path: PathBuf,
    fault: FileFault,
}

/// What is wrong with a file.
#[derive(Debug)]
#[non_exhaustive]
pub enum FileFault {
    /// It cannot be read, as the system says.
    Read(io::Error),
    /// It is a directory, a pipe or a device.
    NotRegular,
    /// Others than its owner may write it; or, if it has a secret, may read it.
    Exposed {
        /// Its permissions.
        mode: u32,
    },
    /// It has more bytes than files of its kind may have, or would have.
    TooLong,
    /// A secret key stands in place of its path.
    KeyAsPath,
}

impl FileError {
    /// The file; empty where a secret key stands in place of its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is wrong with it.
    pub const fn fault(&self) -> &FileFault {
        &self.fault
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { role: Role { name, max_bytes, content, is_secret, remedy }, .. } = self;
        let path = self.path.display();
        match &self.fault {
            FileFault::Read(_) => write!(f, "cannot read the {name} {path}"),
            FileFault::NotRegular => write!(f, "the {name} {path} is no regular file: name one"),
            FileFault::Exposed { mode } => {
                let (may, bits) = if *is_secret { ("read or write", "600") } else { ("write", "go-w") };
                write!(
                    f,
                    "others than its owner may {may} the {name} {path} (mode {mode:03o}): `chmod {bits} {path}`, and {remedy}"
                )
            }
            FileFault::TooLong => {
                write!(f, "the {name} {path} is longer than {max_bytes} bytes, or would be: give one with {content}")
            }
            FileFault::KeyAsPath => f.write_str(
                "a key stands where the path of the file with it belongs: give the path, and take another key, since this one may \
                 have been seen",
            ),
        }
    }
}

impl Error for FileError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.fault {
            FileFault::Read(source) => Some(source),
            _ => None,
        }
    }
}

/// Whether this is a secret key rather than a path, or most of one: paths may begin in the same way.
fn is_key(text: &str) -> bool {
    let digits = |text: &str| text.split(|c: char| !c.is_ascii_hexdigit()).any(|run| run.len() >= 24);
    ["gossip-key-", "gossip-identity-"].iter().any(|prefix| text.contains(prefix)) && digits(text)
}

/// What of a line counts: what stands before a `#`, without white space around it.
pub(crate) fn content(line: &[u8]) -> &[u8] {
    line.split(|&byte| byte == b'#').next().unwrap_or_default().trim_ascii()
}

/// The lines on which something counts, numbered from 1.
#[cfg(feature = "identity")]
pub(crate) fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let all = text.split(|&byte| byte == b'\n').map(content);
    all.enumerate().map(|(at, content)| (at + 1, content)).filter(|(_, content)| !content.is_empty())
}

/// Reads until there is no more, or no more room; returns how many bytes.
fn fill(file: &mut File, room: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while let Some(rest) = room.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

/// The permissions of a file that others than its owner may write; or, if it is secret, may read.
#[cfg(unix)]
fn exposed(file: &Metadata, is_secret: bool) -> Option<u32> {
    let mode = std::os::unix::fs::MetadataExt::mode(file) & 0o777;
    let denied = if is_secret { 0o066 } else { 0o022 };
    (mode & denied != 0).then_some(mode)
}

/// Elsewhere permissions are no bits of a file: whoever makes it sees to them.
#[cfg(not(unix))]
fn exposed(_: &Metadata, _: bool) -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_told_from_a_path_also_where_a_digit_is_wrong() {
        let digits = "8f0c1d7a53e2b94460aa1f3e7c5d92b8e4f60713a2c9d58b1e6f70432d8c9ba5";
        let wrong = format!("{}x{}", &digits[..30], &digits[31..]);
        for key in [digits, &wrong, &digits[..24]] {
            for prefix in ["gossip-key-1-", "gossip-identity-1-", " gossip-identity-"] {
                assert!(is_key(&format!("{prefix}{key}")), "{prefix}{key}");
            }
            assert!(!is_key(key));
        }
        for path in ["/etc/gossip-key-file", "gossip-identity-1-db", "/var/gossip-identity-2026-11-28T12"] {
            assert!(!is_key(path), "{path}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_refused_and_no_more_read_than_there_is_room_for() {
        let role = Role { name: "x", max_bytes: 9, content: "x", is_secret: true, remedy: "x" };
        let (zeros, mut room) = (Path::new("/dev/zero"), [0; 10]);
        assert!(matches!(role.read_secret(zeros).unwrap_err().fault, FileFault::NotRegular));
        assert_eq!(fill(&mut File::open(zeros).unwrap(), &mut room).unwrap(), room.len());
    }
}
