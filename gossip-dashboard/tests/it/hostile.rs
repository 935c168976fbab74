//! Names come from the network: whatever stands in them stays text.

use crate::shown::open;
use serde_json::json;
use testkit::browser::Browser;

const NAMES: [&str; 6] = [
    "<img src=x onerror=\"window.hit=1\">",
    "</script><script>window.hit=1</script>",
    "<!--<script>",
    "'\"><svg onload=window.hit=1>",
    "\u{202e}drawkcab\u{2028}line",
    "{data}{script}{style}{policy}",
];

fn recording() -> String {
    let head = json!({
        "gossip": 1, "source": "</script>", "scenario": NAMES[0], "about": NAMES[1], "end": 3_000, "classes": [NAMES[3]],
    });
    let lines = [
        head,
        json!({ "place": [NAMES[0], NAMES[2], NAMES[3]], "n": NAMES.len(), "names": NAMES }),
        json!({ "fault": NAMES[0], "t": 100, "to": 900, "m": [0], "text": NAMES[1] }),
        json!([500, "suspected", 1, 0]),
        json!([600, "accused", 1, 0]),
        json!([700, NAMES[3], 2, 3]),
        json!({ "s": 1_000, "run": 6, "b": [1], "fp": [[NAMES[0], 3], [NAMES[1], 3]], "acc": [[0, 0, 1]] }),
        json!({ "expect": NAMES[0], "words": NAMES[1], "unit": NAMES[3], "max": 1, "got": 2, "ok": false }),
    ];
    lines.map(|line| line.to_string()).join("\n")
}

#[test]
fn hostile_names_appear_as_text() {
    let Some(browser) = Browser::start() else { return };
    let page = open(&browser, &recording());
    page.key("End");
    let sentence = page.text("#list li span");
    assert_eq!(sentence, format!("{} is suspected by {}", NAMES[1], NAMES[0]));
    page.key("/");
    page.write("<img");
    page.key("Enter");
    assert_eq!(page.text("#h-mem"), NAMES[0]);
    assert_eq!(page.text("#scn"), NAMES[0]);
    assert_eq!(page.eval("document.querySelectorAll('img, svg[onload], #app script').length"), 0);
    assert_eq!(page.eval("typeof window.hit"), "undefined");
    assert_eq!(page.complaints(), [""; 0]);
}

#[test]
fn a_report_holds_its_data_in_one_element_whatever_stands_in_it() {
    let html = gossip_dashboard::report(&recording());
    assert_eq!(html.matches("</script>").count(), 2, "one for the data, one for the program");
    let broken = gossip_dashboard::report("</script><script>alert(1)</script><!--");
    assert_eq!(broken.matches("</script>").count(), 2);
    assert_eq!(broken.matches("<!--").count(), gossip_dashboard::page().matches("<!--").count());
}

#[test]
fn the_policy_stops_what_is_put_in_as_markup() {
    let Some(browser) = Browser::start() else { return };
    let page = open(&browser, &recording());
    let put = "(() => { try { document.body.innerHTML = '<img src=x onerror=window.hit=1>'; return 'put in'; } \
               catch { return 'refused'; } })()";
    assert_eq!(page.eval(put), "refused");
    let run = "(() => { const s = document.createElement('div'); document.body.append(s); \
               try { s.setAttribute('onclick', 'window.hit = 1'); } catch { } s.click(); return typeof window.hit; })()";
    assert_eq!(page.eval(run), "undefined");
}
