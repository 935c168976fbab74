//! SIGHUP: the configuration file is read again. What can change while a node runs changes, and the rest is told of.

use super::Configuration;
use crate::{
    output::Output,
    print::Line,
    run::tags::{self, Tags},
    wrong::Wrong,
};
use adapter_tokio::{Config, Handle, Seed};
use std::{
    ffi::OsString,
    thread,
    time::{Duration, Instant, SystemTime},
};
use tokio::sync::oneshot;

/// Settings that make up the library's configuration.
const OF_CONFIG: [&str; 3] = ["preset", "config", "quarantine"];

/// How long the file may take before the operator is told that it takes long.
const LATE: Duration = Duration::from_secs(10);

/// The configuration of a running node, and its file, read again when that is asked for.
///
/// A thread reads the file, so that a disk that does not answer holds up nobody, and one at a time: whoever asks meanwhile is
/// heard after it.
pub(crate) struct Reload {
    running: Configuration,
    reading: Option<Reading>,
    /// What was warned of after the last time, with the values that it was about: it is said once.
    told: Vec<Warning>,
}

/// A file that is being read.
struct Reading {
    outcome: oneshot::Receiver<Outcome>,
    since: Instant,
    is_late: bool,
}

/// What a file says.
pub(crate) type Outcome = Result<Configuration, Wrong>;

/// Words, and what they are about.
#[derive(PartialEq, Eq)]
struct Warning(String, Vec<OsString>);

impl Reload {
    pub(crate) fn new(running: Configuration) -> Self {
        Self { running, reading: None, told: Vec::new() }
    }

    /// Begins to read the file.
    pub(crate) fn begin(&mut self) {
        let origin = self.running.origin();
        self.begin_with(move || origin.again());
    }

    fn begin_with(&mut self, read: impl FnOnce() -> Outcome + Send + 'static) {
        let (tell, outcome) = oneshot::channel();
        let read = move || {
            // Whoever wanted to know may be gone.
            let _ = tell.send(read());
        };
        // Without a thread, nobody tells, which is an outcome, too.
        let _ = thread::Builder::new().name("gossip-reload".to_owned()).spawn(read);
        self.reading = Some(Reading { outcome, since: Instant::now(), is_late: false });
    }

    /// Whether the file is being read: then nobody should begin.
    pub(crate) fn is_reading(&self) -> bool {
        self.reading.is_some()
    }

    /// What the file says, once it is read.
    pub(crate) async fn read(&mut self) -> Outcome {
        let Some(reading) = &mut self.reading else { return std::future::pending().await };
        let outcome = (&mut reading.outcome).await;
        self.reading = None;
        outcome
            .unwrap_or_else(|_| Err(Wrong("its file could not be read: no thread can be started".to_owned())))
    }

    /// What to warn of, once: that the file is not read yet.
    pub(crate) fn check(&mut self) -> Option<String> {
        let reading =
            self.reading.as_mut().filter(|reading| !reading.is_late && reading.since.elapsed() >= LATE)?;
        reading.is_late = true;
        Some(format!(
            "the file of --config has not been read for {} s: look at the disk that it is on; until then nothing changes",
            LATE.as_secs()
        ))
    }

    /// Does what the file says.
    pub(crate) fn apply(&mut self, outcome: Outcome, handle: &Handle, output: &mut Output) {
        let next = match outcome {
            Ok(next) => next,
            Err(Wrong(why)) => {
                tracing::info!(target: "gossip", "the configuration was read again, and is wrong");
                let why = format!("the configuration is wrong, and nothing has changed: {why}");
                return self.warn(vec![Warning(why, Vec::new())], output);
            }
        };
        let (mut applied, mut warnings) = (Vec::new(), Vec::new());
        for key in self.running.differences(&next) {
            let mut change = Change { running: &self.running, next: &next, handle, output };
            let why = match change.apply(&key) {
                Ok(true) => {
                    applied.push(key);
                    continue;
                }
                Ok(false) => {
                    format!("{key} has changed in the configuration: restart this node for it to count")
                }
                Err(why) => format!("{key} has not changed: {why}"),
            };
            warnings.push(Warning(why, next.texts(&key)));
        }
        self.running.take_over(next, &applied);
        self.warn(warnings, output);
        let note = if applied.is_empty() { "nothing has changed".to_owned() } else { applied.join(", ") };
        tracing::info!(target: "gossip", "the configuration was read again: {note}");
        output.print(&Line::bare("reloaded", SystemTime::now()).noted(note));
    }

    /// Warns of what was not warned of the last time.
    fn warn(&mut self, warnings: Vec<Warning>, output: &Output) {
        let new = warnings.iter().filter(|warning| !self.told.contains(warning));
        new.for_each(|Warning(why, _)| output.warn(why));
        self.told = warnings;
    }
}

/// From one configuration to the next.
struct Change<'c> {
    running: &'c Configuration,
    next: &'c Configuration,
    handle: &'c Handle,
    output: &'c mut Output,
}

impl Change<'_> {
    /// Applies one setting. False: it takes a restart.
    fn apply(&mut self, key: &str) -> Result<bool, String> {
        let args = &self.next.args;
        match key {
            "join" => self.join(&self.running.args.join, &args.join),
            "tag" => tags::change(self.handle, &Tags::of(&self.running.args.tag)?, &Tags::of(&args.tag)?)?,
            "log" => self.output.log().set_filter(args.log.log.clone()),
            "on" => self.output.handlers().replace(args.handlers.on.clone()),
            key if OF_CONFIG.contains(&key) => return self.reconfigure(),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Seeds that are no longer named are not asked any more after the next start: the node may know more than one way back.
    fn join(&self, before: &[Seed], now: &[Seed]) {
        self.handle.join(now.iter().filter(|seed| !before.contains(seed)).cloned());
    }

    /// Takes over the library's configuration, if nothing in it has changed that is fixed at the start.
    fn reconfigure(&self) -> Result<bool, String> {
        let config =
            |of: &Configuration| of.options().map(|options| options.config).map_err(|Wrong(why)| why);
        let (before, now) = (config(self.running)?, config(self.next)?);
        let now: Config = now.with(|c| c.cluster = before.cluster);
        if before.check_change(&now).is_err() {
            return Ok(false);
        }
        self.handle.reconfigure(now).map_err(|error| error.to_string())?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::tests::of;
    use std::sync::mpsc::channel;

    #[tokio::test]
    async fn a_file_that_is_not_read_holds_up_nobody_and_is_warned_of_once() {
        let configuration = || of("name = 'a'\ncluster = 'c'\n", &[], "").unwrap();
        let mut reload = Reload::new(configuration());
        let (go, on) = channel::<()>();
        let next = configuration();
        reload.begin_with(move || on.recv().map(|()| next).map_err(|_| Wrong(String::new())));
        assert!(reload.is_reading() && reload.check().is_none());
        let nothing = tokio::time::timeout(Duration::from_millis(1), reload.read()).await;
        assert!(nothing.is_err() && reload.is_reading(), "it goes on");
        if let Some(reading) = &mut reload.reading {
            reading.since = Instant::now().checked_sub(LATE).unwrap();
        }
        assert!(reload.check().unwrap().contains("10 s"));
        assert_eq!(reload.check(), None, "told once");
        go.send(()).unwrap();
        assert!(reload.read().await.is_ok() && !reload.is_reading());
    }
}
