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
    replace_with(path, |temporary| File::create(temporary), write)
}

/// The same for a secret: nobody but the file's owner can read it. The owner stays, where root replaces a file of another user.
#[cfg(feature = "seal")]
pub(crate) fn replace_secret(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    // Where a link leads is replaced, and not the link.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let create = |temporary: &Path| {
        // Left behind by a crash: what others may read is not written to.
        match fs::remove_file(temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = File::options();
        options.write(true).create_new(true);
        private(&mut options);
        let file = options.open(temporary)?;
        keep_owner(&file, path)?;
        Ok(file)
    };
    replace_with(path, create, write)
}

/// Makes a file with a secret where there is none: nobody but its owner can read it. Blocks until it is on the disk.
///
/// # Errors
/// There is something already, or it cannot be written; then there is none.
#[cfg(feature = "identity")]
pub(crate) fn create_secret(path: &Path, content: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    let mut options = File::options();
    options.write(true).create_new(true);
    private(&mut options);
    let mut file = options.open(path)?;
    let written = file.write_all(content).and_then(|()| file.sync_all()).and_then(|()| sync_directory(path));
    if written.is_err() {
        // Half a file would be in the way of the next attempt. What is wrong is said by the first error.
        let _ = fs::remove_file(path);
    }
    written
}

fn replace_with(
    path: &Path,
    create: impl FnOnce(&Path) -> io::Result<File>,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = Path::new(&temporary);
    let mut file = create(temporary)?;
    write(&mut file)?;
    file.sync_all()?;
    fs::rename(temporary, path)?;
    sync_directory(path)
}

#[cfg(all(unix, feature = "seal"))]
fn private(options: &mut fs::OpenOptions) {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
}

/// Elsewhere files inherit who may read them from their directory.
#[cfg(all(not(unix), feature = "seal"))]
fn private(_: &mut fs::OpenOptions) {}

#[cfg(all(unix, feature = "seal"))]
fn keep_owner(file: &File, replaced: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    let (Ok(before), now) = (fs::metadata(replaced), file.metadata()?) else { return Ok(()) };
    if (before.uid(), before.gid()) == (now.uid(), now.gid()) {
        return Ok(());
    }
    fchown(file, Some(before.uid()), Some(before.gid()))
}

#[cfg(all(not(unix), feature = "seal"))]
fn keep_owner(_: &File, _: &Path) -> io::Result<()> {
    Ok(())
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
