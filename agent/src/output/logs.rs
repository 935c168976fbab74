//! The log on standard error, through `tracing`: what the program and the library have to say beside the events.
//!
//! Whoever logs never waits for standard error to be read: lines go through a [`Stream`], which drops and counts what does
//! not fit.

use super::stream::Stream;
use crate::print::printable;
use clap::{Args, ValueEnum};
use std::{
    io,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    Layer as _, Registry,
    filter::Targets,
    fmt::{self, MakeWriter},
    layer::SubscriberExt as _,
    reload,
};

/// What `gossip run` takes for its log.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct LogArgs {
    /// What to log on standard error: off, error, warn, info, debug or trace; or of some parts another level than of the rest,
    /// as in warn,gossip_core=debug.
    #[arg(long, value_name = "LEVEL", default_value = "info", value_parser = filter)]
    pub(crate) log: Targets,

    /// How to log.
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people: time, level, where it comes from, and what there is to say.
    Text,
    /// For programs: one object a line.
    Json,
}

/// A level, or levels by target.
fn filter(text: &str) -> Result<Targets, String> {
    let is_level = |level: &str| !level.is_empty() && level.parse::<LevelFilter>().is_ok();
    let level = |part: &str| part.rsplit('=').next().is_some_and(is_level);
    match text.parse() {
        Ok(filter) if text.split(',').all(level) => Ok(filter),
        _ => Err(
            "give off, error, warn, info, debug or trace, or levels by part, as in warn,gossip_core=debug"
                .into(),
        ),
    }
}

impl LogFormat {
    /// The line that stands for this many dropped ones.
    pub(crate) fn lost(self) -> fn(u64) -> String {
        fn said(lines: u64) -> (String, String) {
            let at = humantime::format_rfc3339_micros(SystemTime::now()).to_string();
            (at, format!("{lines} lines of the log were dropped here, since it is read too slowly"))
        }
        match self {
            Self::Text => |lines| {
                let (at, said) = said(lines);
                format!("{at}  WARN gossip: {said}")
            },
            Self::Json => |lines| {
                let (timestamp, message) = said(lines);
                serde_json::json!({"timestamp": timestamp, "level": "WARN", "message": message, "target": "gossip"})
                    .to_string()
            },
        }
    }
}

/// The log of this process.
pub(crate) struct Log {
    stream: Arc<Stream>,
    filter: reload::Handle<Targets, Registry>,
}

impl Log {
    /// Has all that is logged in this process written to a stream.
    pub(crate) fn start(args: &LogArgs, stream: Stream) -> Self {
        let stream = Arc::new(stream);
        let (filter, handle) = reload::Layer::new(args.log.clone());
        let lines = Lines { stream: Arc::clone(&stream), format: args.log_format };
        let layer = fmt::layer().with_ansi(false).with_writer(lines);
        let layer = match args.log_format {
            LogFormat::Text => layer.with_filter(filter).boxed(),
            LogFormat::Json => layer.json().flatten_event(true).with_filter(filter).boxed(),
        };
        // There is one node in a process, and so one log.
        let _ = tracing::subscriber::set_global_default(Registry::default().with(layer));
        Self { stream, filter: handle }
    }

    /// Logs by another filter from now on.
    pub(crate) fn set_filter(&self, filter: Targets) {
        // It fails only where there is no log any more.
        let _ = self.filter.reload(filter);
    }

    /// Waits until all is written, but no longer than `limit`.
    pub(crate) fn finish(&self, limit: Duration) {
        self.stream.finish(limit);
    }
}

/// Makes lines of a stream out of what is formatted.
struct Lines {
    stream: Arc<Stream>,
    format: LogFormat,
}

impl<'l> MakeWriter<'l> for Lines {
    type Writer = &'l Lines;

    fn make_writer(&'l self) -> Self::Writer {
        self
    }
}

impl io::Write for &Lines {
    /// The formatter hands over each entry as a whole. One entry is one line, whatever is in it.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let entry = String::from_utf8_lossy(bytes);
        let line = entry.trim_end().replace('\n', "; ");
        self.stream.push(match self.format {
            LogFormat::Text => printable(&line).into_owned(),
            LogFormat::Json => line,
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_a_level_or_levels_by_part_and_nothing_else() {
        for text in ["off", "info", "trace", "warn,gossip_core=debug", "gossip=info"] {
            assert!(filter(text).is_ok(), "{text}");
        }
        for text in ["", "loud", "gossip_core", "warn,loud", "gossip=loud"] {
            assert!(filter(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn dropped_lines_are_told_of_in_the_format_of_the_others() {
        let line = LogFormat::Json.lost()(3);
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert!(line["message"].as_str().unwrap().starts_with("3 lines") && line["timestamp"].is_string());
        assert!(LogFormat::Text.lost()(3).contains(" WARN gossip: 3 lines"));
    }
}
