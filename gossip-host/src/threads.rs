//! Threads for what blocks.

use std::{io, thread};

/// Does on its own thread what may take longer than the protocol can wait.
pub(crate) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
}
