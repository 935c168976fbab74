//! A write through a handle, without the driver.

use crate::{lock::lock, notice::Notice, shared::Shared, value::PublishError};
use gossip_core::{Buffer, Heap, Instant, Node, Outbox, Output};
use std::time::SystemTime;

/// What a write needs, though few send anything: room for a datagram, and for the events of one.
type WriteBuffer = Buffer<2, 256, 2_800>;

impl Shared {
    /// Writes, posts what comes of it, and lets the driver know that there is something to tell.
    pub(crate) fn write<E: Into<PublishError>>(
        &self,
        write: impl for<'o> FnOnce(&mut Node<Heap>, Instant, &'o mut Outbox<'_>) -> Result<Output<'o>, E>,
    ) -> Result<(), PublishError> {
        if self.board.has_ended() {
            return Err(PublishError::Stopped);
        }
        let mut buffer: Box<WriteBuffer> = Box::default();
        let (notices, packets): (Vec<_>, Vec<_>) = {
            let mut out = buffer.outbox();
            let mut node = lock(&self.node);
            // As part of the last step, so to say: nothing else is due at that time, and no clock is needed that only the
            // driver has.
            let now = node.now();
            let output = write(&mut node, now, &mut out).map_err(E::into)?;
            let notices = output.events().iter().map(|&event| Notice::new(event, &node, SystemTime::now()));
            let packets = output.packets().map(|packet| (packet.to, Box::from(packet.bytes)));
            (notices.collect(), packets.collect())
        };
        self.board.post(notices.into_iter());
        self.inbox.ask(|requests| {
            requests.written = true;
            requests.add_packets(packets);
        });
        Ok(())
    }
}
