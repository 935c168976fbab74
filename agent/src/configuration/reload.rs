//! SIGHUP: the files are read again. What can change while a node runs changes, and the rest is told of.

use super::{Configuration, Origin};
use crate::{
    output::Output,
    print::Line,
    run::tags::{self, Tags},
    wrong::Wrong,
};
use adapter_tokio::{Config, Handle, KeyError, KeyRing, Seed, SetKeysError};
use std::{
    ffi::OsString,
    thread,
    time::{Duration, Instant, SystemTime},
};
use tokio::sync::oneshot;

/// Settings that make up the library's configuration.
const OF_CONFIG: [&str; 3] = ["preset", "config", "quarantine"];
/// The settings of sealing, which change together.
const KEYS: &str = "keys";
const SEALING: &str = "sealing";

/// How long the files may take before the operator is told that they take long.
const LATE: Duration = Duration::from_secs(10);

/// The configuration of a running node, and its files, read again when that is asked for.
///
/// A thread reads them, so that a disk that does not answer holds up nobody, and one at a time: whoever asks meanwhile is
/// heard after it.
pub(crate) struct Reload {
    running: Configuration,
    reading: Option<Reading>,
    /// What was warned of after the last time, with the values that it was about: it is said once.
    told: Vec<Warning>,
}

/// Files that are being read.
struct Reading {
    outcome: oneshot::Receiver<Result<Files, Wrong>>,
    since: Instant,
    is_late: bool,
    /// Who waits for the keys; nobody, where all that has changed is to count.
    keys: Option<KeysOrder>,
}

/// What the files say: the configuration, and the keys, if there is a file of them.
struct Files {
    configuration: Configuration,
    ring: Option<Result<KeyRing, String>>,
}

impl Files {
    fn read(origin: Origin) -> Result<Self, Wrong> {
        let configuration = origin.again()?;
        let ring = configuration.ring();
        Ok(Self { configuration, ring })
    }
}

/// An order to take the keys, and the mode of sealing, from the files again, and nothing else.
#[derive(Debug)]
pub(crate) struct KeysOrder {
    /// Also if a key in use is missing in it.
    pub(crate) force: bool,
    /// Told when it is done, or why it is not.
    pub(crate) done: oneshot::Sender<Result<(), String>>,
}

/// What was read, and what for.
pub(crate) struct Outcome {
    files: Result<Files, Wrong>,
    keys: Option<KeysOrder>,
}

/// Words, and what they are about.
#[derive(PartialEq, Eq)]
struct Warning(String, Vec<OsString>);

impl Reload {
    pub(crate) fn new(running: Configuration) -> Self {
        Self { running, reading: None, told: Vec::new() }
    }

    /// Begins to read the files.
    pub(crate) fn begin(&mut self) {
        let origin = self.running.origin();
        self.begin_with(move || Files::read(origin), None);
    }

    /// Begins to read the files for the keys and the mode of sealing alone.
    pub(crate) fn begin_keys(&mut self, order: KeysOrder) {
        if self.is_reading() {
            // Whoever waits may have gone.
            let _ = order.done.send(Err("the files are being read already: try again".to_owned()));
            return;
        }
        let origin = self.running.origin();
        self.begin_with(move || Files::read(origin), Some(order));
    }

    fn begin_with(
        &mut self,
        read: impl FnOnce() -> Result<Files, Wrong> + Send + 'static,
        keys: Option<KeysOrder>,
    ) {
        let (tell, outcome) = oneshot::channel();
        let read = move || {
            // Whoever wanted to know may be gone.
            let _ = tell.send(read());
        };
        // Without a thread, nobody tells, which is an outcome, too.
        let _ = thread::Builder::new().name("gossip-reload".to_owned()).spawn(read);
        self.reading = Some(Reading { outcome, since: Instant::now(), is_late: false, keys });
    }

    /// Whether the files are being read: then nobody should begin.
    pub(crate) fn is_reading(&self) -> bool {
        self.reading.is_some()
    }

    /// What the files say, once they are read.
    pub(crate) async fn read(&mut self) -> Outcome {
        let Some(reading) = &mut self.reading else { return std::future::pending().await };
        let files = (&mut reading.outcome).await;
        let keys = self.reading.take().and_then(|reading| reading.keys);
        let no_thread = |_| Err(Wrong("its files could not be read: no thread can be started".to_owned()));
        Outcome { files: files.unwrap_or_else(no_thread), keys }
    }

    /// What to warn of, once: that the files are not read yet.
    pub(crate) fn check(&mut self) -> Option<String> {
        let reading =
            self.reading.as_mut().filter(|reading| !reading.is_late && reading.since.elapsed() >= LATE)?;
        reading.is_late = true;
        Some(format!(
            "the files of --config and --keys have not been read for {} s: look at the disk that they are on; until then nothing \
             changes",
            LATE.as_secs()
        ))
    }

    /// Does what the files say. Returns whether all of it was applied, as after SIGHUP, and not the keys alone.
    pub(crate) fn apply(&mut self, outcome: Outcome, handle: &Handle, output: &mut Output) -> bool {
        let Outcome { files, keys: order } = outcome;
        if let Some(KeysOrder { force, done }) = order {
            let set =
                files.map_err(|Wrong(why)| why).and_then(|files| self.reload_keys(files, force, handle));
            // Whoever waits may have gone.
            let _ = done.send(set);
            return false;
        }
        match files {
            Ok(files) => self.apply_all(files, handle, output),
            Err(Wrong(why)) => {
                tracing::info!(target: "gossip", "the configuration was read again, and is wrong");
                let why = format!("the configuration is wrong, and nothing has changed: {why}");
                self.warn(vec![Warning(why, Vec::new())], output);
            }
        }
        true
    }

    fn apply_all(&mut self, files: Files, handle: &Handle, output: &mut Output) {
        let Files { configuration: next, ring } = files;
        let (mut applied, mut warnings, mut refused) = (Vec::new(), Vec::new(), None);
        let differences = self.running.differences(&next);
        for key in differences.into_iter().filter(|key| key != KEYS && key != SEALING) {
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
        let mut taken_over = applied.clone();
        match self.set_keys(&next, ring, false, handle) {
            Ok(changed) => {
                applied.extend(changed);
                taken_over.extend([KEYS, SEALING].map(str::to_owned));
            }
            Err(why) => {
                let about = [KEYS, SEALING].iter().flat_map(|key| next.texts(key)).collect();
                let why = format!("keys and sealing have not changed: {why}");
                refused = Some(why.clone());
                warnings.push(Warning(why, about));
            }
        }
        self.running.take_over(next, &taken_over);
        self.warn(warnings, output);
        let mut note = if applied.is_empty() { "nothing has changed".to_owned() } else { applied.join(", ") };
        // It is warned of once, and said each time.
        refused.into_iter().for_each(|why| note = format!("{note}; {why}"));
        tracing::info!(target: "gossip", "the configuration was read again: {note}");
        output.print(&Line::bare("reloaded", SystemTime::now()).noted(note));
    }

    /// Takes the keys and the mode of sealing alone: both, or neither.
    fn reload_keys(&mut self, files: Files, force: bool, handle: &Handle) -> Result<(), String> {
        let Files { configuration: next, ring } = files;
        if ring.is_none() {
            return Err("this agent has no file of keys: give it one with --keys".to_owned());
        }
        self.set_keys(&next, ring, force, handle)?;
        self.running.take_over(next, &[KEYS, SEALING].map(str::to_owned));
        tracing::info!(target: "gossip", "the keys were read again");
        Ok(())
    }

    /// Gives the node the keys and the mode that the files have now. Returns which of the two have changed.
    fn set_keys(
        &self,
        next: &Configuration,
        ring: Option<Result<KeyRing, String>>,
        force: bool,
        handle: &Handle,
    ) -> Result<Vec<String>, String> {
        let Some(ring) = ring else {
            return match (&self.running.args.keys, next.args.sealing) {
                (Some(_), _) => Err("their file is named no more: restart this node for that to count, or say sealing = \"off\" \
                                     and leave it named"
                    .to_owned()),
                (None, Some(sealing)) if sealing.needs_keys() => {
                    Err("sealing needs keys: give their file with --keys".to_owned())
                }
                (None, _) => Ok(Vec::new()),
            };
        };
        let before = handle.keys();
        handle.set_keys(ring?, next.args.sealing(), force).map_err(|error| match error {
            SetKeysError::Key(KeyError::InUse { .. } | KeyError::NotUnderstood { .. }) => {
                format!("{error} with `gossip keys reload --force`")
            }
            error => error.to_string(),
        })?;
        let after = handle.keys();
        let ids = |view: &adapter_tokio::KeysView| view.keys.iter().map(|(id, _)| *id).collect::<Vec<_>>();
        let changed = [(KEYS, ids(&before) != ids(&after)), (SEALING, before.sealing != after.sealing)];
        Ok(changed.iter().filter(|(_, changed)| *changed).map(|(key, _)| (*key).to_owned()).collect())
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
        let next = Files { configuration: configuration(), ring: None };
        reload.begin_with(move || on.recv().map(|()| next).map_err(|_| Wrong(String::new())), None);
        assert!(reload.is_reading() && reload.check().is_none());
        let nothing = tokio::time::timeout(Duration::from_millis(1), reload.read()).await;
        assert!(nothing.is_err() && reload.is_reading(), "it goes on");
        if let Some(reading) = &mut reload.reading {
            reading.since = Instant::now().checked_sub(LATE).unwrap();
        }
        assert!(reload.check().unwrap().contains("10 s"));
        assert_eq!(reload.check(), None, "told once");
        go.send(()).unwrap();
        assert!(reload.read().await.files.is_ok() && !reload.is_reading());
    }
}
