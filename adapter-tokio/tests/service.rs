//! The example `service`, in processes that are killed, stopped and restarted.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{env, path::Path, process::Command};

const README: &str = include_str!("../../README.md");
const EXAMPLE: &str = include_str!("../examples/service.rs");

#[test]
fn requests_are_answered_while_instances_are_killed_and_restarted() {
    if Command::new("curl").arg("--version").output().is_err() {
        return eprintln!("SKIPPED: there is no curl");
    }
    // `cargo test` builds a package's examples along with its tests.
    let program = env::current_exe().unwrap().parent().unwrap().with_file_name("examples").join("service");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/service.sh");
    let output = Command::new(script).arg(program).output().unwrap();
    let said =
        [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    assert!(output.status.success(), "{said}");
    assert!(said.contains(" requests, 0 of them without an answer"), "{said}");
}

#[test]
fn the_readme_shows_the_balancer_as_it_is() {
    let shown = README.split_once("```rust,ignore\nasync fn ask_any").unwrap().1.split_once("```").unwrap().0;
    assert!(EXAMPLE.contains(&format!("async fn ask_any{shown}")), "{shown}");
}
