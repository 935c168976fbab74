//! Signals that ask the program to end. They have a thread of their own, so that they work whatever else is stuck.

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};
use std::{
    fs, io, process, thread,
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot};

/// The exit status when a second signal cuts the leave short: what a shell reports of a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;
/// The exit status when the program could not end in time.
const STUCK: i32 = 1;
/// Signals this soon after the first are the same request: a terminal that closes, `timeout` and systemd's `SendSIGHUP` send
/// two at once.
const SAME_REQUEST: Duration = Duration::from_millis(500);

/// What comes by signals.
pub(crate) struct Told {
    /// Resolves when the program is to end.
    pub(crate) end: oneshot::Receiver<()>,
    /// SIGHUPs that ask for something else; several at once are one.
    pub(crate) reload: mpsc::Receiver<()>,
}

/// Listens for SIGINT and SIGTERM, which ask the program to end, and for SIGHUP, which does so as well unless it `reloads`.
/// From the first of them on the program ends after `limit` at the latest,
/// whatever it does, and at once at a second signal that comes more than [`SAME_REQUEST`] after the first.
///
/// # Errors
/// No thread can be started.
pub(crate) fn listen(limit: Duration, reloads: bool) -> io::Result<Told> {
    let hangup = (reloads || !hangup_is_ignored()).then_some(SIGHUP);
    let mut signals = Signals::new([SIGINT, SIGTERM].into_iter().chain(hangup))?;
    let (tell, end) = oneshot::channel();
    let (ask, reload) = mpsc::channel(1);
    let listen = move || {
        let mut tell = Some(tell);
        let mut first = None;
        while !signals.is_closed() {
            let (hangups, ends): (Vec<i32>, Vec<i32>) =
                signals.wait().partition(|&signal| reloads && signal == SIGHUP);
            if !hangups.is_empty() {
                // If one waits already, it is the same.
                let _ = ask.try_send(());
            }
            if ends.is_empty() {
                continue;
            }
            if first.get_or_insert_with(Instant::now).elapsed() > SAME_REQUEST {
                process::exit(INTERRUPTED);
            }
            if let Some(tell) = tell.take() {
                // Before the loop begins no one listens, and the time limit does what is left to do.
                let _ = tell.send(());
                end_after(limit);
            }
        }
    };
    thread::Builder::new().name("gossip-signals".to_owned()).spawn(listen)?;
    Ok(Told { end, reload })
}

fn end_after(limit: Duration) {
    let end = move || {
        thread::sleep(limit);
        process::exit(STUCK);
    };
    // Without that thread there is still the second signal.
    let _ = thread::Builder::new().name("gossip-end".to_owned()).spawn(end);
}

/// Whether SIGHUP was ignored when the program started, as `nohup` arranges: then it stays ignored. Only Linux tells.
fn hangup_is_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (SIGHUP - 1) & 1 == 1)
}
