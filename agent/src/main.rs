//! `gossip`: runs a node, watches a cluster, tells the demo's story.

mod adapter;
mod cli;
mod demo;
mod locality;
mod print;
mod run;

use adapter_tokio::NodeId;
use clap::Parser as _;
use cli::Command;
use std::{
    io::{self, Write as _},
    process::ExitCode,
};

fn main() -> ExitCode {
    // One thread: a node is woken a few times a second, and the demo's five share one with ease.
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(execute(cli::Cli::parse().command)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn execute(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Run(args) => run::run(args).await,
        Command::Id { name } => Ok(writeln!(io::stdout(), "{}", NodeId::from_name(&name)?)?),
        Command::Demo(args) => demo::demo(args).await,
    }
}
