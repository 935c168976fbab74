//! The program `simulator`: scenarios, random faults and theory from the command line.
#![forbid(unsafe_code)]

mod cli;

use clap::Parser;
use std::process::ExitCode;

/// Something was asked for that cannot be done; clap's own errors exit with the same code.
const CANNOT: u8 = 2;

fn main() -> ExitCode {
    match cli::run(cli::Cli::parse()) {
        Ok(cli::Outcome::AsExpected) => ExitCode::SUCCESS,
        Ok(cli::Outcome::Otherwise) => ExitCode::FAILURE,
        // Who reads the output has seen enough, as `head` does.
        Err(error) if cli::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("simulator: {error:#}");
            ExitCode::from(CANNOT)
        }
    }
}
