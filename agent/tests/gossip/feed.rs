//! The feed of an agent: what the page that shows a cluster reads.

use crate::process::Running;
use serde_json::{Value, json};
use std::{
    io::{BufRead as _, BufReader, Lines, Write as _},
    os::unix::net::UnixStream,
    path::Path,
};
use tempfile::TempDir;

fn agent(place: &Path, name: &str, more: &str) -> (Running, String) {
    let socket = place.join(format!("{name}.sock"));
    let agent = Running::start(&format!(
        "run --name {name} --cluster feed --bind 127.0.0.1:0 --preset local --json --control {} {more}",
        socket.display()
    ));
    let address = agent.event("started")["address"].as_str().unwrap().to_owned();
    (agent, address)
}

/// A stream under way.
struct Feed(Lines<BufReader<UnixStream>>);

impl Feed {
    fn of(place: &Path, name: &str) -> Self {
        let mut stream = UnixStream::connect(place.join(format!("{name}.sock"))).unwrap();
        stream.write_all(b"GET /v1/feed HTTP/1.1\r\nHost: gossip\r\n\r\n").unwrap();
        Self(BufReader::new(stream).lines())
    }

    fn next(&mut self) -> Value {
        let data = self.0.find_map(|line| line.unwrap().strip_prefix("data: ").map(str::to_owned));
        serde_json::from_str(&data.unwrap()).unwrap()
    }

    /// All lines up to the first that fits.
    fn until(&mut self, fits: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut lines = Vec::new();
        loop {
            lines.push(self.next());
            if lines.last().is_some_and(&fits) {
                return lines;
            }
        }
    }
}

/// The names of the members that some lines place, by their numbers.
fn names(lines: &[Value]) -> Vec<String> {
    let mut names = Vec::new();
    for line in lines {
        let placed = line["names"].as_array().into_iter().flatten();
        names.extend(placed.map(|name| name.as_str().unwrap().to_owned()));
        if let Some(member) = line["named"].as_u64() {
            names[member as usize] = line["name"].as_str().unwrap().to_owned();
        }
    }
    names
}

#[test]
fn a_reader_of_the_feed_sees_who_is_there_and_what_happens() {
    let place = TempDir::new().unwrap();
    let (a, address) = agent(place.path(), "a", "--locality 1/1/1");
    let join = |rack| format!("--locality 1/2/{rack} --join {address}");
    let (b, _) = agent(place.path(), "b", &join(1));
    let (c, _) = agent(place.path(), "c", &join(2));
    for _ in 0..2 {
        let _ = a.event("up");
    }
    for other in [&b, &c] {
        let _ = other.event("joined");
    }
    let mut feed = Feed::of(place.path(), "a");
    let mut lines = feed.until(|line| line["fp"][0][1] == 3);
    let head = &lines[0];
    assert_eq!((&head["gossip"], &head["view"], &head["node"]), (&1.into(), &"node".into(), &"a".into()));
    let figures = lines.last().unwrap();
    assert_eq!((&figures["run"], figures["b"].as_array().unwrap().len()), (&3.into(), 6), "{figures}");

    // Who comes later is placed, told of, and named.
    let (_d, _) = agent(place.path(), "d", &join(1));
    lines.extend(feed.until(|line| line["named"].is_u64() || line["names"][0] == "d"));
    c.signal("KILL");
    lines.extend(feed.until(|line| line[1] == "down"));
    let down = lines.last().unwrap().clone();
    let numbered = names(&lines);
    assert_eq!(numbered.len(), 4);
    let dead = down[2].as_u64().unwrap() as usize;
    assert_eq!((numbered[0].as_str(), numbered[dead].as_str()), ("a", "c"));
    assert!(lines.iter().any(|line| line[1] == "up" && line[2] == 3));

    // Who reads later sees the same members in the same numbers.
    let late = Feed::of(place.path(), "a").until(|line| line["s"].is_u64());
    assert_eq!(names(&late), numbered);
    let events: Vec<&Value> = late.iter().filter(|line| line.is_array()).collect();
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!((&events[0][1], &events[0][2]), (&json!("down"), &down[2]));
}
