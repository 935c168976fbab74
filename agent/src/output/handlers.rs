//! Commands of the operator that run when something happens: `--on EVENT=COMMAND`.
//!
//! They run on a thread of their own, so that none of them holds up the node, however long it takes. What happened reaches a
//! command as data, on its standard input and in variables, and never as a part of the command.

use crate::{
    print::events,
    process::shell::{Ended, Failed, Reads, Shell},
};
use anyhow::{Context as _, Result};
use clap::Args;
use humantime::{format_duration, parse_duration};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};
use tokio::{
    runtime::Builder,
    sync::{Semaphore, mpsc, oneshot},
    time::timeout,
};

/// Commands that run at a time.
pub(crate) const MAX_RUNNING: usize = 8;
/// Commands that wait for one of those to end; further ones are dropped, counted and warned of.
pub(crate) const MAX_WAITING: usize = 256;
/// Warnings about commands that wait to be printed; there is no loss in further ones that say the same.
const MAX_WARNINGS: usize = 64;
/// Bytes kept of what a command writes to its standard error.
const MAX_SAID: usize = 1_024;
/// How long the end of the agent waits for commands: those that wait have begun by then.
pub(crate) const END_LIMIT: Duration = Duration::from_millis(500);

/// What `gossip run` takes for handlers.
#[derive(Debug, Args)]
#[command(next_help_heading = "Handlers")]
pub(crate) struct HandlerArgs {
    /// Runs a command when something happens: --on up='notify-send hello'; may be given several times.
    ///
    /// EVENT is the event's name, as --json prints it; several with commas, or * for all. The command is run by `sh -c`, with
    /// the event as JSON on its standard input, and in its environment GOSSIP_EVENT, GOSSIP_MEMBER (the name),
    /// GOSSIP_MEMBER_ID and GOSSIP_MEMBER_ADDRESS, which are empty where they do not apply. At most 8 commands run at a time,
    /// and 256 wait; further ones are dropped, with a warning.
    #[arg(long, value_name = "EVENT=COMMAND", value_parser = handler)]
    pub(crate) on: Vec<Handler>,

    /// How long a command of --on may take before it is killed, with all that it has started.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse_duration)]
    pub(crate) on_timeout: Duration,
}

/// A command, and what it runs for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Handler {
    events: Vec<String>,
    command: Arc<str>,
}

fn handler(text: &str) -> Result<Handler, String> {
    let advice = || {
        "a handler is EVENT=COMMAND, as up='logger hello', with an event as --json prints it, or *".to_owned()
    };
    let (events, command) = text.split_once('=').ok_or_else(advice)?;
    let events: Vec<String> = events.split(',').map(|event| event.trim().to_owned()).collect();
    if command.trim().is_empty() || events.iter().any(String::is_empty) {
        return Err(advice());
    }
    for event in events.iter().filter(|event| *event != "*") {
        events::name(event)?;
    }
    Ok(Handler { events, command: command.into() })
}

/// What happened, for a command.
#[derive(Clone, Debug)]
pub(crate) struct Happened {
    pub(crate) event: &'static str,
    pub(crate) name: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) address: Option<String>,
    /// All of it, as JSON.
    pub(crate) json: Arc<str>,
}

/// A command to run.
struct Job {
    command: Arc<str>,
    happened: Happened,
}

/// The handlers of an agent.
pub(crate) struct Handlers {
    list: Vec<Handler>,
    jobs: Option<mpsc::Sender<Job>>,
    dropped: AtomicU64,
    ended: oneshot::Receiver<()>,
}

impl Handlers {
    /// Starts the thread that runs them. What comes out of the receiver is to be warned of.
    ///
    /// # Errors
    /// There are no threads or no file descriptors left.
    pub(crate) fn start(list: Vec<Handler>, limit: Duration) -> Result<(Self, mpsc::Receiver<String>)> {
        let (jobs, waiting) = mpsc::channel(MAX_WAITING);
        let (warn, warnings) = mpsc::channel(MAX_WARNINGS);
        let (end, ended) = oneshot::channel();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let serve = move || {
            runtime.block_on(serve(waiting, warn, limit));
            // Whoever waited for it may have gone.
            let _ = end.send(());
        };
        thread::Builder::new()
            .name("gossip-handlers".to_owned())
            .spawn(serve)
            .context("cannot start the thread of the handlers")?;
        Ok((Self { list, jobs: Some(jobs), dropped: AtomicU64::new(0), ended }, warnings))
    }

    /// Puts other handlers in the place of these. Commands that run or wait are finished.
    pub(crate) fn replace(&mut self, list: Vec<Handler>) {
        self.list = list;
    }

    /// Whether anything is to be done when this happens.
    pub(crate) fn wants(&self, event: &str) -> bool {
        self.list.iter().any(|handler| handler.is_for(event))
    }

    /// Runs the commands for what has happened. Never waits.
    pub(crate) fn happened(&self, happened: &Happened) {
        let Some(jobs) = &self.jobs else { return };
        for handler in self.list.iter().filter(|handler| handler.is_for(happened.event)) {
            let job = Job { command: Arc::clone(&handler.command), happened: happened.clone() };
            if jobs.try_send(job).is_err() {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// What to warn of: that commands were dropped since the last time.
    pub(crate) fn check(&self) -> Option<String> {
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        (dropped > 0).then(|| {
            format!(
                "{dropped} commands of --on were not run, since {MAX_WAITING} wait already: have them take less time, or run for \
                 fewer events"
            )
        })
    }

    /// Waits until the commands have ended, but no longer than [`END_LIMIT`]: they go on without the agent then.
    pub(crate) async fn finish(&mut self) {
        self.jobs = None;
        let _ = timeout(END_LIMIT, &mut self.ended).await;
    }
}

impl Handler {
    fn is_for(&self, event: &str) -> bool {
        self.events.iter().any(|wanted| wanted == "*" || wanted == event)
    }
}

async fn serve(mut jobs: mpsc::Receiver<Job>, warn: mpsc::Sender<String>, limit: Duration) {
    let places = Arc::new(Semaphore::new(MAX_RUNNING));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Some(job) = jobs.recv().await else { break };
        let warn = warn.clone();
        tokio::spawn(async move {
            if let Err(why) = run(&job, limit).await {
                let warning =
                    format!("the command of --on for {}: {why}: {}", job.happened.event, job.command);
                // Where so many warn already, one more says nothing new.
                let _ = warn.try_send(warning);
            }
            drop(place);
        });
    }
    // All places are free once all have ended.
    let _ = places.acquire_many(MAX_RUNNING as u32).await;
}

/// Runs one command to its end.
///
/// # Errors
/// It cannot be started, it failed, or it took too long.
async fn run(job: &Job, limit: Duration) -> Result<(), String> {
    let Happened { event, name, id, address, json } = &job.happened;
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    let shell = Shell::new(&job.command)
        .with("GOSSIP_EVENT", event)
        .with("GOSSIP_MEMBER", &or_empty(name))
        .with("GOSSIP_MEMBER_ID", &or_empty(id))
        .with("GOSSIP_MEMBER_ADDRESS", &or_empty(address))
        .reading(format!("{json}\n"));
    match shell.run(limit, Reads::Errors(MAX_SAID)).await {
        Ok(Ended { status, .. }) if status.success() => Ok(()),
        Ok(Ended { status, printed }) => {
            let said = String::from_utf8_lossy(&printed);
            Err(format!("{status} ({})", said.trim().escape_debug()))
        }
        Err(Failed::Io(error)) => Err(format!("cannot be run: {error}")),
        Err(Failed::TooLong | Failed::TooMuch) => {
            Err(format!("was killed, since it took longer than {}", format_duration(limit)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn happened(event: &'static str) -> Happened {
        Happened { event, name: None, id: None, address: None, json: "{}".into() }
    }

    #[test]
    fn a_handler_is_an_event_or_several_and_a_command() {
        let both = handler("up,down=echo a=b").unwrap();
        assert_eq!((&*both.command, both.is_for("down"), both.is_for("left")), ("echo a=b", true, false));
        assert!(handler("*=true").unwrap().is_for("left"));
        for text in ["up", "up=", "=true", "up,,down=true"] {
            assert!(handler(text).unwrap_err().contains("EVENT=COMMAND"), "{text}");
        }
        for (text, meant) in [("Up=true", "up"), ("up,suspectd=true", "suspected")] {
            let said = handler(text).unwrap_err();
            assert!(said.contains(&format!("did you mean {meant}?")), "{said}");
        }
    }

    #[tokio::test]
    async fn commands_that_find_no_place_are_counted_and_warned_of() {
        let hang = handler("up=sleep 5").unwrap();
        let (handlers, _warnings) = Handlers::start(vec![hang], Duration::from_secs(2)).unwrap();
        let all = 2 * (MAX_RUNNING + MAX_WAITING);
        (0..all).for_each(|_| handlers.happened(&happened("up")));
        handlers.happened(&happened("down"));
        let dropped = handlers.dropped.load(Ordering::Relaxed) as usize;
        let least = all - MAX_RUNNING - MAX_WAITING;
        assert!((least..=least + MAX_RUNNING).contains(&dropped), "{dropped}");
        assert!(handlers.check().unwrap().contains("were not run"));
        assert_eq!(handlers.check(), None, "told once");
    }

    #[tokio::test]
    async fn a_command_that_writes_much_is_neither_stopped_nor_kept() {
        let chatty = handler("up=head -c 1000000 /dev/zero >&2; exit 3").unwrap();
        let (mut handlers, mut warnings) = Handlers::start(vec![chatty], Duration::from_secs(60)).unwrap();
        handlers.happened(&happened("up"));
        let warning = warnings.recv().await.unwrap();
        assert!(warning.contains("exit status: 3") && warning.len() < 8 * MAX_SAID, "{}", warning.len());
        handlers.finish().await;
    }
}
