//! `gossip run`: one node, from its seeds' first look-up to its leave.

use crate::{
    UNWRITABLE,
    cli::RunArgs,
    print::{Format, LAST_WORDS, Line, Output},
    signals,
};
use adapter_tokio::{Cluster, Handle, Lagged, LeaveOutcome, Options, Seed, Stopped};
use anyhow::{Error, Result, anyhow, bail};
use std::{collections::HashSet, time::Duration};
use tokio::{
    sync::oneshot,
    time::{Instant, interval_at},
};

/// How often the seeds are looked after.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// Checks of the seeds before the operator is told that none has answered: by then a name was looked up three
/// times, and an address was asked at least as often.
const PATIENCE: u32 = 5;
/// Leaving takes a few rounds of gossip; after this, whoever has not heard finds out by probing.
const LEAVE_LIMIT: Duration = Duration::from_secs(5);
/// How long the program goes on after a signal, whatever happens: it leaves, says its last words, and ends.
const END_LIMIT: Duration = LEAVE_LIMIT.saturating_add(LAST_WORDS).saturating_add(Duration::from_millis(250));

/// Runs a node until a signal, or until nobody reads its output.
///
/// # Errors
/// Why the node could not start or go on, and what to do.
pub(crate) async fn run(args: RunArgs) -> Result<()> {
    let signal = signals::listen(END_LIMIT)?;
    let mut output = Output::start(Format::of(args.json))?;
    let outcome = live(args, signal, &mut output).await;
    output.finish();
    outcome
}

/// Nothing here waits for whoever reads the output: the protocol runs on this very thread.
async fn live(args: RunArgs, mut signal: oneshot::Receiver<()>, output: &mut Output) -> Result<()> {
    let mut seeds = SeedCheck::new(&args.join);
    let (handle, driver) = args.adapter.bind(options(args)?).await?;
    let mut events = handle.events();
    let mut driver = driver.spawn();
    let mut checks = interval_at(Instant::now() + CHECK_INTERVAL, CHECK_INTERVAL);
    output.print(&Line::of_me("started", &handle.me()));
    let unwritable = loop {
        tokio::select! {
            Some(next) = events.next() => output.print(&match next {
                Ok(notice) => Line::of_notice(&notice, &handle.me()),
                Err(Lagged(missed)) => Line::lagged(missed),
            }),
            _ = checks.tick() => seeds.check(&handle, output)?,
            _ = &mut signal => break None,
            // Whoever reads the output may go away, as in `gossip run | head`: then it is time to leave, too.
            error = output.failed() => break Some(Error::new(error).context(UNWRITABLE)),
            stopped = &mut driver => return Err(stopped_by_itself(stopped.map_err(Error::from).and_then(|how| how))),
        }
    };
    let left = leave(&handle, output).await;
    unwritable.map_or(left, Err)
}

fn stopped_by_itself(how: Result<Stopped>) -> Error {
    match how {
        Ok(_) => anyhow!("the node left without being asked to"),
        Err(error) => error.context("the node stopped by itself"),
    }
}

fn options(args: RunArgs) -> Result<Options> {
    let config = args.preset.config(Cluster::named(&args.cluster)?);
    Ok(Options {
        bind: args.bind,
        advertise: args.advertise,
        seeds: args.join,
        locality: args.locality,
        epoch_file: args.epoch_file,
        ..Options::new(args.name, config)
    })
}

/// What the operator is told of the seeds.
struct SeedCheck {
    given: usize,
    unresolved: Vec<(String, String)>,
    checks: u32,
}

impl SeedCheck {
    fn new(seeds: &[Seed]) -> Self {
        let given = seeds.iter().collect::<HashSet<_>>().len();
        Self { given, unresolved: Vec::new(), checks: 0 }
    }

    /// Warns of names that newly cannot be found, and once of seeds that do not answer.
    ///
    /// A node that was told whom to join and can find none of them would be a cluster of its own and look as
    /// if all were well, so it stops, and whatever restarts it tries again. A node that has joined never stops
    /// for want of DNS.
    ///
    /// # Errors
    /// None of the seeds was found since the start.
    fn check(&mut self, handle: &Handle, output: &Output) -> Result<()> {
        let unresolved = handle.unresolved_seeds();
        for (seed, reason) in unresolved.iter().filter(|failure| !self.unresolved.contains(failure)) {
            output
                .warn(format_args!("{seed} (--join) cannot be found: {reason}; it will be looked up again"));
        }
        self.unresolved = unresolved;
        self.checks = self.checks.saturating_add(1);
        if self.given == 0 || self.checks != PATIENCE || !handle.members().is_empty() {
            return Ok(());
        }
        if self.unresolved.len() == self.given {
            bail!("no node given with --join can be found: check their names, and that DNS answers here");
        }
        output.warn(
            "no node given with --join has answered yet; still trying. Check that one of them runs, that UDP \
             passes, and that it was started with the same --cluster",
        );
        Ok(())
    }
}

/// Tells the others, and waits until enough of them know.
async fn leave(handle: &Handle, output: &Output) -> Result<()> {
    match handle.leave(LEAVE_LIMIT).await {
        LeaveOutcome::Left => {}
        LeaveOutcome::TimedOut => output.warn("not enough others answered the leave: some may see a crash"),
        LeaveOutcome::DriverDropped => bail!("the node stopped before it could leave: others see a crash"),
    }
    output.print(&Line::of_me("stopped", &handle.me()));
    Ok(())
}
