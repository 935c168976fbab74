//! Runs a scenario: builds its world, does to it what the scenario says, and measures what comes of it.

mod faults;
mod forgery;
mod keeping;
mod keys;
mod signing;
mod tasks;

use crate::{
    engine::{Counts, Host, HostId, Micros, Newcomer, SECOND, World},
    measure::{self, Difference, GLANCE, Measure},
    outcome::{self, Outcome},
    record::{Ending, Head, Recorder},
    scenario::{Action, Event, Scenario, Selector, Start},
};
use forgery::Forger;
use gossip_core::Locality;
use std::{collections::BTreeMap, net::SocketAddr, time::Instant};
use tasks::Task;
use thiserror::Error;

/// Why a scenario could not be run.
#[derive(Debug, Error)]
#[error("{scenario}: {why}")]
pub struct RunError {
    scenario: String,
    why: String,
}

/// How far a run has come.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Progress {
    /// The world is being built.
    Building,
    /// This many seconds of virtual time have passed, of this many.
    Running {
        /// Passed.
        now_s: f64,
        /// Of this many.
        of_s: f64,
    },
}

/// A scenario under way.
struct Run<'a> {
    scenario: &'a Scenario,
    /// Where each host runs, those included that are still to come.
    places: Vec<Locality>,
    world: World<Measure>,
    /// What is still to be done, by time; at equal times in the order in which it was planned.
    agenda: BTreeMap<(Micros, u64), Task>,
    planned: u64,
    /// When the last fault is over, if any ever is.
    last_fault: Option<Micros>,
    healed: Option<Micros>,
    /// When all knew all that was published, after the last fault.
    state_healed: Option<Micros>,
    /// When all held the same cluster-wide values, after the last fault.
    values_healed: Option<Micros>,
    /// Where nodes' state was found to differ last.
    difference: Difference,
    /// Values published so far: each is another.
    published: u64,
    /// When the sides of the present cuts were last looked at.
    looked_at_sides: Option<Micros>,
    forger: Forger,
    /// Times that a node refused keys.
    refused_keys: u64,
    /// Times that a node refused to require signatures.
    refused_credentials: u64,
}

/// Runs a scenario under a seed.
///
/// # Errors
/// A configuration that the core refuses, or an expectation of what is no figure.
pub fn run(scenario: &Scenario, seed: u64, progress: &mut dyn FnMut(Progress)) -> Result<Outcome, RunError> {
    begin(scenario, seed, Measure::default(), progress).map(|(outcome, _)| outcome)
}

/// The same, with a recording of what happens: lines of JSON, as `docs/src/recording.md` defines them.
///
/// # Errors
/// As [`run`].
pub fn record(
    scenario: &Scenario,
    seed: u64,
    progress: &mut dyn FnMut(Progress),
) -> Result<(Outcome, String), RunError> {
    let recorder = Some(Box::new(Recorder::new(scenario.duration())));
    begin(scenario, seed, Measure { recorder, ..Measure::default() }, progress)
}

fn begin(
    scenario: &Scenario,
    seed: u64,
    measure: Measure,
    progress: &mut dyn FnMut(Progress),
) -> Result<(Outcome, String), RunError> {
    let failed = |why: String| RunError { scenario: scenario.name.clone(), why };
    outcome::check(scenario).map_err(failed)?;
    progress(Progress::Building);
    let began = Instant::now();
    let setup = scenario.setup(seed).map_err(failed)?;
    let world = World::new(setup, |from, to| scenario.link(from, to), measure);
    let mut run = Run {
        scenario,
        places: scenario.places(),
        world,
        agenda: BTreeMap::new(),
        planned: 0,
        last_fault: None,
        healed: None,
        state_healed: None,
        values_healed: None,
        difference: Difference::default(),
        published: 0,
        looked_at_sides: None,
        forger: Forger::default(),
        refused_keys: 0,
        refused_credentials: 0,
    };
    run.build().map_err(failed)?;
    let setup_s = began.elapsed().as_secs_f64();
    let began = Instant::now();
    run.play(progress).map_err(failed)?;
    let wall_s = began.elapsed().as_secs_f64();
    Ok(run.finish(seed, setup_s, wall_s))
}

impl Run<'_> {
    fn build(&mut self) -> Result<(), String> {
        if self.scenario.events.iter().any(|event| event.action == Action::Replay) {
            self.world.begin_recording();
        }
        self.world.newcomers_keys = self.scenario.usual_keys()?;
        self.world.newcomers_signing = self.scenario.usual_signing()?;
        let all = 0..self.scenario.nodes;
        match &self.scenario.start {
            Start::Formed => self.form(&[all.collect()])?,
            Start::Groups(groups) => {
                let groups = self.groups(groups);
                self.form(&groups)?;
            }
            Start::Cold => {
                for _ in all.clone() {
                    let _ = self.add(Newcomer::default())?;
                }
                all.for_each(|host| self.join(host, None));
            }
        }
        self.drift();
        for (n, event) in self.scenario.events.iter().enumerate() {
            for at in event.times(self.scenario.duration()) {
                self.plan(at, Task::Do(n));
                self.note_fault(event.action, at + event.lasts().unwrap_or_default());
            }
        }
        measure::recount(&mut self.world);
        Ok(())
    }

    fn form(&mut self, groups: &[Vec<HostId>]) -> Result<(), String> {
        let state = self.scenario.state;
        let published = |host| keeping::introduction(state, host);
        self.world.form(self.scenario.nodes, groups, published).map_err(|error| error.to_string())?;
        measure::formed(&mut self.world);
        // A node that has keys publishes which, besides.
        let has = |host: &Host, key: &str| host.node.state(host.id).any(|entry| entry.key().as_str() == key);
        let lacks =
            |(id, host): (HostId, &Host)| published(id).iter().filter(|(key, _)| !has(host, key)).count();
        let refused: usize = self.world.running().map(lacks).sum();
        self.world.watch.states.refused += refused as u64;
        Ok(())
    }

    /// The hosts of each group; no one is in two.
    fn groups(&mut self, groups: &[Selector]) -> Vec<Vec<HostId>> {
        let mut left: Vec<HostId> = (0..self.scenario.nodes).collect();
        let groups = groups.iter().map(|who| {
            let fits = |&host: &HostId| who.fits(host, self.places[host as usize], self.scenario.seeds);
            let fits: Vec<HostId> = left.iter().copied().filter(fits).collect();
            let mut group = self.world.rng().sample(&fits, who.picks(fits.len()));
            group.sort_unstable();
            left.retain(|host| group.binary_search(host).is_err());
            group
        });
        groups.collect()
    }

    /// Starts a new host, whose join is followed.
    fn add(&mut self, newcomer: Newcomer) -> Result<HostId, String> {
        let host = self.world.add(newcomer).map_err(|error| error.to_string())?;
        if newcomer.name_of.is_none() {
            self.watch_join(host);
        }
        self.introduce(host);
        Ok(host)
    }

    fn watch_join(&mut self, host: HostId) {
        measure::watch_join(&mut self.world, host);
        if self.scenario.has_state() {
            measure::watch_state_join(&mut self.world, host);
        }
    }

    /// Lets every clock go a little wrong.
    fn drift(&mut self) {
        let most = self.scenario.drift_ppm();
        if most == 0 {
            return;
        }
        for host in 0..self.scenario.nodes {
            let ppm = self.world.rng().below(2 * most + 1) as i32 - most as i32;
            self.world.set_drift(host, ppm);
        }
    }

    fn note_fault(&mut self, action: Action, ends: Micros) {
        use Action::{
            AnnouncedPause, BlockIo, Crash, Cut, Flood, ForgeClaims, ForgeDeath, ForgeLeave, ForgeWords,
            Pause, Poison, Replay, Restart, Restore, Slow,
        };
        if matches!(
            action,
            AnnouncedPause
                | BlockIo
                | Crash
                | Cut
                | Flood
                | ForgeClaims
                | ForgeDeath
                | ForgeLeave
                | ForgeWords
                | Pause
                | Poison
                | Replay
                | Restart
                | Restore
                | Slow
        ) {
            self.last_fault = self.last_fault.max(Some(ends));
        }
    }

    fn plan(&mut self, at: Micros, task: Task) {
        self.agenda.insert((at, self.planned), task);
        self.planned += 1;
    }

    /// Joins through those that an event names, or through the seeds, in an order of its own.
    fn join(&mut self, host: HostId, event: Option<&Event>) {
        let through = match event.and_then(|event| event.through.as_ref()) {
            None => (0..self.scenario.seeds).collect(),
            Some(through) => {
                let others: Vec<HostId> =
                    self.known(through).into_iter().filter(|&other| other != host).collect();
                let count = through.picks(others.len());
                self.world.rng().sample(&others, count)
            }
        };
        let through = self.world.rng().sample(&through, through.len());
        let stale = event.is_some_and(|event| event.stale);
        let hosts = self.world.hosts();
        let addresses = through.iter().filter_map(|&seed| hosts.get(seed as usize));
        let addresses: Vec<SocketAddr> =
            addresses.map(|seed| if stale { seed.first_address } else { seed.address }).collect();
        self.world.join_at(host, &addresses);
    }

    /// All hosts so far that fit, running or not.
    fn known(&self, who: &Selector) -> Vec<HostId> {
        let hosts = 0..self.world.hosts().len() as HostId;
        hosts.filter(|&host| who.fits(host, self.places[host as usize], self.scenario.seeds)).collect()
    }

    fn play(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<(), String> {
        let end = self.scenario.duration();
        let mut next_look = SECOND;
        while self.world.now() < end {
            let now = self.world.now();
            let task = self.agenda.first_key_value().map_or(end, |(&(at, _), _)| at);
            let glance = if self.is_healing() { now + GLANCE } else { end };
            self.world.run_until(task.min(next_look).min(glance).min(end));
            if self.world.now() == next_look {
                measure::look(&mut self.world);
                progress(Progress::Running {
                    now_s: measure::seconds(next_look),
                    of_s: self.scenario.duration_s,
                });
                next_look += SECOND;
            }
            while let Some(entry) = self.agenda.first_entry()
                && entry.key().0 <= self.world.now()
            {
                let task = entry.remove();
                self.perform(task)?;
                measure::recount(&mut self.world);
            }
            if self.is_healing() && measure::are_equal_and_right(&self.world) {
                let now = self.world.now();
                self.healed = self.healed.or(Some(now));
                if self.scenario.has_state() && self.difference.is_none(&self.world) {
                    self.state_healed = self.state_healed.or(Some(now));
                }
                if self.scenario.has_values() && measure::values_are_equal(&self.world) {
                    self.values_healed = self.values_healed.or(Some(now));
                }
            }
        }
        Ok(())
    }

    /// Whether the last fault is over, and not all see the same again.
    fn is_healing(&self) -> bool {
        let differ = self.healed.is_none()
            || self.scenario.has_state() && self.state_healed.is_none()
            || self.scenario.has_values() && self.values_healed.is_none();
        differ && self.last_fault.is_some_and(|last| last <= self.world.now())
    }

    fn finish(mut self, seed: u64, setup_s: f64, wall_s: f64) -> (Outcome, String) {
        let recorder = self.world.watch.recorder.take();
        let Counts { spins, overflowed, lost, unheard_bytes, .. } = self.world.counts();
        let last_fault = self.last_fault;
        let after_last_fault = |healed: Option<Micros>| {
            healed.zip(last_fault).map(|(healed, last)| measure::seconds(healed.saturating_sub(last)))
        };
        let mut outcome = Outcome::of(self.scenario, seed, &self.world);
        outcome.summary.setup_s = setup_s;
        outcome.summary.wall_s = wall_s;
        outcome.summary.heal_s = after_last_fault(self.healed);
        outcome.summary.state.heal_s = after_last_fault(self.state_healed);
        outcome.summary.values.heal_s = after_last_fault(self.values_healed);
        outcome.summary.values.equal =
            self.scenario.has_values().then(|| measure::values_are_equal(&self.world));
        outcome.summary.state.equal = self.scenario.has_state().then(|| self.difference.is_none(&self.world));
        for (name, count) in [("spins", spins), ("overflowed", overflowed), ("lost", lost)] {
            let _ = outcome.summary.extras.insert(name, count as f64);
        }
        outcome.summary.sealing.refused_keys = self.scenario.has_keys().then_some(self.refused_keys);
        outcome.summary.signing.refused_credentials =
            self.scenario.has_signatures().then_some(self.refused_credentials);
        if let Some(amplification) = self.forger.amplification(unheard_bytes) {
            let _ = outcome.summary.extras.insert("amplification", amplification);
        }
        if let Some(amplification) = self.forger.amplification_max() {
            let _ = outcome.summary.extras.insert("amplification_max", amplification);
        }
        let verdicts = outcome.judge(&self.scenario.expect);
        let head = Head {
            scenario: &self.scenario.name,
            about: &self.scenario.about,
            seed,
            duration: self.scenario.duration(),
            classes: &measure::CLASSES,
        };
        let recording = recorder.map(|recorder| {
            let spreads = self.world.watch.spreads.recorded();
            let lag = (&outcome.lag.nodes[..], &outcome.lag.seen[..]);
            recorder.into_lines(self.world.hosts(), &Ending { head, spreads, lag, verdicts })
        });
        (outcome, recording.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests;
