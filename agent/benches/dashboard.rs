//! The page and the feed of real agents: how soon the crash of one turns up on another's page, and what a feed of 10,000 members
//! takes.
//!
//! `cargo bench -p agent --bench dashboard`
//!
//! Crashes are of agents on loopback, six at a time, with the preset `local`: for each that is killed another one starts, since
//! nodes of which half are gone take their time to say so. From the time in the line `down`
//! of the agent whose page is open until the sentence stands on the page, by the clock of the one machine. The 10,000 members are one
//! node in this program; see `benches/shared/everybody.rs`. With `SHOTS=FOLDER` there is a picture of each page, light and dark.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on has nothing to say")]

#[path = "shared/everybody.rs"]
mod everybody;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use everybody::{CLUSTER, MEMBERS};
use serde_json::Value;
use std::{
    collections::VecDeque,
    env, fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant, UNIX_EPOCH},
};
use testkit::browser::{Browser, Page};

const AGENTS: usize = 6;
const CRASHES: usize = 4;
const PATIENCE: Duration = Duration::from_secs(120);
/// After joining, until nothing comes but the figures of each second.
const SETTLING: Duration = Duration::from_secs(20);
const QUIET: Duration = Duration::from_secs(20);

/// An agent, killed with the benchmark, and what it prints.
struct Agent {
    child: Child,
    lines: BufReader<ChildStdout>,
    /// Where it can be joined, and where its page is.
    address: String,
    http: String,
}

impl Agent {
    fn start(arguments: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gossip"));
        command.args(["run", "--json", "--no-control", "--preset", "local"]);
        command.args(["--bind", "127.0.0.1:0", "--http", "127.0.0.1:0"]).args(arguments.split(' '));
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let mut agent = Self { child, lines, address: String::new(), http: String::new() };
        let started = agent.event("started", |_| true);
        agent.address = started["address"].as_str().unwrap().to_owned();
        agent.http = started["note"].as_str().unwrap().rsplit_once(' ').unwrap().1.to_owned();
        agent
    }

    fn event(&mut self, event: &str, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            let mut line = String::new();
            assert!(self.lines.read_line(&mut line).unwrap() > 0, "it ended before {event}");
            let line: Value = serde_json::from_str(&line).unwrap();
            if line["event"] == event && fits(&line) {
                return line;
            }
        }
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Writes down in the page, by the clock of the machine, when a sentence first stands in it.
fn watch(page: &Page<'_>, sentence: &str) {
    page.eval(&format!(
        "(() => {{ const list = document.querySelector('#list'); window.seen = 0; const seen = new MutationObserver(() => {{ \
         if (!window.seen && list.textContent.includes({sentence:?})) {{ window.seen = Date.now(); seen.disconnect(); }} }}); \
         seen.observe(list, {{ subtree: true, childList: true, characterData: true }}); }})()"
    ));
}

fn picture(page: &Page<'_>, name: &str) {
    let Some(folder) = env::var_os("SHOTS") else { return };
    fs::create_dir_all(&folder).unwrap();
    page.size(1_400, 900);
    for theme in ["light", "dark"] {
        page.media(theme, false);
        page.eval("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
        let file = Path::new(&folder).join(format!("{name}-{theme}.png"));
        fs::write(file, STANDARD.decode(page.picture()).unwrap()).unwrap();
    }
    page.media("light", false);
}

fn crashes(browser: &Browser) {
    let mut a = Agent::start("--name a --cluster crashes --locality eu/a/r1");
    let zones = ["eu/a/r2", "eu/b/r1", "us/a/r1"];
    let names: Vec<String> = (1..AGENTS + CRASHES).map(|n| format!("agent-{n}")).collect();
    let seed = a.address.clone();
    let start = |n: usize| {
        let place = zones[n % zones.len()];
        Agent::start(&format!("--name {} --cluster crashes --locality {place} --join {seed}", names[n]))
    };
    let mut others: VecDeque<Agent> = (0..AGENTS - 1).map(start).collect();
    let page = browser.open(&format!("{}/", a.http));
    let all_there = format!("document.querySelector('#key b')?.textContent == '{AGENTS}'");
    let mut late = Vec::new();
    for (n, name) in names.iter().enumerate().take(CRASHES) {
        page.until(&all_there);
        watch(&page, &format!("declares {name} dead"));
        drop(others.pop_front());
        let down = a.event("down", |line| line["name"] == name.as_str());
        page.until("window.seen");
        let told = humantime::parse_rfc3339(down["at"].as_str().unwrap()).unwrap();
        let told = told.duration_since(UNIX_EPOCH).unwrap().as_millis() as f64;
        late.push(page.eval("window.seen").as_f64().unwrap() - told);
        others.push_back(start(AGENTS - 1 + n));
    }
    late.sort_by(f64::total_cmp);
    println!(
        "{AGENTS} agents, {CRASHES} crashes: on the page {:.0} to {:.0} ms after the agent's own line",
        late[0],
        late[CRASHES - 1]
    );
    picture(&page, "agents");
    assert_eq!(page.complaints(), [""; 0]);
}

/// Reads the feed as it comes: how long the first picture took and how many bytes it had, and those of a quiet time.
fn feed(http: &str) {
    let address: SocketAddr = http.strip_prefix("http://").unwrap().parse().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let start = Instant::now();
    write!(stream, "GET /v1/feed HTTP/1.1\r\nhost: {address}\r\n\r\n").unwrap();
    let (mut read, mut buffer, mut placed) = (Vec::new(), vec![0; 1 << 16], 0);
    // Places come first; what stands behind the last of them is of the present.
    while placed <= u64::from(MEMBERS) {
        let length = stream.read(&mut buffer).unwrap();
        assert!(length > 0, "the feed ended after {placed} members");
        read.extend_from_slice(&buffer[..length]);
        placed = String::from_utf8_lossy(&read).lines().filter_map(members_of).sum();
    }
    println!(
        "{placed} members: the first picture is {} bytes, read after {:.1} ms",
        read.len(),
        start.elapsed().as_secs_f64() * 1e3
    );
    let (start, mut bytes) = (Instant::now(), 0);
    while start.elapsed() < QUIET {
        bytes += stream.read(&mut buffer).unwrap();
    }
    println!("a quiet second: {:.0} bytes", bytes as f64 / start.elapsed().as_secs_f64());
}

/// How many members a line places, once all of it has come.
fn members_of(line: &str) -> Option<u64> {
    let line: Value = serde_json::from_str(line.strip_prefix("data: ")?).ok()?;
    line["place"].is_array().then(|| line["n"].as_u64())?
}

fn ten_thousand(browser: &Browser) {
    let seed = everybody::start();
    let agent = Agent::start(&format!("--name seen --cluster {CLUSTER} --capacity 16384 --join {seed}"));
    let start = Instant::now();
    let info = || -> Value {
        let mut stream = TcpStream::connect(agent.http.strip_prefix("http://").unwrap()).unwrap();
        write!(stream, "GET /v1/info HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    };
    while info()["live"] != MEMBERS + 1 {
        std::thread::sleep(Duration::from_millis(200));
        assert!(start.elapsed() < PATIENCE, "the agent knows too few: {}", info());
    }
    std::thread::sleep(SETTLING);
    feed(&agent.http);
    let page = browser.blank();
    let start = Instant::now();
    page.go(&format!("{}/", agent.http));
    page.until("document.querySelector('#key b')?.textContent == '10,001'");
    println!("{} members stand on the page after {:.0} ms", MEMBERS + 1, start.elapsed().as_secs_f64() * 1e3);
    picture(&page, "ten-thousand");
    assert_eq!(page.complaints(), [""; 0]);
}

fn main() {
    let Some(browser) = Browser::start() else { return };
    crashes(&browser);
    ten_thousand(&browser);
}
