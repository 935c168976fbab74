//! What can be done to hosts and to the network.

use super::{Input, Watch, World};
use crate::engine::{HostId, Keys, Micros, NEVER, Rule, RuleId, State, host::Host};
use gossip_core::{
    ConfigError, CredentialsError, Health, Heap, Identity, Instant, KeyError, Node, Outbox, Output, Signing,
    SigningKey, StateError, Terms, ValueError,
};
use std::{collections::VecDeque, net::SocketAddr, time::Duration};

/// With what a restarted host remembers its earlier lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Epoch {
    /// It persisted its epoch, and its clock is right.
    Persisted,
    /// It lost its epoch, and its clock is right.
    Lost,
    /// It lost its epoch, and its clock is this many seconds behind.
    ClockBehind(u32),
}

/// Where a host starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Address {
    /// Where it was before.
    Own,
    /// At an address that no one had before.
    New,
    /// At this address of the world's. Whoever still runs there hears nothing any more.
    At(SocketAddr),
}

/// How a host is started again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Restart {
    /// Where.
    pub address: Address,
    /// What it knows of its earlier lives.
    pub epoch: Epoch,
}

impl<W: Watch> World<W> {
    /// Tells a host to join through others, at the addresses that they have now.
    pub fn join(&mut self, host: HostId, seeds: &[HostId]) {
        let seeds: Vec<SocketAddr> =
            seeds.iter().filter_map(|&seed| self.hosts.get(seed as usize)).map(|seed| seed.address).collect();
        self.join_at(host, &seeds);
    }

    /// Tells a host to join through whoever is at these addresses.
    pub fn join_at(&mut self, host: HostId, seeds: &[SocketAddr]) {
        self.command(host, |node, now, out| node.join(now, seeds, out));
    }

    /// Tells a host to leave; it stops by itself when enough others know.
    pub fn leave(&mut self, host: HostId) {
        self.command(host, |node, now, out| node.leave(now, out));
    }

    /// Changes what a host says of its health.
    pub fn set_health(&mut self, host: HostId, health: Health) {
        self.command(host, |node, now, out| node.set_health(now, health, out));
    }

    /// A host publishes a value under a key; nothing happens where it does not run.
    ///
    /// # Errors
    /// A limit of the core.
    pub fn publish(&mut self, host: HostId, key: &str, value: &[u8], terms: Terms) -> Result<(), StateError> {
        self.try_command(host, |node, now, out| node.publish(now, key, value, terms, out))
    }

    /// A host withdraws a key; nothing happens where it does not run.
    ///
    /// # Errors
    /// A limit of the core.
    pub fn withdraw(&mut self, host: HostId, key: &str) -> Result<(), StateError> {
        self.try_command(host, |node, now, out| node.withdraw(now, key, out))
    }

    /// A host sends an event to all members; nothing happens where it does not run.
    ///
    /// # Errors
    /// A limit of the core.
    pub fn send_event(&mut self, host: HostId, payload: &[u8]) -> Result<(), StateError> {
        self.try_command(host, |node, now, out| node.send_event(now, payload, out))
    }

    /// A host says its pulse; nothing happens where it does not run.
    ///
    /// # Errors
    /// A limit of the core.
    pub fn pulse(&mut self, host: HostId, blob: &[u8]) -> Result<(), StateError> {
        self.try_command(host, |node, now, out| node.pulse(now, blob, out))
    }

    /// A host sets a cluster-wide key, or deletes it; nothing happens where it does not run.
    ///
    /// # Errors
    /// A limit of the core.
    pub fn write_value(&mut self, host: HostId, key: &str, value: Option<&[u8]>) -> Result<(), ValueError> {
        self.try_command(host, |node, now, out| match value {
            Some(value) => node.set_value(now, key, value, out),
            None => node.delete_value(now, key, out),
        })
    }

    /// Writes other keys to a host's file, and lets its node take them, if it runs; it may not take less than its members need,
    /// unless it is `force`d.
    ///
    /// # Errors
    /// What the node says to them. Its own keys are as they were, and begin with those of the file in its next life.
    pub fn set_keys(&mut self, host: HostId, keys: Keys, force: bool) -> Result<(), KeyError> {
        self.hosts[host as usize].keys = keys;
        let Some(ring) = keys.ring() else { return Ok(()) };
        self.try_command(host, |node, now, out| node.set_keys(now, ring, keys.sealing, force, out))
    }

    /// Lets a host sign, and ask this of others, now if it runs, and in its next lives; it may not cut off live members that do
    /// not sign, unless it is `force`d.
    ///
    /// # Errors
    /// What the node says to that. It goes on as before, and begins with it in its next life.
    pub fn sign(&mut self, host: HostId, signing: Signing, force: bool) -> Result<(), CredentialsError> {
        let at = &mut self.hosts[host as usize];
        at.signing = Some(signing);
        let owner = self.ids.get(&at.id).copied().unwrap_or(host);
        let credentials = self.notary.credentials((at.id, owner), signing, at.sybil);
        let Some(credentials) = credentials else { return Ok(()) };
        self.try_command(host, |node, now, out| node.set_identity(now, credentials, force, out))
    }

    /// The key that a host signs with, whether it does or not.
    pub(crate) fn signing_key(&self, host: HostId) -> SigningKey {
        self.notary.key(host)
    }

    /// A host announces a pause.
    pub fn announce_pause(&mut self, host: HostId, pause: Micros) {
        let pause = Duration::from_micros(pause);
        self.command(host, |node, now, out| node.announce_pause(now, pause, out));
    }

    /// Stops a host's process without a word.
    pub fn crash(&mut self, host: HostId) {
        let at = &mut self.hosts[host as usize];
        at.state = State::Down;
        for packet in at.inbox.drain(..).chain(at.outbox.drain(..)) {
            self.wire.counts.dropped += 1;
            self.wire.packets.free(packet);
        }
    }

    /// Starts a host again under its name, in its next life; after a crash, if it still runs. It knows no one.
    ///
    /// # Errors
    /// A configuration that the core refuses.
    pub fn restart(&mut self, host: HostId, restart: Restart) -> Result<(), ConfigError> {
        self.crash(host);
        let (unix, now) = (self.unix(), self.wire.now);
        let persisted = self.hosts[host as usize].epoch;
        let epoch = match restart.epoch {
            Epoch::Persisted => unix.max(persisted + 1),
            Epoch::Lost => unix,
            Epoch::ClockBehind(seconds) => unix.saturating_sub(seconds),
        };
        let Host { id, address, locality, clock, .. } = self.hosts[host as usize];
        let address = self.wire.place(host, restart.address, address);
        let node = self.start(Identity { id, epoch, address, locality }, clock, now)?;
        let at = &mut self.hosts[host as usize];
        self.wire.counts.sealing = self.wire.counts.sealing.and(at.node.metrics());
        self.wire.counts.signing = self.wire.counts.signing.and(at.node.metrics());
        at.next_tick = clock.global(node.next_tick());
        (at.node, at.address) = (node, address);
        (at.epoch, at.state, at.born) = (epoch, State::Running, now);
        (at.life, at.busy_until, at.blocked_until) = (at.life + 1, 0, 0);
        self.equip(host, now);
        self.schedule(host);
        Ok(())
    }

    /// Stops a host as a whole for a while: its input queues up, and then is all there at once.
    pub fn pause(&mut self, host: HostId, pause: Micros) {
        let until = self.wire.now + pause;
        let at = &mut self.hosts[host as usize];
        if !at.is_running() {
            return;
        }
        at.busy_until = at.busy_until.max(until);
        // Which of its timer and its socket a driver sees first is luck.
        at.socket_first = self.wire.rng.chance(0.5);
        self.schedule(host);
    }

    /// Cuts a host's process from its socket for a while: both directions queue up, while its timers run.
    pub fn block(&mut self, host: HostId, pause: Micros) {
        let until = self.wire.now + pause;
        let at = &mut self.hosts[host as usize];
        at.blocked_until = at.blocked_until.max(until);
        self.schedule(host);
    }

    /// Makes every step of a host cost so much time.
    pub fn set_step_cost(&mut self, host: HostId, cost: Micros) {
        self.hosts[host as usize].step_cost = cost;
    }

    /// Makes a host's clock go too fast, by parts per million (negative: too slow).
    pub fn set_drift(&mut self, host: HostId, ppm: i32) {
        let now = self.wire.now;
        let at = &mut self.hosts[host as usize];
        at.clock.set_drift(now, ppm);
        at.next_tick = at.clock.global(at.node.next_tick());
        self.schedule(host);
    }

    /// Hands a host's node a datagram at once, whoever it claims to be from; returns how many bytes that draws there.
    pub fn inject(&mut self, host: HostId, from: SocketAddr, bytes: &mut [u8]) -> usize {
        self.drawn = Some((from, 0));
        if self.hosts.get(host as usize).is_some_and(Host::is_running) {
            self.step(host, Input::Datagram, |node, now, out| node.handle_datagram(now, from, bytes, out));
            self.schedule(host);
        }
        self.drawn.take().map_or(0, |(_, drawn)| drawn)
    }

    /// Remembers a host's node as it is, as a snapshot of its machine.
    pub fn snapshot(&mut self, host: HostId) {
        let at = &mut self.hosts[host as usize];
        at.snapshot = Some(Box::new(at.node.clone()));
    }

    /// A host goes on from its snapshot, if it runs and has one.
    pub fn restore(&mut self, host: HostId) {
        let at = &mut self.hosts[host as usize];
        let Some(node) = at.snapshot.clone().filter(|_| at.is_running()) else { return };
        at.node = *node;
        at.next_tick = at.clock.global(at.node.next_tick());
        self.schedule(host);
    }

    /// A copy of a host's machine runs on beside it, with all that its node has, at an address of its own that the node does not
    /// know of.
    pub fn clone_host(&mut self, of: HostId) -> HostId {
        let host = self.hosts.len() as HostId;
        let address = self.wire.fresh_address(host);
        let Host { id, locality, node, state, epoch, keys, signing, sybil, clock, next_tick, .. } =
            &self.hosts[of as usize];
        let (id, locality, node, state) = (*id, *locality, node.clone(), *state);
        let (epoch, keys, clock, next_tick) = (*epoch, *keys, *clock, *next_tick);
        let (signing, sybil, born) = (*signing, *sybil, self.wire.now);
        let Host { step_cost, uplink, .. } = self.hosts[of as usize];
        let (inbox, outbox) = (VecDeque::new(), VecDeque::new());
        self.hosts.push(Host {
            id,
            address,
            first_address: address,
            locality,
            node,
            state,
            life: 1,
            born,
            epoch,
            keys,
            signing,
            sybil,
            clock,
            next_tick,
            wake: NEVER,
            busy_until: 0,
            blocked_until: 0,
            socket_first: false,
            step_cost,
            uplink,
            uplink_free: 0,
            inbox,
            outbox,
            ticks: (0, 0),
            snapshot: None,
        });
        self.schedule(host);
        host
    }

    /// Puts a rule in force.
    pub fn add_rule(&mut self, rule: &Rule) -> RuleId {
        self.wire.network.add_rule(rule)
    }

    /// Ends a rule.
    pub fn remove_rule(&mut self, rule: RuleId) {
        self.wire.network.remove_rule(rule);
    }

    fn command(
        &mut self,
        host: HostId,
        call: impl for<'o> FnOnce(&mut Node<Heap>, Instant, &'o mut Outbox<'_>) -> Output<'o>,
    ) {
        if self.hosts.get(host as usize).is_some_and(Host::is_running) {
            self.step(host, Input::Command, call);
            self.schedule(host);
        }
    }

    fn try_command<E>(
        &mut self,
        host: HostId,
        call: impl for<'o> FnOnce(&mut Node<Heap>, Instant, &'o mut Outbox<'_>) -> Result<Output<'o>, E>,
    ) -> Result<(), E> {
        if self.hosts.get(host as usize).is_some_and(Host::is_running) {
            self.try_step(host, Input::Command, call)?;
            self.schedule(host);
        }
        Ok(())
    }
}
