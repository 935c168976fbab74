//! The agents on their network, and what can be said of all of them.

use crate::{
    agent::{Agent, Fate},
    journal::Member,
    keys::{KeyFile, Step},
    network::{Network, Place},
};
use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::Signal;
use std::{
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

/// How long anything may take before the test fails. Far above what it does take, on a busy machine too.
const LIMIT: Duration = Duration::from_secs(90);
/// How often a condition is looked at.
const PERIOD: Duration = Duration::from_millis(20);
/// Time between two agents that are told to read their keys again, ...
const STAGGER: Duration = Duration::from_millis(50);
/// ... and until who refused them is told again.
const RELOAD: Duration = Duration::from_millis(500);
/// Lines of each agent that are shown when the test fails.
const SHOWN_LINES: usize = 25;
/// Whom those that start are told to join, unless they are it.
const SEEDS: [Place; 2] = [Place { zone: 1, number: 1 }, Place { zone: 2, number: 1 }];
/// Events that nothing here gives a reason for.
const NEVER: [&str; 7] =
    ["conflict", "duplicate_id", "lagged", "foreign_cluster", "unknown_key", "not_sealed", "other"];

/// Twelve agents and their network.
pub(crate) struct Laboratory {
    pub(crate) network: Network,
    agents: Vec<Agent>,
    gossip: PathBuf,
    keys: KeyFile,
    /// How much each agent had said when the chapter began.
    marks: Vec<usize>,
}

impl Laboratory {
    /// Builds the network; no agent is started yet.
    ///
    /// # Errors
    /// The network's.
    pub(crate) fn new(gossip: PathBuf, seed: u64) -> Result<Self> {
        let agents: Vec<_> = Place::all().map(Agent::at).collect();
        let keys = KeyFile::new(&gossip)?;
        Ok(Self { network: Network::build(seed)?, marks: vec![0; agents.len()], agents, gossip, keys })
    }

    /// Begins a chapter.
    pub(crate) fn mark(&mut self) {
        self.marks = self.agents.iter().map(|agent| agent.journal.mark()).collect();
    }

    /// The agent at a place.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn agent(&mut self, place: Place) -> Result<&mut Agent> {
        let found = self.agents.iter_mut().find(|agent| agent.place == place);
        found.with_context(|| format!("there is no {place}"))
    }

    /// Those that run.
    pub(crate) fn running(&self) -> impl Iterator<Item = &Agent> {
        self.agents.iter().filter(|agent| agent.fate == Fate::Alive)
    }

    /// Starts an agent that does not run.
    ///
    /// # Errors
    /// It could not be started.
    pub(crate) fn start(&mut self, place: Place) -> Result<()> {
        let seeds = self.agents.iter().filter(|agent| SEEDS.contains(&agent.place) && agent.place != place);
        let seeds: Vec<_> = seeds.map(Agent::socket).collect();
        let (gossip, keys) = (self.gossip.clone(), self.keys.path());
        self.agent(place)?.start(&gossip, &keys, &seeds)
    }

    /// Has all agents take a step of a change of keys, one after another. Who refuses it, since others still need the key that goes,
    /// is asked again.
    ///
    /// # Errors
    /// One does not take it.
    pub(crate) fn change_keys(&self, step: Step) -> Result<()> {
        self.keys.take(step)?;
        let marks: Vec<usize> = self.agents.iter().map(|agent| agent.journal.mark()).collect();
        let late = |lab: &Self| {
            let agents = lab.agents.iter().zip(&marks).filter(|(agent, _)| agent.fate == Fate::Alive);
            let late = agents.filter(|(agent, mark)| agent.journal.keys_changed(**mark) == 0);
            late.map(|(agent, _)| agent.place).collect::<Vec<_>>()
        };
        let limit = Instant::now() + LIMIT;
        loop {
            let waiting = late(self);
            if waiting.is_empty() {
                return Ok(());
            }
            ensure!(Instant::now() < limit, "{waiting:?} did not take {step:?}");
            for agent in self.agents.iter().filter(|agent| waiting.contains(&agent.place)) {
                agent.signal(Signal::HUP)?;
                thread::sleep(STAGGER);
            }
            thread::sleep(RELOAD);
        }
    }

    /// Stops an agent for so long, without its knowledge.
    ///
    /// # Errors
    /// It does not run.
    pub(crate) fn pause(&mut self, place: Place, time: Duration) -> Result<()> {
        let agent = self.agent(place)?;
        agent.signal(Signal::STOP)?;
        thread::sleep(time);
        agent.signal(Signal::CONT)
    }

    /// Asks agents to leave, and waits for their good ends.
    ///
    /// # Errors
    /// One did not end well.
    pub(crate) fn leave(&mut self, places: &[Place]) -> Result<()> {
        for &place in places {
            self.agent(place)?.ask_to_leave()?;
        }
        for &place in places {
            self.agent(place)?.wait_for_leave()?;
        }
        Ok(())
    }

    /// Waits for something, and looks meanwhile that all agents are well.
    ///
    /// # Errors
    /// It did not come, or an agent ended by itself.
    pub(crate) fn eventually(&self, promise: &str, holds: impl Fn(&Self) -> bool) -> Result<()> {
        let limit = Instant::now() + LIMIT;
        while !holds(self) {
            if let Some(broken) = self.agents.iter().find(|agent| agent.is_broken()) {
                bail!("{} ended by itself, or printed what is no event", broken.place);
            }
            ensure!(Instant::now() < limit, "waited in vain: {promise}");
            thread::sleep(PERIOD);
        }
        Ok(())
    }

    /// Waits until all that run say of all others what is true.
    ///
    /// # Errors
    /// They do not come to agree.
    pub(crate) fn agree(&self) -> Result<()> {
        self.eventually("everybody knows the truth about everybody", |lab| {
            lab.running().all(|viewer| lab.agents.iter().all(|agent| lab.is_right(viewer, agent)))
        })
    }

    /// Whether one agent says of another what is true: its status, and, if it runs, its address. Of those that were not
    /// there in an agent's life it need not know.
    pub(crate) fn is_right(&self, viewer: &Agent, agent: &Agent) -> bool {
        if viewer.place == agent.place {
            return true;
        }
        let Some(id) = agent.id() else { return agent.fate == Fate::Left };
        match (viewer.journal.member(&id), agent.fate) {
            (None, fate) => fate != Fate::Alive,
            (Some(member), Fate::Alive) => {
                let known = member.status == "alive" && member.address == agent.socket();
                known && !member.is_unreachable
            }
            (Some(member), fate) => member.status == fate.status(),
        }
    }

    /// Holds the chapter so far against what no chapter allows: no one was declared dead but these, and nothing was
    /// said that has no reason here.
    ///
    /// # Errors
    /// Who said what of whom.
    pub(crate) fn only_died(&self, places: &[Place]) -> Result<()> {
        let dead: Vec<_> = self.agents.iter().filter(|agent| places.contains(&agent.place)).collect();
        let dead: Vec<_> = dead.into_iter().filter_map(Agent::id).collect();
        for (agent, &mark) in self.agents.iter().zip(&self.marks) {
            for line in agent.journal.since(mark, "down") {
                ensure!(
                    line.id.as_ref().is_some_and(|id| dead.contains(id)),
                    "{} declared dead what is not: {line:?}",
                    agent.place
                );
            }
            for event in NEVER {
                let told = agent.journal.since(mark, event);
                ensure!(told.is_empty(), "{} has no reason for {told:?}", agent.place);
            }
        }
        Ok(())
    }

    /// The notes of an agent's events of one kind in this chapter.
    pub(crate) fn notes(&self, place: Place, event: &str) -> Vec<String> {
        let told = self.agents.iter().zip(&self.marks).find(|(agent, _)| agent.place == place);
        let lines = told.map(|(agent, &mark)| agent.journal.since(mark, event)).unwrap_or_default();
        lines.into_iter().map(|line| line.note.unwrap_or_default()).collect()
    }

    /// Whether all of those that run and are asked say something of a member.
    pub(crate) fn all_say(
        &self,
        asked: impl Fn(Place) -> bool,
        of: Place,
        what: impl Fn(&Member) -> bool,
    ) -> bool {
        let id = self.agents.iter().find(|agent| agent.place == of).and_then(Agent::id);
        let said = |viewer: &Agent| viewer.journal.member(id.as_deref()?);
        self.running()
            .filter(|viewer| asked(viewer.place))
            .all(|viewer| said(viewer).is_some_and(|member| what(&member)))
    }

    /// Ends the packet filter's faults, each of which must have met packets.
    ///
    /// # Errors
    /// A fault met none, so that nothing was proved.
    pub(crate) fn end_faults(&self) -> Result<()> {
        let dropped = self.network.dropped()?;
        ensure!(!dropped.is_empty() && !dropped.contains(&0), "a fault that met no packet: {dropped:?}");
        self.network.filter(&[])
    }

    /// Prints the ends of all journals, for whoever looks for the reason of a failure.
    pub(crate) fn show(&self) {
        for agent in &self.agents {
            eprintln!("--- {} on {}, {:?}", agent.place, agent.adapter(), agent.fate);
            for line in agent.journal.tail(SHOWN_LINES) {
                eprintln!("{line}");
            }
        }
    }
}
