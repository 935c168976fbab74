//! The driver: a source for the user's own `Poll`.

use crate::{registration::Registration, socket::Socket};
use gossip_core::Instant;
use gossip_host::{Clock, Engine, Handle, Options, StartError, Stopped, Turn};
use mio::{Interest, Registry, Token, event::Source, net::UdpSocket};
use std::{
    fmt, io, net,
    ops::ControlFlow,
    sync::Arc,
    task::{Context, Wake, Waker},
    time::Duration,
};

/// Starts a node: binds its socket and reads its epoch file, which may block for some milliseconds. Nothing is
/// sent before the driver is registered and called. `waker` is that of the `Poll` which it will be registered
/// with: requests made through the handle end a wait of the loop.
///
/// # Errors
/// The options cannot be used, or the address is taken; the error says what to do.
pub fn bind(options: Options, waker: Arc<mio::Waker>) -> Result<(Handle, Driver), StartError> {
    let udp = options.listen()?;
    with_socket(options, waker, udp)
}

/// [`bind`], with a socket that is bound already (to an address inherited from a service manager, with buffers
/// of another size, ...) instead of `options.bind`. It is switched to never block.
///
/// # Errors
/// The options or the socket cannot be used; the error says what to do.
pub fn with_socket(
    options: Options,
    waker: Arc<mio::Waker>,
    udp: net::UdpSocket,
) -> Result<(Handle, Driver), StartError> {
    let bind = options.bind;
    let failed = |error| StartError::bind(bind, error);
    udp.set_nonblocking(true).map_err(failed)?;
    let local = udp.local_addr().map_err(failed)?;
    let clock = Clock::new();
    let socket = Socket { udp: UdpSocket::from_std(udp), clock };
    let (handle, engine) = Engine::start(options, local, move || clock.now())?;
    // The first turn is due: it joins.
    let state = State::Waits(Turn { until: Instant::ZERO, readable: true, writable: false });
    let waker = Arc::new(PollWaker(waker)).into();
    Ok((handle, Driver { engine, socket, state, registration: None, waker }))
}

/// The node at work, inside a loop that is the user's own. Register it like any other source (readable is all
/// that it needs), and on every round of the loop:
///
/// * wait no longer than [`Driver::next_timeout`];
/// * call [`Driver::on_ready`] for each event with its token;
/// * then call [`Driver::on_timeout`], whatever the wait ended with. It does nothing while nothing is due.
///
/// A call reads at most 64 datagrams. If there are more, the next time-out is zero, so that the loop's other
/// sources have their turn in between.
///
/// Dropping it stops the node as a crash would, and resolves all that its handles wait for.
#[must_use = "a node does nothing until its driver is registered and called"]
pub struct Driver {
    engine: Engine,
    socket: Socket,
    state: State,
    registration: Option<Registration>,
    waker: Waker,
}

/// Where the node stands between two calls.
#[derive(Clone, Copy)]
enum State {
    /// For what the last turn named.
    Waits(Turn),
    /// It has left, and does nothing any more.
    Stopped(Stopped),
}

impl Driver {
    /// The socket is ready. Breaks once the node has left: deregister and drop the driver then.
    pub fn on_ready(&mut self) -> ControlFlow<Stopped> {
        match self.state {
            State::Waits(_) => self.turn(),
            State::Stopped(stopped) => ControlFlow::Break(stopped),
        }
    }

    /// The wait is over: does what is due, if anything is. Breaks once the node has left.
    pub fn on_timeout(&mut self) -> ControlFlow<Stopped> {
        match self.state {
            State::Waits(turn) if self.is_due(turn) => self.turn(),
            State::Waits(_) => ControlFlow::Continue(()),
            State::Stopped(stopped) => ControlFlow::Break(stopped),
        }
    }

    /// How long the loop may wait, as of now. `None`: for as long as it likes.
    pub fn next_timeout(&self) -> Option<Duration> {
        match self.state {
            State::Waits(turn) if self.is_due(turn) => Some(Duration::ZERO),
            State::Waits(Turn { until: Instant::NEVER, .. }) | State::Stopped(_) => None,
            State::Waits(turn) => Some(turn.until.since(self.socket.clock.now())),
        }
    }

    /// Wakes the loop: to wait for the handle's futures ([`Events::poll_next`], for one) inside of it.
    ///
    /// [`Events::poll_next`]: gossip_host::Events::poll_next
    pub fn waker(&self) -> &Waker {
        &self.waker
    }

    fn is_due(&self, turn: Turn) -> bool {
        let asked = self.engine.poll_requests(&Context::from_waker(&self.waker)).is_ready();
        asked || turn.until <= self.socket.clock.now()
    }

    fn turn(&mut self) -> ControlFlow<Stopped> {
        match self.engine.turn(&mut self.socket) {
            ControlFlow::Continue(turn) => {
                self.state = State::Waits(turn);
                if let Some(registration) = &mut self.registration {
                    // Should this fail, packets that wait are tried again when the next turn is due.
                    let _ = registration.want_writable(&mut self.socket.udp, turn.writable);
                }
                ControlFlow::Continue(())
            }
            ControlFlow::Break(stopped) => {
                self.state = State::Stopped(stopped);
                ControlFlow::Break(stopped)
            }
        }
    }
}

impl Source for Driver {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        let registration = Registration::new(registry, token, interests)?;
        self.socket.udp.register(registry, token, interests)?;
        self.registration = Some(registration);
        Ok(())
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        let registration = Registration::new(registry, token, interests)?;
        self.socket.udp.reregister(registry, token, interests)?;
        self.registration = Some(registration);
        Ok(())
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.registration = None;
        self.socket.udp.deregister(registry)
    }
}

/// The loop's waker in the shape that the handle's futures know.
struct PollWaker(Arc<mio::Waker>);

impl Wake for PollWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Should this fail, requests are seen when the next turn is due.
        let _ = self.0.wake();
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("engine", &self.engine).finish_non_exhaustive()
    }
}
