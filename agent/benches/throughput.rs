//! Datagrams a second, and processor time a datagram, of each adapter beside a bare loop on the same kind of socket.
//!
//! `cargo bench -p agent --bench throughput`
//!
//! One thread floods a socket over the loopback interface with 200 bytes that are no datagram of ours, so that the
//! adapter is measured and not the protocol; another one receives and hands them to a node: through an adapter, or in
//! a loop that does nothing else. All take turns, round after round, in one run;
//! the table shows medians. Processor time is that of all threads but the two that measure and flood, as Linux
//! counts it.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on has nothing to say")]

use adapter_tokio::{ClusterName, Config, Handle, Options};
use async_io::Async;
use gossip_core::{Buffer, Heap, Identity, Node, NodeId};
use mio::{Events, Interest, Poll, Token, Waker};
use std::{
    fs,
    net::{SocketAddr, UdpSocket},
    path::PathBuf,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::runtime::{Builder, Runtime};

const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_millis(400);
/// Received before a round is measured.
const WARM: u64 = 2_000;
const DATAGRAM: [u8; 200] = [0xa5; 200];

/// What a receiving loop and who measures it share.
#[derive(Default)]
struct Shared {
    received: AtomicU64,
    stop: AtomicBool,
    node: OnceLock<Handle>,
}

impl Shared {
    fn received(&self) -> u64 {
        self.node.get().map_or_else(|| self.received.load(Relaxed), |node| node.metrics().datagrams_received)
    }

    fn stop(&self) {
        self.stop.store(true, Relaxed);
        if let Some(node) = self.node.get() {
            drop(node.leave(Duration::ZERO));
        }
    }
}

/// A node and nothing else: no handle, no lock, no budget, no seeds.
struct Bare<'a> {
    node: Node<Heap>,
    buffer: Box<Buffer<32, 256, { 32 * 1_400 }>>,
    start: Instant,
    shared: &'a Shared,
}

impl<'a> Bare<'a> {
    fn new(address: SocketAddr, shared: &'a Shared) -> Self {
        let Options { name, config, locality, capacity, .. } = options();
        let identity = Identity { id: NodeId::from_name(&name).unwrap(), epoch: 1, address, locality };
        let now = gossip_core::Instant::ZERO;
        let node = Node::new(config, identity, [1; 32], Heap::for_members(capacity), now).unwrap();
        Self { node, buffer: Box::default(), start: Instant::now(), shared }
    }

    /// Takes a datagram in; returns whether to go on. Whoever knows no one has nothing to send.
    fn take(&mut self, datagram: &mut [u8], from: SocketAddr) -> bool {
        let now = gossip_core::Instant::ZERO + self.start.elapsed();
        let mut out = self.buffer.outbox();
        let output = self.node.handle_datagram(now, from, datagram, &mut out);
        assert_eq!(output.packets().count(), 0);
        if output.next_tick <= now {
            assert_eq!(self.node.tick(now, &mut out).packets().count(), 0);
        }
        self.shared.received.fetch_add(1, Relaxed);
        !self.shared.stop.load(Relaxed)
    }
}

/// Receives from the socket until it is stopped.
type Loop = fn(UdpSocket, &Shared);

const LOOPS: [(&str, Loop, Loop); 3] =
    [("tokio", bare_tokio, node_tokio), ("smol", bare_smol, node_smol), ("mio", bare_mio, node_mio)];

fn options() -> Options {
    Options::new("node", Config::lan(ClusterName::named("throughput").unwrap()))
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn bare_tokio(udp: UdpSocket, shared: &Shared) {
    runtime().block_on(async {
        let udp = tokio::net::UdpSocket::from_std(udp).unwrap();
        let (mut bare, mut buffer) = (Bare::new(udp.local_addr().unwrap(), shared), [0; 1_500]);
        while let Ok((length, from)) = udp.recv_from(&mut buffer).await
            && bare.take(&mut buffer[..length], from)
        {}
    });
}

fn node_tokio(udp: UdpSocket, shared: &Shared) {
    runtime().block_on(async {
        let (node, driver) = adapter_tokio::with_socket(options(), udp).await.unwrap();
        shared.node.set(node).unwrap();
        let _ = driver.run().await;
    });
}

fn bare_smol(udp: UdpSocket, shared: &Shared) {
    async_io::block_on(async {
        let udp = Async::new(udp).unwrap();
        let (mut bare, mut buffer) = (Bare::new(udp.get_ref().local_addr().unwrap(), shared), [0; 1_500]);
        while let Ok((length, from)) = udp.recv_from(&mut buffer).await
            && bare.take(&mut buffer[..length], from)
        {}
    });
}

fn node_smol(udp: UdpSocket, shared: &Shared) {
    let (node, driver) = adapter_smol::with_socket(options(), udp).unwrap();
    shared.node.set(node).unwrap();
    let _ = async_io::block_on(driver.run());
}

fn bare_mio(udp: UdpSocket, shared: &Shared) {
    let (mut poll, mut ready) = (Poll::new().unwrap(), Events::with_capacity(8));
    let mut udp = mio::net::UdpSocket::from_std(udp);
    poll.registry().register(&mut udp, Token(0), Interest::READABLE).unwrap();
    let (mut bare, mut buffer) = (Bare::new(udp.local_addr().unwrap(), shared), [0; 1_500]);
    loop {
        while let Ok((length, from)) = udp.recv_from(&mut buffer) {
            if !bare.take(&mut buffer[..length], from) {
                return;
            }
        }
        poll.poll(&mut ready, None).unwrap();
    }
}

fn node_mio(udp: UdpSocket, shared: &Shared) {
    let (mut poll, mut ready) = (Poll::new().unwrap(), Events::with_capacity(8));
    let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
    let (node, mut driver) = adapter_mio::with_socket(options(), waker, udp).unwrap();
    poll.registry().register(&mut driver, Token(1), Interest::READABLE).unwrap();
    shared.node.set(node).unwrap();
    loop {
        poll.poll(&mut ready, driver.next_timeout()).unwrap();
        let readable = ready.iter().any(|event| event.token() == Token(1));
        if (readable && driver.on_ready().is_break()) || driver.on_timeout().is_break() {
            return;
        }
    }
}

/// Datagrams a second, and nanoseconds of processor time a datagram.
fn measure(run: Loop) -> (f64, f64) {
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.set_nonblocking(true).unwrap();
    let to = udp.local_addr().unwrap();
    let (shared, flooding) = (Arc::new(Shared::default()), Arc::new(AtomicBool::new(true)));
    let flooder = thread::Builder::new().name(FLOODER.to_owned());
    let flood = flooder.spawn({
        let flooding = Arc::clone(&flooding);
        move || flood(to, &flooding)
    });
    let receiver = thread::spawn({
        let shared = Arc::clone(&shared);
        move || run(udp, &shared)
    });
    while shared.received() < WARM {
        thread::sleep(Duration::from_millis(1));
    }
    let (start, before, cpu) = (Instant::now(), shared.received(), processor_time());
    thread::sleep(ROUND);
    let (took, count, cpu) = (start.elapsed(), shared.received() - before, processor_time() - cpu);
    shared.stop();
    receiver.join().unwrap();
    flooding.store(false, Relaxed);
    flood.unwrap().join().unwrap();
    (count as f64 / took.as_secs_f64(), cpu as f64 / count as f64)
}

/// The name of the thread whose time is not counted.
const FLOODER: &str = "flooder";

fn flood(to: SocketAddr, go_on: &AtomicBool) {
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    while go_on.load(Relaxed) {
        // What a full receiver drops is not an error here.
        let _ = udp.send_to(&DATAGRAM, to);
    }
}

/// Nanoseconds on a processor, of all threads but this one and the flooder.
fn processor_time() -> u64 {
    let this = fs::read_link("/proc/thread-self").unwrap();
    let read = |task: &PathBuf, file| fs::read_to_string(task.join(file)).unwrap_or_default();
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
    tasks
        .filter(|task| task.file_name() != this.file_name() && read(task, "comm").trim() != FLOODER)
        .filter_map(|task| read(&task, "schedstat").split(' ').next()?.parse::<u64>().ok())
        .sum()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let mut rounds: Vec<[[(f64, f64); 2]; 3]> = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push(LOOPS.map(|(_, bare, node)| [measure(bare), measure(node)]));
    }
    println!("| socket | bare loop, datagrams/s | adapter | of it | bare loop, CPU a datagram | adapter |");
    println!("|---|---|---|---|---|---|");
    for (i, (name, ..)) in LOOPS.into_iter().enumerate() {
        let of =
            |what: fn([(f64, f64); 2]) -> f64| median(rounds.iter().map(|round| what(round[i])).collect());
        println!(
            "| {name} | {:.0} | {:.0} | {:.0} % | {:.0} ns | {:.0} ns |",
            of(|[bare, _]| bare.0),
            of(|[_, node]| node.0),
            100.0 * of(|[bare, node]| node.0 / bare.0),
            of(|[bare, _]| bare.1),
            of(|[_, node]| node.1),
        );
    }
}
