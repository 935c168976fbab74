//! Agents that are asked, told and watched.

use crate::{
    place::Place,
    process::{Running, failure, finish, success},
};
use serde_json::Value;
use std::{
    os::unix::net::{UnixListener, UnixStream},
    process::Command,
};

fn names(members: &Value) -> Vec<&str> {
    members.as_array().unwrap().iter().map(|member| member["name"].as_str().unwrap_or("?")).collect()
}

#[test]
fn members_are_listed_and_chosen_by_status_zone_name_and_tag() {
    let place = Place::new("members");
    let (_a, address) = place.agent("a", "--tag role=db --locality eu/1/1");
    let (mut b, _) = place.agent("b", &format!("--join {address} --tag role=web --locality eu/2/1"));
    let all = place
        .until("a", "members", |members| names(members) == ["a", "b"] && members[1]["tags"]["role"] == "web");
    assert_eq!(all[0]["address"], address);
    let b_is = &all[1];
    assert_eq!((&b_is["status"], &b_is["place"]), (&"alive".into(), &"eu/2/1".into()));
    let numbers = b_is["locality"].as_str().unwrap();
    let region = numbers.strip_suffix("/2/1").unwrap();
    assert!(region.parse::<u8>().is_ok(), "{numbers}");
    for (filter, found) in [
        ("--tag role=db", vec!["a"]),
        ("--tag role", vec!["a", "b"]),
        ("--zone eu/2", vec!["b"]),
        (&format!("--zone {region}/2"), vec!["b"]),
        ("--zone eu", vec!["a", "b"]),
        ("--name b*", vec!["b"]),
        ("--name b", vec!["b"]),
        ("--status dead", vec![]),
    ] {
        assert_eq!(names(&place.ask_json("a", &format!("members {filter}"))), found, "{filter}");
    }
    let wide = place.ask("a", "members --wide");
    assert!(wide.lines().count() == 3 && wide.contains("role=web") && wide.contains("eu/2/1"), "{wide}");
    let said = failure(&format!("members --zone eu/2/1/4 --control {}", place.socket("a")), 1);
    assert!(said.contains("region/zone/rack"), "{said}");

    place.ask("b", "leave");
    assert!(b.end().success());
    assert!(!place.0.join("b.sock").exists(), "its socket is gone");
    place.until("a", "members --status left", |members| names(members) == ["b"]);
    assert_eq!(place.ask_json("a", "info")["gone"], 1);
}

#[test]
fn what_an_agent_is_told_reaches_the_others() {
    let place = Place::new("told");
    let (a, address) = place.agent("a", "");
    let (_b, _) = place.agent("b", "");
    place.ask("b", &format!("join {address}"));
    a.event("up");
    place.ask("b", "set role=db port=5432");
    place.until("a", "get b", |tags| *tags == serde_json::json!({"role": "db", "port": "5432"}));
    assert_eq!(place.ask("a", "get b port"), "5432\n");
    place.ask("b", "unset port");
    place.until("a", "get b", |tags| *tags == serde_json::json!({"role": "db"}));
    place.ask("b", "health degraded");
    place.until("a", "member b", |member| member["health"] == "degraded");
    place.ask("b", "value set mode dark");
    let mode = place.until("a", "value list", |values| values[0]["key"] == "mode");
    assert_eq!((&mode[0]["value"], &mode[0]["writer"]), (&"dark".into(), &"b".into()));
    assert_eq!(place.ask("a", "value get mode"), "dark\n");
    place.ask("a", "value delete mode");
    place.until("b", "value list", |values| values.as_array().is_some_and(Vec::is_empty));
    place.ask("b", "pause 1");
    place.until("b", "metrics", |metrics| metrics["probes"].as_u64() > Some(0));
    let difference = success(&format!("diff {} --control {}", place.socket("a"), place.socket("b")));
    assert_eq!(difference, "the two agents see the same\n");
}

#[test]
fn the_dead_are_forgotten_by_all_and_the_living_are_not() {
    let place = Place::new("forget");
    let (a, address) = place.agent("a", "");
    let (_b, _) = place.agent("b", &format!("--join {address}"));
    let (c, _) = place.agent("c", &format!("--join {address}"));
    for name in ["a", "b"] {
        place.until(name, "members", |members| names(members) == ["a", "b", "c"]);
    }
    let refused = |who: &str| failure(&format!("forget {who} --control {}", place.socket("a")), 1);
    for (who, why) in [("c", "is live: have it leave"), ("a", "own node"), ("nobody", "no member is called")]
    {
        let said = refused(who);
        assert!(said.contains(why), "{said}");
    }
    drop(c); // as a crash
    for name in ["a", "b"] {
        place.until(name, "members --status dead", |members| names(members) == ["c"]);
    }
    // Who has just started hears no events yet.
    let heard = Running::start(&format!("event watch --json --control {}", place.socket("b")));
    while !heard.has_line() {
        place.ask("a", "event send warm");
        std::thread::sleep(std::time::Duration::from_secs(1));
    }
    place.ask("a", "forget c");
    assert_eq!(names(&place.ask_json("a", "members")), ["a", "b"]);
    place.until("b", "members", |members| names(members) == ["a", "b"]);
    assert_eq!(a.event("reaped")["name"], "c");
    assert!(refused("c").contains("no member is called c"));
}

#[test]
fn who_watches_sees_what_happens_and_what_was_asked_for_only() {
    let place = Place::new("watch");
    let (_a, address) = place.agent("a", "");
    let all = Running::start(&format!("watch --json --control {}", place.socket("a")));
    let some = Running::start(&format!("watch --json --only up --control {}", place.socket("a")));
    // Both watch once they have seen one come.
    let mut others = Vec::new();
    for n in 0.. {
        others.push(place.agent(&format!("b{n}"), &format!("--join {address}")));
        if all.has_line() && some.has_line() {
            break;
        }
    }
    assert_eq!(all.event("up")["event"], "up");
    assert_eq!(some.next()["event"], "up");
    place.ask("a", "leave");
    for mut watcher in [all, some] {
        assert_eq!(watcher.end().code(), Some(1));
        watcher.warning("the agent has ended");
    }
}

#[test]
fn what_is_wrong_is_refused_with_advice_and_changes_nothing() {
    let place = Place::new("wrong");
    let (_a, _) = place.agent("a", "--tag role=db");
    let long = "x".repeat(1_200);
    for (command, advice) in [
        ("get nobody".to_owned(), "no member is called nobody"),
        ("get a port".to_owned(), "a has no key port"),
        ("unset port".to_owned(), "this node has no key port"),
        ("value get mode".to_owned(), "the cluster has no value for mode"),
        ("value delete mode".to_owned(), "the cluster has no value for mode"),
        (format!("set role={long}"), "more than 897 bytes: publish where it can be fetched"),
        (format!("event send {}", "x".repeat(40)), "1 to 31 visible ASCII characters"),
    ] {
        let said = failure(&format!("{command} --control {}", place.socket("a")), 1);
        assert!(said.contains(advice), "{command}: {said}");
    }
    for wrong in [
        "health fine",
        "watch --only upp",
        "members --status fine",
        "set role",
        "join",
        "join nowhere",
        "pause 300",
    ] {
        let (_, said, status) = finish(&format!("{wrong} --control {}", place.socket("a")));
        assert_eq!(status, Some(2), "{wrong}: {said}");
    }
    assert_eq!(place.ask("a", "get a role"), "db\n");
}

#[test]
fn without_an_agent_one_is_told_how_to_get_one() {
    let place = Place::new("none");
    let said = failure(&format!("members --control {}", place.socket("none")), 1);
    assert!(said.contains("there is no agent at"), "{said}");
    drop(UnixListener::bind(place.socket("crashed")).unwrap());
    let said = failure(&format!("members --control {}", place.socket("crashed")), 1);
    assert!(said.contains("has ended without its goodbye"), "{said}");
    // What a crashed agent left is no obstacle for the next one.
    let (_a, _) = place.agent("crashed", "");
    assert_eq!(names(&place.ask_json("crashed", "members")), ["crashed"]);
    let said = failure(
        &format!(
            "run --name other --cluster control --bind 127.0.0.1:0 --control {}",
            place.socket("crashed")
        ),
        1,
    );
    assert!(said.contains("another agent is controlled at"), "{said}");
}

#[test]
fn connections_that_say_nothing_keep_nobody_out_for_long() {
    let place = Place::new("idle");
    let (_a, _) = place.agent("a", "");
    // One more than may be open at a time.
    let idle: Vec<UnixStream> = (0..65).map(|_| UnixStream::connect(place.socket("a")).unwrap()).collect();
    assert_eq!(names(&place.ask_json("a", "members")), ["a"]);
    drop(idle);
}

#[test]
fn a_bundle_holds_what_a_report_needs_and_no_state_unless_asked_for() {
    let place = Place::new("bundle");
    let (_a, address) = place.agent("a", "--tag password=secret");
    let (_b, _) = place.agent("b", &format!("--join {address}"));
    place.until("a", "members", |members| names(members) == ["a", "b"]);
    place.ask("a", "value set mode dark");
    let unpacked = |flags: &str, name: &str| {
        let archive = place.0.join(name).display().to_string();
        assert_eq!(place.ask("a", &format!("bundle {archive} --seconds 0 {flags}")), format!("{archive}\n"));
        let said = failure(&format!("bundle {archive} --control {}", place.socket("a")), 1);
        assert!(said.contains("is there already"), "{said}");
        let unpacked = Command::new("tar").args(["-xzOf", &archive]).output().unwrap();
        assert!(unpacked.status.success());
        String::from_utf8(unpacked.stdout).unwrap()
    };
    let bare = unpacked("", "bare.tar.gz");
    for held in
        ["\"cluster\": \"control\"", "\"name\": \"b\"", "gossip_members", "\"probes\"", "events of 0 s"]
    {
        assert!(bare.contains(held), "{held}: {bare}");
    }
    assert!(!bare.contains("secret") && !bare.contains("dark"), "{bare}");
    let whole = unpacked("--with-state", "whole.tar.gz");
    assert!(whole.contains("secret") && whole.contains("dark"), "{whole}");
    let said = failure(&format!("bundle /missing/x.tar.gz --seconds 0 --control {}", place.socket("a")), 1);
    assert!(said.contains("cannot write /missing/x.tar.gz"), "{said}");
}

#[test]
fn values_and_events_are_watched_apart() {
    let place = Place::new("apart");
    let (_a, address) = place.agent("a", "");
    let (_b, _) = place.agent("b", &format!("--join {address}"));
    place.until("a", "members", |members| names(members) == ["a", "b"]);
    let values = Running::start(&format!("value watch --json --control {}", place.socket("a")));
    let events = Running::start(&format!("event watch --json --control {}", place.socket("a")));
    // Both watch once they have seen something.
    for n in 0.. {
        place.ask("b", &format!("value set mode {n}"));
        // Too many at once are refused, and another one comes.
        finish(&format!("event send deploy {n} --control {}", place.socket("b")));
        if values.has_line() && events.has_line() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let value = values.next();
    assert_eq!((&value["event"], &value["name"]), (&"value".into(), &"b".into()));
    assert!(value["note"].as_str().unwrap().contains("mode="), "{value}");
    let event = events.next();
    assert_eq!((&event["event"], &event["name"]), (&"user_event".into(), &"b".into()));
}

#[test]
fn manual_pages_are_made_of_the_help() {
    let place = Place::new("man");
    assert!(success("man").contains(".TH gossip 1"));
    success(&format!("man --all {}", place.0.display()));
    let page = std::fs::read_to_string(place.0.join("gossip-members.1")).unwrap();
    assert!(page.contains("Lists the members"), "{page}");
    let said = failure("man --all /missing", 1);
    assert!(said.contains("/missing"), "{said}");
}

#[test]
fn completions_are_scripts_for_a_shell() {
    assert!(success("completions bash").contains("_gossip()"));
    assert!(success("completions fish").contains("complete -c gossip"));
}
