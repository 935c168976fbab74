//! Restarts with a view that was kept in a file.

#![allow(missing_docs, reason = "the name of a promise says all of it")]

use crate::{Adapter, Running, block_on, cluster::until, eventually, options, start};
use gossip_core::Status;
use gossip_host::{Options, Restored};
use std::{
    fs,
    net::UdpSocket,
    path::{Path, PathBuf},
    time::Duration,
};

/// Options of a node whose view is kept in a file of its own.
fn kept(directory: &Path, test: &str, name: &str) -> Options {
    options(test, name).with(|o| o.view_file = Some(file(directory, name)))
}

fn file(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}.view"))
}

fn live(node: &Running) -> usize {
    node.handle.members().iter().filter(|member| member.status().is_live()).count()
}

/// Nodes of these names, of which each has joined through the first, and whose files hold all others.
fn formed<A: Adapter>(directory: &Path, test: &str, names: &[&str]) -> Vec<Running> {
    let mut nodes: Vec<Running> = Vec::new();
    for name in names {
        let seeds = nodes.first().map(|first| first.handle.local_addr().into()).into_iter().collect();
        nodes.push(start::<A>(kept(directory, test, name).with(|o| o.seeds = seeds)));
    }
    for node in &nodes {
        until(&node.handle, |members| members.len() == names.len() - 1);
    }
    // A member takes as many bytes in the file of a node that knows one more.
    let size = |name: &&str| fs::metadata(file(directory, name)).map_or(0, |metadata| metadata.len());
    eventually("all others in every file", || {
        names.iter().all(|name| size(name) >= 38 + 43 * (names.len() as u64 - 1)).then_some(())
    });
    nodes
}

/// A node that was started with this many members of an earlier life.
fn assert_restored(node: &Running, members: usize) {
    assert!(
        matches!(node.handle.restored(), Restored::Members(n) if *n == members),
        "{:?}",
        node.handle.restored()
    );
}

pub fn a_node_without_seeds_finds_its_cluster_again_through_its_view_file<A: Adapter>() {
    const TEST: &str = "view file";
    let directory = tempfile::tempdir().unwrap();
    let mut nodes = formed::<A>(directory.path(), TEST, &["first", "second", "third"]);
    // The third crashes; and the second moves while it is away.
    drop(nodes.pop());
    let old = nodes[1].handle.local_addr();
    drop(nodes.pop());
    let silent = UdpSocket::bind(old);
    let seeds = vec![nodes[0].handle.local_addr().into()];
    let second = start::<A>(options(TEST, "second").with(|o| o.seeds = seeds));
    assert_ne!(second.handle.local_addr(), old);

    let third = start::<A>(kept(directory.path(), TEST, "third"));
    assert_restored(&third, 2);
    assert_eq!(block_on(third.handle.wait_joined()), Ok(()));
    for (node, other) in [(&third, &nodes[0]), (&third, &second), (&nodes[0], &third), (&second, &third)] {
        let me = other.handle.me();
        until(&node.handle, |members| members.iter().any(|member| member.record == me && member.routable));
    }
    drop(silent);
}

pub fn a_cluster_that_restarts_as_a_whole_finds_itself_through_its_view_files<A: Adapter>() {
    const TEST: &str = "whole";
    let (directory, names) = (tempfile::tempdir().unwrap(), ["a", "b", "c"]);
    let nodes = formed::<A>(directory.path(), TEST, &names);
    let binds: Vec<_> = nodes.iter().map(|node| node.handle.local_addr()).collect();
    drop(nodes);
    let again = names
        .iter()
        .zip(binds)
        .map(|(name, bind)| kept(directory.path(), TEST, name).with(|o| o.bind = bind));
    let nodes: Vec<_> = again.map(start::<A>).collect();
    for node in &nodes {
        assert_eq!(block_on(node.handle.wait_joined()), Ok(()));
    }
    eventually("one cluster", || {
        let first = nodes[0].handle.fingerprint();
        nodes.iter().all(|node| live(node) == 2 && node.handle.fingerprint() == first).then_some(())
    });
}

pub fn a_node_that_leaves_writes_its_view<A: Adapter>() {
    const TEST: &str = "last view";
    let directory = tempfile::tempdir().unwrap();
    let nodes = formed::<A>(directory.path(), TEST, &["first", "second"]);
    let path = file(directory.path(), "second");
    fs::remove_file(&path).unwrap();
    assert!(block_on(nodes[1].handle.leave(Duration::from_secs(30))).is_ok());
    // A leave waits for a disk, but not for ever.
    eventually("a view of the leaver's", || path.exists().then_some(()));
    assert_eq!(nodes[1].handle.host_metrics().view_errors, 0);
    let again = start::<A>(kept(directory.path(), TEST, "second"));
    assert_restored(&again, 1);
    assert_eq!(block_on(again.handle.wait_joined()), Ok(()));
    until(&nodes[0].handle, |members| {
        members
            .iter()
            .any(|member| member.status() == Status::Alive && member.address() == again.handle.local_addr())
    });
}

pub fn an_unusable_view_file_is_reported_ignored_and_left_alone<A: Adapter>() {
    const TEST: &str = "unusable";
    let directory = tempfile::tempdir().unwrap();
    drop(formed::<A>(directory.path(), "another cluster", &["node", "other"]));
    let path = file(directory.path(), "node");
    let foreign = fs::read(&path).unwrap();
    let damaged = [&foreign[..40], &[0; 3], &foreign[43..]].concat();
    for (contents, reason) in [(foreign, "another cluster"), (damaged, "damaged"), (vec![], "damaged")] {
        fs::write(&path, &contents).unwrap();
        let node = start::<A>(kept(directory.path(), TEST, "node"));
        let Restored::Ignored(error) = node.handle.restored() else { panic!("{:?}", node.handle.restored()) };
        let error = error.to_string();
        assert!(error.contains(reason) && error.contains(path.to_str().unwrap()), "{error}");
        // As without a file: it has no one to join.
        assert_eq!(block_on(node.handle.wait_joined()), Ok(()));
        assert_eq!(node.handle.members(), []);
        drop(node);
        assert_eq!(fs::read(&path).unwrap(), contents);
    }
}
