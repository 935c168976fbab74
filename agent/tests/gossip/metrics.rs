//! Metrics, what is written of them, and alerts. Where Prometheus' own programs are missing, what needs them is left out, and says so.

use crate::process::{Running, success};
use std::{
    collections::BTreeSet,
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};
use tempfile::TempDir;

const RULES: &str = "alerts/gossip.rules.yml";
const TESTS: &str = "alerts/gossip.rules.test.yml";

/// A file of the agent, by its path below it.
fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(file(path)).unwrap()
}

/// What an agent tells, in the format that `promtool` reads.
fn exposition() -> String {
    let directory = TempDir::new().unwrap();
    let socket = directory.path().join("control.sock").display().to_string();
    let agent = Running::start(&format!(
        "run --name told --cluster metrics --bind 127.0.0.1:0 --preset local --json --control {socket}"
    ));
    agent.event("started");
    success(&format!("metrics --control {socket}"))
}

/// The first words between backticks in the first column of each row of a table.
fn documented(text: &str) -> BTreeSet<String> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `gossip_")?.split_once('`'));
    rows.map(|(name, _)| format!("gossip_{name}")).collect()
}

fn told(exposition: &str) -> BTreeSet<String> {
    let types = exposition.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    types.map(|(name, _)| name.to_owned()).collect()
}

fn after(text: &str, prefix: &str) -> Vec<String> {
    text.lines().filter_map(|line| line.trim_start().strip_prefix(prefix)).map(str::to_owned).collect()
}

/// Runs a program of Prometheus; `None` where there is none.
fn run(program: &str, args: &[&str], input: &str) -> Option<Output> {
    let child = Command::new(program)
        .args(args)
        .current_dir(file("alerts"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    match child {
        Ok(mut child) => {
            child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
            Some(child.wait_with_output().unwrap())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            eprintln!("SKIPPED: there is no {program}");
            None
        }
        Err(error) => panic!("{program}: {error}"),
    }
}

#[test]
fn every_metric_is_documented_and_every_documented_metric_is_told() {
    let told = told(&exposition());
    assert!(told.len() > 80, "{told:?}");
    assert_eq!(documented(&read("../docs/src/metrics.md")), told);
}

#[test]
fn every_alert_is_explained_and_tested_and_asks_for_what_is_told() {
    let (rules, tests, book) = (read(RULES), read(TESTS), read("../docs/src/metrics.md"));
    let alerts = after(&rules, "- alert: ");
    assert_eq!(alerts.iter().collect::<BTreeSet<_>>().len(), alerts.len(), "an alert is there twice");
    assert_eq!(after(&book, "### Gossip"), after(&rules, "- alert: Gossip"));
    assert_eq!(after(&tests, "- alertname: "), alerts, "each is raised in a test");
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let told = told(&exposition());
    let asked = rules.split(|c| !is_name(c)).filter(|word| word.starts_with("gossip_"));
    for name in asked {
        let plain = name.strip_suffix("_bucket").unwrap_or(name);
        assert!(told.contains(plain), "{name} is in a rule, and no agent tells it");
    }
}

#[test]
fn promtool_finds_no_fault_with_metrics_and_rules() {
    for (args, input) in [
        (&["check", "metrics"][..], exposition()),
        (&["check", "rules", "gossip.rules.yml"], String::new()),
        (&["test", "rules", "gossip.rules.test.yml"], String::new()),
    ] {
        let Some(output) = run("promtool", args, &input) else { return };
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
        assert!(output.status.success(), "{args:?}: {}", said.concat());
    }
}
