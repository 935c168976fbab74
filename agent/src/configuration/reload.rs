//! SIGHUP: the configuration file is read again. What can change while a node runs changes, and the rest is told of.

use super::Configuration;
use crate::{
    output::Output,
    print::Line,
    run::tags::{self, Tags},
    wrong::Wrong,
};
use adapter_tokio::{Config, Handle, Seed};
use std::time::SystemTime;

/// Settings that make up the library's configuration.
const OF_CONFIG: [&str; 3] = ["preset", "config", "quarantine"];

/// Reads the file of a running node again, and does what it says.
pub(crate) fn reload(running: &mut Configuration, handle: &Handle, output: &mut Output) {
    let next = match running.again() {
        Ok(next) => next,
        Err(Wrong(why)) => {
            return output.warn(format!("the configuration is wrong, and nothing has changed: {why}"));
        }
    };
    let (mut applied, mut refused) = (Vec::new(), Vec::new());
    for key in running.differences(&next) {
        let mut change = Change { running, next: &next, handle, output };
        match change.apply(&key) {
            Ok(true) => applied.push(key),
            Ok(false) => refused.push(key),
            Err(why) => output.warn(format!("{key} has not changed: {why}")),
        }
    }
    running.take_over(next, &applied);
    for key in refused {
        output.warn(format!("{key} has changed in the configuration: restart this node for it to count"));
    }
    let note = if applied.is_empty() { "nothing has changed".to_owned() } else { applied.join(", ") };
    tracing::info!(target: "gossip", "the configuration was read again: {note}");
    output.print(&Line::bare("reloaded", SystemTime::now()).noted(note));
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
