//! Reads the workspace, and says what breaks the rules of the house: `layers [ROOT]`.

use layers::{check, check_circles, oversize, read};
use std::{
    env, io, iter,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// The crate that is built in floors.
const IN_FLOORS: &str = "gossip-core/src";
/// Whose sources are not this project's, or not written by hand.
const SKIPPED: [&str; 3] = ["target", ".git", "corpus"];

fn main() -> ExitCode {
    let root = env::args_os().nth(1).map_or_else(|| PathBuf::from("."), PathBuf::from);
    match faults(&root) {
        Ok(faults) if faults.is_empty() => {
            println!("Imports point down, no files import each other in a circle, and nothing is too long.");
            ExitCode::SUCCESS
        }
        Ok(faults) => {
            faults.iter().for_each(|fault| println!("{fault}"));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("layers: {}: {error}; give the root of the workspace", root.display());
            ExitCode::FAILURE
        }
    }
}

/// The sources of the crates in a folder: its own, and those of the folders in it.
fn crates(folder: &Path) -> Vec<PathBuf> {
    let inner = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let folders = iter::once(folder.to_owned()).chain(inner);
    let sources = folders.map(|folder| folder.join("src"));
    sources.filter(|source| source.is_dir() && !source.ends_with(IN_FLOORS)).collect()
}

fn faults(root: &Path) -> io::Result<Vec<String>> {
    let mut faults: Vec<String> =
        check(&read(&root.join(IN_FLOORS))?).iter().map(ToString::to_string).collect();
    for entry in std::fs::read_dir(root)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if path.is_dir() && !SKIPPED.contains(&name.as_str()) {
            let long = oversize(&read(&path)?);
            let circles = crates(&path).iter().map(|source| read(source)).collect::<io::Result<Vec<_>>>()?;
            faults.extend(circles.iter().flat_map(check_circles).map(|circle| format!("{name}: {circle}")));
            faults.extend(long.iter().map(|long| format!("{name}: {long}")));
        }
    }
    Ok(faults)
}
