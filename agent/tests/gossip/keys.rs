//! Files of keys, as `gossip keys` makes and changes them.

use crate::process::{GOSSIP, failure, finish, success};
use serde_json::Value;
use std::{
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Command, Output, Stdio},
};
use tempfile::TempDir;

/// A folder for a test's files of keys.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("keys")
    }

    fn keys(&self, command: &str) -> String {
        success(&format!("keys {}", self.with_path(command)))
    }

    fn refused(&self, command: &str) -> String {
        failure(&format!("keys {}", self.with_path(command)), 2)
    }

    fn with_path(&self, command: &str) -> String {
        command.replace("FILE", &self.path().display().to_string())
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }
}

/// Runs `gossip keys add` with this on its standard input.
fn add(place: &Place, input: &str) -> Output {
    let mut child = Command::new(GOSSIP)
        .args(["keys", "add"])
        .arg(place.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn ids(shown: &str) -> Vec<String> {
    shown.lines().map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

#[test]
fn a_generated_key_can_be_added_from_standard_input_on_every_node() {
    let key: Value = serde_json::from_str(&success("keys generate --json")).unwrap();
    let (text, id) = (key["key"].as_str().unwrap(), key["id"].as_str().unwrap());
    assert!(text.starts_with("gossip-key-1-") && text.len() == 77, "{text}");
    let [one, other] = [Place::new(), Place::new()];
    for place in [&one, &other] {
        let added = add(place, &format!("{text}\n"));
        let stdout = String::from_utf8(added.stdout).unwrap();
        assert!(added.status.success() && stdout == format!("{id}  seals, opens\n"), "{stdout}");
        assert_eq!(place.text(), format!("{text}\n"));
        assert_eq!(fs::metadata(place.path()).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let printed = success("keys generate");
    assert!(printed.starts_with("gossip-key-1-") && printed.trim() != text, "another one");
}

#[test]
fn a_key_is_rotated_in_three_edits_that_show_ids_alone() {
    let place = Place::new();
    let old = ids(&place.keys("add FILE --generate")).remove(0);
    let shown = place.keys("add FILE --generate");
    let new = ids(&shown).remove(1);
    assert_eq!(shown, format!("{old}  seals, opens\n{new}  opens\n"));
    assert_eq!(place.keys(&format!("promote FILE {new}")), format!("{new}  seals, opens\n{old}  opens\n"));
    let said = place.refused(&format!("remove FILE {new}"));
    assert!(said.contains("the one that seals: make another one the first"), "{said}");
    assert_eq!(place.keys(&format!("remove FILE {old}")), format!("{new}  seals, opens\n"));
    assert!(place.refused(&format!("remove FILE {new}")).contains("is the only key"));
    let said = place.refused(&format!("promote FILE {old}"));
    assert!(said.contains(&format!("has no key '{old}'")) && said.contains(&new), "{said}");
    let shown: Value = serde_json::from_str(&place.keys("show FILE --json")).unwrap();
    assert_eq!((&shown["keys"][0]["id"], &shown["keys"][0]["seals"]), (&new.into(), &true.into()));
    assert!(shown["keys"].as_array().unwrap().len() == 1 && shown["ok"] == true);
}

#[test]
fn what_is_no_key_or_no_good_file_is_refused_and_never_shown() {
    let place = Place::new();
    assert!(place.refused("show FILE").contains("cannot read the key file"));
    for (input, said) in [("", "standard input has no key"), ("hush-hush", "64 hexadecimal digits")] {
        let refused = add(&place, input);
        let stderr = String::from_utf8(refused.stderr).unwrap();
        assert!(refused.status.code() == Some(2) && stderr.contains(said), "{stderr}");
        assert!(!stderr.contains("hush") && !place.path().exists());
    }
    place.keys("add FILE --generate");
    assert!(place.keys("check FILE").contains("it has one key, and"));
    fs::write(place.path(), place.text() + "hush-hush\n").unwrap();
    for command in ["check FILE", "show FILE", "add FILE --generate", "promote FILE 01", "remove FILE 01"] {
        let said = place.refused(command);
        assert!(said.contains("line 2: a key is gossip-key-1-") && !said.contains("hush"), "{said}");
    }
    let (stdout, stderr, status) = finish(&place.with_path("keys check FILE --json"));
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert!(report["ok"] == false && status == Some(2) && stderr.contains("line 2"), "{stdout}{stderr}");
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(place.refused("check FILE").contains("`chmod 600 "));
    assert!(place.refused("add FILE gossip-key-1-0 --generate").contains("cannot be used with"));
}
