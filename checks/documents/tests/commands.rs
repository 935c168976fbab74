//! What the documents say to type is there, as far as that can be seen without running it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use documents::{
    code_spans,
    commands::{DOCUMENTS, EXCEPTIONS, blocks},
    markdown_under, root,
};
use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

/// All that the documents say, by file.
fn texts(documents: &[&str]) -> Vec<(PathBuf, String)> {
    let files = documents.iter().flat_map(|document| markdown_under(&root().join(document)));
    files.map(|file| (file.clone(), fs::read_to_string(file).unwrap())).collect()
}

/// The folder of a crate, by its name; most bear it.
fn crate_folder(name: &str) -> PathBuf {
    let folders = [root(), root().join("checks")];
    folders.iter().map(|folder| folder.join(name)).find(|folder| folder.join("Cargo.toml").is_file()).unwrap()
}

#[test]
fn every_exception_is_a_command_of_a_document() {
    let commands: HashSet<_> =
        texts(&DOCUMENTS).iter().flat_map(|(_, text)| blocks(text)).flatten().collect();
    for (excepted, _) in EXCEPTIONS {
        assert!(commands.contains(excepted), "nobody is told to type {excepted}");
    }
}

#[test]
fn every_scenario_that_is_named_ships() {
    let mut checked = 0;
    for (file, text) in texts(&DOCUMENTS) {
        for span in code_spans(&text) {
            let Some(rest) = span.strip_prefix("simulator run ") else { continue };
            let name = rest.split_whitespace().next().unwrap();
            let scenario = root().join(format!("simulator/scenarios/{name}.toml"));
            assert!(scenario.is_file(), "{}: no scenario {name}", file.display());
            checked += 1;
        }
    }
    assert!(checked > 20, "only {checked} were found");
}

#[test]
fn every_package_example_and_test_that_is_named_exists() {
    for (file, text) in texts(&DOCUMENTS) {
        let commands = blocks(&text).into_iter().flatten();
        for command in code_spans(&text).into_iter().chain(commands) {
            let mut words = command.split_whitespace().skip_while(|word| *word == "cargo");
            let mut folder = None;
            while let Some(word) = words.next().filter(|word| *word != "--") {
                let (kind, value) = (word, words.clone().next().unwrap_or_default());
                match (kind, &folder) {
                    ("-p", _) if command.starts_with("cargo ") => folder = Some(crate_folder(value)),
                    ("--example" | "--test" | "--bench", Some(folder)) => {
                        let place = folder.join(if kind == "--bench" {
                            "benches".into()
                        } else {
                            format!("{}s", &kind[2..])
                        });
                        let there = place.join(format!("{value}.rs")).is_file() || place.join(value).is_dir();
                        assert!(there, "{}: {command}", file.display());
                    }
                    _ => {}
                }
            }
        }
    }
}

#[test]
fn every_recipe_that_is_named_is_in_the_justfile() {
    let recipes = fs::read_to_string(root().join("justfile")).unwrap();
    for (file, text) in texts(&DOCUMENTS) {
        for span in code_spans(&text) {
            let Some(name) = span.strip_prefix("just ").and_then(|rest| rest.split(' ').next()) else {
                continue;
            };
            let there = recipes.lines().any(|line| {
                line.strip_prefix(name).is_some_and(|rest| rest.starts_with(':') || rest.starts_with(' '))
            });
            assert!(there, "{}: {span}", file.display());
        }
    }
}

/// Every file of the repository, from its root.
fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (vec![], vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true if path.ends_with("target") || path.ends_with(".git") => {}
                true => folders.push(path),
                false => found.push(path),
            }
        }
    }
    found
}

#[test]
fn every_path_that_is_named_exists() {
    let files = files(&root());
    let (mut missing, mut checked) = (vec![], 0);
    for (document, text) in texts(&["."]) {
        for span in code_spans(&text) {
            let is_path = [".rs", ".md", ".toml", ".sh"].iter().any(|end| span.ends_with(end));
            if is_path && span.contains('/') && !span.contains([' ', '*', '{']) && !span.starts_with('/') {
                checked += 1;
                // From the root, or from any folder: that of a crate's sources, mostly.
                if !files.iter().any(|file| file.ends_with(&span)) {
                    missing.push(format!("{}: {span}", document.display()));
                }
            }
        }
    }
    assert!(checked > 50, "only {checked} were found");
    assert!(missing.is_empty(), "{missing:#?}");
}
