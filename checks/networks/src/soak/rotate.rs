//! A sealed cluster on loopback whose keys change while all of it is busy: does anybody leave any view?

use super::{AGREE, Soak, fleet::Fleet, stop_by_signals};
use crate::keys::{KeyFile, Step};
use anyhow::{Result, ensure};
use clap::Args;
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// Time between two agents that read the file again.
const STAGGER: Duration = Duration::from_millis(20);
/// Time between two writes of kept state, by one agent after the other.
const WRITE: Duration = Duration::from_millis(100);
/// Time that all have to take a step.
const STEP: Duration = Duration::from_secs(60);

/// Runs sealed agents on loopback, which publish something ten times a second together, and changes their key, each time in three
/// steps: added, promoted, the old one removed. Exits with 0 if nobody was suspected, declared dead or lost from any view.
#[derive(Debug, Args)]
pub(crate) struct RotateArgs {
    /// How many agents.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(4..=500))]
    agents: u16,

    /// How often their key is changed.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    rotations: u16,
}

/// Runs it all.
///
/// # Errors
/// Agents could not be started, did not find each other, or somebody was lost on the way.
pub(crate) fn run(args: &RotateArgs, gossip: &Path) -> Result<()> {
    let stop = stop_by_signals()?;
    let keys = KeyFile::new(gossip)?;
    let mut fleet = Fleet::start_sealed(gossip, usize::from(args.agents), &keys)?;
    let mut soak = Soak { stop, fleet: &mut fleet };
    soak.wait_for_agreement()?;
    println!("{} sealed agents see each other", args.agents);
    let begin = Instant::now();
    let (mut writes, mut again) = (0, 0);
    for rotation in 0..args.rotations {
        for step in Step::ALL {
            keys.take(step)?;
            again += take(&mut soak, usize::from(rotation) * 3 + step as usize + 1, &mut writes)?;
        }
    }
    let took = begin.elapsed();
    soak.wait_for_agreement()?;
    let (suspected, dead) = (fleet.count("suspected"), fleet.count("down"));
    let refused = fleet.count("unknown_key");
    fleet.leave()?;
    println!(
        "{} changes of the key in {:.1} s, {writes} writes meanwhile; asked again, since others were not so far yet: {again}",
        args.rotations,
        took.as_secs_f64()
    );
    // An answer under the old key that is on its way when the key goes is lost, as any datagram may be.
    println!("suspected {suspected}, dead {dead}; told of datagrams that could not be opened: {refused}");
    ensure!(dead == 0 && suspected == 0, "somebody was lost");
    Ok(())
}

/// Has all agents read their file again, for the `n`th time, while they write; returns how many refused it at first, since others
/// still needed the key that goes.
fn take(soak: &mut Soak<'_>, n: usize, writes: &mut usize) -> Result<usize> {
    let (begin, mut again, mut written) = (Instant::now(), 0, Instant::now());
    loop {
        let late = soak.fleet.reloaded_less_than(n);
        if late.is_empty() {
            return Ok(again);
        }
        ensure!(begin.elapsed() < STEP.max(AGREE), "{} agents have not taken step {n}", late.len());
        again += if begin.elapsed() > Duration::from_secs(1) { late.len() } else { 0 };
        for agent in late {
            soak.fleet.reload(agent)?;
            std::thread::sleep(STAGGER);
            if written.elapsed() >= WRITE {
                soak.fleet.write(*writes)?;
                (*writes, written) = (*writes + 1, Instant::now());
            }
        }
        soak.step()?;
    }
}
