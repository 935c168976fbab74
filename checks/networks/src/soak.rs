//! Agents on loopback for half an hour of real time: do memory, CPU, descriptors and threads stay flat?
//!
//! The first half of the agents is left alone, and measured. The others are paused, killed, asked to leave and started
//! again, in turns, so that those that are measured have something to do.

mod fleet;
mod rotate;
mod stalled;
mod usage;

pub(crate) use rotate::{RotateArgs, run as run_rotate};
pub(crate) use stalled::{StalledArgs, run as run_stalled};

use anyhow::{Result, ensure};
use clap::Args;
use fleet::Fleet;
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use usage::{Bounds, History, Verdict};

/// How often agents are measured.
const SAMPLE: Duration = Duration::from_secs(10);
/// Every so often one agent ends, and ...
const RESTART: Duration = Duration::from_secs(60);
/// ... starts again after this: a kill is known to all by then.
const DOWN: Duration = Duration::from_secs(15);
/// Half a minute after it another one pauses, for less than what may be taken for a death.
const PAUSE: Duration = Duration::from_secs(1);
/// Time for the agents to see each other, at the start and at the end.
const AGREE: Duration = Duration::from_secs(60);
/// Time between that and the first sample: buffers reach their sizes.
const WARM_UP: Duration = Duration::from_secs(60);
/// How often the clock is looked at.
const STEP: Duration = Duration::from_millis(200);

/// Runs agents on loopback, with a restart and a pause a minute, and compares what the undisturbed half of them uses in
/// the first and in the last third of the time. Linux; needs no root.
///
/// Exits with 0 when all is flat and every view right, and with 1 when not. On Ctrl-C and SIGTERM the agents are ended;
/// a SIGKILL of this program leaves them behind.
#[derive(Debug, Args)]
pub(crate) struct SoakArgs {
    /// How many agents.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(4..=500))]
    agents: u16,

    /// For how long they are measured, in minutes, the last of which sees no restart; the start takes two more at the most.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(2..=2_880))]
    minutes: u16,
}

/// Runs it all.
///
/// # Errors
/// Agents could not be started or measured, did not find each other, or something is not flat.
pub(crate) fn run(args: &SoakArgs, gossip: &Path) -> Result<()> {
    let stop = stop_by_signals()?;
    let mut fleet = Fleet::start(gossip, usize::from(args.agents))?;
    let mut soak = Soak { stop, fleet: &mut fleet };
    soak.wait_for_agreement()?;
    println!("{} agents see each other; measuring after {} s", args.agents, WARM_UP.as_secs());
    soak.wait(WARM_UP)?;
    let length = Duration::from_secs(60 * u64::from(args.minutes));
    let history = soak.live(length)?;
    soak.wait_for_agreement()?;
    let deaths = fleet.wrong_deaths()?;
    let restarts = fleet.restarts();
    fleet.leave()?;
    let verdict = Verdict::of(&history, Bounds::DEFAULT)?;
    print!("{verdict}");
    println!("restarts {restarts}, deaths of agents that were never ended {deaths}");
    ensure!(deaths == 0, "agents that were never ended were held dead");
    let failures = verdict.failures();
    ensure!(failures.is_empty(), "not flat: {}", failures.join("; "));
    println!("flat");
    Ok(())
}

/// Set once Ctrl-C or SIGTERM comes.
fn stop_by_signals() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register(signal, stop.clone())?;
    }
    Ok(stop)
}

struct Soak<'a> {
    stop: Arc<AtomicBool>,
    fleet: &'a mut Fleet,
}

impl Soak<'_> {
    /// Lets a step of time pass.
    ///
    /// # Errors
    /// Someone wants this to end, or an agent ended by itself.
    fn step(&self) -> Result<()> {
        thread::sleep(STEP);
        ensure!(!self.stop.load(Ordering::Relaxed), "stopped by a signal");
        self.fleet.check()
    }

    fn wait(&self, time: Duration) -> Result<()> {
        let begin = Instant::now();
        while begin.elapsed() < time {
            self.step()?;
        }
        Ok(())
    }

    fn wait_for_agreement(&self) -> Result<()> {
        let begin = Instant::now();
        while let Some(what) = self.fleet.disagreement() {
            ensure!(begin.elapsed() < AGREE, "after {} s {what}", AGREE.as_secs());
            self.step()?;
        }
        Ok(())
    }

    /// Measures, while the other half comes and goes. No one is ended in the last minute.
    fn live(&mut self, length: Duration) -> Result<History> {
        let begin = Instant::now();
        let mut history = History::new(self.fleet.undisturbed());
        let (mut samples, mut ended, mut started, mut paused) = (0, 0, 0, 0);
        while begin.elapsed() < length {
            let now = begin.elapsed();
            if now >= SAMPLE * samples {
                history.sample(now, self.fleet)?;
                samples += 1;
            }
            if now >= RESTART * ended && now + RESTART < length {
                self.fleet.end_one(ended)?;
                ended += 1;
            }
            if started < ended && now >= RESTART * started + DOWN {
                self.fleet.start_again(started)?;
                started += 1;
            }
            if now >= RESTART * paused + RESTART / 2 {
                self.fleet.pause_one(paused, PAUSE)?;
                paused += 1;
            }
            self.step()?;
        }
        history.sample(begin.elapsed(), self.fleet)?;
        Ok(history)
    }
}
