//! One process of `gossip run`, in the namespace of its place.

use crate::{
    journal::Journal,
    network::{Place, set_address},
};
use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    io,
    net::Ipv4Addr,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread::{self, JoinHandle},
};

/// The port that all agents listen on.
const PORT: u16 = 7_946;
/// What the agents run on, in turns, so that every zone has all of them.
const ADAPTERS: [&str; 3] = ["tokio", "smol", "mio"];

/// What the others must come to believe of an agent, for what was done to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    /// It runs.
    Alive,
    /// It was killed.
    Dead,
    /// It left, or was not yet started.
    Left,
}

impl Fate {
    /// The status by which the agents print it.
    pub(crate) fn status(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Dead => "dead",
            Self::Left => "left",
        }
    }
}

/// A process at work, and the thread that reads what it prints.
struct Process {
    child: Child,
    reader: JoinHandle<Result<()>>,
}

/// An agent, over all its lives.
pub(crate) struct Agent {
    pub(crate) place: Place,
    pub(crate) address: Ipv4Addr,
    pub(crate) fate: Fate,
    pub(crate) journal: Journal,
    process: Option<Process>,
}

impl Agent {
    /// An agent that was not started yet.
    pub(crate) fn at(place: Place) -> Self {
        let (address, fate) = (place.address(), Fate::Left);
        Self { place, address, fate, journal: Journal::default(), process: None }
    }

    /// The address that the others know it by.
    pub(crate) fn socket(&self) -> String {
        format!("{}:{PORT}", self.address)
    }

    /// What it runs on.
    pub(crate) fn adapter(&self) -> &'static str {
        ADAPTERS[usize::from(self.place.zone + self.place.number) % ADAPTERS.len()]
    }

    /// Its id, once it has printed a line.
    pub(crate) fn id(&self) -> Option<String> {
        self.journal.id()
    }

    /// Begins a life.
    ///
    /// # Errors
    /// The process could not be started.
    pub(crate) fn start(&mut self, gossip: &Path, keys: &Path, seeds: &[String]) -> Result<()> {
        ensure!(self.process.is_none(), "{} runs already", self.place);
        let (output, input) = io::pipe()?;
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.place.to_string()]).arg(gossip);
        command.args(["run", "--json", "--cluster", "networks", "--adapter", self.adapter()]);
        command.args(["--name", &self.place.to_string(), "--bind", &self.socket()]);
        command.args(["--locality", &format!("1/{}/{}", self.place.zone, self.place.number)]);
        command.args(seeds.iter().flat_map(|seed| ["--join", seed])).arg("--keys").arg(keys);
        command.stdin(Stdio::null()).stdout(input.try_clone()?).stderr(input);
        self.journal.begin_life();
        let child = command.spawn().context("ip netns exec")?;
        let journal = self.journal.clone();
        let reader = thread::spawn(move || journal.follow(output));
        self.process = Some(Process { child, reader });
        self.fate = Fate::Alive;
        Ok(())
    }

    /// Kills the process, as a crash does.
    ///
    /// # Errors
    /// It does not run, or what it printed cannot be read.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.signal(Signal::KILL)?;
        self.fate = Fate::Dead;
        self.wait().map(drop)
    }

    /// Asks the process to leave.
    ///
    /// # Errors
    /// It does not run.
    pub(crate) fn ask_to_leave(&mut self) -> Result<()> {
        self.fate = Fate::Left;
        self.signal(Signal::TERM)
    }

    /// Waits for the end of a process that was asked to leave, which must be a good one.
    ///
    /// # Errors
    /// Its end was no good one.
    pub(crate) fn wait_for_leave(&mut self) -> Result<()> {
        let status = self.wait()?;
        ensure!(status.success(), "{} left with {status}", self.place);
        Ok(())
    }

    /// Sends the process a signal.
    ///
    /// # Errors
    /// It does not run.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        let process = self.process.as_ref().with_context(|| format!("{} does not run", self.place))?;
        kill_process(Pid::from_child(&process.child), signal).with_context(|| self.place.to_string())
    }

    /// Moves the place to another address. For an agent that does not run.
    ///
    /// # Errors
    /// The kernel's.
    pub(crate) fn move_to(&mut self, address: Ipv4Addr) -> Result<()> {
        self.address = address;
        set_address(self.place, address)
    }

    /// Whether the process ended by itself, or prints what cannot be read.
    pub(crate) fn is_broken(&self) -> bool {
        self.process.as_ref().is_some_and(|process| self.fate == Fate::Alive && process.reader.is_finished())
    }

    /// The command is replaced by the program that it runs, so that its end is that of the agent.
    fn wait(&mut self) -> Result<ExitStatus> {
        let Some(mut process) = self.process.take() else { bail!("{} does not run", self.place) };
        let status = process.child.wait()?;
        match process.reader.join() {
            Ok(read) => read.with_context(|| format!("what {} printed", self.place))?,
            Err(_) => bail!("the reader of {} panicked", self.place),
        }
        Ok(status)
    }
}
