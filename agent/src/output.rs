//! Where what happens goes: standard output, the log, those who watch, and the handlers.

pub(crate) mod handlers;
pub(crate) mod logs;
mod stream;

use crate::print::{Format, Line, printable};
use handlers::{Handlers, Happened};
use logs::{Log, LogArgs};
use std::{fmt, fs::File, io, os::fd::AsFd, sync::Arc, time::Duration};
use stream::Stream;
use tokio::sync::broadcast;

/// Lines that wait for a slow reader before further ones are dropped: all members of a cluster of 1,000 may come at once.
const MAX_LINES: usize = 1_024;
/// How long the end of the program waits for someone to read its last words.
pub(crate) const LAST_WORDS: Duration = Duration::from_millis(500);

/// Standard output and standard error of a program that must not wait for their readers.
pub(crate) struct Output {
    format: Format,
    out: Stream,
    log: Log,
    handlers: Handlers,
    /// The same as JSON, for those who watch.
    watched: broadcast::Sender<Arc<str>>,
}

impl Output {
    /// Starts the threads that write.
    ///
    /// # Errors
    /// There are no threads or no file descriptors left.
    pub(crate) fn start(format: Format, log: &LogArgs, handlers: Handlers) -> io::Result<Self> {
        let lost = match format {
            Format::Words => |lines| Line::lagged(lines).to_string(),
            Format::Json => |lines| Format::Json.show(&Line::lagged(lines)).unwrap_or_default(),
        };
        let out = Stream::start("gossip-stdout", unbuffered(&io::stdout())?, MAX_LINES, lost)?;
        let log = Log::start(log, errors(log.log_format.lost())?);
        Ok(Self { format, out, log, handlers, watched: broadcast::channel(MAX_LINES).0 })
    }

    /// Where all that is printed from now on can be followed, as JSON.
    pub(crate) fn watched(&self) -> broadcast::Sender<Arc<str>> {
        self.watched.clone()
    }

    /// Prints one line, and runs what is to be run for it; a warning is logged too (in words, only there).
    pub(crate) fn print(&self, line: &Line) {
        self.show(line);
        self.handle(line);
    }

    /// Whether a handler is to be run for an event of this name.
    pub(crate) fn is_handled(&self, event: &str) -> bool {
        self.handlers.wants(event)
    }

    /// Runs what is to be run for a line that was shown.
    pub(crate) fn handle(&self, line: &Line) {
        if self.handlers.wants(line.event())
            && let Some(json) = Format::Json.show(line)
        {
            let [name, id, address] = line.member();
            self.handlers.happened(&Happened { event: line.event(), name, id, address, json: json.into() });
        }
    }

    /// Prints one line, for which nothing is run yet.
    pub(crate) fn show(&self, line: &Line) {
        if let Some(note) = line.as_warning() {
            tracing::warn!(target: "gossip", "{note}");
        }
        if self.watched.receiver_count() > 0
            && let Some(json) = Format::Json.show(line)
        {
            // The last one may just have gone.
            let _ = self.watched.send(json.into());
        }
        if let Some(line) = self.format.show(line) {
            self.out.push(line);
        }
    }

    /// Tells the operator what is not as it should be.
    pub(crate) fn warn(&self, text: impl fmt::Display) {
        self.print(&Line::warning(text.to_string()));
    }

    /// Tells the operator what is not as it should be with a handler. No handler is run for that, or it would never end.
    pub(crate) fn warn_of_handler(&self, text: impl fmt::Display) {
        self.show(&Line::warning(text.to_string()));
    }

    /// The log.
    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    /// The handlers.
    pub(crate) fn handlers(&mut self) -> &mut Handlers {
        &mut self.handlers
    }

    /// Resolves when standard output cannot be written. Standard error is the last resort, so that its own failure has
    /// nowhere to be told.
    pub(crate) async fn failed(&mut self) -> io::Error {
        self.out.failed().await
    }

    /// Waits until all is written, for as long as last words may take.
    pub(crate) async fn finish(mut self) {
        self.handlers.finish().await;
        let unread = self.out.finish(LAST_WORDS / 2);
        if unread > 0 {
            tracing::warn!(target: "gossip", "standard output was not read: {unread} lines are lost");
        }
        self.log.finish(LAST_WORDS / 2);
    }
}

/// Says why the program ends, unless no one listens.
pub(crate) fn last_words(text: impl fmt::Display) {
    last_words_as_they_are(printable(&text.to_string()).into_owned());
}

/// The same with words that may have colours, and must not have anything in them that somebody else has written.
pub(crate) fn last_words_as_they_are(text: String) {
    // Where even this fails, the exit status has to say it.
    if let Ok(err) = errors(|lines| format!("{lines} lines were dropped here")) {
        err.push(text);
        err.finish(LAST_WORDS);
    }
}

fn errors(lost: fn(u64) -> String) -> io::Result<Stream> {
    Stream::start("gossip-stderr", unbuffered(&io::stderr())?, MAX_LINES, lost)
}

/// The same file without the standard library's buffer and lock, which a writer that is stuck would keep.
pub(crate) fn unbuffered(stream: &impl AsFd) -> io::Result<File> {
    Ok(File::from(stream.as_fd().try_clone_to_owned()?))
}
