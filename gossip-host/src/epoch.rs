//! The epoch of the node, kept in a small file across restarts.

use crate::file;
use gossip_core::Incarnation;
use std::{
    error::Error,
    fmt,
    fs::File,
    io::{self, Read, Write},
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

/// The most bytes read of an epoch file; the ten digits of a `u32` and a line end fit well.
const MAX_FILE_BYTES: u64 = 32;

/// Where the epoch of a node is kept: one number in decimal, on its own line.
///
/// A write replaces the file atomically and reaches the disk before it returns, so that a crash leaves
/// either the old epoch or the new one. Each node needs its own file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EpochFile {
    path: PathBuf,
}

impl EpochFile {
    /// The file at `path`, which need not exist yet; its directory must.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The last epoch; `None` if there is no file.
    ///
    /// # Errors
    /// The file cannot be read, or holds something else than an epoch.
    pub fn read(&self) -> Result<Option<u32>, EpochError> {
        let mut text = Vec::new();
        match File::open(&self.path).and_then(|file| file.take(MAX_FILE_BYTES).read_to_end(&mut text)) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(EpochError::Read { path: self.path.clone(), source }),
        }
        let epoch = str::from_utf8(&text).ok().and_then(|text| text.trim().parse().ok());
        epoch
            .filter(|&epoch| epoch < Incarnation::MAX_EPOCH)
            .map(Some)
            .ok_or_else(|| EpochError::Garbage { path: self.path.clone() })
    }

    /// Replaces the epoch. Blocks until it is on the disk.
    ///
    /// # Errors
    /// The file cannot be written; the old one is as it was.
    pub fn write(&self, epoch: u32) -> Result<(), EpochError> {
        let written = file::replace(&self.path, |file| writeln!(file, "{epoch}"));
        written.map_err(|source| EpochError::Write { path: self.path.clone(), source })
    }

    /// Begins an epoch: `max(persisted + 1, Unix seconds)`, persisted before it is used.
    pub(crate) fn begin(&self) -> Result<u32, EpochError> {
        let epoch = next(self.read()?, SystemTime::now());
        self.write(epoch)?;
        Ok(epoch)
    }
}

/// The next epoch: above the last one, even if the clock went backwards since.
pub(crate) fn next(persisted: Option<u32>, now: SystemTime) -> u32 {
    let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let clock = u32::try_from(seconds).unwrap_or(Incarnation::MAX_EPOCH).min(Incarnation::MAX_EPOCH);
    persisted.map_or(clock, |last| last.saturating_add(1).max(clock))
}

/// Why an epoch file cannot be used, and what to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum EpochError {
    /// It exists and cannot be read.
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It holds something else than one number below [`Incarnation::MAX_EPOCH`].
    Garbage {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be written.
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl fmt::Display for EpochError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { path, .. } => write!(f, "cannot read the epoch file {}", path.display()),
            Self::Garbage { path } => write!(
                f,
                "the epoch file {} does not hold an epoch: name another file, or delete it to go by the clock",
                path.display()
            ),
            Self::Write { path, .. } => write!(
                f,
                "cannot write the epoch file {}: name a file in a directory that exists and is writable",
                path.display()
            ),
        }
    }
}

impl Error for EpochError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Read { source, .. } | Self::Write { source, .. } => Some(source),
            Self::Garbage { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, fs, process, time::Duration};

    /// A directory of the test's own, gone after it.
    struct Directory(PathBuf);

    impl Directory {
        fn new(test: &str) -> Self {
            let path = env::temp_dir().join(format!("gossip-epoch-{}-{test}", process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn file(&self) -> EpochFile {
            EpochFile::new(self.0.join("epoch"))
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn an_epoch_is_above_the_last_one_whatever_the_clock_says() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(next(None, at(1_000)), 1_000);
        assert_eq!(next(Some(10), at(1_000)), 1_000);
        assert_eq!(next(Some(1_000), at(1_000)), 1_001);
        assert_eq!(next(Some(5_000), at(1_000)), 5_001);
        assert_eq!(next(Some(7), UNIX_EPOCH - Duration::from_secs(9)), 8);
        assert_eq!(next(None, at(u64::from(u32::MAX) + 5)), Incarnation::MAX_EPOCH);
    }

    #[test]
    fn what_is_written_is_read() {
        let directory = Directory::new("roundtrip");
        let file = directory.file();
        assert_eq!(file.read().unwrap(), None);
        for epoch in [7, 1_999_999_999, 3] {
            file.write(epoch).unwrap();
            assert_eq!(file.read().unwrap(), Some(epoch));
        }
        assert_eq!(fs::read_dir(&directory.0).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn a_write_that_fails_or_was_cut_short_leaves_the_old_epoch() {
        let directory = Directory::new("atomic");
        let file = directory.file();
        file.write(41).unwrap();
        let temporary = directory.0.join("epoch.tmp");
        fs::write(&temporary, "4").unwrap();
        assert_eq!(file.read().unwrap(), Some(41));
        file.write(42).unwrap();
        assert_eq!(file.read().unwrap(), Some(42));

        fs::create_dir(&temporary).unwrap();
        assert!(matches!(file.write(43), Err(EpochError::Write { .. })));
        assert_eq!(file.read().unwrap(), Some(42));
    }

    #[test]
    fn what_is_no_epoch_is_refused() {
        let directory = Directory::new("garbage");
        let file = directory.file();
        let highest = u32::MAX.to_string();
        for text in ["", "\n", "12x", "-1", "99999999999", "1 2", &highest, &"9".repeat(100)] {
            fs::write(&file.path, text).unwrap();
            assert!(matches!(file.read(), Err(EpochError::Garbage { .. })), "{text:?}");
        }
        fs::write(&file.path, [0xFF, 0xFE]).unwrap();
        assert!(matches!(file.begin(), Err(EpochError::Garbage { .. })));
        fs::write(&file.path, " 12\r\n").unwrap();
        assert_eq!(file.read().unwrap(), Some(12));
    }
}
