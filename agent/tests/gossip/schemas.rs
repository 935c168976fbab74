//! What agents say is what the schema files promise.

use crate::{place::Place, process::Running};
use jsonschema::Validator;
use serde_json::Value;
use std::{fs, path::Path};

/// The schema of this file name, without its end.
fn schema(name: &str) -> Validator {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas").join(format!("{name}.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let schema: Value = serde_json::from_str(&text).unwrap();
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

fn holds(name: &str, value: &Value) {
    if let Err(error) = schema(name).validate(value) {
        panic!("{name}: {error} at {}: {value}", error.instance_path());
    }
}

#[test]
fn answers_are_as_their_schemas_say() {
    let place = Place::new("answers");
    let (_a, address) = place.agent("a", "--tag role=db --http 127.0.0.1:0");
    let (_b, _) = place.agent("b", &format!("--join {address}"));
    let members = place.until("a", "members", |members| members.as_array().unwrap().len() == 2);
    members.as_array().unwrap().iter().for_each(|member| holds("member", member));
    holds("info", &place.ask_json("a", "info"));
    holds("info", &place.ask_json("b", "info"));
    place.ask("b", "value set mode dark");
    let values = place.until("a", "value list", |values| !values.as_array().unwrap().is_empty());
    holds("shared", &values[0]);
    let reach = place.until("a", "reach b", |reach| reach["reaching"] == 1);
    holds("reach", &reach);
    holds("reach-view", &reach["views"][0]);
    let trips = place.until("a", "rtt", |trips| !trips.as_array().unwrap().is_empty());
    holds("round-trip", &trips[0]);
    let mut wrong = reach.clone();
    wrong["views"][0]["answer"] = "perhaps".into();
    assert!(!schema("reach").is_valid(&wrong), "not any word is an answer");
    let mut wrong = members[0].clone();
    wrong["status"] = "fine".into();
    assert!(!schema("member").is_valid(&wrong), "a schema that takes everything proves nothing");
}

#[test]
fn events_are_as_their_schemas_say() {
    let place = Place::new("events");
    let (a, address) = place.agent("a", "");
    let (mut b, _) = place.agent("b", &format!("--join {address} --tag role=db"));
    place.until("a", "members", |members| members[1]["name"] == "b");
    place.ask("b", "health degraded");
    place.ask("b", "value set mode dark");
    place.ask("b", "event send deploy 42");
    place.until("a", "value list", |values| !values.as_array().unwrap().is_empty());
    place.until("a", "member b", |member| member["health"] == "degraded");
    place.ask("b", "leave");
    assert!(b.end().success());
    place.until("a", "member b", |member| member["status"] == "left");
    place.ask("a", "leave");
    let mut seen = Vec::new();
    let told = |agent: &Running, seen: &mut Vec<String>| loop {
        let line = agent.next();
        let event = line["event"].as_str().unwrap().to_owned();
        holds(&format!("events/{event}"), &line);
        seen.push(event.clone());
        if event == "stopped" {
            return;
        }
    };
    told(&a, &mut seen);
    told(&b, &mut seen);
    for event in ["value", "left", "stopped"] {
        assert!(seen.iter().any(|one| one == event), "{event}: {seen:?}");
    }
}

#[test]
fn who_suspects_a_member_is_told_by_name() {
    let place = Place::new("accuser");
    let (a, address) = place.agent("a", "");
    let (b, _) = place.agent("b", &format!("--join {address}"));
    let (c, _) = place.agent("c", &format!("--join {address}"));
    place.until("a", "members", |members| members[2]["name"] == "c");
    place.until("b", "members", |members| members[2]["name"] == "c");
    drop(c);
    for agent in [&a, &b] {
        let suspected = agent.event("suspected");
        holds("events/suspected", &suspected);
        let accuser = suspected["accuser"].as_str().unwrap();
        assert!(accuser == "a" || accuser == "b", "{suspected}");
    }
}

#[test]
fn the_document_is_served_as_it_is_shipped() {
    let place = Place::new("document");
    let (_a, _) = place.agent("a", "--http 127.0.0.1:0");
    let http = place.ask_json("a", "info")["answers_at"]["http"].as_str().unwrap().to_owned();
    let answer = crate::http::get(&http, "/v1/openapi.json");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/openapi.json");
    let shipped: Value = serde_json::from_str(&fs::read_to_string(shipped).unwrap()).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&answer).unwrap(), shipped);
}
