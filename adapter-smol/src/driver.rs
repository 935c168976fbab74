//! The driver: the host's loop on smol's reactor.

use crate::socket::Socket;
use async_io::Async;
use gossip_host::{Clock, Engine, Handle, Options, StartError, Stopped, drive};
use std::{fmt, net::UdpSocket};

/// Starts a node: binds its socket and reads its epoch file. Nothing is sent before the driver runs.
///
/// # Errors
/// The options cannot be used, or the address is taken; the error says what to do.
pub fn bind(options: Options) -> Result<(Handle, Driver), StartError> {
    let udp = options.listen()?;
    with_socket(options, udp)
}

/// [`bind`], with a socket that is bound already (to an address inherited from a service manager, with buffers
/// of another size, ...) instead of `options.bind`. It is switched to never block.
///
/// # Errors
/// The options or the socket cannot be used; the error says what to do.
pub fn with_socket(options: Options, udp: UdpSocket) -> Result<(Handle, Driver), StartError> {
    let bind = options.bind;
    let failed = |error| StartError::bind(bind, error);
    let local = udp.local_addr().map_err(failed)?;
    let clock = Clock::new();
    let socket = Socket { udp: Async::new(udp).map_err(failed)?, clock };
    let (handle, engine) = Engine::start(options, local, move || clock.now())?;
    Ok((handle, Driver { engine, socket }))
}

/// The node at work. Dropping it, or the future of [`Driver::run`], stops the node as a crash would, and
/// resolves all that its handles wait for.
#[must_use = "a node does nothing until its driver runs"]
pub struct Driver {
    engine: Engine,
    socket: Socket,
}

impl Driver {
    /// Runs the node until it has left: a future for whichever executor there is.
    pub async fn run(self) -> Stopped {
        drive(self.engine, self.socket).await
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("engine", &self.engine).finish_non_exhaustive()
    }
}
