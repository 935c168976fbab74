//! A report, opened from its file.

use crate::{
    cluster::Cluster,
    shown::{open, show},
};
use serde_json::json;
use testkit::browser::Browser;

/// How many cells of the map differ in colour from the card.
const DRAWN: &str = "(() => {
    const canvas = document.querySelector('#map canvas');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let n = 0;
    for (let i = 3; i < data.length; i += 4) if (data[i]) n += 1;
    return n;
})()";

#[test]
fn ten_thousand_members_are_drawn_and_the_console_stays_silent() {
    let Some(browser) = Browser::start() else { return };
    let page = open(&browser, &Cluster::new(10_000).with_everything().expecting(true).text());
    assert_eq!(page.complaints(), [""; 0]);
    assert_eq!(page.text("#mapsub"), "10,000 in 9 zones");
    assert_eq!(page.text("#vw"), "✕ FAIL");
    assert!(page.text("#about").contains("Busiest second of a node: 61.2 kB"), "{}", page.text("#about"));
    // Cells of 10,000 members, each of some pixels.
    assert!(page.eval(DRAWN).as_u64().unwrap() > 10_000 * 4);
    let counts = "[...document.querySelectorAll('#key b')].reduce((n, b) => n + Number(b.textContent.replace(',', '')), 0)";
    assert_eq!(page.eval(counts), 10_000);
    assert_eq!(page.complaints(), [""; 0]);
}

#[test]
fn scrubbing_shows_the_state_at_each_time() {
    let Some(browser) = Browser::start() else { return };
    let page = open(&browser, &Cluster::new(360).with_everything().expecting(false).text());
    let dead = |at: u64| {
        page.eval(&format!(
            "(() => {{ const s = document.querySelector('#seek'); s.value = {at} / 60000 * 10000; \
             s.dispatchEvent(new Event('input')); return document.querySelector('#key button:nth-child(7) b').textContent; }})()"
        ))
    };
    assert_eq!(dead(6_000), "0");
    assert_eq!(dead(8_000), "1");
    assert_eq!(dead(60_000), "11");
    // Back again, which starts from a copy of the state.
    assert_eq!(dead(8_000), "1");
    assert_eq!(dead(0), "0");
    let moved = "document.querySelector('#map canvas').getAttribute('aria-label')";
    dead(20_000);
    assert!(page.eval(moved).as_str().unwrap().contains("40 quarantined"), "{}", page.eval(moved));
    assert_eq!(page.complaints(), [""; 0]);
}

#[test]
fn the_search_of_events_finds_a_name() {
    let Some(browser) = Browser::start() else { return };
    let page = open(&browser, &Cluster::new(360).with_everything().text());
    page.key("f");
    page.write("US-A-R1-01");
    page.until("document.querySelector('#evsub').textContent.endsWith('of 2')");
    let listed = page.eval("[...document.querySelectorAll('#list li span')].map((s) => s.textContent)");
    let listed: Vec<&str> = listed.as_array().unwrap().iter().filter_map(|text| text.as_str()).collect();
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().all(|text| text.contains("us-a-r1-01 ")), "{listed:?}");
    // Accusations are listed once asked for.
    page.click("#chips button[aria-pressed=false]");
    page.until("document.querySelector('#evsub').textContent.endsWith('of 4')");
}

#[test]
fn all_can_be_done_with_the_keyboard() {
    let Some(browser) = Browser::start() else { return };
    let page = open(&browser, &Cluster::new(360).with_everything().text());
    page.key("/");
    page.write("eu-a-r1-0");
    page.key("ArrowDown");
    page.key("ArrowDown");
    page.key("Enter");
    assert_eq!(page.text("#h-mem"), "eu-a-r1-02");
    page.key("Escape");
    assert_eq!(page.text("#h-mem"), "Member");
    let clock = || page.text("#clock");
    let begin = clock();
    page.key("ArrowRight");
    assert_ne!(clock(), begin);
    page.key("]");
    assert_eq!(clock(), "0:04.0");
    page.key("]");
    assert_eq!(clock(), "0:09.0");
    page.key("[");
    assert_eq!(clock(), "0:04.0");
    page.key("End");
    assert_eq!(clock(), "1:00.0");
    page.key("Home");
    assert_eq!(clock(), "0:00.0");
    page.key(" ");
    page.until("document.querySelector('#clock').textContent != '0:00.0'");
    page.key(" ");
    let label = "document.querySelector('#play').getAttribute('aria-label')";
    assert_eq!(page.eval(label), "Play");
    page.key("m");
    assert_eq!(page.eval("document.querySelector('#modes [aria-pressed=true]').dataset.mode"), "spread");
    page.eval("document.querySelector('#map').focus()");
    page.key("ArrowRight");
    page.key("ArrowRight");
    assert_eq!(page.text("#h-mem"), "eu-a-r1-02");
    page.eval("document.querySelector('#mx').focus()");
    page.key("End");
    page.key("ArrowDown");
    page.key("ArrowRight");
    page.key("Enter");
    assert_eq!(page.eval("document.querySelector('#mxback').hidden"), false);
    page.key("?");
    assert_eq!(page.eval("document.querySelector('#keys').open"), true);
    assert_eq!(page.complaints(), [""; 0]);
}

#[test]
fn light_and_dark_follow_the_reader() {
    let Some(browser) = Browser::start() else { return };
    let page = browser.blank();
    let background = "getComputedStyle(document.documentElement).backgroundColor";
    page.media("dark", false);
    show(&page, &Cluster::new(360).with_everything().text());
    assert_eq!(page.eval(background), "rgb(13, 17, 22)");
    page.key("t");
    assert_eq!(page.eval(background), "rgb(243, 245, 247)");
    page.media("light", false);
    page.eval("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
    page.media("dark", false);
    page.until(&format!("{background} == 'rgb(13, 17, 22)'"));
    assert_eq!(page.complaints(), [""; 0]);
}

#[test]
fn nothing_moves_while_it_plays() {
    let Some(browser) = Browser::start() else { return };
    let page = open(&browser, &Cluster::new(1_000).with_everything().expecting(false).text());
    let places = "[...document.querySelectorAll('main > *, #minis > *, .player, .mem, #list, #verdict')].map((e) => {
        const b = e.getBoundingClientRect(); return [e.id || e.className, b.x, b.y, b.width, b.height].join(' ');
    })";
    for (width, height) in [(1_600, 1_300), (500, 900)] {
        page.size(width, height);
        page.until(&format!("innerWidth == {width}"));
        page.eval("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
        page.key("Home");
        let first = page.eval(places);
        for step in 0..40 {
            page.eval(&format!(
                "(() => {{ const s = document.querySelector('#seek'); s.value = {step} * 250; \
                 s.dispatchEvent(new Event('input')); }})()"
            ));
            assert_eq!(page.eval(places), first, "{width} wide, step {step}");
        }
        let sideways =
            "Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth)";
        assert_eq!(page.eval(sideways), 0, "{width} wide");
    }
    let shifts = "new Promise((done) => { let sum = 0; const seen = new PerformanceObserver((list) => { \
        for (const e of list.getEntries()) if (!e.hadRecentInput) sum += e.value; }); \
        seen.observe({ type: 'layout-shift', buffered: true }); setTimeout(() => done(sum), 50); })";
    page.size(1_600, 1_300);
    page.go("about:blank");
    show(&page, &Cluster::new(1_000).with_everything().expecting(false).text());
    page.key(" ");
    page.until("document.querySelector('#clock').textContent > '0:01.0'");
    assert_eq!(page.eval(shifts), 0);
}

#[test]
fn without_motion_time_goes_on_in_steps() {
    let Some(browser) = Browser::start() else { return };
    let page = browser.blank();
    page.media("light", true);
    show(&page, &Cluster::new(36).with_everything().text());
    // Each change of the clock is half a second of a reader's time, so of 1 s or more here.
    page.eval(
        "window.steps = []; new MutationObserver(() => steps.push(document.querySelector('#seek').value / 10000 * 60000)) \
         .observe(document.querySelector('#clock'), { childList: true })",
    );
    page.key(" ");
    page.until("steps.length >= 3");
    let steps = page.eval("steps.slice(0, 3).map((x, i) => x - (i ? steps[i - 1] : 0))");
    let long = |step: &serde_json::Value| step.as_f64().unwrap() >= 900.0;
    assert!(steps.as_array().unwrap().iter().all(long), "{steps}");
}

#[test]
fn a_malformed_recording_is_said_with_its_line() {
    let Some(browser) = Browser::start() else { return };
    let good = Cluster::new(36).text();
    let first = good.lines().count();
    for (bad, why) in [
        ("[1000,\"down\",", "not JSON"),
        ("[1000,\"down\",99]", "member 99 has no place line before it"),
        ("{\"place\":[\"eu\"],\"n\":2,\"names\":[\"one\"]}", "a place has a name for each member"),
    ] {
        let page = open(&browser, &format!("{good}{bad}\n"));
        assert_eq!(page.eval("document.querySelector('#wrong').open"), true, "{bad}");
        let said = page.text("#wrongwhy");
        assert!(said.contains(why), "{said}");
        assert!(said.contains(&format!("line {}", first + 1)), "{said}");
        assert_eq!(page.complaints(), [""; 0]);
    }
    let page = open(&browser, "{\"gossip\":2}\n");
    assert!(page.text("#wrongwhy").contains("this page reads format 1, and this is format 2"));
    let page = open(&browser, "");
    assert!(page.text("#wrongwhy").contains("the file is empty"));
}

#[test]
fn a_hundred_zones_can_be_read_by_region_zone_and_member() {
    let Some(browser) = Browser::start() else { return };
    let mut lines = vec![
        json!({ "gossip": 1, "source": "invented", "scenario": "many zones", "end": 5_000 }).to_string(),
    ];
    for zone in 0..100 {
        let region = format!("region-{}", zone / 20);
        lines.push(
            json!({ "place": [region, format!("z{zone}"), "r"], "n": 5, "name": format!("m{zone}-") })
                .to_string(),
        );
    }
    lines.push(json!([1_000, "accused", 499, 0]).to_string());
    let page = open(&browser, &lines.join("\n"));
    page.key("End");
    page.eval("document.querySelector('#mx').focus()");
    page.key("ArrowDown");
    for _ in 0..5 {
        page.key("ArrowRight");
    }
    assert_eq!(page.text("#say"), "region-0 → region-4: 1");
    page.key("Enter");
    for _ in 0..20 {
        page.key("ArrowRight");
    }
    assert_eq!(page.text("#say"), "region-0/z0 → region-4/z99: 1");
    page.key("Enter");
    assert_eq!(page.text("#mxsub"), "region-0/z0 → region-4/z99: 1 accusation so far");
    page.key("ArrowDown");
    assert_eq!(page.text("#say"), "m0-01 → m99-05: 1");
    assert_eq!(page.complaints(), [""; 0]);
}
