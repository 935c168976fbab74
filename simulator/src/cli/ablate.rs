//! `simulator ablate`: what each mechanism is worth.

use super::{MAX_SEEDS, Outcome, say};
use clap::Args;
use rayon::prelude::*;
use simulator::ablate::{self, Figures, Row, Tried};
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};

/// Seeds of each row, when no number is given.
const SEEDS: u32 = 3;

#[derive(Debug, Args)]
pub(super) struct AblateArgs {
    /// Scenarios, as the table has them or without the labels of their axes; all if none is given.
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// A switch of the configuration's mechanisms; may be given again. All if none is given.
    #[arg(long = "switch", value_name = "NAME")]
    switches: Vec<String>,
    /// The first seed.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Seeds of each row, counting up from the first: deaths are sums over them, times and bytes are medians.
    #[arg(long, value_name = "K", default_value_t = SEEDS, value_parser = clap::value_parser!(u32).range(1..=MAX_SEEDS))]
    seeds: u32,
    /// Print one JSON object a row, instead of a table.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &AblateArgs) -> anyhow::Result<Outcome> {
    let seeds = (0..args.seeds).map(|n| args.seed.wrapping_add(n.into()));
    let jobs = ablate::jobs(&args.scenarios, &args.switches, seeds)?;
    let (done, all) = (AtomicUsize::new(0), jobs.len());
    let mut rows = Vec::new();
    for jobs in jobs.chunk_by(|a, b| a.of() == b.of()) {
        let tried = jobs.par_iter().map(|job| {
            let began = Instant::now();
            let tried = job.run()?;
            let done = 1 + done.fetch_add(1, Ordering::Relaxed);
            eprintln!("{done} of {all}: {}: {:.1} s", job.name(), began.elapsed().as_secs_f64());
            anyhow::Ok(tried)
        });
        let of = ablate::rows(&tried.collect::<anyhow::Result<Vec<Tried>>>()?);
        if args.json {
            for row in &of {
                say(&serde_json::to_string(row)?)?;
            }
        }
        rows.extend(of);
    }
    if !args.json {
        table(&rows)?;
    }
    Ok(Outcome::AsExpected)
}

const TITLES: [&str; 10] = [
    "scenario",
    "switch",
    "false deaths",
    "cut-off deaths",
    "missed deaths",
    "views differ",
    "seconds",
    "of",
    "changes/min",
    "B/s",
];

/// Prints a table as Markdown has them. In brackets, where it differs: the scenario as it is.
fn table(rows: &[Row]) -> anyhow::Result<()> {
    let mut lines = vec![TITLES.map(String::from)];
    lines.extend(rows.iter().map(cells));
    let width = |column: usize| lines.iter().map(|line| line[column].len()).max().unwrap_or_default();
    let widths: [usize; TITLES.len()] = std::array::from_fn(width);
    for (n, line) in lines.iter().enumerate() {
        let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        say(&format!("| {} |", cells.collect::<Vec<_>>().join(" | ")))?;
        if n == 0 {
            say(&format!("|{}", widths.map(|width| format!("{:-<1$}|", "", width + 2)).concat()))?;
        }
    }
    Ok(())
}

fn cells(row: &Row) -> [String; TITLES.len()] {
    let beside = |figure: &dyn Fn(&Figures) -> String| {
        let (own, base) = (figure(&row.figures), figure(&row.as_it_is));
        if own == base { own } else { format!("{own} ({base})") }
    };
    let or_none = |text: Option<String>| text.unwrap_or("-".into());
    let same = if row.turned.is_some() && row.unaffected { ", same packets" } else { "" };
    [
        row.scenario.into(),
        ablate::told(row.turned) + same,
        beside(&|figures| figures.false_deaths.to_string()),
        beside(&|figures| figures.cut_off_deaths.to_string()),
        beside(&|figures| figures.missed_deaths.to_string()),
        beside(&|figures| figures.views_differ.to_string()),
        beside(&|figures| or_none(figures.seconds.map(|seconds| format!("{seconds:.1}")))),
        row.seconds_of.into(),
        beside(&|figures| or_none(figures.status_changes_max.map(|changes| changes.to_string()))),
        beside(&|figures| or_none(figures.bytes_per_node_s.map(|bytes| format!("{bytes:.0}")))),
    ]
}
