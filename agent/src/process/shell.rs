//! Commands of the operator, run by `sh -c`: bounded in time and in what is kept of what they print.

use rustix::process::{Pid, Signal, kill_process_group};
use std::{
    io,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, Command},
    task::JoinHandle,
    time::timeout,
};

/// How long to read on after a command has ended, which may have left others behind that hold its output.
const READ_ON: Duration = Duration::from_millis(100);

/// A command before it runs.
pub(crate) struct Shell {
    command: Command,
    input: String,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// The beginning of what it has printed, as much as is kept.
    pub(crate) printed: Vec<u8>,
}

/// Why a command did not end by itself.
#[derive(Debug)]
pub(crate) enum Failed {
    /// It cannot be started, or not be waited for.
    Io(io::Error),
    /// It took longer than it may, and was killed with all that it had started.
    TooLong,
    /// It printed more than is kept, and was killed likewise.
    TooMuch,
}

/// What is read of a command.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reads {
    /// Its standard output, of at most so many bytes: a command that prints more is killed.
    Output(usize),
    /// The first bytes of its standard error. The rest is read, too, so that no pipe that is full or closed stops it.
    Errors(usize),
}

impl Shell {
    pub(crate) fn new(command: &str) -> Self {
        let mut shell = Command::new("sh");
        // What it starts is in its process group, unless it leaves that on purpose.
        shell.args(["-c", command]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        shell.process_group(0);
        Self { command: shell, input: String::new() }
    }

    /// With a variable in its environment.
    pub(crate) fn with(mut self, variable: &str, value: &str) -> Self {
        self.command.env(variable, value);
        self
    }

    /// With this on its standard input, which it need not read.
    pub(crate) fn reading(mut self, input: String) -> Self {
        self.command.stdin(Stdio::piped());
        Self { input, ..self }
    }

    /// Runs it to its end. What it has started goes on, unless it fails.
    ///
    /// # Errors
    /// It did not end by itself.
    pub(crate) async fn run(self, limit: Duration, reads: Reads) -> Result<Ended, Failed> {
        let Self { mut command, input } = self;
        match reads {
            Reads::Output(_) => command.stdout(Stdio::piped()),
            Reads::Errors(_) => command.stderr(Stdio::piped()),
        };
        let mut child = command.spawn().map_err(Failed::Io)?;
        if let Some(mut stdin) = child.stdin.take() {
            // What does not fit into the pipe is written while it runs.
            tokio::spawn(async move { stdin.write_all(input.as_bytes()).await });
        }
        let group = child.id().and_then(|id| Pid::from_raw(id as i32));
        let printed = Arc::new(Mutex::new(Vec::new()));
        let mut reader = read(&mut child, reads, Arc::clone(&printed));
        let ended = match timeout(limit, ended(&mut child, &mut reader)).await {
            Ok(ended) => ended,
            Err(_) => Err(Failed::TooLong),
        };
        reader.abort();
        if ended.is_err() {
            // It may have ended; then there is nobody left to be killed.
            let _ = group.map(|group| kill_process_group(group, Signal::KILL));
            let _ = child.wait().await;
        }
        let status = ended?;
        let printed = std::mem::take(&mut *printed.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Ended { status, printed })
    }
}

/// Waits for its end, and for a moment for the rest of what it has printed.
async fn ended(child: &mut Child, reader: &mut JoinHandle<bool>) -> Result<ExitStatus, Failed> {
    let mut is_read = false;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status.map_err(Failed::Io)?,
            read = &mut *reader, if !is_read => {
                is_read = true;
                if !read.unwrap_or(true) {
                    return Err(Failed::TooMuch);
                }
            }
        }
    };
    if !is_read && let Ok(Ok(false)) = timeout(READ_ON, reader).await {
        return Err(Failed::TooMuch);
    }
    Ok(status)
}

/// Reads in the background, to the end; false, if there is more than there may be.
fn read(child: &mut Child, reads: Reads, printed: Arc<Mutex<Vec<u8>>>) -> JoinHandle<bool> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    tokio::spawn(async move {
        match (reads, stdout, stderr) {
            (Reads::Output(most), Some(from), _) => keep(from, most, true, &printed).await,
            (Reads::Errors(most), _, Some(from)) => keep(from, most, false, &printed).await,
            _ => true,
        }
    })
}

async fn keep(
    mut from: impl AsyncRead + Unpin,
    most: usize,
    is_bound: bool,
    printed: &Mutex<Vec<u8>>,
) -> bool {
    let mut buffer = [0; 4_096];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let mut printed = printed.lock().unwrap_or_else(PoisonError::into_inner);
        let room = most.saturating_sub(printed.len()).min(read);
        printed.extend_from_slice(buffer.get(..room).unwrap_or_default());
        if is_bound && room < read {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn what_a_command_leaves_behind_does_not_hold_up_what_it_has_printed() {
        let limit = Duration::from_secs(10);
        let ended = Shell::new("echo a:1; sleep 20 &").run(limit, Reads::Output(9)).await;
        assert_eq!(ended.unwrap().printed, b"a:1\n");
        let ended = Shell::new("echo a:1 >&2; sleep 20 & exit 3").run(limit, Reads::Errors(2)).await.unwrap();
        assert_eq!((ended.status.code(), &*ended.printed), (Some(3), &b"a:"[..]));
    }

    #[tokio::test]
    async fn a_command_reads_its_input_and_finds_its_variables() {
        let shell = Shell::new("cat; echo \"$X\"").with("X", "$(y)").reading("line\n".to_owned());
        assert_eq!(shell.run(LIMIT, Reads::Output(99)).await.unwrap().printed, b"line\n$(y)\n");
    }

    #[tokio::test]
    async fn a_command_that_prints_too_much_or_takes_too_long_is_killed() {
        assert!(matches!(Shell::new("yes").run(LIMIT, Reads::Output(9)).await, Err(Failed::TooMuch)));
        let moment = Duration::from_millis(10);
        assert!(matches!(Shell::new("sleep 1000").run(moment, Reads::Output(9)).await, Err(Failed::TooLong)));
    }
}
