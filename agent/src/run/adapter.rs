//! The three adapters behind one face.

use adapter_tokio::{Handle, Options, Stopped};
use anyhow::{Context as _, Result};
use clap::ValueEnum;
use mio::{Events, Interest, Poll, Token, Waker};
use std::{io, ops::ControlFlow, sync::Arc, thread};
use tokio::{sync::oneshot, task::JoinHandle};

/// What a node runs on.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Adapter {
    /// tokio's socket and clock, in a task.
    Tokio,
    /// smol's reactor, in a task all the same.
    Smol,
    /// A mio loop, in its own thread.
    Mio,
}

impl Adapter {
    /// Binds a node. Nothing happens before its driver is spawned.
    ///
    /// # Errors
    /// Why the node could not start, and what to do.
    pub(crate) async fn bind(self, options: Options) -> Result<(Handle, Driver)> {
        Ok(match self {
            Self::Tokio => {
                let (handle, driver) = adapter_tokio::bind(options).await?;
                (handle, Driver::Tokio(driver))
            }
            Self::Smol => {
                let (handle, driver) = adapter_smol::bind(options)?;
                (handle, Driver::Smol(driver))
            }
            Self::Mio => {
                let poll = Poll::new()?;
                let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
                let (handle, mut driver) = adapter_mio::bind(options, Arc::clone(&waker))?;
                poll.registry().register(&mut driver, GOSSIP, Interest::READABLE)?;
                (handle, Driver::Mio(MioLoop { poll, driver }, waker))
            }
        })
    }
}

/// A node that does nothing yet.
pub(crate) enum Driver {
    Tokio(adapter_tokio::Driver),
    Smol(adapter_smol::Driver),
    Mio(MioLoop, Arc<Waker>),
}

impl Driver {
    /// Runs the node in the background. To abort the task is to stop the node as a crash would.
    pub(crate) fn spawn(self) -> JoinHandle<Result<Stopped>> {
        match self {
            Self::Tokio(driver) => tokio::spawn(async { Ok(driver.run().await) }),
            Self::Smol(driver) => tokio::spawn(async { Ok(driver.run().await) }),
            Self::Mio(mio, waker) => tokio::spawn(run_mio(mio, waker)),
        }
    }
}

/// Runs a loop on its own thread.
async fn run_mio(mio: MioLoop, waker: Arc<Waker>) -> Result<Stopped> {
    let (end, ended) = oneshot::channel();
    thread::Builder::new().name("gossip-mio".to_owned()).spawn(move || mio.run(end))?;
    let mut end = MioEnd { ended, waker };
    Ok((&mut end.ended).await.context("its loop is gone")??)
}

/// The loop's end; dropping it ends the loop.
struct MioEnd {
    ended: oneshot::Receiver<io::Result<Stopped>>,
    waker: Arc<Waker>,
}

impl Drop for MioEnd {
    fn drop(&mut self) {
        self.ended.close();
        // Should this fail, the loop looks when its next time-out is over.
        let _ = self.waker.wake();
    }
}

const WAKER: Token = Token(0);
const GOSSIP: Token = Token(1);
/// The loop has two sources, and each reports at most once a round.
const EVENTS: usize = 2;

/// A mio loop that serves nothing but a node.
pub(crate) struct MioLoop {
    poll: Poll,
    driver: adapter_mio::Driver,
}

impl MioLoop {
    /// Runs until the node has left, or no one cares for its end.
    fn run(mut self, end: oneshot::Sender<io::Result<Stopped>>) {
        let mut ready = Events::with_capacity(EVENTS);
        while !end.is_closed() {
            let ended = match self.round(&mut ready) {
                Ok(ControlFlow::Continue(())) => continue,
                Ok(ControlFlow::Break(stopped)) => Ok(stopped),
                Err(error) => Err(error),
            };
            // Whoever waited for it may have gone in this moment.
            let _ = end.send(ended);
            return;
        }
    }

    fn round(&mut self, ready: &mut Events) -> io::Result<ControlFlow<Stopped>> {
        match self.poll.poll(ready, self.driver.next_timeout()) {
            // What interrupts a wait is a signal: the runtime's business.
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        if ready.iter().any(|event| event.token() == GOSSIP)
            && let stopped @ ControlFlow::Break(_) = self.driver.on_ready()
        {
            return Ok(stopped);
        }
        Ok(self.driver.on_timeout())
    }
}
