//! `simulator epidemic`: theory's rounds, measured and as formulas.

use super::{Common, Outcome, check_file, progress, say, write_file};
use anyhow::Context;
use clap::{Args, Parser};
use serde::Serialize;
use simulator::epidemic::{Course, Epidemic, Mode, Study};
use simulator::report::{Chart, Plot, Report, Series};

pub(super) const NAME: &str = "epidemic";
pub(super) const ABOUT: &str = "theory only: rounds on a complete graph, to millions of nodes";

/// Nodes, when none are asked for.
const NODES: u32 = 1_000;
/// Runs of each mode, when none are asked for: the means are then good to a tenth of a round or so.
const RUNS: u32 = 100;

#[derive(Debug, Args)]
pub(super) struct EpidemicArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    knobs: Knobs,
}

/// What is particular to an epidemic; `run epidemic --set KEY=VALUE` sets the same.
#[derive(Debug, Args)]
struct Knobs {
    /// Which nodes tell which; all modes, one after the other, unless given.
    #[arg(long, value_enum)]
    mode: Option<Mode>,
    /// How many others a node calls in a round.
    #[arg(long, value_name = "K", default_value_t = 1)]
    fanout: u32,
    /// Share of the datagrams that is lost, 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    loss: f64,
    /// Sends of a node in all, after which it falls silent; with push and ring only.
    #[arg(long, value_name = "L")]
    sends: Option<u32>,
    /// Share of the others that a node does not know, 0 to 1; with ring only.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    unknown: f64,
}

/// Settings as a command line of their own, so that they are checked as flags are.
#[derive(Parser)]
#[command(name = "run epidemic --set", no_binary_name = true, disable_help_flag = true)]
struct Settings {
    #[command(flatten)]
    knobs: Knobs,
}

impl EpidemicArgs {
    /// What `run epidemic` means.
    pub(super) fn from_settings(common: Common, settings: &[String]) -> anyhow::Result<Self> {
        let flags = settings.iter().map(|setting| format!("--{setting}"));
        let Settings { knobs } = Settings::try_parse_from(flags).map_err(|error| {
            // The rest of clap's answer explains flags, which were not what was written.
            let error = error.to_string();
            anyhow::anyhow!("{}", error.lines().next().unwrap_or_default().trim_start_matches("error: "))
        })?;
        Ok(Self { common, knobs })
    }

    /// One epidemic a mode.
    fn epidemics(&self) -> Vec<Epidemic> {
        let Knobs { mode, fanout, loss, sends, unknown } = self.knobs;
        let modes = match (mode, sends) {
            (Some(mode), _) => vec![mode],
            (None, _) if unknown > 0.0 => vec![Mode::Ring],
            (None, Some(_)) => vec![Mode::Push, Mode::Ring],
            (None, None) => Mode::ALL.to_vec(),
        };
        let nodes = self.common.nodes.unwrap_or(NODES);
        modes.into_iter().map(|mode| Epidemic { nodes, mode, fanout, loss, sends, unknown }).collect()
    }
}

/// One line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    scenario: &'static str,
    seed: u64,
    #[serde(flatten)]
    study: &'a Study,
}

pub(super) fn run(args: &EpidemicArgs) -> anyhow::Result<Outcome> {
    let epidemics = args.epidemics();
    for epidemic in &epidemics {
        epidemic.validate()?;
    }
    if let Some(path) = &args.common.report {
        check_file(path, "--report")?;
    }
    let Common { seed, json, .. } = args.common;
    if !json {
        say(
            "mode       fanout   loss  rounds    sd    se  theory  reached all  theory  missed share   theory  copies/node",
        )?;
    }
    let mut studies = Vec::new();
    for epidemic in epidemics {
        let (study, rounds) = study(epidemic, &args.common)?;
        match json {
            true => say(&serde_json::to_string(&Line { scenario: NAME, seed, study: &study })?)?,
            false => say(&words(&study))?,
        }
        studies.push((study, rounds));
    }
    if let Some(path) = &args.common.report {
        write_file(path, &report(&args.common, &studies).to_html()?)?;
    }
    Ok(Outcome::AsExpected)
}

/// Runs one epidemic with every seed; also returns how many rounds each of the runs took that got to an end.
fn study(epidemic: Epidemic, common: &Common) -> anyhow::Result<(Study, Vec<f64>)> {
    let runs = common.seeds.unwrap_or(RUNS);
    let bar = progress(runs.into(), &epidemic.mode.to_string());
    let courses = (0..runs).map(|run| {
        bar.inc(1);
        epidemic.run(common.seed.wrapping_add(run.into()))
    });
    let courses = courses.collect::<Result<Vec<Course>, _>>()?;
    bar.finish_and_clear();
    let rounds = courses.iter().filter_map(|course| course.rounds(epidemic.nodes)).map(|n| n as f64);
    let rounds = rounds.collect();
    let study = Study::of(epidemic, &courses).context("no run to study")?;
    Ok((study, rounds))
}

/// A number in a column, or a dash.
fn cell(value: Option<f64>, width: usize, digits: usize) -> String {
    value.map_or_else(|| format!("{:>width$}", "-"), |value| format!("{value:>width$.digits$}"))
}

/// The rounds that a formula gives; that of the ring is a bound.
fn by_formula(study: &Study) -> String {
    let bound = if study.epidemic.mode == Mode::Ring && study.theory.rounds.is_some() { "<=" } else { "" };
    format!("{bound}{}", cell(study.theory.rounds, 0, 2))
}

fn words(study: &Study) -> String {
    let Study { epidemic, rounds, theory, .. } = study;
    let rounds = rounds.as_ref();
    [
        format!("{:<10} {:>6} {:>6}", epidemic.mode.to_string(), epidemic.fanout, epidemic.loss),
        cell(rounds.map(|r| r.mean()), 7, 2),
        cell(rounds.map(|r| r.sd()), 5, 2),
        cell(rounds.map(|r| r.standard_error()), 5, 2),
        format!("{:>7}", by_formula(study)),
        cell(Some(study.reached_all), 12, 3),
        cell(theory.reached_all, 7, 3),
        cell(Some(study.missed_share.mean()), 13, 5),
        cell(theory.missed_share, 8, 5),
        cell(Some(study.copies_per_node), 12, 2),
    ]
    .join(" ")
}

fn report(common: &Common, studies: &[(Study, Vec<f64>)]) -> Report {
    let mut facts = vec![("seed".to_owned(), common.seed.to_string())];
    if let [(first, _), ..] = studies {
        let Epidemic { nodes, fanout, loss, .. } = first.epidemic;
        facts.push(("nodes".to_owned(), nodes.to_string()));
        facts.push(("runs".to_owned(), first.runs.to_string()));
        facts.push(("fanout".to_owned(), fanout.to_string()));
        facts.push(("loss".to_owned(), loss.to_string()));
    }
    for (study, _) in studies {
        let mode = study.epidemic.mode;
        let rounds = study.rounds.as_ref().map(|rounds| rounds.mean());
        facts.push((format!("rounds, {mode}"), cell(rounds, 0, 2)));
        facts.push((format!("rounds, {mode}, by formula"), by_formula(study)));
    }
    let informed = studies.iter().map(|(study, _)| Series {
        name: study.epidemic.mode.to_string(),
        points: study.informed.iter().enumerate().map(|(round, share)| (round as f64, *share)).collect(),
    });
    let mut charts = vec![Chart {
        title: "Share informed".to_owned(),
        caption: "Mean of the runs.".to_owned(),
        x: "rounds".to_owned(),
        y: "share of the nodes".to_owned(),
        plot: Plot::Lines(informed.collect()),
    }];
    charts.extend(studies.iter().map(|(study, rounds)| Chart {
        title: format!("Rounds until everyone knew, {}", study.epidemic.mode),
        caption: String::new(),
        x: "rounds".to_owned(),
        y: "runs".to_owned(),
        plot: Plot::Histogram(rounds.clone()),
    }));
    Report { title: "Epidemics on a complete graph".to_owned(), facts, charts }
}
