//! What the program promises to those who call it.
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::process::{Command, Output};

fn simulator(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_simulator")).args(args).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Runs what must be refused; returns what it says.
fn refused(args: &[&str]) -> String {
    let output = simulator(args);
    assert_eq!(output.status.code(), Some(2), "{args:?}");
    assert!(output.stdout.is_empty(), "{args:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn list_names_what_run_takes() {
    let output = simulator(&["list"]);
    assert!(output.status.success());
    assert!(stdout(&output).lines().any(|line| line.starts_with("epidemic ")));
}

#[test]
fn a_misspelt_scenario_is_answered_with_its_name() {
    assert!(refused(&["run", "epidmic"]).contains("did you mean epidemic?"));
    assert!(refused(&["run", "zzz"]).contains("simulator list"));
}

#[test]
fn bad_arguments_are_named() {
    assert!(refused(&["run", "epidemic", "--set", "fanout"]).contains("KEY=VALUE"));
    assert!(refused(&["run", "epidemic", "--set", "fanuot=3"]).contains("fanuot"));
    assert!(refused(&["run", "epidemic", "--set", "fanout=many"]).contains("many"));
    assert!(refused(&["run", "epidemic", "--seeds", "0"]).contains("seeds"));
    assert!(refused(&["epidemic", "--nodes", "1"]).contains("nodes"));
    assert!(refused(&["epidemic", "--loss", "1"]).contains("loss"));
    assert!(refused(&["epidemic", "--mode", "pull", "--sends", "3"]).contains("push"));
}

#[test]
fn epidemic_prints_one_object_a_mode_and_nothing_else() {
    let args = ["run", "epidemic", "--nodes", "200", "--seeds", "5", "--json", "--set", "fanout=2"];
    let output = simulator(&args);
    assert!(output.status.success());
    assert!(output.stderr.is_empty(), "no progress bars in a pipe");
    let printed = stdout(&output);
    let lines: Vec<serde_json::Value> =
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let modes: Vec<&str> = lines.iter().map(|line| line["mode"].as_str().unwrap()).collect();
    assert_eq!(modes, ["push", "pull", "push-pull"]);
    for line in &lines {
        assert_eq!((&line["scenario"], &line["fanout"]), (&"epidemic".into(), &2.into()));
        assert!(line["rounds"]["mean"].as_f64().unwrap() > 2.0);
    }
    assert_eq!(printed, stdout(&simulator(&args)), "one seed, one answer");
    let same = ["epidemic", "--nodes", "200", "--seeds", "5", "--json", "--fanout", "2"];
    assert_eq!(printed, stdout(&simulator(&same)));
}

#[test]
fn a_report_is_written_where_it_was_asked_for() {
    let path = std::env::temp_dir().join(format!("simulator-report-{}.html", std::process::id()));
    let file = path.to_str().unwrap();
    let output = simulator(&["epidemic", "--nodes", "100", "--seeds", "3", "--report", file]);
    assert!(output.status.success());
    let html = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(html.contains("<svg") && html.trim_end().ends_with("</html>"));
}

#[test]
fn a_report_that_cannot_be_written_is_an_error() {
    let output = simulator(&["epidemic", "--nodes", "50", "--seeds", "1", "--report", "/nowhere/r.html"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("/nowhere/r.html"));
}
