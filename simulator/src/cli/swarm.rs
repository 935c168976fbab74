//! `simulator swarm`: random clusters and faults, seed after seed.

use super::{MAX_SEEDS, Outcome, progress, say};
use clap::Args;
use rayon::prelude::*;
use serde::Serialize;
use simulator::swarm::{self, Failure, Passed};

pub(super) const NAME: &str = "swarm";
pub(super) const ABOUT: &str = "random clusters, operations and faults; laws checked after every step";

/// Seeds, when no number is given: a few seconds.
pub(super) const SEEDS: u32 = 100;

#[derive(Debug, Args)]
pub(super) struct SwarmArgs {
    /// How many seeds to try, counting up from the first.
    #[arg(long, value_name = "K", default_value_t = SEEDS, value_parser = clap::value_parser!(u32).range(1..=MAX_SEEDS))]
    pub(super) seeds: u32,
    /// The first seed. With `--seeds 1` it replays one that failed.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(super) seed: u64,
    /// Print one JSON object, instead of words.
    #[arg(long)]
    pub(super) json: bool,
}

/// What came of all seeds.
#[derive(Serialize)]
struct Tried {
    scenario: &'static str,
    seed: u64,
    seeds: u32,
    /// Of the seeds that passed: steps checked, virtual seconds, and the longest that views took to be equal.
    steps: u64,
    simulated_s: f64,
    healed_max_s: f64,
    /// The most changes of one member's status that one node told of in any minute.
    status_changes_max: u32,
    failures: Vec<Failed>,
}

#[derive(Serialize)]
struct Failed {
    seed: u64,
    at_s: f64,
    what: String,
}

impl Tried {
    fn of(args: &SwarmArgs, results: &[Result<Passed, Failure>]) -> Self {
        let passed = || results.iter().flatten();
        let failed = results.iter().filter_map(|result| result.as_ref().err());
        let failure =
            |failure: &Failure| Failed { seed: failure.seed, at_s: failure.at_s, what: failure.what.clone() };
        Self {
            scenario: NAME,
            seed: args.seed,
            seeds: args.seeds,
            steps: passed().map(|passed| passed.steps).sum(),
            simulated_s: passed().map(|passed| passed.simulated_s).sum(),
            healed_max_s: passed().map(|passed| passed.healed_s).fold(0.0, f64::max),
            status_changes_max: passed().map(|passed| passed.status_changes_max).max().unwrap_or_default(),
            failures: failed.map(failure).collect(),
        }
    }
}

pub(super) fn run(args: &SwarmArgs) -> anyhow::Result<Outcome> {
    let bar = progress(args.seeds.into(), NAME);
    let seeds = (0..args.seeds).into_par_iter().map(|n| args.seed.wrapping_add(n.into()));
    let results: Vec<Result<Passed, Failure>> = seeds.map(swarm::run).inspect(|_| bar.inc(1)).collect();
    bar.finish_and_clear();
    let tried = Tried::of(args, &results);
    if args.json {
        say(&serde_json::to_string(&tried)?)?;
    } else {
        let Tried { seeds, steps, simulated_s, healed_max_s, status_changes_max, failures, .. } = &tried;
        say(&format!("{seeds} seeds tried, {} failed", failures.len()))?;
        say(&format!("{steps} steps checked in {simulated_s:.0} s of virtual time"))?;
        say(&format!("views were equal at the latest {healed_max_s:.3} s after the last fault"))?;
        say(&format!(
            "a node told of {status_changes_max} changes of a member's status in a minute at most"
        ))?;
    }
    let Some(first) = tried.failures.first() else { return Ok(Outcome::AsExpected) };
    for Failed { seed, at_s, what } in &tried.failures {
        eprintln!("simulator: seed {seed} at {at_s:.3} s: {what}");
    }
    tell_how(first.seed);
    Ok(Outcome::Otherwise)
}

/// How it came to a failure: the trace of the same seed once more.
fn tell_how(seed: u64) {
    eprintln!("\nseed {seed} once more (`simulator swarm --seed {seed} --seeds 1`):");
    if let Err(failure) = swarm::replay(seed) {
        for line in &failure.trace {
            eprintln!("  {line}");
        }
        eprintln!("  {failure}");
    }
}
