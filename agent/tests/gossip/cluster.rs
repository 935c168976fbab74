//! Programs that meet over the loopback interface.

use crate::process::{GOSSIP, Running, success};
use adapter_tokio::{Bytes, ClusterName, Config, Handle, Key, Options, bind};
use serde_json::Value;
use std::{
    process::{Command, Stdio},
    thread,
    time::Duration,
};
use tokio::runtime::Builder;

fn start(name: &str, cluster: &str, more: &str) -> (Running, String) {
    let node = Running::start(&format!(
        "run --name {name} --cluster {cluster} --bind 127.0.0.1:0 --preset local --locality 1/2/3 --json {more}"
    ));
    let address = node.event("started")["address"].as_str().unwrap().to_owned();
    (node, address)
}

#[test]
fn two_nodes_see_each_other_come_and_one_sees_the_other_leave() {
    let (a, address) = start("a", "test", "");
    let (mut b, _) = start("b", "test", &format!("--join {address}"));
    let (seen_by_a, seen_by_b) = (a.event("up"), b.event("up"));
    let id = |name| adapter_tokio::NodeId::from_name(name).unwrap().to_string();
    assert_eq!(seen_by_a["id"], id("b"));
    assert_eq!(seen_by_b["id"], id("a"));
    assert_eq!(seen_by_b["address"], address);
    assert_eq!(seen_by_b["locality"], "1/2/3");
    assert_eq!(seen_by_b["status"], "alive");
    assert_eq!(seen_by_b["health"], "healthy");

    b.signal("TERM");
    let left = a.event("left");
    assert_eq!(left["id"], id("b"));
    assert_eq!(left["status"], "left");
    assert!(b.end().success());
}

#[test]
fn tags_and_names_are_told_to_the_others() {
    let (a, address) = start("a", "tags", "--tag role=db --tag port=5432");
    let (b, _) = start("b", "tags", &format!("--join {address}"));
    let state = b.event("state");
    let id = adapter_tokio::NodeId::from_name("a").unwrap().to_string();
    assert_eq!((state["id"].as_str(), state["name"].as_str()), (Some(id.as_str()), Some("a")));
    assert_eq!(state["note"], "role=db port=5432");
    a.event("up");
}

/// A node in this process that joins through another, on a thread that ends with it.
fn join(name: &str, cluster: &str, seed: &str) -> Handle {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let mut options = Options::new(name, Config::local(ClusterName::named(cluster).unwrap()));
    options.seeds.push(seed.parse().unwrap());
    let (node, driver) = runtime.block_on(bind(options)).unwrap();
    thread::spawn(move || runtime.block_on(driver.run()));
    node
}

#[test]
fn values_of_the_cluster_and_events_to_all_are_printed() {
    let (program, address) = start("a", "values", "");
    let node = join("b", "values", &address);
    // Its name has come.
    program.event("state");
    let mode = Key::<Bytes>::raw("mode");
    let told = |line: &Value| ["id", "name", "note"].map(|field| line[field].as_str().map(str::to_owned));
    let by_b = |note: &str| [Some(node.id().to_string()), Some("b".into()), Some(note.to_owned())];

    node.cluster().set(&mode, &Bytes::from_static(b"dark\n")).unwrap();
    assert_eq!(told(&program.event("value")), by_b("mode=dark\\n"));
    node.cluster().delete(&mode).unwrap();
    assert_eq!(told(&program.event("value")), [None, None, Some("mode is deleted".into())]);

    // Who has just started hears no events yet.
    let sender = node.clone();
    thread::spawn(move || {
        while sender.send_event(&mode, &Bytes::from_static(b"light")).is_ok() {
            thread::sleep(Duration::from_secs(1));
        }
    });
    assert_eq!(told(&program.event("user_event")), by_b("mode=light"));
    drop(node.leave(Duration::ZERO));
}

#[test]
fn a_leave_that_nobody_acknowledges_says_so_and_is_a_failure() {
    let (a, address) = start("a", "unheard", "");
    let (mut b, _) = start("b", "unheard", &format!("--join {address}"));
    b.event("up");
    a.signal("KILL");
    b.signal("TERM");
    let note = b.event("stopped")["note"].to_string();
    assert!(note.contains("nobody acknowledged"), "{note}");
    assert_eq!(b.end().code(), Some(1));
}

#[test]
fn a_leave_says_how_many_have_acknowledged_it() {
    let (a, address) = start("a", "heard", "");
    let (mut b, _) = start("b", "heard", &format!("--join {address}"));
    a.event("up");
    b.event("up");
    b.signal("TERM");
    let note = b.event("stopped")["note"].to_string();
    assert!(note.contains("one other has acknowledged it"), "{note}");
    assert!(b.end().success());
}

#[test]
fn a_node_finds_its_cluster_again_through_its_view_file() {
    let file = std::env::temp_dir().join(format!("gossip-view-{}", std::process::id()));
    let view = format!("--view-file {}", file.display());
    let (a, address) = start("a", "kept", "");
    let (mut b, _) = start("b", "kept", &format!("--join {address} {view}"));
    a.event("up");
    b.event("up");
    b.signal("TERM");
    assert!(b.end().success());
    a.event("left");
    let (again, _) = start("b", "kept", &view);
    again.event("joined");
    a.event("up");
    let (other, _) = start("b", "another", &view);
    let removed = std::fs::remove_file(&file);
    assert!(other.warning("is ignored").contains("another cluster") && removed.is_ok());
}

#[test]
fn a_view_that_cannot_be_written_is_warned_of() {
    let directory = std::env::temp_dir().join(format!("gossip-no-directory-{}", std::process::id()));
    let view = directory.join("view").display().to_string();
    let (_a, address) = start("a", "unkept", "");
    let (b, _) = start("b", "unkept", &format!("--join {address} --view-file {view}"));
    assert!(b.warning("cannot be written").contains(&view));
}

#[test]
fn ctrl_c_and_a_terminal_that_closes_leave_too() {
    // Where the tests were started by nohup, so is the program: it stays, as the next test shows.
    let signals = if hangup_is_ignored() { &["INT"][..] } else { &["INT", "HUP"] };
    for signal in signals {
        let (mut a, _) = start("a", "test", "");
        a.signal(signal);
        a.event("stopped");
        assert!(a.end().success(), "{signal}");
    }
}

/// Whether this process was started with SIGHUP ignored, which its children inherit.
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

#[test]
fn what_nohup_started_outlives_its_terminal() {
    let run =
        "trap '' HUP; exec \"$0\" run --name a --cluster nohup --bind 127.0.0.1:0 --preset local --json";
    let mut a = Running::start_as(Command::new("sh").args(["-c", run, GOSSIP]), Stdio::piped());
    let address = a.event("started")["address"].as_str().unwrap().to_owned();
    a.signal("HUP");
    let (b, _) = start("b", "nohup", &format!("--join {address}"));
    assert_eq!(
        (a.event("up")["event"].as_str(), b.event("up")["address"].as_str()),
        (Some("up"), Some(&*address))
    );
    a.signal("TERM");
    assert_eq!(b.event("left")["address"], address);
    assert!(a.end().success());
}

#[test]
fn signals_that_come_together_are_one_request_to_leave() {
    let (mut a, address) = start("a", "test", "");
    let (b, _) = start("b", "test", &format!("--join {address}"));
    assert_eq!(b.event("up")["address"], address);
    // All arrive when the process goes on.
    for signal in ["STOP", "TERM", "HUP", "INT", "CONT"] {
        a.signal(signal);
    }
    assert_eq!(b.event("left")["address"], address);
    assert!(a.end().success());
}

#[test]
fn a_second_signal_exits_at_once() {
    let (mut a, address) = start("a", "test", "");
    let (b, _) = start("b", "test", &format!("--join {address}"));
    a.event("up");
    // Nobody acknowledges the leave, so that it has no time to end before the second signal.
    b.signal("STOP");
    a.signal("TERM");
    thread::sleep(Duration::from_millis(700));
    a.signal("INT");
    assert_eq!(a.end().code(), Some(130));
}

#[test]
fn a_mismatched_cluster_name_is_reported() {
    let (a, address) = start("a", "prod", "");
    let (_b, other) = start("b", "test", &format!("--join {address}"));
    let event = a.event("foreign_cluster");
    assert_eq!(event["address"], other);
    assert!(a.warning(&other).contains("--cluster"));
}

#[test]
fn two_members_at_one_address_are_reported() {
    let (a, address) = start("a", "doubled", "");
    let (mut b, b_address) = start("b", "doubled", &format!("--join {address}"));
    a.event("up");
    // No one has noticed yet that it is dead.
    b.signal("KILL");
    b.end();
    let _c = Running::start(&format!(
        "run --name c --cluster doubled --bind {b_address} --preset local --join {address}"
    ));
    let told = a.event("same_address");
    let id = |name| adapter_tokio::NodeId::from_name(name).unwrap().to_string();
    assert_eq!((told["id"].as_str(), told["address"].as_str()), (Some(&*id("c")), Some(&*b_address)));
    assert!(a.warning("as well").contains(&id("b")));
}

#[test]
fn nodes_of_different_adapters_form_one_cluster() {
    let adapters = ["tokio", "smol", "mio"];
    let mut nodes: Vec<(&str, Running, String)> = Vec::new();
    for adapter in adapters {
        let seeds: Vec<_> = nodes.iter().map(|(_, _, address)| format!("--join {address}")).collect();
        let (node, address) = start(adapter, "mixed", &format!("--adapter {adapter} {}", seeds.join(" ")));
        nodes.push((adapter, node, address));
    }
    let id = |name| adapter_tokio::NodeId::from_name(name).unwrap().to_string();
    for (name, node, _) in &nodes {
        let mut seen: Vec<_> =
            (1..adapters.len()).map(|_| node.event("up")["id"].as_str().unwrap().to_owned()).collect();
        let mut others: Vec<_> = adapters.into_iter().filter(|other| other != name).map(id).collect();
        seen.sort();
        others.sort();
        assert_eq!(seen, others, "{name}");
    }
    while let Some((name, mut node, _)) = nodes.pop() {
        node.signal("TERM");
        assert!(node.end().success(), "{name}");
        for (_, other, _) in &nodes {
            assert_eq!(other.event("left")["id"], id(name));
        }
    }
}

#[test]
fn the_demo_ends_with_its_figures_and_equal_views_on_every_adapter() {
    for adapter in ["tokio", "smol --sealed", "mio"] {
        let stdout = success(&format!("demo --json --adapter {adapter}"));
        let last: Value = serde_json::from_str(stdout.lines().last().unwrap()).unwrap();
        assert_eq!(last["nodes"], 5);
        assert_eq!(last["views_equal"], true);
        for figure in [
            "formed_s",
            "published_s",
            "flag_set_s",
            "crash_detected_s",
            "event_heard_s",
            "rejoined_s",
            "left_s",
        ] {
            assert!(last[figure].is_f64(), "{adapter}, {figure}: {last}");
        }
        let fields: Vec<_> = last.as_object().unwrap().keys().collect();
        assert_eq!(fields.len(), 9, "{fields:?}");
    }
}
