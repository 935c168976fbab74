//! Files of keys, as `gossip keys` makes and changes them, and agents that have such files.

use crate::{
    place,
    process::{GOSSIP, Running, failure, finish, success},
};
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
    let file = TempDir::new().unwrap();
    let file = file.path().join("new");
    let shown = success(&format!("keys generate --output {}", file.display()));
    let key = fs::read_to_string(&file).unwrap();
    assert!(key.starts_with("gossip-key-1-") && shown.ends_with("seals, opens\n"), "{shown}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let again = failure(&format!("keys generate --output {}", file.display()), 2);
    assert!(again.contains("already") && fs::read_to_string(&file).unwrap() == key, "{again}");
    success(&format!("keys check {}", file.display()));
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
    assert_eq!(place.keys("promote FILE"), format!("{new}  seals, opens\n{old}  opens\n"));
    let said = place.refused(&format!("remove FILE {new}"));
    assert!(said.contains("the one that seals: make another one the first"), "{said}");
    assert_eq!(place.keys("remove FILE"), format!("{new}  seals, opens\n"));
    assert!(place.refused(&format!("remove FILE {new}")).contains("is the only key"));
    let said = place.refused(&format!("promote FILE {old}"));
    assert!(said.contains(&format!("there is no key '{old}'")) && said.contains(&new), "{said}");
    assert!(place.refused("promote FILE").contains("which key is meant is not said"));
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

#[test]
fn a_key_that_is_there_twice_or_has_no_room_changes_nothing() {
    let place = Place::new();
    place.keys("add FILE --generate");
    let (id, text) = (ids(&place.keys("show FILE")).remove(0), place.text());
    let again = String::from_utf8(add(&place, &text).stderr).unwrap();
    assert!(again.contains(&format!("which has the key {id} already")), "{again}");
    fs::write(place.path(), text.clone() + &text).unwrap();
    let said = place.refused("check FILE");
    assert!(said.contains(&format!("line 2: the key {id} is there twice")), "{said}");
    let full = format!("{text}#{}\n", "x".repeat((1 << 16) - text.len() - 2));
    fs::write(place.path(), &full).unwrap();
    place.keys("check FILE");
    assert!(place.refused("add FILE --generate").contains("is longer than 65536 bytes, or would be"));
    assert_eq!(place.text(), full);
}

/// Wherever a key is given by mistake, nothing that the program says shows it.
#[test]
fn a_key_in_any_option_field_or_variable_is_never_shown() {
    let digits = "8f0c1d7a53e2b94460aa1f3e7c5d92b8e4f60713a2c9d58b1e6f70432d8c9ba5";
    let key = format!("gossip-key-1-{digits}");
    let settings: Value = serde_json::from_str(&success("check-config --json --name a --cluster c")).unwrap();
    let settings = settings["settings"].as_array().unwrap();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("gossip.toml");
    let hidden = |how: String, command: &mut Command| {
        let Output { stdout, stderr, .. } = command.stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&stdout) + String::from_utf8_lossy(&stderr);
        assert!(!said.contains(&digits[..8]) && !said.is_empty(), "{how}: {said}");
    };
    let check = |more: &[&str]| {
        let mut command = Command::new(GOSSIP);
        command.arg("check-config").args(more);
        command
    };
    let mut seen = std::collections::BTreeSet::new();
    for setting in settings {
        let [name, flag, variable] =
            ["key", "flag", "variable"].map(|field| setting[field].as_str().unwrap());
        if !seen.insert(name) {
            continue;
        }
        for json in [&[][..], &["--json"]] {
            hidden(format!("{flag} {json:?}"), check(json).arg(format!("{flag}={key}")));
            hidden(format!("{variable} {json:?}"), check(json).env(variable, &key));
            for text in [
                format!("{name} = '{key}'\n"),
                format!("{name} = ['{key}']\n"),
                format!("{name} = {key}\n"),
                format!("[{name}]\n{key} = 1\n"),
                format!("[{name}]\nx = '{key}'\n"),
                format!("{key} = '{name}'\n"),
            ] {
                fs::write(&file, &text).unwrap();
                hidden(text, check(json).arg(&file));
            }
        }
    }
    assert!(seen.len() > 30, "{} settings", seen.len());
    for command in ["keys", "members", "run", "info", "id", "watch"] {
        hidden(command.to_owned(), Command::new(GOSSIP).args([command, &key]));
    }
    for args in ["keys show", "keys check", "keys add", "keys remove", "keys promote", "info --control"] {
        let args = args.split(' ').chain([key.as_str()]);
        hidden(format!("{args:?}"), Command::new(GOSSIP).args(args));
    }
}

/// Agents with a file of keys each.
struct Cluster {
    place: place::Place,
    agents: Vec<(String, Running, Place)>,
    seed: String,
}

impl Cluster {
    /// A cluster whose agents have one key, and its id.
    fn new(test: &str, names: &[&str]) -> (Self, String) {
        let key = success("keys generate");
        let mut cluster = Self { place: place::Place::new(test), agents: Vec::new(), seed: String::new() };
        let mut id = String::new();
        for name in names {
            let keys = Place::new();
            let added = add(&keys, &key);
            id = ids(&String::from_utf8(added.stdout).unwrap()).remove(0);
            cluster.start(name, keys);
        }
        cluster.all_meet();
        (cluster, id)
    }

    fn start(&mut self, name: &str, keys: Place) {
        let join = if self.seed.is_empty() { String::new() } else { format!("--join {}", self.seed) };
        let more = keys.with_path(&format!("--keys FILE {join}"));
        let (agent, address) = self.place.agent(name, &more);
        self.seed = address;
        self.agents.push((name.to_owned(), agent, keys));
    }

    fn all_meet(&self) {
        for (name, ..) in &self.agents {
            self.place.until(name, "members --status alive", |members| {
                members.as_array().unwrap().len() == self.agents.len()
            });
        }
    }

    /// Edits every file, has it read, and waits until that is done.
    fn each(&self, edit: impl Fn(&Place)) {
        for (_, agent, keys) in &self.agents {
            edit(keys);
            agent.signal("HUP");
            assert_eq!(agent.event("reloaded")["note"], "keys");
        }
    }

    /// Waits until all agents have heard all others under this key.
    fn all_speak_under(&self, id: &str) {
        for (name, ..) in &self.agents {
            self.place.until(name, "keys status", |status| {
                let keys = status["keys"].as_array().unwrap();
                let others = self.agents.len() as u64 - 1;
                keys.iter().any(|key| key["id"] == id && key["members"] == others)
            });
        }
    }
}

#[test]
fn a_key_is_rotated_on_running_agents_and_nobody_is_lost() {
    let (mut cluster, old) = Cluster::new("rotation", &["a", "b", "c"]);
    let new = success("keys generate");
    let id: String = {
        let scratch = Place::new();
        ids(&String::from_utf8(add(&scratch, &new).stdout).unwrap()).remove(0)
    };
    cluster.each(|keys| assert!(add(keys, &new).status.success()));
    cluster.each(|keys| drop(keys.keys(&format!("promote FILE {id}"))));
    cluster.all_speak_under(&id);
    cluster.each(|keys| drop(keys.keys(&format!("remove FILE {old}"))));
    // Whoever comes has the file of now.
    let keys = Place::new();
    add(&keys, &new);
    cluster.start("d", keys);
    cluster.all_meet();
    cluster.all_speak_under(&id);
    for (name, agent, _) in &cluster.agents {
        let status = cluster.place.ask_json(name, "keys status");
        let only = &status["keys"].as_array().unwrap()[..];
        assert!(only.len() == 1 && only[0]["id"] == *id && only[0]["seals"] == true, "{status}");
        assert_eq!((&status["sealing"], &status["received_clear"]), (&"require".into(), &0.into()));
        while agent.has_line() {
            let event = agent.next();
            assert!(event["event"] != "down" && event["event"] != "warning", "{event}");
        }
    }
    let shown = cluster.place.ask("a", "keys status");
    assert!(shown.contains(&format!("{id}   seals, opens  3")), "{shown}");
}

#[test]
fn a_key_that_others_speak_under_goes_only_by_force() {
    let (cluster, old) = Cluster::new("forced", &["a", "b"]);
    cluster.all_speak_under(&old);
    let new = success("keys generate");
    let (_, a, keys) = &cluster.agents[0];
    fs::write(keys.path(), &new).unwrap();
    a.signal("HUP");
    let said = format!("keys and sealing have not changed: 1 live member needs the key {old}");
    let warning = a.event("warning");
    assert!(warning["note"].as_str().unwrap().contains(&said), "{warning}");
    // The second time nothing new is warned of, and the answer says it all the same.
    for _ in 0..2 {
        let reloaded = a.event("reloaded")["note"].as_str().unwrap().to_owned();
        assert!(reloaded.starts_with("nothing has changed; ") && reloaded.contains(&said), "{reloaded}");
        a.signal("HUP");
    }
    a.event("reloaded");
    let reload = format!("keys reload --control {}", cluster.place.socket("a"));
    assert!(failure(&reload, 1).contains("gossip keys reload --force"));
    assert_eq!(cluster.place.ask_json("a", "keys status")["keys"][0]["id"], *old);
    // After a leak it goes everywhere at once.
    for (name, _, keys) in &cluster.agents {
        fs::write(keys.path(), &new).unwrap();
        let status = cluster.place.ask_json(name, "keys reload --force");
        assert!(status["keys"].as_array().unwrap().len() == 1 && status["keys"][0]["id"] != *old);
    }
    let id = cluster.place.ask_json("a", "keys status")["keys"][0]["id"].as_str().unwrap().to_owned();
    cluster.all_speak_under(&id);
}

#[test]
fn a_file_that_is_wrong_leaves_an_agent_the_keys_that_it_has() {
    let (cluster, old) = Cluster::new("wrong", &["a"]);
    let (_, a, keys) = &cluster.agents[0];
    let good = keys.text();
    for (text, mode, said) in [
        (good.clone() + "hush-hush\n", 0o600, "line 2: a key is gossip-key-1-"),
        (good.clone(), 0o640, "`chmod 600 "),
        (String::new(), 0o600, "has no key"),
    ] {
        fs::write(keys.path(), text).unwrap();
        fs::set_permissions(keys.path(), fs::Permissions::from_mode(mode)).unwrap();
        a.signal("HUP");
        let warning = a.event("warning")["note"].as_str().unwrap().to_owned();
        assert!(warning.contains("keys and sealing have not changed") && warning.contains(said), "{warning}");
        assert!(!warning.contains("hush"));
        let refused = failure(&format!("keys reload --control {}", cluster.place.socket("a")), 1);
        assert!(refused.contains(said), "{refused}");
        let status = cluster.place.ask_json("a", "keys status");
        assert_eq!((&status["keys"][0]["id"], &status["sealing"]), (&(*old).into(), &"require".into()));
    }
    let new = Place::new();
    new.keys("add FILE --generate");
    fs::write(keys.path(), new.text()).unwrap();
    assert_ne!(cluster.place.ask_json("a", "keys reload")["keys"][0]["id"], *old, "nobody speaks under it");
}

#[test]
fn a_clear_node_is_sealed_step_by_step_through_its_configuration() {
    let (folder, keys, place) = (TempDir::new().unwrap(), Place::new(), place::Place::new("steps"));
    keys.keys("add FILE --generate");
    let (file, socket) = (folder.path().join("gossip.toml"), place.socket("a"));
    let write = |more: &str| {
        let needed =
            format!("name = 'a'\ncluster = 'c'\nbind = '127.0.0.1:0'\njson = true\ncontrol = '{socket}'\n");
        fs::write(&file, needed + &more.replace("FILE", &keys.path().display().to_string())).unwrap();
    };
    write("");
    let agent = Running::start(&format!("run --config {}", file.display()));
    agent.event("started");
    assert!(
        failure(&format!("keys reload --control {socket}"), 1).contains("has no file of keys")
            && place
                .ask("a", "keys status")
                .starts_with("sealing  off: this node speaks and hears in the clear\nheard")
    );
    let reloaded = |more: &str| {
        write(more);
        agent.signal("HUP");
        agent.event("reloaded")["note"].as_str().unwrap().to_owned()
    };
    assert_eq!(reloaded("keys = 'FILE'\nsealing = 'accept'"), "keys, sealing");
    assert!(place.ask("a", "keys status").contains("  opens"));
    assert_eq!(reloaded("keys = 'FILE'\nsealing = 'prefer'"), "sealing");
    assert_eq!(reloaded("keys = 'FILE'"), "sealing");
    assert_eq!(place.ask_json("a", "keys status")["sealing"], "require");
    assert!(reloaded("").starts_with("nothing has changed; keys and sealing have not changed: their file"));
    agent.warning("their file is named no more: restart this node");
    assert_eq!(place.ask_json("a", "keys status")["sealing"], "require");
    let metrics = place.ask("a", "metrics");
    assert!(metrics.contains("gossip_sealing{mode=\"require\"} 1"), "{metrics}");
    assert!(metrics.contains("gossip_key_members{key=\""), "{metrics}");
}

#[test]
fn a_node_that_cannot_have_its_keys_does_not_start() {
    let place = Place::new();
    for (args, said) in [
        ("--keys FILE", "cannot read the key file"),
        ("--sealing require", "give their file with --keys"),
        ("--keys FILE --sealing often", "accept"),
    ] {
        for command in ["run", "check-config"] {
            let args = format!("{command} --name a --cluster c --bind 127.0.0.1:0 {args}");
            let refused = failure(&place.with_path(&args), 2);
            assert!(refused.contains(said), "{args}: {refused}");
        }
    }
    place.keys("add FILE --generate");
    let checked = success(&place.with_path("check-config --name a --cluster c --keys FILE"));
    assert!(checked.contains("sealing") && !checked.contains("gossip-key-1"), "{checked}");
}
