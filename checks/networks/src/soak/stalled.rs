//! Agents on loopback, and one whose reader stalls: does the protocol go on, and can that one be ended?

use super::{DOWN, Soak, fleet::Fleet};
use anyhow::{Result, bail, ensure};
use clap::Args;
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// Every so often another agent ends or starts again, so that the one that is not read has something to say.
const CHANGE: Duration = Duration::from_secs(3);
/// By then the pipe must be full.
const FILL: Duration = Duration::from_secs(180);
/// An agent that was asked to leave must have ended by then.
const END: Duration = Duration::from_secs(6);

/// Runs agents on loopback, one of which is not read for a while though others come and go. No one may die of it, and
/// SIGTERM must end that one in less than 6 s. Linux; needs no root.
#[derive(Debug, Args)]
pub(crate) struct StalledArgs {
    /// How many agents.
    #[arg(long, default_value_t = 26, value_parser = clap::value_parser!(u16).range(6..=500))]
    agents: u16,

    /// For how long one of them cannot write, in seconds, once its pipe is full; that takes half a minute or more.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u16).range(20..=3_600))]
    seconds: u16,

    /// What that one runs on.
    #[arg(long, default_value = "tokio", value_parser = super::fleet::ADAPTERS)]
    adapter: String,
}

/// Runs it all.
///
/// # Errors
/// An agent died, or the one that is not read did not end.
pub(crate) fn run(args: &StalledArgs, gossip: &Path) -> Result<()> {
    let stop = super::stop_by_signals()?;
    let mut fleet = Fleet::start(gossip, usize::from(args.agents))?;
    let stalled = fleet.first_on(&args.adapter)?;
    let mut soak = Soak { stop, fleet: &mut fleet };
    soak.wait_for_agreement()?;
    println!("{} agents see each other; agent {stalled}, on {}, is read no more", args.agents, args.adapter);
    soak.fleet.stall(stalled)?;
    let filled = soak.live_stalled(stalled, Duration::from_secs(args.seconds.into()))?;
    ensure!(fleet.is_stalled(stalled)?, "somebody read what it said");
    ensure!(fleet.all_others_see_alive(stalled)?, "not everybody sees agent {stalled} alive");
    let deaths = fleet.wrong_deaths()?;
    println!(
        "its pipe was full after {:.0} s, and {} s later: deaths of agents that were never ended: {deaths}",
        filled.as_secs_f64(),
        args.seconds
    );
    ensure!(deaths == 0, "agents that were never ended were held dead");
    let took = fleet.end_stalled(stalled, END)?;
    println!(
        "SIGTERM ended it after {:.2} s, with status 0, while it was still not read",
        took.as_secs_f64()
    );
    fleet.leave()
}

impl Soak<'_> {
    /// Others end and start again, in turns, until one that is not read could not write for so long. Returns how long it
    /// took to get there.
    fn live_stalled(&mut self, stalled: usize, length: Duration) -> Result<Duration> {
        let begin = Instant::now();
        let mut filled = None;
        for n in 0.. {
            self.fleet.end_one(n)?;
            self.wait(CHANGE)?;
            self.fleet.start_again(n)?;
            if filled.is_none() && self.fleet.is_stalled(stalled)? {
                filled = Some(begin.elapsed());
            }
            match filled {
                None if begin.elapsed() > FILL => bail!("its pipe is not full after {} s", FILL.as_secs()),
                // The last one that came back is known to all at the end.
                Some(filled) if begin.elapsed() + DOWN > filled + length => {
                    self.wait((filled + length).saturating_sub(begin.elapsed()))?;
                    return Ok(filled);
                }
                _ => {}
            }
        }
        bail!("time is over")
    }
}
