//! `gossip`: runs a node, watches a cluster, tells the demo's story.
//!
//! | to change | go to |
//! |---|---|
//! | a command, a flag, its help | `cli`; for the commands that ask a running agent, `client/args.rs` |
//! | files, variables, `check-config`, what a hangup changes | `configuration` |
//! | files of keys, `gossip keys` | `keys` |
//! | files of nodes' own keys, `gossip identity` | `identity` |
//! | how seeds are found, and when a node gives them up | `seeds` |
//! | the loop of `gossip run`, what it tells of the cluster | `run` |
//! | how an event is called and worded | `print` |
//! | where events go: standard output, the log, handlers | `output` |
//! | signals, and what systemd is told | `process` |
//! | what a running agent can be asked and told, and by whom | `control`; how the answers are shown, `client` |

mod cli;
mod client;
mod configuration;
mod control;
mod demo;
mod entropy;
mod identity;
mod keys;
mod locality;
mod output;
mod print;
mod process;
mod run;
mod seeds;
mod wrong;

use adapter_tokio::NodeId;
use anyhow::{Context as _, Result};
use clap::{
    ArgMatches, FromArgMatches as _,
    error::{ContextKind, ContextValue},
};
use cli::{Cli, Command};
use configuration::{Configuration, check, environment};
use print::{is_closed_pipe, quoted};
use std::{
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};
use wrong::Wrong;

/// The exit status when what was asked for is wrong, clap's own.
const WRONG: u8 = 2;

fn main() -> ExitCode {
    let outcome = match cli::command().try_get_matches() {
        Ok(matches) => start(&matches),
        // Help and versions come this way, too.
        Err(answer) if answer.use_stderr() => {
            say_what_is_wrong(answer);
            return ExitCode::from(WRONG);
        }
        Err(answer) => answer.print().context(UNWRITABLE),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            if !error.is::<run::Logged>() {
                output::last_words(format_args!("error: {error:#}"));
            }
            if error.is::<Wrong>() { ExitCode::from(WRONG) } else { ExitCode::FAILURE }
        }
    }
}

/// What was given stands in the answer in escapes, so that no terminal obeys it; the program's own colours are for terminals.
fn say_what_is_wrong(mut answer: clap::Error) {
    let given: Vec<(ContextKind, ContextValue)> =
        answer.context().map(|(kind, value)| (kind, value.clone())).collect();
    for (kind, value) in given {
        if let ContextValue::String(text) = value {
            answer.insert(kind, ContextValue::String(quoted(&text).into_owned()));
        }
    }
    let answer = answer.render();
    let coloured = answer.ansi().to_string();
    // Whatever else begins with an escape is not of the program.
    let is_colour = |rest: &str| {
        let end = rest.strip_prefix('[').and_then(|rest| rest.trim_start_matches(is_digit).chars().next());
        end == Some('m')
    };
    if io::stderr().is_terminal() && coloured.split('\u{1b}').skip(1).all(is_colour) {
        output::last_words_as_they_are(coloured.trim_end().to_owned());
    } else {
        output::last_words(answer.to_string().trim_end());
    }
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || c == ';'
}

/// What is said of standard output that cannot be written.
const UNWRITABLE: &str = "cannot write to standard output";

fn start(matches: &ArgMatches) -> Result<()> {
    // One thread: a node is woken a few times a second, and the demo's five share one with ease.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match matches.subcommand() {
        Some(("run", flags)) => {
            let path = configuration::path(flags, "config", &environment);
            runtime.block_on(run::run(Configuration::of(flags, path, &environment)?))
        }
        Some(("check-config", flags)) => check::execute(flags),
        _ => runtime.block_on(execute(Cli::from_arg_matches(matches)?.command)),
    }
}

async fn execute(command: Command) -> Result<()> {
    match command {
        // Both are taken apart by hand, since part of what they take is said elsewhere.
        Command::Run(_) | Command::CheckConfig(_) => Ok(()),
        Command::Id { name } => writeln!(io::stdout(), "{}", NodeId::from_name(&name)?).context(UNWRITABLE),
        Command::Keys { command } => keys::execute(command).await,
        Command::Identity { command } => identity::execute(command),
        Command::Demo(args) => demo::demo(args).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut cli::command(), "gossip", &mut script);
            io::stdout().write_all(&script).context(UNWRITABLE)
        }
        Command::Man { all: None } => {
            let mut page = Vec::new();
            clap_mangen::Man::new(cli::command()).render(&mut page)?;
            io::stdout().write_all(&page).context(UNWRITABLE)
        }
        Command::Man { all: Some(directory) } => clap_mangen::generate_to(cli::command(), &directory)
            .with_context(|| format!("cannot write to {} (--all)", directory.display())),
        Command::Client(command) => client::execute(command).await,
    }
}
