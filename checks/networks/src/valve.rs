//! A reader that can be stalled.

use anyhow::Result;
use rustix::{io::ioctl_fionread, pipe::fcntl_setpipe_size};
use std::{
    io::{self, PipeReader, Read},
    sync::{Arc, Condvar, Mutex, PoisonError},
};

/// The least that a pipe holds.
const PIPE: usize = 4_096;
/// One more event of an agent has no room in a pipe with less than this left.
const LINE: u64 = 256;

/// Closes and opens the way to a [`Valved`] reader.
#[derive(Clone)]
pub(crate) struct Valve {
    closed: Arc<(Mutex<bool>, Condvar)>,
    pipe: Arc<PipeReader>,
}

/// A pipe that is not read while its valve is closed.
pub(crate) struct Valved(Valve);

impl Valve {
    /// A pipe with an open valve.
    pub(crate) fn of(pipe: PipeReader) -> (Self, Valved) {
        let valve = Self { closed: Arc::default(), pipe: Arc::new(pipe) };
        (valve.clone(), Valved(valve))
    }

    /// Stops reading once the present read is done, and leaves the pipe no more room than there must be.
    ///
    /// # Errors
    /// The kernel's.
    pub(crate) fn close(&self) -> Result<()> {
        *self.closed.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        fcntl_setpipe_size(&*self.pipe, PIPE)?;
        Ok(())
    }

    /// Goes on reading.
    pub(crate) fn open(&self) {
        *self.closed.0.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.closed.1.notify_all();
    }

    /// Whether the pipe has no room for an event.
    ///
    /// # Errors
    /// The kernel's.
    pub(crate) fn is_full(&self) -> Result<bool> {
        Ok(ioctl_fionread(&*self.pipe)? + LINE > PIPE as u64)
    }
}

impl Read for Valved {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (closed, opened) = &*self.0.closed;
        let closed = closed.lock().unwrap_or_else(PoisonError::into_inner);
        drop(opened.wait_while(closed, |closed| *closed).unwrap_or_else(PoisonError::into_inner));
        (&*self.0.pipe).read(buffer)
    }
}
