//! `simulator run`: scenarios on real nodes.

use super::{Common, Outcome, RunArgs, check_file, epidemic, progress, say, swarm, write_file};
use simulator::outcome;
use simulator::run::{self, Progress};
use simulator::scenario::{Plan, SHIPPED, Scenario, ScenarioError, load};
use simulator::versus::{Share, Tally};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// The scenarios that ship with the program, each with what it is about.
pub(super) fn shipped() -> anyhow::Result<Vec<(&'static str, String)>> {
    let about = |name| load(name)?.variants().map(|runs| runs.first().map(|run| run.about.clone()));
    SHIPPED.iter().map(|(name, _)| Ok((*name, about(name)?.unwrap_or_default()))).collect()
}

pub(super) fn run_all(args: &RunArgs) -> anyhow::Result<Outcome> {
    let RunArgs { scenario, common, record, sealed, signed, settings } = args;
    let mut plan = load(scenario).map_err(|error| match error {
        ScenarioError::Unknown(name) => anyhow::anyhow!("{}", unknown(&name)),
        error => error.into(),
    })?;
    if *sealed {
        plan.seal()?;
    }
    if *signed {
        plan.sign()?;
    }
    if let Some(nodes) = common.nodes {
        plan.set(&format!("nodes={nodes}"))?;
    }
    for setting in settings {
        plan.set(setting)?;
    }
    let variants = plan.variants()?;
    let seeds = common.seeds.unwrap_or(1);
    let alone = variants.len() == 1 && seeds == 1;
    check(&plan, &variants)?;
    for (path, option) in [(&common.report, "--report"), (record, "--record")] {
        if let Some(path) = path {
            check_files((path, option), &variants, common.seed, alone)?;
        }
    }
    let mut all = Outcome::AsExpected;
    let mut tally = plan.versus().map(Tally::new);
    for variant in &variants {
        for seed in (0..seeds).map(|n| common.seed.wrapping_add(n.into())) {
            let (outcome, recording) = watched(variant, seed, record.is_some() || common.report.is_some())?;
            tell(&outcome, common)?;
            let place = |path: &PathBuf| {
                if alone { path.clone() } else { path_of(path, &variant.name, seed) }
            };
            if let Some(path) = record.as_ref().map(place) {
                write_file(&path, &recording)?;
            }
            if let Some(path) = common.report.as_ref().map(place) {
                write_file(&path, &gossip_dashboard::report(&recording))?;
            }
            if let Some(tally) = &mut tally {
                tally.add(&outcome);
            }
            if !outcome.failures.is_empty() {
                all = Outcome::Otherwise;
            }
        }
    }
    for share in tally.iter().flat_map(|tally| tally.shares(plan.name())) {
        tell_share(&share, common.json)?;
        if share.failure.is_some() {
            all = Outcome::Otherwise;
        }
    }
    Ok(all)
}

/// Whether all that is expected, of each run and of all together, can be measured.
fn check(plan: &Plan, variants: &[Scenario]) -> anyhow::Result<()> {
    for variant in variants {
        outcome::check(variant).map_err(|why| anyhow::anyhow!("{}: {why}", variant.name))?;
    }
    let Some(first) = variants.first() else { anyhow::bail!("{}: an axis without values", plan.name()) };
    for figures in plan.versus().iter().flat_map(|versus| versus.expect.values()) {
        outcome::check_figures(first, figures)
            .map_err(|why| anyhow::anyhow!("{}: versus: {why}", plan.name()))?;
    }
    Ok(())
}

/// Whether what is written of all runs can be, each to its own file.
fn check_files(
    (path, option): (&Path, &str),
    variants: &[Scenario],
    seed: u64,
    alone: bool,
) -> anyhow::Result<()> {
    if alone {
        return check_file(path, option);
    }
    let mut paths = HashSet::new();
    for variant in variants {
        let path = path_of(path, &variant.name, seed);
        check_file(&path, option)?;
        if !paths.insert(path.clone()) {
            anyhow::bail!("two runs would write {}; give the axes' values other names", path.display());
        }
    }
    Ok(())
}

/// Runs with a bar that counts virtual seconds.
fn watched(scenario: &Scenario, seed: u64, records: bool) -> anyhow::Result<(outcome::Outcome, String)> {
    let bar = progress(scenario.duration_s.ceil() as u64, &format!("{}, seed {seed}", scenario.name));
    let show = &mut |progress| match progress {
        Progress::Building => bar.tick(),
        Progress::Running { now_s, .. } => bar.set_position(now_s as u64),
    };
    let outcome = match records {
        true => run::record(scenario, seed, show),
        false => run::run(scenario, seed, show).map(|outcome| (outcome, String::new())),
    };
    bar.finish_and_clear();
    Ok(outcome?)
}

/// Prints the figures, and on the other stream what is not as expected, so that JSON stays JSON.
fn tell(outcome: &outcome::Outcome, common: &Common) -> anyhow::Result<()> {
    let name = format!("{}, seed {}", outcome.summary.scenario, outcome.summary.seed);
    if common.json {
        say(&outcome.json())?;
    } else {
        say(&name)?;
        for (figure, value) in outcome.facts() {
            say(&format!("  {figure:<36} {value}"))?;
        }
    }
    for failure in &outcome.failures {
        eprintln!("simulator: {name}: {failure}");
    }
    Ok(())
}

/// Prints a share, and on the other stream that it is not as expected.
fn tell_share(share: &Share, json: bool) -> anyhow::Result<()> {
    let Share { scenario, of, versus, figure, own, base, share: part, failure } = share;
    if json {
        say(&serde_json::to_string(share)?)?;
    } else {
        let percent = part.map_or("-".into(), |part| format!("{:.2} %", 100.0 * part));
        say(&format!("{scenario}: {figure}: {of} {own}, {versus} {base}: {percent}"))?;
    }
    if let Some(failure) = failure {
        eprintln!("simulator: {scenario}: {failure}");
    }
    Ok(())
}

/// Where the report of one of several runs goes.
fn path_of(path: &Path, run: &str, seed: u64) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let ending = path.extension().map(|ending| format!(".{}", ending.to_string_lossy())).unwrap_or_default();
    path.with_file_name(format!("{stem}-{}-{seed}{ending}", run.replace('/', "-")))
}

/// How alike two names must be (0 to 1, by Jaro and Winkler) for one to be a misspelling of the other.
const ALIKE: f64 = 0.75;

/// Says that there is no such scenario, and which names come near.
fn unknown(name: &str) -> String {
    let names = SHIPPED.iter().map(|(known, _)| *known).chain([epidemic::NAME, swarm::NAME]);
    let mut near: Vec<(f64, &str)> = names.map(|known| (strsim::jaro_winkler(name, known), known)).collect();
    near.retain(|(alike, _)| *alike >= ALIKE);
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    let near: Vec<&str> = near.into_iter().map(|(_, known)| known).collect();
    let hint = match near.as_slice() {
        [] => "`simulator list` names the scenarios".to_owned(),
        near => format!("did you mean {}?", near.join(" or ")),
    };
    format!("there is no scenario and no file named '{name}'; {hint}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reports_of_several_runs_have_names_of_their_own() {
        let path = path_of(Path::new("out/r.html"), "modes/push/1.5", 7);
        assert_eq!(path, Path::new("out/r-modes-push-1.5-7.html"));
        assert_eq!(path_of(Path::new("r"), "steady", 1), Path::new("r-steady-1"));
    }

    #[test]
    fn every_shipped_scenario_says_what_it_is_about() {
        assert!(shipped().unwrap().iter().all(|(_, about)| !about.is_empty()));
    }
}
