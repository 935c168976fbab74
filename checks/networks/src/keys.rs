//! The file of keys that all agents of a cluster share here, changed by the program's own commands.

use anyhow::{Context as _, Result, ensure};
use std::{
    fs,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    process::{self, Command},
};

/// A step of a change of keys; all agents take it before the next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// A new key is the second: all open what is sealed with it.
    Add,
    /// It is the first: all seal with it.
    Promote,
    /// The old one goes.
    Remove,
}

impl Step {
    /// All, in order.
    pub(crate) const ALL: [Self; 3] = [Self::Add, Self::Promote, Self::Remove];
}

/// The file, in a folder of its own, which goes with it.
pub(crate) struct KeyFile {
    gossip: PathBuf,
    folder: PathBuf,
}

impl KeyFile {
    /// A file with a new key.
    ///
    /// # Errors
    /// It could not be made.
    pub(crate) fn new(gossip: &Path) -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("gossip-keys-{}", process::id()));
        fs::DirBuilder::new().mode(0o700).create(&folder).with_context(|| folder.display().to_string())?;
        let file = Self { gossip: gossip.to_owned(), folder };
        file.keys("add", &["--generate"])?;
        Ok(file)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join("keys")
    }

    /// A path beside it, for what else the test needs.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Takes a step of a change of keys.
    ///
    /// # Errors
    /// The program refused it.
    pub(crate) fn take(&self, step: Step) -> Result<()> {
        match step {
            Step::Add => self.keys("add", &["--generate"]),
            Step::Promote => self.keys("promote", &[&self.second()?]),
            Step::Remove => self.keys("remove", &[&self.second()?]),
        }?;
        Ok(())
    }

    /// The id of the second key.
    fn second(&self) -> Result<String> {
        let shown = self.keys("show", &[])?;
        let line = shown.lines().nth(1).with_context(|| format!("no second key: {shown}"))?;
        Ok(line.split_whitespace().next().unwrap_or_default().to_owned())
    }

    fn keys(&self, command: &str, arguments: &[&str]) -> Result<String> {
        let mut run = Command::new(&self.gossip);
        let output = run.args(["keys", command]).arg(self.path()).args(arguments).output()?;
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "gossip keys {command}: {error}");
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        // What cannot be removed holds keys of a cluster that has ended.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
