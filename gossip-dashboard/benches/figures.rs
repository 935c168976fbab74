//! What the page takes, in a Chromium without a window, with invented clusters: how long a report is until it is drawn, how long
//! moving the time takes, and how soon a death that a server tells is shown.
//!
//! `cargo bench -p gossip-dashboard --bench figures`
//!
//! With `SHOTS=FOLDER` it writes pictures of everything that the page can show into that folder instead.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on has nothing to say")]

#[path = "../tests/it/cluster.rs"]
mod cluster;
#[path = "../tests/it/server.rs"]
mod server;
#[path = "../tests/it/shown.rs"]
mod shown;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use cluster::{Cluster, END};
use serde_json::{Value, json};
use server::Server;
use shown::{open, show};
use std::{env, fs, path::Path, time::Instant};
use testkit::browser::{Browser, Page};

const SCRUB: &str = "(async () => {
    const slider = document.querySelector('#seek');
    const times = { jump: [], step: [] };
    const to = (value, list) => {
        const start = performance.now();
        slider.value = value;
        slider.dispatchEvent(new Event('input'));
        list.push(performance.now() - start);
    };
    for (let i = 0; i < 300; i += 1) to((i * 7_919) % 10_000, times.jump);
    for (let i = 0; i < 300; i += 1) to(i * 33, times.step);
    const at = (list, q) => list.sort((a, b) => a - b)[Math.ceil(q * list.length) - 1];
    return Object.values(times).flatMap((list) => [at(list, 0.5), at(list, 0.99)]);
})()";

fn main() {
    let Some(browser) = Browser::start() else { return };
    match env::var_os("SHOTS") {
        Some(folder) => pictures(&browser, Path::new(&folder)),
        None => {
            reports(&browser);
            streams(&browser);
        }
    }
}

fn reports(browser: &Browser) {
    println!("page: {} bytes", gossip_dashboard::page().len());
    for members in [1_000, 10_000] {
        let text = Cluster::new(members).with_everything().expecting(false).text();
        let page = open(browser, &text);
        let drawn = page.eval("performance.getEntriesByName('drawn')[0].duration");
        let scrubbed = page.eval(SCRUB);
        let of = |i: usize| scrubbed[i].as_f64().unwrap_or_default();
        println!(
            "{members} members: drawn in {:.0} ms; a jump p50 {:.1} ms, p99 {:.1} ms; a step p50 {:.1} ms, p99 {:.1} ms",
            drawn.as_f64().unwrap_or_default(),
            of(0),
            of(1),
            of(2),
            of(3)
        );
    }
}

fn streams(browser: &Browser) {
    let server = Server::start();
    let mut lines = Cluster::new(10_000).lines();
    lines[0] = r#"{"gossip":1,"source":"figures","view":"node","classes":["probe"]}"#.to_owned();
    server.tell(lines);
    let page = browser.open(&server.url("/"));
    page.until("document.querySelector('#key b')?.textContent == '10,000'");
    let mut late = Vec::new();
    for i in 0..30_u64 {
        let started = Instant::now();
        server.tell([json!([(i + 1) * 1_000, "down", i, i + 1]).to_string()]);
        page.until(&format!(
            "document.querySelector('#key button:nth-child(7) b').textContent == '{}'",
            i + 1
        ));
        late.push(started.elapsed().as_millis());
    }
    late.sort_unstable();
    println!("10,000 members: a death is shown after p50 {} ms, at most {} ms", late[15], late[29]);
}

/// Writes a picture of the page, from top to bottom.
fn shoot(page: &Page<'_>, folder: &Path, name: &str) {
    page.eval("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
    fs::write(folder.join(name).with_extension("png"), STANDARD.decode(page.picture()).unwrap()).unwrap();
}

/// Moves the time.
fn seek(page: &Page<'_>, at: u64) {
    let value = at * 10_000 / END;
    let _: Value = page.eval(&format!(
        "(() => {{ const s = document.querySelector('#seek'); s.value = {value}; s.dispatchEvent(new Event('input')); }})()"
    ));
}

fn pictures(browser: &Browser, folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    of_reports(browser, folder);
    of_streams(browser, folder);
}

fn of_reports(browser: &Browser, folder: &Path) {
    for (members, theme) in [(1_000, "light"), (1_000, "dark"), (10_000, "light"), (10_000, "dark")] {
        let page = browser.blank();
        page.size(1_400, 900);
        page.media(theme, false);
        show(&page, &Cluster::new(members).with_everything().expecting(members > 1_000).text());
        seek(&page, 42_500);
        shoot(&page, folder, &format!("report-{members}-{theme}"));
        page.key("m");
        page.key("m");
        seek(&page, 28_000);
        shoot(&page, folder, &format!("accused-{members}-{theme}"));
        page.size(420, 1_500);
        page.key("m");
        shoot(&page, folder, &format!("phone-{members}-{theme}"));
    }
}

fn of_streams(browser: &Browser, folder: &Path) {
    for (members, theme) in [(24, "dark"), (10_000, "light")] {
        let server = Server::start();
        let mut lines = Cluster::new(members.max(36)).with_everything().lines();
        lines[0] = r#"{"gossip":1,"source":"gossip run","node":"eu-a-r1-01","cluster":"shop","view":"node","classes":["probe","suspicion","rumor","sync","state","stream"]}"#.to_owned();
        lines.retain(|line| !line.contains("\"spread\"") && !line.contains("\"fault\""));
        server.tell(lines);
        let page = browser.blank();
        page.size(1_400, 900);
        page.media(theme, false);
        page.go(&server.url("/"));
        page.until("document.querySelector('#key b')");
        page.key("/");
        page.write("us-a-r1-01");
        page.key("Enter");
        shoot(&page, folder, &format!("live-{members}-{theme}"));
        server.set(|stage| stage.cut += 1);
        server.set(|stage| {
            stage.refusal = Some((503, r#"{"error":"the agent serves as many streams as it may"}"#))
        });
        page.until("document.querySelector('#vw').textContent == '! Lost'");
        shoot(&page, folder, &format!("lost-{members}-{theme}"));
    }
}
