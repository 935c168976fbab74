//! What a service manager is told.

use crate::process::{GOSSIP, Running};
#[cfg(target_os = "linux")]
use nix::{
    sys::{
        ptrace,
        wait::{WaitPidFlag, waitpid},
    },
    unistd::Pid,
};
use std::{
    fs,
    os::unix::net::UnixDatagram,
    process::{Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

const WATCHDOG: &str = "WATCHDOG=1";

/// Waits for a message with this line.
fn until(manager: &UnixDatagram, wanted: &str) {
    let mut before = Vec::new();
    let mut message = [0; 4_096];
    while let Ok(length) = manager.recv(&mut message) {
        let text = String::from_utf8_lossy(&message[..length]).into_owned();
        if text.lines().any(|line| line == wanted) {
            return;
        }
        before.push(text);
    }
    panic!("no {wanted} after {before:?}");
}

#[test]
fn a_service_manager_is_told_all_of_a_node_s_life() {
    for adapter in ["tokio", "mio"] {
        let place = TempDir::new().unwrap();
        let (socket, file) = (place.path().join("notify"), place.path().join("gossip.toml"));
        let manager = UnixDatagram::bind(&socket).unwrap();
        manager.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        fs::write(&file, "cluster = 'managed'\nbind = '127.0.0.1:0'\npreset = 'local'\njson = true\n")
            .unwrap();
        let peer =
            Running::start("run --name peer --cluster managed --bind 127.0.0.1:0 --preset local --json");
        let seed = peer.event("started")["address"].as_str().unwrap().to_owned();
        let mut command = Command::new(GOSSIP);
        command.args(["run", "--name", "a", "--adapter", adapter, "--join", &seed]);
        command.env("GOSSIP_CONFIG", &file).env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", "4000000");
        let mut node = Running::start_as(&mut command, Stdio::piped());
        until(&manager, "READY=1");
        // With somebody to probe, it is the loop of the protocol that counts.
        node.event("up");
        (0..3).for_each(|_| until(&manager, WATCHDOG));
        node.signal("HUP");
        until(&manager, "RELOADING=1");
        until(&manager, "READY=1");
        node.signal("TERM");
        until(&manager, "STOPPING=1");
        assert!(node.end().success(), "{adapter}");
    }
}

#[test]
fn the_last_member_alive_feeds_its_watchdog() {
    let place = TempDir::new().unwrap();
    let (node, manager) = watched(&place, "survivor", "tokio");
    let seed = node.event("started")["address"].as_str().unwrap().to_owned();
    let (peer, _) = Running::node("peer", "survivor", &["--join", &seed]);
    node.event("up");
    peer.signal("KILL");
    node.event("down");
    // What was said before counts for nothing.
    manager.set_nonblocking(true).unwrap();
    while manager.recv(&mut [0; 4_096]).is_ok() {}
    manager.set_nonblocking(false).unwrap();
    (0..4).for_each(|_| until(&manager, WATCHDOG));
}

/// A thread of another process, kept from running for as long as this is there: stuck, while its process lives.
#[cfg(target_os = "linux")]
struct Stuck(Pid);

#[cfg(target_os = "linux")]
impl Stuck {
    fn thread(process: u32, name: &str) -> Self {
        let mut threads =
            fs::read_dir(format!("/proc/{process}/task")).unwrap().map(|thread| thread.unwrap().path());
        let thread =
            threads.find(|thread| fs::read_to_string(thread.join("comm")).unwrap().trim() == name).unwrap();
        let id = Pid::from_raw(thread.file_name().unwrap().to_str().unwrap().parse().unwrap());
        ptrace::seize(id, ptrace::Options::empty()).unwrap();
        ptrace::interrupt(id).unwrap();
        waitpid(id, Some(WaitPidFlag::__WALL)).unwrap();
        Self(id)
    }
}

#[cfg(target_os = "linux")]
impl Drop for Stuck {
    fn drop(&mut self) {
        let _ = ptrace::detach(self.0, None);
    }
}

/// A node with a watchdog, that is told of no other, and its manager.
fn watched(place: &TempDir, cluster: &str, adapter: &str) -> (Running, UnixDatagram) {
    let socket = place.path().join(adapter);
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut command = Command::new(GOSSIP);
    let run = format!("run --name {adapter} --cluster {cluster} --bind 127.0.0.1:0 --preset local --json");
    command.args(run.split_whitespace()).args(["--adapter", adapter]);
    command.env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", "4000000");
    (Running::start_as(&mut command, Stdio::piped()), manager)
}

// smol's loop runs on the thread that tokio's does.
#[cfg(target_os = "linux")]
#[test]
fn a_node_whose_loop_is_stuck_feeds_no_watchdog() {
    for (adapter, thread) in [("tokio", "gossip"), ("mio", "gossip-mio")] {
        let place = TempDir::new().unwrap();
        let (node, manager) = watched(&place, "stuck", adapter);
        until(&manager, WATCHDOG);
        let stuck = Stuck::thread(node.id(), thread);
        // Another node shows how time goes by.
        let (_other, clock) = watched(&place, "stuck", "smol");
        (0..5).for_each(|_| until(&clock, WATCHDOG));
        manager.set_nonblocking(true).unwrap();
        let mut message = [0; 4_096];
        let fed = std::iter::from_fn(|| manager.recv(&mut message).ok()).count();
        // It may have lived in the second in which it got stuck.
        assert!(fed <= 1, "{adapter}: {fed} times");
        manager.set_nonblocking(false).unwrap();
        drop(stuck);
        until(&manager, WATCHDOG);
    }
}
