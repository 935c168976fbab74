//! `gossip`: runs a node, watches a cluster, tells the demo's story.

mod cli;
mod demo;
mod locality;
mod print;
mod run;

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    // One thread: a node is woken a few times a second, and the demo's five share one with ease.
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(cli::Cli::parse().execute()));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
