//! serf, as Debian packages it: each node a process of `serf agent` with its default profile, `lan`.
//!
//! What the nodes are told and what they say goes past the network that is measured: tags are changed by a file and a
//! signal to read it again, and nodes say on their standard output what they learned.

use super::{Kind, Peer, Sighting, TAG, name, value};
use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::{
    fs,
    io::{BufRead as _, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::Sender,
    },
    thread,
};
use tempfile::TempDir;

/// The port of an agent for commands; nobody uses it.
const COMMANDS: u16 = 7_373;

/// Why serf cannot run here.
pub(super) fn missing() -> Option<String> {
    let works = Command::new("serf").arg("version").output().is_ok_and(|output| output.status.success());
    (!works).then(|| "the program `serf` is not installed".to_owned())
}

/// A process, which is killed when this is dropped.
struct Agent {
    child: Child,
    settings: PathBuf,
    /// How many members it knows, itself included.
    members: Arc<AtomicUsize>,
}

/// The agents, and the folder of their settings.
pub(super) struct Serf {
    agents: Vec<Agent>,
    _folder: TempDir,
}

impl Serf {
    /// Starts the agents.
    ///
    /// # Errors
    /// A process could not be started. Those that were, are ended.
    pub(super) fn start(nodes: usize, sightings: &Sender<Sighting>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let settings = |node| folder.path().join(format!("{node}.json"));
        let agents = (0..nodes).map(|node| Agent::start(node, settings(node), sightings.clone()));
        let agents = agents.collect::<Result<_>>()?;
        Ok(Self { agents, _folder: folder })
    }
}

impl Peer for Serf {
    fn is_complete(&self) -> bool {
        self.agents.iter().all(|agent| agent.members.load(Ordering::Relaxed) == self.agents.len())
    }

    fn set(&mut self, node: usize, value: &str) -> Result<()> {
        let agent = self.agents.get(node).context("no such node")?;
        write_settings(&agent.settings, value)?;
        kill_process(Pid::from_child(&agent.child), Signal::HUP).context("serf")
    }
}

fn write_settings(path: &Path, value: &str) -> Result<()> {
    let settings = json!({ "tags": { TAG: value } });
    fs::write(path, settings.to_string()).with_context(|| path.display().to_string())
}

impl Agent {
    fn start(node: usize, settings: PathBuf, sightings: Sender<Sighting>) -> Result<Self> {
        write_settings(&settings, &value(0))?;
        let own = Kind::Serf.address(node);
        let mut command = Command::new("serf");
        command.arg("agent").arg(format!("-node={}", name(node)));
        command.arg(format!("-bind={own}")).arg(format!("-rpc-addr={}:{COMMANDS}", own.ip()));
        command.arg(format!("-config-file={}", settings.display()));
        if node > 0 {
            command.arg(format!("-retry-join={}", Kind::Serf.address(0))).arg("-retry-interval=1s");
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().context("serf agent")?;
        let output = child.stdout.take();
        let agent = Self { child, settings, members: Arc::default() };
        let members = agent.members.clone();
        thread::spawn(move || follow(node, output.context("no output")?, &members, &sightings));
        Ok(agent)
    }
}

impl Drop for Agent {
    /// Its end closes the pipe, and with it ends the thread that reads what it prints.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads what an agent prints, to its end. The agents print that a member changed, not how: since a change only begins
/// when all have the one before, an agent's first line of this kind is the first change, and so on.
fn follow(node: usize, output: impl Read, members: &AtomicUsize, sightings: &Sender<Sighting>) -> Result<()> {
    let mut changes = 0;
    for line in BufReader::new(output).lines() {
        let line = line?;
        let Some((_, event)) = line.split_once("serf: EventMember") else { continue };
        match event.split_once(':').map(|(kind, _)| kind) {
            Some("Join") => drop(members.fetch_add(1, Ordering::Relaxed)),
            Some("Failed" | "Leave") => drop(members.fetch_sub(1, Ordering::Relaxed)),
            Some("Update") => {
                changes += 1;
                // Nobody listens any more when the round is over.
                let _ = sightings.send(Sighting::now(node, changes));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn what_an_agent_prints_tells_members_and_changes() {
        let printed = "==> Starting Serf agent...\n\
             \x20   2026/01/01 00:00:00 [INFO] serf: EventMemberJoin: node-0 127.0.0.1\n\
             \x20   2026/01/01 00:00:00 [INFO] serf: EventMemberJoin: node-1 127.0.0.2\n\
             \x20   2026/01/01 00:00:01 [INFO] serf: EventMemberUpdate: node-1\n\
             \x20   2026/01/01 00:00:02 [INFO] agent: Received event: member-update\n\
             \x20   2026/01/01 00:00:02 [INFO] serf: EventMemberFailed: node-1\n\
             \x20   2026/01/01 00:00:03 [INFO] serf: EventMemberUpdate: node-0\n";
        let (members, (sender, sightings)) = (AtomicUsize::new(0), mpsc::channel());
        follow(7, printed.as_bytes(), &members, &sender).unwrap();
        drop(sender);
        assert_eq!(members.into_inner(), 1);
        let seen: Vec<_> = sightings.iter().map(|sighting| (sighting.node, sighting.number)).collect();
        assert_eq!(seen, [(7, 1), (7, 2)]);
    }
}
