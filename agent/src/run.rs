//! `gossip run`: one node, from its seeds' first look-up to its leave.

pub(crate) mod adapter;
mod addresses;
mod gone;
mod shared_values;
mod story;
pub(crate) mod tags;
mod unnamed;

use crate::{
    UNWRITABLE,
    configuration::{Configuration, in_options, reload::Reload},
    control::{Control, Orders, answer_reach, answer_views},
    output::{
        LAST_WORDS, Output,
        handlers::{self, Handlers},
    },
    print::{Format, Line, is_closed_pipe, with_sources},
    process::{
        signals,
        systemd::{self, Service},
    },
    seeds::{SeedCheck, Seen, discovery},
    wrong::Wrong,
};
use adapter_tokio::{Handle, Lagged, Restored, Stopped};
use anyhow::{Error, Result, anyhow};
use shared_values::{said, unheard};
use std::{fmt, path::PathBuf, time::Duration};
use story::Story;
use tags::Tags;
use tokio::{
    sync::mpsc,
    time::{Instant, interval_at},
};

/// How often the seeds are looked after.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// Leaving takes a round trip or a few; after this, whoever has not heard finds out by probing.
const LEAVE_LIMIT: Duration = Duration::from_secs(5);
/// How long the program goes on after a signal, whatever happens: it leaves, says its last words, and ends.
const END_LIMIT: Duration = LEAVE_LIMIT
    .saturating_add(handlers::END_LIMIT)
    .saturating_add(LAST_WORDS)
    .saturating_add(Duration::from_millis(250));

/// Why the program ends is in the log already.
#[derive(Debug)]
pub(crate) struct Logged;

impl fmt::Display for Logged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it is in the log")
    }
}

/// Runs a node until a signal, or until no one reads its output.
///
/// # Errors
/// Why the node could not start or go on, and what to do.
pub(crate) async fn run(configuration: Configuration) -> Result<()> {
    let args = &configuration.args;
    let signals = signals::listen(END_LIMIT, args.config.is_some() || args.keys.is_some())?;
    let (handlers, warnings) = Handlers::start(args.handlers.on.clone(), args.handlers.on_timeout)?;
    let mut output = Output::start(Format::of(args.json), &args.log, handlers)?;
    let outcome = live(configuration, (signals, warnings), &mut output).await;
    let outcome = outcome.map_err(|error| {
        if is_closed_pipe(&error) {
            return error;
        }
        tracing::error!(target: "gossip", "{error:#}");
        error.context(Logged)
    });
    output.finish().await;
    outcome
}

/// Nothing here waits for whoever reads the output: the protocol runs on this very thread.
async fn live(
    configuration: Configuration,
    (mut signals, mut warnings): (signals::Told, mpsc::Receiver<String>),
    output: &mut Output,
) -> Result<()> {
    let args = &configuration.args;
    let mut seeds = SeedCheck::new(args);
    let name = args.name.clone();
    let mut view_file = ViewFileCheck(args.view_file.clone());
    let (control, cluster) = (Control::of(&args.control, &args.name)?, args.cluster.clone());
    let (handle, driver) = args.adapter.bind(configuration.options_to_start()?).await.map_err(in_options)?;
    let (mut events, mut user_events) = (handle.events(), handle.user_events());
    let mut told = Story::of(&handle, &name);
    // Before anybody hears of this node: one that is refused is none whose death others have to notice. Starting again would
    // not help.
    let tags = Tags::of(&args.tag).map_err(Wrong)?;
    tags::change(&handle, &Tags::default(), &tags).map_err(Wrong)?;
    let mut driver = driver.spawn();
    answer_views(&handle);
    answer_reach(&handle);
    let mut undiscovered = discovery::start(&args.discovery, &handle)?;
    let mut service = Service::starting(!args.join.is_empty() || args.discovery.has_any());
    let place = args.locality.clone();
    let mut reload = Reload::new(configuration);
    let mut checks = interval_at(Instant::now() + CHECK_INTERVAL, CHECK_INTERVAL);
    let (answers_at, _serving, mut orders) = control.start(&handle, (&name, &cluster, &place), output)?;
    output.print(&Line::of_me("started", &handle.me(), &name).noted(answers_at.to_string()));
    if let Restored::Ignored(error) = handle.restored() {
        output.warn(with_sources(error));
    }
    let unwritable = loop {
        tokio::select! {
            Some(next) = events.next() => told.go_on(next, output),
            () = told.until_late() => told.late(output),
            Some(next) = user_events.next() => output.print(&match next {
                Ok(event) => said(&handle, &event),
                Err(Lagged(missed)) => unheard(missed),
            }),
            _ = checks.tick() => {
                service.check(&handle);
                let of_view = view_file.check(handle.host_metrics().view_errors);
                let warnings = seeds.check(&Seen::by(&handle))?.into_iter().chain(of_view).chain(reload.check());
                warnings.for_each(|text| output.warn(text));
                output.handlers().check().into_iter().for_each(|text| output.warn_of_handler(text));
            }
            Some(warning) = warnings.recv() => output.warn_of_handler(warning),
            Some(warning) = undiscovered.recv() => output.warn(warning),
            Some(()) = signals.reload.recv(), if !reload.is_reading() => {
                service.begin_reload();
                reload.begin();
            }
            read = reload.read() => if reload.apply(read, &handle, output) { service.end_reload() },
            _ = &mut signals.end => break None,
            Some(order) = orders.recv() => match order {
                Orders::Leave => break None,
                Orders::ReloadKeys(order) => reload.begin_keys(order),
            },
            // Whoever reads the output may go away, as in `gossip run | head`: then it is time to leave, too.
            error = output.failed() => break Some(Error::new(error).context(UNWRITABLE)),
            stopped = &mut driver => return Err(stopped_by_itself(stopped.map_err(Error::from).and_then(|how| how))),
        }
    };
    told.end(output);
    systemd::stopping();
    let left = leave(&handle, &name, output).await;
    unwritable.map_or(left, Err)
}

/// Where the view is to be kept, until it was told once that this fails.
struct ViewFileCheck(Option<PathBuf>);

impl ViewFileCheck {
    /// What to warn of, once: so many writes of the view have failed.
    fn check(&mut self, failed: u64) -> Option<String> {
        let path = self.0.take_if(|_| failed > 0)?;
        Some(format!(
            "the view file {} (--view-file) cannot be written: name a file in a directory that exists and is writable; until \
             then a restart of this node needs --join",
            path.display()
        ))
    }
}

fn stopped_by_itself(how: Result<Stopped>) -> Error {
    match how {
        Ok(_) => anyhow!("the node left without being asked to"),
        Err(error) => error.context("the node stopped by itself"),
    }
}

/// Tells the others, and waits until enough of them have acknowledged it.
///
/// # Errors
/// Others were there, and none has acknowledged it.
async fn leave(handle: &Handle, name: &str, output: &Output) -> Result<()> {
    let outcome = handle.leave(LEAVE_LIMIT).await;
    let note = outcome.map_or_else(|error| error.to_string(), |left| left.to_string());
    output.print(&Line::of_me("stopped", &handle.me(), name).noted(note));
    outcome?;
    Ok(())
}
