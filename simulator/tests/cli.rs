//! What the program promises to those who call it.
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::path::PathBuf;
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
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!text.ends_with("\n\n"), "{text}");
    text
}

#[test]
fn list_names_what_run_takes() {
    let output = simulator(&["list"]);
    assert!(output.status.success());
    for name in ["steady ", "epidemic ", "swarm "] {
        assert!(stdout(&output).lines().any(|line| line.starts_with(name)), "{name}");
    }
}

#[test]
fn a_misspelt_scenario_is_answered_with_its_name() {
    assert!(refused(&["run", "epidmic"]).contains("did you mean epidemic?"));
    assert!(refused(&["run", "stedy"]).contains("did you mean steady?"));
    assert!(refused(&["run", "zzz"]).contains("simulator list"));
}

#[test]
fn bad_arguments_are_named() {
    assert!(refused(&["run", "steady", "--set", "duratoin_s=3"]).contains("duratoin_s"));
    assert!(refused(&["run", "steady", "--set", "duration_s=-3"]).contains("duration_s"));
    assert!(refused(&["run", "steady", "--nodes", "1"]).contains("nodes"));
    assert!(refused(&["run", "epidemic", "--set", "fanout"]).contains("KEY=VALUE"));
    assert!(refused(&["run", "epidemic", "--sealed"]).contains("--sealed"));
    assert!(refused(&["run", "epidemic", "--signed"]).contains("--signed"));
    assert!(refused(&["run", "swarm", "--signed"]).contains("--seeds"));
    assert!(refused(&["run", "signed-steady", "--signed"]).contains("[signing] of its own"));
    assert!(refused(&["run", "swarm", "--sealed"]).contains("--seeds"));
    assert!(refused(&["run", "key-sleeper", "--sealed"]).contains("[sealing] of its own"));
    assert!(
        refused(&["run", "steady", "--set", "sealing.mode=\"require\""]).contains("sealing: without a key")
    );
    assert!(refused(&["run", "epidemic", "--set", "fanuot=3"]).contains("fanuot"));
    assert!(refused(&["run", "epidemic", "--set", "fanout=many"]).contains("many"));
    assert!(refused(&["run", "epidemic", "--seeds", "0"]).contains("seeds"));
    assert!(refused(&["run", "steady", "--set", "expect.false_death=0"]).contains("false_deaths"));
    assert!(refused(&["sweep", "fanout=1,99"]).contains("fanout"));
    assert!(refused(&["sweep", "fanuot=3"]).contains("fanuot"));
    assert!(refused(&["sweep", "fanout=3", "--nodes", "1"]).contains("nodes"));
    assert!(refused(&["ablate", "stedy"]).contains("stedy"));
    assert!(refused(&["ablate", "--switch", "holdz"]).contains("holdz"));
    assert!(refused(&["epidemic", "--nodes", "1"]).contains("nodes"));
    assert!(refused(&["epidemic", "--loss", "1"]).contains("loss"));
    assert!(refused(&["run", "steady", "--set", "config.fanot=4"]).contains("`fanout`"));
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
    assert_eq!(modes, ["push", "pull", "push-pull", "ring"]);
    for line in &lines {
        assert_eq!((&line["scenario"], &line["fanout"]), (&"epidemic".into(), &2.into()));
        assert!(line["rounds"]["mean"].as_f64().unwrap() > 2.0);
    }
    assert_eq!(printed, stdout(&simulator(&args)), "one seed, one answer");
    let same = ["epidemic", "--nodes", "200", "--seeds", "5", "--json", "--fanout", "2"];
    assert_eq!(printed, stdout(&simulator(&same)));
}

/// A place for a file of this test, empty.
fn scratch(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("simulator-{}-{name}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    path
}

#[test]
fn a_scenario_prints_one_object_a_seed() {
    let args = ["run", "steady", "--nodes", "5", "--set", "duration_s=2", "--json", "--seeds", "2"];
    let output = simulator(&[&args[..], &["--seed", "7"]].concat());
    assert_eq!(String::from_utf8(output.stderr.clone()).unwrap(), "");
    assert!(output.status.success());
    let runs: Vec<serde_json::Value> =
        stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let seeds: Vec<u64> = runs.iter().map(|run| run["seed"].as_u64().unwrap()).collect();
    assert_eq!(seeds, [7, 8]);
    assert_ne!(runs[0]["trace_digest"], runs[1]["trace_digest"]);
}

#[test]
fn an_expectation_that_fails_makes_the_program_fail() {
    let args = ["run", "steady", "--nodes", "5", "--set", "duration_s=2", "--json"];
    let output = simulator(&[&args[..], &["--set", "expect.suspicions={min=1}"]].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr.clone()).unwrap().contains("suspicions"));
    assert!(serde_json::from_str::<serde_json::Value>(&stdout(&output)).is_ok());
}

#[test]
fn swarm_reports_the_seeds_that_it_tried() {
    let output = simulator(&["swarm", "--seeds", "2", "--json"]);
    let tried: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!((&tried["seeds"], &tried["failures"]), (&2.into(), &serde_json::json!([])));
    assert!(output.status.success() && tried["steps"].as_u64().unwrap() > 0);
    assert_eq!(stdout(&output), stdout(&simulator(&["run", "swarm", "--seeds", "2", "--json"])));
    assert!(refused(&["run", "swarm", "--nodes", "5"]).contains("--seeds"));
}

#[test]
fn ablate_prints_a_row_for_each_switch_and_its_progress_elsewhere() {
    let args = ["ablate", "scale-in", "--switch", "quarantines", "--switch", "suspicion", "--seeds", "2"];
    let output = simulator(&[&args[..], &["--json"]].concat());
    assert!(output.status.success());
    let rows: Vec<serde_json::Value> =
        stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let turned: Vec<Option<&str>> = rows.iter().map(|row| row["turned"]["switch"].as_str()).collect();
    assert_eq!(turned, [None, Some("suspicion"), Some("quarantines")]);
    assert!(rows.iter().all(|row| row["as_it_is"] == rows[0]["figures"] && row["seeds"] == 2));
    assert_eq!(String::from_utf8(output.stderr).unwrap().lines().count(), 6, "one line a run");
    let table = stdout(&simulator(&args));
    assert!(table.lines().count() == 5 && table.contains("| scale-in "), "{table}");
}

#[test]
fn a_file_is_run_and_a_bad_one_is_named() {
    let file = scratch("mine.toml");
    let path = file.to_str().unwrap();
    std::fs::write(&file, "about = \"mine\"\nnodes = 4\nduration_s = 2\n").unwrap();
    let output = simulator(&["run", path, "--json"]);
    assert!(output.status.success());
    assert!(stdout(&output).contains("mine"));
    for bad in ["about = ", "about = \"x\"\nnodes = \"many\"\nduration_s = 2\n"] {
        std::fs::write(&file, bad).unwrap();
        assert!(refused(&["run", path]).contains("mine"), "{bad}");
    }
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn each_of_several_runs_has_a_report_of_its_own() {
    let file = scratch("several.html");
    let path = file.to_str().unwrap();
    let args = ["run", "steady", "--nodes", "5", "--set", "duration_s=2", "--seeds", "2", "--report", path];
    assert!(simulator(&args).status.success());
    for seed in [1, 2] {
        let stem = file.file_stem().unwrap().to_str().unwrap();
        let report = file.with_file_name(format!("{stem}-steady-{seed}.html"));
        let html = std::fs::read_to_string(&report).unwrap();
        std::fs::remove_file(&report).unwrap();
        assert!(html.contains("application/x-ndjson") && html.contains("\"scenario\":\"steady\""));
    }
    assert!(!file.exists());
}

#[test]
fn a_report_is_written_where_it_was_asked_for() {
    let file = scratch("epidemic.html");
    let path = file.to_str().unwrap();
    let output = simulator(&["epidemic", "--nodes", "100", "--seeds", "3", "--report", path]);
    assert!(output.status.success());
    let html = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(html.contains("<svg") && html.trim_end().ends_with("</html>"));
}

#[test]
fn a_report_that_cannot_be_written_is_an_error() {
    // Before anything is run or printed.
    let path = ["--report", "/nowhere/r.html"];
    let runs: [&[&str]; 3] =
        [&["epidemic", "--nodes", "50"], &["run", "steady"], &["run", "modes", "--seeds", "2"]];
    for run in runs {
        assert!(refused(&[run, path.as_slice()].concat()).contains("/nowhere/r"), "{run:?}");
    }
}

#[test]
fn a_report_that_is_refused_later_leaves_no_file_and_an_old_one_as_it_was() {
    let (new, old) = (scratch("new.html"), scratch("old.html"));
    std::fs::write(&old, "old").unwrap();
    for file in [&new, &old] {
        let path = file.to_str().unwrap();
        let _ = refused(&["run", "steady", "--set", "expect.nothing=1", "--report", path]);
    }
    assert!(!new.exists());
    assert_eq!(std::fs::read_to_string(&old).unwrap(), "old");
    std::fs::remove_file(&old).unwrap();
}
