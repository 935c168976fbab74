//! The command line: what can be asked for, and who answers.

mod epidemic;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use simulator::report::Report;
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
    /// Spread a rumor in rounds on a complete graph, beside what theory says; no real nodes.
    Epidemic(epidemic::EpidemicArgs),
}

#[derive(Debug, Args)]
struct RunArgs {
    /// A name from `simulator list`, or the path of a scenario file.
    scenario: String,
    #[command(flatten)]
    common: Common,
    /// Change one setting of the scenario; may be given again.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
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
    /// Write what happened as an HTML file with pictures. A scenario run with several seeds writes a file for
    /// each, with the seed in its name.
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
        Command::Run(args) => scenario(&args),
        Command::Epidemic(args) => epidemic::run(&args),
    }
}

fn list() -> anyhow::Result<Outcome> {
    for (name, about) in scenarios() {
        say(&format!("{name:<18} {about}"))?;
    }
    Ok(Outcome::AsExpected)
}

/// The names that can be run, each with what it is about.
fn scenarios() -> Vec<(String, String)> {
    vec![(epidemic::NAME.to_owned(), epidemic::ABOUT.to_owned())]
}

fn scenario(args: &RunArgs) -> anyhow::Result<Outcome> {
    if args.scenario == epidemic::NAME {
        return epidemic::run(&epidemic::EpidemicArgs::from_settings(&args.common, &args.settings)?);
    }
    anyhow::bail!("{}", unknown(&args.scenario, scenarios().iter().map(|(name, _)| name.as_str())))
}

/// How alike two names must be (0 to 1, by Jaro and Winkler) for one to be a misspelling of the other.
const ALIKE: f64 = 0.75;

/// Says that there is no such scenario, and which names come near.
fn unknown<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> String {
    let mut near: Vec<(f64, &str)> = names.map(|known| (strsim::jaro_winkler(name, known), known)).collect();
    near.retain(|(alike, _)| *alike >= ALIKE);
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    let near: Vec<&str> = near.into_iter().map(|(_, known)| known).collect();
    match near.as_slice() {
        [] => format!("there is no scenario and no file {name:?}; `simulator list` names the scenarios"),
        near => format!("there is no scenario and no file {name:?}; did you mean {}?", near.join(" or ")),
    }
}

fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("a setting is written KEY=VALUE".to_owned()),
    }
}

/// Prints a line; unlike `println!` it does not panic when nobody reads any more.
fn say(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(io::stdout(), "{line}")?)
}

/// Whether an error is only that nobody reads the output any more.
pub(crate) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn write_report(path: &Path, report: &Report) -> anyhow::Result<()> {
    std::fs::write(path, report.to_html()?).with_context(|| format!("cannot write {}", path.display()))
}

/// A bar that shows itself on a terminal and nowhere else.
fn progress(steps: u64, what: String) -> ProgressBar {
    let bar = ProgressBar::new(steps).with_message(what);
    match ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
