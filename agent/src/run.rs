//! `gossip run`: one node, from its seeds' first look-up to its leave.

use crate::{
    cli::RunArgs,
    print::{self, Format, Line},
};
use adapter_tokio::{Cluster, Handle, Lagged, LeaveOutcome, Options, Seed};
use anyhow::{Result, bail};
use std::{collections::HashSet, io, process, time::Duration};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, interval_at},
};

/// How often the seeds are looked after.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// Checks of the seeds before the operator is told that none has answered: by then a name was looked up three
/// times, and an address was asked at least as often.
const PATIENCE: u32 = 5;
/// Leaving takes a few rounds of gossip; after this, whoever has not heard finds out by probing.
const LEAVE_LIMIT: Duration = Duration::from_secs(5);
/// What a shell reports of a program that Ctrl-C ended: 128 + SIGINT.
const INTERRUPTED: i32 = 130;

/// Runs a node until a signal, or until nobody reads its output.
///
/// # Errors
/// Why the node could not start or go on, and what to do.
pub(crate) async fn run(args: RunArgs) -> Result<()> {
    let format = Format::of(args.json);
    let mut signals = Signals::listen()?;
    let mut seeds = SeedCheck::new(&args.join);
    let (handle, driver) = args.adapter.bind(options(args)?).await?;
    let mut events = handle.events();
    let mut driver = driver.spawn();
    let mut checks = interval_at(Instant::now() + CHECK_INTERVAL, CHECK_INTERVAL);
    let mut printed = format.print(&Line::of_me("started", &handle.me()));
    // Whoever reads the output may go away, as in `gossip run | head`: then it is time to leave, too.
    while printed.is_ok() {
        tokio::select! {
            Some(next) = events.next() => printed = format.print(&match next {
                Ok(notice) => Line::of_notice(&notice, &handle.me()),
                Err(Lagged(missed)) => Line::lagged(missed),
            }),
            _ = checks.tick() => seeds.check(&handle)?,
            () = signals.next() => break,
            stopped = &mut driver => bail!("the node stopped by itself: {stopped:?}"),
        }
    }
    leave(&handle, &mut signals, format).await
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
    fn check(&mut self, handle: &Handle) -> Result<()> {
        let unresolved = handle.unresolved_seeds();
        for (seed, reason) in unresolved.iter().filter(|failure| !self.unresolved.contains(failure)) {
            print::warn(format_args!(
                "{seed} (--join) cannot be found: {reason}; it will be looked up again"
            ));
        }
        self.unresolved = unresolved;
        self.checks = self.checks.saturating_add(1);
        if self.given == 0 || self.checks != PATIENCE || !handle.members().is_empty() {
            return Ok(());
        }
        if self.unresolved.len() == self.given {
            bail!("no node given with --join can be found: check their names, and that DNS answers here");
        }
        print::warn(
            "no node given with --join has answered yet; still trying. Check that one of them runs, that UDP \
             passes, and that it was started with the same --cluster",
        );
        Ok(())
    }
}

/// Tells the others, and waits until enough of them know; a second signal ends the program at once.
async fn leave(handle: &Handle, signals: &mut Signals, format: Format) -> Result<()> {
    let outcome = tokio::select! {
        outcome = handle.leave(LEAVE_LIMIT) => outcome,
        () = signals.next() => process::exit(INTERRUPTED),
    };
    match outcome {
        LeaveOutcome::Left => {}
        LeaveOutcome::TimedOut => print::warn("not enough others answered the leave: some may see a crash"),
        LeaveOutcome::DriverDropped => bail!("the node stopped before it could leave: others see a crash"),
    }
    // Whoever read the output may be gone, which is no reason to fail after a leave.
    let _ = format.print(&Line::of_me("stopped", &handle.me()));
    Ok(())
}

/// Ctrl-C and SIGTERM.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => (),
            _ = self.terminate.recv() => (),
        }
    }
}
