//! Nodes whose configuration changes while they run, and what they log.

use crate::process::Running;
use serde_json::Value;
use std::{fs, path::PathBuf, process::Command};
use tempfile::TempDir;

struct Node {
    running: Running,
    file: PathBuf,
    _place: TempDir,
}

const NEEDED: &str =
    "name = 'a'\ncluster = 'reloaded'\nbind = '127.0.0.1:0'\npreset = 'local'\njson = true\n";

fn start(more: &str) -> Node {
    let place = TempDir::new().unwrap();
    let file = place.path().join("gossip.toml");
    fs::write(&file, format!("{NEEDED}{more}")).unwrap();
    let running = Running::start(&format!("run --config {}", file.display()));
    Node { running, file, _place: place }
}

impl Node {
    /// Writes the file anew, and has it read.
    fn reload(&self, text: &str) {
        fs::write(&self.file, text).unwrap();
        self.running.signal("HUP");
    }
}

#[test]
fn what_can_change_changes_at_a_hangup_and_the_rest_is_named() {
    let other = Running::start("run --name b --cluster reloaded --bind 127.0.0.1:0 --preset local --json");
    let seed = other.event("started")["address"].as_str().unwrap().to_owned();
    let mut node = start("[tag]\nrole = 'db'\nport = 1\n");
    node.running.event("started");
    let more = format!(
        "capacity = 99\njoin = ['{seed}']\n[tag]\nrole = 'web'\n[config]\nfanout = 2\n[on]\nreloaded = 'exit 7'\n"
    );
    node.reload(&format!("{NEEDED}{more}"));
    node.running.warning("capacity has changed in the configuration: restart");
    let told = node.running.event("reloaded");
    let mut applied: Vec<&str> = told["note"].as_str().unwrap().split(", ").collect();
    applied.sort_unstable();
    assert_eq!(applied, ["config", "join", "on", "tag"]);
    node.running.warning("exit status: 7");
    let tags = |event: &Value| event["note"].as_str().unwrap_or_default() == "role=web";
    while !tags(&other.event("state")) {}
    // The rest still needs a restart, which was said, and is said of another value again.
    let said = ["reloaded", "warning"];
    assert_eq!(node.running.next_of(&said), "warning", "of the handler");
    let more = more.replace("exit 7", "true");
    node.reload(&format!("{NEEDED}{more}"));
    assert_eq!(node.running.next_of(&said), "reloaded");
    node.reload(&format!("{NEEDED}{}", more.replace("99", "98")));
    assert_eq!([node.running.next_of(&said), node.running.next_of(&said)], ["warning", "reloaded"]);
    node.running.warning("capacity has changed in the configuration: restart");
    node.running.signal("TERM");
    assert!(node.running.end().success());
}

#[test]
fn a_file_that_is_wrong_changes_nothing_and_is_told_of() {
    let node = start("[tag]\nrole = 'db'\n");
    node.running.event("started");
    node.reload(&format!("{NEEDED}naem = 'b'\n[tag]\nrole = 'web'\n"));
    let warning = node.running.event("warning");
    let note = warning["note"].as_str().unwrap();
    assert!(note.contains("nothing has changed") && note.contains("line 6: there is no key naem"), "{note}");
    // The same again is nothing new; and once it is mended, it counts.
    node.running.signal("HUP");
    node.running.warning("the configuration was read again, and is wrong");
    node.running.warning("the configuration was read again, and is wrong");
    node.reload(&format!("{NEEDED}[tag]\nrole = 'web'\n"));
    assert_eq!(node.running.next_of(&["reloaded", "warning"]), "reloaded", "said once");
}

#[test]
fn a_pipe_in_place_of_the_file_does_not_hold_up_the_node() {
    let mut node = start("");
    node.running.event("started");
    fs::remove_file(&node.file).unwrap();
    assert!(Command::new("mkfifo").arg(&node.file).status().unwrap().success());
    node.running.signal("HUP");
    let warning = node.running.event("warning");
    assert!(warning["note"].as_str().unwrap().contains("can be read only once"), "{warning}");
    node.running.signal("TERM");
    assert!(node.running.end().success());
}

#[test]
fn the_log_has_levels_and_a_format_for_programs() {
    let silent = "--join 127.0.0.1:9";
    let run = "run --name a --cluster logged --bind 127.0.0.1:0 --preset local --json";
    let node = Running::start(&format!("{run} --log debug --log-format json {silent}"));
    let line: Value = serde_json::from_str(&node.warning("no node given with --join has answered")).unwrap();
    assert_eq!((&line["level"], &line["target"]), (&"WARN".into(), &"gossip".into()));
    assert!(line["timestamp"].is_string() && line["message"].is_string(), "{line}");
    let peer =
        Running::start("run --name b --cluster logged --bind 127.0.0.1:0 --preset local --json --log debug");
    let address = peer.event("started")["address"].as_str().unwrap().to_owned();
    let joiner = Running::start(&format!("{run} --log warn,gossip_core=debug --join {address}"));
    assert!(joiner.warning("joined").contains("DEBUG gossip_core"));
}
