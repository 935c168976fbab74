//! Runs the program `gossip` and reads along.

use serde_json::Value;
use std::{
    cell::RefCell,
    collections::VecDeque,
    io::{BufRead as _, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// The program.
pub(crate) const GOSSIP: &str = env!("CARGO_BIN_EXE_gossip");
/// What must happen happens much sooner; this only ends a test that has failed.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs it to its end: standard output, standard error and exit status.
pub(crate) fn finish(args: &str) -> (String, String, Option<i32>) {
    finish_of(Running::start(args))
}

/// Waits for the end: standard output, standard error and exit status.
pub(crate) fn finish_of(mut running: Running) -> (String, String, Option<i32>) {
    let status = running.end();
    let text = |lines: &Receiver<String>| lines.iter().map(|line| line + "\n").collect();
    (text(&running.stdout), text(&running.stderr), status.code())
}

/// Standard output of a run that must succeed.
pub(crate) fn success(args: &str) -> String {
    let (stdout, stderr, status) = finish(args);
    assert_eq!(status, Some(0), "{args}: {stdout}{stderr}");
    stdout
}

/// Standard error of a run that must fail with this exit status.
pub(crate) fn failure(args: &str, status: i32) -> String {
    let (_, stderr, ended_with) = finish(args);
    assert_eq!(ended_with, Some(status), "{args}: {stderr}");
    stderr
}

/// A running `gossip`, killed at the end of the test.
pub(crate) struct Running {
    child: Child,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
    /// What was looked at before its turn.
    ahead: RefCell<VecDeque<String>>,
    /// Where its control socket is, unless it is named: two of one name at a time must not meet.
    _runtime: TempDir,
}

impl Running {
    /// Starts it with these arguments, split at spaces.
    pub(crate) fn start(args: &str) -> Self {
        Self::start_as(Command::new(GOSSIP).args(args.split_whitespace()), Stdio::piped())
    }

    /// Starts it with its standard output going elsewhere, where no event is found.
    pub(crate) fn start_into(args: &str, stdout: impl Into<Stdio>) -> Self {
        Self::start_as(Command::new(GOSSIP).args(args.split_whitespace()), stdout.into())
    }

    /// Starts a node with these arguments, each as it is, and says where it listens.
    pub(crate) fn node(name: &str, cluster: &str, more: &[&str]) -> (Self, String) {
        let mut command = Command::new(GOSSIP);
        command.args([
            "run",
            "--name",
            name,
            "--cluster",
            cluster,
            "--bind",
            "127.0.0.1:0",
            "--preset",
            "local",
            "--json",
        ]);
        let node = Self::start_as(command.args(more), Stdio::piped());
        let address = node.event("started")["address"].as_str().unwrap().to_owned();
        (node, address)
    }

    /// Starts it by a command that becomes it.
    pub(crate) fn start_as(command: &mut Command, stdout: Stdio) -> Self {
        let runtime = TempDir::new().unwrap();
        let command = command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::piped());
        let command = command.env("XDG_RUNTIME_DIR", runtime.path());
        let mut child = command.spawn().unwrap();
        // Its end of a pipe is its own: when it ends, the pipe ends.
        command.stdout(Stdio::null());
        let stdout = child.stdout.take().map_or_else(|| channel().1, lines);
        let stderr = lines(child.stderr.take().unwrap());
        Self { child, stdout, stderr, ahead: RefCell::default(), _runtime: runtime }
    }

    /// Whether there is a line on standard output that was not read yet.
    pub(crate) fn has_line(&self) -> bool {
        self.ahead.borrow_mut().extend(self.stdout.try_iter());
        !self.ahead.borrow().is_empty()
    }

    /// The next object on standard output.
    pub(crate) fn next(&self) -> Value {
        let ahead = self.ahead.borrow_mut().pop_front();
        serde_json::from_str(&ahead.unwrap_or_else(|| self.stdout.recv_timeout(LIMIT).unwrap())).unwrap()
    }

    /// Which of these events is next on standard output.
    pub(crate) fn next_of<'e>(&self, events: &[&'e str]) -> &'e str {
        loop {
            let next = self.next();
            if let Some(event) = events.iter().find(|event| next["event"] == **event) {
                return event;
            }
        }
    }

    /// The next object on standard output whose event is `event`.
    pub(crate) fn event(&self, event: &str) -> Value {
        let parse = |line: &str| serde_json::from_str::<Value>(line).unwrap();
        let mut ahead = self.ahead.borrow_mut();
        if let Some(at) = ahead.iter().position(|line| parse(line)["event"] == event) {
            return ahead.drain(..=at).next_back().map(|line| parse(&line)).unwrap();
        }
        ahead.clear();
        let line = wait(&self.stdout, event, |line| parse(line)["event"] == event);
        parse(&line)
    }

    /// The next line on standard error with these words.
    pub(crate) fn warning(&self, words: &str) -> String {
        wait(&self.stderr, words, |line| line.contains(words))
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, by name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Waits for its end.
    pub(crate) fn end(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < LIMIT, "it did not end");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

fn wait(from: &Receiver<String>, what: &str, is_it: impl Fn(&str) -> bool) -> String {
    let start = Instant::now();
    let mut before = Vec::new();
    while let Ok(line) = from.recv_timeout(LIMIT.saturating_sub(start.elapsed())) {
        if is_it(&line) {
            return line;
        }
        before.push(line);
    }
    panic!("no {what} after {before:#?}");
}
