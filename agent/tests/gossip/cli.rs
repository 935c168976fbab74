//! What the program says to those who ask wrongly, or for what cannot be had.

use crate::process::{Running, failure, finish, success};
use std::net::UdpSocket;

#[test]
fn id_prints_what_the_name_stands_for() {
    let id = adapter_tokio::NodeId::from_name("db-1").unwrap();
    assert_eq!(success("id db-1"), format!("{id}\n"));
    assert_ne!(success("id db-2"), success("id db-1"));
}

#[test]
fn help_shows_how_to_begin() {
    assert!(success("--help").contains("gossip demo"));
    let help = success("run --help");
    assert!(help.contains("gossip run --name db-1 --cluster prod"));
    for status in ["  0  left", "  1  the node cannot", "  2  wrong", "130  a second signal"] {
        assert!(help.contains(status), "{status}: {help}");
    }
}

#[test]
fn wrong_arguments_are_named_with_what_would_be_right() {
    for (args, advice) in [
        ("", "Usage"),
        ("run --cluster c", "--name"),
        ("run --name a", "--cluster"),
        ("run --name a --cluster=", "1 to 255 bytes"),
        ("run --name a --cluster c --bind localhost", "127.0.0.1:7946"),
        ("run --name a --cluster c --advertise 7946", "127.0.0.1:7946"),
        ("run --name a --cluster c --join nowhere", "HOST:PORT"),
        ("run --name a --cluster c --locality eu", "region/zone/rack"),
        ("run --name a --cluster c --preset moon", "lan"),
        ("run --name a --cluster c --tag role", "a tag is KEY=VALUE"),
        ("run --name a --cluster c --bind 127.0.0.1:0 --tag name=b", "name"),
        ("run --name a --cluster c --bind 127.0.0.1:0 --tag gossip.keys=b", "which of the cluster's keys"),
        ("run --name a --cluster c --bind 127.0.0.1:0 --tag a=1 --tag a=2", "--tag a is given twice"),
        ("run --name a --cluster c --set fanout=99", "fanout is 99: give 1 to 8"),
        ("run --name a --cluster c --quarantine 5ms", "quarantine_ms is 5: give 1000 (1s)"),
        ("run --name a --cluster c --max-datagram 9000", "max_datagram is 9000: give 400 to 1400"),
        ("run --name a --cluster c --capacity 1", "capacity is 1: give 2 to 1048576"),
        ("run --name a --cluster c --config /nowhere.toml", "/nowhere.toml"),
        ("demo --nodes 2", "3"),
    ] {
        let stderr = failure(args, 2);
        assert!(stderr.contains(advice), "{args}: {stderr}");
    }
}

#[test]
fn a_name_that_is_too_long_to_be_published_is_a_wrong_argument() {
    let name = "n".repeat(255);
    let stderr = failure(&format!("run --name {name} --cluster c --bind 127.0.0.1:0 --max-datagram 400"), 2);
    assert!(stderr.contains("choose a shorter one"), "{stderr}");
}

#[test]
fn an_address_in_use_stops_the_start_and_is_named() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let stderr = failure(&format!("run --name a --cluster c --bind {address}"), 1);
    assert!(stderr.contains(&address) && stderr.contains("in use"), "{stderr}");
}

#[test]
fn listening_everywhere_asks_for_an_address_to_advertise() {
    let stderr = failure("run --name a --cluster c --bind 0.0.0.0:0", 2);
    assert!(stderr.contains("--advertise IP:PORT"), "{stderr}");
    let stderr = failure("run --name a --cluster c --bind 127.0.0.1:0 --advertise 224.0.0.1:1", 2);
    assert!(stderr.contains("--advertise"), "{stderr}");
}

#[test]
fn an_address_of_another_family_than_the_one_to_bind_is_refused() {
    for (bind, other) in [("127.0.0.1:0", "[::1]:7946"), ("[::1]:0", "127.0.0.1:7946")] {
        // A machine without IPv6 has nothing to bind.
        if UdpSocket::bind(bind).is_err() {
            continue;
        }
        for flag in ["--join", "--advertise"] {
            let stderr = failure(&format!("run --name a --cluster c --bind {bind} {flag} {other}"), 2);
            let said = [&format!("{other} ({flag})"), "--bind [::]:PORT"];
            assert!(said.iter().all(|said| stderr.contains(*said)), "{bind} {flag} {other}: {stderr}");
        }
    }
}

#[test]
fn an_epoch_file_that_cannot_be_used_stops_the_start_and_is_named() {
    let stderr = failure("run --name a --cluster c --bind 127.0.0.1:0 --epoch-file /dev/null/epoch", 1);
    assert_eq!(stderr.matches("/dev/null/epoch").count(), 1, "said once: {stderr}");
}

#[test]
fn an_only_seed_that_cannot_be_found_stops_the_start() {
    let stderr = failure("run --name a --cluster c --bind 127.0.0.1:0 --join nobody.invalid:7946", 1);
    assert!(stderr.contains("WARN gossip: nobody.invalid:7946 (--join) cannot be found"), "{stderr}");
    assert!(stderr.contains("ERROR gossip: no node given with --join can be found"), "{stderr}");
    assert_eq!(stderr.matches("ERROR").count(), 1, "said once: {stderr}");
}

#[test]
fn a_seed_that_cannot_be_found_is_no_hindrance_beside_another() {
    let there = Running::start("run --name a --cluster c --bind 127.0.0.1:0 --json");
    let seed = there.event("started")["address"].as_str().unwrap().to_owned();
    let node = Running::start(&format!(
        "run --name b --cluster c --bind 127.0.0.1:0 --json --join nobody.invalid:7946 --join {seed}"
    ));
    node.warning("nobody.invalid:7946 (--join) cannot be found");
    assert_eq!(node.event("up")["address"], seed);
}

#[test]
fn seeds_that_do_not_answer_are_reported() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let seed = silent.local_addr().unwrap();
    let node = Running::start(&format!("run --name a --cluster c --bind 127.0.0.1:0 --join {seed}"));
    node.warning("no node given with --join has answered");
}

#[test]
fn check_config_says_what_would_run_and_from_where() {
    let directory = tempfile::TempDir::new().unwrap();
    let file = directory.path().join("gossip.toml").display().to_string();
    std::fs::write(&file, "name = 'a'\ncluster = 'c'\n[config]\nfanout = 5\n").unwrap();
    let said = success(&format!("check-config {file} --json --bind 127.0.0.1:0"));
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    let row = |key: &str| said["settings"].as_array().unwrap().iter().find(|row| row["key"] == key).unwrap();
    for (key, value, from) in [
        ("name", "a", "file, line 1"),
        ("config", "fanout=5", "file, line 4"),
        ("bind", "127.0.0.1:0", "flag"),
        ("preset", "lan", "default"),
    ] {
        assert_eq!((&row(key)["value"], &row(key)["from"]), (&value.into(), &from.into()), "{key}");
    }
    assert!(said["ok"] == true && row("advertise")["value"].is_null());
    assert!(success(&format!("check-config {file}")).contains("fanout=5"));

    std::fs::write(&file, "name = 'a'\ncluster = 'c'\nnaem = 'b'\n").unwrap();
    let (stdout, stderr, status) = finish(&format!("check-config {file} --json"));
    let said: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((status, &said["ok"]), (Some(2), &false.into()));
    assert!(
        stderr.contains(&format!("{file}, line 3: there is no key naem: did you mean name?")),
        "{stderr}"
    );
    assert_eq!(failure(&format!("run --config {file}"), 2), stderr);
    assert_eq!(
        failure("check-config --name a", 2),
        "error: there is no cluster: give --cluster or GOSSIP_CLUSTER, or cluster in a file of --config\n"
    );
}

#[test]
fn check_config_looks_at_the_token_and_at_all_that_would_end_the_start() {
    let directory = tempfile::TempDir::new().unwrap();
    let token = directory.path().join("token").display().to_string();
    let check = format!("check-config --name a --cluster c --http 127.0.0.1:0 --token-file {token}");
    assert!(failure(&check, 2).contains("cannot be opened"));
    std::fs::write(&token, "short").unwrap();
    assert!(failure(&check, 2).contains("openssl rand"));
    std::fs::write(&token, "0123456789abcdef").unwrap();
    let mode = |mode| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&token, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(0o644);
    let (stdout, stderr, status) = finish(&check);
    assert!(stderr.starts_with("warning: every user of this machine can read"), "{stderr}");
    assert!(status == Some(0) && stdout.contains("token_file"), "{stdout}");
    let said: serde_json::Value = serde_json::from_str(&success(&format!("{check} --json"))).unwrap();
    assert_eq!(said["warnings"].as_array().unwrap().len(), 1);
    mode(0o600);
    assert_eq!(finish(&check).1, "");
    for (args, said) in [
        ("--http 0.0.0.0:0", "--token-file"),
        ("--tag a=1 --tag a=2", "--tag a is given twice"),
        ("--bind 0.0.0.0:0", "--advertise IP:PORT"),
        ("--bind 127.0.0.1:0 --join [::1]:1", "another family"),
        ("--control http://127.0.0.1:1", "--http"),
    ] {
        for command in ["check-config", "run"] {
            let said_it = failure(&format!("{command} --name a --cluster c {args}"), 2);
            assert!(said_it.contains(said), "{command} {args}: {said_it}");
        }
    }
}

#[test]
fn what_was_given_reaches_no_terminal_as_it_is() {
    let name = "a\u{1b}[2Jb";
    for args in [
        &["run", "--cluster", "c", "--name", name] as &[&str],
        &["run", "--cluster", "c", "--name", "a", "--bind", name],
        &["run", "--cluster", "c", "--name", "a", "--preset", name],
        &["run", "--cluster", "c", "--name", "a", "--config", name],
        &["check-config", name],
        &["member", "x", "--control", name],
        &["watch", "--only", name],
        &[name],
    ] {
        let output = std::process::Command::new(crate::process::GOSSIP).args(args).output().unwrap();
        let (stdout, stderr) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        let is_raw = |text: &str| text.contains(|c: char| c.is_control() && c != '\n');
        assert!(!output.status.success() && !is_raw(&stdout) && !is_raw(&stderr), "{args:?}: {stderr:?}");
        assert!(stderr.contains("\\u{1b}") || stderr.contains("U+001B"), "{args:?}: {stderr}");
    }
}

#[test]
fn a_node_starts_from_a_file_and_the_environment() {
    let directory = tempfile::TempDir::new().unwrap();
    let file = directory.path().join("gossip.toml");
    std::fs::write(&file, "name = 'a'\ncluster = 'c'\nbind = '127.0.0.1:0'\n").unwrap();
    let mut command = std::process::Command::new(crate::process::GOSSIP);
    command.arg("run").env("GOSSIP_CONFIG", &file).env("GOSSIP_JSON", "true").env("GOSSIP_NAME", "b");
    let node = Running::start_as(&mut command, std::process::Stdio::piped());
    assert_eq!(node.event("started")["name"], "b");
}
