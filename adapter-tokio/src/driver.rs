//! The driver: the host's loop on tokio.

use crate::socket::Socket;
use gossip_host::{Engine, Handle, Options, StartError, Stopped, drive};
use std::{fmt, net};
use tokio::task::JoinHandle;

/// Starts a node: binds its socket and reads its epoch file. Nothing is sent before the driver runs.
///
/// # Errors
/// The options cannot be used, or the address is taken; the error says what to do.
///
/// # Panics
/// Outside of a tokio runtime with I/O and time enabled.
pub async fn bind(options: Options) -> Result<(Handle, Driver), StartError> {
    let udp = options.listen()?;
    with_socket(options, udp).await
}

/// [`bind`], with a socket that is bound already (to an address inherited from a service manager, with buffers
/// of another size, ...) instead of `options.bind`. It is switched to never block.
///
/// # Errors
/// The options or the socket cannot be used; the error says what to do.
///
/// # Panics
/// Outside of a tokio runtime with I/O and time enabled.
pub async fn with_socket(options: Options, udp: net::UdpSocket) -> Result<(Handle, Driver), StartError> {
    let bind = options.bind;
    let failed = |error| StartError::bind(bind, error);
    let local = udp.local_addr().map_err(failed)?;
    let socket = Socket::new(udp).await.map_err(failed)?;
    let clock = socket.clock();
    let (handle, engine) = Engine::start(options, local, move || clock.now())?;
    Ok((handle, Driver { engine, socket }))
}

/// The node at work. Dropping it (or aborting its task) stops the node as a crash would, and resolves all
/// that its handles wait for.
#[must_use = "a node does nothing until its driver is spawned or awaited"]
pub struct Driver {
    engine: Engine,
    socket: Socket,
}

impl Driver {
    /// Runs the node in its own task. The task may be detached: the node runs on without it.
    pub fn spawn(self) -> JoinHandle<Stopped> {
        tokio::spawn(self.run())
    }

    /// Runs the node until it has left.
    pub async fn run(self) -> Stopped {
        drive(self.engine, self.socket).await
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("engine", &self.engine).finish_non_exhaustive()
    }
}
