//! What a machine does to a node: errors of sockets, full buffers, clocks that jump, suspended processes.

#![allow(missing_docs, reason = "the name of a promise says all of it")]

use crate::{
    Adapter, Running, block_on,
    child::{self, Second},
    cluster::{joins, seen_by_all, until},
    eventually, options, start,
};
use gossip_core::{Event, Health, NodeId, Status};
use gossip_host::{EpochFile, Events, Handle, Options};
use socket2::SockRef;
use std::{
    io::Read as _,
    net::UdpSocket,
    process::{self, Command},
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

/// How long a node is stopped: more than its own tolerance, and less than that of those who watch it.
const STOP: Duration = Duration::from_secs(5);
/// The tolerance of those who watch it; on a busy machine a stop lasts longer than it should.
const PATIENCE: Duration = Duration::from_secs(60);

/// Options of a node that waits long for others.
fn patient(test: &str, name: &str) -> Options {
    options(test, name).with(|o| o.config.pause_tolerance = PATIENCE)
}

/// Starts a node that joins through another.
fn join<A: Adapter>(options: Options, seed: &Running) -> Running {
    start::<A>(options.with(|o| o.seeds = vec![seed.handle.local_addr().into()]))
}

/// Deaths among the notices not read yet.
fn deaths(events: &mut Events) -> Vec<NodeId> {
    let mut deaths = Vec::new();
    while let Poll::Ready(Some(next)) = events.poll_next(&mut Context::from_waker(Waker::noop())) {
        if let Event::Down(id) = next.unwrap().event {
            deaths.push(id);
        }
    }
    deaths
}

/// Waits until the node notices that it was stopped itself, and then until it has probed some more.
fn noticed(handle: &Handle, events: &mut Events) {
    while !matches!(block_on(events.next()).unwrap().unwrap().event, Event::LocalPause { .. }) {}
    let probes = handle.metrics().probes;
    eventually("probes after the stop", || (handle.metrics().probes > probes + 8).then_some(()));
}

fn packets(handle: &Handle) -> u64 {
    let metrics = handle.metrics();
    metrics.packets_probe + metrics.packets_suspicion + metrics.packets_rumor + metrics.packets_sync
}

pub fn seeds_that_nobody_listens_at_harm_nothing<A: Adapter>() {
    let silent = |port| vec!["127.0.0.1:9".to_owned(), format!("127.0.0.1:{port}")];
    let (_first, second) = joins::<A>("silent", silent);
    // One for each packet sent there at the most: an error that is reported again and again would be a loop.
    assert!(second.handle.host_metrics().receive_errors <= packets(&second.handle));
}

/// A connected socket is told of every datagram that no one took.
pub fn errors_that_a_socket_reports_do_not_stop_a_node<A: Adapter>() {
    let first = start::<A>(options("errors", "first"));
    let bind = first.handle.local_addr();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(bind).unwrap();
    let second = A::run(options("errors", "second").with(|o| o.seeds = vec![bind.into()]), Some(socket));
    let second = second.unwrap();
    let [first_id, second_id] = [&first, &second].map(|node| node.handle.id());
    until(&second.handle, |members| members.iter().any(|member| member.routable));
    drop(first);
    let errors = || {
        let host = second.handle.host_metrics();
        host.receive_errors + host.send_errors
    };
    // Not all systems let a connected socket send elsewhere, which a node's must.
    if cfg!(target_os = "linux") {
        eventually("errors that the socket reports", || (errors() > 0).then_some(()));
    }
    let first = start::<A>(options("errors", "first").with(|o| o.bind = bind));
    assert_eq!(first.handle.id(), first_id);
    for (node, other) in [(&first, second_id), (&second, first_id)] {
        until(&node.handle, |members| members.iter().any(|member| member.id == other && member.routable));
    }
    assert!(errors() <= packets(&second.handle), "none is reported twice");
}

/// In a network namespace of its own, where the loopback interface can be made slow.
pub fn a_full_socket_costs_no_member_its_place<A: Adapter>() {
    const TEST: &str = "a_full_socket_costs_no_member_its_place";
    const NAMESPACE: [&str; 2] = ["unshare", "-rn"];
    if child::argument().is_some() {
        return endure_a_full_socket::<A>();
    }
    let [unshare, flags] = NAMESPACE;
    let shaped = Command::new(unshare).arg(flags).args(["tc", "qdisc"]).args(SLOW).output();
    if !shaped.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: it takes `unshare {flags}`, `ip` and `tc` with tbf, on Linux");
        return;
    }
    assert!(Second::start(&NAMESPACE, TEST, "").end().success());
}

/// Two kilobytes a second, and room for everything that waits: sockets fill.
const SLOW: [&str; 11] =
    ["add", "dev", "lo", "root", "tbf", "rate", "16kbit", "burst", "1600", "limit", "1000000"];

fn endure_a_full_socket<A: Adapter>() {
    let system = |program: &str, arguments: &[&str]| {
        assert!(Command::new(program).args(arguments).status().unwrap().success());
    };
    system("ip", &["link", "set", "lo", "up"]);
    let small = UdpSocket::bind("127.0.0.1:0").unwrap();
    // The least that the system allows: a few datagrams.
    SockRef::from(&small).set_send_buffer_size(1).unwrap();
    let first = A::run(patient("pressure", "first"), Some(small)).unwrap();
    let nodes = [join::<A>(patient("pressure", "b"), &first), join::<A>(patient("pressure", "c"), &first)];
    for node in nodes.iter().chain([&first]) {
        until(&node.handle, |members| members.iter().filter(|member| member.routable).count() == 2);
    }
    let mut events = nodes.each_ref().map(|node| node.handle.events());

    system("tc", &[&["qdisc"], &SLOW[..]].concat());
    let mut degraded = false;
    eventually("a full socket, which costs bulk and holds probes", || {
        degraded = !degraded;
        first.handle.set_health(if degraded { Health::Degraded } else { Health::Unhealthy });
        let host = first.handle.host_metrics();
        (host.queued > 0 && host.dropped_rumor + host.dropped_sync > 0).then_some(())
    });
    system("tc", &["qdisc", "del", "dev", "lo", "root"]);

    first.handle.set_health(Health::Healthy);
    seen_by_all(&nodes, first.handle.id(), |member| member.health() == Health::Healthy && member.routable);
    assert!(events.iter_mut().all(|events| deaths(events).is_empty()));
}

pub fn a_clock_set_back_between_lives_is_no_matter<A: Adapter>() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("epoch");
    let first = start::<A>(options("set back", "first"));
    // The last life began when the clock showed more than it does now.
    let ahead = u32::MAX / 2 + 1_000;
    EpochFile::new(&path).write(ahead).unwrap();
    for life in 1..=3 {
        let options = options("set back", "second").with(|o| o.epoch_file = Some(path.clone()));
        let second = join::<A>(options, &first);
        let me = second.handle.me();
        assert_eq!(me.incarnation().epoch, ahead + life);
        until(&first.handle, |members| members.iter().any(|member| member.record == me && member.routable));
    }
}

/// A loop that was held up sees its clock jump, and finds the answers of the others in its socket.
pub fn a_clock_that_jumps_ahead_kills_nobody<A: Adapter>() {
    let first = start::<A>(options("jump", "first"));
    let others = [join::<A>(patient("jump", "b"), &first), join::<A>(patient("jump", "c"), &first)];
    let nodes = [&first, &others[0], &others[1]];
    for node in nodes {
        until(&node.handle, |members| members.iter().filter(|member| member.routable).count() == 2);
    }
    let mut events = nodes.map(|node| node.handle.events());
    let mut own = first.handle.events();
    first.hold_up(STOP);
    noticed(&first.handle, &mut own);
    for node in nodes {
        until(&node.handle, |members| members.iter().filter(|member| member.routable).count() == 2);
    }
    assert!(events.iter_mut().all(|events| deaths(events).is_empty()));
}

pub fn a_suspended_process_is_not_dead_and_declares_nobody_dead<A: Adapter>() {
    const TEST: &str = "a_suspended_process_is_not_dead_and_declares_nobody_dead";
    if let Some(seed) = child::argument() {
        return be_suspended::<A>(&seed);
    }
    if !cfg!(unix) {
        eprintln!("skipped: it takes SIGSTOP");
        return;
    }
    let first = start::<A>(patient("suspended", "first"));
    let nodes = [join::<A>(patient("suspended", "second"), &first), first];
    let second = Second::start(&[], TEST, &nodes[0].handle.local_addr().to_string());
    let id = NodeId::from_name("suspended").unwrap();
    // It says that it is degraded when it is ready, and is healthy again when it goes on.
    seen_by_all(&nodes, id, |member| member.health() == Health::Degraded);
    let mut events = nodes.each_ref().map(|node| node.handle.events());
    second.signal("STOP");
    thread::sleep(STOP);
    second.signal("CONT");
    seen_by_all(&nodes, id, |member| member.health() == Health::Healthy && member.routable);
    assert!(events.iter_mut().all(|events| deaths(events).is_empty()));
    assert!(nodes.iter().all(|node| node.handle.me().status() == Status::Alive));
    assert!(second.end().success());
}

fn be_suspended<A: Adapter>(seed: &str) {
    let seeds = vec![seed.parse().unwrap()];
    let Running { handle, .. } = &start::<A>(options("suspended", "suspended").with(|o| o.seeds = seeds));
    until(handle, |members| members.iter().filter(|member| member.routable).count() == 2);
    let (mut own, mut all) = (handle.events(), handle.events());
    handle.set_health(Health::Degraded);
    noticed(handle, &mut own);
    handle.set_health(Health::Healthy);
    let read = std::io::stdin().read_to_end(&mut Vec::new());
    assert!(read.is_ok());
    assert_eq!(deaths(&mut all), []);
    if handle.members().iter().any(|member| member.status() == Status::Dead) {
        process::exit(1);
    }
}
