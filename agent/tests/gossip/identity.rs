//! Nodes' own keys, as `gossip identity` makes, certifies and shows them, and agents that have such keys.

use crate::place;
use crate::process::{failure, finish, success};
use serde_json::Value;
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};
use tempfile::TempDir;

const DAY_S: u64 = 86_400;

/// A folder for a test's files. In commands `@` stands for it.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, command: &str) -> String {
        format!("identity {}", command.replace('@', &self.0.path().display().to_string()))
    }

    fn run(&self, command: &str) -> String {
        success(&self.command(command))
    }

    fn json(&self, command: &str) -> Value {
        serde_json::from_str(&self.run(&format!("{command} --json"))).unwrap()
    }

    fn refused(&self, command: &str) -> String {
        failure(&self.command(command), 2)
    }

    /// Writes a file that only its owner may write.
    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        self.set_mode(name, 0o600);
    }

    fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Makes a key, and returns its public side.
    fn key(&self, name: &str) -> String {
        let report = self.json(&format!("init @/{name}"));
        report["public_key"].as_str().unwrap().to_owned()
    }

    /// The secret of a file, and it alone.
    fn secret(&self, name: &str) -> String {
        self.text(name).lines().find(|line| line.starts_with("gossip-identity-1-")).unwrap().to_owned()
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn a_key_is_made_for_its_owner_alone_and_never_made_anew() {
    let place = Place::new();
    let printed = place.run("init @/node");
    let words: Vec<&str> = printed.split_whitespace().collect();
    let &["public", "key", public, "own", "id", id] = &words[..] else { panic!("{printed}") };
    assert!(public.starts_with("gossip-node-1-") && public.len() == 78 && id.len() == 13, "{printed}");
    assert_eq!(fs::metadata(place.path("node")).unwrap().permissions().mode() & 0o777, 0o600);
    let text = place.text("node");
    assert!(text.contains(&format!("# Its public key: {public}\n")), "{text}");
    let said = place.refused("init @/node");
    assert!(said.contains("node exists, and is not overwritten"), "{said}");
    assert_eq!((place.text("node"), place.run("show @/node")), (text, printed.clone()));
    assert!(!printed.contains(&place.secret("node")["gossip-identity-1-".len()..]));
    let authority = place.json("init @/authority --authority");
    assert!(authority["public_key"] != *public && authority["own_id"] != *id, "{authority}");
    assert!(place.text("authority").contains("keep it off the nodes"));
    assert!(failure(&place.command("init @/none/node"), 1).contains("a directory that exists"));
}

#[test]
fn a_certificate_is_good_for_its_node_in_its_cluster() {
    let place = Place::new();
    let (authority, node, other) = (place.key("authority"), place.key("node"), place.key("other"));
    let sign = format!("sign @/authority --cluster prod --name db-1 --key {node}");
    let signed = place.json(&format!("{sign} --valid-days 365"));
    let id = success("id db-1").trim().to_owned();
    assert_eq!((&signed["id"], &signed["public_key"]), (&id.clone().into(), &node.clone().into()));
    let last = signed["last_epoch"].as_u64().unwrap();
    assert!((now() + 364 * DAY_S..=now() + 365 * DAY_S).contains(&last), "{signed}");
    let certificate = signed["certificate"].as_str().unwrap();
    place.write("certificate", &format!("# of db-1\n{certificate}\n"));
    place.write("full", &(place.text("node") + certificate + "\n"));
    let trust = format!("--trust {authority} --cluster prod");
    for shown in [certificate, "@/certificate", "@/full"] {
        let report = place.json(&format!("show {shown} {trust}"));
        let is_good = report["trusted"] == true && report["error"].is_null();
        assert!(is_good && report["public_key"] == *node, "{shown}: {report}");
        assert_eq!(report["certificate"]["id"], id, "{shown}");
        let text = place.run(&format!("show {shown} {trust} --id {id}"));
        assert!(text.contains(&format!("certified id  {id}\nlast epoch    {last}, 20")), "{text}");
        assert!(text.contains("\ntrusted       yes\n"), "{text}");
    }
    place.set_mode("certificate", 0o644);
    assert!(place.run("show @/certificate").contains(&id), "it is no secret");
    for (question, said) in [
        (format!("show @/full --trust {authority} --cluster test"), "the certificate is of another cluster"),
        (format!("show @/full {trust} --name db-2"), "the certificate is of "),
        (
            format!("show @/full --trust {other} --cluster prod"),
            "the authority has not signed the certificate",
        ),
        (format!("show @/node {trust} --name db-1"), "the node has no certificate"),
        (format!("show @/node {trust}"), "say which node it is"),
    ] {
        assert!(place.refused(&question).contains(said), "{question}: {}", place.refused(&question));
    }
    place.write("mixed", &(place.text("other") + certificate + "\n"));
    let said = place.refused(&format!("show @/mixed {trust}"));
    assert!(said.contains("the certificate is of another key"), "{said}");
}

#[test]
fn a_certificate_ends_with_the_epoch_that_is_given() {
    let place = Place::new();
    let (authority, node) = (place.key("authority"), place.key("node"));
    let sign = |end: &str| {
        place.json(&format!("sign @/authority --cluster prod --name db-1 --key {node} --last-epoch {end}"))
    };
    for (given, epoch, until) in [
        ("1000", 1_000, "1970-01-01T00:16:40Z"),
        ("2027-12-31", 1_830_297_599, "2027-12-31T23:59:59Z"),
        ("2027-12-31T12:00:00Z", 1_830_254_400, "2027-12-31T12:00:00Z"),
    ] {
        let signed = sign(given);
        assert_eq!((&signed["last_epoch"], &signed["until"]), (&epoch.into(), &until.into()), "{given}");
    }
    let expired = sign("1000")["certificate"].as_str().unwrap().to_owned();
    let question = place.command(&format!("show {expired} --trust {authority} --cluster prod --json"));
    let (stdout, stderr, status) = finish(&question);
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert!(report["trusted"] == false && status == Some(2), "{stdout}");
    for said in [report["error"].as_str().unwrap(), &stderr] {
        assert!(
            said.contains("good up to epoch 1000, and the node's is later: have another issued"),
            "{said}"
        );
    }
    let sign = format!("sign @/authority --cluster prod --name db-1 --key {node}");
    for (end, said) in [
        ("", "--valid-days"),
        ("--last-epoch 1000 --valid-days 1", "cannot be used with"),
        ("--last-epoch soon", "give a date as 2027-12-31"),
        ("--last-epoch 2027-02-30", "give a date as 2027-12-31"),
        ("--last-epoch 4294967295", "in 2106"),
        ("--last-epoch 2107-01-01", "in 2106"),
        ("--valid-days 0", "0 is not in"),
        ("--valid-days 40000", "40000 days are more than epochs have"),
        ("--valid-days 4000000000", "are more than epochs have"),
    ] {
        let refused = place.refused(&format!("{sign} {end}"));
        assert!(refused.contains(said), "{end}: {refused}");
    }
}

#[test]
fn a_key_is_checked_against_its_id_and_against_a_list() {
    let place = Place::new();
    let (one, other) = (place.key("one"), place.key("other"));
    let own = |more: &str| format!("show {one} --trust own --cluster prod{more}");
    assert_eq!(place.json(&own(""))["trusted"], true);
    let said = place.refused(&own(" --name db-1"));
    assert!(said.contains("the node's key has the id"), "{said}");
    let id = success("id db-1").trim().to_owned();
    place.write("list", &format!("# ours\nname:db-2 {other}\n{id} {one}\n"));
    let listed = |key: &str, more: &str| format!("show {key} --trust @/list --cluster prod {more}");
    for more in ["--name db-1", &format!("--id {id}")] {
        assert_eq!(place.json(&listed(&one, more))["trusted"], true, "{more}");
    }
    for (question, said) in [
        (listed(&other, "--name db-1"), "the list has another key for the node"),
        (listed(&one, "--name db-3"), "the node is not in the list"),
        (listed(&one, ""), "say which node it is"),
    ] {
        assert!(place.refused(&question).contains(said), "{question}: {}", place.refused(&question));
    }
    for (text, said) in [
        (format!("{id} {one}\n\nname:db-1 {other}\n"), format!("line 3: line 1 is of {id}, too")),
        (format!("db-1 {one}\n"), "line 1: a node id is 13 characters".into()),
        (String::new(), "has no node".into()),
    ] {
        place.write("list", &text);
        let refused = place.refused(&listed(&one, "--name db-1"));
        assert!(refused.contains(&said), "{refused}");
    }
    place.set_mode("list", 0o664);
    assert!(place.refused(&listed(&one, "--name db-1")).contains("`chmod go-w "));
}

#[test]
fn what_is_no_good_file_or_key_is_refused_and_no_secret_shown() {
    let place = Place::new();
    let public = place.key("node");
    let secret = place.secret("node");
    let digits = &secret["gossip-identity-1-".len()..];
    let sign = "sign @/node --cluster prod --name db-1 --valid-days 1";
    for (command, said) in [
        (format!("init {secret}"), "a key stands where the path of the file with it belongs"),
        (format!("show {secret}"), "a key stands where the path of the file with it belongs"),
        (
            format!("sign {secret} --cluster prod --name db-1 --valid-days 1 --key {public}"),
            "a key stands where the path",
        ),
        (format!("{sign} --key {secret}"), "a public key is gossip-node-1-"),
        (format!("show @/node --cluster prod --trust {secret}"), "a secret key stands where a public one"),
        (format!("show @/node --cluster prod --trust own --id {secret}"), "a node id is 13 characters"),
        (format!("show @/node {secret}"), "unexpected argument"),
        (format!("{sign} --key {}", &public[..70]), "a public key is gossip-node-1-"),
        (format!("{sign} --key {public} --id {}", success("id db-1").trim()), "cannot be used with"),
        (format!("show {}", &public[..70]), "a public key is gossip-node-1-"),
        ("show gossip-certificate-1-00".into(), "a certificate is gossip-certificate-1-"),
        ("show @/none".into(), "cannot read the identity file"),
        ("show @".into(), "is no regular file"),
        (format!("show @/node --trust {public}"), "--cluster"),
    ] {
        let refused = place.refused(&command);
        assert!(refused.contains(said) && !refused.contains(&digits[..12]), "{command}: {refused}");
    }
    for (text, said) in [
        (format!("gossip-ident-1-{digits}"), "line 1: it is neither a signing key"),
        (format!("#\n{}", &secret[..80]), "line 2: a signing key is gossip-identity-1-"),
        (format!("{secret}\n{secret}"), "line 2: there is another one of these"),
        (format!("# {secret}"), "has no signing key"),
    ] {
        place.write("wrong", &text);
        let refused = place.refused("show @/wrong");
        assert!(refused.contains(said) && !refused.contains(&digits[..12]), "{refused}");
    }
    for mode in [0o640, 0o604, 0o620] {
        place.set_mode("node", mode);
        for command in ["show @/node".into(), format!("{sign} --key {public}")] {
            let refused = place.refused(&command);
            assert!(refused.contains("`chmod 600 ") && refused.contains("make another key"), "{refused}");
        }
    }
}

/// Agents whose keys an authority has certified; it, and their keys, are files of a place.
struct Signed {
    files: Place,
    place: place::Place,
    trust: String,
}

impl Signed {
    fn new(test: &str) -> Self {
        let (files, place) = (Place::new(), place::Place::new(test));
        let trust = files.key("authority");
        Self { files, place, trust }
    }

    /// Makes a key and a certificate for a node, and returns the options that name them.
    fn options(&self, name: &str) -> String {
        let key = self.files.key(name);
        let certificate = self
            .files
            .run(&format!("sign @/authority --cluster control --name {name} --valid-days 1 --key {key}"));
        self.files.write(name, &format!("{}{certificate}", self.files.text(name)));
        format!("--identity {} --trust {}", self.files.path(name).display(), self.trust)
    }
}

#[test]
fn agents_with_certificates_form_a_cluster_and_deny_as_they_are_told() {
    let cluster = Signed::new("signed");
    let (_a, seed) = cluster.place.agent("a", &cluster.options("a"));
    let others: Vec<_> = ["b", "c"]
        .iter()
        .map(|name| cluster.place.agent(name, &format!("{} --join {seed}", cluster.options(name))))
        .collect();
    for name in ["a", "b", "c"] {
        cluster.place.until(name, "members --status alive", |members| members.as_array().unwrap().len() == 3);
        let info = cluster.place.ask_json(name, "info");
        assert_eq!((&info["signing"], &info["not_signed"]), (&"require".into(), &0.into()), "{info}");
    }
    // Whoever has no certificate is heard by nobody.
    let (_without, _) = cluster.place.agent("without", &format!("--join {seed}"));
    let refused = |counters: &Value| counters["claims_not_signed"].as_u64() > Some(0);
    cluster.place.until("a", "metrics", refused);
    assert_eq!(cluster.place.ask_json("a", "members").as_array().unwrap().len(), 3);
    let metrics = cluster.place.ask("a", "metrics");
    assert!(metrics.contains("gossip_signing{mode=\"require\"} 1"), "{metrics}");
    assert!(metrics.contains("gossip_members_not_signed 0"), "{metrics}");
    let id = cluster.place.ask_json("c", "info")["id"].as_str().unwrap().to_owned();
    for name in ["a", "b"] {
        cluster.place.ask(name, "deny c");
        assert_eq!(cluster.place.ask_json(name, "info")["denied"], serde_json::json!([id]));
        assert!(!cluster.place.ask(name, "members").contains("c "), "{name}");
    }
    cluster.place.until("a", "metrics", |counters| counters["denied"].as_u64() > Some(0));
    assert_eq!(cluster.place.ask_json("a", "members").as_array().unwrap().len(), 2);
    let control = |command: &str| failure(&format!("{command} --control {}", cluster.place.socket("a")), 1);
    assert!(control("deny a").contains("a node does not deny itself"));
    assert!(control("deny nobody").contains("no member is called nobody"));
    assert!(control("allow b").contains("b is not denied"));
    for name in ["a", "b"] {
        cluster.place.ask(name, &format!("allow {id}"));
    }
    cluster.place.until("a", "members --status alive", |members| members.as_array().unwrap().len() == 3);
    drop(others);
}

#[test]
fn with_own_ids_an_agent_has_the_id_of_its_key() {
    let (files, place) = (Place::new(), place::Place::new("own"));
    let id = files.json("init @/a")["own_id"].as_str().unwrap().to_owned();
    let options = format!("--identity {} --trust own --signing accept", files.path("a").display());
    let (_agent, _) = place.agent("a", &options);
    let info = place.ask_json("a", "info");
    assert_eq!((&info["id"], &info["signing"]), (&id.into(), &"accept".into()));
}

#[test]
fn a_node_that_cannot_have_its_identity_does_not_start() {
    let cluster = Signed::new("refused");
    let fits = cluster.options("a");
    let [file, uncertified] = ["a", "b"].map(|name| cluster.files.path(name).display().to_string());
    cluster.files.key("b");
    let trust = &cluster.trust;
    for (args, said) in [
        (format!("--identity {file}"), "--identity needs --trust"),
        (format!("--trust {trust}"), "need a key to sign with"),
        ("--signing require".to_owned(), "need a key to sign with"),
        (format!("{fits} --signing often"), "accept"),
        (format!("--identity {file}-none --trust own"), "cannot read the identity file"),
        (format!("--identity {file} --trust {file}-none"), "cannot read the list of keys"),
        (format!("--identity {uncertified} --trust {trust}"), "have the authority issue one"),
        (format!("{fits} --cluster other"), "do not fit this node"),
        (format!("{fits} --name other"), "do not fit this node"),
    ] {
        for command in ["run", "check-config"] {
            let mut all = format!("{command} --bind 127.0.0.1:0 {args}");
            for needed in ["--name a", "--cluster control"] {
                let (flag, _) = needed.split_once(' ').unwrap();
                if !args.contains(flag) {
                    all = format!("{all} {needed}");
                }
            }
            let refused = failure(&all, 2);
            assert!(refused.contains(said), "{all}: {refused}");
        }
    }
    let checked = success(&format!("check-config --name a --cluster control {fits}"));
    assert!(checked.contains("identity") && !checked.contains("gossip-identity-1"), "{checked}");
}
