//! Agents that answer over TCP, to those who may ask.

use crate::{
    place::Place,
    process::{Running, failure, success},
};
use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
};

const TOKEN: &str = "3f1c9a5e7b2d4086";

/// An agent's port for HTTP, and what is said to it there.
struct Port(String);

impl Port {
    fn of(place: &Place, name: &str) -> Self {
        let info = place.ask_json(name, "info");
        Self(info["answers_at"]["http"].as_str().unwrap().to_owned())
    }

    /// Status and body of the answer to a request with these further headers.
    fn request(&self, line: &str, headers: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.0).unwrap();
        let length = body.len();
        let request = format!(
            "{line} HTTP/1.1\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{line}: {answer:?}"));
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }
}

/// What an agent answers at this address.
pub(crate) fn get(address: &str, path: &str) -> String {
    let (status, body) = Port(address.to_owned()).request(&format!("GET {path}"), "host: localhost\r\n", "");
    assert_eq!(status, 200, "{body}");
    body
}

#[test]
fn without_a_token_one_may_read_on_this_machine_and_change_nothing() {
    let place = Place::new("reading");
    let (a, _) = place.agent("a", "--http 127.0.0.1:0");
    let port = Port::of(&place, "a");
    let host = format!("host: {}\r\n", port.0);
    let (status, body) = port.request("GET /v1/members", &host, "");
    assert!(status == 200 && body.contains(r#""name":"a""#), "{status} {body}");
    let (status, body) = port.request("PUT /v1/health", &host, r#"{"health":"degraded"}"#);
    assert!(status == 403 && body.contains("--token-file"), "{status} {body}");
    // A page of another site, whose name leads here, as in a DNS rebinding attack.
    let (status, body) = port.request("GET /v1/members", "host: evil.example\r\n", "");
    assert!(status == 421 && body.contains("as localhost"), "{status} {body}");

    assert_eq!(success(&format!("members --control http://{}", port.0)).lines().count(), 2);
    let said = failure(&format!("health degraded --control http://{}", port.0), 1);
    assert!(said.contains("takes no changes over TCP"), "{said}");
    assert_eq!(place.ask_json("a", "info")["health"], "healthy");
    drop(a);
}

#[test]
fn whatever_is_wrong_with_a_request_is_told_as_json() {
    let place = Place::new("refusing");
    let (_a, _) = place.agent("a", "--http 127.0.0.1:0");
    let port = Port::of(&place, "a");
    for (line, expected) in [
        ("GET /v1/members/%ff", 400),
        ("GET /v1/leave", 405),
        ("GET /none", 404),
        ("GET /v1/members?x=1", 400),
    ] {
        let (status, body) = port.request(line, "host: localhost\r\n", "");
        let told: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
        assert!(status == expected && told["error"].is_string(), "{line}: {status} {body:?}");
    }
}

#[test]
fn a_browser_gets_the_dashboard_with_a_policy_that_runs_it_alone() {
    let place = Place::new("dashboard");
    let (a, _) = place.agent("a", "--http 127.0.0.1:0");
    let port = Port::of(&place, "a");
    let mut stream = TcpStream::connect(&port.0).unwrap();
    write!(stream, "GET / HTTP/1.1\r\nconnection: close\r\nhost: {}\r\n\r\n", port.0).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, page) = answer.split_once("\r\n\r\n").unwrap();
    assert!(
        head.starts_with("HTTP/1.1 200") && head.contains("content-type: text/html; charset=utf-8"),
        "{head}"
    );
    assert!(head.contains("content-security-policy: default-src 'none'; script-src 'sha256-"), "{head}");
    assert!(!head.contains("unsafe-inline") && head.contains("x-content-type-options: nosniff"), "{head}");
    assert_eq!(page, gossip_dashboard::page());
    let (status, _) = port.request("GET /", "host: evil.example\r\n", "");
    assert_eq!(status, 421);
    drop(a);
}

#[test]
fn with_the_token_one_may_change_what_the_socket_may() {
    let place = Place::new("token");
    let file = place.0.join("token").display().to_string();
    fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let (a, _) = place.agent("a", &format!("--http 127.0.0.1:0 --token-file {file}"));
    a.warning("every user of this machine can read");
    let port = Port::of(&place, "a");
    let url = format!("--control http://{}", port.0);

    let said = failure(&format!("set role=db {url}"), 1);
    assert!(said.contains("needs the agent's token"), "{said}");
    let other = place.0.join("other").display().to_string();
    fs::write(&other, "0000000000000000").unwrap();
    let said = failure(&format!("set role=db {url} --token-file {other}"), 1);
    assert!(said.contains("not the agent's token"), "{said}");
    assert_eq!(success(&format!("get a {url}")), "");

    success(&format!("set role=db {url} --token-file {file}"));
    assert_eq!(success(&format!("get a role {url}")), "db\n");
}

#[test]
fn an_agent_that_is_to_end_answers_first() {
    let place = Place::new("last");
    let file = place.0.join("token").display().to_string();
    fs::write(&file, TOKEN).unwrap();
    let (mut a, _) = place.agent("a", &format!("--http 127.0.0.1:0 --token-file {file}"));
    let port = Port::of(&place, "a");
    let headers = format!("host: x\r\nauthorization: Bearer {TOKEN}\r\n");
    let (status, body) = port.request("POST /v1/leave", &headers, "");
    assert_eq!((status, body.as_str()), (200, "null"));
    assert!(a.end().success());
}

#[test]
fn others_are_let_in_with_a_token_only() {
    let said = failure("run --name a --cluster open --bind 127.0.0.1:0 --http 0.0.0.0:0", 2);
    assert!(said.contains("--token-file") && said.contains("127.0.0.1:0"), "{said}");
    let said = failure("run --name a --cluster open --bind 127.0.0.1:0 --control http://127.0.0.1:1", 2);
    assert!(said.contains("--http"), "{said}");
    let said =
        failure("run --name a --cluster open --bind 127.0.0.1:0 --http 127.0.0.1:0 --token-file /missing", 2);
    assert!(said.contains("cannot be opened"), "{said}");

    let place = Place::new("open");
    let file = place.0.join("token").display().to_string();
    fs::write(&file, TOKEN).unwrap();
    let (_a, _) = place.agent("a", &format!("--http 0.0.0.0:0 --token-file {file}"));
    let bound = Port::of(&place, "a").0;
    let port = Port(bound.replace("0.0.0.0", "127.0.0.1"));
    assert_eq!(port.request("GET /v1/members", "host: 127.0.0.1\r\n", "").0, 401);
    // What a browser sends once its user has typed the token.
    let basic = "authorization: Basic eDozZjFjOWE1ZTdiMmQ0MDg2\r\n";
    assert_eq!(port.request("GET /v1/members", &format!("host: 127.0.0.1\r\n{basic}"), "").0, 200);
    assert_eq!(port.request("POST /v1/leave", &format!("host: 127.0.0.1\r\n{basic}"), "").0, 403);
}

#[test]
fn a_port_in_use_is_told_with_its_flag() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let said = failure(&format!("run --name a --cluster used --bind 127.0.0.1:0 --http {address}"), 1);
    assert!(said.contains("--http") && said.contains(&address.to_string()), "{said}");
    let said = failure(&format!("members --control http://{address} --token-file /missing"), 2);
    assert!(said.contains("cannot be opened"), "{said}");
    drop(taken);
    let said = failure(&format!("members --control http://{address}"), 1);
    assert!(said.contains("cannot reach an agent"), "{said}");
}

#[test]
fn many_streams_leave_places_for_those_who_ask_once() {
    let place = Place::new("streams");
    let (_a, _) = place.agent("a", "--http 127.0.0.1:0");
    let port = Port::of(&place, "a");
    let host = format!("host: {}\r\n", port.0);
    let stream = |path: &str| {
        let mut stream = TcpStream::connect(&port.0).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\n{host}\r\n").unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        (stream, String::from_utf8(status.to_vec()).unwrap())
    };
    let mut streams: Vec<_> = (0..32).map(|n| stream(["/v1/watch", "/v1/feed"][n % 2])).collect();
    assert!(streams.iter().all(|(_, status)| status == "HTTP/1.1 200"));
    for path in ["GET /v1/watch", "GET /v1/feed"] {
        let (status, body) = port.request(path, &host, "");
        assert!(status == 503 && body.contains("32 streams are read here"), "{status} {body}");
    }
    assert_eq!(port.request("GET /v1/info", &host, "").0, 200);
    // The socket has places of its own, and one that ends is free again.
    let mut watcher = Running::start(&format!("watch --json --control {}", place.socket("a")));
    streams.pop();
    let again = (0..600).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        stream("/v1/watch").1 == "HTTP/1.1 200"
    });
    assert!(again, "a stream that has ended keeps its place");
    place.ask("a", "leave");
    assert_eq!(watcher.event("stopped")["name"], "a");
    assert_eq!(watcher.end().code(), Some(1));
}

#[test]
fn a_watch_over_tcp_ends_with_its_agent() {
    let place = Place::new("tcp-watch");
    let (_a, address) = place.agent("a", "--http 127.0.0.1:0");
    let port = Port::of(&place, "a");
    let mut watcher = Running::start(&format!("watch --json --control http://{}", port.0));
    // It watches once it has seen one come.
    let mut others = Vec::new();
    for n in 0.. {
        others.push(place.agent(&format!("b{n}"), &format!("--join {address}")));
        if watcher.has_line() {
            break;
        }
    }
    place.ask("a", "leave");
    assert_eq!(watcher.event("stopped")["name"], "a");
    assert_eq!(watcher.end().code(), Some(1));
    watcher.warning("the agent has ended");
}
