//! The page of a running agent, in Chromium: what happens to real agents is seen there.

use crate::{place::Place, process::Running};
use testkit::browser::{Browser, Page};

/// The number of members in a state, by the place of the state below the map.
fn shown(page: &Page<'_>, state: usize, members: usize) {
    page.until(&format!(
        "document.querySelector('#key button:nth-child({state}) b')?.textContent == '{members}'"
    ));
}

const ALIVE: usize = 1;
const DEAD: usize = 7;

fn http(place: &Place, name: &str) -> String {
    place.ask_json(name, "info")["answers_at"]["http"].as_str().unwrap().to_owned()
}

#[test]
fn the_death_of_an_agent_turns_up_on_the_page_of_another() {
    let Some(browser) = Browser::start() else { return };
    let place = Place::new("page");
    let (a, address) = place.agent("a", "--http 127.0.0.1:0 --locality eu/a/r1");
    let others: Vec<Running> = ["b", "c", "d"]
        .into_iter()
        .map(|name| place.agent(name, &format!("--join {address} --locality eu/b/r1")).0)
        .collect();
    let page = browser.open(&format!("http://{}/", http(&place, "a")));
    shown(&page, ALIVE, 4);
    // Names come a moment after the members that have them.
    page.eval("document.querySelector('#q').focus()");
    page.write("d");
    page.until("[...document.querySelectorAll('#hits li')].some((hit) => hit.textContent.startsWith('d'))");
    page.key("Escape");

    others[2].signal("KILL");
    assert_eq!(a.event("down")["name"], "d");
    shown(&page, DEAD, 1);
    page.until(
        "[...document.querySelectorAll('#list li span')].some((s) => s.textContent == 'a declares d dead')",
    );
    // Who accused it, one by one and in sum.
    page.until("parseInt(document.querySelector('#mxsub').textContent) > 0");
    page.until("/accused [1-9]/.test(document.querySelector('#chips').textContent)");
    assert_eq!(page.text("#vw"), "● Live");
    assert_eq!(page.complaints(), [""; 0]);
}
