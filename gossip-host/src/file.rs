//! Files that are replaced as a whole.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

/// Replaces a file's contents, atomically: a crash leaves either the old ones or the new ones. Blocks until they are on
/// the disk. Beside the file a temporary one is written, whose name has `.tmp` behind it.
///
/// # Errors
/// It cannot be written; the old contents are as they were.
pub(crate) fn replace(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let mut file = File::create(&temporary)?;
    write(&mut file)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    sync_directory(path)
}

/// A rename is on the disk only once its directory is.
#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

/// Elsewhere a directory cannot be opened; the file system's journal has to do.
#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}
