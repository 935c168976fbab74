//! Checks that a crate is built in floors.
//!
//! Each folder of its `src` is a floor. A file may import from its own floor and from those below; never from above,
//! nor, where floors are planes, from another plane. No files import each other in a circle. The struct of a plane, in
//! `plane.rs`, is shared by the files of its folder, which are its parts: imports of it are no edges of a circle.
//!
//! Code of tests (`#[cfg(test)]`, `tests.rs`) may import what it likes.

mod graph;
mod imports;
mod sizes;

pub use graph::{Fault, check, check_circles};
pub use sizes::{Oversize, oversize};

use std::{collections::BTreeMap, fs, io, path::Path};

/// The files of a crate's `src`: path without `.rs` (`kernel/clock`), and text.
pub type Sources = BTreeMap<String, String>;

/// Reads every `.rs` file below a folder.
///
/// # Errors
/// A folder or file that cannot be read.
pub fn read(folder: &Path) -> io::Result<Sources> {
    let mut sources = Sources::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Some(name) = path.strip_prefix(folder).ok().and_then(Path::to_str)
                && let Some(name) = name.strip_suffix(".rs")
            {
                sources.insert(name.to_owned(), fs::read_to_string(&path)?);
            }
        }
    }
    Ok(sources)
}
