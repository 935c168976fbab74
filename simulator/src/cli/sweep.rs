//! `simulator sweep`: what each knob costs.

use super::{MAX_SEEDS, Outcome, progress, say};
use clap::Args;
use rayon::prelude::*;
use simulator::sweep::{self, Row};

/// Nodes, when no number is given: enough for the tails, and a sweep of all knobs takes minutes.
const NODES: u32 = 300;
/// Seeds of each point, when no number is given.
const SEEDS: u32 = 3;

#[derive(Debug, Args)]
pub(super) struct SweepArgs {
    /// Knobs of a scenario's `[config]`, and their values; all knobs that matter if none is given.
    #[arg(value_name = "KNOB=VALUE,VALUE")]
    knobs: Vec<String>,
    /// How many nodes.
    #[arg(long, value_name = "N", default_value_t = NODES)]
    nodes: u32,
    /// The first seed.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Seeds of each point, counting up from the first; figures are means of them.
    #[arg(long, value_name = "K", default_value_t = SEEDS, value_parser = clap::value_parser!(u32).range(1..=MAX_SEEDS))]
    seeds: u32,
    /// Print one JSON object a point, instead of a table.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &SweepArgs) -> anyhow::Result<Outcome> {
    let points = sweep::points(&args.knobs)?;
    sweep::check(&points, args.nodes)?;
    let bar = progress(points.len() as u64, "sweep");
    let seeds = (0..args.seeds).map(|n| args.seed.wrapping_add(n.into()));
    let rows = points.par_iter().map(|point| sweep::measure(point, args.nodes, seeds.clone()));
    let rows = rows.inspect(|_| bar.inc(1)).collect::<Result<Vec<Row>, _>>()?;
    bar.finish_and_clear();
    if args.json {
        for row in &rows {
            say(&serde_json::to_string(row)?)?;
        }
    } else {
        table(&rows)?;
    }
    Ok(Outcome::AsExpected)
}

/// Prints a table as Markdown has them.
fn table(rows: &[Row]) -> anyhow::Result<()> {
    let titles: Vec<&str> = sweep::titles().collect();
    say(&format!("| {:<24} | {} |", "knob", titles.join(" | ")))?;
    say(&format!("|---|{}", "--:|".repeat(titles.len())))?;
    for Row { knob, value, figures } in rows {
        let point = match (knob, value) {
            (Some(knob), Some(value)) => format!("{knob}={value}"),
            _ => "as it is".into(),
        };
        let figures = titles.iter().map(|title| {
            let figure = figures.get(*title).and_then(serde_json::Value::as_f64);
            format!("{:>1$}", figure.map_or("-".into(), short), title.len())
        });
        say(&format!("| {point:<24} | {} |", figures.collect::<Vec<_>>().join(" | ")))?;
    }
    Ok(())
}

/// Three digits, or all before the point.
fn short(figure: f64) -> String {
    match figure.abs() {
        100.0.. => format!("{figure:.0}"),
        10.0.. => format!("{figure:.1}"),
        _ => format!("{figure:.2}"),
    }
}
