//! The page as an agent serves it, with a stream.

use crate::{cluster::Cluster, server::Server};
use serde_json::json;
use testkit::browser::{Browser, Page};

const HEAD: &str = r#"{"gossip":1,"source":"one agent","cluster":"shop","view":"node","classes":["probe"]}"#;

fn head_and_members(members: usize) -> Vec<String> {
    let mut lines = Cluster::new(members).lines();
    lines[0] = HEAD.to_owned();
    lines
}

fn second(at: u64) -> String {
    json!({ "s": at, "run": 10, "b": [50], "fp": [["a1a3f6ff", 10]] }).to_string()
}

fn shown(page: &Page<'_>, state: usize, n: &str) {
    page.until(&format!("document.querySelector('#key button:nth-child({state}) b')?.textContent == '{n}'"));
}

#[test]
fn a_death_turns_up_and_the_time_follows_the_stream() {
    let Some(browser) = Browser::start() else { return };
    let server = Server::start();
    server.tell(head_and_members(10_000));
    server.tell([second(1_000)]);
    let page = browser.open(&server.url("/"));
    shown(&page, 1, "10,000");
    assert_eq!(page.text("#vw"), "● Live");
    server.tell([json!([1_500, "down", 7, 8]).to_string(), second(2_000)]);
    shown(&page, 7, "1");
    page.until("document.querySelector('#clock').textContent.startsWith('0:02.0')");
    page.until(
        "document.querySelector('#list li.now span')?.textContent == 'eu-a-r1-09 declares eu-a-r1-08 dead'",
    );
    assert_eq!(page.complaints(), [""; 0]);
}

#[test]
fn who_joins_later_gets_one_cell_in_the_place_that_is_there() {
    let Some(browser) = Browser::start() else { return };
    let server = Server::start();
    server.tell(head_and_members(36));
    server.tell([second(1_000)]);
    let page = browser.open(&server.url("/"));
    shown(&page, 1, "36");
    let late = json!({ "place": ["eu", "a", "r1"], "n": 1, "names": ["latecomer"] });
    server.set(|stage| {
        stage.answers.insert("/v1/members/latecomer", json!({ "tags": {} }).to_string());
    });
    server.tell([
        second(2_000),
        late.to_string(),
        json!([2_000, "up", 36]).to_string(),
        late.to_string(),
        second(3_000),
    ]);
    shown(&page, 1, "37");
    assert_eq!(page.text("#mapsub"), "37 in 9 zones");
    page.key("/");
    page.write("latecomer");
    page.key("Enter");
    assert_eq!(page.text("#h-mem"), "latecomer");
    // Before it came it was not there.
    page.key("Home");
    shown(&page, 1, "36");
    assert_eq!(page.complaints(), [""; 0]);
}

#[test]
fn a_lost_stream_is_said_and_found_again() {
    let Some(browser) = Browser::start() else { return };
    let server = Server::start();
    server.tell(head_and_members(36));
    let page = browser.open(&server.url("/"));
    shown(&page, 1, "36");
    server.set(|stage| {
        stage.cut += 1;
        stage.refusal = Some((503, r#"{"error":"this agent serves 8 streams already"}"#));
    });
    page.until("document.querySelector('#vw').textContent == '! Lost'");
    page.until("document.querySelector('#vs').textContent.includes('this agent serves 8 streams already')");
    let said = page.text("#vs");
    assert!(said.starts_with("no news since ") && said.contains("; "), "{said}");
    server.set(|stage| {
        stage.refusal = None;
        stage.lines.push(json!([1_000, "down", 3, 4]).to_string());
    });
    page.until("document.querySelector('#vw').textContent == '● Live'");
    shown(&page, 7, "1");
}

#[test]
fn a_line_that_cannot_be_read_is_counted_and_the_rest_is_shown() {
    let Some(browser) = Browser::start() else { return };
    let server = Server::start();
    server.tell(head_and_members(36));
    server.tell([
        "[".to_owned(),
        json!([1_000, "down", 3_000, 4]).to_string(),
        json!([2_000, "down", 3, 4]).to_string(),
    ]);
    let page = browser.open(&server.url("/"));
    shown(&page, 7, "1");
    let said = page.text("#about");
    assert!(said.contains("2 lines could not be read: member 3000 has no place line before it"), "{said}");
    assert!(said.contains("keeps the last 10 minutes"), "{said}");
    assert_eq!(page.complaints(), [""; 0]);
}

#[test]
fn an_agent_that_wants_a_token_is_given_one() {
    let Some(browser) = Browser::start() else { return };
    let server = Server::start();
    server.tell(head_and_members(36));
    server.set(|stage| stage.token = Some("sesame"));
    let page = browser.open(&server.url("/"));
    page.until("document.querySelector('#ask').open");
    assert_eq!(page.text("#askwhy"), "this address wants a token");
    page.write("sesame");
    page.key("Enter");
    shown(&page, 1, "36");
}

#[test]
fn a_members_own_state_is_asked_of_the_agent() {
    let Some(browser) = Browser::start() else { return };
    let server = Server::start();
    server.tell(head_and_members(36));
    server.set(|stage| {
        let answer = json!({ "name": "eu-a-r1-01", "address": "10.0.0.1:7000", "epoch": 3, "tags": { "port": "8080" } });
        stage.answers.insert("/v1/members/eu-a-r1-01", answer.to_string());
    });
    let page = browser.open(&server.url("/"));
    shown(&page, 1, "36");
    page.key("/");
    page.write("eu-a-r1-01");
    page.key("Enter");
    page.until("document.querySelector('#mem').textContent.includes('port8080')");
    assert!(page.text("#mem").contains("10.0.0.1:7000"));
}
