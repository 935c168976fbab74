//! A write through a handle, without the driver.

use crate::{lock::lock, notice::Notice, shared::Shared, value::PublishError};
use gossip_core::{Buffer, Heap, Instant, Node, Outbox, Output};
use std::time::{Duration, SystemTime};

/// What a write needs, though few send anything: room for a datagram, and for the events of one.
type WriteBuffer = Buffer<2, 256, 2_800>;

impl Shared {
    /// Writes, posts what comes of it, and lets the driver know that there is something to tell.
    pub(crate) fn write<E: Into<PublishError>>(
        &self,
        write: impl for<'o> FnOnce(&mut Node<Heap>, Instant, &'o mut Outbox<'_>) -> Result<Output<'o>, E>,
    ) -> Result<(), PublishError> {
        self.step(write).map_or(Err(PublishError::Stopped), |written| written.map_err(E::into))
    }

    /// The same for any step; `None` once the driver has ended.
    pub(crate) fn step<E>(
        &self,
        step: impl for<'o> FnOnce(&mut Node<Heap>, Instant, &'o mut Outbox<'_>) -> Result<Output<'o>, E>,
    ) -> Option<Result<(), E>> {
        if self.board.has_ended() {
            return None;
        }
        let mut buffer: Box<WriteBuffer> = Box::default();
        let (notices, packets): (Vec<_>, Vec<_>) = {
            let mut out = buffer.outbox();
            let mut node = lock(&self.node);
            let now = writing_time(&node, (self.clock)());
            let output = match step(&mut node, now, &mut out) {
                Ok(output) => output,
                Err(error) => return Some(Err(error)),
            };
            let notices = output.events().iter().map(|&event| Notice::new(event, &node, SystemTime::now()));
            let packets = output.packets().map(|packet| (packet.to, Box::from(packet.bytes)));
            (notices.collect(), packets.collect())
        };
        self.board.post(notices.into_iter());
        self.inbox.ask(|requests| {
            requests.written = true;
            requests.add_packets(packets);
        });
        Some(Ok(()))
    }
}

/// The time of a write when the clock shows `now`: that, but before anything else is due, and not before the last step. What is
/// due is the driver's to do, since it has the room to send what comes of it; and a driver that is late must find itself late,
/// however often handles write meanwhile.
fn writing_time(node: &Node<Heap>, now: Instant) -> Instant {
    let before_due = node.next_tick() - Duration::from_micros(1);
    now.min(before_due).max(node.now())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Engine, Handle, Key, Options, testing::FakeTransport};
    use gossip_core::{ClusterName, Config};
    use std::{
        io,
        sync::{
            Arc,
            atomic::{AtomicU64, Ordering},
        },
    };

    const PORT: Key<u16> = Key::new("port");

    /// A node, and its clock in µs.
    fn started() -> (Handle, Engine, Arc<AtomicU64>) {
        let options = Options::new("node", Config::lan(ClusterName::named("write").unwrap()));
        let clock = Arc::<AtomicU64>::default();
        let shown = Arc::clone(&clock);
        let now = move || time(&shown);
        let (node, engine) = Engine::start(options, ([127, 0, 0, 1], 7946).into(), now).unwrap();
        (node, engine, clock)
    }

    fn time(clock: &AtomicU64) -> Instant {
        Instant::ZERO + Duration::from_micros(clock.load(Ordering::Relaxed))
    }

    fn turn(engine: &mut Engine, clock: &AtomicU64) {
        let mut transport = FakeTransport {
            now: time(clock),
            receive_error: Some(io::ErrorKind::WouldBlock),
            ..FakeTransport::default()
        };
        assert!(engine.turn(&mut transport).is_continue());
    }

    fn now(node: &Handle) -> Instant {
        lock(&node.0.node).now()
    }

    #[test]
    fn a_write_is_as_old_as_its_call_not_as_the_last_step() {
        let (node, mut engine, clock) = started();
        turn(&mut engine, &clock);
        let due = lock(&node.0.node).next_tick();
        clock.store(due.as_micros() - 1, Ordering::Relaxed);
        assert!(now(&node) < time(&clock));
        node.publish(&PORT, &1).unwrap();
        assert_eq!(now(&node), time(&clock));
    }

    #[test]
    fn a_driver_that_was_held_up_finds_itself_late_whatever_was_written() {
        let (node, mut engine, clock) = started();
        turn(&mut engine, &clock);
        for second in 1..=10 {
            clock.store(second * 1_000_000, Ordering::Relaxed);
            // Too many writes are refused, which is no matter here.
            let _ = node.publish(&PORT, &1);
        }
        assert!(now(&node) < Instant::from_millis(1_000), "nothing that was due is done");
        turn(&mut engine, &clock);
        assert_eq!(now(&node), Instant::from_millis(10_000));
        assert_eq!(node.metrics().local_pauses, 1);
    }
}
