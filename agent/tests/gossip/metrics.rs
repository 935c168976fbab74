//! Metrics, what is written of them, and alerts. Where Prometheus' own programs are missing, what needs them is left out, and says so.

use crate::process::{Running, success};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::Duration,
};
use tempfile::TempDir;

const RULES: &str = "alerts/gossip.rules.yml";
const TESTS: &str = "alerts/gossip.rules.test.yml";

/// A file of the agent, by its path below it.
fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(file(path)).unwrap()
}

/// What an agent tells, in the format that `promtool` reads.
fn exposition() -> String {
    let directory = TempDir::new().unwrap();
    let socket = directory.path().join("control.sock").display().to_string();
    let agent = Running::start(&format!(
        "run --name told --cluster metrics --bind 127.0.0.1:0 --preset local --json --control {socket}"
    ));
    agent.event("started");
    success(&format!("metrics --control {socket}"))
}

/// The first words between backticks in the first column of each row of a table.
fn documented(text: &str) -> BTreeSet<String> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `gossip_")?.split_once('`'));
    rows.map(|(name, _)| format!("gossip_{name}")).collect()
}

fn told(exposition: &str) -> BTreeSet<String> {
    let types = exposition.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    types.map(|(name, _)| name.to_owned()).collect()
}

fn after(text: &str, prefix: &str) -> Vec<String> {
    text.lines().filter_map(|line| line.trim_start().strip_prefix(prefix)).map(str::to_owned).collect()
}

/// Runs a program of Prometheus; `None` where there is none.
fn run(program: &str, args: &[&str], input: &str) -> Option<Output> {
    let child = Command::new(program)
        .args(args)
        .current_dir(file("alerts"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    match child {
        Ok(mut child) => {
            child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
            Some(child.wait_with_output().unwrap())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            eprintln!("SKIPPED: there is no {program}");
            None
        }
        Err(error) => panic!("{program}: {error}"),
    }
}

#[test]
fn every_metric_is_documented_and_every_documented_metric_is_told() {
    let told = told(&exposition());
    assert!(told.len() > 80, "{told:?}");
    assert_eq!(documented(&read("../docs/src/metrics.md")), told);
}

#[test]
fn every_alert_is_explained_and_tested_and_asks_for_what_is_told() {
    let (rules, tests, book) = (read(RULES), read(TESTS), read("../docs/src/metrics.md"));
    let alerts = after(&rules, "- alert: ");
    assert_eq!(alerts.iter().collect::<BTreeSet<_>>().len(), alerts.len(), "an alert is there twice");
    assert_eq!(after(&book, "### Gossip"), after(&rules, "- alert: Gossip"));
    assert_eq!(after(&tests, "- alertname: "), alerts, "each is raised in a test");
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let told = told(&exposition());
    let asked = rules.split(|c| !is_name(c)).filter(|word| word.starts_with("gossip_"));
    for name in asked {
        let plain = name.strip_suffix("_bucket").unwrap_or(name);
        assert!(told.contains(plain), "{name} is in a rule, and no agent tells it");
    }
}

#[test]
fn promtool_finds_no_fault_with_metrics_and_rules() {
    for (args, input) in [
        (&["check", "metrics"][..], exposition()),
        (&["check", "rules", "gossip.rules.yml"], String::new()),
        (&["test", "rules", "gossip.rules.test.yml"], String::new()),
    ] {
        let Some(output) = run("promtool", args, &input) else { return };
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
        assert!(output.status.success(), "{args:?}: {}", said.concat());
    }
}

/// Prometheus, ended with the test.
struct Prometheus(Child);

impl Prometheus {
    /// Scrapes these addresses every second; `None` where there is no Prometheus.
    fn start(directory: &Path, at: SocketAddr, targets: &[String]) -> Option<Self> {
        let configuration = directory.join("prometheus.yml");
        let targets = serde_json::to_string(targets).unwrap();
        let rules = serde_json::to_string(&file(RULES)).unwrap();
        let text = format!(
            "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\nrule_files: [{rules}]\n\
             scrape_configs: [{{ job_name: gossip, static_configs: [{{ targets: {targets} }}] }}]\n"
        );
        fs::write(&configuration, text).unwrap();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", configuration.display()))
            .arg(format!("--storage.tsdb.path={}", directory.join("data").display()))
            .arg(format!("--web.listen-address={at}"))
            .stdout(Stdio::null())
            .stderr(fs::File::create(directory.join("log")).unwrap())
            .spawn();
        match child {
            Ok(child) => Some(Self(child)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                eprintln!("SKIPPED: there is no prometheus");
                None
            }
            Err(error) => panic!("prometheus: {error}"),
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that was free just now.
fn free() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

/// The answer of a server that closes the connection behind it, or nothing while it does not serve.
fn get(at: SocketAddr, path: &str) -> Option<Value> {
    let mut stream = TcpStream::connect(at).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nhost: {at}\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
}

/// By instance, what each says of its members that are alive.
fn alive(prometheus: SocketAddr) -> BTreeMap<String, String> {
    let query = "/api/v1/query?query=sum%20by(instance)(gossip_members%7Bstatus=%22alive%22%7D)";
    let answer = get(prometheus, query).unwrap_or_default();
    let series = answer["data"]["result"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    series.iter().map(|one| (text(&one["metric"]["instance"]), text(&one["value"][1]))).collect()
}

#[test]
fn prometheus_scrapes_agents_and_finds_their_members() {
    let directory = TempDir::new().unwrap();
    let (prometheus, targets) = (free(), [free(), free()].map(|at| at.to_string()));
    let Some(_prometheus) = Prometheus::start(directory.path(), prometheus, &targets) else { return };
    let start = |name: &str, http: &str, more: &str| {
        let agent = Running::start(&format!(
            "run --name {name} --cluster scraped --bind 127.0.0.1:0 --preset local --json --http {http} --control {}/{name}.sock {more}",
            directory.path().display()
        ));
        let address = agent.event("started")["address"].as_str().unwrap().to_owned();
        (agent, address)
    };
    let (_first, address) = start("first", &targets[0], "");
    let _second = start("second", &targets[1], &format!("--join {address}"));
    let expected: BTreeMap<String, String> = targets.map(|target| (target, "2".to_owned())).into();
    for _ in 0..600 {
        if alive(prometheus) == expected {
            let rules = get(prometheus, "/api/v1/rules").unwrap();
            assert_eq!(rules["data"]["groups"][0]["name"], "gossip");
            return;
        }
        thread::sleep(Duration::from_millis(100));
    }
    let log = fs::read_to_string(directory.path().join("log")).unwrap();
    panic!("{:?}, not {expected:?}: {log}", alive(prometheus));
}
