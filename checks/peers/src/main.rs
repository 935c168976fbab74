//! How a node's state spreads here and in other gossip programs, measured side by side on loopback.
//!
//! Every program does the same: some nodes meet on this machine, idle, and then one node after another changes a tag of
//! 50 bytes. Measured are the bytes of an idle node, the bytes that a change adds, and the time until all nodes have it.
//! Rounds of the programs alternate, so that what else the machine does meets all of them. Everything runs in a network
//! namespace of its own, whose loopback device counts the bytes, IP headers included.

mod measure;
mod peers;
mod report;
mod sandbox;
mod traffic;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use measure::Plan;
use peers::Kind;
use std::{process::ExitCode, time::Duration};

/// Compares how a node's state spreads here and in other programs, and what that costs.
#[derive(Debug, Parser)]
struct Cli {
    /// Programs to compare; all that are installed unless given.
    #[arg(long, value_delimiter = ',')]
    peers: Vec<Kind>,
    /// Sizes of the cluster.
    #[arg(long, value_delimiter = ',', default_values_t = [50, 100], value_parser = clap::value_parser!(u16).range(3..=250))]
    nodes: Vec<u16>,
    /// Rounds of each program and size; each starts a new cluster.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Changes in a round.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    changes: u32,
    /// Seconds between the start of a cluster and the first measurement.
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u64).range(0..=600))]
    settle: u64,
    /// Seconds that an idle cluster is measured for. Long: serf's nodes repair by TCP every 60 s among 50, every 90 s among 100.
    #[arg(long, default_value_t = 180, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    idle: u64,
    /// Seconds that are measured before and from each change.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    window: u64,
    /// Prints a JSON object for each program and size, instead of a table.
    #[arg(long)]
    json: bool,
    /// Already in the namespaces.
    #[arg(long, hide = true)]
    inside: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = if cli.inside { compare(&cli).map(|()| ExitCode::SUCCESS) } else { outside() };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn outside() -> Result<ExitCode> {
    if let Some(reason) = sandbox::missing() {
        println!("SKIPPED: {reason}");
        return Ok(ExitCode::SUCCESS);
    }
    sandbox::rerun()
}

/// Runs all rounds. A round that fails ends everything: what is left would compare unlike things.
fn compare(cli: &Cli) -> Result<()> {
    sandbox::enter()?;
    let peers = installed(&cli.peers)?;
    let mut rows = Vec::new();
    for &nodes in &cli.nodes {
        let plan = Plan {
            nodes: nodes.into(),
            settle: Duration::from_secs(cli.settle),
            idle: Duration::from_secs(cli.idle),
            changes: cli.changes,
            window: Duration::from_secs(cli.window),
        };
        let mut rounds = vec![Vec::new(); peers.len()];
        for number in 1..=cli.rounds {
            for (peer, rounds) in peers.iter().zip(&mut rounds) {
                eprintln!("{nodes} nodes, round {number} of {}: {peer}", cli.rounds);
                let round = measure::round(*peer, &plan);
                rounds.push(round.with_context(|| format!("{peer}, {nodes} nodes"))?);
            }
        }
        rows.extend(peers.iter().zip(&rounds).map(|(peer, rounds)| report::Row::new(*peer, &plan, rounds)));
    }
    if cli.json {
        for row in rows {
            println!("{}", serde_json::to_string(&row)?);
        }
    } else {
        print!("{}", report::table(&rows));
    }
    Ok(())
}

/// The programs that were asked for, or else all that can run here.
fn installed(asked: &[Kind]) -> Result<Vec<Kind>> {
    let mut peers = Vec::new();
    for &peer in if asked.is_empty() { Kind::ALL } else { asked } {
        match peer.missing() {
            None => peers.push(peer),
            Some(reason) => {
                ensure!(asked.is_empty(), "{peer}: {reason}");
                eprintln!("without {peer}: {reason}");
            }
        }
    }
    Ok(peers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
