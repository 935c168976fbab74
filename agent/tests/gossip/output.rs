//! Readers of the output that are slow, go away, or have no room.

use crate::process::{Running, finish_of};
use adapter_tokio::{ClusterName, Config, Event, Handle, Health, NodeId, Options};
use rustix::{io::ioctl_fionread, pipe::fcntl_setpipe_size};
use serde_json::Value;
use std::{
    fs::OpenOptions,
    io::{self, BufRead as _, BufReader},
    time::{Duration, Instant},
};

/// The least that a pipe holds.
const PIPE: usize = 4_096;
/// A line about a member is shorter, and of five of them each is longer than a fifth of this.
const LINE: usize = 400;

fn args(name: &str, cluster: &str, more: &str) -> String {
    format!("run --name {name} --cluster {cluster} --bind 127.0.0.1:0 --preset local --json {more}")
}

/// Where a node listens, from its first line.
fn address(line: &str) -> String {
    serde_json::from_str::<Value>(line).unwrap()["address"].as_str().unwrap().to_owned()
}

fn full() -> std::fs::File {
    OpenOptions::new().write(true).open("/dev/full").unwrap()
}

/// Nodes in this process: one that changes its health again and again, and one that sees it.
struct Noise {
    noisy: Handle,
    other: Handle,
    runtime: tokio::runtime::Runtime,
}

impl Noise {
    fn new(cluster: &str, seed: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let start = |name: &str| {
            let mut options = Options::new(name, Config::local(ClusterName::named(cluster).unwrap()));
            options.seeds = vec![seed.parse().unwrap()];
            runtime.block_on(async {
                let (handle, driver) = adapter_tokio::bind(options).await.unwrap();
                driver.spawn();
                handle
            })
        };
        let (noisy, other) = (start("noisy"), start("other"));
        let knows_both = |handle: &Handle| {
            let mut watch = handle.watch();
            async move { watch.until(|members| members.len() == 2).await.unwrap() }
        };
        runtime.block_on(async { tokio::join!(knows_both(&noisy), knows_both(&other)) });
        Self { noisy, other, runtime }
    }

    /// Changes the health once, and waits until the other one knows.
    fn change(&self) {
        let mut events = self.other.events();
        let is_healthy = self.noisy.me().health() == Health::Healthy;
        self.noisy.set_health(if is_healthy { Health::Degraded } else { Health::Healthy });
        let updated = Event::Updated(self.noisy.id());
        self.runtime.block_on(async { while events.next().await.unwrap().unwrap().event != updated {} });
    }
}

#[test]
fn a_stalled_reader_stops_neither_the_protocol_nor_the_end() {
    for adapter in ["tokio", "smol", "mio"] {
        let (reader, writer) = io::pipe().unwrap();
        fcntl_setpipe_size(&writer, PIPE).unwrap();
        let cluster = format!("stalled-{adapter}");
        let mut stalled =
            Running::start_into(&args("stalled", &cluster, &format!("--adapter {adapter}")), writer);
        let mut first = String::new();
        BufReader::with_capacity(1, &reader).read_line(&mut first).unwrap();
        let seed = address(&first);

        let noise = Noise::new(&cluster, &seed);
        while ioctl_fionread(&reader).unwrap() + (LINE as u64) < PIPE as u64 {
            noise.change();
        }
        (0..5).for_each(|_| noise.change());
        let joiner = Running::start(&args("joiner", &cluster, &format!("--join {seed}")));
        let id = NodeId::from_name("stalled").unwrap().to_string();
        while joiner.event("up")["id"] != id {}

        let asked = Instant::now();
        stalled.signal("TERM");
        let left = joiner.event("left");
        assert_eq!((left["id"].as_str(), left["status"].as_str()), (Some(&*id), Some("left")), "{adapter}");
        assert!(stalled.end().success(), "{adapter}");
        assert!(asked.elapsed() < Duration::from_secs(6), "{adapter}: {:?}", asked.elapsed());
        stalled.warning("standard output was not read");
        drop(reader);
    }
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    let there = Running::start(&args("there", "full", ""));
    let seed = there.event("started")["address"].as_str().unwrap().to_owned();
    // It begins by writing, and leaves all the same.
    let node = Running::start_into(&args("full", "full", &format!("--join {seed}")), full());
    let (_, stderr, status) = finish_of(node);
    assert_eq!(status, Some(1), "{stderr}");
    assert!(stderr.ends_with(
        " ERROR gossip: cannot write to standard output: No space left on device (os error 28)\n"
    ));
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    for args in ["id db-1", "--help", "run --help", "--version"] {
        let (_, stderr, status) = finish_of(Running::start_into(args, full()));
        assert_eq!(status, Some(1), "{args}: {stderr}");
        assert!(stderr.contains("standard output"), "{args}: {stderr}");
    }
}

#[test]
fn a_reader_that_goes_away_ends_a_node_in_good_order() {
    let (reader, writer) = io::pipe().unwrap();
    let node = Running::start_into(&args("piped", "head", ""), writer);
    let mut reader = BufReader::new(reader);
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    // That it has joined; the next line, of the peer, finds no one who reads it.
    reader.read_line(&mut String::new()).unwrap();
    drop(reader);
    let peer = Running::start(&args("peer", "head", &format!("--join {}", address(&first))));
    assert_eq!(peer.event("left")["address"], address(&first));
    let (_, stderr, status) = finish_of(node);
    assert_eq!((stderr.as_str(), status), ("", Some(0)));
}

#[test]
fn a_closed_pipe_is_a_quiet_end_of_whatever_is_printed() {
    for args in ["id db-1", "--help", "demo --nodes 3"] {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let (_, stderr, status) = finish_of(Running::start_into(args, writer));
        assert_eq!((stderr.as_str(), status), ("", Some(0)), "{args}");
    }
}
