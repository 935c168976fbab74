//! What 200 requests a second cost a node with 10,000 members: how soon they are answered, and how late the node's ticks come,
//! beside the same node that nobody asks.
//!
//! `cargo bench -p agent --bench control`
//!
//! The members are one node in this program, which restored all of them and has a socket for each, 10,000 in all (`ulimit -n`). The
//! agent joins it, with the preset that probes most often, so that there are ticks to measure. Requests come at fixed times over the agent's Unix socket, on eight connections, in turn for
//! `/v1/members` of one zone of a hundred, `/v1/info` and `/metrics`; one that is late counts from when it was due. Quiet and busy
//! times alternate; the table shows all of each kind together.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on has nothing to say")]

#[path = "shared/everybody.rs"]
mod everybody;

use everybody::{CLUSTER, MEMBERS};
use std::{
    collections::BTreeMap,
    env, fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::SocketAddr,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const RATE: u32 = 200;
const CLIENTS: u32 = 8;
const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(20);
const PATHS: [&str; 3] = ["/v1/members?zone=0/7", "/v1/info", "/metrics"];
const PATIENCE: Duration = Duration::from_secs(120);

/// A connection to the agent that stays open.
struct Client(BufReader<UnixStream>);

impl Client {
    fn open(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    fn get(&mut self, path: &str) -> String {
        write!(self.0.get_mut(), "GET {path} HTTP/1.1\r\nhost: gossip\r\n\r\n").unwrap();
        let mut length = 0;
        for number in 0.. {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            let line = line.trim_end();
            assert!(number > 0 || line.ends_with("200 OK"), "{path}: {line}");
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        String::from_utf8(body).unwrap()
    }

    /// How many ticks came at most so late, by seconds, and all seconds of lateness together.
    fn lateness(&mut self) -> (Vec<(f64, u64)>, f64) {
        let text = self.get("/metrics");
        let of = |prefix: &str| -> Vec<String> {
            text.lines().filter_map(|line| line.strip_prefix(prefix)).map(str::to_owned).collect()
        };
        let buckets = of("gossip_tick_lateness_seconds_bucket{le=\"").into_iter().map(|line| {
            let (bound, count) = line.split_once("\"} ").unwrap();
            (bound.replace("+Inf", "inf").parse().unwrap(), count.parse().unwrap())
        });
        (buckets.collect(), of("gossip_tick_lateness_seconds_sum ")[0].parse().unwrap())
    }
}

/// Lateness of ticks, added up over rounds.
#[derive(Default)]
struct Late {
    buckets: BTreeMap<u64, u64>,
    sum: f64,
}

impl Late {
    fn add(&mut self, before: &(Vec<(f64, u64)>, f64), after: &(Vec<(f64, u64)>, f64)) {
        for ((bound, earlier), (_, later)) in before.0.iter().zip(&after.0) {
            let micros = if bound.is_finite() { (bound * 1e6).round() as u64 } else { u64::MAX };
            *self.buckets.entry(micros).or_default() += later - earlier;
        }
        self.sum += after.1 - before.1;
    }

    fn print(&self, what: &str) {
        let count = self.buckets[&u64::MAX];
        let within = |share: f64| {
            let found = self.buckets.iter().find(|(_, n)| **n as f64 >= share * count as f64);
            found.map_or(f64::NAN, |(bound, _)| *bound as f64 / 1e3)
        };
        let mean = self.sum * 1e3 / count as f64;
        println!(
            "{what:22} {count:6} ticks   late by {mean:6.3} ms on average, half by less than {:.3}, 99 % by less than {:.3} ms",
            within(0.5),
            within(0.99)
        );
    }
}

/// Asks for a round's time: how long each answer took, by path.
fn ask(socket: &Path) -> Vec<(usize, Duration)> {
    let start = Instant::now() + Duration::from_millis(50);
    let client = |number: u32| {
        let mut client = Client::open(socket);
        let mut took = Vec::new();
        for request in (number..).step_by(CLIENTS as usize) {
            let due = start + Duration::from_secs(1) * request / RATE;
            if due > start + ROUND {
                return took;
            }
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let path = request as usize % PATHS.len();
            let _ = client.get(PATHS[path]);
            took.push((path, due.elapsed()));
        }
        took
    };
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|number| scope.spawn(move || client(number))).collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    })
}

/// The agent, ended with the benchmark.
struct Agent(Child, PathBuf);

impl Agent {
    fn start(seed: SocketAddr) -> Self {
        let socket = env::temp_dir().join(format!("gossip-bench-{}.sock", std::process::id()));
        let arguments = format!(
            "run --name asked --cluster {CLUSTER} --preset local --capacity 16384 --bind 127.0.0.1:0"
        );
        let mut command = Command::new(env!("CARGO_BIN_EXE_gossip"));
        command.args(arguments.split(' ')).args(["--join", &seed.to_string()]).arg("--control").arg(&socket);
        Self(command.stdout(Stdio::null()).spawn().unwrap(), socket)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
        let _ = fs::remove_file(&self.1);
    }
}

fn main() {
    let agent = Agent::start(everybody::start());
    let start = Instant::now();
    while !agent.1.exists() {
        thread::sleep(Duration::from_millis(10));
        assert!(start.elapsed() < PATIENCE, "the agent does not listen");
    }
    let mut client = Client::open(&agent.1);
    let wanted = format!("\"live\":{}", MEMBERS + 1);
    while !client.get("/v1/info").contains(&wanted) {
        thread::sleep(Duration::from_millis(200));
        assert!(start.elapsed() < PATIENCE, "the agent knows too few: {}", client.get("/v1/info"));
    }
    println!("{MEMBERS} members after {:.1} s", start.elapsed().as_secs_f64());
    thread::sleep(ROUND / 2);
    let (mut quiet, mut busy, mut took) = (Late::default(), Late::default(), Vec::new());
    for _ in 0..ROUNDS {
        let mut client = Client::open(&agent.1);
        let before = client.lateness();
        thread::sleep(ROUND);
        // The connection would be closed by now.
        let mut client = Client::open(&agent.1);
        let between = client.lateness();
        quiet.add(&before, &between);
        took.extend(ask(&agent.1));
        busy.add(&between, &Client::open(&agent.1).lateness());
    }
    for (number, path) in PATHS.iter().enumerate() {
        let mut took: Vec<Duration> = took.iter().filter(|one| one.0 == number).map(|one| one.1).collect();
        took.sort();
        let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
        println!(
            "{path:22} {:6} answers half within {:.2} ms, 99 % within {:.2} ms",
            took.len(),
            at(0.5),
            at(0.99)
        );
    }
    quiet.print("nobody asks");
    busy.print("200 requests a second");
}
