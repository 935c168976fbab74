//! Twelve processes of `gossip run` in three zones, on networks of their own that lose, cut, delay, duplicate and
//! reorder: does the program keep what the library promises?
//!
//! ```text
//!   z1-1 … z1-4     z2-1 … z2-4     z3-1 … z3-4      a network namespace each, adapters mixed
//!     └─────┴─────────┴──┬───┴────────┴─────┘
//!                     bridge                         nft drops here: loss, one-way cuts, partitions
//!                        │ what leaves its zone
//!                      router ◀──▶ TUN ◀──▶ switch   waits here: delay, jitter, duplicates, overtaking
//! ```
//!
//! All of it is in namespaces of mounts, processes and networks that end with their first process, so nothing is
//! left behind, however the test ends. Nothing outside of them is touched.

#[cfg(target_os = "linux")]
mod agent;
#[cfg(target_os = "linux")]
mod journal;
#[cfg(target_os = "linux")]
mod keys;
#[cfg(target_os = "linux")]
mod laboratory;
#[cfg(target_os = "linux")]
mod network;
#[cfg(target_os = "linux")]
mod sandbox;
#[cfg(target_os = "linux")]
mod soak;
#[cfg(target_os = "linux")]
mod story;
#[cfg(target_os = "linux")]
mod switch;
#[cfg(target_os = "linux")]
mod tun;
#[cfg(target_os = "linux")]
mod valve;

use clap::Parser;
use std::{path::PathBuf, process::ExitCode};

/// Tests the program `gossip` on real networks that are broken on purpose. Needs Linux, root, and the programs
/// `ip`, `nft`, `mount` and `unshare`; where one is missing it says so and skips, with exit status 0.
#[derive(Debug, Parser)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "there it only skips"))]
struct Cli {
    /// The program to test; by default the one beside this program.
    #[arg(long, value_name = "PATH", global = true)]
    gossip: Option<PathBuf>,

    /// What the switch's chances start from.
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Runs the story in the namespaces that this process is the first of.
    #[arg(long, hide = true)]
    inside: bool,

    #[cfg(target_os = "linux")]
    #[command(subcommand)]
    command: Option<Command>,
}

/// What else this program tests.
#[cfg(target_os = "linux")]
#[derive(Debug, clap::Subcommand)]
enum Command {
    Soak(soak::SoakArgs),
    Stalled(soak::StalledArgs),
    Rotate(soak::RotateArgs),
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(target_os = "linux")]
fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    let gossip = match &cli.gossip {
        Some(path) => path.clone(),
        None => std::env::current_exe()?.with_file_name("gossip"),
    };
    if cli.inside {
        sandbox::end_with_parent()?;
        story::tell(gossip, cli.seed)?;
        return Ok(ExitCode::SUCCESS);
    }
    if cli.command.is_none()
        && let Some(reason) = sandbox::missing()
    {
        return Ok(skip(&reason));
    }
    anyhow::ensure!(
        gossip.is_file(),
        "{} is not there: build it with `cargo build --release -p agent`",
        gossip.display()
    );
    match &cli.command {
        Some(Command::Soak(args)) => soak::run(args, &gossip)?,
        Some(Command::Stalled(args)) => soak::run_stalled(args, &gossip)?,
        Some(Command::Rotate(args)) => soak::run_rotate(args, &gossip)?,
        None => return sandbox::rerun(&gossip, cli.seed),
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(not(target_os = "linux"))]
fn run(_: &Cli) -> anyhow::Result<ExitCode> {
    Ok(skip("network namespaces need Linux"))
}

fn skip(reason: &str) -> ExitCode {
    println!("SKIPPED: {reason}");
    ExitCode::SUCCESS
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_soak_that_makes_no_sense_is_refused_with_what_does() {
        let parse = |args: &[&str]| Cli::try_parse_from([&["networks", "soak"], args].concat());
        assert!(parse(&["--agents", "50", "--minutes", "30", "--gossip", "x"]).is_ok());
        for (args, said) in [
            (["--agents", "3"], "4..=500"),
            (["--minutes", "1"], "2..=2880"),
            (["--minutes", "1.5"], "'1.5'"),
            (["--hours", "1"], "--hours"),
        ] {
            let refused = parse(&args).map(|_| ()).unwrap_err().to_string();
            assert!(refused.contains(said), "{args:?}: {refused}");
        }
    }
}
