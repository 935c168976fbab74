//! The agents, each a process of its own on a port of its own.

use crate::{journal::Journal, keys::KeyFile, valve::Valve};
use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    io,
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// What the agents run on, in turns.
pub(super) const ADAPTERS: [&str; 3] = ["tokio", "smol", "mio"];
/// Agents that the others join through.
const SEEDS: usize = 3;
/// Time for a process to print its first line.
const START: Duration = Duration::from_secs(10);
/// Lines shown of an agent that ended by itself.
const TAIL: usize = 5;

struct Process {
    child: Child,
    valve: Valve,
    reader: JoinHandle<Result<()>>,
}

struct Agent {
    name: String,
    adapter: &'static str,
    /// Where it listens; port 0 until its first line has said which port it took.
    bind: String,
    journal: Journal,
    process: Option<Process>,
}

/// All agents. Those that still run when this goes out of scope are killed.
pub(super) struct Fleet {
    gossip: PathBuf,
    cluster: String,
    agents: Vec<Agent>,
    restarts: u32,
    /// The file of keys, and the folder for control sockets, of agents that have a key.
    sealed: Option<(PathBuf, PathBuf)>,
}

impl Fleet {
    /// Starts them one after another.
    ///
    /// # Errors
    /// One could not be started, or prints nothing.
    pub(super) fn start(gossip: &Path, agents: usize) -> Result<Self> {
        Self::begin(gossip, agents, None)
    }

    /// Starts agents that all have the keys of this file, and can be asked.
    ///
    /// # Errors
    /// As above.
    pub(super) fn start_sealed(gossip: &Path, agents: usize, keys: &KeyFile) -> Result<Self> {
        Self::begin(gossip, agents, Some((keys.path(), keys.beside(""))))
    }

    fn begin(gossip: &Path, agents: usize, sealed: Option<(PathBuf, PathBuf)>) -> Result<Self> {
        let cluster = format!("soak-{}", process::id());
        let mut fleet = Self { gossip: gossip.to_owned(), cluster, agents: Vec::new(), restarts: 0, sealed };
        for n in 0..agents {
            fleet.agents.push(Agent {
                name: format!("agent-{n}"),
                adapter: ADAPTERS[n % ADAPTERS.len()],
                bind: "127.0.0.1:0".to_owned(),
                journal: Journal::default(),
                process: None,
            });
            fleet.spawn(n)?;
            fleet.agents[n].wait_for_address()?;
        }
        Ok(fleet)
    }

    fn spawn(&mut self, n: usize) -> Result<()> {
        let seeds: Vec<String> = self
            .agents
            .iter()
            .take(SEEDS)
            .enumerate()
            .filter(|&(m, _)| m != n)
            .map(|(_, seed)| seed.bind.clone())
            .collect();
        let agent = &mut self.agents[n];
        let (output, input) = io::pipe()?;
        let mut command = Command::new(&self.gossip);
        command.args(["run", "--json", "--cluster", &self.cluster, "--adapter", agent.adapter]);
        command.args(["--name", &agent.name, "--bind", &agent.bind]);
        command.args(seeds.iter().flat_map(|seed| ["--join", seed]));
        if let Some((keys, sockets)) = &self.sealed {
            command.arg("--keys").arg(keys).arg("--control").arg(sockets.join(&agent.name));
        }
        command.stdin(Stdio::null()).stdout(input.try_clone()?).stderr(input);
        agent.journal.begin_life();
        let child = command.spawn().with_context(|| self.gossip.display().to_string())?;
        let journal = agent.journal.clone();
        let (valve, output) = Valve::of(output);
        let reader = thread::spawn(move || journal.follow(output));
        agent.process = Some(Process { child, valve, reader });
        Ok(())
    }

    /// Has an agent read its file of keys again.
    ///
    /// # Errors
    /// It does not run.
    pub(super) fn reload(&self, n: usize) -> Result<()> {
        Ok(kill_process(self.pid(n)?, Signal::HUP)?)
    }

    /// The agents that have taken over other keys less often than this.
    pub(super) fn reloaded_less_than(&self, times: usize) -> Vec<usize> {
        let late = |agent: &Agent| agent.journal.keys_changed(0) < times;
        self.agents.iter().enumerate().filter(|(_, agent)| late(agent)).map(|(n, _)| n).collect()
    }

    /// Has the agent whose turn it is publish something.
    ///
    /// # Errors
    /// It refuses.
    pub(super) fn write(&self, n: usize) -> Result<()> {
        let agent = &self.agents[n % self.agents.len()];
        let (_, sockets) = self.sealed.as_ref().context("only sealed agents can be asked")?;
        let mut command = Command::new(&self.gossip);
        command.args(["set", &format!("load={n}"), "--control"]).arg(sockets.join(&agent.name));
        let output = command.output()?;
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "gossip set at {}: {error}", agent.name);
        Ok(())
    }

    /// How often any agent has said this.
    pub(super) fn count(&self, event: &str) -> usize {
        self.agents.iter().map(|agent| agent.journal.since(0, event).len()).sum()
    }

    /// The agents that are left alone: the first half, by their places.
    pub(super) fn undisturbed(&self) -> usize {
        self.agents.len() / 2
    }

    /// How many were started again.
    pub(super) fn restarts(&self) -> u32 {
        self.restarts
    }

    /// The process of an agent.
    ///
    /// # Errors
    /// It does not run.
    pub(super) fn pid(&self, n: usize) -> Result<Pid> {
        Ok(Pid::from_child(&self.process(n)?.child))
    }

    fn process(&self, n: usize) -> Result<&Process> {
        let agent = self.agents.get(n).with_context(|| format!("there is no agent {n}"))?;
        agent.process.as_ref().with_context(|| format!("{} does not run", agent.name))
    }

    /// The first agent that runs on this adapter. It is one of those that are left alone.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn first_on(&self, adapter: &str) -> Result<usize> {
        let found = self.agents.iter().position(|agent| agent.adapter == adapter);
        found.filter(|&n| n < self.undisturbed()).with_context(|| format!("no agent runs on {adapter}"))
    }

    /// Reads no more of what an agent prints.
    ///
    /// # Errors
    /// It does not run.
    pub(super) fn stall(&self, n: usize) -> Result<()> {
        self.process(n)?.valve.close()
    }

    /// Whether an agent has no room left for what it prints.
    ///
    /// # Errors
    /// It does not run.
    pub(super) fn is_stalled(&self, n: usize) -> Result<bool> {
        self.process(n)?.valve.is_full()
    }

    /// Whether all the others see an agent alive.
    ///
    /// # Errors
    /// It has never said who it is.
    pub(super) fn all_others_see_alive(&self, n: usize) -> Result<bool> {
        let id = self.agents[n].journal.id().with_context(|| format!("agent {n} said nothing"))?;
        let sees = |other: &Agent| other.journal.member(&id).is_some_and(|member| member.status == "alive");
        Ok(self.agents.iter().enumerate().all(|(m, other)| m == n || sees(other)))
    }

    /// Asks an agent that is not read to leave, and waits for its end, which must come within `limit`, in good order, and
    /// known to another one as a leave. Reads the rest only then.
    ///
    /// # Errors
    /// Its end was none of that.
    pub(super) fn end_stalled(&mut self, n: usize, limit: Duration) -> Result<Duration> {
        let id = self.agents[n].journal.id().with_context(|| format!("agent {n} said nothing"))?;
        let Some(mut process) = self.agents[n].process.take() else { bail!("agent {n} does not run") };
        let begin = Instant::now();
        kill_process(Pid::from_child(&process.child), Signal::TERM)?;
        let status = loop {
            if let Some(status) = process.child.try_wait()? {
                break status;
            }
            if begin.elapsed() > limit {
                process.child.kill()?;
                process.child.wait()?;
                bail!("agent {n} had not ended after {} s", limit.as_secs());
            }
            thread::sleep(Duration::from_millis(5));
        };
        let took = begin.elapsed();
        process.valve.open();
        ensure!(status.success(), "agent {n} left with {status}");
        let has_left =
            |other: &Agent| other.journal.member(&id).is_some_and(|member| member.status == "left");
        ensure!(self.agents.iter().any(has_left), "nobody heard that agent {n} leaves");
        Ok(took)
    }

    /// Whose turn it is among the other half.
    fn turn(&self, n: u32) -> usize {
        let first = self.undisturbed();
        first + n as usize % (self.agents.len() - first)
    }

    /// Kills the agent whose turn it is, or, every second time, asks it to leave.
    ///
    /// # Errors
    /// It did not leave well.
    pub(super) fn end_one(&mut self, n: u32) -> Result<()> {
        let at = self.turn(n);
        if n.is_multiple_of(2) { self.agents[at].kill() } else { self.agents[at].leave() }
    }

    /// Starts it again, on its port.
    ///
    /// # Errors
    /// It could not be started.
    pub(super) fn start_again(&mut self, n: u32) -> Result<()> {
        self.restarts += 1;
        self.spawn(self.turn(n))
    }

    /// Pauses the agent after that, which runs.
    ///
    /// # Errors
    /// It does not run.
    pub(super) fn pause_one(&self, n: u32, pause: Duration) -> Result<()> {
        let pid = self.pid(self.turn(n + 1))?;
        kill_process(pid, Signal::STOP)?;
        thread::sleep(pause);
        Ok(kill_process(pid, Signal::CONT)?)
    }

    /// Looks whether all agents that should run do.
    ///
    /// # Errors
    /// One ended by itself, or printed what cannot be read.
    pub(super) fn check(&self) -> Result<()> {
        let broken = self
            .agents
            .iter()
            .find(|agent| agent.process.as_ref().is_some_and(|process| process.reader.is_finished()));
        match broken {
            None => Ok(()),
            Some(agent) => {
                bail!(
                    "{} ended by itself; its last lines: {}",
                    agent.name,
                    agent.journal.tail(TAIL).join(" | ")
                )
            }
        }
    }

    /// Someone who does not see someone else alive.
    pub(super) fn disagreement(&self) -> Option<String> {
        for observer in &self.agents {
            for other in self.agents.iter().filter(|other| other.name != observer.name) {
                let Some(id) = other.journal.id() else {
                    return Some(format!("{} said nothing", other.name));
                };
                let seen = observer.journal.member(&id);
                if seen.as_ref().is_none_or(|member| member.status != "alive") {
                    return Some(format!("{} sees {} as {seen:?}", observer.name, other.name));
                }
            }
        }
        None
    }

    /// How often an agent of the undisturbed half was held dead, by whomever.
    ///
    /// # Errors
    /// One has never said who it is.
    pub(super) fn wrong_deaths(&self) -> Result<usize> {
        let ids = self
            .agents
            .iter()
            .take(self.undisturbed())
            .map(|agent| agent.journal.id().with_context(|| format!("{} said nothing", agent.name)));
        let ids: Vec<String> = ids.collect::<Result<_>>()?;
        let downs = self.agents.iter().flat_map(|agent| agent.journal.since(0, "down"));
        Ok(downs.filter(|line| line.id.as_ref().is_some_and(|id| ids.contains(id))).count())
    }

    /// Lets all leave.
    ///
    /// # Errors
    /// One did not leave well.
    pub(super) fn leave(&mut self) -> Result<()> {
        self.agents.iter_mut().rev().filter(|agent| agent.process.is_some()).try_for_each(Agent::leave)
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for process in self.agents.iter_mut().filter_map(|agent| agent.process.as_mut()) {
            // One that has ended meanwhile needs neither.
            let _ = process.child.kill();
            let _ = process.child.wait();
        }
    }
}

impl Agent {
    fn wait_for_address(&mut self) -> Result<()> {
        let begin = Instant::now();
        while begin.elapsed() < START {
            if let Some(address) = self.journal.since(0, "started").pop().and_then(|line| line.address) {
                self.bind = address;
                return Ok(());
            }
            thread::sleep(Duration::from_millis(5));
        }
        bail!(
            "{} has not started after {} s: {}",
            self.name,
            START.as_secs(),
            self.journal.tail(TAIL).join(" | ")
        )
    }

    fn kill(&mut self) -> Result<()> {
        let Some(mut process) = self.process.take() else { bail!("{} does not run", self.name) };
        process.child.kill()?;
        process.child.wait()?;
        Ok(())
    }

    fn leave(&mut self) -> Result<()> {
        let Some(mut process) = self.process.take() else { bail!("{} does not run", self.name) };
        kill_process(Pid::from_child(&process.child), Signal::TERM)?;
        let status = process.child.wait()?;
        ensure!(
            status.success(),
            "{} left with {status}: {}",
            self.name,
            self.journal.tail(TAIL).join(" | ")
        );
        Ok(())
    }
}
