//! The loop that every adapter runs, one turn at a time.

use crate::{
    asks::Asks,
    board::Board,
    counters::HostMetrics,
    epoch::{self, EpochFile},
    error::StartError,
    forget::Forgotten,
    handle::Handle,
    jitter::Jitter,
    keeper::Keeper,
    kept,
    lock::lock,
    notice::Notice,
    options::Options,
    pressure::Backlog,
    receive::Receiving,
    requests::{Inbox, Requests},
    seeds::Seeds,
    shared::Shared,
    stopped::{LeaveError, Left, Stopped},
    threads::spawn,
    transport::Transport,
    user_event::UserEvent,
    view_file::{Restored, ViewFile},
};
use gossip_core::{
    Answer, Buffer, Endpoint, Event, Heap, Identity, Instant, Node, NotForgotten, Outbox, Output, Packet,
    Record, StateError, Traffic,
};
use std::{
    fmt, io, mem,
    net::{IpAddr, SocketAddr, ToSocketAddrs as _},
    ops::ControlFlow,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::SystemTime,
};

/// Datagrams read in one turn: about a millisecond of work, answers included, so that a flood delays no timer
/// by more.
const DATAGRAMS_PER_TURN: usize = 64;
/// Ticks in one turn. A tick that was cut at its bound asks to be called again at once; beyond this many
/// the socket is looked at in between.
const TICKS_PER_TURN: usize = 16;
/// One byte more than the largest datagram that can be configured, so that what is too long is seen to be.
const RECEIVE_BYTES: usize = 1_401;

/// The memory of one step's output: as many packets as a fetch answers with, and rounds to every peer.
type StepBuffer = Buffer<32, 256, { 32 * 1_400 }>;

/// What to wait for before the next [`Engine::turn`]: requests ([`Engine::poll_requests`]) always, and
/// whichever of these comes first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Turn {
    /// This time. It may be past: then there is more to do, after others had their turn.
    pub until: Instant,
    /// Wait for the socket to be readable; `false` while it rests after an error.
    pub readable: bool,
    /// Wait for the socket to be writable: packets wait for it.
    pub writable: bool,
}

/// One node with all that happens around it, except the socket and the clock.
///
/// The node is locked for each step and free while packets are sent. Dropping the engine ends the node as a
/// crash would, and resolves what its handles wait for.
pub struct Engine {
    shared: Arc<Shared>,
    buffer: Box<StepBuffer>,
    datagram: Box<[u8]>,
    next_tick: Instant,
    receiving: Receiving,
    backlog: Backlog,
    seeds: Seeds,
    epoch_file: Option<EpochFile>,
    keeper: Option<Keeper>,
    /// When an alarm is to be raised.
    alarm: Instant,
    leave: Leaving,
}

/// How far the node's leave is.
#[derive(Clone, Copy)]
enum Leaving {
    No,
    /// Being told to the others until this time. `lost`: a member died meanwhile that was not told.
    Until {
        end: Instant,
        lost: bool,
    },
    Done(Stopped),
}

impl Engine {
    /// A node, whose socket is bound to `local`. `clock` shows the same as [`Transport::now`], for handles, which write without
    /// the transport. Reads and writes the epoch file, which may block for some milliseconds.
    ///
    /// # Errors
    /// The options cannot be used; the error says what to do.
    pub fn start(
        options: Options,
        local: SocketAddr,
        clock: impl Fn() -> Instant + Send + Sync + 'static,
    ) -> Result<(Handle, Self), StartError> {
        let now = clock();
        options.check()?;
        options.check_families(local)?;
        let id = options.id()?;
        let address = options.advertised(local);
        let epoch_file = options.epoch_file.as_ref().map(EpochFile::new);
        let epoch = match &epoch_file {
            Some(file) => file.begin()?,
            None => epoch::next(None, SystemTime::now()),
        };
        let identity = Identity { id, epoch, address, locality: options.locality };
        let seed = options.randomness();
        let mut node = Node::new(options.config, identity, seed, Heap::for_members(options.capacity), now)?;
        let view_file = options.view_file.as_ref().map(|path| ViewFile::new(path, options.config.cluster));
        let (records, restored) = read_view(view_file.as_ref(), &options);
        let mut buffer: Box<StepBuffer> = Box::default();
        // None of these sends anything, or has events.
        #[cfg(feature = "seal")]
        crate::sealing::begin(&mut node, &options, &mut buffer.outbox())?;
        #[cfg(feature = "identity")]
        crate::signing::begin(&mut node, &options, &mut buffer.outbox())?;
        kept::publish_name(&mut node, &options.name, &mut buffer.outbox()).map_err(StartError::Name)?;
        if !options.seeds.is_empty() || options.awaits_seeds || !records.is_empty() {
            // Names may have to be looked up first.
            let _ = node.await_seeds(now, &mut buffer.outbox());
        }
        if !records.is_empty() {
            let _ = node.restore(now, &records, &mut buffer.outbox());
        }
        let next_tick = node.next_tick();
        let shared = Arc::new(Shared {
            id,
            local,
            node: Mutex::new(node),
            clock: Box::new(clock),
            inbox: Inbox::default(),
            board: Arc::new(Board::new(options.event_capacity)),
            asks: Asks::default(),
            metrics: Mutex::default(),
            unresolved: Mutex::default(),
            restored,
            signs: AtomicU64::new(0),
        });
        let mut engine = Self {
            shared: Arc::clone(&shared),
            buffer,
            datagram: vec![0; RECEIVE_BYTES].into(),
            next_tick,
            receiving: Receiving::default(),
            backlog: Backlog::default(),
            seeds: Seeds::new(Jitter::new(seed)),
            epoch_file,
            keeper: view_file.map(|file| Keeper::new(file, options.view_interval, now)),
            alarm: Instant::NEVER,
            leave: Leaving::No,
        };
        engine.seeds.restore(now, records.iter().map(|record| record.address()).filter(|&to| to != address));
        let dropped = engine.seeds.add(now, options.seeds);
        engine.count(|metrics| metrics.seeds_replaced += dropped as u64);
        Ok((Handle(shared), engine))
    }

    /// Does all that is due, within bounds: what to wait for then, or how the node stopped.
    pub fn turn(&mut self, transport: &mut impl Transport) -> ControlFlow<Stopped, Turn> {
        self.send_held(transport);
        let mut sign = false;
        if let Some(requests) = self.shared.inbox.take() {
            sign = requests.sign;
            self.carry_out(transport, requests);
        }
        let more = self.receive(transport);
        self.join(transport);
        self.look_up();
        self.tick(transport);
        self.raise_alarm(transport);
        let now = transport.now();
        if let Some(keeper) = &mut self.keeper {
            keeper.keep(now, &self.shared);
        }
        if sign {
            self.shared.signs.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(stopped) = self.stopped(now) {
            self.shared.end(stopped);
            return ControlFlow::Break(stopped);
        }
        ControlFlow::Continue(self.wait_for(now, more))
    }

    /// Ready when handles asked for something since the last turn; otherwise the task is woken once they do.
    pub fn poll_requests(&self, cx: &Context<'_>) -> Poll<()> {
        self.shared.inbox.poll(cx)
    }

    /// Looks up the seeds whose names are due, each on its own thread, since resolvers block. A name that is
    /// being looked up is not looked up again, so there are at most as many threads as there may be seeds.
    fn look_up(&mut self) {
        while let Some(name) = self.seeds.next_lookup() {
            self.count(|metrics| metrics.lookups += 1);
            self.publish_unresolved();
            let shared = Arc::clone(&self.shared);
            let asked = name.clone();
            let look_up = move || {
                let found = asked.to_socket_addrs().map(Iterator::collect);
                shared.inbox.ask(|requests| requests.found.push((asked, found)));
            };
            if let Err(error) = spawn("gossip-lookup", look_up) {
                self.looked_up(&name, Err(error));
            }
        }
    }

    /// What the resolver found for a name.
    fn looked_up(&mut self, name: &str, found: io::Result<Vec<SocketAddr>>) {
        let v4_only = self.shared.local.is_ipv4();
        let usable = found.map_err(|error| error.to_string()).and_then(|mut addresses| {
            addresses
                .retain(|&address| Endpoint::from(address).is_unicast() && (address.is_ipv4() || !v4_only));
            if addresses.is_empty() {
                Err("no address that this node can use".to_owned())
            } else {
                Ok(addresses)
            }
        });
        if usable.is_err() {
            self.count(|metrics| metrics.lookups_failed += 1);
        }
        self.seeds.looked_up(name, usable);
        self.publish_unresolved();
    }

    fn publish_unresolved(&self) {
        *lock(&self.shared.unresolved) = self.seeds.unresolved();
    }

    fn count(&self, change: impl FnOnce(&mut HostMetrics)) {
        change(&mut lock(&self.shared.metrics));
    }

    fn carry_out(&mut self, transport: &mut impl Transport, requests: Requests) {
        let Requests {
            join,
            seeds_replaced,
            found,
            view_written,
            health,
            pause,
            advertise,
            config,
            written,
            asks,
            packets,
            packets_dropped,
            alarm,
            sign: _,
            leave,
        } = requests;
        let now = transport.now();
        let dropped = self.seeds.add(now, join) + seeds_replaced;
        self.count(|metrics| metrics.seeds_replaced += dropped as u64);
        for (name, found) in found {
            self.looked_up(&name, found);
        }
        if let (Some(written), Some(keeper)) = (view_written, &mut self.keeper) {
            keeper.wrote(written, &self.shared);
        }
        if let Some(config) = config {
            // The handle has checked it; should the node refuse it all the same, nothing has changed.
            self.step(transport, |node, now, out| node.reconfigure(now, config, out).ok());
        }
        if let Some(health) = health {
            self.step(transport, |node, now, out| Some(node.set_health(now, health, out)));
        }
        if let Some(pause) = pause {
            self.step(transport, |node, now, out| Some(node.announce_pause(now, pause, out)));
        }
        if let Some(address) = advertise {
            // The handle has checked it.
            self.step(transport, |node, now, out| node.set_address(now, address, out).ok());
        }
        if written {
            self.next_tick = lock(&self.shared.node).next_tick();
        }
        self.count(|metrics| metrics.dropped_state += packets_dropped);
        for (to, bytes) in &packets {
            self.send(transport, Packet { to: *to, bytes, class: Traffic::State });
        }
        if asks {
            self.ask(transport);
        }
        self.alarm = alarm.map_or(self.alarm, |at| at.min(self.alarm));
        if let Some(timeout) = leave {
            let end = now + timeout;
            match self.leave {
                Leaving::No => {
                    self.leave = Leaving::Until { end, lost: false };
                    if let Some(keeper) = &mut self.keeper {
                        keeper.keep_last(now, &self.shared);
                    }
                    self.step(transport, |node, now, out| Some(node.leave(now, out)));
                }
                Leaving::Until { end: other, lost } => {
                    self.leave = Leaving::Until { end: end.min(other), lost };
                }
                Leaving::Done(_) => {}
            }
        }
    }

    /// Reads what has arrived, up to the budget; returns whether there may be more.
    fn receive(&mut self, transport: &mut impl Transport) -> bool {
        if transport.now() < self.receiving.resting_until() {
            return false;
        }
        let mut buffer = mem::take(&mut self.datagram);
        let more = (0..DATAGRAMS_PER_TURN).all(|_| self.receive_one(transport, &mut buffer));
        self.datagram = buffer;
        more
    }

    /// Reads one datagram, or one error; returns whether to go on.
    fn receive_one(&mut self, transport: &mut impl Transport, buffer: &mut [u8]) -> bool {
        match transport.receive(buffer) {
            Ok((length, from)) => {
                self.receiving.works();
                let datagram = buffer.get_mut(..length).unwrap_or_default();
                let from = SocketAddr::new(from.ip().to_canonical(), from.port());
                self.step(transport, |node, now, out| Some(node.handle_datagram(now, from, datagram, out)));
                true
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.receiving.works();
                false
            }
            Err(error) => {
                self.count(|metrics| metrics.receive_errors += 1);
                self.receiving.failed(transport.now(), &error)
            }
        }
    }

    fn join(&mut self, transport: &mut impl Transport) {
        if !matches!(self.leave, Leaving::No) {
            return;
        }
        let (joined, me) = {
            let node = lock(&self.shared.node);
            let company = node.members().next().is_some_and(|member| member.status().is_live());
            (node.is_joined() && company, node.me().address())
        };
        if joined && let Some(seeds) = self.seeds.forget_restored() {
            self.step(transport, |node, now, out| Some(node.join(now, &seeds, out)));
        }
        let addresses = self.seeds.due(transport.now(), joined);
        // A node that was told only of itself concludes that there is no other node to ask.
        let others = !self.seeds.has_unknown() || addresses.iter().any(|&address| address != me);
        if !addresses.is_empty() && others {
            self.step(transport, |node, now, out| Some(node.join(now, &addresses, out)));
        }
    }

    fn tick(&mut self, transport: &mut impl Transport) {
        for _ in 0..TICKS_PER_TURN {
            if transport.now() < self.next_tick {
                break;
            }
            self.step(transport, |node, now, out| Some(node.tick(now, out)));
        }
    }

    /// Wakes those who wait for a time that has come. To them the node's time is that of its last step.
    fn raise_alarm(&mut self, transport: &mut impl Transport) {
        if transport.now() >= self.alarm {
            self.alarm = Instant::NEVER;
            self.step(transport, |node, now, out| Some(node.tick(now, out)));
            self.shared.board.raise_alarm();
        }
    }

    /// One step: under the lock, and then, without it, what comes of it.
    fn step(
        &mut self,
        transport: &mut impl Transport,
        call: impl for<'o> FnOnce(&mut Node<Heap>, Instant, &'o mut Outbox<'_>) -> Option<Output<'o>>,
    ) {
        let now = transport.now();
        let mut out = self.buffer.outbox();
        let mut node = lock(&self.shared.node);
        let Some(output) = call(&mut node, now, &mut out) else { return };
        // Most steps have no events, and should not pay for the time of day.
        let notice = |&event| Notice::new(event, &node, SystemTime::now());
        let notices: Vec<_> =
            output.events().iter().filter(|event| !is_for_others(event)).map(notice).collect();
        drop(node);
        let said = |event| UserEvent::of(event, output.payload(event), SystemTime::now());
        let said = output.events().iter().filter_map(said);
        let (forgotten, said): (Vec<_>, _) = said.partition(|event| Forgotten::is_told_by(&event.name));
        self.shared.board.post_user_events(said);
        let unknown =
            output.events().iter().filter_map(|event| self.shared.take_in(event, output.payload(event)));
        let unknown: Vec<_> = unknown.collect();
        self.next_tick = output.next_tick;
        for packet in output.packets() {
            let packet = Packet { to: outward(packet.to, self.shared.local), ..packet };
            self.shared.count_fate(self.backlog.send(transport, packet));
        }
        for notice in &notices {
            match notice.event {
                Event::LeaveDone { acknowledged } => self.leave = Leaving::Done(self.left(acknowledged)),
                Event::Down(_) => {
                    if let Leaving::Until { lost, .. } = &mut self.leave {
                        *lost = true;
                    }
                }
                Event::EpochBumped { epoch } => self.persist(epoch),
                _ => {}
            }
        }
        self.shared.board.post(notices.into_iter());
        for told in &forgotten {
            self.forget(told);
        }
        for question in unknown {
            // A node that leaves answers no more.
            let _ = self.shared.write(|node, now, out| node.answer(now, question, Answer::Unknown, out));
        }
    }

    /// Another node says that a member is to be forgotten.
    pub(crate) fn forget(&self, told: &UserEvent) {
        let told = Forgotten::of(told);
        let done = self.shared.step(|node, now, out| match told.filter(|told| !told.is_outdated_for(node)) {
            Some(told) => node.forget(now, told.id, out),
            None => Err(NotForgotten::Live),
        });
        // One that is not known here was told of before, mostly.
        if done.is_some_and(|done| done.is_err_and(|error| error != NotForgotten::NoMember)) {
            self.count(|metrics| metrics.forgets_refused += 1);
        }
    }

    /// Asks what handles want to know.
    fn ask(&mut self, transport: &mut impl Transport) {
        self.forget_asks();
        for (number, member, name) in self.shared.asks.new_ones() {
            let mut asked = Err(StateError::Inactive);
            self.step(transport, |node, now, out| match node.ask(now, member, &name, out) {
                Ok((id, output)) => {
                    asked = Ok(id);
                    Some(output)
                }
                Err(error) => {
                    asked = Err(error);
                    None
                }
            });
            self.shared.asks.asked(number, asked);
        }
        self.forget_asks();
    }

    /// Lets the node forget the questions that nobody waits for.
    fn forget_asks(&self) {
        for ask in self.shared.asks.take_forgotten() {
            lock(&self.shared.node).forget_ask(ask);
        }
    }

    fn send(&mut self, transport: &mut impl Transport, packet: Packet<'_>) {
        let packet = Packet { to: outward(packet.to, self.shared.local), ..packet };
        self.shared.count_fate(self.backlog.send(transport, packet));
    }

    fn send_held(&mut self, transport: &mut impl Transport) {
        while let Some(fate) = self.backlog.retry(transport) {
            self.shared.count_fate(fate);
        }
    }

    /// Writes the epoch on its own thread, since a disk may take longer than the protocol can wait.
    /// New epochs are rare: the core lets at least 30 s pass between them.
    fn persist(&self, epoch: u32) {
        let Some(file) = self.epoch_file.clone() else { return };
        let shared = Arc::clone(&self.shared);
        let failed = move || lock(&shared.metrics).epoch_errors += 1;
        let on_failure = failed.clone();
        let write = move || file.write(epoch).unwrap_or_else(|_| on_failure());
        if spawn("gossip-epoch", write).is_err() {
            failed();
        }
    }

    /// How the node stopped, if it has. One that has left waits a little for the last write of its view.
    fn stopped(&self, now: Instant) -> Option<Stopped> {
        let stopped = match self.leave {
            Leaving::Done(stopped) => Some(stopped),
            Leaving::Until { end, .. } if now >= end => {
                let acknowledged = lock(&self.shared.node).leave_acknowledged();
                Some(self.left(acknowledged))
            }
            Leaving::Until { .. } | Leaving::No => None,
        };
        stopped.filter(|_| !self.keeper.as_ref().is_some_and(|keeper| keeper.is_busy(now)))
    }

    /// The outcome of a leave with this number of acknowledgements. Leaving alone is no failure; members that left before need not
    /// be told.
    fn left(&self, acknowledged: u32) -> Stopped {
        let lost = matches!(self.leave, Leaving::Until { lost: true, .. });
        let company = || lock(&self.shared.node).members().next().is_some_and(|m| m.status().is_live());
        if acknowledged == 0 && (lost || company()) {
            return Err(LeaveError::Unacknowledged);
        }
        Ok(Left { acknowledged })
    }

    fn wait_for(&self, now: Instant, more: bool) -> Turn {
        let mut until = match self.leave {
            // Past its end it waits for the view to be written.
            Leaving::Until { end, .. } if now < end => self.next_tick.min(end),
            Leaving::Until { .. } | Leaving::Done(_) => self.next_tick,
            Leaving::No => self.next_tick.min(self.seeds.next()),
        };
        until = self.keeper.as_ref().map_or(until, |keeper| until.min(keeper.next()));
        let rest = self.receiving.resting_until();
        let readable = now >= rest;
        if !readable {
            until = until.min(rest);
        }
        until = until.min(self.alarm);
        if more {
            until = now;
        }
        Turn { until, readable, writable: !self.backlog.is_empty() }
    }
}

/// Whether an event is for subscribers of their own, who get its payload.
fn is_for_others(event: &Event) -> bool {
    matches!(
        event,
        Event::UserEvent { .. } | Event::Asked { .. } | Event::Answered { .. } | Event::AskFailed { .. }
    )
}

/// The members that the file of the view has, no more than there is room for, and what came of reading it.
fn read_view(file: Option<&ViewFile>, options: &Options) -> (Vec<Record>, Restored) {
    let max_age = options.config.tombstone_ttl / 2;
    match file.map_or(Ok(None), |file| file.read(SystemTime::now(), max_age)) {
        Ok(None) => (Vec::new(), Restored::Nothing),
        Ok(Some(mut records)) => {
            records.truncate(options.capacity.saturating_sub(1));
            let members = records.len();
            (records, Restored::Members(members))
        }
        Err(error) => (Vec::new(), Restored::Ignored(error)),
    }
}

/// The address as the socket wants it: one of IPv6 takes IPv4 addresses in their mapped form only.
fn outward(to: SocketAddr, local: SocketAddr) -> SocketAddr {
    match to.ip() {
        IpAddr::V4(ip) if local.is_ipv6() => SocketAddr::new(ip.to_ipv6_mapped().into(), to.port()),
        _ => to,
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.shared.end(Err(LeaveError::DriverDropped));
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("id", &self.shared.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
