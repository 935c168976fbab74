//! The loop.

use crate::socket::{Clock, Socket};
use gossip_core::host::{Engine, Handle, LOOKUP_TIMEOUT, Options, StartError, Stopped, Turn};
use std::{fmt, future::poll_fn, io, net::SocketAddr, ops::ControlFlow};
use tokio::{
    net::{UdpSocket, lookup_host},
    task::{JoinHandle, JoinSet, yield_now},
    time::timeout,
};

/// Starts a node: binds its socket and reads its epoch file. Nothing is sent before the driver runs.
///
/// # Errors
/// The options cannot be used, or the address is taken; the error says what to do.
///
/// # Panics
/// Outside of a tokio runtime with I/O and time enabled.
pub async fn bind(options: Options) -> Result<(Handle, Driver), StartError> {
    options.check()?;
    let address = options.bind;
    let failed = |error| StartError::bind(address, error);
    let udp = UdpSocket::bind(address).await.map_err(failed)?;
    let local = udp.local_addr().map_err(failed)?;
    // A socket that tokio's reactor has not yet seen counts as full, which would cost the first packets.
    udp.writable().await.map_err(failed)?;
    let socket = Socket { udp, clock: Clock::new() };
    let (handle, engine) = Engine::start(options, local, socket.clock.now())?;
    Ok((handle, Driver { engine, socket, lookups: JoinSet::new() }))
}

/// The node at work. Dropping it (or aborting its task) stops the node as a crash would, and resolves all
/// that its handles wait for.
#[must_use = "a node does nothing until its driver is spawned or awaited"]
pub struct Driver {
    engine: Engine,
    socket: Socket,
    /// At most one for each seed, each with a time-out.
    lookups: JoinSet<(String, io::Result<Vec<SocketAddr>>)>,
}

impl Driver {
    /// Runs the node in a task of its own. The task may be forgotten: the node goes on without it.
    pub fn spawn(self) -> JoinHandle<Stopped> {
        tokio::spawn(self.run())
    }

    /// Runs the node until it has left.
    pub async fn run(mut self) -> Stopped {
        loop {
            match self.engine.turn(&mut self.socket) {
                ControlFlow::Continue(turn) => self.wait(turn).await,
                ControlFlow::Break(stopped) => return stopped,
            }
        }
    }

    async fn wait(&mut self, turn: Turn) {
        while let Some(name) = self.engine.next_lookup() {
            self.lookups.spawn(look_up(name));
        }
        let clock = self.socket.clock;
        let due = async {
            if turn.until <= clock.now() { yield_now().await } else { clock.sleep_until(turn.until).await }
        };
        // Errors of readiness need no handling: the next receive or send reports them.
        tokio::select! {
            () = due => {}
            _ = self.socket.udp.readable(), if turn.readable => {}
            _ = self.socket.udp.writable(), if turn.writable => {}
            () = poll_fn(|cx| self.engine.poll_requests(cx)) => {}
            Some(Ok((name, found))) = self.lookups.join_next() => self.engine.looked_up(&name, found),
        }
    }
}

async fn look_up(name: String) -> (String, io::Result<Vec<SocketAddr>>) {
    let found = match timeout(LOOKUP_TIMEOUT, lookup_host(name.as_str())).await {
        Ok(found) => found.map(Iterator::collect),
        Err(late) => Err(late.into()),
    };
    (name, found)
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("engine", &self.engine).finish_non_exhaustive()
    }
}
