//! Where the socket is registered, and for what.

use mio::{Interest, Registry, Token, event::Source};
use std::io;

/// A registration with the user's `Poll`. Writable is added only while packets wait for it: otherwise every
/// packet that leaves the socket's buffer would end a wait of the loop.
pub(crate) struct Registration {
    registry: Registry,
    token: Token,
    /// What the user registered the driver for.
    interests: Interest,
    wants_writable: bool,
}

impl Registration {
    pub(crate) fn new(registry: &Registry, token: Token, interests: Interest) -> io::Result<Self> {
        Ok(Self { registry: registry.try_clone()?, token, interests, wants_writable: false })
    }

    /// Waits for room in the socket, or no longer does.
    pub(crate) fn want_writable(&mut self, source: &mut impl Source, wanted: bool) -> io::Result<()> {
        if wanted != self.wants_writable {
            let interests = if wanted { self.interests | Interest::WRITABLE } else { self.interests };
            source.reregister(&self.registry, self.token, interests)?;
            self.wants_writable = wanted;
        }
        Ok(())
    }
}
