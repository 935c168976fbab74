//! The command line: what can be asked for, and who answers.

mod ablate;
mod epidemic;
mod scenario;
mod swarm;
mod sweep;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Thousands of real gossip nodes in virtual time. The same seed gives the same run, on any machine.
///
/// Exits with 0 when all is as expected, 1 when an expectation fails, and 2 when the arguments make no sense.
#[derive(Debug, Parser)]
#[command(name = "simulator", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Name the scenarios that can be run.
    List,
    /// Run a scenario by name, or from a TOML file.
    Run(RunArgs),
    /// Vary knobs one at a time, and tell what each costs: detection, bytes, false suspicions, misses.
    Sweep(sweep::SweepArgs),
    /// Turn the core's mechanisms off one at a time, and tell what each is worth where members are judged.
    Ablate(ablate::AblateArgs),
    /// Try random clusters, operations and faults, and check the laws after every step.
    Swarm(swarm::SwarmArgs),
    /// Spread a rumor in rounds on a complete graph, beside what theory says; no real nodes.
    Epidemic(epidemic::EpidemicArgs),
}

#[derive(Debug, Args)]
struct RunArgs {
    /// A name from `simulator list`, or the path of a scenario file.
    scenario: String,
    #[command(flatten)]
    common: Common,
    /// Write what happens as a recording for the player: lines of JSON, see the documentation of recordings. Several runs
    /// write a file each, with the seed in its name.
    #[arg(long, value_name = "FILE.ndjson")]
    record: Option<PathBuf>,
    /// Give all nodes a key, and let them hear nothing but what is sealed with it.
    #[arg(long)]
    sealed: bool,
    /// The same, and let all nodes sign what they say, and hear of others nothing but what those signed.
    #[arg(long)]
    signed: bool,
    /// Change one setting of the scenario; may be given again.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = setting)]
    settings: Vec<String>,
}

impl RunArgs {
    /// What `run swarm` means.
    fn swarm(&self) -> anyhow::Result<swarm::SwarmArgs> {
        let Common { nodes, seed, seeds, json, report } = &self.common;
        if nodes.is_some()
            || report.is_some()
            || self.record.is_some()
            || self.sealed
            || self.signed
            || !self.settings.is_empty()
        {
            anyhow::bail!("swarm makes up everything by its seeds: it takes --seed, --seeds and --json only");
        }
        Ok(swarm::SwarmArgs { seeds: seeds.unwrap_or(swarm::SEEDS), seed: *seed, json: *json })
    }
}

/// What every run takes.
#[derive(Clone, Debug, Args)]
struct Common {
    /// How many nodes, instead of the scenario's own number.
    #[arg(long, value_name = "N")]
    nodes: Option<u32>,
    /// What decides everything that is left to chance.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Run with this many seeds, counting up from the first.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=MAX_SEEDS))]
    seeds: Option<u32>,
    /// Print one JSON object a run, instead of words.
    #[arg(long)]
    json: bool,
    /// Write what happened as one HTML file: of a scenario, a page that plays it; of an epidemic, pictures. A scenario run
    /// with several seeds writes a file for each, with the seed in its name.
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
}

/// Most seeds of one command; more would take days.
const MAX_SEEDS: i64 = 1_000_000;

/// Whether what ran did what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    AsExpected,
    Otherwise,
}

/// Does what the command line asks for.
pub(crate) fn run(cli: Cli) -> anyhow::Result<Outcome> {
    match cli.command {
        Command::List => list(),
        Command::Run(RunArgs { scenario, common, record, sealed, signed, settings })
            if scenario == epidemic::NAME =>
        {
            if sealed || signed {
                anyhow::bail!(
                    "an epidemic sends no datagrams that could be sealed: run it without --sealed and --signed"
                );
            }
            if record.is_some() {
                anyhow::bail!(
                    "an epidemic has no nodes whose words could be recorded: it takes --report, not --record"
                );
            }
            epidemic::run(&epidemic::EpidemicArgs::from_settings(common, &settings)?)
        }
        Command::Run(args) if args.scenario == swarm::NAME => swarm::run(&args.swarm()?),
        Command::Run(args) => scenario::run_all(&args),
        Command::Swarm(args) => swarm::run(&args),
        Command::Sweep(args) => sweep::run(&args),
        Command::Ablate(args) => ablate::run(&args),
        Command::Epidemic(args) => epidemic::run(&args),
    }
}

fn list() -> anyhow::Result<Outcome> {
    let theirs = [(epidemic::NAME, epidemic::ABOUT), (swarm::NAME, swarm::ABOUT)]
        .map(|(name, about)| (name, about.into()));
    let all: Vec<(_, String)> = scenario::shipped()?.into_iter().chain(theirs).collect();
    let width = all.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    for (name, about) in &all {
        say(&format!("{name:<width$} {about}"))?;
    }
    Ok(Outcome::AsExpected)
}

fn setting(text: &str) -> Result<String, String> {
    match text.split_once('=') {
        Some((key, _)) if !key.is_empty() => Ok(text.to_owned()),
        _ => Err("a setting is written KEY=VALUE".to_owned()),
    }
}

/// Prints a line; unlike `println!` it does not panic when no one reads any more.
fn say(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(io::stdout(), "{line}")?)
}

/// Whether an error is only that no one reads the output any more.
pub(crate) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Whether a report or a recording can be written there, asked before anything is spent on it.
fn check_file(path: &Path, option: &str) -> anyhow::Result<()> {
    let existed = path.exists();
    let opened = OpenOptions::new().write(true).create(true).truncate(false).open(path);
    let _file = opened.with_context(|| format!("cannot write {}, given as {option}", path.display()))?;
    if !existed {
        fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}

fn write_file(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// A bar that shows itself on a terminal and nowhere else.
fn progress(steps: u64, what: &str) -> ProgressBar {
    let bar = ProgressBar::new(steps).with_message(what.to_owned());
    match ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
