//! Where the control interface listens: a Unix socket that only the agent's own user can open.

use adapter_tokio::NodeId;
use anyhow::{Context as _, Result, bail};
use std::{
    env, fs, io,
    os::unix::{fs::PermissionsExt as _, net},
    path::{Path, PathBuf},
};
use tokio::net::UnixListener;

/// Names that are the file's own; others are represented by their ids.
const MAX_NAME: usize = 64;

/// The directory of the sockets, if `--control` names none: that of the user's session, or of the machine.
pub(crate) fn directory() -> PathBuf {
    env::var_os("XDG_RUNTIME_DIR").map_or_else(|| PathBuf::from("/run"), PathBuf::from).join("gossip")
}

/// Where the agent of this name listens by default.
pub(crate) fn default_path(name: &str, id: NodeId) -> PathBuf {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let plain = name.len() <= MAX_NAME && name.chars().all(is_plain) && !name.starts_with('.');
    let file = if plain { name.to_owned() } else { id.to_string() };
    directory().join(format!("{file}.sock"))
}

/// A socket that is removed when the agent ends.
#[derive(Debug)]
pub(crate) struct Bound {
    path: PathBuf,
    listener: Option<net::UnixListener>,
}

impl Bound {
    /// Listens at a path. A socket there that nobody listens at is what a crashed agent left, and is replaced.
    ///
    /// # Errors
    /// Another agent listens there, or the path cannot be used.
    pub(crate) fn at(path: &Path) -> Result<Self> {
        if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            fs::create_dir_all(directory).with_context(|| {
                format!("cannot make the directory {} of the control socket", directory.display())
            })?;
        }
        if net::UnixStream::connect(path).is_ok() {
            bail!("another agent is controlled at {}: give this one another --control", path.display());
        }
        let is_socket = |path: &Path| {
            use std::os::unix::fs::FileTypeExt as _;
            fs::symlink_metadata(path).map(|file| file.file_type().is_socket())
        };
        match is_socket(path) {
            Ok(true) => fs::remove_file(path)?,
            Ok(false) => bail!("{} is no socket: give another --control", path.display()),
            Err(_) => {}
        }
        let listener =
            listen(path).with_context(|| format!("cannot listen at {} (--control)", path.display()))?;
        Ok(Self { path: path.to_owned(), listener: Some(listener) })
    }

    /// Where it listens.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The listener, once, on the runtime that it is called on.
    ///
    /// # Errors
    /// The socket cannot be registered.
    pub(crate) fn listener(&mut self) -> io::Result<UnixListener> {
        let listener = self.listener.take().ok_or(io::ErrorKind::NotFound)?;
        UnixListener::from_std(listener)
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        // Whoever comes later replaces it if it stays.
        let _ = fs::remove_file(&self.path);
    }
}

fn listen(path: &Path) -> io::Result<net::UnixListener> {
    // Under a name of its own until only its owner can open it.
    let hidden = path.with_extension(format!("{}.tmp", std::process::id()));
    let _ = fs::remove_file(&hidden);
    let listener = net::UnixListener::bind(&hidden)?;
    let placed = fs::set_permissions(&hidden, fs::Permissions::from_mode(0o600))
        .and_then(|()| fs::rename(&hidden, path))
        .and_then(|()| listener.set_nonblocking(true));
    if let Err(error) = placed {
        let _ = fs::remove_file(&hidden);
        return Err(error);
    }
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(name: &str) -> PathBuf {
        env::temp_dir().join(format!("gossip-socket-{}-{name}", std::process::id()))
    }

    #[test]
    fn what_a_crashed_agent_left_is_replaced_and_what_is_in_use_is_not() {
        let path = place("used");
        drop(net::UnixListener::bind(&path).unwrap());
        let bound = Bound::at(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let refused = Bound::at(&path).unwrap_err().to_string();
        assert!(refused.contains("another agent is controlled at"), "{refused}");
        drop(bound);
        assert!(!path.exists(), "it is gone with its agent");
    }

    #[test]
    fn a_file_that_is_no_socket_stays_as_it_is() {
        let path = place("file");
        fs::write(&path, "precious").unwrap();
        let refused = Bound::at(&path).unwrap_err().to_string();
        assert!(refused.contains("is no socket"), "{refused}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_name_that_is_no_good_for_a_file_is_represented_by_its_id() {
        for (name, plain) in
            [("db-1", true), ("../x", false), (".hidden", false), ("ä", false), (&"x".repeat(65), false)]
        {
            let id = NodeId::from_name(name).unwrap();
            let path = default_path(name, id);
            let file = path.file_name().unwrap().to_str().unwrap();
            assert_eq!(file, if plain { format!("{name}.sock") } else { format!("{id}.sock") });
        }
    }
}
