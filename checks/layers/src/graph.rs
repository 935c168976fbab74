//! The rules, on the graph of files that import each other.

use crate::{Sources, imports};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// The floors of gossip-core, the ground first.
const FLOORS: [&str; 10] = [
    "vocabulary",
    "tables",
    "wire",
    "security",
    "kernel",
    "dissemination",
    "membership",
    "bootstrap",
    "state",
    "node",
];
/// Those that are planes: they exchange values through `node`, and know nothing of each other.
const PLANES: [&str; 4] = ["dissemination", "membership", "bootstrap", "state"];
/// The file in which the struct of a plane stands.
const PLANE_FILE: &str = "plane";
/// The root of the crate, which is above all floors.
const ROOT: &str = "lib";

/// What breaks a rule.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Fault {
    /// A file that does not parse.
    Unreadable(String, String),
    /// A file that stands on no floor.
    Homeless(String),
    /// The first file imports the second, which is above it.
    Upward(String, String),
    /// The first file imports the second, which is another plane's.
    AnotherPlane(String, String),
    /// Files that import each other in a circle.
    Circle(Vec<String>),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(file, error) => write!(f, "{file} does not parse: {error}"),
            Self::Homeless(file) => {
                write!(f, "{file} stands on no floor: move it into a folder, {}", FLOORS.join(", "))
            }
            Self::Upward(from, to) => {
                write!(f, "{from} imports {to}, which is above it: hand over a value from there instead")
            }
            Self::AnotherPlane(from, to) => {
                write!(f, "{from} imports {to}, which is another plane's: let node pass a value on instead")
            }
            Self::Circle(files) => {
                write!(
                    f,
                    "{} import each other in a circle: move what they share below them",
                    files.join(", ")
                )
            }
        }
    }
}

fn floor(file: &str) -> Option<usize> {
    let folder = file.split('/').next().filter(|_| file.contains('/'))?;
    FLOORS.iter().position(|&floor| floor == folder)
}

fn plane(file: &str) -> Option<&str> {
    file.split('/').next().filter(|folder| PLANES.contains(folder))
}

fn is_for_tests(file: &str) -> bool {
    file.split('/').any(|part| part == "tests")
}

/// The file that a path of the crate leads into.
fn file_of<'a>(sources: &'a Sources, path: &[String]) -> Option<&'a str> {
    (1..=path.len()).rev().find_map(|length| {
        let name = path.get(..length)?.join("/");
        let module = sources.get_key_value(&name).or_else(|| sources.get_key_value(&format!("{name}/mod")));
        module.map(|(name, _)| name.as_str())
    })
}

/// The module that a file is: `mod.rs` is its folder.
fn module_of(file: &str) -> Vec<String> {
    let file = file.strip_suffix("/mod").unwrap_or(file);
    if file == ROOT { vec![] } else { file.split('/').map(str::to_owned).collect() }
}

/// The paths that a file imports; none, and a fault, when it does not parse.
fn imports_of(file: &str, text: &str, faults: &mut BTreeSet<Fault>) -> Option<Vec<Vec<String>>> {
    imports::of(text, &module_of(file))
        .map_err(|error| faults.insert(Fault::Unreadable(file.to_owned(), error.to_string())))
        .ok()
}

/// What breaks a rule that holds in every crate, in a fixed order: files that import each other in a circle.
pub fn check_circles(sources: &Sources) -> Vec<Fault> {
    let (mut faults, mut edges) = (BTreeSet::new(), BTreeMap::<&str, BTreeSet<&str>>::new());
    for (file, text) in sources.iter().filter(|(file, _)| !is_root(file) && !is_for_tests(file)) {
        let Some(paths) = imports_of(file, text, &mut faults) else { continue };
        let targets = paths.iter().filter_map(|path| file_of(sources, path)).filter(|to| to != file);
        edges.entry(file).or_default().extend(targets.filter(|to| !is_root(to) && !is_for_tests(to)));
    }
    faults.extend(circles(&edges).into_iter().map(Fault::Circle));
    faults.into_iter().collect()
}

/// Whether a file only names others, or is where all of them come together.
fn is_root(file: &str) -> bool {
    [ROOT, "main"].contains(&file) || file.ends_with("/mod")
}

/// Everything that breaks a rule of the crate that is built in floors, in a fixed order.
pub fn check(sources: &Sources) -> Vec<Fault> {
    let mut faults = BTreeSet::new();
    let mut edges = BTreeMap::<&str, BTreeSet<&str>>::new();
    for (file, text) in sources.iter().filter(|(file, _)| *file != ROOT && !is_for_tests(file)) {
        if floor(file).is_none() {
            faults.insert(Fault::Homeless(file.clone()));
        }
        let Some(paths) = imports_of(file, text, &mut faults) else { continue };
        // What stands in no file of its own is re-exported by the root.
        let targets = paths.iter().map(|path| file_of(sources, path).unwrap_or(ROOT)).filter(|to| to != file);
        for to in targets.filter(|to| !is_for_tests(to)) {
            faults.extend(fault_of(file, to));
            // A folder's `mod.rs` only names its files, and a plane's struct is shared by its parts.
            if ![file.as_str(), to].iter().any(|file| file.ends_with("/mod") || is_plane_file(file)) {
                edges.entry(file).or_default().insert(to);
            }
        }
    }
    faults.extend(circles(&edges).into_iter().map(Fault::Circle));
    faults.into_iter().collect()
}

fn is_plane_file(file: &str) -> bool {
    plane(file).is_some() && file.ends_with(&format!("/{PLANE_FILE}"))
}

fn fault_of(from: &str, to: &str) -> Option<Fault> {
    let (Some(here), there) = (floor(from), floor(to)) else { return None };
    let across = plane(from).zip(plane(to)).is_some_and(|(from, to)| from != to);
    if across {
        Some(Fault::AnotherPlane(from.to_owned(), to.to_owned()))
    } else if there.is_none_or(|there| there > here) {
        Some(Fault::Upward(from.to_owned(), to.to_owned()))
    } else {
        None
    }
}

/// The files that reach themselves, in groups that reach each other.
fn circles(edges: &BTreeMap<&str, BTreeSet<&str>>) -> BTreeSet<Vec<String>> {
    let all: BTreeMap<&str, BTreeSet<&str>> =
        edges.keys().map(|&file| (file, reached_from(file, edges))).collect();
    let reaches = |from: &str, to: &str| all.get(from).is_some_and(|reached| reached.contains(to));
    let circular = all.keys().filter(|file| reaches(file, file));
    circular
        .map(|file| {
            let group = all.keys().filter(|other| reaches(file, other) && reaches(other, file));
            group.map(ToString::to_string).collect()
        })
        .collect()
}

fn reached_from<'a>(from: &'a str, edges: &BTreeMap<&str, BTreeSet<&'a str>>) -> BTreeSet<&'a str> {
    let (mut reached, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(file) = next.pop() {
        let targets = edges.get(file).into_iter().flatten().copied();
        next.extend(targets.filter(|&to| reached.insert(to)));
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(files: &[(&str, &str)]) -> Sources {
        files.iter().map(|&(file, text)| (file.to_owned(), text.to_owned())).collect()
    }

    fn faults(files: &[(&str, &str)]) -> Vec<String> {
        check(&sources(files)).iter().map(ToString::to_string).collect()
    }

    const CLOCK: (&str, &str) = ("kernel/clock", "use crate::vocabulary::time::Instant;");
    const TIME: (&str, &str) = ("vocabulary/time", "pub(crate) struct Instant;");

    #[test]
    fn an_import_that_points_down_is_none() {
        assert!(faults(&[CLOCK, TIME]).is_empty());
    }

    #[test]
    fn an_import_that_points_up_is_found_however_it_is_written() {
        for text in [
            "use crate::kernel::clock::Clock;",
            "use crate::{kernel::{clock::{self, Clock as C}}};",
            "use crate::kernel::clock::*;",
            "use super::super::kernel::clock;",
            "fn now() -> crate::kernel::clock::Clock { loop {} }",
            "mod inner { use super::super::super::kernel::clock::Clock; }",
            "fn now() { let _ = crate::kernel::clock::now(); }",
            "fn now() { assert!(crate::kernel::clock::now() > 0); }",
            "macro_rules! now { () => { $crate::kernel::clock::now() }; }",
            "fn now() { let _ = crate::r#kernel::r#clock::now(); }",
            "pub(crate) use crate::kernel::clock::Clock as Time;",
            "#[doc(hidden)] use crate::kernel::clock::Clock;",
        ] {
            let found = faults(&[CLOCK, ("vocabulary/rng", text), TIME]);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(
                found[0].starts_with("vocabulary/rng imports kernel/clock, which is above it"),
                "{found:?}"
            );
        }
    }

    #[test]
    fn the_root_is_above_all_floors() {
        for text in ["use crate::Node;", "use crate as root;", "fn f() { let _ = crate::Node::new(); }"] {
            let found = faults(&[("lib", "mod node;"), ("vocabulary/rng", text)]);
            assert!(
                found.len() == 1 && found[0].starts_with("vocabulary/rng imports lib, which is above it")
            );
        }
    }

    #[test]
    fn tests_may_import_what_they_like() {
        let text = "#[cfg(test)] mod tests { use crate::kernel::clock::Clock; }";
        assert!(faults(&[CLOCK, ("vocabulary/rng", text), TIME]).is_empty());
        let text = "use crate::kernel::clock::Clock;";
        assert!(faults(&[CLOCK, ("vocabulary/rng/tests", text), TIME]).is_empty());
    }

    #[test]
    fn a_plane_does_not_know_another() {
        let join = ("bootstrap/join", "use crate::membership::detector::Detector;");
        let found = faults(&[join, ("membership/detector", "")]);
        assert!(found.len() == 1 && found[0].contains("which is another plane's"), "{found:?}");
    }

    #[test]
    fn a_circle_is_found_and_named_once() {
        let files = [
            ("kernel/a", "use super::b::B;"),
            ("kernel/b", "use crate::kernel::c::C;"),
            ("kernel/c", "use crate::kernel::a::A;"),
            ("kernel/d", "use crate::kernel::a::A;"),
        ];
        let found = faults(&files);
        assert!(found.len() == 1 && found[0].starts_with("kernel/a, kernel/b, kernel/c import"), "{found:?}");
    }

    #[test]
    fn a_circle_is_found_in_crates_without_floors() {
        let files = [
            ("lib", "mod a; mod b;"),
            ("a", "use crate::b::B;"),
            ("b", "use crate::a::A;"),
            ("c", "use crate::a::A;"),
        ];
        let found: Vec<_> = check_circles(&sources(&files)).iter().map(ToString::to_string).collect();
        assert!(found.len() == 1 && found[0].starts_with("a, b import each other"), "{found:?}");
    }

    #[test]
    fn the_struct_of_a_plane_is_shared_by_its_parts() {
        let plane = ("membership/plane", "use crate::membership::detector::Detector;");
        let part = ("membership/detector", "use crate::membership::plane::Membership;");
        assert!(faults(&[plane, part]).is_empty());
    }

    #[test]
    fn every_file_stands_on_a_floor() {
        let found = faults(&[("lib", "mod helpers;"), ("helpers", "")]);
        assert!(found.len() == 1 && found[0].starts_with("helpers stands on no floor"), "{found:?}");
    }

    #[test]
    fn what_does_not_parse_is_a_fault() {
        assert_eq!(check_circles(&sources(&[("a", "fn (")])).len(), 1);
        assert!(faults(&[("kernel/clock", "fn (")])[0].starts_with("kernel/clock does not parse"));
    }
}
