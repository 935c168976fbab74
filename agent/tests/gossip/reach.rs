//! Round trips, and who reaches whom, as commands show them.

use crate::{
    place::Place,
    process::{Running, failure},
};
use serde_json::Value;

/// What each member says, by name.
fn answer<'a>(reach: &'a Value, name: &str) -> &'a str {
    let views = reach["views"].as_array().unwrap();
    let view = views.iter().find(|view| view["name"] == name);
    view.and_then(|view| view["answer"].as_str()).unwrap_or("none")
}

/// Agents a, b and c, of which c is in a zone of its own, once all know each other by name.
fn three(place: &Place) -> [Running; 3] {
    let (a, address) = place.agent("a", "--locality 1/1/1");
    let (b, _) = place.agent("b", &format!("--join {address} --locality 1/1/2"));
    let (c, _) = place.agent("c", &format!("--join {address} --locality 1/2/1"));
    for name in ["a", "b", "c"] {
        place.until(name, "members", |members| {
            let names = members.as_array().unwrap().iter().filter(|member| member["name"].is_string());
            names.count() == 3
        });
    }
    [a, b, c]
}

#[test]
fn all_members_say_whether_they_reach_one() {
    let place = Place::new("reach");
    let [_a, _b, _c] = three(&place);
    let reach = place.until("a", "reach c", |reach| reach["reaching"] == 2);
    assert_eq!((answer(&reach, "a"), answer(&reach, "b")), ("reaches", "reaches"));
    assert_eq!((&reach["name"], &reach["verdict"]), (&"c".into(), &"2 of 2 members reach c".into()));
    assert_eq!((&reach["views"][0]["name"], &reach["views"][0]["zone"]), (&"a".into(), &"1/1".into()));
    let words = place.ask("a", "reach c");
    assert!(words.starts_with("2 of 2 members reach c\nmember"), "{words}");
    // Of itself, an agent asks the others alone.
    let reach = place.until("a", "reach a", |reach| reach["reaching"] == 2);
    assert_eq!(
        (answer(&reach, "b"), answer(&reach, "c"), answer(&reach, "a")),
        ("reaches", "reaches", "none")
    );
    let said = failure(&format!("reach nobody --control {}", place.socket("a")), 1);
    assert!(said.contains("no member is called nobody"), "{said}");
}

#[test]
fn of_a_member_that_crashed_nobody_says_that_it_is_reached() {
    let place = Place::new("crashed");
    let [_a, _b, c] = three(&place);
    place.until("a", "reach c", |reach| reach["reaching"] == 2);
    c.signal("STOP");
    let gone = |answer: &str| matches!(answer, "unreachable" | "suspects" | "dead");
    let reach = place.until("a", "reach c", |reach| gone(answer(reach, "a")) && gone(answer(reach, "b")));
    assert_eq!(
        (&reach["reaching"], &reach["verdict"]),
        (&0.into(), &"0 of 2 members reach c; 2 do not".into())
    );
    // It is not routable any more, so it is not asked, and nobody waits for it.
    let reach = place.until("a", "reach b", |reach| answer(reach, "c") == "none");
    assert_eq!(reach["verdict"], "1 of 1 member reaches b");
    c.signal("CONT");
    place.until("a", "reach c", |reach| reach["reaching"] == 2);
    drop(c);
    let reach =
        place.until("a", "reach c", |reach| answer(reach, "a") == "dead" && answer(reach, "b") == "dead");
    assert_eq!(reach["reaching"], 0);
}

#[test]
fn those_who_ask_at_once_take_turns() {
    let place = Place::new("turns");
    let [_a, _b, _c] = three(&place);
    place.until("a", "reach c", |reach| reach["reaching"] == 2);
    let ask = || Running::start(&format!("reach c --control {}", place.socket("a")));
    let mut asking: Vec<Running> = (0..8).map(|_| ask()).collect();
    assert!(asking.iter_mut().all(|one| one.end().success()));
}

#[test]
fn round_trips_are_shown_by_zone_and_those_of_a_member_are_its_zones() {
    let place = Place::new("rtt");
    let [_a, _b, _c] = three(&place);
    let rows = place.until("a", "rtt", |rows| rows.as_array().unwrap().len() == 2);
    for (row, zone) in rows.as_array().unwrap().iter().zip(["1/1", "1/2"]) {
        let ms = |field: &str| row[field].as_f64().unwrap();
        assert_eq!(row["zone"], zone);
        assert!(ms("smoothed_ms") > 0.0 && ms("p99_ms") > 0.0 && ms("variation_ms") >= 0.0, "{row}");
        assert!(ms("ack_timeout_ms") >= ms("smoothed_ms"), "{row}");
    }
    assert_eq!(place.ask_json("a", "rtt c")["zone"], "1/2");
    let words = place.ask("a", "rtt c");
    assert!(words.starts_with("c is in zone 1/2, and these are the figures of the whole zone:\n"), "{words}");
    assert_eq!((words.lines().count(), place.ask("a", "rtt").lines().count()), (3, 3));
    let said = failure(&format!("rtt nobody --control {}", place.socket("a")), 1);
    assert!(said.contains("no member is called nobody"), "{said}");
    // A zone in which nobody but the agent itself is.
    let said = failure(&format!("rtt c --control {}", place.socket("c")), 1);
    assert!(said.contains("no round trip is measured to zone 1/2, where c is"), "{said}");
}

#[test]
fn an_agent_that_is_alone_has_nobody_to_ask() {
    let place = Place::new("alone");
    let (_a, _) = place.agent("a", "");
    assert_eq!(place.ask("a", "reach a"), "nobody else is there to say whether a is reached\n");
    assert!(place.ask("a", "rtt").contains("no round trip is measured yet"));
}
