//! What a service manager is told.

use crate::process::{GOSSIP, Running};
use std::{
    fs,
    os::unix::net::UnixDatagram,
    process::{Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

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
        (0..3).for_each(|_| until(&manager, "WATCHDOG=1"));
        node.signal("HUP");
        until(&manager, "RELOADING=1");
        until(&manager, "READY=1");
        node.signal("TERM");
        until(&manager, "STOPPING=1");
        assert!(node.end().success(), "{adapter}");
    }
}
